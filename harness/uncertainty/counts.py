"""Exact tests and ratios of plain counts, as figures are published. They take people (or searches) as independent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .intervals import LEVEL, quantile_z


def hypergeometric_upper(people: int, of_group: int, flagged: int, flagged_of_group: int) -> float:
    """Return the one-sided p of a group's flagged members.

    The chance of `flagged_of_group` or more of the group among the flagged, if these were drawn at random from all people.

    Examples:
        Of four people two are flagged, both of a group of two; 1 of 6 equally likely outcomes:

        >>> round(hypergeometric_upper(people=4, of_group=2, flagged=2, flagged_of_group=2), 4)
        0.1667
    """
    from scipy import stats

    return float(stats.hypergeom.sf(flagged_of_group - 1, people, of_group, flagged))


def fisher_two_sided(people: int, of_group: int, flagged: int, flagged_of_group: int) -> float:
    """Return Fisher's exact two-sided p of the same counts.

    The chance of all outcomes at most as likely as this one. Arguments as of `hypergeometric_upper`.

    Examples:
        >>> round(fisher_two_sided(people=4, of_group=2, flagged=2, flagged_of_group=2), 4)
        0.3333
    """
    from scipy import stats

    others, other_flagged = people - of_group, flagged - flagged_of_group
    table = [[flagged_of_group, of_group - flagged_of_group], [other_flagged, others - other_flagged]]
    return float(stats.fisher_exact(table).pvalue)


class RiskRatio(NamedTuple):
    """A ratio of two shares with its interval (Katz's, on the log scale)."""

    ratio: float
    interval: tuple[float, float]


def risk_ratio(errors: int, people: int, other_errors: int, other_people: int, level: float = LEVEL) -> RiskRatio | None:
    """Return one group's share of errors over another's.

    People are taken as independent of each other. None where a share is zero.

    Examples:
        >>> result = risk_ratio(20, 1000, 10, 1000)
        >>> round(result.ratio, 6), round(result.interval[0] * result.interval[1], 6)
        (2.0, 4.0)
    """
    if not errors or not other_errors:
        return None
    ratio = (errors / people) / (other_errors / other_people)
    se = np.sqrt(1 / errors - 1 / people + 1 / other_errors - 1 / other_people)
    reach = np.exp(quantile_z(level) * se)
    return RiskRatio(ratio, (float(ratio / reach), float(ratio * reach)))


def weight_in_mean(mean: float, rate: float, other: float) -> float | None:
    """Return the weight of `rate` in a mean with `other`.

    The share of people with `rate` if all others have `other` and the rate of all is `mean`. None where the mean does not lie between
    the two, and where these are equal.

    Examples:
        >>> round(weight_in_mean(0.2, rate=0.5, other=0.1), 6)
        0.25
    """
    if rate == other or not min(rate, other) <= mean <= max(rate, other):
        return None
    return (mean - other) / (rate - other)
