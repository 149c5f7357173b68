"""Balanced Faces in the Wild: eight folders such as `asian_females/n000009/0010_01.jpg`, and the datatable of pairs."""

from __future__ import annotations

from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import whole_number
from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.publisher_layout import find_path, need, refused_pickles, stream
from faceparity.datasets.readers.pair_lists import PairList, with_protocols
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

FOLDERS = tuple(f"{who}_{sex}" for who in ("asian", "black", "indian", "white") for sex in ("females", "males"))
_LABEL = {"1": True, "0": False, "1.0": True, "0.0": False, "true": True, "false": False}
_NOTED = 5
"""Maximum number of bad rows to name, of about a million in the datatable; the rest are counted."""


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all images of BFW, with the datatable's pairs.

    Images are grouped by what their folder says. The pairs are there if a CSV of the datatable is. Raises UserError.
    """
    card = load_card("bfw")
    need(root, card, *FOLDERS)
    problems = refused_pickles(root, "use the datatable as CSV")
    folders = {}
    for folder in FOLDERS:
        found = find_path(root, folder)
        if found is None:
            problems.append(Problem("missing_file", folder, "this folder of the set is not here"))
        else:
            folders[found] = folder.split("_")
    rows = []
    for file in list_images(root, tuple(folders)):
        parts = file.split("/")
        if len(parts) == 3:
            ethnicity, gender = folders[parts[0]]
            rows.append(LabelledImage(file, file, parts[1], {"ethnicity": ethnicity, "gender": gender}))
    lists = _datatables(root, problems)
    rules = Rules(within=tuple(folders), include_minors=include_minors)
    return with_protocols(build(card, root, rows, problems, name=name, rules=rules), lists)


def _datatables(root: Path, problems: list[Problem]) -> list[PairList]:
    tables = sorted(path for path in root.iterdir() if path.suffix.casefold() == ".csv" and "datatable" in path.name.casefold())
    if not tables:
        problems.append(Problem("missing_file", "bfw-*-datatable.csv", "the published pairs are not compared"))
        return []
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)
        raise UserError(f"{root} has several datatables ({names}): leave one of them there")
    return [_pairs(tables[0], problems)]


def _pairs(path: Path, problems: list[Problem]) -> PairList:
    """Read the pairs of a datatable, in its order.

    `id1` and `id2` number the people of one group only; the paths say who is who. Raises UserError if no pair can be
    read.
    """
    first_files: list[str] = []
    second_files: list[str] = []
    mated: list[bool] = []
    fold: list[int] = []
    rows: list[int] = []
    known: dict[str, str] = {}  # one string for each image, not one for each time that it is named
    bad: list[int] = []
    contrary: list[int] = []
    for number, cells in stream(path, ("fold", "p1", "p2", "label")):
        label = _LABEL.get(cells[3].casefold()) if cells else None
        in_fold = whole_number(cells[0]) if cells else None
        if label is None or not in_fold or not cells[1] or not cells[2]:
            bad.append(number)
            continue
        first, second = (known.setdefault(cell, cell.replace("\\", "/")) for cell in cells[1:3])
        if label != (first.split("/")[-2:-1] == second.split("/")[-2:-1]):
            contrary.append(number)
        first_files.append(first)
        second_files.append(second)
        mated.append(label)
        fold.append(in_fold - 1)
        rows.append(number)
    if not first_files:
        raise UserError(f"{path} lists no pair that can be read (fold, p1, p2, label): put the publisher's file there")
    problems += _bad_rows(path, bad, "a row without a fold from 1, two paths and a label of 1 or 0: left out")
    problems += _bad_rows(path, contrary, "its label and the folders' people disagree: followed as it is listed")
    return PairList("datatable", path.name, first_files, second_files, mated, fold, rows, max(fold) + 1)


def _bad_rows(path: Path, numbers: list[int], what: str) -> list[Problem]:
    found = [Problem("bad_row", f"{path.name}:{number}", what) for number in numbers[:_NOTED]]
    more = len(numbers) - _NOTED
    return found + ([Problem("bad_row", path.name, f"{more:,} more: {what}")] if more > 0 else [])
