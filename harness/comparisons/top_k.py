"""One-to-many search: of each probe the k highest scores in a gallery of any size, exactly, in memory that does not grow with it.

The gallery is taken some rows at a time and prepared there (it may be a memory-mapped file of millions of templates); each part is
multiplied with the probes tile by tile and its products are read once, as in `tiles`. A product decides only what is looked at:
every score that could enter a list, or lies near a threshold, is the exact one (see `scores`), and of equal scores the lower
place in the gallery goes first. So the lists are the same, bit for bit, for any tile size and number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Lock
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from faceparity.datasets.common.compiled import njit
from faceparity.harness.comparisons.kernel import NEAR
from faceparity.harness.comparisons.similarity import F32, Kind, exact_between, longest_of, prepare, squared_lengths
from faceparity.harness.comparisons.tally import I32, I64

TILE = 1024
_CHUNK = 128
"""Products looked at together: only where one of them could matter, one by one."""


class TemplateRows(Protocol):
    """Templates by row, float32[n, d]: an array, a memory-mapped file, or whatever gives rows for a slice or for their numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, d)."""
        ...

    def __getitem__(self, rows: slice | I64, /) -> F32:
        """float32[rows, d]."""
        ...


class Candidates(NamedTuple):
    """What n probes came to in a gallery of g templates.

    place: int64[n, k], rows of the gallery by falling score, equal ones by rising place; -1 where there are no more. score:
    float32[n, k], -inf there. above: int64[n, strata, thresholds], how many scores are at or above each threshold. above_own:
    int64[n, strata], at or above the probe's own threshold. compared: int64[n].
    """

    place: I64
    score: F32
    above: I64
    above_own: I64
    compared: I64


class _Side(NamedTuple):
    """Prepared templates, float32[n, d], and their lengths squared."""

    x: F32
    squares: F32


class _State(NamedTuple):
    """`Candidates` as they grow. thresholds: float32[T]; own: float32[n], nan for none."""

    place: I64
    score: F32
    above: I64
    above_own: I64
    compared: I64
    thresholds: F32
    own: F32


class _Skips(NamedTuple):
    """Comparisons that are not made: those of probe i are place[start[i] : start[i + 1]], rising places in the working order."""

    start: I64
    place: I64


def top_k(
    probes: F32,
    gallery: TemplateRows,
    k: int,
    kind: Kind,
    *,
    leave_out: tuple[NDArray[np.integer], NDArray[np.integer]] | None = None,
    thresholds: Sequence[float] = (),
    own: F32 | None = None,
    strata: I32 | None = None,
    workers: int = 1,
    tile: int = TILE,
    progress: Callable[[int], None] | None = None,
) -> Candidates:
    """The k best candidates of each probe in a gallery, and how many there are at or above thresholds.

    probes: float32[n, d], gallery: g templates, as the model gave them. leave_out: probes and places in the gallery that are not
    compared, [m] each. own: float32[n], a threshold of each probe's own, nan for none. strata: int32[g], by which candidates above
    thresholds are counted; one stratum if None. progress: called with the number of scores of each finished tile. Raises
    ValueError on templates that cannot be compared, and on k < 0.
    """
    if k < 0:
        raise ValueError(f"lists of {k} candidates")
    n, g = probes.shape[0], gallery.shape[0]
    mine = prepare(probes, kind)
    side = _Side(mine, squared_lengths(mine))
    order, place, strips = _working_order(g, strata, tile)
    n_strata = int(strata.max(initial=0)) + 1 if strata is not None else 1
    state = _State(
        np.full((n, k), -1, np.int64), np.full((n, k), -np.inf, np.float32),
        np.zeros((n, n_strata, len(thresholds)), np.int64), np.zeros((n, n_strata), np.int64), np.zeros(n, np.int64),
        np.asarray(thresholds, np.float32), np.full(n, np.nan, np.float32) if own is None else own.astype(np.float32),
    )  # fmt: skip
    skips = _skips(leave_out, n, g, place)
    parts = [(a, min(n, a + tile)) for a in range(0, n, tile)]
    locks = [Lock() for _ in parts]
    source = iter(strips)

    def work(first: int) -> None:
        room = np.empty(min(n, tile) * min(g, tile), np.float32)
        for start, stop, stratum in source:
            chosen = gallery[start:stop] if order is None else gallery[order[start:stop]]
            theirs = prepare(chosen, kind)
            other = _Side(theirs, squared_lengths(theirs))
            longest = longest_of(np.concatenate([side.squares, other.squares])) if kind == "dot" else _unit(side, other, kind)
            numbers = np.arange(start, stop) if order is None else order[start:stop]
            for p in range(len(parts)):
                at = (p + first) % len(parts)
                a, b = parts[at]
                scores = np.matmul(mine[a:b], theirs.T, out=room[: (b - a) * (stop - start)].reshape(b - a, stop - start))
                with locks[at]:
                    _take(scores, a, start, stratum, numbers, side, other, skips, state, kind == "euclidean", longest)
                if progress:
                    progress(scores.size)

    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    return Candidates(state.place, state.score, state.above, state.above_own, state.compared)


def _unit(side: _Side, other: _Side, kind: Kind) -> float:
    """The greatest squared length there may be: of unit vectors 1, of distances as it is."""
    return longest_of(np.concatenate([side.squares, other.squares])) if kind == "euclidean" else 1 + 1e-6


def _working_order(g: int, strata: I32 | None, tile: int) -> tuple[I64 | None, I64 | None, list[tuple[int, int, int]]]:
    """The gallery by rising stratum, int64[g] (None: as it is), where each place is in it, and strips (start, stop, stratum) of it."""
    if strata is None:
        return None, None, [(a, min(g, a + tile), 0) for a in range(0, g, tile)]
    order = np.argsort(strata, kind="stable").astype(np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(g)
    strips = []
    for stratum, first, count in zip(*np.unique(strata[order], return_index=True, return_counts=True), strict=True):
        edges = np.linspace(first, first + count, -(-count // tile) + 1).astype(int).tolist()
        strips += [(a, b, int(stratum)) for a, b in pairwise(edges)]
    return order, place, strips


def _skips(leave_out: tuple[NDArray[np.integer], NDArray[np.integer]] | None, n: int, g: int, place: I64 | None) -> _Skips:
    if leave_out is None:
        return _Skips(np.zeros(n + 1, np.int64), np.empty(0, np.int64))
    row, col = (np.asarray(x, np.int64) for x in leave_out)
    pairs = np.unique(row * g + (col if place is None else place[col]))
    return _Skips(np.searchsorted(pairs, np.arange(n + 1) * g), pairs % max(1, g))


@njit(nogil=True)
def _reach(threshold: float, error: float, distance: bool) -> tuple[np.float32, np.float32]:
    """Below the first a product's score is certainly below the threshold; from the second on it certainly reaches it."""
    if not distance:
        return np.float32(threshold - error - NEAR), np.float32(threshold + error + NEAR)
    square = threshold * threshold
    far, close = -np.sqrt(square + 4 * error) - NEAR, -np.sqrt(max(0.0, square - 4 * error)) + NEAR
    return (np.float32(far), np.float32(close)) if threshold <= 0 else (np.float32(np.inf), np.float32(np.inf))


@njit(nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def _highest(row: F32) -> np.float32:
    """The greatest number; the machine does this many times as fast as anything that branches."""
    highest = np.float32(-np.inf)
    for c in range(row.size):
        highest = row[c] if row[c] > highest else highest
    return highest


@njit(nogil=True)
def _enter(place: I64, score: F32, number: int, s: np.float32) -> None:
    """Put a candidate where it belongs in one probe's list, if it does."""
    at = score.size
    while at > 0 and (s > score[at - 1] or (s == score[at - 1] and (number < place[at - 1] or place[at - 1] < 0))):
        at -= 1
    if at == score.size:
        return
    for k in range(score.size - 1, at, -1):
        place[k], score[k] = place[k - 1], score[k - 1]
    place[at], score[at] = number, s


@njit(nogil=True)
def _count(
    row: F32, i: int, threshold: np.float32, error: float, side: _Side, other: _Side, distance: bool, longest: float
) -> int:
    """How many of a row's scores reach a threshold; those too near to tell are made exactly."""
    low, high = _reach(threshold, error, distance)
    sure, maybe = np.int32(0), np.int32(0)
    for c in range(row.size):
        sure += np.int32(row[c] >= high)
        maybe += np.int32(row[c] >= low)
    total = np.int64(sure)
    if maybe > sure:
        for c in range(row.size):
            if low <= row[c] < high:
                total += exact_between(side.x, i, other.x, c, distance, longest) >= threshold
    return int(total)


@njit(nogil=True)
def _list(
    row: F32, i: int, numbers: I64, error: float, side: _Side, other: _Side, state: _State, distance: bool, longest: float
) -> None:
    """Put those of a row's scores into its probe's list that belong there."""
    place, score, x, y = state.place[i], state.score[i], side.x, other.x
    last = score.size - 1
    cut = _reach(score[last], error, distance)[0]
    for start in range(0, row.size, _CHUNK):
        stop = min(row.size, start + _CHUNK)
        if _highest(row[start:stop]) >= cut:
            for c in range(start, stop):
                if row[c] >= cut and row[c] != -np.inf:
                    _enter(place, score, numbers[c], exact_between(x, i, y, c, distance, longest))
                    cut = _reach(score[last], error, distance)[0]


@njit(nogil=True)
def _leave_out(row: F32, i: int, col0: int, skips: _Skips) -> int:
    """-inf where probe i is not to be compared, in a row of places col0, col0 + 1, …; how many."""
    first, stop = skips.start[i], skips.start[i + 1]
    if first == stop:
        return 0
    at = first + np.searchsorted(skips.place[first:stop], col0)
    gone = 0
    while at < stop and skips.place[at] < col0 + row.size:
        row[skips.place[at] - col0] = -np.inf
        at += 1
        gone += 1
    return gone


@njit(nogil=True)
def _take(
    scores: F32, row0: int, col0: int, stratum: int, numbers: I64, side: _Side, other: _Side, skips: _Skips, state: _State,
    distance: bool, longest: float,
) -> None:  # fmt: skip
    """Read a tile of products of probes row0, row0 + 1, … (overwritten). numbers: int64[columns], their places in the gallery."""
    squares, theirs, thresholds, error = side.squares, other.squares, state.thresholds, NEAR * max(1.0, longest)
    last = state.score.shape[1] - 1
    for r in range(scores.shape[0]):
        row, i = scores[r], row0 + r
        if distance:
            for c in range(row.size):
                row[c] = -np.sqrt(max(np.float32(0.0), squares[i] + theirs[c] - np.float32(2.0) * row[c]))
        state.compared[i] += row.size - _leave_out(row, i, col0, skips)
        highest = _highest(row)
        if last >= 0 and highest >= _reach(state.score[i, last], error, distance)[0]:
            _list(row, i, numbers, error, side, other, state, distance, longest)
        for t in range(thresholds.size):
            if highest >= _reach(thresholds[t], error, distance)[0]:
                state.above[i, stratum, t] += _count(row, i, thresholds[t], error, side, other, distance, longest)
        if not np.isnan(state.own[i]):
            state.above_own[i, stratum] += _count(row, i, state.own[i], error, side, other, distance, longest)
