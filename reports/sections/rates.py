"""The sections on error rates: failures to extract, false matches and false non-matches by group, with counts and intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from faceparity.harness.results import Evaluation, ExtractionByAttributes, ExtractionCounts, Grouping, OperatingPoint, Rate
from faceparity.reports.charts.figures import rate_chart
from faceparity.reports.layout.elements import Fold, Item, Items, Table, Text, pictures
from faceparity.reports.layout.per_point import per_point
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.failed_comparisons import cells, has_failures, total, with_failures
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest, headline

Measure = Literal["fmr", "fnmr"]
FULL = {"fmr": "False match rate", "fnmr": "False non-match rate"}
FAILED = {"fmr": "FAR", "fnmr": "FRR"}
POOLED_NOTE = (
    "Pooled: errors / comparisons. The rate of a group of several cells is the mean of theirs, each cell weighted equally, so that it "
    "does not depend on how many people of each the data set has. The two differ where the cells do."
)
LISTED = 15
"""Maximum number of groups without a number that a line names; more are named in a fold."""


def value(rate: Rate) -> str:
    """Return a rate or its upper bound as a cell.

    Why there is neither, where a group has fewer than 30 people.
    """
    if rate.status == "suppressed" or rate.errors is None:
        return f"<30{f.NBSP}people" if rate.reason == "too_few_subjects" else f.DASH
    if rate.status == "bound":
        top = rate.upper
        return f.DASH if top is None else f"≤{f.NBSP}{f.percent(top, 2)}"
    return f.percent(rate.rate)


def uncertainty(rate: Rate) -> str:
    """Return a rate's interval or kind of bound.

    Why there is none, where that is known.
    """
    if rate.status == "suppressed":
        return f.DASH if rate.reason == "too_few_subjects" else f.reason(rate.reason)
    if rate.status == "bound":
        return f"upper bound{f.if_independent(rate)}"
    return f"{f.percent_interval(rate.interval)}{f.NBSP}%" if rate.interval else f.reason(rate.reason) or "none"


def failures(evaluation: Evaluation, key: str) -> Iterator[Item]:
    """Yield FTX by group, then failed comparisons by group.

    Of the finest grouping open, of the others folded.
    """
    extraction = evaluation.extraction
    if not extraction.supplied:
        yield Text("Failures were not supplied, so rates that count them are missing here.", "flag")
        return
    if extraction.overall is not None:
        yield from _extraction(evaluation, key)
    yield from _failed_comparisons(evaluation, key)


def _failed_comparisons(evaluation: Evaluation, key: str) -> Iterator[Item]:
    """Yield how many comparisons failed, by kind and group.

    Of the finest grouping open where no failure to extract tells of them, else folded.
    """
    said = total(evaluation)
    if not said:
        if evaluation.extraction.overall is None:
            yield Text("No comparison failed.")
        return
    yield Text(said)
    columns = ["Group", "Mated: failed", "of", "Non-mated: failed", "of"]
    for i, grouping in sorted(enumerate(evaluation.groupings), key=lambda pair: -len(pair[1].attributes)):
        name = f"Failed comparisons by {grouping_name(grouping)}"
        rows = [[entry.group, *cells(entry)] for entry in grouping.failed_comparisons] if with_failures(grouping) else []
        table = Table(f"{key}-{i}-failed", name, columns, rows)
        if rows and grouping is finest(evaluation) and evaluation.extraction.overall is None:
            yield table
        elif rows:
            yield Fold(name, [table])


def _extraction(evaluation: Evaluation, key: str) -> Iterator[Item]:
    """Yield failures to extract a template, by group."""
    extraction = evaluation.extraction
    assert extraction.overall is not None
    yield Text(
        f"{f.count(extraction.overall.errors)} of {f.plural(extraction.overall.comparisons, 'image')} gave no template: "
        f"{f.count(extraction.no_face)} without a "
        f"face found, {f.count(extraction.unreadable)} that could not be read or processed. Several faces were found in "
        f"{f.count(extraction.several_faces)}; used was {f.clean(extraction.faces_policy)}."
    )
    yield from _faces(extraction, key)
    for i, entry in sorted(enumerate(extraction.by_group), key=lambda pair: -len(pair[1].attributes)):
        name = grouping_name(entry.attributes)
        rows = _image_rows(entry)
        columns = ["Group", "FTX", "95 % interval", "People", "Images", "Failed"]
        table = Table(f"{key}-{i}-ftx", f"Failures to extract a template by {name}", columns, rows, frozenset({2}))
        items = [*[table] * bool(rows), *hidden("FTX", entry.rates)]
        if entry.attributes == finest(evaluation).attributes:
            yield from items
        else:
            yield Fold(f"FTX by {name}", items)


def _image_rows(entry: ExtractionByAttributes) -> list[list[str]]:
    return [
        [rate.group, value(rate), uncertainty(rate), f.count(rate.subjects), f.count(rate.comparisons), f.count(rate.errors)]
        for rate in entry.rates
        if _has_number(rate)
    ]


def _faces(extraction: ExtractionCounts, key: str) -> Iterator[Item]:
    """Yield in how many images the policy decides which face is used, if in any."""
    if extraction.faces_differ is None or not extraction.faces_differ.errors:
        return
    origin = "the data set’s card" if extraction.faces_from == "card" else "the option --faces"
    yield Text(
        f"In {f.plural(extraction.faces_differ.errors, 'image')} the largest face is not the one nearest to the middle. There the rule "
        f"decides whose face is measured; it comes from {origin}."
    )
    for i, entry in enumerate(extraction.faces_differ_by_group):
        name = grouping_name(entry.attributes)
        columns = ["Group", "Share", "95 % interval", "People", "Images", "Rule decides"]
        title = f"Images in which the rule decides whose face is measured, by {name}"
        table = Table(f"{key}-{i}-faces", title, columns, _image_rows(entry), frozenset({2}))
        yield Fold(f"Whose face is measured, by {name}", [*[table] * bool(table.rows), *hidden("share", entry.rates)])


def rates(evaluation: Evaluation, measure: Measure, key: str, lead: Sequence[str] | None = None) -> Iterator[Item]:
    """Yield rates by group at every operating point.

    lead: the attributes of the headline, whose chart stands beside it.
    """
    first = finding(evaluation, lead).grouping
    if measure == "fnmr" and not (evaluation.comparisons.mated or evaluation.comparisons.mated_failed):
        yield Text(f"Not measured: {f.none_mated(evaluation.comparisons)}.")
        return

    def build(evaluation: Evaluation, i: int, position: int, key: str) -> list[Item]:
        """Return the rates at one operating point."""
        return _rate_items(evaluation, i, position, measure, key, first)

    items = list(per_point(evaluation, key, build))
    yield from items or [Text("No operating point has a threshold, so there are no rates.")]


def _rate_items(evaluation: Evaluation, i: int, position: int, measure: Measure, key: str, first: Grouping | None) -> list[Item]:
    """Return chart and tables of one error rate.

    first: the grouping whose chart stands beside the headline.
    """
    grouping, point = evaluation.groupings[i], evaluation.groupings[i].operating_points[position]
    group_rates = point.fmr if measure == "fmr" else point.fnmr
    if not group_rates:
        return []
    name, out = grouping_name(grouping), list[Item]()
    second = point.without_likely_same_person if measure == "fmr" else None
    if grouping is finest(evaluation):
        shown_first = measure == "fmr" and position == headline(grouping) and first is grouping
        out += [] if shown_first else pictures(rate_chart(evaluation, point, measure, f"{key}-{measure}-chart"))
        out += [table for table in [_overall(point, measure, key)] if table.rows]
    said = f"{', all comparisons' if second else ''}: {f.point_name(point)}"
    out += rate_items(f"{key}-{measure}", f"{FULL[measure]} by {name}{said}", measure, group_rates)
    if second is not None and second.threshold is not None:
        caption = (
            f"{FULL[measure]} by {name}, without probable repeats of one person: {f.point_name(point)} "
            f"({f.threshold(evaluation.model, second.native_threshold)})"
        )
        out.append(Fold(caption, rate_items(f"{key}-{measure}-second", caption, measure, second.fmr)))
    return out


def _overall(point: OperatingPoint, measure: Measure, key: str) -> Table:
    """Return the table of rates over everybody."""
    overall = point.overall
    pair = (
        ((overall.fmr, overall.fmr_all_pairs) if measure == "fmr" else (overall.fnmr, overall.fnmr_all_pairs))
        if overall
        else (None, None)
    )
    found = [(name, rate) for name, rate in zip(("the pool", "all pairs"), pair, strict=True) if rate is not None]
    rows = [
        [
            f"{name}, {f.weighting(rate)}" if f.weighting(rate) else name,
            *(value(rate), uncertainty(rate), f.count(rate.subjects), f.count(rate.comparisons), f.count(rate.errors)),
        ]
        for name, rate in found
    ]
    columns = ["Over", measure.upper(), "95 % interval", "People", "Comparisons", "Errors"]
    caption = f"{FULL[measure]} over everybody: {f.point_name(point)}"
    return with_pooled(Table(f"{key}-{measure}-overall", caption, columns, rows, frozenset({2})), [rate for _, rate in found])


def with_pooled(table: Table, rates: Sequence[Rate]) -> Table:
    """Return a table of rates with a column of pooled ones.

    After that of the errors, where these don't divide to every rate. rates: of the rows.
    """
    cells = f.pooled_column(rates)
    if not cells:
        return table
    after = table.columns.index("Errors") + 1
    columns, *rows = (
        [*row[:after], cell, *row[after:]] for row, cell in zip([table.columns, *table.rows], ["Pooled", *cells], strict=True)
    )
    return table._replace(columns=columns, rows=rows)


def rate_items(key: str, caption: str, measure: Measure, group_rates: Sequence[Rate]) -> list[Item]:
    """Return a table of rates, and which have none.

    The table holds those with a number; a line or fold names the groups without.
    """
    table = rate_table(key, caption, measure, [rate for rate in group_rates if _has_number(rate)])
    what = caption if not table.rows else measure.upper()
    note = [Text(POOLED_NOTE, "note")] if "Pooled" in table.columns else []
    return [*[table] * bool(table.rows), *note, *hidden(what, group_rates, mated=measure == "fnmr")]


def _has_number(rate: Rate) -> bool:
    """Return whether a rate has a number to show, failures counted or not."""
    return (rate.status != "suppressed" and rate.errors is not None) or rate.rate_including_failures is not None


def rate_table(key: str, caption: str, measure: Measure, rates: Sequence[Rate]) -> Table:
    """Return a table of rates with uncertainty and counts.

    A column for the design where there are several. Point rates only beside an "ok" rate.
    """
    several = len({rate.design for rate in rates}) > 1
    columns = ["Group", *["Design"] * several, measure.upper(), "95 % interval", "People", "Comparisons", "Errors"]
    columns += ["Effective errors", f"{FAILED[measure]}, failures counted", "Mean over people"]
    rows = [
        [
            *(rate.group, *[_design(rate)] * several, value(rate), uncertainty(rate)),
            *(f.count(rate.subjects), f.count(rate.comparisons), f.count(rate.errors), f.number(rate.effective_errors)),
            f.percent(rate.rate_including_failures if _shows_failures(rate, measure) else None),
            f.percent(rate.subject_weighted_rate if rate.status == "ok" else None),
        ]
        for rate in rates
    ]
    return with_pooled(Table(key, caption, columns, rows, frozenset({1, 3}) if several else frozenset({2})), rates)


def _shows_failures(rate: Rate, measure: Measure) -> bool:
    """Return whether a rate with failures counted may be shown.

    Beside a bound only where failures make it another rate than the few errors.
    """
    return rate.status == "ok" or not rate.errors or (measure == "fnmr" and has_failures(rate))


def _design(rate: Rate) -> str:
    """Return a rate's design with its weighting: "matched, 7 groups weighted equally"."""
    return f"{f.DESIGNS[rate.design]}, {f.weighting(rate)}" if f.weighting(rate) else f.DESIGNS[rate.design]


def hidden(what: str, group_rates: Sequence[Rate], *, mated: bool = False) -> list[Item]:
    """Return which groups have no number, by reason.

    In lines, or folded if they are many. mated: the rates are of mated comparisons.
    """
    by_reason: dict[str, list[str]] = {}
    for rate in group_rates:
        if not _has_number(rate):
            design = f.DESIGNS[rate.design] + ", " if rate.design in ("matched", "as_sampled") else ""
            people = f" ({f.plural(rate.subjects, 'person', 'people')})" if rate.subjects else ""
            name = f"{f.shorten(rate.group, 60)}{people}"
            by_reason.setdefault(f"{design}{f.reason(rate.reason, mated=mated) or 'not shown'}", []).append(name)
    lines = [f"{f.sentence(why)}: {', '.join(names)}." for why, names in by_reason.items()]
    number = sum(len(listed) for listed in by_reason.values())
    if number <= LISTED:
        return [Text(f"{what} not shown. {' '.join(lines)}", "note")] if lines else []
    return [Fold(f"{what} not shown for {f.plural(number, 'group')}", [Items(lines)])]
