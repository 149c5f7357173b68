"""`summary.md`: the result in a few small tables, to paste into a text. The README's result is made by this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from faceparity.harness.record import Evaluation, OperatingPoint
from faceparity.harness.synthetic import SYNTHETIC

from . import claims, exclusions, protocols, scenarios, searches
from . import format as f
from .compact import Compact, compact, failures_text, rate_text, reference_mark
from .paired_words import compact as paired_compact
from .paired_words import legend, sentences, title
from .select import finest

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
        *(x for e in evaluations for x in _claims(e)),
        *(x for e in evaluations for x in _exclusions(e)),
        *(x for e in evaluations for x in _protocols(e)),
        *(x for e in evaluations for x in _searches(e)),
        *(x for e in evaluations for x in _scenarios(e)),
        *(x for e in evaluations for x in _paired(e)),
    ]
    return "\n".join(told).rstrip()


def _claims(e: Evaluation) -> list[str]:
    """What people claim: every reading with a verdict in a row, then how many there is none for."""
    if not e.claims:
        return []
    header, rows = claims.compact(e)
    out = ["", f"**{escaped(claims.TITLE)}** ({escaped(e.model.name)})", ""]
    out += [*_table(header, [[escaped(c) for c in row] for row in rows]), ""] if rows else []
    return [*out, escaped(claims.untested(e))]


def _exclusions(e: Evaluation) -> list[str]:
    """What a person left out by name: rates with and without it."""
    out = []
    for x in e.exclusions:
        out += [
            "",
            f"**{escaped(exclusions.TITLE)}** ({escaped(e.model.name)})",
            "",
            *(f"- {escaped(s)}" for s in exclusions.sentences(x)),
        ]
        for p in x.points:
            header, rows = exclusions.compact(e, p)
            out += ["", escaped(f"{f.sentence(exclusions.name(p))}. {exclusions.thresholds(e, p)}"), ""]
            out += _table(header, [[escaped(c) for c in row] for row in rows]) if rows else []
    return out


def _protocols(e: Evaluation) -> list[str]:
    """Published pair lists: the benchmark's own figure, then the list's rates beside those of all pairs."""
    out = []
    for p in e.protocols:
        header, rows = protocols.compact(e, p)
        told = [*protocols.sentences(p), protocols.contents(e, p), *protocols.flags(p)]
        out += [
            "",
            f"**{escaped(protocols.TITLE)}: {escaped(p.name)}** ({escaped(e.model.name)})",
            "",
            *(f"- {escaped(s)}" for s in told),
            "",
        ]
        out += _table(header, [[escaped(c) for c in row] for row in rows])
    return out


def _searches(e: Evaluation) -> list[str]:
    """Published galleries and probes: what is searched in what, then rates by gallery."""
    out = []
    for s in e.searches:
        header, rows = searches.compact(s)
        out += ["", f"**{escaped(searches.TITLE)}: {escaped(s.name)}** ({escaped(e.model.name)})", ""]
        out += [*(f"- {escaped(x)}" for x in (searches.contents(s), *searches.flags(s))), ""]
        out += _table([escaped(h) for h in header], [[escaped(c) for c in row] for row in rows])
    return out


def _scenarios(e: Evaluation) -> list[str]:
    """One to many: in people, then by group."""
    out = []
    for s in e.scenarios:
        told = [*scenarios.flags(s), *scenarios.sentences(e, s)]
        out += ["", f"**{escaped(scenarios.title(s))}** ({escaped(e.model.name)})", "", *(f"- {escaped(x)}" for x in told)]
        for x in scenarios.small(e, s):
            cells = [[escaped(c) for c in row] for row in x.rows]
            out += ["", escaped(x.caption), "", *_table([escaped(h) for h in x.header], cells)]
    return out


def _paired(e: Evaluation) -> list[str]:
    """A controlled experiment: in words, then every level against its reference."""
    out = []
    for x in e.paired:
        header, rows = paired_compact(e, x)
        cells = [[escaped(name), *numbers] for name, *numbers in rows]
        out += ["", f"**{escaped(title(x))}** ({escaped(e.model.name)})", "", *(f"- {escaped(s)}" for s in sentences(e, x)), ""]
        out += [*_table([escaped(h) for h in header], cells), "", legend()]
    return out


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
