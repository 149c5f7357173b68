"""Published pair lists: folds against a plain loop, rates against counting, failures both ways, the list against the labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from faceparity.datasets.schema.dataset import Dataset, PairProtocol
from faceparity.harness import results
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.metrics import fold_accuracy
from faceparity.harness.options import Options
from faceparity.harness.protocols.pair_lists import people_of
from faceparity.harness.templates.extract import Templates
from tests.harness.toy import make_card, make_dataset, make_templates

FOLDS = 10


def listed(dataset: Dataset, seed: int, each: int = 30, folds: int = FOLDS, **more: object) -> PairProtocol:
    """LFW's shape: in each fold `each` mated pairs, then as many non-mated ones."""
    rng = np.random.default_rng(seed)
    a, b, mated = [], [], []
    for _ in range(folds):
        for same in (True, False):
            for _ in range(each):
                i, j = rng.choice(dataset.n_subjects, 2, replace=False)
                mine, theirs = np.flatnonzero(dataset.subjects == i), np.flatnonzero(dataset.subjects == j)
                x, y = rng.choice(mine, 2, replace=False) if same else (rng.choice(mine), rng.choice(theirs))
                a.append(x)
                b.append(y)
                mated.append(same)
    fold = np.repeat(np.arange(folds), 2 * each)
    values: dict[str, object] = {"name": "view 2", "source": "pairs.txt", "n_folds": folds, **more}
    return PairProtocol(
        a=np.array(a, np.int32), b=np.array(b, np.int32), mated=np.array(mated), fold=fold.astype(np.int32), **values
    )  # type: ignore[arg-type]


def with_list(dataset: Dataset, *protocols: PairProtocol) -> Dataset:
    return replace(dataset, protocols=protocols)


def scores_of(p: PairProtocol, templates: Templates) -> np.ndarray:
    """nan where a template is missing."""
    row = {int(s): i for i, s in enumerate(templates.samples)}
    prepared = prepare(templates.vectors, "cosine")
    out = np.full(p.a.size, np.nan, np.float32)
    for k, (x, y) in enumerate(zip(p.a.tolist(), p.b.tolist(), strict=True)):
        if x in row and y in row:
            pair = np.array([row[x]], np.int32), np.array([row[y]], np.int32)
            out[k] = exact_scores(prepared, *pair, "cosine")[0]
    return out


def lfw_by_loops(score: np.ndarray, mated: np.ndarray, fold: np.ndarray, folds: int) -> list[tuple[float, float]]:
    """(threshold, accuracy) of each fold, by trying every observed score, highest first."""
    out = []
    for k in range(folds):
        best, at = -1.0, 0.0
        train = [(float(s), bool(m)) for s, m, f in zip(score, mated, fold, strict=True) if f != k and not np.isnan(s)]
        for threshold in sorted({s for s, _ in train}, reverse=True):
            right = sum((s >= threshold) == m for s, m in train) / len(train)
            if right > best:
                best, at = right, threshold
        test = [(float(s), bool(m)) for s, m, f in zip(score, mated, fold, strict=True) if f == k and not np.isnan(s)]
        out.append((at, sum((s >= at) == m for s, m in test) / len(test)))
    return out


@pytest.fixture(scope="module")
def toy() -> tuple[Dataset, Templates]:
    dataset = make_dataset(3, 120, 3, unlabelled=0.1)
    return dataset, make_templates(dataset, 3, failed=0.05, noise=1.6)


def run(dataset: Dataset, templates: Templates, **options: object) -> results.Evaluation:
    return evaluate(dataset, make_card(), templates, Options(**options)).evaluation  # type: ignore[arg-type]


@pytest.mark.slow
def test_folds_are_those_of_a_plain_loop(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    p = listed(dataset, 1)
    found = run(with_list(dataset, p), templates).protocols[0].verification
    assert found is not None
    expected = lfw_by_loops(scores_of(p, templates), p.mated, p.fold, FOLDS)
    assert [(f.threshold, f.accuracy) for f in found.folds] == [
        (pytest.approx(t, abs=1e-7), pytest.approx(right)) for t, right in expected
    ]
    accuracy = np.array([right for _, right in expected])
    assert 0.6 < accuracy.mean() < 0.99, "the toy is neither trivial nor hopeless"
    assert found.accuracy == pytest.approx(accuracy.mean())
    assert found.standard_deviation == pytest.approx(np.sqrt(((accuracy - accuracy.mean()) ** 2).sum() / 9))
    assert found.standard_error == pytest.approx(found.standard_deviation / np.sqrt(10))


def test_the_chosen_threshold_is_as_good_as_any_of_scikit_learns(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    p = listed(dataset, 2)
    score = scores_of(p, templates)
    made = ~np.isnan(score)
    for k in range(FOLDS):
        train = made & (p.fold != k)
        fpr, tpr, thresholds = roc_curve(p.mated[train], score[train], drop_intermediate=False)
        right = tpr * p.mated[train].sum() + (1 - fpr) * (~p.mated[train]).sum()
        choice = fold_accuracy.best_threshold(score[train], p.mated[train])
        assert choice is not None
        assert choice.accuracy * train.sum() == pytest.approx(right[1:].max())
        # Of thresholds that are equally good, the first of roc_curve's is the highest.
        assert np.float32(choice.threshold) == np.float32(thresholds[1:][np.argmax(np.round(right[1:], 6))])


def test_failed_comparisons_are_non_matches_in_the_second_reading(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    p = listed(dataset, 4)
    score = scores_of(p, templates)
    failed = np.isnan(score)
    protocol = run(with_list(dataset, p), templates).protocols[0]
    found = protocol.verification
    assert found is not None
    assert (protocol.failed_mated, protocol.failed_non_mated) == (int((failed & p.mated).sum()), int((failed & ~p.mated).sum()))
    assert protocol.failed_mated > 0
    assert protocol.failed_non_mated > 0
    for k, fold in enumerate(found.folds):
        mine = p.fold == k
        assert fold.threshold is not None
        with_infinity = np.where(failed, -np.inf, score)[mine]
        assert fold.accuracy_including_failures == pytest.approx(
            float(((with_infinity >= fold.threshold) == p.mated[mine]).mean())
        )
        assert fold.compared == int((mine & ~failed).sum())
    # The choice itself does not move: a failed comparison is wrong or right at every threshold alike.
    with_all = np.where(failed, np.float32(-2), score)
    chosen = fold_accuracy.best_threshold(with_all[p.fold != 0], p.mated[p.fold != 0])
    assert chosen is not None
    assert chosen.threshold == found.folds[0].threshold


def test_rates_of_the_list_by_counting(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    p = listed(dataset, 5)
    score = scores_of(p, templates)
    made = ~np.isnan(score)
    e = run(with_list(dataset, p), templates, targets=(0.05,), threshold=0.3)
    protocol = e.protocols[0]
    main = e.groupings[-1].operating_points
    assert [(x.origin, x.threshold) for x in protocol.points] == [(x.origin, x.threshold) for x in main]
    gender = dataset.attributes["gender"]
    for point in protocol.points:
        assert point.threshold is not None
        match = score >= np.float32(point.threshold)
        assert point.fmr is not None
        assert point.fnmr is not None
        assert (point.fmr.errors or 0, point.fmr.comparisons) == (
            int((match & made & ~p.mated).sum()),
            int((made & ~p.mated).sum()),
        )
        assert (point.fnmr.errors or 0, point.fnmr.comparisons) == (
            int((~match & made & p.mated).sum()),
            int((made & p.mated).sum()),
        )
        assert point.accuracy == pytest.approx(float((match == p.mated)[made].mean()))
        assert point.fnmr.rate_including_failures == pytest.approx(float((~match[p.mated]).mean()))
        by = next(g for g in point.groupings if g.attributes == ["gender"])
        ga, gb = gender.codes[p.a], gender.codes[p.b]
        assert by.unlabelled == int(((ga < 0) | (gb < 0)).sum())
        assert by.mixed == int(((ga >= 0) & (gb >= 0) & (ga != gb)).sum())
        for rate in by.fmr:
            code = gender.values.index(rate.group)
            mine = made & ~p.mated & (ga == code) & (gb == code)
            assert rate.comparisons == int(mine.sum())
            assert rate.errors == int((match & mine).sum())
            # Dependence of pairs that share a person can only widen what independent pairs would give.
            if rate.interval is not None and rate.rate and rate.errors >= 10:
                assert rate.interval[1] - rate.rate > 1.9 * np.sqrt(rate.rate * (1 - rate.rate) / rate.comparisons) * 0.8


def test_right_decisions_by_group_use_the_folds_thresholds(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    p = listed(dataset, 6)
    score = scores_of(p, templates)
    found = run(with_list(dataset, p), templates).protocols[0].verification
    assert found is not None
    thresholds = np.array([f.threshold for f in found.folds], np.float32)[p.fold]
    right = (score >= thresholds) == p.mated
    codes = dataset.attributes["gender"].codes
    for row in (g for g in found.groups if g.attributes == ["gender"]):
        code = dataset.attributes["gender"].values.index(row.group)
        mine = ~np.isnan(score) & (codes[p.a] == code) & (codes[p.b] == code)
        assert row.compared == int(mine.sum())
        assert row.accuracy == pytest.approx(float(right[mine].mean()))


def test_what_the_list_says_holds_against_the_labels_and_is_counted(toy: tuple[Dataset, Templates]) -> None:
    dataset, _ = toy
    templates = make_templates(dataset, 3)
    p = listed(dataset, 7)
    flipped = p.mated.copy()
    flipped[[0, 1, 2, 40]] ^= True
    wrong = replace(p, mated=flipped)
    protocol = run(with_list(dataset, wrong), templates, threshold=0.3).protocols[0]
    assert protocol.contrary == 4
    score = scores_of(p, templates)
    point = protocol.points[-1]
    assert point.fmr is not None
    assert point.fnmr is not None
    assert point.fmr.comparisons == int((~flipped).sum())
    assert point.fmr.errors == int(((score >= np.float32(0.3)) & ~flipped).sum())
    assert point.fnmr.errors == int(((score < np.float32(0.3)) & flipped).sum())


def test_repetitions_and_identical_images_stay_and_are_counted(toy: tuple[Dataset, Templates]) -> None:
    dataset, _ = toy
    templates = make_templates(dataset, 3)
    pixels = list(templates.pixels)
    p = listed(dataset, 8)
    x, y = int(p.a[0]), int(p.b[0])
    pixels[x] = pixels[y]
    extra = replace(
        p,
        a=np.append(p.a, [y, p.a[1]]).astype(np.int32),
        b=np.append(p.b, [x, p.a[1]]).astype(np.int32),
        mated=np.append(p.mated, [True, True]),
        fold=np.append(p.fold, [9, 9]).astype(np.int32),
        missing=5,
    )
    base = run(with_list(dataset, p), replace(templates, pixels=tuple(pixels))).protocols[0]
    protocol = run(with_list(dataset, extra), replace(templates, pixels=tuple(pixels))).protocols[0]
    assert protocol.repeated == base.repeated + 1
    assert protocol.identical_images == base.identical_images + 2
    assert (protocol.mated, protocol.missing) == (base.mated + 2, 5)


def test_own_targets_are_set_on_the_list_and_refused_below_ten_expected_errors(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    p = listed(dataset, 9, targets=(0.1, 0.01))
    score = scores_of(p, templates)
    other = score[~p.mated & ~np.isnan(score)]
    own = [x for x in run(with_list(dataset, p), templates).protocols[0].points if x.origin == "protocol"]
    reached, refused = own
    allowed = [t for t in np.unique(other) if (other >= t).mean() <= 0.1]
    assert reached.threshold == pytest.approx(float(min(allowed)), abs=1e-7)
    assert reached.achieved_fmr == pytest.approx(float((other >= min(allowed)).mean()))
    assert (refused.threshold, refused.reason, refused.needs_comparisons) == (None, "too_few_comparisons_for_target", 1000)


def test_a_list_whose_threshold_is_chosen_on_another(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    train, test = listed(dataset, 10, folds=1, name="train"), listed(dataset, 11, folds=1, name="test", threshold_from="train")
    first, second = run(with_list(dataset, train, test), templates).protocols
    assert first.verification is None
    assert second.verification is not None
    on, off = scores_of(train, templates), scores_of(test, templates)
    best = max(
        sorted({float(s) for s in on if not np.isnan(s)}, reverse=True),
        key=lambda t: int((((on >= t) == train.mated) & ~np.isnan(on)).sum()),
    )
    made = ~np.isnan(off)
    assert second.verification.accuracy == pytest.approx(float(((off >= best) == test.mated)[made].mean()))
    assert second.verification.standard_error is None


def test_a_set_without_attributes_or_subjects_is_run_for_its_list() -> None:
    whole = make_dataset(12, 60, 4)
    p = listed(whole, 12, each=12)
    dataset = replace(whole, attributes={}, identity="none", subjects=np.arange(whole.n_samples, dtype=np.int32), protocols=(p,))
    templates = make_templates(whole, 12)
    e = run(dataset, templates, targets=(0.1,))
    assert [g.attributes for g in e.groupings] == [[]]
    assert e.protocols[0].verification is not None
    assert e.protocols[0].subjects == np.unique(people_of(p, whole.n_samples)[np.concatenate([p.a, p.b])]).size
    assert e.protocols[0].points[0].fnmr is not None


def test_people_are_joined_by_mated_pairs_alone() -> None:
    p = PairProtocol(
        "x",
        "x",
        np.array([0, 1, 3], np.int32),
        np.array([1, 2, 0], np.int32),
        np.array([True, True, False]),
        np.zeros(3, np.int32),
    )
    people = people_of(p, 5)
    assert people[0] == people[1] == people[2]
    assert len(set(people.tolist())) == 3


def test_a_list_of_which_nothing_is_here_or_nothing_has_a_template() -> None:
    dataset = make_dataset(13, 60, 3)
    p = listed(dataset, 13, each=6)
    none = replace(p, a=p.a[:0], b=p.b[:0], mated=p.mated[:0], fold=p.fold[:0], missing=p.a.size)
    templates = make_templates(dataset, 13)
    found = run(with_list(dataset, none), templates, threshold=0.3).protocols[0]
    assert (found.missing, found.mated, found.subjects) == (120, 0, 0)
    assert found.verification is not None
    assert (found.verification.accuracy, found.verification.reason) == (None, "zero_comparisons")
    assert found.points[-1].accuracy is None
    # Of the people in the list nobody has a template; of the others all have.
    bare = np.isin(np.arange(dataset.n_samples), np.concatenate([p.a, p.b]))
    failed = make_templates(dataset, 13)
    keep = ~bare[failed.samples]
    failed = replace(
        failed, vectors=failed.vectors[keep], samples=failed.samples[keep], status=np.where(bare, "no_face", failed.status)
    )
    found = run(with_list(dataset, p), failed, threshold=0.3).protocols[0]
    assert (found.failed_mated, found.failed_non_mated) == (60, 60)
    assert found.verification is not None
    assert found.verification.accuracy is None
    assert found.points[-1].fmr is None or found.points[-1].fmr.status == "suppressed"


def test_nothing_to_choose_a_threshold_on_is_undefined() -> None:
    score = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    mated = np.array([True, True, False, False])
    fold = np.array([0, 0, 1, 1], np.int32)
    found = fold_accuracy.k_fold(score, mated, fold, 2, np.zeros(4, bool))
    assert found.thresholds == (None, None)
    assert found.accuracy == [None, None]
    assert fold_accuracy.spread(found.accuracy) == (None, None, None)
    empty = fold_accuracy.k_fold(score, mated, np.zeros(4, np.int32), 2, np.zeros(4, bool))
    assert fold_accuracy.spread(empty.accuracy).mean is None


@settings(max_examples=60)
@given(st.data())
def test_folds_do_not_depend_on_the_scale_of_scores_or_the_order_of_pairs(data: st.DataObject) -> None:
    n = data.draw(st.integers(8, 60))
    score = np.array(data.draw(st.lists(st.integers(-20, 20), min_size=n, max_size=n)), np.float32)
    mated = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    failed = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    fold = np.arange(n, dtype=np.int32) % 4
    found = fold_accuracy.k_fold(score, mated, fold, 4, failed)
    for (threshold, right), mine in zip(
        zip(found.thresholds, found.accuracy_including_failures, strict=True), (fold == k for k in range(4)), strict=True
    ):
        if threshold is not None:
            decisions = np.where(failed, -np.inf, score)[mine] >= threshold
            assert right == pytest.approx(float((decisions == mated[mine]).mean()))
    stretched = fold_accuracy.k_fold(3 * score + 1, mated, fold, 4, failed)
    assert stretched.accuracy == found.accuracy
    order = np.random.default_rng(n).permutation(n)
    shuffled = fold_accuracy.k_fold(score[order], mated[order], fold[order], 4, failed[order])
    assert shuffled.thresholds == found.thresholds
    assert shuffled.accuracy_including_failures == found.accuracy_including_failures
    changed = np.where(failed, np.float32(99), score).astype(np.float32)
    assert fold_accuracy.k_fold(changed, mated, fold, 4, failed).accuracy == found.accuracy
