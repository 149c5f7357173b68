"""Folders of faceparity on this machine. FACEPARITY_HOME, if set, holds all of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path

from faceparity.datasets.common.errors import UserError

HOME = "FACEPARITY_HOME"
DATA = "FACEPARITY_DATA"
"""Names a folder that holds data sets by name."""

SET_IT = f"set {HOME} to a folder that you can write to"


def artefacts() -> Path:
    """Return the folder of downloaded and converted weights.

    Nothing in it is personal, and it may be deleted at any time.
    """
    return _user_folder("artefacts", user_cache_path)


def caches() -> Path:
    """Return the folder of libraries' caches.

    They hold compiled code and a list of fonts, to start faster. It may be deleted at any time.
    """
    return _user_folder("caches", user_cache_path)


def datasets() -> Path:
    """Return the folder of fetched data sets.

    It is used where FACEPARITY_DATA names no folder.
    """
    return _user_folder("datasets", user_data_path)


def store() -> Path:
    """Return the folder of encrypted templates.

    They are biometric data.
    """
    return _user_folder("store", user_data_path)


def keys() -> Path:
    """Return the folder of the stores' keys.

    They lie apart from the stores.
    """
    return _user_folder("keys", user_config_path)


def _user_folder(name: str, of_user: Callable[[str], Path]) -> Path:
    """Return a folder in FACEPARITY_HOME or the user's own.

    of_user: gives the user's folder for a program's name. Raises UserError where neither FACEPARITY_HOME nor the user's
    account names a folder.
    """
    home = os.environ.get(HOME)
    try:
        base = Path(home).expanduser() if home else of_user("faceparity")
    except RuntimeError:
        base = Path("~")
    if base.parts[:1] == ("~",):
        # A service user may have neither HOME nor an account: the folder would be one called ~ in the current folder.
        raise UserError(f"this user has no home folder; {SET_IT}")
    return base / name


def make_folder(folder: Path) -> Path:
    """Make a folder and its missing parents, each 0700.

    They are for their owner alone under any umask. Raises OSError.
    """
    missing = []
    for parent in (folder, *folder.parents):
        if parent.is_dir():
            break
        missing.append(parent)
    for parent in reversed(missing):
        with suppress(FileExistsError):  # another process made it meanwhile; a file in its place fails below
            parent.mkdir(mode=0o700)
            # The umask may have taken away what the owner needs.
            parent.chmod(0o700)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))
    return folder


def real_path(path: Path) -> Path:
    """Resolve links and dots as `Path.resolve` does.

    A link that leads back to itself is left unresolved: opening it fails with an error that can be reported in one line.
    """
    return Path(os.path.realpath(path))
