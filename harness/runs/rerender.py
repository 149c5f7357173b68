"""Write a run's reports again, from its results.json alone.

And the formats that are written only when asked for.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from faceparity.datasets.common.paths import real_path
from faceparity.datasets.fetch.artefacts import file_sha256
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.output_folder import check_folder
from faceparity.harness.runs.result_files import RESULTS, load_results, write_reports

ON_REQUEST = ("pdf", "latex", "figures")
"""Functions of faceparity.reports.writers, called as the others are."""

Writer = Callable[[Sequence[Result], Path], None]


def requested(formats: Sequence[str]) -> list[Writer]:
    """Return the writers of formats of ON_REQUEST.

    Raises UserError if one needs a package that is not installed.
    """
    if not formats:
        return []
    writers = import_module("faceparity.reports.writers")
    writers.check_extras(formats)
    return [getattr(writers, name) for name in ON_REQUEST if name in formats]


def write_requested(results: Sequence[Result], out: Path, formats: Sequence[str]) -> list[str]:
    """Write those formats; return what was written where.

    A line each.
    """
    for writer in requested(formats):
        writer(results, out)
    folders = "" if results[0].folder == out else "DATASET/MODEL/"
    lines = {
        "pdf": f"PDF: {out / 'report.pdf'}",
        "latex": f"LaTeX: {out}/{folders}tables/*.tex",
        "figures": f"Figures: {out}/{folders}figures",
    }
    return [lines[name] for name in ON_REQUEST if name in formats]


def redraw(run: Path, out: Path | None = None, formats: Sequence[str] = ()) -> tuple[Path, list[str]]:
    """Write again everything a run wrote for others to read.

    From its results.json: into its own folder, or into `out` with the results, which then holds all that may be handed on, and nothing
    private. Returns the folder and a line for each further format.
    Raises UserError if `run` is no run, or `out` holds something else.
    """
    requested(formats)
    results = load_results(run)
    folder = run
    if out is not None and real_path(out) != real_path(run):
        folder, results = out, _copied(results, run, out)
    write_reports(results, folder)
    return folder, write_requested(results, folder, formats)


def _copied(results: Sequence[Result], run: Path, out: Path) -> list[Result]:
    """Copy the results to the same paths below `out`."""
    moved = [Result(result.evaluation, out / result.folder.relative_to(run)) for result in results]
    _check(results, moved, out)
    for old, new in zip(results, moved, strict=True):
        new.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(old.folder / RESULTS, new.folder / RESULTS)
    return moved


def _same(one: Path, other: Path) -> bool:
    """Return whether two files can be read and are equal."""
    try:
        return file_sha256(one) == file_sha256(other)
    except OSError:
        return False


def _check(results: Sequence[Result], moved: Sequence[Result], out: Path) -> None:
    """Check that `out` may hold a copy of the results.

    Raises UserError unless it is new, empty, or an earlier copy of the same results.
    """

    def ours() -> bool:
        files = {file for depth in ("", "*/", "*/*/") for file in out.glob(depth + RESULTS)}
        known = {new.folder / RESULTS: old.folder / RESULTS for old, new in zip(results, moved, strict=True)}
        return bool(files) and all(file in known and _same(file, known[file]) for file in files)

    check_folder(out, ours)
