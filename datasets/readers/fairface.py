"""FairFace, as its authors give it out: `val/1.jpg` and `fairface_label_val.csv`; or the same with `train`. No subject labels."""

from __future__ import annotations

from pathlib import Path

from ..build import Row, Rules, build, folder_of
from ..card import load_card
from ..dataset import Dataset
from ..errors import UserError
from ..tables import read_table

TABLES = {"val": "fairface_label_val.csv", "train": "fairface_label_train.csv"}
"""The folder of images → its label file. Where both are there, val is read: train is what models learn from."""


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """The validation part, or the training part if that alone is there. Ages keep the set's own bins. Raises UserError."""
    folder_of(root)
    part = next((part for part, table in TABLES.items() if (root / table).is_file()), None)
    if part is None:
        raise UserError(f"{root} has no {TABLES['val']}: the data set comes with that file; put it beside the folder val")
    table = read_table(root / TABLES[part])
    card = load_card("fairface")
    note = "this is not the publisher's file; read your own layout with folder=DIR"
    file = table.need("file", note)
    columns = {attribute: table.need(about.column, note) for attribute, about in card.attributes.items()}
    prefixed = not (root / "fairface").is_dir()
    rows = [
        Row(
            line.cells[file].removeprefix("fairface/") if prefixed else line.cells[file],
            line.where,
            labels={attribute: line.cells[column] for attribute, column in columns.items()},
        )
        for line in table.lines
    ]
    within = (part,) if (root / part).is_dir() else ()
    rules = Rules(own_age_bins=True, within=within, include_minors=include_minors)
    return build(card, root, rows, table.problems, name=name, rules=rules)
