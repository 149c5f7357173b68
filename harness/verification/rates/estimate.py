"""A rate with all that its interval, its comparison with others and its indices need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.uncertainty import intervals


class Sums(NamedTuple):
    """What a group's design effect is computed from: the arguments of `design_effects.dependence`, but for errors and comparisons."""

    same_pair: float
    shared_subject: float
    pair_comparisons: float
    shared_comparisons: float
    correction: float


@dataclass(frozen=True)
class Estimate:
    """A rate with all that contrasts and indices need of it. None fields: undefined, `reason` says why.

    variance: max(binomial, plug-in, jackknife). plain_variance: max(binomial, plug-in), behind the effective errors.
    shared_variance: the part of both that halves with twice the subjects; the rest falls to a quarter.
    without: the rate without each subject, with `ids`, for joint jackknives.
    mean_over, parts: what the rate is a mean over, and of how many; None where it is errors / comparisons.
    zero_bounds: of a mean over cells, its upper bounds should no error be seen; None: those of its counts.
    sums: None where no design effect can be computed. complete: nearly all comparisons of the group were made.

    From like groups, by `with_design_effects`: design_effect, None if no like group has an error (of a mean the largest of its cells');
    common_effect, the part of it by all of them together; few_error_bound, the upper end with under 10 errors; least_upper, what the
    upper end is at least with more, the bound of nine errors. per_error: by how much one error raises the rate, at least and at most.
    """

    subjects: int
    subjects_b: int | None
    comparisons: int
    errors: int
    rate: float | None
    variance: float = 0.0
    plain_variance: float = 0.0
    df: float = 1.0
    attempted: int | None = None
    including_failures: float | None = None
    subject_weighted: float | None = None
    method: str = ""
    reason: results.Reason | None = None
    ids: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    without: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    zero_bounds: tuple[float, float] | None = None
    shared_variance: float = 0.0
    mean_over: results.MeanOver | None = None
    parts: int | None = None
    sums: Sums | None = None
    complete: bool = False
    design_effect: float | None = None
    common_effect: float = 1.0
    few_error_bound: float | None = None
    least_upper: float = 0.0
    by_like_groups: float = 0.0
    per_error: tuple[float, float] = (0.0, 1.0)

    @property
    def test_variance(self) -> float:
        """Return the variance by which rates are compared.

        Not below that with the design effect of like groups.
        """
        return max(self.variance, self.by_like_groups)

    @property
    def independent_variance(self) -> float:
        """Return the variance if all comparisons were independent and alike.

        p(1 - p)/comparisons; 0 without a rate.
        """
        return 0.0 if self.rate is None else self.rate * (1 - self.rate) / self.comparisons

    @property
    def effective_errors(self) -> float | None:
        """Return errors / design effect = p²(1 - p)/V.

        V is the variance without the jackknife. None without a rate or variance, and at a rate of zero or one.
        """
        if self.rate is None or not 0 < self.rate < 1 or self.plain_variance <= 0:
            return None
        return self.rate**2 * (1 - self.rate) / self.plain_variance

    @property
    def effective_n(self) -> float | None:
        """Return the effective comparisons with the full variance.

        Of a rate of zero or one, the comparisons themselves; None without a rate.
        """
        if self.rate is None:
            return None
        if not 0 < self.rate < 1 or self.variance <= 0:
            return float(self.comparisons)
        return intervals.effective_n(self.rate, self.variance)
