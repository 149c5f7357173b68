"""What a model is: a detector, an aligner, an embedder and a comparator, behind one Protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.card import FacesPolicy
from faceparity.harness.models.base.card import ModelCard

Image = NDArray[np.uint8]
"""uint8[height, width, 3], RGB, upright (EXIF orientation already applied)."""


class Face(NamedTuple):
    """One detected face. box: left, top, width, height in pixels of the image given; landmarks: float32[5 or more, 2], x and y."""

    box: tuple[float, float, float, float]
    confidence: float
    landmarks: NDArray[np.float32]


Status = Literal["ok", "no_face", "unreadable"]

LONGEST = 1e18
"""Beyond this length the product of two templates no longer fits a float32."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """The result of extracting one image.

    template: float32[dimensions], None unless status is "ok". Not normalised: the comparator does that.
    faces: how many faces the detector returned. Which of them is used is the data set's policy (see `face_choice`).
    faces_differ: whether the policies `centre` and `largest` choose different faces; None: the model has no such choice.
    pixels: 128 bits of a digest, hex, of the decoded RGB pixels and their shape: two samples with the same one are the same image.
    covariates: face_size (geometric mean of the box's sides, px), luminance and contrast (mean and standard deviation of
    Rec. 601 luma in the face box, 0–255), sharpness (variance of the Laplacian of the luma of the aligned face), confidence.
    """

    status: Status
    template: NDArray[np.float32] | None = None
    faces: int = 0
    pixels: str = ""
    covariates: dict[str, float] | None = None
    reason: str = ""
    faces_differ: bool | None = None


class Detector(Protocol):
    """A face detector."""

    def detect(self, image: Image) -> list[Face]:
        """Return every face found, in the detector's own order.

        Empty if there is none.
        """
        ...


class Aligner(Protocol):
    """An aligner, which cuts a face out of an image as the embedder wants it."""

    def align(self, image: Image, face: Face) -> Image:
        """Return the aligned face as the embedder wants it.

        uint8[size, size, 3], RGB.
        """
        ...


class Embedder(Protocol):
    """An embedder, which turns aligned faces into templates."""

    def embed(self, chips: Sequence[Image]) -> NDArray[np.float32]:
        """Return the templates of aligned faces.

        float32[len(chips), dimensions]; each row depends on its chip alone.
        """
        ...


@runtime_checkable
class Model(Protocol):
    """A face-matching model. Opening one may load weights; importing its module may not. Not thread-safe: one per worker."""

    @property
    def card(self) -> ModelCard:
        """Return the model's card."""
        ...

    def fingerprint(self) -> str:
        """Return a sha256, in hex, of what decides a template.

        That is weights, detector and its settings, alignment, library versions.
        """
        ...

    def extract(self, images: Sequence[Image]) -> list[Extraction]:
        """Return one result per image, in order.

        Status is "ok" or "no_face".
        """
        ...


@runtime_checkable
class FaceChoosingModel(Model, Protocol):
    """A model that can be given which of several faces to use. Optional: other models choose by rules of their own."""

    @property
    def faces(self) -> FacesPolicy | None:
        """Return the policy in force.

        None where there is nothing to choose, as when the picture is taken whole.
        """
        ...

    def with_faces(self, policy: FacesPolicy) -> Model:
        """Return this model with another policy.

        Its fingerprint differs where its templates may. Its extractions of several faces say `faces_differ`.
        """
        ...


def with_faces(model: Model, policy: FacesPolicy) -> Model:
    """Return the model with a policy, if it takes one.

    Any other model is returned as it is.
    """
    return model.with_faces(policy) if isinstance(model, FaceChoosingModel) else model


def faces_policy(model: Model) -> FacesPolicy | None:
    """Return the model's policy; None where it has no such choice."""
    return model.faces if isinstance(model, FaceChoosingModel) else None
