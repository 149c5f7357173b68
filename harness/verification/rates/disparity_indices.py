"""Differential measures of a grouping, each with its distribution under equal rates."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.metrics.differential import MEASURES
from faceparity.harness.metrics.registry import Given, Measure
from faceparity.harness.uncertainty.equal_rates import equal_rates, null_of
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.group_contrasts import Measured
from faceparity.harness.verification.rates.true_reasons import why_few_groups
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM

ALPHA = 0.5
OTHER_ALPHAS = (0.75, 1.0)

F64 = NDArray[np.float64]


def make_differential(
    grouping: SampleGrouping, fmr: Measured, fnmr: Measured, seed: int, nominal: float | None = None
) -> results.Differential:
    """Return every registered measure of a grouping.

    Over the groups whose rate is shown. nominal: the FMR that the threshold was set for; without one (or at zero) the measures that need
    it are left out.
    """
    nominal = nominal or None
    single = {measured.measure: _of_one(grouping, measured, seed + index, nominal) for index, measured in enumerate((fmr, fnmr))}
    combined = {alpha: _of_both(grouping, fmr, fnmr, seed, alpha) for alpha in (ALPHA, *OTHER_ALPHAS)}
    weighted = {name for name, measure in MEASURES.items() if "alpha" in measure.given}
    return results.Differential(
        fmr=single["fmr"],
        fnmr=single["fnmr"],
        combined=combined[ALPHA],
        combined_at=[
            results.AtAlpha(alpha=alpha, combined={name: value for name, value in combined[alpha].items() if name in weighted})
            for alpha in OTHER_ALPHAS
        ],
        nominal=nominal,
    )


def _usable(grouping: SampleGrouping, measured: Measured) -> list[int]:
    return [
        index
        for index, estimate in enumerate(measured.estimates)
        if estimate.rate is not None and estimate.subjects >= SHOWN_FROM
    ]


def _rates(measured: Measured, groups: list[int]) -> F64:
    return np.asarray([measured.estimates[index].rate for index in groups], float)


def _draws(measured: Measured, groups: list[int], seed: int) -> F64:
    chosen = [measured.estimates[index] for index in groups]
    comparisons = np.asarray([estimate.comparisons for estimate in chosen], float)
    return equal_rates(
        _rates(measured, groups), comparisons, np.asarray([_effective_n(estimate, chosen) for estimate in chosen]), seed
    )


def _plain_n(estimate: Estimate) -> float | None:
    """Return effective comparisons with max(binomial, plug-in).

    p(1 - p)/V; None at a rate of zero or one.
    """
    errors = estimate.effective_errors
    return None if errors is None or not estimate.rate else errors / estimate.rate


def _effective_n(estimate: Estimate, others: list[Estimate]) -> float:
    """Return a group's effective comparisons with max(binomial, plug-in).

    Of a group whose rate is zero or one: its comparisons over the largest design effect of the others.
    """
    known = _plain_n(estimate)
    if known is not None:
        return known
    effects = [other.comparisons / effective for other in others if (effective := _plain_n(other))]
    return estimate.comparisons / max([1.0, *effects])


def _undefined(reason: results.Reason, left_out: list[str]) -> results.Index:
    return results.Index(value=None, status="undefined", reason=reason, left_out=left_out)


def _left_out(grouping: SampleGrouping, groups: list[int]) -> list[str]:
    return [name for index, name in enumerate(grouping.names) if index not in groups]


def _of_one(grouping: SampleGrouping, measured: Measured, seed: int, nominal: float | None) -> dict[str, results.Index]:
    """Return the measures of one error rate.

    Those with a value for each group are the contrasts, not here.
    """
    chosen = [measure for measure in MEASURES.values() if measure.of in ("rate", measured.measure) and not measure.per_group]
    if nominal is None:
        chosen = [measure for measure in chosen if "nominal" not in measure.given]
    groups = _usable(grouping, measured)
    left_out = _left_out(grouping, groups)
    reason = _why_not(measured, groups)
    if reason:
        return {measure.name: _undefined(reason, left_out) for measure in chosen}
    rates, draws = _rates(measured, groups), _draws(measured, groups, seed)
    given: dict[Given, object] = {"nominal": nominal}
    return {measure.name: _index(measure, [rates], [draws], given, left_out) for measure in chosen}


def _index(
    measure: Measure, rates: list[F64], draws: list[F64], given: dict[Given, object], left_out: list[str]
) -> results.Index:
    function = partial(measure.over, **{name: given[name] for name in measure.given})
    value = float(function(*rates))
    if not np.isfinite(value):
        return _undefined("some_zero_errors" if any(one.any() for one in rates) else "zero_errors", left_out)
    null = null_of(value, function, draws, measure.worse == "smaller")
    median, p95, null_p = null or (None, None, None)
    return results.Index(
        value=value, null_median=median, null_p95=p95, null_p=null_p, status="ok", left_out=left_out,
        reason=None if null else "too_few_errors",
    )  # fmt: skip


def _why_not(measured: Measured, groups: list[int]) -> results.Reason | None:
    """Return why an index over these groups has no value."""
    reasons = [estimate.reason if estimate.rate is None else None for estimate in measured.estimates]
    return why_few_groups(reasons, [estimate.subjects for estimate in measured.estimates], len(groups))


def _of_both(grouping: SampleGrouping, fmr: Measured, fnmr: Measured, seed: int, alpha: float) -> dict[str, results.Index]:
    chosen = [entry for entry in MEASURES.values() if entry.of == "both"]
    of_fmr, of_fnmr = _usable(grouping, fmr), _usable(grouping, fnmr)
    groups = [index for index in of_fmr if index in of_fnmr]
    left_out = _left_out(grouping, groups)
    reason = _why_not(fnmr if len(of_fnmr) <= len(of_fmr) else fmr, groups)
    if reason:
        return {entry.name: _undefined(reason, left_out) for entry in chosen}
    rates = [_rates(entry, groups) for entry in (fmr, fnmr)]
    draws = [_draws(entry, groups, seed + 2 + offset) for offset, entry in enumerate((fmr, fnmr))]
    comparisons = [np.asarray([entry.estimates[index].comparisons for index in groups], float) for entry in (fnmr, fmr)]
    given: dict[Given, object] = {"alpha": alpha, "mated_share": comparisons[0] / (comparisons[0] + comparisons[1])}
    return {entry.name: _index(entry, rates, draws, given, left_out) for entry in chosen}
