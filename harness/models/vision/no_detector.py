"""No detector: each picture is taken as one face, for sets whose pictures are aligned faces already."""

from __future__ import annotations

import numpy as np

from faceparity.harness.models.base.model import Face, Image


class WholePicture:
    """A stand-in for a detector: every picture is one face, as large as the picture."""

    def detect(self, image: Image) -> list[Face]:
        """Return the picture as one face.

        It has no landmarks and confidence 1.
        """
        height, width = image.shape[:2]
        return [Face((0.0, 0.0, float(width), float(height)), 1.0, np.empty((0, 2), np.float32))]
