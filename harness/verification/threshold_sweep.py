"""Every group's rates at up to 128 thresholds, with the uncertainty and the gates of the operating points: for the threshold slider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence, without_comparisons
from faceparity.harness.comparisons.tally import F32, Tally
from faceparity.harness.groups.groupings import SampleGrouping, cells_of
from faceparity.harness.uncertainty.contrasts import satterthwaite
from faceparity.harness.uncertainty.intervals import LEVEL
from faceparity.harness.verification.errors_by_threshold import Mated, NonMated, RateAtThreshold, first_in_ledger
from faceparity.harness.verification.one_threshold import can_be_matched, mated_by_group, non_mated_by_group, reference_group
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.group_contrasts import ratio_of
from faceparity.harness.verification.rates.verdict_rules import INTERVAL_FROM, SHOWN_FROM, enough_errors
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool

POSITIONS = 128
BELOW_LEDGER = 16
"""So many of them at most lie below the ledger's floor, where false matches have no interval."""
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
) -> list[results.Sweep | None]:
    """One for each grouping, all at the same thresholds; None without non-mated comparisons.

    points: the operating points of each grouping, whose thresholds are among those of the sweep. same_person: see `Questions`.
    """
    if not evidence.tally.n_non_mated:
        return [None] * len(groupings)
    thresholds = positions(evidence.tally, _asked(points))
    out = _sweeps(evidence, groupings, pool, references, thresholds)
    if same_person is not None:
        alike = evidence.tally.ledger.score >= np.float32(same_person)
        second = _sweeps(without_comparisons(evidence, alike), groupings, pool, references, thresholds)
        out = [a.model_copy(update={"without_likely_same_person": b}) for a, b in zip(out, second, strict=True)]
    return list(out)


def _asked(points: Sequence[Sequence[results.OperatingPoint]]) -> list[float]:
    """Thresholds of all operating points, second readings too."""
    every = [p for of_grouping in points for p in of_grouping]
    every += [p.without_likely_same_person for p in every if p.without_likely_same_person is not None]
    return [p.threshold for p in every if p.threshold is not None]


def positions(tally: Tally, asked: Sequence[float]) -> F32:
    """float32[T], rising: the thresholds asked for, and edges of the grid, evenly spread over where something happens.

    T ≤ 128, unless more than 112 are asked for. Below the ledger's floor the edges are few.
    """
    wanted, edges = np.unique(np.asarray(asked, np.float32)), tally.grid.edges
    non_mated, mated = (t.sum(axis=(0, 1)) for t in (tally.non_mated, tally.mated))
    above = np.cumsum(non_mated[::-1])[::-1] / max(1, non_mated.sum())
    low = max([1, *np.flatnonzero(above >= START)])
    high = max(0, *np.flatnonzero(non_mated)) + 1
    if mated.sum():
        high = max(high, int(np.searchsorted(np.cumsum(mated), mated.sum() / 2)) + 1)
    inside = edges[min(low, high) : high + 1]
    below, kept = inside[inside < np.float32(tally.floor)], inside[inside >= np.float32(tally.floor)]
    some = _spread(below, BELOW_LEDGER)
    room = max(POSITIONS - wanted.size, BELOW_LEDGER) - some.size
    return np.asarray(np.unique(np.concatenate([wanted, some, _spread(kept, room)])), np.float32)


def _spread(values: F32, n: int) -> F32:
    """At most n of the values, the first and the last among them, evenly by rank."""
    return np.asarray(values[np.unique(np.linspace(0, values.size - 1, min(n, values.size)).round().astype(int))], np.float32)


@dataclass
class _Column:
    """What is noted of one group as the threshold falls. matched: its cells of the finest grouping, if the mean is over them."""

    group: int
    name: str
    design: results.Design
    matched: list[int] | None
    merged: bool
    last: RateAtThreshold | None = None
    errors: list[int] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    effective_n: list[float | None] = field(default_factory=list)
    effective_errors: list[float | None] = field(default_factory=list)
    df: list[float | None] = field(default_factory=list)
    half_width: list[float | None] = field(default_factory=list)

    def note(self, at: RateAtThreshold) -> None:
        """Takes the next lower threshold."""
        e, self.last = at.estimate, at
        known = at.counted and bool(e.errors)
        shown = known and e.subjects >= INTERVAL_FROM
        self.errors.append(e.errors)
        self.rate.append(_short(e.rate) or 0.0)
        self.effective_n.append(_short(_n_of_interval(e)) if shown else None)
        self.effective_errors.append(_short(e.effective_errors) if known else None)
        self.df.append(_short(e.df) if shown else None)


def _short(x: float | None) -> float | None:
    """Seven significant digits."""
    return None if x is None else float(f"{x:.7g}")


def _n_of_interval(e: estimates.Estimate) -> float | None:
    """The sample size behind `rates.interval_of`."""
    if e.rate is None or e.rate >= 1 or e.variance <= 0:
        return float(max(1, e.subjects // 2))
    return e.effective_n


def _sweeps(
    evidence: Evidence, groupings: Sequence[SampleGrouping], pool: ThresholdPool, references: tuple[str, ...], thresholds: F32
) -> list[results.Sweep]:
    measures: list[Measure] = ["fmr", "fnmr"] if evidence.tally.n_mated else ["fmr"]
    swept: list[list[results.SweptRate]] = [[] for _ in groupings]
    for measure in measures:
        for out, found in zip(swept, _sweep(measure, evidence, groupings, references, thresholds), strict=True):
            out += found
    pool_fmr = [_short(x) for x in _pool_fmr(evidence, pool, thresholds)]
    first = first_in_ledger(evidence, thresholds)
    said = [float(str(t)) for t in thresholds]
    return [results.Sweep(thresholds=said, first_with_uncertainty=first, pool_fmr=pool_fmr, rates=r) for r in swept]


def _sweep(
    measure: Measure, evidence: Evidence, groupings: Sequence[SampleGrouping], references: tuple[str, ...], thresholds: F32
) -> list[list[results.SweptRate]]:
    finest = groupings[-1]
    at_top = non_mated_by_group(evidence, finest, np.inf) if measure == "fmr" else mated_by_group(evidence, finest, np.inf)
    bases = [reference_group(g, evidence, references) for g in groupings]
    columns = [
        _columns(g, finest, at_top, _chosen(g, evidence, base)) for g, base in zip(groupings, bases, strict=True)
    ]  # fmt: skip
    cells = sorted({c for of_grouping in columns for x in of_grouping for c in x.matched or ()} | {x.group for x in columns[-1]})
    walk = NonMated if measure == "fmr" else Mated
    steps = [walk(evidence, finest, thresholds, tuple(cells)).falling()]
    for g, of_grouping in zip(groupings[:-1], columns[:-1], strict=True):
        steps.append(walk(evidence, g, thresholds, tuple(x.group for x in of_grouping if x.matched is None)).falling())
    for of_cells, *own in zip(*steps, strict=True):
        known = dict(zip(cells, of_cells, strict=True))
        for n, of_grouping in enumerate(columns):
            alone = iter(own[n] if n < len(own) else ())
            for x in of_grouping:
                last = n == len(own)
                x.note(
                    known[x.group]
                    if last
                    else next(alone)
                    if x.matched is None
                    else _mean(evidence, [known[c] for c in x.matched])
                )
            _note_ratios(evidence, of_grouping, bases[n])
    return [[_to_record(measure, x, base) for x in of] for of, base in zip(columns, bases, strict=True)]


def _chosen(grouping: SampleGrouping, evidence: Evidence, reference: str | None) -> list[int]:
    """The reference and the largest other groups, in the grouping's order."""
    sizes = np.bincount(_group_of_subjects(grouping, evidence), minlength=grouping.n)
    order = sorted(range(grouping.n), key=lambda g: (grouping.names[g] != reference, -sizes[g], g))
    return sorted(order[:GROUPS])


def _group_of_subjects(grouping: SampleGrouping, evidence: Evidence) -> NDArray[np.int64]:
    """int64[·]: the group of every subject in it, once for each."""
    group = grouping.of(evidence.cells.of_sample)
    known = group >= 0
    return np.asarray(np.unique(np.stack([group[known], evidence.subjects[known]]), axis=1)[0], np.int64)


def _columns(
    grouping: SampleGrouping, finest: SampleGrouping, at_top: list[estimates.Estimate], chosen: list[int]
) -> list[_Column]:
    """Matched where the tables have a matched rate, as sampled else; the finest grouping's groups within themselves."""
    out = []
    for g in chosen:
        own = cells_of(grouping, finest, g)
        if grouping.attributes == finest.attributes:
            out.append(_Column(g, grouping.names[g], "within", None, bool(grouping.merged[g])))
        elif can_be_matched(own, finest, at_top):
            out.append(_Column(g, grouping.names[g], "matched", own, bool(grouping.merged[g])))
        else:
            out.append(_Column(g, grouping.names[g], "as_sampled", None, bool(grouping.merged[g])))
    return out


def _mean(evidence: Evidence, cells: list[RateAtThreshold]) -> RateAtThreshold:
    mean = estimates.mean_of([c.estimate for c in cells], evidence.shared_subjects)
    return RateAtThreshold(mean, all(c.counted for c in cells))


def _note_ratios(evidence: Evidence, columns: list[_Column], reference: str | None) -> None:
    base = next((x for x in columns if x.name == reference), None)
    for x in columns:
        x.half_width.append(None if base is None or x is base or x.merged else _half_width(evidence, x, base))


def _half_width(evidence: Evidence, group: _Column, base: _Column) -> float | None:
    """Half the width of the ratio's interval on the log scale; None where the ratio may not be told."""
    assert group.last is not None
    assert base.last is not None
    a, b = group.last.estimate, base.last.estimate
    told = group.last.counted and base.last.counted and group.design == base.design != "as_sampled"
    if not told or min(a.subjects, b.subjects) < SHOWN_FROM or not a.rate or not b.rate or max(a.rate, b.rate) >= 1:
        return None
    if not enough_errors(a.rate / b.rate, a.effective_errors or 0.0, b.effective_errors or 0.0):
        return None
    if evidence.shared_subjects:
        found = ratio_of(a, b)
        return None if found is None else _short(float(np.log(found.interval[1] / found.ratio)))
    terms = [(e.variance / e.rate**2, e.df) for e in (a, b) if e.rate]
    return _short(float(stdtrit(satterthwaite(terms), 0.5 + LEVEL / 2) * np.sqrt(sum(v for v, _ in terms))))


def _to_record(measure: Measure, x: _Column, reference: str | None) -> results.SweptRate:
    assert x.last is not None
    e = x.last.estimate
    base = results.SweptRate(group=x.name, measure=measure, design=x.design, subjects=e.subjects, comparisons=e.comparisons)
    if e.rate is None or e.subjects < SHOWN_FROM:
        return base.model_copy(update={"reason": e.reason if e.rate is None else "too_few_subjects"})
    shown = estimates.to_rate(_without_errors(e), x.name, x.design)
    df = list(dict.fromkeys(d for d in x.df if d is not None))
    compared = reference not in (None, x.name) and x.design != "as_sampled" and not x.merged
    return base.model_copy(
        update={
            "errors": x.errors[::-1],
            "rate": x.rate[::-1] if x.design == "matched" else None,
            "effective_n": x.effective_n[::-1],
            "effective_errors": x.effective_errors[::-1],
            "df": df[0] if len(df) == 1 else x.df[::-1] if df else None,
            "bounds": shown.bounds,
            "ratio_log_half_width": x.half_width[::-1] if compared else None,
        }
    )


def _without_errors(e: estimates.Estimate) -> estimates.Estimate:
    """The same comparisons, had there been no error."""
    return estimates.Estimate(e.subjects, None, e.comparisons, 0, 0.0, zero_bounds=e.zero_bounds)


def _pool_fmr(evidence: Evidence, pool: ThresholdPool, thresholds: F32) -> list[float | None]:
    made, first = pool.comparisons(evidence), first_in_ledger(evidence, thresholds)
    if not pool.weights.size or (made == 0).any():
        return [None] * thresholds.size
    stratum, score = pool.errors_above(evidence, -np.inf)
    position = np.searchsorted(thresholds, score, side="right") - 1
    counts = np.zeros((thresholds.size, made.size), np.int64)
    np.add.at(counts, (position[position >= 0], stratum[position >= 0]), 1)
    counts = np.cumsum(counts[::-1], axis=0)[::-1]
    for k in range(first):
        counts[k] = pool.error_counts(evidence, float(thresholds[k]))
    return [float((pool.weights * row / made).sum()) for row in counts]
