"""Backends: where a run's templates are extracted and its comparisons tallied.

This process and its children, a GPU (`gpu`) or a cluster (`dask`): each takes the same two kinds of jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from faceparity.datasets.common.errors import UserError
from faceparity.harness.comparisons.tally import Tally
from faceparity.harness.comparisons.tiles import TallyJob, tally_tiles
from faceparity.harness.execution import process_pool
from faceparity.harness.execution.worker import Opener
from faceparity.harness.execution.worker_process import Batch
from faceparity.harness.models.base.model import Model


class BackendGoneError(UserError):
    """The backend is no longer there: any further job for it would fail as well."""


class Backend(Protocol):
    """Takes batches of images and tiles of comparisons.

    The results are the same bit for bit on the local backend and on a cluster.
    """

    @property
    def threads(self) -> int:
        """Return how many jobs run at once."""
        ...

    @property
    def workers_running(self) -> bool:
        """Return whether workers are up already.

        Then even a few images go to them.
        """
        ...

    def extract(
        self, batches: Sequence[Batch], model: Model, name: str, opener: Opener
    ) -> Generator[process_pool.Done, None, None]:
        """Yield each batch with its outcomes, in any order.

        model: opened here, by `opener(name)`. An image that kills the process reading it is "unreadable" and costs no other image.
        Closing the generator ends the work.
        """
        ...

    def tally(self, job: TallyJob, tiles: Sequence[tuple[int, int]], cap: float, progress: Callable[[int], None] | None) -> Tally:
        """Tally the comparisons of tiles, as `tally_tiles` does."""
        ...


@dataclass(frozen=True)
class LocalBackend:
    """Work on this machine: processes for images, threads for comparisons."""

    threads: int
    workers_running: bool = False

    def extract(
        self, batches: Sequence[Batch], model: Model, name: str, opener: Opener
    ) -> Generator[process_pool.Done, None, None]:
        """Extract batches in worker processes; see `Backend.extract`."""
        return process_pool.run_batches(batches, name, opener, self.threads)

    def tally(self, job: TallyJob, tiles: Sequence[tuple[int, int]], cap: float, progress: Callable[[int], None] | None) -> Tally:
        """Tally tiles in threads of this process; see `Backend.tally`."""
        return tally_tiles(job, tiles, self.threads, cap, progress)
