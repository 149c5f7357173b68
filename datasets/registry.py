"""Which data sets there are, and what `-d NAME` and `-d NAME=DIR` mean.

A set that faceparity brings is a card in `cards`, which names its reader in `readers`: there is no other list of
them. Other packages add readers by the entry points `faceparity.datasets`.
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint
from importlib.resources import files
from pathlib import Path
from typing import Protocol, cast

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.paths import DATA, real_path
from faceparity.datasets.loading.age_rules import unread_ages_kept
from faceparity.datasets.loading.builder import folder_of
from faceparity.datasets.loading.label_vocabulary import CONCEPTS
from faceparity.datasets.schema.card import DatasetCard, load_card
from faceparity.datasets.schema.dataset import Dataset

from .common.plugins import plugins

GROUP = "faceparity.datasets"
"""The entry points through which other packages add readers."""


class Reader(Protocol):
    """A function that reads one layout."""

    def __call__(self, root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
        """Read the data set in the folder `root`.

        Raises UserError.
        """
        ...


def dataset_names() -> list[str]:
    """Return the names of all data sets, sorted.

    Imports no reader.
    """
    ours = _card_names()
    return sorted({*ours, *plugins(GROUP, ours)})


def _card_names() -> set[str]:
    """Return the names of the cards that come with faceparity."""
    entries = (entry.name for entry in files(f"{__package__}.cards").iterdir())
    return {name.removesuffix(".toml") for name in entries if name.endswith(".toml")}


def check_known(name: str) -> None:
    """Raise UserError if no data set has that name."""
    if name not in dataset_names():
        raise _unknown(name)


def reader(name: str) -> Reader:
    """Import the reader of that name.

    Raises UserError if there is none, the set is no benchmark, or another package's reader can't be imported.
    """
    card = _card(name)
    if card is None:
        return _reader_of_others(name, plugins(GROUP, _card_names()))
    if card.not_a_benchmark:
        raise _no_benchmark(card)
    module, function = (card.reader or f"{name}:read").split(":")
    return cast(Reader, getattr(import_module(f"{__package__}.readers.{module}"), function))


def _reader_of_others(name: str, known: Mapping[str, EntryPoint]) -> Reader:
    """Import another package's reader. Raises UserError."""
    if name not in known:
        raise _unknown(name)
    try:
        found = known[name].load()
    except (Exception, SystemExit) as error:  # code of others may raise anything while it is imported
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(f"the data set {name} can't be used ({reason}): install its package again, or ask its makers") from error
    if not callable(found):
        raise UserError(f"the data set {name} can't be used: {known[name].value} is no function; ask its makers")
    return cast(Reader, found)


def _no_benchmark(card: DatasetCard) -> UserError:
    return UserError(f"{card.title} is no benchmark for face matching: {card.not_a_benchmark}")


def _unknown(name: str) -> UserError:
    close = difflib.get_close_matches(name, dataset_names(), 1)
    hint = f"did you mean {close[0]}? " if close else ""
    if os.path.isdir(os.path.expanduser(name)):
        return UserError(
            f"there is no data set {name!r}: for the pictures in that folder, write -d {shlex.quote('folder=' + name)}"
        )
    return UserError(
        f"there is no data set {name!r}: {hint}`faceparity datasets` lists all that are known; use folder=DIR for your own pictures"
    )


def _not_here(name: str, place: str) -> UserError:
    """Say how to get a known set that is not on this machine.

    place: what to do with a copy, beside naming its folder.
    """
    from faceparity.datasets.fetch.dataset_sources import PLANS

    card = _card(name)
    how = f"`faceparity fetch {name}` gets it" if name in PLANS else f"`faceparity datasets {name}` says how to get it"
    where = f" ({card.home})" if card and card.home and name not in PLANS else ""
    return UserError(f"{name} is not on this machine: {how}{where}; where you have it, write -d {name}=DIR, or {place}")


def load_dataset(spec: str, *, include_minors: bool = False, keep_unread_ages: bool = False) -> Dataset:
    """Load the data set that `NAME` or `NAME=DIR` means.

    `NAME=DIR` reads DIR as the set NAME. `folder=DIR` reads any folder with a CSV, and is called by DIR's last part
    (`folder`, if that is somebody's home). `NAME` alone is a set that comes with the package, or is looked for in the
    folder $FACEPARITY_DATA, else where `faceparity fetch` puts sets, under that name or those of its card; a folder there
    that is no known set is read as `folder`. keep_unread_ages: people whose age is written but cannot be read stay,
    without an age. Raises UserError.
    """
    with unread_ages_kept(keep_unread_ages):
        return _load(spec, include_minors)


def _load(spec: str, include_minors: bool) -> Dataset:
    name, given, where = spec.partition("=")
    name = name.strip()
    card = _card(name)
    if card and card.not_a_benchmark:
        raise _no_benchmark(card)
    if given:
        if not where:
            raise UserError(f"-d {spec} names no folder: write {name or 'folder'}=DIR")
        read = reader(name)
        root = folder_of(Path(where).expanduser())
        return read(root, name=_published_name(root) if name == "folder" else None, include_minors=include_minors)
    if name == "folder":
        raise UserError("-d folder names no folder: write folder=DIR")
    return _by_name(name, include_minors)


def _published_name(root: Path) -> str:
    """Return the last part of a folder's path.

    Results are published, so the user's home is just "folder".
    """
    resolved = real_path(root)
    return "folder" if resolved == real_path(Path.home()) else resolved.name or "folder"


def packaged_folder(name: str) -> Path | None:
    """Return the folder of a set in the package.

    None for any other, and where it was left out.
    """
    card = _card(name)
    folder = Path(__file__).parent / card.packaged if card and card.packaged else None
    return folder if folder is not None and folder.is_dir() else None


def find_copy(name: str) -> Path | None:
    """Return where `-d NAME` would find a copy.

    It is in the package, in the folder $FACEPARITY_DATA, or where `faceparity fetch` puts sets; None: nowhere.
    """
    if (packaged := packaged_folder(name)) is not None:
        return packaged
    base = _base()
    candidates = (
        [Path(base).expanduser() / folder for folder in (name, *_folders(name))] if base and _is_folder_name(name) else []
    )
    return next((folder for folder in candidates if folder.is_dir()), None)


def _base() -> str | None:
    """Return the folder of data sets.

    It is $FACEPARITY_DATA, else where `faceparity fetch` puts them, if that is there; None: neither.
    """
    fetched = paths.datasets()
    return os.environ.get(DATA) or (str(fetched) if fetched.is_dir() else None)


def _by_name(name: str, include_minors: bool) -> Dataset:
    known, card = name in dataset_names(), _card(name)
    if (packaged := packaged_folder(name)) is not None:
        return reader(name)(folder_of(packaged), name=name, include_minors=include_minors)
    if card and card.packaged and not _base():
        part = " --part tone" if name == "control-tone" else ""
        raise UserError(
            f"{name} is not in this copy: `python -m faceparity.datasets.control FOLDER{part}` makes it, then write {name}=FOLDER"
        )
    home = _base()
    if not home:
        if not known:
            raise _unknown(name)
        raise _not_here(name, f"set {DATA} to the folder that holds your data sets")
    base = Path(home).expanduser()
    if not base.is_dir():
        raise UserError(f"{DATA} is {home}, which is not a folder: set it to the folder that holds your data sets")
    root = find_copy(name) if name != "folder" else None
    if root is None:
        if not known:
            raise _unknown(name)
        folders = " or ".join([name, *_folders(name)])
        raise _not_here(name, f"put it into {base} as {folders}")
    return reader(name if known else "folder")(folder_of(root), name=name, include_minors=include_minors)


def _card(name: str) -> DatasetCard | None:
    """Return the card of a set; None without one.

    Sets of other packages, and unknown names, have none.
    """
    return load_card(name) if name in _card_names() else None


def _is_folder_name(name: str) -> bool:
    """Return whether a name is a folder's, not a path."""
    return bool(name) and not name.startswith(".") and not set(name) & set("/\\")


def _folders(name: str) -> list[str]:
    card = _card(name)
    return card.folders if card else []


def default_attributes(dataset: Dataset) -> list[str]:
    """Return the attributes to group by unless others are named.

    They are those of the card, else gender and ethnicity, else other concepts, else all attributes.
    """
    by = [attribute for attribute in dataset.card.default_by if attribute in dataset.attributes]
    main = [attribute for attribute in CONCEPTS[:2] if attribute in dataset.attributes]
    other = [attribute for attribute in CONCEPTS if attribute in dataset.attributes]
    return by or main or other or sorted(dataset.attributes)
