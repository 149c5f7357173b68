"""Preflight: group a data set's samples and check the options against its labels before an image is read.

The groups are passed on to `evaluate`, so that what was checked is what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.registry import default_attributes
from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness.evaluation.resolved_options import Resolved, as_resolved
from faceparity.harness.evaluation.subsets import templates_without, without
from faceparity.harness.groups.groupings import SMALL_CELL, Cells, SampleGrouping, make_cells, make_groupings, one_group
from faceparity.harness.groups.small_groups import leaving_samples, withhold_small_groups
from faceparity.harness.options import Options
from faceparity.harness.scenarios.dispatch import check_scenarios
from faceparity.harness.scenarios.search.lineup import check_differences
from faceparity.harness.templates.extract import Templates
from faceparity.harness.verification.threshold.threshold_pool import check_pool

MOST_CELLS = 200
"""More combinations of attribute values are refused: their histograms would take gigabytes, their groups be tiny."""

EVERYONE = "everyone"
"""The one group of a set without attributes, which can be run for the pair lists that it publishes."""


@dataclass(frozen=True)
class GroupedSamples:
    """A data set's samples by the attributes of a run, without the people of small groups.

    dataset: what is measured on; all else is of its samples. attributes: in the order of the run; none: everybody is one group.
    cells: every combination of their values. groupings: each attribute alone, then their intersections, the finest last.
    number: int32[samples given], each one's place in `dataset`, -1 of those who left. left: how many subjects did.
    small: ATTRIBUTE=VALUE of groups of which nobody is left, for messages on the terminal alone.
    """

    dataset: Dataset
    attributes: tuple[Attribute, ...]
    cells: Cells
    groupings: list[SampleGrouping]
    number: NDArray[np.int32]
    left: int = 0
    small: tuple[str, ...] = ()

    def of_templates(self, templates: Templates) -> Templates:
        """Return templates of the samples given without those who left."""
        return templates_without(templates, np.flatnonzero(self.number < 0)) if self.left else templates

    def of_pairs(self, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return pairs of samples given as pairs of `dataset`.

        int32[m, 2], without those of people who left.
        """
        renumbered = self.number[pairs]
        return renumbered[(renumbered >= 0).all(axis=1)]


def group_samples(dataset: Dataset, by: Sequence[str]) -> GroupedSamples:
    """Group the samples of a data set by attributes.

    By those asked for, or the data set's own. Unless its labels are public, people of groups of fewer than 10 leave (see
    `small_groups`). Raises UserError as `attributes_of` does, and if nobody would be left.
    """
    names = attributes_of(dataset, by)
    given = tuple(dataset.attributes[name] for name in names)
    cells, protect = make_cells(given, dataset.n_samples), not dataset.card.labels_public
    check_cells(dataset.name, given, cells.n)
    gone = leaving_samples(cells, dataset.subjects) if protect else np.zeros(dataset.n_samples, bool)
    check_somebody_left(dataset.name, names, gone)
    left = int(np.unique(dataset.subjects[gone]).size)
    number = np.where(gone, -1, np.cumsum(~gone) - 1).astype(np.int32)
    smaller = without(dataset, np.flatnonzero(gone)) if left else dataset
    attributes = tuple(smaller.attributes[name] for name in names)
    cells = make_cells(attributes, smaller.n_samples) if left else cells
    groupings = groupings_of(cells, smaller.subjects, protect)
    return GroupedSamples(smaller, attributes, cells, groupings, number, left, small_values(given, attributes))


def check_somebody_left(data: str, names: Sequence[str], gone: NDArray[np.bool_]) -> None:
    """Raise UserError if everybody leaves.

    data: the name of the data in messages.
    """
    if gone.size and gone.all():
        by = f" by {' and '.join(names)}" if names else ""
        raise UserError(
            f"{data}: every group{by} has fewer than {SMALL_CELL} people, too few for figures that name nobody: take more people"
            f"{', or name fewer attributes with --by' if len(names) > 1 else ''}"
        )


def small_values(given: Sequence[Attribute], kept: Sequence[Attribute]) -> tuple[str, ...]:
    """Return ATTRIBUTE=VALUE of the values that nobody has any more."""
    return tuple(
        f"{before.name}={value}"
        for before, after in zip(given, kept, strict=True)
        for value in before.values
        if value not in after.values
    )


def preflight(dataset: Dataset, asked: Options | Resolved) -> GroupedSamples:
    """Group the samples and check every option against them.

    Raises UserError for the first that the labels do not allow.
    """
    resolved = as_resolved(asked)
    grouped = group_samples(dataset, resolved.options.by)
    for check in checks(resolved, grouped):
        check()
    return grouped


def checks(resolved: Resolved, grouped: GroupedSamples) -> Iterator[Callable[[], None]]:
    """Yield what has to hold of the labels.

    One after the other: each raises UserError where it does not.
    """
    yield partial(check_references, resolved.options.references, grouped.groupings, grouped.small)
    yield partial(check_pool, resolved.options.pool, grouped.cells, grouped.small)
    for scenario in resolved.scenarios:
        yield partial(check_scenarios, [scenario], grouped.dataset, grouped.groupings)
    yield partial(check_differences, resolved.scenarios, grouped.dataset, resolved.options.seed)


def attributes_of(dataset: Dataset, by: Sequence[str]) -> list[str]:
    """Return the attributes to group by.

    Those asked for, or the data set's own. Raises UserError if it lacks one, or has none at all (unless it publishes pair lists, which
    need no groups).
    """
    wanted = list(dict.fromkeys(by)) or default_attributes(dataset)
    for name in wanted:
        if name not in dataset.attributes:
            has = ", ".join(sorted(dataset.attributes)) or "none"
            why = f" (that column: {dataset.unused[name]})" if name in dataset.unused else ""
            raise UserError(f"{dataset.name} has no attribute {name!r}{why}; it has: {has}")
    if not wanted and not dataset.protocols:  # a published list needs no groups
        others = ", ".join(f"{column} ({why})" for column, why in dataset.unused.items())
        seen = f"; its other columns won't do: {others}" if others else ""
        raise UserError(
            f"{dataset.name} has no attribute to group by{seen}: add a column such as gender or ethnicity to its CSV, "
            "or name columns under [attributes] in a faceparity.toml beside it"
        )
    return wanted


def groupings_of(cells: Cells, subjects: NDArray[np.int32], protect: bool) -> list[SampleGrouping]:
    """Return the groupings of the cells, the finest last.

    Each attribute alone, then their intersections; without attributes one group of everybody.

    protect: small groups of intersections are withheld, see `withhold_small_groups`; those who leave have left.
    """
    if not cells.attributes:
        return [one_group(cells, EVERYONE)]
    found = make_groupings(cells)
    return withhold_small_groups(found, cells, subjects) if protect else found


def check_references(references: Sequence[str], groupings: Sequence[SampleGrouping], small: Sequence[str] = ()) -> None:
    """Check that named references exist.

    small: those of people who left. Raises UserError if one is no ATTRIBUTE=VALUE of the run.
    """
    for named in references:
        attribute, equals, value = named.partition("=")
        single = next((grouping for grouping in groupings if grouping.attributes == (attribute,)), None)
        if not equals or single is None:
            has = ", ".join(grouping.attributes[0] for grouping in groupings if len(grouping.attributes) == 1)
            raise UserError(f"--reference {named}: write ATTRIBUTE=VALUE with an attribute of this run ({has})")
        if named in small:
            raise UserError(f"--reference {named}: fewer than {SMALL_CELL} people, too few to be shown; name a larger group")
        if value not in single.names:
            raise UserError(f"--reference {named}: {attribute} has no value {value!r}; it has {', '.join(single.names)}")


def check_cells(data: str, attributes: Sequence[Attribute], cells: int) -> None:
    """Check that the attributes give few enough cells.

    Raises UserError if they divide the samples into more cells than a tally has room for (it grows as their square).

    data: the name of the data in messages.
    """
    if cells > MOST_CELLS:
        each = ", ".join(f"{attribute.name} has {len(attribute.values)} values" for attribute in attributes)
        names = " × ".join(attribute.name for attribute in attributes)
        raise UserError(f"{data}: {names} makes {cells:,} groups, more than {MOST_CELLS} ({each}): name fewer with --by")
