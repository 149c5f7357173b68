"""Reports of a run: tables, figures and HTML.

`write_report` and `write_tables` write the files of a result's record; `render` and `summary` return the same as text. They are
imported at the first access, so that importing this package stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from faceparity.datasets.common.telemetry_off import switch_off_telemetry

if TYPE_CHECKING:
    from faceparity.reports.exports.notebook import Figures, NotebookFigure
    from faceparity.reports.formats.csv_tables import write_tables
    from faceparity.reports.formats.html import render, write_report
    from faceparity.reports.formats.markdown import summary

switch_off_telemetry()

__all__ = ["Figures", "NotebookFigure", "render", "summary", "write_report", "write_tables"]

_FROM = {
    "Figures": "exports.notebook",
    "NotebookFigure": "exports.notebook",
    "render": "formats.html",
    "summary": "formats.markdown",
    "write_report": "formats.html",
    "write_tables": "formats.csv_tables",
}


def __getattr__(name: str) -> Any:
    """Return a public name, importing its module at first access.

    Raises AttributeError for any other name.
    """
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
