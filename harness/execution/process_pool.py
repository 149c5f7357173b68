"""Batches of images on worker processes.

The processes and the batches waiting for them are bounded in number; an image costs no other image, a killed worker none.
Processes, not threads, because dlib's detector holds Python's lock. Not the standard library's pool: it hides how a process ended,
ends all when one is gone, and waits for ever for an answer of which only the beginning was written.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import TypeAlias

from faceparity.harness.execution.worker import ImageJob, ImageOutcome, Opener
from faceparity.harness.execution.worker_deaths import Death, advice, crash_reason, explained, lost_reason
from faceparity.harness.execution.worker_process import (
    Batch,
    WorkerDiedError,
    WorkerProcess,
    Workers,
    WorkersEndedError,
    check_start,
)
from faceparity.harness.models.base.model import Extraction

Done: TypeAlias = tuple[Batch, list[ImageOutcome]]

CRASHES_TO_BELIEVE = 2
"""An image is to blame once this many fresh processes crashed on it, with nothing else of the run at work."""
TRIES = 4
"""Fresh processes that an image is given at most."""
TRIES_AFTER_MANY = 2
MANY = 8
"""After this many images in a row that failed in every try, the next ones get TRIES_AFTER_MANY."""
KILLS_TOGETHER = 4
"""After this many workers killed in a row, with no batch done between, the run goes on with one worker at a time."""
STARTS = 8
"""Workers in a row that may be killed before they are up."""
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds to wait after the first kill in a row, the second, …: what used up the memory may end."""


def run_batches(batches: Sequence[Batch], name: str, opener: Opener, workers: int) -> Generator[Done, None, None]:
    """Yield each batch with its outcomes, in any order.

    Batches during which a worker ended are tried again when nothing else is at work, first whole, then image by image. An image
    that crashes fresh processes is remembered as unreadable; one whose workers are ended by something else counts as
    unreadable for this run only. Closing the generator, or an exception in it, ends every process.
    Raises WorkersEndedError if workers are killed whenever they start, UserError if they do not start at all.
    """
    with Workers(name, opener) as processes:
        suspects = yield from _run_concurrently(list(reversed(batches)), processes, min(workers, len(batches)))
        processes.end_all()
        retries = _Retries(processes)
        for batch in suspects:
            yield batch, retries.outcomes(batch)


def _run_concurrently(rest: list[Batch], processes: Workers, wanted: int) -> Generator[Done, None, list[Batch]]:
    """Take batches from the end of `rest`, with several workers.

    Returns the batches during which a worker ended, and what is left after many kills.
    """
    suspects: list[Batch] = []
    kills, all_started = 0, False
    while rest or any(process.batch for process in processes):
        if kills >= KILLS_TOGETHER:
            suspects, rest = suspects + rest[::-1], []
        elif kills and not len(processes):
            time.sleep(_pause(kills))
        kills += _start(processes, min(wanted, len(rest)))
        # At first all at once: a worker that is up ignores the Ctrl-C that its parent gets, one that starts may not.
        all_started = all_started or not any(process.starting for process in processes)
        if all_started:
            _hand_out(rest, processes)
        done: list[Done] = []
        for process in processes.wait():
            batch = process.batch
            try:
                outcomes = process.receive()
            except WorkerDiedError as died:
                check_start(died)
                processes.end(process)
                suspects += [batch] if batch else []
                if died.death.outside or died.starting:
                    # Not replaced but for the last: fewer need less memory.
                    kills, wanted = kills + 1, max(1, wanted - 1)
                continue
            if batch is not None and outcomes is not None:
                done.append((batch, outcomes))
                kills = 0
        _hand_out(rest if all_started else [], processes)
        yield from done
    return suspects


def _start(processes: Workers, wanted: int) -> int:
    """Start workers until this many run.

    Returns how many could not be started.
    """
    failed = 0
    while len(processes) < wanted and not failed:
        try:
            processes.start()
        except WorkerDiedError:
            failed += 1
    return failed


def _hand_out(rest: list[Batch], processes: Workers) -> None:
    """Send batches from the end of `rest` to idle workers."""
    for process in processes:
        if rest and process.idle:
            process.send(rest.pop())


def _pause(kills: int) -> float:
    """Return the seconds to wait after kills in a row."""
    return PAUSES[min(kills, len(PAUSES)) - 1]


class _Retries:
    """Tries images again, one worker at a time.

    _lost_in_a_row: images in a row that failed in every try.
    """

    def __init__(self, processes: Workers) -> None:
        self._processes = processes
        self._worker: WorkerProcess | None = None
        self._lost_in_a_row = 0

    def outcomes(self, batch: Batch) -> list[ImageOutcome]:
        """Try a batch again during which a worker ended.

        First whole, then image by image.
        """
        if len(batch) > 1:
            try:
                return self._attempt(batch)
            except WorkerDiedError as died:
                _wait_after(died.death, 1)
        return [self._outcome(job) for job in batch]

    def _outcome(self, job: ImageJob) -> ImageOutcome:
        """Try an image in fresh processes until read or blamed."""
        deaths: list[Death] = []
        most = TRIES if self._lost_in_a_row < MANY else TRIES_AFTER_MANY
        while len(deaths) < most:
            try:
                outcome = self._attempt([job])[0]
            except WorkerDiedError as died:
                # A worker that did something before may suffer from that.
                deaths += [died.death] if died.fresh else []
                if sum(bool(death.crash) for death in deaths) >= CRASHES_TO_BELIEVE:
                    # Remembered, so that it cannot crash another run.
                    return ImageOutcome(Extraction("unreadable", reason=crash_reason(died.death)))
                if len(deaths) < most:
                    _wait_after(died.death, len(deaths))
                continue
            self._lost_in_a_row = 0
            return outcome
        self._lost_in_a_row += 1
        last = next(death for death in reversed(deaths) if not death.crash)
        return ImageOutcome(Extraction("unreadable", reason=lost_reason(last)), keep=False)

    def _attempt(self, batch: Batch) -> list[ImageOutcome]:
        """Return the outcomes of a batch.

        Raises WorkerDiedError if the worker does not live to give them.
        """
        worker = self._worker = self._worker or self._started()
        worker.send(batch)
        try:
            outcomes = worker.receive()
        except WorkerDiedError:
            self._worker = None
            self._processes.end(worker)
            raise
        assert outcomes is not None
        return outcomes

    def _started(self) -> WorkerProcess:
        """Start a worker and wait until it is ready.

        Raises WorkersEndedError if STARTS of them in a row end before that.
        """
        words = ""
        for kills in range(1, STARTS + 1):
            worker = None
            try:
                worker = self._processes.start()
                worker.receive()
            except WorkerDiedError as died:
                if worker is not None:
                    self._processes.end(worker)
                check_start(died)
                words = died.death.words
                time.sleep(_pause(kills) if kills < STARTS else 0)
                continue
            return worker
        raise WorkersEndedError(
            f"the last {STARTS} worker processes ended before they had begun, the last one {explained(words)}: {advice(words)}; "
            "what was done is kept, and the same command goes on from there"
        )


def _wait_after(death: Death, kills: int) -> None:
    """Wait after a death that came from outside.

    What caused it may pass; what an image does itself it does again at once.
    """
    if death.outside:
        time.sleep(_pause(max(1, kills)))
