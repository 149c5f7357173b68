"""IJB-C: faces cut out of its images by the boxes of `protocols/ijbc_metadata_with_age.csv`.

An image of IJB-C shows several people, and its table says which of them is meant. So each face is cut out once, with a margin:

    python -m faceparity.datasets.readers.ijbc FOLDER

writes FOLDER/crops/SUBJECT/IMAGE.png from FOLDER/images and FOLDER/protocols, and the reader reads those.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.loading.builder import LabelledImage, Rules, build, folder_of
from faceparity.datasets.loading.image_files import Locator, OutsideRoot, UnreadableImage, decode
from faceparity.datasets.loading.publisher_layout import need, stream
from faceparity.datasets.readers.ijbc_protocols import whole_number, with_set_protocols
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

TABLES = ("protocols/ijbc_metadata_with_age.csv", "protocols/ijbc_metadata.csv")
CROPS = "crops"
MARGIN = 0.4
"""Of the box's width and height, added on each side: detectors want some head around a face."""
_BOX = ("FACE_X", "FACE_Y", "FACE_WIDTH", "FACE_HEIGHT")
_LABELS = {"gender": "GENDER", "skin_tone": "SKINTONE"}


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the faces of IJB-C that were cut out before.

    They have a subject, and GENDER and SKINTONE as numbers. The protocols of one-to-one comparison and of search are
    followed where their files are there. Raises UserError, also where nothing was cut out yet.
    """
    card = load_card("ijbc")
    path = need(root, card, *TABLES)
    if not (root / CROPS).is_dir():
        raise UserError(
            f"{root} has no {CROPS}: cut its faces out first with `python -m faceparity.datasets.readers.ijbc {root}`"
        )
    rows, problems, media = [], [], {}
    for number, cells in stream(root / path, ("SUBJECT_ID", "FILENAME", *_LABELS.values()), ("SIGHTING_ID",)):
        where = f"{Path(path).name}:{number}"
        if not cells or not whole_number(cells[0]):
            problems.append(Problem("bad_row", where, "no subject"))
            continue
        labels = {attribute: whole_number(cell) for attribute, cell in zip(_LABELS, cells[2:], strict=False)}
        crop = crop_name(cells[0], cells[1])
        media[crop] = (whole_number(cells[0]), cells[1], whole_number(cells[-1]) or cells[1])
        rows.append(LabelledImage(crop, where, whole_number(cells[0]), labels))
    rules = Rules(any_value=True, within=(CROPS,), include_minors=include_minors)
    data = build(card, root, rows, problems, name=name, rules=rules)
    samples = [(i, media[crop]) for i, crop in enumerate(data.files)]
    return with_set_protocols(data, root, {(who, file): (i, medium) for i, (who, file, medium) in samples})


def crop_name(subject: str, file: str) -> str:
    """Return the path of one subject's face in one image."""
    stem = file.replace("\\", "/").rpartition(".")[0].replace("/", "_").replace("..", "_")
    return f"{CROPS}/{whole_number(subject)}/{stem}.png"


def cut_faces(root: Path) -> Iterator[tuple[str, str]]:
    """Cut out every face that is not there yet.

    Yields (file, what went wrong) for each that could not be cut out. Raises UserError.
    """
    from PIL import Image

    folder_of(root)
    path = need(root, load_card("ijbc"), *TABLES)
    images = Locator(root / need(root, load_card("ijbc"), "images"))
    for _, cells in stream(root / path, ("SUBJECT_ID", "FILENAME", *_BOX)):
        target = root / crop_name(cells[0], cells[1]) if cells and whole_number(cells[0]) else None
        if target is None or target.exists():
            continue
        try:
            file = images.find(cells[1])
            if file is None:
                raise UnreadableImage("no such file")
            pixels = decode(images.root / file)
            box_x, box_y, width, height = (float(cell) for cell in cells[2:])
            left, top = max(0, round(box_x - MARGIN * width)), max(0, round(box_y - MARGIN * height))
            part = pixels[top : round(box_y + (1 + MARGIN) * height), left : round(box_x + (1 + MARGIN) * width)]
            if not part.size:
                raise UnreadableImage("its box lies outside the image")
        except (UnreadableImage, OutsideRoot, ValueError, OverflowError) as error:
            yield cells[1], str(error) or "unusable"
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part_file = target.with_suffix(".part")
        Image.fromarray(part).save(part_file, "PNG")
        part_file.rename(target)


def main() -> int:
    """Run `python -m faceparity.datasets.readers.ijbc FOLDER`.

    Returns 0 if every face was cut out, 1 if some were not, 2 for a mistake.
    """
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m faceparity.datasets.readers.ijbc FOLDER\n")
        return 2
    failed = 0
    try:
        for file, why in cut_faces(Path(sys.argv[1])):
            failed += 1
            sys.stderr.write(f"{file}: {why}\n")
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
