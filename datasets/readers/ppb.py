"""Pilot Parliaments Benchmark: `PPB-2017-metadata.csv`, whose lines may end in a bare CR, and `imgs/`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.label_table import text_of
from faceparity.datasets.loading.publisher_layout import find_path, need
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

TABLE = "PPB-2017-metadata.csv"
COLUMNS = ("id", "file", "gender", "numeric", "skin", "country")
"""By position: the names in the header may differ between copies."""


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read one image of each parliamentarian.

    So there are no mated comparisons. Raises UserError.
    """
    card = load_card("ppb")
    path = need(root, card, TABLE, f"PPB-2017/{TABLE}")
    base = path.rpartition("/")[0]
    images = find_path(root, f"{base}/imgs" if base else "imgs")
    rows, problems = [], []
    # Nothing is quoted, and names may hold quotation marks: a CSV parser would run rows together.
    for number, line in enumerate(text_of(root / path).replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        cells = [cell.strip() for cell in line.split(",")]
        where = f"{TABLE}:{number}"
        if not any(cells) or (number == 1 and cells[2:3] and cells[2].casefold() not in ("male", "female")):
            continue
        if len(cells) != len(COLUMNS) or not cells[1]:
            problems.append(Problem("bad_row", where, f"{len(cells)} cells, not the {len(COLUMNS)} of {', '.join(COLUMNS)}"))
            continue
        file = f"{images}/{cells[1]}" if images else cells[1]
        rows.append(LabelledImage(file, where, cells[1], {"gender": cells[2], "skin_tone": cells[4]}))
    rules = Rules(within=(images,) if images else (), include_minors=include_minors)
    data = build(card, root, rows, problems, name=name, rules=rules)
    return replace(data, unused={"numeric": "what its numbers mean is not documented", "country": "where, not who"})
