"""One to many: watchlists, searches, small galleries and line-ups, simulated on the data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from faceparity.harness.results.scenarios.identification import GalleryScenario, LineupScenario, SearchScenario
from faceparity.harness.results.scenarios.watchlists import WatchlistScenario

Scenario = Annotated[WatchlistScenario | SearchScenario | GalleryScenario | LineupScenario, Field(discriminator="kind")]
