"""Comparisons by torch, here on its own CPU device: no GPU is needed to see that its tally is the right one. Without torch it skips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.subsampling import deal
from faceparity.harness.comparisons.tally import ScoreBins, Tally
from faceparity.harness.comparisons.tiles import make_job, tally_pairs, tiles_of
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.execution.gpu import GpuBackend
from faceparity.harness.options import Options
from tests.harness import toy

pytest.importorskip("torch", reason="torch is not installed: pip install 'faceparity[gpu]' to test comparisons by it")

from faceparity.harness.comparisons import gpu_tiles as module
from faceparity.harness.comparisons.gpu_tiles import rectangles, tally_on


def by_torch(job, tiles, *, cap, progress):
    return tally_on("cpu", job, tiles, cap, progress)


def samples(seed: int, n: int, dimensions: int, *, whole: bool) -> Samples:
    rng = np.random.default_rng(seed)
    subjects = rng.integers(0, n // 2, n).astype(np.int32)
    images = np.arange(n, dtype=np.int32)
    templates = (rng.integers(-3, 4, (n, dimensions)) if whole else rng.standard_normal((n, dimensions))).astype(np.float32)
    templates[5], images[5] = templates[2], images[2]
    return Samples(templates, subjects, rng.integers(0, 3, n).astype(np.int32), images, 3, np.empty((0, 2), np.int32))


def assert_same_but_bins(a: Tally, b: Tally) -> None:
    for name in ("comparisons", "dense_errors", "mated"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    for one, two in ((a.ledger, b.ledger), (a.left_out_non_mated, b.left_out_non_mated), (a.mated_pairs, b.mated_pairs)):
        for x, y in zip(one.columns(), two.columns(), strict=True):
            assert x.tobytes() == y.tobytes()


@pytest.mark.parametrize("share", [None, 0.3])
@pytest.mark.parametrize("kind", ["dot", "euclidean"])
def test_whole_numbers_give_the_very_same_tally(kind: str, share: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCORES_AT_ONCE", 2000)  # several rectangles to a row
    s = samples(1, 240, 8, whole=True)
    s = s if share is None else replace(s, dealt=deal(s.cells, share, 0))
    floor, dense = (6.0, [0.0]) if kind == "dot" else (-5.0, [-7.0])
    grid = ScoreBins.uniform(*((-30.0, 30.0) if kind == "dot" else (-15.0, 0.0)), 11, (floor, *dense))
    want, got = (tally_pairs(s, kind, grid, floor, dense=dense, tile=16, worker=w) for w in (None, by_torch))
    assert_same_but_bins(want, got)
    np.testing.assert_array_equal(want.non_mated, got.non_mated)


@pytest.mark.parametrize("kind", ["cosine", "euclidean"])
def test_other_numbers_differ_by_one_step_of_the_grid_at_most(kind: str) -> None:
    """And in nothing else: ledger, errors by sample and counts at thresholds are the same to the bit."""
    s = samples(2, 1200, 96, whole=False)
    low, high, floor, dense = (-1.0, 1.0, 0.2, 0.1) if kind == "cosine" else (-20.0, 0.0, -12.0, -13.0)
    grid = ScoreBins.uniform(low, high, 1000, (dense, floor))
    want, got = (tally_pairs(s, kind, grid, floor, dense=[dense], tile=256, worker=w) for w in (None, by_torch))
    assert_same_but_bins(want, got)
    one, two = (np.cumsum(t.non_mated, axis=2) for t in (want, got))
    assert (two[..., 1:] >= one[..., :-1]).all()
    assert (two[..., :-1] <= one[..., 1:]).all()
    assert np.abs(one - two).sum() < 1e-4 * want.n_non_mated * grid.n  # hardly any
    for threshold in (dense, floor):
        at = int(np.searchsorted(grid.edges, np.float32(threshold)))
        np.testing.assert_array_equal(want.non_mated[..., at:].sum(axis=2), got.non_mated[..., at:].sum(axis=2))


def test_rectangles_hold_every_tile_once_and_only_neighbours() -> None:
    s = samples(3, 300, 8, whole=True)
    order = np.lexsort((s.subjects, s.cells))
    ordered = Samples(s.templates[order], s.subjects[order], s.cells[order], s.images[order], 3, s.same_photo)
    job = make_job(ordered, "dot", ScoreBins.uniform(-30, 30, 11), 6.0, [], 16)
    found = list(rectangles(job, tiles_of(job)))
    assert [t for one in found for t in one.tiles] == tiles_of(job)
    assert len(found) < len(tiles_of(job)) / 3
    for one in found:
        cols = [job.strips[col] for _, col in one.tiles]
        assert {job.strips[row] for row, _ in one.tiles} == {one.row}
        assert {c.cell for c in cols} == {one.col.cell}
        assert (cols[0].start, cols[-1].stop) == (one.col.start, one.col.stop)


def test_a_whole_evaluation_there_says_the_same_of_every_group() -> None:
    dataset = toy.make_dataset(4, 160, 2)
    templates, options = toy.make_templates(dataset, 5), Options(targets=(1e-2,))
    here = evaluate(dataset, toy.make_card(), templates, options).evaluation
    there = evaluate(
        dataset, toy.make_card(), templates, Resolved(options, backend=GpuBackend(1, "cpu"), device="torch")
    ).evaluation
    assert (here.provenance.device, there.provenance.device) == ("cpu", "torch")
    assert here.comparisons == there.comparisons
    for one, two in zip(here.groupings, there.groupings, strict=True):
        assert one.operating_points == two.operating_points
