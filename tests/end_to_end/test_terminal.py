"""What a person at the keyboard does to a run: stops it, pipes it, has an old terminal or a full disk's neighbour."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from tests.end_to_end.end_to_end_help import results

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")


@pytest.fixture
def start(home, command_environment):
    """Start `faceparity ARGUMENTS...` and return the process, which a Ctrl-C reaches also where the shell ignores it."""
    started: list[subprocess.Popen[str]] = []

    def call(*arguments: object, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "faceparity.harness.cli", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home, start_new_session=True,
            env={**command_environment, **variables}, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def gone(group: int) -> bool:
    """Whether no process of a group is left, within ten seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def wait_for_shards(process, home) -> None:
    """Until a run with this home is in the middle of its images, or has ended."""
    for _ in range(600):
        if len(list(home.glob("store/*/*.shard"))) > 1 or process.poll() is not None:
            break
        time.sleep(0.05)


@pytest.mark.parametrize("whole_group", [True, False], ids=["as the terminal does", "to the process alone"])
def test_ctrl_c_in_the_middle_and_on_from_there(whole_group, start, people, faceparity, tmp_path) -> None:
    own = {"FACEPARITY_HOME": str(tmp_path / "home")}
    process = start("run", "-d", f"folder={people}", "-m", "toy", "--out", tmp_path / "o", TOY_SECONDS="0.05", **own)
    wait_for_shards(process, tmp_path / "home")
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    lines = error.strip().splitlines()
    assert "Traceback" not in error
    assert [line for line in lines if line.startswith("faceparity: ")] == lines[-1:]
    assert "stopped" in lines[-1]
    assert gone(process.pid), "nothing of it stays behind"
    again = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--out", tmp_path / "o", env=own)
    assert again.returncode == 0, again.stderr
    (new,) = re.findall(r"260 templates of 260 images, (\d+) read now", again.stderr)
    assert 0 < int(new) < 260
    assert results(tmp_path / "o")["comparisons"]["mated"] == 130


def test_a_closed_pipe_is_no_error(start, people, tmp_path) -> None:
    for arguments in (["run", "-d", f"folder={people}", "-m", "toy", "--out", tmp_path / "o"], ["schema"], ["models", "sface"]):
        process = start(*arguments)
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        error = process.stderr.read()
        process.wait(timeout=60)
        assert "Traceback" not in error
        assert "BrokenPipe" not in error
    assert (tmp_path / "o" / "report.html").is_file()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_terminals_without_unicode_keep_the_signs_that_matter(encoding, people, tmp_path, command_environment) -> None:
    command = [
        sys.executable,
        "-m",
        "faceparity.harness.cli",
        "run",
        "-d",
        f"folder={people}",
        "-m",
        "toy",
        "--out",
        str(tmp_path / "o"),
    ]
    done = subprocess.run(command, capture_output=True, env={**command_environment, "PYTHONIOENCODING": encoding}, timeout=120)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    assert "≥" in text or ">=" in text
    assert "female × Black" in text or "female x Black" in text
    assert "?" not in text
    assert "<=" in text


def test_a_locale_of_the_last_century(people, faceparity) -> None:
    old = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for arguments in (["check", f"folder={people}"], ["models", "sface"], ["datasets", "london"], ["run", "-d", "lønden"]):
        result = faceparity(*arguments, env=old)
        assert "Traceback" not in result.stderr
        assert result.returncode == (2 if arguments[0] == "run" else 0), result.stderr


def test_colours_only_on_a_terminal(people, faceparity, tmp_path) -> None:
    result = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--out", tmp_path / "o")
    assert "\x1b" not in result.stdout + result.stderr


@pytest.mark.skipif(shutil.which("script") is None, reason="no `script` to give a terminal")
@pytest.mark.parametrize("columns", ["40", "80"])
def test_on_a_terminal(columns, people, tmp_path, command_environment) -> None:
    words = [
        sys.executable,
        "-m",
        "faceparity.harness.cli",
        "run",
        "-d",
        f"folder={people}",
        "-m",
        "toy",
        "--out",
        str(tmp_path / "o"),
    ]
    command = ["script", "-qec", " ".join(words), "/dev/null"]
    environment = {**command_environment, "COLUMNS": columns, "NO_COLOR": "1", "TERM": "xterm"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, stdin=subprocess.DEVNULL)
    text = done.stdout.decode()
    assert done.returncode == 0, text
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text), "NO_COLOR"
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.rpartition("\x1b[?25h")[2])
    assert max(len(line.rstrip()) for line in shown.splitlines() if "Report: " not in line) <= int(columns)
    for done_of, of in re.findall(r"comparisons\D*(\d+)/(\d+)", text):
        assert int(done_of) <= int(of)


def test_the_script_and_the_module_are_one(faceparity, command_environment) -> None:
    script = Path(sysconfig.get_path("scripts")) / "faceparity"
    if not script.is_file():
        pytest.skip("faceparity is not installed as a script here")
    for arguments in (["--help"], ["run", "-d", "nowhere"], ["datasets"], ["nonsense"], []):
        module = faceparity(*arguments)
        done = subprocess.run([script, *arguments], capture_output=True, text=True, env=command_environment, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (module.returncode, module.stdout, module.stderr)


def test_a_place_that_cannot_be_written_to(people, faceparity, tmp_path) -> None:
    (tmp_path / "file").touch()
    places = [tmp_path / "file", tmp_path / "file" / "below", "/proc/nowhere" if sys.platform == "linux" else tmp_path / "file"]
    if os.geteuid() != 0:
        (tmp_path / "closed").mkdir(mode=0o500)
        places.append(tmp_path / "closed" / "o")
    for out in places:
        result = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--out", out)
        assert result.returncode == 2
        assert "Traceback" not in result.stderr
        assert f"--out {out}" in result.stderr.splitlines()[-1]


def test_a_run_into_the_folder_of_an_earlier_one_leaves_nothing_of_it(people, faceparity, start, tmp_path) -> None:
    out, command = tmp_path / "o", ("run", "-d", f"folder={people}", "-m", "toy")
    assert faceparity(*command, "--out", out).returncode == 0
    before = results(out)
    refused = faceparity(*command, "--pool", "gender=robot", "--out", out)
    assert refused.returncode == 2
    assert results(out) == before, "a mistake is told before anything is begun"
    assert (out / "report.html").exists()
    process = start(*command, "--out", out, TOY_SECONDS="0.05", FACEPARITY_HOME=str(tmp_path / "home"))
    wait_for_shards(process, tmp_path / "home")
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not list(out.rglob("results.json"))
    assert not (out / "report.html").exists(), "an old report beside no results tells of another run"
