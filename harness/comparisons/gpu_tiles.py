"""Tiles of comparisons on a GPU, or on any other device of torch.

The device makes the products, finds the bin of each and counts the bins; its float32 sums come in another order, so a score
near the edge of a bin may be counted in the next one. Nothing that is decided depends on it: every score from the ledger's
floor up or near a threshold is fetched and computed again by the same exact kernel as everywhere (see `kernel`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from faceparity.harness.comparisons.kernel import TileMatches, settle
from faceparity.harness.comparisons.tally import I64, Tally
from faceparity.harness.comparisons.tiles import Strip, TallyJob, TallySum

if TYPE_CHECKING:
    import torch

SCORES_AT_ONCE = 1 << 24
"""Scores on the device at a time: about half a gigabyte with all that is made of them."""


class Rectangle(NamedTuple):
    """Neighbouring tiles taken together: a strip of rows against columns that are all of one cell."""

    row: Strip
    col: Strip
    tiles: list[tuple[int, int]]


def rectangles(job: TallyJob, tiles: Sequence[tuple[int, int]]) -> Iterator[Rectangle]:
    """Yield the tiles with neighbours joined into rectangles.

    A device works on more at a time than a processor's cache holds; a rectangle has at most SCORES_AT_ONCE scores.
    """
    held: Rectangle | None = None
    for tile in tiles:
        row, col = (job.strips[strip] for strip in tile)
        if held is not None and held.row is row and held.col.stop == col.start and held.col.cell == col.cell:
            high = row.stop - row.start
            if held.row is not held.col and high * (col.stop - held.col.start) <= SCORES_AT_ONCE:
                held = Rectangle(row, Strip(col.cell, held.col.start, col.stop), [*held.tiles, tile])
                continue
        if held is not None:
            yield held
        held = Rectangle(row, col, [tile])
    if held is not None:
        yield held


def tally_on(
    device: str, job: TallyJob, tiles: Sequence[tuple[int, int]], cap: float, progress: Callable[[int], None] | None
) -> Tally:
    """Tally tiles on a torch device, as `tally_tiles` does.

    All templates must fit into the device's memory.
    """
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")  # no TF32: ten bits would not do
    try:
        with torch.inference_mode():
            held, total = _DeviceTemplates(job, torch.device(device)), TallySum(job, cap)
            for one in rectangles(job, tiles):
                found, n_noted = held.counted(one)
                n_kept = settle(one.row.start, one.col.start, n_noted, job.prepared, job.bins, found)
                total.add(one.row, one.col, found, n_kept)
                if progress:
                    progress((one.row.stop - one.row.start) * (one.col.stop - one.col.start))
    finally:
        torch.set_float32_matmul_precision(before)
    return total.total([job.identical[tile] for tile in tiles if tile in job.identical])


class _DeviceTemplates:
    """A job's templates on the device."""

    def __init__(self, job: TallyJob, device: torch.device) -> None:
        import torch

        self.torch, self.job, self.device = torch, job, device
        self.x = torch.from_numpy(job.prepared.x).to(device)
        self.squares = torch.from_numpy(job.prepared.squares).to(device)
        self.subjects = torch.from_numpy(job.prepared.subjects).to(device)

    def counted(self, one: Rectangle) -> tuple[TileMatches, int]:
        """Count a rectangle's scores, and collect those that `settle` needs.

        Returns what the rectangle holds, without what `settle` adds, and how many scores wait for it.
        """
        scores = self._scores(one)
        compared = scores != -np.inf
        step = self._steps(scores)
        counts = self.torch.bincount(step.view(-1), minlength=self.job.grid.steps).cpu().numpy().astype(np.int64)
        row, col = (self._needs_exact(step) & compared).nonzero(as_tuple=True)
        marks = [compared, *(scores >= float(threshold) for threshold in self.job.bins.dense)]
        by_row, by_col = ([mark.sum(dim=axis, dtype=self.torch.int32).cpu().numpy() for mark in marks] for axis in (1, 0))
        none = np.empty(0, np.uint32)
        found = TileMatches(
            self._by_bin(counts, compared.numel() - int(compared.sum())), np.stack(by_row), np.stack(by_col),
            (row + one.row.start).cpu().numpy().astype(np.int32), (col + one.col.start).cpu().numpy().astype(np.int32),
            scores[row, col].cpu().numpy(), step[row, col].cpu().numpy().astype(np.uint16),
            none.reshape(0, 0), np.empty(0, np.uint16), np.empty(0, np.uint64), np.empty(0, np.bool_), none,
        )  # fmt: skip
        return found, int(row.numel())

    def _by_bin(self, by_step: I64, left_out: int) -> I64:
        """Sum counts by step to counts by bin.

        What is no comparison is in the first step.
        """
        by_bin = np.zeros(self.job.grid.n, np.int64)
        np.add.at(by_bin, self.job.bins.first, by_step)
        by_bin[0] -= left_out
        return by_bin

    def _scores(self, one: Rectangle) -> torch.Tensor:
        """Return scores, float32[rows, columns]; -inf where none is made."""
        rows, cols = slice(one.row.start, one.row.stop), slice(one.col.start, one.col.stop)
        scores: torch.Tensor = self.x[rows] @ self.x[cols].T
        if self.job.prepared.distance:
            left = self.squares[rows][:, None] + self.squares[cols][None, :] - 2 * scores
            scores = left.clamp_(min=0).sqrt_().neg_()
        if one.row.start == one.col.start:
            scores.masked_fill_(self.torch.ones_like(scores, dtype=self.torch.bool).tril(), -np.inf)
        if self._share_subjects(rows, cols):
            scores.masked_fill_(self.subjects[rows][:, None] == self.subjects[cols][None, :], -np.inf)
        for tile in one.tiles:
            if tile in self.job.identical:
                first, second = (
                    self.torch.from_numpy(samples.astype(np.int64)).to(self.device) for samples in self.job.identical[tile]
                )
                scores[first - one.row.start, second - one.col.start] = -np.inf
        return scores

    def _share_subjects(self, rows: slice, cols: slice) -> bool:
        """Return whether rows and columns may share a subject.

        Only then is every pair looked at.
        """
        of_rows, of_columns = self.job.prepared.subjects[rows], self.job.prepared.subjects[cols]
        return bool(np.intersect1d(of_rows, of_columns).size)

    def _steps(self, scores: torch.Tensor) -> torch.Tensor:
        """Return the equal bin of each score, int32, as `ScoreBins.step`."""
        grid = self.job.grid
        low, per_width = (
            self.torch.tensor(number, dtype=self.torch.float32, device=self.device) for number in (grid.low, grid.per_width)
        )
        return ((scores - low) * per_width).clamp_(0, grid.steps - 1).to(self.torch.int32)

    def _needs_exact(self, step: torch.Tensor) -> torch.Tensor:
        """Return which steps touch a band that needs exact scores."""
        bands: list[list[int]] = self.job.bins.band_steps.tolist()
        asked = step >= bands[-1][0]
        for first, last in bands[:-1]:
            asked |= (step >= first) & (step <= last)
        return asked
