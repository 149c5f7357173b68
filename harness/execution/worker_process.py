"""Worker processes, each with a pipe of its own.

So the end of one is known, with its cause, and costs no other.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution import worker
from faceparity.harness.execution.worker import ImageJob, ImageOutcome, Opener
from faceparity.harness.execution.worker_deaths import Death, by_exit_code
from faceparity.harness.models.onnx import converted_cache

Batch = Sequence[ImageJob]

_SECONDS_TO_END = 10.0


class WorkerDiedError(Exception):
    """A worker process ended while it was needed.

    starting: before its model was open. fresh: before it answered any batch.
    """

    def __init__(self, death: Death, *, starting: bool, fresh: bool) -> None:
        super().__init__(death.words)
        self.death, self.starting, self.fresh = death, starting, fresh


class WorkerProcess:
    """A worker process, and this end of the pipe to it. Raises WorkerDiedError if it cannot be started.

    batch: what it was sent and has not answered; one at a time, so that neither end ever waits for the other to read.
    """

    def __init__(self, name: str, opener: Opener, alive: Connection) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=worker.serve, args=(name, opener, theirs, alive, converted_cache.known_digests()))
        self.starting, self.fresh = True, True
        self.batch: Batch | None = None
        try:
            with theirs, _one_thread_each(), _uninterrupted():
                self.process.start()
        except OSError as error:
            self.connection.close()
            # A broken pipe: the process ended before it read its task, and its exit code is lost.
            gone = isinstance(error, BrokenPipeError)
            words = "ended as it started, for an unknown reason" if gone else f"could not be started ({error.strerror})"
            raise WorkerDiedError(Death(words), starting=True, fresh=True) from error

    @property
    def idle(self) -> bool:
        """Return whether it waits for a batch."""
        return self.batch is None and not self.starting

    def send(self, batch: Batch) -> None:
        """Give it a batch.

        If it is gone, `receive` finds out.
        """
        self.batch = batch
        with suppress(OSError):
            self.connection.send(batch)

    def receive(self) -> list[ImageOutcome] | None:
        """Wait for its next message.

        None once it is ready, then the outcomes of what it was sent. Raises WorkerDiedError, and anything it raised itself.
        """
        try:
            answer = self.connection.recv()
        except (EOFError, OSError):
            self.process.join(_SECONDS_TO_END)
            death = by_exit_code(self.process.exitcode)
            raise WorkerDiedError(death, starting=self.starting, fresh=self.fresh) from None
        if isinstance(answer, Exception):
            raise answer
        outcomes: list[ImageOutcome] | None = answer
        self.fresh = self.starting
        self.starting, self.batch = False, None
        return outcomes

    def end(self) -> None:
        """End the process and wait until it is gone.

        At once unless it is idle.
        """
        if not self.idle:
            self.process.kill()
        self.connection.close()
        self.process.join(_SECONDS_TO_END)
        self.process.kill()
        self.process.join()


class Workers:
    """The worker processes of a run; a context manager that none of them outlives, not even if this process is killed."""

    def __init__(self, name: str, opener: Opener) -> None:
        self._name, self._opener = name, opener
        self._running: list[WorkerProcess] = []
        # Its other end closes with this process, however that ends.
        self._reader, self._writer = multiprocessing.get_context("spawn").Pipe(duplex=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end_all()
        self._writer.close()
        self._reader.close()

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[WorkerProcess]:
        return iter(self._running)

    def start(self) -> WorkerProcess:
        """Start one more.

        Raises WorkerDiedError.
        """
        process = WorkerProcess(self._name, self._opener, self._reader)
        self._running.append(process)
        return process

    def wait(self) -> list[WorkerProcess]:
        """Wait for workers that answered or are gone; return them.

        It returns as soon as there are any; none at once if none is running.
        """
        connections = [process.connection for process in self._running]
        ready = wait(connections) if connections else []  # `wait` waits for ever for nothing
        return [process for process in self._running if process.connection in ready]

    def end(self, process: WorkerProcess) -> None:
        """End one of them."""
        process.end()
        self._running.remove(process)

    def end_all(self) -> None:
        """End all of them."""
        while self._running:
            self.end(self._running[-1])


class WorkersEndedError(UserError):
    """Worker processes were ended again and again from outside, so that nothing is known of the images."""


def check_start(died: WorkerDiedError) -> None:
    """Check that a worker did not end at its start.

    That would happen again. Raises UserError.
    """
    if died.starting and not died.death.outside and not died.death.crash:
        raise UserError(
            "worker processes do not start; in a script of your own, put the call under `if __name__ == '__main__':`"
        ) from died


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold a Ctrl-C back until a process is started.

    One that is left half-way has nothing to read, and prints an error of its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pending.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
        if pending and callable(before):
            before(signal.SIGINT, None)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Limit the libraries of child processes to one thread each.

    Children read these variables when they load their libraries; this process has loaded its own already.
    """
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
