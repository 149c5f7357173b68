"""Estimates of watchlists: rates, shares and ratios with intervals from figures with each person left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceparity.harness import results
from faceparity.harness.scenarios.base import group_verdicts
from faceparity.harness.scenarios.watchlist.expected_alerts import F64, I32, I64
from faceparity.harness.uncertainty import contrasts, intervals, variance
from faceparity.harness.verification.rates.estimate import Estimate

METHOD = "exact mean over all lists; Wilson-t, delete-one-subject jackknife over crowd and list"


def estimate_fpir(
    rate: float, without: F64, subjects: int, errors: int, pairs: int, including: float | None, failed: int
) -> Estimate:
    """Estimate the FPIR of the people who walk past.

    `subjects` people, of whom `errors` would be stopped by some list. without: float64[P], the rate with each person left out.
    pairs: the pairs of people that matched. The variance is never below that of as many independent pairs.
    """
    if not subjects:
        return Estimate(0, None, 0, 0, None, reason="zero_comparisons")
    without = np.where(np.isnan(without), rate, without)
    least = rate * rate * (1 - rate) / pairs if pairs else 0.0
    error_variance = max(variance.jackknife_variance(without), least)
    ids: I32 = np.arange(without.size, dtype=np.int32)
    return Estimate(
        subjects, None, subjects, errors, rate, error_variance, error_variance, max(1.0, subjects - 1), subjects + failed,
        including, rate, METHOD,
        ids=ids, without=without, mean_over="draws",
    )  # fmt: skip


def estimate_fnir(missed: F64, wrong: I64, including: F64) -> Estimate:
    """Estimate the FNIR of listed people.

    missed: float64[n], the chance of each to pass unnoticed, nan for those with too few images.
    """
    known = np.flatnonzero(~np.isnan(missed))
    people = int(known.size)
    if not people:
        return Estimate(0, None, 0, 0, None, reason="no_mated_pairs")
    values = missed[known]
    rate = float(values.mean())
    without = np.full(missed.size, rate)
    if people > 1:
        without[known] = (values.sum() - values) / (people - 1)
    errors, pairs = int((values > 0).sum()), int(wrong[known].sum())
    error_variance = max(
        float(values.var(ddof=1)) / people if people > 1 else 1.0, rate * rate * (1 - rate) / pairs if pairs else 0.0
    )
    with_failures = including[~np.isnan(including)]
    rate_with_failures = float(with_failures.mean()) if with_failures.size else None
    ids: I32 = np.arange(missed.size, dtype=np.int32)
    return Estimate(
        people, None, people, errors, rate, error_variance, error_variance, max(1.0, people - 1), None, rate_with_failures,
        rate, "Wilson-t, clustered by subject", ids=ids, without=without, mean_over="draws",
    )  # fmt: skip


def interval_of_share(value: float, without: F64, subjects: int) -> tuple[float, float] | None:
    """Return a share's 95 % interval by the jackknife.

    None for 0 and 1 and where the share is undefined without somebody.
    """
    if not 0 < value < 1 or not np.isfinite(without).all():
        return None
    error_variance = variance.jackknife_variance(without)
    return intervals.wilson_from_variance(value, error_variance, max(1.0, subjects - 1)) if error_variance > 0 else None


def compare(estimates: Sequence[Estimate], names: Sequence[str], tested: Sequence[int], base: int) -> list[results.ScenarioRatio]:
    """Compare the rate of each tested group with the base's.

    Ratios over the rate of group `base`, in the order of `tested`; p is adjusted by Holm's method over all of them.
    """
    return group_verdicts.settle_verdicts(
        [group_verdicts.compare(estimates[group], estimates[base], names[base], _jackknifed_ratio) for group in tested]
    )


def _jackknifed_ratio(tested: Estimate, base: Estimate) -> contrasts.LogRatio | None:
    """Return the ratio of two rates by the joint jackknife.

    The jackknife is over the people that both rates share; None where the ratio is undefined without somebody.
    """
    if (tested.without <= 0).any() or (base.without <= 0).any():
        return None
    logs = np.log(tested.without) - np.log(base.without)
    return contrasts.joint_jackknife_log_ratio(
        logs, float(np.log((tested.rate or 1.0) / (base.rate or 1.0))), min(tested.df, base.df)
    )
