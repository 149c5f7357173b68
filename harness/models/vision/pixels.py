"""The digest by which two images are known to have the same pixels."""

from __future__ import annotations

import hashlib

import numpy as np

from faceparity.harness.models.base.model import Image


def pixels_digest(image: Image) -> str:
    """Return 128 bits of the sha256 of an image's pixels.

    They are 32 hexadecimal digits; the shape is digested too. It is sha256 because processors have instructions for it.
    """
    digest = hashlib.sha256(repr(image.shape).encode("ascii"))
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()[:32]
