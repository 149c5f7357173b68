"""Chicago Face Database: everything is in the file's name, `CFD-WM-238-020-N.jpg`; folders as they come."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from faceparity.datasets.loading.builder import LabelledImage, Rules, build, folder_of
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.publisher_layout import wrong_folder
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset

_NAME = re.compile(r"CFD-([A-Z])([A-Z])-(\d+)-(\d+)-(?:A|F|HC|HO|N)", re.ASCII)
"""Race, gender, model, picture, expression."""


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the photographs of the Chicago Face Database.

    They are all those of the main set, CFD-MR and CFD-INDIA that are here. Raises UserError.
    """
    folder_of(root)
    card = load_card("cfd")
    rows = []
    for file in list_images(root):
        if found := _NAME.match(file.rsplit("/", 1)[-1]):
            race, gender, model, _ = found.groups()
            rows.append(LabelledImage(file, file, f"{race}{gender}-{model}", {"gender": gender, "ethnicity": race}))
    if not rows:
        raise wrong_folder(root, card)
    data = build(card, root, rows, name=name, rules=Rules(include_minors=include_minors))
    return replace(data, unused={"age": "only in the spreadsheet of norming data, which is not read"})
