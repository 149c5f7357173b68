"""FairFace, as its authors give it out: `val/1.jpg` and `fairface_label_val.csv`; or the same with `train`. No subject labels."""

from __future__ import annotations

from pathlib import Path

from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.label_table import read_table
from faceparity.datasets.loading.publisher_layout import NOT_PUBLISHED, need
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset

TABLES = {"val": "fairface_label_val.csv", "train": "fairface_label_train.csv"}
"""The folder of images → its label file. Where both are there, val is read: train is what models learn from."""


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the validation part of FairFace.

    The training part is read if that alone is there. Ages keep the set's own bins. Raises UserError.
    """
    card = load_card("fairface")
    path = need(root, card, *TABLES.values())
    part = next(part for part, table in TABLES.items() if table.casefold() == path.casefold())
    table = read_table(root / path)
    file = table.need("file", NOT_PUBLISHED)
    columns = {attribute: table.need(about.column, NOT_PUBLISHED) for attribute, about in card.attributes.items()}
    prefixed = not (root / "fairface").is_dir()
    rows = [
        LabelledImage(
            line.cells[file].removeprefix("fairface/") if prefixed else line.cells[file],
            line.where,
            labels={attribute: line.cells[column] for attribute, column in columns.items()},
        )
        for line in table.lines
    ]
    within = (part,) if (root / part).is_dir() else ()
    rules = Rules(own_age_bins=True, within=within, include_minors=include_minors)
    return build(card, root, rows, table.problems, name=name, rules=rules)
