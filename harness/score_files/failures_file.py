"""Failures to extract that come beside a score file: counted by group, and in the comparisons that they prevented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import whole_number
from faceparity.datasets.schema.dataset import Attribute
from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.evaluation.preflight import groupings_of
from faceparity.harness.groups.groupings import Cells, make_cells
from faceparity.harness.score_files.columns import I32, renamed
from faceparity.harness.score_files.small_groups import LabelledPeople
from faceparity.harness.score_files.source import Source
from faceparity.harness.score_files.table import attribute, names_in, read_texts
from faceparity.harness.verification.rates.failures_and_covariates import failure_rates

MOST_ATTEMPTS = 20_000_000
"""Limit on the attempts in a failures file: each takes memory, and one row may claim a thousand million of them."""

UNKNOWN = (
    "The file of failures to extract has no image with a template of {groups} that the scores compare: FAR and FRR of these groups count "
    "no failed image. Do both files write the groups alike?"
)

Labels = tuple[str | None, ...]


@dataclass(frozen=True)
class FailuresFile:
    """A file of failures: a row for each subject or sample.

    attempted, failed: int64[rows], images of each row. subjects: of each row the place in `people`.
    """

    source: Source
    people: Sequence[str]
    subjects: I32
    attributes: tuple[Attribute, ...]
    attempted: NDArray[np.int64]
    failed: NDArray[np.int64]

    @property
    def labelled(self) -> LabelledPeople:
        """Return its people with their cells."""
        return LabelledPeople(self.people, self.subjects, make_cells(self.attributes, self.subjects.size))


@dataclass(frozen=True)
class FailedImages:
    """Images that gave no template, and were never compared.

    counts: for the record. kept: share of the images that gave a template, by the values of the attributes.
    """

    counts: results.ExtractionCounts
    kept: dict[Labels, float]


def not_supplied(*, empty_scores: bool) -> results.ExtractionCounts:
    """Return the record of failures to extract without a file of them.

    empty_scores: the scores say which comparisons failed.
    """
    return results.ExtractionCounts(
        supplied=empty_scores, overall=None, by_group=[], no_face=0, unreadable=0, several_faces=0, faces_policy="not known"
    )


def read_failures(source: Source, by: Sequence[str]) -> FailuresFile:
    """Read a failures file.

    Its columns are subject, attempted, failed and the attributes; one row is a subject or a sample.
    Raises UserError for more failed than attempted, and for more than `MOST_ATTEMPTS` in all.
    """
    columns = read_texts(source, ["subject", "attempted", "failed", *by])
    tried, failed = (_whole(source, *columns.pop(column), column) for column in ("attempted", "failed"))
    columns = {name: renamed(codes, words, names_in(name, words)) for name, (codes, words) in columns.items()}
    if (attempts := int(tried.sum())) > MOST_ATTEMPTS:
        raise UserError(
            f"{source}: {attempts:,} attempts, more than {MOST_ATTEMPTS:,}; give the numbers of a sample of the people"
        )
    over = np.flatnonzero(failed > tried)
    if over.size:
        raise UserError(f"{source.row(int(over[0]))}: more failed than attempted")
    subjects, people = columns["subject"]
    rows = np.flatnonzero(tried)
    attributes = tuple(attribute(name, columns[name][0][rows], columns[name][1], subjects[rows]) for name in by)
    return FailuresFile(source, people, subjects[rows], attributes, tried[rows], failed[rows])


def count_failures(file: FailuresFile, gone: frozenset[str]) -> FailedImages:
    """Count failures to extract, by group.

    gone: ids of people of small groups, who are in no figure.
    """
    remaining = np.flatnonzero(~file.labelled.are(gone))
    tried, failed = file.attempted[remaining], file.failed[remaining]
    row = np.repeat(remaining, tried)
    ordinal = np.arange(row.size) - np.repeat(np.cumsum(tried) - tried, tried)
    is_failed = ordinal < np.repeat(failed, tried)
    people = file.subjects[row]
    cells = make_cells([one.of_samples(row) for one in file.attributes], row.size)
    overall, by_group = failure_rates(groupings_of(cells, people, protect=True), cells, people, is_failed)
    images, lost = (np.bincount(cells.of_sample[chosen], minlength=cells.n) for chosen in (np.ones(row.size, bool), is_failed))
    kept = {label: float(1 - lost[cell] / images[cell]) for cell, label in enumerate(_labels(cells)) if images[cell]}
    counts = not_supplied(empty_scores=True).model_copy(update={"overall": overall, "by_group": by_group})
    return FailedImages(counts, kept)


def _whole(source: Source, codes: NDArray[np.int32], words: Sequence[str], name: str) -> NDArray[np.int64]:
    """Return a column's whole numbers: int64[rows], at least 0.

    Raises UserError, with the row, for what is no whole number.
    """
    numbers = [whole_number(word) for word in words]
    if None in numbers:
        bad = numbers.index(None)
        row = int(np.flatnonzero(codes == bad)[0])
        raise UserError(f"{source.row(row)}: {name} is {words[bad]!r}; write a whole number")
    return np.asarray(numbers, np.int64)[codes]


def _labels(cells: Cells) -> list[Labels]:
    """Return the values of each cell; None where unlabelled."""
    return [
        tuple(None if code < 0 else values[code] for values, code in zip(cells.values, row, strict=True))
        for row in cells.codes.tolist()
    ]


def with_failed_images(evidence: Evidence, failed: FailedImages) -> tuple[Evidence, list[str]]:
    """Count the comparisons that images without a template would have been in.

    Those listed are taken for the share whose two images gave one: attempted = listed / (kept × kept), each image's share being
    that of its cell, rounded to whole comparisons. Returns with it a warning where shares of cells are not known.
    """
    assert evidence.attempted_non_mated is not None
    assert evidence.attempted_mated is not None
    labels = _labels(evidence.cells)
    known = np.asarray([failed.kept.get(label, 0.0) for label in labels])
    kept = np.where(known > 0, known, 1.0)
    pairs = np.outer(kept, kept)
    tables = [np.rint(table / pairs).astype(np.int64) for table in (evidence.attempted_non_mated, evidence.attempted_mated)]
    out = replace(evidence, attempted_non_mated=tables[0], attempted_mated=tables[1])
    missing = int((known == 0).sum())
    return out, [UNKNOWN.format(groups=f"{missing} group{'s' * (missing != 1)}")] * (missing > 0)
