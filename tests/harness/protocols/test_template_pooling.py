"""Templates made of several samples: the vector of each set against a plain loop, and a list of them against counting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceparity.datasets.schema.dataset import Dataset, SetProtocol
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.options import Options
from faceparity.harness.protocols.template_pooling import pool
from faceparity.harness.templates.extract import Templates
from tests.harness.toy import make_card, make_dataset, make_templates


def by_loop(vectors: np.ndarray, rows: list[int], media: list[int]) -> np.ndarray | None:
    parts: dict[int, list[np.ndarray]] = {}
    for row, medium in zip(rows, media, strict=True):
        if row >= 0:
            parts.setdefault(medium, []).append(vectors[row])
    return np.mean([np.mean(part, axis=0) for part in parts.values()], axis=0) if parts else None


def test_a_video_counts_as_much_as_a_still() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 5)).astype(np.float32)
    sizes = [1, 2, 7, 3, 2]
    rows = rng.integers(-1, 40, sum(sizes))
    rows[-2:] = -1  # the last set has no template
    media = rng.integers(0, 3, sum(sizes)).astype(np.int32)
    of_set = np.repeat(np.arange(5), sizes)
    found, made = pool(vectors, rows, of_set, media, 5)
    assert made.tolist() == [bool((rows[of_set == k] >= 0).any()) for k in range(5)]
    assert not made[-1]
    for k in np.flatnonzero(made):
        want = by_loop(vectors, rows[of_set == k].tolist(), media[of_set == k].tolist())
        np.testing.assert_allclose(found[k], want, atol=1e-6)


def protocol(dataset: Dataset, seed: int) -> SetProtocol:
    """Two templates of each person, of 2 and 3 of their 5 samples; every enrolled one against every other."""
    rng = np.random.default_rng(seed)
    members, sizes = [], []
    for person in range(dataset.n_subjects):
        mine = rng.permutation(np.flatnonzero(dataset.subjects == person))
        members += mine[:5].tolist()
        sizes += [2, 3]
    a, b = (x.ravel() for x in np.meshgrid(np.arange(0, len(sizes), 2), np.arange(1, len(sizes), 2)))
    return SetProtocol(
        "1:1", "match.csv", np.array(members, np.int32), np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        rng.integers(0, 2, len(members)).astype(np.int32), a.astype(np.int32), b.astype(np.int32), a // 2 == b // 2, 7, (1e-2, 1e-9),
    )  # fmt: skip


@pytest.fixture(scope="module")
def toy() -> tuple[Dataset, Templates]:
    dataset = make_dataset(5, 70, 5)
    dataset = replace(dataset, set_protocols=(protocol(dataset, 5),))
    return dataset, make_templates(dataset, 5, failed=0.3, noise=1.5)


def test_a_list_of_sets(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    (p,) = dataset.set_protocols
    unit = templates.vectors / np.linalg.norm(templates.vectors, axis=1, keepdims=True)
    row = {int(s): i for i, s in enumerate(templates.samples)}
    vectors = []
    for k in range(p.starts.size - 1):
        part = slice(p.starts[k], p.starts[k + 1])
        v = by_loop(unit, [row.get(int(s), -1) for s in p.members[part]], p.media[part].tolist())
        vectors.append(np.full(unit.shape[1], np.nan) if v is None else v / np.linalg.norm(v))
    score = (np.stack(vectors)[p.a] * np.stack(vectors)[p.b]).sum(1)
    failed = np.isnan(score)
    assert 0 < failed.sum() < 0.3 * failed.size

    (found,) = evaluate(dataset, make_card(), templates, Options()).evaluation.protocols
    assert (found.mated, found.non_mated, found.missing) == (70, 70 * 69, 7)
    assert (found.failed_mated, found.failed_non_mated) == (int(failed[p.mated].sum()), int(failed[~p.mated].sum()))
    assert (found.subjects, found.contrary, found.repeated, found.identical_images) == (70, 0, 0, 0)
    assert found.verification is None
    point, refused = found.points  # the run's own thresholds are for templates of one image
    assert (point.origin, point.target_fmr, refused.reason) == ("protocol", 1e-2, "too_few_comparisons_for_target")
    other = np.sort(score[~failed & ~p.mated])
    assert point.fmr is not None
    assert point.fnmr is not None
    assert point.threshold is not None
    assert point.fmr.errors == (other >= point.threshold - 1e-6).sum() <= 1e-2 * other.size
    assert point.fnmr.errors == (score[~failed & p.mated] < point.threshold - 1e-6).sum()
    by_gender = next(g for g in point.groupings if g.attributes == ["gender"])
    gender = dataset.attributes["gender"].codes[p.members[p.starts[:-1]]]
    for value, name in enumerate(dataset.attributes["gender"].values):
        mine = (gender[p.a] == value) & (gender[p.b] == value) & ~failed
        rate = next(r for r in by_gender.fmr if r.group == name)
        assert rate.comparisons == (mine & ~p.mated).sum()
        assert rate.errors == (score[mine & ~p.mated] >= point.threshold - 1e-6).sum()


def test_the_members_of_one_person_in_two_groups_take_the_usual_one(toy: tuple[Dataset, Templates]) -> None:
    from faceparity.harness.protocols.template_pooling import _usual

    cell = np.array([2, 1, 1, 0, 3, 3, 0], np.int32)
    assert _usual(cell, np.array([0, 0, 0, 1, 1, 1, 2]), 3, 4).tolist() == [1, 3, 0]
    assert _usual(np.array([2, 1], np.int32), np.array([0, 0]), 1, 4).tolist() == [1]
