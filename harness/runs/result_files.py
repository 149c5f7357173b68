"""Results on disk: where they lie, how they are read again, and the report formats written from them.

Light on purpose: a report is redrawn without anything that measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from pydantic import ValidationError

from faceparity.datasets.common.atomic_write import write_atomically
from faceparity.datasets.common.bounded_json import read_json
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.plugins import plugins
from faceparity.harness import results as record
from faceparity.harness.results.stored import Result

RESULTS = "results.json"
TERMINAL = "terminal"
WRITERS = "faceparity.reports.writers"
"""The module of the built-in formats, imported by name: this one is read without them."""
GROUP = "faceparity.reports"
"""The entry points through which other packages add formats."""

Writer = Callable[[Sequence[Result], Path], None]


def write_results(evaluation: record.Evaluation, folder: Path) -> None:
    """Write results.json, whole or not at all."""
    write_atomically(folder / RESULTS, record.to_json(evaluation))


def report_writers() -> dict[str, Writer]:
    """Return every report format's writer, by name.

    A writer is called with the results and the run's folder. Raises UserError if another package's format can't be imported.
    """
    found: dict[str, Writer] = dict(import_module(WRITERS).WRITERS)
    for name, entry in plugins(GROUP, found.keys()).items():
        try:
            found[name] = entry.load()
        except (Exception, SystemExit) as error:  # code of others may raise anything while it is imported
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise UserError(
                f"the report format {name!r} ({entry.value}) can't be loaded ({reason}): install its package again"
            ) from error
    return found


def write_reports(results: Sequence[Result], out: Path) -> None:
    """Write every report format but the terminal's."""
    for name, writer in report_writers().items():
        if name != TERMINAL:
            writer(results, out)


def _first(error: ValueError) -> str:
    """Return the first error, and where in the record."""
    if not isinstance(error, ValidationError):
        return str(error).splitlines()[0]
    wrong = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return ": ".join(filter(None, (".".join(str(step) for step in wrong["loc"]), wrong["msg"])))


def load_results(folder: Path) -> list[Result]:
    """Read every evaluation of a run, in the run's order.

    folder: of the run, or of one data set or one model in it. Raises UserError if there is none, or one does not follow the schema.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: {'not a folder' if folder.exists() else 'not found'}; name the folder of a run")
    files = sorted(path for depth in ("", "*/", "*/*/") for path in folder.glob(depth + RESULTS))
    if not files:
        deeper = next(folder.glob(f"*/*/*/{RESULTS}"), None)
        if deeper:
            raise UserError(f"{folder}: holds several runs; name one, such as {deeper.parents[2]}")
        raise UserError(f"{folder}: no results.json there; name the folder of a run")
    results = []
    for file in files:
        try:
            results.append(Result(record.from_json(read_json(file, record.limits())), file.parent))
        except OSError as error:
            raise UserError(f"{file}: can't be read ({error.strerror}); restore it, or run again") from error
        except ValueError as error:
            raise UserError(f"{file}: not a result of this version, or altered since ({_first(error)}); run again") from error
    return sorted(results, key=lambda result: result.evaluation.provenance.position)
