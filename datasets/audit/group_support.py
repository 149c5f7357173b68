"""What a data set can support: how many people a group needs before anything can be said of its false match rate.

A difference is called only with at least 30 effective errors in the group with the higher rate and 8 in the other
(faceparity.harness.verification.rates.group_contrasts). n people give n(n - 1)/2 pairs of people, and k pictures of each give k²
comparisons of every such pair. These largely repeat one another, so the number of effective errors lies between two bounds: each
pair of people counts once, or each comparison counts in full. Both bounds are given here; where a few people cause most false
matches, the number is below even the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceparity.datasets.schema.card import DatasetCard
from faceparity.datasets.schema.dataset import Dataset

SHOWN = 30
"""A group of fewer people is not shown on its own."""
LOWER, HIGHER = 8, 30
"""Effective errors that the groups with the lower and the higher rate need."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The lowest FMRs of one group at which a difference can be called.

    lower, higher: as the group with the lower and with the higher rate, if a pair of people counts once. lower_best, higher_best:
    if each comparison of their pictures counts in full. None: at no rate (fewer than 30 people, or too few pairs).
    """

    group: str
    subjects: int
    pictures: float
    """Of each person, on average."""
    lower: float | None
    higher: float | None
    lower_best: float | None
    higher_best: float | None


@dataclass(frozen=True, slots=True)
class Support:
    """What a set can support. groups: largest first, ties by name."""

    by: tuple[str, ...]
    groups: tuple[Floor, ...]
    people: str = "People"
    """What is counted: "Images" where nobody knows who is who."""

    @property
    def lines(self) -> tuple[str, str]:
        """Return two lines: people per group, and the lowest FMRs."""
        return _people_line(self), _floors_line(self)


def floor(group: str, subjects: int, pictures: float = 1.0) -> Floor:
    """Return the lowest FMRs of a group of given size.

    pictures: of each person, on average; fewer than 1 counts as 1. A rate is None for fewer than 30 people, and where the
    errors that it takes are more than the group's comparisons.
    """
    pairs = subjects * (subjects - 1) / 2

    def rate(errors: int, comparisons: float) -> float | None:
        return errors / comparisons if subjects >= SHOWN and errors <= comparisons else None

    each = pairs * max(1.0, pictures) ** 2
    return Floor(group, subjects, pictures, rate(LOWER, pairs), rate(HIGHER, pairs), rate(LOWER, each), rate(HIGHER, each))


def support(
    sizes: Mapping[str, int], by: Sequence[str] = (), pictures: Mapping[str, float] | float = 1.0, people: str = "People"
) -> Support:
    """Return what groups of these sizes can support.

    sizes: group → subjects. by: the attributes that make the groups. pictures: of each person on average, for all groups
    or for each. people: what is counted, as shown.
    """
    each = pictures if isinstance(pictures, Mapping) else dict.fromkeys(sizes, pictures)
    order = sorted(sizes, key=lambda group: (-sizes[group], group))
    return Support(tuple(by), tuple(floor(group, sizes[group], each[group]) for group in order), people)


def support_of(dataset: Dataset, by: Sequence[str]) -> Support:
    """Return what this copy can support.

    by: the attributes that together make the groups; without any, everybody is one group. Samples without a label are in
    no group.
    """
    attributes = [dataset.attributes[name] for name in by]
    codes = (
        np.stack([attribute.codes for attribute in attributes], axis=1)
        if attributes
        else np.zeros((dataset.n_samples, 1), np.int32)
    )
    labelled = (codes >= 0).all(axis=1)
    cells, cell = np.unique(codes[labelled], axis=0, return_inverse=True)
    subjects = dataset.subjects[labelled]
    sizes: dict[str, int] = {}
    pictures: dict[str, float] = {}
    for i, values in enumerate(cells.tolist()):
        subjects_here = subjects[cell.ravel() == i]
        name = (
            " × ".join(attribute.values[code] for attribute, code in zip(attributes, values, strict=True))
            if attributes
            else "everybody"
        )
        sizes[name] = int(np.unique(subjects_here).size)
        pictures[name] = subjects_here.size / sizes[name]
    return support(sizes, by, pictures, "Images" if dataset.identity == "none" else "People")


def support_of_card(card: DatasetCard) -> Support | None:
    """Return what the whole set can support, by published sizes.

    None if the card has no group sizes.
    """
    if not card.group_sizes:
        return None
    by = card.group_sizes_by or card.default_by
    return support(card.group_sizes, by, card.pictures_each, "Images" if card.identity == "none" else "People")


def _people_line(found: Support) -> str:
    start = f"{found.people} per group" + (f" ({' × '.join(found.by)})" if found.by else "")
    if not found.groups:
        return f"{start}: no group is labelled."
    largest, smallest = found.groups[0], found.groups[-1]
    n_groups = len(found.groups)
    small = sum(group.subjects < SHOWN for group in found.groups)
    if largest.subjects == smallest.subjects:
        text = f"{largest.subjects:,} in each of {n_groups} groups" if n_groups > 1 else f"{largest.subjects:,} ({largest.group})"
    else:
        text = f"{smallest.subjects:,} ({smallest.group}) to {largest.subjects:,} ({largest.group}), {n_groups} groups"
    few = f"{small} of them " if n_groups > 1 else ""
    return f"{start}: {text}" + (f"; {few}under {SHOWN}, too few to judge." if small else ".")


def _floors_line(found: Support) -> str:
    able = [group for group in found.groups if group.higher is not None]
    start = "Lowest FMR for a claim: "
    if len(able) < 2:
        reach = f"only {able[0].group} reaches" if able else "no group reaches"
        return f"{start}none, {reach} {SHOWN} {found.people.lower()}, and a difference takes two groups."
    first, last = able[0], able[-1]
    span, largest = _rate_range(last.higher, last.higher_best), _rate_range(first.higher, first.higher_best)
    if span != largest:
        span += f" in the smallest group that can be judged ({last.group}), {largest} in the largest"
    if " to " in largest:
        span += " (from each comparison counted in full to each two people counted once)"
    return f"{start}{span}; it takes {HIGHER} errors in the group with the higher rate and {LOWER} in the other."


def _rate_range(once: float | None, best: float | None) -> str:
    """Return both ends of a range, or one if equal.

    Compared as shown, with one significant digit; "none" if either is None.
    """
    if once is None or best is None:
        return "none"
    return f"{once:.1g}" if f"{once:.1g}" == f"{best:.1g}" else f"{best:.1g} to {once:.1g}"
