"""The design of a controlled experiment, and the sums of its comparison scores by unit for every paired statistic.

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
    """The images and templates of each unit under each condition.

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
        """Return the number of conditions that occur."""
        return int(self.codes.shape[0])

    @property
    def recorded(self) -> NDArray[np.bool_]:
        """Return whether each unit was recorded, bool[units, conditions].

        There are as many images as the card says, or more.
        """
        return np.asarray((self.images >= 0).sum(axis=2) >= self.captures)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Return which images have no template.

        bool[units, conditions, most captures].
        """
        return np.asarray((self.images >= 0) & (self.rows < 0))

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Return whether each unit is complete, bool[units, conditions].

        Recorded, and every image gave a template: only then are a unit's captures the same everywhere.
        """
        return np.asarray(self.recorded & ~self.failed.any(axis=2))


def make_conditions(subjects: NDArray[np.int32], codes: I64, template: NDArray[np.integer], captures: int) -> Conditions:
    """Arrange samples by unit and condition.

    codes: int64[samples, factors], -1 unlabelled (such a sample is left out); template: the row of each sample, -1 for none.
    """
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
    """Sums by unit of comparisons, their scores, and scores at or above each threshold.

    float64[..., units], [..., units], [thresholds, ..., units]. Non-mated: each comparison counts for both its units.
    """

    counts: Array
    scores: Array
    matches: Array


@dataclass(frozen=True)
class Scorer:
    """The inputs of scores. prepared: float32[templates, d], as the ledger has them; thresholds: float32."""

    samples: Samples
    prepared: F32
    kind: Kind
    thresholds: F32

    def score(self, first: I64, second: I64) -> tuple[F32, NDArray[np.bool_]]:
        """Return the scores of pairs, and which pairs count.

        Pairs of templates, by the ledger's kernel. A pair counts if it is of two different images, both with a template.
        """
        valid = (first >= 0) & (second >= 0)
        valid &= self.samples.images[first] != self.samples.images[second]
        scores = exact_scores(
            self.prepared, np.where(valid, first, 0).astype(np.int32), np.where(valid, second, 0).astype(np.int32), self.kind
        )
        return scores, valid


def non_mated_sums(scorer: Scorer, rows: I64, masks: NDArray[np.bool_]) -> ScoreSums:
    """Sum over the pairs of units within each mask.

    Under one condition. rows: int64[units, captures], templates, -1 for none. masks: bool[masks, units], each a set of units.
    Result: [masks, units], 0 for units outside a mask.
    """
    n_units, captures = rows.shape
    weights = masks.T.astype(np.float64)
    total = np.zeros((2 + scorer.thresholds.size, n_units, masks.shape[0]))
    step = max(1, BLOCK // max(1, n_units * captures * captures))
    with threadpool_limits(1):  # so that sums don't depend on how many cores there are
        for start in range(0, n_units, step):
            first = np.arange(start, min(start + step, n_units))
            later = np.arange(start, n_units)
            block = _block(scorer, rows, first, later)
            block *= later[None, None, :] > first[None, :, None]
            for i, values in enumerate(block):
                total[i, first] += values @ weights[later]
                total[i, later] += values.T @ weights[first]
    kept = np.where(masks[None], total.transpose(0, 2, 1), 0.0)
    return ScoreSums(kept[0], kept[1], kept[2:])


def _block(scorer: Scorer, rows: I64, first: I64, second: I64) -> Array:
    """Return counts, scores and matches of each pair of units.

    float64[2 + thresholds, first, second], over all pairs of captures.
    """
    rows_a, rows_b = rows[first][:, None, :, None], rows[second][None, :, None, :]
    rows_a, rows_b = np.broadcast_arrays(rows_a, rows_b)
    scores, valid = scorer.score(rows_a.ravel(), rows_b.ravel())
    return _sums(scorer, scores, valid, (first.size, second.size, rows.shape[1] ** 2))


def _sums(scorer: Scorer, scores: F32, valid: NDArray[np.bool_], shape: tuple[int, ...]) -> Array:
    """Sum counts, scores and matches over the last axis.

    The last axis of `shape`.
    """
    parts = [valid, np.where(valid, scores, 0), *((scores >= threshold) & valid for threshold in scorer.thresholds)]
    return np.stack([np.asarray(part, np.float64).reshape(shape).sum(axis=-1) for part in parts])


def mated_sums(scorer: Scorer, rows_a: I64, rows_b: I64, same_photo: set[tuple[int, int]]) -> ScoreSums:
    """Sum the comparisons of each unit's captures under two conditions.

    [units]. rows_a, rows_b: int64[units, captures]. The same array twice: within one condition, every two captures once.
    """
    capture_a, capture_b = np.meshgrid(np.arange(rows_a.shape[1]), np.arange(rows_b.shape[1]), indexing="ij")
    chosen = capture_a < capture_b if rows_a is rows_b else np.ones(capture_a.shape, bool)
    templates_a, templates_b = rows_a[:, capture_a[chosen]], rows_b[:, capture_b[chosen]]
    scores, valid = scorer.score(templates_a.ravel(), templates_b.ravel())
    if same_photo:
        listed = [
            (min(one, other), max(one, other)) in same_photo
            for one, other in zip(templates_a.ravel().tolist(), templates_b.ravel().tolist(), strict=True)
        ]
        valid = valid & ~np.asarray(listed, bool)
    sums = _sums(scorer, scores, valid, templates_a.shape)
    return ScoreSums(sums[0], sums[1], sums[2:])
