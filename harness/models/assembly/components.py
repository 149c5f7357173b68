"""Detectors and aligners by the names that cards and options use, and which of them fit together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models.base.card import Weights
from faceparity.harness.models.base.descriptions import ALIGNMENTS
from faceparity.harness.models.base.model import Aligner, Detector
from faceparity.harness.models.vision.alignment import (
    ARCFACE_112,
    OPENCV_CENTRE,
    SMALLEST_SCALE,
    BoxAligner,
    TemplateAligner,
    WholeAligner,
)

OPENCV = ("opencv-python-headless", "opencv-python", "opencv-contrib-python")
DLIB = ("dlib-bin", "dlib")

Find = Callable[[Weights], Path]
"""Returns the path of a file of weights on this machine, its sha256 checked."""


@dataclass(frozen=True)
class BuiltComponent:
    """A component, the settings that decide what it does besides weights and libraries, and those libraries."""

    part: object
    settings: Mapping[str, object]
    libraries: tuple[str, ...]


def make_detector(
    name: str, weights: list[Weights], find: Find, landmarks: int, upsample: int
) -> tuple[Detector, BuiltComponent]:
    """Return a detector by name, its weights loaded.

    landmarks and upsample are for dlib's detectors only.
    """
    files = {file.role: find(file) for file in weights}
    if name == "yunet":
        from faceparity.harness.models.vision.yunet import NMS, SCORE, SIDES, TOP_K, YuNet

        yunet = YuNet(files["detector"])
        return yunet, BuiltComponent(yunet, {"score": SCORE, "nms": NMS, "top_k": TOP_K, "sides": SIDES}, OPENCV)
    if name in ("hog", "mmod"):
        from faceparity.harness.models.vision import dlib_components as d

        settings: dict[str, object] = {"upsample": upsample, "landmarks": landmarks, "most_pixels": d.MOST_PIXELS[name]}
        if name == "hog":
            hog = d.HogDetector(files["landmarks"], upsample)
            return hog, BuiltComponent(hog, settings, DLIB)
        mmod = d.MmodDetector(files["detector"], files["landmarks"], upsample)
        return mmod, BuiltComponent(mmod, settings | {"detector": "mmod"}, DLIB)
    if name.startswith("scrfd"):
        from faceparity.harness.models.vision.scrfd import NMS, SCORE, SIDE, Scrfd

        scrfd = Scrfd(files["detector"])
        return scrfd, BuiltComponent(
            scrfd, {"detector": name, "score": SCORE, "nms": NMS, "side": SIDE}, (*OPENCV, "onnxruntime")
        )
    from faceparity.harness.models.vision.no_detector import WholePicture

    no_detector = WholePicture()
    return no_detector, BuiltComponent(no_detector, {"detector": "none"}, ())


def check_alignment(alignment: str, points: str, detector: str) -> None:
    """Check that an alignment exists and suits the detector.

    Raises UserError where it does not exist, or the detector has no landmarks for it.
    """
    if alignment not in ALIGNMENTS:
        raise UserError(f"there is no alignment called {alignment!r}: known are {', '.join(ALIGNMENTS)}")
    if points == "none" and alignment != "whole":
        raise UserError(f"alignment={alignment} needs a face found: detector={detector} goes with alignment=whole only")


def make_aligner(name: str, points: str, landmarks: int, size: int) -> tuple[Aligner, BuiltComponent]:
    """Return an aligner by name for the detector's landmarks."""
    if name == "dlib" and points == "dlib":
        from faceparity.harness.models.vision.dlib_components import PADDING, FaceChip

        chip = FaceChip(size)
        return chip, BuiltComponent(chip, {"chip": size, "padding": PADDING}, DLIB)
    if name in ("arcface", "dlib"):
        template, centre, kind = _template(name, points, landmarks, size)
        aligner = TemplateAligner(template, size, centre, kind)
        settings: dict[str, object] = {"template": template.tolist(), "size": size, "smallest_scale": SMALLEST_SCALE}
        settings["centre"] = (template.mean(axis=0) if centre is None else centre).tolist()
        if kind != "five":
            settings["points"] = kind
        return aligner, BuiltComponent(aligner, settings, (*OPENCV, "numpy"))
    if name == "box":
        box = BoxAligner(size)
        return box, BuiltComponent(box, {"box": size, "margin": box.margin}, OPENCV)
    whole = WholeAligner(size)
    return whole, BuiltComponent(whole, {"whole": size}, OPENCV)


def _template(name: str, points: str, landmarks: int, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, str]:
    """Return where an alignment moves landmarks to.

    Also where their mean goes (None: the template's mean), and which landmarks those are.
    """
    from faceparity.harness.models.vision.dlib_components import CHIP, DLIB5_ON_112, FIVE_ON_CHIP

    if name == "dlib":
        return FIVE_ON_CHIP * (size / CHIP), None, "five"
    scale = size / 112
    if points == "dlib" and landmarks == 5:
        return DLIB5_ON_112 * scale, None, "dlib5"
    kind = "dlib68" if points == "dlib" else "five"
    return ARCFACE_112 * scale, OPENCV_CENTRE if scale == 1 else None, kind
