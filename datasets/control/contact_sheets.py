"""Contact sheets: many pictures of a part of the set in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from faceparity.datasets.control.generate import EXPOSURES, TONES


def _sheet(files: Sequence[Path], columns: int, side: int, target: Path, quality: int) -> None:
    """Write pictures as one JPEG.

    Row by row, each side × side pixels.
    """
    from PIL import Image

    sheet = Image.new("RGB", (columns * side, -(-len(files) // columns) * side))
    for i, file in enumerate(files):
        with Image.open(file) as picture:
            sheet.paste(picture.convert("RGB").resize((side, side)), (i % columns * side, i // columns * side))
    sheet.save(target, "JPEG", quality=quality, optimize=True)


def contact_sheet(folder: Path, to: Path, columns: int = 12, rows: int = 6, side: int = 120, quality: int = 80) -> None:
    """Write a JPEG of photographs from all cells.

    They are first photographs of heads spread evenly over the portraits: with as many rows as cells, a row is a cell.
    """
    files = sorted(folder.glob("*-1.jpg"))
    _sheet([files[i * len(files) // (columns * rows)] for i in range(columns * rows)], columns, side, to, quality)


def tone_sheet(folder: Path, to: Path, heads: int = 6, side: int = 80, quality: int = 80) -> None:
    """Write a JPEG of all tones and exposures.

    Of first captures: a row is a head, one of each cell if there are six; tones across, each in all exposures.
    """
    subjects = sorted({file.name.split("-t")[0] for file in folder.glob("*-t1-e1-c1.jpg")})
    chosen = [subjects[(2 * i + 1) * len(subjects) // (2 * heads)] for i in range(heads)]
    conditions = [(tone + 1, exposure + 1) for tone in range(len(TONES)) for exposure in range(len(EXPOSURES))]
    files = [folder / f"{subject}-t{tone}-e{exposure}-c1.jpg" for subject in chosen for tone, exposure in conditions]
    _sheet(files, len(conditions), side, to, quality)


SHEETS: dict[str, Callable[[Path, Path], None]] = {"control": contact_sheet, "tone": tone_sheet}
"""Part → what writes its sheet."""
