"""A GPU as a run's backend.

Chosen by name, never by itself: its templates and histograms are not the processor's.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from faceparity.datasets.common.errors import UserError
from faceparity.harness.comparisons.tally import Tally
from faceparity.harness.comparisons.tiles import TallyJob
from faceparity.harness.execution import process_pool
from faceparity.harness.execution.worker import Opener
from faceparity.harness.execution.worker_process import Batch
from faceparity.harness.models.base.model import Model
from faceparity.harness.models.base.spec import parse, titled

DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class GpuBackend:
    """Extracts and compares on a GPU; see `backend.Backend`.

    Models open their networks on the device themselves (`with_device`); torch makes the comparisons there.
    """

    threads: int
    device: str
    workers_running: bool = False

    def extract(
        self, batches: Sequence[Batch], model: Model, name: str, opener: Opener
    ) -> Generator[process_pool.Done, None, None]:
        """Extract batches in worker processes; see `Backend.extract`.

        Each process finds and cuts out faces, and has its own copy of the network on the device.
        """
        return process_pool.run_batches(batches, name, opener, self.threads)

    def tally(self, job: TallyJob, tiles: Sequence[tuple[int, int]], cap: float, progress: Callable[[int], None] | None) -> Tally:
        """Tally tiles on the device; see `Backend.tally`.

        Raises UserError if the templates do not fit into the device's memory.
        """
        from faceparity.harness.comparisons.gpu_tiles import tally_on

        try:
            return tally_on(self.device, job, tiles, cap, progress)
        except RuntimeError as error:
            if "out of memory" not in str(error):
                raise
            size = job.prepared.x.nbytes / 2**30
            raise UserError(
                f"--device {self.device}: its memory is too small for {size:.1f} GiB of templates and what is made of them; leave out "
                "--device"
            ) from error


def check_device(device: str) -> str:
    """Return what the record calls the device.

    Raises UserError if it is not known, or can't be used here.
    """
    if device not in DEVICES:
        raise UserError(f"--device {device}: known are {' and '.join(DEVICES)}")
    if device == "cpu":
        return "cpu"
    if importlib.util.find_spec("torch") is None:
        raise UserError(f"--device {device} needs torch: pip install 'faceparity[gpu]'; or leave out --device")
    import torch

    if not torch.cuda.is_available():
        raise UserError(f"--device {device}: torch {torch.__version__} finds no GPU that it can use here; leave out --device")
    return f"cuda: {torch.cuda.get_device_name()}, torch {torch.__version__}"


def with_device(spec: str, device: str) -> str:
    """Add the device to the options of a model spec.

    spec: what is typed after -m. It stays as it is for the processor, or where it names a device itself.
    """
    base, options = parse(spec)
    if device == "cpu" or "device" in options:
        return spec
    return titled(base, dict(sorted({**options, "device": device}.items())))
