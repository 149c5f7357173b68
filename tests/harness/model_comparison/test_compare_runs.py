"""Runs side by side: from the private parts comes what the models' own comparisons say; what can't be paired isn't."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.evaluation.preflight import groupings_of
from faceparity.harness.model_comparison import private_evidence
from faceparity.harness.model_comparison.caveats import letters
from faceparity.harness.model_comparison.common_comparisons import ModelEvidence
from faceparity.harness.model_comparison.compare import compare
from faceparity.harness.model_comparison.compare_runs import compare_runs
from faceparity.harness.options import Options
from faceparity.harness.results.comparison import Comparison, comparison_from_json, comparison_to_json
from faceparity.harness.templates import private_tables
from faceparity.harness.verification.threshold import threshold_bootstrap
from tests.harness import toy, toy_runs

pytestmark = pytest.mark.slow

SHAPE = {"people": 160, "images": 2}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory):
    """Keys of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEPARITY_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def dataset():
    return toy.make_dataset(1, **SHAPE, unlabelled=0.02)


@pytest.fixture(scope="module")
def three(home, dataset, tmp_path_factory: pytest.TempPathFactory):
    """Three models' results, each in a run of its own, and their templates."""
    templates = toy_runs.models(dataset, 3)
    results = [
        toy_runs.write_run(tmp_path_factory.mktemp("run"), dataset, t, f"model{k}", published=0.55 - 0.05 * k)
        for k, t in enumerate(templates)
    ]
    return results, templates


@pytest.fixture(scope="module")
def two(three) -> Comparison:
    """The first two of them, compared."""
    results, _ = three
    return comparison_from_json(comparison_to_json(compare_runs([[r] for r in results[:2]], "faceparity compare")))


def point(c: Comparison, origin: str):
    return next(p for p in c.datasets[0].points if p.origin == origin)


def kinds(c: Comparison) -> list[str]:
    """What was noted, but for the checkout having moved on while these tests ran."""
    return [n.kind for n in c.notes if n.kind != "version"]


def sides(dataset, templates, thresholds):
    """Evidence of each model, without any private part."""
    out = []
    for k, (t, threshold) in enumerate(zip(templates, thresholds, strict=True)):
        evidence = evaluate(dataset, toy.make_card(published=threshold), t, toy_runs.OPTIONS).evidence
        out.append(ModelEvidence("AB"[k], evidence, t.samples, threshold))
    return out


def test_pairs_are_those_of_the_evidence_itself(two: Comparison, three, dataset) -> None:
    """Read back from the private parts, every figure is what the comparisons give, which other tests hold against loops."""
    _, templates = three
    a, b = sides(dataset, templates[:2], (0.55, 0.5))
    expected = compare(a, b, groupings_of(a.evidence.cells, a.evidence.subjects, protect=False))
    found = point(two, "published").pairs[0]
    assert found.left_out_first > 0
    for name in ("non_mated", "mated", "left_out_first", "left_out_second"):
        assert getattr(found, name) == getattr(expected, name)
    for one, other in zip(found.groupings, expected.groupings, strict=True):
        assert one.attributes == other.attributes
        same_changes(one.changes, other.changes)
    plain = [c for c in found.overall if c.measure in ("fmr", "fnmr")]
    for c, d in zip(plain, expected.overall, strict=True):
        assert (c.first, c.ratio, c.errors_both) == pytest.approx((d.first, d.ratio, d.errors_both))


def same_changes(some, others) -> None:
    """Figure by figure, but for the order in which sums were made."""
    for x, y in zip(some, others, strict=True):
        a, b = x.model_dump(), y.model_dump()
        for key, value in a.items():
            assert value == (pytest.approx(b[key], rel=1e-9) if isinstance(value, float | tuple) else b[key]), (key, x.group)


def test_failures_by_loops(two: Comparison, three, dataset) -> None:
    """FTX of both on the same images: McNemar's counts, and a variance that goes by people."""
    _, templates = three
    failed = np.stack([t.status != "ok" for t in templates[:2]])
    c = two.datasets[0].failures[0].overall
    assert (c.errors_first, c.errors_second) == tuple(failed.sum(axis=1))
    assert c.errors_both == (failed[0] & failed[1]).sum()
    assert c.comparisons == dataset.n_samples
    d = failed[0].astype(float) - failed[1]
    by_person = np.bincount(dataset.subjects, d - d.mean())
    n = by_person.size
    plug_in = n / (n - 1) * (by_person**2).sum() / d.size**2
    independent = ((d - d.mean()) ** 2).sum() / d.size**2
    jackknife = _jackknife(dataset.subjects, d)
    half = (c.difference_interval[1] - c.difference_interval[0]) / 2
    assert (half / 1.975) ** 2 == pytest.approx(max(plug_in, independent, jackknife), rel=0.01)


def _jackknife(subjects: np.ndarray, d: np.ndarray) -> float:
    ids = np.unique(subjects)
    without = np.array([d[subjects != s].mean() for s in ids])
    return float((ids.size - 1) / ids.size * ((without - without.mean()) ** 2).sum())


def test_frr_by_loops(two: Comparison, three, dataset) -> None:
    """A failed image is a non-match in every mated comparison of it."""
    _, templates = three
    thresholds = (0.55, 0.5)
    wrong = [[], []]
    for i, j in combinations(range(dataset.n_samples), 2):
        if dataset.subjects[i] != dataset.subjects[j]:
            continue
        for k, t in enumerate(templates[:2]):
            row = {s: n for n, s in enumerate(t.samples.tolist())}
            if i not in row or j not in row:
                wrong[k].append(True)
                continue
            v = prepare(t.vectors, "cosine")
            score = exact_scores(v, np.array([row[i]], np.int32), np.array([row[j]], np.int32), "cosine")[0]
            wrong[k].append(bool(score < np.float32(thresholds[k])))
    frr = next(c for c in point(two, "published").pairs[0].overall if c.measure == "frr")
    codes = [a.codes for a in dataset.attributes.values()]
    labelled = [
        all(c[i] >= 0 for c in codes)
        for i, j in combinations(range(dataset.n_samples), 2)
        if dataset.subjects[i] == dataset.subjects[j]
    ]
    assert frr.comparisons == sum(labelled)
    for k, errors in enumerate((frr.errors_first, frr.errors_second)):
        assert errors == sum(w for w, known in zip(wrong[k], labelled, strict=True) if known)
    assert (
        frr.first > next(c for c in point(two, "published").pairs[0].overall if c.measure == "fnmr" and c.group == "pool").first
    )


def test_replicates_draw_the_same_people_for_both(three, dataset) -> None:
    """A model against itself differs in no replicate, though its threshold is found anew in each."""
    results, _ = three
    c = compare_runs([[results[0]], [results[0]]], "faceparity compare")
    p = point(c, "target")
    assert p.replicates == 1000
    rates = [x for x in p.pairs[0].groupings[-1].changes if x.quantity == "rate" and x.measure == "fmr"]
    assert rates
    for x in rates:
        assert (x.ratio, x.p, x.verdict, x.interval_reestimated) == (1.0, 1.0, "inconclusive", (1.0, 1.0))
    assert kinds(c) == ["same_result"]
    assert {r.label for r in c.results} == {"model0 (A)", "model0 (B)"}


def test_at_a_target_no_variance_is_less_than_over_the_replicates(two: Comparison, three, dataset) -> None:
    _, templates = three
    p = point(two, "target")
    thresholds = [
        next(x for x in r.evaluation.groupings[-1].operating_points if x.origin == "target").threshold for r in three[0][:2]
    ]
    a, b = sides(dataset, templates[:2], thresholds)
    given = compare(a, b, groupings_of(a.evidence.cells, a.evidence.subjects, protect=False))
    wider = 0
    for g, h in zip(p.pairs[0].groupings, given.groupings, strict=True):
        for x, y in zip(g.changes, h.changes, strict=True):
            assert (x.first, x.second, x.errors_first) == (y.first, y.second, y.errors_first)
            if x.interval and y.interval:
                assert x.interval[0] <= y.interval[0] + 1e-9
                assert x.interval[1] >= y.interval[1] - 1e-9
                assert x.p >= y.p - 1e-12
                wider += x.interval[1] > y.interval[1] * 1.001
    assert wider


def test_of_three_models_all_are_compared_on_what_all_have(three, dataset) -> None:
    results, templates = three
    c = compare_runs([[r] for r in results], "faceparity compare")
    d = c.datasets[0]
    everybody = set.intersection(*(set(t.samples.tolist()) for t in templates))
    assert d.samples == len(everybody)
    assert d.lost == {"ABC"[k]: t.samples.size - len(everybody) for k, t in enumerate(templates)}
    p = point(c, "target")
    assert [(q.first, q.second) for q in p.pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert len({(q.non_mated, q.mated) for q in p.pairs}) == 1
    for table in p.leagues:
        assert [r.id for r in table.rows] == ["A", "B", "C"]
        assert len(table.tests) == 3
        for r in table.rows:
            beaten = sum((t.verdict, r.id) in (("higher", t.first), ("lower", t.second)) for t in table.tests)
            beats = sum((t.verdict, r.id) in (("lower", t.first), ("higher", t.second)) for t in table.tests)
            assert r.rank == (1 + beaten, 3 - beats)
    fnmr = next(t for t in p.leagues if t.measure == "fnmr")
    assert fnmr.rows[0].value < fnmr.rows[2].value
    assert fnmr.rows[0].rank[0] == 1
    assert fnmr.rows[0].rank[1] < 3, "the first is ahead of the third"
    assert fnmr.rows[2].rank[0] > 1
    assert not any(t.measure == "fmr" for t in p.leagues), "at a target the pool's FMR is the same for all"
    assert any(t.measure == "fmr" for t in point(c, "published").leagues)


def test_the_worst_group_by_loops(two: Comparison, three) -> None:
    """Highest rate over the mean of the groups, from the pair's own rates."""
    p = point(two, "published")
    table = next(t for t in p.leagues if t.measure == "worst_fmr" and t.attributes == ["gender", "ethnicity"])
    rates = [c for c in p.pairs[0].groupings[-1].changes if c.quantity == "rate" and c.measure == "fmr"]
    for row, figure in zip(table.rows, ("first", "second"), strict=True):
        values = {c.group: getattr(c, figure) for c in rates}
        assert row.value == pytest.approx(max(values.values()) / np.mean(list(values.values())))
        assert values[row.group] == max(values.values())
        assert 1 <= row.interval[0] <= row.value <= row.interval[1]


def test_without_a_private_part_nothing_is_paired(home, dataset, three, tmp_path: Path) -> None:
    results, templates = three
    bare = toy_runs.write_run(tmp_path, dataset, templates[1], "bare", private=False)
    c = compare_runs([[results[0]], [bare]], "faceparity compare")
    d = c.datasets[0]
    assert d.paired == []
    assert "no private part" in c.results[1].private_reason
    assert str(tmp_path) not in comparison_to_json(c)
    assert kinds(c) == ["private"]
    for p in d.points:
        assert (p.pairs, p.leagues) == ([], [])
        assert p.unpaired[0].rates
    assert d.failure_league is None
    r = next(x for x in point(c, "published").unpaired[0].rates if x.measure == "fmr" and x.first_interval and x.second_interval)
    assert r.overlap == (r.first_interval[0] <= r.second_interval[1] and r.second_interval[0] <= r.first_interval[1])


def test_two_of_three_are_still_paired(dataset, three, tmp_path: Path) -> None:
    results, templates = three
    bare = toy_runs.write_run(tmp_path, dataset, templates[2], "bare", private=False)
    c = compare_runs([[results[0]], [bare], [results[1]]], "faceparity compare")
    p = point(c, "published")
    assert c.datasets[0].paired == ["A", "C"]
    assert [(q.first, q.second) for q in p.pairs] == [("A", "C")]
    assert [(u.first, u.second) for u in p.unpaired] == [("A", "B"), ("B", "C")]


def test_after_a_purge_only_intervals_are_left(dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from faceparity.harness.templates.purge import purge_all

    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    runs = [[toy_runs.write_run(tmp_path / f"r{k}", dataset, t, f"m{k}")] for k, t in enumerate(toy_runs.models(dataset, 2))]
    assert compare_runs(runs, "c").datasets[0].paired == ["A", "B"]
    purge_all()
    c = compare_runs(runs, "c")
    assert c.datasets[0].paired == []
    assert all(p.unpaired and not p.pairs for p in c.datasets[0].points)
    assert all(not r.private and r.private_reason for r in c.results)


def test_what_one_left_out_by_name_is_left_out_of_both(home, dataset, three, tmp_path: Path) -> None:
    results, templates = three
    out = Excluded(np.array([5], np.int32), np.array([[20, 31], [60, 61]], np.int32), ("bad image",), ("relative", "wrong label"))
    other = toy_runs.write_run(tmp_path, dataset, templates[1], "model1", excluded=out)
    c = compare_runs([[results[0]], [other]], "faceparity compare")
    d, q = c.datasets[0], point(c, "published").pairs[0]
    both = set(templates[0].samples.tolist()) & set(templates[1].samples.tolist())
    assert d.samples == len(both - {5})
    plain = compare_runs([[results[0]], [results[1]]], "c")
    before = point(plain, "published").pairs[0]
    gone = [p for p in ((20, 31), (60, 61)) if set(p) <= both]
    mated = sum(dataset.subjects[a] == dataset.subjects[b] for a, b in gone)
    twins = sum(dataset.subjects[i] == dataset.subjects[5] for i in both - {5})
    assert before.mated - q.mated == mated + twins * (5 in both)
    assert before.non_mated - q.non_mated == len(gone) - mated + (len(both) - 1 - twins) * (5 in both)
    note = next(n for n in c.notes if n.kind == "exclusions")
    assert "1 images and 2 comparisons" in note.text
    assert "not the same in all" in note.text


def test_a_set_without_subject_labels_needs_both_readings(home, tmp_path: Path) -> None:
    """A model whose errors are mostly one person twice is not called higher for them."""
    dataset = toy.make_dataset(3, 400, 1, identity="none")
    first, second = toy_runs.models(dataset, 2, failed=0.0, twin=False, noise=0.3)
    vectors = first.vectors.copy()
    women = np.flatnonzero(dataset.attributes["gender"].codes == 0)
    for a, b in zip(women[:80:2], women[1:80:2], strict=True):
        vectors[b] = vectors[a] + 0.02 * np.random.default_rng(int(b)).normal(size=vectors.shape[1]).astype(np.float32)
    first = replace(first, vectors=vectors)
    runs = [[toy_runs.write_run(tmp_path / f"r{k}", dataset, t, f"m{k}")] for k, t in enumerate((first, second))]
    c = compare_runs(runs, "c")
    seen = 0
    for p in c.datasets[0].points:
        assert bool(p.second) == bool(p.pairs)
        for q, clean in zip(p.pairs, p.second, strict=True):
            assert clean.non_mated < q.non_mated
            for g, h in zip(q.groupings, clean.groupings, strict=True):
                other = {(x.measure, x.quantity, x.group): x for x in h.changes}
                for x in g.changes:
                    y = other[x.measure, x.quantity, x.group]
                    seen += x.verdict == y.verdict and x.verdict in ("higher", "lower")
                    if x.verdict in ("higher", "lower"):
                        assert x.verdict == y.verdict
                    if p.origin == "published":  # at a target the threshold moves
                        assert y.errors_first is None or y.errors_first <= x.errors_first
    assert c.datasets[0].points[0].leagues[0].rows[0].second_value is not None


def test_other_attributes_or_another_copy_stand_apart(home, dataset, three, tmp_path: Path) -> None:
    results, templates = three
    options = Options(by=("gender",), targets=(1e-2,))
    by_gender = toy_runs.write_run(tmp_path / "g", dataset, templates[1], "m", options=options)
    other = toy_runs.write_run(tmp_path / "o", replace(dataset, digest="1" * 64), templates[1], "m")
    c = compare_runs([[results[0]], [by_gender], [other]], "c")
    assert [d.ids for d in c.datasets] == [["A"], ["B"], ["C"]]
    assert {"dataset", "attributes"} <= {n.kind for n in c.notes}
    assert not any(p.pairs or p.unpaired for d in c.datasets for p in d.points)


def test_other_targets_pools_and_seeds_are_told(home, dataset, three, tmp_path: Path) -> None:
    results, templates = three
    options = Options(by=("gender", "ethnicity"), targets=(1e-2, 5e-3), pool="all", seed=7)
    other = toy_runs.write_run(tmp_path, dataset, templates[1], "m", options=options)
    c = compare_runs([[results[0]], [other]], "c")
    assert {"targets", "pool", "seed"} <= {n.kind for n in c.notes}
    p = point(c, "target")
    assert p.target_fmr == 1e-2
    assert (p.pairs, "different pools" in p.reason) == ([], True)
    assert point(c, "published").pairs


@pytest.mark.parametrize(
    ("policies", "noted"), [(("centre", "largest"), True), (("centre", "centre"), False), (("centre", None), False)]
)
def test_other_faces_of_several_are_told(policies, noted: bool, home, dataset, three, tmp_path: Path) -> None:
    _, templates = three
    results = [
        toy_runs.write_run(tmp_path / str(k), dataset, replace(one, faces_policy=policy, model_fingerprint=f"{k}" * 64), "m")
        for k, (one, policy) in enumerate(zip(templates, policies, strict=False))
    ]
    c = compare_runs([[one] for one in results], "c")
    assert [(n.ids, "A: centre; B: largest" in n.text) for n in c.notes if n.kind == "faces"] == [(["A", "B"], True)] * noted


def test_one_model_on_two_sets_is_not_tested(home, dataset, three, tmp_path: Path) -> None:
    results, _ = three
    second = replace(toy.make_dataset(5, **SHAPE), digest="2" * 64, name="other")
    other = toy_runs.write_run(tmp_path, second, toy_runs.models(second, 1)[0], "model0")
    c = compare_runs([[results[0], other]], "c")
    assert [(m.model, m.ids) for m in c.models] == [("model0", ["A", "B"])]
    assert not any(p.pairs or p.unpaired for d in c.datasets for p in d.points)


def test_one_result_is_nothing_to_compare(three) -> None:
    with pytest.raises(UserError, match="one result only"):
        compare_runs([[three[0][0]]], "c")


def test_tables_that_contradict_each_other_are_not_paired(home, dataset, three, tmp_path: Path) -> None:
    """The same digest, but other labels: a reader that changed between two versions."""
    results, templates = three
    swapped = {
        **dataset.attributes,
        "gender": replace(dataset.attributes["gender"], codes=1 - dataset.attributes["gender"].codes),
    }
    swapped["gender"] = replace(
        swapped["gender"], codes=np.where(dataset.attributes["gender"].codes < 0, -1, swapped["gender"].codes)
    )
    other = toy_runs.write_run(tmp_path, replace(dataset, attributes=swapped), templates[1], "m")
    c = compare_runs([[results[0]], [other]], "c")
    assert c.datasets[0].paired == []
    assert any("do not agree on the labels" in n.text for n in c.notes)


def test_letters() -> None:
    assert [letters(k) for k in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]


def test_keys_of_other_machines_are_not_guessed(dataset, three, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "elsewhere"))
    c = compare_runs([[r] for r in three[0][:2]], "c")
    assert c.datasets[0].paired == []
    assert "key is gone" in c.results[0].private_reason


@pytest.mark.parametrize(
    "left_out", [Excluded(), Excluded(np.array([5], np.int32), np.array([[20, 31]], np.int32), ("",), ("",))]
)
def test_the_secret_decides_nothing(dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: Excluded) -> None:
    """The same runs under two secrets, also where the sides hold different samples: one comparison, byte for byte."""
    records = set()
    for secret in ("first", "second", "third"):
        monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / secret))
        runs = [
            [toy_runs.write_run(tmp_path / f"{secret}{k}", dataset, t, f"m{k}", excluded=left_out if k == 0 else None)]
            for k, t in enumerate(toy_runs.models(dataset, 2))
        ]
        c = compare_runs(runs, "c").model_copy(update={"started": ""})
        assert point(c, "target").replicates == 1000
        records.add(comparison_to_json(c))
    assert len(records) == 1


def test_private_parts_in_another_order_are_read(three, dataset, tmp_path: Path) -> None:
    """Rows of the code table by rising code, as no version promises not to have written them: the same samples, the same order."""
    results, _ = three
    there = private_evidence.read(results[0].folder / "private")
    moved = tmp_path / "private"
    for table in ("ledger", "rejects", "left_out"):
        private_tables.write_table(moved, table, private_tables.read_table(results[0].folder / "private", table))
    codes, labels = (private_tables.read_table(results[0].folder / "private", t) for t in ("codes", "labels"))
    order = np.argsort(codes["code"])
    private_tables.write_table(moved, "codes", {k: v[order] for k, v in codes.items()})
    private_tables.write_table(moved, "labels", {k: v[order] for k, v in labels.items()})
    again = private_evidence.read(moved)
    for name in ("codes", "subjects", "labels", "failed", "a", "b", "score", "mated", "left_out"):
        assert np.array_equal(getattr(there, name), getattr(again, name)), name
    assert not np.array_equal(there.codes, np.sort(there.codes))


def test_a_model_with_fewer_replicates_is_compared_over_those_that_both_have(two: Comparison, three, monkeypatch) -> None:
    """Work is limited, so of a model with a longer ledger fewer replicates are drawn; the k-th draws the same people for both."""
    results, _ = three
    ledgers = [r.evaluation.comparisons.ledger_entries for r in results[:2]]
    assert ledgers[0] != ledgers[1]
    monkeypatch.setattr(threshold_bootstrap, "MOST_WORK", 500 * max(ledgers))
    fewer = compare_runs([[r] for r in results[:2]], "faceparity compare")
    monkeypatch.undo()
    replicates = point(fewer, "target").replicates
    assert 200 <= replicates < 1000
    monkeypatch.setattr(threshold_bootstrap, "REPLICATES", replicates)
    assert fewer.datasets == compare_runs([[r] for r in results[:2]], "faceparity compare").datasets


def test_a_result_without_verdicts_is_not_compared(home, dataset, three, tmp_path: Path) -> None:
    """A model whose mated comparisons score below its non-mated ones: the other two are compared, it is not, and that is said."""
    results, templates = three
    vectors = np.array(templates[0].vectors)
    _, first, person = np.unique(dataset.subjects[templates[0].samples], return_index=True, return_inverse=True)
    later = np.setdiff1d(np.arange(vectors.shape[0]), first)
    vectors[later] = -vectors[first[person[later]]]
    turned = toy_runs.write_run(tmp_path, dataset, replace(templates[0], vectors=vectors), "turned", published=0.3)
    found = compare_runs([[turned], [results[0]], [results[1]]], "faceparity compare")
    assert found.datasets[0].points
    for compared in found.datasets[0].points:
        assert [(pair.first, pair.second) for pair in compared.pairs] == [("B", "C")]
        assert "No verdict is given on A, as images of one person score no higher there than images of two" in compared.reason
        assert all({row.id for row in league.rows} == {"B", "C"} for league in compared.leagues)
