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
    """Write the control set, or compare it with a copy.

    Fetches the meshes, unless they are here, and writes the images and labels.csv; or makes them only to compare. Returns the exit
    status: 0; 1 if --check finds another set; 2 if it can't be done.
    """
    parser = argparse.ArgumentParser(prog="python -m faceparity.datasets.control", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", help="to write to; with --check or --sheet by default the copy in the package"
    )
    parser.add_argument("--part", choices=sorted(HEADS), default="control")
    parser.add_argument("--heads", type=int, help="heads a cell of ancestry morph and sex (control 54, tone 10)")
    parser.add_argument("--processes", type=int, default=2)
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--check", action="store_true", help="write nothing: say how far the folder's images are from those made now"
    )
    action.add_argument("--sheet", type=Path, metavar="FILE", help="only write a contact sheet of the folder's images")
    arguments = parser.parse_args()
    folder = arguments.folder or (packaged_folder(SETS[arguments.part]) if arguments.check or arguments.sheet else None)
    if folder is None:
        parser.error("name the FOLDER")
    try:
        return _run(arguments, folder)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


def _run(arguments: argparse.Namespace, folder: Path) -> int:
    if arguments.sheet:
        SHEETS[arguments.part](folder, arguments.sheet)
        return 0
    wheel, heads = fetch(MESHES), arguments.heads or HEADS[arguments.part]
    if arguments.check:
        reproduction = compare(folder, _with_progress(photographs(wheel, arguments.part, heads, arguments.processes)))
        print(reproduction)
        return 0 if reproduction.alike else 1
    print(f"{folder}: {write(wheel, folder, arguments.part, heads, arguments.processes) / 1e6:.1f} MB")
    return 0


def _with_progress(images: Iterable[tuple[Row, bytes]]) -> Iterator[tuple[Row, bytes]]:
    """Yield the images, and report progress: it takes minutes."""
    for number, image in enumerate(images, 1):
        yield image
        if number % 100 == 0:
            print(f"{number:,} images", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
