"""A watchlist, told in people: who is stopped, and how often wrongly."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.record import Evaluation, WatchlistScenario
from faceparity.reports.parts import Item
from faceparity.reports.scenario_words import Small
from faceparity.reports.tables import Row


def sentences(e: Evaluation, s: WatchlistScenario) -> list[str]:
    """The finding."""
    return []


def small(e: Evaluation, s: WatchlistScenario) -> list[Small]:
    """By group."""
    return []


def items(e: Evaluation, s: WatchlistScenario, key: str) -> list[Item]:
    """Tables and figures."""
    return []


def tables(scenarios: Sequence[WatchlistScenario]) -> dict[str, tuple[list[str], list[Row]]]:
    """CSV."""
    return {}
