"""Runs of toy models with their private parts, as `faceparity run` leaves them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.evaluation.with_exclusions import evaluate_without
from faceparity.harness.options import Options
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.private_part import write_exclusions, write_private
from faceparity.harness.runs.result_files import write_results
from faceparity.harness.templates.extract import Templates
from faceparity.harness.templates.store import Store
from tests.harness import toy

OPTIONS = Options(by=("gender", "ethnicity"), targets=(1e-2,))


def models(dataset: Dataset, n: int, *, noise: float = 0.3, failed: float = 0.04, twin: bool = True) -> list[Templates]:
    """Templates of `n` models that see much the same in a face, each failing on some images; one image is there twice."""
    first = toy.make_templates(dataset, 2)
    rng = np.random.default_rng(9)
    pixels = list(first.pixels)
    if twin:
        pixels[40] = pixels[10]
    out = []
    for k in range(n):
        vectors = (
            first.vectors if k == 0 else (first.vectors + k * noise * rng.normal(size=first.vectors.shape)).astype(np.float32)
        )
        vectors = vectors.copy()
        if twin:
            vectors[40] = vectors[10]
        ok = np.random.default_rng(3 + k).random(dataset.n_samples) >= failed
        kept = np.flatnonzero(ok)
        status = np.where(ok, "ok", "no_face")
        out.append(
            replace(first, status=status, vectors=vectors[kept], samples=kept.astype(np.int64), pixels=tuple(pixels),
                    model_fingerprint=f"{k:064x}")
        )  # fmt: skip
    return out


def write_run(
    folder: Path,
    dataset: Dataset,
    templates: Templates,
    name: str,
    *,
    options: Options = OPTIONS,
    published: float = 0.5,
    excluded: Excluded | None = None,
    private: bool = True,
) -> Result:
    """One result in `folder`/DATASET/MODEL."""
    card = toy.make_card(published=published).model_copy(update={"name": name})
    out = excluded or Excluded()
    outcome = evaluate_without(dataset, card, templates, options, out)
    place = folder / "data" / name.replace("/", "_")[:40]
    place.mkdir(parents=True)
    write_results(outcome.evaluated.evaluation, place)
    if private:
        with Store() as store:
            write_private(place / "private", outcome.dataset, outcome.templates, outcome.evaluated, store)
            if out:
                write_exclusions(place / "private", dataset, out, store)
    return Result(outcome.evaluated.evaluation, place)
