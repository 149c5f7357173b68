"""What may be called a disparity: families, what could have been detected, repeats in one group, ledgers that do not reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from faceparity.harness import results
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.options import Options
from faceparity.harness.uncertainty import contrasts
from faceparity.harness.uncertainty.bootstrap import ColumnComparisons, MatedScores, SortedErrors, bootstrap_at_target
from faceparity.harness.verification.rates.group_contrasts import agree, settle
from faceparity.harness.verification.rates.verdict_rules import EFFECTIVE_IN_HIGHER
from faceparity.harness.verification.threshold import collect_evidence
from tests.harness import toy


def _contrast(group: str, p: float | None, verdict: str = "inconclusive") -> results.Contrast:
    return results.Contrast(
        measure="fmr", design="within", group=group, reference="r", ratio=None if p is None else 2.0, p=p, verdict=verdict
    )


def test_a_contrast_without_errors_stays_in_the_family() -> None:
    """Otherwise the luck of seeing no error would make the other p-values smaller."""
    shown = {"design": "within", "subjects": 100, "comparisons": 4950, "status": "ok"}
    fmr = [results.Rate(group=g, errors=100, rate=0.02, effective_errors=60.0, **shown) for g in ("a", "r")]
    point = results.OperatingPoint(
        origin="fixed", threshold=0.5, native_threshold=0.5, achieved_fmr=None, status="ok", pool=None, fmr=fmr,
        contrasts=[_contrast("a", 0.03), _contrast("b", None), _contrast("too few people", None, "none")],
    )  # fmt: skip
    first = settle(point).contrasts[0]
    assert first.p_holm == pytest.approx(0.06)
    assert first.verdict == "inconclusive"
    assert settle(point.model_copy(update={"contrasts": point.contrasts[::2]})).contrasts[0].verdict == "higher"


@pytest.mark.parametrize(
    ("ratio", "group", "reference", "verdict", "reason"),
    [
        (2.0, 30.0, 8.0, "higher", None),
        (2.0, 29.9, 100.0, "inconclusive", "too_few_errors_in_higher"),
        (2.0, 100.0, 7.9, "inconclusive", "too_few_errors_in_lower"),
        (0.5, 8.0, 30.0, "lower", None),
        (0.5, 100.0, 29.9, "inconclusive", "too_few_errors_in_higher"),
        (0.5, 7.9, 100.0, "inconclusive", "too_few_errors_in_lower"),
    ],
)
def test_the_gates_are_thirty_effective_errors_above_and_eight_below(
    ratio: float, group: float, reference: float, verdict: str, reason: str | None
) -> None:
    """Whichever side is the higher; p alone, however small, calls nothing."""
    shown = {"design": "within", "subjects": 100, "comparisons": 4950, "status": "ok", "errors": 500, "rate": 0.02}
    rates = [results.Rate(group=g, effective_errors=n, **shown) for g, n in (("a", group), ("r", reference))]
    point = results.OperatingPoint(
        origin="fixed", threshold=0.5, native_threshold=0.5, achieved_fmr=None, status="ok", pool=None, fmr=rates,
        contrasts=[_contrast("a", 1e-9).model_copy(update={"ratio": ratio})],
    )  # fmt: skip
    found = settle(point).contrasts[0]
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.p_holm == found.p_bh == 1e-9
    unsure = point.model_copy(update={"contrasts": [point.contrasts[0].model_copy(update={"p": 0.05})]})
    assert settle(unsure).contrasts[0].verdict == "inconclusive"


def test_a_verdict_that_the_second_reading_does_not_share_is_withdrawn() -> None:
    """Hidden repeats of one person may make a disparity, or hide one."""
    point = results.OperatingPoint(
        origin="fixed", threshold=0.5, native_threshold=0.5, achieved_fmr=None, status="ok", pool=None,
        contrasts=[_contrast(g, 0.001, v) for g, v in (("a", "higher"), ("b", "higher"), ("c", "lower"), ("d", "inconclusive"))],
    )  # fmt: skip
    second = [("a", "higher"), ("b", "inconclusive"), ("c", "higher"), ("d", "higher")]
    found = agree(point, point.model_copy(update={"contrasts": [_contrast(g, 0.001, v) for g, v in second]})).contrasts
    assert [c.verdict for c in found] == ["higher", "inconclusive", "inconclusive", "inconclusive"]
    assert [c.reason for c in found] == [None, "readings_differ", "readings_differ", None]


def test_what_could_have_been_detected_is_what_would_have_been_called() -> None:
    """Holm's first step, Student's t and the least number of errors make it larger than a single z-test would."""
    rate, n = 1e-3, 50_000
    single = contrasts.detectable_ratio(rate, n, n)
    of_many = contrasts.detectable_ratio(rate, n, n, tests=26, df=60, least=EFFECTIVE_IN_HIGHER)
    assert of_many > single > 1
    log = np.log(of_many)
    se = np.sqrt(1 / (n * rate) + 1 / (n * rate * of_many))
    rng = np.random.default_rng(0)
    drawn = log + se * rng.standard_t(60, 20_000)
    found = (2 * stats.t.sf(drawn / se, 60) * 26 < 0.05).mean()
    assert found == pytest.approx(0.8, abs=0.02)
    few = contrasts.detectable_ratio(rate, 6_000, 1_000_000, least=EFFECTIVE_IN_HIGHER)
    assert few * rate * 6_000 == pytest.approx(EFFECTIVE_IN_HIGHER)


def test_a_ratio_is_said_to_be_detectable_only_if_it_passes_the_gate_above() -> None:
    """The reference group has fewer than eight effective errors at so high a threshold."""
    dataset, templates = toy.make_dataset(3, 260, 1), toy.make_templates(toy.make_dataset(3, 260, 1), 4)
    options = Options(by=("gender",), targets=(), threshold=0.75)
    point = evaluate(dataset, toy.make_card(published=None), templates, options).evaluation.groupings[0].operating_points[0]
    reference = next(r for r in point.fmr if r.group == point.contrasts[0].reference)
    assert 0 < reference.effective_errors < 8
    assert point.contrasts[0].verdict == "inconclusive"
    group = next(r for r in point.fmr if r.group == point.contrasts[0].group)
    errors = point.contrasts[0].detectable_ratio * reference.rate * group.comparisons
    assert errors / group.design_effect >= 30 - 0.2, "to one step of the ratios that are tried"


def test_groups_that_share_people_are_no_surer_than_independent_comparisons() -> None:
    equal = np.full(50, np.log(1.5))
    assert contrasts.joint_jackknife_log_ratio(equal, np.log(1.5), 49, 0.04).interval[1] == pytest.approx(
        1.5 * np.exp(0.2 * contrasts.quantile_t(49))
    )


def test_a_ledger_that_does_not_reach_the_target_gives_no_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lowest score would pass for the threshold, at an FMR far below the target."""
    dataset = toy.make_dataset(1, 300, 1)
    templates = toy.make_templates(dataset, 2)
    options = Options(by=("gender",), targets=(1e-1, 2e-3))
    monkeypatch.setattr(collect_evidence, "LEDGER_CAP", 500)
    monkeypatch.setattr(collect_evidence, "DEEPEN_CAP", 100)
    e = evaluate(dataset, toy.make_card(), templates, options).evaluation
    far, near, _ = e.groupings[0].operating_points
    assert e.comparisons.ledger_entries <= 500
    assert (far.status, far.reason, far.threshold) == ("refused", "target_out_of_reach", None)
    assert "ask for a smaller" in far.detail
    assert near.status == "ok"
    assert 1e-3 < near.achieved_fmr <= 2e-3


def test_a_replicate_whose_errors_end_before_its_target_has_no_threshold() -> None:
    n = 40
    a, b = (x.astype(np.int32) for x in np.triu_indices(n, 1))
    score = np.linspace(1, 0.5, a.size).astype(np.float32)
    zero = np.zeros(a.size, np.int32)
    none = MatedScores(np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.int32))
    one = ColumnComparisons.all_pairs(np.ones((n, 1)))

    def thresholds(kept: int, complete: bool) -> np.ndarray:
        errors = SortedErrors(a[:kept], b[:kept], score[:kept], zero[:kept], zero[:kept])
        strata = np.zeros(n, np.int32)
        return bootstrap_at_target(
            errors, none, strata, one, np.ones(1), one, 0.1, complete=complete, replicates=50, seed=1
        ).threshold

    deep, shallow = thresholds(a.size, True), thresholds(90, False)
    assert np.isfinite(deep).all()
    assert np.isnan(shallow).any()
    known = np.isfinite(shallow)
    assert known.any()
    assert (shallow[known] == deep[known]).all()


def test_repeats_in_one_group_call_for_both_readings_though_the_pool_has_few() -> None:
    """Six pairs are three in a hundred of the pool's errors, but more than one in twenty of their group's."""
    dataset = toy.make_dataset(4, 400, 1, identity="none")
    templates = toy.make_templates(dataset, 5)
    codes = np.stack([dataset.attributes[a].codes for a in ("gender", "ethnicity")], axis=1)
    mine = np.flatnonzero((codes == codes[0]).all(axis=1))
    vectors = templates.vectors.copy()
    noise = np.random.default_rng(0).normal(size=vectors.shape)
    for k in range(6):
        vectors[mine[2 * k + 1]] = vectors[mine[2 * k]] + 0.05 * noise[k]
    e = evaluate(dataset, toy.make_card(), replace(templates, vectors=vectors), Options(targets=(1e-2,))).evaluation
    point = e.groupings[-1].operating_points[0]
    group = " × ".join(dataset.attributes[a].values[c] for a, c in zip(("gender", "ethnicity"), codes[0], strict=True))
    errors = next(r.errors for r in point.fmr if r.group == group)
    assert point.status == "ok"
    assert point.same_person.share_of_pool_errors < 0.05
    assert point.same_person.share_by_group[group] == pytest.approx(6 / errors)
    assert point.same_person.share_by_group[group] > 0.05
    second = point.without_likely_same_person
    assert next(r.comparisons for r in second.fmr if r.group == group) == mine.size * (mine.size - 1) // 2 - 6
    other = {c.group: c.verdict for c in second.contrasts}
    assert all(c.verdict == other[c.group] for c in point.contrasts if c.verdict in ("higher", "lower"))
