"""`faceparity report`: write the reports of a run again."""

from __future__ import annotations

from pathlib import Path

from faceparity.harness.cli.support import console
from faceparity.harness.runs.rerender import redraw


def report_command(folder: Path, formats: list[str], out: Path | None) -> None:
    """Write the reports of a run again."""
    written, further = redraw(folder, out, formats)
    console.say("\n".join([f"Report: {written / 'report.html'}", *further]))
