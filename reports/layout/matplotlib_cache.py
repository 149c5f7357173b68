"""Matplotlib's list of fonts, stored where faceparity may write; by default matplotlib writes into the user's home."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError

FOLDER, SETTINGS = "MPLCONFIGDIR", "MATPLOTLIBRC"


def load_matplotlib() -> None:
    """Import matplotlib with its font list in our cache.

    Call before any other import of it. Where a user has imported it or set its folder, that stays.
    """
    if "matplotlib.font_manager" in sys.modules:
        return
    with _folder() as folder, _environment({FOLDER: folder, SETTINGS: _settings()}):
        import matplotlib.font_manager  # noqa: F401 - the list is read or made here, and the folder's name kept


@contextmanager
def _folder() -> Iterator[str]:
    """Yield a folder for the list of fonts.

    The user's own choice, ours, or where neither can be written a temporary one.
    """
    if named := os.environ.get(FOLDER):
        yield named
        return
    with suppress(OSError, UserError):
        folder = paths.make_folder(paths.caches() / "matplotlib")
        if os.access(folder, os.W_OK):
            yield str(folder)
            return
    with TemporaryDirectory(prefix="faceparity-") as temporary:
        yield temporary


def _settings() -> str:
    """Return the path of the user's own matplotlib settings.

    Matplotlib would look for them in the folder that we replace; empty if there are none.
    """
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    path = Path(base) / "matplotlib" / "matplotlibrc"
    with suppress(OSError):
        if path.is_file():
            return str(path)
    return ""


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set unset variables to values that are not empty, temporarily."""
    added = {name: value for name, value in values.items() if value and not os.environ.get(name)}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
