"""Labeled Faces in the Wild: `lfw/Name/Name_0001.jpg`, and beside it the lists pairs.txt, pairsDevTrain.txt, pairsDevTest.txt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import whole_number
from faceparity.datasets.loading.builder import LabelledImage, Rules, build, folder_of
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.publisher_layout import find_path, wrong_folder
from faceparity.datasets.readers.pair_lists import PairList, join_path, lines_of, read_lfw_list, with_protocols
from faceparity.datasets.schema.card import DatasetCard, load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

from .lfw_labels import read_labels

VARIANTS = ("lfw", "lfw_funneled", "lfw-funneled", "lfw-deepfunneled", "lfw_deepfunneled", "lfw-deepfunneled/lfw-deepfunneled")
"""Folders of the images, as they were found, or aligned by one of two methods. The first that exists is read."""

NAMES = "lfw-names.txt"
DEVTRAIN = "view 1, development training"
LISTS = {
    "pairs.txt": ("view 2", ""),
    "pairsDevTrain.txt": (DEVTRAIN, ""),
    "pairsDevTest.txt": ("view 1, development test", DEVTRAIN),
}
"""File → name of the protocol, and the one on which its threshold is chosen."""
PUBLISHER = "University of Massachusetts Amherst"

MOST_IMAGES = 100_000
"""Maximum number of images of one person; no list counts as many."""
_FILE = re.compile(r"(?:.*/)?([^/]+)/\1_\d{4}\.[A-Za-z]+", re.ASCII)


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all images of LFW, with its published lists.

    They are labelled where a file of labels is there, and those lists are followed that are there. Raises UserError.
    """
    folder_of(root)
    card = load_card("lfw")
    folder, problems = images_folder(root, card, VARIANTS)
    folders = list(dict.fromkeys((folder, str(Path(folder).parent), "")))
    lists = [(listed, find_path(root, *(join_path(base, listed) for base in folders))) for listed in LISTS]
    problems += [
        Problem("missing_file", listed, "this published list of pairs is not here: that protocol is not followed")
        for listed, path in lists
        if path is None
    ]
    dataset = read_people(root, card, folder, problems, name=name, include_minors=include_minors, folders=folders)
    protocols = [_list(root / path, listed, folder) for listed, path in lists if path is not None]
    return with_protocols(dataset, protocols)


def _list(path: Path, listed: str, folder: str) -> PairList:
    name, threshold_from = LISTS[listed]
    found = read_lfw_list(path, name, file_in(folder), source=f"{listed} ({PUBLISHER})")
    return replace(found, threshold_from=threshold_from)


def file_in(folder: str) -> Callable[[str, int], str]:
    """Return the function from person and number to file.

    The set's own lists mean files in this way.
    """
    return lambda name, number: join_path(folder, name, f"{name}_{number:04d}.jpg")


def images_folder(root: Path, card: DatasetCard, variants: Sequence[str]) -> tuple[str, list[Problem]]:
    """Return the folder of people's folders.

    It is "" for root itself; with it comes a problem for each other variant. Raises UserError.
    """
    present = [folder for variant in variants if (folder := find_path(root, variant)) and _has_people(root / folder)]
    present = list(dict.fromkeys(present)) or ([""] if _has_people(root) else [])
    if not present:
        raise wrong_folder(root, card, *variants)
    others = [
        Problem("extra_file", other, f"the same photographs in another form: {present[0]} is read") for other in present[1:]
    ]
    return present[0], others


def _has_people(folder: Path) -> bool:
    """Return whether a folder holds people's folders.

    Such a folder holds images named after itself.
    """
    people = (path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith("."))
    return any(next(person.glob(f"{_glob_escaped(person.name)}_[0-9][0-9][0-9][0-9].*"), None) for person in people)


def _glob_escaped(name: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", name)


def read_people(
    root: Path,
    card: DatasetCard,
    folder: str,
    problems: Sequence[Problem] = (),
    *,
    name: str | None = None,
    include_minors: bool = False,
    folders: Sequence[str] = (),
) -> Dataset:
    """Read the images in people's folders.

    Where lfw-names.txt lies beside them, images that it counts and that are not here are missing.
    """
    labels = read_labels(root, card, folders)
    within = (folder,) if folder else ()
    found = {file: match[1] for file in list_images(root, within) if (match := _FILE.fullmatch(file))}
    rows = [LabelledImage(file, file, person, labels.get(person)) for file, person in found.items()]
    if counts := find_path(root, *(join_path(base, NAMES) for base in folders)):
        rows += _missing_rows(root / counts, folder, found)
    rules = Rules(within=within, include_minors=include_minors)
    return build(labels.card, root, rows, [*problems, *labels.problems], name=name, rules=rules)


def _missing_rows(path: Path, folder: str, found: dict[str, str]) -> list[LabelledImage]:
    """Return rows for images that are counted but not here.

    path: the list of names, which says how many images each person has. With these rows the images count as missing.
    Raises UserError.
    """
    file_of = file_in(folder)
    rows = []
    for row, line in lines_of(path):
        name, _, count = line.partition("\t")
        images = whole_number(count)
        if images is None or images > MOST_IMAGES:
            raise UserError(f"{path}, line {row}, is not a name and a number of images: put the publisher's list there, or none")
        for number in range(1, images + 1):
            if (file := file_of(name, number)) not in found:
                rows.append(LabelledImage(file, f"{path.name}:{row}", name))
    return rows
