"""`faceparity purge` as a user meets it."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLANNED = "This destroys 3 keys (1 of private parts of runs) and "


@pytest.fixture
def run_here(people, faceparity, tmp_path):
    out = tmp_path / "run"
    result = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--out", out)
    assert result.returncode == 0, result.stderr
    return out


@pytest.fixture(scope="module")
def kept_once(faceparity, people, tmp_path_factory) -> Path:
    """A home with a run's keys and templates in it, to be copied."""
    home = tmp_path_factory.mktemp("kept") / "home"
    out = home.with_name("out")
    done = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--out", out, env={"FACEPARITY_HOME": str(home)})
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def kept(kept_once, tmp_path) -> Path:
    """A home of its own, with a run's keys and templates in it."""
    return shutil.copytree(kept_once, tmp_path / "kept")


def keys(home: Path) -> list[str]:
    return sorted(p.name for p in (home / "keys").glob("*.key"))


def at_a_terminal(environment: dict[str, str], home: Path, answer: bytes, *arguments: str) -> tuple[int, str]:
    """The exit status and what stood on the screen; the answer is typed at once."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "faceparity.harness.cli", "purge", *arguments]
    env = {**environment, "FACEPARITY_HOME": str(home)}
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, text=True) as process:
        os.close(theirs)
        os.write(ours, answer)
        said, _ = process.communicate(timeout=600)
    os.close(ours)
    return process.returncode, said


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
    result = faceparity("purge", *arguments, "--yes")
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "not several of them" in result.stderr


@pytest.mark.parametrize("answer", [b"\n", b"n\n", b"yesterday\n", b"\x04"])
def test_at_a_terminal_everything_stays_unless_a_person_says_yes(kept, command_environment, answer) -> None:
    before = keys(kept)
    status, said = at_a_terminal(command_environment, kept, answer)
    assert status == 1, said
    assert said.startswith(PLANNED)
    assert said.endswith("Go on? [y/N] nothing was destroyed\n")
    assert keys(kept) == before


@pytest.mark.parametrize(("answer", "arguments"), [(b"y\n", ()), (b"YES\n", ("--all",)), (b"", ("--yes",))])
def test_at_a_terminal_yes_is_yes(kept, command_environment, answer, arguments) -> None:
    status, said = at_a_terminal(command_environment, kept, answer, *arguments)
    assert status == 0, said
    assert said.startswith(PLANNED)
    assert ("Go on?" in said) == bool(answer)
    assert re.search(r"destroyed 3 keys, then \d+ files of templates \(0\.\d MB\)", said)
    assert (keys(kept), list(kept.glob("store/*/*.shard"))) == ([], [])


@pytest.mark.parametrize("arguments", [(), ("--all",)])
def test_in_a_script_yes_must_be_said(kept, faceparity, arguments) -> None:
    env = {"FACEPARITY_HOME": str(kept)}
    before = keys(kept)
    refused = faceparity("purge", *arguments, env=env)
    assert refused.returncode == 2
    assert refused.stdout.startswith(PLANNED)
    assert "this is no terminal: add --yes, or name a run's folder" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert keys(kept) == before
    done = faceparity("purge", *arguments, "--yes", env=env)
    assert done.returncode == 0, done.stderr
    assert keys(kept) == []
