"""All pairs of a set of templates, tile by tile: a matrix product, then one fused pass over its scores.

Tiles lie on a fixed grid over the samples sorted by cell, so neither the number of workers nor their order changes anything.
Scores of a tile decide only the bin of the histogram; every score that could enter the ledger, or lies within `NEAR` of a
threshold, is recomputed by `exact_scores` first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .mated import tally_mated
from .samples import Samples
from .scores import F32, Kind, exact_scores, prepare
from .tally import I32, I64, Grid, Pairs, Tally, empty

TILE = 1024
NEAR = 1e-5
"""Half-width of the band around thresholds in which a tile's float32 score is not trusted (its error is about 1e-6)."""


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _to_distances(products: F32, squares: F32, row0: int, col0: int) -> None:
    """Inner products to -‖a - b‖, in place."""
    for r in range(products.shape[0]):
        square = squares[row0 + r]
        for c in range(products.shape[1]):
            left = square + squares[col0 + c] - np.float32(2.0) * products[r, c]
            products[r, c] = -np.sqrt(max(np.float32(0.0), left))


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _count_block(
    scores: F32,
    rows: tuple[int, int],
    cols: tuple[int, int],
    row0: int,
    col0: int,
    subject: I32,
    shares_subjects: bool,
    low: np.float32,
    per_width: np.float32,
    special: NDArray[np.bool_],
    steps: I32,
    hist: I64,
    skipped_rows: I64,
    skipped_cols: I64,
    aside_a: I32,
    aside_b: I32,
    n_aside: int,
) -> int:
    """Count the comparisons of one cell's rows with one cell's columns; returns how many are put aside by now.

    rows, cols: ranges within the tile. Comparisons of one subject are passed over; those in a special step are put aside for
    an exact score. Both are counted in `skipped_rows` and `skipped_cols`. Two histograms are filled by turns, because a bin
    that is hit twice in a row would have to wait.
    """
    last = np.float32(special.size - 1)
    even = np.zeros(special.size, np.int32)
    odd = np.zeros(special.size, np.int32)
    for r in range(rows[0], rows[1]):
        start = max(cols[0], row0 + r + 1 - col0)
        for c in range(start, cols[1]):
            steps[c] = np.int32(min(max((scores[r, c] - low) * per_width, np.float32(0.0)), last))
        own = subject[row0 + r]
        for c in range(start, cols[1]):
            k = steps[c]
            if special[k] or (shares_subjects and subject[col0 + c] == own):
                skipped_rows[r] += 1
                skipped_cols[c] += 1
                if subject[col0 + c] != own:
                    aside_a[n_aside] = row0 + r
                    aside_b[n_aside] = col0 + c
                    n_aside += 1
            elif c & 1:
                odd[k] += 1
            else:
                even[k] += 1
    for k in range(special.size):
        hist[k] += even[k] + odd[k]
    return n_aside


@dataclass
class _Job:
    """One pass's fixed inputs, in cell order."""

    samples: Samples
    prepared: F32
    squares: F32
    kind: Kind
    grid: Grid
    floor: float
    dense: F32
    special: NDArray[np.bool_]
    tile: int


def _special_steps(grid: Grid, floor: float, watched: Sequence[float], dense: F32) -> NDArray[np.bool_]:
    """bool[steps]: equal bins whose comparisons need an exact score: at or above the floor or a dense threshold, near a watched
    one, or cut by an edge."""
    special = np.zeros(grid.steps, bool)
    inner = grid.edges[1:-1]
    before = np.nextafter(inner, np.float32(-np.inf))
    special[grid.step(inner)[grid.step(inner) == grid.step(before)]] = True
    for threshold in (*watched, *dense):
        low, high = grid.step(np.asarray([threshold - NEAR, threshold + NEAR], np.float32))
        special[low : high + 1] = True
    lowest = min([floor, *dense.tolist()])
    special[grid.step(np.asarray([lowest - NEAR], np.float32))[0] :] |= lowest <= float(grid.edges[-1])
    return special


def _runs(cells: I32, start: int, stop: int) -> list[tuple[int, int, int]]:
    """Runs of one cell in cells[start:stop], as (cell, first, past the last), counted from `start`."""
    part = cells[start:stop]
    first = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
    return [(int(part[f]), int(f), int(t)) for f, t in zip(first, np.append(first[1:], part.size), strict=True)]


def _count_tile(
    job: _Job, scores: F32, row0: int, col0: int, tally: Tally, by_step: I64, aside: tuple[I32, I32]
) -> tuple[I32, I32]:
    """Count all of a tile that needs no exact score; returns the rest as sample numbers a, b (copies)."""
    samples, n_aside = job.samples, 0
    n_rows, n_cols = scores.shape
    rows, cols = samples.subjects[row0 : row0 + n_rows], samples.subjects[col0 : col0 + n_cols]
    shares = bool(np.isin(rows, cols).any())
    steps = np.empty(n_cols, np.int32)
    for ci, r0, r1 in _runs(samples.cells, row0, row0 + n_rows):
        for cj, c0, c1 in _runs(samples.cells, col0, col0 + n_cols):
            skipped = np.zeros(n_rows, np.int64), np.zeros(n_cols, np.int64)
            n_aside = _count_block(
                scores, (r0, r1), (c0, c1), row0, col0, samples.subjects, shares, job.grid.low, job.grid.per_width, job.special,
                steps, by_step[ci, cj], *skipped, *aside, n_aside,
            )  # fmt: skip
            # What was passed: of each row the columns right of the diagonal, of each column the rows above it.
            r, c = np.arange(r0, r1), np.arange(c0, c1)
            of_row = c1 - np.clip(row0 + r + 1 - col0, c0, c1)
            of_col = np.clip(col0 + c - row0, r0, r1) - r0
            tally.comparisons[row0 + r, cj] += of_row - skipped[0][r0:r1]
            tally.comparisons[col0 + c, ci] += of_col - skipped[1][c0:c1]
    return aside[0][:n_aside].copy(), aside[1][:n_aside].copy()


def _run_tiles(job: _Job, tiles: Sequence[tuple[int, int]], done: Callable[[int], None] | None) -> Tally:
    """The tally of some tiles, sample numbers in cell order."""
    samples, grid, size = job.samples, job.grid, job.tile
    tally = empty(grid, job.floor, samples.n, samples.n_cells, job.dense)
    by_step = np.zeros((samples.n_cells, samples.n_cells, grid.steps), np.int64)
    aside = np.empty(size * size, np.int32), np.empty(size * size, np.int32)
    kept: list[tuple[I32, I32, F32]] = []
    left: list[tuple[I32, I32, F32]] = []
    for row0, col0 in tiles:
        rows, cols = job.prepared[row0 : row0 + size], job.prepared[col0 : col0 + size]
        scores = rows @ cols.T
        if job.kind == "euclidean":
            _to_distances(scores, job.squares, row0, col0)
        a, b = _count_tile(job, scores, row0, col0, tally, by_step, aside)
        score = exact_scores(job.prepared, a, b, job.kind)
        same = samples.images[a] == samples.images[b]
        left.append((a[same], b[same], score[same]))
        a, b, score = a[~same], b[~same], score[~same]
        _count(tally, samples, a, b, score)
        high = score >= job.floor
        kept.append((a[high], b[high], score[high]))
        if done:
            done(rows.shape[0] * cols.shape[0])
    # A step that is not special lies within one bin: the bin of its first score.
    middle = (job.grid.low + (np.arange(grid.steps) + 0.5) / np.float64(grid.per_width)).astype(np.float32)
    np.add.at(tally.non_mated, (slice(None), slice(None), grid.bin(middle)), by_step)  # type: ignore[arg-type]
    return replace(tally, ledger=_join(kept), left_out_non_mated=_join(left))


def _join(parts: list[tuple[I32, I32, F32]]) -> Pairs:
    if not parts:
        return Pairs.none()
    return Pairs.of(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _count(tally: Tally, samples: Samples, a: I32, b: I32, score: F32) -> None:
    """Count non-mated comparisons with exact scores into the tally's arrays (a before b in cell order)."""
    ca, cb = samples.cells[a], samples.cells[b]
    np.add.at(tally.non_mated, (ca, cb, tally.grid.bin(score)), 1)
    np.add.at(tally.comparisons, (a, cb), 1)
    np.add.at(tally.comparisons, (b, ca), 1)
    for t, threshold in enumerate(tally.dense_thresholds):
        hit = score >= threshold
        np.add.at(tally.dense_errors[t], (a[hit], cb[hit]), 1)
        np.add.at(tally.dense_errors[t], (b[hit], ca[hit]), 1)


def tile_grid(n: int, tile: int = TILE) -> list[tuple[int, int]]:
    """Upper-left corners (row, column) of the tiles that cover every pair i < j of n samples once, the diagonal included."""
    return [(row, col) for row in range(0, n, tile) for col in range(row, n, tile)]


def tally_pairs(
    samples: Samples,
    kind: Kind,
    grid: Grid,
    floor: float,
    *,
    watched: Sequence[float] = (),
    dense: Sequence[float] = (),
    workers: int = 1,
    tile: int = TILE,
    order: Sequence[int] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """The tally of every unordered pair of samples.

    floor: non-mated comparisons with score ≥ floor go into the ledger. watched: thresholds whose side is decided exactly.
    dense: thresholds below the floor at which errors are counted per sample and cell. order: in which the tiles are worked
    (for tests: it changes nothing). progress: called with the number of scores of each finished tile.
    """
    by_cell = np.argsort(samples.cells, kind="stable").astype(np.int32)
    given = prepare(samples.templates, kind)
    prepared = given[by_cell]
    inside = Samples(
        prepared, samples.subjects[by_cell], samples.cells[by_cell], samples.images[by_cell], samples.n_cells, samples.same_photo
    )
    below = np.asarray(dense, np.float32)
    job = _Job(
        inside, prepared, np.einsum("ij,ij->i", prepared, prepared), kind, grid, floor, below,
        _special_steps(grid, floor, watched, below), tile,
    )  # fmt: skip
    tiles = tile_grid(samples.n, tile)
    if order is not None:
        tiles = [tiles[k] for k in order]
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda k: _run_tiles(job, tiles[k::workers], progress), range(workers)))
    total = empty(grid, floor, samples.n, samples.n_cells, job.dense)
    for part in parts:
        total = total + part
    return _to_given_order(total, by_cell) + tally_mated(samples, given, kind, total)


def _to_given_order(tally: Tally, by_cell: NDArray[np.int32]) -> Tally:
    """Sample numbers as the caller has them."""
    comparisons, errors = np.empty_like(tally.comparisons), np.empty_like(tally.dense_errors)
    comparisons[by_cell] = tally.comparisons
    errors[:, by_cell] = tally.dense_errors

    def back(pairs: Pairs) -> Pairs:
        return Pairs.of(by_cell[pairs.a], by_cell[pairs.b], pairs.score)

    return replace(
        tally,
        comparisons=comparisons,
        dense_errors=errors,
        ledger=back(tally.ledger),
        left_out_non_mated=back(tally.left_out_non_mated),
    )
