"""The number of people needed: the size of two groups at which a ratio of their rates would be called."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

MOST = 10_000_000
"""Subjects beyond which no answer is given."""


class Precision(NamedTuple):
    """The precision of one group's rate, in relative variances (of the logarithm).

    subjects: with which it was measured. shared: by how much people differ, falls as 1/subjects. own: chance, where each
    comparison belongs to one subject (FNMR), likewise. pair: chance, where it belongs to two (FMR), falls as 1/subjects².
    plain_pair: that without the jackknife, behind the effective errors. df: of Student's t.
    """

    rate: float
    subjects: int
    shared: float
    own: float
    pair: float
    plain_pair: float
    df: float

    def at_rate(self, rate: float) -> Precision:
        """Return the precision if the rate were another.

        People differ by the same factor, and chance is that of counts.
        """
        factor = self.rate / rate
        return self._replace(rate=rate, own=self.own * factor, pair=self.pair * factor, plain_pair=self.plain_pair * factor)

    def relative_variance(self, subjects: float) -> float:
        """Return the rate's relative variance with this many subjects."""
        factor = self.subjects / subjects
        return (self.shared + self.own) * factor + self.pair * factor * factor

    def effective_errors(self, subjects: float) -> float:
        """Return the effective errors with this many subjects.

        The number of errors that would be as informative if comparisons were independent.
        """
        factor = self.subjects / subjects
        return (1 - self.rate) / ((self.shared + self.own) * factor + self.plain_pair * factor * factor)

    def degrees(self, subjects: float) -> float:
        """Return Student's degrees of freedom with this many subjects.

        At least 1.
        """
        return max(1.0, self.df * subjects / self.subjects)


def would_be_called(
    higher: Precision, lower: Precision, subjects: float, *, power: float, tests: int, least_higher: float, least_lower: float
) -> bool:
    """Return whether a ratio would be called with this power.

    Of the rates of two groups of `subjects` each, as the first of `tests` in Holm. False as well where a group has fewer effective
    errors than `least_higher` or `least_lower`.

    Examples:
        (1.96 + 0.84)² × 2 × 0.01 × 100 / subjects is at most ln(2)² from 33 subjects on:

        >>> higher = Precision(rate=0.02, subjects=100, shared=0.0, own=0.01, pair=0.0, plain_pair=0.0, df=1e9)
        >>> lower = higher._replace(rate=0.01)
        >>> gates = dict(power=0.8, tests=1, least_higher=0.0, least_lower=0.0)
        >>> would_be_called(higher, lower, 32, **gates), would_be_called(higher, lower, 33, **gates)
        (False, True)
    """
    if higher.effective_errors(subjects) < least_higher or lower.effective_errors(subjects) < least_lower:
        return False
    terms = [(precision.relative_variance(subjects), precision.degrees(subjects)) for precision in (higher, lower)]
    total = sum(variance for variance, _ in terms)
    df = total**2 / sum(variance * variance / degrees for variance, degrees in terms)
    quantiles = -stdtrit(df, 0.025 / tests) - stdtrit(df, 1 - power)
    return bool(np.log(higher.rate / lower.rate) >= quantiles * np.sqrt(total))


def needed_subjects(
    first: Precision,
    second: Precision,
    *,
    power: float = 0.8,
    tests: int = 1,
    least_higher: float = 0.0,
    least_lower: float = 0.0,
    smallest: int = 2,
) -> int | None:
    """Return the fewest subjects in each group for a call.

    With which the ratio of the groups' rates would be called; None beyond `MOST`. Both rates > 0. smallest: no group of fewer is
    shown at all. Other arguments as of `would_be_called`.

    Examples:
        >>> higher = Precision(rate=0.02, subjects=100, shared=0.0, own=0.01, pair=0.0, plain_pair=0.0, df=1e9)
        >>> lower = higher._replace(rate=0.01)
        >>> needed_subjects(higher, lower)
        33
    """
    higher, lower = (first, second) if first.rate >= second.rate else (second, first)
    gates = {"power": power, "tests": tests, "least_higher": least_higher, "least_lower": least_lower}
    if not would_be_called(higher, lower, MOST, **gates):  # type: ignore[arg-type]
        return None
    low, high = smallest - 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if would_be_called(higher, lower, middle, **gates) else (middle, high)  # type: ignore[arg-type]
    return high
