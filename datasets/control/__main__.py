"""`python -m faceparity.datasets.control FOLDER`: makes the control set again."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..fetch import fetch
from .produce import MESHES, contact_sheet, write

HEADS = {"control": 54, "tone": 10}
"""A cell of ancestry morph × sex."""


def main() -> None:
    """Fetches the meshes, unless they are here, and writes the images, labels.csv and, if asked for, a contact sheet."""
    parser = argparse.ArgumentParser(prog="python -m faceparity.datasets.control", description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=sorted(HEADS), default="control")
    parser.add_argument("--heads", type=int, help="heads a cell of ancestry morph and sex (control 54, tone 10)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--sheet", type=Path, help="also write a contact sheet here")
    asked = parser.parse_args()
    size = write(fetch(MESHES), asked.folder, asked.part, asked.heads or HEADS[asked.part], asked.processes)
    if asked.sheet:
        contact_sheet(asked.folder, asked.sheet)
    print(f"{asked.folder}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
