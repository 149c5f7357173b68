"""Every fault and hostile input of `python -m tests.faults`, as tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("faults are made with what only Linux has: /proc, mount namespaces, fork", allow_module_level=True)

from tests.faults import disks, inputs, interruptions  # noqa: F401
from tests.faults.bench import Bench
from tests.faults.outcomes import TRIALS, CannotTryError, Trial

LONG = ("a label file of a million rows", "a folder of 100,000 files without a row")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One workplace for all, as `python -m tests.faults` has it."""
    with Bench(tmp_path_factory.mktemp("faults")) as shared:
        yield shared


@pytest.mark.parametrize("trial", TRIALS, ids=[t.name.replace(" ", "-") for t in TRIALS])
def test_fault(trial: Trial, bench: Bench) -> None:
    if trial.name in LONG and "FAULTS_ALL" not in os.environ:
        pytest.skip(f"{trial.name}: takes minutes; python -m tests.faults tries it, and so do the tests with FAULTS_ALL=1")
    try:
        trial.attempt(bench)
    except CannotTryError as error:
        pytest.skip(f"{trial.name}: {error}")
