"""The finding of one evaluation: two sentences that can be quoted unchanged, what belongs beside them, and the rest.

Derived from the record's verdicts alone, by the same rules as all of `narrative`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from faceparity.harness.results import Contrast, Evaluation, Grouping, OperatingPoint, Rate
from faceparity.harness.verification.rates.verdict_rules import is_significant
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.failed_comparisons import sentences as failed_comparisons
from faceparity.reports.wording.headline import finest, headline, verdict
from faceparity.reports.wording.narrative import (
    ERRORS,
    MEASURES,
    at_threshold,
    by_group,
    cautions,
    contaminated,
    evidence,
    failures,
    labelled,
    own_threshold,
    subject,
    threshold_sentence,
)
from faceparity.reports.wording.verdicts.largest import (
    among,
    called,
    factor,
    largest,
    lead_of,
    number_tested,
    sides,
    sought,
    times,
)
from faceparity.reports.wording.verdicts.no_verdict import REASONS as WITHHELD
from faceparity.reports.wording.verdicts.outcomes import NO_DIFFERENCE, NOT_CALLED, counted, reasons
from faceparity.reports.wording.verdicts.unadjusted import unadjusted_sentences

VERBS = {"fmr": "falsely matched two different people", "fnmr": "failed to match two images of one person"}
OTHERS = {"fmr": "two", "fnmr": "of one"}
OPPOSITE = "The opposite error, failing to match two images of one person,"


class Finding(NamedTuple):
    """The finding's sentences.

    main: one or two sentences. beside: what is seen with them. more: evidence for them. cautions: what to read before quoting any.

    `grouping`: the one that `main` is about; None if no threshold could be set.
    """

    main: list[str]
    beside: list[str]
    more: list[str]
    cautions: list[str]
    grouping: Grouping | None


def finding(evaluation: Evaluation, lead: Sequence[str] | None = None) -> Finding:
    """Return the finding at the headline operating point.

    Over the finest grouping, or where that has no verdict, by a single attribute. lead: the attributes over which the headlines of
    several models stand (`common_leads`).
    """
    finest_grouping = finest(evaluation)
    i = headline(finest_grouping)
    if i is None:
        return Finding([_refused(evaluation, finest_grouping)], [], [], cautions(evaluation, None), None)
    finest_point = finest_grouping.operating_points[i]
    if finest_point.withheld is not None:
        return _withheld(evaluation, finest_grouping, finest_point)
    points = [
        (candidate, candidate.operating_points[i]) for candidate in evaluation.groupings if i < len(candidate.operating_points)
    ]
    decided = sorted(
        (candidate for candidate in points if called(candidate[1], "fmr")),
        key=lambda candidate: -factor(largest(candidate[1], "fmr")),
    )
    chosen = list(lead or lead_of([evaluation]))
    leading, lead_point = next(candidate for candidate in points if candidate[0].attributes == chosen)
    of = sought(points, leading, leading is finest_grouping)
    main = (
        _largest_ratio(evaluation, leading, lead_point, of) if called(lead_point, "fmr") else _no_verdict(evaluation, lead_point)
    )
    beside = [sentence for sentence in (tally(lead_point, "fmr"),) if sentence and called(lead_point, "fmr")]
    beside += [_other_grouping(candidate, point) for candidate, point in decided if candidate is not leading]
    beside += unadjusted_sentences(evaluation, i)
    if leading is not finest_grouping:
        beside += [_undecided(finest_grouping, finest_point, "fmr")]
    beside += [_fnmr(evaluation, finest_point), *failures(evaluation), *failed_comparisons(evaluation)]
    more = [
        *_evidence_sentences(evaluation, lead_point, "fmr"),
        *(_evidence_sentences(evaluation, finest_point, "fnmr") if evaluation.comparisons.mated and finest_point.fnmr else []),
    ]
    more += [
        sentence
        for sentence in (
            contaminated(evaluation, lead_point),
            labelled(evaluation),
            threshold_sentence(evaluation, finest_point),
            own_threshold(finest_point),
        )
        if sentence
    ]
    return Finding(main, beside, more, cautions(evaluation, lead_point), leading)


def _withheld(evaluation: Evaluation, grouping: Grouping, point: OperatingPoint) -> Finding:
    """Return that no verdict is given; the cautions say what is likely."""
    assert point.withheld is not None
    main = (
        f"{subject(evaluation)} has no finding {at_threshold(point)}: {f.reason(point.withheld.reason)}, so no verdict is given."
    )
    more = [labelled(evaluation), threshold_sentence(evaluation, point)]
    beside = [*failures(evaluation), *failed_comparisons(evaluation)]
    return Finding([main], beside, more, cautions(evaluation, point), grouping)


def _refused(evaluation: Evaluation, grouping: Grouping) -> str:
    """Return that no threshold could be set, and why."""
    text = (
        "; ".join(sorted({f.reason(point.reason) for point in grouping.operating_points if point.reason}))
        or "no operating point was asked for"
    )
    return f"{subject(evaluation)} has no finding: no threshold could be set ({text})."


def _contrasts(point: OperatingPoint, measure: str) -> list[Contrast]:
    """Return the contrasts of one error rate."""
    return [contrast for contrast in point.contrasts if contrast.measure == measure]


def _matched(evaluation: Evaluation, grouping: Grouping) -> str:
    """Return how other attributes were weighted, as a clause."""
    return "" if grouping is finest(evaluation) else ", the other attributes weighted equally"


def _largest_ratio(evaluation: Evaluation, grouping: Grouping, point: OperatingPoint, of: int) -> list[str]:
    """Return the largest ratio of false match rates.

    Of those that passed the gates, with the two rates. of: among how many differences it is the largest.
    """
    top, rates = largest(point, "fmr"), by_group(point, "fmr")
    more, less = sides(top)
    return [
        f"{subject(evaluation)} {VERBS['fmr']} labelled {f.shorten(more, 80)} {times(top)} as two labelled "
        f"{f.shorten(less, 80)}{_matched(evaluation, grouping)}{among(point, top, of)}, {at_threshold(point)}.",
        f"That is a {MEASURES['fmr']} of {evidence(rates[more], 'fmr')} against {evidence(rates[less], 'fmr')}.",
    ]


def _no_verdict(evaluation: Evaluation, point: OperatingPoint) -> list[str]:
    """Return that no false match ratio passed the gates.

    And what ratio could have been detected.
    """
    contrasts, rates = _contrasts(point, "fmr"), by_group(point, "fmr")
    if not contrasts:
        return [_no_contrast(evaluation, point, rates)]
    reference = f.shorten(contrasts[0].reference, 80)
    if all(contrast.verdict == "none" for contrast in contrasts):
        return [
            f"{subject(evaluation)} has no ratio of {MEASURES['fmr']}s between any group and {reference} {at_threshold(point)} "
            f"({_reasons(contrasts)})."
        ]
    first = (
        f"{subject(evaluation)} gave no verdict on {MEASURES['fmr']}s between any group and {reference} {at_threshold(point)}: "
        f"{_uncalled(point, contrasts)}."
    )
    return [first, detectable(contrasts) or "What ratio these data could have detected is not known."]


def _uncalled(point: OperatingPoint, contrasts: Sequence[Contrast]) -> str:
    """Return how many contrasts are not called, and why, as a clause."""
    found = counted(point, contrasts)
    clauses = [f"{NO_DIFFERENCE} for {f.plural(found['no_difference'], 'group')}"] * bool(found["no_difference"])
    why = f" ({reasons(point, contrasts)})" if reasons(point, contrasts) else ""
    clauses += [f"{NOT_CALLED} for {f.plural(found['not_called'], 'group')}{why}"] * bool(found["not_called"])
    return ", ".join(clauses)


def _no_contrast(evaluation: Evaluation, point: OperatingPoint, rates: dict[str, Rate]) -> str:
    """Return rates at a point without comparisons of groups."""
    shown = [rate for rate in rates.values() if rate.status != "suppressed"]
    head = f"{subject(evaluation)}, {at_threshold(point)},"
    if not shown:
        return f"{head} had no group large enough to show a {MEASURES['fmr']}."
    text = "; ".join(f"{f.shorten(rate.group, 80)} {evidence(rate, 'fmr')}" for rate in shown[:2])
    return f"{head} had these {MEASURES['fmr']}s, with no comparison between groups: {text}."


def _reasons(contrasts: Sequence[Contrast]) -> str:
    """Return why contrasts have no verdict, without repeats."""
    return ", ".join(sorted({f.contrast_reason(contrast.reason) for contrast in contrasts if contrast.reason})) or "no verdict"


def _other_grouping(grouping: Grouping, point: OperatingPoint) -> str:
    """Return what another grouping shows, in a sentence."""
    top, rates = largest(point, "fmr"), by_group(point, "fmr")
    more, less = sides(top)
    over = _against(rates[more], rates[less])
    text = f"{f.shorten(more, 80)} {times(top)} as {f.shorten(less, 80)}{among(point, top, number_tested(point, 'fmr'))}"
    return f"By {grouping_name(grouping)}: {text}: {over}."


def _against(more: Rate, less: Rate) -> str:
    """Return two rates: "2.30 % against 0.294 %", or why one is none."""
    return " against ".join(f.percent(rate.rate) if rate.rate is not None else f.rate(rate) for rate in (more, less))


def _undecided(grouping: Grouping, point: OperatingPoint, measure: str) -> str:
    """Return that a grouping has no verdict on a rate."""
    contrasts = _contrasts(point, measure)
    if not contrasts:
        return f"By {grouping_name(grouping)} there is no comparison of {MEASURES[measure]}s."
    name = f.sentence(f"{MEASURES[measure]}s by {grouping_name(grouping)} against {f.shorten(contrasts[0].reference, 80)}")
    return f"{name}: no verdict; {_uncalled(point, contrasts)}."


def _fnmr(evaluation: Evaluation, point: OperatingPoint) -> str:
    """Return the opposite error in a sentence."""
    if not evaluation.comparisons.mated:
        return f"{OPPOSITE} was not measured: {f.none_mated(evaluation.comparisons)}."
    if not point.fnmr:
        return f"{OPPOSITE} has no result by group at this threshold."
    if not called(point, "fnmr"):
        return _undecided(finest(evaluation), point, "fnmr")
    top, rates = largest(point, "fnmr"), by_group(point, "fnmr")
    more, less = sides(top)
    text = f"{f.sentence(VERBS['fnmr'])} labelled {f.shorten(more, 80)}: {times(top)} as of one labelled {f.shorten(less, 80)}"
    text += f"{among(point, top, number_tested(point, 'fnmr'))}: {_against(rates[more], rates[less])}."
    return f"{text} {tally(point, 'fnmr')}".rstrip()


def _evidence_sentences(evaluation: Evaluation, point: OperatingPoint, measure: str) -> Iterator[str]:
    """Yield the evidence for a finding on one error rate.

    p-values, power, and the rates that the finding does not give in full.
    """
    contrasts, rates = _contrasts(point, measure), by_group(point, measure)
    if not contrasts:
        return
    top = largest(point, measure) if called(point, measure) else None
    if top is not None:
        yield f"{f.sentence(MEASURES[measure])}, {f.shorten(top.group, 80)}: {f.p_value(top.p_holm, 'Holm-adjusted p')}."
    if (top is None or measure == "fnmr") and contrasts[0].reference in rates:
        for name in dict.fromkeys([*([top.group] if top else []), contrasts[0].reference]):
            yield f"{f.sentence(MEASURES[measure])} of {f.shorten(name, 80)}: {evidence(rates[name], measure)}."
    if _gated(point, measure, contrasts):
        yield _gated(point, measure, contrasts)
    if top is not None or measure == "fnmr":
        yield from (sentence for sentence in (detectable(contrasts),) if sentence)


def tally(point: OperatingPoint, measure: str) -> str:
    """Return how many groups got which verdict.

    Empty for a single group.
    """
    contrasts = _contrasts(point, measure)
    if len(contrasts) < 2:
        return ""
    by_verdict = Counter(verdict(point, measure, contrast.group) for contrast in contrasts)
    clauses = [
        f"{f.count(by_verdict[direction])} had a {direction} {MEASURES[measure]}"
        for direction in ("higher", "lower")
        if by_verdict[direction]
    ]
    found = counted(point, contrasts)
    clauses += [f"{f.count(found['no_difference'])} had {NO_DIFFERENCE}"] * bool(found["no_difference"])
    clauses += [f"{f.count(found['not_called'])} {'was' if found['not_called'] == 1 else 'were'} {NOT_CALLED}"] * bool(
        found["not_called"]
    )
    listed = " and ".join(([", ".join(clauses[:-1])] if clauses[:-1] else []) + clauses[-1:])
    return f"Of the {f.plural(len(contrasts), 'group')} compared with {f.shorten(contrasts[0].reference, 80)}, {listed}."


def detectable(contrasts: Sequence[Contrast]) -> str:
    """Return the ratios that comparisons without a call could have detected.

    In a sentence; empty if none is known.
    """
    known = sorted(
        contrast.detectable_ratio
        for contrast in contrasts
        if contrast.detectable_ratio is not None and contrast.verdict == "inconclusive"
    )
    if not known:
        return ""
    least, most = (f.number(ratio, 2) for ratio in (known[0], known[-1]))
    ratios = least if least == most else f"{least} to {most}, by group"
    what = ERRORS[contrasts[0].measure][1]
    return f"Where none was called, these data could have detected a ratio of {ratios}, in {what}."


def _gated(point: OperatingPoint, measure: str, contrasts: Sequence[Contrast]) -> str:
    """Return a note on low p with too few errors.

    Of ratios that were not called, with a Holm-adjusted p below 0.05; empty if there are none.
    """
    blocked = [
        contrast
        for contrast in contrasts
        if verdict(point, measure, contrast.group) == "inconclusive"
        and contrast.reason not in WITHHELD
        and is_significant(contrast.p_holm)
    ]
    if not blocked:
        return ""
    them = "its ratio is" if len(blocked) == 1 else "their ratios are"
    return (
        f"For {f.count(len(blocked))} of the groups the Holm-adjusted p is below 0.05, but {them} not called: "
        f"{reasons(point, blocked) or 'something else stands in the way'}."
    )
