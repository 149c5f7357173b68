"""The card of a model: exactly which weights, whose, trained on what, and how its scores are read. A strict schema."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faceparity.datasets.card import Strict


class Weights(Strict):
    """One file of weights, identified by its sha256 wherever it came from."""

    role: str
    """detector, landmarks, embedder …"""
    file: str
    sha256: str
    size: int
    licence: str
    artefact: str = ""
    """Name of the artefact that `faceparity fetch` knows; empty: comes with an installed package."""


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
    """The threshold its authors ship."""

    native: float
    """In the model's own unit."""
    source: str
    note: str = ""


class ModelCard(Strict):
    """What a person must know before believing a result of a model."""

    name: str
    title: str
    version: str = ""
    home: str = ""
    licence: str
    allows: dict[str, bool] = Field(default_factory=dict)
    """research, advocacy, commercial."""
    training_data: str
    training_overlaps: list[str] = Field(default_factory=list)
    """Names of data sets whose people were in its training data."""
    weights: list[Weights]
    detector: str
    alignment: str
    faces_policy: str = "the largest face by area of its box"
    input: str
    dimensions: int
    score: Score
    published_threshold: PublishedThreshold | None = None
    published_accuracy: str = ""
    likely_same_person: float | None = None
    """In the model's own unit: two samples at least this alike are, more likely than not, one person."""
    likely_same_person_source: str = ""
    known_weaknesses: list[str] = Field(default_factory=list)
