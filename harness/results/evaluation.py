"""One model on one data set: the whole record."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from faceparity.harness.results.claims import Claim
from faceparity.harness.results.exclusions import Exclusion
from faceparity.harness.results.experiments import Paired
from faceparity.harness.results.groups import Grouping
from faceparity.harness.results.inputs import Comparisons, DatasetInfo, ExtractionCounts, ModelInfo, Provenance
from faceparity.harness.results.parts.base import Part
from faceparity.harness.results.parts.json_text import to_text
from faceparity.harness.results.protocols import Protocol, Search
from faceparity.harness.results.scenarios.any_scenario import Scenario

SCHEMA = "faceparity.evaluation/1"


class Evaluation(Part):
    """One model on one data set."""

    schema_: Annotated[Literal["faceparity.evaluation/1"], Field(alias="schema")] = "faceparity.evaluation/1"
    provenance: Provenance
    dataset: DatasetInfo
    model: ModelInfo
    comparisons: Comparisons
    extraction: ExtractionCounts
    groupings: Annotated[list[Grouping], Field(min_length=1)]
    protocols: list[Protocol] = Field(default_factory=list)
    searches: list[Search] = Field(default_factory=list)
    """Galleries and probes that the data set publishes."""
    scenarios: list[Scenario] = Field(default_factory=list)
    """Those asked for, in the order of the command."""
    claims: list[Claim] = Field(default_factory=list)
    """Every claim that is known, testable here or not."""
    paired: list[Paired] = Field(default_factory=list)
    """Of a set whose card declares a controlled experiment: one entry."""
    exclusions: list[Exclusion] = Field(default_factory=list)
    """One entry if a person left anything out by name."""
    warnings: list[str] = Field(default_factory=list)

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=True)


def to_json(evaluation: Evaluation) -> str:
    """Return the text of results.json.

    Keys in the schema's order, lists of numbers in one line each, final newline.
    """
    return to_text(evaluation.model_dump(mode="json", by_alias=True)) + "\n"


def from_json(text: str | bytes) -> Evaluation:
    """Parse a results.json.

    Raises pydantic.ValidationError where it does not follow the schema.
    """
    return Evaluation.model_validate_json(text)


def canonical(evaluation: Evaluation) -> Evaluation:
    """Return the evaluation as it will be read back.

    Every part is checked against the schema, every number is of its type. Raises pydantic.ValidationError for one that was put
    together wrongly.
    """
    return from_json(to_json(evaluation))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of results.json."""
    schema = Evaluation.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
