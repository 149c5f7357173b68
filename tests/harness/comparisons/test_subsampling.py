"""A fixed sample of the comparisons against a loop over the very pairs that it takes, and its intervals against many samples."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.harness.comparisons.evidence import count_dealt, evidence_of_all_pairs
from faceparity.harness.comparisons.pair_counts import DealtPairs
from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.subsampling import Deal, deal
from faceparity.harness.comparisons.tally import Pairs, ScoreBins
from faceparity.harness.comparisons.tiles import tally_pairs
from faceparity.harness.groups.groupings import Cells, make_grouping
from faceparity.harness.verification.one_threshold import non_mated_by_group
from faceparity.harness.verification.rates.estimates import interval_of

FLOOR, DENSE = 6.0, 0.0


def make_samples(seed: int, n: int, dealt: Deal | None = None) -> Samples:
    """Integer-valued templates, so that float32 products are exact; one image under two names."""
    rng = np.random.default_rng(seed)
    subjects = rng.integers(0, max(2, n // 2), n).astype(np.int32)
    images, templates = np.arange(n, dtype=np.int32), rng.integers(-3, 4, (n, 8)).astype(np.float32)
    if n > 6:
        templates[5], images[5] = templates[2], images[2]
    cells = rng.integers(0, 3, n).astype(np.int32)
    return Samples(templates, subjects, cells, images, 3, np.empty((0, 2), np.int32), dealt=dealt)


def taken(dealt: Deal, a: int, b: int) -> bool:
    return (int(dealt.of_sample[a]) + int(dealt.of_sample[b])) % dealt.parts < dealt.rounds


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6), n=st.integers(2, 60), share=st.sampled_from([0.01, 0.1, 0.3, 0.7]),
    tile=st.sampled_from([3, 8, 64]), workers=st.sampled_from([1, 3]),
)  # fmt: skip
def test_equals_a_loop_over_the_pairs_that_are_taken(seed: int, n: int, share: float, tile: int, workers: int) -> None:
    s = make_samples(seed, n)
    s = replace(s, dealt=deal(s.cells, share, seed))
    grid = ScoreBins.uniform(-30.0, 30.0, 11, (FLOOR, DENSE))
    tally = tally_pairs(s, "dot", grid, FLOOR, dense=[DENSE], workers=workers, tile=tile)
    hist, made = np.zeros_like(tally.non_mated), np.zeros_like(tally.comparisons)
    errors, ledger, mated = np.zeros_like(tally.dense_errors), [], 0
    for i, j in combinations(range(n), 2):
        score = np.float32(s.templates[i] @ s.templates[j])
        if s.subjects[i] == s.subjects[j]:
            mated += s.images[i] != s.images[j]
            continue
        if not taken(s.dealt, i, j) or s.images[i] == s.images[j]:
            continue
        c, d = s.cells[i], s.cells[j]
        hist[min(c, d), max(c, d), grid.bin(np.array([score]))[0]] += 1
        made[i, d] += 1
        made[j, c] += 1
        errors[0, i, d] += score >= DENSE
        errors[0, j, c] += score >= DENSE
        if score >= FLOOR:
            ledger.append((i, j, score))
    np.testing.assert_array_equal(tally.non_mated, hist)
    np.testing.assert_array_equal(tally.comparisons, made)
    np.testing.assert_array_equal(tally.dense_errors, errors)
    assert list(zip(*map(list, tally.ledger.columns()), strict=True)) == ledger
    assert tally.n_mated == mated  # always all
    # Identical images are told of the whole set, whichever comparisons are made: searches must not compare them.
    identical = n > 6 and s.subjects[2] != s.subjects[5]
    assert len(tally.left_out_non_mated) == identical


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), n=st.integers(7, 60), share=st.sampled_from([0.05, 0.3, 0.7]))
def test_counts_by_cell_and_by_pair_of_subjects(seed: int, n: int, share: float) -> None:
    s = make_samples(seed, n)
    dealt = deal(s.cells, share, seed)
    gone = (
        Pairs.of(*(np.array([x]) for x in (2, 5, 0.0))) if s.subjects[2] != s.subjects[5] and taken(dealt, 2, 5) else Pairs.none()
    )
    pairs = DealtPairs(s.subjects, gone, dealt)
    people = int(s.subjects.max()) + 1
    table = np.zeros((3, 3), int)
    made = np.zeros((3, 3, people, people), int)
    for i, j in combinations(range(n), 2):
        if s.subjects[i] != s.subjects[j] and taken(dealt, i, j):
            c, d = sorted((s.cells[i], s.cells[j]))
            table[c, d] += 1
            if not (len(gone) and (i, j) == (2, 5)):
                for x, y in ((i, j), (j, i)):
                    made[s.cells[x], s.cells[y], s.subjects[x], s.subjects[y]] += 1
    np.testing.assert_array_equal(count_dealt(s.subjects, s.cells, 3, dealt), table)
    for g in range(3):
        for h in range(g, 3):
            squares = (made[g, h].astype(float) ** 2).sum() / (2 if g == h else 1)
            assert pairs.square_sum(s.cells, g, h) == pytest.approx(squares)
            a, b = np.nonzero(made[g, h])
            np.testing.assert_array_equal(pairs.of_pairs(s.cells, g, h, a.astype(np.int32), b.astype(np.int32)), made[g, h][a, b])


@pytest.mark.parametrize("share", [0.001, 0.01, 0.037, 0.5, 0.99])
def test_every_cell_has_about_the_share_asked_for(share: float) -> None:
    """Cells of very different sizes, small ones too, and samples sorted by them."""
    sizes = [20_000, 4_000, 700]
    cells = np.repeat(np.arange(3), sizes).astype(np.int32)
    subjects = (np.arange(cells.size) // 2).astype(np.int32)
    dealt = deal(cells, share, 1)
    assert dealt.share == pytest.approx(share, rel=0.051)
    made = count_dealt(subjects, cells, 3, dealt)
    everything = np.outer(sizes, sizes) / (1 + np.eye(3))
    upper = np.triu_indices(3)
    expected = everything[upper] * share
    assert np.abs(made[upper] / expected - 1).max() < 0.051 + 5 / np.sqrt(expected.min())
    other = deal(cells, share, 2)
    assert (other.of_sample != dealt.of_sample).mean() > 0.9  # another seed, another sample
    assert np.array_equal(deal(cells, share, 1).of_sample, dealt.of_sample)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_every_two_samples_have_the_same_chance(share: float) -> None:
    """In cells of one or two samples too: else a seed would change nothing there, and groups made of cells would be of some more."""
    cells = np.repeat(np.arange(5), [1, 1, 2, 5, 14]).astype(np.int32)
    seeds, n = 1500, cells.size
    times = np.zeros((n, n))
    for seed in range(seeds):
        dealt = deal(cells, share, seed)
        times += dealt.takes(np.arange(n)[:, None], np.arange(n))
    chance = times[np.triu_indices(n, 1)] / seeds
    sd = np.sqrt(dealt.share * (1 - dealt.share) / seeds)
    assert np.abs(chance - dealt.share).max() < 4.5 * sd
    assert chance.mean() == pytest.approx(dealt.share, rel=0.03)


def test_people_are_not_compared_in_lumps() -> None:
    """Comparisons of two people are about as many as if each were drawn by itself: more would tell less (Σ M² / Σ M: 5.3 were a
    person's four samples in parts side by side)."""
    people, images, share = 300, 4, 0.1
    cells, subjects = np.zeros(people * images, np.int32), np.arange(people, dtype=np.int32).repeat(images)
    pairs = DealtPairs(subjects, Pairs.none(), deal(cells, share, 0))
    made = pairs.of_pairs(cells, 0, 0, *(x.astype(np.int32) for x in np.triu_indices(people, 1)))
    drawn = images**2 * pairs.dealt.share
    assert made.mean() == pytest.approx(drawn, rel=0.01)
    assert (made**2).sum() / made.sum() == pytest.approx(1 + drawn * (1 - 1 / images**2), rel=0.05)


def evidence_of(seed: int, share: float | None):
    """People of two groups, two images each; the second group's people are more alike. A person's own share of false matches
    differs, so that comparisons are far from independent."""
    rng = np.random.default_rng(seed)
    people = 400
    cells_of = np.repeat([0, 1], people // 2).astype(np.int32).repeat(2)
    subjects = np.arange(people, dtype=np.int32).repeat(2)
    centre = rng.normal(size=(people, 12)) + 0.35 * np.repeat([0, 1], people // 2)[:, None]
    templates = (centre.repeat(2, axis=0) + 0.5 * rng.normal(size=(2 * people, 12))).astype(np.float32)
    n = subjects.size
    dealt = None if share is None else deal(cells_of, share, seed)
    samples = Samples(templates, subjects, cells_of, np.arange(n, dtype=np.int32), 2, np.empty((0, 2), np.int32), dealt=dealt)
    tally = tally_pairs(samples, "cosine", ScoreBins.uniform(-1, 1, 100, (0.6,)), 0.6)
    cells = Cells(("group",), (("A", "B"),), cells_of, np.arange(2, dtype=np.int32)[:, None])
    return evidence_of_all_pairs(tally, cells, subjects, np.ones(n, bool), dealt), make_grouping(cells, ["group"])


@pytest.mark.slow
def test_intervals_cover_the_rate_of_all_people_as_often_as_they_say() -> None:
    """Each time other people and another sample of a tenth of their comparisons: 95 % intervals hold the true rate, which is
    that of all comparisons of many people."""
    truth = np.mean([[e.rate for e in non_mated_by_group(*evidence_of(s, None), 0.6)] for s in range(1000, 1020)], axis=0)
    held, widths = [], []
    for seed in range(70):
        found = [(e, interval_of(e)) for e in non_mated_by_group(*evidence_of(seed, 0.1), 0.6)]
        held.append([low <= p <= high for (_, (low, high)), p in zip(found, truth, strict=True)])
        widths.append([(high - low) / e.rate for e, (low, high) in found])
    assert (np.mean(held, axis=0) >= 0.88).all(), np.mean(held, axis=0)
    assert np.median(widths) < 1.5  # not by being boundless
