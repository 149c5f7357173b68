"""Speed of the vertex bootstrap against a bare numpy gather, product and sum of the same size: `python -m tests.benchmarks.bootstrap`.

Prints one JSON line for each number of threads. The threshold is found anew in each replicate, in a ledger four times as deep.
"""

from __future__ import annotations

import argparse
import json
import os
import time

import numpy as np

from faceparity.harness.uncertainty.bootstrap import ColumnComparisons, MatedScores, Replicates, SortedErrors, bootstrap_at_target

GROUPS = 8


def inputs(subjects: int, errors: int, seed: int = 0) -> dict[str, object]:
    """One sample a subject, eight groups, `errors` pairs at the pool's threshold and four times as many kept; a mated pair each."""
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(0, GROUPS, subjects)).astype(np.int32)
    kept = 4 * errors
    a = rng.integers(0, subjects, kept).astype(np.int32)
    first, last = np.searchsorted(group, group[a]), np.searchsorted(group, group[a], side="right")
    b = (first + (rng.random(kept) * (last - first)).astype(np.int64)).astype(np.int32)
    score = np.sort(rng.random(kept).astype(np.float32))[::-1].copy()
    samples = np.zeros((subjects, GROUPS), np.int32)
    samples[np.arange(subjects), group] = 1
    made = ColumnComparisons.all_pairs(samples)
    mated = MatedScores(np.arange(subjects, dtype=np.int32), np.sort(rng.random(subjects).astype(np.float32)), group)
    each = np.bincount(group).astype(float)
    weights = np.full(GROUPS, 1 / GROUPS)
    per_error = float((weights / (each * (each - 1) / 2)).mean())
    return {
        "errors": SortedErrors(a, b, score, group[a], group[a]), "mated": mated, "strata": group, "pool": made,
        "pool_weights": weights, "groups": made, "target": errors * per_error, "whole": False,
    }  # fmt: skip


def bare(errors: SortedErrors, n: int, replicates: int) -> float:
    """Seconds of Σ w_a w_b over the erroneous pairs, once a replicate, in numpy: no drawing, no threshold, no groups."""
    w = np.random.default_rng(1).integers(0, 3, int(errors.a.max()) + 1).astype(np.float64)
    a, b = errors.a[:n], errors.b[:n]
    start = time.perf_counter()
    for _ in range(replicates):
        (w[a] * w[b]).sum()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=100_000)
    parser.add_argument("--errors", type=int, default=200_000)
    parser.add_argument("--replicates", type=int, default=1000)
    asked = parser.parse_args()
    made = inputs(asked.subjects, asked.errors)
    bootstrap_at_target(**made, replicates=2, seed=0)  # type: ignore[arg-type]
    first: Replicates | None = None
    for workers in sorted({1, os.cpu_count() or 1}):
        start, used = time.perf_counter(), time.process_time()
        found = bootstrap_at_target(**made, replicates=asked.replicates, seed=0, workers=workers)  # type: ignore[arg-type]
        seconds, used = time.perf_counter() - start, time.process_time() - used
        first = first or found
        plain = bare(made["errors"], asked.errors, asked.replicates)  # type: ignore[arg-type]
        line = {
            "figure": "vertex_bootstrap", "subjects": asked.subjects, "erroneous_pairs": asked.errors,
            "replicates": asked.replicates, "workers": workers, "seconds": round(seconds, 2),
            "cpu_seconds": round(used, 2), "bare_numpy_seconds_one_thread": round(plain, 2), "ratio_to_bare": round(plain / seconds, 2),
            "mean_errors_per_replicate": round(float(found.errors.sum(axis=1).mean())),
            "same_as_one_worker": all(x.tobytes() == y.tobytes() for x, y in zip(first, found, strict=True)),
        }  # fmt: skip
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
