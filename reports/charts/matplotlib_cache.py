"""Matplotlib's list of fonts, kept where faceparity may write: left alone it writes into the user's home."""

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
    """Import matplotlib; call before any other import of it. Where a user has imported it or named its folder, that stays."""
    if "matplotlib.font_manager" in sys.modules:
        return
    with _folder() as folder, _environment({FOLDER: folder, SETTINGS: _settings()}):
        import matplotlib.font_manager  # noqa: F401 - the list is read or made here, and the folder's name kept


@contextmanager
def _folder() -> Iterator[str]:
    """A folder for the list: the user's own choice, ours, or where neither can be written to one that goes again."""
    if named := os.environ.get(FOLDER):
        yield named
        return
    with suppress(OSError, UserError):
        folder = paths.make_folder(paths.caches() / "matplotlib")
        if os.access(folder, os.W_OK):
            yield str(folder)
            return
    with TemporaryDirectory(prefix="faceparity-") as passing:
        yield passing


def _settings() -> str:
    """The user's own settings, which matplotlib would look for in the folder that we replace; empty if there are none."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    theirs = Path(base) / "matplotlib" / "matplotlibrc"
    with suppress(OSError):
        if theirs.is_file():
            return str(theirs)
    return ""


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables that are not set, unless to nothing, and put them back."""
    added = {name: value for name, value in values.items() if value and not os.environ.get(name)}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
