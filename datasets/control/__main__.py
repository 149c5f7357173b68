"""`python -m faceparity.datasets.control FOLDER`: makes the control set again, or compares it with a copy."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.control.contact_sheets import SHEETS
from faceparity.datasets.control.head.mesh_source import MESHES
from faceparity.datasets.control.reproduction import compare
from faceparity.datasets.fetch.artefacts import fetch
from faceparity.datasets.registry import packaged_folder

from .produce import HEADS, Row, photographs, write

SETS = {"control": "control", "tone": "control-tone"}
"""Part → the name of the set."""


def main() -> int:
    """Fetches the meshes, unless they are here, and writes the images and labels.csv; or makes them only to compare.

    Gives the exit status: 0; 1 if --check finds another set; 2 if it can't be done.
    """
    parser = argparse.ArgumentParser(prog="python -m faceparity.datasets.control", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", help="to write to; with --check or --sheet by default the copy in the package"
    )
    parser.add_argument("--part", choices=sorted(HEADS), default="control")
    parser.add_argument("--heads", type=int, help="heads a cell of ancestry morph and sex (control 54, tone 10)")
    parser.add_argument("--processes", type=int, default=2)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--check", action="store_true", help="write nothing: say how far the folder's images are from those made now"
    )
    what.add_argument("--sheet", type=Path, metavar="FILE", help="only write a contact sheet of the folder's images")
    asked = parser.parse_args()
    folder = asked.folder or (packaged_folder(SETS[asked.part]) if asked.check or asked.sheet else None)
    if folder is None:
        parser.error("name the FOLDER")
    try:
        return _run(asked, folder)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


def _run(asked: argparse.Namespace, folder: Path) -> int:
    if asked.sheet:
        SHEETS[asked.part](folder, asked.sheet)
        return 0
    wheel, heads = fetch(MESHES), asked.heads or HEADS[asked.part]
    if asked.check:
        found = compare(folder, _counted(photographs(wheel, asked.part, heads, asked.processes)))
        print(found)
        return 0 if found.alike else 1
    print(f"{folder}: {write(wheel, folder, asked.part, heads, asked.processes) / 1e6:.1f} MB")
    return 0


def _counted(made: Iterable[tuple[Row, bytes]]) -> Iterator[tuple[Row, bytes]]:
    """The same, telling how many there were: it takes minutes."""
    for n, one in enumerate(made, 1):
        yield one
        if n % 100 == 0:
            print(f"{n:,} images", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
