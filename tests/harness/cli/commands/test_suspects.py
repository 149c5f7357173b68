"""`faceparity suspects` lists first the pairs of people that carry a pool's errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceparity.harness.cli.commands.suspect_list import carrying_pairs, first_of_each_kind, read_suspects
from faceparity.harness.cli.commands.suspects import suspects_command
from faceparity.harness.options import Options
from faceparity.harness.templates import private_tables
from tests.harness import people, toy_runs


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> people.World:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    return people.sisters()


def run(folder: Path, world: people.World):
    return toy_runs.write_run(
        folder, world.dataset, world.templates, "m", options=Options(by=("gender", "ethnicity"), targets=(1e-2,))
    )


def test_the_sisters_come_first(world: people.World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(tmp_path / "run", world)
    person = dict(zip(world.dataset.files, world.dataset.subjects.tolist(), strict=True))
    found = read_suspects(result)
    (pair,) = carrying_pairs(found)
    assert {(person[s.a], person[s.b]) for s in pair} | {(person[s.b], person[s.a]) for s in pair} == {
        people.SISTERS, people.SISTERS[::-1]
    }  # fmt: skip
    assert [s.score for s in pair] == sorted((s.score for s in pair), reverse=True)
    assert pair[0].share > 1 / 3
    assert first_of_each_kind(found, 3)[0] == pair[0]
    assert len(first_of_each_kind(found, 3)) == 1 + 3 + 3
    suspects_command(tmp_path / "run", 4, None, ())
    text = capsys.readouterr().out
    said = f"{pair[0].share:.0%} of the pool's false matches at a target, in {len(pair)} comparisons of two people:"
    assert said in text
    assert text.index(said) < text.index("different people, most alike first")
    assert text.index(pair[0].row) < text.index("different people, most alike first")
    assert text.partition("different people")[0].count(".png,") == 4, "as many of each pair as of each kind"


def test_nothing_of_the_pair_is_in_what_is_published(world: people.World, tmp_path: Path) -> None:
    result = run(tmp_path / "run", world)
    share = carrying_pairs(read_suspects(result))[0][0].share
    published = [path for path in result.folder.rglob("*") if path.is_file() and "private" not in path.parts]
    assert published
    for path in published:
        text = path.read_text("utf-8")
        assert f"{share:.6f}"[:7] not in text
        assert not any(file in text for file in world.dataset.files[3:17])


def test_suspects_of_before_this_was_kept_can_be_read(
    world: people.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(tmp_path / "run", world)
    now = read_suspects(result)
    read = private_tables.read_table

    def without_share(folder: Path, table: private_tables.Table):
        columns = read(folder, table)
        return {name: column for name, column in columns.items() if name != "share"}

    monkeypatch.setattr(private_tables, "read_table", without_share)
    assert read_suspects(result) == [replace(suspect, share=0.0) for suspect in now]
    assert carrying_pairs(read_suspects(result)) == []


def test_all_that_look_like_one_person_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where they are more than the two hundred that are kept of all runs."""
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    twins = {(2 * k, 2 * k + 1): 0.0 for k in range(20)}
    images = {person: 4 for pair in twins for person in pair}
    sizes = {("female", "A"): 60, ("male", "A"): 60}
    world = people.make_world(sizes, alike=twins, images=images, noise=0.05)
    found = [suspect for suspect in read_suspects(run(tmp_path / "run", world)) if not suspect.mated]
    assert sum(suspect.score >= np.float32(0.9) for suspect in found) == 20 * 16
