"""The control set: synthetic heads rendered by `faceparity.datasets.control`, with labels.csv beside the images."""

from __future__ import annotations

from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.loading.builder import LabelledImage, Rules, build, folder_of
from faceparity.datasets.loading.label_table import read_table
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset

TABLE = "labels.csv"


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the control set's portraits, four of each head.

    Raises UserError.
    """
    return _read(root, "control", name, include_minors)


def read_tone(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the controlled experiment of tone and exposure.

    It has every head in every skin tone and exposure, two captures of each. Raises UserError.
    """
    return _read(root, "control-tone", name, include_minors)


def _read(root: Path, which: str, name: str | None, include_minors: bool) -> Dataset:
    folder_of(root)
    if not (root / TABLE).is_file():
        part = " --part tone" if which == "control-tone" else ""
        raise UserError(f"{root} has no {TABLE}: make the set again with `python -m faceparity.datasets.control {root}{part}`")
    card = load_card(which)
    table = read_table(root / TABLE)
    note = "this is not the control set; read your own layout with folder=DIR"
    file, subject = table.need("file", note), table.need("subject", note)
    columns = {attribute: table.need(about.column, note) for attribute, about in card.attributes.items()}
    rows = [
        LabelledImage(
            line.cells[file], line.where, line.cells[subject], {label: line.cells[column] for label, column in columns.items()}
        )
        for line in table.lines
    ]
    rules = Rules(any_value=True, include_minors=include_minors)
    return build(card, root, rows, table.problems, name=name, rules=rules)
