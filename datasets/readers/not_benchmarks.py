"""Sets that are often taken for benchmarks of face matching and are none: they have a card, and asking for them says why."""

from __future__ import annotations

from pathlib import Path

from ..card import load_card
from ..dataset import Dataset
from ..errors import UserError


def facet(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Raises UserError always."""
    raise _refusal("facet")


def bupt(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Raises UserError always."""
    raise _refusal("bupt")


def _refusal(name: str) -> UserError:
    card = load_card(name)
    return UserError(f"{card.title} is no benchmark for face matching: {card.not_a_benchmark}")
