"""The command line as a user has it, in processes of its own, with the network cut off and everything under one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from tests.command_server import AFTER_START, CommandServer
from tests.end_to_end.end_to_end_help import picture, write_labels

Command = Callable[..., subprocess.CompletedProcess[str]]
PLUGIN = Path(__file__).parent / "plugin"
FORKS = sys.platform.startswith("linux")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FACEPARITY_HOME of this session."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def command_environment(home: Path) -> dict[str, str]:
    """The environment of a command under test: a home of its own, the toy model as a plug-in, no network."""
    path = os.pathsep.join(filter(None, (str(PLUGIN), os.environ.get("PYTHONPATH"))))
    own = {"FACEPARITY_HOME": str(home), "PYTHONPATH": path, "COLUMNS": "100", "PYTHONWARNINGS": "error::RuntimeWarning"}
    return {**os.environ, **own}


@pytest.fixture(scope="session")
def faceparity(home: Path, command_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Call `faceparity ARGUMENTS...` and wait for it: a process of its own, forked where nothing but the place of data is set."""
    servers: dict[str, CommandServer] = {}
    out, error = (tmp_path_factory.mktemp("said") / name for name in ("out", "error"))

    def forked(arguments: list[str], variables: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
        path = variables["PYTHONPATH"]
        if path not in servers:
            servers[path] = CommandServer({**command_environment, "PYTHONPATH": path}, home)
        server = servers[path]
        ended = server.wait(server.start(arguments, variables, cwd, out, error), timeout=600)
        return subprocess.CompletedProcess(arguments, ended.status, out.read_text("utf-8"), error.read_text("utf-8"))

    def call(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        words, variables = [*map(str, arguments)], {**command_environment, **(env or {})}
        if FORKS and set(env or {}) <= AFTER_START | {"PYTHONPATH"}:
            return forked(words, variables, cwd or home)
        command = [sys.executable, "-m", "faceparity.harness.cli", *words]
        return subprocess.run(command, capture_output=True, text=True, env=variables, cwd=cwd or home, timeout=600)

    yield call
    for server in servers.values():
        server.close()


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 130 people with two pictures each, and labels.csv."""
    folder = tmp_path_factory.mktemp("data") / "people"
    folder.mkdir()
    rows = []
    for person in range(130):
        for shot in (1, 2):
            name = f"secretname{person:03d}_{shot}.png"
            cv2.imwrite(str(folder / name), picture(person, shot))
            rows.append((name, f"person{person}", ("F", "M")[person % 2], ("black", "caucasian")[person % 4 // 2]))
    write_labels(folder, rows)
    return folder
