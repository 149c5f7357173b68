from __future__ import annotations

import re
from types import ModuleType

import pytest

from faceparity.harness.results import Evaluation, Index
from faceparity.reports.sections.about import GLOSSARY, LIMITS, differing
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest, headline
from faceparity.reports.wording.narrative import cautions, forbidden, index_sentence


def told(e: Evaluation) -> str:
    x = finding(e)
    return " ".join([*x.main, *x.beside, *x.more, *x.cautions]).replace(f.NBSP, " ")


BAD = [
    "The model has no bias.",
    "It is bias-free.",
    "An unbiased model",
    "It is less accurate on Black people",
    "accuracy of 98 %",
    "This proves Klare right",
    "higher because of skin tone",
    "due to training data",
    "caused by lighting",
    "The system is racist",
    "It works equally well for all",
    "There is no difference between groups",
    "Face recognition is worse for women",
    "what police use",
    "conforms to ISO/IEC 19795-10",
]


@pytest.mark.parametrize("text", BAD)
def test_claims_that_may_not_be_made_are_found(text: str) -> None:
    assert forbidden(text)


def every_reading(e: Evaluation) -> list[str]:
    """All sentences at every operating point, each told as if it were the headline."""
    out = []
    g = finest(e)
    for i in range(len(g.operating_points)):
        copy = e.model_copy(deep=True)
        for grouping in copy.groupings:
            grouping.operating_points = grouping.operating_points[i : i + 1]
        x = finding(copy)
        out += [*x.main, *x.beside, *x.more, *x.cautions]
    for grouping in e.groupings:
        out.append(differing(grouping))
        for p in grouping.operating_points:
            if p.differential:
                out += [index_sentence(k, "fmr", v) for k, v in p.differential.fmr.items()]
    return out


KINDS = ["plain", "no_mated", "contaminated", "partial", "distance", "synthetic", "refused"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_generated_sentence_makes_such_a_claim(variants: dict[str, Evaluation], kind: str) -> None:
    sentences = every_reading(variants[kind]) + list(LIMITS) + [meaning for _, meaning in GLOSSARY]
    assert len(sentences) > 20
    assert [x for s in sentences for x in forbidden(s)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_finding_names_model_set_threshold_people_errors_and_labels(variants: dict[str, Evaluation], kind: str) -> None:
    e = variants[kind]
    text = told(e)
    for part in (
        e.model.name,
        e.dataset.name,
        "at one threshold for everybody",
        "people",
        "false match",
        f"as labelled in {e.dataset.name}",
    ):
        assert part in text
    p = finest(e).operating_points[headline(finest(e)) or 0]
    assert p.native_threshold is not None
    assert f.native_number(p.native_threshold) in text


def test_the_numbers_told_are_those_of_the_record(variants: dict[str, Evaluation]) -> None:
    e = variants["plain"]
    p = finest(e).operating_points[0]
    top = max((c for c in p.contrasts if c.verdict == "higher"), key=lambda c: c.ratio or 0)
    assert top.ratio is not None
    assert top.interval is not None
    assert f" {top.ratio:.0f} times as often as " in told(e)
    assert f"95 % interval by itself: {top.interval[0]:.0f} to {top.interval[1]:.0f})" in told(e)
    r = next(r for r in p.fmr if r.group == top.group)
    assert f"{r.subjects} people, {r.errors} false matches in {r.comparisons:,} comparisons" in told(e)


def test_inconclusive_says_what_could_have_been_detected(variants: dict[str, Evaluation]) -> None:
    text = told(variants["synthetic"])
    assert "gave no verdict" in text
    assert "could have detected a ratio of" in text
    assert "times (95" not in text


def test_a_small_p_stopped_by_the_gates_is_not_called_undetectable(variants: dict[str, Evaluation]) -> None:
    e = variants["synthetic"].model_copy(deep=True)
    finest(e).operating_points[0].contrasts[0].p_holm = 0.001
    assert "For 1 of the groups the Holm-adjusted p is below 0.05, but its ratio is not called" in told(e)
    assert "Holm" not in told(variants["synthetic"])


def test_contamination_tells_both_readings_and_whether_they_agree(variants: dict[str, Evaluation]) -> None:
    text = told(variants["contaminated"])
    assert "Hidden repeats" in text
    assert "With them and without them" in text
    assert "Both readings agree." in text
    e = variants["contaminated"].model_copy(deep=True)
    for g in e.groupings:
        second = g.operating_points[0].without_likely_same_person
        assert second is not None
        for c in second.contrasts:
            c.verdict = "lower"
    assert "The readings disagree, so no verdict stands." in told(e)
    assert "times (95" not in finding(e).main[0]
    assert re.search("Without them the verdict on [0-9]+ groups is another, and none is given there", finding(e).cautions[0])


def test_who_set_a_partial_threshold_is_told(variants: dict[str, Evaluation]) -> None:
    assert "The pool is partial. The threshold was set by Female × Black" in told(variants["partial"])
    assert "nobody labelled White (ethnicity) had a say" in told(variants["partial"])
    assert "partial" not in told(variants["plain"])


def test_synthetic_and_unlabelled_and_unsupplied_are_told(variants: dict[str, Evaluation]) -> None:
    assert "synthetic" in told(variants["synthetic"])
    assert "says nothing about people" in told(variants["synthetic"])
    assert "only thresholds set by target" in told(variants["synthetic"])
    assert "synthetic" not in told(variants["plain"])
    assert "does not say who is pictured" in told(variants["refused"])
    assert "were not supplied" in told(variants["distance"])


def test_without_any_threshold_there_is_no_finding(builder: ModuleType) -> None:
    e = builder.evaluation(builder.Setup(targets=(1e-9,)))
    for g in e.groupings:
        g.operating_points = g.operating_points[:1]
    assert "has no finding: no threshold could be set" in told(e)
    assert cautions(e, None) == []


@pytest.mark.parametrize(("p", "said"), [(0.001, "more spread"), (0.2, "says nothing on its own"), (None, "nothing can be said")])
def test_an_index_says_only_what_its_p_value_allows(p: float | None, said: str) -> None:
    index = Index(value=7.5, null_median=1.7, null_p95=2.3, null_p=p, status="ok")
    text = index_sentence("max_min", "fmr", index)
    assert said in text
    assert ("7.50" in text) == (p is not None)
