"""The card of a data set: what it is, whose it is, what it may be used for, and what its labels mean. A strict schema."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Provenance = Literal[
    "self-reported", "official record", "perceived by annotators", "machine-made", "curated by volunteers", "unknown"
]


class Strict(BaseModel):
    """Unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AttributeCard(Strict):
    """One attribute of a data set."""

    column: str
    """The set's own name for it."""
    of: Literal["subject", "sample"] = "subject"
    provenance: Provenance = "unknown"
    provenance_note: str = ""
    values: dict[str, str] = Field(default_factory=dict)
    """The set's own word → the named concept. Empty: `faceparity.datasets.concepts` decides."""


class PairedCard(Strict):
    """A controlled experiment: every unit was recorded under every combination of the factors, all else being the same."""

    unit: Literal["subject"] = "subject"
    factors: list[str] = Field(min_length=1)
    """Names of attributes."""
    captures: int = Field(ge=2)
    """How many images of a unit there are under each combination."""


class DatasetCard(Strict):
    """What a person must know before using a data set or believing a result on it."""

    name: str
    title: str
    folders: list[str] = Field(default_factory=list)
    """Folder names looked for under FACEPARITY_DATA, besides `name`."""
    home: str = ""
    obtain: str = ""
    version: str = ""
    licence: str = "unknown"
    licence_note: str = ""
    consent: str = "unknown"
    withdrawn: str = ""
    """Why the set was withdrawn, if it was; shown whenever it is used."""
    identity: Literal["labelled", "none"]
    labels_public: bool = False
    """Published with the labels of each person: cells of fewer than 10 subjects are then not merged."""
    synthetic: bool = False
    attributes: dict[str, AttributeCard] = Field(default_factory=dict)
    default_by: list[str] = Field(default_factory=list)
    paired: PairedCard | None = None
    known_defects: list[str] = Field(default_factory=list)
    citation: str = ""
    digests: dict[str, str] = Field(default_factory=dict)
    """Version → digest of an untouched copy."""


def load_card(name: str) -> DatasetCard:
    """The card shipped as `datasets/cards/NAME.toml`.

    Raises FileNotFoundError if there is none, pydantic.ValidationError if it does not follow the schema.
    """
    text = files(__package__ + ".cards").joinpath(f"{name}.toml").read_text("utf-8")
    return DatasetCard.model_validate(tomllib.loads(text))
