"""What must hold of any score file: order and names don't matter; people without errors lower a rate, and never make it certain."""

from __future__ import annotations

import json
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from faceparity.harness import results
from faceparity.harness.options import Options
from faceparity.harness.score_files.evaluate import evaluate_scores
from faceparity.harness.verification.threshold import threshold_bootstrap

pytestmark = pytest.mark.slow

THRESHOLD = 0.5


class Rows(NamedTuple):
    """One sample of each person of each of two ages or so; columns of equal length."""

    a: np.ndarray
    b: np.ndarray
    score: np.ndarray
    group_a: np.ndarray
    group_b: np.ndarray

    def pick(self, order: np.ndarray) -> Rows:
        return Rows(*(column[order] for column in self))


def everybody(sizes: list[int], seed: int, p: float, images: int = 1) -> Rows:
    """All pairs of the people of each group, `images` rows a pair, errors where a score is at least one half; a tenth empty."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    pairs = [(i, j) for i, j in combinations(range(group.size), 2)] + [(i, i) for i in range(group.size)]
    a, b = np.repeat(np.asarray(pairs).T, images, axis=1)
    wrong = rng.random(a.size) < np.where(group[a] == group[b], p * (1 + group[a]), p / 4)
    score = np.where(wrong ^ (a == b), 0.5, 0.0) + rng.integers(0, 50, a.size) / 100
    return Rows(a, b, np.where(rng.random(a.size) < 0.02, np.nan, score), group[a], group[b])


def measure(rows: Rows, people: np.ndarray, groups: np.ndarray, targets: tuple[float, ...] = ()) -> results.Evaluation:
    """Through a file. people, groups: names by number."""
    columns = {
        "subject_a": people[rows.a], "subject_b": people[rows.b], "mated": rows.a == rows.b,
        "score": pa.array(rows.score.astype(np.float32), from_pandas=True),
        "kind_a": groups[rows.group_a], "kind_b": groups[rows.group_b],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.parquet"
        pa.parquet.write_table(pa.table(columns), path)
        return evaluate_scores(path, Options(targets=targets, threshold=THRESHOLD))


def said(e: results.Evaluation) -> str:
    """All but when, with what, and from which bytes."""
    tree = json.loads(results.to_json(e))
    for name in ("provenance", "model"):
        del tree[name]
    del tree["dataset"]["digest"]
    return json.dumps(tree)


def names(n: int, prefix: str) -> np.ndarray:
    return np.asarray([f"{prefix}{k:04d}" for k in range(n)])


sizes = st.lists(st.integers(31, 64), min_size=2, max_size=3)


@settings(max_examples=4)
@example(sizes=[60, 36], seed=0, images=2)
@given(sizes=sizes, seed=st.integers(0, 999), images=st.integers(1, 2))
def test_the_order_of_rows_and_sides_does_not_matter(sizes, seed, images) -> None:
    rows = everybody(sizes, seed, 0.02, images)
    rng = np.random.default_rng(seed)
    people, groups = names(sum(sizes), "p"), names(len(sizes), "g")
    mixed = rows.pick(rng.permutation(rows.a.size))
    swap = rng.random(rows.a.size) < 0.5
    mixed = Rows(
        np.where(swap, mixed.b, mixed.a), np.where(swap, mixed.a, mixed.b), mixed.score,
        np.where(swap, mixed.group_b, mixed.group_a), np.where(swap, mixed.group_a, mixed.group_b),
    )  # fmt: skip
    assert said(measure(mixed, people, groups, (0.05,))) == said(measure(rows, people, groups, (0.05,)))


@settings(max_examples=4)
@given(sizes=sizes, seed=st.integers(0, 999))
def test_new_names_in_the_same_order_change_only_the_names(sizes, seed) -> None:
    rows = everybody(sizes, seed, 0.02)
    first = said(measure(rows, names(sum(sizes), "p"), names(len(sizes), "groupAAA"), (0.05,)))
    second = said(measure(rows, names(sum(sizes), "somebody"), names(len(sizes), "groupZZZ"), (0.05,)))
    assert "groupAAA" in first
    assert second == first.replace("groupAAA", "groupZZZ")


def rates(e: results.Evaluation, known: dict[str, str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rates, contrasts and group sizes by place, with the groups' names translated; names of both sides in order."""
    out: dict[tuple[Any, ...], dict[str, Any]] = {}
    for point in e.groupings[0].operating_points:
        out[point.origin, "threshold"] = {"threshold": point.threshold, "achieved_fmr": point.achieved_fmr}
        for name in ("fmr", "fnmr", "fmr_matrix"):
            for r in getattr(point, name):
                pair = tuple(sorted((known[r.group], known[r.group_b or r.group])))
                kept = ("comparisons", "errors", "rate", "rate_including_failures", "interval", "effective_errors", "reason")
                out[point.origin, name, pair] = {k: getattr(r, k) for k in kept}
        for c in point.contrasts:
            kept = ("ratio", "interval", "p", "p_holm", "verdict", "reason")
            out[point.origin, c.measure, known[c.group], known[c.reference]] = {k: getattr(c, k) for k in kept}
    return out


@settings(max_examples=4)
@given(sizes=st.permutations([31, 40, 52, 64]).map(lambda s: s[:3]), seed=st.integers(0, 999))
def test_other_names_permute_the_results(sizes, seed) -> None:
    """Sizes differ, so that the reference group is the same whatever it is called."""
    rows = everybody(sizes, seed, 0.02)
    rng = np.random.default_rng(seed)
    people, groups = names(sum(sizes), "p"), names(len(sizes), "g")
    other = groups[rng.permutation(len(sizes))]
    first = rates(measure(rows, people, groups, (0.05,)), {g: g for g in groups})
    second = rates(measure(rows, people[rng.permutation(people.size)], other, (0.05,)), dict(zip(other, groups, strict=True)))
    assert first.keys() == second.keys()
    for place, values in first.items():
        for name, value in values.items():
            near = isinstance(value, float | tuple)
            assert second[place][name] == (pytest.approx(value, rel=1e-9) if near else value), (place, name)


@settings(max_examples=8)
@given(size=st.integers(50, 60), more=st.integers(1, 12), seed=st.integers(0, 999), p=st.sampled_from([0.0, 0.001, 0.01, 0.3]))
def test_people_without_errors_lower_a_rate_and_leave_it_a_width(size, more, seed, p) -> None:
    """Newcomers to the first group match nobody but themselves."""
    rows = everybody([size + more, 55], seed, p)
    new = (rows.a >= size) & (rows.a < size + more) | (rows.b >= size) & (rows.b < size + more)
    harmless = np.where(new & (rows.a == rows.b), 0.9, np.where(new, 0.1, rows.score))
    rows = rows._replace(score=harmless)
    people, groups = names(size + more + 55, "p"), names(2, "g")
    (before,), (after,) = (
        measure(chosen, people, groups).groupings[0].operating_points for chosen in (rows.pick(np.flatnonzero(~new)), rows)
    )
    for measured in ("fmr", "fnmr"):
        old, now = (next(r for r in getattr(point, measured) if r.group == groups[0]) for point in (before, after))
        assert now.errors == old.errors
        assert now.subjects == old.subjects + more or measured == "fnmr"
        if not old.errors:
            assert now.bounds is not None
            assert old.bounds is not None
            assert 0 < now.bounds.independent < old.bounds.independent
            assert 0 < now.bounds.worst_case <= old.bounds.worst_case
            continue
        assert 0 < now.rate < old.rate
        assert now.interval is not None, now
        low, high = now.interval
        assert low <= now.rate < high
        assert low < now.rate or now.status == "bound"
    # Of the others only what like groups lend them changes: the design effect, and an upper end not below the bound of few errors.
    lent = {"design_effect", "interval", "df", "method", "bounds"}
    unchanged = [[r.model_dump(exclude=lent) for r in point.fmr if r.group == groups[1]] for point in (before, after)]
    assert unchanged[0] == unchanged[1]


@pytest.mark.parametrize("most", [6_000_000, 12_000_000, 1_000_000_000])
def test_groups_with_unlike_numbers_of_replicates_are_still_compared(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is limited, so of a group with more rows fewer replicates are drawn: the claims that compare two groups take what both have."""
    monkeypatch.setattr(threshold_bootstrap, "MOST_WORK", most)
    rng = np.random.default_rng(3)
    of, values = np.repeat(np.arange(2), (200, 150)), np.asarray(["Black", "White"])
    a, b = np.asarray(
        [(i, j) for i, j in combinations(range(of.size), 2) if of[i] == of[j]] + [(i, i) for i in range(of.size)] * 9
    ).T
    score = np.where(a == b, rng.normal(0.5, 0.2, a.size), rng.normal(0.2, 0.15, a.size)).astype(np.float32)
    people = names(of.size, "p")
    table = pa.table(
        {
            "subject_a": people[a], "subject_b": people[b], "mated": a == b, "score": score,
            "sample_a": names(a.size, "x"), "sample_b": names(a.size, "y"),
            "ethnicity_a": values[of[a]], "ethnicity_b": values[of[b]],
        }
    )  # fmt: skip
    e = evaluate_scores(table, Options(targets=(0.05,)))
    klare = next(c for c in e.claims if c.name == "eff-klare-black")
    own = next(r for r in klare.readings if r.reading == "as_measured").tests[0]
    assert own.threshold != own.reference_threshold
    assert (own.ratio is None) == (most < 10_000_000), own
