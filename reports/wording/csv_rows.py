"""What CSV tables are made of: cells, rows, the columns that several tables share, and a table as text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from faceparity.harness.results import Differential, Grouping, Index, OperatingPoint, Rate

Cell = str | int | float | bool | None
Row = list[Cell]
Tables = dict[str, tuple[list[str], list[Row]]]
"""Header and rows of tables, by name."""

HEADERS = {
    "at": "grouping origin target_fmr threshold native_threshold reading",
    "rate": "group group_b design subjects subjects_b comparisons errors rate rate_including_failures subject_weighted_rate "
    "lo hi bound_independent bound_worst_case df effective_errors method conditional_on_threshold status reason",
}
"""Columns that several tables share."""


def header_of(*parts: str) -> list[str]:
    """Return the column names of these parts of `HEADERS`, one after another."""
    return [name for part in parts for name in HEADERS[part].split()]


def to_csv(header: list[str], rows: Iterable[Row]) -> str:
    """Return one table as the text of a CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[cell(x) for x in row] for row in rows])
    return out.getvalue()


def cell(x: Cell) -> str:
    """Return one cell as text.

    Numbers in Python's shortest exact form, null empty, text that looks like a formula disarmed.
    """
    if x is None:
        return ""
    if isinstance(x, bool):
        return str(x).lower()
    if isinstance(x, int | float):
        return repr(x)
    return _disarmed(x)


FORMULA = re.compile(r"(^|[;\t\r\n])(?=[\s\u200b\ufeff]*[=+\-@＝＋－＠])")
"""Where a spreadsheet would begin to calculate: at a cell's start, which in many countries also follows a semicolon."""


def _disarmed(text: str) -> str:
    """Put an apostrophe wherever a formula could begin."""
    text = FORMULA.sub(r"\1'", text)
    return "'" + text if text.startswith(("\t", "\r", "\n")) else text


def grouping_name(g: Grouping | list[str]) -> str:
    """Join attributes as group names are joined; a set without attributes is one group."""
    return " × ".join(g if isinstance(g, list) else g.attributes) or "the set as a whole"


def readings(p: OperatingPoint) -> Iterator[tuple[OperatingPoint, str]]:
    """Give a point and, where contaminated, its reading without probable repeats of one person."""
    yield p, "all"
    if p.without_likely_same_person is not None:
        yield p.without_likely_same_person, "without_likely_same_person"


def rate_row(r: Rate) -> Row:
    """Return the cells of a rate, as HEADERS["rate"] names them."""
    lo, hi = r.interval or (None, None)
    bounds: Row = [r.bounds.independent, r.bounds.worst_case] if r.bounds else [None, None]
    return [
        *(r.group, r.group_b, r.design, r.subjects, r.subjects_b, r.comparisons, r.errors, r.rate, r.rate_including_failures),
        *(
            r.subject_weighted_rate,
            lo,
            hi,
            *bounds,
            r.df,
            r.effective_errors,
            r.method,
            r.conditional_on_threshold,
            r.status,
            r.reason,
        ),
    ]


def named_indices(d: Differential | None) -> Iterator[tuple[str, str, float | None, Index]]:
    """Give every index: "fmr", "fnmr" or "combined", its name, its alpha where it has one, itself."""
    if d is None:
        return
    yield from (("fmr", name, None, x) for name, x in d.fmr.items())
    yield from (("fnmr", name, None, x) for name, x in d.fnmr.items())
    weighted = {name for at in d.combined_at for name in at.combined}
    yield from (("combined", name, 0.5 if name in weighted else None, x) for name, x in d.combined.items())
    yield from (("combined", name, at.alpha, x) for at in d.combined_at for name, x in at.combined.items())
