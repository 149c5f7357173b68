"""Comparisons that could not be made, in words: how many, of whom, and what the rates are with them."""

from __future__ import annotations

from faceparity.harness.results import Evaluation, FailedComparisons, Grouping, OperatingPoint, Rate
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest, headline, primary, verdict

COUNTED = "No FMR and no FNMR counts them; as non-matches they count in FAR and FRR."
ESTIMATED = " Those of images without a template, which no row of the scores names, are worked out from each group's share of such images."


def total(evaluation: Evaluation) -> str:
    """Return how many comparisons failed, by kind.

    Empty where none did, or that is not known.
    """
    counts = evaluation.comparisons
    if not (counts.mated_failed or counts.non_mated_failed):
        return ""
    mated, non_mated = (
        f"{f.count(failed)} of {f.count((failed or 0) + made)} {kind}"
        for failed, made, kind in (
            (counts.mated_failed, counts.mated, "mated"),
            (counts.non_mated_failed, counts.non_mated, "non-mated"),
        )
    )
    is_estimate = evaluation.model.score.kind == "supplied" and evaluation.extraction.overall is not None
    return f"Failed comparisons: {mated} and {non_mated}. {COUNTED}{ESTIMATED * is_estimate}"


def with_failures(grouping: Grouping) -> list[FailedComparisons]:
    """Return the groups within which some comparison failed."""
    return [entry for entry in grouping.failed_comparisons if entry.mated_failed or entry.non_mated_failed]


def cells(entry: FailedComparisons) -> list[str]:
    """Return a group's counts: failed and attempted, mated and non-mated."""
    counts = (entry.mated_failed, entry.mated, entry.non_mated_failed, entry.non_mated)
    return [f.count(count) for count in counts]


def has_failures(rate: Rate) -> bool:
    """Return whether a rate is another one with failures counted."""
    return rate.rate_including_failures is not None and rate.rate_including_failures != rate.rate


def sentences(evaluation: Evaluation) -> list[str]:
    """Return each group's failed mated comparisons, with its FRR.

    At the headline operating point, where there is one. Empty where none failed.
    """
    grouping = finest(evaluation)
    position = headline(grouping)
    rates = {} if position is None else {rate.group: rate for rate in primary(grouping.operating_points[position].fnmr)}
    out = []
    for entry in grouping.failed_comparisons:
        if not entry.mated_failed:
            continue
        share = f.percent(entry.mated_failed / entry.mated, 2)
        text = f"{f.shorten(entry.group, 80)}: {f.count(entry.mated_failed)} of {f.count(entry.mated)} mated comparisons failed ({share})"
        rate = rates.get(entry.group)
        if rate is not None and rate.rate_including_failures is not None:
            text += f"; counted as non-matches they make a false rejection rate of {f.percent(rate.rate_including_failures)}"
        out.append(text + ".")
    return out


def turned(point: OperatingPoint) -> list[str]:
    """Return which verdicts on FNMR point the other way with failures.

    Of groups whose FRR lies on the other side of the reference's FRR than their FNMR does of its FNMR.
    """
    including = {rate.group: _including(rate) for rate in primary(point.fnmr)}
    out = []
    for contrast in point.contrasts:
        group, reference = including.get(contrast.group), including.get(contrast.reference)
        called = verdict(point, "fnmr", contrast.group)
        if contrast.measure != "fnmr" or called not in ("higher", "lower") or group is None or reference is None:
            continue
        if (group < reference) if called == "higher" else (group > reference):
            names = f.shorten(contrast.group, 80), f.shorten(contrast.reference, 80)
            out.append(
                f"With failed comparisons counted it is the other way round: {names[0]} had a {called} false non-match rate than "
                f"{names[1]}, but a false rejection rate of {f.percent(group)} against {f.percent(reference)}."
            )
    return out


def _including(rate: Rate) -> float | None:
    """Return a rate with failures counted, where it is known.

    Without errors and failures it is 0, which no record gives as a rate.
    """
    if rate.rate_including_failures is None and rate.status == "bound" and rate.errors == 0:
        return 0.0
    return rate.rate_including_failures
