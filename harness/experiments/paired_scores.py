"""A controlled experiment's design, and sums of its comparison scores by unit: what every paired statistic is made of.

A unit (a subject) was recorded under every condition, a combination of levels of the factors, several captures each. Under a
condition, every capture of unit i is compared with every capture of unit j (non-mated), and every two captures of one unit
(mated); never across conditions. Across two conditions, every capture of a unit in the one is compared with each in the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.similarity import F32, Kind, exact_scores

I64 = NDArray[np.int64]
Array = NDArray[np.float64]
BLOCK = 1 << 20
"""Comparisons that are scored at once."""


@dataclass(frozen=True)
class Conditions:
    """Who was recorded how often under which condition.

    codes: int64[conditions, factors], levels by index, sorted. units: the subjects, ascending. images: int64[units, conditions,
    most captures], samples of the data set in its order, -1 where there are no more. rows: the same, templates (-1 for a failure).
    """

    codes: I64
    units: I64
    images: I64
    rows: I64
    captures: int

    @property
    def n(self) -> int:
        """How many conditions occur."""
        return int(self.codes.shape[0])

    @property
    def recorded(self) -> NDArray[np.bool_]:
        """bool[units, conditions]: there are as many images as the card says, or more."""
        return np.asarray((self.images >= 0).sum(axis=2) >= self.captures)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """bool[units, conditions, most captures]: images without a template."""
        return np.asarray((self.images >= 0) & (self.rows < 0))

    @property
    def complete(self) -> NDArray[np.bool_]:
        """bool[units, conditions]: recorded, and every image gave a template: only then are a unit's captures the same everywhere."""
        return np.asarray(self.recorded & ~self.failed.any(axis=2))


def make_conditions(subjects: NDArray[np.int32], codes: I64, template: NDArray[np.integer], captures: int) -> Conditions:
    """codes: int64[samples, factors], -1 unlabelled (such a sample is left out); template: the row of each sample, -1 for none."""
    known = np.flatnonzero((codes >= 0).all(axis=1))
    found, condition = np.unique(codes[known], axis=0, return_inverse=True)
    units, unit = np.unique(subjects[known], return_inverse=True)
    slot = unit.reshape(-1).astype(np.int64) * len(found) + condition.reshape(-1)
    order = np.argsort(slot, kind="stable")
    _, starts, sizes = np.unique(slot[order], return_index=True, return_counts=True)
    rank = np.empty(known.size, np.int64)
    rank[order] = np.arange(known.size) - np.repeat(starts, sizes)
    flat = np.full((units.size * len(found), int(sizes.max(initial=1))), -1, np.int64)
    flat[slot, rank] = known
    images = flat.reshape(units.size, len(found), -1)
    rows = np.where(images >= 0, np.asarray(template, np.int64)[images], -1)
    return Conditions(found.astype(np.int64), units.astype(np.int64), images, rows, captures)


@dataclass(frozen=True)
class ScoreSums:
    """Comparisons, sum of scores, and scores at or above each threshold, by unit: float64[..., units], [..., units],
    [thresholds, ..., units]. Non-mated: each comparison counts for both its units.
    """

    counts: Array
    scores: Array
    matches: Array


@dataclass(frozen=True)
class Scorer:
    """What scores are made of. prepared: float32[templates, d], as the ledger has them; thresholds: float32."""

    samples: Samples
    prepared: F32
    kind: Kind
    thresholds: F32

    def score(self, a: I64, b: I64) -> tuple[F32, NDArray[np.bool_]]:
        """Scores of pairs of templates, by the ledger's kernel, and which of them count: two different images, both there."""
        valid = (a >= 0) & (b >= 0)
        valid &= self.samples.images[a] != self.samples.images[b]
        scores = exact_scores(
            self.prepared, np.where(valid, a, 0).astype(np.int32), np.where(valid, b, 0).astype(np.int32), self.kind
        )
        return scores, valid


def non_mated_sums(scorer: Scorer, rows: I64, masks: NDArray[np.bool_]) -> ScoreSums:
    """Sums over the pairs of units within each mask, under one condition.

    rows: int64[units, captures], templates, -1 for none. masks: bool[masks, units], each a set of units. Result: [masks, units],
    0 for units outside a mask.
    """
    n, captures = rows.shape
    weights = masks.T.astype(np.float64)
    total = np.zeros((2 + scorer.thresholds.size, n, masks.shape[0]))
    step = max(1, BLOCK // max(1, n * captures * captures))
    with threadpool_limits(1):  # so that sums don't depend on how many cores there are
        for start in range(0, n, step):
            first = np.arange(start, min(start + step, n))
            later = np.arange(start, n)
            block = _block(scorer, rows, first, later)
            block *= later[None, None, :] > first[None, :, None]
            for k, values in enumerate(block):
                total[k, first] += values @ weights[later]
                total[k, later] += values.T @ weights[first]
    kept = np.where(masks[None], total.transpose(0, 2, 1), 0.0)
    return ScoreSums(kept[0], kept[1], kept[2:])


def _block(scorer: Scorer, rows: I64, first: I64, second: I64) -> Array:
    """float64[2 + thresholds, first, second]: counts, scores and matches of each pair of units, over all pairs of captures."""
    a, b = rows[first][:, None, :, None], rows[second][None, :, None, :]
    a, b = np.broadcast_arrays(a, b)
    scores, valid = scorer.score(a.ravel(), b.ravel())
    return _sums(scorer, scores, valid, (first.size, second.size, rows.shape[1] ** 2))


def _sums(scorer: Scorer, scores: F32, valid: NDArray[np.bool_], shape: tuple[int, ...]) -> Array:
    """Counts, scores and matches summed over the last axis of `shape`."""
    parts = [valid, np.where(valid, scores, 0), *((scores >= t) & valid for t in scorer.thresholds)]
    return np.stack([np.asarray(x, np.float64).reshape(shape).sum(axis=-1) for x in parts])


def mated_sums(scorer: Scorer, rows_a: I64, rows_b: I64, same_photo: set[tuple[int, int]]) -> ScoreSums:
    """Sums by unit of the comparisons of its captures under one condition with those under another; [units].

    rows_a, rows_b: int64[units, captures]. The same array twice: within one condition, every two captures once.
    """
    k, m = np.meshgrid(np.arange(rows_a.shape[1]), np.arange(rows_b.shape[1]), indexing="ij")
    chosen = k < m if rows_a is rows_b else np.ones(k.shape, bool)
    a, b = rows_a[:, k[chosen]], rows_b[:, m[chosen]]
    scores, valid = scorer.score(a.ravel(), b.ravel())
    if same_photo:
        listed = [(min(x, y), max(x, y)) in same_photo for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)]
        valid = valid & ~np.asarray(listed, bool)
    sums = _sums(scorer, scores, valid, a.shape)
    return ScoreSums(sums[0], sums[1], sums[2:])
