"""Files made once from weights, and kept: converted or repaired graphs."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from faceparity.datasets import places


def write_atomically(path: Path, data: bytes) -> None:
    """All of the file or nothing of it, whoever else is writing the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def derived(name: str, make: Callable[[], bytes]) -> Path:
    """The file NAME among the artefacts, made by `make` if it is not there or not whole (its sha256 lies beside it)."""
    path = places.artefacts() / name
    note = path.with_name(name + ".sha256")
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() == note.read_text("ascii").strip():
            return path
    except (OSError, UnicodeDecodeError):
        pass
    data = make()
    write_atomically(path, data)
    write_atomically(note, hashlib.sha256(data).hexdigest().encode("ascii"))
    return path
