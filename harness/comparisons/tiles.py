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
from .scores import F32, Kind, exact_scores, prepare
from .tally import I32, I64, Grid, Pairs, Tally, empty

TILE = 1024
NEAR = 1e-5
"""Half-width of the band around thresholds in which a tile's float32 score is not trusted (its error is about 1e-6)."""


@dataclass(frozen=True)
class Samples:
    """What is compared. All arrays have one entry per template.

    templates: float32[n, d]. subjects, cells, images: int32[n]; two samples with the same `images` are one image.
    same_photo: int32[m, 2], mated pairs to be left out.
    """

    templates: F32
    subjects: I32
    cells: I32
    images: I32
    n_cells: int
    same_photo: I32

    @property
    def n(self) -> int:
        """How many templates."""
        return int(self.templates.shape[0])


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _fuse(
    products: F32,
    squares: F32,
    distance: bool,
    row0: int,
    col0: int,
    subject: I32,
    cell: I32,
    edges: F32,
    first: I32,
    low: np.float32,
    per_width: np.float32,
    floor: np.float32,
    watched: F32,
    dense: F32,
    hist: I64,
    comparisons: I64,
    errors: I32,
    near_a: I32,
    near_b: I32,
) -> int:
    """Count one tile; returns how many comparisons were put aside in near_a, near_b for an exact score."""
    n_near = 0
    last = edges.size - 2
    for r in range(products.shape[0]):
        i = row0 + r
        ci = cell[i]
        si = subject[i]
        start = max(0, i + 1 - col0)
        for c in range(start, products.shape[1]):
            j = col0 + c
            if subject[j] == si:
                continue
            s = products[r, c]
            if distance:
                s = -np.sqrt(max(np.float32(0.0), squares[i] + squares[j] - np.float32(2.0) * s))
            aside = s >= floor
            for w in range(watched.size):
                aside = aside or abs(s - watched[w]) < NEAR
            if aside:
                near_a[n_near] = i
                near_b[n_near] = j
                n_near += 1
                continue
            cj = cell[j]
            comparisons[i, cj] += 1
            comparisons[j, ci] += 1
            k = int((s - low) * per_width)
            k = first[min(max(k, 0), first.size - 1)]
            while k < last and s >= edges[k + 1]:
                k += 1
            while k > 0 and s < edges[k]:
                k -= 1
            hist[ci, cj, k] += 1
            for t in range(dense.size):
                if s >= dense[t]:
                    errors[t, i, cj] += 1
                    errors[t, j, ci] += 1
    return n_near


@dataclass
class _Job:
    """One pass's fixed inputs, in cell order."""

    samples: Samples
    prepared: F32
    squares: F32
    kind: Kind
    grid: Grid
    floor: float
    watched: F32
    dense: F32
    tile: int


def _first_bins(grid: Grid) -> tuple[I32, np.float32, np.float32]:
    """A table from equal bins to the first of the grid's (uneven) bins there, so that the search is a step or two."""
    low, high = grid.edges[0], grid.edges[-1]
    n = max(1, grid.n)
    starts = np.linspace(low, high, n + 1)[:-1].astype(np.float32)
    return grid.bin(starts).astype(np.int32), low, np.float32(n / (high - low))


def _run_tiles(job: _Job, tiles: Sequence[tuple[int, int]], done: Callable[[int], None] | None) -> Tally:
    """The tally of some tiles, sample numbers in cell order."""
    samples, grid, size = job.samples, job.grid, job.tile
    tally = empty(grid, job.floor, samples.n, samples.n_cells, job.dense)
    first, low, per_width = _first_bins(grid)
    near_a, near_b = np.empty(size * size, np.int32), np.empty(size * size, np.int32)
    kept: list[tuple[I32, I32, F32]] = []
    left: list[tuple[I32, I32, F32]] = []
    for row0, col0 in tiles:
        rows, cols = job.prepared[row0 : row0 + size], job.prepared[col0 : col0 + size]
        n_near = _fuse(
            rows @ cols.T, job.squares, job.kind == "euclidean", row0, col0, samples.subjects, samples.cells,
            grid.edges, first, low, per_width, np.float32(job.floor - NEAR), job.watched, job.dense,
            tally.non_mated, tally.comparisons, tally.dense_errors, near_a, near_b,
        )  # fmt: skip
        a, b = near_a[:n_near].copy(), near_b[:n_near].copy()
        score = exact_scores(job.prepared, a, b, job.kind)
        same = samples.images[a] == samples.images[b]
        left.append((a[same], b[same], score[same]))
        a, b, score = a[~same], b[~same], score[~same]
        _count(tally, samples, a, b, score)
        high = score >= job.floor
        kept.append((a[high], b[high], score[high]))
        if done:
            done(rows.shape[0] * cols.shape[0])
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
    prepared = prepare(samples.templates, kind)[by_cell]
    inside = Samples(
        prepared, samples.subjects[by_cell], samples.cells[by_cell], samples.images[by_cell], samples.n_cells, samples.same_photo
    )
    job = _Job(
        inside, prepared, np.einsum("ij,ij->i", prepared, prepared), kind, grid, floor,
        np.asarray([*watched, *dense], np.float32), np.asarray(dense, np.float32), tile,
    )  # fmt: skip
    tiles = tile_grid(samples.n, tile)
    if order is not None:
        tiles = [tiles[k] for k in order]
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda k: _run_tiles(job, tiles[k::workers], progress), range(workers)))
    total = empty(grid, floor, samples.n, samples.n_cells, job.dense)
    for part in parts:
        total = total + part
    return _to_given_order(total, by_cell) + tally_mated(samples, prepare(samples.templates, kind), kind, total)


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
