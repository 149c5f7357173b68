"""Alignment by five landmarks: the least-squares similarity onto a template, and the picture that it gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.models.base.model import Face, Image
from faceparity.harness.models.vision.scaling import at_most

ARCFACE_112 = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float64
)
"""Where the eyes, the nose and the corners of the mouth go in 112 × 112 pixels: left to right as seen, top to bottom."""


OPENCV_CENTRE = np.array([56.0262, 71.9008])
"""The template's centre as cv2.FaceRecognizerSF has it, rounded: 4e-5 px off, which is enough to change pixels by one."""


def similarity(
    points: NDArray[np.floating], template: NDArray[np.floating], centre: NDArray[np.floating] | None = None
) -> NDArray[np.float64]:
    """Return the least-squares similarity of points onto a template.

    float64[2, 3]: rotation, one scale and shift that bring `points` closest to `template` (both [n, 2]), without mirroring.
    Umeyama (1991), "Least-squares estimation of transformation parameters between two point patterns".
    Points that all coincide are scaled by 1. centre: where the points' mean goes; default, the template's mean.
    """
    source, target = points.astype(np.float64), template.astype(np.float64)
    source_mean = source.mean(axis=0)
    target_mean = target.mean(axis=0) if centre is None else centre
    source, target = source - source_mean, target - target_mean
    left, singular_values, right = np.linalg.svd(target.T @ source / len(source))
    signs = np.array([1.0, -1.0 if np.linalg.det(left) * np.linalg.det(right) < 0 else 1.0])
    rotation = left @ np.diag(signs) @ right
    spread = source.var(axis=0).sum()
    scaled = rotation * ((singular_values @ signs) / spread if spread > 0 else 1.0)
    return np.column_stack([scaled, target_mean - scaled @ source_mean])


SMALLEST_SCALE = 0.25
"""Scale below which the image is first averaged down, to twice the final size: bilinear sampling would skip too many pixels."""


_EYES_NOSE_MOUTH_OF_68 = ((36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47), (30,), (48,), (54,))


def five_of_68(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the usual five landmarks of dlib's 68.

    float32[5, 2]: middles of the eyes, tip of the nose and corners of the mouth out of the 68 points of iBUG 300-W.
    """
    return np.array([points[list(indices)].mean(axis=0) for indices in _EYES_NOSE_MOUTH_OF_68], np.float32)


class TemplateAligner:
    """An aligner that moves the first five landmarks onto a template, bilinearly, with black where the image ends.

    points: "dlib68" if the landmarks are the 68 of iBUG 300-W, of which five are made.
    """

    def __init__(
        self, template: NDArray[np.float64], size: int, centre: NDArray[np.float64] | None = None, points: str = "five"
    ) -> None:
        self.template = template
        self.size = size
        self.centre = centre
        self.points = points

    def align(self, image: Image, face: Face) -> Image:
        """Return the face aligned to the template.

        uint8[size, size, 3], RGB.
        """
        import cv2

        landmarks = five_of_68(face.landmarks) if self.points == "dlib68" else face.landmarks[:5]
        matrix = similarity(landmarks, self.template, self.centre)
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        if scale < SMALLEST_SCALE:
            image, factors = at_most(image, max(round(max(image.shape[:2]) * scale * 2), 1))
            matrix = similarity(landmarks / factors, self.template, self.centre)
        chip: Image = cv2.warpAffine(image, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR)
        return chip


class BoxAligner:
    """An aligner that crops the detector's box, squared about its middle and enlarged by `margin` of its side on each side.

    Beyond the image it is black.
    """

    margin = 0.1

    def __init__(self, size: int) -> None:
        self.size = size

    def align(self, image: Image, face: Face) -> Image:
        """Return the face cropped by its box.

        uint8[size, size, 3], RGB.
        """
        import cv2

        left, top, width, height = face.box
        side = max(width, height, 1.0) * (1 + 2 * self.margin)
        scale = self.size / side
        if scale < 0.5:  # averaged down to twice its size in the end, so that no pixel is skipped
            image, factors = at_most(image, max(round(max(image.shape[:2]) * scale * 2), 1))
            left, width, top, height = left / factors[0], width / factors[0], top / factors[1], height / factors[1]
            scale = self.size / (max(width, height, 1.0) * (1 + 2 * self.margin))
        shift = self.size / 2 - scale * np.array([left + width / 2, top + height / 2])
        matrix = np.array([(scale, 0.0, shift[0]), (0.0, scale, shift[1])])
        chip: Image = cv2.warpAffine(image, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR)
        return chip


class WholeAligner:
    """An aligner that resizes the whole picture: for pictures that are aligned faces already."""

    def __init__(self, size: int) -> None:
        self.size = size

    def align(self, image: Image, face: Face) -> Image:
        """Return the whole picture resized.

        uint8[size, size, 3], RGB.
        """
        if image.shape[:2] == (self.size, self.size):
            return image
        import cv2

        smaller = image.shape[0] > self.size and image.shape[1] > self.size
        chip: Image = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        return chip
