from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness import results as record
from faceparity.harness.claims import parse_claim, read_claims, shipped_claims
from faceparity.harness.claims.group_pairs import fits
from faceparity.harness.claims.verdicts import adjusted, result_of, verdict_of
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.options import Options
from faceparity.harness.templates.extract import Templates
from faceparity.harness.uncertainty.multiple_tests import holm
from tests import ROOT
from tests.harness import toy

PEOPLE = 240
IMAGES = 3


def people(seed: int = 1, *, by: tuple[str, ...] = ("gender", "ethnicity"), identity: str = "labelled", **card: Any) -> Dataset:
    """As many of each combination, in turn."""
    dataset = toy.make_dataset(seed, PEOPLE, IMAGES)
    every = {
        "gender": Attribute("gender", ("female", "male"), np.repeat(np.arange(PEOPLE, dtype=np.int32) % 2, IMAGES)),
        "ethnicity": Attribute("ethnicity", ("Black", "White"), np.repeat(np.arange(PEOPLE, dtype=np.int32) // 2 % 2, IMAGES)),
    }
    updated = dataset.card.model_copy(update={"default_by": list(by), **card})
    subjects = np.arange(dataset.n_samples, dtype=np.int32) if identity == "none" else dataset.subjects
    return replace(
        dataset, attributes={a: every[a] for a in every if a in by}, card=updated, subjects=subjects, identity=identity
    )


def templates(dataset: Dataset, noise: np.ndarray, together: np.ndarray | None = None, seed: int = 2) -> Templates:
    """noise: per sample, how far images of one person lie apart. together: per person, how much it shares with all who have any."""
    made = toy.make_templates(dataset, seed, dimensions=24)
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(PEOPLE), IMAGES)
    centre = rng.normal(size=(PEOPLE, 24))
    if together is not None:
        centre += together[:, None] * rng.normal(size=24)
    vectors = centre[owner] + noise[:, None] * rng.normal(size=(owner.size, 24))
    return replace(made, vectors=vectors.astype(np.float32))


def claim(e: record.Evaluation, name: str) -> dict[str, record.ClaimReading]:
    return {r.reading: r for c in e.claims if c.name == name for r in c.readings}


@pytest.fixture(scope="module")
def noisy() -> record.Evaluation:
    """Images of one person labelled Black lie further apart, and people labelled female are more alike."""
    dataset = people()
    black = dataset.attributes["ethnicity"].codes == 0
    female = dataset.attributes["gender"].codes[::IMAGES] == 0
    made = templates(dataset, np.where(black, 0.95, 0.65), np.where(female, 0.55, 0.0))
    return evaluate(dataset, toy.make_card(), made, Options()).evaluation


def test_the_claims_that_people_make_come_with_the_package() -> None:
    found = {s.claim.name: s.claim for s in shipped_claims()}
    assert list(found) == [
        "eff-klare-black", "eff-klare-female", "eff-klare-young", "wyden-false-matches", "wyden-false-non-matches",
        "nist-women", "nist-ethnicity", "tone-false-matches", "tone-false-non-matches",
    ]  # fmt: skip
    wyden = found["wyden-false-matches"].quotes[0].text
    assert "significantly less accurate for people with non-white skin tones" in wyden
    assert {found[f"eff-klare-{x}"].contrasts[0].groups for x in ("black", "female", "young")} == {
        ("Black",),
        ("female",),
        ("18–30",),
    }
    for c in found.values():
        assert c.operational is not None
        assert c.operational.threshold == "one"
    own = found["eff-klare-black"].as_measured
    assert own is not None
    assert (own.threshold, own.targets, own.measure) == ("own", (0.001,), "fnmr")


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        (["as_claimed"], "borne_out"),
        (["as_claimed", "inconclusive", "not_testable"], "borne_out"),
        (["opposite", "inconclusive"], "contradicted"),
        (["as_claimed", "opposite"], "mixed"),
        (["inconclusive", "not_testable"], "inconclusive"),
        (["not_testable"], "not_testable"),
        ([], "not_testable"),
    ],
)
def test_what_tests_come_to(results: list[Any], verdict: str) -> None:
    assert verdict_of(results) == verdict


@pytest.mark.parametrize(
    ("expects", "higher", "p", "gates", "result"),
    [
        ("higher", True, 0.01, True, "as_claimed"),
        ("higher", False, 0.01, True, "opposite"),
        ("lower", False, 0.01, True, "as_claimed"),
        ("higher", True, 0.05, True, "inconclusive"),
        ("higher", True, 0.01, False, "inconclusive"),
        ("higher", None, 0.01, True, "inconclusive"),
        ("higher", True, None, True, "inconclusive"),
    ],
)
def test_what_one_test_says(expects: Any, higher: bool | None, p: float | None, gates: bool, result: str) -> None:
    assert result_of(expects, higher, p, gates) == result


def test_a_test_that_two_claims_share_is_one_test_and_one_without_errors_stays() -> None:
    assert adjusted([("a", 0.02), ("b", 0.03), ("a", 0.02)]) == {"a": 0.04, "b": 0.04}
    assert adjusted([("a", 0.02), ("b", None)]) == {"a": 0.04, "b": 1.0}
    assert adjusted([]) == {}


@pytest.mark.parametrize(
    ("attribute", "wanted", "value", "yes"),
    [
        ("ethnicity", "Black", "Black", True),
        ("ethnicity", "Black", "African", True),
        ("ethnicity", "Black", "White", False),
        ("gender", "female", "F", True),
        ("age_group", "18–30", "18–29", True),
        ("age_group", "18–30", "20–29", True),
        ("age_group", "18–30", "30–44", False),
        ("age_group", "30+", "30–44", True),
        ("age_group", "30+", "60+", True),
        ("age_group", "30+", "18–29", False),
        ("age_group", "18–30", "18+", False),
        ("age_group", "18–30", "unknown", False),
        ("tone", "5", "5", True),
        ("tone", "5", "1", False),
    ],
)
def test_which_values_a_claim_names(attribute: str, wanted: str, value: str, yes: bool) -> None:
    assert fits(attribute, wanted, value) is yes


GOOD = next(s for s in shipped_claims() if s.claim.name == "nist-women")


def text_of(**changes: str) -> str:
    text = Path(str(parse_claim.__code__.co_filename)).with_name("30-nist-women.toml").read_text("utf-8")
    for old, new in changes.items():
        text = text.replace(old.replace("__", " "), new)
    return text


def test_a_users_file_is_read_with_its_digest_and_named_once(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(text_of().replace('"nist-women"', '"mine"'), "utf-8")
    stated = read_claims((mine,))[-1]
    assert stated.claim.name == "mine"
    assert not stated.shipped
    assert stated.sha256 != GOOD.sha256
    mine.write_text(text_of(), "utf-8")
    with pytest.raises(UserError, match="another claim called nist-women"):
        read_claims((mine,))
    with pytest.raises(UserError, match="No such file"):
        read_claims((tmp_path / "none.toml",))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "nist-women"', 'name = "NIST women!"', "name"),
        ('threshold = "one"', 'threshold = "best"', "operational.threshold"),
        ("targets = [0.01, 0.001]", "targets = []", "at least one FMR"),
        ('measure = "fmr"', 'measure = "mated_score"', "a mean score has no threshold"),
        ('threshold = "reference"', 'threshold = "own"', "every cohort has the same FMR"),
        ('groups = ["female"]', 'groups = ["female"]\nproxy = true', "all contrasts are proxies"),
        ('about = "people"', 'about = "people"\ncolour = "red"', "colour"),
        ("[[contrasts]]", "[[contrasts", "not a TOML file"),
    ],
)
def test_a_file_that_is_no_claim_is_told_in_one_line(old: str, new: str, told: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_claim(text_of().replace(old, new).encode(), "mine.toml")
    assert told in str(caught.value)
    assert str(caught.value).startswith("mine.toml")
    assert "\n" not in str(caught.value).split(" (")[0]


def test_higher_fnmr_bears_the_claim_out_in_both_readings(noisy: record.Evaluation) -> None:
    found = claim(noisy, "eff-klare-black")
    assert [r.verdict for r in found.values()] == ["borne_out", "borne_out"]
    own = found["as_measured"].tests[0]
    assert (own.group, own.reference, own.design, own.target_fmr) == ("Black", "White", "as_sampled", 0.001)
    assert own.threshold != own.reference_threshold
    assert own.rate is not None
    assert own.reference_rate is not None
    assert own.rate.rate is not None
    assert own.ratio == pytest.approx(own.rate.rate / (own.reference_rate.rate or 1))
    assert own.interval is not None
    assert own.interval[0] < own.ratio < own.interval[1]


def test_more_alike_means_more_false_matches_at_one_threshold_but_not_at_each_groups_own(noisy: record.Evaluation) -> None:
    women = claim(noisy, "nist-women")
    assert women["operational"].verdict == "borne_out"
    assert women["as_measured"].verdict == "borne_out"
    at = women["as_measured"].tests[0]
    assert at.reference_rate is not None
    assert at.reference_rate.rate is not None
    assert 0.0008 < at.reference_rate.rate <= 0.001 + 1e-12  # set on them


def test_own_thresholds_are_those_of_brute_force() -> None:
    dataset = people(by=("ethnicity",))
    made = templates(dataset, np.full(PEOPLE * IMAGES, 0.9))
    e = evaluate(dataset, toy.make_card(), made, Options()).evaluation
    test = claim(e, "eff-klare-black")["as_measured"].tests[0]
    unit = made.vectors / np.linalg.norm(made.vectors, axis=1, keepdims=True)
    for code, rate, threshold in ((0, test.rate, test.threshold), (1, test.reference_rate, test.reference_threshold)):
        mine = np.flatnonzero(dataset.attributes["ethnicity"].codes == code)
        scores = unit[mine] @ unit[mine].T
        a, b = np.triu_indices(mine.size, 1)
        same = dataset.subjects[mine][a] == dataset.subjects[mine][b]
        other = np.sort(scores[a, b][~same])[::-1]
        allowed = int(0.001 * other.size)
        assert threshold == pytest.approx(other[allowed - 1], abs=1e-6)
        assert rate is not None
        assert rate.errors == int((scores[a, b][same] < other[allowed - 1] - 1e-7).sum())
        assert rate.comparisons == int(same.sum())


def test_a_threshold_found_anew_widens_the_interval_and_no_seed_moves_the_rate() -> None:
    dataset = people(by=("ethnicity",))
    made = templates(dataset, np.full(PEOPLE * IMAGES, 0.9))
    first, again, other = (evaluate(dataset, toy.make_card(), made, Options(seed=s)).evaluation for s in (0, 0, 1))
    a, b, c = (claim(e, "eff-klare-black")["as_measured"].tests[0] for e in (first, again, other))
    assert a == b
    assert a.ratio == c.ratio
    assert a.interval != c.interval
    assert a.rate is not None
    assert a.rate.interval is not None
    n = a.rate.comparisons
    alone = 1.96 * ((a.rate.rate or 0) * (1 - (a.rate.rate or 0)) / n) ** 0.5
    assert a.rate.interval[1] - a.rate.interval[0] > 2 * alone


def test_lower_fnmr_contradicts() -> None:
    dataset = people(by=("ethnicity",))
    black = dataset.attributes["ethnicity"].codes == 0
    e = evaluate(dataset, toy.make_card(), templates(dataset, np.where(black, 0.65, 0.95)), Options()).evaluation
    assert {r.verdict for r in claim(e, "eff-klare-black").values()} == {"contradicted"}


def test_equal_groups_are_inconclusive_with_what_could_have_been_detected() -> None:
    dataset = people(by=("ethnicity",))
    e = evaluate(dataset, toy.make_card(), templates(dataset, np.full(PEOPLE * IMAGES, 0.9)), Options()).evaluation
    for r in claim(e, "eff-klare-black").values():
        assert r.verdict == "inconclusive"
        assert all(t.detectable_ratio is not None and t.detectable_ratio > 1 for t in r.tests)


def test_operational_tests_are_the_contrasts_of_the_run_with_another_family(noisy: record.Evaluation) -> None:
    for name, attribute, measure in (("eff-klare-black", "ethnicity", "fnmr"), ("nist-women", "gender", "fmr")):
        grouping = next(g for g in noisy.groupings if g.attributes == [attribute])
        for t in claim(noisy, name)["operational"].tests:
            p = next(p for p in grouping.operating_points if p.target_fmr == t.target_fmr)
            c = next(c for c in p.contrasts if c.measure == measure)
            same = (c.group, c.reference) == (t.group, t.reference)
            assert same or (c.reference, c.group) == (t.group, t.reference)
            assert c.ratio is not None
            assert t.ratio == pytest.approx(c.ratio if same else 1 / c.ratio)
            assert t.p == pytest.approx(c.p)


def test_holm_is_over_all_tests_of_all_claims(noisy: record.Evaluation) -> None:
    tests = {
        (t.attribute, t.group, t.reference, t.measure, r.threshold, t.target_fmr): t
        for c in noisy.claims
        for r in c.readings
        for t in r.tests
        if t.result != "not_testable"
    }
    assert len(tests) > 8
    p = holm([1.0 if t.p is None else t.p for t in tests.values()])
    assert [t.p_holm for t in tests.values() if t.p is not None] == [
        pytest.approx(x) for x, t in zip(p, tests.values(), strict=True) if t.p is not None
    ]


def test_a_test_the_other_way_round_or_named_twice_is_one_test(noisy: record.Evaluation) -> None:
    """A claim that men have fewer false matches than women, and one that names its groups twice, add no test to the family."""
    women = GOOD.claim
    (contrast,) = women.contrasts
    turned = contrast.model_copy(update={"groups": contrast.references, "references": contrast.groups})
    fewer = women.operational.model_copy(update={"expects": "lower"})  # type: ignore[union-attr]
    men = women.model_copy(update={"name": "men", "contrasts": (turned,), "as_measured": None, "operational": fewer})
    twice = women.model_copy(update={"name": "twice", "contrasts": (contrast, contrast), "as_measured": None})
    dataset = people()
    black, female = dataset.attributes["ethnicity"].codes == 0, dataset.attributes["gender"].codes[::IMAGES] == 0
    made = templates(dataset, np.where(black, 0.95, 0.65), np.where(female, 0.55, 0.0))
    stated = (*shipped_claims(), *(GOOD.model_copy(update={"claim": one, "shipped": False}) for one in (men, twice)))
    e = evaluate(dataset, toy.make_card(), made, Resolved(Options(), claims=stated)).evaluation
    tests = claim(noisy, "nist-women")["operational"].tests
    assert [t.p_holm for t in claim(e, "nist-women")["operational"].tests] == [t.p_holm for t in tests]
    assert [t.p_holm for t in claim(e, "men")["operational"].tests] == [pytest.approx(t.p_holm) for t in tests]
    assert len(claim(e, "twice")["operational"].tests) == len(tests)
    assert claim(e, "men")["operational"].verdict == claim(noisy, "nist-women")["operational"].verdict


def test_another_label_than_the_claims_gives_no_verdict_but_is_shown(noisy: record.Evaluation) -> None:
    r = claim(noisy, "wyden-false-non-matches")["operational"]
    assert (r.verdict, r.reason, r.detail) == ("not_testable", "proxy_label", "ethnicity")
    told = [(t.target_fmr, t.result, t.reason) for t in r.tests]
    assert told == [(0.01, "as_claimed", None), (0.001, "inconclusive", "fnmr_over_half")], "half are missed at the strict target"
    assert claim(noisy, "wyden-false-matches")["as_measured"].reason == "no_measure"


def test_synthetic_faces_bear_on_no_claim_about_people() -> None:
    dataset = people(synthetic=True)
    black = dataset.attributes["ethnicity"].codes == 0
    e = evaluate(dataset, toy.make_card(), templates(dataset, np.where(black, 1.2, 0.7)), Options()).evaluation
    for c in e.claims:
        for r in c.readings:
            assert r.verdict == "not_testable"
            assert r.reason == ("synthetic" if c.about == "people" else "no_experiment")
            assert not r.tests


def test_labels_that_are_lacking_or_left_out_are_told_apart() -> None:
    dataset = people()
    made = templates(dataset, np.full(PEOPLE * IMAGES, 0.9))
    e = evaluate(dataset, toy.make_card(), made, Options(by=("ethnicity",))).evaluation
    left, lacking = claim(e, "nist-women")["operational"], claim(e, "eff-klare-young")["operational"]
    assert (left.reason, left.detail) == ("not_grouped", "--by gender")
    assert (lacking.reason, lacking.detail) == ("no_such_label", "age_group")


def test_without_mated_pairs_and_without_subject_labels() -> None:
    dataset = people(identity="none")
    made = templates(dataset, np.full(PEOPLE * IMAGES, 3.0))
    e = evaluate(dataset, toy.make_card(same_person=0.99), made, Options()).evaluation
    assert {r.reason for r in claim(e, "eff-klare-black").values()} == {"no_mated_pairs"}
    assert claim(e, "nist-women")["operational"].verdict == "inconclusive"


def test_both_readings_of_a_contaminated_point_must_agree() -> None:
    """Hidden repeats in one group only: with them it has more false matches, without them it has not."""
    dataset = people(identity="none")
    female = dataset.attributes["gender"].codes == 0
    made = templates(dataset, np.where(female, 0.05, 30.0))
    e = evaluate(dataset, toy.make_card(same_person=0.9), made, Options(targets=(0.02, 0.01))).evaluation
    point = next(g for g in e.groupings if g.attributes == ["gender"]).operating_points[0]
    assert point.without_likely_same_person is not None
    at_two_percent = GOOD.claim.model_copy(
        update={"operational": GOOD.claim.operational.model_copy(update={"targets": (0.02, 0.01)})}  # type: ignore[union-attr]
    )
    stated = GOOD.model_copy(update={"claim": at_two_percent})
    e = evaluate(
        dataset, toy.make_card(same_person=0.9), made, Resolved(Options(targets=(0.02, 0.01)), claims=(stated,))
    ).evaluation
    r = claim(e, "nist-women")["operational"]
    assert r.tests[0].ratio is not None
    assert r.tests[0].ratio > 1.5
    assert r.tests[0].ratio_without_repeats is not None
    assert r.tests[0].ratio_without_repeats < r.tests[0].ratio
    assert r.tests[0].same_person_share == point.same_person.share_of_pool_errors  # type: ignore[union-attr]
    assert (r.tests[1].result, r.tests[1].reason) == ("not_testable", "mostly_same_person")
    assert r.verdict == "inconclusive"


def test_too_few_people_or_comparisons_are_refused_with_what_it_would_take() -> None:
    dataset = people()
    few = np.where(np.repeat(np.arange(PEOPLE) < 200, IMAGES), 1, 0).astype(np.int32)  # 10 of each cell are Black
    attributes = {**dataset.attributes, "ethnicity": Attribute("ethnicity", ("Black", "White"), few)}
    dataset = replace(dataset, attributes=attributes)
    made = templates(dataset, np.full(PEOPLE * IMAGES, 0.9))
    e = evaluate(dataset, toy.make_card(), made, Options()).evaluation
    own = claim(e, "eff-klare-black")["as_measured"]
    assert own.reason == "too_few_comparisons_for_target"
    assert own.tests[0].needs_comparisons == 10_000
    assert claim(e, "eff-klare-black")["operational"].reason == "cells_too_small"
    assert claim(e, "nist-women")["operational"].detail == "--by gender"
    asked = evaluate(dataset, toy.make_card(), made, Options(by=("gender",), targets=(0.05,))).evaluation
    unasked = claim(asked, "nist-women")["operational"]
    assert unasked.reason == "target_not_asked"
    assert "--target-fmr" in unasked.detail


def difference(measure: str, value: float, reference: float, p: float | None, **more: Any) -> record.PairedDifference:
    return record.PairedDifference(
        measure=measure, factor="tone", level="5", reference="1", subjects=60, dropped=0, comparisons=20_000, value=value,
        reference_value=reference, difference=value - reference, interval=(value - reference - 0.001, value - reference + 0.001),
        df=59.0, p=p, verdict="inconclusive", **more,
    )  # fmt: skip


def test_the_tone_experiment_is_judged_by_its_differences_on_the_same_heads() -> None:
    from faceparity.harness.claims.claim_verdicts import ClaimContext, evaluate_claims

    rates = [
        difference("fmr", 0.002, 0.02, 1e-6, errors=40, reference_errors=400),
        difference("fnmr", 0.03, 0.02, None, errors=5, reference_errors=4, reason="too_few_errors"),
    ]
    point = record.PairedPoint(origin="target", target_fmr=0.01, threshold=0.5, native_threshold=0.5, differences=rates)
    factor = record.PairedFactor(factor="tone", levels=["1", "5"], reference="1")
    x = record.Paired(
        unit="subject", captures=2, factors=[factor], reference="1", subjects=60, same_subjects=60, conditions=[],
        differences=[difference("non_mated_score", 0.2, 0.4, 1e-9)], operating_points=[point],
    )  # fmt: skip
    bench = ClaimContext(None, None, [], [], [x], synthetic=True)  # type: ignore[arg-type]
    found = {c.name: {r.reading: r for r in c.readings} for c in evaluate_claims(shipped_claims(), bench)}
    tone = found["tone-false-matches"]
    assert [tone[r].verdict for r in ("as_measured", "operational")] == ["contradicted", "contradicted"]
    at = {t.target_fmr: t for t in tone["operational"].tests}
    assert at[0.01].result == "opposite"
    assert (at[0.001].result, at[0.001].reason) == ("not_testable", "target_not_asked")
    assert found["tone-false-non-matches"]["operational"].verdict == "inconclusive"
    assert {r.reason for r in found["eff-klare-black"].values()} == {"synthetic"}


def test_the_example_in_the_readme_is_a_claim() -> None:
    text = (ROOT / "harness" / "claims" / "README.md").read_text("utf-8")
    example = text.split("```toml\n")[1].split("```")[0]
    assert parse_claim(example.encode(), "README.md").claim.name == "my-claim"
