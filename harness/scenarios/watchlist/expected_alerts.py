"""FPIR over all possible watchlists, exactly: no draws are needed for what is a mean over them.

Of each group h of n_h people N_h are drawn without replacement, the person searched for apart. Of a search that matches k people of
the group, none is on the list with the chance C(n_h - k, N_h)/C(n_h, N_h); where of each listed person one image is drawn, a match
has the chance of that image, and the chance of none is found by going through the k people one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.compiled import njit

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class CrowdSearches:
    """Searches of a crowd, and whom they match. Sorted by search, then by the group of the person matched.

    person, weight: of each search, int32[n], float64[n]; the weights of one person's searches sum to 1. starts: int64[n + 1], where
    the matches of each begin. target: int32[m], the person matched; chance: float64[m], that the image listed of them matches.
    Searches that match nobody may be left out.
    """

    person: I32
    weight: F64
    starts: I64
    target: I32
    chance: F64


@dataclass(frozen=True)
class Expected:
    """Means over all lists. G groups, P people.

    fpir: float64[G], of the people of each group, each weighing the same; nan without people. without: float64[G, P], likewise with
    each person gone from crowd and list; empty if it was not asked for. selectivity: float64[G], mean number of people matched.
    """

    fpir: F64
    without: F64
    selectivity: F64


def expected(searches: CrowdSearches, group: I32, listed: I64, *, jackknife: bool = True) -> Expected:
    """FPIR of each group. group: int32[P], of each person. listed: int64[G], how many people of each group are on the list."""
    n_groups = listed.size
    people = np.bincount(group, minlength=n_groups).astype(np.int64)
    hit, less_other, less_target = _searched(
        searches.person, searches.starts, searches.target, searches.chance, group, people, listed.astype(np.int64), jackknife
    )
    own = group[searches.person]
    total: F64 = np.bincount(own, searches.weight * hit, n_groups).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        fpir = np.where(people > 0, total / people, np.nan)
    without = _without(searches, group, people, total, hit, less_other, less_target) if jackknife else np.empty((n_groups, 0))
    return Expected(fpir, without, _selectivity(searches, group, people, listed))


def _selectivity(searches: CrowdSearches, group: I32, people: I64, listed: I64) -> F64:
    """Σ of the matches' chances times that of being listed: exact whatever the dependence."""
    of = np.repeat(np.arange(searches.person.size), np.diff(searches.starts))
    own, theirs = group[searches.person[of]], group[searches.target]
    drawn = np.minimum(1.0, listed[theirs] / np.maximum(1, people[theirs] - (own == theirs)))
    total = np.bincount(own, searches.weight[of] * searches.chance * drawn, people.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(people > 0, total / people, np.nan)


def _without(searches: CrowdSearches, group: I32, people: I64, total: F64, hit: F64, less_other: F64, less_target: F64) -> F64:
    """float64[G, P]: FPIR of each group with each person gone, who may have searched, been on the list, or both.

    less_other: float64[n, G], what each search's chance gains by one fewer in a group who did not match; less_target: float64[m].
    """
    n_groups, n_people = people.size, group.size
    person, weight = searches.person, searches.weight
    own = group[person]
    by_group = np.zeros((n_groups, n_groups))
    np.add.at(by_group, own, weight[:, None] * less_other)
    own_less = np.bincount(person, weight * less_other[np.arange(person.size), own], n_people)
    own_hit = np.bincount(person, weight * hit, n_people)
    of = np.repeat(np.arange(person.size), np.diff(searches.starts))
    change = np.zeros((n_groups, n_people))
    np.add.at(change, (own[of], searches.target), weight[of] * (less_target - less_other[of, group[searches.target]]))
    change += by_group[:, group] + total[:, None]
    everybody = np.arange(n_people)
    change[group, everybody] -= own_less + own_hit
    left = np.repeat(people[:, None], n_people, axis=1)
    left[group, everybody] -= 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(left > 0, change / left, np.nan)


@njit()
def _none(n: int, drawn: int, chance: F64, skip: int) -> float:
    """The chance that no listed person is matched: `drawn` of n are listed, of whom those in `chance` may match. skip: one left out."""
    if drawn <= 0:
        return 1.0
    state = np.zeros(min(drawn, chance.size) + 1)
    state[0] = 1.0
    at = 0
    for t in range(chance.size):
        if t == skip:
            continue
        left = n - at
        for m in range(min(at + 1, state.size - 1), 0, -1):
            go, stay = (drawn - m + 1) / left, 1.0 - (drawn - m) / left
            state[m] = state[m] * max(0.0, stay) + state[m - 1] * max(0.0, min(1.0, go)) * (1.0 - chance[t])
        state[0] *= max(0.0, 1.0 - drawn / left)
        at += 1
    return float(state.sum())


@njit()
def _none_sure(n: int, drawn: int, k: int) -> float:
    """`_none` where all k match for certain: C(n - k, drawn)/C(n, drawn)."""
    out = 1.0
    for t in range(k):
        if n - drawn - t <= 0:
            return 0.0
        out *= (n - drawn - t) / (n - t)
    return out


@njit()
def _none_without_each(n: int, drawn: int, chance: F64) -> F64:
    """float64[k]: `_none` of n people with each of those in `chance` left out. n: people that are left.

    Forward through those before, backward through those after: going through the k people anew for each would take k times as long.
    """
    k = chance.size
    out = np.empty(k)
    after = np.ones((k + 1, k + 1))
    for t in range(k - 1, 0, -1):  # at index t - 1 of those left
        left = n - (t - 1)
        for m in range(k):
            go = min(1.0, max(0.0, (drawn - m) / left))
            after[t, m] = (1.0 - go) * after[t + 1, m] + go * (1.0 - chance[t]) * after[t + 1, m + 1]
    before = np.zeros(k + 1)
    before[0] = 1.0
    for j in range(k):
        total = 0.0
        for m in range(k):
            total += before[m] * after[j + 1, m]
        out[j] = total
        left = max(1, n - j)
        for m in range(k - 1, -1, -1):
            go = min(1.0, max(0.0, (drawn - m) / left))
            before[m + 1] += before[m] * go * (1.0 - chance[j])
            before[m] *= 1.0 - go
    return out


@njit()
def _searched(
    person: I32, starts: I64, target: I32, chance: F64, group: I32, people: I64, listed: I64, jackknife: bool
) -> tuple[F64, F64, F64]:
    """Of each search the chance of a match; by how much it changes with one person fewer in a group who does not match, float64[n, G];
    and with each of those gone who do, float64[m]."""
    n_groups = people.size
    hit = np.zeros(person.size)
    less_other = np.zeros((person.size if jackknife else 0, n_groups))
    less_target = np.zeros(target.size if jackknife else 0)
    none = np.ones(n_groups)
    first = np.zeros(n_groups + 1, np.int64)
    for u in range(person.size):
        own = group[person[u]]
        none[:] = 1.0
        at = starts[u]
        for h in range(n_groups):
            first[h] = at
            while at < starts[u + 1] and group[target[at]] == h:
                at += 1
            k = at - first[h]
            if k == 0 or listed[h] == 0:
                continue
            n = people[h] - (1 if h == own else 0)
            drawn = min(listed[h], n)
            mine = chance[first[h] : at]
            none[h] = _none_sure(n, drawn, k) if mine.min() >= 1.0 else _none(n, drawn, mine, -1)
        first[n_groups] = at
        hit[u] = 1.0 - none.prod()
        if not jackknife:
            continue
        for h in range(n_groups):
            k = first[h + 1] - first[h]
            if k == 0 or listed[h] == 0:
                continue
            others = 1.0
            for x in range(n_groups):
                if x != h:
                    others *= none[x]
            n = people[h] - (1 if h == own else 0) - 1
            drawn = min(listed[h], max(0, n))
            mine = chance[first[h] : first[h + 1]]
            sure = mine.min() >= 1.0
            if n >= k:
                fewer = _none_sure(n, drawn, k) if sure else _none(n, drawn, mine, -1)
                less_other[u, h] = (none[h] - fewer) * others
            if sure:
                less_target[first[h] : first[h + 1]] = (none[h] - _none_sure(n, drawn, k - 1)) * others
            else:
                less_target[first[h] : first[h + 1]] = (none[h] - _none_without_each(n, drawn, mine)) * others
    return hit, less_other, less_target
