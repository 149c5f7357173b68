"""Mated comparisons: few enough to be listed one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.similarity import F32, Kind, exact_scores

from .samples import Samples
from .tally import I32, Pairs, Tally, empty


def mated_pairs(subjects: NDArray[np.integer]) -> tuple[I32, I32]:
    """Every unordered pair of samples of one subject, as two int32 arrays; a and b are indices into `subjects`."""
    order = np.argsort(subjects, kind="stable").astype(np.int32)
    _, starts, sizes = np.unique(subjects[order], return_index=True, return_counts=True)
    a: list[NDArray[np.int32]] = []
    b: list[NDArray[np.int32]] = []
    for size in np.unique(sizes[sizes > 1]):
        members = order[starts[sizes == size][:, None] + np.arange(size)]
        first, second = np.triu_indices(size, 1)
        a.append(members[:, first].ravel())
        b.append(members[:, second].ravel())
    if not a:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    return np.concatenate(a), np.concatenate(b)


def tally_mated(samples: Samples, prepared: F32, kind: Kind, like: Tally) -> Tally:
    """The tally of the mated comparisons alone, on the grid of `like`.

    Identical images, and pairs listed as the same photograph, are left out and counted.
    """
    a, b = mated_pairs(samples.subjects)
    score = exact_scores(prepared, a, b, kind)
    identical = samples.images[a] == samples.images[b]
    listed = np.isin(_key(a, b, samples.n), _key(samples.same_photo[:, 0], samples.same_photo[:, 1], samples.n))
    gone = identical | listed
    most = np.iinfo(like.mated.dtype).max
    tally = empty(like.grid, like.floor, samples.n, samples.n_cells, like.dense_thresholds, most)
    kept = Pairs.of(a[~gone], b[~gone], score[~gone])
    ca, cb = samples.cells[kept.a], samples.cells[kept.b]
    np.add.at(tally.mated, (np.minimum(ca, cb), np.maximum(ca, cb), like.grid.bin(kept.score)), 1)
    return replace(
        tally,
        mated_pairs=kept,
        left_out_mated=Pairs.of(a[gone], b[gone], score[gone]),
        same_photo=int((listed & ~identical).sum()),
    )


def _key(a: NDArray[np.int32], b: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """One number for an unordered pair."""
    return np.asarray(np.minimum(a, b).astype(np.int64) * n + np.maximum(a, b), np.int64)
