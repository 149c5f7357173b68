"""Cards of the models that faceparity ships, one TOML file each, and of the detectors that they can be run with."""

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
    """The card of a detector. points: five (eyes, nose, corners of the mouth), dlib (its own five or 68), none."""

    title: str
    points: Literal["five", "dlib", "none"]
    weights: list[Weights]
    licence: str = ""
    """Where it is less free than that of the models that it is crossed with."""
    terms: str = ""
    """See `ModelCard.terms`."""


def shipped_names() -> list[str]:
    """Return the names of the models that faceparity ships, sorted."""
    names = (entry.name.removesuffix(".toml") for entry in files(__package__).iterdir() if entry.name.endswith(".toml"))
    return sorted(name for name in names if name != DETECTORS)


@cache
def detector_cards() -> dict[str, DetectorCard]:
    """Return every detector's card by name, in file order."""
    text = files(__package__).joinpath(f"{DETECTORS}.toml").read_text("utf-8")
    return {name: DetectorCard.model_validate(fields) for name, fields in tomllib.loads(text).items()}


@cache
def shipped_card(name: str) -> ModelCard:
    """Return the card in NAME.toml, completed by its detector's card.

    Words and weights are the detector's where the card gives none of its own. Raises FileNotFoundError if there is none,
    pydantic.ValidationError if it breaks the schema.
    """
    text = files(__package__).joinpath(f"{name}.toml").read_text("utf-8")
    return completed(tomllib.loads(text))


def completed(fields: dict[str, object]) -> ModelCard:
    """Return the card of TOML fields, completed from its recipe.

    What it leaves out about detector, alignment and input follows from the recipe.
    """
    recipe = fields.get("recipe")
    if not isinstance(recipe, dict) or recipe.get("detector") not in detector_cards():
        return ModelCard.model_validate(fields)
    detector = detector_cards()[str(recipe["detector"])]
    filled = {"detector": detector.title, "alignment": "", "input": ""} | fields
    weights = filled.get("weights")
    if isinstance(weights, list) and all(
        entry.get("role") in ("embedder", "topology") for entry in weights if isinstance(entry, dict)
    ):
        filled["weights"] = [*(entry.model_dump() for entry in detector.weights), *weights]
    card = ModelCard.model_validate(filled)
    assert card.recipe is not None
    descriptions = {
        "alignment": card.alignment or alignment_words(card.recipe.alignment, card.recipe.input.size),
        "input": card.input or input_words(card.recipe.input),
    }
    return card.model_copy(update=descriptions)
