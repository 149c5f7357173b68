"""Why a figure is missing, decided from the counts that it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from faceparity.harness import results
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM

CELLS_TOO_SMALL = frozenset({"no_cells", "cells_too_small", "cells_few_mated"})
"""Reasons that a run by fewer attributes would not have."""


def why_no_mean(comparisons: Sequence[int], people: Sequence[int], mated: bool) -> results.Reason:
    """Return why there is no mean over cells.

    comparisons, people: of each cell; without people, these are not known to be too few. mated: whether the comparisons are mated
    ones. Only for cells of which one is too small: see `SHOWN_FROM`.

    Examples:
        >>> why_no_mean([0, 0], [40, 40], mated=True), why_no_mean([0, 500], [40, 40], mated=True)
        ('no_mated_pairs', 'cells_few_mated')
        >>> why_no_mean([90, 500], [10, 40], mated=True), why_no_mean([], [], mated=False)
        ('cells_too_small', 'no_cells')
    """
    if not comparisons:
        return "no_cells"
    if not any(comparisons):
        return "no_mated_pairs" if mated else "zero_comparisons"
    return "cells_few_mated" if mated and min(people, default=SHOWN_FROM) >= SHOWN_FROM else "cells_too_small"


def why_few_groups(reasons: Sequence[results.Reason | None], subjects: Sequence[int], shown: int) -> results.Reason | None:
    """Return why an index has too few groups; None if two are shown.

    reasons, subjects: of every group. shown: how many have a rate. With none shown it is the reason of all, or of most.

    Examples:
        >>> why_few_groups(["no_mated_pairs", "no_mated_pairs"], [0, 0], shown=0), why_few_groups([None, None], [40, 20], shown=1)
        ('no_mated_pairs', 'one_group')
        >>> why_few_groups([None, None], [20, 20], shown=0)
        'too_few_subjects'
    """
    if shown >= 2:
        return None
    if shown == 1:
        return "one_group"
    each: list[results.Reason] = [
        reason or "too_few_subjects"
        for reason, people in zip(reasons, subjects, strict=True)
        if reason is not None or people < SHOWN_FROM
    ]
    return Counter(each).most_common(1)[0][0] if each else "too_few_subjects"


def why_not_tested(first: float, second: float, enough: bool) -> results.Reason:
    """Return why two models were not tested.

    first, second: their rates, or ratios to a reference. enough: whether both have errors enough, so that it is comparisons on which
    the two differ that are lacking.

    Examples:
        >>> why_not_tested(0.0, 0.1, False), why_not_tested(0.0, 0.0, False)
        ('first_zero_errors', 'zero_errors')
        >>> why_not_tested(0.2, 0.1, False), why_not_tested(0.2, 0.1, True)
        ('too_few_errors', 'too_few_discordant')
    """
    if first and second:
        return "too_few_discordant" if enough else "too_few_errors"
    if not first and not second:
        return "zero_errors"
    return "second_zero_errors" if first else "first_zero_errors"
