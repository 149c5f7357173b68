"""The pool: the non-mated comparisons that set the one threshold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.comparisons.tally import Scores
from faceparity.harness.groups.groupings import SMALL_CELL, Cells, SampleGrouping, make_grouping, subjects_per_group
from faceparity.harness.verification.rates.verdict_rules import LEAST_OF_TARGET

SMALLEST_POOL_GROUP = 30
LEAST_EXPECTED_ERRORS = LEAST_OF_TARGET
"""A target with fewer expected errors in the pool is refused."""
NONE_MADE = "no comparisons"


@dataclass(frozen=True)
class ThresholdPool:
    """A weighted set of non-mated comparisons.

    stratum: int32[K, K], symmetric, the stratum of a comparison between two cells, -1 for none. weights: float64[strata], sum 1.
    """

    name: str
    attributes: tuple[str, ...]
    stratum: NDArray[np.int32]
    weights: NDArray[np.float64]
    groups: tuple[str, ...]
    subjects: tuple[int, ...]
    left_out: tuple[results.LeftOut, ...]
    missing_values: tuple[str, ...]

    def comparisons(self, evidence: Evidence) -> NDArray[np.int64]:
        """Count the non-mated comparisons of each stratum, int64[strata]."""
        return self.per_stratum(evidence.tally.non_mated.sum(axis=2))

    def per_stratum(self, table: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sum an upper-triangular [K, K] table over the strata."""
        known = (self.stratum >= 0) & (table > 0)
        return np.bincount(self.stratum[known], weights=table[known], minlength=self.weights.size).astype(np.int64)

    def errors_above(self, evidence: Evidence, threshold: float) -> tuple[NDArray[np.int64], Scores]:
        """Return stratum and score of the pool's errors.

        Of every ledger entry of the pool at or above the threshold.
        """
        ledger = evidence.tally.ledger
        cells = evidence.cells.of_sample
        stratum = self.stratum[cells[ledger.a], cells[ledger.b]]
        keep = (stratum >= 0) & (ledger.score >= evidence.tally.grid.exact(threshold))
        return stratum[keep].astype(np.int64), ledger.score[keep]

    def error_counts(self, evidence: Evidence, threshold: float) -> NDArray[np.int64]:
        """Count errors at a threshold in each stratum, int64[strata].

        From the ledger, or from the histogram where the threshold is an edge below it.
        """
        tally = evidence.tally
        exact = tally.grid.exact
        if exact(threshold) >= exact(tally.floor):
            stratum, _ = self.errors_above(evidence, threshold)
            return np.bincount(stratum, minlength=self.weights.size)
        edge = int(np.searchsorted(tally.grid.edges, exact(threshold)))
        return self.per_stratum(tally.non_mated[:, :, edge:].sum(axis=2))

    def fmr(self, evidence: Evidence, threshold: float) -> float | None:
        """Return the pool's FMR at a threshold.

        None where a stratum has no comparison.
        """
        comparisons = self.comparisons(evidence)
        if not self.weights.size or (comparisons == 0).any():
            return None
        return float((self.weights * self.error_counts(evidence, threshold) / comparisons).sum())

    def to_record(self, evidence: Evidence) -> results.Pool:
        """Return the pool as it is published."""
        comparisons = self.comparisons(evidence)
        groups = [
            results.PoolGroup(group=group, weight=float(weight), subjects=subjects, comparisons=int(count))
            for group, weight, subjects, count in zip(self.groups, self.weights, self.subjects, comparisons, strict=True)
        ]
        return results.Pool(
            name=self.name,
            attributes=list(self.attributes),
            groups=groups,
            left_out=list(self.left_out),
            partial=bool(self.missing_values),
            missing_values=list(self.missing_values),
            comparisons=int(comparisons.sum()),
        )


def make_pool(
    name: str,
    cells: Cells,
    subjects: NDArray[np.int32],
    non_mated: NDArray[np.int64],
    finest: SampleGrouping,
) -> ThresholdPool:
    """Return the pool called `balanced`, `all` or `ATTRIBUTE=VALUE`.

    balanced: within-group comparisons of the finest grouping, groups of at least 30 subjects weighted equally (all groups, if
    none has 30). all: every non-mated comparison. ATTRIBUTE=VALUE: those between samples with that value.
    subjects: int32[n], of the samples that `cells` is about. non_mated: int64[K, K], comparisons by cell, upper triangle.
    Raises UserError if there is no such attribute or value.
    """
    if name == "all":
        everyone = int(np.unique(subjects).size)
        shape = (cells.n,) * 2
        return ThresholdPool(name, (), np.zeros(shape, np.int32), np.ones(1), ("all pairs",), (everyone,), (), ())
    if name == "balanced":
        return _balanced(cells, subjects, non_mated, finest)
    return _one_value(name, cells, subjects)


def check_pool(name: str, cells: Cells, small: Collection[str] = ()) -> None:
    """Raise UserError unless the pool's name is valid.

    Valid: `balanced`, `all`, and an ATTRIBUTE=VALUE of the cells. small: those of people who left, for the message.
    """
    if name in ("balanced", "all"):
        return
    attribute, _, value = name.partition("=")
    if attribute not in cells.attributes or not value:
        raise UserError(
            f"--pool {name}: use `balanced`, `all` or ATTRIBUTE=VALUE with an attribute of this run ({', '.join(cells.attributes)})"
        )
    if name in small:
        raise UserError(
            f"--pool {name}: fewer than {SMALL_CELL} people, too few to be shown; name a group of at least {SMALL_CELL}"
        )
    grouping = make_grouping(cells, [attribute])
    if value not in grouping.names:
        raise UserError(f"--pool {name}: {attribute} has no value {value!r}; it has {', '.join(grouping.names)}")


def _one_value(name: str, cells: Cells, subjects: NDArray[np.int32]) -> ThresholdPool:
    check_pool(name, cells)
    attribute, _, value = name.partition("=")
    grouping = make_grouping(cells, [attribute])
    inside = grouping.of_cell == grouping.names.index(value)
    stratum = np.where(inside[:, None] & inside[None, :], 0, -1).astype(np.int32)
    size = int(subjects_per_group(grouping, cells, subjects)[grouping.names.index(value)])
    return ThresholdPool(name, (attribute,), stratum, np.ones(1), (value,), (size,), (), ())


def _balanced(
    cells: Cells,
    subjects: NDArray[np.int32],
    non_mated: NDArray[np.int64],
    finest: SampleGrouping,
) -> ThresholdPool:
    sizes = subjects_per_group(finest, cells, subjects)
    compared = _within(non_mated, finest) > 0
    large = compared & (sizes >= SMALLEST_POOL_GROUP)
    members = np.flatnonzero(large if large.any() else compared)
    stratum = np.full((cells.n, cells.n), -1, np.int32)
    for index, group in enumerate(members):
        inside = np.flatnonzero(finest.of_cell == group)
        stratum[np.ix_(inside, inside)] = index
    left_out = tuple(
        results.LeftOut(group=finest.names[group], subjects=int(sizes[group]), reason=_why_out(int(sizes[group])))
        for group in range(finest.n)
        if group not in members
    )
    return ThresholdPool(
        "balanced",
        finest.attributes,
        stratum,
        np.full(members.size, 1 / max(1, members.size)),
        tuple(finest.names[group] for group in members),
        tuple(int(sizes[group]) for group in members),
        left_out,
        _missing_values(cells, finest, members),
    )


def _why_out(subjects: int) -> str:
    return "fewer than 30 subjects" if subjects < SMALLEST_POOL_GROUP else NONE_MADE


def _within(table: NDArray[np.int64], grouping: SampleGrouping) -> NDArray[np.int64]:
    """Count the comparisons inside each group, int64[G]."""
    same = (grouping.of_cell[:, None] == grouping.of_cell[None, :]) & (grouping.of_cell >= 0)[:, None]
    row, col = np.nonzero(same & (table > 0))
    return np.bincount(grouping.of_cell[row], weights=table[row, col], minlength=grouping.n).astype(np.int64)


def _missing_values(cells: Cells, finest: SampleGrouping, members: NDArray[np.int64]) -> tuple[str, ...]:
    """Return attribute values that no group of the pool has.

    None, if there is no pool at all.
    """
    missing: list[str] = []
    if not members.size:
        return ()
    for index, attribute in enumerate(finest.attributes):
        column = cells.attributes.index(attribute)
        present = {cells.values[column][code] for code in cells.codes[:, column] if code >= 0}
        inside = {finest.values[group][index] for group in members}
        missing += [f"{attribute}: {value}" for value in sorted(present - inside)]
    return tuple(dict.fromkeys(missing))
