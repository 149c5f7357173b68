"""Mistakes as somebody who writes Python is told of them: an option of the command line is called what the argument is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from faceparity.datasets.common.errors import UserError
from faceparity.harness import options


@contextmanager
def in_python() -> Iterator[None]:
    """What the command line calls --by is called by here."""
    try:
        yield
    except UserError as error:
        told = options.in_python(str(error).replace("--out ", "folder "))
        if told == str(error):
            raise
        raise UserError(told) from None
