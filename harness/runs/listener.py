"""What a run reports while it goes on, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.templates.extract import Templates


class Listener(Protocol):
    """Is told how a run goes on: the command line shows it, tests need not."""

    def loaded(self, dataset: Dataset) -> None:
        """A data set was read."""
        ...

    def stage(self, text: str, total: int) -> Callable[[int], None]:
        """Something begins that takes `total` steps; the callable takes how many are done."""
        ...

    def extracted(self, dataset: Dataset, card: ModelCard, templates: Templates) -> None:
        """Templates are there."""
        ...


class Silent:
    """Tells nobody."""

    def loaded(self, dataset: Dataset) -> None:
        """See Listener."""

    def stage(self, text: str, total: int) -> Callable[[int], None]:
        """See Listener."""
        return lambda done: None

    def extracted(self, dataset: Dataset, card: ModelCard, templates: Templates) -> None:
        """See Listener."""
