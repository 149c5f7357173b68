"""Counts and intervals where attributes belong to the picture: groups share people, images repeat, some fail, labels are missing."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from faceparity.datasets.schema.dataset import Attribute
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.options import Options
from faceparity.harness.uncertainty import intervals, variance
from faceparity.harness.uncertainty.few_errors import upper_bound
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.estimate import Estimate
from tests.harness import toy

PUBLISHED = 0.05
"""A threshold of which float32 is a little above float64: the ledger begins at it, and holds all its errors."""


class Case:
    """A set in which the age group belongs to the picture, evaluated; and all its comparisons, one by one."""

    def __init__(self) -> None:
        self.dataset, templates = _data()
        self.face_size = templates.covariates["face_size"]
        options = Options(by=("gender", "age_group"), targets=(1e-2,))
        self.evaluation = evaluate(self.dataset, toy.make_card(published=PUBLISHED), templates, options).evaluation
        vectors = dict(zip(templates.samples.tolist(), prepare(templates.vectors, "cosine"), strict=True))
        photos = {tuple(sorted(p)) for p in self.dataset.same_photo.tolist()}
        rows = []
        for i, j in combinations(range(self.dataset.n_samples), 2):
            both = i in vectors and j in vectors
            if (i, j) in photos or (both and templates.pixels[i] == templates.pixels[j]):
                continue
            pair = np.stack([vectors[i], vectors[j]]) if both else None
            zero, one = np.array([0], np.int32), np.array([1], np.int32)
            rows.append((i, j, np.nan if pair is None else exact_scores(pair, zero, one, "cosine")[0]))
        columns = np.array(rows).T
        self.i, self.j, self.score = columns[0].astype(int), columns[1].astype(int), columns[2].astype(np.float32)
        self.mated = self.dataset.subjects[self.i] == self.dataset.subjects[self.j]

    def group(self, attributes: list[str]) -> np.ndarray:
        chosen = [self.dataset.attributes[a] for a in attributes]
        codes = np.stack([a.codes for a in chosen], axis=1)
        return np.array(
            ["" if min(row) < 0 else " × ".join(a.values[c] for a, c in zip(chosen, row, strict=True)) for row in codes]
        )


def _data():
    """People with three pictures each, not all of one age group; repeated images, pairs listed as one photograph, failures."""
    dataset = toy.make_dataset(1, 160, 3, unlabelled=0.03)
    rng = np.random.default_rng(5)
    n = dataset.n_samples
    usual = np.repeat(rng.integers(0, 2, 160), 3)
    age = np.where(rng.random(n) < 0.7, usual, 1 - usual).astype(np.int32)
    age[rng.random(n) < 0.04] = -1
    attributes = {
        "gender": dataset.attributes["gender"],
        "age_group": Attribute("age_group", ("18–29", "30–44"), age, "sample"),
    }
    templates = toy.make_templates(dataset, 2, failed=0.04)
    ok = templates.samples.tolist()
    vectors, pixels = dict(zip(ok, templates.vectors.copy(), strict=True)), list(templates.pixels)
    own = [(a, b) for a, b in combinations(ok[:30], 2) if dataset.subjects[a] == dataset.subjects[b]]
    for i, j in ((ok[0], ok[60]), (ok[5], ok[100]), (ok[7], ok[200]), own[3]):
        vectors[j], pixels[j] = vectors[i], pixels[i]
    dataset = replace(dataset, attributes=attributes, same_photo=np.array([own[5], own[8]], np.int32))
    gender = dataset.attributes["gender"].codes
    sizes = templates.covariates["face_size"] + np.where(gender == 1, 30.0, 0.0)
    return dataset, replace(
        templates, covariates={"face_size": sizes}, vectors=np.stack([vectors[s] for s in ok]), pixels=tuple(pixels)
    )


@pytest.fixture(scope="module")
def case() -> Case:
    return Case()


def _published(case: Case):
    """Every rate that is not a mean over cells, and its comparisons: (kind, rate, threshold, rows chosen, group of each sample)."""
    for grouping in case.evaluation.groupings:
        group = case.group(grouping.attributes)
        gi, gj = group[case.i], group[case.j]
        for point in grouping.operating_points:
            for kind, listed in (("fmr", [*point.fmr, *point.fmr_matrix]), ("fnmr", point.fnmr)):
                for rate in listed:
                    if rate.design == "matched":
                        continue
                    g, h = rate.group, rate.group_b or rate.group
                    chosen = ((gi == g) & (gj == h)) | ((gi == h) & (gj == g))
                    yield kind, rate, np.float32(point.threshold), chosen & (case.mated == (kind == "fnmr")), group


def test_counts_and_rates_including_failures(case: Case) -> None:
    left_out = case.evaluation.comparisons.left_out
    assert left_out == {"identical_image": 4, "same_photo": 2}
    failed_only = 0
    for kind, rate, t, chosen, _ in _published(case):
        scores = case.score[chosen & ~np.isnan(case.score)]
        wrong = int((scores >= t).sum() if kind == "fmr" else (scores < t).sum())
        assert (rate.comparisons, rate.errors) == (scores.size, wrong)
        failed = int(chosen.sum()) - scores.size
        including = (wrong + (failed if kind == "fnmr" else 0)) / chosen.sum()
        assert rate.rate_including_failures == pytest.approx(including)
        failed_only += wrong == 0
    assert failed_only, "some group has failures and no error"


def test_subject_weighted_rates_are_means_over_people(case: Case) -> None:
    """Of every subject's own rate; between groups the mean of both groups' means."""
    seen = set()
    for kind, rate, t, chosen, group in _published(case):
        if rate.subject_weighted_rate is None:
            continue
        chosen = chosen & ~np.isnan(case.score)
        wrong = (case.score[chosen] >= t) if kind == "fmr" else (case.score[chosen] < t)
        own: dict[tuple[str, int], list[bool]] = {}
        for i, j, w in zip(case.i[chosen], case.j[chosen], wrong, strict=True):
            for k in {(group[i], case.dataset.subjects[i]), (group[j], case.dataset.subjects[j])}:
                own.setdefault(k, []).append(w)
        means = [
            np.mean([np.mean(v) for (g, _), v in own.items() if g == name])
            for name in dict.fromkeys((rate.group, rate.group_b or rate.group))
        ]
        assert rate.subject_weighted_rate == pytest.approx(np.mean(means))
        seen.add((kind, rate.design))
    assert {("fmr", "within"), ("fmr", "cross"), ("fnmr", "within")} <= seen


def test_covariates_by_group(case: Case) -> None:
    """Quartiles by sorting; groups under 30 people are left out, those that lie apart are named."""
    size = case.face_size
    for grouping in case.evaluation.groupings:
        group = case.group(grouping.attributes)
        found = next(c for c in grouping.covariates if c.name == "face_size")
        listed = {q.group: q for q in found.by_group}
        large = {g for g in set(group) - {""} if np.unique(case.dataset.subjects[group == g]).size >= 30}
        assert set(listed) == large
        for name, q in [*listed.items(), ("all", found.overall)]:
            own = np.sort(size[(group == name) if name != "all" else np.ones(size.size, bool)])
            own = own[~np.isnan(own)]
            at = (own.size - 1) * np.array([0.25, 0.5, 0.75])
            low, part = np.floor(at).astype(int), at % 1
            assert q.n == own.size
            assert (q.q1, q.median, q.q3) == pytest.approx(tuple(own[low] * (1 - part) + own[np.ceil(at).astype(int)] * part))
        apart = {g for g, q in listed.items() if q.median < found.overall.q1 or q.median > found.overall.q3}
        assert set(found.differs) == apart
    assert any(c.differs for g in case.evaluation.groupings for c in g.covariates), "nobody differs: nothing was shown"


def _variance(case: Case, chosen: np.ndarray, wrong: np.ndarray, rows: np.ndarray, between: bool) -> tuple[float, int]:
    """By double loops over pairs of subjects. rows: which sample of each comparison is of the first group."""
    a, b = case.dataset.subjects[case.i[chosen]], case.dataset.subjects[case.j[chosen]]
    a, b = np.where(rows, a, b), np.where(rows, b, a)
    p, m = wrong.mean(), wrong.size
    residual: dict[tuple[int, int], float] = {}
    for x, y, w in zip(a.tolist(), b.tolist(), wrong.tolist(), strict=True):
        residual[min(x, y), max(x, y)] = residual.get((min(x, y), max(x, y)), 0.0) + w - p
    own: dict[int, float] = {}
    for (x, y), d in residual.items():
        own[x], own[y] = own.get(x, 0.0) + d, own.get(y, 0.0) + d
    same = sum(d * d for d in residual.values())
    dyadic = (same + max(0.0, sum(r * r for r in own.values()) - 2 * same)) / m**2
    ids = np.array(sorted(own))
    without = np.array([wrong[(a != k) & (b != k)].mean() for k in ids])
    jackknife = (ids.size - 1) / ids.size * ((without - without.mean()) ** 2).sum()
    smaller = min(np.unique(a).size, np.unique(b).size) if between else ids.size
    return max(p * (1 - p) / m, dyadic, jackknife), smaller - 1


def test_intervals_are_by_subjects_within_and_between_groups_that_share_people(case: Case) -> None:
    seen = {"within": 0, "cross": 0, "as_sampled": 0}
    for kind, rate, t, chosen, group in _published(case):
        if kind == "fnmr" or rate.interval is None or rate.status != "ok":
            continue
        chosen = chosen & ~np.isnan(case.score)
        wrong = (case.score[chosen] >= t).astype(float)
        crossed = rate.design == "cross"
        ages = {g.split(" × ")[-1] for g in (rate.group, rate.group_b or rate.group)}
        if crossed and ages <= {"female", "male"}:
            continue  # men and women share nobody: the two-way variance, held by the oracles
        first = group[case.i[chosen]] == rate.group
        v, df = _variance(case, chosen, wrong, first, crossed)
        shares = np.intersect1d(
            case.dataset.subjects[group == rate.group], case.dataset.subjects[group == (rate.group_b or rate.group)]
        ).size
        if crossed and not shares:
            continue
        p = wrong.mean()
        assert rate.df == df
        low, high = intervals.wilson(p, p * (1 - p) / v, intervals.quantile_t(df))
        nine = float(upper_bound([9], [wrong.size], [rate.design_effect]))
        assert rate.interval == pytest.approx((low, max(high, nine)), rel=1e-6)
        seen[rate.design] += 1
    assert min(seen.values()) >= 4


def test_a_threshold_at_the_ledgers_floor_is_read_from_the_ledger(case: Case) -> None:
    """Where it is not, errors are known per subject only, and with several pictures intervals are upper bounds."""
    assert np.float32(PUBLISHED) == np.float32(case.evaluation.comparisons.ledger_floor)
    assert case.evaluation.comparisons.ledger_floor > PUBLISHED


def test_upper_bounds_in_place_of_sums_over_pairs_never_make_a_sum_of_squares_negative() -> None:
    errors = np.full(40, 200.0)
    bound = variance.dyadic_variance(errors, np.full(40, 1000.0), errors.sum() / 2, errors.sum() / 2 * 50**2, 40 * 39 / 2 * 625)
    assert bound <= (errors - 0.2 * 1000) @ (errors - 0.2 * 1000) / 20000**2 + 1e-12


def _cell(comparisons: int, subjects: int, errors: int = 0) -> Estimate:
    ids = np.arange(comparisons, comparisons + subjects, dtype=np.int32)
    p = errors / comparisons
    return Estimate(
        subjects,
        None,
        comparisons,
        errors,
        p,
        p / comparisons,
        p / comparisons,
        subjects - 1,
        ids=ids,
        without=np.full(subjects, p),
    )


def test_a_mean_over_cells_without_errors_is_bounded_by_its_smallest_cell() -> None:
    """Rates of 0.84 % and 0 give no error with a chance of one in forty, and their mean is the bound."""
    rate = estimates.to_rate(estimates.mean_of([_cell(435, 30), _cell(4950, 100)], False), "g", "matched")
    assert rate.bounds.independent == pytest.approx(-np.log(0.025) / 435 / 2)
    assert rate.interval == (0.0, pytest.approx(rate.bounds.independent)), "nothing is known of how errors go together"
    assert rate.bounds.worst_case == pytest.approx(3 / 15 / 2)
    assert rate.rate is None
    worst = 2 * rate.bounds.independent
    assert (1 - worst) ** 435 == pytest.approx(0.025, rel=0.02)


def test_failures_are_told_although_no_comparison_was_in_error() -> None:
    ids = np.arange(60, dtype=np.int32)
    rate = estimates.to_rate(estimates.mated(ids, np.zeros(60), np.ones(60), 80), "g", "within")
    assert (rate.status, rate.errors, rate.rate) == ("bound", 0, None)
    assert rate.rate_including_failures == pytest.approx(20 / 80)
    assert estimates.to_rate(estimates.mated(ids, np.zeros(60), np.ones(60), 60), "g", "within").rate_including_failures is None
