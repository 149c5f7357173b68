"""Call code of other people's models: whatever it raises is the model's failure, SystemExit and KeyboardInterrupt included."""

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
    """A model raised an exception, which is `__cause__`."""


@contextmanager
def watch_interrupts() -> Iterator[None]:
    """Tell a user's Ctrl-C from a model's KeyboardInterrupt.

    Only Ctrl-C comes by the signal. Signals come to the main thread alone; in other threads a KeyboardInterrupt is always the model's.
    """
    global _pressed
    # Reset even where no signal is watched: what an earlier call saw does not hold for this one.
    _pressed = False
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return

    def pressed(signal_number: int, frame: FrameType | None) -> None:
        global _pressed
        _pressed = True
        previous(signal_number, frame)

    signal.signal(signal.SIGINT, pressed)
    try:
        yield
    finally:
        # Also undoes a handler that the model installed during its call.
        signal.signal(signal.SIGINT, previous)


def _is_from_user(error: BaseException) -> bool:
    return isinstance(error, KeyboardInterrupt) and _pressed and threading.current_thread() is threading.main_thread()


@contextmanager
def raised_by_model() -> Iterator[None]:
    """Turn what a model raises into ModelRaisedError.

    A person's Ctrl-C, seen within `watch_interrupts`, and OutOfStepError pass through.
    """
    try:
        yield
    except OutOfStepError:
        raise
    except BaseException as error:
        if _is_from_user(error):
            raise
        raise ModelRaisedError(type(error).__name__) from error


@contextmanager
def opening(name: str) -> Iterator[None]:
    """Turn a model's errors while opening into a UserError.

    It has the model's name. Covers what is raised while a model is imported, opened or asked what it is. UserError, MemoryError and
    OSError pass through.
    """
    try:
        with watch_interrupts(), raised_by_model():
            yield
    except ModelRaisedError as error:
        cause = error.__cause__
        if isinstance(cause, UserError | MemoryError | OSError):
            raise cause from None
        if isinstance(cause, ImportError):
            raise UserError(f"the model {name} can't be used: {cause}; install what it needs") from cause
        message = " ".join(str(cause).split())[:200]
        description = type(cause).__name__ + (f": {message}" if message else "")
        raise UserError(
            f"the model {name} failed while it was opened ({description}): correct its code, or ask its makers"
        ) from cause
