"""`faceparity compare`: models and data sets of several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from faceparity.datasets.common.atomic_write import write_atomically
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.paths import real_path
from faceparity.harness.cli.support import console
from faceparity.harness.cli.support.published_command import published_command
from faceparity.harness.results.comparison import Comparison, comparison_to_json
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.output_folder import WRITABLE, check_folder, default_timed
from faceparity.harness.runs.result_files import load_results
from faceparity.harness.templates.extract import cores

RECORD = "comparison.json"
WRITER = "faceparity.reports.comparison.write"
"""The module that reports a comparison; imported by name, as reports stand above the harness."""


def compare_command(runs: Sequence[Path], out: Path | None, seed: int) -> None:
    """Read runs, compare them, write and show it.

    Raises UserError.
    """
    from faceparity.harness.model_comparison.compare_runs import compare_runs

    found = _load(runs)
    folder = out or default_timed("compare")
    _check_folder(folder, runs)
    command = published_command("compare", [("--seed", seed or None), ("--out", out)], files=len(runs))
    with console.working("comparing"):
        comparison = compare_runs(found, command.replace("<file>", "<run>"), seed, cores())
    write(comparison, folder)
    import_module(WRITER).show(comparison)
    console.say(f"Comparison: {folder / 'compare.html'}")


def _load(runs: Sequence[Path]) -> list[list[Result]]:
    """Read the results of every run.

    Raises UserError for a folder named twice, or one within another.
    """
    typed_as: dict[Path, Path] = {}
    for run in runs:
        folder = real_path(run)
        if folder in typed_as:
            raise UserError(f"{run}: named twice; name each run once")
        for other, typed in typed_as.items():
            if folder in other.parents or other in folder.parents:
                raise UserError(f"{run} and {typed}: one is within the other; name each run once")
        typed_as[folder] = run
    return [load_results(run) for run in runs]


def _check_folder(out: Path, runs: Sequence[Path]) -> None:
    """Check that the comparison can go into a folder.

    Raises UserError.
    """
    if any(real_path(out) == real_path(run) or real_path(run) in real_path(out).parents for run in runs):
        raise UserError(f"--out {out}: lies in a run's own folder; name a folder beside the runs")
    check_folder(out, lambda: (out / RECORD).is_file())


def write(comparison: Comparison, out: Path) -> None:
    """Write comparison.json, then every report of it.

    Raises UserError where nothing can be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for old in (out / "tables").glob("*.csv"):
            old.unlink()
        write_atomically(out / RECORD, comparison_to_json(comparison))
        import_module(WRITER).write(comparison, out)
    except OSError as error:
        raise UserError(f"--out {out}: {error.strerror}; {WRITABLE}") from error
