"""Write files whole or not at all, whenever a run is killed."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_atomically(
    path: Path, content: str | bytes, *, durable: bool = False, private: bool = False, shared: bool = False
) -> None:
    """Write a file in one step, replacing an older one.

    Text is UTF-8 with line feeds on every system. durable: wait for the disk, so that the file is whole even after a
    power failure. private: for its owner alone (0600), under any umask. shared: other processes may write the same file
    meanwhile, so each writes to a temporary file of its own; without it, the temporary file that a killed run left behind
    is overwritten by the next run. Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part" if shared else f"{path.name}.part")
    try:
        flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if shared else os.O_TRUNC) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(temporary, flags, 0o600 if private else 0o666), "wb") as file:
            if private:
                give_to_owner(file.fileno())
            file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        _sync_folder(path.parent)


def give_to_owner(descriptor: int) -> None:
    """Give a new file to its owner alone (0600).

    The umask may have kept it even from the owner. Does nothing where the system has no `fchmod`.
    """
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, on POSIX systems only."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
