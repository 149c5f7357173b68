from __future__ import annotations

import csv
import io
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceparity.harness.claims.verdicts import verdict_of
from faceparity.harness.results import (
    Claim,
    ClaimQuote,
    ClaimReading,
    ClaimReason,
    ClaimResult,
    ClaimRule,
    ClaimTest,
    Evaluation,
    Rate,
)
from faceparity.reports.formats.csv_tables import tables
from faceparity.reports.formats.html import render
from faceparity.reports.formats.markdown import summary
from faceparity.reports.layout.elements import Text
from faceparity.reports.topics.claims import (
    CALLED,
    claim_sections,
    claim_tables,
    compact,
    not_testable,
    readings,
    sentences,
    table_of_tests,
    tally,
    untested,
    verdict_sentence,
)
from faceparity.reports.topics.names import names_of
from faceparity.reports.wording.csv_rows import to_csv
from faceparity.reports.wording.forbidden_words import forbidden


def rate(group: str, errors: int, n: int = 40_000) -> Rate:
    return Rate(
        group=group, design="matched", subjects=400, comparisons=n, errors=errors, rate=errors / n,
        interval=(0.5 * errors / n, min(1.0, 2 * errors / n)), status="ok",
    )  # fmt: skip


def made(result: ClaimResult = "as_claimed", **changes: Any) -> ClaimTest:
    base: dict[str, Any] = {
        "attribute": "ethnicity", "group": "Black", "reference": "White", "measure": "fmr", "design": "matched", "target_fmr": 0.01,
        "threshold": 0.3, "native_threshold": 0.3, "rate": rate("Black", 600), "reference_rate": rate("White", 200), "ratio": 3.0,
        "interval": (2.0, 4.5), "p": 1e-6, "p_holm": 1e-5, "detectable_ratio": 1.9, "result": result,
    }  # fmt: skip
    return ClaimTest(**{**base, **changes})


def reading(tests: list[ClaimTest], **changes: Any) -> ClaimReading:
    base: dict[str, Any] = {
        "reading": "operational", "measure": "fmr", "expects": "higher", "threshold": "one",
        "verdict": verdict_of([t.result for t in tests]), "tests": tests,
    }  # fmt: skip
    return ClaimReading(**{**base, **changes})


def one(*of: ClaimReading, title: str = "Somebody: more false matches") -> Claim:
    quote = ClaimQuote(who="Somebody", text="it proves that all are biased", where="a letter", known="secondary")
    return Claim(
        name="somebody", title=title, sha256="a" * 64, shipped=True, about="people", quotes=[quote], measures="m", hypothesis="h",
        bears_out="b", contradicts="c", limits="l", readings=list(of),
    )  # fmt: skip


def with_claims(e: Evaluation, *claims: Claim) -> Evaluation:
    return e.model_copy(update={"claims": list(claims)})


@pytest.fixture
def plain(variants: dict[str, Evaluation]) -> Evaluation:
    return variants["plain"]


def test_a_verdict_is_of_this_model_on_this_data_set_with_its_evidence(plain: Evaluation) -> None:
    c = one(reading([made(), made("inconclusive", target_fmr=0.001)]))
    text = verdict_sentence(with_claims(plain, c), c, c.readings[0]).replace("\u00a0", " ")
    for part in (
        "Somebody: more false matches", "read operationally", "borne out here in 1 of 2 tests, consistent with the claim",
        f"On the data set {plain.dataset.name}, the open model {plain.model.name}", "labelled Black", "labelled White", "400 people",
        "600 false matches in 40,000 comparisons", "1.50 %", "0.500 %", "3.0×", "95 % interval 2.0 to 4.5", "Holm-adjusted p < 0.001",
        "at one threshold for FMR 1 %", "inconclusive in 1",
    ):  # fmt: skip
        assert part in text, part


def test_a_test_that_the_gates_stopped_says_so_whatever_its_errors(plain: Evaluation) -> None:
    c = one(reading([made("inconclusive", reason="too_few_errors")]))
    (row,) = table_of_tests(plain, c.readings[0], "k").rows
    assert row[-1] == "not called: too few effective errors for a verdict"
    assert tally(c.readings[0]) == "Inconclusive in its one test, the other attributes weighted equally"


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ([made("opposite", ratio=0.3)], "contradicted here in 1 of 1 test, in the opposite direction"),
        ([made(), made("opposite", ratio=0.3)], "mixed here in 2 of 2 tests, in either direction"),
        ([made("inconclusive", ratio=1.2)], "inconclusive. On the data set"),
        ([made("inconclusive", ratio=1.2)], "could have detected a ratio of 1.9"),
        ([made("inconclusive", detectable_ratio=None)], "could have detected no ratio"),
        (
            [made("inconclusive", reason="too_few_errors_in_lower"), made("inconclusive", p_holm=0.5)],
            "In 1 of them the Holm-adjusted p is below 0.05, but not called: under 8 effective errors on the lower side",
        ),
    ],
)
def test_each_verdict_has_its_words(plain: Evaluation, tests: list[ClaimTest], words: str) -> None:
    c = one(reading(tests))
    assert words in verdict_sentence(plain, c, c.readings[0])


@pytest.mark.parametrize(
    ("design", "words"),
    [
        ("matched", ", the other attributes weighted equally"),
        ("as_sampled", ", as sampled: not adjusted for the other attributes"),
        ("within", ""),
    ],
)
def test_a_claim_says_how_it_weighted_the_other_attributes(plain: Evaluation, design: str, words: str) -> None:
    c = one(reading([made(design=design), made("inconclusive", design=design, target_fmr=0.001)]))
    sentence = verdict_sentence(plain, c, c.readings[0])
    assert tally(c.readings[0]).startswith(f"Of 2 tests{words}: as claimed in 1")
    assert f"(95 % interval 2.0 to 4.5){words}, Holm-adjusted" in sentence
    assert table_of_tests(plain, c.readings[0], "k").caption.endswith(words or "everybody)")


def test_a_claim_that_rests_on_a_contaminated_point_says_so_wherever_it_stands(plain: Evaluation) -> None:
    """And whether it was tested without the comparisons that look like one person."""
    clean, bad = made(target_fmr=0.001), made(same_person_share=0.051, ratio_without_repeats=2.6)
    c = one(reading([clean, bad]))
    sentence = verdict_sentence(plain, c, c.readings[0]).replace("\u00a0", " ")
    assert "Contaminated: 5.1 % of the false matches that set the threshold of 1 of these tests" in sentence
    assert "a call must hold without them too" in sentence
    assert "1 at a contaminated threshold" in tally(c.readings[0])
    cells = [row[-1] for row in table_of_tests(plain, c.readings[0], "k").rows]
    assert ["contaminated" in cell for cell in cells] == [False, True]
    header, rows = claim_tables(with_claims(plain, c))["claims"]
    assert [dict(zip(header, row, strict=True))["same_person_share"] for row in rows] == [None, 0.051]
    untried = one(reading([made(same_person_share=0.2)]))
    assert "that set its threshold look like one person twice; it was not tested without them" in verdict_sentence(
        plain, untried, untried.readings[0]
    )
    assert "contaminated" not in verdict_sentence(plain, one(reading([clean])), reading([clean])).lower()


def test_tests_are_counted_once_and_only_those_that_were_made(plain: Evaluation) -> None:
    """Two claims that share a test, one of them with its groups the other way round, and a test that could not be made."""
    turned = made(
        "opposite", group="White", reference="Black", ratio=1 / 3, rate=rate("White", 200), reference_rate=rate("Black", 600)
    )
    refused = made("not_testable", target_fmr=1e-4, reason="too_few_comparisons_for_target", threshold=None)
    first, second = one(reading([made(), refused])), one(reading([turned], expects="lower"))
    page = " ".join(x.text for x in claim_sections(with_claims(plain, first, second), "e")[0].items if isinstance(x, Text))
    assert "1 test in all, each counted once (1 repeat in other claims or readings left out)." in page
    assert "borne out here in 1 of 1 test" in page
    assert tally(first.readings[0]).startswith("Of 1 test, ")
    assert tally(first.readings[0]).endswith("; 1 more could not be made")
    assert tally(reading([refused])) == "None of 1 test could be made"


def test_a_threshold_of_each_cohorts_own_is_called_not_operational(plain: Evaluation) -> None:
    own = made(measure="fnmr", threshold=0.31, native_threshold=0.31, reference_threshold=0.28, native_reference_threshold=0.28)
    c = one(reading([own], reading="as_measured", measure="fnmr", threshold="own"))
    text = verdict_sentence(plain, c, c.readings[0])
    assert "each cohort's own threshold, not operational" in text
    assert "≥\u00a00.31" in text
    assert "≥\u00a00.28" in text


def test_what_could_not_be_tested_says_why_and_what_would_help(plain: Evaluation) -> None:
    none = reading([], verdict="not_testable", reason="not_grouped", detail="--by gender")
    e = with_claims(plain, one(none, none.model_copy(update={"reading": "as_measured"})))
    assert not_testable(e) == [
        "Somebody: more false matches: not testable here, as this run did not group by the label it needs (run again with --by gender)."
    ]
    assert compact(e)[1] == []
    assert sentences(e) == []
    assert untested(e).startswith("Not testable here: 2 readings of claims (2 as this run")


def test_another_label_is_shown_beside_and_gives_no_verdict(plain: Evaluation) -> None:
    c = one(reading([made()], verdict="not_testable", reason="proxy_label", detail="ethnicity"))
    e = with_claims(plain, c)
    told = not_testable(e)[0]
    assert "not testable here, as the data set has another label" in told
    assert (
        "By ethnicity instead, which gives the claim no verdict: of 1 test, the other attributes weighted equally: as claimed in 1"
        in told
    )
    assert "borne out" not in told
    ((_, _, verdict, shown),) = compact(e)[1]
    assert verdict == "not testable"
    assert shown.startswith("By ethnicity instead, which gives the claim no verdict")


def test_the_page_the_summary_and_the_tables_hold_every_claim(plain: Evaluation) -> None:
    c = one(reading([made()]), reading([], reading="as_measured", verdict="not_testable", reason="no_measure"))
    e = with_claims(plain, c)
    page = render([e])
    assert "it proves that all are biased" in page
    assert "a" * 64 in page
    assert "borne out" in summary([e])
    header, rows = tables(e)["claims"]
    found = list(csv.DictReader(io.StringIO(to_csv(header, rows))))
    assert [(r["reading"], r["verdict"], r["verdict_reason"]) for r in found] == [
        ("operational", "borne_out", ""), ("as_measured", "not_testable", "no_measure"),
    ]  # fmt: skip
    assert (float(found[0]["ratio"]), found[0]["errors"], found[0]["reference_errors"]) == (3.0, "600", "200")
    assert "claims" not in tables(plain)
    assert claim_sections(plain, "e") == []


def test_hostile_words_of_a_claim_are_escaped(plain: Evaluation) -> None:
    bad = "<script>alert(1)</script>"
    c = one(reading([made(group=bad)]), title=bad).model_copy(update={"hypothesis": bad, "name": "=1+1"})
    e = with_claims(plain, c)
    assert "<script>alert" not in render([e])
    assert "<script>" not in summary([e]).replace("\\<", "")
    header, rows = claim_tables(e)["claims"]
    assert "\n'=1+1," in to_csv(header, rows)


RESULTS = get_args(ClaimResult)
REASONS = [x for part in get_args(ClaimReason) for x in get_args(part)]
SHARE = st.none() | st.sampled_from([0.0, 1e-300, 1e-9, 0.5, 1.0])
NUMBER = st.none() | st.sampled_from([0.0, 1e-300, 1e-9, 0.5, 1.0, 1.0001, 3.0, 1e9])


@st.composite
def any_test(draw: st.DrawFn) -> ClaimTest:
    names = st.sampled_from(["Black", "female", "18–29", "x" * 300, "5"])
    measure = draw(st.sampled_from(["fmr", "fnmr", "non_mated_score", "mated_score"]))
    return ClaimTest(
        attribute=draw(names), group=draw(names), reference=draw(names), measure=measure,
        design=draw(st.sampled_from(["matched", "paired", "within"])), target_fmr=draw(st.none() | st.sampled_from([0.01, 1e-9])),
        threshold=draw(NUMBER), native_threshold=draw(NUMBER), reference_threshold=draw(NUMBER), native_reference_threshold=draw(NUMBER),
        rate=draw(st.none() | st.builds(rate, names, st.sampled_from([0, 1, 40_000]))), reference_rate=draw(st.none()), value=draw(NUMBER),
        reference_value=draw(NUMBER), ratio=draw(NUMBER), interval=draw(st.none() | st.just((1e-9, 1e9))), p=draw(SHARE),
        p_holm=draw(st.none() | st.sampled_from([0.0, 0.0499, 1.0])), detectable_ratio=draw(st.none() | st.just(1.5)),
        result=draw(st.sampled_from(RESULTS)), reason=draw(st.none() | st.sampled_from(REASONS)),
    )  # fmt: skip


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tests=st.lists(any_test(), max_size=5), rule=st.sampled_from(get_args(ClaimRule)), reason=st.none() | st.sampled_from(REASONS)
)
def test_no_claim_however_extreme_makes_a_sentence_that_says_more(
    plain: Evaluation, tests: list[ClaimTest], rule: Any, reason: Any
) -> None:
    measure = tests[0].measure if tests else "fmr"
    tests = [t.model_copy(update={"measure": measure}) for t in tests]
    c = one(reading(tests, threshold=rule, measure=measure, reason=reason))
    e = with_claims(plain, c)
    names = {*names_of(e), *(x for t in tests for x in (t.attribute, t.group, t.reference))}
    said = [*sentences(e), *not_testable(e), untested(e), *(x for row in compact(e)[1] for x in row)]
    assert [hit for x in said for hit in forbidden(x, names)] == []
    assert claim_sections(e, "e")
    header, rows = claim_tables(e)["claims"]
    assert all(len(row) == len(header) for row in rows)
    text = " ".join(said)
    called = {t.result for t in tests} & set(CALLED)
    assert ("borne out" in text) == (called == {"as_claimed"})
    assert ("contradicted" in text) == (called == {"opposite"})
    assert [r.verdict for _, r in readings(e)] == [verdict_of([t.result for t in tests])]
