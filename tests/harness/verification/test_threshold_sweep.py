"""The sweep over thresholds against plain sums over every comparison, and against the operating points."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from faceparity.datasets.schema.dataset import Attribute
from faceparity.harness.comparisons.score_list import ScoreRows, evidence_of_rows, tally_of_list
from faceparity.harness.comparisons.tally import ScoreBins
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.groups.groupings import make_cells, make_grouping
from faceparity.harness.options import Options
from faceparity.harness.uncertainty import intervals
from faceparity.harness.verification.threshold import collect_evidence
from faceparity.harness.verification.threshold.threshold_pool import make_pool
from faceparity.harness.verification.threshold_sweep import GROUPS, POSITIONS, make_sweeps, positions
from tests.harness import sweep_brute as brute
from tests.harness import toy

BY = ("gender", "ethnicity")


def draw(seed: int, levels: int, sizes: tuple[int, ...]):
    """Scores of all pairs of subjects, and some mated ones, on few levels so that many are equal. Sizes by gender × ethnicity."""
    rng = np.random.default_rng(seed)
    cell = np.repeat(np.arange(len(sizes)), sizes)
    n = cell.size
    look = rng.normal(0, 0.4, n)  # some people resemble many: their comparisons depend on each other
    a, b = (np.array(x) for x in zip(*combinations(range(n), 2), strict=True))
    score = rng.normal(0, 1, a.size) + look[a] + look[b] + 0.3 * cell[a]
    mated = np.repeat(np.arange(n), rng.integers(0, 3, n))
    a, b = np.concatenate([a, mated]), np.concatenate([b, mated])
    score = np.concatenate([score, rng.normal(2, 1, mated.size)])
    score = (np.round(score / 8 * levels) / levels).astype(np.float32)
    labels = {"gender": ["f" if c < 2 else "m" for c in cell], "ethnicity": ["x" if c % 2 == 0 else "y" for c in cell]}
    return brute.Scores(a, b, score, labels)


def evidence(scores, floor_share: float, asked: tuple[float, ...]):
    """The listed comparisons, with a ledger from the edge at which so much of the scores' range lies below."""
    n = len(scores.labels["gender"])
    attributes = []
    for name, values in (("gender", ("f", "m")), ("ethnicity", ("x", "y"))):
        attributes.append(Attribute(name, values, np.array([values.index(v) for v in scores.labels[name]], np.int32)))
    cells = make_cells(attributes, n)
    # Two samples of everybody, so that mated comparisons have two.
    twice = np.concatenate([np.arange(n), np.arange(n)]).astype(np.int32)
    second = np.where(scores.a == scores.b, scores.b + n, scores.b).astype(np.int32)
    cells = type(cells)(cells.attributes, cells.values, cells.of_sample[twice], cells.codes)
    low, high = float(scores.score.min()), float(scores.score.max())
    grid = ScoreBins.uniform(low, high, 300, asked)
    rows = ScoreRows(twice, scores.a.astype(np.int32), second, scores.score)
    counted = tally_of_list(rows, cells, grid)
    floor = float(grid.edges[int(floor_share * grid.n)])
    groupings = [make_grouping(cells, list(x)) for x in (("gender",), ("ethnicity",), BY)]
    made = evidence_of_rows(rows, cells, counted, floor, failures_supplied=False)
    pool = make_pool("balanced", cells, twice, counted[0].non_mated.sum(axis=2), groupings[-1])
    return made, groupings, pool


@settings(max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    seed=st.integers(0, 10_000),
    levels=st.integers(6, 60),
    floor=st.sampled_from([0.0, 0.3, 0.55, 0.7]),
    sizes=st.sampled_from([(52, 60, 55, 31), (34, 64, 51, 12), (70, 50, 49, 50)]),
)
def test_every_position_is_what_plain_sums_give(seed, levels, floor, sizes) -> None:
    scores = draw(seed, levels, sizes)
    made, groupings, pool = evidence(scores, floor, ())
    for grouping, sweep in zip(groupings, make_sweeps(made, groupings, pool, (), [[]], None), strict=True):
        assert 2 <= len(sweep.thresholds) <= POSITIONS
        assert sweep.thresholds == sorted(set(sweep.thresholds))
        assert {r.group for r in sweep.rates} == set(grouping.names)
        at = np.linspace(0, len(sweep.thresholds) - 1, 6).astype(int)
        for k in {*at.tolist(), max(0, sweep.first_with_uncertainty - 1), sweep.first_with_uncertainty}:
            check_position(scores, grouping, sweep, min(k, len(sweep.thresholds) - 1))


def check_position(scores, grouping, sweep, k) -> None:
    t = np.float32(sweep.thresholds[k])
    found = {}
    for r in sweep.rates:
        design, want = brute.group_at(r.measure, scores, grouping.attributes, r.group, BY, t)
        found[r.measure, r.group] = r, want, design
        assert r.design == design
        if want is None or want.subjects < 30:
            assert r.reason is not None
            assert r.errors == []
            assert r.effective_n == []
            continue
        assert (r.errors[k], r.comparisons, r.subjects) == (want.errors, want.comparisons, want.subjects)
        assert (r.rate[k] if r.rate else r.errors[k] / r.comparisons) == pytest.approx(want.rate, rel=1e-6)
        assert (r.bounds.independent, r.bounds.worst_case) == pytest.approx(want.zero)
        counted = r.measure == "fnmr" or k >= sweep.first_with_uncertainty
        if want.errors < 10 and counted:
            assert r.upper[k] >= want.bound * (1 - 1e-6), "the running maximum may raise it"
            if not want.cells and r.design_effect[k] is not None:
                assert r.design_effect[k] == pytest.approx(want.effect, rel=1e-6)
        if not counted or not want.errors or want.subjects < 50:
            assert r.effective_n[k] is None, "no interval may be made of it"
        else:
            df = r.df[k] if isinstance(r.df, list) else r.df
            assert (r.effective_n[k], df) == pytest.approx((want.n, want.df), rel=1e-6)
        if counted and want.errors and want.errors < want.comparisons:
            assert r.effective_errors[k] == pytest.approx(want.effective_errors, rel=1e-6)
        else:
            assert r.effective_errors[k] is None
    people = [scores.of(grouping.attributes, i) for i in range(len(scores.labels["gender"]))]
    base = min(grouping.names, key=lambda g: (-people.count(g), g))
    for (measure, group), (r, want, design) in found.items():
        reference = found[measure, base]
        if group == base or design == "as_sampled" or want is None or want.subjects < 30:
            assert r.ratio_log_half_width is None
            continue
        counted = measure == "fnmr" or k >= sweep.first_with_uncertainty
        told = brute.ratio(want, reference[1]) if counted and reference[1] is not None and reference[2] == design else None
        if told is None:
            assert r.ratio_log_half_width[k] is None, "too few errors: nothing to make a ratio of"
        else:
            assert r.ratio_log_half_width[k] == pytest.approx(np.log(told[2] / told[0]), rel=1e-5)


def test_positions_hold_what_was_asked_for_and_a_score_at_the_threshold_is_a_match() -> None:
    scores = draw(3, 16, (52, 60, 55, 51))
    asked = (float(scores.score[scores.score > 0.2].min()), 0.123)
    made, groupings, pool = evidence(scores, 0.7, asked)
    found = positions(made.tally, asked)
    assert found.size <= POSITIONS
    assert {np.float32(t) for t in asked} <= set(found.tolist())
    sweep = make_sweeps(made, groupings, pool, (), [[]], None)[-1]
    assert sweep.first_with_uncertainty > 0
    assert sum(np.float32(t) < np.float32(made.tally.floor) for t in sweep.thresholds) <= 16
    assert (scores.score[scores.a != scores.b] == np.float32(asked[0])).sum() > 10, "ties at the threshold"
    wanted = {
        r.group: int((scores.rows(BY, r.group, False)[2] >= np.float32(asked[0])).sum())
        for r in sweep.rates
        if r.measure == "fmr"
    }
    again = make_sweeps(made, groupings, pool, (), [[_point(t) for t in asked]], None)[-1]
    k = again.thresholds.index(float(str(np.float32(asked[0]))))
    assert {r.group: r.errors[k] for r in again.rates if r.measure == "fmr"} == wanted


def _point(threshold):
    from faceparity.harness import results

    return results.OperatingPoint(
        origin="fixed",
        threshold=float(str(np.float32(threshold))),
        native_threshold=None,
        achieved_fmr=None,
        status="ok",
        pool=None,
    )


@pytest.fixture(scope="module")
def evaluated():
    dataset = toy.make_dataset(1, 260, 3, unlabelled=0.05)
    card = toy.make_card(published=0.5)
    options = Options(targets=(1e-2, 1e-3), threshold=0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collect_evidence, "DEEPEN_CAP", 0)  # so that the threshold asked for stays below the ledger
        return evaluate(dataset, card, toy.make_templates(dataset, 2, failed=0.04), options).evaluation


def test_operating_points_are_positions_with_the_tables_own_numbers(evaluated) -> None:
    seen = 0
    for g in evaluated.groupings:
        for p in g.operating_points:
            k = g.sweep.thresholds.index(p.threshold)
            assert g.sweep.pool_fmr[k] == pytest.approx(p.achieved_fmr, rel=1e-6)
            for measure, rates in (("fmr", p.fmr), ("fnmr", p.fnmr)):
                for r in rates:
                    x = next(x for x in g.sweep.rates if (x.measure, x.group) == (measure, r.group))
                    if x.design == r.design:
                        seen += same_as_table(x, r, k)
            for c in p.contrasts:
                x = next(x for x in g.sweep.rates if (x.measure, x.group) == (c.measure, c.group))
                told, least = x.ratio_log_half_width[k], x.ratio_at_least[k]
                enough = c.reason is None and c.few_errors is None
                assert (told is not None) == enough, "a ratio is told where the tables call it by enough errors"
                assert least == (c.few_errors and pytest.approx(c.few_errors.at_least, rel=1e-6))
                if told is not None:
                    assert c.ratio * np.exp(np.array([-told, told])) == pytest.approx(c.interval, rel=1e-6)
    assert seen > 40


def same_as_table(x, r, k) -> bool:
    assert (x.errors[k], x.comparisons, x.subjects) == (r.errors, r.comparisons, r.subjects)
    if r.bounds is not None:
        assert x.bounds == r.bounds
    if r.status == "bound":
        assert (0.0, x.upper[k]) == pytest.approx(r.interval, rel=2e-6)
        assert x.design_effect[k] == (r.design_effect and pytest.approx(r.design_effect, rel=1e-6))
    elif r.interval is not None:
        df = x.df[k] if isinstance(x.df, list) else x.df
        rate = x.rate[k] if x.rate else x.errors[k] / x.comparisons
        low, high = intervals.wilson(rate, x.effective_n[k], intervals.quantile_t(df))
        assert low == pytest.approx(r.interval[0], rel=1e-6)
        if x.upper[k] is None:
            assert high == pytest.approx(r.interval[1], rel=1e-6)
        else:
            assert x.upper[k] >= r.interval[1] * (1 - 1e-6), "no upper end is below one at fewer errors"
        assert x.effective_errors[k] == pytest.approx(r.effective_errors, rel=1e-6)
    else:
        assert x.effective_n[k] is None
    return True


def test_a_threshold_asked_for_below_the_ledger_keeps_its_interval(evaluated) -> None:
    g = evaluated.groupings[-1]
    k = g.sweep.thresholds.index(0.1)
    assert k + 1 < g.sweep.first_with_uncertainty
    assert all(r.effective_n[k + 1] is None for r in g.sweep.rates if r.measure == "fmr")
    assert all(r.effective_n[k] is not None for r in g.sweep.rates if r.measure == "fmr" and r.subjects >= 50)


def test_errors_never_rise_with_the_threshold_and_seven_digits_are_kept(evaluated) -> None:
    for g in evaluated.groupings:
        for r in g.sweep.rates:
            steps = np.diff(r.errors)
            assert (steps <= 0).all() if r.measure == "fmr" else (steps >= 0).all()
            assert all(x is None or float(f"{x:.7g}") == x for x in r.effective_n)


def test_upper_ends_never_fall_as_errors_rise(evaluated) -> None:
    """No error never looks worse than one, nor nine than ten: every bar of the slider, in the order of rising errors."""
    bounds = 0
    for g in evaluated.groupings:
        for r in g.sweep.rates:
            ends = [upper_end(r, k) for k in range(len(r.errors))]
            rising = ends[::-1] if r.measure == "fmr" else ends
            known = [end for end in rising if end is not None]
            assert (np.diff(known) >= -1e-6 * np.array(known[1:])).all()
            bounds += sum(errors < 10 for errors in r.errors)
    assert bounds > 300


def upper_end(r, k) -> float | None:
    """As the slider draws it."""
    if r.upper[k] is not None:
        return r.upper[k]
    if r.effective_n[k] is None:
        return None
    df = r.df[k] if isinstance(r.df, list) else r.df
    rate = r.rate[k] if r.rate else r.errors[k] / r.comparisons
    return intervals.wilson(rate, r.effective_n[k], intervals.quantile_t(df))[1]


def test_without_probable_repeats_there_is_a_second_reading() -> None:
    dataset = toy.make_dataset(4, 240, 1, identity="none")
    templates = toy.make_templates(dataset, 5)
    templates.vectors[1:80:2] = templates.vectors[0:80:2] * 1.5  # somebody, twice
    e = evaluate(dataset, toy.make_card(published=0.5, same_person=0.9), templates, Options(targets=(1e-2,))).evaluation
    first = e.groupings[-1].sweep
    second = first.without_likely_same_person
    assert second.thresholds == first.thresholds
    k = max(k for k, t in enumerate(first.thresholds) if t <= 0.9)
    for a, b in zip(first.rates, second.rates, strict=True):
        alike = a.errors[k] - b.errors[k]
        assert a.comparisons - b.comparisons == alike
    assert sum(a.errors[k] - b.errors[k] for a, b in zip(first.rates, second.rates, strict=True)) > 10
    last = next(k for k, t in enumerate(first.thresholds) if t >= 0.9)
    assert all(not any(r.errors[last:]) for r in second.rates)


def test_of_very_many_groups_the_largest_and_the_reference_are_kept() -> None:
    rng = np.random.default_rng(0)
    n, groups = 400, GROUPS + 20
    code = np.sort(rng.integers(0, groups, n)).astype(np.int32)
    names = tuple(f"g{i:03d}" for i in range(groups))
    cells = make_cells([Attribute("region", names, code)], n)
    a, b = (np.array(x, np.int32) for x in zip(*combinations(range(n), 2), strict=True))
    rows = ScoreRows(np.arange(n, dtype=np.int32), a, b, rng.normal(size=a.size).astype(np.float32))
    counted = tally_of_list(rows, cells, ScoreBins.uniform(-5, 5, 100))
    made = evidence_of_rows(rows, cells, counted, -9.0, failures_supplied=False)
    grouping = make_grouping(cells, ["region"])
    pool = make_pool("all", cells, rows.subjects, counted[0].non_mated.sum(axis=2), grouping)
    smallest = names[int(np.bincount(code, minlength=groups).argmin())]
    sweep = make_sweeps(made, [grouping], pool, (f"region={smallest}",), [[]], None)[0]
    assert len(sweep.rates) == GROUPS
    assert smallest in {r.group for r in sweep.rates}


def test_without_non_mated_comparisons_there_is_no_sweep() -> None:
    cells = make_cells([Attribute("region", ("a",), np.zeros(2, np.int32))], 2)
    one = np.array([0], np.int32)
    rows = ScoreRows(np.zeros(2, np.int32), one, one + 1, np.array([0.5], np.float32))
    counted = tally_of_list(rows, cells, ScoreBins.uniform(0, 1, 10))
    made = evidence_of_rows(rows, cells, counted, 0.0, failures_supplied=False)
    grouping = make_grouping(cells, ["region"])
    pool = make_pool("all", cells, rows.subjects, counted[0].non_mated.sum(axis=2), grouping)
    assert make_sweeps(made, [grouping], pool, (), [[]], None) == [None]
