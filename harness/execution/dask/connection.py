"""A run's connection to a Dask cluster.

The cluster is checked before anything is sent, and watched while work is under way.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import InitVar, dataclass, field
from itertools import count
from typing import Any

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution.backend import BackendGoneError
from faceparity.harness.execution.dask.address import check_certificates, checked_address, is_private
from faceparity.harness.execution.dask.environment_check import (
    ARITHMETIC,
    SPILLS,
    Facts,
    differences,
    facts,
    of_scheduler,
    of_worker,
)
from faceparity.harness.execution.dask.worker_tasks import Packed, Refused, Ticket, hold, pack

SECONDS_TO_CONNECT = 10.0
SECONDS_WITHOUT_WORKERS = 60.0
"""A worker that died is started again by its nanny within seconds; if none came after this time, none will."""
TICK = 1.0
LOUD = ("distributed", "tornado", "asyncio")
"""Loggers that write to the terminal; some loggers under them have levels of their own."""

NO_SPILLING = "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET=False DASK_DISTRIBUTED__WORKER__MEMORY__SPILL=False"
GO_ON = "what was done is kept, and the same command goes on from there"


@dataclass(eq=False)
class Cluster:
    """Workers in other processes or on other machines. notes: what a person should know of them."""

    address: str
    client: Any
    ticket: InitVar[Ticket]
    threads: int
    notes: list[str] = field(default_factory=list)
    _left: float | None = None
    _numbers: Iterator[int] = field(default_factory=count)
    _run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def __post_init__(self, ticket: Ticket) -> None:
        self._ticket: Packed = pack(ticket)

    def submit(self, job: Callable[..., object], what: object, needed: Sequence[Any]) -> Any:
        """Send one of the jobs in `worker_tasks`; return its future.

        needed: futures of what the job uses.
        """
        return self._submit(job, self._ticket, pack(what), list(needed))

    def hold(self, what: object) -> Any:
        """Send something that several jobs need; return its future.

        Each worker gets it once.
        """
        return self._submit(hold, pack(what))

    def _submit(self, what: Callable[..., object], *arguments: object) -> Any:
        """Send a call under a name that reveals nothing.

        Schedulers show names.
        """
        key = f"faceparity-{what.__name__}-{self._run}-{next(self._numbers)}"
        try:
            return self.client.submit(what, *arguments, key=key, pure=False)
        except Exception as error:
            raise self._gone() from error

    def next_done(self, waiting: Collection[Any]) -> set[Any]:
        """Wait for futures that are done; return them.

        It returns as soon as there are any. Raises BackendGoneError when the cluster is gone.
        """
        from distributed import wait

        while True:
            try:
                with self.client.as_current():
                    return set(wait(list(waiting), timeout=TICK, return_when="FIRST_COMPLETED").done)
            except TimeoutError:
                self._watch()
            except Exception as error:
                raise self._gone() from error

    def answer(self, future: Any) -> Any:
        """Return a job's answer; None if it killed several workers.

        Raises UserError for a refusal or a failure, BackendGoneError when the cluster is gone.
        """
        from distributed.scheduler import KilledWorker

        try:
            answer = future.result()
        except KilledWorker:
            return None
        except Exception as error:
            if future.status == "error":
                raise UserError(
                    f"--dask {self.address}: a worker failed ({type(error).__name__}); see the worker's log"
                ) from error
            raise self._gone() from error
        if isinstance(answer, Refused):
            raise UserError(f"--dask {self.address}: {answer.why}; {GO_ON}")
        return answer

    def cancel(self, futures: Collection[Any]) -> None:
        """Cancel futures that are no longer wanted.

        Does nothing where the cluster is gone.
        """
        if futures and self.client.status == "running":
            with suppress(Exception):  # the cluster may go at this moment; the error that ended the work is reported
                self.client.cancel(list(futures), force=True)

    def _watch(self) -> None:
        """Check that somebody is there to finish the work.

        Raises BackendGoneError where the scheduler is gone, or no worker came for SECONDS_WITHOUT_WORKERS.
        """
        if self.client.status != "running":
            raise self._gone()
        try:
            workers = self.client.nthreads()
        except Exception as error:
            raise self._gone() from error
        _check_private(self.address, list(workers))
        self.threads = sum(workers.values())
        now = time.monotonic()
        self._left = None if self.threads else self._left or now
        if self._left is not None and now - self._left > SECONDS_WITHOUT_WORKERS:
            raise BackendGoneError(
                f"--dask {self.address}: no worker is left (a picture or a lack of memory may have killed them: start workers with a "
                f"nanny, which `dask worker` does by default); {GO_ON}"
            )

    def _gone(self) -> BackendGoneError:
        return BackendGoneError(f"--dask {self.address}: the scheduler is gone or dropped the work; {GO_ON}")


@contextmanager
def open_cluster(address: str) -> Iterator[Cluster]:
    """Connect to a cluster until the context ends.

    Raises UserError, before anything is sent: Dask is not installed, the address is not private, nobody answers, or the scheduler
    or a worker is not what is needed for the same answer as here.
    """
    url = checked_address(address)
    try:
        import dask
        import distributed
    except ImportError:
        raise UserError("--dask needs Dask: pip install 'faceparity[dask]'") from None
    check_certificates(url, dask.config.get)
    with _quietly(), dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        client = _client(url, distributed)
        try:
            yield _checked(url, client)
        finally:
            client.close(timeout=5)


def _client(url: str, distributed: Any) -> Any:
    """Open a client with the certificates of Dask's own configuration.

    Raises UserError where no scheduler answers.
    """
    security = distributed.Security(require_encryption=True) if url.startswith("tls://") else distributed.Security()
    try:
        return distributed.Client(url, timeout=SECONDS_TO_CONNECT, security=security, set_as_default=False)
    except Exception as error:
        accepts = " that takes these certificates" if url.startswith("tls://") else ""
        raise UserError(
            f"--dask {url}: no Dask scheduler{accepts} answers there; start one with `dask scheduler`, or correct the address"
        ) from error


def _checked(url: str, client: Any) -> Cluster:
    """Check the scheduler and its workers; return the cluster.

    Raises UserError for other versions, open addresses, workers that spill to disk, or processors of several kinds.
    """
    here = facts()
    there, listening = _of_scheduler(url, client)
    _check_same(url, "the scheduler", here, there)
    _check_private(url, listening)
    workers = _of_workers(url, client)
    for name, found in workers.items():
        _check_same(url, f"the worker {name}", here, found)
        if found[SPILLS]:
            raise UserError(
                f"--dask {url}: the worker {name} writes what it holds to its disk when memory runs short, and that would be templates "
                f"in the clear; start workers with {NO_SPILLING}"
            )
    _check_private(url, list(workers))
    kinds = {found[ARITHMETIC] for found in workers.values()}
    if len(kinds) > 1:
        raise UserError(
            f"--dask {url}: the workers' processors are of {len(kinds)} kinds that round last digits differently; use one kind"
        )
    kind = kinds.pop()
    notes = [] if kind == here[ARITHMETIC] else ["the workers' processors round last digits otherwise than this machine's"]
    return Cluster(url, client, Ticket(here, kind), sum(client.nthreads().values()), notes)


def _of_scheduler(url: str, client: Any) -> tuple[Facts, list[str]]:
    try:
        found: tuple[Facts, list[str]] = client.run_on_scheduler(of_scheduler)
    except Exception as error:
        raise _not_installed(url, "the scheduler", error) from error
    return found


def _of_workers(url: str, client: Any) -> dict[str, Facts]:
    try:
        client.wait_for_workers(1, timeout=SECONDS_TO_CONNECT)
    except Exception as error:
        raise UserError(f"--dask {url}: the scheduler has no workers; start some with `dask worker {url}`") from error
    try:
        found = client.run(of_worker, on_error="return")
    except Exception as error:
        raise _not_installed(url, "a worker", error) from error
    for name, answer in found.items():
        if isinstance(answer, BaseException):
            raise _not_installed(url, f"the worker {name}", answer)
    return dict(found)


def _not_installed(url: str, who: str, error: BaseException) -> UserError:
    return UserError(
        f"--dask {url}: {who} can't run this faceparity ({type(error).__name__}); install faceparity {facts()['faceparity']} there, "
        "with the same libraries"
    )


def _check_same(url: str, who: str, here: Facts, there: Facts) -> None:
    if differs := differences(here, there):
        raise UserError(f"--dask {url}: {who} has {', '.join(differs)}; install the same versions there as here")


def _check_private(url: str, addresses: Sequence[str]) -> None:
    if open_ := [address for address in addresses if not is_private(address)]:
        raise UserError(
            f"--dask {url}: the cluster also talks over {open_[0]}, which is not encrypted; start scheduler and workers with "
            "--protocol tls, or on this machine with --host 127.0.0.1"
        )


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep Dask's loggers quiet until the context ends.

    Errors are reported here, in one line.
    """
    with_level = [
        name for name, entry in logging.root.manager.loggerDict.items() if isinstance(entry, logging.Logger) and entry.level
    ]
    loggers = [logging.getLogger(name) for name in {*LOUD, *with_level} if name.partition(".")[0] in LOUD]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
