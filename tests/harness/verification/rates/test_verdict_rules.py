"""The one rule for verdicts: its limits, its properties, and that every verdict of a result comes from it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.options import Options
from faceparity.harness.scenarios.load import load_scenarios
from faceparity.harness.verification.rates.verdict_rules import (
    ALPHA,
    adjust,
    call,
    confirm,
    confirm_all,
    enough_errors,
    explore,
    is_significant,
    withhold,
)
from tests.harness.toy import make_card, make_dataset, make_templates
from tests.rederived_verdicts import disagreements

P = st.one_of(st.none(), st.floats(0, 1))
VERDICTS = st.sampled_from(["higher", "lower", "inconclusive", "none"])


@pytest.mark.parametrize(
    ("ratio", "group", "reference", "enough"),
    [
        (2.0, 30, 8, True), (2.0, 29.9, 8, False), (2.0, 30, 7.9, False), (0.5, 8, 30, True), (0.5, 30, 8, False),
        (1.0, 8, 30, True), (1.0, 30, 8, False),
    ],
)  # fmt: skip
def test_the_limits_of_errors(ratio: float, group: float, reference: float, enough: bool) -> None:
    """30 and 8 are enough; at a ratio of 1 the reference is taken for the higher side."""
    assert enough_errors(ratio, group, reference) is enough


@pytest.mark.parametrize(("p", "significant"), [(0.05, False), (0.0499, True), (0.0, True), (None, False), (1.0, False)])
def test_on_the_limit_is_not_below_it(p: float | None, significant: bool) -> None:
    assert is_significant(p) is significant


@given(st.floats(-10, 10), P, st.booleans())
def test_called_only_past_all_gates_and_in_the_right_direction(difference: float, p: float | None, enough: bool) -> None:
    verdict = call(difference, p, enough)
    assert (verdict == "inconclusive") == (not enough or p is None or p >= ALPHA or difference == 0)
    assert verdict == {"higher": "lower", "lower": "higher"}.get(call(-difference, p, enough), "inconclusive")


@given(VERDICTS, st.one_of(st.none(), VERDICTS))
def test_a_second_reading_only_withdraws(verdict, second) -> None:
    confirmed = confirm(verdict, second)
    assert confirmed in (verdict, "inconclusive")
    assert (confirmed in ("higher", "lower")) == (verdict in ("higher", "lower") and verdict == second)


@given(st.lists(P, max_size=12))
def test_a_test_without_a_p_value_stays_in_the_family(p_values: list[float | None]) -> None:
    adjusted, explored = adjust(p_values), explore(p_values)
    assert len(adjusted) == len(p_values)
    for p, holm, bh in zip(p_values, adjusted, explored, strict=True):
        assert (1.0 if p is None else p) <= bh <= holm <= 1
        assert holm >= min(1.0, min(1.0 if q is None else q for q in p_values) * len(p_values)) - 1e-12
    in_order = sorted(zip(((1.0 if p is None else p) for p in p_values), adjusted, strict=True))
    assert all(a[1] <= b[1] for a, b in pairwise(in_order))


def test_what_is_withheld_says_so() -> None:
    """A call and any other test get the reason; what could not be tested keeps its own, if that says anything."""
    from faceparity.harness.results import ScenarioContrast

    blank = ScenarioContrast(measure="fpir", group="g", reference="r", ratio=2.0, verdict="none")
    told = [("higher", None), ("inconclusive", "too_few_errors"), ("none", "too_few_subjects"), ("none", "other")]
    records = [blank.model_copy(update={"verdict": verdict, "reason": reason}) for verdict, reason in told]
    assert withhold(records, lambda record: None) == records
    found = [(record.verdict, record.reason) for record in withhold(records, lambda record: "fnmr_over_half")]
    why = "fnmr_over_half"
    assert found == [("inconclusive", why), ("inconclusive", why), ("none", "too_few_subjects"), ("none", why)]


def test_what_a_reading_lacks_is_withdrawn() -> None:
    """As in scenarios, which once kept it, so in contrasts."""
    from faceparity.harness.results import ScenarioContrast

    first = [
        ScenarioContrast(measure="fpir", group=name, reference="r", ratio=2.0, p_holm=0.01, verdict="higher")
        for name in ("both", "missing", "other")
    ]
    second = [first[0], first[2].model_copy(update={"verdict": "inconclusive"})]
    found = confirm_all(first, second, lambda c: (c.measure, c.group))
    assert [(c.verdict, c.reason) for c in found] == [
        ("higher", None),
        ("inconclusive", "no_second_reading"),
        ("inconclusive", "readings_differ"),
    ]


@pytest.mark.parametrize(("identity", "noise"), [("labelled", 0.8), ("labelled", 1.2), ("none", 1.0)])
def test_every_verdict_of_a_result_is_what_the_rule_gives(identity: str, noise: float) -> None:
    dataset = make_dataset(3, 240, 3, identity=identity)
    templates = make_templates(dataset, 3, failed=0.05, noise=noise)
    names = ("watchlist-half", "search-half") if identity == "labelled" else ()
    scenarios = [one for name in names for one in load_scenarios([name])]
    options = Resolved(Options(by=("gender", "ethnicity"), targets=(0.02, 0.1), seed=2), scenarios=tuple(scenarios))
    evaluation = evaluate(dataset, make_card(), templates, options).evaluation
    counted, wrong = disagreements(evaluation)
    assert wrong == []
    assert counted > 20
