"""Call code of a model that is not ours: whatever it raises is the model's failure, SystemExit and KeyboardInterrupt included."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models.base.answer_check import OutOfStepError

_pressed = False


class ModelRaisedError(Exception):
    """A model raised; `__cause__` is what."""


@contextmanager
def own_interrupts() -> Iterator[None]:
    """Tell a person's Ctrl-C from a KeyboardInterrupt that a model raises: only the first comes by the signal.

    Signals come to the main thread alone; elsewhere a KeyboardInterrupt is always the model's.
    """
    global _pressed
    # Also where no signal is watched: what an earlier call saw says nothing of this one.
    _pressed = False
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def pressed(number: int, frame: FrameType | None) -> None:
        global _pressed
        _pressed = True
        before(number, frame)

    signal.signal(signal.SIGINT, pressed)
    try:
        yield
    finally:
        # A model that took the signal for itself keeps it no longer than its call.
        signal.signal(signal.SIGINT, before)


def _is_a_persons(error: BaseException) -> bool:
    return isinstance(error, KeyboardInterrupt) and _pressed and threading.current_thread() is threading.main_thread()


@contextmanager
def raised_by_model() -> Iterator[None]:
    """Turn what a model raises into ModelRaisedError; a person's Ctrl-C, seen within `own_interrupts`, and OutOfStepError go on."""
    try:
        yield
    except OutOfStepError:
        raise
    except BaseException as error:
        if _is_a_persons(error):
            raise
        raise ModelRaisedError(type(error).__name__) from error


@contextmanager
def opening(name: str) -> Iterator[None]:
    """Turn what a model raises while it is imported, opened or asked what it is into a UserError with the model's name."""
    try:
        with own_interrupts(), raised_by_model():
            yield
    except ModelRaisedError as error:
        cause = error.__cause__
        if isinstance(cause, UserError | MemoryError | OSError):
            raise cause from None
        if isinstance(cause, ImportError):
            raise UserError(f"the model {name} can't be used: {cause}; install what it needs") from cause
        said = " ".join(str(cause).split())[:200]
        what = type(cause).__name__ + (f": {said}" if said else "")
        raise UserError(f"the model {name} failed while it was opened ({what}): correct its code, or ask its makers") from cause
