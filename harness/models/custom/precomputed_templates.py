"""A model of precomputed templates: an .npy file, and a CSV that names the image of each of its rows."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import check_regular, open_regular_text
from faceparity.datasets.fetch.artefacts import file_sha256
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import Extraction, Image

NOT_SUPPLIED = "no template supplied"


def _open_array(file: Path) -> NDArray[Any]:
    """Open the array memory-mapped, never unpickled.

    Raises UserError for anything but a matrix of floating-point numbers.
    """
    try:
        array = np.load(check_regular(file), mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise UserError(f"{file} can't be read ({error.strerror or 'no .npy file'}): correct the path in the card") from error
    except ValueError as error:
        raise UserError(f"{file} is not an .npy file of numbers, or not a whole one: write it with numpy.save") from error
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind != "f" or not array.shape[1]:
        shape = list(array.shape) if isinstance(array, np.ndarray) else "several arrays"
        raise UserError(f"{file}: one row of floating-point numbers for each image is wanted, not {shape}")
    return array


def shape_of(file: Path) -> tuple[int, int]:
    """Return the rows and columns of the templates.

    Raises UserError for a file that is not usable.
    """
    rows, columns = _open_array(file).shape
    return int(rows), int(columns)


def _read_rows(file: Path, rows: int) -> dict[str, int]:
    """Return each image's row, by its path in the CSV.

    Raises UserError if there are other rows than templates, or two of a file.
    """
    try:
        with open_regular_text(file, "utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            if "file" not in (reader.fieldnames or ()):
                raise UserError(f"{file.name}: there is no column `file`")
            names = [str(PurePosixPath((row["file"] or "").replace("\\", "/"))) for row in reader]
    except OSError as error:
        raise UserError(f"{file} can't be read ({error.strerror}): correct `files` in the card") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file.name} is not a CSV in UTF-8: {error}") from error
    if len(names) != rows:
        raise UserError(f"{file.name} has {len(names):,} rows, but there are {rows:,} templates: one row for each is wanted")
    row_by_name = {name: row for row, name in enumerate(names)}
    if len(row_by_name) != rows:
        duplicate = next(name for row, name in enumerate(names) if row_by_name[name] != row)
        raise UserError(f"{file.name}: {duplicate} is there twice")
    return row_by_name


class PrecomputedTemplates:
    """A model that looks templates up. An image that is not listed is a failure. `answer_check` finds templates that are not usable."""

    def __init__(self, card: ModelCard, templates: Path, files: Path) -> None:
        self.card = card
        self._templates = _open_array(templates)
        self._rows = _read_rows(files, self._templates.shape[0])
        self._digests = (file_sha256(templates), file_sha256(files))

    def fingerprint(self) -> str:
        """Return a sha256 of both files and the card's name."""
        return hashlib.sha256(json.dumps([self.card.name, *self._digests]).encode()).hexdigest()

    def extract(self, images: Sequence[Image]) -> list[Extraction]:
        """Return a failure for each image.

        Templates are known by file, so there are none for pixels.
        """
        return [Extraction("no_face", reason=NOT_SUPPLIED) for _ in images]

    def extract_files(self, paths: Sequence[Path], names: Sequence[str]) -> list[Extraction]:
        """Return one result per file, in order.

        A file is found by as much of the end of its path as the CSV gives.
        """
        return [self._look_up(name) for name in names]

    def _look_up(self, name: str) -> Extraction:
        parts = PurePosixPath(name.replace("\\", "/")).parts
        for first in range(len(parts)):
            row = self._rows.get("/".join(parts[first:]))
            if row is not None:
                return Extraction("ok", np.array(self._templates[row]), 1)
        return Extraction("no_face", reason=NOT_SUPPLIED)
