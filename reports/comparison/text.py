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
"""Maximum number of rows of a table; the page has all."""


def _blocks(comparison: Comparison, brief: bool = False) -> Iterator[tuple[str, list[str], list[str], list[Table]]]:
    """Yield each data set's title, cautions, findings and tables.

    brief: of many models the league tables alone.
    """
    names = Names(comparison)
    for dataset in comparison.datasets:
        first = names.of[dataset.ids[0]]
        flags = [SAYS_NOTHING] if first.synthetic else []
        if len(dataset.ids) < 2:
            continue
        point = words.headline(dataset)
        found = words.findings(dataset, names) or ["No figure could be compared."]
        few = not brief or len(dataset.ids) <= words.MANY_MODELS
        tables = list(_tables(dataset, point, names, few)) if point is not None else []
        yield (
            f"{f.shorten(first.dataset_title, 80)} ({f.shorten(dataset.dataset, 60)})",
            flags,
            [*found, *words.contents(dataset, names)],
            tables,
        )


def _tables(dataset: ComparedDataset, point: ComparedPoint, names: Names, pairs: bool) -> Iterator[Table]:
    """Yield the tables of one operating point."""
    if dataset.failure_league is not None and any(row.value for row in dataset.failure_league.rows):
        yield league_table("ftx", dataset.failure_league, names)
    there = [league for league in point.leagues if any(row.value is not None for row in league.rows)]
    at = f"{f.sentence(words.point_name(point))}. "
    for league in there:
        if not league.measure.startswith("worst"):
            table = league_table("l", league, names)
            yield table._replace(caption=at + table.caption)
        elif league.attributes == there[-1].attributes:
            table = worst_table("w", league, names)
            yield table._replace(caption=at + table.caption)
    for pair in point.pairs if pairs else ():
        rows = [change for change in pair.groupings[-1].changes if change.quantity == "rate" and change.first is not None]
        cells = [
            [
                change.group, words.MEASURES[change.measure], f.percent(change.first), f.percent(change.second),
                f"{f.ratio(change.ratio)} {f.ratio_interval(change.interval)}" if change.interval else f.ratio(change.ratio),
                words.verdict(change, names, pair.first, pair.second),
            ]
            for change in rows
        ]  # fmt: skip
        columns = ["Group", "Rate", names(pair.first), names(pair.second), "Ratio [95 %]", "Reading"]
        if cells:
            yield Table(
                "q",
                f"{at}The same comparisons, by {words.by_name(pair.groupings[-1].attributes)}",
                columns,
                cells,
                frozenset({5}),
            )
    for unpaired in point.unpaired if pairs else ():
        yield _unpaired(unpaired, names, at)


def _unpaired(unpaired: UnpairedPair, names: Names, at: str) -> Table:
    """Return a table of two results that are not paired."""
    rows = []
    for rate in unpaired.rates:
        both = [(rate.first, rate.first_interval), (rate.second, rate.second_interval)]
        figures = [f"{f.percent(value)} {f.percent_interval(i)}" if i else f.percent(value) for value, i in both]
        said = "no interval" if rate.overlap is None else "intervals overlap" if rate.overlap else "intervals do not overlap"
        rows.append([rate.group, words.MEASURES[rate.measure], *figures, words.UNPAIRED + said])
    columns = ["Group", "Rate", f"{names(unpaired.first)} [95 %]", f"{names(unpaired.second)} [95 %]", "Reading"]
    return Table("u", f"{at}Unpaired ({unpaired.reason}): no test, no rank", columns, rows, frozenset({4}))


def markdown(comparison: Comparison) -> str:
    """Return compare.md: findings and small tables.

    Nothing in a name may end a cell or become markup.
    """
    out = [f"# {escaped(title(comparison))}", ""]
    for note in comparison.notes:
        out += [f"> {escaped(note.text)}", ""]
    for heading, flags, found, tables in _blocks(comparison):
        out += [f"## {escaped(heading)}", ""]
        out += [line for sentence in flags for line in (f"**{escaped(sentence)}**", "")]
        out += [f"- {escaped(sentence)}" for sentence in found] + [""]
        for shown in tables:
            out += [f"**{escaped(shown.caption)}**", "", *_grid(shown), ""]
    for model in comparison.models:
        out += [f"## {escaped(f.shorten(model.model, 60))} across data sets", "", escaped(words.DIFFERENT_PEOPLE), ""]
        table = model_rows(comparison, model, Names(comparison))
        out += [*_grid(table), ""] if table is not None else []
    out += [
        "## How it was compared",
        "",
        *(f"- {escaped(sentence)}" for sentence in words.METHOD),
        "",
        "## What is compared",
        "",
        *_grid(compared(comparison)),
    ]
    return "\n".join(out) + "\n"


def _grid(table: Table) -> list[str]:
    """Return a table's lines in Markdown."""
    lines: list[Sequence[str]] = [
        [escaped(cell) for cell in table.columns],
        ["---" if k in table.words or k == 0 else "---:" for k in range(len(table.columns))],
    ]
    lines += [[escaped(cell) for cell in row] for row in table.rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def render(comparison: Comparison) -> RenderableType:
    """Return what a person sees when the command ends."""
    out: list[RenderableType] = [Words(f.clean(title(comparison)), style="bold")]
    out += [Words("! " + f.clean(note.text), style="bold yellow") for note in comparison.notes]
    for heading, flags, found, tables in _blocks(comparison, brief=True):
        out += [Words(), Words(f.clean(heading), style="bold reverse")]
        out += [Words("! " + sentence, style="bold yellow") for sentence in flags]
        out += [Words("• " + f.clean(sentence)) for sentence in found]
        for shown in tables:
            out.append(_terminal(shown))
    for model in comparison.models if len(comparison.models) <= words.MANY_MODELS else ():
        table = model_rows(comparison, model, Names(comparison))
        out += [
            Words(),
            Words(f"{f.shorten(model.model, 60)} across data sets", style="bold reverse"),
            Words(words.DIFFERENT_PEOPLE),
        ]
        out += [_terminal(table)] if table is not None else []
    if len({result.model for result in comparison.results}) > words.MANY_MODELS:
        out += [Words(), Words("Every two models by group, and each model across data sets: on the page.")]
    return Group(*out)


def _terminal(table: Table) -> RenderableType:
    """Return a table for the terminal."""
    grid = Grid(
        title=Words(f.clean(table.caption), style="bold"), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False,
        padding=(0, 1, 0, 0),
    )  # fmt: skip
    for k, column in enumerate(table.columns):
        grid.add_column(Words(f.shorten(column, 24)), justify="left" if k == 0 or k in table.words else "right")
    for row in list(table.rows)[:SHOWN_IN_TERMINAL]:
        grid.add_row(*[Words(f.shorten(cell, 48)) for cell in row])
    if len(table.rows) > SHOWN_IN_TERMINAL:
        grid.add_row(Words(f"… {len(table.rows) - SHOWN_IN_TERMINAL} more on the page"))
    return grid
