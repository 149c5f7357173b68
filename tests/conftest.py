"""What all tests share: where the real data sets are, if they are there, and compiled code, so that it is compiled once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests import ROOT

# No time limits: a first example may wait for a compilation. Half of hypothesis's own number of examples, as there are many tests.
settings.register_profile("faceparity", deadline=None, max_examples=50)
settings.load_profile("faceparity")


def pytest_configure(config: pytest.Config) -> None:
    """Every home of a test would have its own compiled code otherwise."""
    if (cache := getattr(config, "cache", None)) is not None:
        os.environ.setdefault("NUMBA_CACHE_DIR", str(cache.mkdir("numba")))


SLOW_FOLDERS = frozenset({"end_to_end", "faults"})
"""Whole runs of the command line, faults and signals."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by its folder; elsewhere files mark themselves. Plain `pytest` leaves it out, `pytest -m slow` runs it."""
    for item in items:
        if SLOW_FOLDERS.intersection(item.nodeid.partition("::")[0].split("/")):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets: FACEPARITY_DATA, or `../shared/datasets` beside the checkout. Skips without it."""
    named = os.environ.get("FACEPARITY_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "datasets"
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}: set FACEPARITY_DATA to a folder that holds them")
    return folder
