"""Every group's rates at up to 128 thresholds, for the threshold slider.

With the uncertainty and the gates of the operating points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence, without_comparisons
from faceparity.harness.comparisons.tally import Scores, Tally
from faceparity.harness.groups.groupings import SampleGrouping, cells_of
from faceparity.harness.uncertainty.contrasts import satterthwaite
from faceparity.harness.uncertainty.intervals import LEVEL
from faceparity.harness.verification.errors_by_threshold import Mated, NonMated, RateAtThreshold, first_in_ledger
from faceparity.harness.verification.one_threshold import can_be_matched, mated_by_group, non_mated_by_group, reference_group
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.estimates import interval_of
from faceparity.harness.verification.rates.few_error_contrasts import applies, few_error_p
from faceparity.harness.verification.rates.group_contrasts import ratio_of
from faceparity.harness.verification.rates.like_groups import never_below, with_design_effects
from faceparity.harness.verification.rates.verdict_rules import BOUND_BELOW, INTERVAL_FROM, SHOWN_FROM, barrier, enough_errors
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool

POSITIONS = 128
BELOW_LEDGER = 16
"""Maximum number of them below the ledger's floor, where false matches have no interval."""
START = 0.1
"""The FMR of all pairs at the lowest position; above the highest there is no false match, and half of all people's images fail."""
GROUPS = 60

Measure = Literal["fmr", "fnmr"]


def make_sweeps(
    evidence: Evidence,
    groupings: Sequence[SampleGrouping],
    pool: ThresholdPool,
    references: tuple[str, ...],
    points: Sequence[Sequence[results.OperatingPoint]],
    same_person: float | None,
    labelled: bool = False,
) -> list[results.Sweep | None]:
    """Return one sweep for each grouping.

    All at the same thresholds; None without non-mated comparisons.

    points: the operating points of each grouping, whose thresholds are among those of the sweep. same_person, labelled: see
    `MeasurementPlan`; of a set with labels there is a second reading only if some comparison looks like one person.
    """
    if not evidence.tally.n_non_mated:
        return [None] * len(groupings)
    thresholds = positions(evidence.tally, _thresholds_of(points))
    out = _sweeps(evidence, groupings, pool, references, thresholds)
    if same_person is not None:
        alike = evidence.tally.ledger.score >= evidence.tally.grid.exact(same_person)
        if labelled and not alike.any():
            return list(out)
        second = _sweeps(without_comparisons(evidence, alike), groupings, pool, references, thresholds)
        out = [first.model_copy(update={"without_likely_same_person": other}) for first, other in zip(out, second, strict=True)]
    return list(out)


def _thresholds_of(points: Sequence[Sequence[results.OperatingPoint]]) -> list[float]:
    """Return all operating points' thresholds, second readings too."""
    every = [point for of_grouping in points for point in of_grouping]
    every += [point.without_likely_same_person for point in every if point.without_likely_same_person is not None]
    return [point.threshold for point in every if point.threshold is not None]


def positions(tally: Tally, asked: Sequence[float]) -> Scores:
    """Return the thresholds of a sweep, [T], rising, as precise as scores.

    The thresholds asked for, and edges of the grid, evenly spread over where rates change.

    T ≤ 128, unless more than 112 are asked for. Below the ledger's floor the edges are few.
    """
    edges = tally.grid.edges
    wanted = np.unique(np.asarray(asked, edges.dtype))
    non_mated, mated = (table.sum(axis=(0, 1)) for table in (tally.non_mated, tally.mated))
    above = np.cumsum(non_mated[::-1])[::-1] / max(1, non_mated.sum())
    low = max([1, *np.flatnonzero(above >= START)])
    high = max(0, *np.flatnonzero(non_mated)) + 1
    if mated.sum():
        high = max(high, int(np.searchsorted(np.cumsum(mated), mated.sum() / 2)) + 1)
    inside = edges[min(low, high) : high + 1]
    below, in_ledger = inside[inside < tally.grid.exact(tally.floor)], inside[inside >= tally.grid.exact(tally.floor)]
    below_ledger = _spread(below, BELOW_LEDGER)
    room = max(POSITIONS - wanted.size, BELOW_LEDGER) - below_ledger.size
    return np.asarray(np.unique(np.concatenate([wanted, below_ledger, _spread(in_ledger, room)])), edges.dtype)


def _spread(values: Scores, count: int) -> Scores:
    """Return at most `count` of the values, evenly by rank.

    The first and the last are among them.
    """
    return np.asarray(
        values[np.unique(np.linspace(0, values.size - 1, min(count, values.size)).round().astype(int))], values.dtype
    )


@dataclass
class _Column:
    """One group's figures as the threshold falls.

    matched: its cells of the finest grouping, if the mean is over them.
    """

    group: int
    name: str
    design: results.Design
    matched: list[int] | None
    last: RateAtThreshold | None = None
    errors: list[int] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    effective_n: list[float | None] = field(default_factory=list)
    effective_errors: list[float | None] = field(default_factory=list)
    df: list[float | None] = field(default_factory=list)
    upper: list[_UpperEnd | None] = field(default_factory=list)
    design_effect: list[float | None] = field(default_factory=list)
    half_width: list[float | None] = field(default_factory=list)
    at_least: list[float | None] = field(default_factory=list)

    def note(self, at: RateAtThreshold) -> None:
        """Add the figures at the next lower threshold."""
        estimate, self.last = at.estimate, at
        known = at.counted and bool(estimate.errors)
        shown = known and estimate.subjects >= INTERVAL_FROM
        self.errors.append(estimate.errors)
        self.rate.append(_short(estimate.rate) or 0.0)
        self.effective_n.append(_short(_n_of_interval(estimate)) if shown else None)
        self.effective_errors.append(_short(estimate.effective_errors) if known else None)
        self.df.append(_short(estimate.df) if shown else None)
        few = estimate.errors < BOUND_BELOW and (at.counted or not estimate.errors)
        self.design_effect.append(_short(estimate.design_effect) if few else None)
        self.upper.append(_UpperEnd.of(estimate, few) if few or shown else None)


class _UpperEnd(NamedTuple):
    """The upper end at one threshold: Wilson's, or the bound with few errors; and what it is at least."""

    high: float
    least: float
    few: bool

    @staticmethod
    def of(estimate: Estimate, few: bool) -> _UpperEnd:
        """Return an estimate's; without a comparison everything is possible."""
        high = 1.0 if estimate.rate is None else interval_of(replace(estimate, least_upper=0.0))[1]
        return _UpperEnd(high, high if few else estimate.least_upper, few)


def _never_falling(ends: Sequence[_UpperEnd | None]) -> list[float | None]:
    """Return upper ends that never fall as errors rise.

    In the order of rising errors. None where Wilson's stands, or where there is none.
    """
    out: list[float | None] = []
    largest = 0.0
    for end in ends:
        if end is not None:
            largest = max(largest, end.high, end.least)
        out.append(None if end is None or (not end.few and largest <= end.high) else _short(largest))
    return out


def _short(value: float | None) -> float | None:
    """Round to seven significant digits."""
    return None if value is None else float(f"{value:.7g}")


def _n_of_interval(estimate: Estimate) -> float | None:
    """Return the sample size behind `estimates.interval_of`."""
    if estimate.rate is None or estimate.rate >= 1 or estimate.variance <= 0:
        return float(max(1, estimate.subjects // 2))
    return estimate.effective_n


def _sweeps(
    evidence: Evidence, groupings: Sequence[SampleGrouping], pool: ThresholdPool, references: tuple[str, ...], thresholds: Scores
) -> list[results.Sweep]:
    measures: list[Measure] = ["fmr", "fnmr"] if evidence.tally.n_mated else ["fmr"]
    swept: list[list[results.SweptRate]] = [[] for _ in groupings]
    for measure in measures:
        for out, found in zip(swept, _sweep(measure, evidence, groupings, references, thresholds), strict=True):
            out += found
    pool_fmr = [_short(rate) for rate in _pool_fmr(evidence, pool, thresholds)]
    first = first_in_ledger(evidence, thresholds)
    printed = [float(str(threshold)) for threshold in thresholds]
    return [results.Sweep(thresholds=printed, first_with_uncertainty=first, pool_fmr=pool_fmr, rates=rates) for rates in swept]


def _sweep(
    measure: Measure, evidence: Evidence, groupings: Sequence[SampleGrouping], references: tuple[str, ...], thresholds: Scores
) -> list[list[results.SweptRate]]:
    finest = groupings[-1]
    at_top = non_mated_by_group(evidence, finest, np.inf) if measure == "fmr" else mated_by_group(evidence, finest, np.inf)
    bases = [reference_group(grouping, evidence, references) for grouping in groupings]
    columns = [
        _columns(grouping, finest, at_top, _chosen(grouping, evidence, base)) for grouping, base in zip(groupings, bases, strict=True)
    ]  # fmt: skip
    cells = sorted(
        {cell for of_grouping in columns for column in of_grouping for cell in column.matched or ()}
        | {column.group for column in columns[-1]}
    )
    walk = NonMated if measure == "fmr" else Mated
    steps = [walk(evidence, finest, thresholds, tuple(cells)).descending()]
    for grouping, of_grouping in zip(groupings[:-1], columns[:-1], strict=True):
        # All of them where any is as sampled: like groups say how errors go together.
        as_sampled = any(column.matched is None for column in of_grouping)
        chosen = tuple(column.group for column in of_grouping if as_sampled)
        steps.append(walk(evidence, grouping, thresholds, chosen).descending())
    for of_cells, *own in zip(*steps, strict=True):
        known = dict(zip(cells, _alike(of_cells), strict=True))
        for index, of_grouping in enumerate(columns):
            listed = _alike(own[index]) if index < len(own) else [known[column.group] for column in of_grouping]
            _note_all(evidence, of_grouping, known, listed)
            _note_ratios(evidence, of_grouping, bases[index])
    return [[_to_record(measure, column, base) for column in of_columns] for of_columns, base in zip(columns, bases, strict=True)]


def _chosen(grouping: SampleGrouping, evidence: Evidence, reference: str | None) -> list[int]:
    """Return the reference and the largest other groups.

    In the grouping's order.
    """
    sizes = np.bincount(_group_of_subjects(grouping, evidence), minlength=grouping.n)
    order = sorted(range(grouping.n), key=lambda group: (grouping.names[group] != reference, -sizes[group], group))
    return sorted(order[:GROUPS])


def _group_of_subjects(grouping: SampleGrouping, evidence: Evidence) -> NDArray[np.int64]:
    """Return the group of every subject in it, int64[·].

    Once for each group that a subject is in.
    """
    group = grouping.of(evidence.cells.of_sample)
    known = group >= 0
    return np.asarray(np.unique(np.stack([group[known], evidence.subjects[known]]), axis=1)[0], np.int64)


def _columns(grouping: SampleGrouping, finest: SampleGrouping, at_top: list[Estimate], chosen: list[int]) -> list[_Column]:
    """Return a column for each chosen group.

    Matched where the tables have a matched rate, else as sampled; the finest grouping's groups within themselves.
    """
    out = []
    for group in chosen:
        if grouping.attributes == finest.attributes:
            out.append(_Column(group, grouping.names[group], "within", None))
        elif can_be_matched(grouping, finest, group, at_top):
            own = cells_of(grouping, finest, group)
            out.append(_Column(group, grouping.names[group], "matched", own))
        else:
            out.append(_Column(group, grouping.names[group], "as_sampled", None))
    return out


def _alike(groups: list[RateAtThreshold]) -> list[RateAtThreshold]:
    """Return like groups with their design effects."""
    found = with_design_effects([group.estimate for group in groups])
    return [RateAtThreshold(estimate, group.counted) for estimate, group in zip(found, groups, strict=True)]


def _note_all(
    evidence: Evidence, columns: list[_Column], cells: dict[int, RateAtThreshold], listed: list[RateAtThreshold]
) -> None:
    """Add the figures of a grouping's columns at the next lower threshold.

    cells: of the finest grouping, by group. listed: of each column as sampled; empty if every column is a mean.
    """
    means = {
        index: _mean(evidence, [cells[cell] for cell in column.matched])
        for index, column in enumerate(columns)
        if column.matched is not None
    }
    raised = never_below([mean.estimate for mean in means.values()])
    means = {index: RateAtThreshold(estimate, means[index].counted) for index, estimate in zip(means, raised, strict=True)}
    for index, column in enumerate(columns):
        column.note(means[index] if column.matched is not None else listed[index])


def _mean(evidence: Evidence, cells: list[RateAtThreshold]) -> RateAtThreshold:
    mean = estimates.mean_of([cell.estimate for cell in cells], evidence.shared_subjects)
    return RateAtThreshold(mean, all(cell.counted for cell in cells))


def _note_ratios(evidence: Evidence, columns: list[_Column], reference: str | None) -> None:
    base = next((column for column in columns if column.name == reference), None)
    for column in columns:
        compared = base is not None and column is not base
        column.half_width.append(_half_width(evidence, column, base) if base is not None and compared else None)
        column.at_least.append(_at_least(column, base) if base is not None and compared else None)


def _at_least(group: _Column, base: _Column) -> float | None:
    """Return what the larger rate is at least, over the smaller.

    Where the lower side has few errors and the test for these applies; else None.
    """
    assert group.last is not None
    assert base.last is not None
    if not (group.last.counted and base.last.counted and group.design == base.design):
        return None
    first, second = group.last.estimate, base.last.estimate
    if barrier(first, second) is not None or not applies(group.design, first, second):
        return None
    return _short(few_error_p(first, second)[1].at_least)


def _half_width(evidence: Evidence, group: _Column, base: _Column) -> float | None:
    """Return half the width of the ratio's interval.

    On the log scale; None where the ratio may not be shown.
    """
    assert group.last is not None
    assert base.last is not None
    first, second = group.last.estimate, base.last.estimate
    comparable = group.last.counted and base.last.counted and group.design == base.design != "as_sampled"
    if (
        not comparable
        or min(first.subjects, second.subjects) < SHOWN_FROM
        or not first.rate
        or not second.rate
        or max(first.rate, second.rate) >= 1
    ):
        return None
    if not enough_errors(first.rate / second.rate, first.effective_errors or 0.0, second.effective_errors or 0.0):
        return None
    if evidence.shared_subjects:
        found = ratio_of(first, second)
        return None if found is None else _short(float(np.log(found.interval[1] / found.ratio)))
    terms = [(estimate.test_variance / estimate.rate**2, estimate.df) for estimate in (first, second) if estimate.rate]
    return _short(float(stdtrit(satterthwaite(terms), 0.5 + LEVEL / 2) * np.sqrt(sum(variance for variance, _ in terms))))


def _to_record(measure: Measure, column: _Column, reference: str | None) -> results.SweptRate:
    assert column.last is not None
    estimate = column.last.estimate
    base = results.SweptRate(
        group=column.name, measure=measure, design=column.design, subjects=estimate.subjects, comparisons=estimate.comparisons
    )
    if estimate.rate is None or estimate.subjects < SHOWN_FROM:
        return base.model_copy(update={"reason": estimate.reason if estimate.rate is None else "too_few_subjects"})
    shown = estimates.to_rate(_without_errors(estimate), column.name, column.design)
    df = list(dict.fromkeys(value for value in column.df if value is not None))
    compared = reference not in (None, column.name) and column.design != "as_sampled"
    return base.model_copy(
        update={
            "errors": column.errors[::-1],
            "rate": column.rate[::-1] if column.design == "matched" else None,
            "effective_n": column.effective_n[::-1],
            "effective_errors": column.effective_errors[::-1],
            "df": df[0] if len(df) == 1 else column.df[::-1] if df else None,
            # False matches rise as the threshold falls, as the columns do; false non-matches fall.
            "upper": _never_falling(column.upper)[::-1] if measure == "fmr" else _never_falling(column.upper[::-1]),
            "design_effect": column.design_effect[::-1],
            "bounds": shown.bounds,
            "ratio_at_least": column.at_least[::-1] if compared else None,
            "ratio_log_half_width": column.half_width[::-1] if compared else None,
        }
    )


def _without_errors(estimate: Estimate) -> Estimate:
    """Return the same comparisons as if there were no error."""
    return Estimate(estimate.subjects, None, estimate.comparisons, 0, 0.0, zero_bounds=estimate.zero_bounds)


def _pool_fmr(evidence: Evidence, pool: ThresholdPool, thresholds: Scores) -> list[float | None]:
    comparisons, first = pool.comparisons(evidence), first_in_ledger(evidence, thresholds)
    if not pool.weights.size or (comparisons == 0).any():
        return [None] * thresholds.size
    stratum, score = pool.errors_above(evidence, -np.inf)
    position = np.searchsorted(thresholds, score, side="right") - 1
    counts = np.zeros((thresholds.size, comparisons.size), np.int64)
    np.add.at(counts, (position[position >= 0], stratum[position >= 0]), 1)
    counts = np.cumsum(counts[::-1], axis=0)[::-1]
    for index in range(first):
        counts[index] = pool.error_counts(evidence, float(thresholds[index]))
    return [float((pool.weights * row / comparisons).sum()) for row in counts]
