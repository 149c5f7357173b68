"""What is made to check a run is made once, and handed on to what measures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from faceparity.datasets.registry import load_dataset
from faceparity.harness import run as running
from faceparity.harness.evaluation import preflight
from faceparity.harness.evaluation.options import Options


def test_a_model_is_opened_once_and_samples_are_grouped_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process; worker processes open their own."""
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
    dataset = load_dataset("control-tone")
    running.run(running.Request([dataset], ["face_recognition"], Options(workers=2, targets=(0.1,)), tmp_path / "out"))
    assert counts == {"open_model": 1, "make_cells": 1}
