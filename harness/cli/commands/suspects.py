"""`faceparity suspects`: the comparisons of a run that a person should look at.

They are read from its private part on this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faceparity.harness.cli.commands.suspect_list import (
    HOW,
    Suspect,
    carrying_pairs,
    first_of_each_kind,
    read_suspects,
    read_unlike_faces,
)
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.result_files import load_results


def suspects_command(run: Path, most: int, sheet: Path | None, datasets: Sequence[str]) -> None:
    """Print each result's suspects by file name.

    most: of each kind. sheet: a page with the pictures, if asked for. Raises UserError.
    """
    from faceparity.datasets.common.sanitise import printable
    from faceparity.harness.cli.commands.review_sheet import check_place, write_sheet

    results = load_results(run)
    if sheet is not None:
        check_place(sheet, run)
    found = [(result, read_suspects(result)) for result in results]
    for result, suspects in found:
        evaluation = result.evaluation
        print(f"{printable(evaluation.dataset.name)} · {printable(evaluation.model.name)} ({evaluation.model.score.unit})")
        _print_carrying(suspects, most)
        for mated, title in ((False, "different people, most alike first"), (True, "one person, least alike first")):
            of_kind = [suspect for suspect in suspects if suspect.mated == mated]
            if of_kind:
                print(f"  {title} ({min(most, len(of_kind)):,} of {len(of_kind):,}):")
            for suspect in of_kind[:most]:
                print(_line(suspect))
        _print_unlike_faces(result, most)
    print(HOW)
    if sheet is not None:
        write_sheet(sheet, [(result.evaluation, first_of_each_kind(suspects, most)) for result, suspects in found], datasets)
        print(
            f"PRIVATE: {sheet} holds people's pictures. Show it to nobody who may not see them, and delete it when you have looked."
        )


def _line(suspect: Suspect) -> str:
    from faceparity.datasets.common.sanitise import printable

    wrong = f"  error at {', '.join(suspect.wrong_at)}" if suspect.wrong_at else ""
    return f"  {suspect.score:10.5f}  {printable(suspect.row)}{wrong}"


def _print_carrying(suspects: Sequence[Suspect], most: int) -> None:
    """Print the pairs of people that carry the pool's errors."""
    pairs = carrying_pairs(suspects)
    if pairs:
        print(
            "  pairs of people who carry much of the pool's false matches: relatives, look-alikes, wrong labels, or one person twice:"
        )
    for pair in pairs[:most]:
        count = f"{len(pair):,} comparison{'s' if len(pair) > 1 else ''}"
        print(f"  {pair[0].share:.0%} of the pool's false matches at a target, in {count} of two people:")
        for suspect in pair[:most]:
            print(_line(suspect))


def _print_unlike_faces(result: Result, most: int) -> None:
    """Print the images in which the policies choose different faces."""
    from faceparity.datasets.common.sanitise import printable

    unlike = read_unlike_faces(result)
    if unlike:
        used = "most central" if result.evaluation.extraction.faces == "centre" else "largest"
        shown = f"{min(most, len(unlike)):,} of {len(unlike):,}"
        print(f"  images whose largest face is not the most central one; the {used} one was used ({shown}):")
    for file, faces in unlike[:most]:
        print(f"  {faces:4} faces  {printable(file)}")
