"""Unpack downloaded archives without trusting them: nothing is written outside the folder, and no more than was expected."""

from __future__ import annotations

import errno
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from faceparity.datasets.common.errors import UserError

MAX_BYTES = 200 * 2**30
MAX_FILES = 5_000_000
MAX_RATIO = 200
"""Maximum ratio of unpacked to packed size, for more than `FREE_BYTES`. Pictures hardly shrink when packed."""
FREE_BYTES = 256 * 2**20
_CHUNK = 1 << 20


class _ArchiveRefusedError(Exception):
    """Why an archive is not unpacked; the message names the member."""


def unpack(archive: Path, into: Path, *, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES) -> list[str]:
    """Unpack a zip or tar into the folder `into`.

    The archive may be compressed with gzip, bzip2 or xz. Returns the files' paths in the folder, sorted. All or nothing:
    `into` appears only when everything is in it, and must not hold anything before.

    Refused are absolute paths and `..` (with either slash, and drive letters), links, devices and other things that are
    no ordinary file, a path that comes twice, encrypted members, and archives that unpack to more than `max_bytes`,
    `max_files` files, or `MAX_RATIO` times their own size (beyond `FREE_BYTES`). Permissions and owners are not taken
    over. Raises UserError.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UserError(f"{into} is there already: name a folder that does not exist, or an empty one")
    try:
        size = archive.stat().st_size
        into.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=into.parent))
    except OSError as error:
        raise UserError(f"{archive} cannot be unpacked into {into}: {error.strerror}") from None
    try:
        names = _extract(archive, staging, min(max_bytes, max(FREE_BYTES, MAX_RATIO * size)), max_files)
        if into.exists():
            into.rmdir()
        staging.chmod(0o755)
        staging.rename(into)
        return sorted(names)
    except _ArchiveRefusedError as reason:
        raise UserError(f"{archive} is not unpacked: {reason}") from None
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        text = " ".join(str(error).split())[:120]
        raise UserError(f"{archive} is damaged or of an unknown kind ({text}): get it again") from None
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # of a broken gzip, and of offsets that lie outside the file
            raise UserError(f"{archive} is damaged or of an unknown kind ({error}): get it again") from None
        raise UserError(f"{archive} cannot be unpacked into {into}: {error.strerror}") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _extract(archive: Path, staging: Path, max_bytes: int, max_files: int) -> list[str]:
    members = _zip_members(archive) if zipfile.is_zipfile(archive) else _tar_members(archive)
    names: list[str] = []
    seen: set[str] = set()
    bytes_left = max_bytes
    for name, content in members:
        path = safe_path(name)
        if content is None:
            (staging / path).mkdir(parents=True, exist_ok=True)
            continue
        if path in seen:
            raise _ArchiveRefusedError(f"{name!r} is in it twice")
        seen.add(path)
        names.append(path)
        if len(names) > max_files:
            raise _ArchiveRefusedError(f"it holds more than {max_files:,} files")
        target = staging / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, target.open("xb") as out:
            while chunk := content.read(_CHUNK):
                bytes_left -= len(chunk)
                if bytes_left < 0:
                    raise _ArchiveRefusedError(f"it unpacks to more than {max_bytes:,} bytes, which looks like a bomb")
                out.write(chunk)
    return names


def safe_path(name: str) -> str:
    """Return a member's name as a relative POSIX path.

    Raises _ArchiveRefusedError, which `unpack` reports, if it would leave the folder or is no file name.
    """
    posix = name.replace("\\", "/")
    parts = [part for part in posix.split("/") if part not in ("", ".")]
    if posix.startswith("/") or re.match(r"[A-Za-z]:", posix):
        raise _ArchiveRefusedError(f"{name!r} is an absolute path")
    if ".." in parts:
        raise _ArchiveRefusedError(f"{name!r} climbs out of the folder")
    if "\0" in name or (not parts and posix not in (".", "./", "")):
        raise _ArchiveRefusedError(f"{name!r} is no file name")
    return "/".join(parts)


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            if not member.filename:
                raise _ArchiveRefusedError("a file in it has no name")
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _ArchiveRefusedError(f"{member.filename!r} is a link or a device")
            if member.flag_bits & 1:
                raise _ArchiveRefusedError(f"{member.filename!r} is encrypted: unpack it with its password yourself")
            yield member.filename, None if member.is_dir() else file.open(member)


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    with tarfile.open(archive, "r:*") as file:
        for member in file:
            if not (member.isdir() or member.isreg()) or member.issparse():
                raise _ArchiveRefusedError(f"{member.name!r} is a link, a device or a file with holes")
            yield member.name, None if member.isdir() else file.extractfile(member)
