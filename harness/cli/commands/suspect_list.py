"""The comparisons of a run that a person should look at, read from its private part."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results as record
from faceparity.harness.runs.result_files import Result
from faceparity.harness.templates import private_tables

HOW = (
    "To leave an image or a comparison out, look at it first. Then write its row into a CSV file, under the columns "
    "file_a,file_b,reason (a comparison) or file,reason (an image), and run again with --exclude FILE. "
    "Reasons: wrong label, same person, relative, duplicate, bad image, or your own words."
)


@dataclass(frozen=True)
class Suspect:
    """One comparison. score: in the model's own unit. wrong_at: the operating points at which it is an error."""

    a: str
    b: str
    score: float
    mated: bool
    wrong_at: tuple[str, ...]

    @property
    def row(self) -> str:
        """The comparison as a row of an exclusion file."""
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow([self.a, self.b])
        return out.getvalue()


def first_of_each_kind(found: Sequence[Suspect], most: int) -> list[Suspect]:
    """Return the first `most` suspects of each kind, non-mated ones first."""
    return [suspect for mated in (False, True) for suspect in [s for s in found if s.mated == mated][:most]]


def read_suspects(result: Result) -> list[Suspect]:
    """Non-mated comparisons, most alike first, then mated ones, least alike first. Raises UserError where they can't be read."""
    folder, e = result.folder / "private", result.evaluation
    table, codes = private_tables.read_table(folder, "suspects"), private_tables.read_table(folder, "codes")
    person = dict(zip(codes["file"], codes["subject"], strict=True))
    points = list(_points(e))
    found = []
    for a, b, score in zip(table["file_a"], table["file_b"], table["score"], strict=True):
        if a not in person or b not in person:
            raise UserError(f"{folder}: its tables do not belong together; run again for new ones")
        mated = person[a] == person[b]
        wrong = tuple(name for name, t in points if (score < np.float32(t)) == mated)
        found.append((float(score), Suspect(str(a), str(b), e.model.score.sign * float(score), bool(mated), wrong)))
    found.sort(key=lambda x: (x[1].mated, x[0] if x[1].mated else -x[0], x[1].a, x[1].b))
    return [s for _, s in found]


def _points(e: record.Evaluation) -> Iterator[tuple[str, float]]:
    """The operating points that have a threshold, in a few words."""
    for p in e.groupings[-1].operating_points if e.groupings else ():
        if p.threshold is not None:
            yield (f"target FMR {p.target_fmr:g}" if p.origin == "target" else f"{p.origin} threshold"), p.threshold
