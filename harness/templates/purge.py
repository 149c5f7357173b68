"""`faceparity purge`: destroy keys first, then what they seal.

It reports what was destroyed and what could not be.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.harness.templates import encryption, private_files
from faceparity.harness.templates.private_tables import README
from faceparity.harness.templates.store import ATTEMPT, LOCK, SHARDS, old_shards

FLASH = "Keys were overwritten before they were removed; flash drives, snapshots and backups may still hold old blocks."
ALL_GONE = "The private parts of earlier runs cannot be read any more, wherever they were copied: their keys are gone."
NEW_CODES = "Codes of samples and subjects in later runs will not match those of earlier ones."
COPIES = "Copies of these files cannot be read any more, wherever they are: their keys are gone."
SAME_DAY = "Other templates of the same days were sealed with the same keys: the next run makes them anew."


@dataclass(frozen=True, slots=True)
class Purged:
    """What was destroyed, and what could not be reached. bytes: of the files removed."""

    keys: int
    shards: int
    """Files of templates."""
    private: int
    """Files of runs' private parts."""
    bytes: int
    left: tuple[str, ...] = ()
    """Files in the store's folder that faceparity did not make, and left alone."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """What purging everything would destroy.

    keys: the secret behind the codes included. private: those of runs' private parts.
    """

    keys: int
    private: int
    shards: int
    bytes: int

    def sentence(self) -> str:
        """Describe the plan to the person who must agree."""
        keys = f"{self.keys:,} key{'s' * (self.keys != 1)} ({self.private:,} of private parts of runs)"
        shards = f"{self.shards:,} file{'s' * (self.shards != 1)} of templates in the store ({self.bytes / 1e6:.1f} MB)"
        return f"This destroys {keys} and {shards}. The private parts of all runs become unreadable, wherever they are."


def plan_all(store: Path | None = None, keys: encryption.Keyring | None = None) -> Planned:
    """Count what `purge_all` would destroy.

    Raises UserError while a run uses the store.
    """
    store, names = store or paths.store(), (keys or encryption.Keyring()).names()
    if store.is_dir():
        with private_files.locked(store / LOCK, alone=True):
            pass
    shards = list(store.glob(SHARDS))
    private = sum(encryption.is_of_unit(name) for name in names)
    return Planned(len(names), private, len(shards), sum(path.lstat().st_size for path in shards))


def purge_all(store: Path | None = None, keys: encryption.Keyring | None = None) -> Purged:
    """Destroy every key on this machine, then every shard.

    Being killed half-way loses nothing of that order: what remains has no key, and purging again removes it. Private parts
    stay where they are, unreadable. Raises UserError while a run uses the store.
    """
    store = store or paths.store()
    with private_files.locked(store / LOCK, alone=True):
        destroyed = (keys or encryption.Keyring()).destroy()
        ours = [*store.glob(SHARDS), *store.glob("**/.*.part"), *store.glob(ATTEMPT)]
        gone = _remove(ours)
        left = tuple(sorted(str(file.relative_to(store)) for file in store.rglob("*") if file.is_file() and file.name != LOCK))
        for path in store.iterdir():
            if path.is_dir() and not path.is_symlink() and not any(one.is_file() for one in path.rglob("*")):
                shutil.rmtree(path)
    shards = sum(path.suffix == ".shard" for path in ours)
    return Purged(destroyed, shards, 0, gone, left, (ALL_GONE, NEW_CODES, FLASH))


def purge_older(days: int, store: Path | None = None, keys: encryption.Keyring | None = None) -> Purged:
    """Destroy keys made more than `days` days ago, then shards.

    Keys of private parts too. Who asks for it takes this machine's clock for right: it is not doubted any more, and what bears a
    day to come goes too. Raises UserError as `purge_all`.
    """
    store, keyring = store or paths.store(), keys or encryption.Keyring()
    with private_files.locked(store / LOCK, alone=True):
        keyring.believe_clock()
        destroyed = keyring.expire(days)
        old = old_shards(store, days)
        gone = _remove(old)
    return Purged(destroyed, len(old), 0, gone, (), (COPIES, FLASH) if destroyed else ())


def purge_folder(folder: Path, store: Path | None = None, keys: encryption.Keyring | None = None) -> Purged:
    """Destroy the keys of a folder's sealed files, then these.

    folder: a run's, one that holds runs, or a store. Raises UserError where nothing is sealed in it, and while a run uses the store.
    """
    sealed = (
        sorted(path for path in (*folder.rglob("*.sealed"), *folder.rglob("*.shard")) if encryption.key_name(path))
        if folder.is_dir()
        else []
    )
    if not sealed:
        raise UserError(
            f"{folder}: holds no templates and no private part of a run; name a run's folder, or nothing for everything"
        )
    with private_files.locked((store or paths.store()) / LOCK, alone=True):
        names = {name for path in sealed if (name := encryption.key_name(path))}
        destroyed = (keys or encryption.Keyring()).destroy(names)
        gone = _remove(sealed)
    for parent in {path.parent for path in sealed}:
        _remove_empty(parent)
    shards = sum(path.suffix == ".shard" for path in sealed)
    notes = (COPIES, *((SAME_DAY,) if shards else ()), FLASH)
    return Purged(destroyed, shards, len(sealed) - shards, gone, (), notes)


def _remove(files: Sequence[Path]) -> int:
    """Remove files; return their size in bytes."""
    size = 0
    for path in files:
        try:
            size += path.lstat().st_size
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
    return size


def _remove_empty(folder: Path) -> None:
    """Remove a folder in which only the README is left."""
    if all(path.name == README for path in folder.iterdir()):
        shutil.rmtree(folder)
