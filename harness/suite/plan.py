"""What a suite will do: what is done already, what is to be extracted and compared, and about how long and how large that is.

Speeds are those of this suite's own evaluations on this machine where there are some; else those of
`faceparity.harness.runs.cost_model`, which were measured on another, and a busy machine is slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceparity.harness.runs.cost_model import IMAGES_PER_SECOND, cost
from faceparity.harness.runs.result_files import RESULTS
from faceparity.harness.suite.manifest import ManifestEntry, Record, is_intact
from faceparity.harness.suite.preflight import Checked, SuiteJob
from faceparity.harness.templates.extract import store_key
from faceparity.harness.templates.store import Store

ENOUGH_IMAGES = 32
"""Fewest extracted images from which a speed is measured."""


@dataclass(frozen=True)
class Step:
    """One evaluation to run.

    images: to extract. comparisons: of all samples. seconds, bytes: estimates. measured: whether they rest on this
    suite's own runs.
    """

    job: SuiteJob
    images: int
    comparisons: int
    seconds: float
    bytes: int
    measured: bool


@dataclass(frozen=True)
class SuitePlan:
    """What is to be run, and what is there.

    stale: results of another kind, with what differs. foreign: results that the suite does not name.
    """

    steps: tuple[Step, ...]
    done: tuple[SuiteJob, ...]
    stale: tuple[tuple[SuiteJob, str], ...]
    foreign: tuple[Path, ...]

    @property
    def seconds(self) -> float:
        """Return about how long all of it takes."""
        return sum(step.seconds for step in self.steps)

    @property
    def bytes(self) -> int:
        """Return about how much disk all of it takes.

        The store of templates is included.
        """
        return sum(step.bytes for step in self.steps)


def make_plan(checked: Checked, record: Record, out: Path, store: Store) -> SuitePlan:
    """Plan a suite; nothing is changed.

    store: entered.
    """
    done, stale, steps = [], [], []
    known: dict[tuple[str, str], int] = {}
    for job in checked.jobs:
        entry = record.entry(*job.place)
        if is_intact(entry, job.folder(out)):
            assert entry is not None
            if not (differs := entry.made.differs(job.made)):
                if not entry.lost:
                    done.append(job)
                    continue
            else:
                stale.append((job, " and ".join(differs)))
        extraction = (job.dataset.digest, job.made.model)
        if extraction not in known:
            known[extraction] = _to_extract(job, store)
            steps.append(_step(job, known[extraction], record.entries))
        else:
            steps.append(_step(job, 0, record.entries))
    named = {job.folder(out) for job in checked.jobs}
    foreign = sorted(file.parent for file in out.glob(f"*/*/{RESULTS}") if file.parent not in named)
    return SuitePlan(tuple(steps), tuple(done), tuple(stale), tuple(foreign))


def _to_extract(job: SuiteJob, store: Store) -> int:
    """Count the images that the store does not have.

    Each content counts once.
    """
    contents = set(job.dataset.content)
    return len(contents) - len(store.get(store_key(job.made.model), contents))


def _step(job: SuiteJob, images: int, entries: Sequence[ManifestEntry]) -> Step:
    resolved, samples = job.resolved, job.dataset.n_samples
    share = 1.0 if resolved.share is None else resolved.share
    mine = [
        entry
        for entry in entries
        if entry.status == "done" and entry.made.model == job.made.model and entry.extracted >= ENOUGH_IMAGES
    ]
    per_core = [entry.extracted / entry.extraction_seconds / entry.workers for entry in mine if entry.extraction_seconds > 0]
    rest = [entry for entry in entries if entry.status == "done" and entry.comparison_seconds > 0]
    guess = cost(
        samples, job.card.dimensions, targets=resolved.options.targets, share=share, workers=resolved.threads, images=images,
        images_per_second=float(np.median(per_core)) if per_core else IMAGES_PER_SECOND,
    )  # fmt: skip
    after = guess.comparison + guess.statistics
    if rest:  # correct the estimates by this machine's own times
        default = [_after(entry, job) for entry in rest]
        after *= float(np.median([entry.comparison_seconds / usual for entry, usual in zip(rest, default, strict=True)]))
    comparisons = round(samples * (samples - 1) / 2 * share)
    return Step(job, images, comparisons, guess.extraction + after, round(guess.disk), bool((per_core or not images) and rest))


def _after(entry: ManifestEntry, job: SuiteJob) -> float:
    """Estimate seconds after extraction of a finished evaluation.

    As if its templates were as long as this job's.
    """
    guess = cost(
        round((2 * entry.comparisons) ** 0.5), job.card.dimensions, targets=job.resolved.options.targets, workers=entry.workers
    )
    return guess.comparison + guess.statistics
