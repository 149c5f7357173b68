"""Exact FPIR over all possible watchlists: a mean over them needs no draws.

Of each group h of n_h people N_h are drawn without replacement, the person searched for excepted. Of a search that matches k
people of the group, none is on the list with the chance C(n_h - k, N_h)/C(n_h, N_h); where of each listed person one image is
drawn, a match has the chance of that image, and the chance of none is found by going through the k people one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.numba_cache import njit

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class CrowdSearches:
    """Searches of a crowd and whom they match, sorted by search, then by the group of the person matched.

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
    """Means over all lists, for G groups and P people.

    fpir: float64[G], of the people of each group, each weighing the same; nan without people. without: float64[G, P], likewise with
    each person gone from crowd and list; empty without the jackknife. selectivity: float64[G], mean number of people matched.
    """

    fpir: F64
    without: F64
    selectivity: F64


def expected(searches: CrowdSearches, group: I32, listed: I64, *, jackknife: bool = True) -> Expected:
    """Return the mean FPIR and selectivity of each group.

    group: int32[P], of each person. listed: int64[G], how many people of each group are on the list. jackknife: also with each
    person left out.
    """
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
    """Return the mean number of listed people matched, by group.

    Σ of the matches' chances times those of being listed: exact for any dependence between matches. nan without people.
    """
    of = np.repeat(np.arange(searches.person.size), np.diff(searches.starts))
    own, theirs = group[searches.person[of]], group[searches.target]
    drawn = np.minimum(1.0, listed[theirs] / np.maximum(1, people[theirs] - (own == theirs)))
    total = np.bincount(own, searches.weight[of] * searches.chance * drawn, people.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(people > 0, total / people, np.nan)


def _without(searches: CrowdSearches, group: I32, people: I64, total: F64, hit: F64, less_other: F64, less_target: F64) -> F64:
    """Return each group's FPIR with each person left out.

    float64[G, P]; the person may have searched, been on the list, or both. less_other: float64[n, G], what each search's chance
    gains by one fewer in a group who did not match; less_target: float64[m].
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
def _chance_of_none(people: int, drawn: int, chance: F64, skip: int) -> float:
    """Return the chance that no listed person is matched.

    `drawn` of `people` are listed, of whom those in `chance` may match, each with its chance. skip: the index of one left out.
    """
    if drawn <= 0:
        return 1.0
    state = np.zeros(min(drawn, chance.size) + 1)
    state[0] = 1.0
    at = 0
    for i in range(chance.size):
        if i == skip:
            continue
        left = people - at
        for taken in range(min(at + 1, state.size - 1), 0, -1):
            go, stay = (drawn - taken + 1) / left, 1.0 - (drawn - taken) / left
            state[taken] = state[taken] * max(0.0, stay) + state[taken - 1] * max(0.0, min(1.0, go)) * (1.0 - chance[i])
        state[0] *= max(0.0, 1.0 - drawn / left)
        at += 1
    return float(state.sum())


@njit()
def _chance_of_none_if_certain(n: int, drawn: int, k: int) -> float:
    """Return `_chance_of_none` where all k match for certain.

    C(n - k, drawn)/C(n, drawn).
    """
    out = 1.0
    for i in range(k):
        if n - drawn - i <= 0:
            return 0.0
        out *= (n - drawn - i) / (n - i)
    return out


@njit()
def _chances_of_none_without_each(people: int, drawn: int, chance: F64) -> F64:
    """Return `_chance_of_none` with each match left out, float64[k].

    people: without the one left out. Forward through the matches before it, backward through those after: a separate pass for each
    would take k times as long.
    """
    k = chance.size
    out = np.empty(k)
    after = np.ones((k + 1, k + 1))
    for i in range(k - 1, 0, -1):  # at index i - 1 of those left
        left = people - (i - 1)
        for taken in range(k):
            go = min(1.0, max(0.0, (drawn - taken) / left))
            after[i, taken] = (1.0 - go) * after[i + 1, taken] + go * (1.0 - chance[i]) * after[i + 1, taken + 1]
    before = np.zeros(k + 1)
    before[0] = 1.0
    for j in range(k):
        total = 0.0
        for taken in range(k):
            total += before[taken] * after[j + 1, taken]
        out[j] = total
        left = max(1, people - j)
        for taken in range(k - 1, -1, -1):
            go = min(1.0, max(0.0, (drawn - taken) / left))
            before[taken + 1] += before[taken] * go * (1.0 - chance[j])
            before[taken] *= 1.0 - go
    return out


@njit()
def _searched(
    person: I32, starts: I64, target: I32, chance: F64, group: I32, people: I64, listed: I64, jackknife: bool
) -> tuple[F64, F64, F64]:
    """Return each search's chance of a match, and its changes.

    Of each search the chance; by how much it changes with one person fewer in a group who does not match, float64[n, G]; and with
    each of those gone who do, float64[m].
    """
    n_groups = people.size
    hit = np.zeros(person.size)
    less_other = np.zeros((person.size if jackknife else 0, n_groups))
    less_target = np.zeros(target.size if jackknife else 0)
    none = np.ones(n_groups)
    first = np.zeros(n_groups + 1, np.int64)
    for search in range(person.size):
        own = group[person[search]]
        none[:] = 1.0
        at = starts[search]
        for h in range(n_groups):
            first[h] = at
            while at < starts[search + 1] and group[target[at]] == h:
                at += 1
            matched = at - first[h]
            if matched == 0 or listed[h] == 0:
                continue
            people_of_group = people[h] - (1 if h == own else 0)
            drawn = min(listed[h], people_of_group)
            mine = chance[first[h] : at]
            none[h] = (
                _chance_of_none_if_certain(people_of_group, drawn, matched)
                if mine.min() >= 1.0
                else _chance_of_none(people_of_group, drawn, mine, -1)
            )
        first[n_groups] = at
        hit[search] = 1.0 - none.prod()
        if not jackknife:
            continue
        for h in range(n_groups):
            matched = first[h + 1] - first[h]
            if matched == 0 or listed[h] == 0:
                continue
            others = 1.0
            for other in range(n_groups):
                if other != h:
                    others *= none[other]
            people_of_group = people[h] - (1 if h == own else 0) - 1
            drawn = min(listed[h], max(0, people_of_group))
            mine = chance[first[h] : first[h + 1]]
            sure = mine.min() >= 1.0
            if people_of_group >= matched:
                fewer = (
                    _chance_of_none_if_certain(people_of_group, drawn, matched)
                    if sure
                    else _chance_of_none(people_of_group, drawn, mine, -1)
                )
                less_other[search, h] = (none[h] - fewer) * others
            if sure:
                less_target[first[h] : first[h + 1]] = (
                    none[h] - _chance_of_none_if_certain(people_of_group, drawn, matched - 1)
                ) * others
            else:
                less_target[first[h] : first[h + 1]] = (
                    none[h] - _chances_of_none_without_each(people_of_group, drawn, mine)
                ) * others
    return hit, less_other, less_target
