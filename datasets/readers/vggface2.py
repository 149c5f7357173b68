"""VGGFace2, the test part: `test/n000001/0001_01.jpg` with `meta/identity_meta.csv`; and the labels of MAAD-Face on it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from faceparity.datasets.common.regular_files import open_regular_text
from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.label_table import read_table, text_of
from faceparity.datasets.loading.publisher_layout import need, stream
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

META = "identity_meta.csv"
MAAD = "MAAD_Face.csv"
_ETHNICITIES, _AGES = ("Asian", "White", "Black"), ("Young", "Middle_Aged", "Senior")


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the test part of VGGFace2.

    Gender comes from the publisher's identity table; ethnicity where a table of it lies beside that one (columns Class_ID
    and Race). The training part is not read: it is what models learn from. Raises UserError.
    """
    card = load_card("vggface2")
    test = need(root, card, "test", "data/test")
    meta = need(root, card, f"meta/{META}", META)
    problems: list[Problem] = []
    gender = _genders(root / meta, problems)
    race = _races(root, meta)
    if race is None:
        card = card.model_copy(update={"attributes": {"gender": card.attributes["gender"]}, "default_by": ["gender"]})
    rows = []
    for file, subject in _images(root, test):
        labels = {"gender": gender.get(subject, "")}
        rows.append(
            LabelledImage(file, file, subject, labels if race is None else {**labels, "ethnicity": race.get(subject, "")})
        )
    return build(card, root, rows, problems, name=name, rules=Rules(within=(test,), include_minors=include_minors))


def _images(root: Path, test: str) -> list[tuple[str, str]]:
    """Return (file, subject) of each image in a subject's folder."""
    found = [(file, file.removeprefix(f"{test}/").split("/")) for file in list_images(root, (test,))]
    return [(file, parts[0]) for file, parts in found if len(parts) == 2]


def _genders(path: Path, problems: list[Problem]) -> dict[str, str]:
    """Read Class_ID → m or f from the identity table.

    Its rows are such as `n000002, "A_Fine_Frenzy",315,1, f`: names may hold commas, so cells count from the end.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text_of(path).splitlines(), 1):
        cells = [cell.strip() for cell in line.split(",")]
        if not line.strip() or cells[0].casefold() == "class_id":
            continue
        if len(cells) < 5 or cells[-1].casefold() not in ("m", "f"):
            problems.append(Problem("bad_row", f"{path.name}:{number}", "not Class_ID, Name, Sample_Num, Flag, Gender"))
            continue
        found[cells[0]] = cells[-1]
    return found


def _races(root: Path, meta: str) -> dict[str, str] | None:
    """Read Class_ID → race from a table of it.

    The table lies beside the identity table or at the top; None if there is none.
    """
    for path in sorted({*(root / meta).parent.glob("*.csv"), *root.glob("*.csv")}):
        if path.name in (META, MAAD):
            continue
        try:
            with open_regular_text(path, "utf-8-sig", errors="replace", newline="") as file:
                header = next(csv.reader(file), [])
        except OSError:
            continue
        if not {"class_id", "race"} <= {cell.strip().casefold() for cell in header}:
            continue
        table = read_table(path)
        who, what = table.column(["Class_ID"]), table.column(["Race"])
        if who and what:
            return {line.cells[who]: line.cells[what] for line in table.lines}
    return None


def read_maad(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the test part of VGGFace2 with MAAD-Face's labels.

    They are given for each image; an attribute that is 0 is undefined: no label. Of the rows of images that are not here,
    which are nearly all, only those of a subject that is here count as missing. Raises UserError.
    """
    card = load_card("maad_face")
    test = need(root, card, "test", "data/test")
    table = need(root, card, MAAD, f"maad/{MAAD}", f"meta/{MAAD}")
    subject_of = dict(_images(root, test))
    subjects = set(subject_of.values())
    columns = ("Filename", "Male", *_ETHNICITIES, *_AGES)
    rows, problems = [], []
    for number, cells in stream(root / table, columns):
        where = f"{MAAD}:{number}"
        if not cells:
            problems.append(Problem("bad_row", where, "too few cells"))
        elif cells[0].split("/")[0] in subjects:
            says = dict(zip(columns, cells, strict=True))
            labels = {
                "gender": {"1": "male", "-1": "female"}.get(says["Male"], ""),
                "ethnicity": _single_one(_ETHNICITIES, says.get),
                "age_group": _single_one(_AGES, says.get).replace("_", " ").lower(),
            }
            rows.append(LabelledImage(f"{test}/{cells[0]}", where, cells[0].split("/")[0], labels))
    rules = Rules(any_value=True, within=(test,), include_minors=include_minors)
    return build(card, root, rows, problems, name=name, rules=rules)


def _single_one(columns: tuple[str, ...], says: Callable[[str], str | None]) -> str:
    """Return the one of these columns that is 1.

    Empty if none is, or several are.
    """
    found = [column for column in columns if says(column) == "1"]
    return found[0] if len(found) == 1 else ""
