"""Templates of real models are the same bit for bit for any number of workers, and alone or in company."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pictures

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.registry import load_dataset
from faceparity.harness.models import open_model
from faceparity.harness.templates.extract import WORTH_A_PROCESS, extract
from faceparity.harness.templates.store import Store
from tests.harness.models_toy import embedder

pytestmark = pytest.mark.slow

PICTURES = WORTH_A_PROCESS + 5


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One portrait in many places, sizes and lights, and a picture of nobody."""
    import matplotlib

    file = next((Path(matplotlib.get_data_path()) / "sample_data").glob("*.jpg"), None)
    if file is None:
        pytest.skip("this matplotlib brings no photograph of a face")
    portrait = np.array(Pictures.open(file).convert("RGB").reduce(2))
    folder = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(7)
    for i in range(PICTURES):
        side = int(rng.integers(180, 300))
        light = np.clip(portrait * rng.uniform(0.6, 1.1), 0, 255).astype(np.uint8)
        small = cv2.resize(light, (side, round(side * 600 / 512)))
        canvas = np.full((400, 400, 3), 128, np.uint8)
        top, left = (int(rng.integers(0, 400 - n)) for n in small.shape[:2])
        if i != 3:
            canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
        Pictures.fromarray(canvas).save(folder / f"{i:03d}.png")
    (folder / "labels.csv").write_text("file,subject\n" + "".join(f"{i:03d}.png,s{i}\n" for i in range(PICTURES)))
    return folder


def own(folder: Path) -> str:
    """A network of the test's own, with a card."""
    (folder / "net.onnx").write_bytes(embedder(64))
    card = folder / "net.toml"
    card.write_text('onnx = "net.onnx"\nlicence = "MIT"\ndetector = "hog"\ninput = { mean = [127.5], std = [128] }\n')
    return str(card)


@pytest.mark.parametrize("name", ["own", "face_recognition", "sface", "mobilefacenet-192", "hse-faceres"])
def test_any_number_of_workers_gives_the_same_bits(name: str, faces: Path, tmp_path: Path) -> None:
    model = own(tmp_path) if name == "own" else name
    try:
        opened = open_model(model)
    except UserError as error:
        pytest.skip(str(error))
    dataset = load_dataset(f"folder={faces}")
    found = []
    for workers in (1, 3):
        with Store(ephemeral=True) as store:
            found.append(extract(dataset, model, store=store, workers=workers))
    assert found[0].samples.size == PICTURES - 1
    digests = {hashlib.sha256(t.vectors.tobytes() + t.samples.tobytes() + t.status.tobytes()).hexdigest() for t in found}
    assert len(digests) == 1
    for i in (0, 20):
        alone = opened.extract([np.array(Pictures.open(faces / dataset.files[found[0].samples[i]]).convert("RGB"))])[0]
        np.testing.assert_array_equal(alone.template, found[0].vectors[i])
