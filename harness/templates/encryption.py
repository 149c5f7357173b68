"""Keys, and sealing bytes with them.

Whatever tells who resembles whom lies on the disk only as this module writes it. There is one secret, from which entry names and
codes are derived; one key for each day, which seals the templates made on that day; and one key for each run's private part,
named for its day too. Destroying a key, after the retention time or on demand, ends the life of everything it seals, copies and
moved folders included. `Keyring.open`, through which everything is read, refuses what is past its retention and destroys the
keys that are, unless the machine's clock is in doubt (see `clock`).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import struct
import warnings
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import open_regular, read_regular
from faceparity.datasets.common.sanitise import whole_number
from faceparity.harness.templates import clock
from faceparity.harness.templates.private_files import folder_lock, kind_of, make_folder, shred, write_private

RETENTION_DAYS = 30
MOST_DAYS = 3650
SECRET = "store.key"
KEY_PARTS = ".*.part"
"""The names of keys, and of the note of the last use, while they are being made."""
_KEY_BYTES = 32
RETENTION = "FACEPARITY_RETENTION_DAYS"
"""The environment variable that sets another retention."""

_OF_DAY, _OF_UNIT = b"FPS1", b"FPS2"
_MAGIC_BYTES = 4
_DAY_BYTES = 10
_UNIT_BYTES = 8
_PREFIX_BYTES = 8
_TAG_BYTES = 16
_CHUNK = 1 << 26

NOT_DESTROYED = "what looks past its retention is neither destroyed nor read; set the clock right"
NOT_READ = "it was neither destroyed nor read; set the clock right, or if it is right run faceparity purge --older-than DAYS"


class KeyGoneError(Exception):
    """The key that sealed this is no longer there: purged, past its retention, or on another machine."""


class KeyExpiredError(KeyGoneError):
    """What it seals is past its retention: its key was destroyed, now or before.

    until: the last day it could be read.
    """

    def __init__(self, until: date) -> None:
        super().__init__(f"past its retention, which ended on {until}")
        self.until = until


class ClockDoubtError(UserError):
    """It looks past its retention by a clock that is in doubt: it is neither read nor destroyed."""


class DamagedError(Exception):
    """The bytes are not what was written: torn, tampered with, or under another key or name."""


def today() -> date:
    """Return the day in UTC.

    So a journey does not shorten a retention. Tests replace it.
    """
    from datetime import UTC, datetime

    return datetime.now(UTC).date()


def retention_days() -> int:
    """Return how many days stored data may be read.

    30, or what FACEPARITY_RETENTION_DAYS says. Raises UserError for no whole number from 1 to MOST_DAYS.
    """
    setting = os.environ.get(RETENTION, "").strip()
    if not setting:
        return RETENTION_DAYS
    days = whole_number(setting) or 0
    if not 1 <= days <= MOST_DAYS:
        raise UserError(
            f"{RETENTION}={setting}: name a whole number of days from 1 to {MOST_DAYS:,}, or unset it for {RETENTION_DAYS}"
        )
    return days


def last_day(made: date, days: int | None = None) -> date:
    """Return the last day on which something may be read.

    made: the day it was made on. days: by default `retention_days()`.
    """
    return made + timedelta(days=retention_days() if days is None else days)


def is_expired(made: date, days: int | None = None) -> bool:
    """Return whether what was made then is past its retention.

    Also where the day lies more than one day in the future, because a wrong clock would keep it for ever.
    """
    return today() > last_day(made, days) or made > today() + timedelta(days=1)


def parse_day(text: str) -> date | None:
    """Read the day that a name starts with (YYYY-MM-DD).

    None if it starts with no day.
    """
    try:
        return date.fromisoformat(text[:_DAY_BYTES])
    except ValueError:
        return None


class Keyring:
    """The keys in one folder, or in memory only.

    folder: by default `paths.keys()`. The secret and the keys of days are made when first needed, and each `Keyring` reads them again.
    Raises UserError where others than the owner may read a key. A clock in doubt is warned of once (`ClockWarning`).
    """

    def __init__(self, folder: Path | None = None, *, in_memory: bool = False) -> None:
        self.folder = None if in_memory else (folder or paths.keys())
        self._loaded: dict[str, bytes] = {}
        self._last_use: clock.LastUse | None = None
        self._warned = False

    def doubt(self) -> clock.Doubt | None:
        """Say why the machine's clock is not believed.

        None where nothing speaks against it, and then its day is noted.
        """
        if self.folder is None:
            return None
        day, boot = today(), clock.boot()
        last = self._last_use = self._last_use or clock.last_use(self.folder, self._days())
        doubt = clock.judge(day, last, boot)
        if doubt is None and (last is None or day > last.day or (boot is not None and boot.name != last.boot)):
            self._believe(max(day, last.day) if last else day, boot)
        if doubt is not None and not self._warned:
            self._warned = True
            warnings.warn(clock.ClockWarning(f"this machine's clock is in doubt: {doubt.why}; {NOT_DESTROYED}"), stacklevel=2)
        return doubt

    def day(self) -> date:
        """Return the day under which something new is sealed.

        Today, or the last that was believed, so that it never lasts longer.
        """
        doubt = self.doubt()
        return doubt.since if doubt else today()

    def believe_clock(self) -> None:
        """Take the clock for right from now on.

        For a person who destroys what is older than a number of days by it.
        """
        if self.folder is not None and self.folder.is_dir():
            self._believe(today(), clock.boot())

    def _believe(self, day: date, boot: clock.Boot | None) -> None:
        """Note the day and boot of a believed clock."""
        self._last_use = clock.LastUse(day, *(boot or ()))
        if self.folder is not None and self.folder.is_dir():
            # Where keys may only be read, nothing can be destroyed either.
            with suppress(UserError, OSError), folder_lock(self.folder, wait=True):
                write_private(self.folder / clock.NOTE, clock.to_note(day, boot))

    def names(self) -> list[str]:
        """Return the names of the folder's keys, the secret included."""
        return sorted(path.name for path in self.folder.glob("*.key")) if self.folder is not None else []

    def _days(self) -> list[date]:
        """Return the days of the folder's keys."""
        return [day for name in self.names() if (day := parse_day(name))]

    def digest(self, purpose: str, *parts: str) -> bytes:
        """Return the HMAC-SHA256 of `parts` under the secret.

        32 bytes that nobody without the secret can tie to them.
        """
        secret = self._key(SECRET, make=True)
        message = b"".join(struct.pack(">Q", len(raw)) + raw for raw in (part.encode() for part in (purpose, *parts)))
        return hmac.new(secret, message, hashlib.sha256).digest()

    def seal(self, payload: bytes, context: str, unit: bytes | None = None) -> bytes:
        """Encrypt bytes (AES-256-GCM).

        context: says what they are; they open under the same context only. unit: 8 bytes that name a key of its own, so that it can be
        destroyed apart from others; by default today's key is used.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        day = self.day().isoformat().encode()
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
        """Decrypt what `seal` encrypted.

        What is past its retention is refused even where its key lies here again, out of a backup.
        Raises KeyGoneError (KeyExpiredError), DamagedError or ClockDoubtError.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = _sealed_with(sealed)
        self._refuse_expired(key.made)
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

    def _refuse_expired(self, made: date) -> None:
        """Refuse what is past its retention, after destroying keys.

        Raises KeyExpiredError, or ClockDoubtError where the clock is in doubt; then no key is destroyed.
        """
        if self.folder is None:
            return
        doubt, until = self.doubt(), last_day(made)
        if (doubt.latest if doubt else today()) <= until:
            return
        if doubt is not None:
            raise ClockDoubtError(f"past its retention date ({until}) by a clock that is in doubt: {doubt.why}; {NOT_READ}")
        self.expire()
        raise KeyExpiredError(until)

    def expire(self, days: int | None = None) -> int:
        """Destroy keys past their retention; return their number.

        days: of retention, by default `retention_days()`. The secret stays, and so do codes. No key is destroyed where
        the clock is in doubt. Raises UserError where one can't be destroyed.
        """
        if self.folder is None or not self.folder.is_dir() or self.doubt():
            return 0
        old = [path for path in self.folder.glob("*.key") if (made := parse_day(path.name)) and is_expired(made, days)]
        for path in old:
            self._loaded.pop(path.name, None)
            shred(path)
        return len(old)

    def tidy(self) -> None:
        """Remove keys that a killed process left unfinished.

        Not while another process makes one.
        """
        if self.folder is None or not self.folder.is_dir():
            return
        with folder_lock(self.folder, wait=False) as alone:
            if alone:
                _remove_parts(self.folder)

    def destroy(self, names: Iterable[str] | None = None) -> int:
        """Destroy keys; return how many there were.

        names: see `key_name`; by default every key there is, the secret too. Raises the first UserError after trying all.
        """
        self._loaded.clear()
        if self.folder is None or not self.folder.is_dir():
            return 0
        keys = [*self.folder.glob("*.key"), *self.folder.glob(KEY_PARTS)]
        if names is not None:
            wanted = set(names)
            keys = [path for path in keys if path.name in wanted]
        else:
            (self.folder / clock.NOTE).unlink(missing_ok=True)
            self._last_use = None
        failed = [error for path in keys if (error := _failure(path))]
        if failed:
            raise failed[0]
        return len(keys)

    def _key(self, name: str, *, make: bool) -> bytes:
        """Return a key's bytes.

        make: whether to make it where there is none.
        """
        if name not in self._loaded:
            self._loaded[name] = (
                secrets.token_bytes(_KEY_BYTES) if self.folder is None else _read_or_make(self.folder / name, make)
            )
        return self._loaded[name]


class _SealedWith(NamedTuple):
    """What a sealed file's header says of its key."""

    name: str
    header_bytes: int
    made: date


def _sealed_with(sealed: bytes) -> _SealedWith:
    """Read a sealed file's header.

    Raises DamagedError where it is no header.
    """
    magic, made = sealed[:_MAGIC_BYTES], parse_day(sealed[_MAGIC_BYTES : _MAGIC_BYTES + _DAY_BYTES].decode("ascii", "replace"))
    start = _MAGIC_BYTES + _DAY_BYTES + (_UNIT_BYTES if magic == _OF_UNIT else 0)
    if magic not in (_OF_DAY, _OF_UNIT) or made is None or len(sealed) < start + _PREFIX_BYTES:
        raise DamagedError("not a sealed file, or torn")
    unit = sealed[_MAGIC_BYTES + _DAY_BYTES : start].hex()
    return _SealedWith(f"{made.isoformat()}{'-' + unit if unit else ''}.key", start + _PREFIX_BYTES, made)


def new_unit() -> bytes:
    """Draw a name for a key.

    The key seals one run's private part, and nothing else.
    """
    return secrets.token_bytes(_UNIT_BYTES)


def is_of_unit(name: str) -> bool:
    """Return whether such a key seals a run's private part."""
    return parse_day(name) is not None and name[_DAY_BYTES : _DAY_BYTES + 1] == "-"


def unit_of(sealed: bytes, day: date) -> bytes | None:
    """Return the unit that a file was sealed for.

    day: of the seal. None if it was sealed for none, or on another day, or it is no sealed file.
    """
    start = _OF_UNIT + day.isoformat().encode()
    return sealed[len(start) : len(start) + _UNIT_BYTES] if sealed.startswith(start) else None


def key_name(path: Path) -> str | None:
    """Return the name of the key that seals a file.

    None if it is no sealed file, or is gone.
    """
    try:
        with open_regular(path) as file:
            return _sealed_with(file.read(_MAGIC_BYTES + _DAY_BYTES + _UNIT_BYTES + _PREFIX_BYTES)).name
    except (OSError, DamagedError):
        return None


def _nonce_and_bound(header: bytes, index: int, last: bool, context: str) -> tuple[bytes, bytes]:
    """Return a block's nonce and the data bound to it.

    The file's header, the block's position, whether it is the last, and the context.
    """
    counter = struct.pack(">I", index)
    return header[-_PREFIX_BYTES:] + counter, header + counter + (b"\1" if last else b"\0") + context.encode()


def _read_or_make(path: Path, make: bool) -> bytes:
    """Read a key's file, made first where that is allowed.

    Raises KeyGoneError where there is none, UserError where it is no key or others can read it.
    """
    make_folder(path.parent)
    if not os.path.lexists(path):
        if not make:
            raise KeyGoneError(path.name)
        _make_key(path)
    try:
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode):
            raise UserError(f"{path}: this is not a key but a {kind_of(mode)}; run faceparity purge and start afresh")
        key = read_regular(path, 1 << 10)
    except FileNotFoundError:
        raise KeyGoneError(path.name) from None
    except OSError as error:
        raise UserError(f"{path}: the key cannot be read ({error.strerror}); make it yours or run faceparity purge") from error
    if os.name == "posix" and mode & 0o077:
        raise UserError(
            f"{path}: others than you can read this key (mode {stat.S_IMODE(mode):04o}); chmod 600 it, or run faceparity purge"
        )
    if len(key) != _KEY_BYTES:
        raise UserError(f"{path}: this is not a key ({len(key)} bytes, not {_KEY_BYTES}); run faceparity purge and start afresh")
    return key


def _make_key(path: Path) -> None:
    """Make a key unless it is there.

    Of two processes that make it at once, the first one's stands.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with folder_lock(path.parent, wait=True) as alone:
        if alone:
            _remove_parts(path.parent)
        write_private(fresh, secrets.token_bytes(_KEY_BYTES))
        try:
            # A link fails where the name exists: that holds without a lock too.
            os.link(fresh, path)
        except FileExistsError:
            pass
        except OSError:
            # A file system without links.
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


def _remove_parts(folder: Path) -> None:
    """Remove unfinished keys.

    One that is a second name of a finished key is not overwritten.
    """
    for part in folder.glob(KEY_PARTS):
        with suppress(OSError):
            if part.stat().st_nlink > 1:
                part.unlink()
            else:
                shred(part)


def _failure(path: Path) -> UserError | None:
    """Destroy a key; return the error if that failed.

    So one key cannot keep the others alive.
    """
    try:
        shred(path)
    except UserError as error:
        return error
    return None
