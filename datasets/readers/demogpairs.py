"""DemogPairs: `DemogPairs/PERSON/002.jpg`, and one list for each of six groups, `Metadata/Asian_Females.txt`."""

from __future__ import annotations

from pathlib import Path

from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.publisher_layout import find_path, need
from faceparity.datasets.readers.pair_lists import lines_of
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

GROUPS = tuple(f"{who}_{sex}" for who in ("Asian", "Black", "White") for sex in ("Females", "Males"))


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all images that the six lists name.

    Each is of the person whose folder it is in. Raises UserError.
    """
    card = load_card("demogpairs")
    lists = need(root, card, "Metadata")
    images = find_path(root, "DemogPairs", "images")
    rows, problems = [], []
    for group in GROUPS:
        path = find_path(root, f"{lists}/{group}.txt")
        if path is None:
            problems.append(Problem("missing_file", f"{lists}/{group}.txt", "the list of this group is not here"))
            continue
        ethnicity, gender = group.split("_")
        for number, line in lines_of(root / path):
            cells = line.split(maxsplit=1)  # the source's code, then the path; no name has a blank
            if cells[-1].casefold() == "image_path":
                continue
            parts = cells[-1].replace("\\", "/").strip("/").split("/")
            where = f"{group}.txt:{number}"
            if len(cells) != 2 or len(parts) < 2:
                problems.append(Problem("bad_row", where, f"{line!r} is not a source and PERSON/IMAGE.jpg"))
                continue
            file = "/".join(parts if images is None or parts[0] == images else [images, *parts])
            rows.append(LabelledImage(file, where, parts[-2], {"ethnicity": ethnicity, "gender": gender}))
    rules = Rules(within=(images,) if images else (), include_minors=include_minors)
    return build(card, root, rows, problems, name=name, rules=rules)
