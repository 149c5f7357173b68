"""Properties of a face image that explain differences between groups without saying anything about the people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .model import Image

REC_601 = (0.299, 0.587, 0.114)
"""Luma weights of R, G and B."""


def luma(image: Image) -> NDArray[np.float64]:
    """float64[height, width], 0–255: Rec. 601 luma of RGB."""
    red, green, blue = (weight * image[..., i].astype(np.float64) for i, weight in enumerate(REC_601))
    return red + green + blue


def clipped(box: tuple[float, float, float, float], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the box that lie in the image; at least one of each."""
    left, top, width, height = box

    def span(start: float, length: float, limit: int) -> slice:
        first = min(max(int(np.floor(start)), 0), limit - 1)
        return slice(first, min(max(int(np.ceil(start + length)), first + 1), limit))

    return span(top, height, shape[0]), span(left, width, shape[1])


def sharpness(chip: Image) -> float:
    """Variance of the four-neighbour Laplacian of the luma, over the inner pixels."""
    y = luma(chip)
    laplacian = y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:] - 4 * y[1:-1, 1:-1]
    return float(laplacian.var())


def covariates(image: Image, box: tuple[float, float, float, float], chip: Image, confidence: float) -> dict[str, float]:
    """What `Extraction.covariates` holds. box: left, top, width, height in `image`; chip: the aligned face."""
    region = luma(image[clipped(box, image.shape)])
    return {
        "face_size": float(np.sqrt(box[2] * box[3])),
        "luminance": float(region.mean()),
        "contrast": float(region.std()),
        "sharpness": sharpness(chip),
        "confidence": float(confidence),
    }
