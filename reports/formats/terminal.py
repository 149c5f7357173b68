"""The result in the terminal, at the end of a run. Reads at 80 columns, in colour or without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from faceparity.harness.results import Contrast, Evaluation, Grouping, OperatingPoint, Rate
from faceparity.harness.results.parts.notices import SYNTHETIC
from faceparity.reports.layout.topic import SmallTable, TopicEntry
from faceparity.reports.topics.registry import topics
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.headline import contrast_of, finest, primary, verdict
from faceparity.reports.wording.narrative import index_sentence, missing_values, repeats, training_overlap
from faceparity.reports.wording.summary_rows import compact, failures_text


def render(evaluations: Sequence[Evaluation]) -> RenderableType:
    """Everything a person sees when a run ends: one block for each data set and model.

    One evaluation is told with a table for each operating point; of several each gets one table over all its points.
    """
    tell = _evaluation if len(evaluations) == 1 else _brief
    return Group(*[block for e in evaluations for block in tell(e)])


def _heading(e: Evaluation) -> Iterator[RenderableType]:
    yield Text()
    yield Text(f"{f.clean(e.dataset.title)} ({f.clean(e.dataset.name)}) × {f.clean(e.model.name)}", style="bold reverse")
    yield Text(
        f"{f.plural(e.dataset.subjects, 'person', 'people')}, {f.plural(e.dataset.samples, 'image')}; "
        f"{f.compared(e.comparisons)}. {labels(e)}"
    )
    if e.dataset.synthetic:
        yield _flag(f"SYNTHETIC FACES. {SYNTHETIC}")
    if e.dataset.identity == "none":
        yield _flag("NO SUBJECT LABELS: each image stands for a person; hidden repeats of one person look like false matches.")
    if e.model.training_overlap:
        yield _flag(f"TRAINING OVERLAP: {f.clean(training_overlap(e))}")


def _evaluation(e: Evaluation) -> Iterator[RenderableType]:
    yield from _heading(e)
    yield from _extraction(e)
    group = finest(e)
    for i, point in enumerate(group.operating_points):
        yield from _point(e, group, i, point)
    yield from _closing(e)


def _brief(e: Evaluation) -> Iterator[RenderableType]:
    """One table: each shown group's failures, and its FMR at every threshold."""
    yield from _heading(e)
    group, small = finest(e), compact(e)
    for p in group.operating_points:
        if p.threshold is None:
            yield _flag(f"{f.sentence(f.point_name(p))}: refused, {f.reason(p.reason)}.")
            continue
        achieved = f"{f.pool_name(p.pool)} has FMR {f.percent(p.achieved_fmr)}"
        yield Text(f"{f.sentence(f.point_name(p))}: match if {f.threshold(e.model, p.native_threshold)}; {achieved}.")
        yield from _same_person(p)
    if any(p.pool is not None and p.pool.partial for p in small.points):
        who = ", ".join(f.shorten(g.group, 60) for g in small.points[0].pool.groups) if small.points[0].pool else ""
        yield _flag(f"PARTIAL POOL: {who} alone.")
    table = _table("group", "FTX", *(f.point_name(p) for p in small.points), title=f"FMR [95 %] by {grouping_name(group)}")
    for column in table.columns[2:]:
        column.no_wrap, column.justify = False, "left"
    rows = [
        (row.group, [failures_text(row.failures), *(_mark(e, p, r) for p, r in zip(small.points, row.rates, strict=True))])
        for row in small.rows
    ]
    if rows:
        _add(table, group, rows)
        yield table
    if small.hidden:
        yield Text(f"{f.plural(small.hidden, 'group')} of fewer than 30 people with a template not shown.")
    yield from _closing(e)


def _mark(e: Evaluation, p: OperatingPoint, r: Rate | None) -> str:
    """A rate in few characters, with its verdict."""
    if r is None:
        return f.DASH
    if r.group == finest(e).reference:
        return short(r) + " reference"
    told = verdict(p, "fmr", r.group)
    return short(r) + (f" {told}" if told in ("higher", "lower") else "")


def _entry(x: TopicEntry) -> Iterator[RenderableType]:
    """Give an entry of a topic; sentences stand out from what was measured on, where that is said."""
    yield Text()
    yield Text(x.title, style="bold underline")
    if x.contents:
        yield Text(x.contents)
    for sentence in x.sentences:
        yield Text(sentence, style="bold" if x.contents else "")
    for flag in x.flags:
        yield _flag(flag)
    for small in x.tables:
        yield _small_table(small) if small.header else Text(small.caption)
    if x.closing is not None:
        yield Text(x.closing)


def _small_table(x: SmallTable) -> Table:
    table = _table(*x.header, title=x.caption or x.legend)
    for column in table.columns[1:] if x.figures else table.columns:
        column.no_wrap = False
        column.justify = column.justify if x.figures else "left"
    for row in x.rows:
        table.add_row(*[Text(c) for c in row])
    return table


def _closing(e: Evaluation) -> Iterator[RenderableType]:
    for entry in (x for topic in topics() for x in topic.entries(e, wide=False)):
        yield from _entry(entry)
    for w in e.warnings:
        if e.dataset.synthetic and w == SYNTHETIC:  # the heading has said it
            continue
        yield _flag("Warning: " + f.clean(w))
    problems = ", ".join(f"{f.clean(k)} {f.count(n)}" for k, n in e.dataset.problems.items() if n)
    if problems:
        yield _flag(f"Problems found in the data set: {problems}.")


def labels(e: Evaluation) -> str:
    """Who labelled the people, in a sentence."""
    told = "; ".join(f"{f.clean(x.attribute)} {f.clean(x.provenance)}" for x in e.dataset.labels)
    return f"Labels as in {f.clean(e.dataset.name)}: {told}." if told else ""


def _flag(text: str) -> Text:
    return Text("! " + text, style="bold yellow")


def _table(*columns: str, title: str) -> Table:
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for i, c in enumerate(columns):
        wraps = c == RATIO
        table.add_column(Text(c), no_wrap=not wraps, justify="left" if i == 0 or wraps or "[" in c else "right")
    return table


RATIO = "ratio to reference"
NAME_WIDTH = 20
SPREAD = "max_geometric_mean"


def _add(table: Table, g: Grouping, rows: list[tuple[str, list[str]]]) -> None:
    """Adds rows of (group, cells). Groups of several attributes are indented below their first value: room for numbers."""
    values = {x.group: x.values for x in g.groups if not x.merged and len(x.values) > 1}
    above = ""
    for group, cells in rows:
        name = group
        if group in values:
            if values[group][0] != above:
                above = values[group][0]
                table.add_row(Text(f.shorten(above, NAME_WIDTH), style="bold"))
            name = "  " + " × ".join(values[group][1:])
        table.add_row(Text(f.shorten(name, NAME_WIDTH)), *[Text(c) for c in cells])


def _extraction(e: Evaluation) -> Iterator[RenderableType]:
    x = e.extraction
    if not x.supplied or x.overall is None:
        yield _flag("Failures to extract a template: not supplied.")
        return
    told = f"Failures to extract a template (FTX): {f.count(x.overall.errors)} of {f.plural(x.overall.comparisons, 'image')}"
    if not x.overall.errors:
        yield Text(told + ".")
        return
    kinds = [f.plural(x.no_face, "image") + " without a face found"] * bool(x.no_face) + [
        f"{x.unreadable} that could not be read or processed"
    ] * bool(x.unreadable)
    yield Text(told + (f" ({', '.join(kinds)})" if kinds else "") + f"; several faces in {x.several_faces}.")
    for by in x.by_group:
        if by.attributes == finest(e).attributes:
            table = _table("group", "FTX [95 %]", "failed", "images", title="FTX by group")
            _add(table, finest(e), [(r.group, [short(r), f.count(r.errors), f.count(r.comparisons)]) for r in by.rates])
            yield table


def short(r: Rate) -> str:
    """A rate without its counts, which stand in their own columns, to two or three digits. At zero errors both bounds."""
    if r.status == "bound" and r.bounds is not None:
        return f"≤{f.NBSP}{f.percent(r.bounds.worst_case, 2)} (≤{f.NBSP}{f.percent(r.bounds.independent, 2)})"
    if r.status == "bound" and r.interval is not None:
        return f"≤{f.NBSP}{f.percent(r.interval[1], 2)}"
    if r.status == "ok" and r.interval is not None:
        return f"{f.percent(r.rate, 3 if r.rate and r.rate >= 0.01 else 2)} {f.percent_interval(r.interval)}"
    return f.rate(r)


def _point(e: Evaluation, group: Grouping, i: int, p: OperatingPoint) -> Iterator[RenderableType]:
    yield Text()
    head = Text(f"{f.point_name(p)[0].upper()}{f.point_name(p)[1:]}", style="bold underline")
    yield head
    if p.threshold is None:
        more = f" It would take {f.count(p.needs_comparisons)} comparisons." if p.needs_comparisons else ""
        yield _flag(f"Refused: {f.reason(p.reason)}.{more} {f.clean(p.detail)}".rstrip())
        yield from _pool(p) if i == 0 else ()
        return
    achieved = f"Achieved FMR of the pool: {f.percent(p.achieved_fmr)}."
    yield Text(f"Match if {f.threshold(e.model, p.native_threshold)}; {f.origin(p)}. {achieved}")
    if i == 0 or p.pool != group.operating_points[i - 1].pool:
        yield from _pool(p)
    yield from _same_person(p)
    yield from _rates(group, p)
    yield from _spread(p)
    for g in e.groupings:
        if g is not group and i < len(g.operating_points):
            yield from _line(g, g.operating_points[i])


def _spread(p: OperatingPoint) -> Iterator[Text]:
    """The first index of FMR, beside what one rate for all would give. Its range and its weakness are in the report."""
    found = p.differential.fmr.get(SPREAD) if p.differential is not None else None
    if found is not None and found.value is not None:
        yield Text(f"Spread: {index_sentence(SPREAD, 'fmr', found)}")


def _pool(p: OperatingPoint) -> Iterator[Text]:
    if p.pool is None:
        return
    who = ", ".join(f.shorten(g.group, 60) for g in p.pool.groups) or "nobody"
    yield Text(f"Pool ({f.clean(p.pool.name)}): {who}.")
    if p.pool.left_out:
        yield Text(
            "Not in the pool: " + ", ".join(f"{f.shorten(x.group, 60)} ({f.reason(x.reason)})" for x in p.pool.left_out) + "."
        )
    if p.pool.partial:
        yield _flag(f"PARTIAL POOL: nobody labelled {missing_values(p.pool.missing_values)} is in it.")


def _same_person(p: OperatingPoint) -> Iterator[Text]:
    if p.same_person is None or (p.status != "contaminated" and p.without_likely_same_person is None):
        return
    word = "CONTAMINATED" if p.status == "contaminated" else "HIDDEN REPEATS"
    yield _flag(
        f"{word}: {repeats(p.same_person)} look like the same person twice. A verdict needs both readings, with and without."
    )


def _rates(g: Grouping, p: OperatingPoint) -> Iterator[RenderableType]:
    second = p.without_likely_same_person
    title = f"FMR by {grouping_name(g)}" + (", all comparisons" if second else "")
    yield _rate_table(g, p, "fmr", title, p)
    if second is not None:
        where = f.native_number(second.native_threshold) if second.native_threshold is not None else "none"
        yield _rate_table(g, second, "fmr", f"FMR without probable repeats of one person (threshold {where})", p)
    if p.fnmr:
        yield _rate_table(g, p, "fnmr", f"FNMR by {grouping_name(g)}", p)


def _rate_table(g: Grouping, p: OperatingPoint, measure: str, title: str, outer: OperatingPoint) -> Table:
    table = _table("group", f"{measure.upper()} [95 %]", "people", "compar.", "errors", RATIO, title=title)
    rows = []
    for r in primary(p.fmr if measure == "fmr" else p.fnmr):
        c = contrast_of(p, measure, r.group)
        told = comparison(c, verdict(outer, measure, r.group)) if c else _reference(p, measure, r.group)
        told = f.DASH if r.status == "suppressed" else told
        rows.append((r.group, [short(r), f.count(r.subjects), f.short_count(r.comparisons), f.count(r.errors), told]))
    _add(table, g, rows)
    return table


def _reference(p: OperatingPoint, measure: str, group: str) -> str:
    return "reference" if any(c.measure == measure and c.reference == group for c in p.contrasts) else ""


def comparison(c: Contrast, agreed: str) -> str:
    """A ratio, its interval and what may be said: "4.8× [1.8, 8.8] higher", or why there is none."""
    if c.ratio is None:
        return f.contrast_reason(c.reason) or "none"
    told = f"{f.ratio(c.ratio)} {f.ratio_interval(c.interval)} {agreed}" if c.interval else f"{f.ratio(c.ratio)} {agreed}"
    return told


def _line(g: Grouping, p: OperatingPoint) -> Iterator[Text]:
    """One line for a single attribute: each value's FMR, matched where there is one."""
    if p.threshold is None or not p.fmr:
        return
    parts = []
    for r in primary(p.fmr):
        c = contrast_of(p, "fmr", r.group)
        told = f" ({verdict(p, 'fmr', r.group)})" if c is not None and c.verdict in ("higher", "lower") else ""
        parts.append(f"{f.shorten(r.group, 40)} {short(r)}{told}")
    design = f.DESIGNS[primary(p.fmr)[0].design]
    yield Text(f"FMR by {f.clean(grouping_name(g))} ({design}): " + "; ".join(parts) + ".")
