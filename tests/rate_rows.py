"""The rows of a report that show a rate beside its counts, read from the page, and those whose counts contradict the rate.

python -m tests.rate_rows REPORT.html...   count them
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.reports.report_page import read

COUNTED = ("Errors", "Failed")
OF = ("Comparisons", "Images")
NUMBER = r"[\d,]+(?:\.\d+)?"


def rows_beside_counts(source: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every row of a table with a rate, an interval, comparisons and errors: its table, and its cells by column."""
    for key, (columns, *rows) in ((key, rows) for key, rows in read(source).tables.items() if rows):
        if "95 % interval" in columns and set(COUNTED) & set(columns) and set(OF) & set(columns):
            yield from ((key, dict(zip(columns, row, strict=True))) for row in rows)


def contradicts(row: dict[str, str]) -> bool:
    """Whether errors / comparisons lie outside the row's interval, and the pooled rate that they do give is not told.

    Of a bound, above it. Half a unit of the interval's last digit is let pass.
    """
    errors, comparisons = (_number(next(row[name] for name in names if name in row)) for names in (COUNTED, OF))
    if not errors or not comparisons:
        return False
    share = 100 * errors / comparisons
    rate = next(text for name, text in row.items() if name in ("FMR", "FNMR", "FTX", "FPIR", "FNIR"))
    pooled = re.fullmatch(rf"({NUMBER}) %", row.get("Pooled", ""))
    if pooled:
        return abs(_number(pooled[1]) / share - 1) > 0.006
    found = re.fullmatch(rf"\[({NUMBER}), ({NUMBER})\] %", row["95 % interval"])
    if found:
        low, high = (_number(text) for text in found.groups())
        return not low - _unit(found[1]) / 2 <= share <= high + _unit(found[2]) / 2
    bound = re.fullmatch(rf"≤ ({NUMBER}) %", rate)
    return bool(bound) and share > _number(bound[1]) + _unit(bound[1]) / 2 if bound else False


def _number(text: str) -> float:
    """A number as a page writes it; 0 for a dash."""
    return 0.0 if text == "–" else float(text.replace(",", ""))


def _unit(text: str) -> float:
    """The worth of a number's last digit."""
    return 10.0 ** -len(text.partition(".")[2])


def main(paths: list[str]) -> None:
    """Print the counts of all reports under the paths."""
    for path in paths:
        for file in [Path(path)] if Path(path).is_file() else sorted(Path(path).rglob("report.html")):
            rows = list(rows_beside_counts(file.read_text("utf-8")))
            print(
                f"{file}: {sum(contradicts(row) for _, row in rows)} of {len(rows)} rows have counts outside their own interval"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
