"""Scenarios read from TOML: ready-made ones, several in a file, and one line for everything that can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.cli.support.published_command import published_command
from faceparity.harness.scenarios.load import is_file, load_scenarios, preset_names, preset_text

GOOD = """
[[scenario]]
kind = "watchlist"
name = "mine"
threshold = { fixed = 0.4 }
[scenario.watchlist]
people = 10
make_up = { A = 0.4, B = 0.6 }
"""


def write(folder: Path, text: str) -> str:
    path = folder / "s.toml"
    path.write_text(text, "utf-8")
    return str(path)


def test_every_ready_one_can_be_read_and_says_what_it_is() -> None:
    assert {"watchlist-1000", "watchlist-half"} <= set(preset_names())
    for name in preset_names():
        (scenario, *_) = load_scenarios([name])
        assert scenario.title, name
        assert preset_text(name).startswith("#"), f"{name} has no word on what it is"


def test_names_and_files_together_in_their_order(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + GOOD.replace("mine", "second"))
    found = load_scenarios(["watchlist-half", path, "watchlist-half"])
    assert [s.name for s in found] == ["watchlist-half", "mine", "second"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("B = 0.6", "B = 0.5"), "scenario.1.watchlist: the shares of make_up sum to 0.9: make them sum to 1"),
        (("people = 10", "people = 0"), "scenario.1.watchlist.people: input should be greater than or equal to 1"),
        (("people = 10", "people = 10\nshare = 0.5"), "scenario.1.watchlist: give people (a number) or share"),
        (("people = 10\n", ""), "scenario.1.watchlist: give people (a number) or share"),
        (("people = 10", "persons = 10"), "scenario.1.watchlist.persons: no such key; remove it or correct its spelling"),
        (("fixed = 0.4", "fixed = 0.4, target_fmr = 0.1"), "scenario.1.threshold: give one of target_fmr, published, fixed"),
        (("fixed = 0.4", "target_fmr = 2"), "scenario.1.threshold.target_fmr: input should be less than 1"),
        (('name = "mine"\n', ""), "scenario.1.name: is missing; add it"),
        (('name = "mine"', 'name = "a/b"'), "scenario.1.name: string should match pattern"),
        (('"watchlist"\n', '"blocklist"\n'), "scenario.1.kind: one of watchlist, search, gallery, lineup is wanted"),
        (('kind = "watchlist"\n', ""), "scenario.1.kind: one of watchlist, search, gallery, lineup is wanted"),
        (("A = 0.4", "A = -0.4"), "make_up"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_key(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    assert change[0] in GOOD
    path = write(tmp_path, GOOD.replace(*change, 1))
    with pytest.raises(UserError) as error:
        load_scenarios([path])
    line = str(error.value)
    assert line.startswith(f"--scenario {path}: ")
    assert told in line
    assert "\n" not in line


def test_what_is_no_scenario(tmp_path: Path) -> None:
    for text, told in (("a = [", "not a TOML file"), ("", "holds no [[scenario]]"), ("scenario = 3", "holds no [[scenario]]")):
        with pytest.raises(UserError) as error:
            load_scenarios([write(tmp_path, text)])
        assert told in str(error.value)
    for name, told in (("nobody", "no scenario is called 'nobody'; there are "), (str(tmp_path / "x.toml"), "no such file")):
        with pytest.raises(UserError) as error:
            load_scenarios([name])
        assert told in str(error.value)
    with pytest.raises(UserError, match="can't be read"):
        load_scenarios([str(tmp_path) + "/"])


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two scenarios are called mine"):
        load_scenarios([write(tmp_path, GOOD + GOOD)])


def test_a_file_is_not_named_in_the_record() -> None:
    given = ["watchlist-half", "/home/somebody/mine.toml"]
    command = published_command("run", [("--scenario", [Path(s) if is_file(s) else s for s in given])])
    assert command == "faceparity run --scenario watchlist-half --scenario '<file>'".replace("'", "")
