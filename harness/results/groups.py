"""Groups of subjects, and the error rates of each at every operating point."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from faceparity.harness.results.parts.base import (
    Bounds,
    Count,
    Design,
    Index,
    NotNegative,
    Part,
    Positive,
    Rate,
    RatioInterval,
    Reason,
    Share,
    ShareInterval,
    same_length,
)


class AtAlpha(Part):
    """Indices of both error rates with another weight on FMR."""

    alpha: Share
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
    nominal: Share | None = None
    """The FMR against which `mape` and `mean_abs_log10` are: the target, or else what the pool achieved."""


class FewErrors(Part):
    """The test of a rate against one with few errors or none (`uncertainty.few_errors`), and what it says of the ratio.

    Errors and comparisons of both sides are in their rates; the larger and the smaller rate, not group and reference.
    """

    at_least: NotNegative
    """The larger rate is at least so many times the smaller: the lower end of the 95 % interval. Never an estimate."""
    higher_design_effect: Positive
    lower_design_effect: Positive
    """By which errors and comparisons of each side were divided; of the lower side three times that of its rate."""
    flips_at: Positive | None = None
    """The lower side's design effect from which the difference would not be called; null where it is not."""


class Contrast(Part):
    """One group's rate over the reference group's.

    verdict: "higher" or "lower" only past the gates (effective errors, Holm p < 0.05); "inconclusive" with a reason where something
    stands in the way, without one where the difference is not beyond chance, with the ratio that these data would have detected with
    80 % power; "none" where no ratio exists. Where the lower side has few errors there is no ratio but what it is at least
    (`few_errors`).
    """

    measure: Literal["fmr", "fnmr"]
    design: Design
    group: str
    reference: str
    test: Literal["log_ratio", "joint_jackknife", "few_errors"] | None = None
    """What `p` is from. log_ratio: Student's t of the logarithm of the ratio; joint_jackknife: of groups that share people."""
    ratio: NotNegative | None
    few_errors: FewErrors | None = None
    interval: RatioInterval | None = None
    interval_reestimated: RatioInterval | None = None
    """The threshold found anew in each replicate of a bootstrap over subjects; null at thresholds not set on these data."""
    df: Positive | None = None
    p: Share | None = None
    p_holm: Share | None = None
    p_bh: Share | None = None
    """Benjamini and Hochberg's, over the same family: for looking around. No verdict rests on it."""
    verdict: Literal["higher", "lower", "inconclusive", "none"]
    detectable_ratio: NotNegative | None = None
    needed_subjects: Count | None = None
    """Subjects in each of the two groups with which a ratio as large as the one seen would be called with 80 % power, if they
    depended on each other as these do. Null where there is no ratio, or ten million would not do."""
    needed_subjects_for_double: Count | None = None
    """Likewise for a group with twice the reference's rate."""
    reason: Reason | None = None


class PoolGroup(Part):
    """A group in the pool that sets the threshold."""

    group: str
    weight: Share
    subjects: Count
    comparisons: Count


class LeftOut(Part):
    """A group that has no say in the threshold."""

    group: str
    subjects: Count
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
    comparisons: Count


class PoolErrors(Part):
    """The pool's false matches that set a threshold at a target: how much they tell, and who carries them.

    Shares are given to the nearest tenth, and only above a third: those of one pair of people, and of one group (both people in it),
    as the pool's weights count errors. Which pair it is, only the private part knows.
    """

    expected: NotNegative
    """The target times the pool's comparisons."""
    effective: NotNegative | None
    """Of the errors found: independent ones that would tell as much. Below 10 no verdict rests on the threshold."""
    share_of_one_pair: Share | None = None
    group: str | None = None
    share_of_group: Share | None = None


class SamePerson(Part):
    """Non-mated comparisons at or above the model's `likely_same_person`.

    A set without subject labels holds some people twice. Where labels say who is who, these may be one person under two ids, wrong
    labels, or relatives who look alike.
    """

    labelled: bool = False
    """Labels say who is who: a verdict is withheld where such comparisons are more than half of the pool's errors, and no target is
    refused for them. Else a verdict needs both readings, and from more than half a target is refused."""
    threshold: float
    native_threshold: float
    comparisons: Count | None = None
    """All of them, between groups too; null in results of before this was kept."""
    share_of_pool_errors: Share | None
    by_group: dict[str, Count]
    """Within-group comparisons at or above `threshold`."""
    share_by_group: dict[str, Share] = Field(default_factory=dict)
    """Their share of each group's errors at the operating point, of groups of 8 errors or more."""
    contaminated: bool
    """More than 5 % of the pool's errors; where labels say who is who, more than half."""
    refused: bool
    """More than half, and nothing says who is who: no threshold can be set on such data."""


class Overall(Part):
    """Rates on the pool, and on all pairs."""

    fmr: Rate | None
    fnmr: Rate | None
    fmr_all_pairs: Rate | None = None
    fnmr_all_pairs: Rate | None = None


class Withheld(Part):
    """Why no verdict is given at a threshold, whatever the tests say.

    reason: "mated_not_above", images of one person score no higher than images of two, or hardly; "fnmr_over_half", at a target more
    than half of the mated comparisons fall below the threshold. Either way scores, labels or faces are probably not what they are
    taken for.
    """

    reason: Literal["mated_not_above", "fnmr_over_half"]
    mated_above: Share | None
    """As `Comparisons.mated_above`."""
    errors: Count
    comparisons: Count
    """Mated comparisons below the threshold, and all."""


class OperatingPoint(Part):
    """One threshold for everybody, and what follows at it.

    `without_likely_same_person` is the second reading: the same, threshold included, without comparisons that look like one person.
    On a set without subject labels it is there at a contaminated point, and where more than 5 % of a single group's errors are such
    comparisons, and a verdict stands only if both agree; on a set with labels wherever there is such a comparison (`SamePerson`).
    A target that was asked for by name may have a threshold that rests on too few errors: then `reason` says so, and no verdict stands.
    """

    origin: Literal["target", "published", "fixed"]
    target_fmr: Share | None = None
    threshold: float | None
    native_threshold: float | None
    """In the model's own unit."""
    achieved_fmr: Share | None
    """Of the pool."""
    status: Literal["ok", "refused", "contaminated"]
    reason: Reason | None = None
    detail: str = ""
    needs_comparisons: Count | None = None
    """How many comparisons the pool would need for this target."""
    pool: Pool | None
    overall: Overall | None = None
    fmr: list[Rate] = Field(default_factory=list)
    fnmr: list[Rate] = Field(default_factory=list)
    fmr_matrix: list[Rate] = Field(default_factory=list)
    differential: Differential | None = None
    contrasts: list[Contrast] = Field(default_factory=list)
    pool_errors: PoolErrors | None = None
    """At a target. Where it was refused for too few effective errors: those at the threshold that it would have had."""
    unadjusted: list[Contrast] = Field(default_factory=list)
    """Ratios as sampled, where a cell under 30 subjects leaves no matched one: not adjusted for the run's other attributes, outside the
    family of `contrasts`, without a p-value, and never called. Each has a ratio; its verdict is "none"."""
    same_person: SamePerson | None = None
    without_likely_same_person: OperatingPoint | None = None
    withheld: Withheld | None = None
    """Null: verdicts are what the tests say."""


class Group(Part):
    """A group of subjects and its size.

    `merged` > 0, in results of before small groups left a run: stands for that many groups of fewer than 10 subjects.
    """

    group: str
    values: list[str]
    subjects: Count
    samples: Count
    merged: Count = 0


class FailedComparisons(Part):
    """Comparisons of one group that were attempted, both samples in it, and those of them that could not be made.

    For want of a template, or with an empty score; of a score file also those that the images of `--failures` would have been in:
    attempted ones then are those listed, divided by each image's chance of a template in its group.
    """

    group: str
    mated: Count
    mated_failed: Count
    non_mated: Count
    non_mated_failed: Count


class Quartiles(Part):
    """Lower quartile, median, upper quartile of one covariate in one group."""

    group: str
    n: Count
    q1: float | None
    median: float | None
    q3: float | None

    @model_validator(mode="after")
    def _rises(self) -> Self:
        present = [quartile for quartile in (self.q1, self.median, self.q3) if quartile is not None]
        if present != sorted(present):
            raise ValueError(f"the quartiles of {self.group} do not rise")
        return self


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
    mated: list[Count]
    non_mated: list[Count]
    effective_n: list[NotNegative | None] | None = None
    """Effective number of non-mated comparisons with the threshold at edges[i]; null where it was not computed."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        bins = max(0, len(self.edges) - 1)
        same_length("curve", bins, mated=self.mated, non_mated=self.non_mated, effective_n=self.effective_n)
        return self


class Separation(Part):
    """How far the scores of one group's mated and non-mated comparisons lie apart; both samples in the group, as sampled.

    A description, not an operating point: nobody can set a threshold for each group, and at its own one every group looks well.
    """

    group: str
    mated: Count
    non_mated: Count
    mated_mean: float | None = None
    mated_sd: NotNegative | None = None
    non_mated_mean: float | None = None
    non_mated_sd: NotNegative | None = None
    bin_width: NotNegative | None = None
    """The non-mated mean and standard deviation come from a histogram of such bins: each is right to half of it. The rest is exact."""
    d_prime: float | None = None
    """(mated mean - non-mated mean) / √(mean of the two variances)."""
    eer: Share | None = None
    """The rate at which FMR and FNMR are equal: the middle of `eer_within`."""
    eer_within: ShareInterval | None = None
    """Where it lies. Both rates rise and fall in steps; below the ledger's floor the histogram's bins widen it."""
    eer_threshold: float | None = None
    """Where FMR and FNMR come closest, as a similarity."""
    cllr: NotNegative | None = None
    """Log-likelihood-ratio cost under one calibration for all groups of 30 people with mated comparisons, in which each weighs the
    same: 0 is perfect, 1 is worth no more than knowing no score, above 1 scores mislead. From bins of `bin_width`, as the next two."""
    min_cllr: Share | None = None
    """The same under a calibration of the group's own, which is the least that any can cost."""
    miscalibration: NotNegative | None = None
    """cllr - min_cllr: what it costs the group that scores mean the same for everybody. Chance adds to it where scores are few."""
    reason: Reason | None = None
    """Why there is no EER; of a group that has one, why there is no `cllr`. Groups of 30 people on both sides have d′ and `min_cllr`."""


class SweptRate(Part):
    """A group's FMR or FNMR at every threshold of a sweep; its lists go with `Sweep.thresholds`. Empty if suppressed: see `reason`."""

    group: str
    measure: Literal["fmr", "fnmr"]
    design: Design
    subjects: Count
    comparisons: Count
    errors: list[Count] = Field(default_factory=list)
    rate: list[Share] | None = None
    """Of a mean over cells; null where it is errors / comparisons."""
    effective_n: list[NotNegative | None] = Field(default_factory=list)
    """The n of Wilson's interval; null where no interval may be given: zero errors, fewer than 50 subjects, below the ledger."""
    effective_errors: list[NotNegative | None] = Field(default_factory=list)
    df: Positive | list[Positive | None] | None = None
    """Of Student's t; one number where it is the same at all thresholds."""
    upper: list[Share | None] | None = None
    """The upper end where it is not Wilson's: of under 10 errors the bound, [0, this], and where Wilson's is below that of fewer errors
    at another threshold. It never falls as errors rise. Null: Wilson's, or none. No list in records of before."""
    design_effect: list[NotNegative | None] | None = None
    """Behind the bound, with under 10 errors; null where no like group has an error: the bound is as if comparisons were independent."""
    bounds: Bounds | None = None
    """For experts, where there are zero errors: see `Bounds`."""
    ratio_at_least: list[NotNegative | None] | None = None
    """Where the lower side has few errors: the larger rate is at least so many times the smaller (`FewErrors.at_least`)."""
    ratio_log_half_width: list[NotNegative | None] | None = None
    """The ratio to the reference has the 95 % interval ratio × exp(± this). Null where it may not be told: fewer than 30
    effective errors on the side with more or 8 on the other. No list: the reference itself, or a group that none is compared with."""
    reason: Reason | None = None


class Sweep(Part):
    """All groups at many thresholds, each the same for everybody: the counts and the uncertainty that a threshold slider shows.

    Numbers have seven significant digits, which is what they may differ by from those at the operating points.
    """

    thresholds: list[float]
    """Similarities, rising: those of the operating points, and edges of the histograms between them."""
    first_with_uncertainty: Count
    """Position of the first threshold in the ledger. Below it errors are counted, but not by subject: false matches have no interval."""
    pool_fmr: list[Share | None]
    rates: list[SweptRate]
    """At most 60 groups: the reference and the largest."""
    without_likely_same_person: Sweep | None = None
    """The same without comparisons at or above the model's `likely_same_person`; of a set with subject labels if there are any."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        length = len(self.thresholds)
        same_length("sweep", length, pool_fmr=self.pool_fmr)
        for swept in self.rates:
            listed = {"effective_n": swept.effective_n, "effective_errors": swept.effective_errors}
            same_length("sweep", length if swept.reason is None else 0, errors=swept.errors, **listed)
            same_length("sweep", length, rate=swept.rate, ratio_log_half_width=swept.ratio_log_half_width)
            more = {"design_effect": swept.design_effect, "ratio_at_least": swept.ratio_at_least}
            same_length("sweep", length, upper=swept.upper, **more)
        return self


class Grouping(Part):
    """One way of dividing the subjects: by one attribute, or by several at once."""

    attributes: list[str]
    groups: list[Group]
    reference: str | None
    unlabelled: Count
    """Samples in no group."""
    mixed_mated: Count
    """Mated comparisons whose two samples are in different groups."""
    covariates: list[Covariate] = Field(default_factory=list)
    operating_points: list[OperatingPoint] = Field(default_factory=list)
    curves: list[Curve] = Field(default_factory=list)
    separation: list[Separation] = Field(default_factory=list)
    sweep: Sweep | None = None
    failed_comparisons: list[FailedComparisons] = Field(default_factory=list)
    """Of each group; empty if failures are not known."""
    groups_not_above: list[str] = Field(default_factory=list)
    """Groups of 30 people or more with mated comparisons that score no higher than the group's non-mated ones, or hardly: no verdict."""
