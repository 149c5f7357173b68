"""Controlled experiments: the same subjects under every condition."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faceparity.harness.results.parts.base import Count, Interval, NotNegative, Part, Positive, Rate, RatioInterval, Reason, Share


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
    subjects: Count
    """With as many images as the card says."""
    complete: Count
    """Of those, with a template from every image: only they are compared."""
    images: Count
    failed: Count
    non_mated_score: float | None = None
    mated_score: float | None = None
    """Means over comparisons, of `compared` subjects; null below 30 of them, or without mated comparisons."""
    compared: Count
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
    subjects: Count
    dropped: Count
    """Subjects left out because a template is lacking."""
    comparisons: Count
    """On each side; for ftx images."""
    value: float | None = None
    reference_value: float | None = None
    """Either is null on a side without errors: that is no rate of zero, though the difference counts it so."""
    difference: float | None = None
    interval: Interval | None = None
    df: Positive | None = None
    p: Share | None = None
    p_holm: Share | None = None
    verdict: Literal["higher", "lower", "inconclusive", "none"] = "none"
    errors: Count | None = None
    reference_errors: Count | None = None
    effective_errors: NotNegative | None = None
    """Of the side with the higher rate: errors / design effect, with max(binomial, jackknife)."""
    only_here: Count | None = None
    only_reference: Count | None = None
    """ftx: images that failed on one side and whose twin on the other did not."""
    ratio: NotNegative | None = None
    ratio_interval: RatioInterval | None = None
    """Jackknifed on the log scale; null with fewer than 10 errors on either side."""
    bound: Share | None = None
    """At zero errors on both sides: neither rate is above this, 3 / ⌊subjects / 2⌋."""
    reason: Reason | None = None


class PairedPoint(Part):
    """Rates and differences at one of the run's operating points, found by origin and target_fmr. threshold null: refused, see there.

    across: FNMR of one image under condition `group` and one of the same subject under `group_b`, which differs in one factor.
    """

    origin: Literal["target", "published", "fixed"]
    target_fmr: Share | None = None
    threshold: float | None
    native_threshold: float | None
    fmr: list[Rate] = Field(default_factory=list)
    fnmr: list[Rate] = Field(default_factory=list)
    across: list[Rate] = Field(default_factory=list)
    differences: list[PairedDifference] = Field(default_factory=list)


class Paired(Part):
    """A controlled experiment: each subject recorded under every condition, all else being the same."""

    unit: Literal["subject"]
    captures: Count
    factors: list[PairedFactor]
    reference: str
    """The condition of all reference levels."""
    subjects: Count
    same_subjects: Count | None
    """How many subjects are complete under every condition, if the means and rates by condition rest on them."""
    conditions: list[PairedCondition]
    differences: list[PairedDifference]
    """Of scores and of failures to extract."""
    operating_points: list[PairedPoint]
