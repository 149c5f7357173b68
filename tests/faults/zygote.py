"""A process that has loaded the harness and forks one run after another: a hundred runs without a hundred starts.

Reads one JSON object a line: {"run": [arguments], "env": {...}, "cwd": ..., "log": ...} answers {"pid": ...};
{"wait": pid} answers {"status": exit status, negative for a signal, "peak_mb": memory}; {"load": file} imports the modules that a
run listed there ("modules": file). `today` in env is what the vault takes for today.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from contextlib import suppress
from datetime import date
from multiprocessing.util import _exit_function
from pathlib import Path


def _child(order: dict) -> None:
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    from faceparity.harness.cli import _run
    from faceparity.harness.templates import clock, vault

    if told := order["env"].get("today"):
        vault.today = lambda: date.fromisoformat(told)
        clock.boot = lambda: None  # another day without another boot would be a clock that somebody set
    status = 99
    try:
        status = _run(order["run"])
    finally:
        if names := order.get("modules"):
            Path(names).write_text("\n".join(sys.modules))
        sys.stdout.flush()
        sys.stderr.flush()
        _exit_function()
        os._exit(status)


def _load(names: list[str]) -> None:
    """Import what a run imported, so that the next ones need not."""
    for name in names:
        if name != "__main__":
            with suppress(Exception):
                importlib.import_module(name)


def main() -> None:
    """Serve until standard input ends."""
    import faceparity.harness.cli.app
    import faceparity.harness.cli.run
    import faceparity.reports.writers  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status, usage = os.wait4(order["wait"], 0)
            code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            print(json.dumps({"status": code, "peak_mb": usage.ru_maxrss // 1024}), flush=True)
            continue
        if "load" in order:
            _load(Path(order["load"]).read_text().split())
            print("{}", flush=True)
            continue
        pid = os.fork()
        if not pid:
            _child(order)
        print(json.dumps({"pid": pid}), flush=True)


if __name__ == "__main__":
    main()
