"""Celebrities in Frontal-Profile: `Data/Images/001/frontal/01.jpg`, and the splits of its protocols FF and FP."""

from __future__ import annotations

import re
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import whole_number
from faceparity.datasets.loading.builder import LabelledImage, Rules, build, folder_of
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.publisher_layout import find_path, wrong_folder
from faceparity.datasets.readers.pair_lists import PairList, join_path, lines_of, with_protocols
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

ROOTS = ("Data/Images", "cfp-dataset/Data/Images", "CFP/Data/Images", "cfp/Data/Images")
LISTS = {"FF": ("F", "F"), "FP": ("F", "P")}
"""Protocol → the lists that the first and the second number of a pair count in: frontal, profile."""
FOLDS = tuple(f"{k:02d}" for k in range(1, 11))
PUBLISHER = "cfpw.io"

_FILE = re.compile(r"(?:.*/)?(\d{3,})/(?:frontal|profile)/\d+\.[A-Za-z]+", re.ASCII)


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all images of CFP, frontal and in profile.

    The protocols FF and FP are followed if their splits are there. Raises UserError.
    """
    folder_of(root)
    card = load_card("cfp")
    images = find_path(root, *ROOTS)
    if images is None:
        raise wrong_folder(root, card, *ROOTS)
    base = images.removesuffix("Data/Images").strip("/") if images.casefold() != "data/images" else ""
    rows = [LabelledImage(file, file, match[1]) for file in list_images(root, (images,)) if (match := _FILE.fullmatch(file))]
    problems: list[Problem] = []
    lists = [_protocol(root, base, which, problems) for which in LISTS]
    rules = Rules(within=(images,), include_minors=include_minors)
    dataset = build(card, root, rows, problems, name=name, rules=rules)
    return with_protocols(dataset, [listed for listed in lists if listed is not None])


def _protocol(root: Path, base: str, which: str, problems: list[Problem]) -> PairList | None:
    folder = join_path(base, "Protocol")
    paths = {kind: find_path(root, f"{folder}/Pair_list_{kind}.txt") for kind in LISTS[which]}
    splits = [
        (k, mated, find_path(root, f"{folder}/Split/{which}/{fold}/{kind}.txt"))
        for k, fold in enumerate(FOLDS)
        for kind, mated in (("same", True), ("diff", False))
    ]
    absent = [f"Pair_list_{kind}.txt" for kind, path in paths.items() if path is None]
    absent += [f"Split/{which}/{FOLDS[k]}" for k, _, path in splits if path is None]
    if absent:
        problems.append(Problem("missing_file", absent[0], f"without it the protocol {which} is not followed"))
        return None
    numbered = {kind: _read_numbered(root / str(path), base) for kind, path in paths.items()}
    first_files, second_files, mated, fold, rows = [], [], [], [], []
    for k, same, path in splits:
        for row, line in lines_of(root / str(path)):
            first, second = _pair(root / str(path), row, line, *(numbered[kind] for kind in LISTS[which]))
            first_files.append(first)
            second_files.append(second)
            mated.append(same)
            fold.append(k)
            rows.append(row)
    return PairList(f"CFP-{which}", f"Split/{which} ({PUBLISHER})", first_files, second_files, mated, fold, rows, len(FOLDS))


def _read_numbered(path: Path, base: str) -> dict[str, str]:
    """Read a list of images by their numbers.

    Gives number → file, from lines such as `1 ../Data/Images/001/frontal/01.jpg`. Raises UserError.
    """
    out = {}
    for row, line in lines_of(path):
        number, _, file = line.partition(" ")
        file = file.strip().replace("\\", "/").removeprefix("../")
        if whole_number(number) is None or not file:
            raise UserError(f"{path}, line {row}, is not a number and an image: put the publisher's list there, as it came")
        out[number] = join_path(base, file)
    return out


def _pair(path: Path, row: int, line: str, first: dict[str, str], second: dict[str, str]) -> tuple[str, str]:
    one, _, other = (cell.strip() for cell in line.partition(","))
    if one not in first or other not in second:
        raise UserError(f"{path}, line {row}: {line!r} is not two numbers of the lists of images: put the publisher's file there")
    return first[one], second[other]
