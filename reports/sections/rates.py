"""The sections on error rates: failures to extract, false matches and false non-matches by group, with what stands behind each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from faceparity.harness.results import Evaluation, OperatingPoint, Rate
from faceparity.reports.charts.figures import rate_chart
from faceparity.reports.layout.elements import Fold, Item, Items, Table, Text, pictures
from faceparity.reports.layout.per_point import per_point
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest, headline

Measure = Literal["fmr", "fnmr"]
FULL = {"fmr": "False match rate", "fnmr": "False non-match rate"}
FAILED = {"fmr": "FAR", "fnmr": "FRR"}
LISTED = 15
"""So many groups without a number are named in a line; more, in a fold."""


def value(r: Rate) -> str:
    """A rate, its upper bound, or why there is neither, for a cell."""
    if r.status == "suppressed" or r.errors is None:
        return f"<30{f.NBSP}people" if r.reason == "too_few_subjects" else f.DASH
    if r.status == "bound":
        top = r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
        return f.DASH if top is None else f"≤{f.NBSP}{f.percent(top, 2)}"
    return f.percent(r.rate)


def uncertainty(r: Rate) -> str:
    """What is known of a rate's uncertainty, for a cell."""
    if r.status == "suppressed":
        return f.DASH if r.reason == "too_few_subjects" else f.reason(r.reason)
    if r.status == "bound":
        return f"upper bound; ≤{f.NBSP}{f.percent(r.bounds.independent, 2)} if independent" if r.bounds else "upper bound"
    return f"{f.percent_interval(r.interval)}{f.NBSP}%" if r.interval else f.reason(r.reason) or "none"


def failures(e: Evaluation, key: str) -> Iterator[Item]:
    """FTX by group, of the finest grouping open."""
    x = e.extraction
    if not x.supplied or x.overall is None:
        yield Text("Failures were not supplied, so rates that count them are missing here.", "flag")
        return
    yield Text(
        f"{f.count(x.overall.errors)} of {f.plural(x.overall.comparisons, 'image')} gave no template: {f.count(x.no_face)} without a "
        f"face found, {f.count(x.unreadable)} that could not be read or processed. Several faces were found in "
        f"{f.count(x.several_faces)}; used was {f.clean(x.faces_policy)}."
    )
    for i, by in sorted(enumerate(x.by_group), key=lambda pair: -len(pair[1].attributes)):
        name = grouping_name(by.attributes)
        rows = [
            [r.group, value(r), uncertainty(r), f.count(r.subjects), f.count(r.comparisons), f.count(r.errors)]
            for r in by.rates
            if _has_number(r)
        ]
        columns = ["Group", "FTX", "95 % interval", "People", "Images", "Failed"]
        table = Table(f"{key}-{i}-ftx", f"Failures to extract a template by {name}", columns, rows, frozenset({2}))
        items = [*[table] * bool(rows), *hidden("FTX", by.rates)]
        if by.attributes == finest(e).attributes:
            yield from items
        else:
            yield Fold(f"FTX by {name}", items)


def rates(e: Evaluation, measure: Measure, key: str) -> Iterator[Item]:
    """Rates by group at every operating point."""
    if measure == "fnmr" and not e.comparisons.mated:
        yield Text("Not measured: no two images of this data set are labelled as the same person.")
        return

    def build(e: Evaluation, i: int, n: int, key: str) -> list[Item]:
        return _rate_items(e, i, n, measure, key)

    items = list(per_point(e, key, build))
    yield from items or [Text("No operating point has a threshold, so there are no rates.")]


def _rate_items(e: Evaluation, i: int, n: int, measure: Measure, key: str) -> list[Item]:
    g, p = e.groupings[i], e.groupings[i].operating_points[n]
    of = p.fmr if measure == "fmr" else p.fnmr
    if not of:
        return []
    name, out = grouping_name(g), list[Item]()
    second = p.without_likely_same_person if measure == "fmr" else None
    if g is finest(e):
        told_first = measure == "fmr" and n == headline(g) and finding(e).grouping is g
        out += [] if told_first else pictures(rate_chart(e, p, measure, f"{key}-{measure}-chart"))
        out += [x for x in [_overall(p, measure, key)] if x.rows]
    said = f"{', all comparisons' if second else ''}: {f.point_name(p)}"
    out += rate_items(f"{key}-{measure}", f"{FULL[measure]} by {name}{said}", measure, of)
    if second is not None and second.threshold is not None:
        caption = (
            f"{FULL[measure]} by {name}, without probable repeats of one person: {f.point_name(p)} "
            f"({f.threshold(e.model, second.native_threshold)})"
        )
        out.append(Fold(caption, rate_items(f"{key}-{measure}-second", caption, measure, second.fmr)))
    return out


def _overall(p: OperatingPoint, measure: Measure, key: str) -> Table:
    o = p.overall
    pair = ((o.fmr, o.fmr_all_pairs) if measure == "fmr" else (o.fnmr, o.fnmr_all_pairs)) if o else (None, None)
    rows = [
        [name, value(r), uncertainty(r), f.count(r.subjects), f.count(r.comparisons), f.count(r.errors)]
        for name, r in zip(("the pool", "all pairs"), pair, strict=True)
        if r is not None
    ]
    columns = ["Over", measure.upper(), "95 % interval", "People", "Comparisons", "Errors"]
    return Table(f"{key}-{measure}-overall", f"{FULL[measure]} over everybody: {f.point_name(p)}", columns, rows, frozenset({2}))


def rate_items(key: str, caption: str, measure: Measure, of: Sequence[Rate]) -> list[Item]:
    """The table of those rates that have a number, and a line on those that have none."""
    table = rate_table(key, caption, measure, [r for r in of if _has_number(r)])
    what = caption if not table.rows else measure.upper()
    return [*[table] * bool(table.rows), *hidden(what, of)]


def _has_number(r: Rate) -> bool:
    return r.status != "suppressed" and r.errors is not None


def rate_table(key: str, caption: str, measure: Measure, rates: Sequence[Rate]) -> Table:
    """Every rate with its uncertainty and counts; a column for the design where there are several. Point rates only beside an "ok" rate."""
    several = len({r.design for r in rates}) > 1
    columns = ["Group", *["Design"] * several, measure.upper(), "95 % interval", "People", "Comparisons", "Errors"]
    columns += ["Effective errors", f"{FAILED[measure]}, failures counted", "Mean over people"]
    rows = [
        [
            *(r.group, *[f.DESIGNS[r.design]] * several, value(r), uncertainty(r)),
            *(f.count(r.subjects), f.count(r.comparisons), f.count(r.errors), f.number(r.effective_errors)),
            f.percent(r.rate_including_failures if r.status == "ok" or r.errors == 0 else None),
            f.percent(r.subject_weighted_rate if r.status == "ok" else None),
        ]
        for r in rates
    ]
    return Table(key, caption, columns, rows, frozenset({1, 3}) if several else frozenset({2}))


def hidden(what: str, of: Sequence[Rate]) -> list[Item]:
    """Which groups have no number, by reason: in lines, or folded if they are many."""
    by: dict[str, list[str]] = {}
    for r in of:
        if not _has_number(r):
            design = f.DESIGNS[r.design] + ", " if r.design in ("matched", "as_sampled") else ""
            people = f" ({f.plural(r.subjects, 'person', 'people')})" if r.subjects else ""
            name = f"{f.shorten(r.group, 60)}{people}"
            by.setdefault(f"{design}{f.reason(r.reason) or 'not shown'}", []).append(name)
    lines = [f"{f.sentence(why)}: {', '.join(names)}." for why, names in by.items()]
    n = sum(len(x) for x in by.values())
    if n <= LISTED:
        return [Text(f"{what} not shown. {' '.join(lines)}", "note")] if lines else []
    return [Fold(f"{what} not shown for {f.plural(n, 'group')}", [Items(lines)])]
