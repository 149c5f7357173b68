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
"""Anchors of each size at each position."""


def fitted(image: Image) -> tuple[Image, float]:
    """Fit an image into the top left of a canvas.

    The canvas has 640 × 640 pixels. Also returns the factor by which the image was scaled.
    """
    import cv2

    height, width = image.shape[:2]
    ratio = height / width
    new_height, new_width = (SIDE, int(SIDE / ratio)) if ratio > 1 else (int(SIDE * ratio), SIDE)
    canvas: Image = np.zeros((SIDE, SIDE, 3), np.uint8)
    size = (max(new_width, 1), max(new_height, 1))
    canvas[: size[1], : size[0]] = cv2.resize(image, size)
    return canvas, size[1] / height


def centres(stride: int) -> NDArray[np.float32]:
    """Return x and y of every anchor of a stride.

    float32[anchors, 2], row by row, each position once for each of its `ANCHORS`.
    """
    cells = SIDE // stride
    down, across = np.mgrid[:cells, :cells]
    positions = np.stack([across, down], axis=-1).reshape(-1, 2) * stride
    return np.repeat(positions, ANCHORS, axis=0).astype(np.float32)


def suppressed(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the rows that survive non-maximum suppression.

    By falling score: none overlaps one before it by more than NMS (intersection over union). boxes: left, top, right, bottom, inclusive.
    """
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
    """The SCRFD detector with key points. Landmarks: eyes, nose, corners of the mouth; boxes may reach beyond the image."""

    def __init__(self, weights: Path) -> None:
        self._session = open_session(weights)
        self._input = self._session.get_inputs()[0].name
        if len(self._session.get_outputs()) != 3 * len(STRIDES):
            raise UserError(
                f"{weights.name} is no SCRFD with key points: it has {len(self._session.get_outputs())} outputs, not 9"
            )

    def detect(self, image: Image) -> list[Face]:
        """Return every face, by falling score."""
        canvas, scale = fitted(image)
        planes = ((canvas.astype(np.float32) - 127.5) / 128).transpose(2, 0, 1)[None]
        answers = [
            np.asarray(answer).reshape(-1, np.asarray(answer).shape[-1]) for answer in self._answers(np.ascontiguousarray(planes))
        ]
        scores, boxes, points = _decode(answers)
        keep = suppressed(boxes / scale, scores)
        return [_face(boxes[i] / scale, float(scores[i]), points[i] / scale) for i in keep]

    def _answers(self, planes: NDArray[np.float32]) -> list[Any]:
        answers: list[Any] = self._session.run(None, {self._input: planes})
        return answers


def _decode(answers: list[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return scores, boxes and points of the anchors kept.

    [n], [n, 4] and [n, 5, 2], in the canvas, of all anchors whose score is at least SCORE.
    """
    scores, boxes, points = [], [], []
    for level, stride in enumerate(STRIDES):
        score = answers[level][:, 0]
        chosen = np.flatnonzero(score >= SCORE)
        centre = centres(stride)[chosen]
        reach = answers[level + 3][chosen] * stride
        offset = (answers[level + 6][chosen] * stride).reshape(-1, 5, 2)
        scores.append(score[chosen])
        boxes.append(np.concatenate([centre - reach[:, :2], centre + reach[:, 2:]], axis=1))
        points.append(centre[:, None, :] + offset)
    return np.concatenate(scores), np.concatenate(boxes), np.concatenate(points)


def _face(box: NDArray[np.float32], score: float, points: NDArray[np.float32]) -> Face:
    left, top, right, bottom = (float(value) for value in box)
    return Face((left, top, right - left, bottom - top), score, points.astype(np.float32))
