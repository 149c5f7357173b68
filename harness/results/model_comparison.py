"""Two models on the same comparisons."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faceparity.harness.results.parts.base import (
    Count,
    Design,
    Interval,
    NotNegative,
    Part,
    Positive,
    RatioInterval,
    Reason,
    Share,
)


class ModelChange(Part):
    """One figure of two models on the comparisons that both made, each at its own threshold.

    quantity: "rate", or "disparity": the group's rate over the reference's. first, second: each model's. ratio: first over second;
    interval and p are its, by subjects, with a variance of at least that over replicates where there are any. p_holm, p_bh: over
    all changes of this quantity in the grouping, FMR and FNMR together. verdict: of the first model against the second; "higher" or
    "lower" only past the gates of `Contrast` in both models, with at least 10 effective comparisons that one model gets wrong and
    the other right. Where a rate is too low for these gates, but there are 30 such comparisons, p is that of the difference.
    """

    measure: Literal["fmr", "fnmr", "ftx", "frr"]
    """frr: FNMR with failures to extract a template counted as non-matches, over the comparisons attempted."""
    quantity: Literal["rate", "disparity"]
    design: Design
    group: str
    reference: str | None = None
    subjects: Count
    comparisons: Count
    errors_first: Count | None = None
    errors_second: Count | None = None
    errors_both: Count | None = None
    first: NotNegative | None = None
    second: NotNegative | None = None
    difference: float | None = None
    difference_interval: Interval | None = None
    ratio: NotNegative | None = None
    interval: RatioInterval | None = None
    interval_reestimated: RatioInterval | None = None
    """Percentiles of a bootstrap over subjects in which both thresholds are found anew; null at thresholds not set on these data."""
    df: Positive | None = None
    p: Share | None = None
    p_holm: Share | None = None
    p_bh: Share | None = None
    effective_discordant: NotNegative | None = None
    verdict: Literal["higher", "lower", "inconclusive", "none"]
    reason: Reason | None = None


class ModelChanges(Part):
    """All changes of one grouping. including_failures: of FRR, a family of its own; empty where no model failed on a mated pair."""

    attributes: list[str]
    reference: str | None
    changes: list[ModelChange]
    including_failures: list[ModelChange] = Field(default_factory=list)


class ModelComparison(Part):
    """Two models on the same comparisons. Those that only one of them made are left out and counted, per model."""

    first: str
    second: str
    threshold_first: float
    threshold_second: float
    non_mated: Count
    mated: Count
    left_out_first: Count
    left_out_second: Count
    overall: list[ModelChange]
    """Design `matched`: mean over the groups of 30 subjects or more of the finest grouping; `all`: all pairs."""
    groupings: list[ModelChanges]
