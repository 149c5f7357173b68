"""Watchlists on made-up templates: every figure against a plain count over lists, failures, labels that are missing, gates, refusals."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness import results
from faceparity.harness.evaluation import evaluate as evaluation
from faceparity.harness.evaluation.preflight import preflight
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.metrics.watchlist import fpir_of_fmr, predicted_fpir
from faceparity.harness.options import Options
from faceparity.harness.scenarios.base.context import ScenarioContext
from faceparity.harness.scenarios.base.schema import Watchlist
from faceparity.harness.scenarios.dispatch import evaluate_scenarios
from faceparity.harness.scenarios.watchlist.list_composition import allocate
from faceparity.harness.templates.extract import Templates
from tests.harness.toy import make_card, make_dataset, make_templates

FIXED = 0.6


def declared(**changes: Any) -> Watchlist:
    base: dict[str, Any] = {
        "kind": "watchlist",
        "name": "w",
        "by": ["gender"],
        "threshold": {"fixed": FIXED},
        "watchlist": {"people": 60},
        "crowd": {"people": 1000, "watchlisted": 0.05},
        "draws": 40,
    }
    return Watchlist.model_validate({**base, **changes})


@cache
def compared(name: str) -> ScenarioContext:
    """The comparisons of a made-up set, made once. name: of one in `MADE`."""
    seen: list[ScenarioContext] = []
    dataset, templates = MADE[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "evaluate_scenarios", lambda _, setting: seen.append(setting) or [])
        options = Options(by=("gender", "ethnicity"), targets=(0.05,))
        evaluation.evaluate(dataset, make_card(published=FIXED), templates, options)
    return seen[0]


MADE: dict[str, tuple[Dataset, Templates]] = {}


def run(dataset: Dataset, templates: Templates, *scenarios: Watchlist) -> list[results.WatchlistScenario]:
    name = next((n for n, (d, t) in MADE.items() if d is dataset and t is templates), f"set {len(MADE)}")
    MADE[name] = (dataset, templates)
    found = evaluate_scenarios(scenarios, compared(name))
    return [results.WatchlistScenario.model_validate_json(s.model_dump_json()) for s in found]


@pytest.fixture(scope="module")
def toy() -> tuple[Dataset, Templates]:
    dataset = make_dataset(11, 200, 2, unlabelled=0.05)
    return dataset, make_templates(dataset, 11, failed=0.1)


def people_of(dataset: Dataset, templates: Templates) -> dict[int, tuple[int, list[int]]]:
    """Person → gender and rows of templates; those with a label and a template."""
    out: dict[int, tuple[int, list[int]]] = {}
    for row, sample in enumerate(templates.samples.tolist()):
        gender = int(dataset.attributes["gender"].codes[sample])
        if gender >= 0:
            out.setdefault(int(dataset.subjects[sample]), (gender, []))[1].append(row)
    return out


def similarities(templates: Templates) -> np.ndarray:
    v = templates.vectors.astype(float)
    v = v / np.linalg.norm(v, axis=1, keepdims=True)
    return (v @ v.T).astype(np.float32)


def test_rates_against_lists_drawn_by_a_plain_loop(toy: tuple[Dataset, Templates]) -> None:
    """FPIR, FNIR and selectivity: 150 lists, each person's image drawn, everybody else searched."""
    (s,) = run(*toy, declared())
    assert s.reading is not None
    assert (s.reason, s.listed, s.listed_images) == (None, 60, 60.0)
    people, score = people_of(*toy), similarities(toy[1])
    rng = np.random.default_rng(1)
    listed = {g: x.listed for g, x in enumerate(s.reading.groups)}
    assert sum(listed.values()) == 60
    stopped, walked, found = np.zeros(2), np.zeros(2), np.zeros(2)
    names = [n for n, (_, rows) in people.items() if rows]
    by_gender = [[n for n in names if people[n][0] == g] for g in (0, 1)]
    for _ in range(150):
        image = {n: people[n][1][int(rng.integers(len(people[n][1])))] for n in names}
        on = {int(n) for g in (0, 1) for n in rng.choice(by_gender[g], listed[g], replace=False)}
        enrolled = [image[n] for n in on]
        for n in names:
            if n not in on:
                hits = int((score[image[n], enrolled] >= np.float32(FIXED)).sum())
                walked[people[n][0]] += 1
                stopped[people[n][0]] += hits > 0
                found[people[n][0]] += hits
    for g, x in enumerate(s.reading.groups):
        assert x.people == len(by_gender[g])
        assert x.fpir.comparisons == x.people
        error = np.sqrt(stopped[g]) / walked[g]
        assert x.fpir.rate == pytest.approx(stopped[g] / walked[g], abs=6 * error)
        assert x.selectivity == pytest.approx(found[g] / walked[g], abs=6 * error)
        mates = [(people[n][1][0], people[n][1][1]) for n in by_gender[g] if len(people[n][1]) == 2]
        missed = sum(score[a, b] < np.float32(FIXED) for a, b in mates)
        assert x.fnir is not None
        assert (x.fnir.comparisons, x.fnir.errors) == (len(mates), missed)
        assert x.fnir.rate == pytest.approx(missed / len(mates))


def test_alerts_follow_from_the_rates(toy: tuple[Dataset, Templates]) -> None:
    (s,) = run(*toy, declared(crowd={"people": 1000, "watchlisted": 0.05, "make_up": {"female": 0.8, "male": 0.2}}))
    assert s.reading is not None
    r = s.reading
    assert [x.crowd_share for x in r.groups] == [0.8, 0.2]
    for x in r.groups:
        assert x.fpir.rate is not None
        assert x.fnir is not None
        assert x.fnir.rate is not None
        assert x.false_alerts == pytest.approx(950 * x.crowd_share * x.fpir.rate)
        assert x.true_alerts == pytest.approx(50 * x.listed / 60 * (1 - x.fnir.rate))
        assert x.precision == pytest.approx(x.true_alerts / (x.true_alerts + x.false_alerts))
        assert x.share_interval is not None
        assert x.share_of_false_alerts is not None
        assert x.share_interval[0] < x.share_of_false_alerts < x.share_interval[1]
    assert r.overall.fpir.rate == pytest.approx(sum(x.crowd_share * (x.fpir.rate or 0) for x in r.groups))
    assert r.overall.false_alerts == pytest.approx(sum(x.false_alerts or 0 for x in r.groups))
    assert r.overall.true_alerts == pytest.approx(sum(x.true_alerts or 0 for x in r.groups))
    assert sum(x.share_of_false_alerts or 0 for x in r.groups) == pytest.approx(1)
    assert r.overall.spread is not None
    assert r.overall.precision_interval is not None


def test_formula_is_that_of_the_rates_between_groups(toy: tuple[Dataset, Templates]) -> None:
    (s,) = run(*toy, declared())
    dataset, templates = toy
    assert s.reading is not None
    person = dataset.subjects[templates.samples]
    gender = dataset.attributes["gender"].codes[templates.samples]
    a, b = np.triu_indices(person.size, 1)
    apart = person[a] != person[b]
    a, b = a[apart], b[apart]
    match = similarities(templates)[a, b] >= np.float32(FIXED)
    fmr = np.zeros((2, 2))
    for g in (0, 1):
        for h in (0, 1):
            of = ((gender[a] == g) & (gender[b] == h)) | ((gender[a] == h) & (gender[b] == g))
            fmr[g, h] = match[of].mean()
    listed = [x.listed for x in s.reading.groups]
    for g, x in enumerate(s.reading.groups):
        assert x.predicted_fpir == pytest.approx(predicted_fpir(fmr[g].tolist(), listed))
        assert x.predicted_selectivity == pytest.approx(float(fmr[g] @ listed))
        assert x.fpir.rate is not None
        assert x.fpir.rate <= (x.predicted_fpir or 0) * 1.02, "comparisons with one person are alike"


def test_failures_count(toy: tuple[Dataset, Templates]) -> None:
    (s,) = run(*toy, declared())
    assert s.reading is not None
    dataset, templates = toy
    known = dataset.attributes["gender"].codes >= 0
    assert s.unlabelled == int((~known).sum())
    failed = set(dataset.subjects[known].tolist()) - set(people_of(*toy))
    assert s.without_template == len(failed)
    x = s.reading.overall
    assert x.fpir.rate is not None
    assert x.fpir.rate_including_failures is not None
    share = (templates.status == "ok")[known].mean()
    assert x.fpir.rate_including_failures == pytest.approx(x.fpir.rate * share, rel=0.08)
    score = similarities(templates)
    for g, found in enumerate(s.reading.groups):
        missed = []  # listed is an image with a template; searched is the other, which may have none
        for gender, rows in people_of(dataset, templates).values():
            if gender == g:
                missed.append(1.0 if len(rows) == 1 else float(score[rows[0], rows[1]] < np.float32(FIXED)))
        assert found.fnir is not None
        assert found.fnir.rate_including_failures == pytest.approx(np.mean(missed))
        assert np.mean(missed) > (found.fnir.rate or 0) + 0.05


def test_curve_is_measured_to_its_end_and_then_only_said_by_the_formula(toy: tuple[Dataset, Templates]) -> None:
    (s,) = run(*toy, declared())
    assert s.reading is not None
    sizes = [z.people for z in s.sizes]
    assert sizes == sorted(sizes)
    assert 60 in sizes
    people = sum(x.people for x in s.reading.groups)
    assert people - 8 < sizes[-1] < people
    here = next(z for z in s.sizes if z.people == 60)
    assert here.groups[-1].fpir == s.reading.overall.fpir.rate
    overall = [z.groups[-1].fpir or 0 for z in s.sizes]
    assert overall == sorted(overall)
    assert all(z.people > sizes[-1] and all(a.fpir is None for a in z.groups) for z in s.extrapolation)
    assert all(a.predicted_fpir is not None for z in s.extrapolation for a in z.groups)


def test_frames_are_searched_if_people_have_so_many_images(toy: tuple[Dataset, Templates]) -> None:
    one, two, three = run(
        *toy,
        declared(),
        declared(name="two", crowd={"frames": 2}, watchlist={"people": 40}),
        declared(name="three", crowd={"frames": 3}),
    )
    assert (one.frames_measured, two.frames_measured, three.frames_measured) == (1, 2, 1)
    assert one.reading is not None
    assert two.reading is not None
    assert three.reading is not None
    assert (three.reading.overall.predicted_fpir or 0) > (one.reading.overall.predicted_fpir or 0)
    assert three.reading.overall.fpir.rate == one.reading.overall.fpir.rate
    rate = two.reading.overall.fpir.rate or 0
    single = next(z for z in one.sizes if z.people == 50).groups[-1].fpir or 0
    assert rate > single * 1.1, "two images of a person match more of the list than one"


def test_a_list_with_all_images_stops_more(toy: tuple[Dataset, Templates]) -> None:
    one, every = run(*toy, declared(), declared(name="all", watchlist={"people": 60, "images": "all"}))
    assert one.reading is not None
    assert every.reading is not None
    assert (every.reading.overall.fpir.rate or 0) > (one.reading.overall.fpir.rate or 0)
    assert (every.listed_images or 0) > 80


def test_threshold_at_a_target_fpir_is_the_smallest_score_that_keeps_it(toy: tuple[Dataset, Templates]) -> None:
    (s,) = run(*toy, declared(threshold={"target_fpir": 0.1}))
    assert s.threshold is not None
    assert s.reading is not None
    t = s.threshold
    assert t.threshold is not None
    assert t.achieved_fpir is not None
    assert t.achieved_fpir == pytest.approx(s.reading.overall.fpir.rate)
    assert t.achieved_fpir <= 0.1
    assert s.reading.overall.fpir.conditional_on_threshold
    scores = similarities(toy[1])
    below = float(scores[scores < np.float32(t.threshold) - 1e-6].max())
    (lower,) = run(*toy, declared(threshold={"fixed": below}))
    assert lower.reading is not None
    assert (lower.reading.overall.fpir.rate or 0) >= t.achieved_fpir


@pytest.mark.parametrize(
    ("threshold", "reason"),
    [
        ({"target_fpir": 0.01}, "too_few_comparisons_for_target"),
        ({"target_fmr": 1e-9}, "too_few_comparisons_for_target"),
        ({"fixed": -0.99}, "below_ledger"),
        ({"target_fpir": 0.999}, "below_ledger"),
    ],
)
def test_what_the_comparisons_do_not_allow_is_a_reason(
    toy: tuple[Dataset, Templates], threshold: dict[str, float], reason: str
) -> None:
    (s,) = run(*toy, declared(threshold=threshold, watchlist={"people": 4}))
    assert s.reason == reason
    assert s.reading is None
    assert not s.sizes
    if reason == "too_few_comparisons_for_target":
        assert s.threshold is not None
        assert s.threshold.needs


def test_no_published_threshold_is_a_reason(toy: tuple[Dataset, Templates]) -> None:
    """Through the whole evaluation, which also checks the record."""
    options = Resolved(
        Options(by=("gender",), targets=(0.05,)), scenarios=(declared(threshold={"published": True}), declared(name="v"))
    )
    none, some = evaluation.evaluate(toy[0], make_card(published=None), toy[1], options).evaluation.scenarios
    assert (none.name, none.reason) == ("w", "no_published_threshold")
    assert (some.name, some.reason) == ("v", None)


def test_set_without_subject_labels_has_both_readings_and_no_fnir() -> None:
    dataset = make_dataset(5, 400, 1, identity="none")
    templates = make_templates(dataset, 5)
    vectors = templates.vectors.copy()
    vectors[1:20:2] = vectors[0:20:2]  # ten people are in it twice
    (s,) = run(dataset, replace(templates, vectors=vectors), declared())
    assert s.reading is not None
    assert s.without_likely_same_person is not None
    assert s.likely_same_person >= 10
    assert s.reading.overall.fnir is not None
    assert (s.reading.overall.fnir.rate, s.reading.overall.fnir.reason) == (None, "no_mated_pairs")
    assert s.reading.overall.precision is None
    first, second = s.reading.overall.fpir.rate, s.without_likely_same_person.overall.fpir.rate
    assert first is not None
    assert second is not None
    assert second < first
    (target,) = run(dataset, replace(templates, vectors=vectors), declared(threshold={"target_fpir": 0.026}))
    if target.reason is None:
        assert target.threshold is not None
        assert (target.threshold.threshold or 0) < 0.9


def test_target_where_most_matches_are_one_person_is_refused() -> None:
    dataset = make_dataset(5, 1200, 1, identity="none")
    templates = make_templates(dataset, 5, dimensions=64)
    vectors = templates.vectors.copy()
    vectors[1:120:2] = vectors[0:120:2]
    (s,) = run(dataset, replace(templates, vectors=vectors), declared(watchlist={"people": 600}, threshold={"target_fpir": 0.06}))
    assert s.reason == "mostly_same_person"


def test_people_in_several_groups_are_left_out_and_counted(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    gender = dataset.attributes["gender"]
    codes = gender.codes.copy()
    both = np.flatnonzero((dataset.subjects < 5) & (codes >= 0))
    codes[both] = both % 2
    changed = {**dataset.attributes, "gender": Attribute("gender", gender.values, codes, of="sample")}
    (s,) = run(replace(dataset, attributes=changed), templates, declared())
    assert s.several_groups == len(set(dataset.subjects[both].tolist()))
    (before,) = run(*toy, declared())
    assert s.reading is not None
    assert before.reading is not None
    gone = sum(x.people for x in before.reading.groups) - sum(x.people for x in s.reading.groups)
    assert 0 < gone <= s.several_groups


def test_a_group_of_few_people_is_not_shown_but_is_on_the_list(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    codes = dataset.attributes["gender"].codes.copy()
    codes[(codes >= 0) & (dataset.subjects >= 20)] = 1
    changed = {**dataset.attributes, "gender": Attribute("gender", ("female", "male"), codes)}
    (s,) = run(replace(dataset, attributes=changed), templates, declared())
    assert s.reading is not None
    few = s.reading.groups[0]
    assert few.people < 30
    assert few.listed > 0
    assert (few.fpir.status, few.fpir.rate, few.false_alerts, few.selectivity, few.spread) == (
        "suppressed",
        None,
        None,
        None,
        None,
    )
    assert few.share_of_false_alerts is None
    assert all(a.fpir is None for z in s.sizes for a in z.groups if a.group == few.group)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"watchlist": {"people": 1000}}, "the data has"),
        ({"watchlist": {"share": 0.999}}, "write a smaller one"),
        ({"watchlist": {"people": 150, "make_up": {"female": 1.0}}}, "of female are wanted on the list"),
        ({"watchlist": {"people": 10, "make_up": {"woman": 1.0}}}, "no group is called 'woman'; there are female, male"),
        ({"crowd": {"make_up": {"other": 1.0}}}, "crowd.make_up: no group is called 'other'"),
        ({"by": ["height"]}, "the run has no such groups"),
    ],
)
def test_what_the_data_has_no_people_for_is_refused_before_the_run(
    toy: tuple[Dataset, Templates], changes: dict[str, Any], told: str
) -> None:
    dataset = toy[0]
    with pytest.raises(UserError, match="scenario w on toy: ") as error:
        preflight(dataset, Resolved(Options(by=("gender", "ethnicity")), scenarios=(declared(**changes),)))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_make_up_that_only_extraction_failures_break_is_a_reason(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    n = int((np.bincount(dataset.subjects[dataset.attributes["gender"].codes >= 0]) > 0).sum()) - 5
    scenario = declared(watchlist={"people": n})
    preflight(dataset, Resolved(Options(by=("gender", "ethnicity")), scenarios=(scenario,)))
    half = make_templates(dataset, 11, failed=0.6)
    (s,) = run(dataset, half, scenario)
    assert s.reason == "too_few_subjects"
    assert "write a smaller one" in s.detail
    assert templates.samples.size


def test_people_are_allotted_by_largest_remainder_where_there_is_room() -> None:
    shares = np.array([0.5, 0.3, 0.2])
    assert allocate(10, shares, np.array([9, 9, 9])).tolist() == [5, 3, 2]
    assert allocate(4, shares, np.array([9, 9, 9])).tolist() == [2, 1, 1]
    assert allocate(10, shares, np.array([2, 9, 9])).tolist() == [2, 5, 3]
    assert allocate(5, np.array([1.0, 0.0, 0.0]), np.array([9, 9, 9])).tolist() == [5, 0, 0]


def test_formula_keeps_its_digits() -> None:
    assert fpir_of_fmr(1e-18, 10) == pytest.approx(1e-17, rel=1e-12)
    assert predicted_fpir([1.0, 0.0], [0, 5]) == 0.0
    assert predicted_fpir([1.0], [1]) == 1.0
