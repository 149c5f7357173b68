"""Where things lie on this machine. FACEPARITY_HOME, if set, holds all of it."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path


def _home() -> Path | None:
    home = os.environ.get("FACEPARITY_HOME")
    return Path(home).expanduser() if home else None


def artefacts() -> Path:
    """Downloaded and converted weights; nothing personal. May be deleted at any time."""
    home = _home()
    return (home / "artefacts") if home else user_cache_path("faceparity") / "artefacts"


def datasets() -> Path:
    """Data sets that were fetched, where FACEPARITY_DATA names no folder."""
    home = _home()
    return (home / "datasets") if home else user_data_path("faceparity") / "datasets"


def store() -> Path:
    """Encrypted templates: biometric data."""
    home = _home()
    return (home / "store") if home else user_data_path("faceparity") / "store"


def keys() -> Path:
    """The keys of the stores, apart from them."""
    home = _home()
    return (home / "keys") if home else user_config_path("faceparity") / "keys"
