"""The schema of a scenario's TOML. It is strict: an unknown key is an error."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from faceparity.datasets.schema.card import Strict

Share = Annotated[float, Field(ge=0, le=1)]
MakeUp = Literal["data", "equal"] | dict[str, Share]
"""Shares by group: as in the data, equal, or each named ("Female × Black" = 0.1); groups not named have none."""


def check_shares(make_up: MakeUp) -> None:
    """Raise ValueError unless named shares sum to 1.

    They may miss it by 1e-6.
    """
    if isinstance(make_up, dict) and not math.isclose(total := math.fsum(make_up.values()), 1, abs_tol=1e-6):
        raise ValueError(f"the shares of make_up sum to {total:.6g}: make them sum to 1")


class ThresholdSource(Strict):
    """Where the threshold comes from: exactly one of the fields.

    fixed: in the model's own unit. target_fpir: reached on this scenario's own searches.
    """

    target_fmr: float | None = Field(default=None, gt=0, lt=1)
    published: Literal[True] | None = None
    fixed: float | None = Field(default=None, allow_inf_nan=False)
    target_fpir: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _one(self) -> ThresholdSource:
        given = [name for name in ("target_fmr", "published", "fixed", "target_fpir") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of target_fmr, published, fixed and target_fpir, not {' and '.join(given) or 'none'}")
        return self


class ScenarioBase(Strict):
    """The keys of every kind of scenario."""

    name: str = Field(max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    title: str = ""
    source: str = ""
    """Who published the figures that it follows, if anybody."""
    by: list[str] = Field(default_factory=list)
    """Attributes by which people are grouped; none: all of the run."""
    threshold: ThresholdSource


class People(Strict):
    """A number of people, or a share of those that the data has, and who they are."""

    people: int | None = Field(default=None, ge=1)
    share: float | None = Field(default=None, gt=0, lt=1)
    make_up: MakeUp = "data"

    @model_validator(mode="after")
    def _makes_sense(self) -> People:
        if (self.people is None) == (self.share is None):
            raise ValueError("give people (a number) or share (of the people in the data), one of the two")
        check_shares(self.make_up)
        return self


class ListedPeople(People):
    """The people on a watchlist. images: of each person one image, drawn at random, or all of them."""

    images: Literal["one", "all"] = "one"


class Crowd(Strict):
    """The people who walk past a camera.

    watchlisted: the share of them who are on the list. frames: images searched of each person.
    """

    people: int = Field(default=10_000, ge=1)
    make_up: MakeUp = "data"
    frames: int = Field(default=1, ge=1, le=100)
    watchlisted: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _makes_sense(self) -> Crowd:
        check_shares(self.make_up)
        return self


class Watchlist(ScenarioBase):
    """A crowd compared with a list of people. draws: lists simulated for the spread between them."""

    kind: Literal["watchlist"]
    watchlist: ListedPeople
    crowd: Crowd = Crowd()
    draws: int = Field(default=200, ge=20, le=10_000)


class Enrolment(Strict):
    """The people in a gallery: a number of people, or a share of those that the data has, drawn at random; by default everybody.

    images: of each person one image, or all but the one that is searched, as one template. published: a gallery that the data set
    publishes, with its probes, by its name.
    """

    people: int | None = Field(default=None, ge=1)
    share: float | None = Field(default=None, gt=0, le=1)
    make_up: MakeUp = "data"
    images: Literal["one", "all"] = "one"
    published: str | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Enrolment:
        if self.people is not None and self.share is not None:
            raise ValueError("give people (a number) or share (of the people in the data), not both")
        check_shares(self.make_up)
        return self


class DeclaredSearch(ScenarioBase):
    """Probes are searched in a gallery, and a list of candidates comes back."""

    kind: Literal["search"]
    gallery: Enrolment = Enrolment()
    candidates: int = Field(default=10, ge=1, le=100)


class Gallery(ScenarioBase):
    """A traveller is searched in a small gallery, and the first candidate counts."""

    kind: Literal["gallery"]
    gallery: Enrolment


class ImageChoice(Strict):
    """Whose images are chosen, by exactly one of the fields.

    where: those with these values ({ gender = "female" }); files: names, or patterns (`senate/*.jpg`); share: of all people,
    drawn at random with the run's seed.
    """

    where: dict[str, str | list[str]] | None = Field(default=None, min_length=1)
    files: list[str] | None = Field(default=None, min_length=1)
    share: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _one(self) -> ImageChoice:
        given = [name for name in ("where", "files", "share") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of where, files and share, not {' and '.join(given) or 'none'}")
        return self


class Lineup(ScenarioBase):
    """A named set of probes is searched in a gallery of others. against: the people of the gallery; by default everybody else."""

    kind: Literal["lineup"]
    probes: ImageChoice
    against: ImageChoice | None = None
    images: Literal["one", "all"] = "one"

    @model_validator(mode="after")
    def _makes_sense(self) -> Lineup:
        if self.threshold.target_fpir is not None:
            raise ValueError("a line-up's threshold is not set on its own searches: give target_fmr, published or fixed")
        if self.against is not None and self.against.share is not None:
            raise ValueError("against takes where or files: of a share nobody knows whom it leaves for the probes")
        return self


Scenario = Annotated[Watchlist | DeclaredSearch | Gallery | Lineup, Field(discriminator="kind")]


class File(Strict):
    """A TOML file: one or several [[scenario]]."""

    scenario: list[Scenario] = Field(min_length=1)
