"""The similarity that aligns a face, against transforms that are known and against OpenCV's own alignment."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparity.harness.models.base.model import Face
from faceparity.harness.models.vision.alignment import ARCFACE_112, OPENCV_CENTRE, TemplateAligner, similarity
from faceparity.harness.models.vision.scaling import at_most


def moved(points: NDArray[np.float64], angle: float, scale: float, shift: tuple[float, float]) -> NDArray[np.float64]:
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    result: NDArray[np.float64] = points @ np.array([[c, -s], [s, c]]).T + np.array(shift)
    return result


@given(st.floats(-3.1, 3.1), st.floats(0.1, 20), st.tuples(st.floats(-500, 500), st.floats(-500, 500)))
def test_undoes_any_similarity(angle: float, scale: float, shift: tuple[float, float]) -> None:
    points = moved(ARCFACE_112, angle, scale, shift)
    matrix = similarity(points, ARCFACE_112)
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], ARCFACE_112, atol=1e-6)


def test_least_squares() -> None:
    """No other similarity nearby comes closer."""
    points = moved(ARCFACE_112, 0.3, 2.0, (40, 60)) + np.random.default_rng(2).normal(0, 5, (5, 2))
    best = similarity(points, ARCFACE_112)

    def error(matrix: NDArray[np.float64]) -> float:
        return float(((points @ matrix[:, :2].T + matrix[:, 2] - ARCFACE_112) ** 2).sum())

    a, b = best[0, 0], best[1, 0]
    np.testing.assert_allclose(best[:, :2], [[a, -b], [b, a]], atol=1e-12)
    for da, db, dx, dy in np.eye(4) * 1e-3:
        for sign in (1, -1):
            other = np.array(
                [[a + sign * da, -b - sign * db, best[0, 2] + sign * dx], [b + sign * db, a + sign * da, best[1, 2] + sign * dy]]
            )
            assert error(other) > error(best)


def test_never_mirrors() -> None:
    mirrored = ARCFACE_112 * np.array([-1, 1])
    assert np.linalg.det(similarity(mirrored, ARCFACE_112)[:, :2]) > 0


def test_points_in_one_place() -> None:
    matrix = similarity(np.full((5, 2), 30.0), ARCFACE_112)
    assert np.isfinite(matrix).all()
    np.testing.assert_allclose(matrix @ [30, 30, 1], ARCFACE_112.mean(axis=0))


def opencv_aligner(folder: Path) -> cv2.FaceRecognizerSF:
    """cv2's own class on a graph that does nothing: its alignment needs none."""
    from onnx import TensorProto, helper

    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3, 112, 112]) for n in ("data", "out")]
    graph = helper.make_graph([helper.make_node("Relu", ["data"], ["out"])], "nothing", info[:1], info[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    file = folder / "nothing.onnx"
    file.write_bytes(model.SerializeToString())
    return cv2.FaceRecognizerSF.create(str(file), "")


def test_same_pixels_as_opencv(tmp_path: Path) -> None:
    """Never more than one grey level from cv2.FaceRecognizerSF.alignCrop, and in fewer than one value of a thousand."""
    theirs = opencv_aligner(tmp_path)
    ours = TemplateAligner(ARCFACE_112, 112, OPENCV_CENTRE)
    rng = np.random.default_rng(4)
    image = cv2.GaussianBlur(rng.integers(0, 256, (500, 400, 3)).astype(np.uint8), (0, 0), 2)
    different = total = 0
    for scale, angle in ((0.8, 0.0), (1.5, 0.3), (2.5, -0.4), (3.5, 0.1), (1.0, 3.0)):
        points = moved(ARCFACE_112 - 56, angle, scale, (200, 240)) + rng.normal(0, 3, (5, 2))
        face = Face((100, 100, 150, 150), 0.9, points.astype(np.float32))
        row = np.concatenate([face.box, face.landmarks.ravel(), [face.confidence]]).astype(np.float32)[None]
        a, b = ours.align(image, face), theirs.alignCrop(image, row)
        assert a.shape == (112, 112, 3)
        assert a.dtype == np.uint8
        assert np.abs(a.astype(int) - b).max() <= 1
        different += int((a != b).sum())
        total += a.size
    assert different < total / 1000


def test_large_faces_are_averaged_down() -> None:
    """Fine noise on a large face does not reach the chip; sampling every tenth pixel would keep all of it."""
    rng = np.random.default_rng(6)
    noise = np.clip(rng.normal(128, 40, (1200, 1200, 3)), 0, 255).astype(np.uint8)
    face = Face((0, 0, 1200, 1200), 0.9, (ARCFACE_112 * 10).astype(np.float32))
    aligner = TemplateAligner(ARCFACE_112, 112)
    assert aligner.align(noise, face).astype(float).std() < 15
    plain = cv2.warpAffine(noise, similarity(face.landmarks, ARCFACE_112), (112, 112), flags=cv2.INTER_LINEAR)
    assert plain.astype(float).std() > 20


def test_large_faces_stay_in_place() -> None:
    """A picture of the template itself, ten times enlarged, comes back as it was."""
    chip = cv2.GaussianBlur(np.random.default_rng(8).integers(0, 256, (112, 112, 3)).astype(np.uint8), (0, 0), 3)
    large = cv2.resize(chip, (1120, 1120), interpolation=cv2.INTER_CUBIC)
    landmarks = ((ARCFACE_112 + 0.5) * 10 - 0.5).astype(np.float32)
    back = TemplateAligner(ARCFACE_112, 112).align(large, Face((0, 0, 1120, 1120), 0.9, landmarks))
    inner = (slice(8, -8), slice(8, -8))
    assert np.abs(back[inner].astype(float) - chip[inner]).mean() < 1.5


@pytest.mark.parametrize(
    ("shape", "side", "expected"), [((100, 50), 200, (100, 50)), ((1000, 500), 200, (200, 100)), ((3000, 1), 30, (30, 1))]
)
def test_reduced_sizes(shape: tuple[int, int], side: int, expected: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    scaled = at_most(image, side)
    assert scaled.image.shape == (*expected, 3)
    np.testing.assert_allclose(scaled.factors, [shape[1] / expected[1], shape[0] / expected[0]])


def test_way_back_to_the_original() -> None:
    scaled = at_most(np.zeros((1000, 501, 3), np.uint8), 500)
    face = scaled.to_original(Face((10, 20, 30, 40), 0.7, np.array([[1, 2]], np.float32)))
    across = 501 / scaled.image.shape[1]
    assert face.box == pytest.approx((10 * across, 40, 30 * across, 80))
    np.testing.assert_allclose(face.landmarks, [[across, 4]], rtol=1e-6)
    assert face.confidence == 0.7
