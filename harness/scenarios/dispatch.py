"""Every kind of scenario with its check before a run and its evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.scenarios.base.context import ScenarioContext
from faceparity.harness.scenarios.base.schema import Scenario, ScenarioBase
from faceparity.harness.scenarios.search import lineup, search
from faceparity.harness.scenarios.watchlist import watchlist
from faceparity.harness.verification.rates.score_order import ScoreOrder, withhold_within


@dataclass(frozen=True)
class Kind:
    """The functions of one kind of scenario.

    check: raises UserError if the scenario does not fit the data set's people, before the first image is read.
    evaluate: returns its part of the record; what the data do not allow is null with a reason.
    """

    check: Callable[[Any, Dataset, Sequence[SampleGrouping]], None]
    evaluate: Callable[[Any, ScenarioContext], results.Scenario]


KINDS: dict[str, Kind] = {
    "watchlist": Kind(watchlist.check, watchlist.evaluate),
    "search": Kind(search.check, search.evaluate),
    "gallery": Kind(search.check, search.evaluate),
    "lineup": Kind(lineup.check, lineup.evaluate),
}


def check_scenarios(scenarios: Sequence[Scenario], dataset: Dataset, groupings: Sequence[SampleGrouping]) -> None:
    """Check that every scenario fits the data set.

    groupings: of all samples. Raises UserError, which names the scenario and the data set, if one does not fit.
    """
    for scenario in scenarios:
        try:
            _kind(scenario).check(scenario, dataset, groupings)
        except UserError as error:
            raise UserError(f"scenario {scenario.name} on {dataset.name}: {error}") from None


def evaluate_scenarios(scenarios: Sequence[Scenario], context: ScenarioContext) -> list[results.Scenario]:
    """Return the record of each scenario, in the order given.

    Verdicts are withheld as at an operating point with the scenario's threshold.
    """
    order = ScoreOrder(context.evidence)
    return [_withheld(_kind(scenario).evaluate(scenario, context), order) for scenario in scenarios]


def _withheld(scenario: results.Scenario, order: ScoreOrder) -> results.Scenario:
    at = scenario.threshold
    if at is None or at.threshold is None:
        return withhold_within(scenario, "mated_not_above") if order.is_reversed else scenario
    found = order.withheld(at.threshold, is_target=at.origin == "target_fmr")
    return scenario if found is None else withhold_within(scenario, found.reason)


def _kind(scenario: ScenarioBase) -> Kind:
    name = getattr(scenario, "kind", "")
    if name not in KINDS:
        raise UserError(f"kind = {name!r} can't be run; one of {', '.join(KINDS)} can")
    return KINDS[name]
