"""A comparison as Markdown, to paste into a text, and as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text as Words

from faceparity.harness.results.comparison import ComparedDataset, ComparedPoint, Comparison, UnpairedPair
from faceparity.harness.results.parts.notices import SAYS_NOTHING
from faceparity.reports.comparison.across_datasets import model_rows
from faceparity.reports.comparison.page import compared, title
from faceparity.reports.comparison.rankings import league_table, worst_table
from faceparity.reports.formats.markdown import escaped
from faceparity.reports.layout.elements import Table
from faceparity.reports.wording import compare_words as words
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.compare_words import Names

SHOWN_IN_TERMINAL = 12
"""So many rows of a table; the page has all."""


def _blocks(c: Comparison, brief: bool = False) -> Iterator[tuple[str, list[str], list[str], list[Table]]]:
    """Of each data set: its title, cautions, findings and tables. brief: of many models the league tables alone."""
    names = Names(c)
    for d in c.datasets:
        first = names.of[d.ids[0]]
        flags = [SAYS_NOTHING] if first.synthetic else []
        if len(d.ids) < 2:
            continue
        p = words.headline(d)
        found = words.findings(d, names) or ["No figure could be compared."]
        few = not brief or len(d.ids) <= words.MANY_MODELS
        tables = list(_tables(d, p, names, few)) if p is not None else []
        yield (
            f"{f.shorten(first.dataset_title, 80)} ({f.shorten(d.dataset, 60)})",
            flags,
            [*found, *words.contents(d, names)],
            tables,
        )


def _tables(d: ComparedDataset, p: ComparedPoint, names: Names, pairs: bool) -> Iterator[Table]:
    if d.failure_league is not None and any(r.value for r in d.failure_league.rows):
        yield league_table("ftx", d.failure_league, names)
    there = [x for x in p.leagues if any(r.value is not None for r in x.rows)]
    at = f"{f.sentence(words.point_name(p))}. "
    for x in there:
        if not x.measure.startswith("worst"):
            table = league_table("l", x, names)
            yield table._replace(caption=at + table.caption)
        elif x.attributes == there[-1].attributes:
            table = worst_table("w", x, names)
            yield table._replace(caption=at + table.caption)
    for q in p.pairs if pairs else ():
        rows = [c for c in q.groupings[-1].changes if c.quantity == "rate" and c.first is not None]
        told = [
            [
                c.group, words.MEASURES[c.measure], f.percent(c.first), f.percent(c.second),
                f"{f.ratio(c.ratio)} {f.ratio_interval(c.interval)}" if c.interval else f.ratio(c.ratio),
                words.verdict(c, names, q.first, q.second),
            ]
            for c in rows
        ]  # fmt: skip
        columns = ["Group", "Rate", names(q.first), names(q.second), "Ratio [95 %]", "Reading"]
        if told:
            yield Table(
                "q", f"{at}The same comparisons, by {words.by_name(q.groupings[-1].attributes)}", columns, told, frozenset({5})
            )
    for u in p.unpaired if pairs else ():
        yield _unpaired(u, names, at)


def _unpaired(u: UnpairedPair, names: Names, at: str) -> Table:
    rows = []
    for r in u.rates:
        both = [(r.first, r.first_interval), (r.second, r.second_interval)]
        told = [f"{f.percent(v)} {f.percent_interval(i)}" if i else f.percent(v) for v, i in both]
        said = "no interval" if r.overlap is None else "intervals overlap" if r.overlap else "intervals do not overlap"
        rows.append([r.group, words.MEASURES[r.measure], *told, words.UNPAIRED + said])
    columns = ["Group", "Rate", f"{names(u.first)} [95 %]", f"{names(u.second)} [95 %]", "Reading"]
    return Table("u", f"{at}Unpaired ({u.reason}): no test, no rank", columns, rows, frozenset({4}))


def markdown(c: Comparison) -> str:
    """compare.md: findings and small tables. Nothing in a name may end a cell or become markup."""
    out = [f"# {escaped(title(c))}", ""]
    for n in c.notes:
        out += [f"> {escaped(n.text)}", ""]
    for heading, flags, found, tables in _blocks(c):
        out += [f"## {escaped(heading)}", ""]
        out += [line for x in flags for line in (f"**{escaped(x)}**", "")]
        out += [f"- {escaped(x)}" for x in found] + [""]
        for t in tables:
            out += [f"**{escaped(t.caption)}**", "", *_grid(t), ""]
    for m in c.models:
        out += [f"## {escaped(f.shorten(m.model, 60))} across data sets", "", escaped(words.DIFFERENT_PEOPLE), ""]
        table = model_rows(c, m, Names(c))
        out += [*_grid(table), ""] if table is not None else []
    out += [
        "## How it was compared",
        "",
        *(f"- {escaped(x)}" for x in words.METHOD),
        "",
        "## What is compared",
        "",
        *_grid(compared(c)),
    ]
    return "\n".join(out) + "\n"


def _grid(t: Table) -> list[str]:
    lines: list[Sequence[str]] = [
        [escaped(x) for x in t.columns],
        ["---" if k in t.words or k == 0 else "---:" for k in range(len(t.columns))],
    ]
    lines += [[escaped(x) for x in row] for row in t.rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def render(c: Comparison) -> RenderableType:
    """What a person sees when the command ends."""
    out: list[RenderableType] = [Words(f.clean(title(c)), style="bold")]
    out += [Words("! " + f.clean(n.text), style="bold yellow") for n in c.notes]
    for heading, flags, found, tables in _blocks(c, brief=True):
        out += [Words(), Words(f.clean(heading), style="bold reverse")]
        out += [Words("! " + x, style="bold yellow") for x in flags]
        out += [Words("• " + f.clean(x)) for x in found]
        for t in tables:
            out.append(_terminal(t))
    for m in c.models if len(c.models) <= words.MANY_MODELS else ():
        table = model_rows(c, m, Names(c))
        out += [Words(), Words(f"{f.shorten(m.model, 60)} across data sets", style="bold reverse"), Words(words.DIFFERENT_PEOPLE)]
        out += [_terminal(table)] if table is not None else []
    if len({x.model for x in c.results}) > words.MANY_MODELS:
        out += [Words(), Words("Every two models by group, and each model across data sets: on the page.")]
    return Group(*out)


def _terminal(t: Table) -> RenderableType:
    grid = Grid(
        title=Words(f.clean(t.caption), style="bold"), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False,
        padding=(0, 1, 0, 0),
    )  # fmt: skip
    for k, c in enumerate(t.columns):
        grid.add_column(Words(f.shorten(c, 24)), justify="left" if k == 0 or k in t.words else "right")
    for row in list(t.rows)[:SHOWN_IN_TERMINAL]:
        grid.add_row(*[Words(f.shorten(x, 48)) for x in row])
    if len(t.rows) > SHOWN_IN_TERMINAL:
        grid.add_row(Words(f"… {len(t.rows) - SHOWN_IN_TERMINAL} more on the page"))
    return grid
