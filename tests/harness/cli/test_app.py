"""What a user sees of an error that is not theirs: one line, no traceback, nothing that could name anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness import cli
from faceparity.harness.cli import app as commands
from faceparity.harness.suite.suite_file import MistakesError


def fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def raise_it(**_: object) -> int:
        raise error

    monkeypatch.setattr(commands, "app", raise_it)
    return cli._run(["run"])


def test_an_error_of_ours_is_one_line_without_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(cli.TRACEBACK, raising=False)
    assert fail(monkeypatch, KeyError("jane_doe.jpg")) == cli.BROKEN
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "KeyError at faceparity.harness.cli:" in told
    assert "jane" not in told


def test_its_traceback_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cli.TRACEBACK, "1")
    with pytest.raises(KeyError):
        fail(monkeypatch, KeyError("x"))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device", "out/results.json"), "out/results.json: No space left on device"),
        (OSError(30, "Read-only file system"), "Read-only file system"),
        (OSError(2, "No such file", "a\n  b"), "a\\n  b: No such file"),
        (MemoryError(), "out of memory"),
    ],
)
def test_what_the_machine_refuses_says_what_to_do(
    error: BaseException, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail(monkeypatch, error) == 2
    line = capsys.readouterr().err
    assert told in line
    assert len(line.splitlines()) == 1


def test_a_hostile_name_stays_on_its_line_and_moves_no_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "a\x1b]0;t\x07\x1b[2J\r\nTraceback\u202e\x9b1A\udcff\0.png"
    assert fail(monkeypatch, UserError(f"{name}: gone (≤ 1\u00a0000)")) == 2
    told = capsys.readouterr().err
    assert told.endswith(": gone (≤ 1\u00a0000)\n")
    assert told.count("\n") == 1
    assert all(c.isprintable() for c in told.rstrip("\n").replace("\u00a0", ""))
    assert "a\\x1b]0;t\\x07" in told


def test_a_list_of_mistakes_keeps_its_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(monkeypatch, MistakesError("x.toml", ["a: no", "b: \x1b\n"])) == 2
    assert capsys.readouterr().err == "faceparity: x.toml: 2 mistakes; nothing was run\n  a: no\n  b: \\x1b\\n\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["compare", "loop"], ["compare", "run", "loop"], ["report", "loop"], ["report", "run", "--out", "loop"], ["suspects", "loop"],
        ["run", "-d", "folder=loop"], ["run", "-m", "loop.toml"], ["run", "--exclude", "loop"], ["run", "--claim", "loop"],
        ["run", "--threshold-from", "loop"], ["run", "--out", "loop"], ["score", "loop"], ["suite", "loop.toml"], ["check", "folder=loop"],
        ["purge", "loop"],
    ],
)  # fmt: skip
def test_an_endless_link_is_one_line_wherever_it_is_given(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    for name in ("loop", "loop.toml"):
        (tmp_path / name).symlink_to(f"{name}2")
        (tmp_path / f"{name}2").symlink_to(name)
    (tmp_path / "run").mkdir()
    assert cli._run(words) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("faceparity: ")
    assert "an error of its own" not in line
