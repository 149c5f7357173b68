"""UTKFace: everything is in the file's name, `AGE_GENDER_RACE_DATE.jpg.chip.jpg`. No subject labels."""

from __future__ import annotations

import re
from pathlib import Path

from faceparity.datasets.common.sanitise import printable
from faceparity.datasets.loading.builder import LabelledImage, Rules, build, folder_of
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.publisher_layout import wrong_folder
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

# The date has 17 digits; some names have a blank or lack the dot after it.
_NAME = re.compile(r"(\d{1,3})_(\d)_(\d)_\d{14,20}\D", re.ASCII)
_PART = re.compile(r"\d{1,3}_[\d_]*\d{14,20}", re.ASCII)


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all images of UTKFace whose name is complete.

    In a name of too few parts (`61_1_20170109142408075`) nobody can know whether the 1 is the gender or the race: it is
    left out and counted. Raises UserError.
    """
    folder_of(root)
    card = load_card("utkface")
    rows, problems, aside = [], [], []
    for file in list_images(root):
        last = file.rsplit("/", 1)[-1]
        if found := _NAME.match(last):
            age, gender, race = found.groups()
            rows.append(LabelledImage(file, file, labels={"gender": gender, "ethnicity": race, "age_group": age}))
        elif _PART.match(last):
            problems.append(Problem("bad_row", printable(file), "its name lacks the gender or the race"))
            aside.append(file)
    if not rows and not aside:
        raise wrong_folder(root, card)
    rules = Rules(include_minors=include_minors, aside=frozenset(aside))
    return build(card, root, rows, problems, name=name, rules=rules)
