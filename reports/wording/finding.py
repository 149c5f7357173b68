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
from faceparity.reports.wording.unadjusted import unadjusted_sentences

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


def finding(evaluation: Evaluation) -> Finding:
    """Return the finding at the headline operating point.

    Over the finest grouping, or where that has no verdict, by a single attribute.
    """
    finest_grouping = finest(evaluation)
    i = headline(finest_grouping)
    if i is None:
        return Finding([_refused(evaluation, finest_grouping)], [], [], cautions(evaluation, None), None)
    finest_point = finest_grouping.operating_points[i]
    points = [
        (candidate, candidate.operating_points[i]) for candidate in evaluation.groupings if i < len(candidate.operating_points)
    ]
    decided = sorted(
        (candidate for candidate in points if called(candidate[1], "fmr")),
        key=lambda candidate: -_distance(_largest(candidate[1], "fmr")),
    )
    lead = finest_grouping if not decided or any(candidate is finest_grouping for candidate, _ in decided) else decided[0][0]
    lead_point = next(point for candidate, point in points if candidate is lead)
    main = _largest_ratio(evaluation, lead, lead_point) if called(lead_point, "fmr") else _no_verdict(evaluation, finest_point)
    beside = [sentence for sentence in (tally(lead_point, "fmr"),) if sentence and called(lead_point, "fmr")]
    beside += [_other_grouping(candidate, point) for candidate, point in decided if candidate is not lead]
    beside += unadjusted_sentences(evaluation, i)
    if lead is not finest_grouping:
        beside += [_undecided(finest_grouping, finest_point, "fmr")]
    beside += [_fnmr(evaluation, finest_point), *failures(evaluation)]
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
    return Finding(main, beside, more, cautions(evaluation, lead_point), lead)


def _refused(evaluation: Evaluation, grouping: Grouping) -> str:
    """Return that no threshold could be set, and why."""
    text = (
        "; ".join(sorted({f.reason(point.reason) for point in grouping.operating_points if point.reason}))
        or "no operating point was asked for"
    )
    return f"{subject(evaluation)} has no finding: no threshold could be set ({text})."


def called(point: OperatingPoint, measure: str) -> list[Contrast]:
    """Return the contrasts whose ratios passed the gates."""
    return [
        contrast
        for contrast in point.contrasts
        if contrast.measure == measure and contrast.ratio and verdict(point, measure, contrast.group) in ("higher", "lower")
    ]


def _contrasts(point: OperatingPoint, measure: str) -> list[Contrast]:
    """Return the contrasts of one error rate."""
    return [contrast for contrast in point.contrasts if contrast.measure == measure]


def _distance(contrast: Contrast) -> float:
    """Return how far a ratio is from 1, either way.

    The larger of ratio and its inverse; 0 without a ratio.
    """
    return max(contrast.ratio, 1 / contrast.ratio) if contrast.ratio else 0.0


def _largest(point: OperatingPoint, measure: str) -> Contrast:
    """Return the contrast with the ratio furthest from 1.

    Of those that passed the gates.
    """
    return max(called(point, measure), key=_distance)


def _times(contrast: Contrast) -> str:
    """Return a ratio in words.

    "18.3 times (95 % interval 11 to 30) as often".
    """
    span = (
        f" (95 % interval {f.number(contrast.interval[0], 2)} to {f.number(contrast.interval[1], 2)})"
        if contrast.interval
        else ""
    )
    return f"{f.number(contrast.ratio, 3 if contrast.ratio and contrast.ratio >= 10 else 2)} times{span} as often"


def _pair(contrast: Contrast) -> tuple[str, str]:
    """Return the names of a contrast's group and reference."""
    return f.shorten(contrast.group, 80), f.shorten(contrast.reference, 80)


def _matched(evaluation: Evaluation, grouping: Grouping) -> str:
    """Return how other attributes were weighted, as a clause."""
    return "" if grouping is finest(evaluation) else ", the other attributes weighted equally"


def _largest_ratio(evaluation: Evaluation, grouping: Grouping, point: OperatingPoint) -> list[str]:
    """Return the largest ratio of false match rates.

    Of those that passed the gates, with the two rates.
    """
    top, rates = _largest(point, "fmr"), by_group(point, "fmr")
    group, reference = _pair(top)
    return [
        f"{subject(evaluation)} {VERBS['fmr']} labelled {group} {_times(top)} as two labelled "
        f"{reference}{_matched(evaluation, grouping)}, {at_threshold(point)}.",
        f"That is a {MEASURES['fmr']} of {evidence(rates[top.group], 'fmr')} against {evidence(rates[top.reference], 'fmr')}.",
    ]


def _no_verdict(evaluation: Evaluation, point: OperatingPoint) -> list[str]:
    """Return that no false match ratio passed the gates.

    And what ratio could have been detected.
    """
    contrasts, rates = _contrasts(point, "fmr"), by_group(point, "fmr")
    if not contrasts:
        return [_no_contrast(evaluation, point, rates)]
    reference, by_verdict = (
        f.shorten(contrasts[0].reference, 80),
        Counter(verdict(point, "fmr", contrast.group) for contrast in contrasts),
    )
    if not by_verdict["inconclusive"]:
        return [
            f"{subject(evaluation)} has no ratio of {MEASURES['fmr']}s between any group and {reference} {at_threshold(point)} "
            f"({_reasons(contrasts)})."
        ]
    rest = f", {f.plural(by_verdict['none'], 'group')} without a ratio" if by_verdict["none"] else ""
    first = (
        f"{subject(evaluation)} gave no verdict on {MEASURES['fmr']}s between any group and {reference} {at_threshold(point)}: "
        "inconclusive for "
        f"{f.plural(by_verdict['inconclusive'], 'group')}{rest}."
    )
    return [first, detectable(contrasts) or "What ratio these data could have detected is not known."]


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
    top, rates = _largest(point, "fmr"), by_group(point, "fmr")
    group, reference = _pair(top)
    over = f"{f.percent(rates[top.group].rate)} against {f.percent(rates[top.reference].rate)}"
    return f"By {grouping_name(grouping)}: {group} {_times(top)} as {reference} ({over})."


def _undecided(grouping: Grouping, point: OperatingPoint, measure: str) -> str:
    """Return that a grouping has no verdict on a rate."""
    contrasts = _contrasts(point, measure)
    if not contrasts:
        return f"By {grouping_name(grouping)} there is no comparison of {MEASURES[measure]}s."
    by_verdict = Counter(verdict(point, measure, contrast.group) for contrast in contrasts)
    clauses = [f"inconclusive for {f.plural(by_verdict['inconclusive'], 'group')}"] * bool(by_verdict["inconclusive"])
    clauses += [
        f"no ratio for {f.plural(by_verdict['none'], 'group')} "
        f"({_reasons([contrast for contrast in contrasts if contrast.verdict == 'none'])})"
    ] * bool(by_verdict["none"])
    name = f.sentence(f"{MEASURES[measure]}s by {grouping_name(grouping)} against {f.shorten(contrasts[0].reference, 80)}")
    return f"{name}: no verdict; {', '.join(clauses)}."


def _fnmr(evaluation: Evaluation, point: OperatingPoint) -> str:
    """Return the opposite error in a sentence."""
    if not evaluation.comparisons.mated:
        return f"{OPPOSITE} was not measured: no two images of this data set are labelled as the same person."
    if not point.fnmr:
        return f"{OPPOSITE} has no result by group at this threshold."
    if not called(point, "fnmr"):
        return _undecided(finest(evaluation), point, "fnmr")
    top, rates = _largest(point, "fnmr"), by_group(point, "fnmr")
    group, reference = _pair(top)
    over = f"{f.percent(rates[top.group].rate)} against {f.percent(rates[top.reference].rate)}"
    text = f"{f.sentence(VERBS['fnmr'])} labelled {group}: {_times(top)} as of one labelled {reference} ({over})."
    return f"{text} {tally(point, 'fnmr')}".rstrip()


def _evidence_sentences(evaluation: Evaluation, point: OperatingPoint, measure: str) -> Iterator[str]:
    """Yield the evidence for a finding on one error rate.

    p-values, power, and the rates that the finding does not give in full.
    """
    contrasts, rates = _contrasts(point, measure), by_group(point, measure)
    if not contrasts:
        return
    top = _largest(point, measure) if called(point, measure) else None
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
    clauses += [
        f"{f.count(by_verdict['inconclusive'])} {'was' if by_verdict['inconclusive'] == 1 else 'were'} inconclusive"
    ] * bool(by_verdict["inconclusive"])
    clauses += [f"{f.count(by_verdict['none'])} had no ratio"] * bool(by_verdict["none"])
    listed = " and ".join(([", ".join(clauses[:-1])] if clauses[:-1] else []) + clauses[-1:])
    return f"Of the {f.plural(len(contrasts), 'group')} compared with {f.shorten(contrasts[0].reference, 80)}, {listed}."


def detectable(contrasts: Sequence[Contrast]) -> str:
    """Return the ratios that inconclusive comparisons could have detected.

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
    return f"Where inconclusive, these data could have detected a ratio of {ratios}, in {what}."


def _gated(point: OperatingPoint, measure: str, contrasts: Sequence[Contrast]) -> str:
    """Return a note on low p with too few errors.

    Of inconclusive ratios with a Holm-adjusted p below 0.05; empty if there are none.
    """
    blocked = sum(
        1
        for contrast in contrasts
        if verdict(point, measure, contrast.group) == "inconclusive" and is_significant(contrast.p_holm)
    )
    if not blocked:
        return ""
    them = "its ratio is" if blocked == 1 else "their ratios are"
    return (
        f"For {f.count(blocked)} of the inconclusive groups the Holm-adjusted p is below 0.05, but {them} not called: too few effective "
        "errors, or probable repeats of one person, stand in the way."
    )
