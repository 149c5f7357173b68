"""How searches, small galleries and line-ups are told: in people, shares beside rates, nothing hidden or undefined told as a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.options import Options
from faceparity.harness.results import Bounds, Evaluation, LineupScenario, Rate, ScenarioRatio, SearchesPart, from_json, to_json
from faceparity.harness.scenarios.load import parse
from faceparity.reports.layout.elements import Item
from faceparity.reports.topics import scenarios
from faceparity.reports.topics.names import names_of
from faceparity.reports.wording.forbidden_words import forbidden
from faceparity.reports.wording.natural_frequencies import about, contrast_sentence, people, scale
from tests.harness.toy import make_card, make_dataset, make_templates

TOML = """
[[scenario]]
kind = "search"
name = "archive"
title = "A search in an archive"
threshold = { fixed = 0.7 }
gallery = { share = 0.5 }
candidates = 5
[[scenario]]
kind = "gallery"
name = "flight"
threshold = { target_fpir = 0.05 }
gallery = { people = 20, make_up = "equal" }
[[scenario]]
kind = "lineup"
name = "some"
by = ["ethnicity"]
threshold = { fixed = 0.6 }
probes = { where = { gender = "female" } }
[[scenario]]
kind = "gallery"
name = "too-strict"
threshold = { target_fpir = 1e-6 }
gallery = { people = 20 }
"""


def evaluation(identity: str) -> Evaluation:
    """Four scenarios on 220 people; names with what could disturb a page."""
    dataset = make_dataset(4, 220, 3 if identity == "labelled" else 1, identity=identity)
    hostile = replace(dataset.attributes["gender"], values=("female", "male<b>&\u202e"))
    dataset = replace(dataset, attributes={**dataset.attributes, "gender": hostile})
    templates = make_templates(dataset, 4, failed=0.03, noise=1.1)
    if identity == "none":  # one person under many names
        vectors = templates.vectors.copy()
        vectors[60:80] = vectors[:20]
        templates = replace(templates, vectors=vectors)
    options = Resolved(Options(targets=()), scenarios=tuple(parse(TOML, "test")))
    made = evaluate(dataset, make_card(published=None), templates, options).evaluation
    return from_json(to_json(made))


@pytest.fixture(scope="module", params=["labelled", "none"])
def e(request: pytest.FixtureRequest) -> Evaluation:
    return evaluation(request.param)


def texts(items: list[Item] | tuple[Item, ...]) -> Iterator[str]:
    """Everything that is told on the page."""
    for item in items:
        x: Any = item
        if x.kind in ("text", "heading"):
            yield x.text
        elif x.kind == "items":
            yield from x.items
        elif x.kind == "table":
            yield from [x.caption, *x.columns, *(c for row in x.rows for c in row)]
        elif x.kind == "picture":
            yield from (x.figure.caption, x.figure.alt)
        elif x.kind == "fold":
            yield from [x.summary, *texts(x.items)]


def everything(e: Evaluation) -> list[str]:
    (section,) = scenarios.scenario_sections(e, "k")
    said = list(texts(list(section.items)))
    for s in e.scenarios:
        said += [*scenarios.sentences(e, s), *scenarios.flags(s)]
        said += [c for t in scenarios.small(e, s) for c in [t.caption, *t.header, *(x for row in t.rows for x in row)]]
    return said


def test_nothing_undefined_is_told_and_nothing_forbidden(e: Evaluation) -> None:
    names = names_of(e) | {s.name for s in e.scenarios} | {s.title for s in e.scenarios}
    for text in everything(e):
        assert not re.search(r"\b(None|nan|inf)\b", text), text
        assert "\u202e" not in text
        assert not forbidden(text, names), (text, forbidden(text, names))
        assert "  " not in text.replace("&  ", "& ")
        assert not text.endswith(",.")


def test_each_sentence_on_false_alarms_has_its_shares_beside_it(e: Evaluation) -> None:
    for s in e.scenarios[:3]:
        told = " ".join(scenarios.sentences(e, s))
        if isinstance(s, SearchesPart):
            assert re.search(r"Of 10,000 .* would be (taken for|let through as) ", told)
            assert re.search(r"it makes up \S+\s% of these searches and \S+\s% .*of the false alarms", told), told
        else:
            assert re.search(r"of those searched \(\d+\) and \S+\s% of those falsely matched", told), told
            assert "assumes independent probes" in told


def test_tables_are_as_wide_as_their_headers(e: Evaluation) -> None:
    for s in e.scenarios[:3]:
        for small in scenarios.small(e, s):
            assert {len(row) for row in small.rows} == {len(small.header)}
        tables: list[Any] = [x for x in scenarios.KIND_REPORTS[s.kind].items(e, s, "k") if x.kind == "table"]
        assert tables
        for table in tables:
            assert {len(row) for row in table.rows} == {len(table.columns)}


def test_the_share_of_the_gallery_stands_beside_the_share_of_false_matches(e: Evaluation) -> None:
    s = e.scenarios[2]
    assert isinstance(s, LineupScenario)
    assert sum(g.share_of_gallery or 0 for g in s.groups) == pytest.approx(1)
    (small,) = scenarios.small(e, s)
    at = list(small.header).index("Share of gallery")
    shown = [g for g in s.groups if g.flagged is not None]
    assert [float(row[at].split("\u00a0")[0]) for row in small.rows] == pytest.approx(
        [100 * (g.share_of_gallery or 0) for g in shown], abs=0.06
    )


def test_the_tables_give_people_and_shares_by_group(e: Evaluation) -> None:
    s = e.scenarios[0]
    assert isinstance(s, SearchesPart)
    (small,) = scenarios.small(e, s)
    shown = [r for r in s.fpir if r.status != "suppressed"]
    assert [row[0] for row in small.rows] == [r.group.replace("\u202e", " ") for r in shown]
    everybody = small.rows[0]
    assert everybody[1].split()[0] == f"{round((s.fpir[0].rate or 0) * 10_000):,}"
    shares = {x.group: x for x in s.shares}
    for row, r in zip(small.rows[1:], shown[1:], strict=True):
        x = shares[r.group]
        assert row[2].split("\u00a0")[0] == f"{100 * x.searches:.3g}"
        assert float(row[3].split("\u00a0")[0]) == pytest.approx(100 * (x.errors or 0), abs=0.06)


def test_misses_are_told_only_where_there_are_mates(e: Evaluation) -> None:
    s = e.scenarios[0]
    assert isinstance(s, SearchesPart)
    told = " ".join(scenarios.sentences(e, s))
    keys = [x.figure.key for x in scenarios.KIND_REPORTS["search"].items(e, s, "k") if x.kind == "picture"]
    if e.dataset.identity == "none":
        assert "two photographs" in told
        assert keys == ["k-det"]
        assert "look like one person under two names" in told
    else:
        assert "would be missing from the list of 5 candidates at or above the threshold" in told
        assert keys == ["k-det", "k-cmc"]


def test_a_scenario_without_figures_says_why(e: Evaluation) -> None:
    s = e.scenarios[3]
    assert scenarios.sentences(e, s) == []
    assert scenarios.small(e, s) == []
    (flag,) = scenarios.flags(s)
    assert flag.startswith("Not run: too few comparisons for the target. It would take 10,000,000")


def test_csv_has_every_rate_and_every_point_of_the_curves(e: Evaluation) -> None:
    tables = scenarios.scenario_tables(e)
    s = e.scenarios[0]
    assert isinstance(s, SearchesPart)
    for header, rows in tables.values():
        assert all(len(row) == len(header) for row in rows)
    header, rows = tables["scenario_search_rates"]
    lists = [s.fpir, s.fnir, s.first_is_other, s.fpir_without_likely_same_person, [x.rate for x in s.own_group]]
    assert len(rows) == sum(map(len, lists)) + sum(len(x.missed) for x in s.ranks)
    assert dict(zip(header, rows[0], strict=True))["rate"] == s.fpir[0].rate
    _, curves = tables["scenario_search_curves"]
    assert len(curves) == sum(len(c.hit_rates) for c in s.cmc) + sum(len(c.fpir) for c in s.det)
    lineup = e.scenarios[2]
    assert isinstance(lineup, LineupScenario)
    assert len(tables["scenario_lineup_groups"][1]) == len(lineup.groups)


def rate(**given: object) -> Rate:
    fields = {"group": "g", "design": "all", "subjects": 100, "comparisons": 200, "errors": 20, "rate": 0.1, "status": "ok"}
    return Rate.model_validate({**fields, **given})


NONE = Bounds(independent=0.001, worst_case=0.06)


@pytest.mark.parametrize(
    ("r", "cell", "sentence"),
    [
        (rate(interval=(0.05, 0.2)), "1,000 [500,_2,000]", "about 1,000 (95 %: 500 to 2,000)"),
        (rate(), "1,000", "about 1,000"),
        (rate(rate=3.2e-4, interval=(0.0, 0.0046), status="bound"), "3.2, ≤_46", "at most 46 (3.2 as measured, from too few errors)"),
        (rate(rate=None, errors=0, bounds=NONE, status="bound"), "none seen, ≤_600", "at most 600 (none seen)"),
        (rate(rate=None, status="suppressed", reason="too_few_subjects"), "<30_people", "an unknown number (<30_people)"),
    ],
)  # fmt: skip
def test_rates_in_people(r: Rate, cell: str, sentence: str) -> None:
    assert people(r, 10_000) == cell.replace("_", "\u00a0")
    assert about(r, 10_000) == sentence.replace("_", "\u00a0")


def test_rare_errors_are_told_of_a_million() -> None:
    assert scale([rate()]) == 10_000
    assert scale([rate(rate=3e-5)]) == 1_000_000
    assert people(rate(rate=3e-5, interval=(1e-5, 9e-5)), 1_000_000) == "30 [10,\u00a090]"


def test_what_can_be_told_apart_is_told_with_its_reference() -> None:
    def ratio(verdict: str, value: float | None = 2.0) -> ScenarioRatio:
        return ScenarioRatio.model_validate(
            {"reference": "W", "ratio": value, "interval": value and (1.5, 3.0), "verdict": verdict}
        )

    assert contrast_sentence([("B", ratio("higher")), ("A", ratio("inconclusive"))], "rate of misses") == (
        "Rate of misses, compared with W: B 2.0× [1.5,\u00a03.0]. For the other groups no difference can be told."
    )
    assert contrast_sentence([("B", ratio("inconclusive"))], "rate of misses") == (
        "From these data no group's rate of misses can be told from that of W."
    )
    assert contrast_sentence([("B", ratio("none", None))], "rate of misses") == ""


def test_figures_are_the_same_bytes_each_time_and_hold_every_group(e: Evaluation) -> None:
    s = e.scenarios[0]
    pictures = [[x for x in scenarios.KIND_REPORTS["search"].items(e, s, "k") if x.kind == "picture"] for _ in range(2)]
    assert [x.figure.svg for x in pictures[0]] == [x.figure.svg for x in pictures[1]]
    assert isinstance(s, SearchesPart)
    for picture in pictures[0]:
        for c in s.det[1:]:
            assert (
                c.group.replace("\u202e", " ").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
                in picture.figure.svg
            )
    if s.det[0].fnir:
        assert np.all(np.diff(s.det[0].fnir) >= 0)
