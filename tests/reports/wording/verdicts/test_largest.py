"""Headlines: larger over smaller, of how many it is the largest, and an interval that holds though it was picked."""

from __future__ import annotations

import re
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

from faceparity.harness.results import Contrast, Evaluation, OperatingPoint, Rate
from faceparity.reports.formats.html import chapters_of, overview
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest
from faceparity.reports.wording.verdicts.largest import among, common_leads, factor, largest, number_tested, sides, times


def contrast(ratio: float | None, interval: tuple[float, float] | None, verdict: str, **more: object) -> Contrast:
    base = {
        "measure": "fmr",
        "design": "within",
        "group": "East Asian women",
        "reference": "white men",
        "df": 40.0,
        "p_holm": 0.001,
    }
    return Contrast.model_validate(base | {"ratio": ratio, "interval": interval, "verdict": verdict} | more)


POINT = OperatingPoint(
    origin="target", target_fmr=0.01, threshold=0.5, native_threshold=0.5, achieved_fmr=0.01, status="ok", pool=None
)  # fmt: skip


def widened(low: float, high: float, df: float, of: int) -> tuple[float, float]:
    """By Student's quantiles of scipy.stats, independent of the product's."""
    middle, half = np.sqrt(low * high), np.log(high / low) / 2
    wider = half * stats.t.ppf(1 - 0.025 / of, df) / stats.t.ppf(0.975, df)
    return float(middle * np.exp(-wider)), float(middle * np.exp(wider))


def test_a_headline_has_two_figures_and_both_intervals() -> None:
    one = contrast(52.8, (52.8 / 2.3, 52.8 * 2.3), "higher")
    low, high = widened(*(one.interval or (0, 0)), 40.0, 13)
    assert times(one) == "53 times as often"
    assert among(POINT, one, 13) == (
        f", the largest of 13 differences (interval for the largest of 13: {low:.0f} to {10 * round(high / 10)}; "
        "95 % interval by itself: 23 to 120)"
    )
    assert among(POINT, one, 1) == " (95 % interval 23 to 120)", "of one there is no largest"


def test_the_larger_rate_stands_over_the_smaller() -> None:
    """A reference that fails more often is the subject of the sentence; its interval is turned over with the ratio."""
    lower = contrast(0.05, (0.02, 0.125), "lower")
    assert sides(lower) == ("white men", "East Asian women")
    assert factor(lower) == pytest.approx(20)
    assert times(lower) == "20 times as often"
    assert among(POINT, lower, 1) == " (95 % interval 8.0 to 50)"
    low, high = widened(8.0, 50.0, 40.0, 6)
    assert f"{f.number(low, 2)} to {f.number(high, 2)}; 95 % interval by itself: 8.0 to 50)" in among(POINT, lower, 6)


def test_a_lower_bound_alone_is_told_as_one() -> None:
    """40 errors of 4,950 comparisons over 2 of 4,950, design effects 1 and 2: at least 3.39 times (the worked example of the test)."""
    few = {"at_least": 3.39, "higher_design_effect": 1.0, "lower_design_effect": 2.0}
    sizes = {"design": "within", "subjects": 100, "comparisons": 4950, "status": "ok"}
    rates = [
        Rate.model_validate(sizes | {"group": group, "errors": errors, "rate": errors / 4950})
        for group, errors in (("East Asian women", 40), ("white men", 2))
    ]
    point = POINT.model_copy(update={"fmr": rates})
    bound = contrast(None, None, "higher", few_errors=few)
    assert times(bound) == "at least 3.4 times as often"
    assert among(point, bound, 1) == " (lower end of a 95 % interval)"
    share = stats.beta.ppf(0.025 / 13, 40, 2)  # y_A = 40, y_B + 1 = 2
    least = share / (1 - share) * (4950 / 2) / 4950
    assert least < 3.39
    assert among(point, bound, 13) == (
        f", the largest of 13 differences (at least {least:.2g} as the largest of 13; lower end of a 95 % interval by itself)"
    )
    assert sides(contrast(None, None, "lower", few_errors=few)) == ("white men", "East Asian women")


def test_of_thirteen_equal_ratios_the_largest_is_covered() -> None:
    """The 95 % interval by itself misses one time in three or more what is picked for being largest; that of the headline 5 %."""
    rng = np.random.default_rng(5)
    logs, df = rng.standard_t(40, (20_000, 13)) * 0.4, 40.0
    picked = np.abs(logs).argmax(1)
    middle = logs[np.arange(len(logs)), picked]
    half = stats.t.ppf(0.975, df) * 0.4
    low, high = np.log(widened(float(np.exp(-half)), float(np.exp(half)), df, 13))
    alone = (np.abs(middle) <= half).mean()
    assert alone < 0.66
    assert ((middle + low <= 0) & (middle + high >= 0)).mean() == pytest.approx(0.95, abs=0.006)


def lead_point(e: Evaluation) -> OperatingPoint:
    return finest(e).operating_points[0]


def test_the_finding_names_the_number_that_it_is_the_largest_of(variants: dict[str, Evaluation]) -> None:
    e = variants["plain"]
    point = lead_point(e)
    top = largest(point, "fmr")
    could = [c for c in point.contrasts if c.measure == "fmr" and c.verdict != "none"]
    assert number_tested(point, "fmr") == len(could) > 1
    said = finding(e).main[0]
    assert f", the largest of {len(could)} differences (interval for the largest of {len(could)}: " in said
    more, less = sides(top)
    assert said.index(f"labelled {more} ") < said.index(f"labelled {less},")
    assert re.search(r"labelled .* ([2-9]|[1-9]\d+|1\.[1-9])[\d.]* times as often as two labelled", said)


def without_verdicts(e: Evaluation, *attributes: str) -> Evaluation:
    """With no call in the groupings by these attributes."""
    copy = e.model_copy(deep=True)
    for grouping in copy.groupings:
        if "×".join(grouping.attributes) in attributes:
            for point in grouping.operating_points:
                point.contrasts = [
                    c.model_copy(update={"verdict": "inconclusive"}) for c in point.contrasts if c.verdict != "none"
                ]
    return copy


def test_two_models_headlines_stand_over_the_same_grouping(variants: dict[str, Evaluation]) -> None:
    """One model has a call by both attributes, the other only by a single one; alone each would choose its own."""
    first = variants["plain"]
    second = without_verdicts(first, "gender×ethnicity")
    alone = [finding(e).grouping for e in (first, second)]
    assert alone[0] is not None
    assert alone[1] is not None
    assert alone[0].attributes != alone[1].attributes
    assert common_leads([first, second]) == [["gender", "ethnicity"]] * 2
    leads = [chapter.lead for chapter in chapters_of([first, second])]
    assert "gave no verdict" in leads[1]
    assert all(row[7].startswith("gender × ethnicity: ") for row in overview([first, second]).rows)


def test_without_the_finest_the_grouping_is_that_of_most_models(variants: dict[str, Evaluation]) -> None:
    by_both = without_verdicts(variants["plain"], "gender×ethnicity")
    by_gender = without_verdicts(variants["plain"], "gender×ethnicity", "ethnicity")
    gender = next(grouping for grouping in by_gender.groupings if grouping.attributes == ["gender"])
    gender.operating_points[0].contrasts = [
        contrast(1.5, (1.2, 1.9), "higher", design="matched", group="Female", reference="Male")
    ]
    assert factor(largest(by_both.groupings[1].operating_points[0], "fmr")) > 1.5, (
        "by ethnicity it is larger, but in one model alone"
    )
    assert common_leads([by_gender, by_both, by_gender]) == [["gender"]] * 3
    assert common_leads([by_both]) == [["ethnicity"]]
    nothing = without_verdicts(variants["plain"], "gender×ethnicity", "ethnicity", "gender")
    assert common_leads([nothing, nothing]) == [["gender", "ethnicity"]] * 2


def test_another_data_set_has_a_headline_of_its_own(variants: dict[str, Evaluation]) -> None:
    first = variants["plain"]
    other = without_verdicts(first, "gender×ethnicity")
    other.dataset.digest = "e" * 64
    leads = common_leads([first, other])
    assert leads[0] != leads[1]


def test_a_single_attribute_leads_as_the_largest_of_all_that_were_looked_at(
    builder: ModuleType, variants: dict[str, Evaluation]
) -> None:
    e = without_verdicts(variants["plain"], "gender×ethnicity")
    of = sum(number_tested(grouping.operating_points[0], "fmr") for grouping in e.groupings)
    assert f"the largest of {of} differences" in finding(e).main[0]
