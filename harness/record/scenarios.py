"""One to many: watchlists, searches, small galleries and line-ups, simulated on the data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .scenario_part import ScenarioPart
from .watchlists import WatchlistScenario


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
