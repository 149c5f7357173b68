"""Files that are there whole or not at all, whenever a run is killed."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_atomically(
    path: Path, content: str | bytes, *, durable: bool = False, private: bool = False, shared: bool = False
) -> None:
    """Write a file in place of what was there. Text is UTF-8 with line feeds on every system. Raises OSError.

    durable: whole also whenever the power fails, at the cost of waiting for the disk. private: for its owner alone (0600), under
    any umask. shared: other processes may write the same file meanwhile, so that the half of each has a name of its own; without
    it, what a killed run left half written is replaced by the next.
    """
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part" if shared else f"{path.name}.part")
    try:
        flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if shared else os.O_TRUNC) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(half, flags, 0o600 if private else 0o666), "wb") as file:
            if private:
                give_to_owner(file.fileno())
            file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(half, path)
    except BaseException:
        with suppress(OSError):
            half.unlink()
        raise
    if durable:
        _sync_folder(path.parent)


def give_to_owner(descriptor: int) -> None:
    """Give a new file to its owner (0600), whom the umask may have kept from it."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)


def _sync_folder(folder: Path) -> None:
    """Have the system write the folder's entries, where it can (POSIX)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
