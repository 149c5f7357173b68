"""YuNet and SFace from their own files, where these have been fetched."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image as Pictures

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch.artefacts import path
from faceparity.harness.models import artefacts_of, open_model
from faceparity.harness.models.assembly.face_choice import largest
from faceparity.harness.models.assembly.pipeline import Pipeline
from faceparity.harness.models.base.model import Image
from faceparity.harness.models.onnx.repair import drop_weight_inputs, free_batch, repaired
from faceparity.harness.models.onnx.session import OnnxEmbedder
from faceparity.harness.models.vision.yunet import NMS, SCORE, TOP_K, YuNet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def weights() -> tuple[Path, Path]:
    try:
        detector, embedder = (path(artefact) for artefact in artefacts_of("sface"))
        return detector, embedder
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def model(weights: tuple[Path, Path]) -> Pipeline:
    opened = open_model("sface")
    assert isinstance(opened, Pipeline)
    return opened


@pytest.fixture(scope="module")
def portrait() -> Image:
    """The photograph of a face that comes with matplotlib (a US Navy portrait), 600 × 512 pixels."""
    import matplotlib

    file = next((Path(matplotlib.get_data_path()) / "sample_data").glob("*.jpg"), None)
    if file is None:
        pytest.skip("this matplotlib brings no photograph of a face")
    return np.array(Pictures.open(file).convert("RGB"))


def resized(image: Image, factor: float) -> Image:
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    return np.array(Pictures.fromarray(image).resize(size, Pictures.Resampling.BICUBIC))


def cosine(a: NDArray[np.float32] | None, b: NDArray[np.float32] | None) -> float:
    assert a is not None
    assert b is not None
    x, y = a.astype(np.float64), b.astype(np.float64)
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


def chips(model: Pipeline, portrait: Image) -> list[Image]:
    """32 aligned pictures: the portrait in several sizes and lights, then noise."""
    made = []
    for factor in (0.3, 0.5, 0.8, 1.0):
        for gain in (0.6, 0.8, 1.0, 1.2):
            image = np.clip(resized(portrait, factor) * gain, 0, 255).astype(np.uint8)
            made.append(model.aligner.align(image, largest(model.detector.detect(image), image.shape[:2])))
    noise = np.random.default_rng(9).integers(0, 256, (16, 112, 112, 3)).astype(np.uint8)
    return [*made, *noise]


def test_repaired_graph_gives_the_shipped_numbers(model: Pipeline, weights: tuple[Path, Path], portrait: Image) -> None:
    shipped = onnx.load(str(weights[1]))
    drop_weight_inputs(shipped)
    pictures = chips(model, portrait)
    theirs = OnnxEmbedder(shipped.SerializeToString()).embed(pictures)
    ours = OnnxEmbedder(repaired(weights[1].read_bytes())).embed(pictures)
    assert max(1 - cosine(a, b) for a, b in zip(ours, theirs, strict=True)) <= 1e-9
    assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()
    assert np.ptp(theirs, axis=0).min() > 0.1


def test_no_row_depends_on_the_batch(model: Pipeline, portrait: Image) -> None:
    pictures = chips(model, portrait)
    together = model.embedder.embed(pictures)
    for i in (0, 7, 15, 16, 31):
        np.testing.assert_array_equal(model.embedder.embed([pictures[i]])[0], together[i])


def test_same_as_opencv(model: Pipeline, weights: tuple[Path, Path], portrait: Image, tmp_path: Path) -> None:
    """OpenCV's own detector and recogniser, on the file of which only the dangling inputs are mended."""
    mended = onnx.load(str(weights[1]))
    drop_weight_inputs(mended)
    free_batch(mended)
    file = tmp_path / "mended.onnx"
    onnx.save(mended, str(file))
    try:
        recogniser = cv2.FaceRecognizerSF.create(str(file), "")
    except cv2.error as error:
        pytest.skip(f"this OpenCV can't read the int8 file: {error}")
    detector = cv2.FaceDetectorYN.create(str(weights[0]), "", (portrait.shape[1], portrait.shape[0]), SCORE, NMS, TOP_K)
    bgr = np.ascontiguousarray(portrait[..., ::-1])
    rows = detector.detect(bgr)[1]
    assert len(rows) == 1
    theirs = recogniser.feature(recogniser.alignCrop(bgr, rows[0]))[0]
    ours = model.extract([portrait])[0]
    assert ours.faces == 1
    assert cosine(ours.template, theirs) > 0.9999


def test_faces_at_every_size(model: Pipeline, portrait: Image) -> None:
    """From 20 to 1,400 pixels; YuNet by itself finds none past some 450."""
    whole = model.extract([portrait])[0]
    assert whole.covariates is not None
    for factor in (0.15, 0.3, 0.6, 1.5, 3, 7):
        result = model.extract([resized(portrait, factor)])[0]
        assert (result.status, result.faces) == ("ok", 1)
        assert result.covariates is not None
        assert result.covariates["face_size"] == pytest.approx(whole.covariates["face_size"] * factor, rel=0.15)
        assert cosine(result.template, whole.template) > (0.7 if factor < 0.3 else 0.9)


def test_yunet_alone_misses_large_faces(weights: tuple[Path, Path], portrait: Image) -> None:
    """At full size it sees parts of a large face as faces, or nothing: else asking at a reduced size would be needless."""
    detector = YuNet(weights[0])
    large = resized(portrait, 7)
    (whole,) = detector.detect(large)
    assert all(face.box[2] < whole.box[2] * 0.8 for face in detector.detect_as_is(large))


def test_small_images_are_taken_as_they_are(weights: tuple[Path, Path], portrait: Image) -> None:
    detector = YuNet(weights[0])
    small = resized(portrait, 0.5)
    (a,), (b,) = detector.detect(small), detector.detect_as_is(small)
    assert (a.box, a.confidence) == (b.box, b.confidence)
    np.testing.assert_array_equal(a.landmarks, b.landmarks)


def test_landmarks_are_eyes_nose_mouth(model: Pipeline, portrait: Image) -> None:
    (face,) = model.detector.detect(portrait)
    (lx, ly), (rx, ry), (nx, ny), (mlx, mly), (mrx, mry) = face.landmarks.tolist()
    assert lx < nx < rx
    assert mlx < mrx
    assert max(ly, ry) < ny < min(mly, mry)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 3), (1, 300), (300, 1), (5, 80), (16, 16), (31, 33), (2000, 3)])
def test_no_image_is_too_small(model: Pipeline, shape: tuple[int, int]) -> None:
    for value in (0, 128, 255):
        result = model.extract([np.full((*shape, 3), value, np.uint8)])[0]
        assert (result.status, result.faces, result.template) == ("no_face", 0, None)


def test_neighbours_do_not_matter(model: Pipeline, portrait: Image) -> None:
    images = [portrait, portrait[:100, :100], resized(portrait, 0.5), portrait[:, ::-1]]
    together = model.extract(images)
    assert [r.status for r in together] == ["ok", "no_face", "ok", "ok"]
    for image, result in zip(images, together, strict=True):
        alone = model.extract([image])[0]
        assert (alone.status, alone.pixels, alone.covariates) == (result.status, result.pixels, result.covariates)
        if alone.template is not None:
            np.testing.assert_array_equal(alone.template, result.template)


def test_mated_score_higher_than_others(model: Pipeline, shared_data: Path) -> None:
    """London's neutral and smiling pictures: every person's own pair above the published threshold, others nearly all below."""
    root = shared_data / "face_research_lab_london"
    neutral = sorted((root / "neutral_front").glob("*.jpg"))[:12]
    smiling = [root / "smiling_front" / f.name.replace("_03", "_08") for f in neutral]
    if not neutral or not all(f.is_file() for f in smiling):
        pytest.skip(f"no pairs under {root}")
    images = [np.array(Pictures.open(f).convert("RGB")) for f in (*neutral, *smiling)]
    templates = [r.template for r in model.extract(images)]
    n = len(neutral)
    scores = np.array([[cosine(a, b) for b in templates[n:]] for a in templates[:n]])
    assert model.card.published_threshold is not None
    assert scores.diagonal().min() > model.card.published_threshold.native
    assert (scores[~np.eye(n, dtype=bool)] < model.card.published_threshold.native).mean() > 0.95
