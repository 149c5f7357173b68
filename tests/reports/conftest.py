from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from faceparity.harness.record import Evaluation


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def builder() -> ModuleType:
    return load("report_builder")


@pytest.fixture(scope="session")
def read_page() -> Callable[[list[Evaluation]], Any]:
    """Renders evaluations and reads the page."""
    from faceparity.reports.html import render

    read = load("report_page").read
    return lambda evaluations: read(render(evaluations))


@pytest.fixture(scope="session")
def variants(builder: ModuleType) -> dict[str, Evaluation]:
    """One evaluation of each kind that a report must tell apart."""
    setup: Any = builder.Setup
    return {
        "plain": builder.evaluation(setup()),
        "no_mated": builder.evaluation(setup(mated=False, dataset="set_b")),
        "contaminated": builder.evaluation(setup(mated=False, repeats=20, dataset="set_c")),
        "partial": builder.evaluation(setup(partial=True, model="model_b")),
        "distance": builder.evaluation(setup(distance=True, model="model_d", supplied=False)),
        "synthetic": builder.evaluation(setup(synthetic=True, means=(0.0,) * 8, sizes=(60,) * 8)),
        "refused": builder.evaluation(setup(mated=False, repeats=1500, sizes=(120,) * 8, dataset="set_r")),
        "hostile": builder.evaluation(builder.hostile()),
    }


@pytest.fixture(scope="session")
def pages(variants: dict[str, Evaluation], read_page: Callable[[list[Evaluation]], Any]) -> Callable[[str], Any]:
    """The page of one variant, read once."""
    made: dict[str, Any] = {}

    def get(kind: str) -> Any:
        if kind not in made:
            made[kind] = read_page([variants[kind]])
        return made[kind]

    return get
