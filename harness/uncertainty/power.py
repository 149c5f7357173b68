"""How many people it would take: the size of two groups at which a ratio of their rates would be called."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

MOST = 10_000_000
"""Subjects beyond which no answer is given."""


class Precision(NamedTuple):
    """What one group tells of its rate, with relative variances (of the logarithm).

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
        """Had the rate been another: people differ by the same factor, chance is that of counts."""
        factor = self.rate / rate
        return self._replace(rate=rate, own=self.own * factor, pair=self.pair * factor, plain_pair=self.plain_pair * factor)

    def relative_variance(self, subjects: float) -> float:
        """Of the rate, with so many subjects."""
        f = self.subjects / subjects
        return (self.shared + self.own) * f + self.pair * f * f

    def effective_errors(self, subjects: float) -> float:
        """Errors that would tell as much if comparisons were independent, with so many subjects."""
        f = self.subjects / subjects
        return (1 - self.rate) / ((self.shared + self.own) * f + self.plain_pair * f * f)

    def degrees(self, subjects: float) -> float:
        """Of Student's t, with so many subjects."""
        return max(1.0, self.df * subjects / self.subjects)


def would_be_called(
    higher: Precision, lower: Precision, subjects: float, *, power: float, tests: int, least_higher: float, least_lower: float
) -> bool:
    """Whether two groups of so many subjects each would have their ratio called with this power, as the first of `tests` in Holm."""
    if higher.effective_errors(subjects) < least_higher or lower.effective_errors(subjects) < least_lower:
        return False
    parts = [(g.relative_variance(subjects), g.degrees(subjects)) for g in (higher, lower)]
    total = sum(v for v, _ in parts)
    df = total**2 / sum(v * v / d for v, d in parts)
    z = -stdtrit(df, 0.025 / tests) - stdtrit(df, 1 - power)
    return bool(np.log(higher.rate / lower.rate) >= z * np.sqrt(total))


def needed_subjects(
    a: Precision,
    b: Precision,
    *,
    power: float = 0.8,
    tests: int = 1,
    least_higher: float = 0.0,
    least_lower: float = 0.0,
    smallest: int = 2,
) -> int | None:
    """The fewest subjects in each of two groups with which the ratio of their rates would be called; None beyond `MOST`.

    Both rates > 0. smallest: no group of fewer is shown at all.
    """
    higher, lower = (a, b) if a.rate >= b.rate else (b, a)
    gates = {"power": power, "tests": tests, "least_higher": least_higher, "least_lower": least_lower}
    if not would_be_called(higher, lower, MOST, **gates):  # type: ignore[arg-type]
        return None
    low, high = smallest - 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if would_be_called(higher, lower, middle, **gates) else (middle, high)  # type: ignore[arg-type]
    return high
