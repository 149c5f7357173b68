"""What was left out by name, and the results with it."""

from __future__ import annotations

from typing import Literal

from faceparity.harness.results.parts.base import Count, Design, Part, Rate, Share

ExclusionReason = Literal["wrong_label", "same_person", "relative", "duplicate", "bad_image", "other", "not_given"]


class ExcludedCount(Part):
    """How many samples and comparisons were excluded for one reason, in the words of `--exclude`; any other text is "other"."""

    reason: ExclusionReason
    samples: Count
    comparisons: Count


class ExclusionCounts(Part):
    """What there was to measure with."""

    subjects: Count
    samples: Count
    templates: Count
    non_mated: Count
    mated: Count


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
    target_fmr: Share | None = None
    threshold_before: float | None
    threshold_after: float | None
    native_threshold_before: float | None
    native_threshold_after: float | None
    achieved_fmr_before: Share | None
    achieved_fmr_after: Share | None
    rates: list[ExclusionRate]


class Exclusion(Part):
    """What a person left out by name (`--exclude`), and what that changed. The rest of the record is without it.

    samples: images named. comparisons: of those named, how many were left out; not those of an excluded image, nor those left
    out in any case. listed_pairs: pairs of published lists that were taken out with them.
    """

    samples: Count
    comparisons: Count
    comparisons_mated: Count
    reasons: list[ExcludedCount]
    listed_pairs: Count = 0
    before: ExclusionCounts
    after: ExclusionCounts
    points: list[ExclusionPoint]
