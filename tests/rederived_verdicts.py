"""Every verdict of a result derived again, by the one rule, from the figures that stand beside it in the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from scipy import stats

from faceparity.harness import results
from faceparity.harness.results.comparison import LeagueTest
from faceparity.harness.verification.rates.verdict_rules import adjust, call, confirm, enough_errors

CALLED = ("higher", "lower")
WITHHELD = ("mated_not_above", "fnmr_over_half")


def disagreements(result: BaseModel) -> tuple[int, list[str]]:
    """Count the verdicts of a result, and name each that the rule does not give.

    Raises TypeError for a record with a verdict that this does not know: then it is to learn it.
    """
    counted, wrong = 0, []
    for where, one, expected in _verdicts(result, ""):
        counted += 1
        said = one.result if isinstance(one, results.ClaimTest) else one.verdict
        if said != expected:
            wrong.append(f"{where}: {said}, by the rule {expected}")
    return counted, wrong


def _verdicts(part: Any, where: str) -> Iterator[tuple[str, Any, str]]:
    if isinstance(part, list | tuple):
        for index, item in enumerate(part):
            yield from _verdicts(item, f"{where}[{index}]")
    if not isinstance(part, BaseModel):
        return
    if isinstance(part, results.OperatingPoint):
        yield from _contrasts(part, where)
    elif isinstance(part, results.ClaimTest):
        yield where, part, _of_claim(part)
    elif "verdict" in type(part).model_fields and not isinstance(part, results.ClaimReading | results.Contrast):
        yield where, part, _by_reason(part)
    for name in type(part).model_fields:
        yield from _verdicts(getattr(part, name), f"{where}.{name}")


def _contrasts(point: results.OperatingPoint, where: str) -> Iterator[tuple[str, Any, str]]:
    """From effective errors of the rates beside them, Holm over the point, and the second reading if there is one."""
    rates = {(name, r.design, r.group): r for name, listed in (("fmr", point.fmr), ("fnmr", point.fnmr)) for r in listed}
    effective = {key: r.effective_errors or 0.0 for key, r in rates.items()}
    family = [c for c in point.contrasts if c.verdict != "none"]
    adjusted = {id(c): p for c, p in zip(family, adjust([c.p for c in family]), strict=True)}
    second = point.without_likely_same_person
    others = {(c.measure, c.group): c.verdict for c in second.contrasts} if second is not None else {}
    for k, c in enumerate(point.contrasts):
        expected = c.verdict if c.verdict == "none" else "inconclusive"
        if id(c) in adjusted and c.ratio is not None:
            assert c.p_holm == pytest.approx(adjusted[id(c)])
            sides = (effective.get((c.measure, c.design, g), 0.0) for g in (c.group, c.reference))
            expected = call(c.ratio - 1, c.p_holm, enough_errors(c.ratio, *sides))
        elif c.few_errors is not None:
            pair = tuple(rates[c.measure, c.design, g] for g in (c.group, c.reference))
            assert c.p_holm == pytest.approx(adjusted[id(c)])
            assert c.p == pytest.approx(_p_of_few_errors(c.few_errors, *pair))
            expected = call((pair[0].rate or 0.0) - (pair[1].rate or 0.0), c.p_holm, True)
        if c.reason in WITHHELD and expected in CALLED:
            expected = "inconclusive"
        if point.withheld is not None:
            assert c.verdict not in CALLED
        if second is not None:
            expected = confirm(expected, others.get((c.measure, c.group)))
        yield f"{where}.contrasts[{k}]", c, expected


def _p_of_few_errors(few: results.FewErrors, *sides: results.Rate) -> float:
    """The gates, and the conditional binomial test by what the record says of both sides."""
    lower, higher = sorted(sides, key=lambda side: side.rate or 0.0)
    assert (higher.effective_errors or 0.0) >= 30
    assert (lower.effective_errors or 0.0) < 8
    y_a, n_a = ((x or 0) / few.higher_design_effect for x in (higher.errors, higher.comparisons))
    y_b, n_b = ((x or 0) / few.lower_design_effect for x in (lower.errors, lower.comparisons))
    return float(min(1.0, 2 * stats.beta.cdf(n_a / (n_a + n_b), y_a, y_b + 1)))


def _of_claim(test: results.ClaimTest) -> str:
    """The direction that the claim expects is not in the test: what matters is whether it was called."""
    if test.result == "not_testable" or test.p_holm is None:
        return test.result if test.result == "not_testable" else "inconclusive"
    difference = test.difference if test.difference is not None else (test.ratio or 1.0) - 1
    if test.few_errors is not None:
        difference = sum(
            sign * ((side.rate or 0.0) if side else 0.0) for sign, side in ((1, test.rate), (-1, test.reference_rate))
        )
    called = call(difference, test.p_holm, test.reason is None) in CALLED
    if test.rate is not None and test.reference_rate is not None and test.ratio is not None:
        errors = (test.rate.effective_errors or 0.0, test.reference_rate.effective_errors or 0.0)
        called = called and enough_errors(test.ratio, *errors)
    return test.result if called and test.result in ("as_claimed", "opposite") else "as_claimed" if called else "inconclusive"


def _by_reason(part: Any) -> str:
    """Records that name what stood in the way of a call, in place of the errors."""
    if part.p_holm is None:
        return part.verdict if part.verdict not in CALLED else "inconclusive"
    if isinstance(part, results.PairedDifference):
        return call(part.difference or 0.0, part.p_holm, part.measure == "ftx" or part.reason is None)
    if isinstance(part, results.ModelChange):
        return call((part.first or 0.0) - (part.second or 0.0), part.p_holm, part.reason is None)
    if isinstance(part, results.ScenarioRatio):
        return call((part.ratio or 1.0) - 1, part.p_holm, part.reason is None)
    if isinstance(part, LeagueTest):
        return call((part.ratio or 1.0) - 1, part.p_holm, True)
    raise TypeError(f"{type(part).__name__} has a verdict; {__name__} is to learn how it comes about")
