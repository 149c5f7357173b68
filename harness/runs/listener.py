"""What a run reports while it goes on, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.templates.extract import Templates


class Listener(Protocol):
    """Hears how a run goes on: the command line shows it, tests need not."""

    def loaded(self, dataset: Dataset) -> None:
        """Report that a data set was read."""
        ...

    def stage(self, text: str, total: int) -> Callable[[int], None]:
        """Report a step that begins; return its progress callback.

        total: of what the step counts. The callable takes how many are done.
        """
        ...

    def extracted(self, dataset: Dataset, card: ModelCard, templates: Templates) -> None:
        """Report that a data set's templates are extracted."""
        ...


class Silent:
    """A listener that reports nothing."""

    def loaded(self, dataset: Dataset) -> None:
        """Ignore a data set that was read."""

    def stage(self, text: str, total: int) -> Callable[[int], None]:
        """Ignore a step; return a callback that does nothing."""
        return lambda done: None

    def extracted(self, dataset: Dataset, card: ModelCard, templates: Templates) -> None:
        """Ignore templates."""
