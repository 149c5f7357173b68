"""Two models' rates over one bootstrap: the same subjects are drawn for both, and each finds its threshold anew."""

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
"""With fewer replicates in which a ratio exists its variance is unknown."""


class ChangeSpread(NamedTuple):
    """Of one change over the replicates: variance of the log ratio (None: unknown), of the difference, percentile interval of the ratio."""

    log_variance: float | None
    difference_variance: float | None
    interval: results.Interval | None


@dataclass(frozen=True)
class Replicated:
    """Both models' replicates, of one seed over one set of samples, so that the k-th of either draws the same subjects."""

    first: Replicates
    second: Replicates

    def rates_of_cells(self, measure: Measure, cells: Sequence[int]) -> tuple[F64, F64]:
        """float64[replicates, cells] each: rates in cells of the finest grouping; nan where a target was out of reach."""
        out = []
        for r in (self.first, self.second):
            errors, total = (r.errors, r.comparisons) if measure == "fmr" else (r.mated_errors, r.mated)
            with np.errstate(divide="ignore", invalid="ignore"):
                rates = np.where(total > 0, errors / total, np.nan)[:, list(cells)]
            rates[np.isnan(r.threshold)] = np.nan
            out.append(np.asarray(rates, np.float64))
        return out[0], out[1]

    def rates(self, measure: Measure, cells: Sequence[int]) -> tuple[F64, F64]:
        """float64[replicates] each: the mean rate over cells."""
        first, second = self.rates_of_cells(measure, cells)
        return np.asarray(first.mean(axis=1), np.float64), np.asarray(second.mean(axis=1), np.float64)

    def of_rate(self, measure: Measure, cells: Sequence[int]) -> ChangeSpread:
        """Of the mean rate over cells."""
        first, second = self.rates(measure, cells)
        known = np.isfinite(first) & np.isfinite(second)
        difference = float(np.var((first - second)[known], ddof=1)) if known.sum() > 1 else None
        return ChangeSpread(log_variance(first, second), difference, ratio_interval(first, second))

    def of_disparity(self, measure: Measure, cells: Sequence[int], base: Sequence[int]) -> ChangeSpread:
        """Of the ratio of two groups' mean rates."""
        group, reference = self.rates(measure, cells), self.rates(measure, base)
        with np.errstate(divide="ignore", invalid="ignore"):
            first, second = (g / r for g, r in zip(group, reference, strict=True))
        return ChangeSpread(log_variance(first, second), None, ratio_interval(first, second))


def log_variance(first: F64, second: F64) -> float | None:
    """Variance of log(first / second) over replicates; None where in more than a tenth of them it is not defined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(first) - np.log(second)
    defined = np.isfinite(logs)
    return float(np.var(logs[defined], ddof=1)) if logs.size > 1 and defined.mean() >= DEFINED else None
