"""Write the files of `faceparity compare` beside comparison.json, and print its tables in the terminal."""

from __future__ import annotations

from pathlib import Path

from faceparity.harness.results.comparison import Comparison


def write(comparison: Comparison, out: Path) -> None:
    """Write the comparison's files into the folder `out`.

    compare.html, compare.md and tables/*.csv. The same comparison gives the same bytes.
    """
    from faceparity.reports.comparison.csv_tables import write_tables
    from faceparity.reports.comparison.page import write_page
    from faceparity.reports.comparison.text import markdown

    write_tables(comparison, out / "tables")
    (out / "compare.md").write_text(markdown(comparison), encoding="utf-8", newline="\n")
    write_page(comparison, out / "compare.html")


def show(comparison: Comparison) -> None:
    """Print the tables on standard output.

    100 columns wide where that is not a terminal.
    """
    import sys

    from rich.console import Console

    from faceparity.reports.comparison.text import render

    width = None if sys.stdout.isatty() else 100
    Console(highlight=False, width=width).print(render(comparison))
