"""The telemetry of native libraries is off before they are loaded; where that is too late, a line says so."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from types import ModuleType

import pytest

from faceparity.datasets.common.telemetry_off import LOADED_BEFORE, VARIABLE, switch_off_telemetry


def loaded(version: str) -> ModuleType:
    module = ModuleType("onnxruntime")
    module.__version__ = version  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(
    "package", ["datasets", "harness", "reports", "harness.execution.worker", "harness.execution.dask.worker_tasks"]
)
@pytest.mark.parametrize("before", [None, "0", ""])
def test_any_import_sets_the_environment_of_this_process_and_its_children(package: str, before: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environment |= {} if before is None else {VARIABLE: before}
    shown = f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'import os; print(os.environ[\"{VARIABLE}\"])'])"
    code = f"import faceparity.{package}; assert 'onnxruntime' not in sys.modules; {shown}"
    done = subprocess.run([sys.executable, "-c", f"import sys; {code}"], env=environment, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("1", "")


@pytest.mark.parametrize("version", ["1.29.0", "1.32.0", "2.0.0rc1"])
def test_too_late_is_one_line_once(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", loaded(version))
    monkeypatch.delenv(VARIABLE, raising=False)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        switch_off_telemetry()
        switch_off_telemetry()
    assert [str(one.message) for one in warned] == [LOADED_BEFORE]
    assert issubclass(warned[0].category, RuntimeWarning)
    assert "\n" not in LOADED_BEFORE
    assert os.environ[VARIABLE] == "1"


@pytest.mark.parametrize(
    ("version", "before"), [("1.28.0", None), ("1.4.0", ""), ("1.32.0", "1"), ("1.32.0", "TRUE"), ("", None)]
)
def test_no_line_where_nothing_was_sent(version: str, before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older onnxruntime, or one that was loaded with the variable set."""
    monkeypatch.setitem(sys.modules, "onnxruntime", loaded(version))
    monkeypatch.delenv(VARIABLE, raising=False)
    if before is not None:
        monkeypatch.setenv(VARIABLE, before)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        switch_off_telemetry()
    assert os.environ[VARIABLE] == "1"


def test_the_advice_of_the_line_works() -> None:
    """Import faceparity first, or set the variable before Python starts: then nothing is said."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    for code, more in (
        ("import faceparity.harness, onnxruntime, faceparity.reports", {}),
        ("import onnxruntime, faceparity.harness", {VARIABLE: "1"}),
    ):
        done = subprocess.run([sys.executable, "-Werror", "-c", code], env=environment | more, capture_output=True, text=True)
        assert "RuntimeWarning" not in done.stderr


def test_events_are_switched_off_through_the_api_too(monkeypatch: pytest.MonkeyPatch) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from faceparity.harness.models.onnx.session import load_onnxruntime

    calls: list[str] = []
    monkeypatch.setattr(onnxruntime, "disable_telemetry_events", lambda: calls.append("off"))
    load_onnxruntime.cache_clear()
    assert load_onnxruntime() is onnxruntime
    assert load_onnxruntime() is onnxruntime
    assert calls == ["off"]
