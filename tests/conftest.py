"""What all tests share: where the real data sets are, if they are there, and compiled code, so that it is compiled once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Every home of a test would have its own compiled code otherwise."""
    if (cache := getattr(config, "cache", None)) is not None:
        os.environ.setdefault("NUMBA_CACHE_DIR", str(cache.mkdir("numba")))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets: FACEPARITY_DATA, or `../shared/datasets` beside the checkout. Skips without it."""
    named = os.environ.get("FACEPARITY_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "datasets"
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}: set FACEPARITY_DATA to a folder that holds them")
    return folder
