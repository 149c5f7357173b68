"""Speed of the tally against the bare float32 matrix product of the same shape, in one run: `python -m tests.benchmarks.scoring`.

Prints one JSON line per figure; the ratio is what counts, the rates are this machine's at this moment.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.scores import prepare
from faceparity.harness.comparisons.tally import Grid
from faceparity.harness.comparisons.tiles import TILE, tally_pairs, tile_grid


def best_of(repeats: int, work: Callable[[], object]) -> float:
    """Seconds of the fastest of some calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def bare_product(prepared: np.ndarray) -> None:
    """Every tile's matrix product and nothing else, on one thread."""
    with threadpool_limits(1):
        for row, col in tile_grid(prepared.shape[0]):
            prepared[row : row + TILE] @ prepared[col : col + TILE].T


def main() -> None:
    """One line for each dimension and number of threads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=12_000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    n = asked.templates
    pairs = n * (n - 1) / 2
    rng = np.random.default_rng(0)
    everyone = np.arange(n, dtype=np.int32)
    cells = rng.integers(0, 8, n).astype(np.int32)
    grid = Grid.uniform(-1, 1, 1000, (0.363,))
    for dimensions in (128, 512):
        templates = rng.normal(size=(n, dimensions)).astype(np.float32)
        samples = Samples(templates, everyone, cells, everyone, 8, np.empty((0, 2), np.int32))
        floor = float(np.float32(2.6 / np.sqrt(dimensions)))
        prepared = prepare(templates, "cosine")
        bare = pairs / best_of(asked.repeats, lambda p=prepared: bare_product(p))
        for workers in (1, 2):
            rate = pairs / best_of(
                asked.repeats, lambda s=samples, f=floor, w=workers: tally_pairs(s, "cosine", grid, f, watched=[f], workers=w)
            )
            line = {
                "figure": "tally", "templates": n, "dimensions": dimensions, "workers": workers,
                "comparisons_per_s": round(rate), "bare_product_per_s_one_thread": round(bare),
                "ratio_to_bare_per_thread": round(rate / (bare * workers), 3),
                "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }  # fmt: skip
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
