"""The kernel that counts one tile of scores by bin, with high scores and those near a threshold recomputed exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.numba_cache import njit
from faceparity.harness.comparisons.similarity import F32, exact_score

from .tally import I32, I64, ScoreBins

U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
NEAR = 1e-5
"""Least half-width of the band around a threshold in which a tile's float32 score is not trusted (its error is about 1e-6)."""
LOWEST = np.finfo(np.float32).min
MOST_STEPS = 1 << 15
"""Steps are kept in 15 bits; the bit above flags those that need a closer look."""
FLAGS = np.uint64(0x8000_8000_8000_8000)


class PreparedTemplates(NamedTuple):
    """Prepared templates, float32[n, d], by rising cell and subject; squared lengths; subjects; whether scores are distances.

    longest: no squared length is greater.
    """

    x: F32
    squares: F32
    subjects: I32
    distance: bool
    longest: float


class Bins(NamedTuple):
    """The bins in which scores are counted, and the bands in which exact ones are needed.

    low, per_width: of the grid's equal steps. first: int64[steps], the first bin of each step. edges: of the bins.
    bands: float32[B, 2], closed intervals of scores that need an exact one, the last of them from the floor up;
    band_steps: int32[B, 2], the first and last step of each. dense: thresholds at which errors are counted by sample.
    """

    low: np.float32
    per_width: np.float32
    first: I64
    edges: F32
    bands: F32
    band_steps: I32
    floor: np.float32
    dense: F32


class TileMatches(NamedTuple):
    """The counts of a tile, and the scores that need a closer look; overwritten by the next tile.

    A tile has up to `tile` rows and columns. bins: int64[bins]. rows, cols: int32[1 + T, tile], of each row and column the
    comparisons made, then its errors at each dense threshold.
    a, b, score, step: what is looked at closely; then, the first of it, what goes to the ledger. gaps: bool[tile], rows in which
    some comparisons are not to be made. The others are working memory.
    """

    bins: I64
    rows: I32
    cols: I32
    a: I32
    b: I32
    score: F32
    step: U16
    step_counts: U32
    steps: U16
    words: NDArray[np.uint64]
    gaps: NDArray[np.bool_]
    asked: U32


def make_tile_matches(tile: int, grid: ScoreBins, bins: Bins) -> TileMatches:
    """Reserve the working memory of a tile."""
    words = np.empty(-(-tile // 4), np.uint64)
    return TileMatches(
        np.zeros(grid.n, np.int64),
        np.zeros((1 + bins.dense.size, tile), np.int32),
        np.zeros((1 + bins.dense.size, tile), np.int32),
        np.empty(tile * tile, np.int32),
        np.empty(tile * tile, np.int32),
        np.empty(tile * tile, np.float32),
        np.empty(tile * tile, np.uint16),
        np.zeros((4, grid.steps), np.uint32),
        words.view(np.uint16),
        words,
        np.zeros(tile, np.bool_),
        np.empty(tile + 1, np.uint32),
    )


def make_bins(grid: ScoreBins, floor: float, dense: F32, longest: float, distance: bool) -> Bins:
    """Define where to count, and which scores need exact ones.

    Those from the floor up, and near every threshold. longest: the greatest squared length of a template, which the error of a
    float32 product grows with. Raises ValueError on more than MOST_STEPS equal bins.
    """
    if grid.steps > MOST_STEPS:
        raise ValueError(f"{grid.steps} bins: at most {MOST_STEPS} can be counted")
    error = NEAR * max(1.0, longest)
    reach = _around_distance if distance else _around
    below = [cut for cut in np.unique(np.concatenate([grid.cuts(), dense])) if cut < floor]
    bands = np.array([*(reach(float(cut), error) for cut in below), (reach(floor, error)[0], np.inf)]).astype(np.float32)
    bands = np.nextafter(bands, np.array([-np.inf, np.inf], np.float32))
    band_steps = grid.step(bands).astype(np.int32)
    return Bins(grid.low, grid.per_width, grid.first_bins(), grid.edges, bands, band_steps, np.float32(floor), dense)


def _around(threshold: float, error: float) -> tuple[float, float]:
    return threshold - error, threshold + error


def _around_distance(threshold: float, error: float) -> tuple[float, float]:
    """Return the band around a distance's threshold.

    The square of a distance has the products' error, twice; the score is minus its root.
    """
    square = threshold**2
    far, close = np.sqrt(square + 4 * error) + NEAR, np.sqrt(max(0.0, square - 4 * error)) - NEAR
    return (-far, -close) if threshold <= 0 else (close, far)


@njit(nogil=True)
def _to_distances(products: F32, squares: F32, sample: int, j0: int) -> None:
    """Turn inner products into -‖a - b‖, in place.

    Of `sample` with samples j0, j0 + 1, ….
    """
    for column in range(products.size):
        left = squares[sample] + squares[j0 + column] - np.float32(2.0) * products[column]
        products[column] = -np.sqrt(max(np.float32(0.0), left))


@njit(nogil=True)
def _to_steps(row: F32, low: np.float32, per_width: np.float32, last: int, band_steps: I32, steps: U16) -> None:
    """Find the equal bin of each score, as `ScoreBins.step`.

    The bit above MOST_STEPS is set where the step touches a band.
    """
    top, highest = band_steps[-1, 0], np.float32(last)
    for column in range(row.size):
        step = np.int32(min(max((row[column] - low) * per_width, np.float32(0.0)), highest))
        steps[column] = np.uint16(step | (np.int32(step >= top) << 15))
    for band in range(band_steps.shape[0] - 1):
        first, until = band_steps[band, 0], band_steps[band, 1]
        for column in range(row.size):
            step = np.int32(steps[column]) & np.int32(MOST_STEPS - 1)
            steps[column] |= np.uint16(np.int32((step >= first) & (step <= until)) << 15)


@njit(nogil=True)
def _count_steps(steps: U16, words: NDArray[np.uint64], size: int, counts: U32, asked: U32) -> int:
    """Count the first `size` steps, four to a word.

    The positions of those with the flag bit go into `asked`; returns how many.
    """
    step, n_asked, full_words = np.uint64(MOST_STEPS - 1), 0, size // 4
    for i in range(full_words):
        word = words[i]
        if word & FLAGS:
            n_asked = _ask(steps, 4 * i, 4 * i + 4, asked, n_asked)
        # Four histograms, because a bin that is hit twice in a row would have to wait.
        counts[0, word & step] += np.uint32(1)
        counts[1, (word >> np.uint64(16)) & step] += np.uint32(1)
        counts[2, (word >> np.uint64(32)) & step] += np.uint32(1)
        counts[3, (word >> np.uint64(48)) & step] += np.uint32(1)
    for column in range(4 * full_words, size):
        counts[0, np.uint64(steps[column]) & step] += np.uint32(1)
    return int(_ask(steps, 4 * full_words, size, asked, n_asked))


@njit(nogil=True)
def _ask(steps: U16, start: int, stop: int, asked: U32, n_asked: int) -> int:
    """Collect positions whose step has the flag bit.

    n_asked: positions collected before; returns the number with these.
    """
    for column in range(start, stop):
        if steps[column] >= MOST_STEPS:
            asked[n_asked] = column
            n_asked += 1
    return n_asked


@njit(nogil=True)
def _note(row: F32, sample: int, j0: int, n_asked: int, found: TileMatches, n_noted: int) -> int:
    """Keep the scores asked about for `settle`; return how many.

    Of `sample` with samples j0, j0 + 1, …; comparisons not made (-inf) are not kept.
    """
    # Arrays are named once: each use of a tuple's array counts its references again, which takes longer than the work itself.
    asked, steps, a, b, score, step = found.asked, found.steps, found.a, found.b, found.score, found.step
    for number in range(n_asked):
        column = asked[number]
        a[n_noted], b[n_noted], score[n_noted], step[n_noted] = sample, j0 + column, row[column], steps[column] & (MOST_STEPS - 1)
        n_noted += row[column] != -np.inf
    return n_noted


@njit(nogil=True)
def settle(row0: int, col0: int, n_noted: int, prepared: PreparedTemplates, bins: Bins, found: TileMatches) -> int:
    """Settle a tile's noted scores by their exact values.

    They are counted by their bin, not their step, a score in a band by the exact one. What reaches the floor stays in the ledger,
    in the order it came; returns how many do.
    """
    # Named once, as above.
    bands, first, edges, counts, dense = bins.bands, bins.first, bins.edges, found.bins, bins.dense
    templates, a, b, score, step, rows, cols = prepared.x, found.a, found.b, found.score, found.step, found.rows, found.cols
    distance, longest, floor, n_kept = prepared.distance, prepared.longest, bins.floor, 0
    for number in range(n_noted):
        row, column, value, inside = a[number], b[number], score[number], False
        for band in range(bands.shape[0]):
            inside |= bands[band, 0] <= value <= bands[band, 1]
        if inside:
            value = exact_score(templates, row, column, distance, longest)
            for threshold in range(dense.size):
                more = np.int32(value >= dense[threshold]) - np.int32(score[number] >= dense[threshold])
                rows[1 + threshold, row - row0] += more
                cols[1 + threshold, column - col0] += more
        bin_ = first[step[number]]
        counts[bin_] -= 1
        while bin_ > 0 and value < edges[bin_]:
            bin_ -= 1
        while bin_ + 2 < edges.size and value >= edges[bin_ + 1]:
            bin_ += 1
        counts[bin_] += 1
        if inside and value >= floor:
            a[n_kept], b[n_kept], score[n_kept] = row, column, value
            n_kept += 1
    return n_kept


@njit(nogil=True)
def _count_reached(row: F32, start: int, threshold: np.float32, of_cols: I32) -> np.int32:
    """Count a row's scores at or above a threshold.

    Each is also added to its column's count.
    """
    reached = np.int32(0)
    for column in range(row.size):
        hit = np.int32(row[column] >= threshold)
        reached += hit
        of_cols[start + column] += hit
    return reached


@njit(nogil=True)
def _leave_out_subject(row: F32, subjects: I32, sample: int, j0: int) -> bool:
    """Leave out the comparisons of a sample's own subject.

    They become -inf in a row of samples j0, j0 + 1, … of rising subjects; returns whether there are any.
    """
    low, high, found = 0, row.size, False
    while low < high:
        middle = (low + high) // 2
        if subjects[j0 + middle] < subjects[sample]:
            low = middle + 1
        else:
            high = middle
    while low < row.size and subjects[j0 + low] == subjects[sample]:
        row[low] = -np.inf
        low += 1
        found = True
    return found


@njit(nogil=True)
def _to_bins(found: TileMatches, first: I64, left_out: int) -> None:
    """Add counts by step to counts by bin.

    What was left out is in the first step.
    """
    for step in range(found.step_counts.shape[1]):
        for turn in range(4):
            found.bins[first[step]] += found.step_counts[turn, step]
    found.bins[0] -= left_out


@njit(nogil=True)
def count_tile(scores: F32, row0: int, col0: int, prepared: PreparedTemplates, bins: Bins, found: TileMatches) -> int:
    """Count a tile of products, of one cell each side.

    scores: float32[rows, columns], overwritten; -inf (in rows marked in `found.gaps`) where two samples are not to be compared. All
    rows are of one cell, and all columns. On the diagonal (row0 == col0) only what lies above it counts. Comparisons of a subject
    with itself are left out. Returns the ledger's length.
    """
    n_rows, n_cols = scores.shape
    # Named once, as above.
    steps, words, asked, step_counts, rows, cols = (
        found.steps,
        found.words,
        found.asked,
        found.step_counts,
        found.rows,
        found.cols,
    )
    subjects, squares, band_steps, dense = prepared.subjects, prepared.squares, bins.band_steps, bins.dense
    complete_from = np.zeros(n_cols + 1, np.int32)
    found.bins[:] = 0
    cols[:] = 0
    step_counts[:] = 0
    n_noted = left_out = 0
    for i in range(n_rows):
        start = i + 1 if row0 == col0 else 0
        row = scores[i][start:]
        if prepared.distance:
            _to_distances(row, squares, row0 + i, col0 + start)
        gaps = found.gaps[i] | _leave_out_subject(row, subjects, row0 + i, col0 + start)
        _to_steps(row, bins.low, bins.per_width, step_counts.shape[1] - 1, band_steps, steps)
        n_asked = _count_steps(steps, words, row.size, step_counts, asked)
        if n_asked:
            n_noted = _note(row, row0 + i, col0 + start, n_asked, found, n_noted)
        if gaps:
            rows[0, i] = _count_reached(row, start, LOWEST, cols[0])
        else:
            rows[0, i] = row.size
            complete_from[start] += 1
        left_out += row.size - rows[0, i]
        for threshold in range(dense.size):
            rows[1 + threshold, i] = _count_reached(row, start, dense[threshold], cols[1 + threshold])
    # A row without gaps adds one to every column from its start on.
    cols[0, :n_cols] += np.cumsum(complete_from)[:n_cols]
    n_kept = settle(row0, col0, n_noted, prepared, bins, found)
    _to_bins(found, bins.first, left_out)
    return int(n_kept)
