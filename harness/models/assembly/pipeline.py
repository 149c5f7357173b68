"""A model composed of a detector, an aligner and an embedder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import metadata

import numpy as np

from faceparity.harness.models.assembly.covariates import covariates
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import Aligner, Detector, Embedder, Extraction, Face, Image
from faceparity.harness.models.vision.pixels import pixels_digest

PIPELINE = 2
"""Increased whenever the code around the networks changes what a template is."""


def largest(faces: Sequence[Face]) -> Face:
    """Return the face with the largest box.

    By area; the first of equals.
    """
    return max(faces, key=lambda face: face.box[2] * face.box[3])


def library_versions(names: Sequence[str]) -> dict[str, str]:
    """Return the installed versions of distributions, by name.

    "absent" where none of that name is installed.
    """
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "absent"
    return versions


class Pipeline:
    """A model composed of a detector, an aligner and an embedder.

    settings: all that decides a template besides weights, libraries and this package's own code.
    """

    def __init__(
        self,
        card: ModelCard,
        detector: Detector,
        aligner: Aligner,
        embedder: Embedder,
        settings: Mapping[str, object],
        libraries: Sequence[str],
        fingerprint_name: str = "",
    ) -> None:
        self._card = card
        self._name = fingerprint_name or card.name
        self.detector = detector
        self.aligner = aligner
        self.embedder = embedder
        self._settings = dict(settings)
        self._libraries = tuple(libraries)

    @property
    def card(self) -> ModelCard:
        """Return the model's card."""
        return self._card

    def fingerprint(self) -> str:
        """Return a sha256, in hex, of what decides a template.

        That is weights, settings, library versions and the version of this code.
        """
        parts = {
            "model": self._name,
            "pipeline": PIPELINE,
            "weights": [file.sha256 for file in self._card.weights],
            "settings": self._settings,
            "libraries": library_versions(self._libraries),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def extract(self, images: Sequence[Image]) -> list[Extraction]:
        """Return one result per image, in order.

        Raises ValueError for an array that is not uint8[height, width, 3].
        """
        results: list[Extraction] = []
        chips: list[Image] = []
        waiting: list[int] = []
        for image in images:
            found, chip = self._find(image)
            if chip is not None:
                waiting.append(len(results))
                chips.append(chip)
            results.append(found)
        for i, template in zip(waiting, self.embedder.embed(chips) if chips else (), strict=True):
            before = results[i]
            results[i] = Extraction("ok", template.copy(), before.faces, before.pixels, before.covariates)
        return results

    def _find(self, image: Image) -> tuple[Extraction, Image | None]:
        """Return an image's result before embedding, and its aligned face."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ValueError(f"an image must be uint8[height, width, 3], not {image.dtype}{list(image.shape)}")
        image = np.ascontiguousarray(image)
        digest = pixels_digest(image)
        faces = self.detector.detect(image)
        if not faces:
            return Extraction("no_face", pixels=digest, reason="no face found"), None
        face = largest(faces)
        chip = self.aligner.align(image, face)
        return Extraction("no_face", None, len(faces), digest, covariates(image, face.box, chip, face.confidence)), chip
