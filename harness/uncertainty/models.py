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

from .contrasts import satterthwaite
from .intervals import quantile_t

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
        """Comparisons that one model got wrong and the other right: all that tells them apart."""
        return sum(self.errors) - 2 * self.both

    def plain_variance(self, w: F64) -> float:
        """Of w · rates: max(independent, plug-in)."""
        plug_in = max(0.0, float(w @ self.pair @ w)) + max(0.0, float(w @ self.shared @ w))
        return max(0.0, float(w @ self.independent @ w), plug_in)

    def variance(self, w: F64) -> float:
        """Of w · rates: max(independent, plug-in, jackknife)."""
        return max(self.plain_variance(w), _jackknife(self.without @ w))


def _jackknife(without: F64) -> float:
    n = without.size
    return float((n - 1) / n * ((without - without.mean()) ** 2).sum()) if n > 1 else 0.0


def _independent(rates: F64, both: int, comparisons: int) -> F64:
    """Covariance of two rates over the same independent comparisons (McNemar's setting)."""
    together = np.diag(rates) + (both / comparisons) * (1 - np.eye(2))
    return np.asarray((together - np.outer(rates, rates)) / comparisons, np.float64)


def non_mated_cell(
    ids: I32, comparisons: F64, a: NDArray[np.integer], b: NDArray[np.integer], made: F64, wrong: F64, both: int, squares: float
) -> PairedCell:
    """FMR of two models among the same subjects.

    ids: int32[n]; comparisons: float64[n], M_i > 0. a, b: int[k], places in `ids` of the two subjects of each pair in which either
    model erred, each pair once; made: float64[k], M_ij; wrong: float64[k, 2], each model's errors; both: comparisons that both got
    wrong. squares: Σ M_ij² over all pairs.
    """
    total = float(comparisons.sum()) / 2
    errors = wrong.sum(axis=0)
    rates = errors / total
    by_subject = np.stack([np.bincount(a, w, ids.size) + np.bincount(b, w, ids.size) for w in wrong.T], axis=1)
    cross = wrong.T @ made
    s = wrong.T @ wrong - np.outer(rates, cross) - np.outer(cross, rates) + squares * np.outer(rates, rates)
    r = by_subject - comparisons[:, None] * rates
    rest = total - comparisons
    known = rest > 0
    without = np.tile(rates, (ids.size, 1))
    without[known] = (errors - by_subject[known]) / rest[known, None]
    return PairedCell(
        ids, round(total), (round(errors[0]), round(errors[1])), both, rates, _independent(rates, both, round(total)),
        s / total**2, (r.T @ r - 2 * s) / total**2, without,
    )  # fmt: skip


def mated_cell(ids: I32, trials: F64, wrong: F64, both: int) -> PairedCell:
    """FNMR of two models. ids: int32[n]; trials: float64[n] > 0, mated comparisons of each subject; wrong: float64[n, 2]."""
    n, total = ids.size, float(trials.sum())
    errors = wrong.sum(axis=0)
    rates = errors / total
    r = wrong - trials[:, None] * rates
    rest = total - trials
    known = rest > 0
    without = np.tile(rates, (n, 1))
    without[known] = (errors - wrong[known]) / rest[known, None]
    return PairedCell(
        ids, round(total), (round(errors[0]), round(errors[1])), both, rates, _independent(rates, both, round(total)),
        np.zeros((2, 2)), r.T @ r / total**2 * (n / (n - 1) if n > 1 else 1.0), without,
    )  # fmt: skip


class Term(NamedTuple):
    """A cell and what its two rates are multiplied by in a sum over cells."""

    cell: PairedCell
    weights: F64


class Change(NamedTuple):
    """One figure of two models: `first` and `second`, their difference and their ratio, first over second, with 95 % intervals.

    df, p: of the ratio on the log scale, two-sided. Without an error of either model ratio and p are None; where the models
    differ in no comparison p is 1 and there are no intervals. p_difference: of the difference, which needs no error of either.
    effective_discordant: comparisons that tell the models apart, over the design effect.
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
    """Variance of Σ weights · rates, and its degrees of freedom.

    The sum over cells; with `shared` (some subject in several cells) at least the joint delete-one-subject jackknife, and the
    degrees of freedom of the smallest cell at most.
    """
    parts = [(t.cell.variance(t.weights), float(max(1, t.cell.ids.size - 1))) for t in terms]
    total, least = sum(v for v, _ in parts), min(d for _, d in parts)
    if shared and len(terms) > 1:
        ids = np.unique(np.concatenate([t.cell.ids for t in terms]))
        without = np.zeros(ids.size)
        for t in terms:
            own = np.full(ids.size, float(t.cell.rates @ t.weights))
            own[np.searchsorted(ids, t.cell.ids)] = t.cell.without @ t.weights
            without += own
        joint = _jackknife(without)
        if joint > total:
            return joint, least
    return total, satterthwaite(parts) if total > 0 else least


def mean_rates(cells: Sequence[PairedCell]) -> F64:
    """float64[2]: the equally weighted mean over cells of each model's rate."""
    return np.asarray(np.mean([c.rates for c in cells], axis=0), np.float64)


def effective_errors(cells: Sequence[PairedCell], model: int) -> float:
    """Errors of one model over their design effect, of the mean over cells: p²(1 - p)/V with V = max(independent, plug-in)."""
    w = np.eye(2)[model] / len(cells)
    p, v = float(mean_rates(cells)[model]), sum(c.plain_variance(w) for c in cells)
    return p * p * (1 - p) / v if v > 0 and 0 < p < 1 else 0.0


def compare_models(cells: Sequence[PairedCell], shared: bool = False) -> Change:
    """The mean over cells of one error rate: of the first model against the second."""
    first, second = mean_rates(cells)
    k = len(cells)
    plain = [Term(c, np.array([1.0, -1.0]) / k) for c in cells]
    logs = [Term(c, np.array([1 / first, -1 / second]) / k) for c in cells] if first > 0 and second > 0 else []
    return _change(float(first), float(second), plain, logs, shared)


def compare_disparities(group: Sequence[PairedCell], reference: Sequence[PairedCell], shared: bool = False) -> Change | None:
    """The ratio of a group's rate to the reference group's: of the first model against the second. None without errors of either.

    `difference` and its interval are left out: ratios are compared as ratios. effective_discordant: of the two groups the fewer,
    but for one on which the models agree throughout.
    """
    rates = [mean_rates(cells) for cells in (group, reference)]
    if not all((r > 0).all() for r in rates):
        return None
    sides = [
        [Term(c, sign * np.array([1 / r[0], -1 / r[1]]) / len(cells)) for c in cells]
        for cells, r, sign in ((group, rates[0], 1.0), (reference, rates[1], -1.0))
    ]
    first, second = (float(rates[0][m] / rates[1][m]) for m in (0, 1))
    change = _change(first, second, [], [*sides[0], *sides[1]], shared)
    apart = [_effective_discordant(terms) for terms in sides if any(t.cell.discordant for t in terms)]
    return change._replace(effective_discordant=min(apart, default=0.0))


def _change(first: float, second: float, plain: Sequence[Term], logs: Sequence[Term], shared: bool) -> Change:
    difference = first - second if plain else None
    same = not any(t.cell.discordant for t in logs or plain)
    out = Change(first, second, difference, None, None, None, None, None, _effective_discordant(logs or plain))
    if plain:
        v, df = variance_of(plain, shared)
        half = quantile_t(df) * float(np.sqrt(v))
        if not same:
            p = _two_sided(first - second, float(np.sqrt(v)), df)
            out = out._replace(difference_interval=(first - second - half, first - second + half), df=df, p_difference=p)
    if not logs:
        return out
    ratio, (v, df) = first / second, variance_of(logs, shared)
    if same:
        return out._replace(ratio=1.0, p=1.0, df=None)
    log, se = float(np.log(ratio)), float(np.sqrt(v))
    t = quantile_t(df)
    ends = (float(np.exp(log - t * se)), float(np.exp(log + t * se)))
    return out._replace(ratio=ratio, interval=ends, df=df, p=float(2 * stdtr(df, -abs(log) / se)))


def _two_sided(value: float, se: float, df: float) -> float | None:
    """Student's p of a value being 0; None without a variance."""
    return float(2 * stdtr(df, -abs(value) / se)) if se > 0 else None


def widened(change: Change, log_variance: float | None, difference_variance: float | None) -> Change:
    """The change with at least these variances, of the log ratio and of the difference; None: unknown, so there is no p.

    Where the models differ in no comparison nothing changes.
    """
    if change.df is None:
        return change
    out, t = change, quantile_t(change.df)
    if change.interval is not None and change.ratio is not None:
        if log_variance is None:
            out = out._replace(interval=None, p=None)
        else:
            log = float(np.log(change.ratio))
            se = max(float(np.log(change.interval[1] / change.interval[0])) / (2 * t), float(np.sqrt(log_variance)))
            ends = (float(np.exp(log - t * se)), float(np.exp(log + t * se)))
            out = out._replace(interval=ends, p=_two_sided(log, se, change.df))
    if change.difference_interval is not None and change.difference is not None:
        if difference_variance is None:
            return out._replace(difference_interval=None, p_difference=None)
        half = max((change.difference_interval[1] - change.difference_interval[0]) / 2, t * float(np.sqrt(difference_variance)))
        ends = (change.difference - half, change.difference + half)
        out = out._replace(difference_interval=ends, p_difference=_two_sided(change.difference, half / t, change.df))
    return out


def _effective_discordant(terms: Sequence[Term]) -> float:
    """Discordant comparisons × variance were they independent / variance with what they share."""
    independent = sum(max(0.0, float(t.weights @ t.cell.independent @ t.weights)) for t in terms)
    plain = sum(t.cell.plain_variance(t.weights) for t in terms)
    return sum(t.cell.discordant for t in terms) * independent / plain if plain > 0 else 0.0
