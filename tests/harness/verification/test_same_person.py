"""The guard against one person under two names, on sets with subject labels and without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceparity.harness import results
from faceparity.harness.claims.claim_file import shipped_claims
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.options import Options
from tests.harness import people, toy

SAME = 0.85
CARD = toy.make_card(published=0.35, same_person=SAME)
WITHOUT_GUARD = toy.make_card(published=0.35, same_person=None)
BY = ("gender", "ethnicity")
GROUPS = {("female", "Black"): 60, ("female", "White"): 70, ("male", "Black"): 80, ("male", "White"): 90}
OPTIONS = Options(by=BY, targets=(2e-2,))


def two_ids(pairs: int, *, identity: str = "labelled", seed: int = 0) -> people.World:
    """Some people, each of the first group twice under two ids, with two images each."""
    twins = {(2 * k, 2 * k + 1): 0.0 for k in range(pairs)}
    images = {person: 2 for pair in twins for person in pair}
    return people.make_world(GROUPS, alike=twins, images=images, noise=0.2, seed=seed, identity=identity)


def alike_pairs(world: people.World) -> np.ndarray:
    """int32[m, 2]: the images of different people, by their labels, that look like one person."""
    vectors, subjects = prepare(world.templates.vectors, "cosine"), world.dataset.subjects
    first, second = (index.astype(np.int32) for index in np.triu_indices(subjects.size, 1))
    score = exact_scores(vectors, first, second, "cosine")
    found = (score >= np.float32(SAME)) & (subjects[first] != subjects[second])
    return np.stack([first[found], second[found]], axis=1)


def points(evaluation: results.Evaluation) -> list[results.OperatingPoint]:
    return evaluation.groupings[-1].operating_points


def rates(point: results.OperatingPoint) -> list[tuple[object, ...]]:
    """What was counted, of every rate there is."""
    return [(r.group, r.group_b, r.design, r.comparisons, r.errors, r.rate, r.interval) for r in [*point.fmr, *point.fnmr]]


@pytest.fixture(scope="module")
def world() -> people.World:
    return two_ids(5)


@pytest.fixture(scope="module")
def evaluation(world: people.World) -> results.Evaluation:
    return evaluate(world.dataset, CARD, world.templates, OPTIONS).evaluation


def test_they_are_counted_per_group(world: people.World, evaluation: results.Evaluation) -> None:
    pairs = alike_pairs(world)
    assert len(pairs) == 20, "five people under two ids, two images of each"
    for point in points(evaluation):
        same = point.same_person
        assert same.labelled
        assert same.comparisons == len(pairs)
        assert same.by_group == {"female × Black": 20, "female × White": 0, "male × Black": 0, "male × White": 0}


def test_the_second_reading_is_the_run_without_these_comparisons(world: people.World, evaluation: results.Evaluation) -> None:
    other = evaluate(world.dataset, WITHOUT_GUARD, world.templates, OPTIONS, excluded=alike_pairs(world)).evaluation
    for point, alone in zip(points(evaluation), points(other), strict=True):
        second = point.without_likely_same_person
        assert (second.threshold, second.achieved_fmr) == (alone.threshold, alone.achieved_fmr)
        assert rates(second) == rates(alone)
        assert [(c.group, c.ratio, c.verdict) for c in second.contrasts] == [
            (c.group, c.ratio, c.verdict) for c in alone.contrasts
        ]
    assert points(evaluation)[0].threshold > points(other)[0].threshold


def test_below_half_of_the_errors_the_verdicts_are_those_of_the_labels(
    world: people.World, evaluation: results.Evaluation
) -> None:
    """Both readings are shown, and no verdict needs the second."""
    without = evaluate(world.dataset, WITHOUT_GUARD, world.templates, OPTIONS).evaluation
    for point, plain in zip(points(evaluation), points(without), strict=True):
        assert 0.05 < point.same_person.share_of_pool_errors <= 0.5
        assert point.status == "ok"
        assert point.model_copy(update={"same_person": None, "without_likely_same_person": None}) == plain


@pytest.mark.slow
def test_above_half_of_the_errors_no_verdict_stands_and_the_target_is_there() -> None:
    world = two_ids(30)
    options = Options(by=BY, targets=(5e-3,))
    e = evaluate(world.dataset, CARD, world.templates, options).evaluation
    plain = evaluate(world.dataset, WITHOUT_GUARD, world.templates, options).evaluation
    point = points(e)[0]
    assert point.same_person.share_of_pool_errors > 0.5
    assert (point.status, point.threshold) == ("contaminated", points(plain)[0].threshold)
    assert not point.same_person.refused
    assert point.contrasts
    assert {c.verdict for c in point.contrasts} <= {"inconclusive", "none"}
    nobody = two_ids(30, identity="none")
    refused = points(evaluate(nobody.dataset, CARD, nobody.templates, options).evaluation)[0]
    assert (refused.status, refused.reason, refused.threshold) == ("refused", "mostly_same_person", None)
    assert refused.same_person.refused


def test_claims_say_why_no_verdict_rests_on_such_a_threshold() -> None:
    world = two_ids(30)
    resolved = Resolved(Options(by=BY, targets=(1e-2, 5e-3, 1e-3)), claims=shipped_claims())
    tests = [
        test
        for claim in evaluate(world.dataset, CARD, world.templates, resolved).evaluation.claims
        for reading in claim.readings
        if reading.threshold in ("one", "reference")
        for test in reading.tests
        if test.threshold is not None
    ]
    assert tests
    for test in tests:
        assert test.result in ("inconclusive", "not_testable")
    assert {"mostly_same_person", "too_few_effective_errors"} & {test.reason for test in tests}


@pytest.mark.parametrize("seed", [0, 1])
def test_without_such_a_comparison_nothing_changes(seed: int) -> None:
    """The guard counts nothing, and all else is as of a model that has no such score."""
    world = two_ids(0, seed=seed)
    assert not len(alike_pairs(world))
    guarded = evaluate(world.dataset, CARD, world.templates, OPTIONS).evaluation
    plain = evaluate(world.dataset, WITHOUT_GUARD, world.templates, OPTIONS).evaluation
    assert guarded.comparisons == plain.comparisons
    for grouping, other in zip(guarded.groupings, plain.groupings, strict=True):
        assert all(point.same_person.comparisons == 0 for point in grouping.operating_points)
        clean = [point.model_copy(update={"same_person": None}) for point in grouping.operating_points]
        assert grouping.model_copy(update={"operating_points": clean}) == other


def test_the_ledger_begins_no_higher_and_thresholds_stay(world: people.World) -> None:
    """A guard below the ledger makes it deeper: every comparison above it is still there."""
    low = replace_score(CARD, 0.3)
    deep = evaluate(world.dataset, low, world.templates, Options(by=BY, targets=(5e-3,)))
    plain = evaluate(world.dataset, WITHOUT_GUARD, world.templates, Options(by=BY, targets=(5e-3,)))
    assert deep.evaluation.comparisons.ledger_floor <= plain.evaluation.comparisons.ledger_floor
    assert points(deep.evaluation)[0].threshold == points(plain.evaluation)[0].threshold
    assert rates(points(deep.evaluation)[0]) == rates(points(plain.evaluation)[0])


def replace_score(card, same_person: float):
    return card.model_copy(update={"likely_same_person": same_person})


def test_the_slider_has_a_second_reading_only_where_there_are_such_comparisons(evaluation: results.Evaluation) -> None:
    assert all(grouping.sweep.without_likely_same_person is not None for grouping in evaluation.groupings)
    world = two_ids(0)
    clean = evaluate(world.dataset, CARD, world.templates, OPTIONS).evaluation
    assert all(grouping.sweep.without_likely_same_person is None for grouping in clean.groupings)


def test_at_a_fixed_threshold_only_verdicts_on_false_matches_are_withheld() -> None:
    world = two_ids(30)
    card = toy.make_card(published=0.8, same_person=SAME)
    plain = toy.make_card(published=0.8, same_person=None)
    guarded, other = (
        points(evaluate(world.dataset, one, world.templates, Options(by=BY, targets=())).evaluation)[0] for one in (card, plain)
    )
    assert guarded.same_person.share_of_pool_errors > 0.5
    assert {c.verdict for c in guarded.contrasts if c.measure == "fmr"} <= {"inconclusive", "none"}
    kept = [[c for c in point.contrasts if c.measure == "fnmr"] for point in (guarded, other)]
    assert kept[0] == kept[1]


def test_made_up_faces_are_not_judged_by_a_score_of_real_ones(world: people.World) -> None:
    """Models were measured on pictures of people; faces that are drawn by one program are more alike than that."""
    card = world.dataset.card.model_copy(update={"synthetic": True})
    drawn = evaluate(replace(world.dataset, card=card), CARD, world.templates, OPTIONS).evaluation
    plain = evaluate(replace(world.dataset, card=card), WITHOUT_GUARD, world.templates, OPTIONS).evaluation
    assert drawn.groupings == plain.groupings
