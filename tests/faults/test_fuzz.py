"""What `python -m tests.faults.fuzz` starts from: inputs that every parser takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceparity.datasets.registry import dataset_names
from faceparity.datasets.schema.card import load_card
from tests.faults.families import families
from tests.faults.fuzzing import Family, attempt
from tests.faults.reader_families import READERS


@pytest.mark.parametrize("name", families(Path()))
def test_its_own_good_input_is_taken(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    family = families(tmp_path)[name]()
    assert family.seeds
    for data in family.seeds:
        family.target(data)


def test_every_reader_has_a_family() -> None:
    assert set(READERS) == {name for name in dataset_names() if not load_card(name).not_a_benchmark}


def test_an_error_no_user_was_told_of_counts_as_broken() -> None:
    def target(data: bytes) -> None:
        raise KeyError(data)

    assert "KeyError at test_fuzz.py" in (attempt(Family([], target).target, b"x") or "")
