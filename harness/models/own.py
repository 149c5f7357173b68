"""Models that a user describes in a card of their own."""

from __future__ import annotations

from faceparity.datasets.errors import UserError

from .card import ModelCard
from .model import Model
from .spec import Spec


def own_card(spec: Spec) -> ModelCard:
    """The card of a model of the user's own."""
    raise UserError(f"{spec.base}: cards of one's own are not read yet")


def own_model(spec: Spec) -> Model:
    """The model of a card of the user's own."""
    raise UserError(f"{spec.base}: cards of one's own are not read yet")
