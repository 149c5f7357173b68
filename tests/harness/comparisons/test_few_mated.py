"""Mated comparisons that only a few people of a large group have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness.comparisons.few_mated import of_few_people
from faceparity.harness.comparisons.mated import mated_pairs
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.groups.groupings import make_cells, make_groupings
from faceparity.harness.options import Options
from tests.harness import toy


def leaks(kinds: Sequence[tuple[int, int]], people: Sequence[set[int]], groups: Sequence[Sequence[int]]) -> list[int]:
    """Numbers of people, 1 to 9, of every 0/1 combination of kinds of comparisons that follows, by trying all of them.

    kinds: the two cells. groups: cells of each published group.
    """
    rows = np.array([[1.0] * len(kinds), *([float(a in cells and b in cells) for a, b in kinds] for cells in groups)])
    masks = np.array(list(product((0.0, 1.0), repeat=len(kinds))))
    derivable = masks[np.abs(masks @ np.linalg.pinv(rows) @ rows - masks).max(axis=1) < 1e-6]
    sizes = [len(set().union(*(people[k] for k in np.flatnonzero(mask)))) for mask in derivable]
    return [size for size in sizes if 0 < size < 10]


@pytest.mark.parametrize("seed", range(25))
def test_no_sum_over_mated_comparisons_is_about_a_few(seed: int) -> None:
    """Labels of people, and in every other case one of images."""
    rng = np.random.default_rng(seed)
    people = int(rng.integers(40, 120))
    subjects = np.sort(rng.integers(0, people, int(rng.integers(people, 3 * people)))).astype(np.int32)
    of_people = rng.choice([-1, 0, 1], people, p=rng.dirichlet([0.5, 2, 2])).astype(np.int32)[subjects]
    other = rng.choice([0, 1], subjects.size if seed % 2 else people, p=[0.15, 0.85]).astype(np.int32)
    attributes = [Attribute("a", ("x", "y"), of_people), Attribute("b", ("x", "y"), other if seed % 2 else other[subjects])]
    cells = make_cells(attributes, subjects.size)
    groupings = make_groupings(cells)
    first, second = mated_pairs(subjects)
    kept = ~of_few_people(first, second, subjects, cells, groupings)
    pairs = np.sort(np.stack([cells.of_sample[first], cells.of_sample[second]], axis=1), axis=1)
    groups = [np.flatnonzero(grouping.of_cell == g).tolist() for grouping in groupings for g in range(grouping.n)]
    kinds = sorted({(int(a), int(b)) for a, b in pairs[kept]})
    of_kinds = [set(subjects[first[kept & (pairs == kind).all(axis=1)]].tolist()) for kind in kinds]
    assert not kinds or leaks(kinds, of_kinds, groups) == []


def made(public: bool = False) -> Dataset:
    """120 women with one image each, but for three, who have two like 60 men."""
    subjects = np.concatenate([np.arange(180), [0, 1, 2], np.arange(120, 180)]).astype(np.int32)
    dataset = toy.make_dataset(2, subjects.size, 1, public=public)
    gender = Attribute("gender", ("female", "male"), (subjects >= 120).astype(np.int32))
    return replace(dataset, subjects=subjects, attributes={"gender": gender})


def test_three_women_with_two_images_are_in_no_figure_on_mated_comparisons() -> None:
    options = Options(by=("gender",), threshold=0.5, targets=(0.05,))
    found = {}
    for public in (True, False):
        dataset = made(public)
        found[public] = evaluate(dataset, toy.make_card(), toy.make_templates(dataset, 1), options).evaluation
    shown, hidden = (found[public].groupings[0] for public in (True, False))
    assert [sum(curve.mated) for curve in shown.curves] == [3, 60]
    assert [sum(curve.mated) for curve in hidden.curves] == [0, 60]
    assert found[False].comparisons.mated == 60
    assert found[False].comparisons.left_out == {"identical_image": 0, "same_photo": 0, "few_people": 3}
    for before, after in zip(shown.operating_points, hidden.operating_points, strict=True):
        assert after.fmr == before.fmr, "their other comparisons stay"
        assert after.fnmr[1] == before.fnmr[1]
        assert (after.fnmr[0].reason, after.fnmr[0].subjects) == ("no_mated_pairs", 0)
        assert after.overall is not None
        assert after.overall.fnmr_all_pairs is not None
        assert after.overall.fnmr_all_pairs.errors == after.fnmr[1].errors
    assert [group.subjects for group in hidden.groups] == [120, 60]


@pytest.mark.parametrize("failed", [0.0, 0.3])
def test_failures_among_them_do_not_count_as_attempted(failed: float) -> None:
    """FRR of the men, and of all, is of the men's 60 comparisons alone."""
    dataset = made()
    templates = toy.make_templates(dataset, 1, failed=failed)
    point = evaluate(dataset, toy.make_card(), templates, Options(by=("gender",), threshold=0.5)).evaluation
    for rates in (point.groupings[0].operating_points[-1],):
        assert rates.overall is not None
        assert rates.overall.fnmr_all_pairs is not None
        assert rates.overall.fnmr_all_pairs.rate_including_failures == pytest.approx(rates.fnmr[1].rate_including_failures)
