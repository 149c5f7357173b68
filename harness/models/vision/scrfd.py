"""SCRFD (Guo et al., ICLR 2022), the face detector of InsightFace's packs, as the insightface package runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models.base.model import Face, Image
from faceparity.harness.models.onnx.session import open_session

SCORE = 0.5
NMS = 0.4
SIDE = 640
STRIDES = (8, 16, 32)
ANCHORS = 2
"""Of each size at each place."""


def fitted(image: Image) -> tuple[Image, float]:
    """The image fitted into the top left of 640 × 640 black pixels, and by what it was scaled."""
    import cv2

    height, width = image.shape[:2]
    ratio = height / width
    new_height, new_width = (SIDE, int(SIDE / ratio)) if ratio > 1 else (int(SIDE * ratio), SIDE)
    canvas: Image = np.zeros((SIDE, SIDE, 3), np.uint8)
    size = (max(new_width, 1), max(new_height, 1))
    canvas[: size[1], : size[0]] = cv2.resize(image, size)
    return canvas, size[1] / height


def centres(stride: int) -> NDArray[np.float32]:
    """float32[n, 2]: x and y of every anchor of a stride, row by row, each as often as there are anchors at a place."""
    n = SIDE // stride
    y, x = np.mgrid[:n, :n]
    places = np.stack([x, y], axis=-1).reshape(-1, 2) * stride
    return np.repeat(places, ANCHORS, axis=0).astype(np.float32)


def suppressed(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rows to keep, by falling score: none overlaps one before it by more than NMS. boxes: left, top, right, bottom, inclusive."""
    order = np.argsort(-scores, kind="stable")
    areas = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    keep = []
    while order.size:
        first, rest = order[0], order[1:]
        keep.append(first)
        low = np.maximum(boxes[first, :2], boxes[rest, :2])
        high = np.minimum(boxes[first, 2:], boxes[rest, 2:])
        shared = np.prod(np.maximum(high - low + 1, 0), axis=1)
        order = rest[shared / (areas[first] + areas[rest] - shared) <= NMS]
    return np.array(keep, np.int64)


class Scrfd:
    """Faces by SCRFD with key points. Landmarks: eyes, nose, corners of the mouth; boxes may reach beyond the image."""

    def __init__(self, weights: Path) -> None:
        self._session = open_session(weights)
        self._input = self._session.get_inputs()[0].name
        if len(self._session.get_outputs()) != 3 * len(STRIDES):
            raise UserError(
                f"{weights.name} is no SCRFD with key points: it has {len(self._session.get_outputs())} outputs, not 9"
            )

    def detect(self, image: Image) -> list[Face]:
        """Every face, by falling score."""
        canvas, scale = fitted(image)
        planes = ((canvas.astype(np.float32) - 127.5) / 128).transpose(2, 0, 1)[None]
        answers = [np.asarray(a).reshape(-1, np.asarray(a).shape[-1]) for a in self._answers(np.ascontiguousarray(planes))]
        scores, boxes, points = _decoded(answers)
        keep = suppressed(boxes / scale, scores)
        return [_face(boxes[i] / scale, float(scores[i]), points[i] / scale) for i in keep]

    def _answers(self, planes: NDArray[np.float32]) -> list[Any]:
        answers: list[Any] = self._session.run(None, {self._input: planes})
        return answers


def _decoded(answers: list[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Scores [n], boxes [n, 4] and points [n, 5, 2] in the canvas, of all anchors that reach SCORE."""
    scores, boxes, points = [], [], []
    for i, stride in enumerate(STRIDES):
        score = answers[i][:, 0]
        chosen = np.flatnonzero(score >= SCORE)
        centre = centres(stride)[chosen]
        reach = answers[i + 3][chosen] * stride
        offset = (answers[i + 6][chosen] * stride).reshape(-1, 5, 2)
        scores.append(score[chosen])
        boxes.append(np.concatenate([centre - reach[:, :2], centre + reach[:, 2:]], axis=1))
        points.append(centre[:, None, :] + offset)
    return np.concatenate(scores), np.concatenate(boxes), np.concatenate(points)


def _face(box: NDArray[np.float32], score: float, points: NDArray[np.float32]) -> Face:
    left, top, right, bottom = (float(v) for v in box)
    return Face((left, top, right - left, bottom - top), score, points.astype(np.float32))
