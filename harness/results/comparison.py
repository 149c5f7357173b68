"""Runs side by side: the whole record of `faceparity compare`, `comparison.json`. Aggregates only, nothing personal."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from faceparity.datasets.schema.card import FacesPolicy
from faceparity.harness.results.groups import Contrast
from faceparity.harness.results.model_comparison import ModelChange, ModelChanges, ModelComparison
from faceparity.harness.results.parts.base import Count, NotNegative, Part, Rate, RatioInterval, Reason, Share, ShareInterval

COMPARISON_SCHEMA = "faceparity.comparison/1"

Origin = Literal["target", "published", "fixed"]


class ComparedPanel(Part):
    """One result's rates by group at one operating point, as its results.json has them: what a small multiple draws.

    fmr, fnmr: in the design by which groups are compared (`within` or `matched`).
    """

    attributes: list[str]
    origin: Origin
    target_fmr: Share | None = None
    threshold: float | None
    """As a similarity."""
    native_threshold: float | None
    achieved_fmr: Share | None
    status: Literal["ok", "refused", "contaminated"]
    reason: Reason | None = None
    reference: str | None
    fmr: list[Rate]
    fnmr: list[Rate]
    contrasts: list[Contrast]


class ComparedFailures(Part):
    """One result's FTX by group."""

    attributes: list[str]
    rates: list[Rate]


class Compared(Part):
    """One of the results compared. `id`: a letter; `label`: the model's name, with the letter where two of a data set share it."""

    id: str
    run: Count
    """Which RUN of the command, from 1."""
    label: str
    dataset: str
    dataset_title: str
    dataset_version: str
    dataset_digest: str
    identity: Literal["labelled", "none"]
    synthetic: bool
    labels: dict[str, str]
    """Attribute → who said so."""
    subjects: Count
    samples: Count
    model: str
    model_title: str
    model_version: str
    fingerprint: str
    unit: str
    sign: Literal[1, -1]
    training_overlap: bool
    faceparity: str
    commit: str | None
    seed: int
    attributes: list[str]
    targets: list[Share]
    pool: str | None
    excluded_samples: Count
    excluded_comparisons: Count
    sampled: Share | None = None
    """Of the non-mated comparisons the share that was made, where that is a sample."""
    private: bool
    """Whether its private part could be read; without it nothing of this result is paired."""
    private_reason: str = ""
    faces: FacesPolicy | None = None
    """Which of several faces was used; null: the model has no such choice, or the record is older than it."""
    failures: list[ComparedFailures]
    panels: list[ComparedPanel]


class ComparisonNote(Part):
    """Something in which the results differ that must not be overlooked, and what was done about it."""

    kind: Literal[
        "dataset", "attributes", "pool", "targets", "threshold", "seed", "version", "exclusions", "same_result", "same_name", "private",
        "sample", "faces",
    ]  # fmt: skip
    ids: list[str]
    text: str


class Unpaired(Part):
    """Two results' rates of one group, each with its own interval. No test: what the two have in common is not known here."""

    measure: Literal["ftx", "fmr", "fnmr"]
    attributes: list[str]
    group: str
    first: Share | None
    first_interval: ShareInterval | None = None
    second: Share | None
    second_interval: ShareInterval | None = None
    overlap: bool | None
    """Whether the intervals do; null where one of them is missing."""


class UnpairedPair(Part):
    """Two results that can't be compared comparison by comparison."""

    first: str
    second: str
    reason: str
    rates: list[Unpaired]


class LeagueTest(Part):
    """Two models of one league table. ratio: first over second. p_holm: over the pairs of the table.

    For `worst_…` the ratio is of the two models' highest ratios, p by intersection-union (`uncertainty.ranks`), no interval.
    """

    first: str
    second: str
    ratio: NotNegative | None
    interval: RatioInterval | None = None
    p: Share | None
    p_holm: Share | None
    verdict: Literal["higher", "lower", "inconclusive", "none"]
    reason: Reason | None = None


class LeagueRow(Part):
    """One model. rank: 95 % interval, from the tests; 1 is the lowest figure. second_value: without likely same persons."""

    id: str
    value: NotNegative | None
    interval: RatioInterval | None = None
    group: str | None = None
    """Of `worst_…`: which group is highest."""
    rank: tuple[Count, Count]
    second_value: NotNegative | None = None
    left_out: list[str] = Field(default_factory=list)
    """Groups of `worst_…` in which this model has fewer than 8 effective errors: in the mean, but not among those it is sought in."""
    reason: Reason | None = None


class League(Part):
    """Models of one data set by one figure, on the comparisons (of `ftx`: the samples) that all of them made.

    fnmr, fmr: mean over the groups of the finest grouping with 30 people or more. ftx: of all samples. worst_fmr, worst_fnmr: the
    highest group's rate over the mean of the groups, so that no reference has to be chosen. The lower the better in all of them.
    Rank intervals hold for all models of the table together.
    """

    measure: Literal["ftx", "fmr", "fnmr", "worst_fmr", "worst_fnmr"]
    attributes: list[str]
    subjects: Count
    comparisons: Count
    left_out: list[str] = Field(default_factory=list)
    """Groups not in a `worst_…`: fewer than 30 people."""
    rows: list[LeagueRow]
    tests: list[LeagueTest]


class ComparedPoint(Part):
    """Every pair of models of one data set at one operating point, each at its own threshold.

    At targets the variance of a change is at least that over replicates of a bootstrap over subjects in which every model's
    threshold is found anew (`replicates`; 0: none, so it takes thresholds as given, as FRR and the rates on all pairs always do).
    second: without comparisons that look like one person to any of the models, where a set has no subject labels and that matters;
    a verdict in `pairs` stands only if both readings agree.
    """

    origin: Origin
    target_fmr: Share | None = None
    thresholds: dict[str, float | None]
    """id → threshold in the model's own unit."""
    reason: str = ""
    """Why there are no pairs, in words."""
    replicates: Count = 0
    pairs: list[ModelComparison] = Field(default_factory=list)
    second: list[ModelComparison] = Field(default_factory=list)
    unpaired: list[UnpairedPair] = Field(default_factory=list)
    leagues: list[League] = Field(default_factory=list)


class FailureComparison(Part):
    """Two models' failures to extract a template (FTX) on the samples that both were given."""

    first: str
    second: str
    samples: Count
    overall: ModelChange
    groupings: list[ModelChanges]


class ComparedDataset(Part):
    """All results of one data set (same digest) by the same attributes."""

    dataset: str
    digest: str
    attributes: list[str]
    ids: list[str]
    paired: list[str]
    """Of those the ones with a private part: compared comparison by comparison."""
    subjects: Count = 0
    samples: Count = 0
    """With a template of all paired models."""
    lost: dict[str, Count] = Field(default_factory=dict)
    """id → templates that some other model has none for."""
    failures: list[FailureComparison] = Field(default_factory=list)
    failures_unpaired: list[UnpairedPair] = Field(default_factory=list)
    failure_league: League | None = None
    points: list[ComparedPoint] = Field(default_factory=list)


class ComparedModel(Part):
    """One model on several data sets: side by side, no test, as other people were in them."""

    model: str
    ids: list[str]


class Comparison(Part):
    """Runs side by side."""

    schema_: Annotated[Literal["faceparity.comparison/1"], Field(alias="schema")] = "faceparity.comparison/1"
    faceparity: str
    commit: str | None
    started: str
    command: str
    seed: int
    results: list[Compared]
    notes: list[ComparisonNote]
    datasets: list[ComparedDataset]
    models: list[ComparedModel]

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=True)


def comparison_to_json(comparison: Comparison) -> str:
    """Return the text of comparison.json.

    Keys in the schema's order, one-space indent, final newline.
    """
    data = comparison.model_dump(mode="json", by_alias=True)
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def comparison_from_json(text: str | bytes) -> Comparison:
    """Parse a comparison.json.

    Raises pydantic.ValidationError where it does not follow the schema.
    """
    return Comparison.model_validate_json(text)


def comparison_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of comparison.json."""
    schema = Comparison.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": COMPARISON_SCHEMA, **schema}
