"""What a watchlist does to each group."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from faceparity.harness.results.parts.base import Count, NotNegative, Part, Rate, Reason, Share, ShareInterval
from faceparity.harness.results.scenarios.scenario_base import ScenarioPart, ScenarioRatio


class WatchlistGroup(Part):
    """What a watchlist does to one group, or to everybody. Alerts are expected numbers in the crowd that is declared.

    fpir: of people on no list, a mean over all lists of this size and make-up; each person weighs the same. Its comparisons are
    people searched for, its errors those whom some list would have stopped. Intervals are by people, of crowd and list alike.
    """

    group: str
    people: Count
    """Who can be listed or walk past: with a template, and images in one group only."""
    listed: Count
    listed_share: Share
    crowd_share: Share
    """Among those on no list."""
    fpir: Rate
    predicted_fpir: Share | None = None
    """By the formula, from FMR between groups, as if comparisons and frames were independent."""
    no_errors_with: list[str] = Field(default_factory=list)
    """Groups of the list with which no false match was seen: FMR 0 in the formula."""
    spread: ShareInterval | None = None
    """Between draws, not an interval: of the simulated lists, 95 % gave an FPIR in this range."""
    selectivity: NotNegative | None = None
    """Mean number of listed people whom one not on the list matches."""
    predicted_selectivity: NotNegative | None = None
    fnir: Rate | None = None
    """Of people on the list: the share who pass unnoticed. Null without two images of one person."""
    false_alerts: NotNegative | None = None
    true_alerts: NotNegative | None = None
    share_of_false_alerts: Share | None = None
    share_interval: ShareInterval | None = None
    precision: Share | None = None
    """Share of alerts that are right."""
    precision_interval: ShareInterval | None = None
    ratio: ScenarioRatio | None = None


class WatchlistReading(Part):
    """Every group, and everybody in the shares of the crowd."""

    groups: list[WatchlistGroup]
    overall: WatchlistGroup


class WatchlistAt(Part):
    """One group's FPIR at one size of the list."""

    group: str
    fpir: Share | None = None
    interval: ShareInterval | None = None
    predicted_fpir: Share | None = None
    reason: Reason | None = None


class WatchlistSize(Part):
    """FPIR of every group, and of everybody, for a list of so many people."""

    people: Count
    groups: list[WatchlistAt]


class WatchlistScenario(ScenarioPart):
    """A crowd compared with a list of people."""

    kind: Literal["watchlist"] = "watchlist"
    listed: Count = 0
    """People on the list."""
    images: Literal["one", "all"] = "one"
    """Of each listed person: one image, drawn at random, or all there are."""
    listed_images: NotNegative | None = None
    """Images on the list; with "all" the expected number."""
    crowd: Count = 0
    frames: Count = 1
    """Images searched of each person, as declared."""
    frames_measured: Count = 1
    """Of which so many were measured: less where the data has too few images of people."""
    watchlisted: Share = 0.0
    """The share of the crowd who are on the list."""
    make_up_listed: str = "data"
    make_up_crowd: str = "data"
    draws: Count = 0
    """Simulated lists, for the spread; rates are exact means over all lists."""
    reading: WatchlistReading | None = None
    without_likely_same_person: WatchlistReading | None = None
    """As if matches that look like one person under two names had not been."""
    same_person_labelled: bool = False
    """Labels say who is who: these may be relatives or wrong labels, and only where they are most matches no verdict stands."""
    likely_same_person: Count = 0
    """Such matches."""
    sizes: list[WatchlistSize] = Field(default_factory=list)
    """Measured, up to what the data supports."""
    extrapolation: list[WatchlistSize] = Field(default_factory=list)
    """By the formula alone, beyond what was measured."""
    unlabelled: Count = 0
    """Images in no group."""
    several_groups: Count = 0
    """People with images in several groups; left out."""
    without_template: Count = 0
    """People of whom no image gave a template; they can't be listed, and pass unseen."""
    left_out_comparisons: Count = 0
    """Comparisons that were not made; they count as no match."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for size in (*self.sizes, *self.extrapolation):
            if [at.group for at in size.groups] != [at.group for at in (self.sizes or self.extrapolation)[0].groups]:
                raise ValueError(f"a list of {size.people} people has other groups than the first")
        return self
