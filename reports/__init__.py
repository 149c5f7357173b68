"""How it is told: tables, figures, HTML.

`write_report` and `write_tables` write what a run writes from a result's record, `render` and `summary` give it as text. They are
imported when first asked for, so that importing this package stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from faceparity.datasets.common.telemetry import switch_off_telemetry

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
    """Looked up in its module, once it is wanted."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
