"""Files and folders that only their owner may open: written whole, destroyed for good, and locked."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from faceparity.datasets.common import paths
from faceparity.datasets.common.atomic_write import give_to_owner, write_atomically
from faceparity.datasets.common.errors import UserError


def make_folder(folder: Path) -> Path:
    """Make a folder that its owner alone may enter (0700).

    One that is open to others is tightened. Raises UserError.
    """
    try:
        paths.make_folder(folder)
        if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise UserError(f"{folder}: cannot make a private folder here ({error.strerror}); {paths.SET_IT}") from error
    return folder


def write_private(path: Path, payload: bytes) -> None:
    """Write a file (0600), whole or not at all.

    That holds whenever the power fails. Raises UserError.
    """
    try:
        write_atomically(path, payload, durable=True, private=True, shared=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); free some space or choose another folder") from error


def kind_of(mode: int) -> str:
    """Name what a file mode stands for."""
    kinds = ((stat.S_ISDIR, "folder"), (stat.S_ISLNK, "link"), (stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "device")


def shred(path: Path) -> None:
    """Destroy a file: overwrite it, then remove it.

    On flash and copying file systems the overwriting may not reach the old blocks. A folder, link, pipe or device in a key's place is
    removed; what a link leads to is not touched. Raises UserError.
    """
    try:
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            shutil.rmtree(path)
            return
        if stat.S_ISREG(mode):
            with suppress(OSError):
                _overwrite(path)
        path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{path}: cannot be destroyed ({error.strerror}); delete it yourself") from error


def _overwrite(path: Path) -> None:
    with os.fdopen(os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)), "r+b") as file:
        file.write(secrets.token_bytes(os.fstat(file.fileno()).st_size))
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def locked(path: Path, *, alone: bool) -> Iterator[None]:
    """Hold a lock on a file until the context ends.

    Runs share it, purging has it alone. Raises UserError at once where it cannot be had.
    """
    make_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UserError(f"{path}: cannot be locked ({error.strerror}); delete it, or {paths.SET_IT}") from error
    try:
        with suppress(OSError):
            give_to_owner(descriptor)
        if not try_lock(descriptor, alone):
            who = "a faceparity run is using" if alone else "faceparity purge is emptying"
            raise UserError(f"{path.parent}: {who} this store; wait for it to end and try again")
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, alone: bool) -> bool:
    """Lock an open file until it is closed.

    alone: or shared. Returns False where another process is in the way.
    """
    try:
        import fcntl
    except ImportError:
        # Without flock (Windows) an open file cannot be removed there, which keeps purge off a running run's files.
        return True
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def folder_lock(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Lock a folder against processes that ask for its lock.

    Gives False where it cannot be had. wait: until another process lets it go. The folder itself is locked, so that no further file
    lies in it.
    """
    alone = False
    with ExitStack() as stack:
        # No lock: held by another process, or a system or file system that locks no folders (Windows, NFS).
        with suppress(ImportError, OSError):
            import fcntl

            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            alone = True
        yield alone
