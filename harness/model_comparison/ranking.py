"""League tables of models, as far as the data allow: each figure with its interval, and the ranks that each model may have.

Everything rests on pairs: two models on the comparisons that all models of the table made. See `uncertainty.ranks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.model_comparison.compare import Cells, enough_for_both, large_cells, tested
from faceparity.harness.model_comparison.paired_bootstrap import DEFINED, Replicated
from faceparity.harness.model_comparison.worst_groups import (
    ModelFigure,
    Pair,
    Pairs,
    Rated,
    Test,
    Tests,
    groups_with_rates,
    worst_groups,
)
from faceparity.harness.results import comparison as rc
from faceparity.harness.uncertainty.intervals import wilson_from_variance
from faceparity.harness.uncertainty.model_differences import PairedCell, Term, compare_models, mean_rates, variance_of, widened
from faceparity.harness.uncertainty.ranks import rank_intervals
from faceparity.harness.verification.rates.true_reasons import why_not_tested
from faceparity.harness.verification.rates.verdict_rules import adjust, call

F64 = NDArray[np.float64]
MOST_GROUPS = 60
"""Most groups for a table of the worst one, as every two groups are tested."""
FEWEST_ERRORS = 10
"""Errors from which on an interval may begin above 0."""


def leagues(
    ids: Sequence[str], readings: Sequence[Pairs], groupings: Sequence[SampleGrouping], at_target: bool
) -> list[rc.League]:
    """Return the league tables at one operating point.

    readings: the pairs of every two models (i < j); the second, where there is one, without likely same persons.
    At a target the pool's FMR is the same for all by construction: there is no table of it.
    """
    first = readings[0][0, 1]
    tables = []
    measures: tuple[Rated, ...] = ("fmr", "fnmr")
    for measure in measures:
        if measure not in first.by_cell:
            continue
        if not (measure == "fmr" and at_target):
            figures = [_mean(len(ids), pairs, measure) for pairs in readings]
            tables.append(_league(ids, measure, groupings[-1].attributes, first, figures))
        for grouping in groupings:
            table = _worst(ids, readings, measure, grouping, groupings[-1])
            tables += [table] if table is not None else []
    return tables


def failure_league(ids: Sequence[str], cell: Callable[[int, int], PairedCell | None]) -> rc.League | None:
    """Return the league table of FTX, all samples together.

    cell: the paired cell of two models; None without samples, and then there is no table.
    """
    tests: Tests = {}
    rows: dict[int, ModelFigure] = {}
    seen: PairedCell | None = None
    for i, j in combinations(range(len(ids)), 2):
        seen = cell(i, j)
        if seen is None:
            return None
        tests[i, j] = _test_of_means([seen], False, None, None)
        for k, side in ((i, 0), (j, 1)):
            rows.setdefault(k, _mean_row([seen], side, False, None))
    if seen is None:
        return None
    return _table(ids, "ftx", (), seen.ids.size, seen.comparisons, [rows[k] for k in range(len(ids))], None, [tests])


def _mean(n: int, pairs: Pairs, measure: Rated) -> tuple[list[ModelFigure], Tests]:
    """Return every model's mean rate, and all tests.

    The mean is over the large groups. n: models.
    """
    tests: Tests = {}
    rows: dict[int, ModelFigure] = {}
    for (i, j), pair in pairs.items():
        large = large_cells(pair.by_cell[measure])
        cells = [cell for g in large if (cell := pair.by_cell[measure][g]) is not None]
        tests[i, j] = _test_of_means(cells, pair.common.shared_subjects, pair.replicated, (measure, large))
        for k, side in ((i, 0), (j, 1)):
            replicates = None if pair.replicated is None else pair.replicated.rates(measure, large)[side]
            rows.setdefault(k, _mean_row(cells, side, pair.common.shared_subjects, replicates))
    return [rows[k] for k in range(n)], tests


def _test_of_means(cells: Cells, shared: bool, replicated: Replicated | None, of: tuple[Rated, list[int]] | None) -> Test:
    """Test two models' means over cells.

    of: measure and groups in `replicated`.
    """
    if not cells:
        return Test(None, None, None, reason="zero_comparisons")
    change = compare_models(cells, shared)
    if replicated is not None and of is not None:
        spread = replicated.of_rate(*of)
        change = widened(change, spread.log_variance, spread.difference_variance)
    called = tested(cells, change)
    if called is None:
        reason = why_not_tested(change.first, change.second, enough_for_both(cells, change))
        return Test(change.ratio, change.interval, None if change.ratio is None else 1.0, 0.0, reason)
    return Test(called.ratio, called.interval, called.p, float(np.sign(called.first - called.second)))


def _mean_row(cells: Cells, side: int, shared: bool, replicates: F64 | None) -> ModelFigure:
    """Return one model's mean over cells, with Wilson's interval.

    replicates: float64[replicates], the mean with the threshold estimated again; the variance is not below its variance.
    """
    if not cells:
        return ModelFigure(None, None, None, "zero_comparisons")
    rate = float(mean_rates(cells)[side])
    if rate == 0:  # a bound from the smallest cell, which is the widest
        worst = 3 / (len(cells) * max(1, min(cell.ids.size // 2 for cell in cells)))
        return ModelFigure(rate, (0.0, min(1.0, worst)), None, "zero_errors")
    if rate >= 1:
        return ModelFigure(rate, None, None, "every_comparison_wrong")
    weights = np.eye(2)[side] / len(cells)
    variance, df = variance_of([Term(cell, weights) for cell in cells], shared)
    if replicates is not None:
        known = replicates[np.isfinite(replicates)]
        if known.size < DEFINED * replicates.size:
            return ModelFigure(rate, None, None, "too_few_errors")
        variance = max(variance, float(np.var(known, ddof=1)))
    lo, hi = wilson_from_variance(rate, variance, df)
    few = sum(cell.errors[side] for cell in cells) < FEWEST_ERRORS
    return ModelFigure(rate, (0.0 if few else lo, hi), None, "too_few_errors" if few else None)


def _league(
    ids: Sequence[str], measure: Rated, attributes: Sequence[str], pair: Pair, readings: Sequence[tuple[list[ModelFigure], Tests]]
) -> rc.League:
    cells = [cell for cell in pair.by_cell[measure] if cell is not None]
    people = int(np.unique(np.concatenate([cell.ids for cell in cells])).size) if cells else 0
    second = readings[1][0] if len(readings) > 1 else None
    comparisons = sum(cell.comparisons for cell in cells)
    return _table(ids, measure, attributes, people, comparisons, readings[0][0], second, [tests for _, tests in readings])


def _table(
    ids: Sequence[str],
    measure: Literal["ftx", "fmr", "fnmr", "worst_fmr", "worst_fnmr"],
    attributes: Sequence[str],
    subjects: int,
    comparisons: int,
    rows: Sequence[ModelFigure],
    second: Sequence[ModelFigure] | None,
    readings: Sequence[Tests],
    left_out: Sequence[str] = (),
) -> rc.League:
    """Return a league table with ranks from proven differences.

    Holm over the pairs. With two readings a test counts by the weaker, and only if both agree.
    """
    keys = list(readings[0])
    tests = [_weaker([reading[key] for reading in readings]) for key in keys]
    usable = [k for k, test in enumerate(tests) if test.p is not None]
    adjusted: list[float | None] = [None] * len(tests)
    for k, p_holm in zip(usable, adjust([tests[k].p for k in usable]), strict=True):
        adjusted[k] = p_holm
    verdicts = ["none" if p_holm is None else call(test.sign, p_holm, True) for test, p_holm in zip(tests, adjusted, strict=True)]
    better = np.zeros((len(ids), len(ids)), bool)
    for (i, j), verdict in zip(keys, verdicts, strict=True):
        better[i, j], better[j, i] = verdict == "lower", verdict == "higher"
    ranks = rank_intervals(better)
    return rc.League(
        measure=measure, attributes=list(attributes), subjects=subjects, comparisons=comparisons, left_out=list(left_out),
        rows=[
            rc.LeagueRow(
                id=ids[k], value=row.value, interval=row.interval, group=row.group, rank=ranks[k], reason=row.reason,
                second_value=second[k].value if second is not None else None, left_out=list(row.left_out),
            )
            for k, row in enumerate(rows)
        ],
        tests=[
            rc.LeagueTest(
                first=ids[i], second=ids[j], ratio=test.ratio, interval=test.interval, p=test.p, p_holm=p_holm,
                verdict=verdict, reason=test.reason,
            )
            for (i, j), test, p_holm, verdict in zip(keys, tests, adjusted, verdicts, strict=True)
        ],
    )  # fmt: skip


def _weaker(tests: Sequence[Test]) -> Test:
    """Return the first reading's test with the larger p.

    Of both readings' p; 1 if they point different ways.
    """
    first = tests[0]
    for other in tests[1:]:
        p_first = first.p
        if p_first is None:
            return first
        if other.p is None or other.sign * first.sign <= 0:
            why: results.Reason = "no_second_reading" if other.p is None else "readings_differ"
            first = first._replace(p=1.0, reason=first.reason or why)
        elif other.p > p_first:
            first = first._replace(p=other.p)
    return first


def _worst(
    ids: Sequence[str], readings: Sequence[Pairs], measure: Rated, grouping: SampleGrouping, finest: SampleGrouping
) -> rc.League | None:
    """Rank models by the highest group's rate over the mean.

    None with fewer than two groups, or more than `MOST_GROUPS`.
    """
    name: Literal["worst_fmr", "worst_fnmr"] = "worst_fmr" if measure == "fmr" else "worst_fnmr"
    groups = groups_with_rates(readings[0][0, 1], measure, grouping, finest)
    if len(groups) < 2 or len(groups) > MOST_GROUPS:
        return None
    people = int(np.unique(np.concatenate([cell.ids for cells in groups.values() for cell in cells])).size)
    comparisons = sum(cell.comparisons for cells in groups.values() for cell in cells)
    by_reading = [worst_groups(len(ids), pairs, measure, grouping, finest) for pairs in readings]
    left_out = [group_name for g, group_name in enumerate(grouping.names) if g not in groups]
    second = by_reading[1][0] if len(by_reading) > 1 else None
    return _table(
        ids,
        name,
        grouping.attributes,
        people,
        comparisons,
        by_reading[0][0],
        second,
        [tests for _, tests in by_reading],
        left_out,
    )
