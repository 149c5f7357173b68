"""Where a run's work is done: in this process and its children, or wherever else takes the same two kinds of jobs (see `cluster`)."""

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
    """Where work was done is no longer there: whatever is asked of it next would fail as well."""


class Backend(Protocol):
    """Takes batches of images and tiles of comparisons; what comes back is the same bit for bit wherever it was done."""

    @property
    def threads(self) -> int:
        """So many things are done at once."""
        ...

    @property
    def workers_running(self) -> bool:
        """Whether workers are up already, so that even a few images are for them."""
        ...

    def extract(
        self, batches: Sequence[Batch], model: Model, name: str, opener: Opener
    ) -> Generator[process_pool.Done, None, None]:
        """Each batch with its outcomes, in whatever order they are done. model: opened here, by `opener(name)`.

        An image that kills whatever reads it is "unreadable" and costs no other image. Closing the generator ends the work.
        """
        ...

    def tally(self, job: TallyJob, tiles: Sequence[tuple[int, int]], cap: float, progress: Callable[[int], None] | None) -> Tally:
        """See `tally_tiles`."""
        ...


@dataclass(frozen=True)
class LocalBackend:
    """This machine: processes for images, threads for comparisons."""

    threads: int
    workers_running: bool = False

    def extract(
        self, batches: Sequence[Batch], model: Model, name: str, opener: Opener
    ) -> Generator[process_pool.Done, None, None]:
        """See Backend."""
        return process_pool.run_batches(batches, name, opener, self.threads)

    def tally(self, job: TallyJob, tiles: Sequence[tuple[int, int]], cap: float, progress: Callable[[int], None] | None) -> Tally:
        """See Backend."""
        return tally_tiles(job, tiles, self.threads, cap, progress)
