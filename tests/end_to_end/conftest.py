"""The command line as a user has it, in processes of its own, with the network cut off and everything under one folder."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]
PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FACEPARITY_HOME of this session."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def faceparity(home: Path) -> Command:
    """Call `faceparity ARGUMENTS...`; the toy model is there as a plug-in."""

    def call(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        variables = {
            **os.environ, "FACEPARITY_HOME": str(home), "PYTHONPATH": str(PLUGIN), "COLUMNS": "100", "PYTHONWARNINGS": "error::RuntimeWarning",
            **(env or {}),
        }  # fmt: skip
        command = [sys.executable, "-m", "faceparity.harness.cli", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=variables, cwd=cwd or home, timeout=600)

    return call


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


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 130 people with two pictures each, and labels.csv."""
    folder = tmp_path_factory.mktemp("data") / "people"
    folder.mkdir()
    rows = []
    for person in range(130):
        for shot in (1, 2):
            name = f"secretname{person:03d}_{shot}.png"
            cv2.imwrite(str(folder / name), picture(person, shot))
            rows.append((name, f"person{person}", ("F", "M")[person % 2], ("black", "caucasian")[person % 4 // 2]))
    write_labels(folder, rows)
    return folder
