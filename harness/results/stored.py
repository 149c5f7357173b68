"""A result in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from faceparity.harness.results.evaluation import Evaluation


class Result(NamedTuple):
    """One evaluation and the folder it lies in."""

    evaluation: Evaluation
    folder: Path
