"""Speed and memory of the full tally, as ratios in one run: `python -m tests.benchmarks.scoring`.

The yardstick is the bare float32 matrix product of the very same tiles, nothing else done with it: 2 × dimensions operations
for each of n²/2 scores (and the lower half of the tiles on the diagonal, which both compute). The tally is all of it: the pilot
that finds the ledger's floor, sorting, histograms of every pair of groups, counts by sample, and the ledger for a target of
1e-3 with exact scores. Product and tally take turns, because machines are shared and their speed drifts: `ratio` is the median
over the turns, `cpu_ratio` the same by processor time, `ratio_of_best` that of the fastest of each. What people do today
follows, on fewer templates (the cost per comparison is what counts; `--no-others` leaves it out).

Prints one JSON line per figure; the ratio is what counts, the rates are this machine's at this moment.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from faceparity.harness.comparisons.evidence import count_comparisons
from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.similarity import prepare
from faceparity.harness.comparisons.tiles import strips_of, tile_grid
from faceparity.harness.groups.groupings import Cells, make_grouping
from faceparity.harness.verification.threshold.collect_evidence import CollectedEvidence, TallyPlan, tally_all_pairs
from faceparity.harness.verification.threshold.threshold_pool import make_pool

GROUPS = 8
TARGET = 1e-3
THRESHOLD = 0.363


def make_samples(n: int, dimensions: int) -> Samples:
    """Two templates a subject, in eight groups."""
    rng = np.random.default_rng(0)
    everyone = np.arange(n, dtype=np.int32)
    templates = rng.standard_normal((n, dimensions), np.float32)
    cells = np.repeat(rng.integers(0, GROUPS, n // 2 + 1).astype(np.int32), 2)[:n]
    return Samples(templates, everyone // 2, cells, everyone, GROUPS, np.empty((0, 2), np.int32))


def tally(samples: Samples, workers: int) -> CollectedEvidence:
    """All that a run does between templates and statistics."""
    codes = np.arange(GROUPS, dtype=np.int32)[:, None]
    cells = Cells(("group",), (tuple("ABCDEFGH"),), samples.cells, codes)
    table, _ = count_comparisons(samples.subjects, samples.cells, GROUPS)
    pool = make_pool("balanced", cells, samples.subjects, table, make_grouping(cells, ["group"]))
    plan = TallyPlan("cosine", -1.0, 1.0, (TARGET,), (THRESHOLD,), None, workers)
    return tally_all_pairs(samples, cells, samples.subjects, np.ones(samples.n, bool), pool, plan)


def bare_product(prepared: np.ndarray, cells: np.ndarray, workers: int) -> None:
    """The matrix products of the tally's tiles, on one thread a worker."""
    strips = strips_of(np.sort(cells))
    tiles = iter(tile_grid(len(strips)))

    def work(_: int) -> None:
        room = np.empty(max(s.stop - s.start for s in strips) ** 2, np.float32)
        for i, j in tiles:
            row, col = strips[i], strips[j]
            shape = row.stop - row.start, col.stop - col.start
            np.matmul(
                prepared[row.start : row.stop], prepared[col.start : col.stop].T, out=room[: shape[0] * shape[1]].reshape(shape)
            )

    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cpu


def memory_mb(what: str) -> float:
    """Of this process (Linux): VmRSS is what it holds now, VmHWM the most since `forget_peak`."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(what))
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    """Let VmHWM begin anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def against_product(n: int, dimensions: int, workers: int, repeats: int) -> dict[str, object]:
    """One figure: the tally's rate over the bare product's."""
    samples = make_samples(n, dimensions)
    pairs = n * (n - 1) / 2
    forget_peak()
    before = memory_mb("VmRSS")
    made = tally(samples, workers)
    extra = memory_mb("VmHWM") - before
    prepared = prepare(samples.templates, "cosine")
    both = [
        (timed(lambda: bare_product(prepared, samples.cells, workers)), timed(lambda: tally(samples, workers)))
        for _ in range(repeats)
    ]
    bare, full = (np.min([turn[which] for turn in both], axis=0) for which in (0, 1))
    by_turn = np.median([[b / f for b, f in zip(*turn, strict=True)] for turn in both], axis=0)
    made_of = made.evidence.tally
    return {
        "figure": "tally", "templates": n, "dimensions": dimensions, "groups": GROUPS, "threads": workers, "passes": made.passes,
        "comparisons": made_of.n_non_mated + made_of.n_mated, "ledger": len(made_of.ledger), "floor": round(made_of.floor, 4),
        "bare_per_s": round(pairs / bare[0]), "bare_gflops": round(2 * dimensions * pairs / bare[0] / 1e9, 1),
        "tally_per_s": round(pairs / full[0]), "ratio": round(by_turn[0], 3), "cpu_ratio": round(by_turn[1], 3),
        "ratio_of_best": round(bare[0] / full[0], 3),
        "mb_beyond_templates": round(extra), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def with_scikit_learn(samples: Samples) -> None:
    """The whole similarity matrix, a mask for each pair of groups, a ROC curve within each."""
    from sklearn.metrics import roc_curve
    from sklearn.metrics.pairwise import cosine_similarity

    _curves(cosine_similarity(samples.templates), samples, roc_curve)


def with_scipy(samples: Samples) -> None:
    """Likewise from scipy's distances."""
    from scipy.spatial.distance import cdist
    from sklearn.metrics import roc_curve

    _curves(1 - cdist(samples.templates, samples.templates, "cosine"), samples, roc_curve)


def _curves(scores: np.ndarray, samples: Samples, roc_curve: Callable[..., object]) -> None:
    mated = samples.subjects[:, None] == samples.subjects[None, :]
    upper = np.triu(np.ones(mated.shape, bool), 1)
    for g in range(GROUPS):
        for h in range(g, GROUPS):
            inside = (samples.cells[:, None] == g) & (samples.cells[None, :] == h) & (upper if g == h else True)
            if g == h:
                roc_curve(mated[inside], scores[inside])
            else:
                (scores[inside & ~mated] >= THRESHOLD).mean()


def with_a_loop(samples: Samples) -> None:
    """Pair by pair, as scripts do."""
    x, errors, made = samples.templates, np.zeros((GROUPS, GROUPS)), np.zeros((GROUPS, GROUPS))
    for i, j in combinations(range(samples.n), 2):
        if samples.subjects[i] != samples.subjects[j]:
            score = x[i] @ x[j] / (np.linalg.norm(x[i]) * np.linalg.norm(x[j]))
            made[samples.cells[i], samples.cells[j]] += 1
            errors[samples.cells[i], samples.cells[j]] += score >= THRESHOLD


def against_others(dimensions: int) -> Iterator[dict[str, object]]:
    """What people do today, over the tally of the same templates; one thread each."""
    for name, work, n in (
        ("scikit-learn cosine_similarity + masks + roc_curve", with_scikit_learn, 8000),
        ("scipy cdist + masks + roc_curve", with_scipy, 8000),
        ("a loop over pairs", with_a_loop, 1000),
    ):
        samples, large = make_samples(n, dimensions), make_samples(8000, dimensions)
        with threadpool_limits(1):
            theirs = min(timed(lambda w=work, s=samples: w(s))[0] for _ in range(2)) / (n * (n - 1) / 2)
        ours = min(timed(lambda s=large: tally(s, 1))[0] for _ in range(3)) / (8000 * 7999 / 2)
        yield {
            "figure": "today", "what": name, "templates": n, "dimensions": dimensions, "threads": 1,
            "ns_per_comparison": round(theirs * 1e9, 1), "tally_ns_per_comparison": round(ours * 1e9, 1),
            "times_as_fast": round(theirs / ours, 1),
        }  # fmt: skip


def main() -> None:
    """One line for each dimension and number of threads, then for each rival."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=int, default=40_000)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[512, 128])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-others", action="store_true", help="leave out what people do today")
    asked = parser.parse_args()
    tally(make_samples(500, 32), 1)  # compiles
    for dimensions in asked.dimensions:
        for workers in asked.threads:
            print(json.dumps(against_product(asked.templates, dimensions, workers, asked.repeats)), flush=True)
    if not asked.no_others:
        for line in against_others(max(asked.dimensions)):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
