"""Numerical libraries held to one thread while faceparity computes in a process, in any number of its threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

_lock = Lock()
_inside = 0
_limits = ExitStack()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold numerical libraries to one thread, for several callers.

    As `single_threaded`; the first to come sets the limits and the last to leave lifts them.
    """
    from faceparity.harness.execution.worker import single_threaded

    global _inside
    with _lock:
        if not _inside:
            _limits.enter_context(single_threaded())
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _limits.close()
