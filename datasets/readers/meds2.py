"""MEDS-II (NIST Special Database 32): images such as `S001-01-t10_01.jpg`, and `subject_metadata.csv`."""

from __future__ import annotations

from pathlib import Path

from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.label_table import read_table
from faceparity.datasets.loading.publisher_layout import NOT_PUBLISHED, need
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset

TABLE = "subject_metadata.csv"


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all images of MEDS-II by the table of them.

    They may lie anywhere under root. The subject is the first part of an image's name. Raises UserError.
    """
    card = load_card("meds2")
    table = read_table(root / need(root, card, TABLE, f"truth/{TABLE}", f"data/{TABLE}"))
    image = table.need("img_name", NOT_PUBLISHED)
    columns = {attribute: table.need(about.column, NOT_PUBLISHED) for attribute, about in card.attributes.items()}
    files: dict[str, str] = {}
    for file in list_images(root):
        files.setdefault(file.rsplit("/", 1)[-1].casefold(), file)
    rows = []
    for line in table.lines:
        photo = line.cells[image]
        labels = {attribute: line.cells[column] for attribute, column in columns.items()}
        if labels["ethnicity"].upper() == "U":
            labels["ethnicity"] = "unknown"
        rows.append(LabelledImage(files.get(photo.casefold(), photo), line.where, photo.split("-")[0], labels))
    return build(card, root, rows, table.problems, name=name, rules=Rules(include_minors=include_minors))
