"""A watchlist in the reports: people before rates, both shares, readings and refusals said, nothing unescaped, nothing forbidden."""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from faceparity.harness.results import (
    Evaluation,
    ScenarioRatio,
    ScenarioThreshold,
    WatchlistAt,
    WatchlistGroup,
    WatchlistReading,
    WatchlistScenario,
    WatchlistSize,
    canonical,
)
from faceparity.reports.formats import terminal
from faceparity.reports.formats.csv_tables import tables
from faceparity.reports.formats.html import render
from faceparity.reports.formats.markdown import summary
from faceparity.reports.topics import scenarios
from faceparity.reports.wording.narrative import forbidden


def group(builder: ModuleType, name: str, people: int, errors: int, **more: Any) -> WatchlistGroup:
    values = {
        "group": name, "people": people, "listed": people // 2, "listed_share": 0.5, "crowd_share": 0.5,
        "fpir": builder.rate(name, people, people, errors, "all"), "fnir": builder.rate(name, people, people, 30, "all"),
    }  # fmt: skip
    return WatchlistGroup(**{**values, **more})


def reading(builder: ModuleType, errors: int = 40) -> WatchlistReading:
    shown = {
        "false_alerts": 210.0,
        "true_alerts": 4.0,
        "precision": 0.0187,
        "precision_interval": (0.01, 0.03),
        "spread": (0.1, 0.2),
    }
    ratio = ScenarioRatio(reference="Male", ratio=2.5, interval=(1.9, 3.2), p=1e-5, p_holm=1e-5, verdict="higher")
    share = {"share_of_false_alerts": 0.7, "share_interval": (0.6, 0.8), "predicted_fpir": 0.17, "selectivity": 0.21}
    return WatchlistReading(
        groups=[
            group(builder, "Female", 300, errors, ratio=ratio, **shown, **share),
            group(builder, "Male", 300, 17, **{**shown, **share, "share_of_false_alerts": 0.3, "share_interval": None}),
            group(builder, "Few | <b>", 12, 0, crowd_share=0.02),
        ],
        overall=group(builder, "everybody", 600, errors + 17, **{**shown, "predicted_fpir": 0.1}),
    )


def watchlist(builder: ModuleType, **more: Any) -> WatchlistScenario:
    at = [WatchlistAt(group=g, fpir=0.01, interval=(0.005, 0.02), predicted_fpir=0.011) for g in ("Female", "everybody")]
    more_at = [WatchlistAt(group=g, fpir=0.1, predicted_fpir=0.12) for g in ("Female", "everybody")]
    beyond = [WatchlistAt(group=g, predicted_fpir=0.6) for g in ("Female", "everybody")]
    threshold = ScenarioThreshold(origin="target_fpir", target=0.1, threshold=0.61, native_threshold=0.61, achieved_fmr=1e-4)
    values = {
        "name": "w", "title": "A list", "attributes": ["gender"], "threshold": threshold, "listed": 300, "crowd": 10_000,
        "watchlisted": 0.001, "draws": 200, "reading": reading(builder), "unlabelled": 7,
        "sizes": [WatchlistSize(people=10, groups=at), WatchlistSize(people=100, groups=more_at)],
        "extrapolation": [WatchlistSize(people=1000, groups=beyond)],
    }  # fmt: skip
    return WatchlistScenario(**{**values, **more})


def told(builder: ModuleType, variants: dict[str, Evaluation], **more: Any) -> Evaluation:
    return canonical(variants["plain"].model_copy(update={"scenarios": [watchlist(builder, **more)]}))


def texts(e: Evaluation) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=200).print(terminal.render([e]))
    return [" ".join(x.split()) for x in (render([e]), out.getvalue(), summary([e]).replace("\\", ""))]


def test_people_come_first_and_both_shares_are_there(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    for text in texts(told(builder, variants)):
        assert "Of 10,000 people walking past who are on no list, about 950 [" in text
        assert "would be stopped as somebody on a list of 300 people" in text
        assert "Per face: FPIR 9.50 %" in text
        assert "Of all alerts, 1.9 %" in text
        assert "70 % " in text
        assert "who are 50 % of the crowd and 50 % of the list" in text
        assert "falsely stopped more often are Female 2.5×" in text
        assert "Spread between draws: of 200 lists drawn at random, 95 % gave 1,000 to 2,000 of 10,000" in text
        assert "it is no interval" in text
        assert "set on these very searches, at FPIR 10 %" in text


def test_nothing_it_says_is_forbidden(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    e = told(builder, variants)
    assert not [x for x in scenarios.sentences(e, e.scenarios[0]) if forbidden(x)]


def test_formula_is_set_apart_and_its_caveats_are_printed(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    page = texts(told(builder, variants))[0]
    assert "stroke-dasharray" in page[page.index('id="e1-scenario-0-curve') :]
    for words in ("formula alone", "nobody has measured that", "multiply the chances of being stopped", "second look above all",
                  "Who is on the list can alone make groups differ", "7 images without a label"):  # fmt: skip
        assert words in page


def test_few_people_are_not_told_and_names_are_text(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    e = told(builder, variants)
    page, shown, _ = texts(e)
    assert "Few | &lt;b&gt;" in page
    assert "Few | <b>" not in summary([e])
    assert "Few" not in shown
    assert "&lt;30 people" in page.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"watchlisted": 0.0}, "every alert is wrong"),
        ({"frames": 5, "frames_measured": 1}, "too few images of a person for the 5 declared, with which up to 5 times as many"),
        ({"frames": 2, "frames_measured": 2}, "2 images searched of each"),
        ({"likely_same_person": 9, "without_likely_same_person": True}, "9 matches look like one person under two names"),
    ],
)
def test_what_is_declared_is_said(builder: ModuleType, variants: dict[str, Evaluation], more: dict[str, Any], words: str) -> None:
    if "without_likely_same_person" in more:
        more = {**more, "without_likely_same_person": reading(builder, 30)}
    for text in texts(told(builder, variants, **more)):
        assert words in text


def test_nobody_stopped_is_an_upper_bound(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    """Design effect 1.8 of the builder: 10,000 × 3.69 × 1.8 / 600 = 110.7."""
    r = reading(builder)
    none = r.overall.model_copy(update={"fpir": builder.rate("everybody", 600, 600, 0, "all")})
    for text in texts(told(builder, variants, reading=r.model_copy(update={"overall": none}))):
        assert (
            "Nobody of 600 people matched anybody else: of 10,000 people walking past who are on no list, at most 111 would"
            in text
        )


def test_a_scenario_that_was_not_run_says_why(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    e = told(builder, variants, reading=None, sizes=[], extrapolation=[], reason="below_ledger", detail="too low | a threshold")
    for text in texts(e):
        assert "Not run: too low" in text
        assert "walking past" not in text
    assert tables(e)["watchlists"][1][0][-1] == "below_ledger"


def test_rows_fit_their_headers(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    made = tables(told(builder, variants))
    for name in ("watchlists", "watchlist_groups", "watchlist_rates", "watchlist_sizes"):
        header, rows = made[name]
        assert rows
        assert all(len(row) == len(header) for row in rows), name
        assert len(set(header)) == len(header)
