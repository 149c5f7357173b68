"""The paired analysis against plain loops, by its symmetries, and end to end."""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.readers.folder import read as read_folder
from faceparity.datasets.schema.card import DatasetCard, PairedCard
from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness import results
from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.experiments.controlled_experiment import paired
from faceparity.harness.options import Options
from faceparity.harness.uncertainty import paired as core
from tests.harness import toy

TONES, LIGHTS = ("1", "2", "10"), ("+0", "+1", "-1")


def make(people: int = 40, captures: int = 2, *, reference=None, tones=TONES, shift: float = 0.5, seed: int = 3):
    """A set recorded under tones × lights; tone 10 moves everybody towards one direction. Dataset and vectors float32[n, 8]."""
    rows = list(product(range(people), range(len(tones)), range(len(LIGHTS)), range(captures)))
    person, tone, light, _ = (np.array(x, np.int32) for x in zip(*rows, strict=True))
    values = tuple(sorted(tones))
    card = DatasetCard(
        name="toy", title="Toy", identity="labelled", labels_public=True, default_by=["tone", "light"],
        paired=PairedCard(factors=["tone", "light"], captures=captures, reference=reference or {}),
    )  # fmt: skip
    tone_codes = np.array([values.index(t) for t in tones], np.int32)[tone]
    attributes = {
        "tone": Attribute("tone", values, tone_codes, of="sample"),
        "light": Attribute("light", LIGHTS, light, of="sample"),
    }
    rng = np.random.default_rng(seed)
    common = rng.normal(size=8)
    vectors = rng.normal(size=(people, 8))[person] + 0.4 * rng.normal(size=(len(rows), 8)) + shift * (tone == 2)[:, None] * common
    n = len(rows)
    dataset = Dataset(
        name="toy", card=card, root=Path("/nowhere"), files=tuple(f"{i:05d}.png" for i in range(n)),
        content=tuple(f"{i:064x}" for i in range(n)), subjects=person, identity="labelled", attributes=attributes, digest="0" * 64,
    )  # fmt: skip
    return dataset, vectors.astype(np.float32)


def point(threshold, origin="fixed"):
    status = "ok" if threshold else "refused"
    return results.OperatingPoint(
        origin=origin, threshold=threshold, native_threshold=threshold, achieved_fmr=None, status=status, pool=None
    )


def analyse(dataset, vectors, ok=None, thresholds=(0.5, None, 0.9), images=None, photo=(), references=()):
    ok = np.ones(dataset.n_samples, bool) if ok is None else ok
    chosen = np.flatnonzero(ok)
    images = np.arange(dataset.n_samples) if images is None else np.asarray(images)
    photo = np.asarray(photo, np.int32).reshape(-1, 2)
    samples = Samples(
        vectors[chosen], dataset.subjects[chosen], np.zeros(chosen.size, np.int32), images[chosen].astype(np.int32), 1, photo
    )
    return paired(dataset, samples, chosen, [point(t) for t in thresholds], "cosine", references)[0]


class Loops:
    """The same numbers by plain loops over comparisons, leaving out everything of a person by skipping it."""

    def __init__(self, dataset, vectors, ok=None) -> None:
        self.ok = np.ones(dataset.n_samples, bool) if ok is None else ok
        self.x = prepare(vectors, "cosine")
        self.members = {}
        for i in range(dataset.n_samples):
            key = tuple(dataset.attributes[a].values[dataset.attributes[a].codes[i]] for a in ("tone", "light"))
            self.members.setdefault((int(dataset.subjects[i]), key), []).append(i)
        self.people = sorted({p for p, _ in self.members})

    def score(self, i, j):
        return exact_scores(self.x, np.array([i], np.int32), np.array([j], np.int32), "cosine")[0]

    def complete(self, conditions):
        return [p for p in self.people if all(self.ok[self.members[p, c]].all() for c in conditions)]

    def values(self, people, condition, mated):
        """(people of the comparison, score) of every comparison."""
        if mated:
            return [
                ((p,), self.score(i, j)) for p in people for i, j in combinations(self.members[p, condition], 2)
            ]  # fmt: skip
        return [
            ((p, q), self.score(i, j))
            for p, q in combinations(people, 2)
            for i in self.members[p, condition]
            for j in self.members[q, condition]
        ]

    def difference(self, here, there, measure, t):
        people = self.complete(here + there)
        mated = measure in ("mated_score", "fnmr")
        error = {"fmr": lambda s: s >= np.float32(t), "fnmr": lambda s: s < np.float32(t)}.get(measure, float)
        tables = [[(who, error(s)) for who, s in self.values(people, c, mated)] for c in here + there]

        def mean(side, without):
            return np.mean([np.mean([v for who, v in table if without not in who], dtype=float) for table in side])

        def value(without=None):
            return mean(tables[: len(here)], without) - mean(tables[len(here) :], without)

        without = np.array([value(p) for p in people])
        g = len(people)
        se = np.sqrt((g - 1) / g * ((without - without.mean()) ** 2).sum())
        half = scipy_stats.t.ppf(0.975, g - 1) * se
        errors = [sum(bool(v) for table in side for _, v in table) for side in (tables[: len(here)], tables[len(here) :])]
        return SimpleNamespace(n=g, value=value(), lo=value() - half, hi=value() + half, errors=errors)


def found(x: results.Paired, measure: str, level: str, factor=None, t=0):
    differences = x.differences + x.operating_points[t].differences
    return next(d for d in differences if (d.measure, d.level, d.factor) == (measure, level, factor))


@pytest.fixture(scope="module")
def case():
    dataset, vectors = make(people=34)
    ok = np.ones(dataset.n_samples, bool)
    ok[[4, 102, 103]] = False  # person 0 under 1 × -1, and person 5 under 10 × +0
    return dataset, vectors, ok, analyse(dataset, vectors, ok), Loops(dataset, vectors, ok)


@pytest.mark.parametrize("measure", ["non_mated_score", "mated_score", "fmr", "fnmr"])
@pytest.mark.parametrize(
    ("factor", "level", "here", "there"),
    [
        ("tone", "10", [("10", x) for x in LIGHTS], [("1", x) for x in LIGHTS]),
        ("light", "+1", [(x, "+1") for x in TONES], [(x, "-1") for x in TONES]),
        (None, "2 × +1", [("2", "+1")], [("1", "-1")]),
    ],
)
def test_every_difference_equals_plain_loops_that_leave_one_person_out(case, measure, factor, level, here, there) -> None:
    x, loops = case[3], case[4]
    got, want = found(x, measure, level, factor), loops.difference(here, there, measure, 0.5)
    assert got.subjects == want.n < 34, "who lacks a template under one of the conditions is left out"
    assert got.dropped == 34 - want.n
    assert got.difference == pytest.approx(want.value, abs=1e-9)
    if got.interval is None:
        assert max(want.errors) < 10
    else:
        assert got.interval == pytest.approx((want.lo, want.hi), abs=1e-9)
    if measure in ("fmr", "fnmr"):
        assert [got.errors, got.reference_errors] == want.errors


def test_levels_are_ordered_by_number_and_the_first_is_the_reference(case) -> None:
    x = case[3]
    assert [(f.levels, f.reference) for f in x.factors] == [(["1", "2", "10"], "1"), (["-1", "+0", "+1"], "-1")]
    assert x.reference == "1 × -1"
    assert [c.condition for c in x.conditions][:3] == ["1 × -1", "1 × +0", "1 × +1"]


def test_the_cards_reference_is_used_and_the_users_goes_before_it() -> None:
    dataset, vectors = make(reference={"tone": "2"})
    assert [f.reference for f in analyse(dataset, vectors).factors] == ["2", "-1"]
    assert [f.reference for f in analyse(dataset, vectors, references=["tone=10"]).factors] == ["10", "-1"]
    with pytest.raises(UserError, match="reference of light is '\\+7', which does not occur"):
        analyse(dataset, vectors, references=["light=+7"])


def test_rates_by_condition_are_of_those_complete_everywhere_or_else_of_each_conditions_own(case) -> None:
    _, _, _, x, loops = case
    everywhere = loops.complete([(a, b) for a in TONES for b in LIGHTS])
    assert x.same_subjects == len(everywhere) == 32
    scores = np.array([s for _, s in loops.values(everywhere, ("10", "+0"), False)])
    rate = next(r for r in x.operating_points[0].fmr if r.group == "10 × +0")
    assert (rate.subjects, rate.comparisons, rate.errors) == (32, scores.size, (scores >= np.float32(0.5)).sum())
    condition = next(c for c in x.conditions if c.condition == "10 × +0")
    assert condition.non_mated_score == pytest.approx(scores.mean(dtype=float))

    dataset, vectors = make(people=34)
    ok = np.ones(dataset.n_samples, bool)
    ok[(dataset.subjects < 10) & (dataset.attributes["tone"].codes == 0) & (dataset.attributes["light"].codes == 0)] = False
    x = analyse(dataset, vectors, ok)
    assert x.same_subjects is None
    by = {r.group: r for r in x.operating_points[0].fmr}
    assert by["1 × +0"].reason == "too_few_subjects"
    assert by["2 × +0"].subjects == 34


def test_across_conditions_each_image_meets_each_of_the_same_person(case) -> None:
    x, loops = case[3], case[4]
    everywhere = loops.complete([(a, b) for a in TONES for b in LIGHTS])
    rate = next(r for r in x.operating_points[0].across if (r.group, r.group_b) == ("1 × -1", "1 × +1"))
    pairs = [(i, j) for p in everywhere for i in loops.members[p, ("1", "-1")] for j in loops.members[p, ("1", "+1")]]
    assert rate.comparisons == len(pairs) == 4 * 32
    assert rate.errors == sum(loops.score(i, j) < np.float32(0.5) for i, j in pairs)
    assert not [r for r in x.operating_points[0].across if r.group == "1 × -1" and r.group_b == "2 × +1"], (
        "differ in both factors"
    )


def test_failures_are_paired_by_image(case) -> None:
    x = case[3]
    d = found(x, "ftx", "10", "tone")
    failed = [c for c in x.conditions if c.failed]
    assert sum(c.failed for c in failed) == 3
    tens = sum(c.failed for c in failed if c.values[0] == "10")
    ones = sum(c.failed for c in failed if c.values[0] == "1")
    assert (d.errors, d.reference_errors, d.subjects, d.comparisons) == (tens, ones, 34, 34 * 6)
    assert (d.only_here, d.only_reference) == (tens, ones)
    assert d.interval is None
    assert d.reason == "too_few_errors" if tens + ones else "zero_errors"


def test_many_failures_under_one_condition_are_called_by_the_exact_sign_test() -> None:
    dataset, vectors = make()
    ok = np.ones(dataset.n_samples, bool)
    tone, light = dataset.attributes["tone"].codes, dataset.attributes["light"].codes
    ten = np.flatnonzero((tone == sorted(TONES).index("10")) & (light == 2) & (dataset.subjects < 14))
    assert ten.size == 28
    ok[ten[::2]] = False
    d = found(analyse(dataset, vectors, ok), "ftx", "10", "tone")
    assert (d.errors, d.only_here, d.only_reference, d.verdict) == (14, 14, 0, "higher")
    assert d.p == pytest.approx(2 * 0.5**14)
    share = np.where(np.arange(40) < 14, 0.5 / 3, 0)
    half = scipy_stats.t.ppf(0.975, 39) * share.std(ddof=1) / np.sqrt(40)
    assert d.interval == pytest.approx((share.mean() - half, share.mean() + half))


def test_no_failure_gives_a_bound_and_no_difference() -> None:
    dataset, vectors = make()
    d = found(analyse(dataset, vectors), "ftx", "10", "tone")
    assert (d.difference, d.interval, d.p, d.reason, d.verdict, d.bound) == (None, None, None, "zero_errors", "none", 3 / 20)


def test_without_false_matches_the_difference_is_undefined() -> None:
    dataset, vectors = make()
    x = analyse(dataset, vectors, thresholds=(0.99999,))
    d = found(x, "fmr", "10", "tone")
    assert (d.errors, d.reference_errors, d.difference, d.p, d.ratio, d.reason) == (0, 0, None, None, None, "zero_errors")
    assert (d.value, d.reference_value) == (None, None), "no error seen is not a rate of zero"


def test_a_refused_threshold_has_no_rates(case) -> None:
    none = results.PairedPoint(origin="fixed", threshold=None, native_threshold=None)
    assert case[3].operating_points[1] == none


def test_equal_pictures_under_two_conditions_differ_by_zero() -> None:
    dataset, vectors = make(shift=0)
    light = dataset.attributes["light"].codes
    vectors[light == 1] = vectors[light == 0]
    x = analyse(dataset, vectors)
    for measure in ("non_mated_score", "mated_score", "fmr", "fnmr"):
        d = found(x, measure, "1 × +1")
        e = found(x, measure, "1 × +0")
        assert d.model_dump(exclude={"level"}) == e.model_dump(exclude={"level"})
    dataset, vectors = make(shift=0, reference={"light": "+0"})
    vectors[light == 1] = vectors[light == 0]
    x = analyse(dataset, vectors)
    for measure in ("non_mated_score", "mated_score"):
        d = found(x, measure, "+1", "light")
        assert (d.difference, d.interval, d.p, d.verdict) == (0, (0, 0), 1, "inconclusive")
    d = found(x, "fmr", "+1", "light")
    assert (d.difference, d.interval, d.verdict, d.reason) == (0, None, "inconclusive", "too_few_errors")


def test_fewer_than_thirty_people_are_told_nothing() -> None:
    dataset, vectors = make(people=29)
    x = analyse(dataset, vectors)
    told = [*x.differences, *x.operating_points[0].differences]
    assert {d.reason for d in told} == {"too_few_subjects"}
    assert {(d.value, d.difference, d.verdict) for d in told} == {(None, None, "none")}
    assert {c.non_mated_score for c in x.conditions} == {None}


def test_verdicts_need_holm_and_thirty_errors() -> None:
    dataset, vectors = make(people=60, shift=0.9)
    steps = [0.6, *np.linspace(0.93, 0.97, 9)]
    x = analyse(dataset, vectors, thresholds=steps)
    each = [found(x, "fmr", "10", "tone", t) for t in range(len(steps))]
    many, few = each[0], next(d for d in each if max(d.errors, d.reference_errors) < 30)
    assert many.verdict == "higher"
    assert many.errors >= 30
    assert max(few.errors, few.reference_errors) >= 10
    assert few.interval is not None
    assert (few.verdict, few.reason) == ("inconclusive", "too_few_errors")
    by_factor = [d for d in x.operating_points[0].differences if d.measure == "fmr" and d.factor]
    whole = [d for d in x.operating_points[0].differences if d.measure == "fmr" and not d.factor]
    assert (len(by_factor), len(whole)) == (4, 8)
    least = min(by_factor, key=lambda d: d.p)
    assert least.p_holm == pytest.approx(min(1, 4 * least.p))
    assert all(d.p_holm >= d.p for d in by_factor + whole)
    assert all(d.p_holm < 0.05 for d in by_factor + whole if d.verdict in ("higher", "lower"))


def test_identical_images_and_listed_photographs_are_left_out() -> None:
    dataset, vectors = make()
    plain = analyse(dataset, vectors)
    images = np.arange(dataset.n_samples)
    images[1] = 0  # the two captures of person 0 under the first condition
    same = analyse(dataset, vectors, images=images)
    assert found(same, "mated_score", "10", "tone").subjects == 39
    assert found(plain, "mated_score", "10", "tone").subjects == 40
    assert found(same, "non_mated_score", "10", "tone").subjects == 40
    listed = analyse(dataset, vectors, photo=[(1, 0)])
    assert [d for d in listed.differences if "mated" in d.measure] == [d for d in same.differences if "mated" in d.measure]


def test_a_set_without_all_combinations_compares_those_there_are() -> None:
    dataset, vectors = make()
    tone, light = dataset.attributes["tone"], dataset.attributes["light"]
    gone = (np.array(tone.values)[tone.codes] == "10") & (light.codes == 2)
    codes = np.where(gone, -1, tone.codes).astype(np.int32)
    dataset.attributes["tone"] = Attribute("tone", tone.values, codes, of="sample")
    x = analyse(dataset, vectors)
    assert len(x.conditions) == 8
    d = found(x, "non_mated_score", "10", "tone")
    want = Loops(*make()).difference([("10", "+0"), ("10", "+1")], [("1", "+0"), ("1", "+1")], "non_mated_score", None)
    assert d.difference == pytest.approx(want.value, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=15)
@given(st.randoms(use_true_random=False))
def test_renaming_people_and_reordering_rows_change_nothing(random) -> None:
    dataset, vectors = make(people=31, captures=2)
    names = list(range(31))
    random.shuffle(names)
    renamed = Dataset(**{**dataset.__dict__, "subjects": np.asarray(names, np.int32)[dataset.subjects]})
    a, b = analyse(dataset, vectors), analyse(renamed, vectors)
    for one, other in zip(
        a.differences + a.operating_points[0].differences, b.differences + b.operating_points[0].differences, strict=True
    ):
        for field, value in one.model_dump().items():
            close = getattr(other, field)
            assert value == (pytest.approx(close, abs=1e-9) if isinstance(value, float | tuple) and close is not None else close)


floats = st.floats(-1, 1, allow_nan=False).map(lambda x: round(x, 3))


@settings(max_examples=60)
@given(st.integers(3, 9).flatmap(lambda n: st.tuples(*[st.lists(floats, min_size=n * n, max_size=n * n)] * 2)))
def test_jackknife_is_leaving_out_one_after_the_other(tables) -> None:
    n = int(np.sqrt(len(tables[0])))
    square = [np.array(t).reshape(n, n) for t in tables]
    pairs = [(m + m.T) * (1 - np.eye(n)) for m in square]
    here, there = (core.mean_of_pairs(m.sum(1), np.full(n, n - 1.0)) for m in pairs)
    for k in range(n):
        rest = np.delete(np.arange(n), k)
        for mean, m in zip((here, there), pairs, strict=True):
            direct = m[np.ix_(rest, rest)][np.triu_indices(n - 1, 1)].mean()
            assert mean.without[k] == pytest.approx(direct, abs=1e-12)
    d, back = core.difference(here, there), core.difference(there, here)
    assert d.value == -back.value
    assert d.interval == pytest.approx((-back.interval[1], -back.interval[0]), abs=1e-12)
    same = core.difference(here, here)
    assert (same.value, same.interval, same.p) == (0, (0, 0), 1)


def test_ratio_is_undefined_where_leaving_one_out_leaves_no_error() -> None:
    counts = np.full(5, 4.0)
    one_pair = core.mean_of_pairs(np.array([1.0, 1, 0, 0, 0]), counts)
    spread = core.mean_of_pairs(np.array([2.0, 2, 2, 2, 2]), counts)
    assert core.ratio(one_pair, spread) is None
    assert core.ratio(spread, spread) is None, "no variance, no interval"


def test_equal_rates_are_rarely_called_different() -> None:
    """60 people of very different levels, the same under both conditions: at 5 % at most a few percent may be called."""
    rng = np.random.default_rng(5)
    called, n, rounds = 0, 60, 120
    upper = np.triu(np.ones((n, n)), 1)
    for _ in range(rounds):
        level = rng.normal(0, 0.05, n)
        means = []
        for _ in range(2):
            wobble = level + rng.normal(0, 0.02, n)
            errors = (wobble[:, None] + wobble[None, :] + rng.normal(0, 0.1, (n, n)) > 0.15) * upper
            means.append(core.mean_of_pairs(errors.sum(0) + errors.sum(1), np.full(n, n - 1.0)))
        called += core.difference(*means).p < 0.05
    assert called <= scipy_stats.binom.ppf(0.999, rounds, 0.05)


@pytest.mark.slow
def test_end_to_end_the_record_has_the_runs_thresholds_and_the_ledgers_scores() -> None:
    dataset, vectors = make(people=40)
    templates = toy.make_templates(dataset, 1)
    templates = type(templates)(**{**templates.__dict__, "vectors": vectors})
    e = evaluate(dataset, toy.make_card(published=0.5), templates, Options(targets=(1e-2, 1e-6))).evaluation
    x = e.paired[0]
    finest = e.groupings[-1]
    assert [(p.origin, p.threshold) for p in x.operating_points] == [(p.origin, p.threshold) for p in finest.operating_points]
    for mine, whole in zip(x.operating_points, finest.operating_points, strict=True):
        if whole.threshold is not None:
            for measure in ("fmr", "fnmr"):
                counts = {r.group: (r.comparisons, r.errors) for r in getattr(whole, measure)}
                assert {r.group: (r.comparisons, r.errors) for r in getattr(mine, measure)} == counts
    jsonschema.validate(e.model_dump(mode="json", by_alias=True), results.json_schema())
    plain = Dataset(**{**dataset.__dict__, "card": dataset.card.model_copy(update={"paired": None})})
    assert evaluate(plain, toy.make_card(published=0.5), templates, Options()).evaluation.paired == []


def folder(root: Path, toml: str, header: str = "file,subject,light") -> Path:
    root.mkdir()
    lines = [header]
    for person, light, k in product(range(3), ("dim", "lit"), range(2)):
        name = f"{person}-{light}-{k}.jpg"
        (root / name).write_bytes(name.encode())
        lines.append(f"{name},p{person},{light}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    (root / "faceparity.toml").write_text(toml)
    return root


def test_own_folders_declare_a_controlled_experiment(tmp_path: Path) -> None:
    text = '[paired]\nfactors = ["light"]\ncaptures = 2\nreference = {light = "lit"}\n'
    found = read_folder(folder(tmp_path / "a", text)).card.paired
    assert found == PairedCard(factors=["light"], captures=2, reference={"light": "lit"})
    for name, toml, header, message in (
        ("b", '[paired]\nfactors = ["tone"]\ncaptures = 2\n', "file,subject,light", "'tone', which is no attribute here.*light"),
        ("c", '[paired]\nfactors = ["light"]\ncaptures = 2\n', "file,whatever,light", "needs a column of subjects"),
        (
            "d",
            '[paired]\nfactors = ["light"]\ncaptures = 2\nreference = {tone = "1"}\n',
            "file,subject,light",
            "none of the factors",
        ),
    ):
        with pytest.raises(UserError, match=message):
            read_folder(folder(tmp_path / name, toml, header))
