"""Why worker processes end, by their exit codes: what an image did, and what somebody or something else did."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

CRASHES = frozenset({"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT"})
"""Signals that a process gets for what it does itself."""

WINDOWS_CRASHES = {
    0xC0000005: "access violation",
    0xC000001D: "illegal instruction",
    0xC0000094: "division by zero",
    0xC00000FD: "stack overflow",
    0xC0000374: "heap corruption",
    0xC0000409: "stack buffer overrun",
}

_LOST = "its worker "


class Death(NamedTuple):
    """The end of a worker process.

    words: what happened, after "the worker". crash: the fault's name if the process itself is at fault, else empty.
    outside: whether it came from outside the process, or nobody knows where from.
    """

    words: str
    crash: str = ""
    outside: bool = True


ON_CLUSTER = Death("on the cluster ended whenever it was tried")
"""Dask does not say how its workers end."""


def by_exit_code(code: int | None) -> Death:
    """Read an exit code as a death.

    code: as `multiprocessing` gives it: negative for a signal, None if unknown.
    """
    if code is None:
        return Death("ended for an unknown reason")
    if code < 0:
        name = _signal_name(-code)
        crash = name if name in CRASHES else ""
        return Death(f"was killed by {name}", crash, outside=not crash)
    if code in WINDOWS_CRASHES:
        return Death(f"ended by {WINDOWS_CRASHES[code]}", WINDOWS_CRASHES[code], outside=False)
    return Death(f"ended with exit status {code}", outside=False)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def crash_reason(death: Death) -> str:
    """Return the stored reason of an image that crashes workers."""
    return f"crashed the process that read it ({death.crash})"


def lost_reason(death: Death) -> str:
    """Return the reason of an image lost with its worker.

    Something other than the image ended the worker; the reason holds for one run only.
    """
    return f"{_LOST}{death.words}"


def is_lost(reason: str) -> bool:
    """Return whether a reason is one of `lost_reason`."""
    return reason.startswith(_LOST)


def lost_words(reason: str) -> str:
    """Return a death's words from its `lost_reason`."""
    return reason.removeprefix(_LOST)


def advice(words: str) -> str:
    """Say what to do about workers that ended this way.

    words: of a `Death`.
    """
    if words == ON_CLUSTER.words:
        return "see the workers' logs, and give each worker more memory"
    if "SIGKILL" in words or "memory" in words:
        return "run with fewer --workers, or free memory"
    return "find out what ended it (a lack of memory? then run with fewer --workers), and run again"


def explained(words: str) -> str:
    """Add to a death's words what they most often mean."""
    return f"{words}, as the system does when memory runs out" if words.endswith("SIGKILL") else words


def lost_warnings(reasons: Iterable[str]) -> list[str]:
    """Return one warning for each way in which workers ended.

    reasons: of all samples, empty where ok.
    """
    counts = Counter(lost_words(reason) for reason in reasons if is_lost(reason))
    return [
        f"{n:,} image{'s' * (n != 1)}: the worker {explained(words)}. {'They count' if n != 1 else 'It counts'} as failed in this "
        f"result only, nothing of that is stored, and the next run tries again: {advice(words)}."
        for words, n in sorted(counts.items())
    ]
