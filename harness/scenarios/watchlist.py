"""A crowd walks past a camera and is compared with a list of people: who is stopped."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.datasets.dataset import Dataset

from .. import record
from ..comparisons.cells import Grouping
from .declared import Watchlist
from .setting import Setting, base_fields, grouping_of


def check(scenario: Watchlist, dataset: Dataset, groupings: Sequence[Grouping]) -> None:
    """Raises UserError if the data has no such list and crowd."""
    grouping_of(groupings, scenario.by)


def evaluate(scenario: Watchlist, setting: Setting) -> record.WatchlistScenario:
    """The record of one watchlist."""
    fields = base_fields(scenario, setting.grouping(scenario.by))
    return record.WatchlistScenario.model_validate({**fields, "reason": "other", "detail": "not measured yet"})
