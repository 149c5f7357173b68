"""Keys, and sealing bytes with them: whatever tells who resembles whom lies on the disk only as this module writes it.

There is one secret, from which entry names and codes are derived, and one key for each day, which seals what was made on that
day. Destroying a day's key after the retention time ends the life of everything made on it, copies and moved folders included.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

from faceparity.datasets import places
from faceparity.datasets.errors import UserError

RETENTION_DAYS = 30
SECRET = "store.key"
_KEY_BYTES = 32
_MAGIC = b"FPS1"
_DAY_BYTES = 10
_PREFIX_BYTES = 8
_HEADER_BYTES = len(_MAGIC) + _DAY_BYTES + _PREFIX_BYTES
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


def last_day(made: date, days: int = RETENTION_DAYS) -> date:
    """The last day on which what was made on `made` may still be read."""
    return made + timedelta(days=days)


def is_expired(made: date, days: int = RETENTION_DAYS) -> bool:
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

    def seal(self, payload: bytes, context: str) -> bytes:
        """Encrypt with today's key (AES-256-GCM). `context` says what it is: it opens under the same context only."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        day = today().isoformat()
        cipher = AESGCM(self._key(f"{day}.key", make=True))
        header = _MAGIC + day.encode() + secrets.token_bytes(_PREFIX_BYTES)
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

        header, body = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
        made = parse_day(header[len(_MAGIC) :].decode("ascii", "replace"))
        if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC) or made is None or len(body) < _TAG_BYTES:
            raise DamagedError("not a sealed file, or torn")
        cipher = AESGCM(self._key(f"{made.isoformat()}.key", make=False))
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

    def expire(self, days: int = RETENTION_DAYS) -> int:
        """Destroy the keys of days that are past their retention; how many there were. The secret stays, and so do codes."""
        if self.folder is None or not self.folder.is_dir():
            return 0
        old = [path for path in self.folder.glob("*.key") if (made := parse_day(path.name)) and is_expired(made, days)]
        for path in old:
            self._held.pop(path.name, None)
            shred(path)
        return len(old)

    def destroy(self) -> int:
        """Destroy every key there is; how many there were."""
        self._held.clear()
        if self.folder is None or not self.folder.is_dir():
            return 0
        keys = [*self.folder.glob("*.key"), *self.folder.glob(".*.key.*.part")]
        for path in keys:
            shred(path)
        return len(keys)

    def _key(self, name: str, *, make: bool) -> bytes:
        if name not in self._held:
            self._held[name] = secrets.token_bytes(_KEY_BYTES) if self.folder is None else _read_or_make(self.folder / name, make)
        return self._held[name]


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
        key = path.read_bytes()
    except FileNotFoundError:
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
        if not _try_lock(descriptor, alone):
            who = "a faceparity run is using" if alone else "faceparity purge is emptying"
            raise UserError(f"{path.parent}: {who} this store; wait for it to end and try again")
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, alone: bool) -> bool:
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
