"""Racial Faces in the Wild, the test part: `test/data/African/m.0xxxx/m.0xxxx_0001.jpg`, and a list of pairs for each race."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.publisher_layout import find_path, need, wrong_folder
from faceparity.datasets.readers.pair_lists import PairList, read_lfw_list, with_protocols
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

RACES = ("African", "Asian", "Caucasian", "Indian")


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the test part of RFW, grouped by race.

    With it come the four published lists of pairs. The training part is not read. Raises UserError.
    """
    card = load_card("rfw")
    data = need(root, card, "test/data")
    races = {folder.casefold(): folder for folder in RACES}
    rows, problems = [], []
    for file in list_images(root, (data,)):
        parts = file.removeprefix(f"{data}/").split("/")
        if len(parts) == 3 and parts[0].casefold() in races:
            rows.append(LabelledImage(file, file, parts[1], {"ethnicity": races[parts[0].casefold()]}))
    if not rows:
        raise wrong_folder(root / data, card)
    lists: list[PairList] = []
    for race in RACES:
        folder = find_path(root, f"{data}/{race}")
        path = find_path(root, f"test/txts/{race}/{race}_pairs.txt")
        if folder is None:
            problems.append(Problem("missing_file", f"{data}/{race}", "the images of this race are not here"))
        elif path is None:
            problems.append(Problem("missing_file", f"test/txts/{race}/{race}_pairs.txt", "its published pairs are not compared"))
        else:
            # Unlike LFW's, the set's lists have no first line with the number of folds.
            lists.append(read_lfw_list(root / path, race, partial(_file, folder), header=False))
    rules = Rules(within=(data,), include_minors=include_minors)
    return with_protocols(build(card, root, rows, problems, name=name, rules=rules), lists)


def _file(folder: str, subject: str, number: int) -> str:
    return f"{folder}/{subject}/{subject}_{number:04d}.jpg"
