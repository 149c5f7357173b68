"""Errors in the words of Python: an option of the command line is called by the name of its argument."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from faceparity.datasets.common.errors import UserError
from faceparity.harness import options


@contextmanager
def in_python() -> Iterator[None]:
    """Name options in errors as Python's arguments, not as flags.

    What the command line calls --by is called by here.
    """
    try:
        yield
    except UserError as error:
        message = options.in_python(str(error).replace("--out ", "folder "))
        if message == str(error):
            raise
        raise UserError(message) from None
