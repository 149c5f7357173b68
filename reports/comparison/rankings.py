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


def league_table(key: str, league: League, names: Names) -> Table:
    """Return a league table.

    Figure, interval and rank interval of each model.
    """
    second = any(row.second_value is not None for row in league.rows)
    columns = ["Model", f"{words.MEASURES[league.measure]} [95 %]", "Rank", *(["Without repeats"] if second else [])]
    rows = [
        [
            names(row.id),
            words.row_figure(league, row),
            rank(row, len(league.rows)),
            *([f.percent(row.second_value)] if second else []),
        ]
        for row in in_order(league)
    ]
    base = f.plural(league.comparisons, "image" if league.measure == "ftx" else "comparison")
    mean = "" if league.measure == "ftx" else "mean of the groups, each weighted equally; "
    caption = f"{words.FULL[league.measure]}: {mean}{base} of {f.plural(league.subjects, 'person', 'people')}"
    return Table(key, caption, columns, rows)


def worst_table(key: str, league: League, names: Names) -> Table:
    """Return a table of highest group over mean, by model.

    The rate of the highest group over the mean of the groups.
    """
    second = any(row.second_value is not None for row in league.rows)
    columns = ["Model", "Ratio [95 %]", "Rank", "Highest group", *(["Without repeats"] if second else [])]
    rows = [
        [
            names(row.id), words.row_figure(league, row), rank(row, len(league.rows)) if row.value is not None else f.DASH,
            f.shorten(row.group or f.DASH, 60), *([f.ratio(row.second_value)] if second else []),
        ]
        for row in in_order(league)
    ]  # fmt: skip
    caption = f"{words.LEAGUES[league.measure]}, by {by_name(league.attributes)}"
    return Table(key, caption, columns, rows, frozenset({3}))


def in_order(league: League) -> list[LeagueRow]:
    """Return the rows by rank interval.

    Where these are the same, in the order of the command.
    """
    return sorted(league.rows, key=lambda row: row.rank)


def rank(row: LeagueRow, models: int) -> str:
    """Return a rank interval: "1", "1–2 of 3"."""
    lo, hi = row.rank
    return f"{lo} of {models}" if lo == hi else f"{lo}–{hi} of {models}"
