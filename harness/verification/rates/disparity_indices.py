"""Differential measures of a grouping, each beside what equal rates would have given."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.metrics.differential import MEASURES
from faceparity.harness.metrics.registry import Given, Measure
from faceparity.harness.uncertainty.null import equal_rates, null_of
from faceparity.harness.verification.rates.estimates import Estimate
from faceparity.harness.verification.rates.group_contrasts import Measured
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM

ALPHA = 0.5
OTHER_ALPHAS = (0.75, 1.0)

F64 = NDArray[np.float64]


def make_differential(
    grouping: SampleGrouping, fmr: Measured, fnmr: Measured, seed: int, nominal: float | None = None
) -> results.Differential:
    """Every registered measure over the groups whose rate is shown; merged groups are not in it.

    nominal: the FMR that the threshold was set for; without one (or at zero) the measures that want it are left out.
    """
    nominal = nominal or None
    single = {m.measure: _of_one(grouping, m, seed + k, nominal) for k, m in enumerate((fmr, fnmr))}
    combined = {alpha: _of_both(grouping, fmr, fnmr, seed, alpha) for alpha in (ALPHA, *OTHER_ALPHAS)}
    weighted = {name for name, measure in MEASURES.items() if "alpha" in measure.given}
    return results.Differential(
        fmr=single["fmr"],
        fnmr=single["fnmr"],
        combined=combined[ALPHA],
        combined_at=[
            results.AtAlpha(alpha=alpha, combined={name: x for name, x in combined[alpha].items() if name in weighted})
            for alpha in OTHER_ALPHAS
        ],
        nominal=nominal,
    )


def _usable(grouping: SampleGrouping, measured: Measured) -> list[int]:
    return [
        g for g, e in enumerate(measured.estimates) if e.rate is not None and e.subjects >= SHOWN_FROM and not grouping.merged[g]
    ]


def _rates(measured: Measured, groups: list[int]) -> F64:
    return np.asarray([measured.estimates[g].rate for g in groups], float)


def _draws(measured: Measured, groups: list[int], seed: int) -> F64:
    chosen = [measured.estimates[g] for g in groups]
    comparisons = np.asarray([e.comparisons for e in chosen], float)
    return equal_rates(_rates(measured, groups), comparisons, np.asarray([_effective_n(e, chosen) for e in chosen]), seed)


def _plain_n(estimate: Estimate) -> float | None:
    """Effective comparisons with max(binomial, plug-in), p(1 - p)/V; None at a rate of zero or one."""
    errors = estimate.effective_errors
    return None if errors is None or not estimate.rate else errors / estimate.rate


def _effective_n(estimate: Estimate, others: list[Estimate]) -> float:
    """Of a group whose rate is zero or one: its comparisons over the largest design effect of the others."""
    own = _plain_n(estimate)
    if own is not None:
        return own
    effects = [o.comparisons / n for o in others if (n := _plain_n(o))]
    return estimate.comparisons / max([1.0, *effects])


def _undefined(reason: results.Reason, left_out: list[str]) -> results.Index:
    return results.Index(value=None, status="undefined", reason=reason, left_out=left_out)


def _left_out(grouping: SampleGrouping, groups: list[int]) -> list[str]:
    return [name for g, name in enumerate(grouping.names) if g not in groups]


def _of_one(grouping: SampleGrouping, measured: Measured, seed: int, nominal: float | None) -> dict[str, results.Index]:
    """Measures of one error rate. Those with a value for each group are the contrasts, not here."""
    chosen = [m for m in MEASURES.values() if m.of in ("rate", measured.measure) and not m.per_group]
    if nominal is None:
        chosen = [m for m in chosen if "nominal" not in m.given]
    groups = _usable(grouping, measured)
    left_out = _left_out(grouping, groups)
    reason = _why_not(measured, groups)
    if reason:
        return {m.name: _undefined(reason, left_out) for m in chosen}
    rates, draws = _rates(measured, groups), _draws(measured, groups, seed)
    given: dict[Given, object] = {"nominal": nominal}
    return {m.name: _index(m, [rates], [draws], given, left_out) for m in chosen}


def _index(
    measure: Measure, rates: list[F64], draws: list[F64], given: dict[Given, object], left_out: list[str]
) -> results.Index:
    function = partial(measure.over, **{name: given[name] for name in measure.given})
    value = float(function(*rates))
    if not np.isfinite(value):
        return _undefined("zero_errors", left_out)
    null = null_of(value, function, draws, measure.worse == "smaller")
    median, p95, p = null or (None, None, None)
    return results.Index(
        value=value, null_median=median, null_p95=p95, null_p=p, status="ok", left_out=left_out,
        reason=None if null else "too_few_errors",
    )  # fmt: skip


def _why_not(measured: Measured, groups: list[int]) -> results.Reason | None:
    if len(groups) >= 2:
        return None
    if len(groups) == 1:
        return "one_group"
    reasons = {e.reason for e in measured.estimates if e.reason}
    for reason in ("no_mated_pairs", "cells_too_small"):
        if reason in reasons:
            return reason
    return "too_few_subjects"


def _of_both(grouping: SampleGrouping, fmr: Measured, fnmr: Measured, seed: int, alpha: float) -> dict[str, results.Index]:
    chosen = [m for m in MEASURES.values() if m.of == "both"]
    groups = [g for g in _usable(grouping, fmr) if g in _usable(grouping, fnmr)]
    left_out = _left_out(grouping, groups)
    reason = _why_not(fnmr, groups)
    if reason:
        return {m.name: _undefined(reason, left_out) for m in chosen}
    rates = [_rates(m, groups) for m in (fmr, fnmr)]
    draws = [_draws(m, groups, seed + 2 + k) for k, m in enumerate((fmr, fnmr))]
    made = [np.asarray([m.estimates[g].comparisons for g in groups], float) for m in (fnmr, fmr)]
    given: dict[Given, object] = {"alpha": alpha, "mated_share": made[0] / (made[0] + made[1])}
    return {m.name: _index(m, rates, draws, given, left_out) for m in chosen}
