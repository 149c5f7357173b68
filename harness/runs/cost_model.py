"""What a run costs: seconds, disk and memory, per unit as measured.

A suite's plan reads it here; COST.md says how each figure was measured. Seconds are of one core; a busy machine takes longer.
`python -m faceparity.harness.runs.cost_model 50000 --dimensions 128` estimates the cost of a run of that size.
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
"""Seconds of a comparison, and more for each number of the template."""
LEDGER_ENTRY = 2.7e-6
"""Seconds: intervals, contrasts, claims and the threshold slider visit each entry several times."""
SAMPLE = 1.5e-5
"""Seconds of the statistics for each sample: sums by person in every grouping and at every threshold."""
REPLICATE_ITEM = 8.5e-9
"""Seconds of a bootstrap replicate for each subject and each ledger entry."""
EACH = 10.0
"""Seconds of any evaluation, however small: loading, intervals, indices, claims, writing."""
STORED = 300
"""Bytes in the store beside a template's own four to a number."""
PRIVATE = 50
"""Bytes of an image in the private part of a result."""
PRIVATE_ENTRY = 13
"""Bytes of a ledger entry there."""
RESULT = 4_000_000
"""Bytes of one result's record and tables; a report is about as much again."""
HELD_TEMPLATE = 2
"""Copies of the templates in memory: as extracted, and as compared."""
HELD_IMAGE = 1000
"""Bytes of an image in memory beside its template: names, digests, labels, covariates."""
HELD_ENTRY = 60
"""Bytes of a ledger entry in memory at the peak."""
HELD_BASE = 250_000_000
"""Bytes of Python and its libraries."""


@dataclass(frozen=True)
class Cost:
    """The cost of one evaluation.

    extraction, comparison, statistics: seconds by the clock, on a number of workers. disk, memory: bytes, of memory at the peak.
    """

    extraction: float
    comparison: float
    statistics: float
    disk: float
    memory: float

    @property
    def seconds(self) -> float:
        """Return the seconds of all three steps together."""
        return self.extraction + self.comparison + self.statistics


def ledger_entries(comparisons: float, targets: Sequence[float]) -> float:
    """Estimate the entries of a ledger deep enough for targets."""
    return min(float(LEDGER_CAP), MARGIN * max(targets, default=0.0) * comparisons)


def largest_target(comparisons: float) -> float:
    """Return the largest target that a full ledger can answer.

    With the margin wanted (MARGIN).
    """
    return LEDGER_CAP / MARGIN / max(1.0, comparisons)


def cost(
    samples: int, dimensions: int, *, cells: int = 8, targets: Sequence[float] = (1e-3,), share: float = 1.0, workers: int = 1,
    images: int | None = None, images_per_second: float = IMAGES_PER_SECOND,
) -> Cost:  # fmt: skip
    """Estimate the cost of comparing templates.

    samples: templates; share: of all their pairs. images: to be extracted first, by default all. images_per_second: of one core.
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
    """Estimate the seconds of the statistics, bootstraps included.

    Bootstraps at targets that would take too long are left out, as a run leaves them out.
    """
    work = samples + entries
    replicates = min(REPLICATES, MOST_WORK / max(1.0, work))
    bootstrap = REPLICATE_ITEM * work * replicates * len(targets) if replicates >= FEWEST else 0.0
    return EACH + SAMPLE * samples + LEDGER_ENTRY * entries + bootstrap


HEAD = """| images | comparisons | extraction | comparing | statistics | disk | memory | largest target |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def rows(sizes: Sequence[int], shares: Sequence[float], dimensions: int, cells: int, workers: int) -> Iterator[str]:
    """Yield a Markdown table's row for each size and share.

    Targets are as large as the ledger allows, 1e-3 at most. Shares below 1 only where all comparisons take more than a minute.
    """
    for size in sizes:
        for share in shares:
            comparisons = size * (size - 1) / 2 * share
            target = largest_target(comparisons)
            if share < 1 and cost(size, dimensions, cells=cells, workers=workers).comparison < 60:
                continue
            estimate = cost(size, dimensions, cells=cells, targets=(min(1e-3, target),), share=share, workers=workers)
            words = "all" if share == 1 else f"{100 * share:g} %"
            yield (
                f"| {size:,} | {words}: {comparisons:.0e} "
                f"| {_time(estimate.extraction)} | {_time(estimate.comparison)} | {_time(estimate.statistics)} "
                f"| {_size(estimate.disk)} | {_size(estimate.memory)} | {'any' if target >= 0.1 else f'{target:.0e}'} |"
            )


def _time(seconds: float) -> str:
    """Return a duration in a unit that fits it."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else "< 1 s"


def _size(size: float) -> str:
    """Return a number of bytes as GB or MB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def main() -> None:
    """Print a table of what runs take."""
    parser = argparse.ArgumentParser(
        prog="python -m faceparity.harness.runs.cost_model", description="What runs of so many images take."
    )
    parser.add_argument("images", type=int, nargs="*", default=[10**4, 10**5, 10**6, 10**7])
    parser.add_argument("--comparisons", type=float, nargs="+", default=[1, 0.01, 0.001], help="shares")
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--cells", type=int, default=8, help="combinations of attribute values")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    print(HEAD)
    for row in rows(arguments.images, arguments.comparisons, arguments.dimensions, arguments.cells, arguments.workers):
        print(row)


if __name__ == "__main__":
    main()
