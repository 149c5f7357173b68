"""Design effects for few errors: how much less a group's comparisons say than independent ones, learned from like groups.

A group with few errors cannot show how its errors go together: without an error its own design effect is 1, though the comparisons
of one person with many look-alikes go wrong together. So the correlations of two errors are taken from all groups at the same
threshold, and carried to each group's own numbers of comparisons. Checked by `python -m tests.benchmarks.few_errors`.

All functions are vectorised: groups are on the last axis, thresholds or repetitions on those before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

KNOWN_FROM = 10
"""Effective errors from which a group's own correlations are carried to the others."""


class Dependence(NamedTuple):
    """What one group's errors say of the correlation of two of its comparisons; float64[..., groups], or numbers.

    Of comparisons of one pair of subjects: pair_excess, S - M p(1 - p), over pair_scale, p(1 - p)(Σ M_ij² - M), is the correlation,
    and pair_load, Σ M_ij²/M - 1, what the design effect gains by a correlation of 1. shared_excess, shared_scale, shared_load:
    likewise of comparisons that share one subject, with C and Q = Σ M_i² - 2 Σ M_ij². own: the design effect by the group alone, at
    least 1. Notation as in `variance`.
    """

    errors: Array
    own: Array
    pair_excess: Array
    pair_scale: Array
    pair_load: Array
    shared_excess: Array
    shared_scale: Array
    shared_load: Array


def dependence(
    errors: Array,
    comparisons: Array,
    same_pair: Array,
    shared_subject: Array,
    pair_comparisons: Array,
    shared_comparisons: Array,
    correction: Array | float = 1.0,
) -> Dependence:
    """Return what errors say of the correlation of comparisons.

    same_pair: S; shared_subject: C, not clamped; pair_comparisons: Σ M_ij²; shared_comparisons: Q, as in `Dependence`.
    correction: of C for the subjects by which p is estimated, G(G - 1)/(G - 2)² within a group of G. All alike in shape.

    Examples:
        Five subjects, each pair compared once, an error in each comparison of the first: S = C = 2.4, and V_D/V_N = 4.8/2.4:

        >>> found = dependence(4.0, 10.0, 2.4, 2.4, 10.0, 60.0, correction=20 / 9)
        >>> [round(float(value), 6) for value in (found.own, found.pair_load, found.shared_excess / found.shared_scale)]
        [2.0, 0.0, 0.37037]
    """
    rate = errors / np.maximum(comparisons, 1)
    spread = rate * (1 - rate)
    binomial = comparisons * spread
    own = np.where(binomial > 0, (same_pair + np.maximum(shared_subject, 0)) / np.where(binomial > 0, binomial, 1), 1.0)
    return Dependence(
        np.asarray(errors, float),
        np.maximum(own, 1.0),
        same_pair - binomial,
        spread * (pair_comparisons - comparisons),
        pair_comparisons / np.maximum(comparisons, 1) - 1,
        shared_subject * correction,
        spread * shared_comparisons,
        shared_comparisons / np.maximum(comparisons, 1),
    )


def design_effects(groups: Dependence, sources: NDArray[np.bool_] | None = None) -> Array:
    """Return every group's design effect, at least 1.

    The largest of its own, that of all groups together, that of the groups of under 10 effective errors together, and those of each
    group of 10 or more; float64[..., groups]. sources: bool, like the groups: whose errors count as evidence (all).

    Examples:
        A correlation of 0.5 of the two comparisons of a pair, seen in the first group, also holds in the second, without errors:

        >>> two = Dependence(*(np.array(pair) for pair in (
        ...     [30.0, 0.0], [1.5, 1.0], [15.0, 0.0], [30.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0])))
        >>> design_effects(two).tolist()
        [1.5, 1.5]
    """
    used = np.ones(np.shape(groups.own), bool) if sources is None else sources
    known = groups.errors / groups.own >= KNOWN_FROM
    found = [groups.own, carried(groups, used), carried(groups, used & ~known), _carried_from_each(groups, used & known)]
    return np.asarray(np.maximum(1.0, np.stack(found).max(0)), float)


def carried(groups: Dependence, sources: NDArray[np.bool_]) -> Array:
    """Return the design effects by the sources' errors, taken together.

    float64[..., groups]; 1 without a source that has errors. sources: bool[..., groups].

    Examples:
        >>> one = Dependence(*(np.array([value]) for value in (30.0, 1.5, 15.0, 30.0, 3.0, 0.0, 0.0, 0.0)))
        >>> carried(one, np.array([True])).tolist(), carried(one, np.array([False])).tolist()
        ([2.5], [1.0])
    """
    weight = sources.astype(float)
    pair = _ratio((weight * groups.pair_excess).sum(-1), (weight * groups.pair_scale).sum(-1))
    shared = _ratio((weight * groups.shared_excess).sum(-1), (weight * groups.shared_scale).sum(-1))
    return 1 + pair[..., None] * groups.pair_load + shared[..., None] * groups.shared_load


def _carried_from_each(groups: Dependence, sources: NDArray[np.bool_]) -> Array:
    """Return the largest design effect by any one source."""
    pair = np.where(sources, _ratio(groups.pair_excess, groups.pair_scale), 0.0)
    shared = np.where(sources, _ratio(groups.shared_excess, groups.shared_scale), 0.0)
    largest = np.ones_like(groups.own)
    for source in range(pair.shape[-1]):
        by_source = 1 + pair[..., source, None] * groups.pair_load + shared[..., source, None] * groups.shared_load
        largest = np.maximum(largest, by_source)
    return largest


def _ratio(excess: Array, scale: Array) -> Array:
    """Return a correlation, at least 0; 0 where the scale is 0."""
    return np.asarray(np.maximum(0.0, np.where(scale > 0, excess / np.where(scale > 0, scale, 1.0), 0.0)), float)
