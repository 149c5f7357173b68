"""The card of a model, a strict schema: exactly which weights, whose, trained on what, and how its scores are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from faceparity.datasets.schema.card import Address, Answer, Strict, Use

Allows = dict[Use, Answer]


class Weights(Strict):
    """One file of weights, identified by its sha256 wherever it came from."""

    role: str
    """detector, landmarks, embedder …"""
    file: str
    sha256: str
    """Empty: no published one was at hand. The first file that comes is then pinned."""
    size: int
    """Bytes; 0: nobody states it."""
    licence: str
    artefact: str = ""
    """Name of the artefact that `faceparity fetch` knows; empty: comes with an installed package."""
    first_come: bool = False
    """The sha256 is that of what came first on this machine; no published one was at hand. Cards leave this out."""
    sources: list[Address] = Field(default_factory=list)
    """In the order in which they are tried; see `faceparity.harness.models.assembly.weight_sources`."""

    @model_validator(mode="after")
    def _check_sha256(self) -> Weights:
        if self.sha256 and (len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef")):
            raise ValueError(
                f"sha256 of {self.file}: 64 hexadecimal digits in lower case, or empty where no published one is at hand"
            )
        return self


class Score(Strict):
    """How two templates are compared. Scores in results are similarities; `sign` turns the model's own unit into one."""

    kind: Literal["cosine", "dot", "euclidean"]
    unit: str
    """The model's own unit, e.g. "cosine similarity" or "Euclidean distance"."""
    sign: Literal[1, -1]
    """-1 for distances: similarity = -distance."""
    low: float
    high: float
    """Range of the similarity that the histogram covers; scores beyond it fall into the end bins."""


class PublishedThreshold(Strict):
    """The threshold that its authors publish."""

    native: float
    """In the model's own unit."""
    source: str
    note: str = ""


class NetworkInput(Strict):
    """How an aligned face becomes the input of a network: (x − mean) / std for each channel, x from 0 to 255."""

    size: int = Field(default=112, ge=8, le=1024)
    """Rows and columns."""
    colour: Literal["RGB", "BGR"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    mean: list[float] = Field(default_factory=lambda: [0.0])
    """One number, or one for each channel in the order of `colour`."""
    std: list[float] = Field(default_factory=lambda: [1.0])
    output: str = ""
    """Which of the network's outputs is the template; empty: it has one, or the first."""

    @model_validator(mode="after")
    def _check_channels(self) -> NetworkInput:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, 3):
                raise ValueError(f"{name}: one number, or one for each of the three channels, not {len(values)}")
        if 0 in self.std:
            raise ValueError("std: not 0, since it divides")
        return self


class Recipe(Strict):
    """How faceparity runs a model that it assembles itself. The names are those of `faceparity.harness.models.assembly.components`."""

    detector: str
    alignment: str
    network: Literal["onnx", "tfjs", "tflite", "facenet-pytorch", "dlib"]
    input: NetworkInput = NetworkInput()
    normalise: bool = False
    """Templates are brought to unit length, as their authors do before they take a Euclidean distance."""


class ModelCard(Strict):
    """What a person must know before believing a result of a model."""

    name: str
    title: str
    version: str = ""
    home: Address = ""
    licence: str
    """Of code and weights; `unknown` where nobody says."""
    allows: Allows = Field(default_factory=dict)
    """What its terms let a user do with the weights, as far as they say. No legal advice."""
    terms: str = ""
    """What a user must accept before the weights are fetched; empty: nothing beyond an ordinary open licence."""
    training_data: str
    training_overlaps: dict[str, str] = Field(default_factory=dict)
    """Name of a data set → how the people of its training data overlap it, and how that is known. For data sets whose own card
    can't know of the model: each pair stands in one of the two cards only."""
    weights: list[Weights]
    detector: str
    alignment: str
    faces_policy: str = ""
    """Which of several faces a model with code of its own uses; empty: not stated, or as `faceparity.datasets.schema.card` says."""
    input: str
    dimensions: int
    score: Score
    published_threshold: PublishedThreshold | None = None
    published_accuracy: str = ""
    likely_same_person: float | None = None
    """In the model's own unit: two samples at least this alike are, more likely than not, one person."""
    likely_same_person_source: str = ""
    known_weaknesses: list[str] = Field(default_factory=list)
    verified: str = ""
    """What was done to make sure that this is the model it claims to be, run as its authors run it; empty: nothing yet."""
    recipe: Recipe | None = None
    """None: the model comes with code of its own."""

    def conditions(self) -> str:
        """Say in one sentence what the licence withholds.

        That is the uses that it does not allow or does not say; empty if it allows all three uses.
        """
        if self.licence.strip().lower().partition(" ")[0] in ("", "unknown"):
            return f"The licence of {self.name} is unknown: ask its makers before you use it."
        forbidden = [use for use in _USES if self.allows.get(use) == "no"]
        unclear = [use for use in _USES if self.allows.get(use, "unclear") == "unclear"]
        clauses = []
        if forbidden:
            clauses.append(f"do not allow {_enumeration(forbidden, 'or')} use")
        if unclear:
            clauses.append(f"are unclear on {_enumeration(unclear, 'and')} use")
        return f"The terms of {self.name} ({self.licence}) {' and '.join(clauses)}." if clauses else ""


_USES: tuple[Use, ...] = ("research", "advocacy", "commercial")


def _enumeration(words: Sequence[str], last: str) -> str:
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def training_overlap(card: ModelCard, dataset: str, overlaps_of_dataset: dict[str, str]) -> str:
    """Return how the model's training data overlaps a data set.

    From whichever of the two cards says it; empty if neither does. overlaps_of_dataset: the data set's `training_overlaps`. A model run
    with options goes by its plain name there.
    """
    base_name = card.name.partition(":")[0]
    return card.training_overlaps.get(dataset, "") or overlaps_of_dataset.get(base_name, "")
