"""Which of several faces is taken: by each policy, on ties, and what a model made of parts says of it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from faceparity.harness.models.assembly.face_choice import CHOICES, largest, most_central
from faceparity.harness.models.assembly.pipeline import PIPELINE, Pipeline
from faceparity.harness.models.base.model import Face, FaceChoosingModel, faces_policy, with_faces
from faceparity.harness.models.vision.no_detector import WholePicture
from tests.harness import models_blobs as blobs
from tests.harness import templates_fake as fake

SIZE = (100, 200)
"""Height and width: the middle is at x = 100, y = 50."""


def face(left: float, top: float, width: float, height: float) -> Face:
    return Face((left, top, width, height), 0.9, np.zeros((5, 2), np.float32))


def test_the_box_s_own_centre_counts_not_its_corner() -> None:
    corner_near, centre_near = face(100, 50, 60, 60), face(80, 30, 38, 38)
    assert most_central([corner_near, centre_near], SIZE) is centre_near
    assert largest([corner_near, centre_near], SIZE) is corner_near


@pytest.mark.parametrize(("height", "width", "first"), [(100, 200, 0), (200, 100, 1)])
def test_height_and_width_are_not_mixed_up(height: int, width: int, first: int) -> None:
    faces = [face(90, 40, 20, 20), face(40, 90, 20, 20)]
    assert most_central(faces, (height, width)) is faces[first]


def test_ties_go_by_size_then_by_order() -> None:
    left, right = face(60, 40, 20, 20), face(120, 40, 20, 20)
    assert most_central([left, right], SIZE) is left
    assert most_central([right, left], SIZE) is right
    taller = face(120, 35, 20, 30)
    for order in ([left, taller], [taller, left]):
        assert most_central(order, SIZE) is taller
    inner, outer = face(95, 45, 10, 10), face(50, 0, 100, 100)
    assert most_central([inner, outer], SIZE) is outer


def test_a_box_may_reach_beyond_the_image() -> None:
    beyond, inside = face(-80, -60, 100, 100), face(150, 60, 30, 30)
    assert most_central([beyond, inside], SIZE) is inside
    assert largest([beyond, inside], SIZE) is beyond


def test_among_many_the_nearest_and_the_largest_are_found() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        faces = [face(*rng.uniform(0, 80, 2), *rng.uniform(5, 40, 2)) for _ in range(rng.integers(1, 9))]
        centres = [np.hypot(f.box[0] + f.box[2] / 2 - 100, f.box[1] + f.box[3] / 2 - 50) for f in faces]
        assert most_central(faces, SIZE) is faces[int(np.argmin(centres))]
        assert largest(faces, SIZE) is faces[int(np.argmax([f.box[2] * f.box[3] for f in faces]))]


def test_one_face_is_every_policy_s() -> None:
    only = face(0, 0, 5, 5)
    assert all(choose([only], SIZE) is only for choose in CHOICES.values())


def test_the_model_takes_the_face_of_its_policy_and_says_where_they_differ() -> None:
    images = [blobs.composed(1, bystander=True), blobs.composed(2, bystander=False), np.full((90, 90, 3), 10, np.uint8)]
    model = blobs.open_blobs()
    for policy, colour, size in (("largest", (70, 90, 101), 24 * 30), ("centre", (101, 200, 80), 14 * 14)):
        chosen = with_faces(model, policy)
        crowd, alone, nobody = chosen.extract(images)
        assert tuple(crowd.template) == colour
        assert crowd.covariates["face_size"] == pytest.approx(size**0.5)
        assert (crowd.faces, crowd.faces_differ) == (2, True)
        assert tuple(alone.template) == (102, 200, 80)
        assert (alone.faces, alone.faces_differ) == (1, False)
        assert (nobody.status, nobody.faces_differ) == ("no_face", None)
    assert faces_policy(model) == "largest", "the model it came from keeps its own"


def test_two_faces_of_which_one_is_both_do_not_differ() -> None:
    image = blobs.composed(1, bystander=False)
    image[0:8, 0:8] = 200
    (found,) = blobs.open_blobs().extract([image])
    assert (found.faces, found.faces_differ) == (2, False)


def test_the_policy_is_in_the_key_and_the_largest_is_as_it_was() -> None:
    model = blobs.open_blobs()
    keys = {policy: with_faces(model, policy).fingerprint() for policy in ("largest", "centre")}
    assert keys["largest"] != keys["centre"]
    before = {"model": "blobs", "pipeline": PIPELINE, "weights": [], "settings": {}, "libraries": {}}
    assert keys["largest"] == hashlib.sha256(json.dumps(before, sort_keys=True).encode()).hexdigest()


def test_a_picture_taken_whole_leaves_no_choice() -> None:
    model = Pipeline(blobs.card(), WholePicture(), blobs.open_blobs().aligner, blobs.Colour(), {}, ())
    assert faces_policy(model) is None
    assert with_faces(model, "centre").fingerprint() == model.fingerprint()
    (found,) = with_faces(model, "centre").extract([blobs.composed(1, bystander=True)])
    assert (found.faces, found.faces_differ) == (1, None)


def test_a_model_that_takes_no_policy_is_left_as_it_is() -> None:
    model = fake.FakeModel("fake")
    assert not isinstance(model, FaceChoosingModel)
    assert with_faces(model, "centre") is model
    assert faces_policy(model) is None
