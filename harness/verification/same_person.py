"""The guard against one person under two names: comparisons of different subjects that look like one person.

Where nobody says who is who (`identity: none`) they are probably hidden repeats. On a set with subject labels they may be one person
under two ids, wrong labels, or relatives; what follows from them is another (see `verdict_rules`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence, without_comparisons
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.verification.one_threshold import PointContext
from faceparity.harness.verification.rates.group_contrasts import agree
from faceparity.harness.verification.rates.verdict_rules import (
    CONTAMINATED_FROM,
    EFFECTIVE_IN_LOWER,
    needs_second_reading,
    target_is_refused,
    verdicts_are_withheld,
    withhold,
)
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool


def looks_alike(evidence: Evidence, same_person: float, threshold: float = -np.inf) -> NDArray[np.bool_]:
    """Return which of the ledger's comparisons look like one person.

    same_person: the similarity from which they do. threshold: only those that are errors at it.
    """
    return np.asarray(evidence.tally.ledger.score >= evidence.tally.grid.exact(max(threshold, same_person)), bool)


def without_same_person(setting: PointContext, same_person: float) -> PointContext:
    """Return the context without comparisons that look like one person."""
    return replace(setting, evidence=without_comparisons(setting.evidence, looks_alike(setting.evidence, same_person)))


def same_person_share(pool: ThresholdPool, evidence: Evidence, threshold: float, same_person: float) -> float:
    """Return the share of the pool's errors that look like one person.

    0 where there is no error.
    """
    errors = int(pool.error_counts(evidence, threshold).sum())
    alike = int(pool.error_counts(evidence, max(threshold, same_person)).sum())
    return alike / errors if errors else 0.0


def same_person_record(
    point: results.OperatingPoint,
    grouping: SampleGrouping,
    setting: PointContext,
    same_person: float,
    share: float,
    labelled: bool,
) -> results.SamePerson:
    """Return the counts of comparisons that look like one person.

    point: where it was refused, it has no shares of groups. share: of the pool's errors. labelled: labels say who is who.
    """
    ledger, exact = setting.evidence.tally.ledger, setting.evidence.tally.grid.exact
    alike = ledger.where(looks_alike(setting.evidence, same_person))
    group = grouping.of(setting.evidence.cells.of_sample)
    inside = (group[alike.a] == group[alike.b]) & (group[alike.a] >= 0)
    of_group = group[alike.a]
    counts = np.bincount(of_group[inside], minlength=grouping.n)
    shares: dict[str, float] = {}
    if point.threshold is not None:
        wrong = np.bincount(of_group[inside & (alike.score >= exact(point.threshold))], minlength=grouping.n)
        errors = {rate.group: rate.errors or 0 for rate in point.fmr if rate.design != "matched"}
        shares = {
            name: float(wrong[index] / errors[name])
            for index, name in enumerate(grouping.names)
            if errors.get(name, 0) >= EFFECTIVE_IN_LOWER
        }
    refused = target_is_refused(share, labelled) and point.threshold is None
    return results.SamePerson(
        labelled=labelled,
        threshold=same_person,
        native_threshold=same_person * setting.sign,
        comparisons=len(alike),
        share_of_pool_errors=share,
        by_group={name: int(counts[index]) for index, name in enumerate(grouping.names)},
        share_by_group=shares,
        contaminated=verdicts_are_withheld(share, labelled) if labelled else share > CONTAMINATED_FROM,
        refused=refused,
    )


def is_read_twice(same: results.SamePerson, evidence: Evidence, threshold: float) -> bool:
    """Return whether a point gets a reading without such comparisons.

    Few of the pool's errors may be most of one group's, above all of one with a low rate, to which others are compared: so each
    group's share counts as well. With labels it is enough that there is any at or above the threshold.
    """
    if same.labelled:
        return bool(looks_alike(evidence, same.threshold, threshold).any())
    shares = [same.share_of_pool_errors or 0.0, *same.share_by_group.values()]
    return needs_second_reading(max(shares), same.labelled)


def decide(first: results.OperatingPoint, second: results.OperatingPoint) -> results.OperatingPoint:
    """Return the first reading with the verdicts that stand.

    first: with its `same_person`. second: the reading without such comparisons.
    """
    same = first.same_person
    assert same is not None
    both = first.model_copy(update={"without_likely_same_person": second})
    if not same.labelled:
        both = agree(both, second)
        return both.model_copy(update={"status": "contaminated", "reason": "contaminated"}) if same.contaminated else both
    return _withheld(both) if same.contaminated else both


def _withheld(point: results.OperatingPoint) -> results.OperatingPoint:
    """Return a point without the verdicts that rest on such comparisons.

    All of them at a target, whose threshold they set; else those on false matches.
    """
    reason: results.Reason = "mostly_same_person"
    rests = [contrast for contrast in point.contrasts if point.origin == "target" or contrast.measure == "fmr"]
    kept = [contrast for contrast in point.contrasts if contrast not in rests]
    return point.model_copy(update={"contrasts": [*withhold(rests, reason), *kept], "status": "contaminated", "reason": reason})
