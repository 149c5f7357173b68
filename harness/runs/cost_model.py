"""What a run takes, per unit as measured, in one place: a suite's plan reads it here, and COST.md says how each figure was measured.

Seconds are of one core; a busy machine takes longer.
`python -m faceparity.harness.runs.cost_model 50000 --dimensions 128` says it of your numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faceparity.harness.verification.threshold.collect_evidence import BINS, LEDGER_CAP, MARGIN
from faceparity.harness.verification.threshold.threshold_bootstrap import FEWEST, MOST_WORK, REPLICATES

IMAGES_PER_SECOND = 15.0
"""The slowest model of those that run from registry packages makes 16 of the US Congress set (`models/MEASURED.md`)."""
COMPARISON, COMPARISON_PER_DIMENSION = 3.4e-9, 1.98e-8 / 1000
"""Seconds of a comparison whatever the template, and for each of its numbers."""
LEDGER_ENTRY = 2.7e-6
"""Seconds: intervals, contrasts, claims and the threshold slider visit each entry several times."""
SAMPLE = 1.5e-5
"""Seconds of the statistics for each sample: sums by person in every grouping and at every threshold."""
REPLICATE_ITEM = 8.5e-9
"""Seconds of a bootstrap replicate for each subject and each ledger entry."""
EACH = 10.0
"""Seconds of any evaluation: loading, intervals, indices, claims, writing."""
STORED = 300
"""Bytes in the store beside a template's own four to a number."""
PRIVATE = 50
"""Bytes of an image in the private part of a result."""
PRIVATE_ENTRY = 13
"""Bytes of a ledger entry there."""
RESULT = 4_000_000
"""Bytes of one result's record and tables; a report is about as much again."""
HELD_TEMPLATE = 2
"""Copies of the templates in memory: as they were extracted, and as they are compared."""
HELD_IMAGE = 1000
"""Bytes of an image in memory beside its template: names, digests, labels, covariates."""
HELD_ENTRY = 60
"""Bytes of a ledger entry in memory at the peak."""
HELD_BASE = 250_000_000
"""Bytes of Python and its libraries."""


@dataclass(frozen=True)
class Cost:
    """Of one evaluation. Seconds by the clock on so many workers; bytes: on the disk, and of memory at the peak."""

    extraction: float
    comparison: float
    statistics: float
    disk: float
    memory: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.extraction + self.comparison + self.statistics


def ledger_entries(comparisons: float, targets: Sequence[float]) -> float:
    """About how many comparisons a ledger deep enough for the targets holds."""
    return min(float(LEDGER_CAP), MARGIN * max(targets, default=0.0) * comparisons)


def largest_target(comparisons: float) -> float:
    """The largest target that a full ledger still holds with the margin wanted."""
    return LEDGER_CAP / MARGIN / max(1.0, comparisons)


def cost(
    samples: int, dimensions: int, *, cells: int = 8, targets: Sequence[float] = (1e-3,), share: float = 1.0, workers: int = 1,
    images: int | None = None, images_per_second: float = IMAGES_PER_SECOND,
) -> Cost:  # fmt: skip
    """Of comparing a share of all pairs of `samples` templates.

    images: to be extracted first, by default all; images_per_second: of one core.
    """
    new = samples if images is None else images
    comparisons = samples * (samples - 1) / 2 * share
    entries = ledger_entries(comparisons, targets)
    histograms = 2 * cells**2 * BINS * (4 if (samples / max(1, cells)) ** 2 < 2**31 else 8)
    return Cost(
        extraction=new / images_per_second / workers,
        comparison=comparisons * (COMPARISON + COMPARISON_PER_DIMENSION * dimensions) / workers,
        statistics=_statistics(samples, entries, targets),
        disk=RESULT + new * (4 * dimensions + STORED) + samples * PRIVATE + entries * PRIVATE_ENTRY,
        memory=HELD_BASE
        + samples * (HELD_TEMPLATE * 4 * dimensions + HELD_IMAGE + 16 * cells)
        + HELD_ENTRY * entries
        + 2 * histograms,
    )


def _statistics(samples: int, entries: float, targets: Sequence[float]) -> float:
    """Seconds, the bootstraps at targets among them; where those would take too long they are not made."""
    work = samples + entries
    replicates = min(REPLICATES, MOST_WORK / max(1.0, work))
    bootstrap = REPLICATE_ITEM * work * replicates * len(targets) if replicates >= FEWEST else 0.0
    return EACH + SAMPLE * samples + LEDGER_ENTRY * entries + bootstrap


HEAD = """| images | comparisons | extraction | comparing | statistics | disk | memory | largest target |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def rows(sizes: Sequence[int], shares: Sequence[float], dimensions: int, cells: int, workers: int) -> Iterator[str]:
    """Of each size and share a row of a Markdown table; targets as large as the ledger allows, 1e-3 at most. Shares only where all
    comparisons take more than a minute."""
    for n in sizes:
        for share in shares:
            comparisons = n * (n - 1) / 2 * share
            target = largest_target(comparisons)
            if share < 1 and cost(n, dimensions, cells=cells, workers=workers).comparison < 60:
                continue
            c = cost(n, dimensions, cells=cells, targets=(min(1e-3, target),), share=share, workers=workers)
            told = "all" if share == 1 else f"{100 * share:g} %"
            yield (
                f"| {n:,} | {told}: {comparisons:.0e} | {_time(c.extraction)} | {_time(c.comparison)} | {_time(c.statistics)} "
                f"| {_size(c.disk)} | {_size(c.memory)} | {'any' if target >= 0.1 else f'{target:.0e}'} |"
            )


def _time(seconds: float) -> str:
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else "< 1 s"


def _size(n: float) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB"


def main() -> None:
    """A table of what runs take."""
    parser = argparse.ArgumentParser(
        prog="python -m faceparity.harness.runs.cost_model", description="What runs of so many images take."
    )
    parser.add_argument("images", type=int, nargs="*", default=[10**4, 10**5, 10**6, 10**7])
    parser.add_argument("--comparisons", type=float, nargs="+", default=[1, 0.01, 0.001], help="shares")
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--cells", type=int, default=8, help="combinations of attribute values")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    print(HEAD)
    for row in rows(asked.images, asked.comparisons, asked.dimensions, asked.cells, asked.workers):
        print(row)


if __name__ == "__main__":
    main()
