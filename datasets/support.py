"""What a data set can support: how many people a group needs before anything can be said of its false match rate.

A disparity is called only with at least 30 effective errors in the group with the higher rate and 8 in the other
(faceparity.harness.evaluation.contrasts). Several pictures of two people repeat much the same comparison, so a group of n people
has at best n(n - 1)/2 effective non-mated comparisons, and often far fewer, where a few people cause most false matches. The
rates given here are therefore the lowest at which a claim is possible at all, not at which one is to be expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .dataset import Dataset

SHOWN = 30
"""A group of fewer people is not shown on its own."""
LOWER, HIGHER = 8, 30
"""Effective errors that the groups with the lower and the higher rate need."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The lowest FMRs of one group at which it can be the lower or the higher side of a called difference; None: at none."""

    group: str
    subjects: int
    lower: float | None
    higher: float | None


@dataclass(frozen=True, slots=True)
class Support:
    """What a set can support. groups: largest first, ties by name."""

    by: tuple[str, ...]
    groups: tuple[Floor, ...]

    @property
    def lines(self) -> tuple[str, str]:
        """Two lines: people in each group, and the lowest FMRs."""
        return _people(self), _floors(self)


def floor(group: str, subjects: int) -> Floor:
    """The lowest FMRs of a group of that many people."""
    pairs = subjects * (subjects - 1) / 2
    lower, higher = ((n / pairs if subjects >= SHOWN and n <= pairs else None) for n in (LOWER, HIGHER))
    return Floor(group, subjects, lower, higher)


def support(sizes: Mapping[str, int], by: Sequence[str] = ()) -> Support:
    """What groups of these sizes can support. sizes: group → subjects; by: the attributes that make the groups."""
    order = sorted(sizes, key=lambda group: (-sizes[group], group))
    return Support(tuple(by), tuple(floor(group, sizes[group]) for group in order))


def group_sizes(dataset: Dataset, by: Sequence[str]) -> dict[str, int]:
    """Subjects in each combination of the values of these attributes that occurs. Samples without a label are in none."""
    if not by:
        return {"everybody": dataset.n_subjects}
    attributes = [dataset.attributes[name] for name in by]
    codes = np.stack([attribute.codes for attribute in attributes], axis=1)
    labelled = (codes >= 0).all(axis=1)
    cells, cell = np.unique(codes[labelled], axis=0, return_inverse=True)
    who = dataset.subjects[labelled]
    return {
        " × ".join(a.values[code] for a, code in zip(attributes, values, strict=True)): int(
            np.unique(who[cell.ravel() == i]).size
        )
        for i, values in enumerate(cells.tolist())
    }


def support_of(dataset: Dataset, by: Sequence[str]) -> Support:
    """What this copy can support, grouped by these attributes together."""
    return support(group_sizes(dataset, by), by)


def _people(found: Support) -> str:
    what = f" ({' × '.join(found.by)})" if found.by else ""
    if not found.groups:
        return f"People per group{what}: no group is labelled."
    largest, smallest = found.groups[0], found.groups[-1]
    n = len(found.groups)
    small = sum(group.subjects < SHOWN for group in found.groups)
    if largest.subjects == smallest.subjects:
        text = f"{largest.subjects:,} in each of {n} groups" if n > 1 else f"{largest.subjects:,} in one group, {largest.group}"
    else:
        text = f"{smallest.subjects:,} ({smallest.group}) to {largest.subjects:,} ({largest.group}), {n} groups"
    have = "has" if small == 1 else "have"
    return f"People per group{what}: {text}" + (f"; {small} of them {have} under {SHOWN} and cannot be judged." if small else ".")


def _floors(found: Support) -> str:
    able = [group for group in found.groups if group.higher is not None]
    if len(able) < 2:
        reach = f"only {able[0].group} reaches" if able else "no group reaches"
        return f"Lowest FMR for a claim: none, {reach} {SHOWN} people, and a difference takes two."
    first, last = able[0], able[-1]
    if first.subjects == last.subjects:
        rates = f"{last.lower:.1g} in the group with the lower rate and {last.higher:.1g} in the other"
    else:
        rates = (
            f"{first.lower:.1g} / {first.higher:.1g} ({first.group}, as the group with the lower / higher rate) "
            f"to {last.lower:.1g} / {last.higher:.1g} ({last.group})"
        )
    return f"Lowest FMR for a claim: {rates}, at best ({LOWER} and {HIGHER} errors in one comparison for every two people)."
