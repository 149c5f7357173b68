"""The report formats of a run, each called with its results and folder; other packages add theirs by `faceparity.reports`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from faceparity.harness.results.stored import Result


def tables(results: Sequence[Result], out: Path) -> None:
    """Write `tables/*.csv` beside each results.json."""
    from faceparity.reports.formats.csv_tables import write_tables

    for result in results:
        write_tables(result.evaluation, result.folder / "tables")


def html(results: Sequence[Result], out: Path) -> None:
    """Write `report.html` over everything in the run's folder."""
    from faceparity.reports.formats.html import write_report

    write_report([result.evaluation for result in results], out / "report.html")


def terminal(results: Sequence[Result], out: Path) -> None:
    """Print the tables in the terminal, on standard output.

    100 columns wide where that is not a terminal.
    """
    import sys

    from rich.console import Console

    from faceparity.reports.formats.terminal import render

    width = None if sys.stdout.isatty() else 100
    Console(highlight=False, width=width).print(render([result.evaluation for result in results]))


def markdown(results: Sequence[Result], out: Path) -> None:
    """Write `summary.md`: small tables to paste into a text."""
    from faceparity.reports.formats.markdown import summary

    (out / "summary.md").write_text(summary([result.evaluation for result in results]), "utf-8")


WRITERS: dict[str, Callable[[Sequence[Result], Path], None]] = {
    writer.__name__: writer for writer in (tables, html, markdown, terminal)
}
"""What every run writes or shows; the formats below are written on request."""


def check_extras(formats: Sequence[str]) -> None:
    """Raise UserError if a format needs a missing package.

    Formats that are written only on request may need one.
    """
    from .exports.engine import require

    for name in formats:
        if name in ("pdf", "figures"):
            require(f"--{name}")


def pdf(results: Sequence[Result], out: Path) -> None:
    """Write `report.pdf`, on request.

    It says what the page says, on numbered pages.
    """
    from .exports.pdf import write_pdf

    write_pdf([result.evaluation for result in results], out / "report.pdf")


def latex(results: Sequence[Result], out: Path) -> None:
    """Write `tables/*.tex` beside each results.json, on request."""
    from .exports.latex import write_latex

    for result in results:
        write_latex(result.evaluation, result.folder / "tables")


def figures(results: Sequence[Result], out: Path) -> None:
    """Write `figures/` beside each results.json, on request.

    Every figure as SVG and PNG, with captions.
    """
    from .exports.figure_files import write_figures

    for result in results:
        write_figures(result.evaluation, result.folder / "figures")
