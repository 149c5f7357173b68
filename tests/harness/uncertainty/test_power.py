"""How many people it would take, and the cells of a contrast's plan in the record."""

from __future__ import annotations

import numpy as np
import pytest

from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.groups.groupings import make_cells, make_grouping
from faceparity.harness.options import Options
from faceparity.harness.uncertainty.power import Precision, needed_subjects, would_be_called
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.estimates import mated
from faceparity.harness.verification.rates.group_contrasts import Measured, make_contrasts, ratio_of
from tests.harness import toy

MANY = 1e12
"""Degrees of freedom with which Student's t is the normal."""


def _independent(rate: float, subjects: int) -> Precision:
    """As if all pairs of subjects were independent comparisons."""
    pair = 1 / (rate * subjects * (subjects - 1) / 2)
    return Precision(rate, subjects, 0.0, 0.0, pair, pair, MANY)


@pytest.mark.parametrize(("ratio", "errors"), [(1.5, 79.570017), (2, 24.504622), (3, 8.6707668), (10, 1.6284296)])
def test_independent_comparisons_need_as_many_errors_as_the_worked_example_says(ratio: float, errors: float) -> None:
    """Pairs grow with the square of the subjects."""
    rate, pilot = 1e-3, 1000
    needed = needed_subjects(_independent(ratio * rate, pilot), _independent(rate, pilot))
    assert needed == pytest.approx(pilot * np.sqrt(errors / (rate * pilot * (pilot - 1) / 2)), abs=1)


def test_where_people_differ_they_are_what_counts_not_pairs() -> None:
    """Four times the variance by people takes four times the people; by pairs it takes twice."""

    def needed(shared: float, own: float, pair: float) -> int:
        a, b = (Precision(rate, 100, shared, own, pair, pair, MANY) for rate in (2e-3, 1e-3))
        found = needed_subjects(a, b)
        assert found is not None
        return found

    assert needed(0.4, 0, 0) == pytest.approx(4 * needed(0.1, 0, 0), abs=4)
    assert needed(0, 0.4, 0) == pytest.approx(4 * needed(0, 0.1, 0), abs=4)
    assert needed(0, 0, 0.4) == pytest.approx(2 * needed(0, 0, 0.1), abs=2)


def test_the_answer_is_the_smallest_that_would_be_called() -> None:
    a, b = Precision(4e-3, 80, 0.05, 0.0, 0.1, 0.06, 79), Precision(1e-3, 90, 0.08, 0.0, 0.3, 0.2, 89)
    gates = {"power": 0.8, "tests": 7, "least_higher": 30.0, "least_lower": 8.0}
    needed = needed_subjects(a, b, tests=7, least_higher=30, least_lower=8)
    assert would_be_called(a, b, needed, **gates)
    assert not would_be_called(a, b, needed - 1, **gates)
    assert needed_subjects(b, a, tests=7, least_higher=30, least_lower=8) == needed
    assert needed > needed_subjects(a, b)
    assert needed_subjects(a, a._replace(rate=a.rate * 0.99999)) is None
    assert needed_subjects(a, b, smallest=10_000) == 10_000


def test_another_rate_changes_chance_and_not_how_people_differ() -> None:
    a = Precision(1e-3, 100, 0.05, 0.02, 0.1, 0.08, 99).at_rate(2e-3)
    assert (a.rate, a.shared, a.own, a.pair, a.plain_pair) == pytest.approx((2e-3, 0.05, 0.01, 0.05, 0.04))


def test_power_at_the_size_named_is_what_it_says() -> None:
    """Half as many mated comparisons failing in one group as in the other, people alike in a group."""
    rng = np.random.default_rng(3)

    def group(people: int, p: float, first: int = 0) -> Estimate:
        trials = np.full(people, 4.0)
        ids = np.arange(first, first + people, dtype=np.int32)
        return mated(ids, rng.binomial(4, rng.beta(2 * p, 2 * (1 - p), people)).astype(float), trials, None)

    large = 200_000
    a, b = group(large, 0.1), group(large, 0.05, large)

    def precision(e: Estimate) -> Precision:
        chance = e.independent_variance / e.rate**2
        return Precision(e.rate, e.subjects, e.variance / e.rate**2 - chance, chance, 0.0, 0.0, e.df)

    needed = needed_subjects(precision(a), precision(b))
    found = [
        (r := ratio_of(group(needed, 0.1), group(needed, 0.05, needed))) is not None and r.p < 0.05 and r.ratio > 1
        for _ in range(1500)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)


def test_contrasts_of_an_evaluation_say_how_many_people_it_would_take() -> None:
    dataset = toy.make_dataset(3, 260, 1)
    e = evaluate(dataset, toy.make_card(), toy.make_templates(dataset, 4), Options(targets=(1e-2,))).evaluation
    contrasts = [c for g in e.groupings for p in g.operating_points for c in p.contrasts]
    assert len(contrasts) >= 4
    for c in contrasts:
        assert c.p <= c.p_bh <= c.p_holm
        assert c.needed_subjects is None or c.needed_subjects >= 30
        assert c.needed_subjects_for_double >= 30
        if c.verdict in ("higher", "lower"):
            assert c.needed_subjects is not None


def test_a_group_without_errors_is_planned_for_as_if_it_were_like_the_reference() -> None:
    ids = np.arange(100, dtype=np.int32)
    some, none = np.zeros(100), np.zeros(100)
    some[::10] = 1
    estimates = [mated(ids, none, np.full(100, 2.0), None), mated(ids + 100, some, np.full(100, 2.0), None)]
    dataset = toy.make_dataset(3, 60, 1)
    grouping = make_grouping(make_cells([dataset.attributes["gender"]], dataset.n_samples), ["gender"])
    contrast = make_contrasts(Measured("fnmr", "within", estimates), grouping, grouping, "male", None)[0]
    assert (contrast.group, contrast.reason, contrast.needed_subjects) == ("female", "too_few_errors_in_higher", None)
    assert contrast.needed_subjects_for_double > 100
