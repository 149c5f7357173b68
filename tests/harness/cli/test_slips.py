"""Slips of the keyboard: each is answered with what to type, which then works as far as that argument goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceparity.harness import cli
from faceparity.harness.cli.slips import meant


def answer(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line with which a call is refused."""
    assert cli._run(arguments) == 2
    line, *more = capsys.readouterr().err.strip().splitlines()
    assert not more
    return line


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (["--target-fmr", "1%"], "write 0.01,"),
        (["--target-fmr", "0.1 %"], "write 0.001,"),
        (["--target-fmr=0,1%"], "write 0.001,"),
        (["--target-fmr", "0,01"], "write 0.01,"),
        (["--threshold", "0,6"], "write 0.6,"),
        (["--comparisons", "1%"], "write 0.01,"),
    ],
)
def test_a_number_with_a_percent_sign_or_a_comma(typed: list[str], wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted in answer(["run", *typed], capsys)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("folder=DIR", "folder=DIR is a data set: write -d folder=DIR"),
        ("rfw", "rfw is a data set: write -d rfw"),
        ("sface", "sface is a model: write -m sface"),
        ("face_recognition:jitters=1", "is a model: write -m face_recognition:jitters=1"),
    ],
)
def test_a_data_set_or_model_without_its_option(typed: str, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted in answer(["run", typed], capsys)


def test_a_folder_is_offered_as_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = tmp_path / "my pictures"
    pictures.mkdir()
    for typed in (["run", str(pictures)], ["run", "-d", str(pictures)]):
        assert f"write -d 'folder={pictures}'" in answer(typed, capsys)


def test_what_is_not_plain_is_left_to_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["run", "--seed", "x"], capsys).endswith("see `faceparity run --help`")
    assert answer(["run", "nonsense"], capsys).endswith("see `faceparity run --help`")
    assert meant("no such thing", ["run", "1%"]) is None


@pytest.mark.parametrize(
    ("name", "wanted"), [("lfw", "`faceparity fetch lfw` gets it"), ("rfw", "`faceparity datasets rfw` says how")]
)
def test_a_set_that_is_not_here_says_how_to_get_it(
    name: str, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FACEPARITY_DATA", raising=False)
    line = answer(["run", "-d", name], capsys)
    assert wanted in line
    assert f"write -d {name}=DIR" in line
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("FACEPARITY_DATA", str(data))
    line = answer(["run", "-d", name], capsys)
    assert wanted in line
    assert f"put it into {data} as {name}" in line
