"""All pairs of a set of templates, tile by tile: a matrix product, then one pass over its scores (see `kernel`).

Samples are sorted by cell (then by part, where comparisons are dealt) and subject, and tiles lie on a fixed grid within the cells,
so neither the number of workers nor their order changes anything. A tile's own scores decide only the bin of the histogram; every
score that could enter the ledger, or lies near a threshold, is recomputed exactly first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from threading import Lock
from typing import Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from faceparity.harness.comparisons.similarity import F32, Kind, exact_scores, longest_of, prepare, squared_lengths
from faceparity.harness.comparisons.subsampling import Deal

from .kernel import Bins, PreparedTemplates, TileMatches, count_tile, make_bins, make_tile_matches
from .mated import mated_pairs, tally_mated
from .samples import Samples
from .tally import I32, Pairs, ScoreBins, Tally, empty

TILE = 1024


@dataclass(frozen=True)
class Strip:
    """Samples start … stop - 1, all of one cell, and of one part where comparisons are dealt."""

    cell: int
    start: int
    stop: int
    part: int = 0


@dataclass(frozen=True)
class TallyJob:
    """One pass's fixed inputs; samples are prepared and in the order of the tiles.

    identical: of each tile that has them, pairs of different subjects with one image, or excluded by name (a < b).
    """

    samples: Samples
    kind: Kind
    grid: ScoreBins
    floor: float
    dense: F32
    bins: Bins
    prepared: PreparedTemplates
    strips: list[Strip]
    identical: dict[tuple[int, int], tuple[I32, I32]]


def strips_of(cells: I32, tile: int = TILE, dealt: Deal | None = None) -> list[Strip]:
    """Divide each cell's samples into strips of at most `tile`.

    Cells rising, then parts; the strips of a part are as equal as can be.
    """
    found, parts = [], 1 if dealt is None else dealt.parts
    at = cells if dealt is None else cells.astype(np.int64) * parts + dealt.of_sample
    for key, first, count in zip(*np.unique(at, return_index=True, return_counts=True), strict=True):
        edges = np.linspace(first, first + count, -(-count // tile) + 1).astype(int).tolist()
        found += [Strip(int(key) // parts, start, stop, int(key) % parts) for start, stop in pairwise(edges)]
    return found


def tile_grid(n_strips: int) -> list[tuple[int, int]]:
    """Return every pair of strips once, as (row, column).

    A strip with itself included.
    """
    return [(row, col) for row in range(n_strips) for col in range(row, n_strips)]


def tiles_of(job: TallyJob) -> list[tuple[int, int]]:
    """Return the pairs of strips that are compared.

    All, or those that are dealt.
    """
    dealt = job.samples.dealt
    if dealt is None:
        return tile_grid(len(job.strips))
    part = np.array([strip.part for strip in job.strips], np.int64)
    by_part = np.argsort(part, kind="stable")
    first = np.searchsorted(part[by_part], np.arange(dealt.parts + 1))
    found = []
    for row in range(part.size):
        for other in (np.arange(dealt.rounds) - part[row]) % dealt.parts:
            found += [(row, int(col)) for col in by_part[first[other] : first[other + 1]] if col >= row]
    return sorted(found)


def make_job(ordered: Samples, kind: Kind, grid: ScoreBins, floor: float, dense: Sequence[float], tile: int) -> TallyJob:
    """Assemble the inputs of one pass over the tiles.

    See `TallyJob`. ordered: by cell, then part, then subject, templates prepared.
    """
    below = np.asarray(dense, np.float32)
    squares = squared_lengths(ordered.templates)
    longest = longest_of(squares)
    bins = make_bins(grid, floor, below, longest, kind == "euclidean")
    prepared = PreparedTemplates(ordered.templates, squares, ordered.subjects, kind == "euclidean", longest)
    strips = strips_of(ordered.cells, tile, ordered.dealt)
    return TallyJob(ordered, kind, grid, floor, below, bins, prepared, strips, _identical(ordered, strips))


def _identical(samples: Samples, strips: list[Strip]) -> dict[tuple[int, int], tuple[I32, I32]]:
    """Return the pairs not to be compared, by tile.

    Pairs of different subjects with one image, or excluded by name.
    """
    known = np.stack(mated_pairs(samples.images), axis=1)
    first_sample, second_sample = np.unique(np.sort(np.concatenate([known, samples.excluded]), axis=1), axis=0).T
    pairs = Pairs.of(first_sample, second_sample, np.zeros(first_sample.size, np.float32))
    pairs = pairs.where(samples.subjects[pairs.a] != samples.subjects[pairs.b])
    starts = np.array([strip.start for strip in strips])
    rows, cols = (np.searchsorted(starts, samples_of, side="right") - 1 for samples_of in (pairs.a, pairs.b))
    order = np.lexsort((cols, rows))
    tiles, first = np.unique(np.stack([rows, cols], axis=1)[order], axis=0, return_index=True)
    parts = [np.split(samples_of[order], first[1:]) for samples_of in (pairs.a, pairs.b)]
    return {
        (int(row), int(column)): (first_sample, second_sample)
        for (row, column), first_sample, second_sample in zip(tiles, *parts, strict=False)
    }


class TallySum:
    """A tally as it grows; the ledger is emptied once it has more than `cap` entries."""

    def __init__(self, job: TallyJob, cap: float) -> None:
        self.job, self.cap, self.held = job, cap, 0
        largest = int(np.bincount(job.samples.cells).max(initial=0))
        self.tally = empty(job.grid, job.floor, job.samples.n, job.samples.n_cells, job.dense, largest**2)
        self.ledger: list[tuple[I32, I32, F32]] = []
        self.lock = Lock()

    def add(self, row: Strip, col: Strip, found: TileMatches, n_kept: int) -> None:
        """Add the counts of a tile or of several.

        Several lie side by side. Thread-safe.
        """
        part = (found.a[:n_kept].copy(), found.b[:n_kept].copy(), found.score[:n_kept].copy())
        with self.lock:
            self.tally.non_mated[row.cell, col.cell] += found.bins
            for strip, other, counts in ((row, col, found.rows), (col, row, found.cols)):
                counts = counts[:, : strip.stop - strip.start]
                self.tally.comparisons[strip.start : strip.stop, other.cell] += counts[0]
                self.tally.dense_errors[:, strip.start : strip.stop, other.cell] += counts[1:]
            self.held += n_kept
            self.ledger.append(part)
            if self.held > self.cap:
                self.ledger.clear()

    def total(self, left_out: list[tuple[I32, I32]]) -> Tally:
        """Return the complete tally.

        Raises RuntimeError if the histograms and the counts by sample disagree.
        """
        if 2 * self.tally.non_mated.sum() != self.tally.comparisons.sum():
            raise RuntimeError("the comparisons by bin and by sample do not add up")
        ledger = Pairs(*(np.concatenate(column) for column in zip(*self.ledger, strict=True))) if self.ledger else Pairs.none()
        return replace(self.tally, ledger=ledger, left_out_non_mated=_left_out(self.job, left_out))


def _left_out(job: TallyJob, identical: list[tuple[I32, I32]]) -> Pairs:
    """Return comparisons not made, with the scores they would have."""
    none = np.empty(0, np.int32)
    first, second = (np.concatenate([none, *(pair[side] for pair in identical)]) for side in (0, 1))
    return Pairs.of(first, second, exact_scores(job.samples.templates, first, second, job.kind))


def tally_tiles(
    job: TallyJob,
    tiles: Sequence[tuple[int, int]],
    workers: int = 1,
    cap: float = np.inf,
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """Tally the non-mated comparisons of some tiles.

    The ledger is not sorted; samples are numbered as in `job`.
    """
    total, source = TallySum(job, cap), iter(tiles)
    vectors, widest = job.samples.templates, max((strip.stop - strip.start for strip in job.strips), default=0)

    def work(_: int) -> None:
        room, found = np.empty(widest * widest, np.float32), make_tile_matches(widest, job.grid, job.bins)
        for tile in source:
            row, col = (job.strips[strip] for strip in tile)
            shape = row.stop - row.start, col.stop - col.start
            scores = np.matmul(
                vectors[row.start : row.stop], vectors[col.start : col.stop].T, out=room[: shape[0] * shape[1]].reshape(shape)
            )
            found.gaps[:] = False
            if tile in job.identical:
                first, second = job.identical[tile]
                scores[first - row.start, second - col.start] = -np.inf
                found.gaps[first - row.start] = True
            total.add(row, col, found, count_tile(scores, row.start, col.start, job.prepared, job.bins, found))
            if progress:
                progress(scores.size)

    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    return total.total([job.identical[tile] for tile in tiles if tile in job.identical])


class TileWorker(Protocol):
    """A worker that tallies tiles: `tally_tiles`, or a backend with the same result (see `faceparity.harness.execution.backend`)."""

    def __call__(
        self, job: TallyJob, tiles: Sequence[tuple[int, int]], *, cap: float, progress: Callable[[int], None] | None
    ) -> Tally:
        """Tally some tiles, as `tally_tiles` does."""
        ...


def tally_pairs(
    samples: Samples,
    kind: Kind,
    grid: ScoreBins,
    floor: float,
    *,
    dense: Sequence[float] = (),
    workers: int = 1,
    tile: int = TILE,
    order: Sequence[int] | None = None,
    cap: float = np.inf,
    progress: Callable[[int], None] | None = None,
    worker: TileWorker | None = None,
) -> Tally:
    """Tally every unordered pair of samples, or those dealt.

    Identical images are looked for among all.
    floor: non-mated comparisons with score ≥ floor go into the ledger; if there are more than `cap`, it is left empty, and only
    the histograms have the counts. dense: thresholds below the floor at which errors are counted per sample and cell.
    order: in which the tiles are worked (for tests: it changes nothing). progress: called with the number of scores of each
    finished tile. worker: tallies the tiles; by default threads of this process. Raises ValueError on templates that cannot be
    compared.
    """
    dealt = samples.dealt
    keys = (samples.subjects, samples.cells) if dealt is None else (samples.subjects, dealt.of_sample, samples.cells)
    by_cell = np.lexsort(keys).astype(np.int32)
    position = np.empty_like(by_cell)
    position[by_cell] = np.arange(samples.n, dtype=np.int32)
    ordered = Samples(
        prepare(samples.templates, kind, by_cell), samples.subjects[by_cell], samples.cells[by_cell], samples.images[by_cell],
        samples.n_cells, position[samples.same_photo], position[samples.excluded], None if dealt is None else dealt.only(by_cell),
    )  # fmt: skip
    job = make_job(ordered, kind, grid, floor, dense, tile)
    tiles = tiles_of(job)
    work = worker or partial(tally_tiles, workers=workers)
    total = work(job, tiles if order is None else [tiles[index] for index in order], cap=cap, progress=progress)
    mated = tally_mated(ordered, ordered.templates, kind, total)
    if dealt is not None:
        total = replace(total, left_out_non_mated=_left_out(job, list(job.identical.values())))
    complete = replace(
        total, mated=mated.mated, mated_pairs=mated.mated_pairs, left_out_mated=mated.left_out_mated, same_photo=mated.same_photo
    )
    return _to_given_order(complete, by_cell)


def _to_given_order(tally: Tally, by_cell: I32) -> Tally:
    """Give the samples the numbers that the caller has."""
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
        mated_pairs=back(tally.mated_pairs),
        left_out_non_mated=back(tally.left_out_non_mated),
        left_out_mated=back(tally.left_out_mated),
    )
