"""One-to-many search: of each probe the k highest scores in a gallery of any size, exactly, in memory that does not grow with it.

The gallery is taken some rows at a time and prepared there (it may be a memory-mapped file of millions of templates); each part is
multiplied with the probes tile by tile and its products are read once, as in `tiles`. A product decides only what is looked at:
every score that could enter a list, or lies near a threshold, is the exact one (see `similarity`), and of equal scores the lower
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

from faceparity.datasets.common.numba_cache import njit
from faceparity.harness.comparisons.kernel import NEAR
from faceparity.harness.comparisons.similarity import F32, Kind, exact_between, longest_of, prepare, squared_lengths
from faceparity.harness.comparisons.tally import I32, I64

TILE = 1024
_CHUNK = 128
"""Products looked at together: only where one of them could matter, one by one."""


class TemplateRows(Protocol):
    """Templates by row, float32[n, d]: an array, a memory-mapped file, or anything that gives rows for a slice or for their numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n, d)."""
        ...

    def __getitem__(self, rows: slice | I64, /) -> F32:
        """Return float32[rows, d]."""
        ...


class Candidates(NamedTuple):
    """The result of searching n probes in a gallery of g templates.

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
    """Comparisons that are not made.

    Those of probe i are place[start[i] : start[i + 1]], rising places in the working order.
    """

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
    """Find each probe's k best candidates in a gallery.

    Also counts the candidates at or above thresholds. probes: float32[n, d], gallery: g templates, as the model gave them.
    leave_out: probes and places in the gallery that are not compared, [m] each. own: float32[n], a threshold of each probe's own,
    nan for none. strata: int32[g], by which candidates above thresholds are counted; one stratum if None. progress: called with the
    number of scores of each finished tile. Raises ValueError on templates that cannot be compared, and on k < 0.
    """
    if k < 0:
        raise ValueError(f"lists of {k} candidates")
    n_probes, n_gallery = probes.shape[0], gallery.shape[0]
    mine = prepare(probes, kind)
    side = _Side(mine, squared_lengths(mine))
    order, place, strips = _working_order(n_gallery, strata, tile)
    n_strata = int(strata.max(initial=0)) + 1 if strata is not None else 1
    state = _State(
        np.full((n_probes, k), -1, np.int64), np.full((n_probes, k), -np.inf, np.float32),
        np.zeros((n_probes, n_strata, len(thresholds)), np.int64), np.zeros((n_probes, n_strata), np.int64), np.zeros(n_probes, np.int64),
        np.asarray(thresholds, np.float32), np.full(n_probes, np.nan, np.float32) if own is None else own.astype(np.float32),
    )  # fmt: skip
    skips = _skips(leave_out, n_probes, n_gallery, place)
    parts = [(first_row, min(n_probes, first_row + tile)) for first_row in range(0, n_probes, tile)]
    locks = [Lock() for _ in parts]
    source = iter(strips)

    def work(first: int) -> None:
        room = np.empty(min(n_probes, tile) * min(n_gallery, tile), np.float32)
        for start, stop, stratum in source:
            chosen = gallery[start:stop] if order is None else gallery[order[start:stop]]
            theirs = prepare(chosen, kind)
            other = _Side(theirs, squared_lengths(theirs))
            longest = longest_of(np.concatenate([side.squares, other.squares])) if kind == "dot" else _unit(side, other, kind)
            numbers = np.arange(start, stop) if order is None else order[start:stop]
            for turn in range(len(parts)):
                at = (turn + first) % len(parts)
                row, row_end = parts[at]
                scores = np.matmul(
                    mine[row:row_end], theirs.T, out=room[: (row_end - row) * (stop - start)].reshape(row_end - row, stop - start)
                )
                with locks[at]:
                    _take(scores, row, start, stratum, numbers, side, other, skips, state, kind == "euclidean", longest)
                if progress:
                    progress(scores.size)

    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    return Candidates(state.place, state.score, state.above, state.above_own, state.compared)


def _unit(side: _Side, other: _Side, kind: Kind) -> float:
    """Return the greatest squared length that is possible.

    Of unit vectors 1, of distances the greatest there is.
    """
    return longest_of(np.concatenate([side.squares, other.squares])) if kind == "euclidean" else 1 + 1e-6


def _working_order(n_templates: int, strata: I32 | None, tile: int) -> tuple[I64 | None, I64 | None, list[tuple[int, int, int]]]:
    """Sort the gallery by stratum, and cut it into strips.

    Returns the order, int64[n_templates] (None: unchanged), where each place is in it, and strips (start, stop, stratum) of it.
    """
    if strata is None:
        return None, None, [(begin, min(n_templates, begin + tile), 0) for begin in range(0, n_templates, tile)]
    order = np.argsort(strata, kind="stable").astype(np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(n_templates)
    strips = []
    for stratum, first, count in zip(*np.unique(strata[order], return_index=True, return_counts=True), strict=True):
        edges = np.linspace(first, first + count, -(-count // tile) + 1).astype(int).tolist()
        strips += [(begin, end, int(stratum)) for begin, end in pairwise(edges)]
    return order, place, strips


def _skips(
    leave_out: tuple[NDArray[np.integer], NDArray[np.integer]] | None, n_probes: int, n_templates: int, place: I64 | None
) -> _Skips:
    """Return the comparisons left out, by probe."""
    if leave_out is None:
        return _Skips(np.zeros(n_probes + 1, np.int64), np.empty(0, np.int64))
    row, column = (np.asarray(side, np.int64) for side in leave_out)
    pairs = np.unique(row * n_templates + (column if place is None else place[column]))
    return _Skips(np.searchsorted(pairs, np.arange(n_probes + 1) * n_templates), pairs % max(1, n_templates))


@njit(nogil=True)
def _reach(threshold: float, error: float, distance: bool) -> tuple[np.float32, np.float32]:
    """Return the scores between which a product does not decide.

    Below the first a product's score is certainly below the threshold; from the second on it certainly reaches it.
    """
    if not distance:
        return np.float32(threshold - error - NEAR), np.float32(threshold + error + NEAR)
    square = threshold * threshold
    far, close = -np.sqrt(square + 4 * error) - NEAR, -np.sqrt(max(0.0, square - 4 * error)) + NEAR
    return (np.float32(far), np.float32(close)) if threshold <= 0 else (np.float32(np.inf), np.float32(np.inf))


@njit(nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def _highest(row: F32) -> np.float32:
    """Return the greatest number of a row.

    The machine does this many times as fast as anything that branches.
    """
    highest = np.float32(-np.inf)
    for i in range(row.size):
        highest = row[i] if row[i] > highest else highest
    return highest


@njit(nogil=True)
def _enter(place: I64, score: F32, number: int, value: np.float32) -> None:
    """Insert a candidate into a probe's list, in order.

    Nothing happens where the list is full of better ones.
    """
    position = score.size
    while position > 0 and (
        value > score[position - 1]
        or (value == score[position - 1] and (number < place[position - 1] or place[position - 1] < 0))
    ):
        position -= 1
    if position == score.size:
        return
    for i in range(score.size - 1, position, -1):
        place[i], score[i] = place[i - 1], score[i - 1]
    place[position], score[position] = number, value


@njit(nogil=True)
def _count(
    row: F32, probe: int, threshold: np.float32, error: float, side: _Side, other: _Side, distance: bool, longest: float
) -> int:
    """Count a row's scores at or above a threshold.

    Those too near to decide are computed exactly.
    """
    low, high = _reach(threshold, error, distance)
    sure, maybe = np.int32(0), np.int32(0)
    for column in range(row.size):
        sure += np.int32(row[column] >= high)
        maybe += np.int32(row[column] >= low)
    total = np.int64(sure)
    if maybe > sure:
        for column in range(row.size):
            if low <= row[column] < high:
                total += exact_between(side.x, probe, other.x, column, distance, longest) >= threshold
    return int(total)


@njit(nogil=True)
def _list(
    row: F32, probe: int, numbers: I64, error: float, side: _Side, other: _Side, state: _State, distance: bool, longest: float
) -> None:
    """Insert a row's scores into its probe's list.

    Those that belong there.
    """
    place, score, probes, gallery = state.place[probe], state.score[probe], side.x, other.x
    last = score.size - 1
    cut = _reach(score[last], error, distance)[0]
    for start in range(0, row.size, _CHUNK):
        stop = min(row.size, start + _CHUNK)
        if _highest(row[start:stop]) >= cut:
            for column in range(start, stop):
                if row[column] >= cut and row[column] != -np.inf:
                    _enter(place, score, numbers[column], exact_between(probes, probe, gallery, column, distance, longest))
                    cut = _reach(score[last], error, distance)[0]


@njit(nogil=True)
def _leave_out(row: F32, probe: int, col0: int, skips: _Skips) -> int:
    """Leave out places that a probe is not compared with.

    They become -inf in a row of places col0, col0 + 1, …; returns how many.
    """
    first, stop = skips.start[probe], skips.start[probe + 1]
    if first == stop:
        return 0
    position = first + np.searchsorted(skips.place[first:stop], col0)
    gone = 0
    while position < stop and skips.place[position] < col0 + row.size:
        row[skips.place[position] - col0] = -np.inf
        position += 1
        gone += 1
    return gone


@njit(nogil=True)
def _take(
    scores: F32, row0: int, col0: int, stratum: int, numbers: I64, side: _Side, other: _Side, skips: _Skips, state: _State,
    distance: bool, longest: float,
) -> None:  # fmt: skip
    """Read a tile of products of some probes.

    Probes row0, row0 + 1, …; the tile is overwritten. numbers: int64[columns], the columns' places in the gallery.
    """
    squares, theirs, thresholds, error = side.squares, other.squares, state.thresholds, NEAR * max(1.0, longest)
    last = state.score.shape[1] - 1
    for offset in range(scores.shape[0]):
        row, probe = scores[offset], row0 + offset
        if distance:
            for column in range(row.size):
                row[column] = -np.sqrt(max(np.float32(0.0), squares[probe] + theirs[column] - np.float32(2.0) * row[column]))
        state.compared[probe] += row.size - _leave_out(row, probe, col0, skips)
        highest = _highest(row)
        if last >= 0 and highest >= _reach(state.score[probe, last], error, distance)[0]:
            _list(row, probe, numbers, error, side, other, state, distance, longest)
        for threshold in range(thresholds.size):
            if highest >= _reach(thresholds[threshold], error, distance)[0]:
                state.above[probe, stratum, threshold] += _count(
                    row, probe, thresholds[threshold], error, side, other, distance, longest
                )
        if not np.isnan(state.own[probe]):
            state.above_own[probe, stratum] += _count(row, probe, state.own[probe], error, side, other, distance, longest)
