"""Commands as processes of their own, forked from one that has imported what they need: none waits seconds for imports.

Each is what `python -m faceparity.harness.cli` is, with its own memory, working folder, signals, process group and exit status. Run as
a script, this is the common parent: it reads one JSON object a line. {"run": [arguments], "env": {...}, "cwd", "out", "error"} answers
{"pid"}; {"wait": pid} answers {"status": exit status, negative for a signal, "peak_mb": memory}; {} answers {} once all is imported.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

AFTER_START = frozenset({"FACEPARITY_HOME", "FACEPARITY_DATA"})
"""Variables that are read when a command needs them; any other may matter while Python starts or modules are imported."""

PACKAGES = ("faceparity.harness.cli", "faceparity.reports")
LATER = ("cryptography.hazmat.primitives.ciphers.aead", "cv2", "scipy.stats", "sklearn.isotonic")
"""What a command imports only when it comes to it, and takes long."""


class Ended(NamedTuple):
    """How a command ended: status (negative for a signal), and the most memory that its first process had."""

    status: int
    peak_mb: int


class CommandServer:
    """The common parent of commands whose environments differ in `AFTER_START` alone. prefix: a command to start it with."""

    def __init__(self, environment: Mapping[str, str], folder: Path, prefix: Sequence[str] = ()) -> None:
        command = [*prefix, sys.executable, str(Path(__file__).resolve())]
        self._process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def pid(self) -> int:
        """Return the common parent's process id."""
        return self._process.pid

    def ready(self) -> None:
        """Wait until the common parent is there."""
        self._ask({})

    def start(self, arguments: Sequence[object], environment: Mapping[str, str], folder: Path, out: Path, error: Path) -> int:
        """Begin a command; returns its process id, which is its process group's too. environment: what differs from the parent's."""
        order = {"run": [str(a) for a in arguments], "env": dict(environment), "cwd": str(folder)}
        return int(self._ask({**order, "out": str(out), "error": str(error)})["pid"])

    def wait(self, pid: int, timeout: float | None = None) -> Ended:
        """Wait for a command's end. Raises TimeoutExpired, with the command killed, after `timeout` seconds."""
        assert self._process.stdout is not None
        self._send({"wait": pid})
        late = not select.select([self._process.stdout], [], [], timeout)[0]
        if late:
            os.killpg(pid, signal.SIGKILL)
        ended = Ended(**self._answer())
        if late:
            raise subprocess.TimeoutExpired("faceparity", timeout or 0)
        return ended

    def close(self) -> None:
        """End the common parent."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, order: Mapping[str, object]) -> dict[str, Any]:
        self._send(order)
        return self._answer()

    def _send(self, order: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def _preload() -> None:
    """Import the modules of all commands, and what they import later."""
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in LATER:
        importlib.import_module(name)
    importlib.import_module("faceparity.reports.layout.matplotlib_cache").load_matplotlib()


def _become(order: Mapping[str, Any]) -> None:
    """Turn this forked process into the command; ends as `python -m` does."""
    os.setsid()
    for file in (order["out"], order["error"]):
        Path(file).unlink(missing_ok=True)
    new = os.O_WRONLY | os.O_CREAT | os.O_APPEND  # they may be one file
    for number, (file, flags) in enumerate([(os.devnull, os.O_RDONLY), (order["out"], new), (order["error"], new)]):
        opened = os.open(file, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    sys.path.insert(0, order["cwd"])
    sys.argv = ["faceparity", *order["run"]]
    if told := order["env"].get("today"):
        _set_the_date(date.fromisoformat(told))
    importlib.import_module("faceparity.harness.cli").main()


def _set_the_date(today: date) -> None:
    """Have keys and templates take another day for today."""
    from faceparity.harness.templates import clock, encryption

    encryption.today = lambda: today
    clock.boot = lambda: None  # another day without another boot would be a clock that somebody set


def _serve() -> None:
    sys.path.pop(0)  # The folder of this file: `python -m` has the working folder there.
    _preload()
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status, usage = os.wait4(order["wait"], 0)
            answer = {"status": os.waitstatus_to_exitcode(status), "peak_mb": usage.ru_maxrss // 1024}
        elif "run" in order:
            if not (pid := os.fork()):
                _become(order)
                return
            answer = {"pid": pid}
        else:
            answer = {}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
