"""The card of a data set: what it is, whose it is, what it may be used for, and what its labels mean. A strict schema."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Provenance = Literal[
    "self-reported", "official record", "perceived by annotators", "machine-made", "curated by volunteers", "unknown"
]


Use = Literal["research", "advocacy", "commercial", "redistribution"]
Answer = Literal["yes", "no", "unclear"]
FacesPolicy = Literal["centre", "largest"]
"""Which of several faces in an image is its person's: the one nearest to the image's centre, or the largest."""


def _encrypted(address: str) -> str:
    """Refuse an address that is not encrypted.

    Anybody on the way could change what comes from it. Raises ValueError.
    """
    if address.casefold().startswith("http:"):
        raise ValueError(f"{address} is not encrypted: give an https:// address")
    return address


Address = Annotated[str, AfterValidator(_encrypted)]
"""Where something lies on the web, or another line that names a source; never plain http."""


class Strict(BaseModel):
    """A frozen model in which unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AttributeCard(Strict):
    """One attribute of a data set."""

    column: str
    """The set's own name for it."""
    of: Literal["subject", "sample"] = "subject"
    provenance: Provenance = "unknown"
    provenance_note: str = ""
    values: dict[str, str] = Field(default_factory=dict)
    """The set's own word → the named concept. Empty: `faceparity.datasets.loading.label_vocabulary` decides."""


class PairedCard(Strict):
    """A controlled experiment: every unit was recorded under every combination of the factors, all else being the same."""

    unit: Literal["subject"] = "subject"
    factors: list[str] = Field(min_length=1)
    """Names of attributes."""
    captures: int = Field(ge=2)
    """Number of images of a unit under each combination."""
    reference: dict[str, str] = Field(default_factory=dict)
    """Factor → the level that others are compared with; of a factor not named, the first level (by number, if all are numbers)."""

    @model_validator(mode="after")
    def _reference_of_factors(self) -> PairedCard:
        if unknown := [name for name in self.reference if name not in self.factors]:
            raise ValueError(f"reference names {unknown[0]!r}, which is none of the factors {', '.join(self.factors)}")
        return self


class DatasetCard(Strict):
    """The card: what a user must know before using a data set or believing a result on it."""

    name: str
    title: str
    reader: str = Field(default="", pattern=r"^([a-z0-9_]+:[a-z0-9_]+)?$")
    """MODULE:FUNCTION in `faceparity.datasets.readers`; empty: the module of the card's name, function `read`."""
    packaged: str = ""
    """The folder in the package that the set comes in, if it comes with it."""
    folders: list[str] = Field(default_factory=list)
    """Folder names looked for under FACEPARITY_DATA, besides `name`."""
    home: Address = ""
    obtain: str = ""
    """How to obtain it, and under what name to unpack it."""
    layout: list[str] = Field(default_factory=list)
    """What lies in the publisher's folder, as shown when a folder is a wrong one."""
    version: str = ""
    versions: list[str] = Field(default_factory=list)
    """Releases and copies in circulation, and how they differ."""
    licence: str = "unknown"
    """A word or two: `CC-BY-4.0`, `research only`."""
    licence_note: str = ""
    allows: dict[Use, Answer] = Field(default_factory=dict)
    """What its terms let a user do with the images and results on them, as far as they say. No legal advice."""
    consent: str = "unknown"
    withdrawn: str = ""
    """Why the set, or the one it was made from, was withdrawn, if it was; shown whenever it is used."""
    not_a_benchmark: str = ""
    """Why one-to-one comparisons on it would mean nothing. Such a set has a card and no reader."""
    children: str = ""
    """Whether people under 18 are in it."""
    identity: Literal["labelled", "none"]
    labels_public: bool = False
    """Published with the labels of each person: people of groups of fewer than 10 then stay in."""
    synthetic: bool = False
    attributes: dict[str, AttributeCard] = Field(default_factory=dict)
    default_by: list[str] = Field(default_factory=list)
    paired: PairedCard | None = None
    known_defects: list[str] = Field(default_factory=list)
    training_overlaps: dict[str, str] = Field(default_factory=dict)
    """Name of a model → how what it was trained on overlaps this set, and how that is known."""
    protocols: list[str] = Field(default_factory=list)
    """Published protocols, and for each whether it is followed here."""
    group_sizes: dict[str, int] = Field(default_factory=dict)
    """Group → subjects in it in the whole set, as published. See `faceparity.datasets.audit.group_support`."""
    group_sizes_by: list[str] = Field(default_factory=list)
    """The attributes that make these groups, if not those of `default_by`."""
    group_sizes_note: str = ""
    pictures_each: float = Field(default=1.0, ge=1.0)
    """Pictures of each person, on average."""
    citation: str = ""
    faces: FacesPolicy = "largest"
    """Which face is used where several are found. `centre`: crops centred on the person; `largest`: portraits and the wild."""
    digests: dict[str, str] = Field(default_factory=dict)
    """Version → digest of an untouched copy."""


def load_card(name: str) -> DatasetCard:
    """Load the card shipped as `datasets/cards/NAME.toml`.

    Raises FileNotFoundError if there is none, pydantic.ValidationError if it does not follow the schema.
    """
    text = files("faceparity.datasets.cards").joinpath(f"{name}.toml").read_text("utf-8")
    return DatasetCard.model_validate(tomllib.loads(text))
