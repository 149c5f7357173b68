"""Contrasts as sampled, where groups cannot be matched on the other attributes."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.group_contrasts import Measured, compare
from faceparity.harness.verification.rates.true_reasons import CELLS_TOO_SMALL


def unadjusted_contrasts(
    measured: Measured, own: Sequence[Estimate], grouping: SampleGrouping, reference: str | None
) -> list[results.Contrast]:
    """Compare groups as sampled where a cell is too small for a matched rate.

    measured: the matched rates. own: each group's rate as sampled, over everybody who has its label. Such a ratio has an interval but
    no p-value, is in no family of tests and is never called, as it is not adjusted for the other attributes. Only those that have a
    ratio are returned; none in a design in which nothing is matched.
    """
    if reference is None or measured.design != "matched":
        return []
    base = grouping.names.index(reference)
    sampled = Measured(measured.measure, "as_sampled", list(own))
    found = [
        compare(sampled, name, reference, own[g], own[base])
        for g, name in enumerate(grouping.names)
        if g != base and CELLS_TOO_SMALL.intersection((measured.estimates[g].reason, measured.estimates[base].reason))
    ]
    uncalled = {"p": None, "verdict": "none", "reason": "cells_too_small"}
    return [contrast.model_copy(update=uncalled) for contrast in found if contrast.ratio is not None]
