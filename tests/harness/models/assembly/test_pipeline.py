"""What the parts of a model are put together to: whose face, which covariates, which fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparity.harness.models.assembly import pipeline
from faceparity.harness.models.assembly.covariates import clipped, covariates, sharpness
from faceparity.harness.models.assembly.face_choice import largest
from faceparity.harness.models.assembly.pipeline import Pipeline
from faceparity.harness.models.base.model import Aligner, Detector, Embedder, Face, Image, Model
from faceparity.harness.models.cards import shipped_card
from faceparity.harness.models.vision.pixels import pixels_digest

POINTS = np.zeros((5, 2), np.float32)


def face(left: float, top: float, width: float, height: float, confidence: float = 0.9) -> Face:
    return Face((left, top, width, height), confidence, POINTS)


class Stub:
    """Detector, aligner and embedder in one: faces are given, the chip is the box's top left corner, the template its colour."""

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)
        self.embedded: list[int] = []

    def detect(self, image: Image) -> list[Face]:
        return [] if image.shape[0] < 10 else self.faces

    def align(self, image: Image, face: Face) -> Image:
        top, left = int(face.box[1]), int(face.box[0])
        return image[top : top + 4, left : left + 4]

    def embed(self, chips: Sequence[Image]) -> NDArray[np.float32]:
        self.embedded.append(len(chips))
        return np.array([chip[0, 0] for chip in chips], np.float32)


def make(*faces: Face, settings: dict[str, object] | None = None, libraries: Sequence[str] = ("numpy",)) -> tuple[Pipeline, Stub]:
    stub = Stub(*faces)
    return Pipeline(shipped_card("sface"), stub, stub, stub, settings or {}, libraries), stub


def picture(seed: int = 0, height: int = 60, width: int = 80) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_parts_follow_the_protocols() -> None:
    made, stub = make()
    parts: tuple[Detector, Aligner, Embedder] = (stub, stub, stub)
    assert parts
    assert isinstance(made, Model)


def test_largest_box_and_first_of_equals() -> None:
    small, a, b = face(0, 0, 5, 5), face(10, 0, 10, 8), face(30, 0, 8, 10)
    assert largest([small, a, b], (60, 80)) is a
    assert largest([b, small, a], (60, 80)) is b


def test_faces_are_counted_and_the_largest_used() -> None:
    made, _ = make(face(1, 1, 5, 5), face(20, 30, 10, 10), face(40, 2, 6, 6))
    image = picture()
    result = made.extract([image])[0]
    assert (result.status, result.faces) == ("ok", 3)
    np.testing.assert_array_equal(result.template, image[30, 20])


def test_order_with_failures_in_between() -> None:
    made, stub = make(face(2, 3, 10, 10))
    images = [picture(1), picture(2, 5, 5), picture(3), picture(4, 6, 9)]
    results = made.extract(images)
    assert [r.status for r in results] == ["ok", "no_face", "ok", "no_face"]
    assert stub.embedded == [2]
    for image, result in zip(images, results, strict=True):
        assert result.pixels == pixels_digest(image)
        if result.status == "ok":
            np.testing.assert_array_equal(result.template, image[3, 2])
        else:
            assert (result.template, result.covariates, result.faces) == (None, None, 0)
            assert result.reason == "no face found"


def test_nothing_to_do() -> None:
    made, stub = make()
    assert made.extract([]) == []
    assert made.extract([picture()])[0].status == "no_face"
    assert stub.embedded == []


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3), np.uint16),
        np.zeros((5, 5, 3), float),
        np.zeros((0, 5, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_images(bad: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        make()[0].extract([bad])


def test_digest_is_of_pixels_and_shape() -> None:
    image = picture(height=6, width=4)
    assert pixels_digest(image) == pixels_digest(image.copy())
    assert pixels_digest(image) == hashlib.sha256(b"(6, 4, 3)" + image.tobytes()).hexdigest()[:32]
    assert pixels_digest(image) != pixels_digest(image.reshape(4, 6, 3))
    other = image.copy()
    other[0, 0, 0] ^= 1
    assert pixels_digest(image) != pixels_digest(other)


def test_covariates_by_hand() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[5:15, 10:20] = (100, 50, 200)
    image[5:15, 10:15] = (0, 0, 0)
    found = covariates(image, (10.0, 5.0, 10.0, 10.0), np.full((6, 6, 3), 9, np.uint8), 0.75)
    luma = 0.299 * 100 + 0.587 * 50 + 0.114 * 200
    assert found == pytest.approx(
        {"face_size": 10, "luminance": luma / 2, "contrast": luma / 2, "sharpness": 0, "confidence": 0.75}, abs=1e-9
    )


def test_face_size_is_of_the_whole_box() -> None:
    """Also of the part beyond the image; light is measured inside."""
    image = np.full((20, 20, 3), 255, np.uint8)
    found = covariates(image, (-10.0, 5.0, 16.0, 36.0), image, 1.0)
    assert found["face_size"] == 24
    assert found["luminance"] == pytest.approx(255)
    assert found["contrast"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((2.0, 3.0, 4.0, 5.0), (3, 8), (2, 6)),
        ((-2.0, -3.0, 4.0, 5.0), (0, 2), (0, 2)),
        ((1.5, 1.5, 2.0, 2.0), (1, 4), (1, 4)),
        ((8.0, 8.0, 50.0, 50.0), (8, 10), (8, 10)),
        ((40.0, -40.0, 5.0, 5.0), (0, 1), (9, 10)),
    ],
)
def test_box_clipped_to_the_image(
    box: tuple[float, float, float, float], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    down, across = clipped(box, (10, 10, 3))
    assert ((down.start, down.stop), (across.start, across.stop)) == (rows, columns)


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    chip = np.zeros((5, 5, 3), np.uint8)
    chip[2, 2] = 10
    laplacian = np.array([0, 10, 0, 10, -40, 10, 0, 10, 0])
    assert sharpness(chip) == pytest.approx(laplacian.var())
    assert sharpness(np.tile(np.arange(9, dtype=np.uint8)[:, None, None], (1, 9, 3))) == pytest.approx(0, abs=1e-9)


def test_fingerprint_changes_with_what_decides_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    base = make(settings={"a": 1})[0].fingerprint()
    assert len(base) == 64
    assert make(settings={"a": 1})[0].fingerprint() == base
    assert make(settings={"a": 2})[0].fingerprint() != base
    assert make(settings={"a": 1}, libraries=("numpy", "pillow"))[0].fingerprint() != base
    monkeypatch.setattr(pipeline, "library_versions", lambda names: dict.fromkeys(names, "other"))
    assert make(settings={"a": 1})[0].fingerprint() != base
    monkeypatch.undo()
    monkeypatch.setattr(pipeline, "PIPELINE", pipeline.PIPELINE + 1)
    assert make(settings={"a": 1})[0].fingerprint() != base
