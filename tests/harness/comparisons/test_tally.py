"""The tally against a loop over every pair."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from itertools import combinations
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.comparisons.tally import Pairs, ScoreBins, Tally
from faceparity.harness.comparisons.tiles import make_job, strips_of, tally_pairs, tally_tiles, tile_grid


def make_samples(seed: int, n: int, *, kind: str = "dot", n_cells: int = 3, same_photo: int = 2) -> Samples:
    """Integer-valued templates: their float32 products are exact, so a loop must agree to the last comparison."""
    rng = np.random.default_rng(seed)
    subjects = rng.integers(0, max(2, n // 2), n).astype(np.int32)
    images = np.arange(n, dtype=np.int32)
    templates = rng.integers(-3, 4, (n, 8)).astype(np.float32)
    if n > 6:
        templates[5] = templates[2]
        images[5] = images[2]
    pairs = [(i, j) for i, j in combinations(range(n), 2) if subjects[i] == subjects[j]][:same_photo]
    cells = rng.integers(0, n_cells, n).astype(np.int32)
    return Samples(templates, subjects, cells, images, n_cells, np.asarray(pairs, np.int32).reshape(-1, 2))


def similarity(samples: Samples, i: int, j: int, kind: str) -> np.float32:
    a, b = samples.templates[i].astype(np.float64), samples.templates[j].astype(np.float64)
    return np.float32(a @ b if kind == "dot" else -np.sqrt(((a - b) ** 2).sum()))


def brute_force(samples: Samples, kind: str, grid: ScoreBins, floor: float, dense: list[float]) -> dict[str, object]:
    """The same counts by the plainest loop there is."""
    hist = {
        "mated": np.zeros((samples.n_cells,) * 2 + (grid.n,), int),
        "non_mated": np.zeros((samples.n_cells,) * 2 + (grid.n,), int),
    }
    comparisons = np.zeros((samples.n, samples.n_cells), int)
    errors = np.zeros((len(dense), samples.n, samples.n_cells), int)
    ledger, mated, left = [], [], []
    photo = {tuple(sorted(p)) for p in samples.same_photo.tolist()}
    for i, j in combinations(range(samples.n), 2):
        s = similarity(samples, i, j, kind)
        is_mated = samples.subjects[i] == samples.subjects[j]
        if samples.images[i] == samples.images[j] or (is_mated and (i, j) in photo):
            left.append((i, j))
            continue
        low, high = sorted((samples.cells[i], samples.cells[j]))
        k = 0
        while k < grid.n - 1 and s >= grid.edges[k + 1]:
            k += 1
        hist["mated" if is_mated else "non_mated"][low, high, k] += 1
        if is_mated:
            mated.append((i, j, s))
            continue
        comparisons[i, samples.cells[j]] += 1
        comparisons[j, samples.cells[i]] += 1
        if s >= floor:
            ledger.append((i, j, s))
        for t, threshold in enumerate(dense):
            if s >= threshold:
                errors[t, i, samples.cells[j]] += 1
                errors[t, j, samples.cells[i]] += 1
    return {**hist, "comparisons": comparisons, "errors": errors, "ledger": ledger, "mated_list": mated, "left": left}


def assert_equal_to_loop(tally: Tally, samples: Samples, kind: str, dense: list[float]) -> None:
    want = brute_force(samples, kind, tally.grid, tally.floor, dense)
    np.testing.assert_array_equal(tally.non_mated, want["non_mated"])
    np.testing.assert_array_equal(tally.mated, want["mated"])
    np.testing.assert_array_equal(tally.comparisons, want["comparisons"])
    np.testing.assert_array_equal(tally.dense_errors, want["errors"])
    assert list(zip(*map(list, tally.ledger.columns()), strict=True)) == want["ledger"]
    assert list(zip(*map(list, tally.mated_pairs.columns()), strict=True)) == want["mated_list"]
    out = tally.left_out_non_mated + tally.left_out_mated
    assert list(zip(out.a, out.b, strict=True)) == want["left"]


@pytest.mark.parametrize("kind", ["dot", "euclidean"])
@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6), n=st.integers(2, 40), tile=st.sampled_from([3, 4, 7, 16, 64]), workers=st.sampled_from([1, 2, 3])
)
def test_equals_a_loop_over_all_pairs(kind: str, seed: int, n: int, tile: int, workers: int) -> None:
    samples = make_samples(seed, n)
    floor, dense = (6.0, [0.0]) if kind == "dot" else (-5.0, [-7.0])
    low, high = (-30.0, 30.0) if kind == "dot" else (-15.0, 0.0)
    grid = ScoreBins.uniform(low, high, 11, (floor, *dense))
    tally = tally_pairs(samples, kind, grid, floor, dense=dense, workers=workers, tile=tile)
    assert_equal_to_loop(tally, samples, kind, dense)


def test_any_order_of_tiles_and_any_number_of_workers_gives_the_same_bits() -> None:
    rng = np.random.default_rng(3)
    n = 300
    templates = rng.normal(size=(n, 32)).astype(np.float32)
    cells = rng.integers(0, 4, n).astype(np.int32)
    images = np.arange(n, dtype=np.int32)
    samples = Samples(templates, (images // 2).astype(np.int32), cells, images, 4, np.empty((0, 2), np.int32))
    grid = ScoreBins.uniform(-1, 1, 200, (0.1,))
    reference = tally_pairs(samples, "cosine", grid, 0.2, dense=[0.1], tile=64)
    n_tiles = len(tile_grid(len(strips_of(np.sort(cells), 64))))
    for workers in (1, 2, 5):
        order = rng.permutation(n_tiles).tolist()
        other = tally_pairs(samples, "cosine", grid, 0.2, dense=[0.1], tile=64, workers=workers, order=order)
        for name in ("non_mated", "mated", "comparisons", "dense_errors"):
            np.testing.assert_array_equal(getattr(reference, name), getattr(other, name))
        for mine, theirs in zip(reference.ledger.columns(), other.ledger.columns(), strict=True):
            assert mine.tobytes() == theirs.tobytes()


def test_tiles_cover_every_pair_once() -> None:
    for n in (0, 1, 5, 8, 9, 17):
        cells = np.sort(np.random.default_rng(n).integers(0, 3, n)).astype(np.int32)
        strips = strips_of(cells, 4)
        seen = np.zeros((n, n), int)
        for r, c in tile_grid(len(strips)):
            row, col = strips[r], strips[c]
            assert set(cells[row.start : row.stop]) == {row.cell}
            assert 0 < row.stop - row.start <= 4
            for i in range(row.start, row.stop):
                for j in range(max(col.start, i + 1), col.stop):
                    seen[i, j] += 1
        np.testing.assert_array_equal(seen, np.triu(np.ones((n, n), int), 1))


def test_a_score_on_the_threshold_is_a_match_whatever_float32_products_say() -> None:
    """A threshold set to an exact score: the tile's float32 product may fall on either side, the tally must not."""
    rng = np.random.default_rng(8)
    templates = rng.normal(size=(60, 128)).astype(np.float32)
    images = np.arange(60, dtype=np.int32)
    samples = Samples(templates, images, np.zeros(60, np.int32), images, 1, np.empty((0, 2), np.int32))
    everything = tally_pairs(samples, "cosine", ScoreBins.uniform(-1, 1, 10), -2.0)
    for score in np.sort(everything.ledger.score)[::97]:
        grid = ScoreBins.uniform(-1, 1, 10, (float(score),))
        expected = int((everything.ledger.score >= score).sum())
        dense = tally_pairs(samples, "cosine", grid, 2.0, dense=[float(score)])
        assert dense.dense_errors.sum() == 2 * expected
        assert dense.non_mated[0, 0, np.searchsorted(grid.edges, score) :].sum() == expected
        assert len(tally_pairs(samples, "cosine", grid, float(score)).ledger) == expected


def test_tallies_add_in_any_order() -> None:
    samples = make_samples(5, 30)
    grid = ScoreBins.uniform(-30, 30, 11)
    whole = tally_pairs(samples, "dot", grid, 6.0)
    doubled = whole + whole
    assert doubled.n_non_mated == 2 * whole.n_non_mated
    assert len(doubled.ledger) == 2 * len(whole.ledger)
    with pytest.raises(ValueError, match="floors"):
        whole + tally_pairs(samples, "dot", grid, 7.0)


def test_templates_that_cannot_be_compared_are_refused() -> None:
    samples = make_samples(1, 5)
    samples.templates[3] = np.nan
    with pytest.raises(ValueError, match="template 3"):
        tally_pairs(samples, "dot", ScoreBins.uniform(-1, 1, 4), 0.0)
    samples.templates[3] = 0
    with pytest.raises(ValueError, match="no direction"):
        tally_pairs(samples, "cosine", ScoreBins.uniform(-1, 1, 4), 0.0)


@settings(max_examples=60)
@given(low=st.floats(-1000, 1000), width=st.floats(1e-3, 1e4), n=st.integers(1, 1200), seed=st.integers(0, 99))
def test_bins_by_formula_are_bins_by_edges(low: float, width: float, n: int, seed: int) -> None:
    """Rounding at an edge must not put a score into one bin here and another there."""
    grid = ScoreBins.uniform(low, low + width, n)
    scores = np.random.default_rng(seed).uniform(low - width, low + 2 * width, 5000).astype(np.float32)
    scores = np.concatenate([scores, grid.edges, np.nextafter(grid.edges, np.float32(-np.inf))])
    if grid.n == grid.steps:
        np.testing.assert_array_equal(grid.step(scores), grid.bin(scores))
    assert (np.diff(grid.edges) > 0).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 40), parts=st.integers(1, 5))
def test_merging_tallies_is_associative_and_order_free(seed: int, n: int, parts: int) -> None:
    """Any division of the tiles among tallies, added in any order, is the tally of all of them."""
    rng = np.random.default_rng(seed)
    samples = make_samples(seed, n)
    grid = ScoreBins.uniform(-30, 30, 11, (2.0,))
    ordered = np.lexsort((samples.subjects, samples.cells))
    job = make_job(
        Samples(
            prepare(samples.templates, "dot", ordered), samples.subjects[ordered], samples.cells[ordered],
            samples.images[ordered], samples.n_cells, np.empty((0, 2), np.int32),
        ),
        "dot", grid, 2.0, [0.0], 5,
    )  # fmt: skip
    tiles = tile_grid(len(job.strips))
    mine = rng.integers(0, parts, len(tiles))
    tallies = [tally_tiles(job, [t for t, part in zip(tiles, mine, strict=True) if part == k]) for k in range(parts)]
    whole = tally_tiles(job, tiles)
    left = reduce(add, [tallies[k] for k in rng.permutation(parts)])
    right = reduce(lambda a, b: b + a, [tallies[k] for k in rng.permutation(parts)])
    for merged in (left, right):
        assert_same(merged, replace(whole, ledger=Pairs.of(*whole.ledger.columns())), ledger_of=Pairs.of)


def assert_same(one: Tally, other: Tally, ledger_of=lambda a, b, s: Pairs(a, b, s)) -> None:
    for name in ("non_mated", "mated", "comparisons", "dense_errors"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("ledger", "mated_pairs", "left_out_non_mated", "left_out_mated"):
        for mine, theirs in zip(ledger_of(*getattr(one, name).columns()).columns(), getattr(other, name).columns(), strict=True):
            assert mine.tobytes() == theirs.tobytes()


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 40))
def test_relabelling_groups_permutes_the_results(seed: int, n: int) -> None:
    samples = make_samples(seed, n)
    new = np.random.default_rng(seed).permutation(samples.n_cells).astype(np.int32)
    grid = ScoreBins.uniform(-30, 30, 11, (2.0,))
    one = tally_pairs(samples, "dot", grid, 2.0, dense=[0.0], tile=7)
    other = tally_pairs(replace(samples, cells=new[samples.cells]), "dot", grid, 2.0, dense=[0.0], tile=7)
    low, high = np.minimum.outer(new, new), np.maximum.outer(new, new)
    upper = np.triu_indices(samples.n_cells)
    moved = np.zeros_like(one.non_mated), np.zeros_like(one.mated)
    for table, before in zip(moved, (one.non_mated, one.mated), strict=True):
        table[low[upper], high[upper]] = before[upper]
    comparisons, errors = np.zeros_like(one.comparisons), np.zeros_like(one.dense_errors)
    comparisons[:, new], errors[:, :, new] = one.comparisons, one.dense_errors
    assert_same(replace(one, non_mated=moved[0], mated=moved[1], comparisons=comparisons, dense_errors=errors), other)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), n=st.integers(8, 40), power=st.integers(-3, 3))
def test_a_monotone_transform_of_the_scores_moves_nobody_across_a_threshold(seed: int, n: int, power: int) -> None:
    """Templates times a power of two: every dot product is multiplied exactly, and so are thresholds chosen from the data."""
    samples = make_samples(seed, n)
    factor = np.float32(2.0**power)
    one = tally_pairs(samples, "dot", ScoreBins.uniform(-200, 200, 11, (2.0,)), 2.0, tile=7)
    scaled = replace(samples, templates=samples.templates * factor)
    floor = float(2 * factor**2)
    other = tally_pairs(scaled, "dot", ScoreBins.uniform(-13000, 13000, 11, (floor,)), floor, tile=7)
    np.testing.assert_array_equal(one.ledger.a, other.ledger.a)
    np.testing.assert_array_equal(one.ledger.b, other.ledger.b)
    np.testing.assert_array_equal(one.ledger.score * factor**2, other.ledger.score)
    np.testing.assert_array_equal(one.comparisons, other.comparisons)


@pytest.mark.parametrize("kind", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("shift", [0.0, 50.0])
def test_thresholds_are_exact_where_float32_products_are_not(kind: str, shift: float) -> None:
    """Lengths far from 1 make a tile's scores wrong in the third decimal; what reaches a threshold must not notice."""
    rng = np.random.default_rng(8)
    n = 60
    templates = (rng.normal(size=(n, 64)) + shift).astype(np.float32)
    templates[1::2] = templates[::2] + rng.normal(scale=1e-3, size=(n // 2, 64)).astype(np.float32)
    images = np.arange(n, dtype=np.int32)
    samples = Samples(templates, images, (images % 3).astype(np.int32), images, 3, np.empty((0, 2), np.int32))
    a, b = (x.astype(np.int32) for x in np.triu_indices(n, 1))
    scores = exact_scores(prepare(templates, kind), a, b, kind)
    low, high = float(scores.min()) - 1, float(scores.max()) + 1
    for at in np.sort(scores)[::150]:
        grid = ScoreBins.uniform(low, high, 10, (float(at),))
        above = tally_pairs(samples, kind, grid, float(at), tile=16)
        assert len(above.ledger) == (scores >= at).sum()
        below = tally_pairs(samples, kind, grid, high, dense=[float(at)], tile=16)
        assert below.dense_errors.sum() == 2 * (scores >= at).sum()
        assert below.non_mated[..., np.searchsorted(grid.edges, at) :].sum() == (scores >= at).sum()


def test_exact_scores_are_sums_in_the_order_of_the_dimensions() -> None:
    """Also where the sum ends half way between two float32 numbers, and another order would round the other way."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 131)).astype(np.float32)
    # 1 + 2⁻²⁴ is half way, and rounds to 1; 2⁻⁵⁴ is lost on it, time after time, but 64 of them added first are not.
    x[[0, 100]] = 2.0**-27
    x[[0, 100], :2] = [1.0, 2.0**-12]
    a, b = np.arange(100, dtype=np.int32), np.arange(100, 200, dtype=np.int32)
    for kind in ("dot", "euclidean"):
        want = []
        for i, j in zip(a, b, strict=True):
            total = np.float64(0)
            for p, q in zip(x[i].astype(np.float64), x[j].astype(np.float64), strict=True):
                total += p * q if kind == "dot" else (p - q) ** 2
            want.append(np.float32(total if kind == "dot" else -np.sqrt(total)))
        assert exact_scores(x, a, b, kind).tobytes() == np.array(want, np.float32).tobytes()
    assert exact_scores(x, a, b, "dot")[0] == 1.0
    assert np.float32(1 + 2.0**-24 + 129 * 2.0**-54) > 1.0


def test_identical_images_are_left_out_whatever_their_score() -> None:
    """By the image, not by a score that reaches the floor: with dot products of short templates it would not."""
    rng = np.random.default_rng(4)
    templates = rng.normal(size=(30, 16)).astype(np.float32) * 1e-3
    templates[7] = templates[3]
    images = np.arange(30, dtype=np.int32)
    images[7] = images[3]
    subjects = np.arange(30, dtype=np.int32)
    samples = Samples(templates, subjects, (subjects % 2).astype(np.int32), images, 2, np.empty((0, 2), np.int32))
    tally = tally_pairs(samples, "dot", ScoreBins.uniform(-1, 1, 10), 0.5, tile=8)
    assert list(zip(tally.left_out_non_mated.a, tally.left_out_non_mated.b, strict=True)) == [(3, 7)]
    assert tally.n_non_mated == 30 * 29 // 2 - 1
    assert tally.comparisons.sum(axis=1).tolist() == [28 if k in (3, 7) else 29 for k in range(30)]


@pytest.mark.parametrize(
    ("n", "subjects", "cells"),
    [(0, 1, 1), (1, 1, 1), (2, 2, 2), (6, 1, 1), (6, 1, 3), (200, 200, 200), (400, 400, 200)],
    ids=[
        "nobody",
        "one sample",
        "two of one each",
        "one subject",
        "one subject in three groups",
        "200 groups of one",
        "200 groups",
    ],
)
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("kind", ["dot", "euclidean"])
@pytest.mark.filterwarnings("error")
def test_degenerate_sets(n: int, subjects: int, cells: int, constant: bool, kind: str) -> None:
    everyone = np.arange(n, dtype=np.int32)
    templates = np.ones((n, 4), np.float32)
    if not constant:
        templates *= np.random.default_rng(1).integers(-3, 4, (n, 4))
    samples = Samples(
        templates, everyone % subjects, (everyone % cells).astype(np.int32), everyone, cells, np.empty((0, 2), np.int32)
    )  # fmt: skip
    tally = tally_pairs(samples, kind, ScoreBins.uniform(-20, 20, 7, (1.0,)), 1.0, dense=[-2.0], workers=2)
    made = [samples.subjects[i] != samples.subjects[j] for i, j in combinations(range(n), 2)]
    assert (tally.n_non_mated, tally.n_mated) == (sum(made), len(made) - sum(made))
    if n <= 6:
        assert_equal_to_loop(tally, samples, kind, [-2.0])


def test_a_ledger_past_its_cap_is_given_up_and_the_histograms_tell_how_long_it_was() -> None:
    samples = make_samples(5, 40)
    grid = ScoreBins.uniform(-30, 30, 11, (2.0,))
    full = tally_pairs(samples, "dot", grid, 2.0, tile=7)
    kept = tally_pairs(samples, "dot", grid, 2.0, tile=7, cap=len(full.ledger))
    lost = tally_pairs(samples, "dot", grid, 2.0, tile=7, cap=len(full.ledger) - 1)
    assert len(full.ledger) > 50
    assert_same(full, kept)
    assert len(lost.ledger) == 0
    assert_same(replace(full, ledger=Pairs.none()), lost)


@pytest.mark.parametrize("most", [1, 3, 70_000, 2**31 - 1])
@given(data=st.data())
@settings(max_examples=30)
def test_pairs_lie_in_one_order_however_they_come(most: int, data: st.DataObject) -> None:
    number = st.integers(0, most)
    rows = data.draw(st.lists(st.tuples(number, number, st.integers(0, 5))))
    a, b, score = np.asarray(rows, np.int64).reshape(-1, 3).T
    pairs = Pairs.of(a, b, score)
    expected = sorted(((min(i, j), max(i, j), s) for i, j, s in rows), key=lambda row: row[:2])
    assert list(zip(*(x.tolist() for x in pairs.columns()), strict=True)) == expected
