"""Where things lie on this machine. FACEPARITY_HOME, if set, holds all of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path

from faceparity.datasets.common.errors import UserError

HOME = "FACEPARITY_HOME"
SET_IT = f"set {HOME} to a folder that you can write to"


def artefacts() -> Path:
    """Downloaded and converted weights; nothing personal. May be deleted at any time."""
    return _place("artefacts", user_cache_path)


def caches() -> Path:
    """What libraries keep so as to start faster: compiled code, a list of fonts. May be deleted at any time."""
    return _place("caches", user_cache_path)


def datasets() -> Path:
    """Data sets that were fetched, where FACEPARITY_DATA names no folder."""
    return _place("datasets", user_data_path)


def store() -> Path:
    """Encrypted templates: biometric data."""
    return _place("store", user_data_path)


def keys() -> Path:
    """The keys of the stores, apart from them."""
    return _place("keys", user_config_path)


def _place(name: str, of_user: Callable[[str], Path]) -> Path:
    """Raises UserError where neither FACEPARITY_HOME nor the user's account names a folder."""
    home = os.environ.get(HOME)
    try:
        base = Path(home).expanduser() if home else of_user("faceparity")
    except RuntimeError:
        base = Path("~")
    if base.parts[:1] == ("~",):
        # A service user without HOME and without an account: a folder called ~ in the current one would be made otherwise.
        raise UserError(f"this user has no home folder; {SET_IT}")
    return base / name


def make_folder(folder: Path) -> Path:
    """Make a folder and what is missing above it, each for its owner alone (0700) under any umask. Raises OSError."""
    missing = []
    for one in (folder, *folder.parents):
        if one.is_dir():
            break
        missing.append(one)
    for one in reversed(missing):
        with suppress(FileExistsError):  # another process made it meanwhile; a file in its place fails below
            one.mkdir(mode=0o700)
            # The umask may have taken away what the owner needs.
            one.chmod(0o700)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))
    return folder


def real_path(path: Path) -> Path:
    """Resolve links and dots as `Path.resolve` does; an endless link is left as it is, for whoever opens it to refuse in a line."""
    return Path(os.path.realpath(path))
