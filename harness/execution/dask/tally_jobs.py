"""The tally on a cluster.

Templates go out in slabs, once to each worker that needs them; tallies of blocks come back and are added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, isqrt
from typing import Any

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.harness.comparisons.tally import Pairs, Tally
from faceparity.harness.comparisons.tiles import Strip, TallyJob, TallySum
from faceparity.harness.execution.dask import worker_tasks
from faceparity.harness.execution.dask.connection import Cluster

MOST_ROWS = 16384
"""Most templates in a slab. A worker holds two slabs for each thread; the more rows in one, the less is sent in all."""
BLOCKS_PER_THREAD = 8
"""Least number of blocks, where there are tiles enough, so that nobody waits long for the last."""

Tile = tuple[int, int]


@dataclass(frozen=True)
class _BlockPlan:
    """A block as the client knows it.

    slabs: one number, or two. strips, cells: numbers in the whole job, by their number in the block.
    """

    slabs: tuple[int, ...]
    tiles: list[Tile]
    strips: list[int]
    cells: list[int]


def slabs_of(strips: Sequence[Strip], threads: int) -> list[list[int]]:
    """Divide strips into slabs; return the strips' numbers of each.

    The division changes nothing in the answer.
    """
    rows = strips[-1].stop if strips else 0
    wanted = max(ceil(rows / MOST_ROWS), isqrt(2 * BLOCKS_PER_THREAD * max(1, threads)))
    room, found = ceil(rows / max(1, wanted)), list[list[int]]()
    filled = 0
    for number, strip in enumerate(strips):
        size = strip.stop - strip.start
        if not found or filled + size > max(room, size):
            found.append([])
            filled = 0
        found[-1].append(number)
        filled += size
    return found


def run_blocks(
    cluster: Cluster, job: TallyJob, tiles: Sequence[Tile], cap: float, progress: Callable[[int], None] | None
) -> Tally:
    """Tally the comparisons of tiles on a cluster.

    The result is that of `tally_tiles`. Raises UserError where the cluster cannot.
    """
    slabs = slabs_of(job.strips, cluster.threads)
    slab_futures = {number: cluster.hold(_slab(job, slab)) for number, slab in enumerate(slabs)}
    waiting: dict[Any, _BlockPlan] = {}
    total = _TallySum(job, cap)
    try:
        for plan in _plan_blocks(job, tiles, slabs):
            futures = [slab_futures[number] for number in plan.slabs]
            waiting[cluster.submit(worker_tasks.tally, _block(job, plan, cap), futures)] = plan
        while waiting:
            for future in cluster.next_done(waiting):
                plan = waiting.pop(future)
                answer = cluster.answer(future)
                if answer is None:
                    raise UserError(
                        f"--dask {cluster.address}: comparisons killed several workers, most likely for want of memory; give each more"
                    )
                total.add(plan, answer.tally, answer.held)
                if progress:
                    progress(sum(_scores(job, tile) for tile in plan.tiles))
    finally:
        cluster.cancel([*waiting, *slab_futures.values()])
    return total.tally()


def _scores(job: TallyJob, tile: Tile) -> int:
    """Return the number of scores in a tile."""
    row, col = (job.strips[strip] for strip in tile)
    return (row.stop - row.start) * (col.stop - col.start)


def _slab(job: TallyJob, slab: Sequence[int]) -> worker_tasks.Slab:
    """Cut a slab's rows out of the prepared templates."""
    rows = slice(job.strips[slab[0]].start, job.strips[slab[-1]].stop)
    prepared = job.prepared
    return worker_tasks.Slab(rows.start, prepared.x[rows], prepared.squares[rows], prepared.subjects[rows])


def _plan_blocks(job: TallyJob, tiles: Sequence[Tile], slabs: Sequence[Sequence[int]]) -> Iterator[_BlockPlan]:
    """Group the tiles by the slabs that they lie in."""
    slab_of = {strip: number for number, slab in enumerate(slabs) for strip in slab}
    found: dict[tuple[int, ...], list[Tile]] = {}
    for tile in tiles:
        key = tuple(sorted({slab_of[tile[0]], slab_of[tile[1]]}))
        found.setdefault(key, []).append(tile)
    for key, tiles_of_key in found.items():
        strips = [strip for number in key for strip in slabs[number]]
        yield _BlockPlan(key, tiles_of_key, strips, sorted({job.strips[number].cell for number in strips}))


def _starts(job: TallyJob, plan: _BlockPlan) -> list[int]:
    """Return where each strip begins in the block."""
    sizes = [job.strips[strip].stop - job.strips[strip].start for strip in plan.strips]
    return [0, *np.cumsum(sizes).tolist()]


def _block(job: TallyJob, plan: _BlockPlan, cap: float) -> worker_tasks.Block:
    """Build a block with everything numbered within it.

    Strips keep their order, so that the lower sample and cell stay the lower.
    """
    number = {strip: k for k, strip in enumerate(plan.strips)}
    cell = {of: k for k, of in enumerate(plan.cells)}
    starts = _starts(job, plan)
    strips = [
        replace(job.strips[strip], cell=cell[job.strips[strip].cell], start=starts[k], stop=starts[k + 1])
        for strip, k in number.items()
    ]
    identical = {}
    for row, col in plan.tiles:
        if (row, col) in job.identical:
            first, second = job.identical[row, col]
            i, j = number[row], number[col]
            moved = first - job.strips[row].start + starts[i], second - job.strips[col].start + starts[j]
            identical[i, j] = moved[0].astype(np.int32), moved[1].astype(np.int32)
    return worker_tasks.Block(
        strips, [(number[row], number[col]) for row, col in plan.tiles], identical, len(plan.cells),
        job.kind, job.grid, job.floor, job.dense, job.bins, job.prepared.longest, cap,
    )  # fmt: skip


class _TallySum:
    """The tally of all blocks as they come in.

    The ledger is given up once it has more than `cap` entries, as in `tally_tiles`.
    """

    def __init__(self, job: TallyJob, cap: float) -> None:
        self.job, self.cap, self.entries = job, cap, 0
        self.sum = TallySum(job, cap).tally
        self.ledger: list[Pairs] = []
        self.left_out: list[Pairs] = []

    def add(self, plan: _BlockPlan, found: Tally, held: int) -> None:
        """Add the tally of a block, numbered within it.

        held: entries of its ledger, those given up included.
        """
        rows = np.concatenate(
            [np.arange(self.job.strips[strip].start, self.job.strips[strip].stop, dtype=np.int32) for strip in plan.strips]
        )
        cells = np.array(plan.cells)
        self.sum.non_mated[np.ix_(cells, cells)] += found.non_mated
        self.sum.comparisons[np.ix_(rows, cells)] += found.comparisons
        for threshold in range(self.job.dense.size):
            self.sum.dense_errors[threshold][np.ix_(rows, cells)] += found.dense_errors[threshold]
        self.left_out.append(_renumbered(found.left_out_non_mated, rows))
        self.entries += held
        self.ledger.append(_renumbered(found.ledger, rows))
        if self.entries > self.cap:
            self.ledger.clear()

    def tally(self) -> Tally:
        """Return the tally of all blocks.

        Raises RuntimeError if the histograms and the counts by sample disagree.
        """
        if 2 * self.sum.non_mated.sum() != self.sum.comparisons.sum():
            raise RuntimeError("the comparisons by bin and by sample do not add up")
        return replace(self.sum, ledger=_joined(self.ledger), left_out_non_mated=_joined(self.left_out))


def _renumbered(pairs: Pairs, rows: Any) -> Pairs:
    """Map the samples of pairs to rows of all templates."""
    return Pairs(rows[pairs.a], rows[pairs.b], pairs.score)


def _joined(parts: Sequence[Pairs]) -> Pairs:
    """Concatenate and order pairs."""
    if not parts:
        return Pairs.none()
    return Pairs.of(*(np.concatenate(column) for column in zip(*(pairs.columns() for pairs in parts), strict=True)))
