"""A claim as it is written down in TOML, before anything is measured."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.toml_files import parse_toml, read_bytes, validate_fields
from faceparity.datasets.schema.card import Strict

Text = Annotated[str, Field(min_length=1)]
Target = Annotated[float, Field(gt=0, lt=1)]
# How a quotation's words are known, in the words of reports.
KNOWN = {"source": "read at the source", "secondary": "as quoted elsewhere", "own": "our own words"}


class Quote(Strict):
    """Exact words. known: "source" if they were read where `where` says, "secondary" in a text that quotes it, "own" if ours."""

    who: Text
    text: Text
    where: Text
    known: Literal["source", "secondary", "own"]


class ClaimedContrast(Strict):
    """The groups and references of a claim: every group is compared with every reference.

    Values as data sets label them, in the named words ("Black", "female"), or ages: "18–30" is every age group within it, "30+"
    every one from 30. proxy: another label than the one that the claim is about. A test on it is shown, but gives the claim no
    verdict.
    """

    attribute: Text
    groups: tuple[Text, ...] = Field(min_length=1)
    references: tuple[Text, ...] = Field(min_length=1)
    proxy: bool = False


class Reading(Strict):
    """One way to read the claim. threshold: see `results.ClaimRule`; targets: at which FMR, where a threshold is set.

    The rates are claimed to be `expects` for the groups than for the references.
    """

    measure: Literal["fmr", "fnmr", "non_mated_score", "mated_score"]
    expects: Literal["higher", "lower"]
    threshold: Literal["own", "reference", "one", "none"]
    targets: tuple[Target, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Reading:
        score = self.measure.endswith("score")
        if score != (self.threshold == "none"):
            raise ValueError('a mean score has no threshold (threshold = "none"), a rate has one')
        if score == bool(self.targets):
            raise ValueError("targets: at least one FMR where there is a threshold, none where there is not")
        if self.threshold == "own" and self.measure != "fnmr":
            raise ValueError("at its own threshold every cohort has the same FMR: measure fnmr, or choose one threshold")
        return self


class ClaimFile(Strict):
    """A claim: what is claimed, by whom, and what would speak for and against it."""

    schema_: Annotated[Literal["faceparity.claim/1"], Field(alias="schema")]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    title: Text
    about: Literal["people", "experiment"]
    """experiment: of a controlled experiment, no matter who or what is pictured."""
    quotes: tuple[Quote, ...] = Field(min_length=1)
    measures: Text
    hypothesis: Text
    bears_out: Text
    contradicts: Text
    limits: str = ""
    contrasts: tuple[ClaimedContrast, ...] = Field(min_length=1)
    as_measured: Reading | None = None
    """None: the words do not say how it was measured."""
    operational: Reading | None = None

    @model_validator(mode="after")
    def _says_something(self) -> ClaimFile:
        if self.as_measured is None and self.operational is None:
            raise ValueError("neither as_measured nor operational says how to test it")
        if all(contrast.proxy for contrast in self.contrasts):
            raise ValueError("all contrasts are proxies: one must be of the label that the claim is about")
        return self


class StatedClaim(Strict):
    """A claim with the sha256 of its file."""

    claim: ClaimFile
    sha256: str
    shipped: bool


def parse_claim(data: bytes, where: str, *, shipped: bool = False) -> StatedClaim:
    """Parse the claim in a TOML file.

    Raises UserError, in one line, where it is none.
    """
    claim = validate_fields(ClaimFile, parse_toml(data, where), where)
    return StatedClaim(claim=claim, sha256=hashlib.sha256(data).hexdigest(), shipped=shipped)


def read_claim(path: Path) -> StatedClaim:
    """Read the claim in a user's file.

    Raises UserError if it can't be read or is none.
    """
    return parse_claim(read_bytes(path), f"--claim {path}")


@cache
def shipped_claims() -> tuple[StatedClaim, ...]:
    """Return the claims that come with the package.

    In the order of the numbers that their files begin with, which is the order in reports.
    """
    entries = sorted(
        (entry for entry in files(__package__).iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name
    )
    return tuple(parse_claim(entry.read_bytes(), entry.name, shipped=True) for entry in entries)


def read_claims(paths: tuple[Path, ...] = ()) -> tuple[StatedClaim, ...]:
    """Return the shipped claims, then the user's own.

    Raises UserError for a file that is none, and for two claims of one name.
    """
    stated = (*shipped_claims(), *(read_claim(file) for file in paths))
    names = [claim.claim.name for claim in stated]
    for path, name in zip(paths, names[len(shipped_claims()) :], strict=True):
        if names.count(name) > 1:
            raise UserError(f"--claim {path}: there is another claim called {name}: give it another name")
    return stated
