"""A Dask cluster as the backend of a run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from faceparity.harness.comparisons.tally import Tally
from faceparity.harness.comparisons.tiles import TallyJob
from faceparity.harness.execution import process_pool
from faceparity.harness.execution.dask.connection import Cluster, open_cluster
from faceparity.harness.execution.dask.extraction_jobs import run_shards
from faceparity.harness.execution.dask.tally_jobs import run_blocks
from faceparity.harness.execution.worker import Opener
from faceparity.harness.execution.worker_process import Batch
from faceparity.harness.models.base.file_model import FileModel
from faceparity.harness.models.base.model import Model


@dataclass(frozen=True)
class DaskBackend:
    """A Dask cluster's workers; see `backend.Backend`.

    local_threads: for the models that stay on this machine.
    """

    cluster: Cluster
    local_threads: int
    workers_running: bool = True

    @property
    def threads(self) -> int:
        """Return the number of the cluster's threads, as last seen."""
        return self.cluster.threads

    def notes(self) -> list[str]:
        """Return what a person should know of the cluster.

        One line each.
        """
        return [f"Dask cluster: {self.threads} threads", *self.cluster.notes]

    def extract(
        self, batches: Sequence[Batch], model: Model, name: str, opener: Opener
    ) -> Generator[process_pool.Done, None, None]:
        """Extract batches on the cluster; see `Backend.extract`.

        A model that reads the files itself (a command, ready templates) stays on this machine.
        """
        if isinstance(model, FileModel):
            return process_pool.run_batches(batches, name, opener, self.local_threads)
        return run_shards(self.cluster, batches, model, name, opener)

    def tally(self, job: TallyJob, tiles: Sequence[tuple[int, int]], cap: float, progress: Callable[[int], None] | None) -> Tally:
        """Tally tiles on the cluster; see `Backend.tally`."""
        return run_blocks(self.cluster, job, tiles, cap, progress)


@contextmanager
def connect(address: str, local: int) -> Iterator[DaskBackend]:
    """Connect to a cluster as a backend.

    local: threads for what is not sent there. Raises UserError as `open_cluster` does.
    """
    with open_cluster(address) as cluster:
        yield DaskBackend(cluster, local)
