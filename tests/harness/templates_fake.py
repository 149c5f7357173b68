"""A model that worker processes can import, and a data set for it. Not a test.

What an image does to the fake is painted in its first pixel: (255, 0, 0) no face, (0, 255, 0) crashes the process,
(0, 0, 255) raises, (255, 255, 0) a template with a NaN, (0, 255, 255) the process is killed, (255, 0, 255) it exits. Any other is "ok".
With COUNTDOWN in the environment, a folder, the process is killed only as often as the folder has files: each time one goes.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.card import DatasetCard
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import Extraction, Image, Model

NO_FACE, CRASHES, RAISES, NAN = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
KILLED, EXITS = (0, 255, 255), (255, 0, 255)
DIMENSIONS = 48


class FakeModel:
    """Templates by a float32 matrix product, so that threads and batches could show in the last bit."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pause = float(name.partition(":")[2] or 0)
        self.seen = 0
        self.projection = np.random.default_rng(7).standard_normal((3 * 24 * 24, DIMENSIONS)).astype(np.float32)

    @property
    def card(self) -> ModelCard:
        return ModelCard.model_construct(name=self.name, dimensions=DIMENSIONS)

    def fingerprint(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()

    def extract(self, images: Sequence[Image]) -> list[Extraction]:
        return [self._one(image) for image in images]

    def _one(self, image: Image) -> Extraction:
        first = tuple(int(v) for v in image[0, 0])
        digest = hashlib.blake2b(repr(image.shape).encode() + image.tobytes(), digest_size=16).hexdigest()
        if self.pause:
            busy = time.perf_counter() + self.pause
            while time.perf_counter() < busy:
                pass
        self.seen += 1
        if first == CRASHES or (self.name == "dies_after_5" and self.seen > 5):
            os.kill(os.getpid(), signal.SIGSEGV)
        if first == EXITS:
            os._exit(3)
        if first == KILLED and counted_down():
            os.kill(os.getpid(), signal.SIGKILL)
        if first == RAISES or self.name == "always_raises":
            raise RuntimeError("cannot stand it")
        if first == NO_FACE:
            return Extraction("no_face", pixels=digest, reason="no face found")
        template = image.reshape(1, -1).astype(np.float32) @ self.projection
        if first == NAN:
            template[0, 3] = np.nan
        covariates = {"luminance": float(image.mean()), "confidence": float(image[1, 1, 0]) / 255}
        return Extraction("ok", template[0], 1 + first[2] % 3, digest, covariates)


def counted_down() -> bool:
    """Whether there was a file in the folder COUNTDOWN, which then has one less; true without such a folder."""
    if "COUNTDOWN" not in os.environ:
        return True
    left = sorted(Path(os.environ["COUNTDOWN"]).iterdir())
    if left:
        left[0].unlink()
    return bool(left)


def open_fake(name: str) -> Model:
    """Opens any name but "missing"; "…_at_start" opens in the parent only, "killed_at_start" once COUNTDOWN is empty, too."""
    if name.endswith("_at_start") and multiprocessing.parent_process() is not None:
        if name == "exits_at_start":
            os._exit(1)
        if name == "raises_at_start":
            raise UserError("only in workers")
        if counted_down():
            os.kill(os.getpid(), signal.SIGKILL)
    if name == "missing":
        raise UserError("missing: its weights are not there; run faceparity fetch missing")
    return FakeModel(name)


def picture(seed: int, first: tuple[int, int, int] | None = None) -> NDArray[np.uint8]:
    """uint8[24, 24, 3] noise, no two alike."""
    image = np.random.default_rng(seed).integers(10, 200, (24, 24, 3), np.uint8)
    if first is not None:
        image[0, 0] = first
    return image


def make_dataset(root: Path, count: int, special: Mapping[int, tuple[int, int, int] | bytes] | None = None) -> Dataset:
    """`count` PNG files in `root`; `special` gives an image's first pixel, or the whole file's bytes."""
    root.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        path = root / f"portrait_of_somebody_{index:03d}.png"
        what = (special or {}).get(index)
        if isinstance(what, bytes):
            path.write_bytes(what)
        else:
            Pillow.fromarray(picture(index, what)).save(path)
    return read_dataset(root)


def read_dataset(root: Path) -> Dataset:
    """The files in `root` as a data set without labels."""
    files = tuple(sorted(path.name for path in root.iterdir()))
    content = tuple(hashlib.sha256((root / file).read_bytes()).hexdigest() for file in files)
    return Dataset(
        name="fake",
        card=DatasetCard.model_construct(name="fake"),
        root=root,
        files=files,
        content=content,
        subjects=np.arange(len(files), dtype=np.int32),
        identity="none",
        attributes={},
        digest=hashlib.sha256("".join(content).encode()).hexdigest(),
    )
