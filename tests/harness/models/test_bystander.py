"""A person in the middle of a picture and a larger bystander at the side, by detectors that ship: portraits of the control set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from faceparity.datasets import control
from faceparity.datasets.fetch.artefacts import is_here
from faceparity.harness.models.base.model import Model, with_faces
from faceparity.harness.models.registry import artefacts_of, open_model

PORTRAITS = Path(control.__file__).parent / "portraits"


def portrait(name: str, side: int) -> NDArray[np.uint8]:
    return np.asarray(Pillow.open(PORTRAITS / name).convert("RGB").resize((side, side)))


def composed(*, bystander: bool) -> NDArray[np.uint8]:
    canvas = np.full((420, 840, 3), 127, np.uint8)
    canvas[90:330, 300:540] = portrait("afr-f-000-1.jpg", 240)
    if bystander:
        canvas[50:370, :300] = portrait("cau-m-053-4.jpg", 320)[:, :300]
    return canvas


def opened(name: str) -> Model:
    missing = [artefact for artefact in artefacts_of(name) if not is_here(artefact)]
    if missing:
        pytest.skip(f"the weights of {name} are not here")
    return open_model(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["face_recognition", "sface"])
def test_the_central_face_is_the_person_s(name: str) -> None:
    model = opened(name)
    (alone,) = model.extract([composed(bystander=False)])
    (central,) = with_faces(model, "centre").extract([composed(bystander=True)])
    (large,) = with_faces(model, "largest").extract([composed(bystander=True)])
    assert (alone.faces, central.faces, large.faces) == (1, 2, 2)
    assert central.faces_differ is large.faces_differ is True
    assert alone.template is not None
    assert central.template is not None
    assert large.template is not None
    size = np.linalg.norm(alone.template)
    assert np.linalg.norm(central.template - alone.template) < 0.05 * size
    assert np.linalg.norm(large.template - alone.template) > 0.2 * size
