"""What people claim, and what this model on this data set says to it: in words, in tables, as CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from faceparity.harness.claims.claim_file import KNOWN
from faceparity.harness.results import Claim, ClaimReading, ClaimTest, Evaluation, Rate
from faceparity.harness.verification.rates.verdict_rules import is_significant
from faceparity.reports.layout.elements import Fold, Item, Items, Section, Table, Text
from faceparity.reports.layout.topic import SmallTable, Topic, TopicEntry
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import Row, Tables
from faceparity.reports.wording.narrative import MEASURES, evidence, labelled, subject
from faceparity.reports.wording.paired_words import units

TITLE = "What people claim"
WHAT = (
    "Each claim was written down beforehand, with what would bear it out and what would contradict it: the command faceparity claims NAME "
    "shows it. A verdict is of this model on this data set in one reading, and of nothing else. It goes by all of the claim's tests, with "
    "p-values adjusted over all tests of all claims (Holm) and the same gates on errors as everywhere."
)
NONE = "None of the claims could be tested here."
VERDICTS = {
    "borne_out": "borne out",
    "contradicted": "contradicted",
    "mixed": "mixed",
    "inconclusive": "inconclusive",
    "not_testable": "not testable",
}
RESULTS = {
    "as_claimed": "as claimed",
    "opposite": "opposite",
    "inconclusive": "inconclusive",
    "not_testable": "not testable",
}
READINGS = {"as_measured": "as measured", "operational": "operational"}
RULES = {
    "own": "each cohort's own threshold, not operational",
    "reference": "one threshold, set on the reference group",
    "one": "one threshold for everybody",
    "none": "scores, without a threshold",
}
SCORES = {"non_mated_score": "mean non-mated score", "mated_score": "mean mated score"}
WHY = {
    "synthetic": "the faces are synthetic, which says nothing about people",
    "no_experiment": "the data set is no experiment with that factor",
    "no_such_label": "the data set has no such label",
    "not_grouped": "this run did not group by the label it needs",
    "proxy_label": "the data set has another label than the one the claim is about",
    "no_measure": "its words do not say how it was measured",
    "target_not_asked": "its operating point was not asked for",
    "readings_differ": "with and without probable repeats of one person it reads differently",
    "cells_too_small": "a group of the other attributes has fewer than 30 people",
    "no_mated_pairs": "no two images are labelled as of one person",
    "too_few_comparisons_for_target": "there are too few comparisons for its operating point",
    "too_few_subjects": "a group has fewer than 30 people",
    "zero_comparisons": "nothing was compared",
    "no_pool": "there is nothing to set a threshold on",
    "other": "a rate is at its end of the scale, or took too long to judge",
}
CALLED = ("as_claimed", "opposite")
HEADER = (
    "claim sha256 shipped about reading threshold_rule expects verdict verdict_reason verdict_detail attribute group reference measure "
    "design target_fmr threshold native_threshold reference_threshold native_reference_threshold subjects comparisons errors rate lo hi "
    "reference_subjects reference_comparisons reference_errors reference_rate reference_lo reference_hi value reference_value difference "
    "difference_lo difference_hi ratio ratio_lo ratio_hi df p p_holm ratio_without_repeats detectable_ratio needs_comparisons result "
    "reason detail"
)


def claim_sections(e: Evaluation, key: str) -> list[Section]:
    """One section over all claims; none for a record without."""
    if not e.claims:
        return []
    header, rows = compact(e)
    items: list[Item] = [Text(f"{WHAT} {labelled(e)}" if rows else f"{WHAT} {NONE}")]
    if rows:
        items.append(Table(f"{key}-claims-table", "Claims, and what this run says to them", header, rows, frozenset({1, 2, 3})))
    items += [Text(x) for x in sentences(e)]
    untested = not_testable(e)
    if untested:
        items.append(Fold("Not testable here, and why", [Items(untested)]))
    items += [Fold(f.shorten(c.title, 160), list(_claim(e, c, f"{key}-claim-{i}"))) for i, c in enumerate(e.claims) if _tested(c)]
    rest = [x for c in e.claims if not _tested(c) for x in _quotes(c)]
    items += [Fold("Words of the claims that could not be tested here", [Items(rest)])] if rest else []
    return [Section(f"{key}-claims", TITLE, items)]


def readings(e: Evaluation) -> Iterator[tuple[Claim, ClaimReading]]:
    """Every claim in each of its readings."""
    yield from ((c, r) for c in e.claims for r in c.readings)


def sentences(e: Evaluation) -> list[str]:
    """One sentence or two for every reading that has a verdict, those that say something first."""
    told = [(c, r) for c, r in readings(e) if r.verdict != "not_testable"]
    told.sort(key=lambda x: x[1].verdict == "inconclusive")
    return [verdict_sentence(e, c, r) for c, r in told]


def name(c: Claim, r: ClaimReading) -> str:
    """A claim in one of its readings."""
    how = f": {RULES[r.threshold]}" if r.threshold else ""
    return f"{f.shorten(c.title, 160)} (read {'as measured' if r.reading == 'as_measured' else 'operationally'}{how})"


def verdict_sentence(e: Evaluation, c: Claim, r: ClaimReading) -> str:
    """What this model on this data set says to a claim in one reading."""
    if r.verdict == "not_testable":
        return f"{name(c, r)}: not testable here, as {why(r)}. {proxies(r)}".rstrip()
    if r.verdict == "inconclusive":
        none = f"gave no verdict in {f.plural(len(_made(r)), 'test')}{could_detect(r.tests)}"
        return f"{name(c, r)}: inconclusive. {subject(e)} {none}.{gated(r)}"
    called = [t for t in r.tests if t.result in CALLED]
    top = min(called, key=lambda t: (t.p_holm if t.p_holm is not None else 1.0, -(t.ratio or 0.0)))
    ends = {"borne_out": "consistent with the claim", "contradicted": "in the opposite direction"}
    end = ends.get(r.verdict, "in either direction")
    share = f"{f.count(len(called))} of {f.plural(len(_made(r)), 'test')}"
    said = f"{VERDICTS[r.verdict]} here in {share}, {end}"
    more = f" {tally(r)}." if len(r.tests) > 1 else ""
    return f"{name(c, r)}: {said}. {subject(e)} had {words_of(e, r, top)}.{more}"


def _made(r: ClaimReading) -> list[ClaimTest]:
    return [t for t in r.tests if t.result != "not_testable"]


def tally(r: ClaimReading) -> str:
    """How many of the tests said what, and for whom."""
    if len(r.tests) == 1 and r.tests[0].result == "inconclusive":
        return "Inconclusive in its one test"
    n = Counter[str](t.result for t in r.tests)
    parts = []
    for result in CALLED:
        if n[result]:
            parts.append(
                f"{RESULTS[result]} in {f.count(n[result])} ({'; '.join(_who([t for t in r.tests if t.result == result]))})"
            )
    parts += [f"inconclusive in {f.count(n['inconclusive'])}"] * bool(n["inconclusive"])
    parts += [f"{f.count(n['not_testable'])} could not be made"] * bool(n["not_testable"])
    return f"Of {f.plural(len(r.tests), 'test')}: {', '.join(parts)}"


def _who(tests: Sequence[ClaimTest]) -> list[str]:
    """ "Black, East Asian against White at FMR 1 %" for each reference and target."""
    by: dict[tuple[str, float | None], list[str]] = {}
    for t in tests:
        by.setdefault((t.reference, t.target_fmr), []).append(f.shorten(t.group, 60))
    return [
        f"{', '.join(groups)} against {f.shorten(reference, 60)}" + (f" at FMR {f.target(target)}" if target else "")
        for (reference, target), groups in by.items()
    ]


def words_of(e: Evaluation, r: ClaimReading, t: ClaimTest) -> str:
    """One test with its rates, people, errors, intervals and threshold."""
    if t.measure in SCORES:
        k = e.model.score.sign
        values = [f.number(None if v is None else k * v) for v in (t.value, t.reference_value)]
        group, reference = _level(t, t.group), _level(t, t.reference)
        score = f"a {SCORES[t.measure]} ({f.clean(e.model.score.unit)})"
        return f"{score} of {values[0]} in {group} and of {values[1]} in {reference}{_p(t)}"
    if t.design == "paired":
        sides = [f"{_counted(e, x)} in {_level(t, who)}" for x, who in ((t.rate, t.group), (t.reference_rate, t.reference))]
    else:
        sides = [
            f"{evidence(x, t.measure) if x is not None else 'no rate'} for those labelled {f.shorten(who, 60)}"
            for x, who in ((t.rate, t.group), (t.reference_rate, t.reference))
        ]
    span = f" (95 % interval {f.number(t.interval[0], 2)} to {f.number(t.interval[1], 2)})" if t.interval else ""
    ratio = f", {f.ratio(t.ratio)}{span}" if t.ratio is not None else ""
    return f"a {MEASURES[t.measure]} of {sides[0]} and of {sides[1]}{ratio}{_p(t)}, {at(e, r, t)}"


def _level(t: ClaimTest, value: str) -> str:
    """ "tone 5"."""
    return f.shorten(f"{t.attribute} {value}", 60)


def _counted(e: Evaluation, rate: Rate | None) -> str:
    """One side of a controlled experiment, whose interval is the difference's."""
    if rate is None:
        return "no rate"
    one, many = units(e)
    counts = f"{f.count(rate.errors)} in {f.plural(rate.comparisons, 'comparison')} of {f.plural(rate.subjects, one, many)}"
    return f"{f.percent(rate.rate)} ({counts})" if rate.errors else f"none ({counts})"


def _p(t: ClaimTest) -> str:
    return f", {f.p_value(t.p_holm, 'Holm-adjusted p')}" if t.p_holm is not None else ""


def at(e: Evaluation, r: ClaimReading, t: ClaimTest) -> str:
    """At which threshold, in a clause."""
    target = f.target(t.target_fmr) if t.target_fmr is not None else f.DASH
    if t.reference_threshold is not None:
        both = " and ".join(f.threshold(e.model, x) for x in (t.native_threshold, t.native_reference_threshold))
        return f"each at its own threshold for FMR {target} ({both})"
    whose = f", set on those labelled {f.shorten(t.reference, 60)}" if r.threshold == "reference" else ""
    return f"at one threshold{whose} for FMR {target} ({f.threshold(e.model, t.native_threshold)})"


def could_detect(tests: Sequence[ClaimTest]) -> str:
    """The ratios that inconclusive tests could have detected, as a clause."""
    known = sorted(t.detectable_ratio for t in tests if t.detectable_ratio is not None and t.result == "inconclusive")
    if not known:
        return "; with so few errors these data could have detected no ratio"
    least, most = (f.number(x, 2) for x in (known[0], known[-1]))
    return f"; these data could have detected a ratio of {least if least == most else f'{least} to {most}, by test'}"


def gated(r: ClaimReading) -> str:
    """That chance alone does not explain some inconclusive tests, which yet rest on too few errors; empty if there are none."""
    n = sum(1 for t in r.tests if t.result == "inconclusive" and is_significant(t.p_holm))
    if not n:
        return ""
    stands = "too few effective errors, or probable repeats of one person, stand in the way of a verdict"
    return f" In {f.count(n)} of them the Holm-adjusted p is below 0.05, but {stands}."


def why(r: ClaimReading | ClaimTest) -> str:
    """Why something could not be tested, in a clause."""
    told = WHY.get(r.reason or "", f.contrast_reason(r.reason)) or "nothing could be compared"
    if not r.detail:
        return told
    return f"{told} (run again with {f.clean(r.detail)})" if r.detail.startswith("--") else f"{told} ({f.clean(r.detail)})"


def proxies(r: ClaimReading) -> str:
    """What the label shows that stands in for the claim's own, which gives the claim no verdict; empty if there is none."""
    made = _made(r)
    if not made:
        return ""
    return f"By {f.clean(made[0].attribute)} instead, which gives the claim no verdict: {tally(r)[:1].lower()}{tally(r)[1:]}."


def not_testable(e: Evaluation) -> list[str]:
    """Those readings, one line for each; one for both where the reason is the same."""
    out = []
    for c in e.claims:
        none = [r for r in c.readings if r.verdict == "not_testable"]
        told = [f": not testable here, as {why(r)}. {proxies(r)}".rstrip() for r in none]
        if len(told) > 1 and len(set(told)) == 1:
            out.append(f.shorten(c.title, 160) + told[0])
        else:
            out += [name(c, r) + x for r, x in zip(none, told, strict=True)]
    return out


def compact(e: Evaluation) -> tuple[list[str], list[list[str]]]:
    """A row for every reading that has a verdict, or for which another label than the claim's own shows something."""
    rows = [
        [
            f.shorten(c.title, 160),
            READINGS[r.reading],
            VERDICTS[r.verdict],
            tally(r) if r.verdict != "not_testable" else proxies(r),
        ]
        for c, r in readings(e)
        if r.verdict != "not_testable" or _made(r)
    ]
    return ["Claim", "Reading", "Verdict here", "Tests"], rows


def untested(e: Evaluation) -> str:
    """How many readings could not be tested, by reason; empty if none."""
    n = Counter(WHY.get(r.reason or "", f.reason(r.reason)) for _, r in readings(e) if r.verdict == "not_testable")
    if not n:
        return ""
    told = "; ".join(f"{f.count(k)} as {reason}" for reason, k in n.most_common())
    return f"Not testable here: {f.plural(sum(n.values()), 'reading')} of claims ({told})."


def _tested(c: Claim) -> bool:
    """Whether any test was made of it, on its own label or another."""
    return any(_made(r) for r in c.readings)


def _quotes(c: Claim) -> list[str]:
    """Exact words, who said them and where."""
    return [
        f"{f.shorten(c.title, 160)}: “{f.clean(q.text)}” {f.clean(q.who)}. {f.clean(q.where)} ({KNOWN[q.known]})."
        for q in c.quotes
    ]


def _claim(e: Evaluation, c: Claim, key: str) -> Iterator[Item]:
    """One claim whole: words, hypothesis, what would speak for and against it, tests."""
    yield Items(_quotes(c))
    rows = [
        ["What it measures", c.measures],
        ["Hypothesis", c.hypothesis],
        ["Borne out by", c.bears_out],
        ["Contradicted by", c.contradicts],
        ["Limits", c.limits],
        *([f"Read {READINGS[r.reading]}", r.note] for r in c.readings if r.note),
        ["File", f"{c.name}{'' if c.shipped else ', the user’s own'}, sha256 {c.sha256}"],
    ]
    yield Table(f"{key}-stated", "As stated beforehand", ["What", "Statement"], [x for x in rows if x[1]], frozenset({1}))
    for r in c.readings:
        yield Text(verdict_sentence(e, c, r))
        if r.tests:
            yield table_of_tests(e, r, f"{key}-{r.reading}")


def table_of_tests(e: Evaluation, r: ClaimReading, key: str) -> Table:
    """Every test of a reading."""
    score = r.measure in SCORES
    k = e.model.score.sign
    rows = []
    for t in r.tests:
        if score:
            sides = [f.number(None if v is None else k * v) for v in (t.value, t.reference_value)]
        else:
            sides = [f.rate(x, both_bounds=False) if x is not None else f.DASH for x in (t.rate, t.reference_rate)]
        said = RESULTS[t.result] + (f": {why(t)}" if t.reason else "")
        ratio = f"{f.ratio(t.ratio)} {f.ratio_interval(t.interval)}" if t.interval else f.ratio(t.ratio)
        p = f.p_value(t.p_holm).removeprefix("p ").removeprefix("= ")
        rows.append([t.group, t.reference, _point(t), *sides, ratio, p, f.ratio(t.detectable_ratio), said])
    what = SCORES.get(r.measure or "", MEASURES.get(r.measure or "", "")).capitalize()
    columns = [
        "Group",
        "Reference",
        "At",
        what,
        "Reference's",
        "Ratio [95 %]",
        "Holm-adjusted p",
        "Could have detected",
        "Result",
    ]
    label = f", by {f.clean(r.tests[0].attribute)}" if r.tests else ""
    caption = f"Tests, read {READINGS[r.reading]}{label}" + (f" ({RULES[r.threshold]})" if r.threshold else "")
    return Table(key, caption, columns, rows, frozenset({1, 2, 8}))


def _point(t: ClaimTest) -> str:
    return f.DASH if t.target_fmr is None else f"FMR {f.target(t.target_fmr)}"


def claim_tables(e: Evaluation) -> Tables:
    """Return `claims.csv`: every test, and every reading without one."""
    if not e.claims:
        return {}
    rows: list[Row] = []
    for c, r in readings(e):
        head: Row = [c.name, c.sha256, c.shipped, c.about, r.reading, r.threshold, r.expects, r.verdict, r.reason, r.detail]
        rows += [[*head, *_test_row(t)] for t in r.tests] or [[*head, *[None] * (len(HEADER.split()) - len(head))]]
    return {"claims": (HEADER.split(), rows)}


def _test_row(t: ClaimTest) -> Row:
    out: Row = [t.attribute, t.group, t.reference, t.measure, t.design, t.target_fmr, t.threshold, t.native_threshold]
    out += [t.reference_threshold, t.native_reference_threshold]
    for r in (t.rate, t.reference_rate):
        lo, hi = (r.interval or (None, None)) if r else (None, None)
        out += [r.subjects, r.comparisons, r.errors, r.rate, lo, hi] if r else [None] * 6
    out += [t.value, t.reference_value, t.difference, *(t.difference_interval or (None, None)), t.ratio]
    out += [*(t.interval or (None, None)), t.df, t.p, t.p_holm, t.ratio_without_repeats, t.detectable_ratio, t.needs_comparisons]
    return [*out, t.result, t.reason, t.detail]


def _entries(e: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Give every reading with a verdict, then how many there is none for."""
    if e.claims:
        header, rows = compact(e)
        caption = "" if wide else "Verdicts are of this model on this data set"
        yield TopicEntry(TITLE, tables=[SmallTable(caption, header, rows)] if rows else [], closing=untested(e))


def _names(e: Evaluation) -> Iterator[str]:
    for c in e.claims:
        yield from (c.name, c.title, c.measures, c.hypothesis, c.bears_out, c.contradicts, c.limits)
        yield from (x for q in c.quotes for x in (q.who, q.text, q.where))
        yield from (r.note for r in c.readings)


TOPIC = Topic("claims", 10, "slider", claim_sections, _entries, claim_tables, _names, answers=("Claim tested",))
