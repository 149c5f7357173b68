"""Contrasts in which one side has few errors or none: called by the test for few errors, and only where that was checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceparity.harness import results
from faceparity.harness.uncertainty.few_errors import few_error_test
from faceparity.harness.uncertainty.multiple_tests import holm
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.error_counts import CellErrors
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.few_error_contrasts import detectable_ratio, sides
from faceparity.harness.verification.rates.group_contrasts import Measured, compare, detectable, settle
from faceparity.harness.verification.rates.like_groups import with_design_effects
from faceparity.harness.verification.rates.verdict_rules import FEW_ERRORS_FACTOR, outcome

PEOPLE = 60


def group(errors: int, first: int, *, complete: bool = True, per_pair: int = 1) -> Estimate:
    """People compared in pairs, two by two with each other; errors spread over pairs that share nobody more than they must."""
    i, j = np.triu_indices(PEOPLE, 1)
    order = np.argsort((i + j) % PEOPLE + np.arange(i.size) / i.size, kind="stable")[: -(-errors // per_pair)]
    y = np.zeros(i.size)
    y[order] = per_pair
    rows = np.bincount(i, y, PEOPLE) + np.bincount(j, y, PEOPLE)
    each = max(1, per_pair)
    cell = CellErrors(
        np.arange(first, first + PEOPLE, dtype=np.int32), int(y.sum()), i.size * each, rows, np.full(PEOPLE, (PEOPLE - 1.0) * each),
        None, None, float(y @ y), float(y.sum() * each), float(i.size * each**2), None, complete=complete,
    )  # fmt: skip
    return estimates.non_mated(cell)


def point(groups: dict[str, Estimate], design: results.Design = "within") -> results.OperatingPoint:
    """An operating point at which all are compared with the last."""
    found = dict(zip(groups, with_design_effects(list(groups.values())), strict=True))
    reference = list(found)[-1]
    measured = Measured("fmr", design, list(found.values()))
    contrasts = [compare(measured, g, reference, found[g], found[reference], len(found) - 1) for g in found if g != reference]
    return settle(results.OperatingPoint(
        origin="fixed", threshold=0.5, native_threshold=0.5, achieved_fmr=None, status="ok", pool=None,
        fmr=[estimates.to_rate(e, g, design) for g, e in found.items()], contrasts=contrasts,
    ))  # fmt: skip


@pytest.mark.parametrize("errors", [0, 1, 7])
def test_many_errors_against_few_are_called_with_what_the_ratio_is_at_least(errors) -> None:
    found = point({"a": group(180, 0), "r": group(errors, 100)})
    contrast, (a, r) = found.contrasts[0], found.fmr
    few = contrast.few_errors
    assert (contrast.verdict, contrast.reason, contrast.test) == ("higher", None, "few_errors")
    assert contrast.ratio is None, "never a point"
    assert contrast.interval is None
    assert few.lower_design_effect == pytest.approx(FEW_ERRORS_FACTOR * r.design_effect)
    again = few_error_test(180, a.comparisons, few.higher_design_effect, errors, r.comparisons, few.lower_design_effect)
    assert (contrast.p, few.at_least) == pytest.approx((float(again.p), float(again.at_least)))
    assert 1 < few.at_least < (a.rate or 0) / max(r.rate or 0, 1e-9)


def test_the_lower_group_is_called_lower_by_the_same_test() -> None:
    above, below = (point(groups).contrasts[0] for groups in (
        {"a": group(180, 0), "r": group(2, 100)}, {"a": group(2, 0), "r": group(180, 100)},
    ))  # fmt: skip
    assert (above.verdict, below.verdict) == ("higher", "lower")
    assert (above.p, above.few_errors.at_least) == pytest.approx((below.p, below.few_errors.at_least))


def test_a_call_flips_at_the_design_effect_that_is_published() -> None:
    found = point({"a": group(60, 0), "b": group(90, 100), "c": group(5, 200), "r": group(0, 300)})
    called = [contrast for contrast in found.contrasts if contrast.verdict == "higher"]
    assert {contrast.group for contrast in called} == {"a", "b"}
    for contrast in called:
        few = contrast.few_errors
        a, r = next(rate for rate in found.fmr if rate.group == contrast.group), found.fmr[-1]
        others = [1.0 if other.p is None else other.p for other in found.contrasts if other is not contrast]
        adjusted = []
        for change in (1 - 1e-4, 1 + 1e-4):
            effect = few.flips_at * change
            p = float(few_error_test(a.errors, a.comparisons, few.higher_design_effect, 0, r.comparisons, effect).p)
            adjusted.append(holm([p, *others])[0])
        assert adjusted[0] < 0.05 <= adjusted[1]
        assert few.flips_at > few.lower_design_effect


@pytest.mark.parametrize(
    ("groups", "design", "reason"),
    [
        ({"a": group(25, 0), "r": group(0, 100)}, "within", "too_few_errors_in_higher"),
        ({"a": group(25, 0), "r": group(3, 100)}, "within", "too_few_errors_in_higher"),
        ({"a": group(180, 0), "r": group(3, 100)}, "matched", "too_few_errors_in_lower"),
        ({"a": group(180, 0), "r": group(3, 100, complete=False)}, "within", "too_few_errors_in_lower"),
        ({"a": group(0, 0), "r": group(0, 100)}, "within", "zero_errors"),
    ],
)
def test_elsewhere_nothing_is_called_and_the_reason_names_the_side(groups, design, reason) -> None:
    contrast = point(groups, design).contrasts[0]
    assert (contrast.verdict, contrast.reason, contrast.few_errors) == ("inconclusive", reason, None)
    assert outcome(contrast.verdict, contrast.reason) == "not_called"


def test_groups_that_share_people_are_not_tested_by_it() -> None:
    contrast = point({"a": group(180, 0), "r": group(3, PEOPLE // 2)}).contrasts[0]
    assert contrast.few_errors is None
    assert contrast.verdict == "inconclusive"


def test_few_errors_on_one_side_are_no_difference_beyond_chance_if_the_other_has_hardly_more() -> None:
    """31 errors against 7, one of six comparisons: the gates are met, and the multiplied design effect leaves it to chance."""
    others = {name: group(8, 200 + 100 * k) for k, name in enumerate("bcdef")}
    contrast = point({"a": group(31, 0), **others, "r": group(7, 100)}).contrasts[0]
    assert contrast.few_errors is not None
    assert outcome(contrast.verdict, contrast.reason) == "no_difference"
    assert contrast.detectable_ratio is not None
    assert contrast.detectable_ratio > 31 / 7


def test_the_detectable_ratio_is_called_with_such_errors_and_half_of_it_is_not() -> None:
    base, like = with_design_effects([group(5, 0), group(40, 100)])
    ratio = detectable_ratio(like, base, tests=7)
    for share, is_called in ((1.2, True), (0.5, False)):
        errors = ratio * share * 5
        p = float(few_error_test(errors, like.comparisons, like.design_effect, 5, base.comparisons, 3 * base.design_effect).p)
        assert (errors / like.design_effect >= 30 and p < 0.05 / 7) == is_called


def test_nothing_is_detectable_where_no_test_was_checked() -> None:
    base, like = with_design_effects([group(5, 0), group(40, 100)])
    assert detectable(like, base, 7, "within") == pytest.approx(detectable_ratio(like, base, 7))
    assert detectable(like, base, 7, "matched") is None


def test_of_equal_rates_the_reference_is_the_higher_side() -> None:
    a, b = group(40, 0), group(40, 100)
    assert sides(a, b).higher is b
    assert sides(replace(a, rate=0.5), b).higher is not b


def test_no_group_looks_worse_for_fewer_errors() -> None:
    """Two like groups, the one with none and with the larger design effect of its own sums: its bound is at most the other's."""
    found = with_design_effects([group(0, 0), group(1, 100), group(4, 200, per_pair=4), group(200, 300)])
    bounds = [estimates.interval_of(estimate)[1] for estimate in found]
    assert bounds[0] <= bounds[1] < bounds[3]
    assert [rate.status for rate in (estimates.to_rate(e, "g", "within") for e in found)] == ["bound"] * 3 + ["ok"]


def test_without_any_error_the_bound_is_as_if_comparisons_were_independent() -> None:
    rates = [estimates.to_rate(e, "g", "within") for e in with_design_effects([group(0, 0), group(0, 100)])]
    for rate in rates:
        assert rate.design_effect is None
        assert "independent" in rate.method
        assert rate.interval == (0.0, pytest.approx(3.6889 / rate.comparisons, rel=1e-4))
        assert rate.bounds.independent == pytest.approx(rate.interval[1])
