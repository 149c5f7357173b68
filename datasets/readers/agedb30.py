"""AgeDB with its protocol of pairs 30 years apart: images `0_AdaAlpha_35_f.jpg`, and the protocol as a MATLAB file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import read_regular
from faceparity.datasets.formats.matlab import Array, MatlabError, Value, read_matlab
from faceparity.datasets.loading.builder import LabelledImage, Rules, build, folder_of
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.publisher_layout import find_path, wrong_folder
from faceparity.datasets.readers.pair_lists import PairList, join_path, with_protocols
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

FOLDERS = ("03_Protocol_Images", "AgeDB_FINAL_protocol/03_Protocol_Images", "AgeDB", "images")
LIST = "04_FINAL_protocol_30_years.mat"
N_FOLDS = 10
PUBLISHER = "Imperial College London"
MAX_BYTES = 2**28
"""Maximum size of a protocol, unpacked; the publisher's has a hundredth of it."""

_FILE = re.compile(r"\d+_(.+)_(\d+)_([mfMF])", re.ASCII)


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read AgeDB, with its protocol if that is there.

    Name, age and gender are in each image's name. Raises UserError.
    """
    folder_of(root)
    card = load_card("agedb30")
    folder = find_path(root, *FOLDERS) or ""
    within = (folder,) if folder else ()
    found = {file: match for file in list_images(root, within) if (match := _FILE.fullmatch(Path(file).stem))}
    if not found:
        raise wrong_folder(root, card, *FOLDERS)
    rows = [
        LabelledImage(file, file, match[1], {"gender": match[3].lower(), "age_group": match[2]}) for file, match in found.items()
    ]
    path = find_path(
        root, LIST, f"AgeDB_FINAL_protocol/{LIST}", join_path(str(Path(folder).parent), LIST), join_path(folder, LIST)
    )
    problems = [] if path else [Problem("missing_file", LIST, "the published protocol is not here: it is not followed")]
    dataset = build(card, root, rows, problems, name=name, rules=Rules(within=within, include_minors=include_minors))
    return with_protocols(dataset, [_protocol(root / path, {Path(file).stem: file for file in found})]) if path else dataset


def _protocol(path: Path, files: dict[str, str]) -> PairList:
    """Read the protocol's pairs and folds.

    The file's `splits` are ten cells; each holds the pairs (2 × n cells, of structures that begin with a name) and n
    labels, 1 if mated, -1 or 0 if not. files: an image's name → its file. Raises UserError for another file.
    """
    try:
        folds = [_split(split) for split in _array(_load(path)["splits"]).values]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path} holds no splits of pairs as its publisher writes them: put the publisher's file there") from None
    if len(folds) != N_FOLDS:
        raise UserError(f"{path} has {len(folds)} splits, not {N_FOLDS}: put the publisher's file there")
    pairs = [(k, *pair) for k, fold in enumerate(folds) for pair in fold]
    first_files, second_files = (
        [files.get(name, f"{name}.jpg") for name in names] for names in ([row[1] for row in pairs], [row[2] for row in pairs])
    )
    return PairList(
        "AgeDB-30",
        f"{path.name} ({PUBLISHER})",
        first_files,
        second_files,
        [bool(pair[3]) for pair in pairs],
        [pair[0] for pair in pairs],
        list(range(1, len(pairs) + 1)),
        N_FOLDS,
    )


def _split(split: Value) -> list[tuple[str, str, bool]]:
    given, labels = _fields(split)[:2]
    pairs, truth = _array(given), _array(labels).values
    if pairs.shape != (2, len(truth)) or not truth or not set(truth) <= {1, -1, 0}:
        raise ValueError("pairs and labels do not match")
    first, second = ([_name(cell) for cell in pairs.values[side::2]] for side in (0, 1))
    return [(one, other, label == 1) for one, other, label in zip(first, second, truth, strict=True)]


def _name(cell: Value) -> str:
    """Return the name of a picture.

    Each cell of pairs is one structure that begins with a name. Raises ValueError.
    """
    name = _fields(cell)[0]
    if not isinstance(name, str):
        raise ValueError("a picture without a name")
    return name.removesuffix(".jpg")


def _fields(value: Value) -> tuple[Value, ...]:
    """Return the fields of a single structure.

    Raises ValueError if there is none, or are several.
    """
    (one,) = _array(value).values
    if isinstance(one, (Array, str)) or not isinstance(one, tuple):
        raise ValueError("no structure where one should be")
    return cast("tuple[Value, ...]", one)


def _array(value: Value) -> Array:
    if not isinstance(value, Array):
        raise ValueError("no list where one should be")
    return value


def _load(path: Path) -> dict[str, Value]:
    """Load a MATLAB file, which holds data only.

    Raises UserError if it is none, or larger than `MAX_BYTES`.
    """
    try:
        data = read_regular(path, MAX_BYTES)
        if not data:
            raise UserError(f"{path} is empty: put the publisher's file there")
        return read_matlab(data, MAX_BYTES)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): put the publisher's file there") from None
    except MatlabError as error:
        raise UserError(f"{path} is not the publisher's MATLAB file ({error}): put the publisher's file there") from None
