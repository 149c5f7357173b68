"""The result in the terminal, at the end of a run. It fits 80 columns, in colour or without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from faceparity.harness.results import Evaluation, ExtractionCounts, Grouping, OperatingPoint, Rate
from faceparity.harness.results.parts.notices import SYNTHETIC
from faceparity.reports.layout.topic import SmallTable, TopicEntry
from faceparity.reports.topics.registry import topics
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.failed_comparisons import cells as failed_cells
from faceparity.reports.wording.failed_comparisons import has_failures, total, with_failures
from faceparity.reports.wording.headline import contrast_of, finest, primary, verdict
from faceparity.reports.wording.narrative import index_sentence, missing_values, repeats, training_overlap
from faceparity.reports.wording.pool_words import has_repeats, repeats_flag, rests_on
from faceparity.reports.wording.summary_rows import compact, failures_text
from faceparity.reports.wording.verdicts.no_verdict import first_screen
from faceparity.reports.wording.verdicts.outcomes import compared
from faceparity.reports.wording.verdicts.unadjusted import unadjusted_sentences


def render(evaluations: Sequence[Evaluation]) -> RenderableType:
    """Return everything that a person sees when a run ends.

    One block for each data set and model. A single evaluation has a table for each operating point; of several each gets one
    table over all its points.
    """
    write = _evaluation if len(evaluations) == 1 else _brief
    return Group(*[block for evaluation in evaluations for block in write(evaluation)])


def _heading(evaluation: Evaluation) -> Iterator[RenderableType]:
    yield Text()
    yield Text(
        f"{f.clean(evaluation.dataset.title)} ({f.clean(evaluation.dataset.name)}) × {f.clean(evaluation.model.name)}",
        style="bold reverse",
    )
    yield Text(
        f"{f.plural(evaluation.dataset.subjects, 'person', 'people')}, {f.plural(evaluation.dataset.samples, 'image')}; "
        f"{f.compared(evaluation.comparisons)}. {labels(evaluation)}"
    )
    if evaluation.dataset.synthetic:
        yield _flag(f"SYNTHETIC FACES. {SYNTHETIC}")
    if evaluation.dataset.identity == "none":
        yield _flag("NO SUBJECT LABELS: each image stands for a person; hidden repeats of one person look like false matches.")
    if evaluation.model.training_overlap:
        yield _flag(f"TRAINING OVERLAP: {f.clean(training_overlap(evaluation))}")
    for text in first_screen(evaluation):
        yield _flag(
            text.replace("No verdict is given", "NO VERDICT IS GIVEN", 1).replace("no verdict is given", "NO VERDICT IS GIVEN", 1)
        )


def _evaluation(evaluation: Evaluation) -> Iterator[RenderableType]:
    yield from _heading(evaluation)
    yield from _extraction(evaluation)
    group = finest(evaluation)
    for i, point in enumerate(group.operating_points):
        yield from _point(evaluation, group, i, point)
    yield from _closing(evaluation)


def _brief(evaluation: Evaluation) -> Iterator[RenderableType]:
    """Yield one table: each shown group's failures and FMRs.

    FMR is given at every threshold.
    """
    yield from _heading(evaluation)
    yield from _faces(evaluation.extraction)
    group, small = finest(evaluation), compact(evaluation)
    for point in group.operating_points:
        if point.threshold is None:
            yield _flag(f"{f.sentence(f.point_name(point))}: refused, {f.reason(point.reason)}.")
            yield from _rests_on(evaluation, point)
            continue
        achieved = f"{f.pool_name(point.pool)} has FMR {f.percent(point.achieved_fmr)}"
        yield Text(
            f"{f.sentence(f.point_name(point))}: match if {f.threshold(evaluation.model, point.native_threshold)}; {achieved}."
        )
        yield from _rests_on(evaluation, point)
        yield from _same_person(point)
    if any(point.pool is not None and point.pool.partial for point in small.points):
        who = ", ".join(f.shorten(member.group, 60) for member in small.points[0].pool.groups) if small.points[0].pool else ""
        yield _flag(f"PARTIAL POOL: {who} alone.")
    table = _table(
        "group", "FTX", *(f.point_name(point) for point in small.points), title=f"FMR [95 %] by {grouping_name(group)}"
    )
    for column in table.columns[2:]:
        column.no_wrap, column.justify = False, "left"
    rows = [
        (
            row.group,
            [
                failures_text(row.failures),
                *(_mark(evaluation, point, rate) for point, rate in zip(small.points, row.rates, strict=True)),
            ],
        )
        for row in small.rows
    ]
    if rows:
        _add(table, group, rows)
        yield table
    if small.hidden:
        yield Text(f"{f.plural(small.hidden, 'group')} of fewer than 30 people with a template not shown.")
    yield from _closing(evaluation)


def _mark(evaluation: Evaluation, point: OperatingPoint, rate: Rate | None) -> str:
    """Return a rate in few characters, with its verdict."""
    if rate is None:
        return f.DASH
    if rate.group == finest(evaluation).reference:
        return short(rate) + " reference"
    called = verdict(point, "fmr", rate.group)
    return short(rate) + (f" {called}" if called in ("higher", "lower") else "")


def _entry(entry: TopicEntry) -> Iterator[RenderableType]:
    """Yield an entry of a topic.

    Sentences stand out from what was measured on, where that is said.
    """
    yield Text()
    yield Text(entry.title, style="bold underline")
    if entry.contents:
        yield Text(entry.contents)
    for sentence in entry.sentences:
        yield Text(sentence, style="bold" if entry.contents else "")
    for flag in entry.flags:
        yield _flag(flag)
    for small in entry.tables:
        yield _small_table(small) if small.header else Text(small.caption)
    if entry.closing is not None:
        yield Text(entry.closing)


def _small_table(small: SmallTable) -> Table:
    table = _table(*small.header, title=small.caption or small.legend)
    for column in table.columns[1:] if small.figures else table.columns:
        column.no_wrap = False
        column.justify = column.justify if small.figures else "left"
    for row in small.rows:
        table.add_row(*[Text(cell) for cell in row])
    return table


def _closing(evaluation: Evaluation) -> Iterator[RenderableType]:
    for entry in (item for topic in topics() for item in topic.entries(evaluation, wide=False)):
        yield from _entry(entry)
    for warning in evaluation.warnings:
        if evaluation.dataset.synthetic and warning == SYNTHETIC:  # the heading has said it
            continue
        yield _flag("Warning: " + f.clean(warning))
    problems = ", ".join(f"{f.clean(kind)} {f.count(count)}" for kind, count in evaluation.dataset.problems.items() if count)
    if problems:
        yield _flag(f"Problems found in the data set: {problems}.")


def labels(evaluation: Evaluation) -> str:
    """Return who labelled the people, in a sentence."""
    origins = "; ".join(f"{f.clean(label.attribute)} {f.clean(label.provenance)}" for label in evaluation.dataset.labels)
    return f"Labels as in {f.clean(evaluation.dataset.name)}: {origins}." if origins else ""


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
    for i, column in enumerate(columns):
        wraps = column == RATIO
        table.add_column(Text(column), no_wrap=not wraps, justify="left" if i == 0 or wraps or "[" in column else "right")
    return table


RATIO = "ratio to reference"
NAME_WIDTH, NARROW = 20, 13
"""Most characters of a group's name; the narrower where FAR or FRR takes the room."""
FAILED = {"fmr": "FAR", "fnmr": "FRR"}
SPREAD = "max_geometric_mean"


def _add(table: Table, grouping: Grouping, rows: list[tuple[str, list[str]]], width: int = NAME_WIDTH) -> None:
    """Add rows of (group, cells) to a table.

    Groups of several attributes are indented below their first value: room for numbers.
    """
    values = {member.group: member.values for member in grouping.groups if not member.merged and len(member.values) > 1}
    above = ""
    for group, cells in rows:
        name = group
        if group in values:
            if values[group][0] != above:
                above = values[group][0]
                table.add_row(Text(f.shorten(above, width), style="bold"))
            name = "  " + " × ".join(values[group][1:])
        table.add_row(Text(f.shorten(name, width)), *[Text(cell) for cell in cells])


def _faces(extraction: ExtractionCounts) -> Iterator[RenderableType]:
    """Yield in how many images it depends on --faces which face is used, if in any."""
    if extraction.faces_differ is None or not extraction.faces_differ.errors:
        return
    used = "the one nearest to the middle" if extraction.faces == "centre" else "the largest"
    yield Text(
        f"In {f.plural(extraction.faces_differ.errors, 'image')} the largest face is not the one nearest to the middle; {used} was used "
        "(--faces)."
    )


def _extraction(evaluation: Evaluation) -> Iterator[RenderableType]:
    extraction = evaluation.extraction
    if not extraction.supplied:
        yield _flag("Failures to extract a template: not supplied.")
        return
    if extraction.overall is not None:
        yield from _images(evaluation, extraction.overall)
    if evaluation.model.score.kind == "supplied":
        yield from _failed_comparisons(evaluation)


def _failed_comparisons(evaluation: Evaluation) -> Iterator[RenderableType]:
    """Yield how many of the comparisons failed, by kind and group."""
    said, group = total(evaluation), finest(evaluation)
    yield _flag(said) if said else Text("No comparison failed.")
    if said and with_failures(group):
        table = _table(
            "group", "mated failed", "of", "non-mated failed", "of", title=f"Failed comparisons by {grouping_name(group)}"
        )
        _add(table, group, [(entry.group, failed_cells(entry)) for entry in group.failed_comparisons])
        yield table


def _images(evaluation: Evaluation, overall: Rate) -> Iterator[RenderableType]:
    """Yield how many images gave no template, by group where any."""
    extraction = evaluation.extraction
    text = f"Failures to extract a template (FTX): {f.count(overall.errors)} of {f.plural(overall.comparisons, 'image')}"
    if not overall.errors:
        yield Text(text + ".")
        yield from _faces(extraction)
        return
    kinds = [f.plural(extraction.no_face, "image") + " without a face found"] * bool(extraction.no_face) + [
        f"{extraction.unreadable} that could not be read or processed"
    ] * bool(extraction.unreadable)
    yield Text(text + (f" ({', '.join(kinds)})" if kinds else "") + f"; several faces in {extraction.several_faces}.")
    yield from _faces(extraction)
    for by in extraction.by_group:
        if by.attributes == finest(evaluation).attributes:
            table = _table("group", "FTX [95 %]", "failed", "images", title="FTX by group")
            _add(
                table,
                finest(evaluation),
                [(rate.group, [short(rate), f.count(rate.errors), f.count(rate.comparisons)]) for rate in by.rates],
            )
            yield table


def short(rate: Rate) -> str:
    """Return a rate without its counts, in few digits.

    Two or three; the counts are in columns of their own.
    """
    if rate.status == "bound" and rate.upper is not None:
        return f"≤{f.NBSP}{f.percent(rate.upper, 2)}{f.if_independent(rate)}"
    if rate.status == "ok" and rate.interval is not None:
        return f"{f.percent(rate.rate, 3 if rate.rate and rate.rate >= 0.01 else 2)} {f.percent_interval(rate.interval)}"
    return f.rate(rate)


def _point(evaluation: Evaluation, group: Grouping, i: int, point: OperatingPoint) -> Iterator[RenderableType]:
    yield Text()
    head = Text(f"{f.point_name(point)[0].upper()}{f.point_name(point)[1:]}", style="bold underline")
    yield head
    if point.threshold is None:
        more = f" It would take {f.count(point.needs_comparisons)} comparisons." if point.needs_comparisons else ""
        yield _flag(f"Refused: {f.reason(point.reason)}.{more} {f.clean(point.detail)}".rstrip())
        yield from _rests_on(evaluation, point)
        yield from _same_person(point)
        yield from _pool(point) if i == 0 else ()
        return
    achieved = f"Achieved FMR of the pool: {f.percent(point.achieved_fmr)}."
    yield Text(f"Match if {f.threshold(evaluation.model, point.native_threshold)}; {f.origin(point)}. {achieved}")
    if i == 0 or point.pool != group.operating_points[i - 1].pool:
        yield from _pool(point)
    yield from _rests_on(evaluation, point)
    yield from _same_person(point)
    yield from _rates(group, point)
    yield from _spread(point) if point.withheld is None else ()
    for other in evaluation.groupings:
        if other is not group and i < len(other.operating_points):
            yield from _line(other, other.operating_points[i])
    for sentence in unadjusted_sentences(evaluation, i):
        yield Text(sentence)


def _spread(point: OperatingPoint) -> Iterator[Text]:
    """Yield the first index of FMR.

    It stands beside what one rate for all would give. Its range and its weakness are in the report.
    """
    found = point.differential.fmr.get(SPREAD) if point.differential is not None else None
    if found is not None and found.value is not None:
        yield Text(f"Spread: {index_sentence(SPREAD, 'fmr', found)}")


def _pool(point: OperatingPoint) -> Iterator[Text]:
    if point.pool is None:
        return
    who = ", ".join(f.shorten(member.group, 60) for member in point.pool.groups) or "nobody"
    yield Text(f"Pool ({f.clean(point.pool.name)}): {who}.")
    if point.pool.left_out:
        yield Text(
            "Not in the pool: "
            + ", ".join(f"{f.shorten(excluded.group, 60)} ({f.reason(excluded.reason)})" for excluded in point.pool.left_out)
            + "."
        )
    if point.pool.partial:
        yield _flag(f"PARTIAL POOL: nobody labelled {missing_values(point.pool.missing_values)} is in it.")


def _same_person(point: OperatingPoint) -> Iterator[Text]:
    if point.same_person is None or not has_repeats(point):
        return
    word = "ALIKE AS ONE PERSON" if point.same_person.labelled else "HIDDEN REPEATS"
    word = "CONTAMINATED" if point.status == "contaminated" else word
    yield _flag(f"{word}: {repeats_flag(point.same_person, repeats(point.same_person))}")


def _rests_on(evaluation: Evaluation, point: OperatingPoint) -> Iterator[Text]:
    """Yield how few errors set the threshold, and who carries them."""
    yield from (_flag(sentence) for sentence in rests_on(evaluation, point))


def _rates(grouping: Grouping, point: OperatingPoint) -> Iterator[RenderableType]:
    second = point.without_likely_same_person
    title = f"FMR by {grouping_name(grouping)}" + (", all comparisons" if second else "")
    yield _rate_table(grouping, point, "fmr", title, point)
    if second is not None:
        where = f.native_number(second.native_threshold) if second.native_threshold is not None else "none"
        yield _rate_table(grouping, second, "fmr", f"FMR without probable repeats of one person (threshold {where})", point)
    if point.fnmr:
        yield _rate_table(grouping, point, "fnmr", f"FNMR by {grouping_name(grouping)}", point)


def _rate_table(grouping: Grouping, point: OperatingPoint, measure: str, title: str, outer: OperatingPoint) -> Table:
    rates = primary(point.fmr if measure == "fmr" else point.fnmr)
    failed = [FAILED[measure]] * any(has_failures(rate) for rate in rates)
    table = _table("group", f"{measure.upper()} [95 %]", *failed, "people", "compar.", "errors", RATIO, title=title)
    rows = []
    for rate in rates:
        contrast = contrast_of(point, measure, rate.group)
        text = compared(contrast, verdict(outer, measure, rate.group)) if contrast else _reference(point, measure, rate.group)
        text = f.DASH if rate.status == "suppressed" else text
        with_failed = [f.percent(rate.rate_including_failures or None, 2)] * len(failed)
        counts = [f.count(rate.subjects), f.short_count(rate.comparisons), f.count(rate.errors)]
        rows.append((rate.group, [short(rate), *with_failed, *counts, text]))
    _add(table, grouping, rows, NARROW if failed else NAME_WIDTH)
    return table


def _reference(point: OperatingPoint, measure: str, group: str) -> str:
    return "reference" if any(contrast.measure == measure and contrast.reference == group for contrast in point.contrasts) else ""


def _line(grouping: Grouping, point: OperatingPoint) -> Iterator[Text]:
    """Yield one line for a single attribute.

    It has each value's FMR, matched where there is one.
    """
    if point.threshold is None or not point.fmr:
        return
    parts = []
    designs = list(dict.fromkeys(rate.design for rate in primary(point.fmr) if rate.status != "suppressed"))
    for rate in primary(point.fmr):
        contrast = contrast_of(point, "fmr", rate.group)
        called = (
            f" ({verdict(point, 'fmr', rate.group)})" if contrast is not None and contrast.verdict in ("higher", "lower") else ""
        )
        design = f", {f.DESIGNS[rate.design]}" if len(designs) > 1 and rate.status != "suppressed" else ""
        parts.append(f"{f.shorten(rate.group, 40)} {short(rate)}{design}{called}")
    head = f" ({f.DESIGNS[designs[0]]})" if len(designs) == 1 else ""
    yield Text(f"FMR by {f.clean(grouping_name(grouping))}{head}: " + "; ".join(parts) + ".")
