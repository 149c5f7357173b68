from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from faceparity.harness.claims import shipped_claims
from faceparity.harness.results import Evaluation, Rate
from faceparity.reports.formats.markdown import summary
from faceparity.reports.formats.terminal import render
from faceparity.reports.layout.elements import Item
from faceparity.reports.sections.about import GLOSSARY, about
from faceparity.reports.sections.outline import measured
from faceparity.reports.topics.names import names_of
from faceparity.reports.wording.forbidden_words import RULES, forbidden

BAD = [
    "The model has no bias.",
    "It is bias-free.",
    "An unbiased model",
    "These biases are small",
    "It is less accurate on Black people",
    "Black people are falsely matched more often",
    "White men had the lowest rate",
    "an accuracy of 98 %",
    "inaccurate for women",
    "This proves EFF right",
    "Klare is disproved",
    "a proof of what Senator Wyden said",
    "which refutes the claim",
    "The result confirms that women are matched more often",
    "NIST was wrong",
    "In general, women are matched more often",
    "This holds for every system",
    "higher because of skin tone",
    "due to training data",
    "caused by lighting",
    "Dark skin leads to more false matches",
    "explained by exposure",
    "The system is racist",
    "sexism",
    "by race",
    "racial groups",
    "their true gender",
    "She looks Asian",
    "It works equally well for all",
    "performs worse on women",
    "The model is fair",
    "a question of fairness",
    "There is no difference between groups",
    "Groups have equal error rates",
    "The groups do not differ",
    "Face recognition is worse for women",
    "Facial recognition misidentifies women",
    "what police use",
    "law enforcement systems",
    "as Amazon's Rekognition does",
    "Clearview AI has the same problem",
    "conforms to ISO/IEC 19795-10",
    "a certified model",
    "It is safe to use",
    "as Gender Shades found",
    "impostor comparisons",
]
FINE = [
    "FNMR 1.4 % for those labelled Black; the interval is wide.",
    "borne out here, consistent with the claim",
    "These data could have detected a ratio of 2.",
    "No threshold could be set: provenance unknown.",
    "an improved detector, provided with the package",
    "Equal error rate (EER): descriptive only",
    "follows the reporting topics of ISO/IEC 19795-10",
    "Groups are as labelled in the set (ethnicity self-reported).",
]


@pytest.mark.parametrize("text", BAD)
def test_sentences_that_may_not_be_said_are_found_with_what_to_say_instead(text: str) -> None:
    found = forbidden(text)
    assert found
    assert all(x.partition("”: ")[2] for x in found)


@pytest.mark.parametrize("text", FINE)
def test_sentences_that_may_be_said_pass(text: str) -> None:
    assert forbidden(text) == []


def test_every_rule_is_tried() -> None:
    tried = {advice for text in [*BAD, "⟨name⟩ people"] for x in forbidden(text) for advice in [x.partition("”: ")[2]]}
    assert tried == set(RULES.values())


def test_names_and_quotations_are_not_judged_but_what_is_said_of_them_is() -> None:
    text = "On the data set Unbiased Accuracy 2 the model Proof had 3 errors."
    assert forbidden(text)
    assert forbidden(text, ["Unbiased Accuracy 2", "Proof"]) == []
    assert forbidden("Proof is unbiased.", ["Proof"])
    assert forbidden("Nigerian people had more errors.", ["Nigerian"])
    assert forbidden("Racial Faces proves it", ["Racial", "Racial Faces", ""]) == forbidden("x proves it")


def strings(items: Iterable[Item]) -> Iterator[str]:
    """All that a page says in words of its own: not the cells of tables, which hold names and numbers."""
    for x in items:
        if x.kind in ("text", "heading"):
            yield x.text  # type: ignore[union-attr]
        elif x.kind == "items":
            yield from x.items  # type: ignore[union-attr]
        elif x.kind == "table":
            yield from (x.caption, *x.columns)  # type: ignore[union-attr]
        elif x.kind == "fold":
            yield x.summary  # type: ignore[union-attr]
            yield from strings(x.items)  # type: ignore[union-attr]
        elif x.kind == "picture":
            yield x.figure.caption  # type: ignore[union-attr]


def told(e: Evaluation) -> list[str]:
    """Everything that is said of an evaluation: on the page, in the terminal, in the summary."""
    sections = [*measured(e, "e"), *about(e, "e")]
    page = [x for s in sections for x in (s.title, *strings(s.items))]
    screen = io.StringIO()
    Console(file=screen, width=10_000).print(render([e]))
    return [*page, *screen.getvalue().splitlines(), *summary([e]).replace("\\", "").splitlines()]


KINDS = ["plain", "no_mated", "contaminated", "partial", "distance", "synthetic", "refused"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_is_told_trips_the_lint(variants: dict[str, Evaluation], kind: str) -> None:
    e = variants[kind]
    sentences = told(e)
    assert len(sentences) > 100
    names = names_of(e)
    assert [(hit, s) for s in sentences for hit in forbidden(s, names)] == []


def test_hostile_names_neither_trip_it_nor_hide_what_we_say(variants: dict[str, Evaluation]) -> None:
    e = variants["plain"].model_copy(deep=True)
    e.dataset.name, e.dataset.title, e.model.name, e.model.title = "Racial Bias 5", "No bias", "ProvenAccuracy", "Police model"
    sentences = told(e)
    assert any(forbidden(s) for s in sentences)
    assert [(hit, s) for s in sentences for hit in forbidden(s, names_of(e))] == []


def test_our_own_words_in_claims_and_glossary_pass() -> None:
    for stated in shipped_claims():
        c = stated.claim
        quotes = [q.text for q in c.quotes] + ["less accurate", "matching accuracy"]
        notes = [r.note for r in (c.as_measured, c.operational) if r is not None]
        for text in (c.measures, c.hypothesis, c.bears_out, c.contradicts, *notes):
            assert forbidden(text, quotes) == [], c.name
    for _, meaning in GLOSSARY:
        assert forbidden(meaning) == []


RATE = st.sampled_from([1e-9, 1e-4, 0.01, 0.5, 0.999999, 1.0])


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_record_however_extreme_makes_a_sentence_that_trips_it(variants: dict[str, Evaluation], data: st.DataObject) -> None:
    """Rates, ratios, counts, verdicts and reasons drawn at random, whether or not they go together."""
    e = variants[data.draw(st.sampled_from(["plain", "no_mated", "contaminated"]))].model_copy(deep=True)
    draw = data.draw
    for g in e.groupings:
        for p in g.operating_points:
            for r in (*p.fmr, *p.fnmr):
                if draw(st.booleans()):
                    disturb(r, draw)
            for c in p.contrasts:
                c.ratio = draw(st.none() | st.sampled_from([1e-9, 0.5, 1.0, 1.0001, 3.0, 1e9]))
                c.interval = draw(st.none() | st.just((1e-12, 1e12)))
                c.p_holm = draw(st.none() | st.sampled_from([0.0, 1e-300, 0.049999, 1.0]))
                c.verdict = draw(st.sampled_from(["higher", "lower", "inconclusive", "none"]))
                c.reason = draw(st.none() | st.sampled_from(["zero_errors", "too_few_errors", "contaminated", "other"]))
                c.detectable_ratio = draw(st.none() | st.sampled_from([1.0001, 2.0, 999.0]))
    names = names_of(e)
    for s in measured(e, "e"):
        for x in (s.title, *strings(s.items)):
            assert forbidden(x, names) == [], x


def disturb(r: Rate, draw: st.DrawFn) -> None:
    r.status = draw(st.sampled_from(["ok", "bound", "suppressed"]))
    r.rate = draw(st.none() | RATE) if r.status != "ok" else draw(RATE)
    r.errors = None if r.status == "suppressed" else draw(st.sampled_from([0, 1, 9, 10**9]))
    r.interval = draw(st.none() | st.just((0.0, 1.0)))
    r.reason = draw(st.none() | st.sampled_from(["zero_errors", "too_few_subjects", "cells_too_small", "other"]))
