"""Smaller copies of large images, and the way back from coordinates in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.models.base.model import Face, Image


class Scaled(NamedTuple):
    """An image, and how many of the original's pixels one of its pixels covers: float64[2], across and down."""

    image: Image
    factors: NDArray[np.float64]

    def to_original(self, face: Face) -> Face:
        """Return the same face in the original's coordinates."""
        across, down = (float(factor) for factor in self.factors)
        left, top, width, height = face.box
        box = (left * across, top * down, width * across, height * down)
        return Face(box, face.confidence, (face.landmarks * self.factors).astype(np.float32))


def at_most(image: Image, side: int) -> Scaled:
    """Reduce an image's longer side to at most `side` pixels.

    By averaging areas; an image that is no longer than that is returned unchanged.
    """
    height, width = image.shape[:2]
    longer = max(height, width)
    if longer <= side:
        return Scaled(image, np.ones(2))
    import cv2

    size = (max(round(width * side / longer), 1), max(round(height * side / longer), 1))
    smaller: Image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return Scaled(smaller, np.array([width / size[0], height / size[1]]))
