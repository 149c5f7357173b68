"""A second model for tests that compare two: the toy model's thumbnails at half the size, so that it errs on other pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import toy_model

from faceparity.harness.models.base.model import Extraction, Image

CARD = toy_model.CARD.model_copy(update={"name": "coarse", "title": "Coarse toy model", "input": "5 × 5 grey", "dimensions": 25})


class Coarse(toy_model.Toy):
    """Smaller thumbnails; very dark pictures have no face."""

    card = CARD

    def fingerprint(self) -> str:
        """Constant."""
        return hashlib.sha256(b"coarse 1").hexdigest()

    def extract(self, images: Sequence[Image]) -> list[Extraction]:
        """One result per image."""
        return [self._smaller(image, self._one(image)) for image in images]

    def _smaller(self, image: Image, found: Extraction) -> Extraction:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if found.status != "ok" or grey.mean() < 112:
            return replace(found, status="no_face", template=None) if found.status == "ok" else found
        small = cv2.resize(grey, (5, 5), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        return replace(found, template=small - small.mean())


def card() -> object:
    """What it is, without opening it."""
    return CARD


def model() -> Coarse:
    """The entry point."""
    return Coarse()
