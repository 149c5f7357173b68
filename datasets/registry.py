"""Which data sets there are, and how `-d NAME`, `-d NAME=DIR` is understood."""

from __future__ import annotations

import difflib
import os
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, cast

from . import places
from .build import folder_of
from .card import load_card
from .concepts import CONCEPTS
from .dataset import Dataset
from .errors import UserError
from .places import real_path

GROUP = "faceparity.datasets"
"""The entry points through which other packages add readers."""
DATA = "FACEPARITY_DATA"

_MODULES = (
    "bfw", "casual_conversations", "cfd", "control", "demogpairs", "fairface", "fhibe", "folder", "ijbc", "london", "meds2", "morph2",
    "ppb", "rfw", "us_congress", "utkface", "vggface2",
)  # fmt: skip
_BUILT_IN = {name: f"faceparity.datasets.readers.{name}:read" for name in _MODULES} | {
    "bupt": "faceparity.datasets.readers.not_benchmarks:bupt",
    "casual_conversations_v2": "faceparity.datasets.readers.casual_conversations:read_v2",
    "control-tone": "faceparity.datasets.readers.control:read_tone",
    "facet": "faceparity.datasets.readers.not_benchmarks:facet",
    "maad_face": "faceparity.datasets.readers.vggface2:read_maad",
}

_WITH_PAIR_LISTS = ("agedb30", "calfw", "cfp", "cplfw", "insightface_bin", "lfw", "xqlfw")
_BUILT_IN |= {name: f"faceparity.datasets.readers.{name}:read" for name in _WITH_PAIR_LISTS}

EMBEDDED = {"control": "control/portraits", "control-tone": "control/tone"}
"""Sets that come with the package, and where in it."""


class Reader(Protocol):
    """Reads one layout."""

    def __call__(self, root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
        """The data set in the folder `root`. Raises UserError."""
        ...


def dataset_names() -> list[str]:
    """The names of all readers, sorted."""
    return sorted(_BUILT_IN.keys() | entry_points(group=GROUP).names)


def reader(name: str) -> Reader:
    """The reader of that name. Raises UserError if there is none."""
    found = [entry for entry in entry_points(group=GROUP) if entry.name == name]
    if found and name not in _BUILT_IN:
        return cast(Reader, found[0].load())
    if name in _BUILT_IN:  # these need no metadata, which is stale in a tree that was installed before they came
        module, function = _BUILT_IN[name].split(":")
        return cast(Reader, getattr(import_module(module), function))
    raise _unknown(name)


def _unknown(name: str) -> UserError:
    close = difflib.get_close_matches(name, dataset_names(), 1)
    hint = f"did you mean {close[0]}? " if close else ""
    return UserError(
        f"there is no data set {name!r}: {hint}`faceparity datasets` lists all that are known; use folder=DIR for your own pictures"
    )


def load_dataset(spec: str, *, include_minors: bool = False) -> Dataset:
    """The data set that `NAME` or `NAME=DIR` means.

    `NAME=DIR` reads DIR as the set NAME. `folder=DIR` reads any folder with a CSV, and is called by DIR's last part (`folder`,
    if that is somebody's home). `NAME` alone is a set that comes with the package, or is looked for in the folder
    $FACEPARITY_DATA, under that name or those of its card; a folder there that is no known set is read as `folder`. Raises UserError.
    """
    name, given, where = spec.partition("=")
    name = name.strip()
    if name in dataset_names() and _not_a_benchmark(name):
        return reader(name)(Path(where))  # which says why
    if given:
        if not where:
            raise UserError(f"-d {spec} names no folder: write {name or 'folder'}=DIR")
        read = reader(name)
        root = folder_of(Path(where).expanduser())
        return read(root, name=_called(root) if name == "folder" else None, include_minors=include_minors)
    if name == "folder":
        raise UserError("-d folder names no folder: write folder=DIR")
    return _by_name(name, include_minors)


def _called(root: Path) -> str:
    """The last part of a folder's path; but results are published, so somebody's home is just "folder"."""
    whole = real_path(root)
    return "folder" if whole == real_path(Path.home()) else whole.name or "folder"


def embedded(name: str) -> Path | None:
    """The folder of a set that comes with the package; None for any other, and where it was left out."""
    folder = Path(__file__).parent / EMBEDDED[name] if name in EMBEDDED else None
    return folder if folder is not None and folder.is_dir() else None


def whereabouts(name: str) -> Path | None:
    """Where `-d NAME` would find a copy: in the package, or in the folder $FACEPARITY_DATA; None: nowhere."""
    if (own := embedded(name)) is not None:
        return own
    base = _base()
    places = [Path(base).expanduser() / place for place in (name, *_folders(name))] if base and _plain(name) else []
    return next((place for place in places if place.is_dir()), None)


def _base() -> str | None:
    """The folder of data sets: $FACEPARITY_DATA, else where `faceparity fetch` puts them, if that is there."""
    own = places.datasets()
    return os.environ.get(DATA) or (str(own) if own.is_dir() else None)


def _by_name(name: str, include_minors: bool) -> Dataset:
    known = name in dataset_names()
    if (own := embedded(name)) is not None:
        return reader(name)(folder_of(own), name=name, include_minors=include_minors)
    if name in EMBEDDED and not _base():
        part = " --part tone" if name == "control-tone" else ""
        raise UserError(
            f"{name} is not in this copy: `python -m faceparity.datasets.control FOLDER{part}` makes it, then write {name}=FOLDER"
        )
    home = _base()
    if not home:
        if not known:
            raise _unknown(name)
        raise UserError(f"where is {name}? Write {name}=DIR, or set {DATA} to the folder that holds your data sets")
    base = Path(home).expanduser()
    if not base.is_dir():
        raise UserError(f"{DATA} is {home}, which is not a folder: set it to the folder that holds your data sets")
    root = whereabouts(name) if name != "folder" else None
    if root is None:
        if not known:
            raise _unknown(name)
        places = [name, *_folders(name)]
        raise UserError(f"{base} has no folder {' or '.join(places)}: put the data set there, or write {name}=DIR")
    return reader(name if known else "folder")(folder_of(root), name=name, include_minors=include_minors)


def _not_a_benchmark(name: str) -> bool:
    try:
        return bool(load_card(name).not_a_benchmark)
    except FileNotFoundError:
        return False


def _plain(name: str) -> bool:
    """Whether it is the name of a folder and not a path."""
    return bool(name) and not name.startswith(".") and not set(name) & set("/\\")


def _folders(name: str) -> list[str]:
    try:
        return load_card(name).folders
    except FileNotFoundError:
        return []


def default_attributes(dataset: Dataset) -> list[str]:
    """What to group by if nobody says: as the card says, else gender and ethnicity, else other concepts, else all attributes."""
    by = [attribute for attribute in dataset.card.default_by if attribute in dataset.attributes]
    main = [attribute for attribute in CONCEPTS[:2] if attribute in dataset.attributes]
    other = [attribute for attribute in CONCEPTS if attribute in dataset.attributes]
    return by or main or other or sorted(dataset.attributes)
