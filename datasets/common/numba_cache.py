"""Compile functions with numba, and cache the result where faceparity can write; without such a folder nothing is cached.

By default numba writes into the installation or the user's home, and raises an error where neither can be written to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError

Function = Callable[..., Any]


def njit(**options: Any) -> Callable[[Function], Any]:
    """Decorate a function that numba compiles and caches.

    options: those of `numba.njit`, except `cache`.
    """

    def compiled(function: Function) -> Any:
        folder = cache_folder()
        if folder is None:
            return numba.njit(**options)(function)
        before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder)
        try:
            dispatcher = numba.njit(cache=True, **options)(function)
        finally:
            # A user's own functions, as in a notebook, stay in numba's usual cache.
            numba.config.CACHE_DIR = before
        _ignore_cache_errors(dispatcher)
        return dispatcher

    return compiled


@cache
def cache_folder() -> Path | None:
    """Return the folder of compiled code; None if not writable.

    It is NUMBA_CACHE_DIR, or a folder of faceparity's own for each version.
    """
    try:
        # By version: numba looks at a function's own file alone, not at those of the functions that it calls.
        folder = Path(numba.config.CACHE_DIR or paths.caches() / "numba" / version("faceparity"))
        tempfile.TemporaryFile(dir=paths.make_folder(folder)).close()
    except (OSError, UserError):
        return None
    return folder


def _ignore_cache_errors(dispatcher: Any) -> None:
    """Ignore errors of reading or writing the cache.

    A full disk, or a file that can't be read, then costs the cached copy alone, not the call that compiled it.
    """
    numba_cache: Any = getattr(dispatcher, "_cache", None)
    for name in ("load_overload", "save_overload"):
        if hasattr(numba_cache, name):
            setattr(numba_cache, name, _none_on_os_error(getattr(numba_cache, name)))


def _none_on_os_error(method: Function) -> Function:
    """Return a method that gives None on OSError."""

    def attempt(*arguments: Any) -> Any:
        with suppress(OSError):
            return method(*arguments)
        return None

    return attempt
