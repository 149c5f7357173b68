"""Exact tests and ratios of plain counts, as published figures come. They take people (or searches) as independent of each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .intervals import LEVEL, quantile_z


def hypergeometric_upper(people: int, of_group: int, flagged: int, flagged_of_group: int) -> float:
    """One-sided p: the chance of so many of the group, or more, among the flagged, had they been drawn blindly from all people."""
    from scipy import stats

    return float(stats.hypergeom.sf(flagged_of_group - 1, people, of_group, flagged))


def fisher_two_sided(people: int, of_group: int, flagged: int, flagged_of_group: int) -> float:
    """Two-sided exact p of the same counts: of all outcomes at most as likely as this one."""
    from scipy import stats

    others, other_flagged = people - of_group, flagged - flagged_of_group
    table = [[flagged_of_group, of_group - flagged_of_group], [other_flagged, others - other_flagged]]
    return float(stats.fisher_exact(table).pvalue)


class RiskRatio(NamedTuple):
    """A ratio of two shares with its interval (Katz's, on the log scale); None where a share is zero."""

    ratio: float
    interval: tuple[float, float]


def risk_ratio(errors: int, people: int, other_errors: int, other_people: int, level: float = LEVEL) -> RiskRatio | None:
    """Share of one group over the share of another, people independent of each other."""
    if not errors or not other_errors:
        return None
    ratio = (errors / people) / (other_errors / other_people)
    se = np.sqrt(1 / errors - 1 / people + 1 / other_errors - 1 / other_people)
    reach = np.exp(quantile_z(level) * se)
    return RiskRatio(ratio, (float(ratio / reach), float(ratio * reach)))


def weight_in_mean(mean: float, rate: float, other: float) -> float | None:
    """The share of people with `rate` of whom and of those with `other` a rate is the mean; None where it lies not between them."""
    if rate == other or not min(rate, other) <= mean <= max(rate, other):
        return None
    return (mean - other) / (rate - other)
