"""Names that documents gave before the code was moved still work."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("harness.record", "harness.results", "Evaluation"),
        ("harness.record", "harness.results", "from_json"),
        ("harness.models.card", "harness.models.base.card", "Score"),
        ("harness.models", "harness.models.base.model", "Extraction"),
    ],
)
def test_an_old_name_is_the_new_thing(old: str, new: str, name: str) -> None:
    before, after = (importlib.import_module(f"faceparity.{module}") for module in (old, new))
    assert getattr(before, name) is getattr(after, name)


@pytest.mark.slow
@pytest.mark.parametrize("module", ["faceparity.harness.cost", "faceparity.harness.runs.cost_model"])
def test_the_table_of_costs_is_printed_by_either_name(module: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, "50000"], capture_output=True, text=True, check=True)
    assert "50,000" in done.stdout
