"""The tally: all that is kept of the comparisons. It takes one pass and memory that does not grow with their number; tallies add."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.numba_cache import njit

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F32 = NDArray[np.float32]
U64 = NDArray[np.uint64]
Scores = NDArray[np.floating[Any]]
"""float32 where templates are compared, and float32 or float64, as they come, in a score file."""
Counts = NDArray[np.signedinteger[Any]]


MOST_DIGITS = 15
"""Decimals to which the edges of bins are rounded, at most."""


@dataclass(frozen=True)
class Pairs:
    """Comparisons listed one by one: sample a < sample b, int32[n] each; score float32[n] or float64[n]. Sorted by (a, b)."""

    a: I32
    b: I32
    score: Scores

    @staticmethod
    def of(first: NDArray[np.integer], second: NDArray[np.integer], score: NDArray[np.floating]) -> Pairs:
        """Return pairs in canonical order, from any order."""
        first, second = first.astype(np.int32, copy=False), second.astype(np.int32, copy=False)
        score = score if score.dtype == np.float64 else score.astype(np.float32, copy=False)
        bits, places = max(int(first.max(initial=0)), int(second.max(initial=0))).bit_length(), first.size.bit_length()
        if 2 * bits + places > 64:
            low, high = np.minimum(first, second), np.maximum(first, second)
            order = np.lexsort((high, low))
            return Pairs(low[order], high[order], score[order])
        # One number for a pair and its place: numpy sorts plain integers several times as fast as it finds their order.
        packed = _pack(first, second, bits, places)
        packed.sort()
        return Pairs(*_unpack(packed, score, bits, places))

    @staticmethod
    def none() -> Pairs:
        """Return an empty list of comparisons."""
        return Pairs(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))

    def __add__(self, other: Pairs) -> Pairs:
        """Merge two lists of comparisons."""
        if not len(self) or not len(other):
            return self if len(self) else other
        return Pairs.of(*(np.concatenate(columns) for columns in zip(self.columns(), other.columns(), strict=True)))

    def __len__(self) -> int:
        return int(self.a.size)

    def columns(self) -> tuple[I32, I32, Scores]:
        """Return a, b and score."""
        return self.a, self.b, self.score

    def where(self, mask: NDArray[np.bool_]) -> Pairs:
        """Keep the comparisons where the mask is true."""
        return Pairs(self.a[mask], self.b[mask], self.score[mask])


@njit(nogil=True)
def _pack(first: I32, second: I32, bits: int, places: int) -> U64:
    """Pack each pair and its place into one number.

    The lower sample, the higher one, the place.
    """
    packed = np.empty(first.size, np.uint64)
    for i in range(first.size):
        low, high = np.uint64(min(first[i], second[i])), np.uint64(max(first[i], second[i]))
        packed[i] = (((low << np.uint64(bits)) | high) << np.uint64(places)) | np.uint64(i)
    return packed


@njit(nogil=True)
def _unpack(packed: U64, score: Scores, bits: int, places: int) -> tuple[I32, I32, Scores]:
    """Unpack the numbers of `_pack` in their order.

    Lower samples, higher ones and scores.
    """
    low, high, ordered = np.empty(packed.size, np.int32), np.empty(packed.size, np.int32), np.empty(packed.size, score.dtype)
    for i in range(packed.size):
        pair = packed[i] >> np.uint64(places)
        low[i] = pair >> np.uint64(bits)
        high[i] = pair & ((np.uint64(1) << np.uint64(bits)) - np.uint64(1))
        ordered[i] = score[packed[i] & ((np.uint64(1) << np.uint64(places)) - np.uint64(1))]
    return low, high, ordered


@dataclass(frozen=True)
class ScoreBins:
    """Bins of comparison scores. edges: [n + 1], rising, in the scores' precision; bin i is [edges[i], edges[i + 1]).

    Scores below the first edge count in the first bin, scores at or above the last edge in the last. Published and fixed
    thresholds are edges, so that the histograms give the errors at them exactly. low, per_width, steps: the equal bins that
    the edges cut further: a score's is trunc((score - low) × per_width), in float32. Only kernels for templates use that formula.
    """

    edges: Scores
    thresholds: Scores
    low: np.floating[Any]
    per_width: np.floating[Any]
    steps: int

    @staticmethod
    def uniform(low: float, high: float, n: int, thresholds: tuple[float, ...] = ()) -> ScoreBins:
        """Divide a range into `n` equal bins, cut at `thresholds`.

        From low to high. Raises ValueError unless low < high in float32.
        """
        first, last = np.float32(low), np.float32(high)
        if not first < last:
            raise ValueError(f"no bins between {low} and {high}")
        per_width = np.float32(n / (np.float64(last) - np.float64(first)))
        starts = _starts(np.linspace(first, last, n + 1)[1:-1].astype(np.float32), first, per_width)
        cuts = np.asarray(thresholds, np.float32)
        edges = np.unique(np.concatenate([[first], starts, [last], cuts])).astype(np.float32)
        return ScoreBins(edges, cuts, first, per_width, n)

    @staticmethod
    def in_double(low: float, high: float, n: int, thresholds: tuple[float, ...] = ()) -> ScoreBins:
        """Divide a range of float64 scores into `n` equal bins, cut at `thresholds`.

        Edges between are rounded to a thousandth of a bin, so that few digits write them. Raises ValueError unless low < high.
        """
        if not low < high:
            raise ValueError(f"no bins between {low} and {high}")
        width = (high - low) / n
        digits = 3 - math.floor(math.log10(width)) if width else MOST_DIGITS + 1
        starts = np.linspace(low, high, n + 1)[1:-1]
        if digits <= MOST_DIGITS:
            starts = np.clip(np.round(starts, digits), low, high)
        cuts = np.asarray(thresholds, np.float64)
        edges = np.unique(np.concatenate([[low], starts, [high], cuts]))
        return ScoreBins(edges, cuts, np.float64(low), np.float64(1 / width), n)

    def exact(self, value: float) -> np.floating[Any]:
        """Return a threshold in the precision of the scores, to compare them with."""
        return self.edges.dtype.type(value)

    @property
    def n(self) -> int:
        """Return the number of bins."""
        return int(self.edges.size - 1)

    def bin(self, score: Scores) -> I64:
        """Return the bin of each score, int64[n]."""
        return np.clip(np.searchsorted(self.edges, score, side="right") - 1, 0, self.n - 1)

    def step(self, score: Scores) -> I64:
        """Return the equal bin of each score, int64[n].

        By the formula.
        """
        return np.asarray(np.clip((score - self.low) * self.per_width, np.float32(0), np.float32(self.steps - 1)), np.int64)

    def first_bins(self) -> I64:
        """Return the bin that each step begins in, int64[steps]."""
        return np.clip(np.searchsorted(self.step(self.edges[:-1]), np.arange(self.steps)), 0, self.n - 1)

    def cuts(self) -> Scores:
        """Return the edges that a score's step leaves open.

        Thresholds, and other edges within a step: on which side a score lies has to be decided by its value.
        """
        inner = self.edges[1:-1]
        within = self.step(inner) == self.step(np.nextafter(inner, self.exact(-np.inf)))
        return np.unique(np.concatenate([self.thresholds, inner[within]]))


def _starts(nominal: F32, low: np.float32, per_width: np.float32) -> F32:
    """Find the smallest float32 at which each further step begins.

    There trunc((x - low) × per_width) reaches 1, 2, …: rounding puts it a little off `nominal`. Found by bisection over the float32
    numbers within a bin's width of `nominal`.
    """
    wanted = np.arange(1, nominal.size + 1)
    width = np.float32(1) / per_width
    below, above = _ordinal(nominal - width), _ordinal(nominal + width)
    while (above - below > 1).any():
        middle = (below + above) // 2
        reached = ((_from_ordinal(middle) - low) * per_width).astype(np.int64) >= wanted
        below, above = np.where(reached, below, middle), np.where(reached, middle, above)
    return _from_ordinal(above)


def _ordinal(numbers: F32) -> I64:
    """Return float32 numbers as integers in the same order.

    Neighbouring numbers are one apart.
    """
    bits = numbers.view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def _from_ordinal(ordinals: I64) -> F32:
    """Return the float32 numbers of `_ordinal`'s integers."""
    return np.where(ordinals < 0, np.int64(-0x80000000) - ordinals, ordinals).astype(np.int32).view(np.float32)


@dataclass(frozen=True)
class Tally:
    """The counts and lists kept of a set of comparisons; `a + b` is the tally of both sets together.

    Samples are numbered 0 … n - 1, cells 0 … K - 1 (see `Cells`).
    non_mated, mated: int64[K, K, bins], at [lower cell, higher cell]; int32 where no bin can hold more.
    comparisons: int64[n, K], non-mated comparisons of each sample with samples of each cell, counted one by one.
    ledger: every non-mated comparison at or above `floor`. mated_pairs: every mated comparison.
    dense_errors: int32[T, n, K], for thresholds below the floor (`dense_thresholds`): errors of each sample with each cell.
    left_out_non_mated: identical images under two names, and pairs excluded by name, not compared. left_out_mated: likewise, and
    pairs that the data set lists as the same photograph; those without an identical image are `same_photo`.
    """

    grid: ScoreBins
    floor: float
    non_mated: Counts
    mated: Counts
    comparisons: I64
    ledger: Pairs
    mated_pairs: Pairs
    dense_thresholds: Scores
    dense_errors: I32
    left_out_non_mated: Pairs
    left_out_mated: Pairs
    same_photo: int

    def __add__(self, other: Tally) -> Tally:
        """Add the tally of other comparisons.

        Raises ValueError for another grid or floor.
        """
        if self.floor != other.floor or not np.array_equal(self.grid.edges, other.grid.edges):
            raise ValueError("tallies with different grids or floors cannot be added")
        return Tally(
            self.grid,
            self.floor,
            self.non_mated + other.non_mated,
            self.mated + other.mated,
            self.comparisons + other.comparisons,
            self.ledger + other.ledger,
            self.mated_pairs + other.mated_pairs,
            self.dense_thresholds,
            self.dense_errors + other.dense_errors,
            self.left_out_non_mated + other.left_out_non_mated,
            self.left_out_mated + other.left_out_mated,
            self.same_photo + other.same_photo,
        )

    @property
    def n_non_mated(self) -> int:
        """Return the number of non-mated comparisons made."""
        return int(self.non_mated.sum())

    @property
    def n_mated(self) -> int:
        """Return the number of mated comparisons made."""
        return int(self.mated.sum())


def empty(grid: ScoreBins, floor: float, n_samples: int, n_cells: int, dense_thresholds: Scores, most: float = np.inf) -> Tally:
    """Return a tally without comparisons.

    most: comparisons that any two cells can have; histograms of many cells take half the memory if they fit int32.
    """
    shape = (n_cells, n_cells, grid.n)
    counts: Any = np.int32 if most <= np.iinfo(np.int32).max else np.int64
    return Tally(
        grid,
        floor,
        np.zeros(shape, counts),
        np.zeros(shape, counts),
        np.zeros((n_samples, n_cells), np.int64),
        Pairs.none(),
        Pairs.none(),
        dense_thresholds,
        np.zeros((dense_thresholds.size, n_samples, n_cells), np.int32),
        Pairs.none(),
        Pairs.none(),
        0,
    )
