"""Cells and rows of CSV tables, the columns that several tables share, and a table as text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from faceparity.harness.results import Differential, Grouping, Index, OperatingPoint, Rate
from faceparity.reports.wording import numbers as f

Cell = str | int | float | bool | None
Row = list[Cell]
Tables = dict[str, tuple[list[str], list[Row]]]
"""Header and rows of tables, by name."""

HEADERS = {
    "at": "grouping origin target_fmr threshold native_threshold reading",
    "rate": "group group_b design subjects subjects_b comparisons errors rate rate_including_failures subject_weighted_rate "
    "lo hi bound_independent bound_worst_case df effective_errors method conditional_on_threshold status reason design_effect "
    "mean_over parts pooled_rate",
}
"""Columns that several tables share."""


def header_of(*parts: str) -> list[str]:
    """Return the column names of these parts of `HEADERS`.

    One part after another.
    """
    return [name for part in parts for name in HEADERS[part].split()]


def to_csv(header: list[str], rows: Iterable[Row]) -> str:
    """Return one table as the text of a CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[cell(value) for value in row] for row in rows])
    return out.getvalue()


def cell(value: Cell) -> str:
    """Return one cell as text.

    Numbers in Python's shortest exact form, null empty, text that looks like a formula disarmed.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return _disarmed(value)


FORMULA = re.compile(r"(^|[;\t\r\n])(?=[\s\u200b\ufeff]*[=+\-@＝＋－＠])")
"""Where a spreadsheet would begin to calculate: at a cell's start, which in many countries also follows a semicolon."""


def _disarmed(text: str) -> str:
    """Put an apostrophe wherever a formula could begin."""
    text = FORMULA.sub(r"\1'", text)
    return "'" + text if text.startswith(("\t", "\r", "\n")) else text


def grouping_name(grouping: Grouping | list[str]) -> str:
    """Return the attributes joined as group names are.

    A set without attributes is one group.
    """
    return " × ".join(grouping if isinstance(grouping, list) else grouping.attributes) or "the set as a whole"


def readings(point: OperatingPoint) -> Iterator[tuple[OperatingPoint, str]]:
    """Yield a point with the name of its reading.

    Then, where contaminated, the reading without probable repeats of one person.
    """
    yield point, "all"
    if point.without_likely_same_person is not None:
        yield point.without_likely_same_person, "without_likely_same_person"


def rate_row(rate: Rate) -> Row:
    """Return the cells of a rate, as HEADERS["rate"] names them."""
    lo, hi = rate.interval or (None, None)
    bounds: Row = [rate.bounds.independent, rate.bounds.worst_case] if rate.bounds else [None, None]
    return [
        *(
            rate.group,
            rate.group_b,
            rate.design,
            rate.subjects,
            rate.subjects_b,
            rate.comparisons,
            rate.errors,
            rate.rate,
            rate.rate_including_failures,
        ),
        *(
            rate.subject_weighted_rate,
            lo,
            hi,
            *bounds,
            rate.df,
            rate.effective_errors,
            rate.method,
            rate.conditional_on_threshold,
            rate.status,
            rate.reason,
            rate.design_effect,
            rate.mean_over,
            rate.parts,
            f.pooled(rate),
        ),
    ]


def named_indices(differential: Differential | None) -> Iterator[tuple[str, str, float | None, Index]]:
    """Yield every index with its measure, name and alpha.

    The measure is "fmr", "fnmr" or "combined"; alpha is None where the index has none.
    """
    if differential is None:
        return
    yield from (("fmr", name, None, index) for name, index in differential.fmr.items())
    yield from (("fnmr", name, None, index) for name, index in differential.fnmr.items())
    weighted = {name for at in differential.combined_at for name in at.combined}
    yield from (("combined", name, 0.5 if name in weighted else None, index) for name, index in differential.combined.items())
    yield from (("combined", name, at.alpha, index) for at in differential.combined_at for name, index in at.combined.items())
