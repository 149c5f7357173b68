"""`faceparity purge` as a user meets it."""

from __future__ import annotations

import pytest


@pytest.fixture
def run_here(people, faceparity, tmp_path):
    out = tmp_path / "run"
    result = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--out", out)
    assert result.returncode == 0, result.stderr
    return out


def test_a_runs_private_part_goes_and_its_results_stay(run_here, faceparity) -> None:
    published = {f for f in run_here.rglob("*") if f.is_file() and "private" not in f.parts}
    result = faceparity("purge", run_here)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("destroyed 1 key, then 0 files of templates and ")
    assert {f for f in run_here.rglob("*") if f.is_file()} == published
    again = faceparity("purge", run_here)
    assert again.returncode == 2
    assert "holds no templates and no private part of a run" in again.stderr


def test_older_than(run_here, faceparity) -> None:
    result = faceparity("purge", "--older-than", "0")
    assert result.stdout.startswith("destroyed 0 keys, then 0 files")


@pytest.mark.parametrize("arguments", [("--all", "--older-than", "3"), (".", "--all"), (".", "--older-than", "3")])
def test_one_thing_at_a_time(faceparity, arguments) -> None:
    result = faceparity("purge", *arguments)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "not several of them" in result.stderr
