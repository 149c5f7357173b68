"""The paired analysis of a controlled experiment: what each factor alone does to scores, error rates and failures.

Runs on any data set whose card has `[paired]`. The thresholds are the run's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness import results
from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.similarity import Kind, prepare
from faceparity.harness.experiments.paired_differences import compare_failures, compare_means, fmr_estimate, side, with_holm
from faceparity.harness.experiments.paired_scores import (
    Conditions,
    Scorer,
    ScoreSums,
    make_conditions,
    mated_sums,
    non_mated_sums,
)
from faceparity.harness.groups.groupings import JOINER
from faceparity.harness.verification.rates.estimates import Estimate, mated, to_rate
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM

Mask = NDArray[np.bool_]
MOST_ACROSS = 200
"""Mated comparisons across two conditions that differ in one factor are told, if there are no more than this many."""


class Factor(NamedTuple):
    """name; levels in order, and the code of each in the data set's attribute; reference: an index into levels."""

    name: str
    levels: list[str]
    codes: list[int]
    reference: int


class ConditionContrast(NamedTuple):
    """Two sides of a comparison, each a list of conditions: here[i] and there[i] differ only in what is contrasted."""

    factor: str | None
    level: str
    reference: str
    here: list[int]
    there: list[int]


@dataclass(frozen=True)
class Experiment:
    """Everything that differences and rates are made of. T thresholds.

    non_mated[i][c]: sums of the units that contrast i compares, under condition c. own[c]: of the units behind condition c's own
    rates, `shown[c]` bool[units]. mated[c], across[c, d]: sums of all units.
    """

    factors: list[Factor]
    names: list[str]
    conditions: Conditions
    contrasts: list[ConditionContrast]
    masks: list[Mask]
    shown: list[Mask]
    same: int | None
    non_mated: list[dict[int, ScoreSums]]
    own: list[ScoreSums]
    mated: list[ScoreSums]
    across: dict[tuple[int, int], ScoreSums]


def paired(
    dataset: Dataset,
    samples: Samples,
    template_samples: NDArray[np.int64],
    points: Sequence[results.OperatingPoint],
    kind: Kind,
    references: Sequence[str] = (),
) -> list[results.Paired]:
    """The analysis of a set that declares one; empty for any other. Raises UserError if the labels don't bear the declaration out.

    samples: what was compared. template_samples: the sample of the data set behind each. points: of any one grouping: the pool,
    and so the thresholds, are the run's. references: `ATTRIBUTE=VALUE`, before the card's.
    """
    card = dataset.card.paired
    if card is None:
        return []
    factors = [_factor(dataset, name, card.reference.get(name), references) for name in card.factors]
    template = np.full(dataset.n_samples, -1, np.int64)
    template[template_samples] = np.arange(template_samples.size)
    conditions = make_conditions(dataset.subjects, _codes(dataset, factors), template, card.captures)
    if not conditions.n:
        return []
    thresholds = np.asarray([p.threshold for p in points if p.threshold is not None], np.float32)
    scorer = Scorer(samples, prepare(samples.templates, kind), kind, thresholds)
    return [_record(_experiment(factors, conditions, scorer), points)]


def _factor(dataset: Dataset, name: str, of_card: str | None, references: Sequence[str]) -> Factor:
    if name not in dataset.attributes:
        raise UserError(f"{dataset.name} is said to be paired by {name}, but has no such attribute; correct [paired] in its card")
    values = dataset.attributes[name].values
    order = _order(values)
    levels = [values[i] for i in order]
    named = dict(r.partition("=")[::2] for r in references).get(name, of_card)
    if named is not None and named not in levels:
        raise UserError(f"{dataset.name}: the reference of {name} is {named!r}, which does not occur; it has {', '.join(levels)}")
    return Factor(name, levels, order, levels.index(named) if named is not None else 0)


def _order(values: Sequence[str]) -> list[int]:
    """The values' positions in order: by number if all are numbers, else as they are (they come sorted)."""
    try:
        numbers = [float(v) for v in values]
    except ValueError:
        return list(range(len(values)))
    return sorted(range(len(values)), key=numbers.__getitem__)


def _codes(dataset: Dataset, factors: Sequence[Factor]) -> NDArray[np.int64]:
    """int64[samples, factors]: the index of each sample's level, -1 unlabelled."""
    columns = []
    for f in factors:
        rank = np.full(len(f.codes) + 1, -1, np.int64)
        rank[f.codes] = np.arange(len(f.codes))
        columns.append(rank[dataset.attributes[f.name].codes])
    return np.stack(columns, axis=1)


def contrasts_of(factors: Sequence[Factor], codes: NDArray[np.int64]) -> list[ConditionContrast]:
    """Each level against its factor's reference, over all settings of the other factors that both occur under; then each whole
    condition against that of all reference levels, if it occurs and there are several factors."""
    index = {tuple(row): c for c, row in enumerate(codes.tolist())}
    out = []
    for k, f in enumerate(factors):
        for level in range(len(f.levels)):
            twins = [(c, index.get((*row[:k], f.reference, *row[k + 1 :]))) for row, c in index.items() if row[k] == level]
            both = [(c, r) for c, r in twins if r is not None]
            if level != f.reference and both:
                out.append(
                    ConditionContrast(f.name, f.levels[level], f.levels[f.reference], [c for c, _ in both], [r for _, r in both])
                )
    first = index.get(tuple(f.reference for f in factors))
    if len(factors) > 1 and first is not None:
        names = [_name(factors, row) for row in codes.tolist()]
        out += [ConditionContrast(None, names[c], names[first], [c], [first]) for c in range(len(names)) if c != first]
    return out


def _name(factors: Sequence[Factor], row: Sequence[int]) -> str:
    return JOINER.join(f.levels[i] for f, i in zip(factors, row, strict=True))


def _experiment(factors: list[Factor], conditions: Conditions, scorer: Scorer) -> Experiment:
    complete = conditions.complete
    contrasts = contrasts_of(factors, conditions.codes)
    masks = [np.asarray(complete[:, [*c.here, *c.there]].all(axis=1)) for c in contrasts]
    everywhere = np.asarray(complete.all(axis=1))
    same = int(everywhere.sum()) if everywhere.sum() >= SHOWN_FROM else None
    shown = [everywhere if same is not None else complete[:, c] for c in range(conditions.n)]
    non_mated: list[dict[int, ScoreSums]] = [{} for _ in contrasts]
    own = []
    for c in range(conditions.n):
        using = [i for i, x in enumerate(contrasts) if c in (*x.here, *x.there)]
        kinds, which = np.unique(np.stack([shown[c], *(masks[i] for i in using)]), axis=0, return_inverse=True)
        sums = non_mated_sums(scorer, conditions.rows[:, c], kinds)
        each = [of_mask(sums, k, kinds[k]) for k in which.reshape(-1).tolist()]
        own.append(each[0])
        for i, s in zip(using, each[1:], strict=True):
            non_mated[i][c] = s
    photo = {(min(a, b), max(a, b)) for a, b in scorer.samples.same_photo.tolist()}
    rows = [conditions.rows[:, c] for c in range(conditions.n)]
    within = [mated_sums(scorer, r, r, photo) for r in rows]
    pairs = [(c, d) for c, d in combinations(range(conditions.n), 2) if (conditions.codes[c] != conditions.codes[d]).sum() == 1]
    across = {(c, d): mated_sums(scorer, rows[c], rows[d], photo) for c, d in pairs if len(pairs) <= MOST_ACROSS}
    names = [_name(factors, row) for row in conditions.codes.tolist()]
    return Experiment(factors, names, conditions, contrasts, masks, shown, same, non_mated, own, within, across)


def of_mask(sums: ScoreSums, k: int, mask: Mask) -> ScoreSums:
    """The sums of mask k, its units alone."""
    return ScoreSums(sums.counts[k, mask], sums.scores[k, mask], sums.matches[:, k, mask])


def _record(x: Experiment, points: Sequence[results.OperatingPoint]) -> results.Paired:
    first = _name(x.factors, [f.reference for f in x.factors])
    number = iter(range(len(points)))
    return results.Paired(
        unit="subject",
        captures=x.conditions.captures,
        factors=[results.PairedFactor(factor=f.name, levels=f.levels, reference=f.levels[f.reference]) for f in x.factors],
        reference=first,
        subjects=int(x.conditions.units.size),
        same_subjects=x.same,
        conditions=[_condition(x, c) for c in range(x.conditions.n)],
        differences=[*_differences(x, "non_mated_score"), *_differences(x, "mated_score"), *_failures(x)],
        operating_points=[_point(x, p, next(number) if p.threshold is not None else None) for p in points],
    )


def _condition(x: Experiment, c: int) -> results.PairedCondition:
    k, row = x.conditions, x.conditions.codes[c].tolist()
    compared = int(x.shown[c].sum())
    mine = x.mated[c].counts[x.shown[c]] > 0
    non_mated, mated_comparisons = x.own[c].counts.sum(), x.mated[c].counts[x.shown[c]].sum()
    return results.PairedCondition(
        condition=x.names[c],
        values=[f.levels[i] for f, i in zip(x.factors, row, strict=True)],
        subjects=int(k.recorded[:, c].sum()),
        complete=int(k.complete[:, c].sum()),
        images=int((k.images[:, c] >= 0).sum()),
        failed=int(k.failed[:, c].sum()),
        non_mated_score=float(x.own[c].scores.sum() / non_mated) if compared >= SHOWN_FROM and non_mated else None,
        mated_score=float(x.mated[c].scores[x.shown[c]].sum() / mated_comparisons) if mine.sum() >= SHOWN_FROM else None,
        compared=compared,
    )


def _differences(
    x: Experiment, measure: Literal["non_mated_score", "mated_score", "fmr", "fnmr"], t: int | None = None
) -> list[results.PairedDifference]:
    """Every contrast's difference of one measure; t: which threshold."""
    between = measure in ("non_mated_score", "fmr")
    out = []
    for i, contrast in enumerate(x.contrasts):
        involved = [*contrast.here, *contrast.there]
        if between:
            sums, n = x.non_mated[i], int(x.masks[i].sum())
        else:
            has = x.masks[i] & np.stack([x.mated[c].counts > 0 for c in involved]).all(axis=0)
            sums, n = {c: select(x.mated[c], has) for c in involved}, int(has.sum())
        sides = [side([sums[c] for c in conditions], measure, t) for conditions in (contrast.here, contrast.there)]
        base = results.PairedDifference(
            measure=measure, factor=contrast.factor, level=contrast.level, reference=contrast.reference, subjects=n,
            dropped=int(x.conditions.recorded[:, involved].any(axis=1).sum()) - n, comparisons=0,
        )  # fmt: skip
        out.append(compare_means(base, sides[0], sides[1]))
    return with_holm(out)


def select(sums: ScoreSums, units: Mask) -> ScoreSums:
    """The sums of some units."""
    return ScoreSums(sums.counts[units], sums.scores[units], sums.matches[:, units])


def _failures(x: Experiment) -> list[results.PairedDifference]:
    k, out = x.conditions, []
    for contrast in x.contrasts:
        involved = [*contrast.here, *contrast.there]
        mine = k.recorded[:, involved].all(axis=1)
        base = results.PairedDifference(
            measure="ftx", factor=contrast.factor, level=contrast.level, reference=contrast.reference, subjects=int(mine.sum()),
            dropped=int(k.recorded[:, involved].any(axis=1).sum() - mine.sum()), comparisons=0,
        )  # fmt: skip
        there, failed = k.images[mine] >= 0, k.failed[mine]
        out.append(
            compare_failures(
                base, there[:, contrast.here], failed[:, contrast.here], there[:, contrast.there], failed[:, contrast.there]
            )
        )
    return with_holm(out)


def _point(x: Experiment, p: results.OperatingPoint, t: int | None) -> results.PairedPoint:
    out = results.PairedPoint(
        origin=p.origin, target_fmr=p.target_fmr, threshold=p.threshold, native_threshold=p.native_threshold
    )
    if t is None:
        return out
    conditional = p.origin == "target"
    fmr = [to_rate(fmr_estimate(s, t), name, "within", conditional=conditional) for name, s in zip(x.names, x.own, strict=True)]
    fnmr = [
        to_rate(_mated_rate(select(s, mask), t), name, "within", conditional=conditional)
        for name, s, mask in zip(x.names, x.mated, x.shown, strict=True)
    ]
    across = [
        to_rate(
            _mated_rate(select(s, x.shown[c] & x.shown[d]), t), x.names[c], "cross", group_b=x.names[d], conditional=conditional
        )
        for (c, d), s in x.across.items()
    ]
    return out.model_copy(
        update={"fmr": fmr, "fnmr": fnmr, "across": across, "differences": _differences(x, "fmr", t) + _differences(x, "fnmr", t)}
    )


def _mated_rate(sums: ScoreSums, t: int) -> Estimate:
    has = sums.counts > 0
    errors = (sums.counts - sums.matches[t])[has]
    ids = np.flatnonzero(has).astype(np.int32)
    return mated(ids, errors, sums.counts[has], None)
