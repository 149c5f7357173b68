"""Worker processes for batches: bounded in number and in what waits, and none outlives its run.

Processes, not threads, because dlib's detector holds Python's lock.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeAlias

from ..models import derived
from ..models.model import Extraction
from . import worker
from .worker import Job, Opener, Outcome

Batch = Sequence[Job]
Done: TypeAlias = tuple[Batch, list[Outcome]]

CRASHED = "crashed the decoder"
_WAITING_PER_WORKER = 2


def run_batches(batches: Sequence[Batch], name: str, opener: Opener, workers: int) -> Generator[Done, None, None]:
    """Yield each batch with its outcomes, in whatever order they are done.

    When a process dies, the batches that were on their way go on in a process of their own, first whole, then image by image,
    until the image that kills it is known. Closing the generator, or an exception in it, ends every process.
    Raises RuntimeError if processes do not start at all.
    """
    rest = list(reversed(batches))
    while rest:
        suspects: list[Batch] = []
        yield from _until_broken(rest, suspects, name, opener, min(workers, len(rest)))
        for batch in suspects:
            yield batch, _isolated(batch, name, opener)


def _until_broken(
    rest: list[Batch], suspects: list[Batch], name: str, opener: Opener, workers: int
) -> Generator[Done, None, None]:
    """Work off `rest` from its end. Should a process die, whatever was on its way goes to `suspects`."""
    waiting: dict[Future[list[Outcome]], Batch] = {}
    with _executor(name, opener, workers) as executor:
        try:
            while rest or waiting:
                while rest and len(waiting) < workers * _WAITING_PER_WORKER:
                    # In this order: if submitting finds the pool broken, the batch is still in `rest`.
                    future = executor.submit(worker.work, rest[-1])
                    waiting[future] = rest.pop()
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    outcomes = future.result()
                    yield waiting.pop(future), outcomes
        except BrokenProcessPool:
            suspects.extend(waiting.values())


def _isolated(batch: Batch, name: str, opener: Opener) -> list[Outcome]:
    """The outcomes of a batch during which a process may have died: whole in a process of its own, else image by image."""
    try:
        with _executor(name, opener, 1) as executor:
            return executor.submit(worker.work, batch).result()
    except BrokenProcessPool:
        outcomes: list[Outcome] = []
    while len(outcomes) < len(batch):
        first = len(outcomes)
        try:
            with _executor(name, opener, 1) as executor:
                for job in batch[first:]:
                    outcomes += executor.submit(worker.work, [job]).result()
        except BrokenProcessPool:
            # Only what kills a fresh process is the culprit: a later one may suffer from what came before it.
            if len(outcomes) == first:
                # Remembered, so that it cannot kill another run.
                outcomes.append(Outcome(Extraction("unreadable", reason=CRASHED)))
    return outcomes


@contextmanager
def _executor(name: str, opener: Opener, workers: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    with _one_thread_each():
        executor = ProcessPoolExecutor(workers, context, worker.start, (name, opener, reader, derived.known()))
        try:
            _check_start(executor, workers)
            yield executor
        except BaseException:
            # The workers' end: each of them watches the other end of this pipe.
            writer.close()
            raise
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
            writer.close()
            reader.close()


def _check_start(executor: ProcessPoolExecutor, workers: int) -> None:
    """Also starts all of them at once, rather than one after the other as work comes in."""
    try:
        started = all(future.result() for future in [executor.submit(worker.ready) for _ in range(workers)])
    except BrokenProcessPool:
        started = False
    if not started:
        raise RuntimeError(
            "worker processes do not start; in a script of your own, put the call under `if __name__ == '__main__':`"
        )


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Children read these variables when they load their libraries; this process has loaded its own already."""
    before = {variable: os.environ.get(variable) for variable in worker.THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(worker.THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value
