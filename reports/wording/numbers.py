"""How numbers are written, everywhere the same: fractions in, percent out; what is undefined is said in words.

A rate beside its errors and comparisons is one that they divide to; for any other, a mean over groups or draws, `counts` says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from faceparity.harness.results import Comparisons, ModelInfo, OperatingPoint, Pool, Rate
from faceparity.reports.wording.verdicts.reasons import OF_CONTRASTS, OF_MATED, REASONS

NBSP = "\u00a0"
DASH = "–"

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


def reason(code: str | None, *, mated: bool = False) -> str:
    """Return a reason code of the record in words.

    Empty for none. mated: of a rate of mated comparisons.
    """
    return in_words(code, OF_MATED if mated else {})


def contrast_reason(code: str | None) -> str:
    """Return why a contrast of groups has no verdict or no ratio.

    In words; empty for none.
    """
    return in_words(code, OF_CONTRASTS)


def in_words(code: str | None, own: Mapping[str, str]) -> str:
    """Return a reason in words; empty for none.

    own: words for this kind of record, where they differ from those of rates. A text that is no code stays as it is.
    """
    return "" if code is None else own.get(code) or REASONS.get(code, clean(code).replace("_", " "))


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
        return f"{percent(estimate.rate)} ({counts(estimate)})"
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
    seen = f"({counts(estimate)})"
    if estimate.upper is None:
        return f"{reason(estimate.reason) or 'no bound'} {seen}"
    return f"≤{NBSP}{percent(estimate.upper, 2)} {seen}{if_independent(estimate)}"


def if_independent(estimate: Rate) -> str:
    """Return what a bound takes for granted, as a clause.

    Where no like group has an error, nothing is known of how errors go together. Empty otherwise.
    """
    unknown = estimate.errors == 0 and estimate.interval is not None and estimate.design_effect is None
    return " if comparisons were independent" * unknown


def pooled(estimate: Rate) -> float | None:
    """Return errors / comparisons where the rate is another number.

    None where the two are the same, where there is no rate, and without errors.
    """
    if not estimate.errors or not estimate.comparisons or estimate.rate is None:
        return None
    share = estimate.errors / estimate.comparisons
    return None if math.isclose(share, estimate.rate, rel_tol=1e-6) else share


def weighting(estimate: Rate) -> str:
    """Return what a rate is a mean over: "7 groups weighted equally".

    Empty where it is errors / comparisons by its kind.
    """
    parts = estimate.parts
    if estimate.mean_over == "draws":
        return "mean over all that could be drawn"
    if estimate.mean_over == "galleries":
        return f"{plural(parts, 'gallery', 'galleries') if parts else 'galleries'} weighted equally"
    if estimate.mean_over == "cells" or estimate.design == "matched":
        return f"{plural(parts, 'group') if parts else 'groups'} weighted equally"
    return ""


def counts(estimate: Rate) -> str:
    """Return errors and comparisons, as they belong to a rate.

    "7 of 1,000"; where these don't divide to it "2 groups weighted equally; pooled 7 of 1,000 = 0.700 %"; for a mean over draws
    "mean over all that could be drawn; 7 of 1,000 in some draw".
    """
    seen = f"{count(estimate.errors)} of {count(estimate.comparisons)}"
    share = pooled(estimate)
    if share is None:
        return seen
    if estimate.mean_over == "draws":
        return f"{weighting(estimate)}; {seen} in some draw"
    return f"{weighting(estimate) or 'weighted'}; pooled {seen} = {percent(share)}"


def beside_counts(estimate: Rate, text: str) -> str:
    """Return a rate's text for a row that has its counts.

    With the weighting and the pooled rate where the counts don't divide to it.
    """
    return text if pooled(estimate) is None or counts(estimate) in text else f"{text} ({counts(estimate)})"


def pooled_column(estimates: Sequence[Rate]) -> list[str]:
    """Return the cells of a column of pooled rates.

    A dash beside a rate that its counts divide to; empty if all do.
    """
    shares = [pooled(estimate) for estimate in estimates]
    return [percent(share) for share in shares] if any(share is not None for share in shares) else []


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
