"""What every scenario of one to many has in the record."""

from __future__ import annotations

from typing import Literal

from faceparity.harness.results.parts.base import Count, NotNegative, Part, RatioInterval, Reason, Share

ScenarioOrigin = Literal["target_fmr", "published", "fixed", "target_fpir"]


class ScenarioThreshold(Part):
    """The one threshold of a scenario, or why there is none."""

    origin: ScenarioOrigin
    target: Share | None = None
    threshold: float | None
    native_threshold: float | None
    achieved_fmr: Share | None = None
    """Of the run's pool."""
    achieved_fpir: Share | None = None
    reason: Reason | None = None
    needs: Count | None = None
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


class ScenarioRatio(Part):
    """A group's rate over the reference group's, with the verdict past the gates (Holm over the groups of the scenario)."""

    reference: str
    ratio: NotNegative | None
    interval: RatioInterval | None = None
    p: Share | None = None
    p_holm: Share | None = None
    verdict: Literal["higher", "lower", "inconclusive", "none"]
    reason: Reason | None = None
