"""How numbers are written, everywhere the same: fractions in, percent out; what is undefined is said in words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from faceparity.harness.results import Comparisons, ModelInfo, OperatingPoint, Pool, Rate

NBSP = "\u00a0"
DASH = "–"

REASONS: dict[str, str] = {
    "zero_errors": "no errors seen",
    "zero_comparisons": "no comparisons",
    "too_few_subjects": "fewer than 30 people",
    "too_few_subjects_for_interval": "fewer than 50 people, too few for an interval",
    "too_few_errors": "fewer than 10 errors",
    "too_few_errors_in_higher": "under 30 effective errors on the higher side",
    "too_few_errors_in_lower": "under 8 effective errors on the lower side, with no test for so few here",
    "no_mated_pairs": "no two images of the same person",
    "target_out_of_reach": "these data cannot reach the target",
    "too_few_comparisons_for_target": "too few comparisons for the target",
    "too_few_effective_errors": "the pool's false matches are too few or come from too few people",
    "mostly_same_person": "most errors are probably the same person twice",
    "contaminated": "some people are in the data twice",
    "cells_too_small": "a cell of the other attributes has fewer than 30 people",
    "reference_undefined": "the reference group has no rate",
    "one_group": "only one group",
    "no_published_threshold": "the model's authors publish no threshold",
    "no_pool": "no pool to set a threshold on",
    "group_undefined": "the group has no rate",
    "below_ledger": "the threshold lies below all comparisons that were kept one by one",
    "mated_not_above": "images of one person score no higher than images of two, or hardly",
    "fnmr_over_half": "more than half of the mated comparisons fall below the threshold",
    "all_failed": "every comparison failed",
    "other": "see the warnings",
}
DESIGNS: dict[str, str] = {
    "within": "within the group",
    "matched": "matched",
    "as_sampled": "as sampled",
    "cross": "across groups",
    "all": "all pairs",
}
ORIGINS: dict[str, str] = {"target": "target", "published": "published by the model's authors", "fixed": "fixed by the user"}
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(name: str) -> str:
    """Return a name without control characters and direction overrides.

    These could disturb a terminal or reorder a line.
    """
    return CONTROL.sub(" ", name)


def shorten(name: str, width: int) -> str:
    """Return a name of at most `width` characters.

    An ellipsis stands for what is cut from its middle, as both ends tell groups apart.
    """
    name = clean(name)
    if len(name) <= width:
        return name
    end = (width - 1) // 2
    return name[: width - 1 - end] + "…" + name[len(name) - end :]


def joined_or_counted(names: Sequence[str], what: str, most: int = 4) -> str:
    """Return names joined, or how many there are.

    The number where there are more than `most`, which is what a title holds.
    """
    return ", ".join(names) if len(names) <= most else plural(len(names), what)


def reason(code: str | None) -> str:
    """Return a reason code of the record in words.

    Empty for none.
    """
    return "" if code is None else REASONS.get(code, clean(code).replace("_", " "))


def significant(value: float, digits: int = 3) -> str:
    """Return a number rounded to significant digits.

    Thousands separated; trailing zeros that carry precision stay.
    """
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    if rounded and math.floor(math.log10(abs(rounded))) > math.floor(math.log10(abs(value))):
        places -= 1
    return f"{rounded:,.{max(places, 0)}f}"


def percent(fraction: float | None, digits: int = 3) -> str:
    """Return a fraction as percent: 0.0131 → "1.31 %".

    None gives a dash.
    """
    return DASH if fraction is None else significant(100 * fraction, digits) + NBSP + "%"


def percent_interval(interval: tuple[float, float] | None) -> str:
    """Return a 95 % interval of a fraction in percent.

    Without the sign: "[0.90, 1.8]"; None gives a dash.
    """
    return DASH if interval is None else f"[{significant(100 * interval[0], 2)},{NBSP}{significant(100 * interval[1], 2)}]"


def count(value: int | None) -> str:
    """Return a count with thousands separators.

    None gives a dash.
    """
    return DASH if value is None else f"{value:,}"


def compared(comparisons: Comparisons) -> str:
    """Return how many comparisons were made.

    And of how many where that is a sample.
    """
    non_mated = f"{count(comparisons.non_mated)} non-mated"
    if comparisons.sampled is not None:
        sample = comparisons.sampled
        non_mated = f"a sample of {count(sample.made)} of {count(sample.of)} non-mated ({percent(sample.share)})"
    return f"{non_mated} and {count(comparisons.mated)} mated comparisons"


def none_mated(comparisons: Comparisons) -> str:
    """Return why there is no mated comparison, as a clause."""
    if comparisons.mated_failed:
        return f"all {count(comparisons.mated_failed)} mated comparisons failed"
    return "no two images of this data set are labelled as the same person"


def short_count(value: int | None) -> str:
    """Return a count of at most 7 characters.

    For narrow tables: exact below a million, then three digits and M or G.
    """
    if value is None or value < 1_000_000:
        return count(value)
    unit, letter = (1_000_000, "M") if value < 999_500_000 else (1_000_000_000, "G")
    return significant(value / unit, 3) + NBSP + letter


def plural(total: int, one: str, many: str = "") -> str:
    """Return the count and its noun: "1 person", "2 people"."""
    return f"{count(total)} {one if total == 1 else many or one + 's'}"


def number(value: float | None, digits: int = 3) -> str:
    """Return a plain number; None gives a dash."""
    return DASH if value is None else significant(value, digits)


def ratio(value: float | None) -> str:
    """Return a ratio: "4.8×"; None gives a dash."""
    return DASH if value is None else significant(value, 3 if abs(value) >= 10 else 2) + "×"


def ratio_interval(interval: tuple[float, float] | None) -> str:
    """Return a 95 % interval of a ratio: "[1.8, 8.8]".

    None gives a dash.
    """
    return DASH if interval is None else f"[{significant(interval[0], 2)},{NBSP}{significant(interval[1], 2)}]"


def p_value(probability: float | None, name: str = "p") -> str:
    """Return "p = 0.032" or "p < 0.001".

    None gives a dash.
    """
    if probability is None:
        return DASH
    return f"{name} < 0.001" if probability < 0.001 else f"{name} = {significant(probability, 2)}"


def rate(estimate: Rate) -> str:
    """Return a rate as people read it.

    "1.31 % [0.90, 1.8]" with an interval; "1.31 % (4 of 305)" for few errors of too few people for one; "≤ 3.2 % (4 of 1,200)" for
    few errors or none; "<30 people" where suppressed.
    """
    if estimate.status == "suppressed":
        return suppressed(estimate)
    if estimate.status == "bound":
        return bound(estimate)
    if estimate.interval is not None:
        return f"{percent(estimate.rate)} {percent_interval(estimate.interval)}"
    if estimate.errors is not None and 0 < estimate.errors < 10 and estimate.status == "ok":
        return f"{percent(estimate.rate)} ({count(estimate.errors)} of {count(estimate.comparisons)})"
    return percent(estimate.rate)


def suppressed(estimate: Rate) -> str:
    """Return why a rate is not shown.

    "<30 people", or its reason in words.
    """
    return f"<30{NBSP}people" if estimate.reason == "too_few_subjects" else reason(estimate.reason) or "not shown"


def bound(estimate: Rate) -> str:
    """Return an upper bound and the count behind it.

    The upper end of the two-sided 95 % interval.
    """
    seen = f"({count(estimate.errors)} of {count(estimate.comparisons)})"
    if estimate.upper is None:
        return f"{reason(estimate.reason) or 'no bound'} {seen}"
    return f"≤{NBSP}{percent(estimate.upper, 2)} {seen}{if_independent(estimate)}"


def if_independent(estimate: Rate) -> str:
    """Return what a bound takes for granted, as a clause.

    Where no like group has an error, nothing is known of how errors go together. Empty otherwise.
    """
    unknown = estimate.errors == 0 and estimate.interval is not None and estimate.design_effect is None
    return " if comparisons were independent" * unknown


def threshold(model: ModelInfo, native: float | None) -> str:
    """Return a threshold in the model's own unit.

    With the direction of a match: "Euclidean distance ≤ 0.6"; None gives a dash.
    """
    if native is None:
        return DASH
    sign = "≥" if model.score.sign == 1 else "≤"
    return f"{clean(model.score.unit)} {sign}{NBSP}{native_number(native)}"


def native_number(native: float) -> str:
    """Return a threshold in the fewest digits that name no other number.

    So that typing it gives the same counts: 0.6, 0.43512034, 16777217.
    """
    return repr(float(native)).removesuffix(".0")


def target(fraction: float) -> str:
    """Return a target FMR: "1 %", "0.1 %".

    Trailing zeros dropped.
    """
    return f"{100 * fraction:.12f}".rstrip("0").rstrip(".") + NBSP + "%"


def point_name(point: OperatingPoint) -> str:
    """Return an operating point in a few words.

    "target FMR 1 %", "published threshold", "fixed threshold".
    """
    if point.origin == "target" and point.target_fmr is not None:
        return f"target FMR {target(point.target_fmr)}"
    return f"{point.origin} threshold"


def sentence(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def pool_name(pool: Pool | None) -> str:
    """Return the pool's name: "the balanced pool".

    Also "the pool of all pairs", "the pool of ethnicity White".
    """
    if pool is None:
        return "the pool"
    if pool.name == "all":
        return "the pool of all pairs"
    attribute, equals, value = clean(pool.name).partition("=")
    return f"the pool of {attribute} {value}" if equals else f"the {attribute} pool"


def origin(point: OperatingPoint) -> str:
    """Return where a threshold comes from, as a clause."""
    if point.origin == "target" and point.target_fmr is not None:
        pool = pool_name(point.pool)
        return f"set on these data so that {pool} reaches an FMR of at most {target(point.target_fmr)}"
    if point.origin == "published":
        return "published by the model's authors"
    return "fixed by the user, not on these data"


CONTRAST_REASONS: dict[str, str] = {
    "too_few_comparisons_for_target": "the threshold rests on too few errors",
    "too_few_effective_errors": "the threshold rests on too few effective errors",
    "too_few_errors": "too few effective errors for a verdict",
    "contaminated": "the readings with and without probable repeats differ",
    "too_few_subjects_for_interval": "fewer than 50 people in one of the groups",
}


def contrast_reason(code: str | None) -> str:
    """Return why a contrast has no verdict or no ratio.

    In words; empty for none.
    """
    return CONTRAST_REASONS.get(code or "") or reason(code)
