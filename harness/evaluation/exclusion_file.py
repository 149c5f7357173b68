"""The file of `--exclude`: images and comparisons that a person has looked at and leaves out by name. Never by score."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import printable
from faceparity.datasets.loading.label_table import LabelTable, Line, plain, read_table
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.results import ExclusionReason

REASONS: dict[str, ExclusionReason] = {
    "wronglabel": "wrong_label",
    "mislabelled": "wrong_label",
    "mislabeled": "wrong_label",
    "sameperson": "same_person",
    "relative": "relative",
    "twin": "relative",
    "twins": "relative",
    "duplicate": "duplicate",
    "badimage": "bad_image",
    "": "not_given",
}
"""What may stand in the column `reason`, without blanks, hyphens and underscores; any other text counts as "other"."""

_SHAPE = "columns file (excludes an image) or file_a and file_b (exclude one comparison), and reason if you like"


@dataclass(frozen=True)
class ExclusionRow:
    """One row: an image (b empty) or a comparison. dataset: empty, or the one that is meant."""

    where: str
    a: str
    b: str
    reason: str
    dataset: str


@dataclass(frozen=True)
class Excluded:
    """Samples and pairs of one data set that are excluded.

    samples: int32[k], rising. pairs: int32[m, 2], lower sample first, sorted, each once; none with an excluded sample, none that
    the set lists as one photograph. *_reasons: each one's category. *_texts: each one's reason as written, for the private part.
    """

    samples: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    pairs: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 2), np.int32))
    sample_texts: tuple[str, ...] = ()
    pair_texts: tuple[str, ...] = ()

    @property
    def sample_reasons(self) -> list[ExclusionReason]:
        """Return the category of each sample's reason."""
        return [category(text) for text in self.sample_texts]

    @property
    def pair_reasons(self) -> list[ExclusionReason]:
        """Return the category of each pair's reason."""
        return [category(text) for text in self.pair_texts]

    def renumbered(self, number: NDArray[np.int32]) -> Excluded:
        """Return what is excluded of a smaller data set.

        number: int32[n_samples], each sample's number there, -1 of those that are not.
        """
        samples, pairs = number[self.samples], number[self.pairs]
        kept, both = samples >= 0, np.all(pairs >= 0, axis=1)
        return Excluded(
            samples[kept], pairs[both],
            tuple(text for text, keep in zip(self.sample_texts, kept, strict=True) if keep),
            tuple(text for text, keep in zip(self.pair_texts, both.tolist(), strict=True) if keep),
        )  # fmt: skip

    def __bool__(self) -> bool:
        return bool(self.samples.size or self.pairs.size)


def category(text: str) -> ExclusionReason:
    """Return the category of a reason in the record.

    There no name may slip through.
    """
    return REASONS.get(plain(text), "other")


def read_exclusions(path: Path, datasets: Sequence[Dataset]) -> dict[str, Excluded]:
    """Return what a run excludes of each data set.

    By its name. Raises UserError, with the row, for a name that no data set of the run has, that several have, or that makes no
    sense.
    """
    rows = _rows(path)
    by_name = {
        dataset.name: {unicodedata.normalize("NFC", file): index for index, file in enumerate(dataset.files)}
        for dataset in datasets
    }
    found: dict[str, tuple[dict[int, str], dict[tuple[int, int], str]]] = {name: ({}, {}) for name in by_name}
    for row in rows:
        name = _dataset_of(row, by_name)
        samples, pairs = found[name]
        first = _index(row, row.a, name, by_name[name])
        if not row.b:
            samples.setdefault(first, row.reason)
            continue
        second = _index(row, row.b, name, by_name[name])
        if first == second:
            raise UserError(f"{row.where}: names one image twice; to exclude an image, write it under file")
        pairs.setdefault((min(first, second), max(first, second)), row.reason)
    return {dataset.name: _excluded(dataset, *found[dataset.name]) for dataset in datasets}


def _rows(path: Path) -> list[ExclusionRow]:
    table = read_table(path)
    if table.problems:
        raise UserError(f"{table.problems[0].where}: {table.problems[0].detail}; mend the file of --exclude")
    image, first, second = (table.column([name]) for name in ("file", "file_a", "file_b"))
    if not image and not (first and second):
        raise UserError(f"--exclude {path}: has the columns {', '.join(table.header)}; it takes the {_SHAPE}")
    rows = [_row(line, table, image, first, second) for line in table.lines]
    if not rows:
        raise UserError(f"--exclude {path}: names nothing; give it a row for each image or comparison, or leave the option out")
    return rows


def _row(line: Line, table: LabelTable, image: str | None, first_column: str | None, second_column: str | None) -> ExclusionRow:
    def cell(column: str | None) -> str:
        return line.cells.get(column, "") if column else ""

    single, pair = cell(image), (cell(first_column), cell(second_column))
    if bool(single) == bool(pair[0] or pair[1]) or bool(pair[0]) != bool(pair[1]):
        raise UserError(f"{line.where}: name either an image under file, or two under file_a and file_b")
    first, second = (single, "") if single else pair
    return ExclusionRow(line.where, first, second, cell(table.column(["reason"])), cell(table.column(["dataset"])))


def _dataset_of(row: ExclusionRow, known: dict[str, dict[str, int]]) -> str:
    """Return the data set that a row means.

    The one it names, the only one, or the only one that has the image.
    """
    if row.dataset:
        if row.dataset not in known:
            raise UserError(f"{row.where}: {printable(row.dataset)!r} is no data set of this run ({', '.join(known)})")
        return row.dataset
    having = [name for name, files in known.items() if _key(row.a) in files]
    if len(having) > 1:
        raise UserError(f"{row.where}: {' and '.join(having)} both have {printable(row.a)!r}; say which in a column dataset")
    return having[0] if having else next(iter(known))


def _key(file: str) -> str:
    return unicodedata.normalize("NFC", file.replace("\\", "/").removeprefix("./"))


def _index(row: ExclusionRow, file: str, dataset: str, files: dict[str, int]) -> int:
    index = files.get(file, files.get(_key(file)))
    if index is None:
        raise UserError(
            f"{row.where}: {dataset} has no image {printable(file)!r}; write names as `faceparity suspects` and `check` do"
        )
    return index


def _excluded(dataset: Dataset, samples: dict[int, str], pairs: dict[tuple[int, int], str]) -> Excluded:
    if len(samples) >= dataset.n_samples and samples:
        raise UserError(f"--exclude: leaves no image of {dataset.name}")
    listed = {(min(first, second), max(first, second)) for first, second in dataset.same_photo.reshape(-1, 2).tolist()}
    kept = sorted(pair for pair in pairs if pair not in listed and pair[0] not in samples and pair[1] not in samples)
    chosen = sorted(samples)
    return Excluded(
        np.array(chosen, np.int32),
        np.array(kept, np.int32).reshape(-1, 2),
        tuple(samples[sample] for sample in chosen),
        tuple(pairs[pair] for pair in kept),
    )
