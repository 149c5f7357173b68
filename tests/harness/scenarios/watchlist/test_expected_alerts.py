"""FPIR over all watchlists: against every list one by one, with each person gone, and against lists drawn at random."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from faceparity.harness.comparisons.tally import Pairs
from faceparity.harness.scenarios.watchlist.expected_alerts import CrowdSearches, expected
from faceparity.harness.scenarios.watchlist.simulate import draw, draws, spread
from faceparity.harness.scenarios.watchlist.study_population import Study, searches_of_frames, searches_of_images

GROUP = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1], np.int32)
Chances = dict[tuple[int, int], float]


def by_person(chances: Chances) -> CrowdSearches:
    person, starts, target, chance = [], [0], [], []
    for i in range(GROUP.size):
        whom = sorted((j for j in range(GROUP.size) if (i, j) in chances), key=lambda j: (GROUP[j], j))
        if whom:
            person.append(i)
            target += whom
            chance += [chances[i, j] for j in whom]
            starts.append(len(target))
    return CrowdSearches(
        np.array(person, np.int32), np.ones(len(person)), np.array(starts, np.int64), np.array(target, np.int32), np.array(chance)
    )


def every_list(chances: Chances, alive: list[int], listed: list[int]) -> list[tuple[float, float]]:
    """FPIR and selectivity of each group: for each person every list of the others, one by one."""
    out = []
    for g in (0, 1):
        means = []
        for i in (i for i in alive if GROUP[i] == g):
            pools = [[j for j in alive if GROUP[j] == h and j != i] for h in (0, 1)]
            lists = product(*(combinations(pool, min(n, len(pool))) for pool, n in zip(pools, listed, strict=True)))
            each = [[chances.get((i, j), 0.0) for part in parts for j in part] for parts in lists]
            means.append((np.mean([1 - np.prod([1 - c for c in one]) for one in each]), np.mean([sum(one) for one in each])))
        fpir, found = np.mean(means, axis=0)
        out.append((float(fpir), float(found)))
    return out


@pytest.mark.parametrize("listed", [[2, 1], [1, 2], [3, 0], [4, 1], [0, 2]])
@pytest.mark.parametrize("sure", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_against_every_list(listed: list[int], sure: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    chances: Chances = {}
    for i, j in combinations(range(GROUP.size), 2):
        if rng.random() < 0.5:
            chances[i, j], chances[j, i] = (1.0, 1.0) if sure else rng.choice([0.25, 0.5, 1.0], 2)
    found = expected(by_person(chances), GROUP, np.array(listed))
    whole = every_list(chances, list(range(GROUP.size)), listed)
    np.testing.assert_allclose(found.fpir, [x[0] for x in whole], atol=1e-12)
    np.testing.assert_allclose(found.selectivity, [x[1] for x in whole], atol=1e-12)
    for gone in range(GROUP.size):
        left = every_list(chances, [i for i in range(GROUP.size) if i != gone], listed)
        np.testing.assert_allclose(found.without[:, gone], [x[0] for x in left], atol=1e-12)


def make_study(seed: int, people: int = 24, images: int = 3, unknown: int = 2) -> tuple[Study, Pairs]:
    """People of two groups with one to `images` templates, some templates of nobody, and matches at random."""
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(0, 2, people)).astype(np.int32)
    of = np.repeat(np.arange(people, dtype=np.int32), rng.integers(1, images + 1, people))
    person = rng.permutation(np.concatenate([of, np.full(unknown, -1, np.int32)])).astype(np.int32)
    a, b = np.triu_indices(person.size, 1)
    kept = (person[a] != person[b]) & (person[a] >= 0) & (person[b] >= 0) & (rng.random(a.size) < 0.06)
    found = Pairs.of(a[kept], b[kept], np.ones(int(kept.sum()), np.float32))
    n = np.bincount(of)
    return Study(person, group, n, n, np.zeros(2, np.int64), unknown, 0, 2), found


@pytest.mark.parametrize("every_image", [False, True])
@pytest.mark.parametrize("frames", [1, 2])
def test_lists_drawn_at_random_have_the_same_mean(every_image: bool, frames: int) -> None:
    study, found = make_study(5, images=1 if frames == 1 else 3)
    if frames == 1:
        study, found = make_study(5)
        searches = searches_of_images(study, found, every_image)
    else:
        keep = study.images >= frames
        number = np.where(keep, np.cumsum(keep) - 1, -1).astype(np.int32)
        person = np.where(study.person >= 0, number[study.person], -1).astype(np.int32)
        found = found.where((person[found.a] >= 0) & (person[found.b] >= 0))
        study = Study(
            person, study.group[keep], study.images[keep], study.attempted[keep], study.people_failed, 0, 0, 2
        )  # fmt: skip
        searches = searches_of_frames(study, found, frames, every_image, 0)
    listed = np.array([3, 4])
    exact = expected(searches, study.group, listed, jackknife=False).fpir
    drawn = draws(study, listed, found, frames, every_image, 6000, 1)
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (exact > 0.1).all()
    np.testing.assert_array_less(np.abs(drawn.mean(axis=0) - exact), 4.5 * error)


def test_nobody_on_the_list_is_searched_for_and_lists_are_as_long_as_declared() -> None:
    """Everybody matches everybody, so all who are off the list are stopped, also where the list has only one group."""
    people = 12
    person = np.arange(people, dtype=np.int32)
    group = (person >= 6).astype(np.int32)
    a, b = np.triu_indices(people, 1)
    found = Pairs.of(a, b, np.ones(a.size, np.float32))
    one = np.ones(people, np.int64)
    study = Study(person, group, one, one, np.zeros(2, np.int64), 0, 0, 2)
    rng = np.random.default_rng(0)
    assert draw(study, np.array([5, 0]), found, 1, False, rng).tolist() == [1.0, 1.0]
    assert np.isnan(draw(study, np.array([6, 0]), found, 1, False, rng)[0])
    within = found.where(group[found.a] == group[found.b])
    assert draw(study, np.array([5, 0]), within, 1, False, rng).tolist() == [1.0, 0.0]
    assert expected(searches_of_images(study, within, False), group, np.array([5, 0])).fpir.tolist() == [1.0, 0.0]


def test_spread_is_undefined_where_a_draw_is() -> None:
    assert spread(np.array([0.1, np.nan])) is None
    assert spread(np.empty(0)) is None
    assert spread(np.array([0.2] * 40)) == (0.2, 0.2)


def test_many_matches_keep_their_chances() -> None:
    """A thousand matches of one search: nothing overflows, and the chance of a hit is that of the hypergeometric."""
    n, k, listed = 3000, 1000, 5
    person = np.array([0], np.int32)
    group = np.zeros(n, np.int32)
    target = np.arange(1, k + 1, dtype=np.int32)
    from scipy import stats

    for chance in (1.0, 0.5):
        searches = CrowdSearches(person, np.ones(1), np.array([0, k]), target, np.full(k, chance))
        hit = expected(searches, group, np.array([listed])).fpir[0] * n
        count = np.arange(listed + 1)
        want = 1 - (stats.hypergeom.pmf(count, n - 1, k, listed) * (1 - chance) ** count).sum()
        assert hit == pytest.approx(want, rel=1e-9)
