"""Comparisons and searches that a benchmark publishes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faceparity.harness.results.parts.base import Count, NotNegative, Part, Rate, Reason, Share


class VerificationFold(Part):
    """One fold of a published list, judged at the threshold that is best on the other folds."""

    fold: Count
    """From 1, in the list's order."""
    threshold: float | None
    native_threshold: float | None
    compared: Count
    failed_mated: Count
    failed_non_mated: Count
    accuracy: Share | None
    """Share of right decisions among comparisons made."""
    accuracy_including_failures: Share | None
    """With each failed comparison as a non-match: right of a non-mated pair, wrong of a mated one."""


class VerificationGroup(Part):
    """The folds' decisions on the pairs of one group, each at its own fold's threshold, which is the same for all groups."""

    attributes: list[str]
    group: str
    subjects: Count
    compared: Count
    accuracy: Share | None
    reason: Reason | None = None


class Verification(Part):
    """A benchmark's own figure: the share of right decisions, mean over folds ± standard error.

    Undefined if a fold has no comparison, or its threshold nothing to be chosen on.
    """

    rule: str
    """How thresholds are chosen."""
    folds: list[VerificationFold]
    accuracy: Share | None
    standard_error: NotNegative | None
    """Sample standard deviation over √folds, as LFW publishes; null for a single fold."""
    standard_deviation: NotNegative | None
    accuracy_including_failures: Share | None
    standard_error_including_failures: NotNegative | None
    standard_deviation_including_failures: NotNegative | None
    groups: list[VerificationGroup] = Field(default_factory=list)
    reason: Reason | None = None


class ProtocolGroups(Part):
    """Rates of a published list by one grouping. A pair is in a group if both samples are; else it is mixed or unlabelled."""

    attributes: list[str]
    fmr: list[Rate]
    fnmr: list[Rate]
    mixed: Count
    unlabelled: Count


class ProtocolPoint(Part):
    """A published list at one threshold: the run's own operating points, then the benchmark's targets.

    origin "protocol": set on the list's own non-mated comparisons, as the smallest observed score with an FMR of at most the target.
    """

    origin: Literal["target", "published", "fixed", "protocol"]
    target_fmr: Share | None = None
    threshold: float | None
    native_threshold: float | None
    achieved_fmr: Share | None = None
    """Of the list's comparisons."""
    accuracy: Share | None = None
    """Share of right decisions among comparisons made; null below 30 people."""
    fmr: Rate | None = None
    fnmr: Rate | None = None
    """1 - TAR."""
    groupings: list[ProtocolGroups] = Field(default_factory=list)
    reason: Reason | None = None
    needs_comparisons: Count | None = None


class Protocol(Part):
    """A list of pairs that the data set's publisher gives, followed to the letter: its order, labels, repetitions and folds.

    mated, non_mated: pairs whose images are here, as the list labels them, of which failed_… have a sample without a template.
    """

    name: str
    source: str
    mated: Count
    non_mated: Count
    failed_mated: Count
    failed_non_mated: Count
    missing: Count
    """Listed pairs with an image that is not here; they are in no figure."""
    subjects: Count
    """People in the list; of a list without subject labels, the most that its mated pairs allow."""
    repeated: Count
    """Pairs that the list gives a second time; kept."""
    identical_images: Count
    """Pairs of one image with itself, under one name or two; kept."""
    contrary: Count
    """Pairs whose label contradicts the set's own subject labels; kept as listed."""
    n_folds: Count
    verification: Verification | None = None
    points: list[ProtocolPoint] = Field(default_factory=list)


class SearchGroups(Part):
    """Rates of a published search by the group of the probe; its gallery is of everybody. A probe without a label is in none."""

    attributes: list[str]
    fpir: list[Rate]
    fnir: list[Rate]
    unlabelled: Count
    """Searches of such probes."""


class SearchRank(Part):
    """How often the mate is among the first `rank` of the candidates, whatever its score. A tie counts against the mate."""

    rank: Count
    hit_rate: Share | None
    """1 - FNIR(N, R, -∞), as cumulative match characteristics plot it; null below 30 people and without searches."""
    hit_rate_including_failures: Share | None
    missed: Rate
    groupings: list[SearchGroups] = Field(default_factory=list)


class SearchPoint(Part):
    """A published search at one threshold, set on its own non-mated searches as the smallest observed top score with FPIR ≤ target.

    comparisons of a rate: searches. Its failures: searches of a probe without a template, or (FNIR) of a mate without one.
    """

    target_fpir: Share
    threshold: float | None
    """Null of a mean over galleries: each has its own."""
    native_threshold: float | None
    achieved_fpir: Share | None = None
    fpir: Rate | None = None
    fnir: Rate | None = None
    """At any rank; 1 - TPIR."""
    fnir_rank_1: Rate | None = None
    """The mate below the threshold, or not the first candidate."""
    selectivity: NotNegative | None = None
    """Mean number of candidates of a non-mated search; null below 30 people."""
    groupings: list[SearchGroups] = Field(default_factory=list)
    reason: Reason | None = None
    needs_searches: Count | None = None
    """Non-mated searches that the target would take, where there were too few."""


class SearchGallery(Part):
    """What the searches in one gallery came to, or the mean over all of them, of whose counts there are none."""

    name: str
    templates: Count | None = None
    failed_templates: Count | None = None
    """Of which no image gave a template."""
    absent_templates: Count | None = None
    """Listed, of which no image is here."""
    mated: Count | None = None
    non_mated: Count | None = None
    failed_mated: Count | None = None
    failed_non_mated: Count | None = None
    left_out: Count | None = None
    """Searches for somebody whose template in the gallery is absent; they are in no figure."""
    ranks: list[SearchRank]
    points: list[SearchPoint]


class Search(Part):
    """A published open-set search (1:N): every probe in each gallery, as one rate over searches; intervals are by probe subjects.

    Intervals take the gallery as given, and a threshold set on the same searches. mean: over galleries, each weighing the same.
    """

    name: str
    source: str
    probes: Count
    failed_probes: Count
    absent_probes: Count
    """Listed probes of which no image is here; they are in no figure."""
    subjects: Count
    galleries: list[SearchGallery]
    mean: SearchGallery | None = None
    """Null for a single gallery."""
