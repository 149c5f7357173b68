"""Two models on the same comparisons: difference and ratio of their error rates, and of their disparities.

The models' errors fall on the same people, often on the same comparisons, so their rates vary together; what counts is the variance
of the difference. Everything here is linear in the two rates of a cell (ratios on the log scale, linearised), so a cell needs only
the covariance of its two rates, in the three ways of `variance`: as if comparisons were independent, plug-in by what they share,
and delete-one-subject jackknife. The largest counts, as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from faceparity.harness.uncertainty.contrasts import satterthwaite
from faceparity.harness.uncertainty.intervals import quantile_t

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@dataclass(frozen=True)
class PairedCell:
    """One error rate of two models in one cell, over the same comparisons.

    ids: subjects compared, rising. errors: of each model; both: comparisons that both got wrong. rates: float64[2].
    independent, pair, shared: float64[2, 2] covariances of the rates: of independent comparisons; of comparisons of the same two
    subjects (FNMR: none); of those that share one subject. without: float64[n, 2], the rates without each subject.
    """

    ids: I32
    comparisons: int
    errors: tuple[int, int]
    both: int
    rates: F64
    independent: F64
    pair: F64
    shared: F64
    without: F64

    @property
    def discordant(self) -> int:
        """Return the number of comparisons on which the models differ.

        One model got them wrong and the other right: only these show a difference between the two.
        """
        return sum(self.errors) - 2 * self.both

    def plain_variance(self, weights: F64) -> float:
        """Return the variance of weights · rates, max(independent, plug-in)."""
        plug_in = max(0.0, float(weights @ self.pair @ weights)) + max(0.0, float(weights @ self.shared @ weights))
        return max(0.0, float(weights @ self.independent @ weights), plug_in)

    def variance(self, weights: F64) -> float:
        """Return the variance of weights · rates.

        max(independent, plug-in, jackknife).
        """
        return max(self.plain_variance(weights), _jackknife(self.without @ weights))


def _jackknife(without: F64) -> float:
    subjects = without.size
    return float((subjects - 1) / subjects * ((without - without.mean()) ** 2).sum()) if subjects > 1 else 0.0


def _independent(rates: F64, both: int, comparisons: int) -> F64:
    """Return the covariance of two rates over independent comparisons.

    Both rates are over the same comparisons (McNemar's setting).
    """
    together = np.diag(rates) + (both / comparisons) * (1 - np.eye(2))
    return np.asarray((together - np.outer(rates, rates)) / comparisons, np.float64)


def non_mated_cell(
    ids: I32, comparisons: F64, a: NDArray[np.integer], b: NDArray[np.integer], made: F64, wrong: F64, both: int, squares: float
) -> PairedCell:
    """Return the FMR of two models among the same subjects.

    ids: int32[n]; comparisons: float64[n], M_i > 0. a, b: int[k], places in `ids` of the two subjects of each pair in which either
    model erred, each pair once; made: float64[k], M_ij; wrong: float64[k, 2], each model's errors; both: comparisons that both got
    wrong. squares: Σ M_ij² over all pairs.

    Examples:
        Three subjects, each pair compared once; the first model errs on one pair, the second on none:

        >>> cell = non_mated_cell(
        ...     np.arange(3), np.full(3, 2.0), a=np.array([0]), b=np.array([1]), made=np.ones(1), wrong=np.array([[1.0, 0.0]]),
        ...     both=0, squares=3.0,
        ... )
        >>> cell.rates.round(3).tolist(), cell.without[:, 0].tolist(), cell.discordant
        ([0.333, 0.0], [0.0, 0.0, 1.0], 1)
    """
    total = float(comparisons.sum()) / 2
    errors = wrong.sum(axis=0)
    rates = errors / total
    by_subject = np.stack(
        [np.bincount(a, of_model, ids.size) + np.bincount(b, of_model, ids.size) for of_model in wrong.T], axis=1
    )
    cross = wrong.T @ made
    same_pair = wrong.T @ wrong - np.outer(rates, cross) - np.outer(cross, rates) + squares * np.outer(rates, rates)
    residuals = by_subject - comparisons[:, None] * rates
    rest = total - comparisons
    known = rest > 0
    without = np.tile(rates, (ids.size, 1))
    without[known] = (errors - by_subject[known]) / rest[known, None]
    return PairedCell(
        ids, round(total), (round(errors[0]), round(errors[1])), both, rates, _independent(rates, both, round(total)),
        same_pair / total**2, (residuals.T @ residuals - 2 * same_pair) / total**2, without,
    )  # fmt: skip


def mated_cell(ids: I32, trials: F64, wrong: F64, both: int) -> PairedCell:
    """Return the FNMR of two models on the same comparisons.

    ids: int32[n]; trials: float64[n] > 0, mated comparisons of each subject; wrong: float64[n, 2], each model's errors; both:
    comparisons that both got wrong.

    Examples:
        Of four comparisons each model got two wrong, one of them both:

        >>> cell = mated_cell(np.array([0, 1]), np.array([2.0, 2.0]), np.array([[1.0, 0.0], [1.0, 2.0]]), both=1)
        >>> cell.rates.tolist(), cell.discordant
        ([0.5, 0.5], 2)
    """
    subjects, total = ids.size, float(trials.sum())
    errors = wrong.sum(axis=0)
    rates = errors / total
    residuals = wrong - trials[:, None] * rates
    rest = total - trials
    known = rest > 0
    without = np.tile(rates, (subjects, 1))
    without[known] = (errors - wrong[known]) / rest[known, None]
    return PairedCell(
        ids, round(total), (round(errors[0]), round(errors[1])), both, rates, _independent(rates, both, round(total)),
        np.zeros((2, 2)), residuals.T @ residuals / total**2 * (subjects / (subjects - 1) if subjects > 1 else 1.0), without,
    )  # fmt: skip


class Term(NamedTuple):
    """A cell with the factors of its two rates in a sum over cells."""

    cell: PairedCell
    weights: F64


class Change(NamedTuple):
    """One figure of two models: both values, their difference and ratio, first over second, with 95 % intervals.

    df, p: of the ratio on the log scale, two-sided. Unless both models have errors, ratio and p are None; where the models
    differ in no comparison p is 1 and there are no intervals. p_difference: of the difference, which needs no error of either.
    effective_discordant: comparisons on which the models differ, over the design effect.
    """

    first: float
    second: float
    difference: float | None
    difference_interval: tuple[float, float] | None
    ratio: float | None
    interval: tuple[float, float] | None
    df: float | None
    p: float | None
    effective_discordant: float
    p_difference: float | None = None


def variance_of(terms: Sequence[Term], shared: bool) -> tuple[float, float]:
    """Return variance and degrees of freedom of a sum.

    Of Σ weights · rates: the sum over cells; with `shared` (some subject in several cells) at least the joint delete-one-subject
    jackknife, and the degrees of freedom of the smallest cell at most.

    Examples:
        The rates differ by -1/2 without the one subject and by 1/2 without the other: the jackknife variance is 1/4.

        >>> cell = mated_cell(np.array([0, 1]), np.array([2.0, 2.0]), np.array([[1.0, 0.0], [1.0, 2.0]]), both=1)
        >>> variance_of([Term(cell, np.array([1.0, -1.0]))], shared=False)
        (0.25, 1.0)
    """
    parts = [(term.cell.variance(term.weights), float(max(1, term.cell.ids.size - 1))) for term in terms]
    total, least = sum(variance for variance, _ in parts), min(degrees for _, degrees in parts)
    if shared and len(terms) > 1:
        ids = np.unique(np.concatenate([term.cell.ids for term in terms]))
        without = np.zeros(ids.size)
        for term in terms:
            contribution = np.full(ids.size, float(term.cell.rates @ term.weights))
            contribution[np.searchsorted(ids, term.cell.ids)] = term.cell.without @ term.weights
            without += contribution
        joint = _jackknife(without)
        if joint > total:
            return joint, least
    return total, satterthwaite(parts) if total > 0 else least


def mean_rates(cells: Sequence[PairedCell]) -> F64:
    """Return the mean over cells of each model's rate, float64[2].

    Every cell has the same weight.

    Examples:
        >>> first = mated_cell(np.array([0]), np.array([4.0]), np.array([[1.0, 2.0]]), both=1)
        >>> second = mated_cell(np.array([1]), np.array([2.0]), np.array([[1.0, 2.0]]), both=1)
        >>> mean_rates([first, second]).tolist()
        [0.375, 0.75]
    """
    return np.asarray(np.mean([cell.rates for cell in cells], axis=0), np.float64)


def effective_errors(cells: Sequence[PairedCell], model: int) -> float:
    """Return one model's errors over their design effect.

    Of the mean over cells: p²(1 - p)/V with V = max(independent, plug-in). 0 where p is 0 or 1.

    Examples:
        The errors of the first model fall on both subjects, those of the second on one, which gives four times the variance:

        >>> cell = mated_cell(np.array([0, 1]), np.array([2.0, 2.0]), np.array([[1.0, 0.0], [1.0, 2.0]]), both=1)
        >>> effective_errors([cell], model=0), effective_errors([cell], model=1)
        (2.0, 0.5)
    """
    weights = np.eye(2)[model] / len(cells)
    rate, variance = float(mean_rates(cells)[model]), sum(cell.plain_variance(weights) for cell in cells)
    return rate * rate * (1 - rate) / variance if variance > 0 and 0 < rate < 1 else 0.0


def compare_models(cells: Sequence[PairedCell], shared: bool = False) -> Change:
    """Compare two models by a rate's mean over cells.

    The first model against the second. shared: some subject is in several cells.

    Examples:
        >>> cell = mated_cell(np.array([0, 1]), np.array([2.0, 2.0]), np.array([[1.0, 0.0], [1.0, 1.0]]), both=1)
        >>> change = compare_models([cell])
        >>> change.first, change.second, change.difference, change.ratio
        (0.5, 0.25, 0.25, 2.0)
    """
    first, second = mean_rates(cells)
    n_cells = len(cells)
    plain = [Term(cell, np.array([1.0, -1.0]) / n_cells) for cell in cells]
    logs = [Term(cell, np.array([1 / first, -1 / second]) / n_cells) for cell in cells] if first > 0 and second > 0 else []
    return _change(float(first), float(second), plain, logs, shared)


def compare_disparities(group: Sequence[PairedCell], reference: Sequence[PairedCell], shared: bool = False) -> Change | None:
    """Compare two models by the ratio of two groups' rates.

    The group's rate over the reference group's, of the first model against the second. None unless both models have errors in both
    groups.

    `difference` and its interval are left out: ratios are compared as ratios. effective_discordant: of the two groups the fewer,
    but for one on which the models agree throughout. shared: some subject is in several cells.

    Examples:
        Rates of 1/2 and 1/2 in the group, of 1/4 and 1/2 in the reference group:

        >>> group = mated_cell(np.array([0, 1]), np.array([2.0, 2.0]), np.array([[1.0, 1.0], [1.0, 1.0]]), both=2)
        >>> reference = mated_cell(np.array([2, 3]), np.array([2.0, 2.0]), np.array([[1.0, 1.0], [0.0, 1.0]]), both=1)
        >>> change = compare_disparities([group], [reference])
        >>> change.first, change.second, change.ratio
        (2.0, 1.0, 2.0)
    """
    rates = [mean_rates(cells) for cells in (group, reference)]
    if not all((of_models > 0).all() for of_models in rates):
        return None
    sides = [
        [Term(cell, sign * np.array([1 / of_models[0], -1 / of_models[1]]) / len(cells)) for cell in cells]
        for cells, of_models, sign in ((group, rates[0], 1.0), (reference, rates[1], -1.0))
    ]
    first, second = (float(rates[0][model] / rates[1][model]) for model in (0, 1))
    change = _change(first, second, [], [*sides[0], *sides[1]], shared)
    apart = [_effective_discordant(terms) for terms in sides if any(term.cell.discordant for term in terms)]
    return change._replace(effective_discordant=min(apart, default=0.0))


def _change(first: float, second: float, plain: Sequence[Term], logs: Sequence[Term], shared: bool) -> Change:
    difference = first - second if plain else None
    same = not any(term.cell.discordant for term in logs or plain)
    out = Change(first, second, difference, None, None, None, None, None, _effective_discordant(logs or plain))
    if plain:
        variance, df = variance_of(plain, shared)
        half = quantile_t(df) * float(np.sqrt(variance))
        if not same:
            p_difference = _two_sided(first - second, float(np.sqrt(variance)), df)
            out = out._replace(
                difference_interval=(first - second - half, first - second + half), df=df, p_difference=p_difference
            )
    if not logs:
        return out
    ratio, (variance, df) = first / second, variance_of(logs, shared)
    if same:
        return out._replace(ratio=1.0, p=1.0, df=None)
    log, se = float(np.log(ratio)), float(np.sqrt(variance))
    quantile = quantile_t(df)
    ends = (float(np.exp(log - quantile * se)), float(np.exp(log + quantile * se)))
    return out._replace(ratio=ratio, interval=ends, df=df, p=float(2 * stdtr(df, -abs(log) / se)))


def _two_sided(value: float, se: float, df: float) -> float | None:
    """Return Student's two-sided p of a value being 0.

    None without a variance.
    """
    return float(2 * stdtr(df, -abs(value) / se)) if se > 0 else None


def widened(change: Change, log_variance: float | None, difference_variance: float | None) -> Change:
    """Return the change with at least these variances.

    Of the log ratio and of the difference; None: unknown, so there is no interval and no p. Where the models differ in no comparison
    nothing changes.

    Examples:
        >>> cell = mated_cell(np.array([0, 1]), np.array([2.0, 2.0]), np.array([[1.0, 0.0], [1.0, 2.0]]), both=1)
        >>> change = widened(compare_models([cell]), log_variance=None, difference_variance=None)
        >>> change.ratio, change.interval, change.p
        (1.0, None, None)
    """
    if change.df is None:
        return change
    out, quantile = change, quantile_t(change.df)
    if change.interval is not None and change.ratio is not None:
        if log_variance is None:
            out = out._replace(interval=None, p=None)
        else:
            log = float(np.log(change.ratio))
            se = max(float(np.log(change.interval[1] / change.interval[0])) / (2 * quantile), float(np.sqrt(log_variance)))
            ends = (float(np.exp(log - quantile * se)), float(np.exp(log + quantile * se)))
            out = out._replace(interval=ends, p=_two_sided(log, se, change.df))
    if change.difference_interval is not None and change.difference is not None:
        if difference_variance is None:
            return out._replace(difference_interval=None, p_difference=None)
        half = max(
            (change.difference_interval[1] - change.difference_interval[0]) / 2, quantile * float(np.sqrt(difference_variance))
        )
        ends = (change.difference - half, change.difference + half)
        out = out._replace(difference_interval=ends, p_difference=_two_sided(change.difference, half / quantile, change.df))
    return out


def _effective_discordant(terms: Sequence[Term]) -> float:
    """Return discordant comparisons over their design effect.

    Times the variance if they were independent, over the variance with what they share.
    """
    independent = sum(max(0.0, float(term.weights @ term.cell.independent @ term.weights)) for term in terms)
    plain = sum(term.cell.plain_variance(term.weights) for term in terms)
    return sum(term.cell.discordant for term in terms) * independent / plain if plain > 0 else 0.0
