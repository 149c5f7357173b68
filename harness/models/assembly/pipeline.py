"""A model composed of a detector, an aligner and an embedder."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from typing import Self

import numpy as np

from faceparity.datasets.schema.card import FacesPolicy
from faceparity.harness.models.assembly.covariates import covariates
from faceparity.harness.models.assembly.face_choice import CHOICES
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import Aligner, Detector, Embedder, Extraction, Image
from faceparity.harness.models.vision.no_detector import WholePicture
from faceparity.harness.models.vision.pixels import pixels_digest

PIPELINE = 2
"""Increased whenever the code around the networks changes what a template is."""


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
        faces: FacesPolicy = "largest",
    ) -> None:
        self._card = card
        self._name = fingerprint_name or card.name
        self.detector = detector
        self.aligner = aligner
        self.embedder = embedder
        self._settings = dict(settings)
        self._libraries = tuple(libraries)
        self._faces = faces

    @property
    def card(self) -> ModelCard:
        """Return the model's card."""
        return self._card

    @property
    def faces(self) -> FacesPolicy | None:
        """Return which of several faces is used.

        None where the picture is taken whole.
        """
        return None if isinstance(self.detector, WholePicture) else self._faces

    def with_faces(self, policy: FacesPolicy) -> Self:
        """Return this model with another policy; the networks are shared."""
        other = copy.copy(self)
        other._faces = policy
        return other

    def fingerprint(self) -> str:
        """Return a sha256, in hex, of what decides a template.

        That is weights, settings, library versions, which of several faces is used, and the version of this code.
        """
        # `largest` goes unnamed: templates of versions that knew no other policy are still found.
        policy = {} if self.faces in (None, "largest") else {"faces": self.faces}
        parts = {
            "model": self._name,
            "pipeline": PIPELINE,
            "weights": [file.sha256 for file in self._card.weights],
            "settings": self._settings,
            "libraries": library_versions(self._libraries),
            **policy,
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
            results[i] = replace(before, status="ok", template=template.copy())
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
        height, width = image.shape[:2]
        by_policy = {policy: choose(faces, (height, width)) for policy, choose in CHOICES.items()}
        face = by_policy[self._faces]
        differ = None if self.faces is None else any(other is not face for other in by_policy.values())
        chip = self.aligner.align(image, face)
        measured = covariates(image, face.box, chip, face.confidence)
        return Extraction("no_face", None, len(faces), digest, measured, faces_differ=differ), chip
