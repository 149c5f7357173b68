"""How far one machine goes, as ratios in one run: `python -m tests.benchmarks.scale`.

- `linear`: the whole tally of growing numbers of templates (512 numbers each, two a person, eight groups) by processor time, against the
  bare float32 matrix product of tiles of the same shape, made in bursts while the tally runs, because machines are shared and drift.
  `per_comparison_of_first` is the cost of a comparison over that at the smallest size, both in bare products: 1 if time is linear.
- `complete`: the largest of these with every interval of all groups, and the memory beyond the templates themselves.
- `sampled`: a million templates (`--sampled`) on a fixed sample of their comparisons (`--share`), intervals too.
- `store`: how long a large store of templates takes to open, and how many bytes are read for it, over its size.
- `groups`: the memory of a tally by 14 groups, and by 14 × 14.
- `labels`: a label table of `--rows` rows, against a bare pyarrow read of the same file.

Prints one JSON line per figure. The defaults take about four minutes on two cores; `--templates 25000 50000 100000 200000` about
fifteen, the last of them 20 billion comparisons.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

import numpy as np

from faceparity.datasets.loading.label_table import read_table
from faceparity.harness.comparisons.evidence import count_comparisons
from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.subsampling import deal
from faceparity.harness.comparisons.tiles import TILE
from faceparity.harness.groups.groupings import Cells, make_grouping
from faceparity.harness.models.base.model import Extraction
from faceparity.harness.templates.store import Store
from faceparity.harness.verification.operating_points import Fixed, MeasurementPlan, measure
from faceparity.harness.verification.threshold.collect_evidence import CollectedEvidence, TallyPlan, tally_all_pairs
from faceparity.harness.verification.threshold.threshold_pool import make_pool

from .scoring import GROUPS, THRESHOLD, forget_peak, make_samples, memory_mb

TARGET = 1e-4
BURST, BETWEEN = 8, 0.04
"""Bare products in a burst; of the scores of a tally, how many pass from burst to burst."""


@dataclass
class Bursts:
    """Told of finished tiles, it now and then makes some bare products in the worker that told it, and notes its processor time."""

    every: float
    dimensions: int
    since: float = 0.0
    scores: int = 0
    seconds: float = 0.0
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.x = np.random.default_rng(1).standard_normal((2, TILE, self.dimensions), np.float32)

    def __call__(self, scores: int) -> None:
        with self.lock:
            self.since += scores
            due = self.since >= self.every
            self.since = 0.0 if due else self.since
        if due:
            start = time.thread_time()
            for _ in range(BURST):
                self.x[0] @ self.x[1].T
            with self.lock:
                self.seconds += time.thread_time() - start
                self.scores += BURST * TILE**2


@dataclass(frozen=True)
class Made:
    """A tally, and what it took: seconds by the clock and of the processor without the bursts, megabytes at the peak beyond the
    templates; and the seconds of the processor that bare products took per score."""

    tallied: CollectedEvidence
    samples: Samples
    clock: float
    cpu: float
    mb: float
    bare: float

    @property
    def comparisons(self) -> int:
        """Made, mated ones too."""
        return self.tallied.evidence.tally.n_non_mated + self.tallied.evidence.tally.n_mated

    @property
    def per_comparison(self) -> float:
        """What a comparison costs, in bare products."""
        return self.cpu / self.comparisons / self.bare


def cells_of(samples: Samples) -> Cells:
    """One attribute, whose values are the groups."""
    k = samples.n_cells
    return Cells(("group",), (tuple(f"group {c}" for c in range(k)),), samples.cells, np.arange(k, dtype=np.int32)[:, None])


def make(n: int, dimensions: int, workers: int, share: float | None = None, groups: int = GROUPS) -> Made:
    """The tally of n templates."""
    samples = make_samples(n, dimensions)
    if groups != GROUPS:
        samples = replace(samples, cells=(samples.subjects % groups).astype(np.int32), n_cells=groups)
    cells, subjects = cells_of(samples), samples.subjects
    table, _ = count_comparisons(subjects, samples.cells, groups)
    pool = make_pool("balanced", cells, subjects, table, make_grouping(cells, ["group"]))
    plan = TallyPlan("cosine", -1.0, 1.0, (TARGET,), (THRESHOLD,), None, workers)
    dealt = None if share is None else deal(samples.cells, share, 0)
    bursts = Bursts(BETWEEN * n * n / 2 * (share or 1), dimensions)
    forget_peak()
    before, start, used = memory_mb("VmRSS"), time.perf_counter(), time.process_time()
    made = tally_all_pairs(samples, cells, subjects, np.ones(n, bool), pool, plan, bursts, dealt)
    clock, cpu = time.perf_counter() - start, time.process_time() - used - bursts.seconds
    return Made(made, samples, clock, cpu, memory_mb("VmHWM") - before, bursts.seconds / max(1, bursts.scores))


def told(made: Made, dimensions: int, workers: int) -> dict[str, object]:
    """What every figure of a tally says."""
    return {
        "templates": made.samples.n, "dimensions": dimensions, "groups": made.samples.n_cells, "threads": workers,
        "passes": made.tallied.passes,
        "comparisons": made.comparisons, "ledger": len(made.tallied.evidence.tally.ledger), "seconds": round(made.clock, 1),
        "cpu_ns_per_comparison": round(made.cpu / made.comparisons * 1e9, 2), "bare_cpu_ns_per_comparison": round(made.bare * 1e9, 2),
        "ratio": round(1 / made.per_comparison, 3), "mb_of_templates": round(made.samples.templates.nbytes / 2**20),
        "mb_beyond_templates": round(made.mb), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def intervals(made: Made) -> dict[str, object]:
    """All operating points of all groups from a tally, and what that takes."""
    samples, start, used = made.samples, time.perf_counter(), time.process_time()
    cells = cells_of(samples)
    grouping = make_grouping(cells, ["group"])
    table, _ = count_comparisons(samples.subjects, samples.cells, GROUPS)
    pool = make_pool("balanced", cells, samples.subjects, table, grouping)
    questions = MeasurementPlan((TARGET,), (Fixed("published", THRESHOLD),), (), 1, None, 0)
    forget_peak()
    before = memory_mb("VmRSS")
    point = measure(made.tallied.evidence, [grouping], grouping, pool, questions)[0][0]
    held = [r.interval is not None and r.interval[0] <= TARGET <= r.interval[1] for r in point.fmr]
    return {
        "target": TARGET, "intervals": sum(r.interval is not None for r in point.fmr), "intervals_that_hold_the_target": sum(held),
        "statistics_seconds": round(time.perf_counter() - start, 1), "statistics_cpu_seconds": round(time.process_time() - used, 1),
        "statistics_mb": round(memory_mb("VmHWM") - before),
    }  # fmt: skip


def linear(sizes: list[int], dimensions: int, workers: int) -> Iterator[dict[str, object]]:
    """Growing sizes; the last with intervals."""
    first: float | None = None
    for n in sizes:
        made = make(n, dimensions, workers)
        first = first or made.per_comparison
        yield {
            "figure": "linear",
            **told(made, dimensions, workers),
            "per_comparison_of_first": round(made.per_comparison / first, 3),
        }
        if n == sizes[-1]:
            yield {"figure": "complete", **told(made, dimensions, workers), **intervals(made)}


def sampled(n: int, share: float, dimensions: int, workers: int) -> dict[str, object]:
    """A fixed sample of the comparisons of many templates."""
    made = make(n, dimensions, workers, share)
    of = n * (n - 1) // 2
    return {
        "figure": "sampled", **told(made, dimensions, workers), "share": round(made.comparisons / of, 5), "of": of,
        **intervals(made),
    }  # fmt: skip


def groups(n: int, counts: list[int], dimensions: int, workers: int) -> Iterator[dict[str, object]]:
    """What more groups take: a histogram for every two."""
    for k in counts:
        yield {"figure": "groups", **told(make(n, dimensions, workers, groups=k), dimensions, workers)}


def bytes_read() -> int:
    """By this process through read calls (Linux)."""
    return int(next(x for x in Path("/proc/self/io").read_text().splitlines() if x.startswith("rchar")).split()[1])


def store(entries: int, dimensions: int, batch: int) -> Iterator[dict[str, object]]:
    """A store that is opened, asked for nothing, for images of another model, for all that it has, and then for a hundred of them."""
    rng = np.random.default_rng(0)
    contents = [f"{k:064x}" for k in range(entries)]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FACEPARITY_HOME"] = folder
        with Store() as out:
            for start in range(0, entries, batch):
                made = rng.standard_normal((batch, dimensions), np.float32)
                known = {"face_size": 100.0, "luminance": 0.5, "contrast": 0.2, "sharpness": 3.0, "confidence": 0.9}
                part = contents[start : start + batch]
                out.put("m", {c: Extraction("ok", x, 1, secrets.token_hex(16), known) for c, x in zip(part, made, strict=False)})
        size = sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())
        asked: dict[str, Callable[[Store], object]] = {
            "open": lambda s: None,
            "open and ask for 100 of another model": lambda s: s.get("other", contents[:100]),
            "open and ask for all": lambda s: s.get("m", contents),
            "open and ask for 100 of them, then": lambda s: s.get("m", contents[:: entries // 100]),
        }
        for what, work in asked.items():
            before, start_at = bytes_read(), time.perf_counter()
            with Store() as opened:
                work(opened)
            seconds, read = time.perf_counter() - start_at, bytes_read() - before
            yield {
                "figure": "store", "what": what, "templates": entries, "dimensions": dimensions, "store_mb": round(size / 2**20),
                "bytes_per_template": round(size / entries), "seconds": round(seconds, 3), "mb_read": round(read / 2**20, 2),
                "ratio_read_to_size": round(read / size, 4),
            }  # fmt: skip


def labels(rows: int) -> dict[str, object]:
    """A label table, against Arrow's own reader with nothing done to it."""
    import pyarrow.csv

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.csv"
        rng = np.random.default_rng(0)
        gender, race, age = (rng.integers(0, k, rows) for k in (2, 4, 60))
        with path.open("w", encoding="utf-8") as file:
            file.write("file,subject,gender,ethnicity,age\n")
            for k, (g, r, a) in enumerate(zip(gender.tolist(), race.tolist(), age.tolist(), strict=True)):
                file.write(
                    f"images/n{k // 20:06d}/{k % 20:04d}.jpg,n{k // 20:06d},{'fm'[g]},{('Asian', 'Black', 'Indian', 'White')[r]},{18 + a}\n"
                )
        start = time.process_time()
        bare = pyarrow.csv.read_csv(path)
        bare_seconds = time.process_time() - start
        del bare
        forget_peak()
        before, start = memory_mb("VmRSS"), time.process_time()
        table = read_table(path)
        seconds, peak, after = time.process_time() - start, memory_mb("VmHWM") - before, memory_mb("VmRSS") - before
        return {
            "figure": "labels", "rows": len(table.lines), "file_mb": round(path.stat().st_size / 2**20), "cpu_seconds": round(seconds, 2),
            "bare_read_cpu_seconds": round(bare_seconds, 2), "ratio_to_bare_read": round(seconds / bare_seconds, 1),
            "mb_at_peak": round(peak), "mb_held": round(after),
        }  # fmt: skip


def main() -> None:
    """One line per figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=int, nargs="*", default=[25_000, 50_000, 100_000])
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sampled", type=int, nargs="*", default=[1_000_000], help="templates of which a sample is compared")
    parser.add_argument("--share", type=float, default=0.002)
    parser.add_argument("--store", type=int, nargs="*", default=[50_000], help="templates in a store")
    parser.add_argument("--batch", type=int, default=8, help="templates to a shard; what a run writes")
    parser.add_argument("--groups", type=int, nargs="*", default=[14, 196], help="groups of 16,000 templates of 128 numbers")
    parser.add_argument("--rows", type=int, nargs="*", default=[2_000_000], help="rows of a label table")
    asked = parser.parse_args()
    make(4000, asked.dimensions, asked.threads)  # compiles
    for rows in asked.rows:
        print(json.dumps(labels(rows)), flush=True)
    for size in asked.store:
        for line in store(size, asked.dimensions, asked.batch):
            print(json.dumps(line), flush=True)
    for line in groups(16_000, asked.groups, 128, asked.threads):
        print(json.dumps(line), flush=True)
    if asked.templates:
        for line in linear(asked.templates, asked.dimensions, asked.threads):
            print(json.dumps(line), flush=True)
    for n in asked.sampled:
        print(json.dumps(sampled(n, asked.share, asked.dimensions, asked.threads)), flush=True)


if __name__ == "__main__":
    main()
