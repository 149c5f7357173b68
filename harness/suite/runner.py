"""Running a suite: one evaluation after another, each written at once, so that an interrupted suite goes on where it was."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.execution.backend import BackendGoneError
from faceparity.harness.execution.worker_deaths import is_lost
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.listener import Listener
from faceparity.harness.runs.output_folder import check_folder, locked_folder
from faceparity.harness.runs.result_files import RESULTS, load_results
from faceparity.harness.runs.run_folder import open_log
from faceparity.harness.runs.runner import PreparedRun, Request, run_one
from faceparity.harness.suite.manifest import RECORD, ManifestEntry, Record, sha256, write_record
from faceparity.harness.suite.plan import Step, SuitePlan
from faceparity.harness.suite.preflight import SuiteJob
from faceparity.harness.templates.extract import Templates
from faceparity.harness.templates.store import Store

LOG = "suite.log"
"""Named unlike a run's log, so that `faceparity run --out` does not take a suite's folder for its own."""


class SuiteListener(Listener, Protocol):
    """Listens to a suite: to each run, and to how the suite goes on."""

    def begins(self, step: Step, number: int, of: int, seconds_left: float) -> None:
        """Receive that an evaluation begins.

        seconds_left: an estimate, with this one.
        """
        ...

    def failed(self, job: SuiteJob, why: str) -> None:
        """Receive that an evaluation failed; the suite goes on."""
        ...


@dataclass(frozen=True)
class Finished:
    """What a suite has in the end.

    results: of all that the suite has now, in its order. failed: how many could not be run. record: as written.
    """

    results: list[Result]
    failed: int
    record: Record


def check_out(out: Path) -> None:
    """Raise UserError if a suite can't go there."""
    check_folder(out, lambda: (out / RECORD).is_file() or all(path.name == LOG for path in out.iterdir()))


@contextmanager
def exclusive_folder(out: Path) -> Iterator[None]:
    """Make the suite's folder, and keep other suites out of it.

    Raises UserError if another suite writes into it.
    """
    check_out(out)
    with locked_folder(out / LOG, "another suite is running there"):
        yield


def refuse_mixing(plan: SuitePlan, again: bool) -> None:
    """Raise UserError where results of another kind lie there.

    Unless those that the suite names are to be run again.
    """
    if plan.foreign:
        count, first = len(plan.foreign), plan.foreign[0]
        raise UserError(
            f"{first}{f' and {count - 1} more' if count > 1 else ''}: a result that this suite does not name would be mixed with its own; "
            "move it away, or name another folder with --out"
        )
    if plan.stale and not again:
        (job, differs), count = plan.stale[0], len(plan.stale)
        raise UserError(
            f"{count} result{'s were' if count > 1 else ' was'} made otherwise (before: {differs}, {job.label}): results of different "
            f"kinds are not mixed; --again makes {'those' if count > 1 else 'that'} again, or name another folder with --out"
        )


def run_suite(
    plan: SuitePlan, record: Record, jobs: Sequence[SuiteJob], out: Path, store: Store, listener: SuiteListener
) -> Finished:
    """Make what the plan says is missing.

    An evaluation that fails is counted and the next begins. The folder is held with `exclusive_folder`, the store entered. Raises only
    what ends everything: Ctrl-C, a disk that takes nothing more, BackendGoneError.
    """
    log = open_log(out / LOG, "a")
    write_record(record, out)
    for step in plan.steps:  # first, so that an interrupted suite holds results of one kind
        shutil.rmtree(step.job.folder(out), ignore_errors=True)
    left, pace = plan.seconds, _Pace()
    for number, step in enumerate(plan.steps, 1):
        listener.begins(step, number, len(plan.steps), left * pace.now)
        start = time.monotonic()
        entry, why = _make(step.job, out, store, listener, log)
        record = record.with_entry(entry)
        write_record(record, out)
        if why:
            listener.failed(step.job, why)
        else:
            pace.add(time.monotonic() - start, step.seconds)
        left -= step.seconds
    done = [job for job in jobs if (found := record.entry(*job.place)) is not None and found.status == "done"]
    results = [load_results(job.folder(out))[0] for job in done]
    return Finished(results, len(jobs) - len(done), record)


BELIEVED = 60.0
"""Seconds that count as spent as estimated, so that one short evaluation that took twice as long does not double the rest."""


class _Pace:
    """How much slower than estimated the suite runs."""

    def __init__(self) -> None:
        self._spent, self._due = BELIEVED, BELIEVED

    def add(self, spent: float, due: float) -> None:
        """Add an evaluation's seconds, spent and estimated."""
        self._spent, self._due = self._spent + spent, self._due + due

    @property
    def now(self) -> float:
        """Return the ratio, 1 as long as nothing is known."""
        return self._spent / self._due


def _make(job: SuiteJob, out: Path, store: Store, listener: Listener, log: logging.Logger) -> tuple[ManifestEntry, str]:
    """Run one evaluation; return its entry, and why it failed.

    The reason is empty where there is a result.
    """
    timed, start, folder = _Timed(listener), time.monotonic(), job.folder(out)
    known = {"dataset": job.place[0], "model": job.place[1], "made": job.made, "workers": job.resolved.threads}
    name, prepared = job.dataset.name, PreparedRun(grouped={job.dataset.name: job.grouped})
    request = Request([job.dataset], [job.spec], job.resolved, out, exclusions={name: job.excluded}, prepared=prepared)
    try:
        result = run_one(request, job.dataset, job.spec, job.card, store, out, timed, log)
    except BackendGoneError:  # the others would fail there too, after a minute's wait each
        raise
    except Exception as error:  # of any kind: the other evaluations don't depend on it
        shutil.rmtree(folder, ignore_errors=True)
        log.info("%s: failed, %s", job.label, type(error).__name__)
        return ManifestEntry.model_validate({**known, "status": "failed", "error": type(error).__name__}), _why(error)
    comparisons = result.evaluation.comparisons
    measured = {"extracted": timed.extracted_now, "lost": timed.lost, "extraction_seconds": timed.seconds}
    rest = {
        "comparisons": comparisons.mated + comparisons.non_mated,
        "comparison_seconds": time.monotonic() - start - timed.seconds,
    }
    more = {"status": "done", "result": sha256(folder / RESULTS), **measured, **rest}
    return ManifestEntry.model_validate({**known, **more}), ""


def _why(error: Exception) -> str:
    """Return why an evaluation failed, in one line.

    The text of an unexpected error could hold a name, so only its kind is given.
    """
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "out of memory; name fewer workers, fewer attributes or a smaller data set"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"an error of its own ({type(error).__name__})"


class _Timed:
    """Passes on what a run reports, and records how long extraction took."""

    def __init__(self, listener: Listener) -> None:
        self._to, self._start = listener, time.monotonic()
        self.extracted_now, self.lost, self.seconds = 0, 0, 0.0

    def loaded(self, dataset: Dataset) -> None:
        """Pass on that a data set is loaded."""
        self._to.loaded(dataset)

    def stage(self, text: str, total: int) -> Callable[[int], None]:
        """Pass on that a stage begins."""
        return self._to.stage(text, total)

    def extracted(self, dataset: Dataset, card: ModelCard, templates: Templates) -> None:
        """Pass on that templates are there, and note the time."""
        self.extracted_now, self.seconds = templates.extracted, time.monotonic() - self._start
        self.lost = sum(map(is_lost, templates.reasons))
        self._to.extracted(dataset, card, templates)
