"""One to many: watchlists, searches, small galleries and line-ups, simulated on the data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .part import Part, Rate, Reason

ScenarioOrigin = Literal["target_fmr", "published", "fixed", "target_fpir"]


class ScenarioThreshold(Part):
    """The one threshold of a scenario, or why there is none."""

    origin: ScenarioOrigin
    target: float | None = None
    threshold: float | None
    native_threshold: float | None
    achieved_fmr: float | None = None
    """Of the run's pool."""
    achieved_fpir: float | None = None
    reason: Reason | None = None
    needs: int | None = None
    """Comparisons, or searches, that the target would take."""


class ScenarioPart(Part):
    """What every kind has. A scenario without a threshold, or that the data do not allow, has a reason and no figures."""

    name: str
    title: str = ""
    source: str = ""
    attributes: list[str]
    """People are grouped by these."""
    threshold: ScenarioThreshold | None = None
    reason: Reason | None = None
    detail: str = ""


class WatchlistScenario(ScenarioPart):
    """A crowd compared with a list of people."""

    kind: Literal["watchlist"] = "watchlist"
    fpir: list[Rate] = Field(default_factory=list)


class SearchScenario(ScenarioPart):
    """Probes searched in a gallery."""

    kind: Literal["search"] = "search"


class GalleryScenario(ScenarioPart):
    """A traveller searched in a small gallery."""

    kind: Literal["gallery"] = "gallery"


class LineupScenario(ScenarioPart):
    """A named set of probes searched in a gallery of others."""

    kind: Literal["lineup"] = "lineup"


Scenario = Annotated[WatchlistScenario | SearchScenario | GalleryScenario | LineupScenario, Field(discriminator="kind")]
