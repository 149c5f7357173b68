"""`summary.md`: the result in a few small tables, to paste into a text. The README's result is made by this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from faceparity.harness.results import Evaluation, OperatingPoint
from faceparity.harness.results.parts.notices import SYNTHETIC
from faceparity.reports.layout.topic import SmallTable, TopicEntry
from faceparity.reports.topics.registry import topics
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest
from faceparity.reports.wording.summary_rows import Compact, compact, failures_text, rate_text, reference_mark

STOPPED = {"contaminated": " †", "partial": " ‡"}


def summary(evaluations: Sequence[Evaluation]) -> str:
    """One table for each data set: FTX and FMR of each shown group of the finest grouping, by model and operating point.

    Groups with fewer than 30 people are counted below the table. Verdicts past the gates are marked ▲ (higher than the
    reference) and ▼ (lower).
    """
    parts = [_dataset(list(same)) for _, same in groupby(evaluations, key=lambda e: (e.dataset.name, e.dataset.digest))]
    return "\n\n".join(parts) + "\n"


def _dataset(evaluations: Sequence[Evaluation]) -> str:
    first = evaluations[0]
    d = first.dataset
    people = "no subject labels" if d.identity == "none" else f.plural(d.subjects, "person", "people")
    labels = "; ".join(f"{escaped(label.attribute)} {escaped(label.provenance)}" for label in d.labels)
    said = f"Labels: {labels}." if labels else "No labels of groups."
    heading = f"**{escaped(d.title)}** ({escaped(d.name)}): {f.plural(d.samples, 'image')}, {people}. {said}"
    tables = [(e, compact(e)) for e in evaluations]
    header = ["group"]
    for e, table in tables:
        header += [f"{escaped(e.model.name)}: no template", *(_column(e, p) for p in table.points)]
    rows = []
    shown = list(dict.fromkeys(row.group for _, table in tables for row in table.rows))
    for group in shown:
        cells = [_cells(table, group) for _, table in tables]
        rows.append([escaped(group) + reference_mark(first, group), *(x for c in cells for x in c)])
    hidden = len(finest(first).groups) - len(shown)
    points = [(e, p) for e, table in tables for p in table.points]
    warning = [f"**{SYNTHETIC}**", ""] if d.synthetic else []
    warning += [f"**This data set was withdrawn.** {escaped(d.withdrawn)}", ""] if d.withdrawn else []
    told = [
        heading,
        "",
        *warning,
        *_table(header, rows),
        "",
        *_notes(hidden, points),
        *(line for topic in topics() for e in evaluations for x in topic.entries(e, wide=True) for line in _entry(e, x)),
    ]
    return "\n".join(told).rstrip()


def _entry(e: Evaluation, x: TopicEntry) -> list[str]:
    """Return an entry of a topic as lines, a blank one first."""
    said = [*x.sentences, *([x.contents] if x.contents else []), *x.flags]
    below = [line for small in x.tables for line in _small_table(small)]
    below += ["", escaped(x.closing)] if x.closing is not None else []
    bullets = [f"- {escaped(s)}" for s in said]
    return ["", f"**{escaped(x.title)}** ({escaped(e.model.name)})", "", *bullets, *(below if bullets else below[1:])]


def _small_table(x: SmallTable) -> list[str]:
    """Return a table with its caption and legend as lines, a blank one first."""
    rows = [[escaped(first), *(rest if x.figures else map(escaped, rest))] for first, *rest in x.rows]
    out = ["", escaped(x.caption)] if x.caption else []
    out += ["", *(_table([escaped(h) for h in x.header], rows) if x.header else [])]
    return [*out, "", x.legend] if x.legend else out


def _column(e: Evaluation, p: OperatingPoint) -> str:
    mark = STOPPED["contaminated"] if p.status == "contaminated" else ""
    mark += STOPPED["partial"] if p.pool is not None and p.pool.partial and p.origin == "target" else ""
    unit = f.threshold(e.model, p.native_threshold).replace("Euclidean distance", "d").replace("cosine similarity", "cos")
    return f"FMR at {f.point_name(p)} ({escaped(unit)}){mark}"


def _cells(table: Compact, group: str) -> list[str]:
    """FTX, then FMR at each point; dashes where the group is too small to be shown."""
    row = next((r for r in table.rows if r.group == group), None)
    if row is None:
        return [f.DASH] * (1 + len(table.points))
    return [failures_text(row.failures), *(rate_text(p, r) for p, r in zip(table.points, row.rates, strict=True))]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _notes(hidden: int, columns: Sequence[tuple[Evaluation, OperatingPoint]]) -> list[str]:
    out = []
    if hidden:
        out.append(f"{f.plural(hidden, 'group')} of fewer than 30 people with a template not shown.")
    for e, p in columns:
        if p.status == "contaminated" and p.same_person is not None:
            share = f.percent(p.same_person.share_of_pool_errors, 2)
            out.append(
                f"† {escaped(e.model.name)}, {f.point_name(p)}: {share} of the pool's false matches look like one person under two names; "
                "a verdict stands only if it holds without them too."
            )
    if any(p.pool is not None and p.pool.partial and p.origin == "target" for _, p in columns):
        out.append("‡ Set by the groups shown alone: the others are too small to have a say.")
    return [line + "  " for line in out]


def escaped(text: str) -> str:
    """Nothing in a name may end a cell or become markup."""
    return "".join("\\" + c if c in "\\|*_`<>[]#" else c for c in f.clean(text))
