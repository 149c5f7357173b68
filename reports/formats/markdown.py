"""`summary.md`: the result in a few small tables, to paste into a text. The README's result is one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from faceparity.harness.results import Evaluation, OperatingPoint
from faceparity.harness.results.parts.notices import SYNTHETIC
from faceparity.reports.layout.topic import SmallTable, TopicEntry
from faceparity.reports.topics.registry import topics
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.failed_comparisons import sentences, total
from faceparity.reports.wording.headline import finest
from faceparity.reports.wording.pool_words import rests_on
from faceparity.reports.wording.summary_rows import Compact, compact, failures_text, rate_text, reference_mark
from faceparity.reports.wording.verdicts.no_verdict import first_screen

STOPPED = {"contaminated": " †", "partial": " ‡"}


def summary(evaluations: Sequence[Evaluation]) -> str:
    """Return one table for each data set.

    FTX and FMR of each shown group of the finest grouping, by model and operating point. Groups with fewer than 30 people are
    counted below the table. Verdicts past the gates are marked ▲ (higher than the reference) and ▼ (lower).
    """
    parts = [
        _dataset(list(same))
        for _, same in groupby(evaluations, key=lambda evaluation: (evaluation.dataset.name, evaluation.dataset.digest))
    ]
    return "\n\n".join(parts) + "\n"


def _dataset(evaluations: Sequence[Evaluation]) -> str:
    first = evaluations[0]
    dataset = first.dataset
    people = "no subject labels" if dataset.identity == "none" else f.plural(dataset.subjects, "person", "people")
    labels = "; ".join(f"{escaped(label.attribute)} {escaped(label.provenance)}" for label in dataset.labels)
    origins = f"Labels: {labels}." if labels else "No labels of groups."
    heading = f"**{escaped(dataset.title)}** ({escaped(dataset.name)}): {f.plural(dataset.samples, 'image')}, {people}. {origins}"
    tables = [(evaluation, compact(evaluation)) for evaluation in evaluations]
    header = ["group"]
    for evaluation, table in tables:
        header += [f"{escaped(evaluation.model.name)}: no template", *(_column(evaluation, point) for point in table.points)]
    rows = []
    shown = list(dict.fromkeys(row.group for _, table in tables for row in table.rows))
    for group in shown:
        cells = [_cells(table, group) for _, table in tables]
        rows.append([escaped(group) + reference_mark(first, group), *(item for row_cells in cells for item in row_cells)])
    hidden = len(finest(first).groups) - len(shown)
    points = [(evaluation, point) for evaluation, table in tables for point in table.points]
    warning = [f"**{SYNTHETIC}**", ""] if dataset.synthetic else []
    warning += [f"**This data set was withdrawn.** {escaped(dataset.withdrawn)}", ""] if dataset.withdrawn else []
    for evaluation in evaluations:
        warning += [
            line for text in first_screen(evaluation) for line in (f"**{escaped(evaluation.model.name)}:** {escaped(text)}", "")
        ]
    lines = [
        heading,
        "",
        *warning,
        *_table(header, rows),
        "",
        *_notes(hidden, points),
        *(line + "  " for evaluation in evaluations for line in _failed(evaluation)),
        *(
            line
            for topic in topics()
            for evaluation in evaluations
            for item in topic.entries(evaluation, wide=True)
            for line in _entry(evaluation, item)
        ),
    ]
    return "\n".join(lines).rstrip()


def _failed(evaluation: Evaluation) -> list[str]:
    """Return how many comparisons failed, and of whom, with FRR.

    Empty where failures to extract a template tell of them.
    """
    if evaluation.model.score.kind != "supplied" or not total(evaluation):
        return []
    return [escaped(text) for text in (total(evaluation), *sentences(evaluation))]


def _entry(evaluation: Evaluation, entry: TopicEntry) -> list[str]:
    """Return an entry of a topic as lines.

    A blank one comes first.
    """
    sentences = [*entry.sentences, *([entry.contents] if entry.contents else []), *entry.flags]
    below = [line for small in entry.tables for line in _small_table(small)]
    below += ["", escaped(entry.closing)] if entry.closing is not None else []
    bullets = [f"- {escaped(sentence)}" for sentence in sentences]
    return [
        "",
        f"**{escaped(entry.title)}** ({escaped(evaluation.model.name)})",
        "",
        *bullets,
        *(below if bullets else below[1:]),
    ]


def _small_table(table: SmallTable) -> list[str]:
    """Return a table, its caption and legend as lines.

    A blank one comes first.
    """
    rows = [[escaped(first), *(rest if table.figures else map(escaped, rest))] for first, *rest in table.rows]
    lines = ["", escaped(table.caption)] if table.caption else []
    lines += ["", *(_table([escaped(name) for name in table.header], rows) if table.header else [])]
    return [*lines, "", table.legend] if table.legend else lines


def _column(evaluation: Evaluation, point: OperatingPoint) -> str:
    mark = STOPPED["contaminated"] if point.status == "contaminated" else ""
    mark += STOPPED["partial"] if point.pool is not None and point.pool.partial and point.origin == "target" else ""
    unit = (
        f.threshold(evaluation.model, point.native_threshold)
        .replace("Euclidean distance", "d")
        .replace("cosine similarity", "cos")
    )
    return f"FMR at {f.point_name(point)} ({escaped(unit)}){mark}"


def _cells(table: Compact, group: str) -> list[str]:
    """Return FTX, then FMR at each point.

    Dashes where the group is too small to be shown.
    """
    row = next((found for found in table.rows if found.group == group), None)
    if row is None:
        return [f.DASH] * (1 + len(table.points))
    return [failures_text(row.failures), *(rate_text(point, rate) for point, rate in zip(table.points, row.rates, strict=True))]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _notes(hidden: int, columns: Sequence[tuple[Evaluation, OperatingPoint]]) -> list[str]:
    lines = []
    if hidden:
        lines.append(f"{f.plural(hidden, 'group')} of fewer than 30 people with a template not shown.")
    for evaluation, point in columns:
        if point.status == "contaminated" and point.same_person is not None:
            share = f.percent(point.same_person.share_of_pool_errors, 2)
            so = "no verdict stands" if point.same_person.labelled else "a verdict stands only if it holds without them too"
            lines.append(
                f"† {escaped(evaluation.model.name)}, {f.point_name(point)}: {share} of the pool's false matches look like one person "
                f"under two names; {so}."
            )
        lines += [
            f"{escaped(evaluation.model.name)}, {f.point_name(point)}: {escaped(text)}" for text in rests_on(evaluation, point)
        ]
    if any(point.pool is not None and point.pool.partial and point.origin == "target" for _, point in columns):
        lines.append("‡ Set by the groups shown alone: the others are too small to have a say.")
    return [line + "  " for line in lines]


def escaped(text: str) -> str:
    """Escape what would end a cell or become markup."""
    return "".join("\\" + sign if sign in "\\|*_`<>[]#" else sign for sign in f.clean(text))
