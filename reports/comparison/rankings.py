"""League tables of a comparison: models in the order of their rank intervals, never of their figures alone."""

from __future__ import annotations

from faceparity.harness.results.comparison import League, LeagueRow
from faceparity.reports.layout.elements import Table
from faceparity.reports.wording import compare_words as words
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.compare_words import Names, by_name

RANKS = (
    "Rank: a 95 % interval, 1 being the lowest figure. Rows whose ranks overlap stand in the order of the command, which is none: these "
    "data can't tell which is lower. 1× would be equal rates of all groups."
)


def league_table(key: str, x: League, names: Names) -> Table:
    """A league table: figure, interval and rank interval of each model."""
    second = any(r.second_value is not None for r in x.rows)
    columns = ["Model", f"{words.MEASURES[x.measure]} [95 %]", "Rank", *(["Without repeats"] if second else [])]
    rows = [
        [names(r.id), words.row_figure(x, r), rank(r, len(x.rows)), *([f.percent(r.second_value)] if second else [])]
        for r in in_order(x)
    ]
    base = f.plural(x.comparisons, "image" if x.measure == "ftx" else "comparison")
    caption = f"{words.FULL[x.measure]}: {base} of {f.plural(x.subjects, 'person', 'people')}"
    return Table(key, caption, columns, rows)


def worst_table(key: str, x: League, names: Names) -> Table:
    """The highest group over the mean of the groups, of each model."""
    second = any(r.second_value is not None for r in x.rows)
    columns = ["Model", "Ratio [95 %]", "Rank", "Highest group", *(["Without repeats"] if second else [])]
    rows = [
        [
            names(r.id), words.row_figure(x, r), rank(r, len(x.rows)) if r.value is not None else f.DASH,
            f.shorten(r.group or f.DASH, 60), *([f.ratio(r.second_value)] if second else []),
        ]
        for r in in_order(x)
    ]  # fmt: skip
    caption = f"{words.LEAGUES[x.measure]}, by {by_name(x.attributes)}"
    return Table(key, caption, columns, rows, frozenset({3}))


def in_order(x: League) -> list[LeagueRow]:
    """By rank interval, and where these are the same in the order of the command."""
    return sorted(x.rows, key=lambda r: r.rank)


def rank(r: LeagueRow, n: int) -> str:
    """ "1", "1–2 of 3"."""
    lo, hi = r.rank
    return f"{lo} of {n}" if lo == hi else f"{lo}–{hi} of {n}"
