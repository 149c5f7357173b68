"""Official portraits of members of the United States Congress: `labels.csv` and the pairs that show one photograph."""

from __future__ import annotations

import math
from pathlib import Path

from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.label_table import read_table
from faceparity.datasets.loading.publisher_layout import need
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

LABELS = "labels.csv"
SAME_PHOTO = "same_photo_pairs.csv"


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all portraits of members of Congress.

    A person's age group is that of the year of each picture (photo_year - birth_year), so it may differ between two
    pictures of one person. Raises UserError.
    """
    card = load_card("us_congress")
    table = read_table(root / need(root, card, LABELS))
    note = "this is not the layout of us_congress; read your own with folder=DIR"
    file, subject, year = (table.need(column, note) for column in ("file", "bioguide", "photo_year"))
    columns = {attribute: table.need(about.column, note) for attribute, about in card.attributes.items()}
    rows = []
    for line in table.lines:
        labels = {attribute: line.cells[column] for attribute, column in columns.items()}
        taken, born = _year(line.cells[year]), _year(labels["age_group"])
        age = "" if math.isnan(taken) else labels["age_group"] if math.isnan(born) else f"{taken - born:.0f}"
        rows.append(LabelledImage(line.cells[file], line.where, line.cells[subject], labels, age, taken))
    problems = list(table.problems)
    pairs = []
    if (root / SAME_PHOTO).is_file():
        listed = read_table(root / SAME_PHOTO)
        problems += listed.problems
        first, second = listed.need("file_a", note), listed.need("file_b", note)
        pairs = [(line.where, line.cells[first], line.cells[second]) for line in listed.lines]
    else:
        problems.append(Problem("missing_file", SAME_PHOTO, "pairs that show one photograph count as mated comparisons"))
    rules = Rules(with_years=True, include_minors=include_minors)
    return build(card, root, rows, problems, name=name, rules=rules, same_photo=pairs)


def _year(cell: str) -> float:
    return float(cell) if cell.isascii() and cell.isdigit() and len(cell) == 4 else float("nan")
