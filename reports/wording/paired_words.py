"""A controlled experiment in words and cells: the same in the page, in the terminal and in `summary.md`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from faceparity.harness.results import Evaluation, Paired, PairedDifference, PairedPoint
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.verdicts.reasons import OF_PAIRED

CALLED = ("higher", "lower")
SCORES = {"non_mated_score": "two different {units}", "mated_score": "two images of one {unit}"}
RATES = {"fmr": "FMR", "fnmr": "FNMR"}


def units(evaluation: Evaluation) -> tuple[str, str]:
    """Return what the set's units are called, one and many.

    The heads of a synthetic set, people of any other.
    """
    return ("head", "heads") if evaluation.dataset.synthetic else ("person", "people")


def factors(experiment: Paired) -> str:
    """Return the factors' names: "tone and exposure"."""
    names = [f.shorten(one.factor, 40) for one in experiment.factors]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def title(experiment: Paired) -> str:
    """Return the section's heading."""
    return f"What {factors(experiment)} alone {'do' if len(experiment.factors) > 1 else 'does'} to this model"


def level(difference: PairedDifference) -> str:
    """Return "tone 5", or a condition's name."""
    return f.shorten(f"{difference.factor} {difference.level}" if difference.factor else difference.level, 60)


def places(interval: tuple[float, float] | None, value: float) -> int:
    """Return how many decimals to show.

    Those that give half an interval's width two significant digits, or, without one, the value three.
    """
    half = (interval[1] - interval[0]) / 2 if interval else abs(value) / 10
    return max(0, 1 - math.floor(math.log10(half))) if half > 0 else 2


def signed(value: float, decimals: int) -> str:
    """Return a difference with its sign: "+0.031", "−1.5".

    What rounds to zero has none.
    """
    text = f"{abs(value):,.{decimals}f}"
    zero = not text.strip("0.,")
    return text if zero else ("+" if value > 0 else "−") + text


def change(evaluation: Evaluation, difference: PairedDifference) -> str:
    """Return the difference in the unit that is shown.

    As precise as its interval; a dash for none.
    """
    if difference.difference is None:
        return f.DASH
    return signed(scale(evaluation, difference) * difference.difference, _decimals(evaluation, difference))


def span(evaluation: Evaluation, difference: PairedDifference) -> str:
    """Return the 95 % interval of a difference.

    In the unit that is shown: "[−2.41, −0.65]"; empty for none.
    """
    if difference.interval is None:
        return ""
    lo, hi = sorted(scale(evaluation, difference) * end for end in difference.interval)
    return f"[{signed(lo, _decimals(evaluation, difference))},{f.NBSP}{signed(hi, _decimals(evaluation, difference))}]"


def _decimals(evaluation: Evaluation, difference: PairedDifference) -> int:
    """Return the decimals of a difference in the shown unit."""
    multiplier = abs(scale(evaluation, difference))
    return places(
        (multiplier * difference.interval[0], multiplier * difference.interval[1]) if difference.interval else None,
        multiplier * (difference.difference or 0.0),
    )


def scale(evaluation: Evaluation, difference: PairedDifference) -> float:
    """Return the multiplier that gives the shown unit.

    Scores are shown in the model's own unit, rates in percent.
    """
    return float(evaluation.model.score.sign) if difference.measure in SCORES else 100.0


def cell(evaluation: Evaluation, difference: PairedDifference | None, *, interval: bool = True) -> str:
    """Return a difference as the cell of a table.

    In the unit that is shown, with its interval, and ▲ or ▼ where it is beyond doubt by chance; where there is none, why.
    """
    if difference is None:
        return f.DASH
    if difference.difference is None:
        return f"≤{f.NBSP}{f.percent(difference.bound, 2)} both" if difference.bound is not None else why(difference) or f.DASH
    up = scale(evaluation, difference) * difference.difference > 0
    mark = (" ▲" if up else " ▼") if difference.verdict in CALLED else ""
    return f"{change(evaluation, difference)} {span(evaluation, difference) if interval else ''}".rstrip() + mark


def ends(difference: PairedDifference) -> str:
    """Return both rates, the reference's first.

    "1.83 % → 0.297 %"; without errors "0 of 180".
    """
    both = ((difference.reference_value, difference.reference_errors), (difference.value, difference.errors))
    return " → ".join(f"0 of {f.count(difference.comparisons)}" if errors == 0 else f.percent(value) for value, errors in both)


def verdict(difference: PairedDifference) -> str:
    """Return the verdict on a difference in words.

    "higher", "less alike", "inconclusive: too few errors for a verdict".
    """
    if difference.verdict in CALLED:
        return (
            {"higher": "more alike", "lower": "less alike"}[difference.verdict]
            if difference.measure in SCORES
            else difference.verdict
        )
    word = "none" if difference.verdict == "none" else "inconclusive"
    return f"{word}: {why(difference)}" if difference.reason else word


def why(difference: PairedDifference) -> str:
    """Return why a difference is missing or not called; empty for none."""
    return f.in_words(difference.reason, OF_PAIRED)


def difference(differences: Sequence[PairedDifference], measure: str, like: PairedDifference) -> PairedDifference | None:
    """Return another measure's difference between the same two sides.

    None if there is none.
    """
    same = (measure, like.factor, like.level)
    return next((candidate for candidate in differences if (candidate.measure, candidate.factor, candidate.level) == same), None)


def largest(experiment: Paired, factor: str) -> PairedDifference | None:
    """Return a factor's level that moves non-mated scores most.

    The one whose mean score of different units differs most from the reference's; None if none has a difference.
    """
    differences = [
        difference
        for difference in experiment.differences
        if difference.measure == "non_mated_score" and difference.factor == factor and difference.difference is not None
    ]
    return max(differences, key=lambda difference: abs(difference.difference or 0), default=None)


def headline(experiment: Paired) -> PairedPoint | None:
    """Return the first operating point with a threshold."""
    return next((point for point in experiment.operating_points if point.threshold is not None), None)


def point_name(point: PairedPoint) -> str:
    """Return an operating point's name, as the run calls it."""
    if point.origin == "target" and point.target_fmr is not None:
        return f"target FMR {f.target(point.target_fmr)}"
    return f"{point.origin} threshold"


def at(evaluation: Evaluation, point: PairedPoint) -> str:
    """Return an operating point with its threshold."""
    return f"{point_name(point)}: {f.threshold(evaluation.model, point.native_threshold)}"


def sentences(evaluation: Evaluation, experiment: Paired) -> list[str]:
    """Return the findings in plain words.

    Of each factor the level that moves scores most, its scores, then its rates at the first threshold and failures.
    """
    out = []
    for factor in experiment.factors:
        difference = largest(experiment, factor.factor)
        if difference is not None:
            out += [_score_sentence(evaluation, experiment, difference), *_rate_sentences(evaluation, experiment, difference)]
    if out:
        return out
    one, many = units(evaluation)
    most = max((condition.complete for condition in experiment.conditions), default=0)
    return [
        f"Nothing can be said: at most {f.plural(most, one, many)} {'has' if most == 1 else 'have'} a template from every image under one "
        "condition, and it takes 30 under all that are compared."
    ]


def _score_sentence(evaluation: Evaluation, experiment: Paired, contrast: PairedDifference) -> str:
    """Return how the scores change at one level."""
    one, many = units(evaluation)
    same = difference(experiment.differences, "mated_score", contrast)
    text = (
        f"The same {f.plural(contrast.subjects, one, many)}, only {f.shorten(contrast.factor or '', 40)} changed, {_sides(contrast)}: the "
        f"{f.clean(evaluation.model.score.unit)} of two different {many} {_score_change(evaluation, contrast)}"
    )
    if same is not None and same.difference is not None:
        text += f"; that of two images of one {one} {_score_change(evaluation, same)}"
    return text + "."


def _rate_sentences(evaluation: Evaluation, experiment: Paired, contrast: PairedDifference) -> list[str]:
    """Return how rates and failures change at one level."""
    point, clauses = headline(experiment), []
    if point is not None:
        rates = [difference(point.differences, measure, contrast) for measure in RATES]
        clauses = [_rate_change(evaluation, rate) for rate in rates if rate is not None and rate.reason != "no_mated_pairs"]
    ftx = difference(experiment.differences, "ftx", contrast)
    if ftx is not None and ftx.errors is not None:
        without = f"{f.count(ftx.errors)} of {f.plural(ftx.comparisons, 'image')} against {f.count(ftx.reference_errors)}"
        clauses.append(f"without a template {without}")
    where = f", at one threshold ({point_name(point)})" if point is not None else ""
    return (
        [f"{f.sentence(level(contrast))} against {f.shorten(contrast.reference, 40)}{where}: {'; '.join(clauses)}."]
        if clauses
        else []
    )


def _sides(difference: PairedDifference) -> str:
    """Return "level against reference"."""
    return f"{f.shorten(difference.level, 40)} against {f.shorten(difference.reference, 40)}"


def _score_change(evaluation: Evaluation, difference: PairedDifference) -> str:
    """Return by how much a mean score changes.

    "falls by 0.113 on average (95 % interval 0.099 to 0.128), from 0.499 to 0.386".
    """
    multiplier, decimals = scale(evaluation, difference), _decimals(evaluation, difference)
    ends = f"from {multiplier * (difference.reference_value or 0):,.{decimals}f} to {multiplier * (difference.value or 0):,.{decimals}f}"
    if difference.verdict not in CALLED or difference.interval is None:
        return f"moves {ends} on average, {change(evaluation, difference)} {span(evaluation, difference)} (inconclusive)"
    lo, hi = sorted(abs(end) for end in difference.interval)
    word = "rises" if multiplier * (difference.difference or 0) > 0 else "falls"
    size = f"{abs(difference.difference or 0):,.{decimals}f} on average (95 % interval {lo:,.{decimals}f} to {hi:,.{decimals}f})"
    return f"{word} by {size}, {ends}"


def _rate_change(evaluation: Evaluation, difference: PairedDifference) -> str:
    """Return how an error rate changes, with the verdict."""
    name = RATES[difference.measure]
    if difference.difference is None:
        bound = f" (neither is above {f.percent(difference.bound, 2)})" if difference.bound is not None else ""
        return f"{name}: {why(difference) or 'not known'}{bound}"
    text = f"{name} {ends(difference)}"
    if difference.interval is not None:
        text += f", {change(evaluation, difference)} percentage points {span(evaluation, difference)}"
    return f"{text}, {verdict(difference)}"


def compact(evaluation: Evaluation, experiment: Paired, *, interval: bool = True) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of a small table.

    Each level of each factor against the reference: scores, and FMR at each threshold.
    """
    unit = f.clean(evaluation.model.score.unit)
    points = [point for point in experiment.operating_points if point.threshold is not None]
    _, many = units(evaluation)
    header = [
        "against the reference",
        f"{unit}, two {many}",
        f"{unit}, same {many}",
        *(f"FMR at {point_name(point)}" for point in points),
    ]
    rows = []
    for contrast in experiment.differences:
        if contrast.measure != "non_mated_score" or contrast.factor is None:
            continue
        cells = [
            cell(evaluation, one, interval=interval)
            for one in (contrast, difference(experiment.differences, "mated_score", contrast))
        ]
        cells += [cell(evaluation, difference(point.differences, "fmr", contrast), interval=interval) for point in points]
        rows.append([f"{level(contrast)} – {f.shorten(contrast.reference, 40)}", *cells])
    return header, rows


def legend(*, interval: bool = True) -> str:
    """Return the small table's legend."""
    with_interval = " [95 %]" if interval else ""
    return (
        f"Differences{with_interval} on the same comparisons, FMR in percentage points; ▲ ▼: higher or lower beyond doubt by chance "
        "(Holm-adjusted p below 0.05)."
    )
