"""What was measured, on what, and how to do it again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faceparity.datasets.schema.card import FacesPolicy
from faceparity.harness.options import Options
from faceparity.harness.results.parts.base import Count, Part, Rate, Share


class ExtractionCounts(Part):
    """Failures to extract a template (FTX). comparisons = samples attempted, errors = failed."""

    supplied: bool = True
    """False: a score file without failures; rates including failures are then null."""
    overall: Rate | None
    by_group: list[ExtractionByAttributes]
    no_face: Count
    unreadable: Count
    several_faces: Count
    faces_policy: str
    """Which of several faces was used, in words."""
    faces: FacesPolicy | None = None
    """The same by name; null: the model has no such choice, or the record is older than it."""
    faces_from: Literal["card", "option"] | None = None
    """Whether the data set's card or the user chose it."""
    faces_differ: Rate | None = None
    """Images (errors) in which `centre` and `largest` choose different faces, of all (comparisons); null as `faces`."""
    faces_differ_by_group: list[ExtractionByAttributes] = Field(default_factory=list)
    """Empty where no image is."""


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
    unlabelled: Count


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
    subjects: Count
    samples: Count
    subjects_left_out: Count = 0
    """Subjects of groups of fewer than 10, who are in no figure; those without a label are a group too. 0 where labels are public."""
    problems: dict[str, Count]
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
    """The model was, or may have been, trained on people of this data set; the note says which."""
    training_overlap_note: str = ""
    """How its training data overlaps this data set, and how that is known."""
    conditions: str = ""
    """What the model's terms do not allow or do not say; empty if they allow research, advocacy and commercial use."""
    weights: list[dict[str, str]]
    detector: str
    alignment: str
    input: str
    dimensions: Count | None
    score: ScoreInfo
    published_threshold: float | None
    """In the model's own unit."""
    published_threshold_source: str
    likely_same_person: float | None
    """In the model's own unit."""
    known_weaknesses: list[str]


class SampledComparisons(Part):
    """A fixed sample of the non-mated comparisons.

    Samples are dealt into `parts` parts at random (with `seed`, each group's evenly); parts i and j are compared if
    (i + j) mod parts < rounds. made: of the `of` that there are; all mated ones are made.
    """

    asked: Share
    made: Count
    of: Count
    share: Share
    """made / of: of every two groups about the same."""
    parts: Count
    rounds: Count
    seed: int


class Comparisons(Part):
    """How many there were, and which were left out."""

    non_mated: Count
    mated: Count
    left_out: dict[str, Count]
    """identical_image, same_photo, few_people (mated ones of too few people for a figure) → how many."""
    ledger_floor: float | None
    ledger_entries: Count
    passes: Count
    sampled: SampledComparisons | None = None
    """None: every comparison was made."""
    mated_failed: Count | None = None
    non_mated_failed: Count | None = None
    """How many more were attempted and could not be made; null if failures are not known."""
    mated_above: Share | None = None
    """The largest that P(mated > non-mated) + P(equal) / 2 can be, over all scores: one half is chance, and up to 0.55 no verdict is
    given. Null without comparisons of both kinds."""


class RecordedOptions(Part, Options):
    """What was asked of the run: every option of it."""


class Provenance(Part):
    """How to do it again."""

    faceparity: str
    commit: str | None
    """Commit of the checkout it ran from, "+dirty" if changed; null for an installed copy."""
    started: str
    """UTC, ISO 8601; the only field that two equal runs do not share."""
    command: str
    """With paths as <root> and <out>."""
    options: RecordedOptions | None = None
    """What was asked for, defaults included; null in results of before this was kept. Files and addresses are not named."""
    position: Count = 0
    """Place among the evaluations of its run, in the order in which the command names them: reports tell them in it."""
    seed: int
    threads: Count
    device: str = "cpu"
    """Where comparisons were made: the processor, or a GPU by name with torch's version."""
    python: str
    platform: str
    libraries: dict[str, str]
