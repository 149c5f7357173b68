"""The encrypted store of templates.

What was extracted once is not extracted again, wherever the images lie. A shard is one finished batch. Nothing in it or in its
name tells which images it is about: entries are named by a keyed hash of the model's fingerprint and the image's content,
folders by a keyed hash of the fingerprint.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import read_regular
from faceparity.harness.models.base.model import Extraction
from faceparity.harness.templates import encryption, private_files, shard_codec, shard_index

LOCK = "lock"
ATTEMPT = "attempt"
SHARDS = "*/*.shard"
NOT_BELIEVED = "crashed the decoder"
"""Earlier versions also stored this reason for images whose worker was killed from outside: all of those are tried again."""


class Store:
    """Templates by model fingerprint and content of the image (sha256).

    A context manager; nothing is kept open outside it.

    folder: by default `paths.store()`. days: of retention, by default `encryption.retention_days()`.
    ephemeral: everything, keys included, stays in memory and is gone with the process.
    Entering it takes a lock that other runs share and `purge` waits for, and removes what is past its retention.
    Attributes after entering: `expired` and `damaged`, the numbers of shards removed as too old, and as torn or tampered with.
    Raises UserError: the folder or a key is not usable, or the store is being purged.
    """

    def __init__(
        self,
        folder: Path | None = None,
        keys: encryption.Keyring | None = None,
        *,
        ephemeral: bool = False,
        days: int | None = None,
    ) -> None:
        self.folder = None if ephemeral else (folder or paths.store())
        self.keys = keys or encryption.Keyring(in_memory=ephemeral)
        self.expired = 0
        self.damaged = 0
        self._days = encryption.retention_days() if days is None else days
        self._memory: dict[tuple[str, str], Extraction] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self.folder is not None:
            private_files.make_folder(self.folder)
            # One at a time: whoever tidies holds the store alone for a moment, which the next would take for a purge.
            with private_files.folder_lock(self.folder, wait=True):
                self._tidy(self.folder)
                self._open.enter_context(private_files.locked(self.folder / LOCK, alone=False))
            self.expired = self.expire(self._days)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._memory.clear()

    def get(self, fingerprint: str, contents: Iterable[str]) -> dict[str, Extraction]:
        """Return what is known of these images, by content.

        Torn, tampered and undecipherable shards are removed and counted. Of a large store only the shards are read that hold one of
        them, as far as the index knows (see `shard_index`).
        """
        if self.folder is None:
            return {one: self._memory[fingerprint, one] for one in contents if (fingerprint, one) in self._memory}
        wanted = {self._entry(fingerprint, content): content for content in contents}
        found: dict[str, Extraction] = {}
        shards = {path.name: path for path in sorted(self._models_folder(fingerprint).glob("*.shard"))}
        of_index = [shards.pop(name) for name in list(shards) if name.endswith(shard_index.SUFFIX)]
        known = self._index(of_index, fingerprint)
        more: dict[str, list[bytes]] = {}
        unknown = shards.keys() - set(known.names)
        holding = known.holding(wanted)
        for name, path in shards.items():
            if name not in unknown and name not in holding:
                continue
            read = self._read(path, fingerprint)
            more |= {name: [entry for entry, _ in read]} if name in unknown else {}
            believed = ((entry, one) for entry, one in read if one.reason != NOT_BELIEVED)
            found.update({wanted[entry]: extraction for entry, extraction in believed if entry in wanted})
        if len(more) >= shard_index.WORTH_IT:
            self._write_index(known.with_shards(more, set(shards)), of_index, fingerprint)
        return found

    def _index(self, files: Sequence[Path], fingerprint: str) -> shard_index.ShardIndex:
        """Read the newest index that can be read.

        Its key goes when its day's retention ends; it is made again then. An index of no shards if there is none.
        """
        for path in reversed(files):
            with suppress(OSError, encryption.DamagedError, encryption.KeyGoneError, encryption.ClockDoubtError):
                return shard_index.unpack(self.keys.open(read_regular(path), _context(fingerprint, path.name)))
            with suppress(OSError):
                path.unlink()
        return shard_index.nothing()

    def _write_index(self, known: shard_index.ShardIndex, old: Sequence[Path], fingerprint: str) -> None:
        """Write an index and remove the old ones.

        Without it all shards are read, which takes longer, so a full disk is no reason to end a run that only reads.
        """
        name = f"{self.keys.day().isoformat()}{shard_index.SUFFIX}"
        payload = self.keys.seal(shard_index.pack(known), _context(fingerprint, name))
        with suppress(UserError, OSError):
            private_files.write_private(self._models_folder(fingerprint) / name, payload)
            for path in old:
                if path.name != name:
                    path.unlink(missing_ok=True)

    def put(self, fingerprint: str, extractions: Mapping[str, Extraction]) -> None:
        """Store extractions by content.

        They are on the disk when it returns.
        """
        if not extractions:
            return
        if self.folder is None:
            self._memory.update({(fingerprint, content): extraction for content, extraction in extractions.items()})
            return
        payload = shard_codec.pack({self._entry(fingerprint, content): extraction for content, extraction in extractions.items()})
        folder = private_files.make_folder(self._models_folder(fingerprint))
        name = f"{self.keys.day().isoformat()}-{secrets.token_hex(8)}.shard"
        private_files.write_private(folder / name, self.keys.seal(payload, _context(fingerprint, name)))

    def expire(self, days: int | None = None) -> int:
        """Remove shards past their retention; return how many.

        The keys of their days are destroyed first. No shard is removed where the clock is in doubt.
        """
        if self.folder is None or self.keys.doubt():
            return 0
        old = old_shards(self.folder, days)
        self.keys.expire(days)
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Mark that this very process is reading images.

        A mark left behind says that one of them killed it.
        """
        if self.folder is None:
            yield
            return
        mark = self.folder / ATTEMPT
        private_files.write_private(mark, b"")
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)

    def take_mark(self) -> bool:
        """Return whether an earlier attempt died; remove its mark.

        That is an attempt in the run's own process, which ended without a word.
        """
        if self.folder is None or not (self.folder / ATTEMPT).exists():
            return False
        (self.folder / ATTEMPT).unlink(missing_ok=True)
        return True

    def _models_folder(self, fingerprint: str) -> Path:
        """Return the folder of a model's shards."""
        assert self.folder is not None
        return self.folder / self.keys.digest("model", fingerprint).hex()[:16]

    def _entry(self, fingerprint: str, content: str) -> bytes:
        """Return the name of an image's entry."""
        return self.keys.digest("entry", fingerprint, content)

    def _read(self, path: Path, fingerprint: str) -> list[tuple[bytes, Extraction]]:
        """Read a shard; remove it where it is damaged.

        Empty where it can't be read now. Raises UserError where the system refuses.
        """
        try:
            return shard_codec.unpack(self.keys.open(read_regular(path), _context(fingerprint, path.name)))
        except encryption.ClockDoubtError:
            # Extracted again rather than read; it stays for the day when the clock is right.
            return []
        except FileNotFoundError:
            # Another run found it too old, or damaged, a moment ago.
            return []
        except (encryption.DamagedError, encryption.KeyGoneError):
            self.damaged += 1
            path.unlink(missing_ok=True)
            return []
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}); run faceparity purge and start afresh") from error

    def _tidy(self, folder: Path) -> None:
        """Remove what a killed run left half written.

        Only if no other run is writing now.
        """
        self.keys.tidy()
        with suppress(UserError), private_files.locked(folder / LOCK, alone=True):
            for path in folder.glob("**/.*.part"):
                path.unlink(missing_ok=True)


def old_shards(folder: Path, days: int | None = None) -> list[Path]:
    """Return the shards past their retention, or without a day."""
    dated = ((path, encryption.parse_day(path.name)) for path in folder.glob(SHARDS))
    return [path for path, day in dated if day is None or encryption.is_expired(day, days)]


def _context(fingerprint: str, name: str) -> str:
    return f"faceparity templates 1\0{fingerprint}\0{name}"
