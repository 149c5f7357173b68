"""Models: detector, aligner, embedder, comparator, and their cards. Importing loads no weights."""

from faceparity.harness.models.base.card import ModelCard, Score
from faceparity.harness.models.base.model import Extraction, Face, Image, Model

from .registry import artefacts_of, load_model_card, model_names, open_model

__all__ = [
    "Extraction",
    "Face",
    "Image",
    "Model",
    "ModelCard",
    "Score",
    "artefacts_of",
    "load_model_card",
    "model_names",
    "open_model",
]
