"""The whole evaluation against plain loops over every pair."""

from __future__ import annotations

from itertools import combinations

import jsonschema
import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.options import Options
from faceparity.harness.uncertainty import intervals
from tests.harness import toy

LABELS = ("gender", "ethnicity")


class Loop:
    """Every pair of samples, by the plainest means: (i, j, score or None if one failed)."""

    def __init__(self, dataset, templates) -> None:
        vectors = dict(zip(templates.samples.tolist(), prepare(templates.vectors, "cosine"), strict=True))
        self.subjects = dataset.subjects
        self.labels = {
            a: [dataset.attributes[a].values[c] if c >= 0 else None for c in dataset.attributes[a].codes] for a in LABELS
        }
        self.pairs = []
        for i, j in combinations(range(dataset.n_samples), 2):
            score = None
            if i in vectors and j in vectors:
                both = np.stack([vectors[i], vectors[j]])
                score = exact_scores(both, np.array([0], np.int32), np.array([1], np.int32), "cosine")[0]
            self.pairs.append((i, j, score))

    def group(self, i, attributes):
        values = [self.labels[a][i] for a in attributes]
        return None if None in values else " × ".join(values)

    def within(self, attributes, group, mated, other=None):
        """Scores of comparisons inside a group, or between two."""
        for i, j, s in self.pairs:
            pair = {self.group(i, attributes), self.group(j, attributes)}
            if pair == {group, other or group} and (self.subjects[i] == self.subjects[j]) == mated:
                yield i, j, s


@pytest.fixture(scope="module")
def case():
    dataset = toy.make_dataset(1, 160, 2, unlabelled=0.05)
    templates = toy.make_templates(dataset, 2, failed=0.04)
    made = evaluate(dataset, toy.make_card(), templates, Options(targets=(1e-2, 1e-6)))
    return dataset, templates, made.evaluation, Loop(dataset, templates)


def test_threshold_at_target_is_the_smallest_score_that_meets_it(case) -> None:
    _, _, e, loop = case
    point = e.groupings[-1].operating_points[0]
    by_group = [np.array([s for _, _, s in loop.within(LABELS, g.group, False) if s is not None]) for g in point.pool.groups]
    assert len(by_group) == 4, "each of the four groups has 30 people"
    assert [g.comparisons for g in point.pool.groups] == [s.size for s in by_group]

    def pool_fmr(t):
        return np.mean([(s >= np.float32(t)).mean() for s in by_group])

    assert pool_fmr(point.threshold) <= 1e-2 * (1 + 1e-9)
    assert point.achieved_fmr == pytest.approx(pool_fmr(point.threshold))
    lower = np.concatenate(by_group)
    lower = lower[lower < np.float32(point.threshold)].max()
    assert pool_fmr(lower) > 1e-2, "the next lower observed score does not meet it"


def test_every_rate_equals_a_count(case) -> None:
    _, _, e, loop = case
    seen = 0
    for grouping in e.groupings:
        for point in grouping.operating_points:
            if point.threshold is None:
                continue
            t = np.float32(point.threshold)
            for measure, rates in (("fmr", [*point.fmr, *point.fmr_matrix]), ("fnmr", point.fnmr)):
                for rate in rates:
                    if rate.design == "matched":
                        continue
                    rows = list(loop.within(grouping.attributes, rate.group, measure == "fnmr", rate.group_b))
                    scores = np.array([s for _, _, s in rows if s is not None])
                    wrong = (scores >= t).sum() if measure == "fmr" else (scores < t).sum()
                    failed = sum(s is None for _, _, s in rows)
                    assert rate.comparisons == scores.size
                    assert rate.errors == wrong
                    if wrong:
                        assert rate.rate == pytest.approx(wrong / scores.size)
                        including = wrong if measure == "fmr" else wrong + failed
                        assert rate.rate_including_failures == pytest.approx(including / len(rows))
                        seen += 1
    assert seen > 30


def test_matched_rate_is_the_mean_over_cells(case) -> None:
    _, _, e, _ = case
    finest = e.groupings[-1].operating_points[0]
    cells = {r.group: r.rate for r in finest.fmr}
    gender = e.groupings[0].operating_points[0]
    for rate in gender.fmr:
        if rate.design == "matched":
            assert rate.rate == pytest.approx(np.mean([cells[f"{rate.group} × {x}"] for x in ("Black", "White")]))
    assert {r.design for r in gender.fmr} == {"matched", "as_sampled"}
    assert all(c.design == "matched" for c in gender.contrasts)


def test_interval_is_wilson_by_subjects_from_every_pair_of_comparisons(case) -> None:
    """The dyadic plug-in as a double loop over comparisons that share a subject, the jackknife by really leaving out."""
    _, _, e, loop = case
    point = e.groupings[0].operating_points[0]
    rate = next(r for r in point.fmr if r.design == "as_sampled" and r.subjects >= 50 and r.errors >= 10)
    rows = [(i, j, s) for i, j, s in loop.within(["gender"], rate.group, False) if s is not None]
    people = [tuple(sorted((loop.subjects[i], loop.subjects[j]))) for i, j, _ in rows]
    wrong = np.array([s >= np.float32(point.threshold) for *_, s in rows], float)
    p, m = wrong.mean(), wrong.size
    residual: dict[tuple[int, int], float] = {}
    for pair, w in zip(people, wrong, strict=True):
        residual[pair] = residual.get(pair, 0.0) + w - p
    same = sum(r * r for r in residual.values())
    crossed = sum(2 * residual[x] * residual[y] for x, y in combinations(residual, 2) if set(x) & set(y))
    dyadic = (same + max(crossed, 0)) / m**2
    ids = sorted({s for pair in people for s in pair})
    without = np.array([wrong[[k not in pair for pair in people]].mean() for k in ids])
    jackknife = (len(ids) - 1) / len(ids) * ((without - without.mean()) ** 2).sum()
    v = max(p * (1 - p) / m, dyadic, jackknife)
    low, high = intervals.wilson(p, p * (1 - p) / v, intervals.quantile_t(len(ids) - 1))
    assert rate.subjects == len(ids)
    assert rate.interval == pytest.approx((low, high))
    assert rate.effective_errors == pytest.approx(p * p * (1 - p) / max(p * (1 - p) / m, dyadic))


def test_a_target_the_pool_cannot_support_is_refused_with_what_it_would_take(case) -> None:
    _, _, e, _ = case
    point = e.groupings[0].operating_points[1]
    assert (point.status, point.reason, point.threshold) == ("refused", "too_few_comparisons_for_target", None)
    assert point.needs_comparisons == 10_000_000
    assert not point.fmr


def test_failures_are_counted_by_group(case) -> None:
    dataset, templates, e, loop = case
    failed = templates.status != "ok"
    assert e.extraction.overall.errors == failed.sum()
    assert e.extraction.no_face == failed.sum()
    for by in e.extraction.by_group:
        for rate in by.rates:
            mine = [loop.group(i, by.attributes) == rate.group for i in range(dataset.n_samples)]
            assert rate.comparisons == sum(mine)
            if rate.errors:
                assert rate.rate == pytest.approx(failed[mine].mean())


def test_published_threshold_is_kept_in_the_models_own_unit(case) -> None:
    _, _, e, _ = case
    point = e.groupings[0].operating_points[-1]
    assert (point.origin, point.native_threshold, point.threshold) == ("published", 0.5, 0.5)


def test_record_follows_its_schema_and_survives_a_round_trip(case) -> None:
    _, _, e, _ = case
    import json

    text = results.to_json(e)
    jsonschema.validate(json.loads(text), results.json_schema())
    assert results.from_json(text) == e
    assert results.to_json(results.from_json(text)) == text


def test_same_inputs_same_bytes_for_any_number_of_workers(case) -> None:
    dataset, templates, e, _ = case
    other = evaluate(dataset, toy.make_card(), templates, Options(targets=(1e-2, 1e-6), workers=3)).evaluation
    same = {"provenance": e.provenance}
    assert results.to_json(other.model_copy(update=same)) == results.to_json(e)


def test_relabelling_a_group_moves_its_rates_with_it(case) -> None:
    dataset, templates, e, _ = case
    from dataclasses import replace

    gender = dataset.attributes["gender"]
    swapped = replace(gender, codes=np.where(gender.codes >= 0, 1 - gender.codes, -1).astype(np.int32))
    other = evaluate(
        replace(dataset, attributes={**dataset.attributes, "gender": swapped}),
        toy.make_card(),
        templates,
        Options(targets=(1e-2,)),
    ).evaluation
    name = {"female": "male", "male": "female"}
    mine = {r.group: (r.comparisons, r.errors) for r in e.groupings[0].operating_points[0].fmr if r.design == "as_sampled"}
    theirs = {r.group: (r.comparisons, r.errors) for r in other.groupings[0].operating_points[0].fmr if r.design == "as_sampled"}
    assert mine == {name[g]: counts for g, counts in theirs.items()}
    assert mine["female"] != mine["male"]


def test_hidden_repeats_are_flagged_and_both_readings_given() -> None:
    """A set without subject labels in which one person in four has a second picture under another name."""
    dataset = toy.make_dataset(4, 400, 1, identity="none")
    templates = toy.make_templates(dataset, 5)
    vectors = templates.vectors.copy()
    codes = np.stack([dataset.attributes[a].codes for a in LABELS], axis=1)
    rng = np.random.default_rng(0)
    repeats = 0
    for i in range(0, 100):
        twin = next(j for j in range(200, 400) if (codes[j] == codes[i]).all() and j % 100 != 0)
        vectors[200 + i] = (
            vectors[i] + 0.05 * rng.normal(size=vectors.shape[1]) if (codes[200 + i] == codes[i]).all() else vectors[200 + i]
        )
        repeats += (codes[200 + i] == codes[i]).all()
        assert twin
    from dataclasses import replace

    e = evaluate(dataset, toy.make_card(), replace(templates, vectors=vectors), Options(targets=(1e-2,))).evaluation
    assert repeats > 15
    point = e.groupings[-1].operating_points[0]
    assert sum(point.same_person.by_group.values()) == repeats
    assert point.status == "contaminated"
    second = point.without_likely_same_person
    assert second.threshold < point.threshold
    assert sum(r.comparisons for r in second.fmr) == sum(r.comparisons for r in point.fmr) - repeats
    called = {(c.group, c.verdict) for c in point.contrasts if c.verdict in ("higher", "lower")}
    assert called <= {(c.group, c.verdict) for c in second.contrasts}
    assert not e.groupings[-1].operating_points[0].fnmr, "mated rates don't exist without subject labels"
    refused = evaluate(dataset, toy.make_card(), replace(templates, vectors=vectors), Options(targets=(1.2e-3,))).evaluation
    assert refused.groupings[-1].operating_points[0].reason == "mostly_same_person"


def test_small_groups_leave_unless_the_labels_are_public() -> None:
    dataset = toy.make_dataset(7, 60, 1, public=False)
    from dataclasses import replace

    rare = dataset.attributes["ethnicity"]
    codes = np.ones(60, np.int32)
    codes[:4], codes[4:9] = 0, 2
    rare = replace(rare, values=("Black", "White", "Z"), codes=codes)
    hidden = replace(dataset, attributes={**dataset.attributes, "ethnicity": rare})
    templates = toy.make_templates(hidden, 8)
    e = evaluate(hidden, toy.make_card(), templates, Options(by=("ethnicity",), targets=(1e-2,))).evaluation
    names = [g.group for g in e.groupings[0].groups]
    assert names == ["White"]
    assert e.groupings[0].groups[0].subjects == e.dataset.subjects == 51
    assert e.dataset.subjects_left_out == 9
    assert '"Z"' not in results.to_json(e)


def test_options_that_do_not_fit_are_refused_in_one_line(case) -> None:
    dataset, templates, *_ = case
    for options, word in (
        (Options(by=("shoe",)), "shoe"),
        (Options(pool="gender=robot"), "robot"),
        (Options(pool="everyone"), "everyone"),
        (Options(references=("gender",)), "ATTRIBUTE=VALUE"),
        (Options(references=("gender=robot",)), "robot"),
    ):
        with pytest.raises(UserError, match=word) as caught:
            evaluate(dataset, toy.make_card(), templates, options)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pool", ["all", "ethnicity=White"])
def test_other_pools(case, pool: str) -> None:
    dataset, templates, _, loop = case
    e = evaluate(dataset, toy.make_card(), templates, Options(targets=(1e-2,), pool=pool)).evaluation
    point = e.groupings[-1].operating_points[0]
    if pool == "all":
        scores = [s for i, j, s in loop.pairs if s is not None and loop.subjects[i] != loop.subjects[j]]
    else:
        scores = [s for _, _, s in loop.within(["ethnicity"], "White", False) if s is not None]
    fmr = (np.array(scores) >= np.float32(point.threshold)).mean()
    assert point.pool.comparisons == len(scores)
    assert point.achieved_fmr == pytest.approx(fmr)
    assert fmr <= 1e-2
    assert point.overall.fmr.rate == pytest.approx(fmr)


@pytest.mark.slow
@pytest.mark.parametrize("case_name", ["one group", "no template at all", "one subject", "all alike", "groups of one"])
def test_degenerate_data_gives_reasons_not_numbers(case_name: str) -> None:
    from dataclasses import replace

    dataset = toy.make_dataset(3, 1 if case_name == "one subject" else 40, 2)
    templates = toy.make_templates(dataset, 3, failed=1.0 if case_name == "no template at all" else 0.0)
    attributes = dict(dataset.attributes)
    if case_name == "one group":
        attributes = {a: replace(x, codes=np.zeros_like(x.codes)) for a, x in attributes.items()}
    if case_name == "groups of one":
        gender = attributes["gender"]
        attributes["gender"] = replace(gender, values=tuple(f"g{i:02d}" for i in range(40)), codes=dataset.subjects.copy())
    if case_name == "all alike":
        templates = replace(templates, vectors=np.ones_like(templates.vectors))
    dataset = replace(dataset, attributes=attributes)
    with np.errstate(all="raise"):
        e = evaluate(dataset, toy.make_card(), templates, Options(targets=(1e-2,))).evaluation
    results.to_json(e)
    point = e.groupings[-1].operating_points[0]
    if case_name != "one group":
        assert point.status == "refused"
        assert point.threshold is None
        assert point.detail
