"""A model that opens well and then fails on every picture, for tests of suites."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import toy_model

from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import Extraction, Image

CARD = toy_model.CARD.model_copy(update={"name": "toy-broken"})


class Broken(toy_model.Toy):
    """Fails."""

    card = CARD

    def fingerprint(self) -> str:
        """Another than the toy's."""
        return hashlib.sha256(b"toy broken").hexdigest()

    def extract(self, images: Sequence[Image]) -> list[Extraction]:
        """Never returns."""
        raise RuntimeError("broken on purpose")


def card() -> ModelCard:
    """What it is, without opening it."""
    return CARD


def model() -> Broken:
    """The entry point."""
    return Broken()
