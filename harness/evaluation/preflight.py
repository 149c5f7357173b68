"""Preflight: group a data set's samples and check the options against its labels before an image is read.

The groups are passed on to `evaluate`, so that what was checked is what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.registry import default_attributes
from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness.evaluation.resolved_options import Resolved, as_resolved
from faceparity.harness.groups.groupings import Cells, SampleGrouping, make_cells, make_grouping, one_group
from faceparity.harness.groups.small_groups import hide_small_groups
from faceparity.harness.options import Options
from faceparity.harness.scenarios.dispatch import check_scenarios
from faceparity.harness.verification.threshold.threshold_pool import check_pool

MOST_CELLS = 200
"""More combinations of attribute values are refused: their histograms would take gigabytes, their groups be tiny."""
MANY_ATTRIBUTES = 3
"""Up to this number of attributes all their combinations are groupings; beyond it each alone and all together."""


EVERYONE = "everyone"
"""The one group of a set without attributes, which can be run for the pair lists that it publishes."""


class GroupedSamples(NamedTuple):
    """A data set's samples by the attributes of a run.

    attributes: in the order of the run; none: everybody is one group. cells: every combination of their values.
    groupings: each attribute alone, then their intersections, the finest last.
    """

    attributes: tuple[Attribute, ...]
    cells: Cells
    groupings: list[SampleGrouping]


def group_samples(dataset: Dataset, by: Sequence[str]) -> GroupedSamples:
    """Group the samples of a data set by attributes.

    By those asked for, or the data set's own. Raises UserError as `attributes_of` does.
    """
    attributes = tuple(dataset.attributes[name] for name in attributes_of(dataset, by))
    cells = make_cells(attributes, dataset.n_samples)
    check_cells(dataset.name, attributes, cells.n)
    return GroupedSamples(attributes, cells, groupings_of(cells, dataset.subjects, merge=not dataset.card.labels_public))


def preflight(dataset: Dataset, asked: Options | Resolved) -> GroupedSamples:
    """Group the samples and check every option against them.

    Raises UserError for the first that the labels do not allow.
    """
    resolved = as_resolved(asked)
    grouped = group_samples(dataset, resolved.options.by)
    for check in checks(dataset, resolved, grouped):
        check()
    return grouped


def checks(dataset: Dataset, resolved: Resolved, grouped: GroupedSamples) -> Iterator[Callable[[], None]]:
    """Yield what has to hold of the labels.

    One after the other: each raises UserError where it does not.
    """
    yield partial(check_references, resolved.options.references, grouped.groupings)
    yield partial(check_pool, resolved.options.pool, grouped.cells, grouped.groupings)
    for scenario in resolved.scenarios:
        yield partial(check_scenarios, [scenario], dataset, grouped.groupings)


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


def groupings_of(cells: Cells, subjects: NDArray[np.int32], merge: bool) -> list[SampleGrouping]:
    """Return the groupings of the cells, the finest last.

    Each attribute alone, then their intersections; without attributes one group of everybody.

    merge: small groups are hidden, see `hide_small_groups`.
    """
    names = cells.attributes
    if not names:
        return [one_group(cells, EVERYONE)]
    sizes = range(1, len(names) + 1) if len(names) <= MANY_ATTRIBUTES else (1, len(names))
    found = [make_grouping(cells, chosen) for size in sizes for chosen in combinations(names, size)]
    return hide_small_groups(found, cells, subjects) if merge else found


def check_references(references: Sequence[str], groupings: Sequence[SampleGrouping]) -> None:
    """Check that named references exist.

    Raises UserError if one is no ATTRIBUTE=VALUE of the run.
    """
    for named in references:
        attribute, equals, value = named.partition("=")
        single = next((grouping for grouping in groupings if grouping.attributes == (attribute,)), None)
        if not equals or single is None:
            has = ", ".join(grouping.attributes[0] for grouping in groupings if len(grouping.attributes) == 1)
            raise UserError(f"--reference {named}: write ATTRIBUTE=VALUE with an attribute of this run ({has})")
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
