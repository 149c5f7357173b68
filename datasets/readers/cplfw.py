"""Cross-Pose LFW: `aligned images/Name_0001.jpg`, and pairs_CPLFW.txt with two lines a pair."""

from __future__ import annotations

from pathlib import Path

from faceparity.datasets.schema.dataset import Dataset

from .calfw import read_flat


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all aligned images of CPLFW.

    The published list of pairs is followed if it is there. Raises UserError.
    """
    return read_flat(root, "cplfw", "pairs_CPLFW.txt", name, include_minors)
