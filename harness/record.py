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
    "below_ledger",
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
    """Mean over subjects of each one's own rate; between two groups, the mean of both groups' means."""
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


class AtAlpha(Part):
    """Indices of both error rates with another weight on FMR."""

    alpha: float
    """Weight of FMR; of FNMR it is 1 - alpha."""
    combined: dict[str, Index]


class Differential(Part):
    """Indices by name, as `faceparity.harness.metrics` lists them with their ranges and weaknesses; one missing was not computed."""

    fmr: dict[str, Index] = Field(default_factory=dict)
    fnmr: dict[str, Index] = Field(default_factory=dict)
    combined: dict[str, Index] = Field(default_factory=dict)
    """Of both error rates, for comparability with other work only; those with a weight alpha, at 0.5."""
    combined_at: list[AtAlpha] = Field(default_factory=list)
    """Those with a weight, at other weights."""
    nominal: float | None = None
    """The FMR against which `mape` and `mean_abs_log10` are: the target, or else what the pool achieved."""


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
    p_bh: float | None = None
    """Benjamini and Hochberg's, over the same family: for looking around. No verdict rests on it."""
    verdict: Literal["higher", "lower", "inconclusive", "none"]
    detectable_ratio: float | None = None
    needed_subjects: int | None = None
    """Subjects in each of the two groups with which a ratio as large as the one seen would be called with 80 % power, if they
    depended on each other as these do. Null where there is no ratio, or ten million would not do."""
    needed_subjects_for_double: int | None = None
    """Likewise for a group with twice the reference's rate."""
    reason: Reason | None = None


class ModelChange(Part):
    """One figure of two models on the comparisons that both made, each at its own threshold.

    quantity: "rate", or "disparity": the group's rate over the reference's. first, second: each model's. ratio: first over second;
    interval and p are its, by subjects. p_holm, p_bh: over all changes of this quantity in the grouping, FMR and FNMR together.
    verdict: of the first model against the second; "higher" or "lower" only past the gates of `Contrast` in both models, with at
    least 10 effective comparisons that one model gets wrong and the other right.
    """

    measure: Literal["fmr", "fnmr"]
    quantity: Literal["rate", "disparity"]
    design: Design
    group: str
    reference: str | None = None
    subjects: int
    comparisons: int
    errors_first: int | None = None
    errors_second: int | None = None
    errors_both: int | None = None
    first: float | None = None
    second: float | None = None
    difference: float | None = None
    difference_interval: Interval | None = None
    ratio: float | None = None
    interval: Interval | None = None
    df: float | None = None
    p: float | None = None
    p_holm: float | None = None
    p_bh: float | None = None
    effective_discordant: float | None = None
    verdict: Literal["higher", "lower", "inconclusive", "none"]
    reason: Reason | None = None


class ModelChanges(Part):
    """All changes of one grouping."""

    attributes: list[str]
    reference: str | None
    changes: list[ModelChange]


class ModelComparison(Part):
    """Two models on the same comparisons. Those that only one of them made are left out and counted, per model."""

    first: str
    second: str
    threshold_first: float
    threshold_second: float
    non_mated: int
    mated: int
    left_out_first: int
    left_out_second: int
    overall: list[ModelChange]
    """Design `matched`: mean over the groups of 30 subjects or more of the finest grouping; `all`: all pairs."""
    groupings: list[ModelChanges]


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


class Separation(Part):
    """How far the scores of one group's mated and non-mated comparisons lie apart; both samples in the group, as sampled.

    A description, not an operating point: nobody can set a threshold for each group, and at its own one every group looks well.
    """

    group: str
    mated: int
    non_mated: int
    mated_mean: float | None = None
    mated_sd: float | None = None
    non_mated_mean: float | None = None
    non_mated_sd: float | None = None
    bin_width: float | None = None
    """The non-mated mean and standard deviation come from a histogram of such bins: each is right to half of it. The rest is exact."""
    d_prime: float | None = None
    """(mated mean - non-mated mean) / √(mean of the two variances)."""
    eer: float | None = None
    """The rate at which FMR and FNMR are equal: the middle of `eer_within`."""
    eer_within: Interval | None = None
    """Where it lies. Both rates rise and fall in steps; below the ledger's floor the histogram's bins widen it."""
    eer_threshold: float | None = None
    """Where FMR and FNMR come closest, as a similarity."""
    reason: Reason | None = None


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
    separation: list[Separation] = Field(default_factory=list)


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
    """The model was, or may have been, trained on people of this data set; the note says which."""
    training_overlap_note: str = ""
    """How its training data overlaps this data set, and how that is known."""
    conditions: str = ""
    """What the model's terms do not allow or do not say; empty if they allow research, advocacy and commercial use."""
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


class PairedFactor(Part):
    """What was varied while all else of a unit's images stayed the same; its levels in order."""

    factor: str
    levels: list[str]
    reference: str
    """The level named by `--reference`, else by the set's card, else the first."""


class PairedCondition(Part):
    """A combination of levels. Images that failed are those without a template."""

    condition: str
    values: list[str]
    subjects: int
    """With as many images as the card says."""
    complete: int
    """Of those, with a template from every image: only they are compared."""
    images: int
    failed: int
    non_mated_score: float | None = None
    mated_score: float | None = None
    """Means over comparisons, of `compared` subjects; null below 30 of them, or without mated comparisons."""
    compared: int
    """Subjects behind the means and behind the rates by condition: those complete under every condition, if they are 30 or more
    (`Paired.same_subjects`), else those complete under this one."""


class PairedDifference(Part):
    """What one level of a factor, or one whole condition, adds to a measure over the reference, on the same subjects.

    By factor: averaged over the levels of the other factors, each with its own reference. Only subjects complete under all
    conditions involved are in it (for ftx: recorded under all). Non-mated comparisons are between two subjects under one condition,
    mated ones between captures of one subject under one condition. Interval and p: delete-one-subject jackknife of the difference,
    t on subjects - 1; for ftx p is of an exact sign test over subjects. p_holm: over all differences of this measure by factor, or
    by condition, at this operating point. verdict: "higher" or "lower" only with 30 subjects, Holm p < 0.05 and, of fmr and fnmr,
    30 errors on the higher side; "none" where there is no difference to speak of.
    """

    measure: Literal["non_mated_score", "mated_score", "fmr", "fnmr", "ftx"]
    factor: str | None
    """Null: two whole conditions."""
    level: str
    reference: str
    subjects: int
    dropped: int
    """Subjects left out because a template is lacking."""
    comparisons: int
    """On each side; for ftx images."""
    value: float | None = None
    reference_value: float | None = None
    """Either is null on a side without errors: that is no rate of zero, though the difference counts it so."""
    difference: float | None = None
    interval: Interval | None = None
    df: float | None = None
    p: float | None = None
    p_holm: float | None = None
    verdict: Literal["higher", "lower", "inconclusive", "none"] = "none"
    errors: int | None = None
    reference_errors: int | None = None
    effective_errors: float | None = None
    """Of the side with the higher rate: errors / design effect, with max(binomial, jackknife)."""
    only_here: int | None = None
    only_reference: int | None = None
    """ftx: images that failed on one side and whose twin on the other did not."""
    ratio: float | None = None
    ratio_interval: Interval | None = None
    """Jackknifed on the log scale; null with fewer than 10 errors on either side."""
    bound: float | None = None
    """At zero errors on both sides: neither rate is above this, 3 / ⌊subjects / 2⌋."""
    reason: Reason | None = None


class PairedPoint(Part):
    """Rates and differences at one of the run's operating points, found by origin and target_fmr. threshold null: refused, see there.

    across: FNMR of one image under condition `group` and one of the same subject under `group_b`, which differs in one factor.
    """

    origin: Literal["target", "published", "fixed"]
    target_fmr: float | None = None
    threshold: float | None
    native_threshold: float | None
    fmr: list[Rate] = Field(default_factory=list)
    fnmr: list[Rate] = Field(default_factory=list)
    across: list[Rate] = Field(default_factory=list)
    differences: list[PairedDifference] = Field(default_factory=list)


class Paired(Part):
    """A controlled experiment: each subject recorded under every condition, all else being the same."""

    unit: Literal["subject"]
    captures: int
    factors: list[PairedFactor]
    reference: str
    """The condition of all reference levels."""
    subjects: int
    same_subjects: int | None
    """How many subjects are complete under every condition, if the means and rates by condition rest on them."""
    conditions: list[PairedCondition]
    differences: list[PairedDifference]
    """Of scores and of failures to extract."""
    operating_points: list[PairedPoint]


class VerificationFold(Part):
    """One fold of a published list, judged at the threshold that is best on the other folds."""

    fold: int
    """From 1, in the list's order."""
    threshold: float | None
    native_threshold: float | None
    compared: int
    failed_mated: int
    failed_non_mated: int
    accuracy: float | None
    """Share of right decisions among comparisons made."""
    accuracy_including_failures: float | None
    """With each failed comparison as a non-match: right of a non-mated pair, wrong of a mated one."""


class VerificationGroup(Part):
    """The folds' decisions on the pairs of one group, each at its own fold's threshold, which is the same for all groups."""

    attributes: list[str]
    group: str
    subjects: int
    compared: int
    accuracy: float | None
    reason: Reason | None = None


class Verification(Part):
    """A benchmark's own figure: the share of right decisions, mean over folds ± standard error.

    Undefined if a fold has no comparison, or its threshold nothing to be chosen on.
    """

    rule: str
    """How thresholds are chosen."""
    folds: list[VerificationFold]
    accuracy: float | None
    standard_error: float | None
    """Sample standard deviation over √folds, as LFW publishes; null for a single fold."""
    standard_deviation: float | None
    accuracy_including_failures: float | None
    standard_error_including_failures: float | None
    standard_deviation_including_failures: float | None
    groups: list[VerificationGroup] = Field(default_factory=list)
    reason: Reason | None = None


class ProtocolGroups(Part):
    """Rates of a published list by one grouping. A pair is in a group if both samples are; else it is mixed or unlabelled."""

    attributes: list[str]
    fmr: list[Rate]
    fnmr: list[Rate]
    mixed: int
    unlabelled: int


class ProtocolPoint(Part):
    """A published list at one threshold: the run's own operating points, then the benchmark's targets.

    origin "protocol": set on the list's own non-mated comparisons, as the smallest observed score with an FMR of at most the target.
    """

    origin: Literal["target", "published", "fixed", "protocol"]
    target_fmr: float | None = None
    threshold: float | None
    native_threshold: float | None
    achieved_fmr: float | None = None
    """Of the list's comparisons."""
    accuracy: float | None = None
    """Share of right decisions among comparisons made; null below 30 people."""
    fmr: Rate | None = None
    fnmr: Rate | None = None
    """1 - TAR."""
    groupings: list[ProtocolGroups] = Field(default_factory=list)
    reason: Reason | None = None
    needs_comparisons: int | None = None


class Protocol(Part):
    """A list of pairs that the data set's publisher gives, followed to the letter: its order, labels, repetitions and folds.

    mated, non_mated: pairs whose images are here, as the list labels them, of which failed_… have a sample without a template.
    """

    name: str
    source: str
    mated: int
    non_mated: int
    failed_mated: int
    failed_non_mated: int
    missing: int
    """Listed pairs with an image that is not here; they are in no figure."""
    subjects: int
    """People in the list; of a list without subject labels, the most that its mated pairs allow."""
    repeated: int
    """Pairs that the list gives a second time; kept."""
    identical_images: int
    """Pairs of one image with itself, under one name or two; kept."""
    contrary: int
    """Pairs whose label contradicts the set's own subject labels; kept as listed."""
    n_folds: int
    verification: Verification | None = None
    points: list[ProtocolPoint] = Field(default_factory=list)


class SearchGroups(Part):
    """Rates of a published search by the group of the probe; its gallery is of everybody. A probe without a label is in none."""

    attributes: list[str]
    fpir: list[Rate]
    fnir: list[Rate]
    unlabelled: int
    """Searches of such probes."""


class SearchRank(Part):
    """How often the mate is among the first `rank` of the candidates, whatever its score. A tie counts against the mate."""

    rank: int
    hit_rate: float | None
    """1 - FNIR(N, R, -∞), as cumulative match characteristics plot it; null below 30 people and without searches."""
    hit_rate_including_failures: float | None
    missed: Rate
    groupings: list[SearchGroups] = Field(default_factory=list)


class SearchPoint(Part):
    """A published search at one threshold, set on its own non-mated searches as the smallest observed top score with FPIR ≤ target.

    comparisons of a rate: searches. Its failures: searches of a probe without a template, or (FNIR) of a mate without one.
    """

    target_fpir: float
    threshold: float | None
    """Null of a mean over galleries: each has its own."""
    native_threshold: float | None
    achieved_fpir: float | None = None
    fpir: Rate | None = None
    fnir: Rate | None = None
    """At any rank; 1 - TPIR."""
    fnir_rank_1: Rate | None = None
    """The mate below the threshold, or not the first candidate."""
    selectivity: float | None = None
    """Mean number of candidates of a non-mated search; null below 30 people."""
    groupings: list[SearchGroups] = Field(default_factory=list)
    reason: Reason | None = None
    needs_searches: int | None = None
    """Non-mated searches that the target would take, where there were too few."""


class SearchGallery(Part):
    """What the searches in one gallery came to, or the mean over all of them, of whose counts there are none."""

    name: str
    templates: int | None = None
    failed_templates: int | None = None
    """Of which no image gave a template."""
    absent_templates: int | None = None
    """Listed, of which no image is here."""
    mated: int | None = None
    non_mated: int | None = None
    failed_mated: int | None = None
    failed_non_mated: int | None = None
    left_out: int | None = None
    """Searches for somebody whose template in the gallery is absent; they are in no figure."""
    ranks: list[SearchRank]
    points: list[SearchPoint]


class Search(Part):
    """A published open-set search (1:N): every probe in each gallery, as one rate over searches; intervals are by probe subjects.

    Intervals take the gallery as given, and a threshold set on the same searches. mean: over galleries, each weighing the same.
    """

    name: str
    source: str
    probes: int
    failed_probes: int
    absent_probes: int
    """Listed probes of which no image is here; they are in no figure."""
    subjects: int
    galleries: list[SearchGallery]
    mean: SearchGallery | None = None
    """Null for a single gallery."""


ExclusionReason = Literal["wrong_label", "same_person", "relative", "duplicate", "bad_image", "other", "not_given"]


class ExcludedCount(Part):
    """How many samples and comparisons were excluded for one reason, in the words of `--exclude`; any other text is "other"."""

    reason: ExclusionReason
    samples: int
    comparisons: int


class ExclusionCounts(Part):
    """What there was to measure with."""

    subjects: int
    samples: int
    templates: int
    non_mated: int
    mated: int


class ExclusionRate(Part):
    """One group's rate before and after; null where the group was not there. Verdicts: of the contrast with the reference."""

    measure: Literal["fmr", "fnmr"]
    attributes: list[str]
    """Empty: all groups of the pool together."""
    group: str
    design: Design
    before: Rate | None
    after: Rate | None
    verdict_before: Literal["higher", "lower", "inconclusive", "none"] | None = None
    verdict_after: Literal["higher", "lower", "inconclusive", "none"] | None = None
    """Null for the reference group itself, and where there was no contrast."""


class ExclusionPoint(Part):
    """One operating point before and after. The rule is the same; a threshold at a target is set anew, so it may move."""

    origin: Literal["target", "published", "fixed"]
    target_fmr: float | None = None
    threshold_before: float | None
    threshold_after: float | None
    native_threshold_before: float | None
    native_threshold_after: float | None
    achieved_fmr_before: float | None
    achieved_fmr_after: float | None
    rates: list[ExclusionRate]


class Exclusion(Part):
    """What a person left out by name (`--exclude`), and what that changed. The rest of the record is without it.

    samples: images named. comparisons: of those named, how many were left out; not those of an excluded image, nor those left
    out in any case. listed_pairs: pairs of published lists that were taken out with them.
    """

    samples: int
    comparisons: int
    comparisons_mated: int
    reasons: list[ExcludedCount]
    listed_pairs: int = 0
    before: ExclusionCounts
    after: ExclusionCounts
    points: list[ExclusionPoint]


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
    protocols: list[Protocol] = Field(default_factory=list)
    searches: list[Search] = Field(default_factory=list)
    """Galleries and probes that the data set publishes."""
    scenarios: list[dict[str, Any]] = Field(default_factory=list)
    claims: list[dict[str, Any]] = Field(default_factory=list)
    paired: list[Paired] = Field(default_factory=list)
    """Of a set whose card declares a controlled experiment: one entry."""
    exclusions: list[Exclusion] = Field(default_factory=list)
    """One entry if a person left anything out by name."""
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
