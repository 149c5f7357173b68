"""The YuNet face detector (2023mar, int8 block-quantised), through OpenCV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from faceparity.harness.models.base.model import Face, Image
from faceparity.harness.models.vision.scaling import at_most

SCORE = 0.6
"""The default of the model's own zoo. OpenCV's, 0.9, loses one in eleven of FairFace's faces, more of some groups than of others."""
NMS = 0.3
TOP_K = 5000

SIDES = (640, 320)
"""Longest side at which faces are looked for, and again if there are none.

YuNet was trained on faces of about 10 to 300 pixels and finds none past some 450, so at full size every portrait from a
modern camera would count as a failure. Images up to 320 pixels are looked at once and as they are.
"""


def _create(weights: Path) -> Any:
    """Make the detector without a warning of OpenCV 5.

    The warning says that its new engine has no targets to choose from.
    """
    import cv2

    logging = getattr(cv2.utils, "logging", None)  # OpenCV 4 has neither the warning nor, in some builds, the switch
    level = logging.setLogLevel(logging.LOG_LEVEL_ERROR) if logging else None
    try:
        return cv2.FaceDetectorYN.create(str(weights), "", (320, 320), SCORE, NMS, TOP_K)
    finally:
        if logging:
            logging.setLogLevel(level)


class YuNet:
    """The YuNet detector. Boxes may reach beyond the image; confidence 0.6–1; landmarks: eyes, nose, corners of the mouth.

    Opening one sets OpenCV to a single thread.
    """

    def __init__(self, weights: Path) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._cv2 = cv2
        self._detector = _create(weights)

    def detect(self, image: Image) -> list[Face]:
        """Return every face found, by falling confidence.

        At the first of `SIDES` at which there is any face; in the detector's order.
        """
        longer = max(image.shape[:2])
        for side in [candidate for i, candidate in enumerate(SIDES) if i == 0 or candidate < longer]:
            scaled = at_most(image, side)
            faces = [scaled.to_original(face) for face in self.detect_as_is(scaled.image)]
            if faces:
                return faces
        return []

    def detect_as_is(self, image: Image) -> list[Face]:
        """Return every face in the image at its own size."""
        cv2 = self._cv2
        self._detector.setInputSize((image.shape[1], image.shape[0]))
        _, rows = self._detector.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        if rows is None:
            return []
        return [
            Face(
                (float(row[0]), float(row[1]), float(row[2]), float(row[3])),
                float(row[14]),
                np.array(row[4:14], np.float32).reshape(5, 2),
            )
            for row in rows
        ]
