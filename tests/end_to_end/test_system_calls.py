"""Nothing leaves the machine and nothing is written elsewhere, by the system calls of every command and all its children."""

from __future__ import annotations

import csv
import logging
import os
import shutil
import sys
from pathlib import Path

import pytest

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.control import __file__ as control
from faceparity.datasets.fetch.artefacts import path
from faceparity.harness.models import artefacts_of
from tests.end_to_end.system_calls import Trace, watch, why_not

PEOPLE = 24
MODELS = ("face_recognition", "sface")
COMMANDS = {
    "run": [
        "run",
        "-d",
        "folder={faces}",
        *(f"-m{name}" for name in MODELS),
        "--by",
        "gender",
        "--workers",
        "2",
        "--out",
        "{out}/run",
    ],
    "score": ["score", "{scores}", "--out", "{out}/score"],
    "report": ["report", "{out}/run", "--all", "--out", "{out}/report"],
    "compare": ["compare", "{out}/run", "--out", "{out}/compare"],
    "suite": ["suite", "{suite}", "--out", "{out}/suite"],
    "check": ["check", "folder={faces}"],
    "suspects": ["suspects", "{out}/run/faces/face_recognition"],
    "models": ["models", "--verify"],
    "purge": ["purge", "--yes"],
}
"""In this order, each on what those before it left."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A home with weights but nothing else, an empty HOME, pictures of the control set, scores and a suite."""
    if reason := why_not():
        assert not os.environ.get("CI"), f"{reason}; on a build server this test must run"
        pytest.skip(reason)
    base = tmp_path_factory.mktemp("watched")
    made = {name: base / name for name in ("home", "user", "tmp", "out", "faces")}
    for folder in made.values():
        folder.mkdir()
    if paths.artefacts().is_dir():
        shutil.copytree(paths.artefacts(), made["home"] / "artefacts")
    _pictures(made["faces"])
    made |= {"scores": base / "scores.csv", "suite": base / "mine.toml"}
    rows = [(f"s{i}", f"s{i + 1}", 0, i / 100, "F", "F") for i in range(60)]
    with made["scores"].open("w", newline="") as file:
        csv.writer(file).writerows([("subject_a", "subject_b", "mated", "score", "gender_a", "gender_b"), *rows])
    made["suite"].write_text(f"models = {list(MODELS)}\ndatasets = ['folder={made['faces']}']\n", "utf-8")
    return made


def _pictures(folder: Path) -> None:
    """The first two pictures of some heads of the control set, with labels."""
    portraits = Path(control).parent / "portraits"
    with (portraits / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].endswith(("-1.jpg", "-2.jpg"))]
    subjects = sorted({row["subject"] for row in rows})
    chosen = set(subjects[:: len(subjects) // PEOPLE])
    rows = [row for row in rows if row["subject"] in chosen]
    for row in rows:
        shutil.copy(portraits / row["file"], folder)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "subject", "sex"), *((r["file"], r["subject"], r["sex"]) for r in rows)])


@pytest.fixture(scope="module")
def environment(folders: dict[str, Path]) -> dict[str, str]:
    """A user's environment: nothing in it that switches telemetry off."""
    named = {"HOME": folders["user"], "FACEPARITY_HOME": folders["home"], "TMPDIR": folders["tmp"]}
    hidden = ("ORT_DISABLE_TELEMETRY", "DO_NOT_TRACK", "NUMBA_CACHE_DIR", "MPLCONFIGDIR")
    return {k: v for k, v in os.environ.items() if k not in hidden and not k.startswith("XDG_")} | {
        k: str(v) for k, v in named.items()
    }


@pytest.fixture(scope="module")
def traces(folders: dict[str, Path], environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trace]:
    """What each command did, in a row."""
    try:
        for artefact in artefacts_of("sface"):
            path(artefact)
    except UserError as error:
        pytest.skip(str(error))
    logs = tmp_path_factory.mktemp("logs")
    call = [sys.executable, "-m", "faceparity.harness.cli"]
    found = {}
    for name, words in COMMANDS.items():
        found[name] = watch([*call, *(word.format(**folders) for word in words)], logs / name, environment, folders["out"])
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_no_socket_but_between_its_own_processes(command: str, traces: dict[str, Trace]) -> None:
    trace = traces[command]
    assert trace.done.returncode == 0, trace.done.stderr
    assert trace.calls, "nothing was watched"
    assert trace.sockets() == []


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_written_outside_the_folders_that_were_named(
    command: str, traces: dict[str, Trace], folders: dict[str, Path]
) -> None:
    """Python's own cache of compiled code beside the code aside."""
    named = [*(folders[name] for name in ("home", "tmp", "out")), Path(os.devnull), Path("/dev/shm")]
    outside = {
        path for path in traces[command].written() if "__pycache__" not in path.parts and not any(map(path.is_relative_to, named))
    }
    assert outside == set()


def test_the_users_home_stays_empty(traces: dict[str, Trace], folders: dict[str, Path]) -> None:
    assert traces
    assert list(folders["user"].rglob("*")) == []


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "AF_INET"),
        ("import socket; socket.socket(socket.AF_INET6).connect_ex(('::1', 9))", "::1"),
        ("import subprocess, sys; subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'])", "AF_INET"),
        ("import ctypes; ctypes.CDLL(None).socket(2, 1, 0)", "AF_INET"),
        ("import threading, socket; t = threading.Thread(target=socket.socket); t.start(); t.join()", "AF_INET"),
    ],
)
def test_the_watch_sees_sockets(code: str, seen: str, environment: dict[str, str], tmp_path: Path) -> None:
    """Those of children, threads and of C, too."""
    trace = watch([sys.executable, "-c", code], tmp_path / "log", environment, tmp_path)
    assert seen in " ".join(trace.sockets())


@pytest.mark.parametrize(
    "code",
    [
        "open('{0}', 'w')", "import os; os.mkdir('{0}')", "open('{0}x', 'w'); import os; os.rename('{0}x', '{0}')",
        "import os; os.symlink('/', '{0}')", "import subprocess; subprocess.run(['touch', '{0}'])", "open('{0}', 'a+b')",
    ],
)  # fmt: skip
def test_the_watch_sees_written_files(code: str, environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "written"
    trace = watch([sys.executable, "-c", code.format(file)], tmp_path / "log", environment, tmp_path)
    assert file in trace.written()


def test_a_cluster_is_reached_by_loopback_alone(folders: dict[str, Path], environment: dict[str, str], tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    in_memory = {"distributed.worker.memory.target": False, "distributed.worker.memory.spill": False}
    own = {"FACEPARITY_HOME": str(tmp_path / "workers")}
    cluster = {"n_workers": 1, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set(in_memory),
        distributed.LocalCluster(**cluster, local_directory=str(tmp_path), env=own, silence_logs=logging.CRITICAL) as cluster,
    ):
        words = [
            "run",
            "-d",
            f"folder={folders['faces']}",
            "-m",
            "face_recognition",
            "--by",
            "gender",
            "--dask",
            cluster.scheduler_address,
        ]
        command = [sys.executable, "-m", "faceparity.harness.cli", *words, "--out", str(folders["out"] / "dask")]
        trace = watch(command, tmp_path / "log", environment, tmp_path, network=True)
    assert trace.done.returncode == 0, trace.done.stderr
    assert trace.addresses() == {"127.0.0.1"}


def test_onnxruntime_has_something_to_switch_off(environment: dict[str, str], tmp_path: Path) -> None:
    """Else the tests above could not fail: loaded alone, it makes a device id and a queue of events to send."""
    import onnxruntime

    if tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (1, 29):
        pytest.skip(f"onnxruntime {onnxruntime.__version__} has no telemetry of its own")
    homes = [tmp_path / name for name in ("bare", "ours")]
    for home, first in zip(homes, ("", "import faceparity.reports; "), strict=True):
        home.mkdir()
        watch([sys.executable, "-c", first + "import onnxruntime"], home / "log", {**environment, "HOME": str(home)}, home)
    bare, ours = ({file.name for file in home.rglob("*") if home / "log" not in file.parents} - {"log"} for home in homes)
    assert "deviceid" in bare
    assert ours == set()
