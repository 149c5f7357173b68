"""Face Research Lab London Set, as figshare gives it out: `neutral_front/001_03.jpg`, `smiling_front/001_08.jpg`, one CSV."""

from __future__ import annotations

import os
import re
from pathlib import Path

from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.label_table import read_table
from faceparity.datasets.loading.publisher_layout import NOT_PUBLISHED, need
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

TABLES = ("london_faces_info.csv", "london_info.csv")
FOLDERS = {"03": "neutral_front", "08": "smiling_front"}
"""The number in a file's name → the folder of that pose."""

_FILE = re.compile(r"(\d+)_(03|08)", re.ASCII)


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the frontal photographs, neutral and smiling.

    Images may also lie in root itself. Either folder may be missing: that is one problem, and without both there are no
    mated pairs. Raises UserError.
    """
    card = load_card("london")
    path = root / need(root, card, *TABLES)
    table = read_table(path)
    identity = table.need("face_id", NOT_PUBLISHED)
    columns = {attribute: table.need(about.column, NOT_PUBLISHED) for attribute, about in card.attributes.items()}
    flat = not any((root / folder).is_dir() for folder in FOLDERS.values())
    present = {"": ""} if flat else {pose: folder for pose, folder in FOLDERS.items() if (root / folder).is_dir()}
    problems = list(table.problems)
    if not flat:
        absent = [folder for folder in FOLDERS.values() if folder not in present.values()]
        problems += [Problem("missing_file", folder, "this folder of the set is not here: no mated pairs") for folder in absent]
    images = _images(root, flat, tuple(present.values()))
    rows = []
    for line in table.lines:
        # Spreadsheets drop the zeros of 007.
        subject = line.cells[identity].zfill(3)
        labels = {attribute: line.cells[column] for attribute, column in columns.items()}
        for pose, folder in FOLDERS.items():
            if flat or pose in present:
                file = images.get((subject, pose), f"{'' if flat else folder + '/'}{subject}_{pose}.jpg")
                rows.append(LabelledImage(file, line.where, subject, labels))
    within = () if flat else tuple(present.values())
    return build(card, root, rows, problems, name=name, rules=Rules(within=within, include_minors=include_minors))


def _images(root: Path, flat: bool, folders: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """Return (subject, pose) → file, of any image's suffix."""
    found: dict[tuple[str, str], str] = {}
    for file in list_images(root, () if flat else folders):
        if match := _FILE.fullmatch(os.path.splitext(os.path.basename(file))[0]):
            found.setdefault((match[1].zfill(3), match[2]), file)
    return found
