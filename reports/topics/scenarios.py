"""Scenarios (one to many), in people: one section over all of them. Each kind has a module of its own that tells of it."""

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


class Teller(NamedTuple):
    """How one kind is told. sentences, small: for the terminal and summary.md too; items: what the page has besides.

    tables: of all scenarios of the kind, CSV tables by name."""

    sentences: Callable[[Evaluation, Any], Sequence[str]]
    small: Callable[[Evaluation, Any], Sequence[SmallTable]]
    items: Callable[[Evaluation, Any, str], Sequence[Item]]
    tables: Callable[[Sequence[Any]], Tables]


TELLERS: dict[str, Teller] = {
    "watchlist": Teller(watchlist.sentences, watchlist.small, watchlist.items, watchlist.tables),
    "search": Teller(search.sentences, search.small, search.items, search.tables),
    "gallery": Teller(search.sentences, search.small, search.items, search.tables),
    "lineup": Teller(lineup.sentences, lineup.small, lineup.items, lineup.tables),
}


def scenario_sections(e: Evaluation, key: str) -> list[Section]:
    """One section over all scenarios; none for a run without."""
    items: list[Item] = []
    for i, s in enumerate(e.scenarios):
        items += [Heading(title(s)), *(Text(x, "flag") for x in flags(s))]
        items += [Text(x, "lead" if n == 0 else "") for n, x in enumerate(sentences(e, s))]
        items += TELLERS[s.kind].items(e, s, f"{key}-scenario-{i}") if s.kind in TELLERS and s.reason is None else []
    return [Section(f"{key}-scenarios", TITLE, items)] if items else []


def title(s: Scenario) -> str:
    """What it is called."""
    return f"{f.clean(s.title)} ({f.clean(s.name)})" if s.title else f.clean(s.name)


def flags(s: Scenario) -> list[str]:
    """Why there are no figures."""
    if s.reason is None:
        return []
    needs = f" It would take {f.count(s.threshold.needs)}." if s.threshold is not None and s.threshold.needs else ""
    return [f"Not run: {f.clean(s.detail) or f.reason(s.reason)}.{needs}"]


def sentences(e: Evaluation, s: Scenario) -> list[str]:
    """The finding, in people; then the threshold."""
    if s.reason is not None or s.kind not in TELLERS:
        return []
    return [*TELLERS[s.kind].sentences(e, s), threshold_sentence(e, s.threshold)]


def small(e: Evaluation, s: Scenario) -> list[SmallTable]:
    """Tables small enough for a terminal."""
    return [] if s.reason is not None or s.kind not in TELLERS else list(TELLERS[s.kind].small(e, s))


def scenario_tables(e: Evaluation) -> Tables:
    """The CSV tables of every kind that was run."""
    out: Tables = {}
    for kind, teller in TELLERS.items():
        if mine := [s for s in e.scenarios if s.kind == kind]:
            out.update(teller.tables(mine))
    return out


def _entries(e: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Give each scenario in people, then by group."""
    for s in e.scenarios:
        yield TopicEntry(title(s), sentences=sentences(e, s), flags=flags(s), tables=small(e, s))


TOPIC = Topic(
    "scenarios",
    50,
    "indices",
    scenario_sections,
    _entries,
    scenario_tables,
    answers=("Recognition error rates by group: identification (1:N)",),
)
