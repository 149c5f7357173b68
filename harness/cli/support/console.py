"""What a person sees while a run goes on: progress bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from faceparity.datasets.common.sanitise import printable
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.templates.extract import Templates

COMPARED, STATISTICS = " · comparisons", " · intervals and tests"
"""The step after the last comparison, in which nothing is counted."""
NAMED = 5
"""Most files named of each kind of problem; `faceparity check` and the private part name all."""

WORDS = {
    "missing_file": "named in the labels but not there",
    "extra_file": "images that no row names",
    "outside_root": "paths that leave the folder",
    "unknown_label": "labels that the card does not know",
    "missing_label": "labels missing",
    "missing_subject": "images without a subject, left out",
    "duplicate_image": "images that are the same file as another",
    "duplicate_row": "rows that name a file again",
    "conflicting_label": "people with two values of one label",
    "under_18": "images of people under 18, left out",
    "unread_age": "images of people whose age cannot be read, left out",
    "similar_subjects": "note on subject ids",
    "bad_row": "rows that can't be read",
}


def _console() -> Console:
    """Return a console on standard error.

    So results can be piped.
    """
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print one line."""
    _console().print(text, markup=False)


def working(text: str) -> AbstractContextManager[object]:
    """Show that something goes on, for an unknown time.

    Nothing is shown but on a terminal.
    """
    console = _console()
    return console.status(printable(text)) if console.is_terminal else nullcontext()


class _Left(TimeRemainingColumn):
    """The time left, by the bar's own pace or as it was estimated."""

    def render(self, task: Task) -> Text:
        """Return the time left of a task, as text."""
        until = task.fields.get("until")
        if until is None:
            return super().render(task)
        left = max(0, round(until - time.monotonic()))
        return Text(f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left" if left else "", style="progress.remaining")


class Screen:
    """Shows a person how a run goes on."""

    def __init__(self) -> None:
        self._console = _console()
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Left(),
            console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._all: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def line(self, text: str) -> None:
        """Print one line above the bars."""
        self._progress.console.print(text, markup=False)

    def overall(self, text: str, done: int, of: int, seconds_left: float) -> None:
        """Show a bar over all that is to be done.

        seconds_left: estimated elsewhere.
        """
        if self._all is None:
            self._all = self._progress.add_task(text, total=of)
        self._progress.update(self._all, completed=done, until=time.monotonic() + seconds_left)

    def over(self) -> None:
        """Remove all bars."""
        for task in (self._task, self._all):
            if task is not None:
                self._progress.remove_task(task)
        self._task = self._all = None

    def loaded(self, dataset: Dataset) -> None:
        """Print a data set's size, and its problems by name."""
        people = "no subject labels" if dataset.identity == "none" else f"{dataset.n_subjects:,} people"
        licence = "licence unknown" if dataset.card.licence == "unknown" else dataset.card.licence
        self.line(f"{printable(dataset.name)}: {dataset.n_samples:,} images, {people}; {licence}")
        if dataset.identity == "none" and dataset.unused:
            others = ", ".join(f"{column} ({why})" for column, why in dataset.unused.items())
            self.line(f"  no column called subject says whose picture it is; columns not used: {printable(others)}")
        for kind, count in Counter(problem.kind for problem in dataset.problems).items():
            where = [f"{problem.where} {problem.detail}".strip() for problem in dataset.problems if problem.kind == kind]
            self.line(f"  {count:,} {WORDS.get(kind, kind)}: {_first_names(where)}")

    def stage(self, text: str, total: int) -> Callable[[int], None]:
        """Show a new bar; return its progress callback."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        most = max(1, total)
        task = self._task = self._progress.add_task(text, total=most)
        then = text.removesuffix(COMPARED) + STATISTICS if text.endswith(COMPARED) else text
        # Whole tiles are counted, and a second pass counts again: a bar stops when it is full.
        return lambda done: self._progress.update(task, completed=min(done, most), description=then if done >= most else text)

    def extracted(self, dataset: Dataset, card: ModelCard, templates: Templates) -> None:
        """Print how many templates there are.

        And which files gave none.
        """
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        new = f"{templates.extracted:,} read now" if templates.extracted else "all from the store"
        counts = f"{templates.samples.size:,} templates of {dataset.n_samples:,} images"
        self.line(f"{printable(dataset.name)} · {card.name}: {counts}, {new}")
        for status, words in (("unreadable", "without a template"), ("no_face", "no face found")):
            samples = np.flatnonzero(templates.status == status)
            reasons = [
                f" ({templates.reasons[sample]})" if templates.reasons[sample] and status == "unreadable" else ""
                for sample in samples
            ]
            lines = [f"{dataset.files[sample]}{reason}" for sample, reason in zip(samples, reasons, strict=True)]
            if lines:
                self.line(f"  {len(lines):,} {words}: {_first_names(lines)}")


def _first_names(names: Sequence[str]) -> str:
    """List the first few names, and count the others."""
    shown = ", ".join(printable(name) for name in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED:,} more"
