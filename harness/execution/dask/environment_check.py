"""Facts that must agree on all machines for the answer to be the same.

Code, libraries and processor; and what workers may not do.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from functools import cache
from typing import Any

import numpy as np

FURTHER_LIBRARIES = ("dask", "distributed", "cloudpickle", "dlib", "opencv-python", "threadpoolctl", "pyarrow")
"""Libraries that must agree, beside those that a record names."""

Facts = dict[str, str]

ARITHMETIC = "arithmetic"
SPILLS = "spills"


@cache
def facts() -> Facts:
    """Return the facts of this process.

    Everything but ARITHMETIC decides what is computed; ARITHMETIC decides its last digits.
    """
    from faceparity.harness.execution.versions import LIBRARIES, code_digest
    from faceparity.harness.execution.worker import decoder
    from faceparity.harness.models.assembly.pipeline import library_versions

    known = {
        "faceparity": library_versions(["faceparity"])["faceparity"],
        "faceparity's code": code_digest(),
        "Python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "the system": f"{platform.system()} {platform.machine()}",
        **library_versions([*LIBRARIES, *FURTHER_LIBRARIES]),
        "the decoder of pictures": hashlib.sha256(decoder().encode()).hexdigest()[:12],
    }
    return {**known, ARITHMETIC: arithmetic()}


def differences(here: Facts, there: Facts) -> list[str]:
    """Describe what differs there, the last digits aside."""
    found = []
    for name in here:
        has, wanted = there.get(name, "absent"), here[name]
        if name != ARITHMETIC and has != wanted:
            found.append(f"other files of {name}" if name == "faceparity's code" else f"{name} {has} instead of {wanted}")
    return found


def arithmetic() -> str:
    """Return a digest of float32 sums.

    Another kind of processor rounds them differently.
    """
    from faceparity.harness.execution.dask.thread_limits import one_thread

    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((64, 512), np.float32) for _ in range(2))
    with one_thread():
        return hashlib.sha256((left @ right.T).tobytes()).hexdigest()[:12]


def spills(worker: Any) -> bool:
    """Return whether a worker spills memory to its disk.

    It does so when memory runs short, and that would be templates in the clear.
    """
    memory = getattr(worker, "memory_manager", None)
    if memory is None or not memory.memory_limit:
        return False
    return bool(memory.memory_target_fraction) or bool(memory.memory_spill_fraction)


def of_worker(dask_worker: Any = None) -> Facts:
    """Return a Dask worker's facts, and whether it spills."""
    return {**facts(), SPILLS: "yes" if spills(dask_worker) else ""}


def of_scheduler(dask_scheduler: Any = None) -> tuple[Facts, list[str]]:
    """Return a scheduler's facts and the addresses it listens on."""
    found = [str(listener.contact_address) for listener in getattr(dask_scheduler, "listeners", ())]
    return facts(), found or [str(dask_scheduler.address)]
