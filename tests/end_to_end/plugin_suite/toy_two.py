"""The toy model under another name, for tests of suites."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence

import toy_model

from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import Extraction, Image

CARD = toy_model.CARD.model_copy(update={"name": "toy-two"})


class Two(toy_model.Toy):
    """TOY_TWO_SECONDS: how long each picture takes, of this model alone."""

    card = CARD

    def fingerprint(self) -> str:
        """Another than the toy's."""
        return hashlib.sha256(b"toy two").hexdigest()

    def extract(self, images: Sequence[Image]) -> list[Extraction]:
        """As the toy does."""
        time.sleep(float(os.environ.get("TOY_TWO_SECONDS", "0")) * len(images))
        return super().extract(images)


def card() -> ModelCard:
    """What it is, without opening it."""
    return CARD


def model() -> Two:
    """The entry point."""
    return Two()
