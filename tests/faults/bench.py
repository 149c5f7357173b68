"""A data set, a home and a way to run faceparity on them again and again, and to break in on it."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tests import ROOT
from tests.command_server import CommandServer

PLUGIN = ROOT / "tests" / "end_to_end" / "plugin"
PEOPLE = 40
BATCH = 8
"""Images in one shard: what a kill may cost."""


class Ended(NamedTuple):
    """A run that is over. status: negative for a signal."""

    status: int
    told: str
    peak_mb: int

    @property
    def traceback(self) -> bool:
        """Whether a user saw one."""
        return "Traceback" in self.told or 'File "' in self.told

    def refusal(self, *words: str) -> str:
        """The one line that a user is told, the last. Raises AssertionError for any other end, and if these words are not in it."""
        assert self.status == 2, f"exit {self.status}: {self.told}"
        assert not self.traceback, self.told
        lines = self.told.strip().splitlines()
        assert [line for line in lines if line.startswith("faceparity: ")] == lines[-1:], self.told
        for word in words:
            assert word in lines[-1], f"{word!r} is not in: {lines[-1]}"
        return lines[-1].removeprefix("faceparity: ")


@dataclass
class Bench:
    """One workplace under `base`. Use as a context manager."""

    base: Path
    prefix: tuple[str, ...] = ()
    """A command that the runs' common parent is started with."""
    _server: CommandServer | None = field(default=None, repr=False)
    _runs: int = 0

    def __enter__(self) -> Bench:
        self.base.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join(filter(None, (str(PLUGIN), os.environ.get("PYTHONPATH"))))
        self._server = CommandServer({**os.environ, "PYTHONPATH": path, "COLUMNS": "100"}, self.base, self.prefix)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()

    @property
    def server(self) -> CommandServer:
        """The runs' common parent."""
        assert self._server is not None
        return self._server

    def folder(self, name: str) -> Path:
        """A fresh folder."""
        path = self.base / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def start(self, *arguments: object, home: Path, env: Mapping[str, str] | None = None) -> int:
        """Begin a run; its process id, which is its process group's too."""
        self._runs += 1
        log = self._log()
        return self.server.start(arguments, {"FACEPARITY_HOME": str(home), **(env or {})}, self.base, log, log)

    def end(self, pid: int, log: int = 0) -> Ended:
        """Wait for a run. log: how many runs were started after it."""
        log_file = self.base / f"log{self._runs - log}.txt"
        status, peak_mb = self.server.wait(pid)
        return Ended(status, log_file.read_text("utf-8", "replace"), peak_mb)

    def run(self, *arguments: object, home: Path, env: Mapping[str, str] | None = None) -> Ended:
        """A run from beginning to end."""
        return self.end(self.start(*arguments, home=home, env=env))

    def killed(
        self, after: float, how: signal.Signals, *arguments: object, home: Path, env: Mapping[str, str] | None = None
    ) -> Ended:
        """A run that is sent a signal, all its processes with it for SIGKILL, after so many seconds."""
        pid = self.start(*arguments, home=home, env=env)
        time.sleep(after)
        with suppress(ProcessLookupError):
            (os.killpg if how is signal.SIGKILL else os.kill)(pid, how)
        return self.end(pid)

    def _log(self) -> Path:
        return self.base / f"log{self._runs}.txt"


def make_people(folder: Path, people: int = PEOPLE) -> Path:
    """Two pictures each of so many people who are patterns, with labels.csv."""
    rows = []
    for person in range(people):
        pattern = np.random.default_rng(person).uniform(0, 255, (8, 8))
        for shot in range(2):
            noise = np.random.default_rng(1000 + 2 * person + shot).normal(0, 30, (8, 8))
            grey = np.clip(pattern + noise, 0, 255).astype(np.uint8)
            name = f"p{person:03d}_{shot}.png"
            cv2.imwrite(str(folder / name), cv2.resize(grey, (64, 64), interpolation=cv2.INTER_NEAREST))
            rows.append((name, f"person{person}", "FM"[person % 2]))
    write_labels(folder, rows)
    return folder


def write_labels(folder: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = ("file", "subject", "gender")) -> None:
    """labels.csv."""
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        csv.writer(file).writerows([header, *rows])


def published(out: Path) -> dict[str, bytes]:
    """All that a run may publish, the clock aside: the log, and when it began."""
    return {
        str(f.relative_to(out)): re.sub(rb"\d{4}-\d\d-\d\dT[\d:+]+", b"", f.read_bytes())
        for f in sorted(out.rglob("*"))
        if f.is_file() and "private" not in f.parts and f.name != "run.log"
    }


def same(found: Mapping[str, bytes], wanted: Mapping[str, bytes]) -> None:
    """Raises AssertionError, with the first difference of the first file that differs, unless both are alike to the last byte."""
    for name in sorted({*found, *wanted}):
        one, other = found.get(name), wanted.get(name)
        assert one is not None, f"{name} is missing"
        assert other is not None, f"{name} should not be there"
        at = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        near = slice(max(0, at - 60), at + 60)
        assert one == other, f"{name}, byte {at}: {one[near]!r} instead of {other[near]!r}"


def stored_images(home: Path) -> int:
    """How many images the store holds: a shard is a batch."""
    return BATCH * len(list(home.glob("store/*/*.shard")))


def extracted(out: Path) -> int:
    """How many images the last run read, by its log."""
    log = (out / "run.log").read_text("utf-8")
    return int(log.split(" templates, ")[1].split(" extracted now")[0])


def leftovers(home: Path) -> list[str]:
    """Half-written files and marks."""
    return sorted(p.name for p in home.rglob("*") if p.name.endswith(".part"))
