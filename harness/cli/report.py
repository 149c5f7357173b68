"""`faceparity report`."""

from __future__ import annotations

from pathlib import Path

from faceparity.harness.runs.rerender import redraw

from . import show


def report_command(folder: Path, formats: list[str], out: Path | None) -> None:
    """Write the reports of a run again."""
    written, further = redraw(folder, out, formats)
    show.say("\n".join([f"Report: {written / 'report.html'}", *further]))
