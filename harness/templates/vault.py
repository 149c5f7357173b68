"""Keys, and sealing bytes with them: whatever tells who resembles whom lies on the disk only as this module writes it.

There is one secret, from which entry names and codes are derived; one key for each day, which seals the templates made on that
day; and one key for each run's private part, named for its day too. Destroying a key, after the retention time or on demand, ends
the life of everything it seals, copies and moved folders included.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from faceparity.datasets import places
from faceparity.datasets.errors import UserError
from faceparity.datasets.regular_file import open_regular, read_regular
from faceparity.datasets.text import whole_number

RETENTION_DAYS = 30
MOST_DAYS = 3650
SECRET = "store.key"
_KEY_BYTES = 32
RETENTION = "FACEPARITY_RETENTION_DAYS"
"""The environment variable that says otherwise."""

_OF_DAY, _OF_UNIT = b"FPS1", b"FPS2"
_MAGIC_BYTES = 4
_DAY_BYTES = 10
_UNIT_BYTES = 8
_PREFIX_BYTES = 8
_TAG_BYTES = 16
_CHUNK = 1 << 26


class KeyGoneError(Exception):
    """The key that sealed this is no longer there: purged, past its retention, or on another machine."""


class DamagedError(Exception):
    """The bytes are not what was written: torn, tampered with, or under another key or name."""


def today() -> date:
    """The day in UTC, so that a journey does not shorten a retention. Tests replace it."""
    from datetime import UTC, datetime

    return datetime.now(UTC).date()


def retention_days() -> int:
    """How many days what was made may be read: 30, or what FACEPARITY_RETENTION_DAYS says. Raises UserError for no whole number."""
    told = os.environ.get(RETENTION, "").strip()
    if not told:
        return RETENTION_DAYS
    days = whole_number(told) or 0
    if not 1 <= days <= MOST_DAYS:
        raise UserError(
            f"{RETENTION}={told}: name a whole number of days from 1 to {MOST_DAYS:,}, or unset it for {RETENTION_DAYS}"
        )
    return days


def last_day(made: date, days: int | None = None) -> date:
    """The last day on which what was made on `made` may still be read. days: by default `retention_days()`."""
    return made + timedelta(days=retention_days() if days is None else days)


def is_expired(made: date, days: int | None = None) -> bool:
    """Whether it is past its retention; also where the day lies in the future, because a wrong clock would keep it for ever."""
    return today() > last_day(made, days) or made > today() + timedelta(days=1)


def parse_day(text: str) -> date | None:
    """The day that a name starts with (YYYY-MM-DD), None if it starts with no day."""
    try:
        return date.fromisoformat(text[:_DAY_BYTES])
    except ValueError:
        return None


def make_folder(folder: Path) -> Path:
    """Make a folder that its owner alone may enter (0700); tighten one that is open to others."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise UserError(f"{folder}: cannot make a private folder here ({error.strerror}); set FACEPARITY_HOME to one") from error
    return folder


def write_atomic(path: Path, payload: bytes) -> None:
    """Write a file (0600) that is there either whole or not at all, whenever the power fails."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); free some space or choose another folder") from error
    finally:
        with suppress(OSError):
            part.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Keyring:
    """The keys in one folder, or in memory only.

    folder: by default `places.keys()`. The secret and the keys of days are made when first needed and are read anew by each
    `Keyring`. Raises UserError where others than the owner may read a key.
    """

    def __init__(self, folder: Path | None = None, *, in_memory: bool = False) -> None:
        self.folder = None if in_memory else (folder or places.keys())
        self._held: dict[str, bytes] = {}

    def digest(self, purpose: str, *parts: str) -> bytes:
        """HMAC-SHA256 of `parts` under the secret: 32 bytes that nobody without the secret can tie to them."""
        secret = self._key(SECRET, make=True)
        message = b"".join(struct.pack(">Q", len(raw)) + raw for raw in (part.encode() for part in (purpose, *parts)))
        return hmac.new(secret, message, hashlib.sha256).digest()

    def seal(self, payload: bytes, context: str, unit: bytes | None = None) -> bytes:
        """Encrypt (AES-256-GCM). `context` says what it is: it opens under the same context only.

        unit: 8 bytes that name a key of its own, so that it can be destroyed apart from others; by default today's key is used.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        day = today().isoformat().encode()
        start = _OF_DAY + day if unit is None else _OF_UNIT + day + unit
        header = start + secrets.token_bytes(_PREFIX_BYTES)
        cipher = AESGCM(self._key(_sealed_with(header).name, make=True))
        blocks = [payload[start : start + _CHUNK] for start in range(0, len(payload), _CHUNK)] or [b""]
        sealed = [header]
        for index, block in enumerate(blocks):
            nonce, bound = _nonce_and_bound(header, index, index == len(blocks) - 1, context)
            sealed.append(cipher.encrypt(nonce, block, bound))
        return b"".join(sealed)

    def open(self, sealed: bytes, context: str) -> bytes:
        """What `seal` was given. Raises KeyGoneError or DamagedError."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = _sealed_with(sealed)
        header, body = sealed[: key.header_bytes], sealed[key.header_bytes :]
        if len(body) < _TAG_BYTES:
            raise DamagedError("torn")
        cipher = AESGCM(self._key(key.name, make=False))
        step = _CHUNK + _TAG_BYTES
        blocks = [body[start : start + step] for start in range(0, len(body), step)]
        opened = []
        for index, block in enumerate(blocks):
            nonce, bound = _nonce_and_bound(header, index, index == len(blocks) - 1, context)
            try:
                opened.append(cipher.decrypt(nonce, block, bound))
            except InvalidTag:
                raise DamagedError("its seal does not hold") from None
        return b"".join(opened)

    def expire(self, days: int | None = None) -> int:
        """Destroy the keys of days that are past their retention; how many there were. The secret stays, and so do codes."""
        if self.folder is None or not self.folder.is_dir():
            return 0
        old = [path for path in self.folder.glob("*.key") if (made := parse_day(path.name)) and is_expired(made, days)]
        for path in old:
            self._held.pop(path.name, None)
            shred(path)
        return len(old)

    def destroy(self, names: Iterable[str] | None = None) -> int:
        """Destroy the keys named (see `key_name`), by default every key there is, the secret too; how many there were."""
        self._held.clear()
        if self.folder is None or not self.folder.is_dir():
            return 0
        keys = [*self.folder.glob("*.key"), *self.folder.glob(".*.key.*.part")]
        if names is not None:
            wanted = set(names)
            keys = [path for path in keys if path.name in wanted]
        for path in keys:
            shred(path)
        return len(keys)

    def _key(self, name: str, *, make: bool) -> bytes:
        if name not in self._held:
            self._held[name] = secrets.token_bytes(_KEY_BYTES) if self.folder is None else _read_or_make(self.folder / name, make)
        return self._held[name]


class _SealedWith(NamedTuple):
    """What a sealed file's header says of its key."""

    name: str
    header_bytes: int


def _sealed_with(sealed: bytes) -> _SealedWith:
    """Raises DamagedError where it is no header."""
    magic, made = sealed[:_MAGIC_BYTES], parse_day(sealed[_MAGIC_BYTES : _MAGIC_BYTES + _DAY_BYTES].decode("ascii", "replace"))
    start = _MAGIC_BYTES + _DAY_BYTES + (_UNIT_BYTES if magic == _OF_UNIT else 0)
    if magic not in (_OF_DAY, _OF_UNIT) or made is None or len(sealed) < start + _PREFIX_BYTES:
        raise DamagedError("not a sealed file, or torn")
    unit = sealed[_MAGIC_BYTES + _DAY_BYTES : start].hex()
    return _SealedWith(f"{made.isoformat()}{'-' + unit if unit else ''}.key", start + _PREFIX_BYTES)


def new_unit() -> bytes:
    """A name for a key that seals one run's private part, and nothing else."""
    return secrets.token_bytes(_UNIT_BYTES)


def unit_of(sealed: bytes) -> bytes | None:
    """The unit that a file was sealed for today; None if for none, on another day, or it is no sealed file."""
    today_s = _OF_UNIT + today().isoformat().encode()
    return sealed[len(today_s) : len(today_s) + _UNIT_BYTES] if sealed.startswith(today_s) else None


def key_name(path: Path) -> str | None:
    """The name of the key that a file is sealed with; None if it is no sealed file, or is gone."""
    try:
        with open_regular(path) as file:
            return _sealed_with(file.read(_MAGIC_BYTES + _DAY_BYTES + _UNIT_BYTES + _PREFIX_BYTES)).name
    except (OSError, DamagedError):
        return None


def _nonce_and_bound(header: bytes, index: int, last: bool, context: str) -> tuple[bytes, bytes]:
    """Each block is bound to the file's header, its place, being the last or not, and the context."""
    counter = struct.pack(">I", index)
    return header[-_PREFIX_BYTES:] + counter, header + counter + (b"\1" if last else b"\0") + context.encode()


def _read_or_make(path: Path, make: bool) -> bytes:
    make_folder(path.parent)
    if not path.exists():
        if not make:
            raise KeyGoneError(path.name)
        _make_key(path)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        key = read_regular(path, 1 << 10)
    except FileNotFoundError:
        if path.is_symlink():
            raise UserError(f"{path}: this is not a key (a link to nothing); run faceparity purge and start afresh") from None
        raise KeyGoneError(path.name) from None
    except OSError as error:
        raise UserError(f"{path}: the key cannot be read ({error.strerror}); make it yours or run faceparity purge") from error
    if os.name == "posix" and mode & 0o077:
        raise UserError(f"{path}: others than you can read this key (mode {mode:04o}); chmod 600 it, or run faceparity purge")
    if len(key) != _KEY_BYTES:
        raise UserError(f"{path}: this is not a key ({len(key)} bytes, not {_KEY_BYTES}); run faceparity purge and start afresh")
    return key


def _make_key(path: Path) -> None:
    """Two runs may make the same key at once: a link fails where the name exists, so that the first one stands."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    write_atomic(fresh, secrets.token_bytes(_KEY_BYTES))
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    except OSError:
        # A file system without links.
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def shred(path: Path) -> None:
    """Overwrite and remove a file. On flash and copying file systems the overwriting may not reach the old blocks."""
    with suppress(OSError), path.open("r+b") as file:
        file.write(secrets.token_bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, *, alone: bool) -> Iterator[None]:
    """Hold a lock on a file: runs share it, purging has it alone. Raises UserError at once where it cannot be had."""
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not try_lock(descriptor, alone):
            who = "a faceparity run is using" if alone else "faceparity purge is emptying"
            raise UserError(f"{path.parent}: {who} this store; wait for it to end and try again")
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, alone: bool) -> bool:
    """Lock an open file until it is closed, alone or shared; False where another process is in the way."""
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
