"""The finding of one evaluation: two sentences that can be repeated as they stand, what belongs beside them, and the rest.

Drawn from the record's verdicts alone, and held to the same rules as all of `narrative`.
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

VERBS = {"fmr": "falsely matched two different people", "fnmr": "failed to match two images of one person"}
OTHERS = {"fmr": "two", "fnmr": "of one"}
OPPOSITE = "The opposite error, failing to match two images of one person,"


class Finding(NamedTuple):
    """main: one or two sentences. beside: what is seen with them. more: what stands behind them. cautions: before repeating any.

    `grouping`: the one that `main` is about; None if no threshold could be set.
    """

    main: list[str]
    beside: list[str]
    more: list[str]
    cautions: list[str]
    grouping: Grouping | None


def finding(e: Evaluation) -> Finding:
    """The finding at the headline operating point: over the finest grouping, or where that has no verdict, by a single attribute."""
    g = finest(e)
    i = headline(g)
    if i is None:
        return Finding([_refused(e, g)], [], [], cautions(e, None), None)
    p = g.operating_points[i]
    points = [(x, x.operating_points[i]) for x in e.groupings if i < len(x.operating_points)]
    decided = sorted((x for x in points if called(x[1], "fmr")), key=lambda x: -_distance(_top(x[1], "fmr")))
    lead = g if not decided or any(x is g for x, _ in decided) else decided[0][0]
    at = next(q for x, q in points if x is lead)
    main = _told(e, lead, at) if called(at, "fmr") else _none_told(e, p)
    beside = [s for s in (tally(at, "fmr"),) if s and called(at, "fmr")]
    beside += [_short(x, q) for x, q in decided if x is not lead]
    if lead is not g:
        beside += [_undecided(g, p, "fmr")]
    beside += [_fnmr(e, p), *failures(e)]
    more = [*_behind(e, at, "fmr"), *(_behind(e, p, "fnmr") if e.comparisons.mated and p.fnmr else [])]
    more += [s for s in (contaminated(e, at), labelled(e), threshold_sentence(e, p), own_threshold(p)) if s]
    return Finding(main, beside, more, cautions(e, at), lead)


def _refused(e: Evaluation, g: Grouping) -> str:
    told = "; ".join(sorted({f.reason(p.reason) for p in g.operating_points if p.reason})) or "no operating point was asked for"
    return f"{subject(e)} has no finding: no threshold could be set ({told})."


def called(p: OperatingPoint, measure: str) -> list[Contrast]:
    """The ratios that passed the gates."""
    return [c for c in p.contrasts if c.measure == measure and c.ratio and verdict(p, measure, c.group) in ("higher", "lower")]


def _of(p: OperatingPoint, measure: str) -> list[Contrast]:
    return [c for c in p.contrasts if c.measure == measure]


def _distance(c: Contrast) -> float:
    """How far a ratio is from 1, either way."""
    return max(c.ratio, 1 / c.ratio) if c.ratio else 0.0


def _top(p: OperatingPoint, measure: str) -> Contrast:
    return max(called(p, measure), key=_distance)


def _times(c: Contrast) -> str:
    """ "18.3 times (95 % interval 11 to 30) as often"."""
    span = f" (95 % interval {f.number(c.interval[0], 2)} to {f.number(c.interval[1], 2)})" if c.interval else ""
    return f"{f.number(c.ratio, 3 if c.ratio and c.ratio >= 10 else 2)} times{span} as often"


def _pair(c: Contrast) -> tuple[str, str]:
    return f.shorten(c.group, 80), f.shorten(c.reference, 80)


def _matched(e: Evaluation, g: Grouping) -> str:
    return "" if g is finest(e) else ", the other attributes weighted equally"


def _told(e: Evaluation, g: Grouping, p: OperatingPoint) -> list[str]:
    """The largest ratio of false match rates that passed the gates, and the rates it is made of."""
    top, rates = _top(p, "fmr"), by_group(p, "fmr")
    group, reference = _pair(top)
    return [
        f"{subject(e)} {VERBS['fmr']} labelled {group} {_times(top)} as two labelled {reference}{_matched(e, g)}, {at_threshold(p)}.",
        f"That is a {MEASURES['fmr']} of {evidence(rates[top.group], 'fmr')} against {evidence(rates[top.reference], 'fmr')}.",
    ]


def _none_told(e: Evaluation, p: OperatingPoint) -> list[str]:
    """That no ratio of false match rates passed the gates, and what could have been seen."""
    of, rates = _of(p, "fmr"), by_group(p, "fmr")
    if not of:
        return [_no_contrast(e, p, rates)]
    reference, n = f.shorten(of[0].reference, 80), Counter(verdict(p, "fmr", c.group) for c in of)
    if not n["inconclusive"]:
        return [
            f"{subject(e)} has no ratio of {MEASURES['fmr']}s between any group and {reference} {at_threshold(p)} ({_reasons(of)})."
        ]
    rest = f", {f.plural(n['none'], 'group')} without a ratio" if n["none"] else ""
    first = (
        f"{subject(e)} gave no verdict on {MEASURES['fmr']}s between any group and {reference} {at_threshold(p)}: inconclusive for "
        f"{f.plural(n['inconclusive'], 'group')}{rest}."
    )
    return [first, detectable(of) or "What ratio these data could have detected is not known."]


def _no_contrast(e: Evaluation, p: OperatingPoint, rates: dict[str, Rate]) -> str:
    shown = [r for r in rates.values() if r.status != "suppressed"]
    head = f"{subject(e)}, {at_threshold(p)},"
    if not shown:
        return f"{head} had no group large enough to show a {MEASURES['fmr']}."
    told = "; ".join(f"{f.shorten(r.group, 80)} {evidence(r, 'fmr')}" for r in shown[:2])
    return f"{head} had these {MEASURES['fmr']}s, with no comparison between groups: {told}."


def _reasons(of: Sequence[Contrast]) -> str:
    return ", ".join(sorted({f.contrast_reason(c.reason) for c in of if c.reason})) or "no verdict"


def _short(g: Grouping, p: OperatingPoint) -> str:
    """What another grouping shows, in a sentence."""
    top, rates = _top(p, "fmr"), by_group(p, "fmr")
    group, reference = _pair(top)
    over = f"{f.percent(rates[top.group].rate)} against {f.percent(rates[top.reference].rate)}"
    return f"By {grouping_name(g)}: {group} {_times(top)} as {reference} ({over})."


def _undecided(g: Grouping, p: OperatingPoint, measure: str) -> str:
    """That a grouping has no verdict on one error rate, shortly."""
    of = _of(p, measure)
    if not of:
        return f"By {grouping_name(g)} there is no comparison of {MEASURES[measure]}s."
    n = Counter(verdict(p, measure, c.group) for c in of)
    told = [f"inconclusive for {f.plural(n['inconclusive'], 'group')}"] * bool(n["inconclusive"])
    told += [f"no ratio for {f.plural(n['none'], 'group')} ({_reasons([c for c in of if c.verdict == 'none'])})"] * bool(
        n["none"]
    )
    name = f.sentence(f"{MEASURES[measure]}s by {grouping_name(g)} against {f.shorten(of[0].reference, 80)}")
    return f"{name}: no verdict; {', '.join(told)}."


def _fnmr(e: Evaluation, p: OperatingPoint) -> str:
    """The opposite error in a sentence."""
    if not e.comparisons.mated:
        return f"{OPPOSITE} was not measured: no two images of this data set are labelled as the same person."
    if not p.fnmr:
        return f"{OPPOSITE} has no result by group at this threshold."
    if not called(p, "fnmr"):
        return _undecided(finest(e), p, "fnmr")
    top, rates = _top(p, "fnmr"), by_group(p, "fnmr")
    group, reference = _pair(top)
    over = f"{f.percent(rates[top.group].rate)} against {f.percent(rates[top.reference].rate)}"
    told = f"{f.sentence(VERBS['fnmr'])} labelled {group}: {_times(top)} as of one labelled {reference} ({over})."
    return f"{told} {tally(p, 'fnmr')}".rstrip()


def _behind(e: Evaluation, p: OperatingPoint, measure: str) -> Iterator[str]:
    """What stands behind a finding on one error rate: p-values, power, and the rates not yet told in full."""
    of, rates = _of(p, measure), by_group(p, measure)
    if not of:
        return
    top = _top(p, measure) if called(p, measure) else None
    if top is not None:
        yield f"{f.sentence(MEASURES[measure])}, {f.shorten(top.group, 80)}: {f.p_value(top.p_holm, 'Holm-adjusted p')}."
    if (top is None or measure == "fnmr") and of[0].reference in rates:
        for name in dict.fromkeys([*([top.group] if top else []), of[0].reference]):
            yield f"{f.sentence(MEASURES[measure])} of {f.shorten(name, 80)}: {evidence(rates[name], measure)}."
    if _gated(p, measure, of):
        yield _gated(p, measure, of)
    if top is not None or measure == "fnmr":
        yield from (s for s in (detectable(of),) if s)


def tally(p: OperatingPoint, measure: str) -> str:
    """How many groups got which verdict; empty for a single group."""
    of = _of(p, measure)
    if len(of) < 2:
        return ""
    n = Counter(verdict(p, measure, c.group) for c in of)
    told = [f"{f.count(n[x])} had a {x} {MEASURES[measure]}" for x in ("higher", "lower") if n[x]]
    told += [f"{f.count(n['inconclusive'])} {'was' if n['inconclusive'] == 1 else 'were'} inconclusive"] * bool(n["inconclusive"])
    told += [f"{f.count(n['none'])} had no ratio"] * bool(n["none"])
    listed = " and ".join(([", ".join(told[:-1])] if told[:-1] else []) + told[-1:])
    return f"Of the {f.plural(len(of), 'group')} compared with {f.shorten(of[0].reference, 80)}, {listed}."


def detectable(of: Sequence[Contrast]) -> str:
    """The ratios that inconclusive comparisons could have detected, in a sentence; empty if none is known."""
    known = sorted(c.detectable_ratio for c in of if c.detectable_ratio is not None and c.verdict == "inconclusive")
    if not known:
        return ""
    least, most = (f.number(x, 2) for x in (known[0], known[-1]))
    ratios = least if least == most else f"{least} to {most}, by group"
    what = ERRORS[of[0].measure][1]
    return f"Where inconclusive, these data could have detected a ratio of {ratios}, in {what}."


def _gated(p: OperatingPoint, measure: str, of: Sequence[Contrast]) -> str:
    """That chance alone does not explain some inconclusive ratios, which yet rest on too few errors; empty if there are none."""
    n = sum(1 for c in of if verdict(p, measure, c.group) == "inconclusive" and is_significant(c.p_holm))
    if not n:
        return ""
    them = "its ratio is" if n == 1 else "their ratios are"
    return (
        f"For {f.count(n)} of the inconclusive groups the Holm-adjusted p is below 0.05, but {them} not called: too few effective "
        "errors, or probable repeats of one person, stand in the way."
    )
