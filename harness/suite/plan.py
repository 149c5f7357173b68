"""What a suite will do: what is done already, what is to be extracted and compared, and about how long and how large that is.

Speeds are those of this suite's own evaluations on this machine where there are some; else those of
`faceparity.harness.runs.cost_model`, which
were measured on another, and a busy machine is slower.
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
"""From so many images on a speed counts as measured."""


@dataclass(frozen=True)
class Step:
    """One evaluation to be made. images: to be extracted; comparisons: of all samples; seconds, bytes: about."""

    job: SuiteJob
    images: int
    comparisons: int
    seconds: float
    bytes: int
    measured: bool


@dataclass(frozen=True)
class SuitePlan:
    """What is to be made, and what is there. stale: made otherwise, with what differs. foreign: results that the suite does not name."""

    steps: tuple[Step, ...]
    done: tuple[SuiteJob, ...]
    stale: tuple[tuple[SuiteJob, str], ...]
    foreign: tuple[Path, ...]

    @property
    def seconds(self) -> float:
        """About how long all of it takes."""
        return sum(step.seconds for step in self.steps)

    @property
    def bytes(self) -> int:
        """About how much disk all of it takes, the store of templates included."""
        return sum(step.bytes for step in self.steps)


def make_plan(checked: Checked, record: Record, out: Path, store: Store) -> SuitePlan:
    """store: entered. Nothing is changed."""
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
        at = (job.dataset.digest, job.made.model)
        if at not in known:
            known[at] = _to_extract(job, store)
            steps.append(_step(job, known[at], record.entries))
        else:
            steps.append(_step(job, 0, record.entries))
    named = {job.folder(out) for job in checked.jobs}
    foreign = sorted(f.parent for f in out.glob(f"*/*/{RESULTS}") if f.parent not in named)
    return SuitePlan(tuple(steps), tuple(done), tuple(stale), tuple(foreign))


def _to_extract(job: SuiteJob, store: Store) -> int:
    """Images, each content once, that the store does not have."""
    contents = set(job.dataset.content)
    return len(contents) - len(store.get(store_key(job.made.model), contents))


def _step(job: SuiteJob, images: int, entries: Sequence[ManifestEntry]) -> Step:
    resolved, n = job.resolved, job.dataset.n_samples
    share = 1.0 if resolved.share is None else resolved.share
    mine = [e for e in entries if e.status == "done" and e.made.model == job.made.model and e.extracted >= ENOUGH_IMAGES]
    per_core = [e.extracted / e.extraction_seconds / e.workers for e in mine if e.extraction_seconds > 0]
    rest = [e for e in entries if e.status == "done" and e.comparison_seconds > 0]
    guess = cost(
        n, job.card.dimensions, targets=resolved.options.targets, share=share, workers=resolved.threads, images=images,
        images_per_second=float(np.median(per_core)) if per_core else IMAGES_PER_SECOND,
    )  # fmt: skip
    after = guess.comparison + guess.statistics
    if rest:  # how far off the figures are on this machine
        default = [_after(e, job) for e in rest]
        after *= float(np.median([e.comparison_seconds / d for e, d in zip(rest, default, strict=True)]))
    comparisons = round(n * (n - 1) / 2 * share)
    return Step(job, images, comparisons, guess.extraction + after, round(guess.disk), bool((per_core or not images) and rest))


def _after(e: ManifestEntry, job: SuiteJob) -> float:
    """What an evaluation that was made should have taken after extraction, had its templates been as long."""
    guess = cost(round((2 * e.comparisons) ** 0.5), job.card.dimensions, targets=job.resolved.options.targets, workers=e.workers)
    return guess.comparison + guess.statistics
