"""The result of one evaluation, `results.json`: everything a figure, a table or a sentence may draw on, and nothing personal.

Rates are fractions. Scores are similarities: higher is more alike, a comparison is a match if and only if score ≥ threshold.
What cannot be computed is null, with a reason (`Reason`). `faceparity schema` prints the JSON Schema of `Evaluation`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = "faceparity.evaluation/1"


class Part(BaseModel):
    """Unknown fields are errors; NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


Design = Literal["within", "matched", "as_sampled", "cross", "all"]
Reason = Literal[
    "zero_errors",
    "zero_comparisons",
    "too_few_subjects",
    "too_few_subjects_for_interval",
    "too_few_errors",
    "no_mated_pairs",
    "target_out_of_reach",
    "too_few_comparisons_for_target",
    "mostly_same_person",
    "contaminated",
    "cells_too_small",
    "reference_undefined",
    "one_group",
    "no_published_threshold",
    "no_pool",
    "group_undefined",
    "other",
]
Interval = tuple[float, float]


class Bounds(Part):
    """Upper bounds at 95 % where no error was seen."""

    independent: float
    """3 / comparisons: if comparisons were independent."""
    worst_case: float
    """3 / ⌊subjects / 2⌋: if only disjoint pairs of subjects told anything. At most 1."""


class Rate(Part):
    """An error rate of one group (or one ordered-by-name pair of groups), with its uncertainty.

    status: "ok"; "bound" (fewer than 10 errors: `interval` is [0, hi], or `bounds` at zero errors); "suppressed"
    (too few subjects: no rate, no errors). With "ok" and no interval, `reason` says why.
    """

    group: str
    group_b: str | None = None
    design: Design
    subjects: int
    subjects_b: int | None = None
    comparisons: int
    errors: int | None
    rate: float | None
    rate_including_failures: float | None = None
    """FAR or FRR: failed extractions counted as non-matches, over attempted comparisons. Null if failures were not supplied."""
    subject_weighted_rate: float | None = None
    """Mean over subjects of each one's own rate."""
    interval: Interval | None = None
    """95 %; by subjects, not by comparisons."""
    bounds: Bounds | None = None
    df: float | None = None
    effective_errors: float | None = None
    """errors / design effect, with the design effect of max(binomial, dyadic plug-in)."""
    method: str | None = None
    conditional_on_threshold: bool = False
    """The threshold was set on these very comparisons: the interval takes it as given."""
    status: Literal["ok", "bound", "suppressed"]
    reason: Reason | None = None


class Index(Part):
    """One number for the spread between groups, beside what equal rates would have given for these very data."""

    value: float | None
    null_median: float | None = None
    null_p95: float | None = None
    null_p: float | None = None
    """Share of draws under equal rates at least as extreme. It alone decides what may be said of an index."""
    status: Literal["ok", "undefined"]
    reason: Reason | None = None
    left_out: list[str] = Field(default_factory=list)
    """Groups without a shown rate, which are not in it."""


class Combined(Part):
    """Indices over both error rates, for comparability with other work only, at alpha 0.5."""

    alpha: float = 0.5
    garbe: Index
    fdr: Index
    inequity_rate: Index


class Differential(Part):
    """Indices by error rate; a missing name was not computed."""

    fmr: dict[str, Index] = Field(default_factory=dict)
    fnmr: dict[str, Index] = Field(default_factory=dict)
    combined: Combined | None = None


class Contrast(Part):
    """One group's rate over the reference group's.

    verdict: "higher" or "lower" only past the gates (effective errors, Holm p < 0.05); else "inconclusive", with the ratio
    that these data would have detected with 80 % power; "none" where no ratio exists.
    """

    measure: Literal["fmr", "fnmr"]
    design: Design
    group: str
    reference: str
    ratio: float | None
    interval: Interval | None = None
    interval_reestimated: Interval | None = None
    """The threshold found anew in each replicate of a bootstrap over subjects; null at thresholds not set on these data."""
    df: float | None = None
    p: float | None = None
    p_holm: float | None = None
    verdict: Literal["higher", "lower", "inconclusive", "none"]
    detectable_ratio: float | None = None
    reason: Reason | None = None


class PoolGroup(Part):
    """A group in the pool that sets the threshold."""

    group: str
    weight: float
    subjects: int
    comparisons: int


class LeftOut(Part):
    """A group that has no say in the threshold."""

    group: str
    subjects: int
    reason: str


class Pool(Part):
    """Whose non-mated comparisons set the threshold at a target."""

    name: str
    attributes: list[str]
    groups: list[PoolGroup]
    left_out: list[LeftOut]
    partial: bool
    """Some value of an attribute has no group in the pool."""
    missing_values: list[str] = Field(default_factory=list)
    """Those values, as "attribute: value"."""
    comparisons: int


class SamePerson(Part):
    """Sets without subject labels hold some people twice. Non-mated comparisons at or above the model's `likely_same_person`."""

    threshold: float
    native_threshold: float
    share_of_pool_errors: float | None
    by_group: dict[str, int]
    """Within-group comparisons at or above `threshold`."""
    share_by_group: dict[str, float] = Field(default_factory=dict)
    """Their share of each group's errors at the operating point, of groups of 8 errors or more."""
    contaminated: bool
    """More than 5 % of the pool's errors."""
    refused: bool
    """More than half: no threshold can be set on such data."""


class Overall(Part):
    """Rates on the pool, and on all pairs."""

    fmr: Rate | None
    fnmr: Rate | None
    fmr_all_pairs: Rate | None = None
    fnmr_all_pairs: Rate | None = None


class OperatingPoint(Part):
    """One threshold for everybody, and what follows at it.

    At a contaminated point, and where more than 5 % of a single group's errors look like one person, `without_likely_same_person`
    holds the second reading: the same, threshold included, without those comparisons. A verdict stands only if both agree.
    """

    origin: Literal["target", "published", "fixed"]
    target_fmr: float | None = None
    threshold: float | None
    native_threshold: float | None
    """In the model's own unit."""
    achieved_fmr: float | None
    """Of the pool."""
    status: Literal["ok", "refused", "contaminated"]
    reason: Reason | None = None
    detail: str = ""
    needs_comparisons: int | None = None
    """How many comparisons the pool would need for this target."""
    pool: Pool | None
    overall: Overall | None = None
    fmr: list[Rate] = Field(default_factory=list)
    fnmr: list[Rate] = Field(default_factory=list)
    fmr_matrix: list[Rate] = Field(default_factory=list)
    differential: Differential | None = None
    contrasts: list[Contrast] = Field(default_factory=list)
    same_person: SamePerson | None = None
    without_likely_same_person: OperatingPoint | None = None


class Group(Part):
    """A group of subjects and its size. `merged` > 0: stands for that many groups of fewer than 10 subjects."""

    group: str
    values: list[str]
    subjects: int
    samples: int
    merged: int = 0


class Quartiles(Part):
    """Lower quartile, median, upper quartile of one covariate in one group."""

    group: str
    n: int
    q1: float | None
    median: float | None
    q3: float | None


class Covariate(Part):
    """One property of the images by group. `differs`: groups whose median lies outside the quartiles of all."""

    name: str
    unit: str
    overall: Quartiles
    by_group: list[Quartiles]
    differs: list[str] = Field(default_factory=list)


class Curve(Part):
    """Histograms of comparison scores of one group, or pair of groups. Bin i is [edges[i], edges[i+1]); counts outside are 0."""

    group: str
    group_b: str | None = None
    edges: list[float]
    mated: list[int]
    non_mated: list[int]
    effective_n: list[float | None] | None = None
    """Effective number of non-mated comparisons with the threshold at edges[i]; null where it was not computed."""


class Grouping(Part):
    """One way of dividing the subjects: by one attribute, or by several at once."""

    attributes: list[str]
    groups: list[Group]
    reference: str | None
    unlabelled: int
    """Samples in no group."""
    mixed_mated: int
    """Mated comparisons whose two samples are in different groups."""
    covariates: list[Covariate] = Field(default_factory=list)
    operating_points: list[OperatingPoint] = Field(default_factory=list)
    curves: list[Curve] = Field(default_factory=list)


class Extraction(Part):
    """Failures to extract a template (FTX). comparisons = samples attempted, errors = failed."""

    supplied: bool = True
    """False: a score file without failures; rates including failures are then null."""
    overall: Rate | None
    by_group: list[ExtractionByAttributes]
    no_face: int
    unreadable: int
    several_faces: int
    faces_policy: str


class ExtractionByAttributes(Part):
    """FTX by group of one grouping."""

    attributes: list[str]
    rates: list[Rate]


class LabelInfo(Part):
    """One attribute: who said so."""

    attribute: str
    column: str
    of: Literal["subject", "sample"]
    provenance: str
    note: str = ""
    values: list[str]
    unlabelled: int


class DatasetInfo(Part):
    """What was measured on."""

    name: str
    title: str
    version: str
    home: str
    digest: str
    licence: str
    consent: str
    withdrawn: str
    synthetic: bool
    identity: Literal["labelled", "none"]
    labels_public: bool
    labels: list[LabelInfo]
    subjects: int
    samples: int
    problems: dict[str, int]
    """Kind → how many; which ones is in the private part."""
    known_defects: list[str]
    citation: str


class ScoreInfo(Part):
    """How scores are read."""

    kind: str
    unit: str
    sign: Literal[1, -1]


class ModelInfo(Part):
    """What was measured."""

    name: str
    title: str
    version: str
    fingerprint: str
    licence: str
    training_data: str
    training_overlap: bool
    """The model was trained on people of this data set."""
    weights: list[dict[str, str]]
    detector: str
    alignment: str
    input: str
    dimensions: int | None
    score: ScoreInfo
    published_threshold: float | None
    """In the model's own unit."""
    published_threshold_source: str
    likely_same_person: float | None
    """In the model's own unit."""
    known_weaknesses: list[str]


class Comparisons(Part):
    """How many there were, and which were left out."""

    non_mated: int
    mated: int
    left_out: dict[str, int]
    """identical_image, same_photo → how many."""
    ledger_floor: float | None
    ledger_entries: int
    passes: int


class Provenance(Part):
    """How to do it again."""

    faceparity: str
    commit: str | None
    """Commit of the checkout it ran from, "+dirty" if changed; null for an installed copy."""
    started: str
    """UTC, ISO 8601; the only field that two equal runs do not share."""
    command: str
    """With paths as <root> and <out>."""
    seed: int
    threads: int
    python: str
    platform: str
    libraries: dict[str, str]


class Evaluation(Part):
    """One model on one data set."""

    schema_: Annotated[Literal["faceparity.evaluation/1"], Field(alias="schema")] = "faceparity.evaluation/1"
    provenance: Provenance
    dataset: DatasetInfo
    model: ModelInfo
    comparisons: Comparisons
    extraction: Extraction
    groupings: list[Grouping]
    protocols: list[dict[str, Any]] = Field(default_factory=list)
    scenarios: list[dict[str, Any]] = Field(default_factory=list)
    claims: list[dict[str, Any]] = Field(default_factory=list)
    paired: list[dict[str, Any]] = Field(default_factory=list)
    exclusions: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=True)


def to_json(evaluation: Evaluation) -> str:
    """The text of results.json: keys in the schema's order, two-space indent, final newline."""
    data = evaluation.model_dump(mode="json", by_alias=True)
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Evaluation:
    """The evaluation in a results.json. Raises pydantic.ValidationError where it does not follow the schema."""
    return Evaluation.model_validate_json(text)


def canonical(evaluation: Evaluation) -> Evaluation:
    """The evaluation as anybody will read it back: every part checked against the schema, every number of its type."""
    return from_json(to_json(evaluation))


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of results.json."""
    schema = Evaluation.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
