"""Open ordinary files only: a pipe or a device instead of one would keep a program waiting for ever, or fill its memory."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import TextIO

_KINDS = (
    (stat.S_ISDIR, "a folder, not a file"),
    (stat.S_ISFIFO, "a pipe, not a file"),
    (stat.S_ISSOCK, "a socket, not a file"),
    (lambda mode: not stat.S_ISREG(mode), "a device, not a file"),
)


class NotAFileError(OSError):
    """A folder, pipe, socket or device where a file should be. strerror: which."""


class TooLargeError(OSError):
    """A file larger than a limit that no expected file reaches. strerror: the limit."""


def _check(mode: int, path: Path) -> None:
    for applies, what in _KINDS:
        if applies(mode):
            raise NotAFileError(errno.EINVAL, what, str(path))


def open_regular(path: Path) -> io.BufferedReader:
    """Open an ordinary file for reading.

    Raises OSError, whose `strerror` says what is there instead.
    """
    try:
        _check(os.stat(path).st_mode, path)
        # Without blocking, in case it has become a pipe since the check.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError as error:
        raise OSError(errno.EINVAL, "not a name for a file", repr(path)) from error
    file = os.fdopen(handle, "rb")
    try:
        _check(os.fstat(handle).st_mode, path)
    except OSError:
        file.close()
        raise
    return file


def open_regular_text(path: Path, encoding: str = "utf-8", *, errors: str = "strict", newline: str | None = None) -> TextIO:
    """Open an ordinary file for reading as text.

    Raises OSError.
    """
    return io.TextIOWrapper(open_regular(path), encoding, errors, newline)


def read_regular(path: Path, limit: int | None = None) -> bytes:
    """Read an ordinary file.

    limit: in bytes; at most one byte more is ever read. Raises OSError, for a larger file its subclass TooLargeError.
    """
    with open_regular(path) as file:
        if limit is None:
            return file.read()
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > limit else file.read(limit + 1)
    if size > limit or len(data) > limit:
        raise TooLargeError(errno.EFBIG, f"larger than {limit >> 20:,} MiB", str(path))
    return data


def check_regular(path: Path) -> Path:
    """Return `path` if it is an ordinary file.

    For libraries that open files themselves. Raises OSError.
    """
    open_regular(path).close()
    return path
