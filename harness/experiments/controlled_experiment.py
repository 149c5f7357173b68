"""The paired analysis of a controlled experiment: the effect of each factor alone on scores, error rates and failures.

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
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.estimates import mated, to_rate
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM

Mask = NDArray[np.bool_]
MOST_ACROSS = 200
"""Pairs of conditions that differ in one factor up to which mated comparisons across them are reported."""


class Factor(NamedTuple):
    """A factor of an experiment.

    levels: in order. codes: of each level in the data set's attribute. reference: an index into levels.
    """

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
    """The sums from which differences and rates are computed. T thresholds.

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
    """Evaluate the controlled experiment that a data set declares.

    Empty for a set that declares none. Raises UserError if the labels contradict the declaration. samples: what was compared.
    template_samples: the sample of the data set behind each. points: of any one grouping: the pool, and so the thresholds, are the
    run's. references: `ATTRIBUTE=VALUE`, before the card's.
    """
    card = dataset.card.paired
    if card is None:
        return []
    factors = [_factor(dataset, name, card.reference.get(name), references) for name in card.factors]
    row_of_sample = np.full(dataset.n_samples, -1, np.int64)
    row_of_sample[template_samples] = np.arange(template_samples.size)
    conditions = make_conditions(dataset.subjects, _codes(dataset, factors), row_of_sample, card.captures)
    if not conditions.n:
        return []
    thresholds = np.asarray([point.threshold for point in points if point.threshold is not None], np.float32)
    scorer = Scorer(samples, prepare(samples.templates, kind), kind, thresholds)
    return [_record(_experiment(factors, conditions, scorer), points)]


def _factor(dataset: Dataset, name: str, of_card: str | None, references: Sequence[str]) -> Factor:
    if name not in dataset.attributes:
        raise UserError(f"{dataset.name} is said to be paired by {name}, but has no such attribute; correct [paired] in its card")
    values = dataset.attributes[name].values
    order = _order(values)
    levels = [values[code] for code in order]
    named = dict(reference.partition("=")[::2] for reference in references).get(name, of_card)
    if named is not None and named not in levels:
        raise UserError(f"{dataset.name}: the reference of {name} is {named!r}, which does not occur; it has {', '.join(levels)}")
    return Factor(name, levels, order, levels.index(named) if named is not None else 0)


def _order(values: Sequence[str]) -> list[int]:
    """Return the order of the values by index.

    By number if all are numbers; unchanged if not (they come sorted).
    """
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return list(range(len(values)))
    return sorted(range(len(values)), key=numbers.__getitem__)


def _codes(dataset: Dataset, factors: Sequence[Factor]) -> NDArray[np.int64]:
    """Return the level of each sample by factor, int64[samples, factors].

    By index; -1 unlabelled.
    """
    columns = []
    for factor in factors:
        rank = np.full(len(factor.codes) + 1, -1, np.int64)
        rank[factor.codes] = np.arange(len(factor.codes))
        columns.append(rank[dataset.attributes[factor.name].codes])
    return np.stack(columns, axis=1)


def contrasts_of(factors: Sequence[Factor], codes: NDArray[np.int64]) -> list[ConditionContrast]:
    """Return the contrasts of levels and of whole conditions.

    Each level against its factor's reference, over all settings of the other factors that both occur under; then each whole
    condition against that of all reference levels, if it occurs and there are several factors.
    """
    index = {tuple(row): condition for condition, row in enumerate(codes.tolist())}
    contrasts = []
    for i, factor in enumerate(factors):
        for level in range(len(factor.levels)):
            twins = [
                (condition, index.get((*row[:i], factor.reference, *row[i + 1 :])))
                for row, condition in index.items()
                if row[i] == level
            ]
            both = [(condition, twin) for condition, twin in twins if twin is not None]
            if level != factor.reference and both:
                contrasts.append(
                    ConditionContrast(
                        factor.name,
                        factor.levels[level],
                        factor.levels[factor.reference],
                        [condition for condition, _ in both],
                        [twin for _, twin in both],
                    )
                )
    first = index.get(tuple(factor.reference for factor in factors))
    if len(factors) > 1 and first is not None:
        names = [_name(factors, row) for row in codes.tolist()]
        contrasts += [
            ConditionContrast(None, names[condition], names[first], [condition], [first])
            for condition in range(len(names))
            if condition != first
        ]
    return contrasts


def _name(factors: Sequence[Factor], row: Sequence[int]) -> str:
    return JOINER.join(factor.levels[level] for factor, level in zip(factors, row, strict=True))


def _experiment(factors: list[Factor], conditions: Conditions, scorer: Scorer) -> Experiment:
    complete = conditions.complete
    contrasts = contrasts_of(factors, conditions.codes)
    masks = [np.asarray(complete[:, [*contrast.here, *contrast.there]].all(axis=1)) for contrast in contrasts]
    everywhere = np.asarray(complete.all(axis=1))
    same = int(everywhere.sum()) if everywhere.sum() >= SHOWN_FROM else None
    shown = [everywhere if same is not None else complete[:, condition] for condition in range(conditions.n)]
    non_mated: list[dict[int, ScoreSums]] = [{} for _ in contrasts]
    own = []
    for condition in range(conditions.n):
        using = [i for i, contrast in enumerate(contrasts) if condition in (*contrast.here, *contrast.there)]
        kinds, which = np.unique(np.stack([shown[condition], *(masks[i] for i in using)]), axis=0, return_inverse=True)
        sums = non_mated_sums(scorer, conditions.rows[:, condition], kinds)
        each = [of_mask(sums, k, kinds[k]) for k in which.reshape(-1).tolist()]
        own.append(each[0])
        for i, unit_sums in zip(using, each[1:], strict=True):
            non_mated[i][condition] = unit_sums
    photo = {(min(first, second), max(first, second)) for first, second in scorer.samples.same_photo.tolist()}
    rows = [conditions.rows[:, condition] for condition in range(conditions.n)]
    within = [mated_sums(scorer, unit_rows, unit_rows, photo) for unit_rows in rows]
    pairs = [
        (condition, other)
        for condition, other in combinations(range(conditions.n), 2)
        if (conditions.codes[condition] != conditions.codes[other]).sum() == 1
    ]
    across = {
        (condition, other): mated_sums(scorer, rows[condition], rows[other], photo)
        for condition, other in pairs
        if len(pairs) <= MOST_ACROSS
    }
    names = [_name(factors, row) for row in conditions.codes.tolist()]
    return Experiment(factors, names, conditions, contrasts, masks, shown, same, non_mated, own, within, across)


def of_mask(sums: ScoreSums, k: int, mask: Mask) -> ScoreSums:
    """Return the sums of mask k for its units only."""
    return ScoreSums(sums.counts[k, mask], sums.scores[k, mask], sums.matches[:, k, mask])


def _record(experiment: Experiment, points: Sequence[results.OperatingPoint]) -> results.Paired:
    first = _name(experiment.factors, [factor.reference for factor in experiment.factors])
    number = iter(range(len(points)))
    return results.Paired(
        unit="subject",
        captures=experiment.conditions.captures,
        factors=[
            results.PairedFactor(factor=factor.name, levels=factor.levels, reference=factor.levels[factor.reference])
            for factor in experiment.factors
        ],
        reference=first,
        subjects=int(experiment.conditions.units.size),
        same_subjects=experiment.same,
        conditions=[_condition(experiment, condition) for condition in range(experiment.conditions.n)],
        differences=[
            *_differences(experiment, "non_mated_score"),
            *_differences(experiment, "mated_score"),
            *_failures(experiment),
        ],
        operating_points=[_point(experiment, point, next(number) if point.threshold is not None else None) for point in points],
    )


def _condition(experiment: Experiment, condition: int) -> results.PairedCondition:
    conditions, row = experiment.conditions, experiment.conditions.codes[condition].tolist()
    compared = int(experiment.shown[condition].sum())
    mine = experiment.mated[condition].counts[experiment.shown[condition]] > 0
    non_mated, mated_comparisons = (
        experiment.own[condition].counts.sum(),
        experiment.mated[condition].counts[experiment.shown[condition]].sum(),
    )
    return results.PairedCondition(
        condition=experiment.names[condition],
        values=[factor.levels[level] for factor, level in zip(experiment.factors, row, strict=True)],
        subjects=int(conditions.recorded[:, condition].sum()),
        complete=int(conditions.complete[:, condition].sum()),
        images=int((conditions.images[:, condition] >= 0).sum()),
        failed=int(conditions.failed[:, condition].sum()),
        non_mated_score=float(experiment.own[condition].scores.sum() / non_mated)
        if compared >= SHOWN_FROM and non_mated
        else None,
        mated_score=float(experiment.mated[condition].scores[experiment.shown[condition]].sum() / mated_comparisons)
        if mine.sum() >= SHOWN_FROM
        else None,
        compared=compared,
    )


def _differences(
    experiment: Experiment, measure: Literal["non_mated_score", "mated_score", "fmr", "fnmr"], threshold_index: int | None = None
) -> list[results.PairedDifference]:
    """Return every contrast's difference in one measure.

    threshold_index: of a rate.
    """
    between = measure in ("non_mated_score", "fmr")
    differences = []
    for i, contrast in enumerate(experiment.contrasts):
        involved = [*contrast.here, *contrast.there]
        if between:
            sums, subjects = experiment.non_mated[i], int(experiment.masks[i].sum())
        else:
            has = experiment.masks[i] & np.stack([experiment.mated[condition].counts > 0 for condition in involved]).all(axis=0)
            sums, subjects = {condition: select(experiment.mated[condition], has) for condition in involved}, int(has.sum())
        sides = [
            side([sums[condition] for condition in conditions], measure, threshold_index)
            for conditions in (contrast.here, contrast.there)
        ]
        base = results.PairedDifference(
            measure=measure, factor=contrast.factor, level=contrast.level, reference=contrast.reference, subjects=subjects,
            dropped=int(experiment.conditions.recorded[:, involved].any(axis=1).sum()) - subjects, comparisons=0,
        )  # fmt: skip
        differences.append(compare_means(base, sides[0], sides[1]))
    return with_holm(differences)


def select(sums: ScoreSums, units: Mask) -> ScoreSums:
    """Return the sums of some units."""
    return ScoreSums(sums.counts[units], sums.scores[units], sums.matches[:, units])


def _failures(experiment: Experiment) -> list[results.PairedDifference]:
    conditions, differences = experiment.conditions, []
    for contrast in experiment.contrasts:
        involved = [*contrast.here, *contrast.there]
        mine = conditions.recorded[:, involved].all(axis=1)
        base = results.PairedDifference(
            measure="ftx", factor=contrast.factor, level=contrast.level, reference=contrast.reference, subjects=int(mine.sum()),
            dropped=int(conditions.recorded[:, involved].any(axis=1).sum() - mine.sum()), comparisons=0,
        )  # fmt: skip
        given, failed = conditions.images[mine] >= 0, conditions.failed[mine]
        differences.append(
            compare_failures(
                base, given[:, contrast.here], failed[:, contrast.here], given[:, contrast.there], failed[:, contrast.there]
            )
        )
    return with_holm(differences)


def _point(experiment: Experiment, point: results.OperatingPoint, threshold_index: int | None) -> results.PairedPoint:
    record = results.PairedPoint(
        origin=point.origin, target_fmr=point.target_fmr, threshold=point.threshold, native_threshold=point.native_threshold
    )
    if threshold_index is None:
        return record
    conditional = point.origin == "target"
    fmr = [
        to_rate(fmr_estimate(sums, threshold_index), name, "within", conditional=conditional)
        for name, sums in zip(experiment.names, experiment.own, strict=True)
    ]
    fnmr = [
        to_rate(_mated_rate(select(sums, mask), threshold_index), name, "within", conditional=conditional)
        for name, sums, mask in zip(experiment.names, experiment.mated, experiment.shown, strict=True)
    ]
    across = [
        to_rate(
            _mated_rate(select(sums, experiment.shown[first] & experiment.shown[second]), threshold_index),
            experiment.names[first],
            "cross",
            group_b=experiment.names[second],
            conditional=conditional,
        )
        for (first, second), sums in experiment.across.items()
    ]
    return record.model_copy(
        update={
            "fmr": fmr,
            "fnmr": fnmr,
            "across": across,
            "differences": _differences(experiment, "fmr", threshold_index) + _differences(experiment, "fnmr", threshold_index),
        }
    )


def _mated_rate(sums: ScoreSums, threshold_index: int) -> Estimate:
    has = sums.counts > 0
    errors = (sums.counts - sums.matches[threshold_index])[has]
    ids = np.flatnonzero(has).astype(np.int32)
    return mated(ids, errors, sums.counts[has], None)
