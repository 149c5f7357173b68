"""The comparisons of a run that a person should look at, read from its private part."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results as record
from faceparity.harness.results.stored import Result
from faceparity.harness.templates import private_tables

HOW = (
    "To leave an image or a comparison out, look at it first. Then write its row into a CSV file, under the columns "
    "file_a,file_b,reason (a comparison) or file,reason (an image), and run again with --exclude FILE. "
    "Reasons: wrong label, same person, relative, duplicate, bad image, or your own words."
)


@dataclass(frozen=True)
class Suspect:
    """One comparison that a person should look at.

    a, b: file names. score: in the model's own unit. wrong_at: the operating points at which it is an error. people: codes of the
    two. share: of the pool's errors at a target, what these two people carry in all; 0 for most.
    """

    a: str
    b: str
    score: float
    mated: bool
    wrong_at: tuple[str, ...]
    people: tuple[str, str] = ("", "")
    share: float = 0.0

    @property
    def row(self) -> str:
        """Return the comparison as a row of an exclusion file."""
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow([self.a, self.b])
        return out.getvalue()


def first_of_each_kind(found: Sequence[Suspect], most: int) -> list[Suspect]:
    """Return the first suspects of each kind, non-mated ones first.

    First of all the most alike comparison of each pair of people that carries the pool's errors. most: of each kind.
    """
    carrying = [pair[0] for pair in carrying_pairs(found)[:most]]
    rest = [suspect for suspect in found if suspect not in carrying]
    return [*carrying, *(suspect for mated in (False, True) for suspect in [one for one in rest if one.mated == mated][:most])]


def carrying_pairs(found: Sequence[Suspect]) -> list[list[Suspect]]:
    """Return the errors of each pair of people that carries a pool's errors.

    The pair with the largest share first; of each the most alike comparison first.
    """
    by_pair: dict[tuple[str, str], list[Suspect]] = {}
    for suspect in found:
        if suspect.share:
            by_pair.setdefault(suspect.people, []).append(suspect)
    return sorted(by_pair.values(), key=lambda pair: -pair[0].share)


def read_suspects(result: Result) -> list[Suspect]:
    """Read a result's suspects.

    Non-mated comparisons, most alike first, then mated ones, least alike first. Raises UserError where they can't be read.
    """
    folder, evaluation = result.folder / "private", result.evaluation
    table, codes = private_tables.read_table(folder, "suspects"), private_tables.read_table(folder, "codes")
    person = dict(zip(codes["file"], codes["subject"], strict=True))
    points = list(_points(evaluation))
    found = []
    shares = table.get("share", np.zeros(len(table["score"])))
    for file_a, file_b, score, share in zip(table["file_a"], table["file_b"], table["score"], shares, strict=True):
        if file_a not in person or file_b not in person:
            raise UserError(f"{folder}: its tables do not belong together; run again for new ones")
        people = (min(person[file_a], person[file_b]), max(person[file_a], person[file_b]))
        mated = people[0] == people[1]
        wrong = tuple(name for name, threshold in points if (score < np.float32(threshold)) == mated)
        native = evaluation.model.score.sign * float(score)
        found.append((float(score), Suspect(str(file_a), str(file_b), native, bool(mated), wrong, people, float(share))))
    found.sort(key=lambda entry: (entry[1].mated, entry[0] if entry[1].mated else -entry[0], entry[1].a, entry[1].b))
    return [suspect for _, suspect in found]


def read_unlike_faces(result: Result) -> list[tuple[str, int]]:
    """Read the images in which the policies choose different faces.

    With the number of faces found in each; empty for runs that kept no such list. Raises UserError where they can't be read.
    """
    folder = result.folder / "private"
    if not private_tables.has_table(folder, "faces"):
        return []
    table = private_tables.read_table(folder, "faces")
    return [(str(file), int(faces)) for file, faces in zip(table["file"], table["faces"], strict=True)]


def _points(evaluation: record.Evaluation) -> Iterator[tuple[str, float]]:
    """Yield name and threshold of each operating point.

    Only of points that have a threshold.
    """
    for point in evaluation.groupings[-1].operating_points if evaluation.groupings else ():
        if point.threshold is not None:
            yield (
                (f"target FMR {point.target_fmr:g}" if point.origin == "target" else f"{point.origin} threshold"),
                point.threshold,
            )
