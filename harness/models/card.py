"""Public names of `faceparity.harness.models.base.card`, under the name by which published plug-ins import them."""

from faceparity.harness.models.base.card import (
    ModelCard,
    NetworkInput,
    PublishedThreshold,
    Recipe,
    Score,
    Weights,
    training_overlap,
)

__all__ = ["ModelCard", "NetworkInput", "PublishedThreshold", "Recipe", "Score", "Weights", "training_overlap"]
