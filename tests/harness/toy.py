"""A data set, a model card and templates made of numbers, for tests of the evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceparity.datasets.schema.card import DatasetCard
from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness.models.base.card import ModelCard, PublishedThreshold, Score
from faceparity.harness.templates.extract import Templates


def make_dataset(
    seed: int, people: int, images: int, *, identity: str = "labelled", unlabelled: float = 0.0, public: bool = True
) -> Dataset:
    """`people` subjects with `images` samples each, gender × ethnicity drawn at random."""
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(people, dtype=np.int32), images)
    n = subjects.size
    if identity == "none":
        subjects = np.arange(n, dtype=np.int32)
    attributes = {}
    for name, values in (("gender", ("female", "male")), ("ethnicity", ("Black", "White"))):
        person = rng.integers(0, len(values), people).astype(np.int32)
        person[rng.random(people) < unlabelled] = -1
        attributes[name] = Attribute(name, values, np.repeat(person, images))
    card = DatasetCard(name="toy", title="Toy", identity=identity, labels_public=public, default_by=["gender", "ethnicity"])
    return Dataset(
        name="toy",
        card=card,
        root=Path("/nowhere"),
        files=tuple(f"{i:05d}.png" for i in range(n)),
        content=tuple(f"{i:064x}" for i in range(n)),
        subjects=subjects,
        identity=identity,
        attributes=attributes,
        digest="0" * 64,
    )


def make_templates(dataset: Dataset, seed: int, *, dimensions: int = 16, failed: float = 0.0, noise: float = 0.6) -> Templates:
    """Unit-free vectors: a direction per subject plus noise."""
    rng = np.random.default_rng(seed)
    n = dataset.n_samples
    ok = rng.random(n) >= failed
    centre = rng.normal(size=(int(dataset.subjects.max()) + 1, dimensions))
    vectors = (centre[dataset.subjects] + noise * rng.normal(size=(n, dimensions))).astype(np.float32)
    chosen = np.flatnonzero(ok)
    return Templates(
        status=np.where(ok, "ok", "no_face"),
        reasons=("",) * n,
        vectors=vectors[chosen],
        samples=chosen.astype(np.int64),
        faces=ok.astype(np.int32),
        pixels=tuple(f"{i:032x}" for i in range(n)),
        covariates={"face_size": np.where(ok, rng.normal(100, 10, n), np.nan)},
        extracted=0,
        model_fingerprint="f" * 64,
    )


def make_card(*, published: float | None = 0.5, same_person: float | None = 0.9) -> ModelCard:
    """A cosine model."""
    return ModelCard(
        name="toy_model", title="Toy model", licence="CC0-1.0", training_data="none", weights=[], detector="none", alignment="none",
        input="numbers", dimensions=16, score=Score(kind="cosine", unit="cosine similarity", sign=1, low=-1, high=1),
        published_threshold=None if published is None else PublishedThreshold(native=published, source="the test"),
        likely_same_person=same_person,
    )  # fmt: skip
