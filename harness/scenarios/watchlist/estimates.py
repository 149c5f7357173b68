"""From figures with each person left out to rates, shares and ratios with intervals, by the gates of every other rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceparity.harness import results
from faceparity.harness.scenarios.base import group_verdicts
from faceparity.harness.scenarios.watchlist.expected_alerts import F64, I32, I64
from faceparity.harness.uncertainty import contrasts, intervals, variance
from faceparity.harness.verification.rates.estimates import Estimate

METHOD = "exact mean over all lists; Wilson-t, delete-one-subject jackknife over crowd and list"


def estimate_fpir(
    rate: float, without: F64, subjects: int, errors: int, pairs: int, including: float | None, failed: int
) -> Estimate:
    """An FPIR of `subjects` people, `errors` of whom some list would have stopped. without: float64[P], the rate with each person gone.

    pairs: the pairs of people that matched. The variance is never below what so many independent ones would give.
    """
    if not subjects:
        return Estimate(0, None, 0, 0, None, reason="zero_comparisons")
    without = np.where(np.isnan(without), rate, without)
    least = rate * rate * (1 - rate) / pairs if pairs else 0.0
    v = max(variance.jackknife_variance(without), least)
    ids: I32 = np.arange(without.size, dtype=np.int32)
    return Estimate(
        subjects, None, subjects, errors, rate, v, v, max(1.0, subjects - 1), subjects + failed, including, rate, METHOD,
        ids=ids, without=without, zero_bounds=intervals.zero_error_bounds(subjects, subjects),
    )  # fmt: skip


def estimate_fnir(missed: F64, wrong: I64, including: F64) -> Estimate:
    """An FNIR from the chance of each listed person to pass unnoticed: float64[n], nan for those with too few images."""
    known = np.flatnonzero(~np.isnan(missed))
    n = int(known.size)
    if not n:
        return Estimate(0, None, 0, 0, None, reason="no_mated_pairs")
    values = missed[known]
    rate = float(values.mean())
    without = np.full(missed.size, rate)
    if n > 1:
        without[known] = (values.sum() - values) / (n - 1)
    errors, pairs = int((values > 0).sum()), int(wrong[known].sum())
    v = max(float(values.var(ddof=1)) / n if n > 1 else 1.0, rate * rate * (1 - rate) / pairs if pairs else 0.0)
    with_failures = including[~np.isnan(including)]
    ids: I32 = np.arange(missed.size, dtype=np.int32)
    return Estimate(
        n, None, n, errors, rate, v, v, max(1.0, n - 1), None, float(with_failures.mean()) if with_failures.size else None,
        rate, "Wilson-t, clustered by subject", ids=ids, without=without, zero_bounds=intervals.zero_error_bounds(n, n),
    )  # fmt: skip


def interval_of_share(value: float, without: F64, subjects: int) -> tuple[float, float] | None:
    """95 % interval of a share by the jackknife; None for 0 and 1 and where it is undefined without somebody."""
    if not 0 < value < 1 or not np.isfinite(without).all():
        return None
    v = variance.jackknife_variance(without)
    return intervals.wilson_from_variance(value, v, max(1.0, subjects - 1)) if v > 0 else None


def compare(estimates: Sequence[Estimate], names: Sequence[str], tested: Sequence[int], base: int) -> list[results.ScenarioRatio]:
    """Each tested group's rate over that of `base`, in their order; Holm over all of them."""
    return group_verdicts.settled(
        [group_verdicts.compare(estimates[g], estimates[base], names[base], _jackknifed) for g in tested]
    )


def _jackknifed(a: Estimate, b: Estimate) -> contrasts.LogRatio | None:
    """Return the ratio with the joint jackknife over the people that both rates share; None where it is undefined without somebody."""
    if (a.without <= 0).any() or (b.without <= 0).any():
        return None
    logs = np.log(a.without) - np.log(b.without)
    return contrasts.joint_jackknife_log_ratio(logs, float(np.log((a.rate or 1.0) / (b.rate or 1.0))), min(a.df, b.df))
