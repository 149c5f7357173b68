"""Differential measures of a grouping, each beside what equal rates would have given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import record
from ..comparisons.cells import Grouping
from ..metrics import differential as measures
from ..uncertainty.null import equal_rates, null_of
from .contrasts import Measured
from .rates import SHOWN_FROM, Estimate


def make_differential(grouping: Grouping, fmr: Measured, fnmr: Measured, seed: int) -> record.Differential:
    """Every registered index over the groups whose rate is shown; merged groups are not in it."""
    single = {m.measure: _of_one(grouping, m, seed + k) for k, m in enumerate((fmr, fnmr))}
    return record.Differential(fmr=single["fmr"], fnmr=single["fnmr"], combined=_of_both(grouping, fmr, fnmr, seed))


def _usable(grouping: Grouping, measured: Measured) -> list[int]:
    return [
        g for g, e in enumerate(measured.estimates) if e.rate is not None and e.subjects >= SHOWN_FROM and not grouping.merged[g]
    ]


def _rates(measured: Measured, groups: list[int]) -> NDArray[np.float64]:
    return np.asarray([measured.estimates[g].rate for g in groups], float)


def _draws(measured: Measured, groups: list[int], seed: int) -> NDArray[np.float64]:
    chosen = [measured.estimates[g] for g in groups]
    return equal_rates(_rates(measured, groups), np.asarray([_effective_n(e, chosen) for e in chosen]), seed)


def _effective_n(estimate: Estimate, others: list[Estimate]) -> float:
    """Of a group without errors: its comparisons over the largest design effect of the others."""
    if estimate.errors:
        return estimate.effective_n or 1.0
    effects = [o.comparisons / o.effective_n for o in others if o.errors and o.effective_n]
    return estimate.comparisons / max([1.0, *effects])


def _undefined(reason: record.Reason, left_out: list[str]) -> record.Index:
    return record.Index(value=None, status="undefined", reason=reason, left_out=left_out)


def _left_out(grouping: Grouping, groups: list[int]) -> list[str]:
    return [name for g, name in enumerate(grouping.names) if g not in groups]


def _of_one(grouping: Grouping, measured: Measured, seed: int) -> dict[str, record.Index]:
    groups = _usable(grouping, measured)
    left_out = _left_out(grouping, groups)
    reason = _why_not(measured, groups)
    if reason:
        return {name: _undefined(reason, left_out) for name in measures.OF_ONE_RATE}
    rates, draws = _rates(measured, groups), _draws(measured, groups, seed)
    out = {}
    for name, index in measures.OF_ONE_RATE.items():
        value = index(rates)
        null = None if value is None else null_of(value, index, [draws])
        out[name] = _index(value, null, left_out)
    return out


def _index(value: float | None, null: tuple[float, float, float] | None, left_out: list[str]) -> record.Index:
    if value is None:
        return _undefined("zero_errors", left_out)
    median, p95, p = null or (None, None, None)
    return record.Index(
        value=value, null_median=median, null_p95=p95, null_p=p, status="ok", left_out=left_out,
        reason=None if null else "too_few_errors",
    )  # fmt: skip


def _why_not(measured: Measured, groups: list[int]) -> record.Reason | None:
    if len(groups) >= 2:
        return None
    if len(groups) == 1:
        return "one_group"
    reasons = {e.reason for e in measured.estimates if e.reason}
    for reason in ("no_mated_pairs", "cells_too_small"):
        if reason in reasons:
            return reason
    return "too_few_subjects"


def _of_both(grouping: Grouping, fmr: Measured, fnmr: Measured, seed: int) -> record.Combined | None:
    groups = [g for g in _usable(grouping, fmr) if g in _usable(grouping, fnmr)]
    left_out = _left_out(grouping, groups)
    reason = _why_not(fnmr, groups)
    if reason:
        return record.Combined.model_validate({name: _undefined(reason, left_out) for name in measures.OF_BOTH_RATES})
    x, y = _rates(fmr, groups), _rates(fnmr, groups)
    draws = [_draws(fmr, groups, seed + 2), _draws(fnmr, groups, seed + 3)]
    out = {}
    for name, index in measures.OF_BOTH_RATES.items():
        value = index(x, y)
        null = None if value is None else null_of(value, index, draws, name in measures.SMALLER_IS_WORSE)
        out[name] = _index(value, null, left_out)
    return record.Combined.model_validate(out)
