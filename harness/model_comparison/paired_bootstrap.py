"""Two models' rates over one bootstrap: both see the same subjects, and each sets its threshold again on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.uncertainty.bootstrap import Replicates, ratio_interval

F64 = NDArray[np.float64]
Measure = Literal["fmr", "fnmr"]

DEFINED = 0.9
"""Smallest share of replicates in which a ratio must exist for its variance to be known."""


class ChangeSpread(NamedTuple):
    """How one change spreads over the replicates.

    log_variance: of the log ratio, None where unknown. difference_variance: of the difference. interval: of the ratio, by
    percentiles.
    """

    log_variance: float | None
    difference_variance: float | None
    interval: results.Interval | None


@dataclass(frozen=True)
class Replicated:
    """Both models' replicates, of one seed over one set of samples: the k-th of either draws the same subjects."""

    first: Replicates
    second: Replicates

    def rates_of_cells(self, measure: Measure, cells: Sequence[int]) -> tuple[F64, F64]:
        """Return each model's rates in cells of the finest grouping.

        float64[replicates, cells] each; nan where a target was out of reach.
        """
        both = []
        for replicates in (self.first, self.second):
            errors, total = (
                (replicates.errors, replicates.comparisons) if measure == "fmr" else (replicates.mated_errors, replicates.mated)
            )
            with np.errstate(divide="ignore", invalid="ignore"):
                rates = np.where(total > 0, errors / total, np.nan)[:, list(cells)]
            rates[np.isnan(replicates.threshold)] = np.nan
            both.append(np.asarray(rates, np.float64))
        return both[0], both[1]

    def rates(self, measure: Measure, cells: Sequence[int]) -> tuple[F64, F64]:
        """Return each model's mean rate over cells: float64[replicates] each."""
        first, second = self.rates_of_cells(measure, cells)
        return np.asarray(first.mean(axis=1), np.float64), np.asarray(second.mean(axis=1), np.float64)

    def of_rate(self, measure: Measure, cells: Sequence[int]) -> ChangeSpread:
        """Return the spread of a change of the mean rate."""
        first, second = self.rates(measure, cells)
        known = np.isfinite(first) & np.isfinite(second)
        difference = float(np.var((first - second)[known], ddof=1)) if known.sum() > 1 else None
        return ChangeSpread(log_variance(first, second), difference, ratio_interval(first, second))

    def of_disparity(self, measure: Measure, cells: Sequence[int], base: Sequence[int]) -> ChangeSpread:
        """Return the spread of a change of a disparity.

        A disparity is the ratio of two groups' mean rates over cells. The variance of its difference is not computed.
        """
        group, reference = self.rates(measure, cells), self.rates(measure, base)
        with np.errstate(divide="ignore", invalid="ignore"):
            first, second = (numerator / denominator for numerator, denominator in zip(group, reference, strict=True))
        return ChangeSpread(log_variance(first, second), None, ratio_interval(first, second))


def log_variance(first: F64, second: F64) -> float | None:
    """Return the variance of log(first / second) over replicates.

    None where it is not defined in more than a tenth of them.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(first) - np.log(second)
    defined = np.isfinite(logs)
    return float(np.var(logs[defined], ddof=1)) if logs.size > 1 and defined.mean() >= DEFINED else None
