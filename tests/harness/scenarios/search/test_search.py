"""Searches and small galleries: means over all galleries, held against drawing every one of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.scenarios.search import candidate_lists as c
from faceparity.harness.scenarios.search import random_galleries as d
from faceparity.harness.scenarios.search import search as s
from faceparity.harness.scenarios.search.enrolment import Enrolled, SearchTemplates

F32 = NDArray[np.float32]
Galleries = Iterator[tuple[int, ...]]


def people(rng: np.random.Generator, n: int, groups: NDArray[np.int32], images: int = 2) -> Enrolled:
    """n people, one image of each enrolled and `images` searched; vectors of whole numbers, so that scores tie."""
    centre = rng.integers(-2, 3, (n, 3)) * 2
    gallery = (centre + rng.integers(-1, 2, (n, 3))).astype(np.float32)
    probes = (np.repeat(centre, images, axis=0) + rng.integers(-2, 3, (n * images, 3))).astype(np.float32)
    who = np.arange(n, dtype=np.int32)
    whose = np.repeat(who, images)

    def side(x: F32, of: NDArray[np.int32]) -> SearchTemplates:
        return SearchTemplates(x, np.arange(len(x)), of, groups[of], np.full(len(x), -1))

    return Enrolled(side(gallery, who), side(probes, whose), np.zeros(len(probes), bool))


def every_gallery(people: list[int], stratum: NDArray[np.int32], quota: list[int], must: int | None) -> Galleries:
    """Every set of `quota` people of each stratum, with `must` in it if that is anybody."""
    parts = []
    for h, n in enumerate(quota):
        free = [p for p in people if stratum[p] == h and p != must]
        n -= int(must is not None and stratum[must] == h)
        parts.append(list(combinations(free, min(n, len(free)))))
    for chosen in product(*parts):
        yield tuple(sorted([p for part in chosen for p in part] + ([] if must is None else [must])))


class Brute:
    """All searches of some people in all galleries, one by one."""

    def __init__(self, enrolled: Enrolled, stratum: NDArray[np.int32], quota: list[int], without: int = -1) -> None:
        x, g = enrolled.probes, enrolled.gallery
        both = prepare(np.concatenate([x.vectors, g.vectors]), "euclidean")
        i, j = (v.ravel().astype(np.int32) for v in np.indices((x.tried, g.tried)))
        self.score = exact_scores(both, i, j + np.int32(x.tried), "euclidean").reshape(x.tried, g.tried)
        self.subjects, self.stratum, self.quota = x.subjects, stratum, quota
        self.people = [p for p in range(g.tried) if p != without]
        self.probes = [k for k in range(x.tried) if x.subjects[k] != without]

    def non_mated(self, k: int, threshold: float) -> tuple[float, float]:
        """Of probe k: FPIR over all galleries without its person, and the mean number of candidates."""
        others = [p for p in self.people if p != self.subjects[k]]
        found = [
            (self.score[k, list(g)] >= np.float32(threshold)).sum() for g in every_gallery(others, self.stratum, self.quota, None)
        ]
        return float(np.mean([f > 0 for f in found])), float(np.mean(found))

    def mated(self, k: int, rank: int, threshold: float) -> tuple[float, float]:
        """Of probe k: how often its person is below the threshold or beyond the rank, and how often somebody else is first and above."""
        mate, missed, other = int(self.subjects[k]), [], []
        for g in every_gallery(self.people, self.stratum, self.quota, mate):
            scores = np.array([self.score[k, p] for p in g if p != mate])
            place = 1 + int((scores >= self.score[k, mate]).sum())
            missed.append(self.score[k, mate] < np.float32(threshold) or place > rank)
            other.append(place > 1 and scores.max() >= np.float32(threshold))
        return float(np.mean(missed)), float(np.mean(other))

    def own_group(self, k: int, groups: NDArray[np.int32]) -> float:
        """Of probe k: how often the first of a gallery without its person is of its group; of equals the lower place is first."""
        others = [p for p in self.people if p != self.subjects[k]]
        first = [max(g, key=lambda p: (self.score[k, p], -p)) for g in every_gallery(others, self.stratum, self.quota, None)]
        return float(np.mean([groups[p] == groups[self.subjects[k]] for p in first]))


CASES = [([4], False), ([7], False), ([9], False), ([2, 3], True), ([0, 4], True), ([1, 1], True)]


@pytest.fixture(params=range(len(CASES)), ids=lambda k: f"{CASES[k]}")
def case(request: pytest.FixtureRequest) -> tuple[Enrolled, NDArray[np.int32], NDArray[np.int32], list[int]]:
    quota, stratified = CASES[request.param]
    rng = np.random.default_rng(request.param)
    groups = np.array([0, 1, 0, 1, 1, 0, 1, 0, 1], np.int32)
    enrolled = people(rng, 9, groups)
    return enrolled, groups, groups if stratified else np.zeros(9, np.int32), quota


def lists_of(enrolled: Enrolled, stratum: NDArray[np.int32], quota: list[int]) -> c.CandidateLists:
    return c.make_lists(enrolled, stratum, np.asarray(quota), "euclidean")


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [-4.5, -2.0, 0.0])
def test_fpir_and_selectivity_are_means_over_every_gallery(case: tuple, threshold: float) -> None:  # type: ignore[type-arg]
    enrolled, _, stratum, quota = case
    lists, brute = lists_of(enrolled, stratum, quota), Brute(enrolled, stratum, quota)
    want = np.array([brute.non_mated(k, threshold) for k in brute.probes])
    assert s.false_alarms(lists, threshold).value == pytest.approx(want[:, 0], abs=1e-9)
    assert (lists.above(threshold) * lists.drawn / np.maximum(1, lists.others)).sum(axis=1) == pytest.approx(want[:, 1], abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "threshold"), [(1, -9.0), (1, -2.0), (2, -9.0), (3, -3.0)])
def test_misses_and_mistakes_are_means_over_every_gallery_with_the_person(case: tuple, rank: int, threshold: float) -> None:  # type: ignore[type-arg]
    enrolled, _, stratum, quota = case
    lists, brute = lists_of(enrolled, stratum, quota), Brute(enrolled, stratum, quota)
    able = [k for k in brute.probes if quota[stratum[brute.subjects[k]]] > 0]
    want = np.array([brute.mated(k, rank, threshold) for k in able])
    assert lists.mated.nonzero()[0].tolist() == able
    assert s.misses(lists, rank, threshold).value[able] == pytest.approx(want[:, 0], abs=1e-9)
    assert s.mistaken(lists, threshold).value[able] == pytest.approx(want[:, 1], abs=1e-9)


def test_the_first_candidates_group_is_a_mean_over_every_gallery(case: tuple) -> None:  # type: ignore[type-arg]
    enrolled, groups, stratum, quota = case
    brute = Brute(enrolled, stratum, quota)
    run = run_of(enrolled, groups, stratum, quota)
    assert s.of_own_group(run).value == pytest.approx([brute.own_group(k, groups) for k in brute.probes], abs=1e-9)


def run_of(enrolled: Enrolled, groups: NDArray[np.int32], stratum: NDArray[np.int32], quota: list[int]) -> s._Run:
    lists = lists_of(enrolled, stratum, quota)
    two = SampleGrouping(("group",), ("a", "b"), (("a",), ("b",)), np.array([0, 1], np.int32))
    first = d.first_of_list(lists.stratum, lists.others, lists.drawn)
    gallery_group = c.groups_of(lists.gallery, two.of_cell)[lists.gallery.of]
    return s._Run(lists, two, c.groups_of(lists.probes, two.of_cell), gallery_group, first, 1)


def test_the_jackknife_is_what_each_search_would_come_to_without_each_person(case: tuple) -> None:  # type: ignore[type-arg]
    """A person may be gone from the probes, from every gallery, or from both."""
    enrolled, groups, stratum, quota = case
    run = run_of(enrolled, groups, stratum, quota)
    everybody, some = np.ones(enrolled.probes.tried, bool), enrolled.probes.cells == 1
    outcomes = {
        "fpir": s.false_alarms(run.lists, -2.0), "missed": s.misses(run.lists, 2, -5.0), "other": s.mistaken(run.lists, -5.0),
        "own": s.of_own_group(run),
    }  # fmt: skip
    for gone in range(9):
        brute = Brute(enrolled, stratum, quota, without=gone)
        able = [k for k in brute.probes if quota[stratum[brute.subjects[k]]] > 0]
        want = {
            "fpir": {k: brute.non_mated(k, -2.0)[0] for k in brute.probes},
            "missed": {k: brute.mated(k, 2, -5.0)[0] for k in able},
            "other": {k: brute.mated(k, 1, -5.0)[1] for k in able},
            "own": {k: brute.own_group(k, groups) for k in brute.probes},
        }
        for name, outcome in outcomes.items():
            for members in (everybody, some):
                found = c.sums(run.lists, outcome, members)
                at = np.flatnonzero(found.ids == gone)
                if at.size:
                    mine = [v for k, v in want[name].items() if members[k]]
                    assert found.errors_without[at[0]] == pytest.approx(sum(mine), abs=1e-9), (name, gone)
                    assert found.searches_without[at[0]] == len(mine)


def test_a_threshold_for_a_target_is_the_smallest_score_that_meets_it(case: tuple) -> None:  # type: ignore[type-arg]
    enrolled, groups, stratum, quota = case
    run = run_of(enrolled, groups, stratum, quota)
    everybody = np.ones(enrolled.probes.tried, bool)
    fpir = {
        float(t): c.estimate(run.lists, s.false_alarms(run.lists, float(t)), everybody).rate for t in np.unique(run.lists.score)
    }
    reachable = [t for t, rate in fpir.items() if rate is not None and 0 < rate <= 0.6]
    found = c.threshold_at_fpir(run.first, run.lists, 0.6, 1)
    if reachable:
        assert found[0] == pytest.approx(min(reachable))
        assert found[1] == pytest.approx(fpir[min(reachable)])
    assert c.threshold_at_fpir(run.first, run.lists, 0.01, 10)[2:] == ("too_few_comparisons_for_target", 1000)


def test_nobody_is_compared_with_themselves_or_with_the_same_photograph() -> None:
    groups = np.zeros(6, np.int32)
    enrolled = people(np.random.default_rng(1), 6, groups)
    same = enrolled.same_photo.copy()
    same[3] = True
    lists = lists_of(Enrolled(enrolled.gallery, enrolled.probes, same), groups, [6])
    for k in range(lists.n):
        assert lists.subjects[k] not in lists.place[k]
    assert (lists.others == 5).all()
    assert not lists.mated[3]
    assert lists.mated.sum() == lists.n - 1


def test_none_of_is_hypergeometric_and_quotas_add_up() -> None:
    from scipy import stats

    m, a, n = (v.ravel() for v in np.meshgrid([1, 5, 12], [0, 1, 3, 12], [0, 1, 4, 12]))
    keep = (a <= m) & (n <= m)
    m, a, n = m[keep], a[keep], n[keep]
    assert d.none_of(m, a, n) == pytest.approx(stats.hypergeom.pmf(0, m, a, n))
    cumulative = d.at_most(m[:, None], a[:, None], n[:, None], 3)
    assert cumulative == pytest.approx(stats.hypergeom.cdf(np.arange(4), m[:, None], a[:, None], n[:, None]))
    assert d.quotas(np.array([1 / 3, 1 / 3, 1 / 3]), 10).tolist() == [4, 3, 3]
    assert d.quotas(np.array([0.005, 0.995, 0.0]), 100).tolist() == [1, 99, 0]


def test_lists_that_are_too_short_say_how_much_they_miss_and_what_is_not_sure_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    groups = (np.arange(60) % 2).astype(np.int32)
    enrolled = people(np.random.default_rng(3), 60, groups)
    everybody, whole = np.zeros(60, np.int32), run_of(enrolled, groups, np.zeros(60, np.int32), [3])
    monkeypatch.setattr(c, "ENTRIES", 1)
    lists = c.make_lists(enrolled, everybody, np.array([3]), "euclidean", 10)
    assert (lists.place.shape[1], whole.lists.place.shape[1]) == (10, 60)
    short = run_of(enrolled, groups, everybody, [3])
    at = np.unique(whole.lists.score[:, :40])
    sure = c.unlisted(short.first, short.lists, at)
    assert c.unlisted(whole.first, whole.lists, at) == pytest.approx(0, abs=1e-9)
    for threshold, missing in zip(at.tolist(), sure, strict=True):
        from_lists = (short.first * (short.lists.score >= np.float32(threshold))).sum() / short.lists.n
        exact = s.false_alarms(whole.lists, threshold).value.mean()
        assert from_lists - 1e-9 <= exact <= from_lists + missing + 1e-9
        assert s.false_alarms(short.lists, threshold).value.mean() == pytest.approx(exact), "counted anew"
    for threshold in s._det_thresholds(short).tolist():
        fpir = s.false_alarms(whole.lists, threshold).value.mean()
        from_lists = (short.first * (short.lists.score >= np.float32(threshold))).sum() / short.lists.n
        assert from_lists == pytest.approx(fpir, rel=0.011)
    assert c.threshold_at_fpir(short.first, short.lists, 0.6, 1)[2] == "target_out_of_reach"
