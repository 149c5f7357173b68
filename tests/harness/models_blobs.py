"""Composed pictures with several faces, and a model that finds them without weights. Not a test.

A face is a bright rectangle of one colour on a dark ground; its template is that colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from faceparity.datasets.schema.card import DatasetCard, FacesPolicy
from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness.models.assembly.pipeline import Pipeline
from faceparity.harness.models.base.card import ModelCard, Score
from faceparity.harness.models.base.model import Face, Image
from faceparity.harness.models.vision.alignment import BoxAligner
from tests.harness import templates_fake as fake

SIDE = 90
PERSON, BYSTANDER = (40, 40, 14, 14), (2, 20, 24, 30)
"""Boxes: left, top, width, height. The bystander is larger and stands at the side."""


class BlobDetector:
    """Finds connected bright pixels, in the order of their first rows."""

    def detect(self, image: Image) -> list[Face]:
        bright = (image.max(axis=2) > 60).astype(np.uint8)
        _, _, boxes, _ = cv2.connectedComponentsWithStats(bright)
        return [Face(tuple(map(float, box[:4])), 1.0, np.zeros((5, 2), np.float32)) for box in boxes[1:]]


class Colour:
    """Embeds the colour in the middle of a chip."""

    def embed(self, chips: Sequence[Image]) -> NDArray[np.float32]:
        return np.array([chip[chip.shape[0] // 2, chip.shape[1] // 2] for chip in chips], np.float32)


def card() -> ModelCard:
    score = Score(kind="cosine", unit="cosine similarity", sign=1, low=-1, high=1)
    return ModelCard(
        name="blobs", title="Blobs", licence="CC0-1.0", training_data="none", weights=[], detector="blobs", alignment="box",
        input="8 px", dimensions=3, score=score,
    )  # fmt: skip


def open_blobs(name: str = "blobs") -> Pipeline:
    return Pipeline(card(), BlobDetector(), BoxAligner(8), Colour(), {}, ())


def composed(person: int, *, bystander: bool) -> NDArray[np.uint8]:
    """A picture of a person in the middle, with a larger bystander of another colour at the side, or alone."""
    image = np.full((SIDE, SIDE, 3), 10, np.uint8)
    boxes = [(PERSON, (100 + person, 200, 80)), *[(BYSTANDER, (70, 90, 100 + person))] * bystander]
    for (left, top, width, height), colour in boxes:
        image[top : top + height, left : left + width] = colour
    return image


def make_dataset(root: Path, bystanders: Mapping[int, bool] | Sequence[bool], faces: FacesPolicy = "largest") -> Dataset:
    """A picture of each person, with a bystander or without; half of them women."""
    root.mkdir(parents=True, exist_ok=True)
    for person in range(len(bystanders)):
        Pillow.fromarray(composed(person, bystander=bystanders[person])).save(root / f"{person:03d}.png")
    read, n = fake.read_dataset(root), len(bystanders)
    gender = Attribute("gender", ("female", "male"), (np.arange(n) % 2).astype(np.int32))
    about = DatasetCard(name="blobs", title="Blobs", identity="none", labels_public=True, default_by=["gender"], faces=faces)
    return Dataset(
        name="blobs", card=about, root=root, files=read.files, content=read.content, subjects=read.subjects, identity="none",
        attributes={"gender": gender}, digest=read.digest,
    )  # fmt: skip
