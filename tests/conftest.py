"""What all tests share: where the real data sets are, if they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets: FACEPARITY_DATA, or `../shared/datasets` beside the checkout. Skips without it."""
    named = os.environ.get("FACEPARITY_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "datasets"
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}: set FACEPARITY_DATA to a folder that holds them")
    return folder
