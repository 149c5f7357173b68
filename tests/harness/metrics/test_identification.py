"""Rates of 1:N searches against plain loops over lists of candidates, ties and failures included."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.harness.metrics import identification as ident

NAN = math.nan


def loop(score: np.ndarray, probes: np.ndarray, gallery: np.ndarray, t: float, r: int | None) -> dict[str, float]:
    """Counts, search by search, as the definitions read."""
    n = dict.fromkeys(("false", "candidates", "non_mated", "failed_non_mated", "miss", "mated", "failed_mated"), 0)
    for row, who in zip(score.tolist(), probes.tolist(), strict=True):
        entries = [(s, subject == who) for s, subject in zip(row, gallery.tolist(), strict=True)]
        made = [(s, own) for s, own in entries if not math.isnan(s)]
        if not any(own for _, own in entries):
            n["non_mated"] += 1
            n["failed_non_mated"] += not made
            found = [s for s, _ in made if s >= t]
            n["false"] += bool(found)
            n["candidates"] += len(found)
            continue
        n["mated"] += 1
        mates = [s for s, own in made if own]
        if not mates:
            n["failed_mated"] += 1
            continue
        ordered = sorted(made, key=lambda x: (-x[0], x[1]))  # of equal scores the mate comes last
        place = 1 + [own for _, own in ordered].index(True)
        n["miss"] += max(mates) < t or (r is not None and place > r)
    return n


@st.composite
def blocks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Few different scores and people, so that ties, several entries of one person, and failures are common."""
    n, g = draw(st.integers(1, 12)), draw(st.integers(1, 8))
    cell = st.sampled_from([NAN, 0.1, 0.2, 0.25, 0.7])
    score = np.array(draw(st.lists(cell, min_size=n * g, max_size=n * g)), np.float32).reshape(n, g)
    people = [np.array(draw(st.lists(st.integers(0, 5), min_size=k, max_size=k)), np.int32) for k in (n, g)]
    return score, people[0], people[1]


def share(errors: float, made: float) -> float | None:
    return errors / made if made else None


@settings(max_examples=300)
@given(blocks(), st.sampled_from([-math.inf, 0.1, 0.2, 0.21, 0.7, 0.8]), st.sampled_from([None, 1, 2, 5]))
def test_against_loops(block: tuple[np.ndarray, np.ndarray, np.ndarray], t: float, r: int | None) -> None:
    score, probes, gallery = block
    rounded = float(np.float32(t))
    want = loop(score, probes, gallery, rounded, r)
    s = ident.search(score, probes, gallery)
    cut = len(probes) // 2
    parts = [ident.search(score[x], probes[x], gallery) for x in (slice(0, cut), slice(cut, None))]
    for a, b in zip(s, ident.join_searches(parts), strict=True):
        np.testing.assert_array_equal(a, b)
    non_mated, mated = want["non_mated"] - want["failed_non_mated"], want["mated"] - want["failed_mated"]
    assert ident.fpir(s, t) == (share(want["false"], non_mated), share(want["false"], want["non_mated"]))
    assert ident.fnir(s, t, r) == (share(want["miss"], mated), share(want["miss"] + want["failed_mated"], want["mated"]))
    found = ident.candidates(score, probes, gallery, [t])[:, 0]
    assert ident.selectivity(s, found) == (share(want["candidates"], non_mated), share(want["candidates"], want["non_mated"]))
    if mated:
        misses = [loop(score, probes, gallery, -math.inf, k)["miss"] for k in (1, 2, 8)]
        hits = ident.hit_rates(s, (1, 2, 8))
        assert [x.excluding for x in hits] == pytest.approx([1 - m / mated for m in misses])
        assert [x.including for x in hits] == pytest.approx([(mated - m) / want["mated"] for m in misses])


def test_a_tie_counts_against_the_mate() -> None:
    s = ident.search(np.array([[0.5, 0.5, 0.4], [0.5, 0.6, 0.6]]), np.array([7, 7]), np.array([7, 1, 2]))
    assert s.rank.tolist() == [2, 3]
    assert ident.hit_rates(s, (1, 2, 3)) == [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]


def test_failures_both_ways() -> None:
    """A probe without template, a mate without one, and a stranger without one."""
    score = np.array([[NAN, NAN, NAN], [0.9, NAN, 0.8], [0.1, NAN, 0.9], [NAN, NAN, NAN], [0.3, NAN, 0.2]], np.float32)
    s = ident.search(score, np.array([1, 2, 3, 9, 9]), np.array([1, 2, 3]))
    assert s.failed.tolist() == [True, True, False, True, False]
    assert ident.fnir(s, 0.5) == (0.0, 2 / 3)
    assert ident.fpir(s, 0.3) == (1.0, 0.5)
    assert ident.fpir(s, 0.31) == (0.0, 0.0)


@settings(max_examples=200)
@given(st.lists(st.sampled_from([0.1, 0.3, 0.35, 0.6, 0.9]), min_size=10, max_size=60), st.sampled_from([0.2, 0.35, 0.5, 0.9]))
def test_the_threshold_is_the_smallest_observed_one(tops: list[float], target: float) -> None:
    score = np.array(tops, np.float32)[:, None]
    s = ident.search(score, np.zeros(len(tops), np.int32), np.ones(1, np.int32))
    found = ident.threshold_at_fpir(s, target)
    if len(tops) * target < 10:
        assert found == (None, None, "too_few_comparisons_for_target", math.ceil(10 / target))
        return
    allowed = [t for t in sorted(set(tops)) if sum(x >= t for x in tops) / len(tops) <= target * (1 + 1e-9)]
    if not allowed:
        assert found == (None, None, "target_out_of_reach", None)
        return
    assert found.threshold == allowed[0]
    assert found.achieved == ident.fpir(s, allowed[0]).excluding == sum(x >= allowed[0] for x in tops) / len(tops)


def test_no_searches_are_no_rates() -> None:
    s = ident.search(np.empty((0, 3), np.float32), np.empty(0, np.int32), np.arange(3))
    assert ident.fpir(s, 0.5) == ident.fnir(s, 0.5) == ident.selectivity(s, np.empty(0, np.int64)) == (None, None)
    assert ident.hit_rates(s, [1]) == [(None, None)]
    assert ident.threshold_at_fpir(s, 0.1).reason == "too_few_comparisons_for_target"


def test_an_empty_gallery_fails_every_search() -> None:
    s = ident.search(np.empty((2, 0), np.float32), np.arange(2), np.empty(0, np.int32))
    assert s.failed.all()
    assert not s.mated.any()
    assert ident.fpir(s, 0.5) == (None, 0.0)
