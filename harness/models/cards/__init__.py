"""The cards of the models that faceparity brings, one TOML file each, and of the detectors that models are crossed with."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from faceparity.datasets.schema.card import Strict
from faceparity.harness.models.base.card import ModelCard, Weights
from faceparity.harness.models.base.descriptions import alignment_words, input_words

DETECTORS = "detectors"


class DetectorCard(Strict):
    """A detector. points: five (eyes, nose, corners of the mouth), dlib (its own five or 68), none."""

    title: str
    points: Literal["five", "dlib", "none"]
    weights: list[Weights]
    licence: str = ""
    """Where it is less free than that of the models that it is crossed with."""
    terms: str = ""
    """See `ModelCard.terms`."""


def shipped_names() -> list[str]:
    """Names of the models that faceparity brings, sorted."""
    names = (entry.name.removesuffix(".toml") for entry in files(__package__).iterdir() if entry.name.endswith(".toml"))
    return sorted(name for name in names if name != DETECTORS)


@cache
def detector_cards() -> dict[str, DetectorCard]:
    """Every detector by name, in the order of the file."""
    text = files(__package__).joinpath(f"{DETECTORS}.toml").read_text("utf-8")
    return {name: DetectorCard.model_validate(fields) for name, fields in tomllib.loads(text).items()}


@cache
def shipped_card(name: str) -> ModelCard:
    """The card in NAME.toml, with its detector's words and weights where it gives none of its own.

    Raises FileNotFoundError if there is none, pydantic.ValidationError if it breaks the schema.
    """
    text = files(__package__).joinpath(f"{name}.toml").read_text("utf-8")
    return completed(tomllib.loads(text))


def completed(fields: dict[str, object]) -> ModelCard:
    """A card of TOML fields; what it leaves out about detector, alignment and input follows from its recipe."""
    recipe = fields.get("recipe")
    if not isinstance(recipe, dict) or recipe.get("detector") not in detector_cards():
        return ModelCard.model_validate(fields)
    detector = detector_cards()[str(recipe["detector"])]
    told = {"detector": detector.title, "alignment": "", "input": ""} | fields
    weights = told.get("weights")
    if isinstance(weights, list) and all(w.get("role") in ("embedder", "topology") for w in weights if isinstance(w, dict)):
        told["weights"] = [*(w.model_dump() for w in detector.weights), *weights]
    card = ModelCard.model_validate(told)
    assert card.recipe is not None
    words = {
        "alignment": card.alignment or alignment_words(card.recipe.alignment, card.recipe.input.size),
        "input": card.input or input_words(card.recipe.input),
    }
    return card.model_copy(update=words)
