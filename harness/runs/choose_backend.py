"""Choose where a run works, from what the user asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution.backend import Backend


def check_dask(dask: str | None, workers: int | None) -> None:
    """Refuse a cluster together with a number of workers.

    Raises UserError where a user named both.
    """
    if dask is not None and workers is not None:
        raise UserError("--workers and --dask: a cluster has as many workers as were started; leave out one of the two")


@contextmanager
def chosen_backend(
    workers: int, device: str = "cpu", dask: str | None = None, tell: Callable[[str], None] = lambda line: None
) -> Iterator[Backend | None]:
    """Give the backend that the user asked for.

    None stands for this machine's processor. tell: is given what a person should know of a cluster, a line at a time.
    Raises UserError for a backend that can't be had, or options that exclude each other.
    """
    if dask is None:
        from faceparity.harness.execution.gpu import GpuBackend

        yield GpuBackend(workers, device) if device != "cpu" else None
        return
    if device != "cpu":
        raise UserError(
            f"--dask and --device {device}: a cluster's workers compute on their processors; leave out one of the two"
        )
    from faceparity.harness.execution.dask.backend import connect

    with connect(dask, workers) as cluster:
        for line in cluster.notes():
            tell(line)
        yield cluster
