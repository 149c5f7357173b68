"""Calibration of scores by group: the fit and the cost by hand and by brute force, what must hold of them, and what a record says."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import Options, evaluate
from faceparity.harness.metrics.calibration import cllr, group_cllr, log_likelihood_ratios
from tests import ROOT
from tests.harness import toy

Array = NDArray[np.float64]
EXAMPLES = ROOT / "reports" / "examples"


def brute_ratios(mated: Array, non_mated: Array) -> Array:
    """The isotonic fit by its max-min formula: no pooling, every run of bins is looked at. [n], nan where there is nothing."""
    m, n = mated / mated.sum(), non_mated / non_mated.sum()
    out = np.full(m.size, np.nan)
    there = np.flatnonzero(m + n > 0)
    for at, i in enumerate(there):
        best = -1.0
        for j in there[: at + 1]:
            least = min(m[j : k + 1].sum() / (m[j : k + 1] + n[j : k + 1]).sum() for k in there[at:])
            best = max(best, least)
        with np.errstate(divide="ignore"):
            out[i] = np.log(best) - np.log1p(-best)
    return out


def brute_cllr(mated: Array, non_mated: Array, ratios: Array) -> float:
    """The cost one comparison at a time, in bits."""
    costs = []
    for counts, sign in ((mated, -1.0), (non_mated, 1.0)):
        each = [math.log2(1 + math.exp(sign * ratio)) for ratio, c in zip(ratios, counts, strict=True) for _ in range(int(c))]
        costs.append(sum(each) / len(each))
    return sum(costs) / 2


def counted(mated: Array, non_mated: Array, edges: Array | None = None) -> tuple[Array, Array]:
    """Counts in bins; a bin for every score if there are no edges."""
    if edges is None:
        edges = np.append(np.unique(np.concatenate([mated, non_mated])), np.inf)
    low, high = (np.histogram(scores, edges)[0].astype(float) for scores in (mated, non_mated))
    return low, high


def least(mated: Array, non_mated: Array) -> float:
    m, n = counted(mated, non_mated)
    return cllr(log_likelihood_ratios(m, n), m, n)


def test_by_hand() -> None:
    """Scores that rise already: each bin's ratio is that of its shares."""
    mated, non_mated = np.array([0, 1, 3]), np.array([3, 1, 1])
    ratios = log_likelihood_ratios(mated, non_mated)
    assert ratios == pytest.approx([-math.inf, math.log(0.25 / 0.2), math.log(0.75 / 0.2)])
    of_mated = 0.25 * math.log(1 + 1 / 1.25) + 0.75 * math.log(1 + 1 / 3.75)
    of_non_mated = 0.6 * math.log(1) + 0.2 * math.log(1 + 1.25) + 0.2 * math.log(1 + 3.75)
    assert cllr(ratios, mated, non_mated) == pytest.approx((of_mated + of_non_mated) / (2 * math.log(2)))


def test_by_hand_with_violators() -> None:
    """The two bins in the middle fall, so they share one ratio: (2 + 1) / 5 over (1 + 2) / 5. An empty bin has none."""
    mated, non_mated = np.array([0, 2, 0, 1, 2]), np.array([2, 1, 0, 2, 0])
    ratios = log_likelihood_ratios(mated, non_mated)
    assert ratios == pytest.approx([-math.inf, 0, math.nan, 0, math.inf], nan_ok=True)
    assert cllr(ratios, mated, non_mated) == pytest.approx(0.6)
    assert cllr(np.zeros(5), mated, non_mated) == pytest.approx(1)
    assert cllr(np.array([-9, 9, 9, 9, 9.0]), mated, non_mated) > 1
    assert cllr(ratios[::-1], mated, non_mated) == math.inf


Counts = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=9).filter(
    lambda bins: any(m for m, _ in bins) and any(n for _, n in bins)
)


@given(Counts)
@example([(0, 3), (1, 1), (5, 5)])
def test_the_fit_and_the_cost_are_those_of_brute_force(bins: list[tuple[int, int]]) -> None:
    mated, non_mated = np.array(bins, float).T
    ratios = log_likelihood_ratios(mated, non_mated)
    np.testing.assert_allclose(ratios, brute_ratios(mated, non_mated), atol=1e-9)
    assert (np.diff(np.clip(ratios[~np.isnan(ratios)], -99, 99)) >= 0).all()
    assert cllr(ratios, mated, non_mated) == pytest.approx(brute_cllr(mated, non_mated, np.nan_to_num(ratios, nan=0)), abs=1e-9)


@given(st.lists(Counts, min_size=1, max_size=4))
def test_both_costs_are_finite_and_a_calibration_of_its_own_costs_least(groups: list[list[tuple[int, int]]]) -> None:
    """What the common fit rules out in a bin is in no group; -∞ and ∞ are common here, for the counts are small."""
    width = max(len(bins) for bins in groups)
    table = np.array([[*bins, *[(0, 0)] * (width - len(bins))] for bins in groups])
    found = group_cllr(table[:, :, 0], table[:, :, 1])
    for cost in found:
        assert np.isfinite(cost).all()
        assert 0 <= cost.own <= cost.common + 1e-12
        assert cost.own <= 1 + 1e-12
        assert cost.miscalibration >= 0
    if len(groups) == 1:
        assert found[0].common == pytest.approx(found[0].own, abs=1e-12)


@given(st.lists(Counts, min_size=2, max_size=4), st.integers(2, 1000))
def test_every_group_weighs_the_same_whatever_its_size(groups: list[list[tuple[int, int]]], times: int) -> None:
    width = max(len(bins) for bins in groups)
    table = np.array([[*bins, *[(0, 0)] * (width - len(bins))] for bins in groups])
    before = group_cllr(table[:, :, 0], table[:, :, 1])
    larger = table.copy()
    larger[0, :, 0] *= times
    larger[1, :, 1] *= times
    np.testing.assert_allclose(group_cllr(larger[:, :, 0], larger[:, :, 1]), before, atol=1e-9)
    np.testing.assert_allclose(group_cllr(table[::-1, :, 0], table[::-1, :, 1]), before[::-1], atol=1e-9)
    assert group_cllr(table[:, :, 0], table[:, :, 1]) == before


def test_scores_that_only_change_their_scale_cost_the_same() -> None:
    random = np.random.default_rng(1)
    mated, non_mated = random.normal(1, 1, 300), random.normal(-1, 1, 900)
    cost = least(mated, non_mated)
    assert 0.1 < cost < 0.9
    for change in (lambda x: 5 * x - 2, np.exp, np.arctan, lambda x: x**3):
        assert least(change(mated), change(non_mated)) == pytest.approx(cost, abs=1e-12)


def test_separable_scores_cost_nothing_and_scores_that_say_nothing_one_bit() -> None:
    assert least(np.array([0.6, 0.7]), np.array([0.1, 0.5, 0.2])) == 0
    assert least(np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.2, 0.3])) == pytest.approx(1)
    assert least(np.array([0.1, 0.2]), np.array([0.3, 0.4])) == pytest.approx(1), "the wrong way round says nothing either"
    same = np.random.default_rng(2).normal(size=(2, 20_000))
    assert 0.995 < least(*same) <= 1


def test_a_common_calibration_costs_a_group_whose_scores_are_shifted() -> None:
    """Both groups tell people apart equally well; only what a score means differs."""
    random = np.random.default_rng(3)
    mated, non_mated = random.normal(2, 1, 4000), random.normal(-2, 1, 4000)
    edges = np.linspace(-9, 13, 2001)

    def cost(shift: float) -> list[float]:
        counts = [counted(mated + s, non_mated + s, edges) for s in (0.0, shift)]
        return [c.miscalibration for c in group_cllr(*zip(*counts, strict=True))]

    assert cost(0) == pytest.approx([0, 0], abs=1e-12)
    small, large = cost(1), cost(3)
    assert min(small) > 0.02
    assert all(b > 2 * a for a, b in zip(small, large, strict=True))


def test_bins_never_lower_the_cost_and_fine_ones_hardly_raise_it() -> None:
    random = np.random.default_rng(4)
    mated, non_mated = random.normal(1, 1, 400), random.normal(-1, 1, 1200)
    exact = least(mated, non_mated)
    coarse = [
        cllr(log_likelihood_ratios(*c), *c) for n in (11, 101, 10_001) if (c := counted(mated, non_mated, np.linspace(-6, 6, n)))
    ]
    assert exact - 1e-12 <= min(coarse)
    assert coarse[2] - exact < 1e-3 < coarse[0] - exact


# In a record


@pytest.fixture(scope="module")
def case():
    dataset = toy.make_dataset(5, 160, 5)
    templates = toy.make_templates(dataset, 6, dimensions=48, noise=1.2)
    made = evaluate(dataset, toy.make_card(), templates, Options(targets=(1e-2,)))
    vectors = prepare(templates.vectors, "cosine")
    i, j = (np.array(x, np.int32) for x in zip(*combinations(range(len(vectors)), 2), strict=True))
    return dataset, made.evaluation, i, j, exact_scores(vectors, i, j, "cosine").astype(np.float64)


def test_a_record_holds_what_every_score_by_itself_gives(case) -> None:
    dataset, evaluation, i, j, scores = case
    told = 0
    for grouping in evaluation.groupings:
        names = np.array([
            " × ".join(dataset.attributes[a].values[dataset.attributes[a].codes[k]] for a in grouping.attributes)
            for k in range(dataset.n_samples)
        ])  # fmt: skip
        same = dataset.subjects[i] == dataset.subjects[j]
        shown = [x for x in grouping.separation if x.d_prime is not None]
        inside = [(names[i] == x.group) & (names[j] == x.group) for x in shown]
        edges = np.append(np.unique(scores), np.inf)
        counts = [counted(scores[k & same], scores[k & ~same], edges) for k in inside]
        for x, cost in zip(shown, group_cllr(*zip(*counts, strict=True)), strict=True):
            told += 1
            assert x.min_cllr == pytest.approx(cost.own, abs=0.01)
            assert x.cllr == pytest.approx(cost.common, abs=0.01)
            assert x.miscalibration == pytest.approx(x.cllr - x.min_cllr)
        for x in grouping.separation:
            if x.d_prime is None:
                assert (x.cllr, x.min_cllr, x.miscalibration) == (None, None, None)
                assert x.reason is not None
    assert told > 5


def test_a_group_that_is_alone_has_only_a_calibration_of_its_own() -> None:
    dataset = toy.make_dataset(5, 160, 5)
    women = replace(dataset.attributes["gender"], codes=np.zeros(dataset.n_samples, np.int32))
    dataset = replace(dataset, attributes={"gender": women})
    templates = toy.make_templates(dataset, 6, dimensions=48, noise=1.2)
    (grouping,) = evaluate(dataset, toy.make_card(), templates, Options(targets=(1e-2,))).evaluation.groupings
    (alone,) = [x for x in grouping.separation if x.eer is not None]
    assert (alone.cllr, alone.miscalibration, alone.reason) == (None, None, "one_group")
    assert 0 < alone.min_cllr < 1


def test_groups_that_are_each_without_an_error_may_still_not_share_a_meaning() -> None:
    """Why an EER's ten errors are not asked for: alone each of the two is separable, together they overlap."""
    low, high = ([0, 30, 0], [40, 0, 0]), ([0, 0, 30], [0, 40, 0])
    for cost in group_cllr(*zip(low, high, strict=True)):
        assert cost.own == 0
        assert cost.miscalibration == pytest.approx(math.log(2) / 2 / math.log(2))


def test_older_results_without_these_figures_are_read() -> None:
    text = (EXAMPLES / "london" / "results.json").read_text("utf-8")
    said = [x for g in results.from_json(text).groupings for x in g.separation]
    assert said
    fields = results.json_schema()["$defs"]["Separation"]
    assert {"cllr", "min_cllr", "miscalibration"} <= set(fields["properties"])
    assert not {"cllr", "min_cllr", "miscalibration"} & set(fields["required"])
