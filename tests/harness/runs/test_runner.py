"""What is made to check a run is made once, and handed on to what measures."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path

import pytest

from faceparity.datasets import control
from faceparity.datasets.registry import load_dataset
from faceparity.harness.evaluation import preflight
from faceparity.harness.evaluation.resolved_options import resolve
from faceparity.harness.options import Options
from faceparity.harness.runs import runner as running

PORTRAITS = Path(control.__file__).parent / "portraits"
HEADER = {"file": "file", "subject": "subject", "sex": "gender"}


def test_a_model_is_opened_once_and_samples_are_grouped_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a few heads, which this process reads itself: worker processes open their own."""
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    counts: Counter[str] = Counter()

    def counted(module: object, name: str) -> None:
        original = getattr(module, name)

        def call(*arguments: object, **named: object) -> object:
            counts[name] += 1
            return original(*arguments, **named)

        monkeypatch.setattr(module, name, call)

    counted(running, "open_model")
    counted(preflight, "make_cells")
    with (PORTRAITS / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].endswith("-1.jpg")][::12]
    for row in rows:
        shutil.copy(PORTRAITS / row["file"], tmp_path)
    (tmp_path / "labels.csv").write_text("".join(f"{r['file']},{r['subject']},{r['sex']}\n" for r in [HEADER, *rows]), "utf-8")
    dataset = load_dataset(f"folder={tmp_path}")
    running.run(running.Request([dataset], ["face_recognition"], resolve(Options(targets=(0.1,))), tmp_path / "out"))
    assert counts == {"open_model": 1, "make_cells": 1}
