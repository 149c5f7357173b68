"""What a threshold rests on, against plain loops over every pair of images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceparity.harness import results
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.options import Options
from faceparity.harness.runs.suspects import choose_suspects
from faceparity.harness.uncertainty.intervals import wilson_from_variance
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.threshold.pool_errors import needed_comparisons
from tests.harness import people, toy

CARD = toy.make_card(published=None)
BY = ("gender", "ethnicity")
TARGET = 1e-2
TARGETS = (0.1, TARGET)
"""At 1 % some 22 errors are expected of the smallest group, in which the sisters alone have up to 45."""


class Loop:
    """The balanced pool's comparisons, by the plainest means: of every group {(person, other person): scores}."""

    def __init__(self, world: people.World) -> None:
        dataset, vectors = world.dataset, prepare(world.templates.vectors, "cosine")
        gender, ethnicity = (dataset.attributes[name] for name in BY)
        names = [f"{gender.values[g]} × {ethnicity.values[e]}" for g, e in zip(gender.codes, ethnicity.codes, strict=True)]
        self.by_group: dict[str, dict[tuple[int, int], list[float]]] = {name: {} for name in sorted(set(names))}
        first, second = (index.astype(np.int32) for index in np.triu_indices(dataset.n_samples, 1))
        for i, j, score in zip(first, second, exact_scores(vectors, first, second, "cosine").tolist(), strict=True):
            a, b = int(dataset.subjects[i]), int(dataset.subjects[j])
            if names[i] == names[j] and a != b:
                self.by_group[names[i]].setdefault((min(a, b), max(a, b)), []).append(score)
        self.scores = {name: np.concatenate(list(found.values())) for name, found in self.by_group.items()}

    @property
    def comparisons(self) -> int:
        return sum(scores.size for scores in self.scores.values())

    def fmr(self, threshold: float) -> float:
        return float(np.mean([(scores >= np.float32(threshold)).mean() for scores in self.scores.values()]))

    def threshold(self, target: float) -> float:
        """The smallest score seen at which the pool's FMR is at most the target."""
        seen = np.unique(np.concatenate(list(self.scores.values())))[-8000:]
        return float(seen[[self.fmr(score) <= target for score in seen]][0])

    def shares(self, threshold: float) -> tuple[dict[tuple[int, int], float], dict[str, float]]:
        """The share of the pool's FMR of each pair of people, and of each group."""
        of_pair: dict[tuple[int, int], float] = {}
        of_group: dict[str, float] = {}
        for name, found in self.by_group.items():
            one = 1 / self.scores[name].size / len(self.by_group) / self.fmr(threshold)
            for pair, scores in found.items():
                part = one * sum(score >= np.float32(threshold) for score in scores)
                of_pair[pair] = of_pair.get(pair, 0.0) + part
                of_group[name] = of_group.get(name, 0.0) + part
        return of_pair, of_group


def default_targets() -> Options:
    """Options whose targets nobody named."""
    return Options.model_construct(_fields_set={"by"}, by=BY, targets=TARGETS)


def point_at(evaluation: results.Evaluation, target: float) -> results.OperatingPoint:
    return next(p for p in evaluation.groupings[-1].operating_points if p.target_fmr == target)


@pytest.fixture(scope="module")
def world() -> people.World:
    return people.sisters()


@pytest.fixture(scope="module")
def loop(world: people.World) -> Loop:
    return Loop(world)


@pytest.fixture(scope="module")
def asked(world: people.World):
    return evaluate(world.dataset, CARD, world.templates, Options(by=BY, targets=TARGETS))


def test_who_carries_the_pool_is_said_to_the_nearest_tenth(asked, loop: Loop) -> None:
    point = point_at(asked.evaluation, TARGET)
    pairs, groups = loop.shares(point.threshold)
    top = max(pairs, key=lambda pair: pairs[pair])
    assert top == people.SISTERS
    assert pairs[top] > 1 / 3
    assert point.pool_errors.share_of_one_pair == round(pairs[top], 1)
    assert point.pool_errors.group == "female × Black" == max(groups, key=lambda name: groups[name])
    assert point.pool_errors.share_of_group == round(groups["female × Black"], 1)
    text = results.to_json(asked.evaluation)
    assert repr(pairs[top])[:8] not in text, "an exact share, beside the counts, could name the pair"


def test_a_target_that_was_named_is_reported_with_its_interval_and_no_verdict(asked, loop: Loop) -> None:
    point = point_at(asked.evaluation, TARGET)
    assert point.threshold == pytest.approx(loop.threshold(TARGET), abs=1e-6)
    assert point.status == "ok"
    assert point.reason == "too_few_effective_errors"
    assert point.overall.fmr.interval is not None or point.overall.fmr.bounds is not None
    assert point.pool_errors.effective == pytest.approx(point.overall.fmr.effective_errors)
    assert point.pool_errors.effective < 10 <= point.pool_errors.expected
    assert point.pool_errors.expected == pytest.approx(TARGET * loop.comparisons)
    assert point.contrasts
    assert {c.verdict for c in point.contrasts} <= {"inconclusive", "none"}
    assert {c.reason for c in point.contrasts if c.verdict == "inconclusive"} == {"too_few_effective_errors"}


def test_a_default_target_is_refused_with_what_it_would_take(world: people.World, asked) -> None:
    options = default_targets()
    assert not options.targets_asked
    e = evaluate(world.dataset, CARD, world.templates, options).evaluation
    refused, named = point_at(e, TARGET), point_at(asked.evaluation, TARGET)
    assert (refused.status, refused.reason, refused.threshold) == ("refused", "too_few_effective_errors", None)
    assert refused.pool_errors == named.pool_errors
    assert refused.needs_comparisons > refused.pool.comparisons
    assert point_at(e, 0.1).threshold == point_at(asked.evaluation, 0.1).threshold
    assert point_at(e, 0.1).reason is None


@pytest.mark.slow
def test_strangers_in_their_place_move_no_threshold() -> None:
    """Without the likeness nothing is refused, and nobody carries the pool."""
    world = people.strangers()
    loop = Loop(world)
    options = default_targets()
    point = point_at(evaluate(world.dataset, CARD, world.templates, options).evaluation, TARGET)
    assert point.status == "ok"
    assert point.reason is None
    assert point.threshold == pytest.approx(loop.threshold(TARGET), abs=1e-6)
    assert point.pool_errors.share_of_one_pair is None
    assert max(loop.shares(point.threshold)[0].values()) < 1 / 3


def test_the_pair_that_carries_the_pool_is_among_the_suspects(asked, world: people.World, loop: Loop) -> None:
    found = choose_suspects(asked)
    subjects = asked.evidence.subjects
    pairs = {tuple(sorted((int(subjects[a]), int(subjects[b])))) for a, b in zip(found.pairs.a, found.pairs.b, strict=True)}
    assert people.SISTERS in pairs
    theirs = found.share > 0
    assert {
        tuple(sorted(pair)) for pair in zip(subjects[found.pairs.a[theirs]], subjects[found.pairs.b[theirs]], strict=True)
    } == {people.SISTERS}
    at = {target: loop.shares(point_at(asked.evaluation, target).threshold)[0].get(people.SISTERS, 0.0) for target in TARGETS}
    assert found.share.max() == pytest.approx(max(at.values()))
    lowest = min(point_at(asked.evaluation, target).threshold for target in TARGETS if at[target] >= 0.05)
    assert theirs.sum() == sum(score >= np.float32(lowest) for score in loop.by_group["female × Black"][people.SISTERS])


def test_a_target_of_which_too_few_errors_are_expected_names_nobody() -> None:
    """Of the default ones 0.1 % would have three errors: all of one pair, which says nothing of it."""
    world = people.make_world({("female", "A"): 60, ("male", "A"): 60}, images={0: 2, 1: 2}, alike={(0, 1): 0.0}, seed=5)
    made = evaluate(world.dataset, CARD, world.templates, Options(by=BY))
    assert point_at(made.evaluation, 1e-3).reason == "too_few_comparisons_for_target"
    pairs, _ = Loop(world).shares(_tried(world, 1e-2))
    assert choose_suspects(made).share.max() == pytest.approx(pairs[0, 1])
    assert pairs[0, 1] < 0.5


def _tried(world: people.World, target: float) -> float:
    named = evaluate(world.dataset, CARD, world.templates, Options(by=BY, targets=(target,)))
    threshold = point_at(named.evaluation, target).threshold
    assert threshold is not None
    return threshold


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_of_few_groups_none_is_said_to_carry_what_it_must(groups: int) -> None:
    """Of two equal groups one has half of the errors, whoever they are."""
    sizes = dict(list({("female", "A"): 120, ("female", "B"): 120, ("female", "C"): 120}.items())[:groups])
    world = people.make_world(sizes, seed=3)
    e = evaluate(world.dataset, CARD, world.templates, Options(by=("ethnicity",), targets=(1e-2,))).evaluation
    assert point_at(e, 1e-2).pool_errors.group is None


def test_a_small_group_is_not_named() -> None:
    """In the pool of all pairs twenty people with one face between them carry nearly all errors."""
    world = people.make_world({("female", "A"): 150, ("male", "B"): 20}, alike={(150, k): 0.3 for k in range(151, 170)}, seed=4)
    e = evaluate(world.dataset, CARD, world.templates, Options(by=BY, targets=(1e-2,), pool="all")).evaluation
    assert point_at(e, 1e-2).pool_errors.group is None
    larger = people.make_world({("female", "A"): 150, ("male", "B"): 40}, alike={(150, k): 0.3 for k in range(151, 190)}, seed=4)
    e = evaluate(larger.dataset, CARD, larger.templates, Options(by=BY, targets=(1e-2,), pool="all")).evaluation
    point = point_at(e, 1e-2)
    assert point.pool_errors.group == "male × B"
    assert point.pool_errors.share_of_group >= 0.9


@pytest.mark.parametrize(("pair", "shared"), [(4e-8, 0.0), (0.0, 4e-8), (1e-8, 3e-8)])
def test_the_comparisons_needed_give_ten_effective_errors(pair: float, shared: float) -> None:
    """With m times the people `pair` falls to 1/m² and `shared` to 1/m, and comparisons rise to m²."""
    rate, comparisons = 2e-4, 50_000
    now = Estimate(300, None, comparisons, 10, rate, plain_variance=pair + shared, shared_variance=shared)
    assert now.effective_errors < 10
    m = (needed_comparisons(now) / comparisons) ** 0.5
    then = replace(now, plain_variance=pair / m**2 + shared / m, shared_variance=shared / m)
    assert then.effective_errors == pytest.approx(10, rel=1e-3)
    assert wilson_from_variance(rate, pair + shared, 299)[1] > wilson_from_variance(rate, pair / m**2 + shared / m, 299)[1]
