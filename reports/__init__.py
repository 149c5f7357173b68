"""How it is told: tables, figures, HTML.

`write_report` and `write_tables` write what a run writes from a result's record, `render` and `summary` give it as text. They are
imported when first asked for, so that importing this package stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from faceparity.datasets.common.telemetry import switch_off_telemetry

if TYPE_CHECKING:
    from .html import render, write_report
    from .markdown import summary
    from .notebook import Figures, NotebookFigure
    from .tables import write_tables

switch_off_telemetry()

__all__ = ["Figures", "NotebookFigure", "render", "summary", "write_report", "write_tables"]

_FROM = {
    "Figures": "notebook", "NotebookFigure": "notebook", "render": "html", "summary": "markdown", "write_report": "html",
    "write_tables": "tables",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Looked up in its module, once it is wanted."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
