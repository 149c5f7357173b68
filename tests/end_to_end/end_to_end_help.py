"""What the end-to-end tests make their folders of, and how they read what came out."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def picture(person: int, shot: int) -> np.ndarray:
    """uint8[64, 64, 3]: a pattern of its own for each person, with noise of its own for each shot."""
    pattern = np.random.default_rng(person).uniform(0, 255, (8, 8))
    noise = np.random.default_rng(10_000 + 10 * person + shot).normal(0, 30, (8, 8))
    grey = np.clip(pattern + noise, 0, 255).astype(np.uint8)
    return np.repeat(np.repeat(np.repeat(grey[:, :, None], 8, 0), 8, 1), 3, 2)


def write_labels(
    folder: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = ("file", "subject", "gender", "ethnicity")
) -> None:
    """labels.csv."""
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def results(out: Path) -> dict[str, Any]:
    """The one results.json of a run."""
    (file,) = out.glob("*/*/results.json")
    return json.loads(file.read_text("utf-8"))
