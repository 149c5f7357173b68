"""The cards of the models that faceparity brings, one TOML file each."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from ..card import ModelCard


@cache
def shipped_card(name: str) -> ModelCard:
    """The card in NAME.toml. Raises FileNotFoundError if there is none, pydantic.ValidationError if it breaks the schema."""
    text = files(__package__).joinpath(f"{name}.toml").read_text("utf-8")
    return ModelCard.model_validate(tomllib.loads(text))
