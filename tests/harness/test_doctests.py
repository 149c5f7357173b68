"""Docstrings of metrics and uncertainty have worked examples, and what these print is right."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from types import FunctionType, ModuleType

import pytest

from faceparity.harness import metrics, uncertainty
from faceparity.harness.metrics.registry import Measure

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (metrics, uncertainty)
    for module in pkgutil.iter_modules(package.__path__)
    if module.name != "__main__"
]


def public_functions(module: ModuleType) -> dict[str, FunctionType]:
    """Return the public functions that a module defines, those registered as a `Measure` included."""
    functions = {
        name: entry.function if isinstance(entry, Measure) else entry
        for name, entry in vars(module).items()
        if not name.startswith("_")
    }
    return {
        name: function
        for name, function in functions.items()
        if inspect.isfunction(function) and function.__module__ == module.__name__
    }


def test_the_modules_are_found() -> None:
    assert len(MODULES) >= 15


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_has_an_example(name: str) -> None:
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner()
    without = []
    for function_name, function in public_functions(module).items():
        tests = doctest.DocTestFinder(recurse=False).find(function, function_name, module=module)
        if not any(test.examples for test in tests):
            without.append(function_name)
        for test in tests:
            runner.run(test)
    assert not without
    assert runner.summarize(verbose=False).failed == 0
