"""FHIBE, the cropped and aligned faces of the downsampled release: one CSV, some of whose cells are Python lists written as text."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.publisher_layout import need, stream
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

TABLE = "fhibe_face_crop_align.csv"
PLACES = (f"data/processed/fhibe_face_crop_align/{TABLE}", f"data/processed/{TABLE}", f"fhibe_face_crop_align/{TABLE}", TABLE)
REGIONS = ("Africa", "Americas", "Asia", "Europe", "Oceania")
_SUBREGIONS = {
    "Caribbean": "Americas",
    "Central America": "Americas",
    "South America": "Americas",
    "Northern America": "Americas",
}
_SUBREGIONS |= dict.fromkeys(("Australia and New Zealand", "Melanesia", "Micronesia", "Polynesia"), "Oceania")
_SKIN = {(102, 78, 65): "VI", (136, 105, 81): "V", (164, 131, 103): "IV", (175, 148, 120): "III"}
_SKIN |= {(189, 163, 137): "II", (198, 180, 157): "I"}
"""The six colours that people chose from → the Fitzpatrick type that the publisher's documentation puts beside it."""


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the face crops of images that show one person.

    Crops of images that show two are left out, as in the publisher's own evaluation of verification, and counted. Several
    pronouns give no gender, several regions of ancestry the group `several`. Raises UserError.
    """
    card = load_card("fhibe")
    path = need(root, card, *PLACES)
    columns = [about.column for about in card.attributes.values()]
    files: dict[str, list[str]] = {}
    for image in list_images(root):
        files.setdefault(image.rsplit("/", 1)[-1], []).append(image)
    rows, problems, aside = [], [], set()
    for number, cells in stream(root / path, ("filepath", "subject_id", *columns), ("multiple_subjects",)):
        where = f"{TABLE}:{number}"
        if not cells:
            problems.append(Problem("bad_row", where, "too few cells"))
            continue
        file, subject, *words, several = cells
        found = matching_image(file, files)
        if several.casefold() == "true":
            problems.append(Problem("bad_row", where, "shows two people: left out, as the publisher does"))
            aside.add(found)
            continue
        words_of = dict(zip(card.attributes, words, strict=True))
        labels = {
            "gender": only_choice(selections(words_of["gender"])),
            "ancestry": region(selections(words_of["ancestry"])),
            "age_group": re.sub(r"^\[(\d+),\s*\+[\])]$", r"\1+", words_of["age_group"]),
            "skin_tone": skin(words_of["skin_tone"]),
        }
        rows.append(LabelledImage(found, where, subject, labels))
    within = tuple({found.rsplit("/", 1)[0] for found in (row.file for row in rows) if "/" in found and (root / found).is_file()})
    rules = Rules(any_value=True, within=_outermost(within), include_minors=include_minors, aside=frozenset(aside))
    return build(card, root, rows, problems, name=name, rules=rules)


def matching_image(file: str, files: Mapping[str, list[str]]) -> str:
    """Return the image that a path means.

    The path may start from any folder: of the images of its name it means the one that shares most folders with it, a
    crop before any other. The path itself is returned if there is no such image, or if two are equally like it.
    """
    parts = file.replace("\\", "/").split("/")

    def likeness(image: str) -> tuple[bool, int]:
        same = takewhile(lambda pair: pair[0] == pair[1], zip(reversed(image.split("/")), reversed(parts), strict=False))
        return "crop_align" in image, sum(1 for _ in same)

    ranked = sorted(((likeness(image), image) for image in files.get(parts[-1], ())), reverse=True)
    is_clear = ranked and (len(ranked) == 1 or ranked[0][0] != ranked[1][0])
    return ranked[0][1] if is_clear else file


def _outermost(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Return the folders that lie in none of the others.

    So no image is listed twice.
    """
    return tuple(sorted(folder for folder in folders if not any(folder.startswith(f"{other}/") for other in folders)))


def selections(cell: str) -> list[str]:
    """Return the choices in a cell, without their numbers.

    `['0. She/her/hers']` gives She/her/hers; so does a single choice without brackets. Never evaluated as code.
    """
    choices: object = cell
    if cell.startswith("[") and len(cell) < 4096:
        try:
            choices = ast.literal_eval(cell)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            choices = cell
    listed = choices if isinstance(choices, list) else [choices]
    return [re.sub(r"^\d+\.\s*", "", str(choice).strip()) for choice in listed if str(choice).strip()]


def only_choice(choices: list[str]) -> str:
    """Return the only choice; empty if none or several."""
    return choices[0] if len(choices) == 1 else ""


def region(choices: list[str]) -> str:
    """Return the region of the world of all choices.

    `several` if they lie in more than one, empty if none is known.
    """
    known = {
        _SUBREGIONS.get(choice)
        or next((name for name in REGIONS if choice == name or choice.endswith(f" {name.removesuffix('s')}")), choice)
        for choice in choices
    }
    found = {name for name in known if name in REGIONS}
    return "several" if len(found) > 1 else next(iter(found), "")


def skin(cell: str) -> str:
    """Return the Fitzpatrick type of one of the six colours.

    The colour is written `[102, 78, 65]` or `0. [102, 78, 65]`; any other text is returned unchanged.
    """
    numbers = re.search(r"\[\s*(\d+),\s*(\d+),\s*(\d+)\s*\]", cell)
    return _SKIN.get((int(numbers[1]), int(numbers[2]), int(numbers[3])), cell) if numbers else cell
