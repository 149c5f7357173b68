"""`faceparity suspects` names the images in which it depends on the policy whose face was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceparity.harness.cli.commands.suspects import read_unlike_faces, suspects_command
from tests.harness import toy, toy_runs

UNLIKE = (3, 17, 101)


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    return toy.make_dataset(1, 130, 2)


def run(folder: Path, dataset, policy: str | None):
    (templates,) = toy_runs.models(dataset, 1)
    n = dataset.n_samples
    differ = None if policy is None else np.isin(np.arange(n), UNLIKE)
    faces = np.where(np.isin(np.arange(n), UNLIKE), 2, 1).astype(np.int32)
    return toy_runs.write_run(folder, dataset, replace(templates, faces=faces, faces_policy=policy, faces_differ=differ), "m")


@pytest.mark.parametrize(
    ("policy", "said"), [("centre", "the most central one was used"), ("largest", "the largest one was used")]
)
def test_they_are_listed_with_the_policy(
    policy: str, said: str, dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(tmp_path / "run", dataset, policy)
    assert read_unlike_faces(result) == [(dataset.files[k], 2) for k in UNLIKE]
    suspects_command(tmp_path / "run", 2, None, ())
    out = capsys.readouterr().out
    assert f"{said} (2 of 3)" in out
    assert f"2 faces  {dataset.files[3]}\n" in out
    assert dataset.files[101] not in out.partition(said)[2]


@pytest.mark.slow
def test_a_model_without_the_choice_lists_none(dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_unlike_faces(run(tmp_path / "run", dataset, None)) == []
    suspects_command(tmp_path / "run", 2, None, ())
    assert "most central" not in capsys.readouterr().out


def test_no_file_s_name_is_in_what_is_published(dataset, tmp_path: Path) -> None:
    result = run(tmp_path / "run", dataset, "centre")
    published = [path for path in result.folder.rglob("*") if path.is_file() and "private" not in path.parts]
    assert published
    assert not any(dataset.files[k].encode() in path.read_bytes() for path in published for k in UNLIKE)
