"""`summary.md`: the result in a few small tables, to paste into a text. The README's result is made by this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from faceparity.harness.record import Evaluation, OperatingPoint, Rate

from . import format as f
from .select import finest, verdict

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
    people = "images, no subject labels" if d.identity == "none" else "images"
    heading = f"**{_text(d.title)}** ({_text(d.name)}): {f.count(d.subjects)} people, {f.count(d.samples)} images"
    if d.identity == "none":
        heading = f"**{_text(d.title)}** ({_text(d.name)}): {f.count(d.samples)} {people}"
    labels = "; ".join(f"{_text(label.attribute)} {_text(label.provenance)}" for label in d.labels)
    columns = [(e, p) for e in evaluations for p in finest(e).operating_points if p.threshold is not None]
    header = ["group"]
    for e in evaluations:
        header.append(f"{_text(e.model.name)}: no template")
        header += [_column(e, p) for own, p in columns if own is e]
    rows, hidden = [], 0
    for group in finest(first).groups:
        cells = [_cells(e, [p for own, p in columns if own is e], group.group) for e in evaluations]
        if any(c is not None for c in cells):
            reference = " (reference)" if group.group == finest(first).reference else ""
            rows.append([_text(group.group) + reference, *(x for c in cells for x in (c or []))])
        else:
            hidden += 1
    return "\n".join([f"{heading}. Labels: {labels}.", "", *_table(header, rows), "", *_notes(hidden, columns)]).rstrip()


def _column(e: Evaluation, p: OperatingPoint) -> str:
    mark = STOPPED["contaminated"] if p.status == "contaminated" else ""
    mark += STOPPED["partial"] if p.pool is not None and p.pool.partial and p.origin == "target" else ""
    unit = f.threshold(e.model, p.native_threshold).replace("Euclidean distance", "d").replace("cosine similarity", "cos")
    return f"FMR at {f.point_name(p)} ({_text(unit)}){mark}"


def _cells(e: Evaluation, points: Sequence[OperatingPoint], group: str) -> list[str] | None:
    """FTX, then FMR at each point; None where the group is too small to be shown."""
    by = next((b for b in e.extraction.by_group if b.attributes == finest(e).attributes), None)
    ftx = next((r for r in by.rates if r.group == group), None) if by else None
    rates = [next((r for r in p.fmr if r.group == group), None) for p in points]
    if all(r is None or r.status == "suppressed" for r in rates):
        return None
    return [_failures(ftx), *(_rate(p, r) for p, r in zip(points, rates, strict=True))]


def _failures(r: Rate | None) -> str:
    if r is None or r.errors is None:
        return f.DASH
    return f.percent(r.rate, 2) if r.rate else f"{f.count(r.errors)} of {f.count(r.comparisons)}"


def _rate(p: OperatingPoint, r: Rate | None) -> str:
    if r is None:
        return f.DASH
    mark = {"higher": " ▲", "lower": " ▼"}.get(verdict(p, "fmr", r.group), "")
    return f.rate(r, both_bounds=False) + mark


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
                f"† {_text(e.model.name)}, {f.point_name(p)}: {share} of the pool's false matches look like one person under two names; "
                "a verdict stands only if it holds without them too."
            )
    if any(p.pool is not None and p.pool.partial and p.origin == "target" for _, p in columns):
        out.append("‡ Set by the groups shown alone: the others are too small to have a say.")
    return [line + "  " for line in out]


def _text(text: str) -> str:
    """Nothing in a name may end a cell or become markup."""
    return "".join("\\" + c if c in "\\|*_`<>[]#" else c for c in f.clean(text))
