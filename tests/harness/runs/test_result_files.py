"""Report formats: the built-in ones, and those of other packages."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.runs.result_files import GROUP, report_writers
from faceparity.reports import writers

BUILT_IN = ["tables", "html", "markdown", "terminal"]


def others(monkeypatch: pytest.MonkeyPatch, **entries: str) -> None:
    """Only these entry points there are."""
    found = metadata.EntryPoints(metadata.EntryPoint(name, value, GROUP) for name, value in entries.items())
    monkeypatch.setattr(metadata, "entry_points", lambda **wanted: found.select(**wanted))


def test_ours_are_known_without_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    others(monkeypatch)
    assert list(report_writers()) == BUILT_IN
    assert report_writers()["html"] is writers.html


def test_formats_of_others_follow_ours_and_take_none_of_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    others(monkeypatch, slides="faceparity.reports.writers:latex", html="no_such_module_anywhere:html")
    found = report_writers()
    assert list(found) == [*BUILT_IN, "slides"]
    assert found["slides"] is writers.latex
    assert found["html"] is writers.html


@pytest.mark.parametrize("value", ["no_such_module_anywhere:x", "faceparity.reports.writers:no_such_function", "not a module"])
def test_a_broken_format_of_others_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Before anything is measured, so that no run ends without the report that its user installed."""
    others(monkeypatch, slides=value)
    with pytest.raises(UserError, match=r"the report format 'slides' \(.*\) can't be loaded \(.*: install its package again"):
        report_writers()


def test_reading_results_imports_no_format() -> None:
    code = (
        "import sys, faceparity.harness.runs.result_files; print([m for m in sys.modules if m.startswith('faceparity.reports')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
