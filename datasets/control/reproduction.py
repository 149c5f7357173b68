"""Compare what the generator makes on this machine with the set that is committed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.control.produce import TABLE, Row

TOLERANCE = 2.0
"""Grey levels: how far the mean of a file's differences may be from none where other versions of libraries draw it."""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How images made now differ from those in a folder.

    same_bytes, same_pixels: how many of the `files` are equal as files, as decoded pictures. largest: difference of any one pixel and
    channel, in grey levels; mean: of a whole file, the worst file's. labels: rows of the table that are other or missing.
    """

    files: int
    same_bytes: int
    same_pixels: int
    largest: int
    mean: float
    labels: int

    @property
    def alike(self) -> bool:
        """Return whether it is the same set, within `TOLERANCE`."""
        return self.files > 0 and self.labels == 0 and self.mean <= TOLERANCE

    def __str__(self) -> str:
        return (
            f"{self.files:,} images made again: {self.same_bytes:,} equal as files, {self.same_pixels:,} as pixels; largest difference "
            f"{self.largest} grey levels, mean of the worst image {self.mean:.3g}; {self.labels} rows of labels differ"
        )


def pixels(jpeg: bytes) -> NDArray[np.int16]:
    """Return a JPEG's pixels as int16[height, width, 3]."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as picture:
        return np.asarray(picture.convert("RGB"), np.int16)


def compare(folder: Path, images: Iterable[tuple[Row, bytes]]) -> Reproduction:
    """Compare images made now with a folder's files.

    By name, with their labels. Raises UserError if a file is not there.
    """
    labels_by_file = _labels(folder)
    files = same_bytes = same_pixels = largest = labels = 0
    worst_mean = 0.0
    for row, data in images:
        name = str(row[0])
        try:
            stored = (folder / name).read_bytes()
        except OSError as error:
            raise UserError(f"{folder / name} can't be read ({error.strerror}): nothing to compare with") from error
        differences = np.abs(pixels(stored) - pixels(data))
        files += 1
        same_bytes += stored == data
        same_pixels += not differences.any()
        largest, worst_mean = max(largest, int(differences.max())), max(worst_mean, float(differences.mean()))
        labels += labels_by_file.get(name) != tuple(str(cell) for cell in row)
    return Reproduction(files, same_bytes, same_pixels, largest, worst_mean, labels)


def _labels(folder: Path) -> dict[str, tuple[str, ...]]:
    try:
        with (folder / TABLE).open(newline="", encoding="utf-8") as file:
            return {row[0]: tuple(row) for row in list(csv.reader(file))[1:] if row}
    except OSError as error:
        raise UserError(f"{folder / TABLE} can't be read ({error.strerror}): nothing to compare with") from error
