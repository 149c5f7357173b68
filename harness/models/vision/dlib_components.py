"""dlib's detectors (HOG and mmod), its landmarks, its face chip, and its jittered descriptors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.models.base.model import Embedder, Face, Image
from faceparity.harness.models.vision.alignment import similarity
from faceparity.harness.models.vision.pixels import pixels_digest
from faceparity.harness.models.vision.scaling import at_most

UPSAMPLE = 1
CHIP = 150
PADDING = 0.25
MOST_PIXELS = {"hog": 40_000_000, "mmod": 4_000_000}
"""Larger images are reduced to this for detection: dlib needs about 50 bytes a pixel once it has enlarged them, mmod many times
that, and about 4 seconds for each million pixels."""

FIVE_ON_CHIP = np.array([(47.76, 48.29), (109.12, 48.83), (77.55, 78.65), (49.47, 103.63), (103.41, 104.10)], np.float64)
"""Where eyes, nose and corners of the mouth lie on dlib's 150-pixel chip: for detectors that give those instead of dlib's points."""

DLIB5_ON_112 = np.array([(80.54, 53.70), (66.49, 54.18), (31.23, 53.36), (45.15, 54.02), (55.66, 79.96)], np.float64)
"""Where dlib's five points (corners of the eyes, base of the nose) lie on the 112-pixel template: the mean over 48 official
portraits (London, US Congress) that YuNet's points were brought onto it, each point within 1.2 to 2.2 pixels (one sd)."""


class DlibLandmarks:
    """dlib's shape predictor: five points (corners of the eyes, base of the nose) or 68."""

    def __init__(self, weights: Path) -> None:
        import dlib

        self._predictor = dlib.shape_predictor(str(weights))

    def points(self, image: Image, box: Any) -> NDArray[np.float32]:
        """Return the landmarks of a face in a box.

        float32[5 or 68, 2]. box: a dlib.rectangle.
        """
        return np.array([(point.x, point.y) for point in self._predictor(image, box).parts()], np.float32)


def _detection_side(image: Image, kind: str) -> int:
    """Return the longest side of images in detection."""
    height, width = image.shape[:2]
    side = int(max(height, width))
    if height * width > MOST_PIXELS[kind]:
        side = int(side * (MOST_PIXELS[kind] / (height * width)) ** 0.5)
    return side


class HogDetector:
    """dlib's frontal face detector on the image enlarged `upsample` times, and landmarks in each box.

    Boxes may reach beyond the image. The library's `face_encodings(image)` looks for landmarks in them as they are, and so does
    this; only boxes that its users pass on from `face_locations` are trimmed to the image.
    """

    def __init__(self, landmarks: Path, upsample: int = UPSAMPLE) -> None:
        import dlib

        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = DlibLandmarks(landmarks)
        self._upsample = upsample

    def detect(self, image: Image) -> list[Face]:
        """Return every face found.

        Confidence is the detector's score, which has no upper limit and is at least 0.
        """
        scaled = at_most(image, _detection_side(image, "hog"))
        return [scaled.to_original(face) for face in self._detect(scaled.image)]

    def _detect(self, image: Image) -> list[Face]:
        boxes, scores, _ = self._detector.run(image, self._upsample, 0.0)
        faces = []
        for box, score in zip(boxes, scores, strict=True):
            sides = (float(box.left()), float(box.top()), float(box.width()), float(box.height()))
            faces.append(Face(sides, float(score), self._landmarks.points(image, box)))
        return faces


class MmodDetector:
    """dlib's max-margin CNN detector, which the library calls `cnn`, and landmarks in each box.

    Boxes are trimmed to the image, as `face_locations(image, model="cnn")` trims them before its users pass them on.
    """

    def __init__(self, weights: Path, landmarks: Path, upsample: int = UPSAMPLE) -> None:
        import dlib

        self._dlib = dlib
        self._detector = dlib.cnn_face_detection_model_v1(str(weights))
        self._landmarks = DlibLandmarks(landmarks)
        self._upsample = upsample

    def detect(self, image: Image) -> list[Face]:
        """Return every face found.

        Confidence is the detector's score, about 1 for a clear face.
        """
        scaled = at_most(image, _detection_side(image, "mmod"))
        return [scaled.to_original(face) for face in self._detect(np.ascontiguousarray(scaled.image))]

    def _detect(self, image: Image) -> list[Face]:
        faces = []
        for detection in self._detector(image, self._upsample):
            rectangle = detection.rect
            box = self._dlib.rectangle(
                max(rectangle.left(), 0),
                max(rectangle.top(), 0),
                min(rectangle.right(), image.shape[1]),
                min(rectangle.bottom(), image.shape[0]),
            )
            sides = (float(box.left()), float(box.top()), float(box.width()), float(box.height()))
            faces.append(Face(sides, float(detection.confidence), self._landmarks.points(image, box)))
        return faces


class FaceChip:
    """dlib's own alignment by five or 68 landmarks: 150 × 150 pixels with a quarter of the face's size around it."""

    def __init__(self, size: int = CHIP) -> None:
        import dlib

        self._dlib = dlib
        self._size = size

    def align(self, image: Image, face: Face) -> Image:
        """Return dlib's face chip.

        uint8[size, size, 3], RGB.
        """
        dlib = self._dlib
        points = [dlib.point(round(float(across)), round(float(down))) for across, down in face.landmarks]
        shape = dlib.full_object_detection(dlib.rectangle(), points)  # where there are landmarks the box is not used
        chip: Image = dlib.get_face_chip(image, shape, size=self._size, padding=PADDING)
        return chip


JITTER = 1
"""Increased whenever `jittered` changes."""


def jittered(chip: Image, times: int) -> list[Image]:
    """Return `times` randomly disturbed copies of an aligned face.

    Each is turned by up to 3°, shifted by up to 2 % and enlarged by up to 3 %, and half of them on average are mirrored. These are the
    disturbances of dlib's jitter_image. dlib draws them from one stream for all images, so that a descriptor depends on which images
    came before; here each chip's own pixels seed the stream.
    """
    import cv2

    random = np.random.default_rng(int(pixels_digest(chip), 16))
    size = chip.shape[0]
    inner = size - 6
    copies = []
    for _ in range(times):
        shift = random.uniform(-0.02, 0.02, 2) * inner
        side = inner / random.uniform(0.97, 0.99999)
        angle = np.deg2rad(random.uniform(-3, 3))
        corner = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0)]) * side / 2
        turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
        source = corner @ turn.T + (size - 1) / 2 + shift
        target = np.array([(0.0, 0.0), (size - 1.0, 0.0), (size - 1.0, size - 1.0)])
        copy: Image = cv2.warpAffine(
            chip, similarity(source, target), (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        copies.append(np.ascontiguousarray(copy[:, ::-1]) if random.random() > 0.5 else copy)
    return copies


class Jittered:
    """An embedder that averages another's templates over jittered copies of a face."""

    def __init__(self, embedder: Embedder, times: int) -> None:
        self._embedder = embedder
        self._times = times

    def embed(self, chips: Sequence[Image]) -> NDArray[np.float32]:
        """Return the mean templates of aligned faces.

        float32[len(chips), dimensions].
        """
        means = [self._embedder.embed(jittered(chip, self._times)).astype(np.float64).mean(axis=0) for chip in chips]
        return np.stack(means).astype(np.float32)
