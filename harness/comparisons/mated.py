"""Mated comparisons, few enough to be listed one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.similarity import F32, Kind, exact_scores

from .samples import Samples
from .tally import I32, Pairs, Tally, empty


def mated_pairs(subjects: NDArray[np.integer]) -> tuple[I32, I32]:
    """Return every unordered pair of samples of one subject.

    Two int32 arrays of indices into `subjects`.
    """
    order = np.argsort(subjects, kind="stable").astype(np.int32)
    _, starts, sizes = np.unique(subjects[order], return_index=True, return_counts=True)
    first_samples: list[NDArray[np.int32]] = []
    second_samples: list[NDArray[np.int32]] = []
    for size in np.unique(sizes[sizes > 1]):
        members = order[starts[sizes == size][:, None] + np.arange(size)]
        first, second = np.triu_indices(size, 1)
        first_samples.append(members[:, first].ravel())
        second_samples.append(members[:, second].ravel())
    if not first_samples:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    return np.concatenate(first_samples), np.concatenate(second_samples)


def tally_mated(samples: Samples, prepared: F32, kind: Kind, like: Tally) -> Tally:
    """Tally the mated comparisons alone, on the grid of `like`.

    Identical images, and pairs listed as the same photograph, are left out and counted.
    """
    first, second = mated_pairs(samples.subjects)
    score = exact_scores(prepared, first, second, kind)
    identical = samples.images[first] == samples.images[second]
    listed = np.isin(_key(first, second, samples.n), _key(samples.same_photo[:, 0], samples.same_photo[:, 1], samples.n))
    gone = identical | listed
    largest_count = np.iinfo(like.mated.dtype).max
    tally = empty(like.grid, like.floor, samples.n, samples.n_cells, like.dense_thresholds, largest_count)
    kept = Pairs.of(first[~gone], second[~gone], score[~gone])
    cell_a, cell_b = samples.cells[kept.a], samples.cells[kept.b]
    np.add.at(tally.mated, (np.minimum(cell_a, cell_b), np.maximum(cell_a, cell_b), like.grid.bin(kept.score)), 1)
    return replace(
        tally,
        mated_pairs=kept,
        left_out_mated=Pairs.of(first[gone], second[gone], score[gone]),
        same_photo=int((listed & ~identical).sum()),
    )


def _key(first: NDArray[np.int32], second: NDArray[np.int32], n_samples: int) -> NDArray[np.int64]:
    """Return one number for each unordered pair."""
    return np.asarray(np.minimum(first, second).astype(np.int64) * n_samples + np.maximum(first, second), np.int64)
