"""The context of every scenario: one model's comparisons on one data set, and its thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.groups.groupings import Cells, SampleGrouping
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.scenarios.base.schema import ScenarioBase, ThresholdSource
from faceparity.harness.templates.extract import Templates
from faceparity.harness.verification.rates.verdict_rules import target_is_refused
from faceparity.harness.verification.same_person import same_person_share
from faceparity.harness.verification.threshold.target_threshold import find_threshold
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool


@dataclass(frozen=True)
class ScenarioContext:
    """The comparisons of one model on one data set.

    evidence: its arrays are per template, in the order of `templates.samples`. cells: of all samples, failed ones too.
    groupings: the run's, the finest last. same_person: similarity from which two samples of different people look like one person;
    None where the model has none.
    """

    dataset: Dataset
    card: ModelCard
    templates: Templates
    evidence: Evidence
    cells: Cells
    groupings: Sequence[SampleGrouping]
    pool: ThresholdPool
    same_person: float | None
    seed: int
    references: tuple[str, ...] = ()
    """Named reference groups, ATTRIBUTE=VALUE."""
    workers: int = 1

    @property
    def labelled(self) -> bool:
        """Return whether labels say who is who."""
        return self.dataset.identity != "none"

    def grouping(self, by: Sequence[str]) -> SampleGrouping:
        """Return the run's grouping by these attributes.

        The finest grouping if none are named. Raises UserError if the run has no such groups.
        """
        return grouping_of(self.groupings, by)

    def threshold(self, at: ThresholdSource) -> results.ScenarioThreshold:
        """Return the threshold that a scenario names.

        Its `reason` says why there is none. Raises ValueError for a target FPIR, which a scenario finds on its own searches.
        """
        if at.target_fpir is not None:
            raise ValueError("a target FPIR is found on the scenario's own searches")
        sign = self.card.score.sign
        if at.target_fmr is not None:
            found = find_threshold(self.pool, self.evidence, at.target_fmr)
            if found.threshold is not None and target_is_refused(self._same_person_share(found.threshold), self.labelled):
                return to_threshold("target_fmr", at.target_fmr, None, sign, None, "mostly_same_person")
            return to_threshold("target_fmr", at.target_fmr, found.threshold, sign, found.achieved, found.reason, found.needs)
        if at.published and self.card.published_threshold is None:
            return to_threshold("published", None, None, sign, None, "no_published_threshold")
        native = at.fixed if at.published is None else getattr(self.card.published_threshold, "native", None)
        assert native is not None
        threshold = float(str(np.float32(sign * native)))
        origin: results.ScenarioOrigin = "published" if at.published else "fixed"
        return to_threshold(origin, None, threshold, sign, self.pool.fmr(self.evidence, threshold))

    def _same_person_share(self, threshold: float) -> float:
        """Return the share of likely same-person errors in the pool.

        These errors look like one person under two names: they reach `same_person`.
        """
        if self.same_person is None:
            return 0.0
        return same_person_share(self.pool, self.evidence, threshold, self.same_person)


def to_threshold(
    origin: results.ScenarioOrigin,
    target: float | None,
    threshold: float | None,
    sign: int,
    achieved_fmr: float | None = None,
    reason: results.Reason | None = None,
    needs: int | None = None,
) -> results.ScenarioThreshold:
    """Return the record of a threshold given as a similarity.

    threshold: None where it was refused, for `reason`.
    """
    native = None if threshold is None else threshold * sign
    return results.ScenarioThreshold(
        origin=origin, target=target, threshold=threshold, native_threshold=native, achieved_fmr=achieved_fmr, reason=reason,
        needs=needs,
    )  # fmt: skip


def grouping_of(groupings: Sequence[SampleGrouping], by: Sequence[str]) -> SampleGrouping:
    """Return the grouping by these attributes, in any order.

    The finest, which is the last, if none are named. Raises UserError if there is no such grouping.
    """
    if not by:
        return groupings[-1]
    found = next((grouping for grouping in groupings if set(grouping.attributes) == set(by)), None)
    if found is None:
        has = "; ".join(", ".join(grouping.attributes) for grouping in groupings if grouping.attributes)
        raise UserError(
            f"by = [{', '.join(by)}]: the run has no such groups; it has {has or 'none'}: correct by, or name them with --by"
        )
    return found


def base_fields(scenario: ScenarioBase, grouping: SampleGrouping) -> dict[str, object]:
    """Return the fields that records of every kind share."""
    return {
        "name": scenario.name,
        "title": scenario.title,
        "source": scenario.source,
        "attributes": list(grouping.attributes),
    }
