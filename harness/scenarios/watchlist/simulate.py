"""Lists drawn at random, one after the other: how far apart what they give lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.tally import Pairs
from faceparity.harness.scenarios.watchlist.expected_alerts import F64, I64
from faceparity.harness.scenarios.watchlist.study_population import Study

Rng = np.random.Generator


def draw(study: Study, listed: I64, found: Pairs, frames: int, every_image: bool, rng: Rng) -> F64:
    """float64[G]: the share of each group's people off one list who are stopped, nan where all are on it.

    Listed are people drawn from each group, with one image drawn of each, or all. Of everybody else `frames` images are searched.
    """
    on = np.zeros(study.group.size, bool)
    for g in np.flatnonzero(listed):
        members = np.flatnonzero(study.group == g)
        on[rng.choice(members, int(listed[g]), replace=False)] = True
    inside = study.person >= 0
    known = np.where(inside, study.person, 0)
    searched = inside & ~on[known] & (_places(study, rng) < frames)
    enrolled = inside & on[known]
    if not every_image:
        enrolled &= _places(study, rng) == 0
    stopped = np.zeros(study.group.size, bool)
    for a, b in ((found.a, found.b), (found.b, found.a)):
        stopped[study.person[a[searched[a] & enrolled[b]]]] = True
    off = np.bincount(study.group[~on], minlength=study.n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(off > 0, np.bincount(study.group[stopped], minlength=study.n_groups) / off, np.nan)


def _places(study: Study, rng: Rng) -> NDArray[np.int64]:
    """int64[n]: each template's place among those of its person, in an order drawn at random."""
    order = np.lexsort((rng.random(study.person.size), study.person))
    whose = study.person[order]
    first = np.searchsorted(whose, whose)
    places = np.empty(order.size, np.int64)
    places[order] = np.arange(order.size) - first
    return places


def draws(study: Study, listed: I64, found: Pairs, frames: int, every_image: bool, n: int, seed: int) -> F64:
    """float64[n, G]: `draw` n times."""
    rng = np.random.default_rng(seed)
    return np.stack([draw(study, listed, found, frames, every_image, rng) for _ in range(n)])


def spread(values: F64) -> tuple[float, float] | None:
    """Between which values 95 % of the draws lie; None where a draw has none. float64[n]."""
    if not values.size or np.isnan(values).any():
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
