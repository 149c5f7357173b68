"""Speed and memory of exact one-to-many search, as ratios in one run: `python -m tests.benchmarks.search`.

The yardstick is the bare float32 matrix product of the very same tiles of probes and gallery. The search is all of it: preparing
the gallery, the products, the ten best candidates of each probe with exact scores, and how many are above a threshold. Product and
search take turns; `ratio` is the median over the turns, `cpu_ratio` the same by processor time. Before that, the memory that a
search takes beyond its probes, in galleries of growing size that are made as they are read, so that nothing but the search holds any.

Prints one JSON line per figure.
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from faceparity.harness.comparisons.similarity import prepare
from faceparity.harness.comparisons.top_k import TILE, Candidates, top_k

from .scoring import forget_peak, memory_mb, timed

K = 10
THRESHOLD = 0.363


def bare_product(probes: np.ndarray, gallery: np.ndarray, workers: int) -> None:
    """The matrix products of the search's tiles, on one thread a worker."""
    starts = iter(range(0, gallery.shape[0], TILE))

    def work(_: int) -> None:
        room = np.empty(TILE * TILE, np.float32)
        for g in starts:
            theirs = gallery[g : g + TILE].T
            for p in range(0, probes.shape[0], TILE):
                mine = probes[p : p + TILE]
                shape = mine.shape[0], theirs.shape[1]
                np.matmul(mine, theirs, out=room[: shape[0] * shape[1]].reshape(shape))

    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))


def found(probes: np.ndarray, gallery: object, workers: int) -> Candidates:
    """The search itself."""
    return top_k(probes, gallery, K, "cosine", thresholds=(THRESHOLD,), workers=workers)  # type: ignore[arg-type]


def against_product(n: int, g: int, dimensions: int, workers: int, repeats: int) -> dict[str, object]:
    """One figure: the search's rate over the bare product's."""
    rng = np.random.default_rng(0)
    probes, gallery = (rng.standard_normal((size, dimensions), np.float32) for size in (n, g))
    a, b = prepare(probes, "cosine"), prepare(gallery, "cosine")
    both = [(timed(lambda: bare_product(a, b, workers)), timed(lambda: found(probes, gallery, workers))) for _ in range(repeats)]
    bare, full = (min(turn[which][0] for turn in both) for which in (0, 1))
    by_turn = np.median([[b / f for b, f in zip(*turn, strict=True)] for turn in both], axis=0)
    return {
        "figure": "search", "probes": n, "gallery": g, "dimensions": dimensions, "threads": workers, "candidates": K,
        "bare_per_s": round(n * g / bare), "search_per_s": round(n * g / full), "bare_gflops": round(2e-9 * dimensions * n * g / bare, 1),
        "ratio": round(float(by_turn[0]), 3), "cpu_ratio": round(float(by_turn[1]), 3), "ratio_of_best": round(bare / full, 3),
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A gallery whose rows are made when they are read: parts of a few thousand templates, shifted."""

    base: np.ndarray
    n: int

    @property
    def shape(self) -> tuple[int, int]:
        """(templates, dimensions)."""
        return self.n, int(self.base.shape[1])

    def __getitem__(self, rows: slice) -> np.ndarray:
        numbers = np.arange(rows.start, rows.stop)
        return np.asarray(self.base[numbers % self.base.shape[0]] + (numbers[:, None] % 997).astype(np.float32) / 997)


def memory(n: int, g: int, dimensions: int, workers: int) -> dict[str, object]:
    """One figure: what a search holds beyond its probes at its peak."""
    rng = np.random.default_rng(0)
    probes = rng.standard_normal((n, dimensions), np.float32)
    gallery = Made(rng.standard_normal((8192, dimensions), np.float32), g)
    forget_peak()
    before = memory_mb("VmRSS")
    seconds, _ = timed(lambda: found(probes, gallery, workers))
    return {
        "figure": "search_memory", "probes": n, "gallery": g, "dimensions": dimensions, "threads": workers,
        "mb_beyond_probes": round(memory_mb("VmHWM") - before, 1), "gallery_mb": round(g * dimensions * 4 / 2**20),
        "comparisons": n * g, "seconds": round(seconds, 1),
    }  # fmt: skip


def main() -> None:
    """One line for each dimension and number of threads, then for each size of gallery."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probes", type=int, default=4_000)
    parser.add_argument("--gallery", type=int, default=200_000)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[512, 128])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="*", default=[100_000, 1_000_000, 3_000_000], help="sizes of gallery")
    asked = parser.parse_args()
    found(np.eye(32, dtype=np.float32), np.eye(32, dtype=np.float32), 1)  # compiles
    for size in asked.memory:  # first, before anything has been held and given back
        print(json.dumps(memory(500, size, min(asked.dimensions), max(asked.threads))), flush=True)
    for dimensions in asked.dimensions:
        for workers in asked.threads:
            print(json.dumps(against_product(asked.probes, asked.gallery, dimensions, workers, asked.repeats)), flush=True)


if __name__ == "__main__":
    main()
