"""What is tried: a list that tests and the table share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.bench import Bench

Try = Callable[[Bench], str]


@dataclass(frozen=True)
class Trial:
    """One fault or input. attempt: raises AssertionError where something is lost or a user is left alone; returns what happened."""

    name: str
    kind: str
    attempt: Try


TRIALS: list[Trial] = []


class CannotTryError(Exception):
    """This machine does not allow the fault to be made; says why."""


def trial(kind: str, name: str) -> Callable[[Try], Try]:
    """Put a function into the list."""

    def keep(attempt: Try) -> Try:
        TRIALS.append(Trial(name, kind, attempt))
        return attempt

    return keep
