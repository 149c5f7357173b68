"""A model as another project would add it: no faces needed, so that the whole path runs on pictures that tests make.

A picture whose pixels are all alike has "no face"; a red corner counts as three faces.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence

import cv2
import numpy as np

from faceparity.harness.models.base.card import ModelCard, PublishedThreshold, Score
from faceparity.harness.models.base.model import Extraction, Image

CARD = ModelCard(
    name="toy",
    title="Toy model of the tests",
    licence="Apache-2.0",
    allows={"research": "yes", "advocacy": "yes", "commercial": "yes"},
    training_data="none",
    weights=[],
    detector="none",
    alignment="none",
    input="8 × 8 grey",
    dimensions=64,
    score=Score(kind="cosine", unit="cosine similarity", sign=1, low=-1, high=1),
    published_threshold=PublishedThreshold(native=0.5, source="the tests"),
    likely_same_person=0.9,
)


class Toy:
    """Thumbnails as templates."""

    card = CARD

    def fingerprint(self) -> str:
        """Constant."""
        return hashlib.sha256(b"toy 1").hexdigest()

    def extract(self, images: Sequence[Image]) -> list[Extraction]:
        """One result per image. TOY_SECONDS: how long each takes, for tests that interrupt."""
        time.sleep(float(os.environ.get("TOY_SECONDS", "0")) * len(images))
        return [self._one(image) for image in images]

    def _one(self, image: Image) -> Extraction:
        digest = hashlib.blake2b(repr(image.shape).encode() + image.tobytes(), digest_size=16).hexdigest()
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if grey.std() < 1:
            return Extraction("no_face", pixels=digest)
        small = cv2.resize(grey, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        faces = 3 if image[0, 0, 0] > 250 and image[0, 0, 1] < 5 else 1
        covariates = {"face_size": float(image.shape[0]), "luminance": float(grey.mean())}
        return Extraction("ok", small - small.mean(), faces, digest, covariates)


def card() -> ModelCard:
    """What it is, without opening it."""
    return CARD


def model() -> Toy:
    """The entry point."""
    return Toy()
