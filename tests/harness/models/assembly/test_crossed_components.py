"""Models crossed with other detectors and alignments: what is run is what the name, the card and the fingerprint say."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models import load_model_card, open_model
from faceparity.harness.models.base.model import Face, Image
from faceparity.harness.models.base.spec import Spec, parse, published
from faceparity.harness.models.vision.alignment import BoxAligner, WholeAligner, five_of_68
from faceparity.harness.models.vision.dlib_components import jittered
from faceparity.harness.models.vision.scrfd import Scrfd, centres, fitted, suppressed
from tests.harness.models_toy import embedder, scrfd

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def portrait() -> Image:
    """The photograph of a face that comes with matplotlib (a US Navy portrait), halved."""
    import matplotlib

    file = next((Path(matplotlib.get_data_path()) / "sample_data").glob("*.jpg"), None)
    if file is None:
        pytest.skip("this matplotlib brings no photograph of a face")
    return np.array(Pictures.open(file).convert("RGB").reduce(2))


def template(model: str, image: Image) -> Any:
    try:
        (found,) = open_model(model).extract([image])
    except UserError as error:
        if "faceparity fetch" in str(error):
            pytest.skip(str(error))
        raise
    assert found.status == "ok"
    assert found.template is not None
    return found.template


@pytest.mark.parametrize(
    ("typed", "base", "options"),
    [
        ("sface", "sface", {}),
        ("sface:detector=hog", "sface", {"detector": "hog"}),
        ("sface:landmarks=68, detector = hog", "sface", {"detector": "hog", "landmarks": "68"}),
        ("a/b.toml", "a/b.toml", {}),
        ("C:\\a\\b.toml:detector=hog", "C:\\a\\b.toml", {"detector": "hog"}),
    ],
)
def test_what_is_typed(typed: str, base: str, options: dict[str, str]) -> None:
    assert parse(typed) == Spec(base, options)
    assert list(parse(typed).options) == sorted(options)


@pytest.mark.parametrize("typed", ["sface:", "sface:hog", "sface:=hog", "sface:detector=", "sface:detector=hog,", "x.tomlx"])
def test_what_is_mistyped(typed: str) -> None:
    with pytest.raises(UserError, match=r"^-m ") as caught:
        parse(typed)
    assert "\n" not in str(caught.value)


def test_paths_are_not_published() -> None:
    assert published("/home/somebody/mine.toml:detector=hog") == "<file>:detector=hog"
    assert published("sface:detector=hog") == "sface:detector=hog"


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("sface:detectr=hog", "no option 'detectr': known are detector, alignment, landmarks, upsample, device, jitter"),
        ("sface:detector=hogg", "no detector called 'hogg': known are yunet, hog, mmod, scrfd_10g, scrfd_500m, none"),
        ("sface:alignment=x", "no alignment called 'x': known are arcface, dlib, box, whole"),
        ("sface:detector=none", "detector=none goes with alignment=whole only"),
        ("sface:landmarks=68", "landmarks is for the detectors hog and mmod, not yunet"),
        ("face_recognition:landmarks=67", "landmarks=67 is not possible: 5 or 68"),
        ("face_recognition:upsample=-1", "upsample=-1 is not possible: 0 to 3"),
        ("sface:jitter=3", "jitter is for dlib's network"),
    ],
)
def test_unknown_options_get_one_line_with_what_exists(model: str, told: str) -> None:
    for ask in (load_model_card, open_model):
        with pytest.raises(UserError) as caught:
            ask(model)
        assert told in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_card_says_which() -> None:
    plain, crossed = load_model_card("sface"), load_model_card("sface:detector=hog,landmarks=68")
    assert crossed.name == "sface:detector=hog,landmarks=68"
    assert crossed.detector.startswith("dlib's frontal face detector (HOG)")
    assert crossed.detector.endswith("68 landmarks")
    assert {w.file for w in crossed.weights} == {plain.weights[-1].file, "shape_predictor_68_face_landmarks.dat"}
    assert crossed.allows["commercial"] == "no", "the 68-point file is for non-commercial use"
    assert "non-commercial" in crossed.licence
    assert "not found this way" in crossed.known_weaknesses[-1]
    assert load_model_card("sface:detector=scrfd_10g").terms
    assert not plain.terms


def test_options_that_change_nothing_say_nothing() -> None:
    plain, same = load_model_card("sface"), load_model_card("sface:detector=yunet,alignment=arcface")
    assert same.model_copy(update={"name": "sface"}) == plain


def test_each_way_has_its_own_fingerprint() -> None:
    ways = [
        "",
        ":upsample=0",
        ":jitter=2",
        ":jitter=3",
        ":detector=mmod",
        ":landmarks=68",
        ":alignment=arcface",
        ":alignment=box",
    ]
    prints = [open_model(f"face_recognition{way}").fingerprint() for way in ways]
    assert len(set(prints)) == len(prints)
    assert open_model("face_recognition:detector=hog").fingerprint() == prints[0], "the model's own detector, named"


@pytest.mark.parametrize("way", [":detector=hog", ":detector=hog,landmarks=68", ":detector=mmod"])
def test_sface_knows_the_face_again(way: str, portrait: Image) -> None:
    plain, crossed = template("sface", portrait), template(f"sface{way}", portrait)
    cosine = float(plain @ crossed / np.sqrt((plain @ plain) * (crossed @ crossed)))
    assert cosine > 0.8, "far above the published 0.363: the landmarks land where they belong"
    assert cosine < 0.9999, "another way gives another template"


def test_dlib_knows_the_face_again_by_ordinary_landmarks(portrait: Image) -> None:
    assert np.linalg.norm(template("face_recognition", portrait) - template("face_recognition:detector=yunet", portrait)) < 0.35


def test_mmod_and_68_landmarks_equal_the_library(portrait: Image) -> None:
    library = pytest.importorskip("face_recognition", reason="not installed: pip install --no-deps face_recognition==1.3.0")
    places = library.face_locations(portrait, 1, model="cnn")
    (by_mmod,) = library.face_encodings(portrait, known_face_locations=places)
    assert np.abs(template("face_recognition:detector=mmod", portrait) - by_mmod).max() <= 1e-6
    (large,) = library.face_encodings(portrait, model="large")
    assert np.abs(template("face_recognition:landmarks=68", portrait) - large).max() <= 1e-6
    boxes = library.api._raw_face_locations(portrait, 0)
    assert len(boxes) == open_model("face_recognition:upsample=0").extract([portrait])[0].faces


def test_jitter_is_of_the_library_s_kind_and_the_same_each_time(portrait: Image) -> None:
    library = pytest.importorskip("face_recognition", reason="not installed: pip install --no-deps face_recognition==1.3.0")
    model = open_model("face_recognition:jitter=20")
    first, second = model.extract([portrait, portrait[:, ::-1]])
    again = open_model("face_recognition:jitter=20").extract([portrait[:, ::-1], portrait])
    np.testing.assert_array_equal(first.template, again[1].template)
    np.testing.assert_array_equal(second.template, again[0].template)
    theirs = [library.face_encodings(portrait, num_jitters=20)[0] for _ in range(2)]
    own_spread = np.linalg.norm(theirs[0] - theirs[1])
    assert own_spread > 0, "the library's depends on what it did before"
    plain = template("face_recognition", portrait)
    assert np.linalg.norm(first.template - theirs[0]) < max(3 * own_spread, 0.1)
    assert np.linalg.norm(first.template - theirs[0]) < np.linalg.norm(first.template - plain)


def test_jittered_copies() -> None:
    chip = np.random.default_rng(0).integers(0, 256, (150, 150, 3)).astype(np.uint8)
    copies = jittered(chip, 5)
    assert [c.shape for c in copies] == [chip.shape] * 5
    assert len({c.tobytes() for c in copies}) == 5
    assert all(np.array_equal(a, b) for a, b in zip(copies, jittered(chip, 5), strict=True))
    assert not np.array_equal(copies[0], jittered(chip + 1, 1)[0])


def test_five_of_68() -> None:
    points = np.arange(136, dtype=np.float32).reshape(68, 2)
    expected = [(77.0, 78.0), (89.0, 90.0), (60.0, 61.0), (96.0, 97.0), (108.0, 109.0)]
    np.testing.assert_array_equal(five_of_68(points), np.array(expected, np.float32))


def test_boxes_and_whole_pictures() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[50:90, 100:140] = (10, 20, 30)
    chip = BoxAligner(48).align(image, Face((100, 50, 40, 40), 1.0, np.empty((0, 2), np.float32)))
    assert chip.shape == (48, 48, 3)
    assert chip[24, 24].tolist() == [10, 20, 30]
    assert chip[1, 1].tolist() == chip[-2, -2].tolist() == [0, 0, 0], "a tenth of its side around the box"
    assert (chip[6:42, 6:42] == (10, 20, 30)).all()
    beyond = BoxAligner(48).align(image, Face((-40, -40, 80, 80), 1.0, np.empty((0, 2), np.float32)))
    assert beyond.shape == (48, 48, 3)
    large = BoxAligner(10).align(image, Face((0, 0, 300, 200), 1.0, np.empty((0, 2), np.float32)))
    assert large.shape == (10, 10, 3)
    assert WholeAligner(20).align(image, Face((0, 0, 1, 1), 1.0, np.empty((0, 2), np.float32))).shape == (20, 20, 3)


def test_scrfd_finds_where_its_network_points(tmp_path: Path) -> None:
    """One face of 10 × 13 pixels at (304, 320) of 640, found twice by the network and kept once, in the picture's own pixels."""
    file = tmp_path / "scrfd.onnx"
    file.write_bytes(scrfd())
    image = np.full((320, 240, 3), 99, np.uint8)
    (face,) = Scrfd(file).detect(image)
    assert face.confidence == pytest.approx(0.9)
    assert face.box == pytest.approx(((304 - 80) / 2, (320 - 96) / 2, 80.0, 104.0))
    np.testing.assert_allclose(face.landmarks[0], [(304 - 32) / 2, (320 - 32) / 2])
    np.testing.assert_allclose(face.landmarks[4], [(304 + 24) / 2, (320 + 48) / 2])
    file.write_bytes(scrfd(0.45))
    assert Scrfd(file).detect(image) == []


def test_scrfd_steps() -> None:
    canvas, scale = fitted(np.full((100, 400, 3), 7, np.uint8))
    assert (canvas.shape, scale) == ((640, 640, 3), 1.6)
    assert (canvas[:160] == 7).all()
    assert (canvas[160:] == 0).all()
    assert centres(32)[:6].tolist() == [[0, 0], [0, 0], [32, 0], [32, 0], [64, 0], [64, 0]]
    boxes = np.array([(0, 0, 9, 9), (1, 1, 10, 10), (20, 20, 29, 29), (0, 0, 9, 3)], np.float32)
    assert suppressed(boxes, np.array([0.8, 0.9, 0.7, 0.6], np.float32)).tolist() == [1, 2, 3]
    for a, b in itertools.combinations(suppressed(np.tile(boxes[:1], (5, 1)), np.ones(5, np.float32)), 2):
        raise AssertionError(f"{a} and {b} are one box")


def test_scrfd_refuses_other_networks(tmp_path: Path) -> None:
    file = tmp_path / "other.onnx"
    file.write_bytes(embedder())
    with pytest.raises(UserError, match="is no SCRFD with key points"):
        Scrfd(file)
