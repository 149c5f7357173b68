"""Scenarios (one to many) in numbers of people: one section over all of them. Each kind has a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from faceparity.harness.results import Evaluation, Scenario
from faceparity.reports.layout.elements import Heading, Item, Section, Text
from faceparity.reports.layout.topic import SmallTable, Topic, TopicEntry
from faceparity.reports.topics import scenario_lineup as lineup
from faceparity.reports.topics import scenario_search as search
from faceparity.reports.topics import scenario_watchlist as watchlist
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import Tables
from faceparity.reports.wording.scenario_words import threshold_sentence

TITLE = "One to many: watchlists and searches"


class KindReport(NamedTuple):
    """What one kind of scenario gives to a report.

    sentences, small: for the terminal and summary.md too; items: what the page has besides.

    tables: of all scenarios of the kind, CSV tables by name.
    """

    sentences: Callable[[Evaluation, Any], Sequence[str]]
    small: Callable[[Evaluation, Any], Sequence[SmallTable]]
    items: Callable[[Evaluation, Any, str], Sequence[Item]]
    tables: Callable[[Sequence[Any]], Tables]


KIND_REPORTS: dict[str, KindReport] = {
    "watchlist": KindReport(watchlist.sentences, watchlist.small, watchlist.items, watchlist.tables),
    "search": KindReport(search.sentences, search.small, search.items, search.tables),
    "gallery": KindReport(search.sentences, search.small, search.items, search.tables),
    "lineup": KindReport(lineup.sentences, lineup.small, lineup.items, lineup.tables),
}


def scenario_sections(evaluation: Evaluation, key: str) -> list[Section]:
    """Return one section over all scenarios.

    Empty for a run without scenarios. `key` begins the ids of the section's elements.
    """
    items: list[Item] = []
    for i, scenario in enumerate(evaluation.scenarios):
        items += [Heading(title(scenario)), *(Text(sentence, "flag") for sentence in flags(scenario))]
        items += [
            Text(sentence, "lead" if position == 0 else "") for position, sentence in enumerate(sentences(evaluation, scenario))
        ]
        items += (
            KIND_REPORTS[scenario.kind].items(evaluation, scenario, f"{key}-scenario-{i}")
            if scenario.kind in KIND_REPORTS and scenario.reason is None
            else []
        )
    return [Section(f"{key}-scenarios", TITLE, items)] if items else []


def title(scenario: Scenario) -> str:
    """Return a scenario's title and name."""
    return f"{f.clean(scenario.title)} ({f.clean(scenario.name)})" if scenario.title else f.clean(scenario.name)


def flags(scenario: Scenario) -> list[str]:
    """Return why there are no figures; empty where there are."""
    if scenario.reason is None:
        return []
    needs = (
        f" It would take {f.count(scenario.threshold.needs)}."
        if scenario.threshold is not None and scenario.threshold.needs
        else ""
    )
    return [f"Not run: {f.clean(scenario.detail) or f.reason(scenario.reason)}.{needs}"]


def sentences(evaluation: Evaluation, scenario: Scenario) -> list[str]:
    """Return the finding in numbers of people, then the threshold."""
    if scenario.reason is not None or scenario.kind not in KIND_REPORTS:
        return []
    return [*KIND_REPORTS[scenario.kind].sentences(evaluation, scenario), threshold_sentence(evaluation, scenario.threshold)]


def small(evaluation: Evaluation, scenario: Scenario) -> list[SmallTable]:
    """Return tables small enough for a terminal."""
    return (
        []
        if scenario.reason is not None or scenario.kind not in KIND_REPORTS
        else list(KIND_REPORTS[scenario.kind].small(evaluation, scenario))
    )


def scenario_tables(evaluation: Evaluation) -> Tables:
    """Return the CSV tables of every kind that was run."""
    out: Tables = {}
    for kind, report in KIND_REPORTS.items():
        if scenarios := [scenario for scenario in evaluation.scenarios if scenario.kind == kind]:
            out.update(report.tables(scenarios))
    return out


def _entries(evaluation: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Yield each scenario in numbers of people, then by group."""
    for scenario in evaluation.scenarios:
        yield TopicEntry(
            title(scenario), sentences=sentences(evaluation, scenario), flags=flags(scenario), tables=small(evaluation, scenario)
        )


TOPIC = Topic(
    "scenarios",
    50,
    "indices",
    scenario_sections,
    _entries,
    scenario_tables,
    answers=("Recognition error rates by group: identification (1:N)",),
)
