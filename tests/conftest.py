"""What all tests share: where the real data sets are, if they are there, and compiled code, so that it is compiled once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import ROOT


def pytest_configure(config: pytest.Config) -> None:
    """Every home of a test would have its own compiled code otherwise."""
    if (cache := getattr(config, "cache", None)) is not None:
        os.environ.setdefault("NUMBA_CACHE_DIR", str(cache.mkdir("numba")))


SLOW_FOLDERS = frozenset({"end_to_end", "faults"})
SLOW_FILES = frozenset(
    {
        "test_api_pages.py", "test_cluster.py", "test_compare_runs.py", "test_control_again.py", "test_control_generator.py",
        "test_models_crossing.py", "test_models_face_recognition.py", "test_models_listing.py", "test_models_sface.py",
        "test_models_workers.py", "test_near_duplicates.py", "test_notebook.py", "test_report_examples.py", "test_report_pdf.py",
        "test_statistics_coverage.py", "test_templates_half_written.py", "test_templates_killed.py", "test_templates_pipeline.py",
    }
)  # fmt: skip
"""Tests that start processes, run networks on pictures, typeset or simulate for long; all else is the loop that one works by."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, by folder and file: plain `pytest` leaves it out, `pytest -m slow` runs it."""
    for item in items:
        if item.path.name in SLOW_FILES or SLOW_FOLDERS.intersection(item.path.parts):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets: FACEPARITY_DATA, or `../shared/datasets` beside the checkout. Skips without it."""
    named = os.environ.get("FACEPARITY_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "datasets"
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}: set FACEPARITY_DATA to a folder that holds them")
    return folder
