"""What must be alike on all machines for the answer to be the same: code, libraries, processor; and what workers may not do."""

from __future__ import annotations

import hashlib
import platform
import sys
from functools import cache
from typing import Any

import numpy as np

FURTHER_LIBRARIES = ("dask", "distributed", "cloudpickle", "dlib", "opencv-python", "threadpoolctl", "pyarrow")
"""Beside those that a record names."""

Facts = dict[str, str]

ARITHMETIC = "arithmetic"
SPILLS = "spills"


@cache
def facts() -> Facts:
    """Of this process. Everything but ARITHMETIC decides what is computed; ARITHMETIC shows its last digits."""
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
    """What is otherwise there, in words; the last digits aside."""
    told = []
    for name in here:
        has, wanted = there.get(name, "absent"), here[name]
        if name != ARITHMETIC and has != wanted:
            told.append(f"other files of {name}" if name == "faceparity's code" else f"{name} {has} instead of {wanted}")
    return told


def arithmetic() -> str:
    """A digest of float32 sums that another kind of processor rounds otherwise."""
    from faceparity.harness.execution.dask.thread_limits import one_thread

    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((64, 512), np.float32) for _ in range(2))
    with one_thread():
        return hashlib.sha256((a @ b.T).tobytes()).hexdigest()[:12]


def spills(worker: Any) -> bool:
    """Whether a Dask worker writes what it holds to its disk when memory runs short: templates, in the clear."""
    memory = getattr(worker, "memory_manager", None)
    if memory is None or not memory.memory_limit:
        return False
    return bool(memory.memory_target_fraction) or bool(memory.memory_spill_fraction)


def of_worker(dask_worker: Any = None) -> Facts:
    """The facts of a Dask worker, and whether it spills."""
    return {**facts(), SPILLS: "yes" if spills(dask_worker) else ""}


def of_scheduler(dask_scheduler: Any = None) -> tuple[Facts, list[str]]:
    """The facts of a scheduler, and the addresses that it can be reached by."""
    found = [str(one.contact_address) for one in getattr(dask_scheduler, "listeners", ())]
    return facts(), found or [str(dask_scheduler.address)]
