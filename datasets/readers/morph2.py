"""MORPH-II, the academic release: `morph_2008_nonCommercial.csv` and the folders of images that its column photo names."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from faceparity.datasets.loading.builder import Rules, build
from faceparity.datasets.loading.label_table import read_table
from faceparity.datasets.loading.publisher_layout import need, rows_of
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset

TABLE = "morph_2008_nonCommercial.csv"
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)", re.ASCII)


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all images of MORPH-II.

    Age and the year of arrest are those of the table. A person to whom the table gives two races or genders has none: the
    release is known for it. Raises UserError.
    """
    card = load_card("morph2")
    path = need(root, card, TABLE, f"MORPH_nonCommercial/{TABLE}")
    table = read_table(root / path)
    prefix = path.rpartition("/")[0]
    rows = rows_of(table, card, file="photo", subject="id_num", prefix=f"{prefix}/" if prefix else "")
    taken = table.column(["doa"])
    if taken is not None:
        years = [_YEAR.search(line.cells[taken]) for line in table.lines]
        rows = [replace(row, year=float(year[1])) if year else row for row, year in zip(rows, years, strict=True)]
    rules = Rules(with_years=taken is not None, include_minors=include_minors)
    return build(card, root, rows, table.problems, name=name, rules=rules)
