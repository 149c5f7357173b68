"""What is asked of a data set, held against its labels before an image is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from faceparity.datasets.dataset import Attribute, Dataset
from faceparity.datasets.errors import UserError

from ..comparisons.cells import make_cells
from ..scenarios.run import check_scenarios
from .evaluate import Options, attributes_of, check_references, groupings_of
from .pool import check_pool

MOST_CELLS = 200
"""More combinations of attribute values are refused: their histograms would take gigabytes, their groups be tiny."""


def check_cells(told: str, attributes: Sequence[Attribute], cells: int) -> None:
    """Raises UserError if the attributes divide the samples into more cells than a tally has room for (it grows as their square).

    told: what messages call the data.
    """
    if cells > MOST_CELLS:
        each = ", ".join(f"{a.name} has {len(a.values)} values" for a in attributes)
        names = " × ".join(a.name for a in attributes)
        raise UserError(f"{told}: {names} makes {cells:,} groups, more than {MOST_CELLS} ({each}): name fewer with --by")


def checks(dataset: Dataset, options: Options) -> Iterator[Callable[[], None]]:
    """What has to hold of the labels, one after the other: each raises UserError where it does not.

    Raises UserError itself, before the first, where there is nothing to group by.
    """
    attributes = [dataset.attributes[name] for name in attributes_of(dataset, options.by)]
    cells = make_cells(attributes, dataset.n_samples)
    yield partial(check_cells, dataset.name, attributes, cells.n)
    groupings = groupings_of(cells, dataset.subjects, merge=not dataset.card.labels_public)
    yield partial(check_references, options.references, groupings)
    yield partial(check_pool, options.pool, cells, groupings)
    for scenario in options.scenarios:
        yield partial(check_scenarios, [scenario], dataset, groupings)


def check_options(dataset: Dataset, options: Options) -> None:
    """Raises UserError for the first of the options that the labels do not allow."""
    for check in checks(dataset, options):
        check()
