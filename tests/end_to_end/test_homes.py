"""What is written where, and for whom: homes that are missing, shut or open, and users who have none."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

OWN = (
    "FACEPARITY_HOME",
    "NUMBA_CACHE_DIR",
    "MPLCONFIGDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "FACEPARITY_TRACEBACK",
)
SHUT = "/proc/nowhere"
"""Where not even an administrator can make a folder."""


@pytest.fixture
def bare(command_environment: dict[str, str], tmp_path: Path):
    """Call `faceparity` with the variables named alone, under a umask."""
    inherited = {k: v for k, v in command_environment.items() if k not in OWN}
    inherited["NUMBA_CACHE_DIR"] = os.environ.get("NUMBA_CACHE_DIR", "")

    def call(*arguments: object, umask: int = 0o022, cwd: Path = tmp_path, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "faceparity.harness.cli", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, env={**inherited, **env}, cwd=cwd, umask=umask, timeout=600
        )

    return call


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    """Sixty people who are patterns."""
    from PIL import Image

    from tests.end_to_end.end_to_end_help import picture, write_labels

    folder = tmp_path_factory.mktemp("few")
    rows = []
    for person in range(60):
        for shot in (1, 2):
            Image.fromarray(picture(person, shot)).save(folder / f"{person}_{shot}.png")
            rows.append((f"{person}_{shot}.png", person, "FM"[person % 2], "xy"[person % 4 // 2]))
    write_labels(folder, rows)
    return folder


def one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in last, last


def test_nothing_is_written_outside_the_home_that_is_named_and_it_is_the_owners_alone(bare, few, tmp_path) -> None:
    user, home, out = tmp_path / "user", tmp_path / "deep" / "home", tmp_path / "out"
    user.mkdir()
    env = {"HOME": str(user), "FACEPARITY_HOME": str(home), "NUMBA_CACHE_DIR": ""}
    commands = [
        ("run", "-d", f"folder={few}", "-m", "toy", "--workers", 2, "--out", out),
        ("report", out, "--all", "--out", tmp_path / "again"),
        ("suspects", out),
        ("check", f"folder={few}"),
    ]
    for command in commands:
        done = bare(*command, umask=0, **env)
        assert done.returncode in (0, 1), done.stderr
    assert list(user.rglob("*")) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again", "deep", "out", "user"]
    assert {p.name for p in home.iterdir()} == {"caches", "keys", "store"}
    assert list(home.glob("caches/numba/*/*/*.nbi"))
    assert list(home.glob("caches/matplotlib/fontlist*.json"))
    named = [tmp_path / "deep", home, *home.iterdir(), *(home / "store").rglob("*"), *(home / "keys").rglob("*")]
    for path in named:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("umask", [0o077, 0o777])
def test_a_report_alone_makes_a_home_that_is_the_owners_alone(bare, few, faceparity, tmp_path, umask) -> None:
    out = tmp_path / "out"
    assert faceparity("run", "-d", f"folder={few}", "-m", "toy", "--out", out).returncode == 0
    done = bare("report", out, umask=umask, HOME=SHUT, FACEPARITY_HOME=str(tmp_path / "home"), NUMBA_CACHE_DIR="")
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "home", tmp_path / "home" / "caches"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


@pytest.mark.parametrize("env", [{"HOME": SHUT}, {"HOME": "/", "FACEPARITY_HOME": SHUT}])
def test_a_run_that_may_write_nowhere_says_what_to_set(bare, few, tmp_path, env) -> None:
    done = bare("run", "-d", f"folder={few}", "-m", "toy", "--out", tmp_path / "out", **env)
    one_line(done, "set FACEPARITY_HOME to a folder that you can write to")
    assert not (tmp_path / "out").exists()


def test_a_run_that_keeps_nothing_needs_no_home(bare, few, tmp_path) -> None:
    done = bare(
        "run", "-d", f"folder={few}", "-m", "toy", "--ephemeral", "--out", tmp_path / "out", HOME=SHUT, NUMBA_CACHE_DIR=""
    )
    assert done.returncode == 0, done.stderr
    assert "temporary cache directory" not in done.stderr
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.parametrize("command", ["run", "score", "compare", "suite"])
def test_a_current_folder_that_cannot_be_written_to_is_named_before_anything_is_read(
    bare, few, faceparity, tmp_path, command
) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("subject_a,subject_b,mated,score,gender_a,gender_b\n1,2,0,0.5,F,M\n")
    suite = tmp_path / "suite.toml"
    suite.write_text(f"models = ['toy']\ndatasets = ['folder={few}']\n", "utf-8")
    one = tmp_path / "one"
    if command == "compare":
        assert faceparity("run", "-d", f"folder={few}", "-m", "toy", "--out", one).returncode == 0
    arguments = {"run": ["-d", f"folder={few}", "-m", "toy"], "score": [scores], "compare": [one], "suite": [suite]}[command]
    done = bare(command, *arguments, cwd=Path("/proc/self"), FACEPARITY_HOME=str(tmp_path / "home"))
    one_line(done, "this folder can't be written to; name one for the results with --out DIR")
