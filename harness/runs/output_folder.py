"""The folder that results go to.

Checked before anything is computed; never one that holds something else; one writer at a time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.harness.templates.private_files import try_lock

WRITABLE = "name a folder that can be written to"


def default_folder(name: str) -> Path:
    """Return a folder of this name in the current one.

    Raises UserError where nothing can be written here, before anything is read.
    """
    if not Path(name).exists() and not os.access(".", os.W_OK):
        raise UserError(f"{os.getcwd()}: this folder can't be written to; name one for the results with --out DIR")
    return Path(name)


def default_timed(kind: str) -> Path:
    """Return a folder in the current one, named by time.

    kind: such as "run". Raises UserError as `default_folder` does.
    """
    return default_folder(f"faceparity-{kind}-{datetime.now():%Y%m%d-%H%M%S}")


def check_folder(out: Path, ours: Callable[[], bool]) -> None:
    """Check that results can go into a folder.

    ours: whether a folder that is not empty may be written into, as it holds an earlier result of the same kind.
    Raises UserError for a file, a folder that holds something else, or one that can't be written to.
    """
    try:
        if out.exists() and not out.is_dir():
            raise UserError(f"--out {out}: a file of that name exists; name a folder")
        if out.is_dir() and any(out.iterdir()) and not ours():
            raise UserError(f"--out {out}: holds files of something else; name a new or empty folder")
        nearest = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            raise UserError(f"--out {out}: {nearest} can't be written to; name another folder")
    except OSError as error:
        raise UserError(f"--out {out}: {error.strerror}; name another folder") from error


@contextmanager
def locked_folder(file: Path, taken: str) -> Iterator[None]:
    """Make a folder of results and lock its log.

    Raises UserError, with the text `taken`, where another process holds it.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        log = file.open("a", encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {file.parent}: {error.strerror}; {WRITABLE}") from error
    with log:
        if not try_lock(log.fileno(), alone=True):
            raise UserError(f"--out {file.parent}: {taken}; wait for its end or name another folder")
        yield
