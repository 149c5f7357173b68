"""Nothing but `fetch` opens a connection: every module is imported and every command run with the network cut off."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest

from faceparity.harness.cli.app import app

COMMANDS = {
    "run": ["-d", "{people}", "-m", "toy", "--out", "{tmp}/run"],
    "score": ["{scores}", "--out", "{tmp}/score"],
    "report": ["{run}"],
    "suite": ["{suite}", "--out", "{tmp}/suite"],
    "compare": ["{run}", "--out", "{tmp}/compared"],
    "datasets": ["fairface"],
    "models": ["--verify"],
    "claims": [],
    "scenarios": [],
    "check": ["{people}"],
    "suspects": ["{run}"],
    "schema": [],
    "purge": ["--yes"],
}
"""One call of every command but fetch. Some are mistakes: how a command ends is not what is looked at here."""


def names() -> list[str]:
    """Every command there is."""
    return [str(c.name or getattr(c.callback, "__name__", "")) for c in app.registered_commands]


def test_every_command_is_tried() -> None:
    assert {*names()} - {"fetch"} == set(COMMANDS)


@pytest.fixture(scope="module")
def places(people, faceparity, tmp_path_factory) -> dict[str, str]:
    tmp = tmp_path_factory.mktemp("offline")
    scores = tmp / "scores.csv"
    with scores.open("w", newline="") as file:
        rows = [(f"s{i}", f"s{i + 1}", 0, i / 100, "F", "F") for i in range(60)]
        csv.writer(file).writerows([("subject_a", "subject_b", "mated", "score", "gender_a", "gender_b"), *rows])
    suite = tmp / "suite.toml"
    suite.write_text(f"models = ['toy']\ndatasets = ['folder={people}']\n", "utf-8")
    assert faceparity("run", "-d", f"folder={people}", "-m", "toy", "--out", tmp / "first").returncode == 0
    return {"people": f"folder={people}", "tmp": str(tmp), "scores": str(scores), "suite": str(suite), "run": str(tmp / "first")}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command(command: str, places: dict[str, str], faceparity) -> None:
    result = faceparity(command, *(argument.format(**places) for argument in COMMANDS[command]))
    assert result.returncode in (0, 1, 2), result.stderr
    assert "nothing but fetch may use the network" not in result.stderr + result.stdout


@pytest.mark.parametrize(
    "tried",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))",
        "socket.getaddrinfo('example.org', 443)",
        "urllib.request.urlopen('http://127.0.0.1:9')",
        "socket.socket().bind(('127.0.0.1', 0))",
    ],
)
def test_the_guard_guards(tried: str, command_environment) -> None:
    """A process such as the commands run in."""
    code = f"import faceparity.harness.cli, socket, urllib.request; {tried}"
    done = subprocess.run([sys.executable, "-c", code], env=command_environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1
    assert "nothing but fetch may use the network" in done.stderr


def test_importing_loads_no_weights_and_opens_nothing(command_environment) -> None:
    """Every module of the package."""
    code = """
import builtins, importlib, pkgutil, sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
import faceparity.datasets, faceparity.harness, faceparity.reports
count = 0
for package in (faceparity.datasets, faceparity.harness, faceparity.reports):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            count += 1
weights = [name for name in opened if name.endswith((".onnx", ".dat", ".tflite", ".key", ".shard"))]
assert not weights, weights
print(count)
"""
    done = subprocess.run([sys.executable, "-c", code], env=command_environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 150
