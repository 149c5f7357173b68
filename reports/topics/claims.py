"""Claims that people make, and what this model on this data set says to them: in words, in tables, as CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from faceparity.harness.claims.claim_file import KNOWN
from faceparity.harness.results import Claim, ClaimReading, ClaimTest, Evaluation, Rate
from faceparity.harness.verification.rates.verdict_rules import is_significant
from faceparity.reports.layout.elements import Fold, Item, Items, Section, Table, Text
from faceparity.reports.layout.topic import SmallTable, Topic, TopicEntry
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.claim_words import contamination, how_many, weighting
from faceparity.reports.wording.csv_rows import Row, Tables
from faceparity.reports.wording.narrative import MEASURES, evidence, labelled, subject
from faceparity.reports.wording.paired_words import units
from faceparity.reports.wording.verdicts.no_verdict import REASONS as WITHHELD
from faceparity.reports.wording.verdicts.outcomes import NO_DIFFERENCE, NOT_CALLED, ratio_words
from faceparity.reports.wording.verdicts.reasons import CLAIM_RESULTS, CLAIM_VERDICTS, OF_CLAIMS, OF_CONTRASTS

TITLE = "What people claim"
WHAT = (
    "Each claim was written down beforehand, with what would bear it out and what would contradict it: the command faceparity claims NAME "
    "shows it. A verdict is of this model on this data set in one reading, and of nothing else. It goes by all of the claim's tests, with "
    "p-values adjusted over all tests of all claims (Holm) and the same gates on errors as everywhere."
)
NONE = "None of the claims could be tested here."
READINGS = {"as_measured": "as measured", "operational": "operational"}
RULES = {
    "own": "each cohort's own threshold, not operational",
    "reference": "one threshold, set on the reference group",
    "one": "one threshold for everybody",
    "none": "scores, without a threshold",
}
SCORES = {"non_mated_score": "mean non-mated score", "mated_score": "mean mated score"}
CALLED = ("as_claimed", "opposite")
HEADER = (
    "claim sha256 shipped about reading threshold_rule expects verdict verdict_reason verdict_detail attribute group reference measure "
    "design target_fmr threshold native_threshold reference_threshold native_reference_threshold subjects comparisons errors rate lo hi "
    "reference_subjects reference_comparisons reference_errors reference_rate reference_lo reference_hi value reference_value difference "
    "difference_lo difference_hi ratio ratio_lo ratio_hi df p p_holm ratio_without_repeats detectable_ratio needs_comparisons result "
    "reason detail pooled_rate reference_pooled_rate same_person_share"
)


def claim_sections(evaluation: Evaluation, key: str) -> list[Section]:
    """Return one section over all claims.

    Empty for a record without claims. `key` begins the ids of the section's elements.
    """
    if not evaluation.claims:
        return []
    header, rows = compact(evaluation)
    items: list[Item] = [Text(f"{WHAT} {how_many(_all_tests(evaluation))} {labelled(evaluation)}" if rows else f"{WHAT} {NONE}")]
    if rows:
        items.append(Table(f"{key}-claims-table", "Claims, and what this run says to them", header, rows, frozenset({1, 2, 3})))
    items += [Text(line) for line in sentences(evaluation)]
    untested = not_testable(evaluation)
    if untested:
        items.append(Fold("Not testable here, and why", [Items(untested)]))
    items += [
        Fold(f.shorten(claim.title, 160), list(_claim(evaluation, claim, f"{key}-claim-{i}")))
        for i, claim in enumerate(evaluation.claims)
        if _tested(claim)
    ]
    rest = [line for claim in evaluation.claims if not _tested(claim) for line in _quotes(claim)]
    items += [Fold("Words of the claims that could not be tested here", [Items(rest)])] if rest else []
    return [Section(f"{key}-claims", TITLE, items)]


def readings(evaluation: Evaluation) -> Iterator[tuple[Claim, ClaimReading]]:
    """Yield every claim with each of its readings."""
    yield from ((claim, reading) for claim in evaluation.claims for reading in claim.readings)


def _all_tests(evaluation: Evaluation) -> list[ClaimTest]:
    """Return the tests made, of all claims and readings."""
    return [test for _, reading in readings(evaluation) for test in _tests_made(reading)]


def sentences(evaluation: Evaluation) -> list[str]:
    """Return sentences on each reading with a verdict.

    One or two for each; inconclusive readings come last.
    """
    decided = [(claim, reading) for claim, reading in readings(evaluation) if reading.verdict != "not_testable"]
    decided.sort(key=lambda pair: pair[1].verdict == "inconclusive")
    return [verdict_sentence(evaluation, claim, reading) for claim, reading in decided]


def name(claim: Claim, reading: ClaimReading) -> str:
    """Return a claim's name in one of its readings."""
    how = f": {RULES[reading.threshold]}" if reading.threshold else ""
    return f"{f.shorten(claim.title, 160)} (read {'as measured' if reading.reading == 'as_measured' else 'operationally'}{how})"


def verdict_sentence(evaluation: Evaluation, claim: Claim, reading: ClaimReading) -> str:
    """Return what this run says to one claim, in words.

    Of this model on this data set, in one reading of the claim.
    """
    if reading.verdict == "not_testable":
        return f"{name(claim, reading)}: not testable here, as {why(reading)}. {proxies(reading)}".rstrip()
    if reading.verdict == "inconclusive":
        tests = _tests_made(reading)
        none = f"gave no verdict in {f.plural(len(tests), 'test')}{weighting(tests)}{could_detect(reading.tests)}"
        return f"{name(claim, reading)}: inconclusive. {subject(evaluation)} {none}.{gated(reading)}{contamination(tests)}"
    decided = [test for test in reading.tests if test.result in CALLED]
    top = min(decided, key=lambda test: (test.p_holm if test.p_holm is not None else 1.0, -(test.ratio or 0.0)))
    ends = {"borne_out": "consistent with the claim", "contradicted": "in the opposite direction"}
    end = ends.get(reading.verdict, "in either direction")
    share = f"{f.count(len(decided))} of {f.plural(len(_tests_made(reading)), 'test')}"
    clearest = f", the clearest of {f.count(len(decided))}" if len(decided) > 1 else ""
    said = f"{CLAIM_VERDICTS[reading.verdict]} here in {share}, {end}"
    more = f" {tally(reading)}." if len(reading.tests) > 1 else ""
    end = f"{words_of(evaluation, reading, top)}{clearest}.{contamination(decided)}"
    return f"{name(claim, reading)}: {said}. {subject(evaluation)} had {end}{more}"


def _tests_made(reading: ClaimReading) -> list[ClaimTest]:
    """Return the tests of a reading that could be made."""
    return [test for test in reading.tests if test.result != "not_testable"]


def tally(reading: ClaimReading) -> str:
    """Return how many tests of a reading had which result.

    For results as claimed and opposite, with the groups; the weighting, and what is contaminated.
    """
    made = _tests_made(reading)
    contaminated = sum(test.same_person_share is not None for test in made)
    notes = weighting(made) + (f", {f.count(contaminated)} at a contaminated threshold" if contaminated else "")
    if len(reading.tests) == 1 and reading.tests[0].result == "inconclusive":
        return f"Inconclusive in its one test{notes}"
    by_result = Counter[str](test.result for test in reading.tests)
    clauses = []
    for result in CALLED:
        if by_result[result]:
            clauses.append(
                f"{CLAIM_RESULTS[result]} in {f.count(by_result[result])} "
                f"({'; '.join(_groups_by_reference([test for test in reading.tests if test.result == result]))})"
            )
    clauses += [f"inconclusive in {f.count(by_result['inconclusive'])}"] * bool(by_result["inconclusive"])
    more = f"; {f.count(by_result['not_testable'])} more could not be made" if by_result["not_testable"] and made else ""
    if not made:
        return f"None of {f.plural(len(reading.tests), 'test')} could be made"
    return f"Of {f.plural(len(made), 'test')}{notes}: {', '.join(clauses)}{more}"


def _groups_by_reference(tests: Sequence[ClaimTest]) -> list[str]:
    """Return the groups by reference and target.

    As in "Black, East Asian against White at FMR 1 %".
    """
    by_reference: dict[tuple[str, float | None], list[str]] = {}
    for test in tests:
        by_reference.setdefault((test.reference, test.target_fmr), []).append(f.shorten(test.group, 60))
    return [
        f"{', '.join(groups)} against {f.shorten(reference, 60)}" + (f" at FMR {f.target(target)}" if target else "")
        for (reference, target), groups in by_reference.items()
    ]


def words_of(evaluation: Evaluation, reading: ClaimReading, test: ClaimTest) -> str:
    """Return one test with rates, people, errors, intervals and threshold."""
    if test.measure in SCORES:
        sign = evaluation.model.score.sign
        values = [f.number(None if value is None else sign * value) for value in (test.value, test.reference_value)]
        group, reference = _level(test, test.group), _level(test, test.reference)
        score = f"a {SCORES[test.measure]} ({f.clean(evaluation.model.score.unit)})"
        return f"{score} of {values[0]} in {group} and of {values[1]} in {reference}{_holm_p(test)}"
    if test.design == "paired":
        sides = [
            f"{_counted(evaluation, rate)} in {_level(test, who)}"
            for rate, who in ((test.rate, test.group), (test.reference_rate, test.reference))
        ]
    else:
        sides = [
            f"{evidence(rate, test.measure) if rate is not None else 'no rate'} for those labelled {f.shorten(who, 60)}"
            for rate, who in ((test.rate, test.group), (test.reference_rate, test.reference))
        ]
    span = f" (95 % interval {f.number(test.interval[0], 2)} to {f.number(test.interval[1], 2)})" if test.interval else ""
    ratio = f", {f.ratio(test.ratio)}{span}" if test.ratio is not None else ""
    if test.few_errors is not None and test.result in CALLED:
        ratio = f", {_ratio(test)}"
    ratio += weighting([test])
    if test.ratio_without_repeats is not None:
        ratio += f" ({f.ratio(test.ratio_without_repeats)} without probable repeats of one person)"
    return f"a {MEASURES[test.measure]} of {sides[0]} and of {sides[1]}{ratio}{_holm_p(test)}, {at(evaluation, reading, test)}"


def _ratio(test: ClaimTest) -> str:
    """Return a test's ratio as a cell."""
    higher = None if test.result not in CALLED else (_seen(test.rate) > _seen(test.reference_rate))
    return ratio_words(test.ratio, test.interval, test.few_errors, higher)


def _seen(rate: Rate | None) -> float:
    return 0.0 if rate is None else rate.rate or 0.0


def _level(test: ClaimTest, value: str) -> str:
    """Return a value with its attribute: "tone 5"."""
    return f.shorten(f"{test.attribute} {value}", 60)


def _counted(evaluation: Evaluation, rate: Rate | None) -> str:
    """Return a rate of a controlled experiment with its counts.

    Without an interval, as the interval there is the difference's.
    """
    if rate is None:
        return "no rate"
    one, many = units(evaluation)
    counts = f"{f.count(rate.errors)} in {f.plural(rate.comparisons, 'comparison')} of {f.plural(rate.subjects, one, many)}"
    return f"{f.percent(rate.rate)} ({counts})" if rate.errors else f"none ({counts})"


def _holm_p(test: ClaimTest) -> str:
    """Return the Holm-adjusted p as a clause, if any."""
    return f", {f.p_value(test.p_holm, 'Holm-adjusted p')}" if test.p_holm is not None else ""


def at(evaluation: Evaluation, reading: ClaimReading, test: ClaimTest) -> str:
    """Return at which threshold a test was made, as clause."""
    target = f.target(test.target_fmr) if test.target_fmr is not None else f.DASH
    if test.reference_threshold is not None:
        both = " and ".join(
            f.threshold(evaluation.model, threshold) for threshold in (test.native_threshold, test.native_reference_threshold)
        )
        return f"each at its own threshold for FMR {target} ({both})"
    whose = f", set on those labelled {f.shorten(test.reference, 60)}" if reading.threshold == "reference" else ""
    return f"at one threshold{whose} for FMR {target} ({f.threshold(evaluation.model, test.native_threshold)})"


def _result(test: ClaimTest) -> str:
    """Return a test's result in a few words, and why there is none."""
    if test.result == "inconclusive":
        return f"{NOT_CALLED}: {why(test)}" if test.reason else NO_DIFFERENCE
    return CLAIM_RESULTS[test.result] + (f": {why(test)}" if test.reason else "")


def could_detect(tests: Sequence[ClaimTest]) -> str:
    """Return the ratios that inconclusive tests could have detected.

    As a clause.
    """
    known = sorted(test.detectable_ratio for test in tests if test.detectable_ratio is not None and test.result == "inconclusive")
    if not known:
        return "; with so few errors these data could have detected no ratio"
    least, most = (f.number(ratio, 2) for ratio in (known[0], known[-1]))
    return f"; these data could have detected a ratio of {least if least == most else f'{least} to {most}, by test'}"


def gated(reading: ClaimReading) -> str:
    """Return a note on low p with too few errors.

    Of inconclusive tests with a Holm-adjusted p below 0.05; empty if there are none.
    """
    tests = [test for test in reading.tests if test.reason not in WITHHELD]
    stopped = [test for test in tests if test.result == "inconclusive" and is_significant(test.p_holm)]
    if not stopped:
        return ""
    ways = sorted({why(test) for test in stopped if test.reason}) or ["something else stands in the way"]
    return f" In {f.count(len(stopped))} of them the Holm-adjusted p is below 0.05, but not called: {', '.join(ways)}."


def why(reading: ClaimReading | ClaimTest) -> str:
    """Return why something could not be tested, as a clause."""
    cause = f.in_words(reading.reason, OF_CONTRASTS | OF_CLAIMS) or "nothing could be compared"
    if not reading.detail:
        return cause
    return (
        f"{cause} (run again with {f.clean(reading.detail)})"
        if reading.detail.startswith("--")
        else f"{cause} ({f.clean(reading.detail)})"
    )


def proxies(reading: ClaimReading) -> str:
    """Return the results by a label other than the claim's.

    They give the claim no verdict; empty if there are none.
    """
    tests = _tests_made(reading)
    if not tests:
        return ""
    return f"By {f.clean(tests[0].attribute)} instead, which gives the claim no verdict: {tally(reading)[:1].lower()}{tally(reading)[1:]}."


def not_testable(evaluation: Evaluation) -> list[str]:
    """Return a line for each reading that was not testable.

    One line for both readings of a claim where the reason is the same.
    """
    out = []
    for claim in evaluation.claims:
        untestable = [reading for reading in claim.readings if reading.verdict == "not_testable"]
        causes = [f": not testable here, as {why(reading)}. {proxies(reading)}".rstrip() for reading in untestable]
        if len(causes) > 1 and len(set(causes)) == 1:
            out.append(f.shorten(claim.title, 160) + causes[0])
        else:
            out += [name(claim, reading) + cause for reading, cause in zip(untestable, causes, strict=True)]
    return out


def compact(evaluation: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the table of readings.

    A row for every reading that has a verdict, or for which another label than the claim's own gave results.
    """
    rows = [
        [
            f.shorten(claim.title, 160),
            READINGS[reading.reading],
            CLAIM_VERDICTS[reading.verdict],
            tally(reading) if reading.verdict != "not_testable" else proxies(reading),
        ]
        for claim, reading in readings(evaluation)
        if reading.verdict != "not_testable" or _tests_made(reading)
    ]
    return ["Claim", "Reading", "Verdict here", "Tests"], rows


def untested(evaluation: Evaluation) -> str:
    """Return how many readings could not be tested, by reason.

    Empty if all could.
    """
    counts = Counter(
        f.in_words(reading.reason, OF_CONTRASTS | OF_CLAIMS)
        for _, reading in readings(evaluation)
        if reading.verdict == "not_testable"
    )
    if not counts:
        return ""
    text = "; ".join(f"{f.count(number)} as {reason}" for reason, number in counts.most_common())
    return f"Not testable here: {f.plural(sum(counts.values()), 'reading')} of claims ({text})."


def _tested(claim: Claim) -> bool:
    """Return whether any test of a claim could be made.

    Tests on another label than the claim's own count too.
    """
    return any(_tests_made(reading) for reading in claim.readings)


def _quotes(claim: Claim) -> list[str]:
    """Return a claim's exact words, who said them and where."""
    return [
        f"{f.shorten(claim.title, 160)}: “{f.clean(quote.text)}” {f.clean(quote.who)}. {f.clean(quote.where)} ({KNOWN[quote.known]})."
        for quote in claim.quotes
    ]


def _claim(evaluation: Evaluation, claim: Claim, key: str) -> Iterator[Item]:
    """Yield all of one claim: words, hypothesis, tests.

    Also what would bear it out and what would contradict it.
    """
    yield Items(_quotes(claim))
    rows = [
        ["What it measures", claim.measures],
        ["Hypothesis", claim.hypothesis],
        ["Borne out by", claim.bears_out],
        ["Contradicted by", claim.contradicts],
        ["Limits", claim.limits],
        *([f"Read {READINGS[reading.reading]}", reading.note] for reading in claim.readings if reading.note),
        ["File", f"{claim.name}{'' if claim.shipped else ', the user’s own'}, sha256 {claim.sha256}"],
    ]
    yield Table(f"{key}-stated", "As stated beforehand", ["What", "Statement"], [row for row in rows if row[1]], frozenset({1}))
    for reading in claim.readings:
        yield Text(verdict_sentence(evaluation, claim, reading))
        if reading.tests:
            yield table_of_tests(evaluation, reading, f"{key}-{reading.reading}")


def table_of_tests(evaluation: Evaluation, reading: ClaimReading, key: str) -> Table:
    """Return a table of all tests of a reading."""
    score = reading.measure in SCORES
    sign = evaluation.model.score.sign
    rows = []
    for test in reading.tests:
        if score:
            sides = [f.number(None if value is None else sign * value) for value in (test.value, test.reference_value)]
        else:
            sides = [f.rate(rate) if rate is not None else f.DASH for rate in (test.rate, test.reference_rate)]
        said = _result(test)
        if test.same_person_share is not None:
            said += f" (contaminated: {f.percent(test.same_person_share, 2)} of the errors at its threshold)"
        ratio = _ratio(test)
        p_holm = f.p_value(test.p_holm).removeprefix("p ").removeprefix("= ")
        rows.append([test.group, test.reference, _point(test), *sides, ratio, p_holm, f.ratio(test.detectable_ratio), said])
    what = SCORES.get(reading.measure or "", MEASURES.get(reading.measure or "", "")).capitalize()
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
    label = f", by {f.clean(reading.tests[0].attribute)}" if reading.tests else ""
    caption = f"Tests, read {READINGS[reading.reading]}{label}" + (f" ({RULES[reading.threshold]})" if reading.threshold else "")
    caption += weighting(reading.tests)
    return Table(key, caption, columns, rows, frozenset({1, 2, 8}))


def _point(test: ClaimTest) -> str:
    """Return the operating point of a test, or a dash."""
    return f.DASH if test.target_fmr is None else f"FMR {f.target(test.target_fmr)}"


def claim_tables(evaluation: Evaluation) -> Tables:
    """Return `claims.csv`: every test, and every reading without one."""
    if not evaluation.claims:
        return {}
    rows: list[Row] = []
    for claim, reading in readings(evaluation):
        head: Row = [
            claim.name,
            claim.sha256,
            claim.shipped,
            claim.about,
            reading.reading,
            reading.threshold,
            reading.expects,
            reading.verdict,
            reading.reason,
            reading.detail,
        ]
        rows += [[*head, *_test_row(test)] for test in reading.tests] or [[*head, *[None] * (len(HEADER.split()) - len(head))]]
    return {"claims": (HEADER.split(), rows)}


def _test_row(test: ClaimTest) -> Row:
    """Return the CSV cells of one test."""
    out: Row = [
        test.attribute,
        test.group,
        test.reference,
        test.measure,
        test.design,
        test.target_fmr,
        test.threshold,
        test.native_threshold,
    ]
    out += [test.reference_threshold, test.native_reference_threshold]
    for rate in (test.rate, test.reference_rate):
        lo, hi = (rate.interval or (None, None)) if rate else (None, None)
        out += [rate.subjects, rate.comparisons, rate.errors, rate.rate, lo, hi] if rate else [None] * 6
    out += [test.value, test.reference_value, test.difference, *(test.difference_interval or (None, None)), test.ratio]
    out += [
        *(test.interval or (None, None)),
        test.df,
        test.p,
        test.p_holm,
        test.ratio_without_repeats,
        test.detectable_ratio,
        test.needs_comparisons,
    ]
    pooled = [f.pooled(rate) if rate else None for rate in (test.rate, test.reference_rate)]
    return [*out, test.result, test.reason, test.detail, *pooled, test.same_person_share]


def _entries(evaluation: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Yield the readings with a verdict, and count the others."""
    if evaluation.claims:
        header, rows = compact(evaluation)
        caption = "" if wide else "Verdicts are of this model on this data set"
        yield TopicEntry(TITLE, tables=[SmallTable(caption, header, rows)] if rows else [], closing=untested(evaluation))


def _names(evaluation: Evaluation) -> Iterator[str]:
    """Yield all texts of the claims that others have worded."""
    for claim in evaluation.claims:
        yield from (claim.name, claim.title, claim.measures, claim.hypothesis, claim.bears_out, claim.contradicts, claim.limits)
        yield from (text for quote in claim.quotes for text in (quote.who, quote.text, quote.where))
        yield from (reading.note for reading in claim.readings)


TOPIC = Topic("claims", 10, "slider", claim_sections, _entries, claim_tables, _names, answers=("Claim tested",))
