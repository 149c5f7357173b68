"""`faceparity suspects`: the comparisons of a run that a person should look at, read from its private part on this machine."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results as record
from faceparity.harness.runs.result_files import Result, load_results
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


def suspects_command(run: Path, most: int, sheet: Path | None, datasets: Sequence[str]) -> None:
    """Print each result's suspects by file name; write a sheet with the pictures if asked for. Raises UserError."""
    from faceparity.datasets.common.sanitise import printable
    from faceparity.harness.cli.commands.review_sheet import check_place, write_sheet

    results = load_results(run)
    if sheet is not None:
        check_place(sheet, run)
    found = [(result, read_suspects(result)) for result in results]
    for result, all_of_it in found:
        e = result.evaluation
        print(f"{printable(e.dataset.name)} · {printable(e.model.name)} ({e.model.score.unit})")
        for mated, title in ((False, "different people, most alike first"), (True, "one person, least alike first")):
            of_kind = [s for s in all_of_it if s.mated == mated]
            if of_kind:
                print(f"  {title} ({min(most, len(of_kind)):,} of {len(of_kind):,}):")
            for s in of_kind[:most]:
                wrong = f"  error at {', '.join(s.wrong_at)}" if s.wrong_at else ""
                print(f"  {s.score:10.5f}  {printable(s.row)}{wrong}")
    print(HOW)
    if sheet is not None:
        write_sheet(sheet, [(r.evaluation, _first(s, most)) for r, s in found], datasets)
        print(
            f"PRIVATE: {sheet} holds people's pictures. Show it to nobody who may not see them, and delete it when you have looked."
        )


def _first(found: Sequence[Suspect], most: int) -> list[Suspect]:
    return [s for mated in (False, True) for s in [x for x in found if x.mated == mated][:most]]


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
