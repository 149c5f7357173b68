"""Properties of a face image that explain differences between groups without saying anything about the people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.models.base.model import Image

REC_601 = np.array((299, 587, 114), np.float32)
"""Luma weights of R, G and B, in thousandths: with them the luma of a pixel is a whole number that single precision holds."""


def luma(image: Image) -> NDArray[np.float32]:
    """Return the Rec. 601 luma of an image in thousandths.

    float32[height, width], 0–255,000, exact.
    """
    pixels = np.ascontiguousarray(image).reshape(-1, 3).astype(np.float32)
    return (pixels @ REC_601).reshape(image.shape[:2])


def clipped(box: tuple[float, float, float, float], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return a box's rows and columns inside an image.

    At least one of each. box: left, top, width, height; shape: that of the image.
    """
    left, top, width, height = box

    def span(start: float, length: float, limit: int) -> slice:
        first = min(max(int(np.floor(start)), 0), limit - 1)
        return slice(first, min(max(int(np.ceil(start + length)), first + 1), limit))

    return span(top, height, shape[0]), span(left, width, shape[1])


def mean_and_deviation(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the mean and the standard deviation of luma values.

    values: in thousandths. Computed in double precision; both are on the scale of 0 to 255.
    """
    import cv2

    mean, deviation = cv2.meanStdDev(values)
    return float(mean[0, 0]) / 1000, float(deviation[0, 0]) / 1000


def sharpness(chip: Image) -> float:
    """Return the variance of the Laplacian of a face's luma.

    The four-neighbour Laplacian, over the inner pixels.
    """
    import cv2

    laplacian = cv2.Laplacian(luma(chip), cv2.CV_32F)[1:-1, 1:-1]  # whole numbers, below 2²⁴ like the luma: exact
    return mean_and_deviation(laplacian)[1] ** 2


def covariates(image: Image, box: tuple[float, float, float, float], chip: Image, confidence: float) -> dict[str, float]:
    """Return what `Extraction.covariates` holds for one face.

    box: left, top, width, height in `image`; chip: the aligned face.
    """
    luminance, contrast = mean_and_deviation(luma(image[clipped(box, image.shape)]))
    return {
        "face_size": float(np.sqrt(box[2] * box[3])),
        "luminance": luminance,
        "contrast": contrast,
        "sharpness": sharpness(chip),
        "confidence": float(confidence),
    }
