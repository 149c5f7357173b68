"""A comparison in words, tables and figures: only verdicts order two models, figures are the record's, names are text."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.harness.results import Bounds, ModelChange, ModelChanges, ModelComparison, Rate
from faceparity.harness.results.comparison import (
    Compared,
    ComparedDataset,
    ComparedModel,
    ComparedPanel,
    ComparedPoint,
    Comparison,
    ComparisonNote,
    FailureComparison,
    League,
    LeagueRow,
    LeagueTest,
    Unpaired,
    UnpairedPair,
)
from faceparity.reports.comparison.csv_tables import HEADERS, tables, write_tables
from faceparity.reports.comparison.page import chapters, leads, render
from faceparity.reports.comparison.rankings import in_order, league_table, rank
from faceparity.reports.comparison.text import markdown
from faceparity.reports.comparison.text import render as terminal
from faceparity.reports.layout.elements import Fold, Picture, Table
from faceparity.reports.wording import compare_words as words
from faceparity.reports.wording.csv_rows import to_csv
from faceparity.reports.wording.forbidden_words import forbidden

HOSTILE = "<script>alert(1)</script>|=1+1\u202e*_`"
GROUPS = ["female", "male"]


def rate(group: str, value: float | None, status: str = "ok") -> Rate:
    interval = (value / 2, value * 2) if value and status == "ok" else None
    bounds = Bounds(independent=0.001, worst_case=0.06) if status == "bound" else None
    return Rate(
        group=group, design="within", subjects=100, comparisons=1000, errors=None if value is None else round(1000 * value),
        rate=value, interval=interval, bounds=bounds, status=status,
    )  # fmt: skip


def compared(name: str, model: str, dataset: str = "london", **more: object) -> Compared:
    panels = [
        ComparedPanel(
            attributes=["gender"], origin="target", target_fmr=0.01, threshold=0.4, native_threshold=0.4, achieved_fmr=0.0099,
            status="ok", reference="male", fmr=[rate("female", 0.02), rate("male", 0.005)],
            fnmr=[rate("female", 0.0, "bound"), rate("male", None, "suppressed")], contrasts=[],
        )
    ]  # fmt: skip
    plain = {
        "id": name, "run": 1, "label": model, "dataset": dataset, "dataset_title": f"The {dataset} set", "dataset_version": "1",
        "dataset_digest": "d" * 64, "identity": "labelled", "synthetic": False, "labels": {"gender": "self-reported"},
        "subjects": 200, "samples": 400, "model": model, "model_title": model, "model_version": "1", "fingerprint": "f" * 64,
        "unit": "cosine similarity", "sign": 1, "training_overlap": False, "faceparity": "0.1.0", "commit": None, "seed": 0,
        "attributes": ["gender"], "targets": [0.01], "pool": "balanced", "excluded_samples": 0, "excluded_comparisons": 0,
        "private": True, "failures": [], "panels": panels,
    }  # fmt: skip
    return Compared(**{**plain, **more})


def change(measure: str, group: str, verdict: str, quantity: str = "rate", ratio: float | None = 2.0) -> ModelChange:
    return ModelChange(
        measure=measure, quantity=quantity, design="within", group=group, reference="male" if quantity == "disparity" else None,
        subjects=100, comparisons=1000, errors_first=40, errors_second=20, errors_both=10, first=0.0412, second=0.0206,
        difference=0.0206, ratio=ratio, interval=(1.2, 3.3) if ratio else None, df=90.0, p=0.01, p_holm=0.02, p_bh=0.02,
        verdict=verdict, reason="too_few_errors" if verdict == "inconclusive" else None,
    )  # fmt: skip


def league(measure: str, verdicts: list[str], ids: str) -> League:
    pairs = list(combinations(ids, 2))
    better = {i: sum((v, i) in (("lower", a), ("higher", b)) for (a, b), v in zip(pairs, verdicts, strict=True)) for i in ids}
    worse = {i: sum((v, i) in (("higher", a), ("lower", b)) for (a, b), v in zip(pairs, verdicts, strict=True)) for i in ids}
    group = "female" if measure.startswith("worst") else None
    rows = [
        LeagueRow(id=i, value=0.01 * (k + 1), interval=(0.004, 0.05), group=group, rank=(1 + worse[i], len(ids) - better[i]))
        for k, i in enumerate(ids)
    ]
    tests = [
        LeagueTest(first=a, second=b, ratio=0.5, interval=(0.3, 0.9), p=0.01, p_holm=0.02, verdict=v)
        for (a, b), v in zip(pairs, verdicts, strict=True)
    ]
    return League(measure=measure, attributes=["gender"], subjects=200, comparisons=5000, rows=rows, tests=tests)


def pair(verdict: str = "higher") -> ModelComparison:
    rates = [change(m, g, verdict) for m in ("fmr", "fnmr") for g in GROUPS]
    ratios = [change("fmr", "female", "inconclusive", "disparity")]
    return ModelComparison(
        first="A", second="B", threshold_first=0.4, threshold_second=0.4, non_mated=5000, mated=200, left_out_first=0,
        left_out_second=77, overall=[change("fnmr", "pool", verdict)],
        groupings=[ModelChanges(attributes=["gender"], reference="male", changes=[*rates, *ratios])],
    )  # fmt: skip


def comparison(names: tuple[str, str] = ("alpha", "beta"), verdict: str = "higher", dataset: str = "london") -> Comparison:
    tables = [league("fnmr", [verdict], "AB"), league("worst_fmr", ["inconclusive"], "AB")]
    target = ComparedPoint(
        origin="target", target_fmr=0.01, thresholds={"A": 0.4, "B": 0.4}, replicates=1000, pairs=[pair(verdict)], leagues=tables
    )
    ftx = FailureComparison(
        first="A", second="B", samples=400, overall=change("ftx", "all", verdict),
        groupings=[ModelChanges(attributes=["gender"], reference="male", changes=[change("ftx", g, verdict) for g in GROUPS])],
    )  # fmt: skip
    block = ComparedDataset(
        dataset=dataset, digest="d" * 64, attributes=["gender"], ids=["A", "B"], paired=["A", "B"], subjects=200, samples=390,
        lost={"A": 0, "B": 10}, failures=[ftx], failure_league=league("ftx", [verdict], "AB"), points=[target],
    )  # fmt: skip
    results = [
        compared("A", names[0], dataset),
        compared("B", names[1], dataset),
        compared("C", names[0], "other", synthetic=True),
    ]
    return Comparison(
        faceparity="0.1.0", commit=None, started="2026-01-01T00:00:00+00:00", command="faceparity compare <run>", seed=0,
        results=results, notes=[ComparisonNote(kind="seed", ids=["A", "B"], text=f"Seeds differ: {names[0]}.")], datasets=[block],
        models=[ComparedModel(model=names[0], ids=["A", "C"])],
    )  # fmt: skip


def unpaired() -> Comparison:
    rates = [
        Unpaired(measure="fmr", attributes=["gender"], group=g, first=0.01, first_interval=(0.005, 0.02), second=0.05,
                 second_interval=(0.03, 0.08), overlap=False)
        for g in GROUPS
    ]  # fmt: skip
    u = UnpairedPair(first="A", second="B", reason="B: it has no private part", rates=rates)
    c = comparison()
    point = ComparedPoint(origin="target", target_fmr=0.01, thresholds={"A": 0.4, "B": 0.4}, unpaired=[u])
    block = ComparedDataset(
        dataset="london", digest="d" * 64, attributes=["gender"], ids=["A", "B"], paired=[], failures_unpaired=[u], points=[point]
    )
    return c.model_copy(update={"datasets": [block]})


def sentences(c: Comparison) -> list[str]:
    names = words.Names(c)
    return [s for _, found in leads(c, names) for s in found]


@given(st.lists(st.sampled_from(["higher", "lower", "inconclusive", "none"]), min_size=3, max_size=3))
@settings(max_examples=40)
def test_only_a_verdict_orders_two_models_in_words(verdicts: list[str]) -> None:
    c = comparison()
    c.results.append(compared("C", "gamma"))
    names = words.Names(c)
    names.of["C"] = c.results[-1]
    told = list(words.league_sentences(league("fnmr", verdicts, "ABC"), names))
    for sentence, (a, b), v in zip(told, combinations("ABC", 2), verdicts, strict=True):
        ordered = "is the lower" in sentence
        assert ordered == (v in ("higher", "lower"))
        assert ("can't be told apart" in sentence) != ordered
        if ordered:
            assert f"{names(a if v == 'lower' else b)}’s is the lower" in sentence


@given(st.lists(st.sampled_from(["higher", "lower", "inconclusive", "none"]), min_size=10, max_size=10))
@settings(max_examples=60)
def test_of_many_models_one_sentence_names_only_who_may_be_the_lowest_or_highest(verdicts: list[str]) -> None:
    c = comparison()
    c.results.extend(compared(i, name) for i, name in zip("CDE", ("gamma", "delta", "epsilon"), strict=True))
    names, x = words.Names(c), league("fnmr", verdicts, "ABCDE")
    told = words.field_sentence(x, names)
    decided = sum(v in ("higher", "lower") for v in verdicts)
    assert not forbidden(told, ["alpha", "beta", "gamma", "delta", "epsilon", "london"]), told
    if not decided:
        assert told == "FNMR: none of 10 pairs of models can be told apart."
        return
    assert f"{decided} of 10 pairs of models can be told apart" in told
    for part, place in zip(told.split("; the lowest is ")[1].split(", the highest "), (1, 5), strict=True):
        may = {names(r.id) for r in x.rows if r.rank[0] <= place <= r.rank[1]}
        named = {names(r.id) for r in x.rows if re.search(rf"\b{names(r.id)}\b", part)}
        assert named == (may if len(may) <= words.MANY_MODELS else set())
        assert ("one of" in part) == (len(may) > 1)


def test_of_many_models_pairs_are_on_the_page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    def shown() -> str:
        console = Console(width=100, file=io.StringIO(), highlight=False)
        console.print(terminal(comparison()))
        return " ".join(console.file.getvalue().split())

    few = shown()
    monkeypatch.setattr(words, "MANY_MODELS", 1)
    found, many = sentences(comparison()), shown()
    assert "The same comparisons, by" in few
    assert "The same comparisons, by" not in many
    assert "on the page" in many
    assert not any("’s is the lower" in s for s in found)
    assert any(s.startswith("At target FMR 1\u00a0%, FNMR: 1 of 1 pair") for s in found), found
    assert any("differs beyond chance in 1 of 1 pair of models" in s for s in found), found
    assert not any(forbidden(s, ["alpha", "beta", "london"]) for s in found)
    assert "The same comparisons, by" in markdown(comparison())


def test_a_title_counts_more_names_than_it_can_hold() -> None:
    c = comparison()
    more = [compared(i, f"m{i}") for i in "DEFGH"]
    assert "Side by side: 7 models on london, other" in render(c.model_copy(update={"results": [*c.results, *more]}))


def test_rows_whose_ranks_overlap_stay_in_the_order_of_the_command() -> None:
    c = comparison()
    c.results.append(compared("C", "gamma"))
    names = words.Names(c)
    names.of["C"] = c.results[-1]
    assert [r.id for r in in_order(league("fnmr", ["inconclusive"] * 3, "ABC"))] == ["A", "B", "C"]
    settled = league("fnmr", ["higher", "higher", "inconclusive"], "ABC")
    assert [r.id for r in in_order(settled)] == ["B", "C", "A"]
    assert [rank(r, 3) for r in in_order(settled)] == ["1–2 of 3", "1–2 of 3", "3 of 3"]
    assert [row[2] for row in league_table("k", settled, names).rows] == ["1–2 of 3", "1–2 of 3", "3 of 3"]


def test_findings_hold_the_records_figures() -> None:
    found = " ".join(sentences(comparison())).replace("\u00a0", " ")
    assert "FNMR is 1.00 % [0.40, 5.0] with alpha and 2.00 % [0.40, 5.0] with beta: beta’s is the lower" in found
    assert "No template came from 4.12 % with alpha and from 2.06 % with beta of the same 1,000 images" in found
    assert "alpha has the higher FMR in 2 of 2 groups." in found
    assert "the two can't be told apart" in found


@pytest.mark.parametrize("verdict", ["higher", "lower", "inconclusive", "none"])
def test_nothing_is_claimed_that_may_not_be(verdict: str) -> None:
    c = comparison(verdict=verdict)
    told = [*sentences(c), *words.METHOD, words.DIFFERENT_PEOPLE]
    for chapter in chapters(c, words.Names(c)):
        for section in chapter.sections:
            told += _texts(section.items)
    for sentence in told:
        assert not forbidden(sentence, ["alpha", "beta", "london"]), sentence


def _texts(items) -> list[str]:
    out = []
    for x in items:
        if isinstance(x, Fold):
            out += _texts(x.items)
        elif isinstance(x, Picture):
            out += [x.figure.caption, x.figure.alt]
        elif isinstance(x, Table):
            out += [x.caption, *x.columns]
        else:
            out.append(str(x[0]) if isinstance(x[0], str) else " ".join(x[0]))
    return out


def test_the_page_is_the_same_each_time_and_has_a_panel_for_each_model() -> None:
    page = render(comparison())
    assert page == render(comparison())
    figures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    multiples = next(x for x in figures if "False match rate (FMR)" in x)
    assert multiples.count(">alpha<") == multiples.count(">beta<") == 1
    assert len(page) < 120_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    browser: Any, look: Callable[..., list[str]], tmp_path: Path, scheme: str, width: int
) -> None:
    two, other = comparison(), comparison(dataset="elsewhere").model_dump_json().replace('"A"', '"D"').replace('"B"', '"E"')
    also = Comparison.model_validate_json(other)
    two.datasets += also.datasets
    two.results += also.results[:2]
    path = tmp_path / "compare.html"
    path.write_text(render(two), "utf-8")
    assert look(path.as_uri(), scheme, width, coloured=("header", "main > ul", "article:nth-of-type(1)")) == []
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_panels_share_their_axis() -> None:
    figure = next(x for x in re.findall(r"<svg.*?</svg>", render(comparison()), re.DOTALL) if ">alpha<" in x)
    ticks = re.findall(r">([\d.]+ %)</text>", figure)
    assert len(ticks) % 2 == 0
    assert ticks[: len(ticks) // 2] == ticks[len(ticks) // 2 :]


def test_hostile_names_are_text() -> None:
    c = comparison((HOSTILE, "b" * 300), dataset=HOSTILE)
    page = render(c)
    assert "<script" not in page
    assert "\u202e" not in page
    assert html.escape("<script>alert(1)", quote=False) in page
    text = markdown(c)
    assert "\u202e" not in text
    assert not re.search(r"(?<!\\)<", text)
    for line in text.splitlines():
        if line.startswith("|") and "---" not in line:
            assert not re.search(r"(?<!\\)[*`]", line)


def test_tables_have_every_column_and_no_formula(tmp_path) -> None:
    c = comparison(("=cmd()", "beta"))
    for name, rows in tables(c).items():
        assert rows
        assert {len(r) for r in rows} == {len(HEADERS[name].split())}, name
        for row in csv.reader(io.StringIO(to_csv(HEADERS[name].split(), rows))):
            assert not [x for x in row if x.startswith("=")]
    assert {p.name for p in write_tables(c, tmp_path)} == {
        "results.csv",
        "rates.csv",
        "differences.csv",
        "leagues.csv",
        "league_tests.csv",
    }
    assert set(tables(unpaired())) == {"results", "rates", "unpaired"}


def test_without_private_parts_the_page_says_unpaired_and_ranks_nobody() -> None:
    page = render(unpaired())
    assert page.count("unpaired: intervals do not overlap") == 4
    assert ">Rank<" not in page
    assert "nothing is tested" in page
    assert "is the lower" not in page


def test_one_model_across_data_sets_says_that_nothing_is_tested() -> None:
    page = render(comparison())
    assert words.DIFFERENT_PEOPLE.split(".")[1] in html.unescape(page)


def test_synthetic_faces_are_said_first() -> None:
    page = render(comparison())
    assert 0 < page.index("The faces are synthetic") < page.index("What was found")


def test_the_terminal_shows_findings_and_ranks() -> None:
    from rich.console import Console

    console = Console(width=100, file=io.StringIO(), highlight=False)
    console.print(terminal(comparison()))
    text = console.file.getvalue()
    assert "beta’s is the lower" in " ".join(text.split())
    assert "1 of 2" in text
    assert max(len(line) for line in text.splitlines()) <= 100
