"""Two models' worst groups: the highest group's rate over the mean over groups, and whether one model's is higher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.model_comparison.common_comparisons import CommonComparisons
from faceparity.harness.model_comparison.compare import ByCell, Cells, Measure, cells_of_groups
from faceparity.harness.model_comparison.paired_bootstrap import DEFINED, Replicated
from faceparity.harness.uncertainty.model_differences import PairedCell, effective_errors, mean_rates
from faceparity.harness.uncertainty.ranks import compare_largest, interval_of_largest
from faceparity.harness.verification.rates.verdict_rules import EFFECTIVE_IN_LOWER

F64 = NDArray[np.float64]
Rated = Literal["fmr", "fnmr"]


@dataclass(frozen=True)
class Pair:
    """Two models' cells by measure, over the groups of the finest grouping."""

    common: CommonComparisons
    by_cell: ByCell
    replicated: Replicated | None


Pairs = Mapping[tuple[int, int], Pair]


class Test(NamedTuple):
    """First model against second: their ratio, its interval, and p.

    p is None where nothing can be said. sign: of first - second.
    """

    ratio: float | None
    interval: results.Interval | None
    p: float | None
    sign: float = 0.0
    reason: results.Reason | None = None


class ModelFigure(NamedTuple):
    """One model's figure in a league table, with its interval.

    group: the worst group's name. left_out: groups with too few errors to be the worst.
    """

    value: float | None
    interval: results.Interval | None
    group: str | None = None
    reason: results.Reason | None = None
    left_out: tuple[str, ...] = ()


Tests = dict[tuple[int, int], Test]


class _Logs(NamedTuple):
    """Each group's log ratio to the mean over groups: float64[G] each, with standard error and degrees of freedom."""

    logs: F64
    se: F64
    df: F64


class _Spreads(NamedTuple):
    """Both models' groups, and the standard error and degrees of freedom of every difference: float64[G, H] each."""

    own: tuple[_Logs, _Logs]
    se: F64
    df: F64


def worst_groups(
    n: int, pairs: Pairs, measure: Rated, grouping: SampleGrouping, finest: SampleGrouping
) -> tuple[list[ModelFigure], Tests]:
    """Return every model's worst group, and all tests.

    A model's figure is its highest group's rate over the mean over groups. n: models.
    The highest is sought among the groups in which the model has errors enough for a rate; if the highest rate seen is of another
    group, the model has no figure. No maximum is resampled: see `uncertainty.ranks`.
    """
    tests: Tests = {}
    rows: dict[int, ModelFigure] = {}
    for (i, j), pair in pairs.items():
        groups = groups_with_rates(pair, measure, grouping, finest)
        owns = cells_of_groups(pair.common, grouping, finest, pair.by_cell).own
        chosen = [_candidates(groups, side) for side in (0, 1)]
        spreads = _spreads(pair, measure, {g: owns[g] for g in groups}, chosen)
        for k, side in ((i, 0), (j, 1)):
            rows.setdefault(k, _row(spreads.own[side], grouping, chosen[side], groups))
        if not all(chosen):
            tests[i, j] = Test(None, None, None, reason="too_few_errors")
            continue
        tops = [float(spreads.own[side].logs.max()) for side in (0, 1)]
        p_value = compare_largest(spreads.own[0].logs[:, None] - spreads.own[1].logs[None, :], spreads.se, spreads.df)
        tests[i, j] = Test(float(np.exp(tops[0] - tops[1])), None, p_value, float(np.sign(tops[0] - tops[1])))
    return [rows[k] for k in range(n)], tests


def groups_with_rates(pair: Pair, measure: Measure, grouping: SampleGrouping, finest: SampleGrouping) -> dict[int, Cells]:
    """Return the groups that have a rate."""
    by_group = cells_of_groups(pair.common, grouping, finest, pair.by_cell).cells[measure]
    return {g: cells for g, cells in enumerate(by_group) if not isinstance(cells, str)}


def _candidates(groups: Mapping[int, Cells], side: int) -> list[int]:
    """Return the groups in which one model has errors enough.

    None of them, if another group has a higher rate than all of these.
    """
    enough = [g for g, cells in groups.items() if effective_errors(cells, side) >= EFFECTIVE_IN_LOWER]
    rates = {g: float(mean_rates(cells)[side]) for g, cells in groups.items()}
    return enough if enough and max(rates[g] for g in enough) == max(rates.values()) else []


def _row(logs: _Logs, grouping: SampleGrouping, chosen: Sequence[int], groups: Mapping[int, Cells]) -> ModelFigure:
    """Return one model's figure.

    The lower bound is at least 1, as the highest of all groups is not below their mean.
    """
    left_out = tuple(grouping.names[g] for g in groups if g not in chosen)
    if not chosen:
        return ModelFigure(None, None, None, "too_few_errors", left_out)
    lo, hi = interval_of_largest(logs.logs, logs.se, logs.df)
    interval = (float(max(1.0, np.exp(lo))), float(np.exp(hi))) if np.isfinite([lo, hi]).all() else None
    name = grouping.names[chosen[int(logs.logs.argmax())]]
    return ModelFigure(float(np.exp(logs.logs.max())), interval, name, None if interval else "too_few_errors", left_out)


def _spreads(pair: Pair, measure: Rated, owns: Mapping[int, list[int]], chosen: Sequence[Sequence[int]]) -> _Spreads:
    """Return both models' log ratios, with errors of differences.

    owns: of each group in the mean its finest cells. chosen: of each model the groups of which the highest is sought.
    """
    used = sorted({cell for own in owns.values() for cell in own})
    cells = [cell for k in used if (cell := pair.by_cell[measure][k]) is not None]
    member = np.array([[1 / len(own) if cell in own else 0.0 for cell in used] for own in owns.values()])
    by_group = np.stack([cell.rates for cell in cells], axis=1) @ member.T
    mean = by_group.mean(axis=1)
    at = [[list(owns).index(g) for g in own] for own in chosen]
    weights = [
        member[at[side]] / by_group[side, at[side]][:, None] - member.mean(axis=0) / mean[side] if at[side] else member[:0]
        for side in (0, 1)
    ]
    shared = pair.common.shared_subjects
    replicates = None if pair.replicated is None else pair.replicated.rates_of_cells(measure, used)
    logs_again = None if replicates is None else [_logs_again(replicates[side], member, at[side]) for side in (0, 1)]
    own = []
    for side in (0, 1):
        alone = np.zeros((*weights[side].shape, 2))
        alone[..., side] = weights[side]
        variance, df = variances(cells, alone, shared)
        variance = variance if logs_again is None else np.maximum(variance, _variance(logs_again[side]))
        own.append(_Logs(np.log(by_group[side, at[side]] / mean[side]) if at[side] else np.empty(0), np.sqrt(variance), df))
    shape = (len(at[0]), len(at[1]))
    both = np.stack([np.repeat(weights[0], shape[1], axis=0), -np.tile(weights[1], (shape[0], 1))], axis=-1)
    variance, df = variances(cells, both, shared)
    variance = variance.reshape(shape)
    if logs_again is not None:
        with np.errstate(invalid="ignore"):  # the logs of two rates of zero
            variance = np.maximum(variance, _variance(logs_again[0][:, :, None] - logs_again[1][:, None, :]))
    return _Spreads((own[0], own[1]), np.sqrt(variance), df.reshape(shape))


def _logs_again(rates: F64, member: F64, chosen: Sequence[int]) -> F64:
    """Return each group's log ratio to the mean, by replicate.

    float64[replicates, groups]. rates: float64[replicates, cells]. member: float64[groups, cells], weights of each group's cells.
    """
    by_group = rates @ member.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(by_group[:, list(chosen)] / by_group.mean(axis=1, keepdims=True)), np.float64)


def _variance(replicates: F64) -> F64:
    """Return the variance over the first axis.

    Infinite where more than a tenth is undefined, so that nothing is said.
    """
    defined = np.isfinite(replicates)
    values = np.where(defined, replicates, 0.0)
    count = defined.sum(axis=0)
    mean = values.sum(axis=0) / np.maximum(count, 1)
    variance = (np.where(defined, replicates - mean, 0.0) ** 2).sum(axis=0) / np.maximum(count - 1, 1)
    return np.where(count >= max(2.0, DEFINED * replicates.shape[0]), variance, np.inf)


def variances(cells: Sequence[PairedCell], w: F64, shared: bool) -> tuple[F64, F64]:
    """Return variance and degrees of freedom of many sums.

    float64[n] each, as `variance_of` gives them one by one. w: float64[n, cells, 2], each sum's weights on the rates of cells.
    """
    each = np.stack([_one(cell, w[:, k]) for k, cell in enumerate(cells)], axis=1)
    df = np.array([max(1.0, cell.ids.size - 1.0) for cell in cells])
    total = each.sum(axis=1)
    squares = (each**2 / df).sum(axis=1)
    free = np.where(squares > 0, total**2 / np.where(squares > 0, squares, 1.0), df.min())
    if not shared or len(cells) < 2:
        return total, free
    ids = np.unique(np.concatenate([cell.ids for cell in cells]))
    deviations = np.zeros((ids.size, len(cells), 2))
    for k, cell in enumerate(cells):
        deviations[np.searchsorted(ids, cell.ids), k] = cell.without - cell.rates
    without = deviations.reshape(ids.size, -1) @ w.reshape(w.shape[0], len(cells) * 2).T
    joint = (ids.size - 1) / ids.size * ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    return np.maximum(total, joint), np.where(joint > total, df.min(), free)


def _one(cell: PairedCell, w: F64) -> F64:
    """Return the variance of w · rates of one cell.

    float64[n]. It is what `PairedCell.variance` gives for one w.
    """
    subjects = cell.ids.size
    deviations = cell.without - cell.without.mean(axis=0)
    jackknife = (subjects - 1) / subjects * (deviations.T @ deviations) if subjects > 1 else np.zeros((2, 2))

    def form(matrix: F64) -> F64:
        return np.asarray(np.maximum(0.0, np.einsum("ni,ij,nj->n", w, matrix, w)), np.float64)

    plug_in = form(cell.pair) + form(cell.shared)
    return np.maximum(np.maximum(form(cell.independent), plug_in), form(jackknife))
