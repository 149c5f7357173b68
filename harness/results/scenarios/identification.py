"""Searches in galleries, and line-ups, simulated on the data."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from faceparity.harness.results.parts.base import (
    Count,
    NotNegative,
    Part,
    Rate,
    RatioInterval,
    Reason,
    Share,
    ShareInterval,
    same_length,
)
from faceparity.harness.results.scenarios.scenario_base import ScenarioPart, ScenarioRatio


class ScenarioGallery(Part):
    """Who is in a gallery, drawn at random from those who could be."""

    people: Count
    enrollable: Count
    """People of whom a template could be made."""
    failed: Count
    """People of whom none could."""
    images: Literal["one", "all"]
    drawn_by_group: dict[str, Count] = Field(default_factory=dict)
    """Of a gallery with a make-up of its own; empty if people are drawn as the data has them."""
    published: str | None = None


class ScenarioProbes(Part):
    """What is searched. A person's search is mated if the gallery has the person, non-mated if it does not; each is measured as both."""

    people: Count
    searches: Count
    failed: Count
    """Probes without a template."""
    mated: Count
    failed_mated: Count
    """Searches for somebody in the gallery in which the probe, or the person's template, could not be made."""
    same_photo: Count
    """Probes with no other photograph of the person to be found by; searched only as non-mated ones."""
    unlabelled: Count
    """Probes in no group; they count in the rates over everybody."""


class SearchRankRates(Part):
    """Searches for somebody in the gallery whose person is not among the first `rank`, whatever the score: 1 - the hit rate."""

    rank: Count
    missed: list[Rate]


class GroupShare(Part):
    """A group's share of the searches of people who are not in the gallery, and of the false alarms among them."""

    group: str
    searches: Share
    errors: Share | None
    interval: ShareInterval | None = None


class OwnGroup(Part):
    """How often the first candidate of a search for somebody not in the gallery, whatever the score, is of the probe's own group."""

    rate: Rate
    expected: Share | None
    """Were candidates drawn blindly from the gallery."""


class ScenarioContrast(ScenarioRatio):
    """A group's rate over the reference group's. p_holm: over all groups and both measures."""

    measure: Literal["fpir", "fnir"]
    group: str


class GroupNumber(Part):
    """A number of one group; null below 30 people."""

    group: str
    value: NotNegative | None


class CmcCurve(Part):
    """Closed set: hit_rates[r - 1] is the share of searches that have the person among the first r."""

    group: str
    hit_rates: list[Share]


class DetCurve(Part):
    """Open set: FPIR and FNIR (at any rank) at each of `SearchesPart.det_thresholds`, the same for all groups."""

    group: str
    fpir: list[Share]
    fnir: list[Share]
    """Empty without mated searches."""


class SearchesPart(ScenarioPart):
    """Everybody searched in galleries of the others.

    Rates are means over all galleries of that size that could be drawn: nothing is simulated. Their intervals are by probe and gallery
    subjects. The first rate of a list is over everybody, then by group.
    """

    candidates: Count | None = None
    """Length of the list that comes back."""
    gallery: ScenarioGallery | None = None
    probes: ScenarioProbes | None = None
    no_mates: Reason | None = None
    """Why nobody is searched for who is in the gallery."""
    fpir: list[Rate] = Field(default_factory=list)
    fnir: list[Rate] = Field(default_factory=list)
    """The person below the threshold or not in the list."""
    first_is_other: list[Rate] = Field(default_factory=list)
    """Of searches for somebody in the gallery: the first candidate is somebody else, and at or above the threshold."""
    selectivity: list[GroupNumber] = Field(default_factory=list)
    """Mean number of candidates at or above the threshold of a search for somebody who is not in the gallery."""
    ranks: list[SearchRankRates] = Field(default_factory=list)
    own_group: list[OwnGroup] = Field(default_factory=list)
    shares: list[GroupShare] = Field(default_factory=list)
    contrasts: list[ScenarioContrast] = Field(default_factory=list)
    cmc: list[CmcCurve] = Field(default_factory=list)
    det_thresholds: list[float] = Field(default_factory=list)
    det: list[DetCurve] = Field(default_factory=list)
    same_person_share: Share | None = None
    """How much of FPIR is candidates that look like the probe's own person."""
    fpir_without_likely_same_person: list[Rate] = Field(default_factory=list)
    """Where there are any; of a set without subject labels, where they are more than 5 %."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for curve in self.det:
            same_length("det", len(self.det_thresholds), fpir=curve.fpir, fnir=curve.fnir or None)
        return self


class SearchScenario(SearchesPart):
    """Probes searched in a gallery; a list of candidates comes back."""

    kind: Literal["search"] = "search"


class GalleryScenario(SearchesPart):
    """A traveller searched in a small gallery; the first candidate counts."""

    kind: Literal["gallery"] = "gallery"


class LineupGroup(Part):
    """A group's people in the line-up and among those falsely matched. Tests and `ratio_independent` take people as independent."""

    group: str
    people: Count
    share_of_people: Share
    """Of those with a label who could be searched."""
    share_of_gallery: Share | None = None
    """Of those with a label in the gallery."""
    flagged: Count | None
    """Null below 30 people."""
    share_of_flagged: Share | None
    rate: Rate
    ratio_to_others: NotNegative | None = None
    """Of the group's rate to everybody else's."""
    interval_independent: RatioInterval | None = None
    """Of that ratio, Katz's: assumes independent probes."""
    p_hypergeometric: Share | None = None
    """One-sided: so many of the group, or more, among the flagged by chance. Assumes independent probes."""
    p_fisher: Share | None = None
    """Two-sided. Assumes independent probes."""
    by_subjects: ScenarioRatio | None = None
    """The same ratio by the jackknife over everybody searched or in the gallery; it alone decides what may be said."""


class LineupScenario(ScenarioPart):
    """A named set of people, one image of each, searched in a gallery of others: whoever is matched is matched falsely."""

    kind: Literal["lineup"] = "lineup"
    people: Count | None = None
    people_left_out: Count = 0
    """People of groups of fewer than 10 in the line-up, who are in none of its figures. 0 where labels are public."""
    gallery_people: Count | None = None
    failed_people: Count | None = None
    """Probes without a template: they can't be matched, and count as people all the same where failures count."""
    failed_gallery: Count | None = None
    images: Literal["one", "all"] | None = None
    overall: Rate | None = None
    implied_fmr: Share | None = None
    """Of one comparison, were comparisons independent: 1 - (1 - FPIR)^(1/N)."""
    groups: list[LineupGroup] = Field(default_factory=list)
    unlabelled: Count | None = None
    same_person_share: Share | None = None
    """How many of the people matched have somebody above the score of one person."""
