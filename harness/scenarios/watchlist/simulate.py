"""Simulated watchlists: how far results of lists drawn at random lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.tally import Pairs
from faceparity.harness.scenarios.watchlist.expected_alerts import F64, I64
from faceparity.harness.scenarios.watchlist.study_population import Study

Rng = np.random.Generator


def draw(study: Study, listed: I64, found: Pairs, frames: int, every_image: bool, rng: Rng) -> F64:
    """Draw one list; return each group's share stopped, float64[G].

    The share of its people off the list who are stopped, nan where all are on it. Listed are people drawn from each group, with one
    image drawn of each, or all. Of everybody else `frames` images are searched.
    """
    on = np.zeros(study.group.size, bool)
    for g in np.flatnonzero(listed):
        members = np.flatnonzero(study.group == g)
        on[rng.choice(members, int(listed[g]), replace=False)] = True
    inside = study.person >= 0
    known = np.where(inside, study.person, 0)
    searched = inside & ~on[known] & (_random_places(study, rng) < frames)
    enrolled = inside & on[known]
    if not every_image:
        enrolled &= _random_places(study, rng) == 0
    stopped = np.zeros(study.group.size, bool)
    for probes, gallery in ((found.a, found.b), (found.b, found.a)):
        stopped[study.person[probes[searched[probes] & enrolled[gallery]]]] = True
    off = np.bincount(study.group[~on], minlength=study.n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(off > 0, np.bincount(study.group[stopped], minlength=study.n_groups) / off, np.nan)


def _random_places(study: Study, rng: Rng) -> NDArray[np.int64]:
    """Return each template's place among its person's, int64[n].

    In an order drawn at random, from 0.
    """
    order = np.lexsort((rng.random(study.person.size), study.person))
    whose = study.person[order]
    first = np.searchsorted(whose, whose)
    places = np.empty(order.size, np.int64)
    places[order] = np.arange(order.size) - first
    return places


def draws(study: Study, listed: I64, found: Pairs, frames: int, every_image: bool, lists: int, seed: int) -> F64:
    """Simulate `draw` for a number of lists, float64[lists, G]."""
    rng = np.random.default_rng(seed)
    return np.stack([draw(study, listed, found, frames, every_image, rng) for _ in range(lists)])


def spread(values: F64) -> tuple[float, float] | None:
    """Return the range of the middle 95 % of draws.

    values: float64[n]. None where a draw has no value.
    """
    if not values.size or np.isnan(values).any():
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
