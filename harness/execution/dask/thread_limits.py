"""Numerical libraries held to one thread while anything of ours runs in a process, in however many of its threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

_lock = Lock()
_inside = 0
_held = ExitStack()


@contextmanager
def one_thread() -> Iterator[None]:
    """`single_threaded` for several threads at once: limits are set by the first to come and lifted by the last to leave."""
    from faceparity.harness.execution.worker import single_threaded

    global _inside
    with _lock:
        if not _inside:
            _held.enter_context(single_threaded())
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _held.close()
