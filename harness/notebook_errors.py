"""Mistakes as somebody who writes Python is told of them: an option of the command line is called what the argument is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from faceparity.datasets.errors import UserError

ARGUMENTS = {
    "target-fmr": "targets", "reference": "references", "scenario": "scenarios", "include-minors": "include_minors=True", "out": "folder",
}  # fmt: skip


@contextmanager
def in_python() -> Iterator[None]:
    """What the command line calls --by is called by here."""
    try:
        yield
    except UserError as error:
        told = re.sub(r"--([a-z][a-z-]+)", lambda m: ARGUMENTS.get(m.group(1), m.group(1)), str(error))
        if told == str(error):
            raise
        raise UserError(told) from None
