"""The values of a disparity index if all groups had one rate: indices of extremes exceed their ideal by chance alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

REPLICATES = 2000
UNDEFINED = 0.04
"""Share of draws without a value above which the 95th percentile is no longer known."""

F64 = NDArray[np.float64]


class Null(NamedTuple):
    """Median and 95th percentile under equal rates, and the share of draws at least as extreme as the value seen."""

    median: float
    p95: float
    p: float


def equal_rates(rates: F64, comparisons: F64, effective_n: F64, seed: int, replicates: int = REPLICATES) -> F64:
    """Draw the rates of groups with one common rate.

    Returns float64[replicates, K], for these numbers of comparisons, which share subjects.

    rates, comparisons, effective_n: float64[K]. The common rate is the plain mean, as of the balanced pool: weights by certainty
    would favour groups that happen to be low. Each draw is an integer number of errors in `comparisons`, with the variance of
    `effective_n` independent ones: small counts stay discrete, but few effective errors alone do not lead to a rate of zero.
    effective_n comes from max(binomial, plug-in); the variance of intervals, with the jackknife in it, is above the truth on
    average and would hardly call any spread more than chance. `tests/benchmarks/null_indices.py` holds the draws against data with
    equal rates. Groups are drawn independently of each other.

    Examples:
        Both groups have the mean rate:

        >>> draws = equal_rates(np.array([0.1, 0.3]), np.full(2, 1e6), np.full(2, 1e6), seed=1)
        >>> draws.shape, draws.mean(axis=0).round(2).tolist()
        ((2000, 2), [0.2, 0.2])
    """
    rng = np.random.default_rng(seed)
    effective = np.clip(effective_n, 1.0, comparisons)
    common = float(rates.mean())
    return np.stack(
        [_draw(rng, common, round(made), float(size), replicates) for made, size in zip(comparisons, effective, strict=True)],
        -1,
    )


def _draw(rng: np.random.Generator, common: float, comparisons: int, effective: float, replicates: int) -> F64:
    """Draw binomial rates whose chance is log-normal.

    The variance is c(1 - c)/effective, of which c(1 - c)/comparisons is the binomial's.

    Log-normal (above one half: of the complement), because people's look-alikeness multiplies: a few of them give the upper tail its
    length, beyond that of a beta distribution, which would call differences and deviations unequal too often.
    """
    small = min(common, 1 - common)
    # (1 - 1/m) v = 1/n - 1/m for the variance v c(1 - c) of the chance.
    spread = (comparisons / effective - 1) / (comparisons - 1) if comparisons > 1 else 0.0
    if small <= 0 or spread <= 0:
        chance = np.full(replicates, min(max(common, 0.0), 1.0))
    else:
        log_variance = np.log1p(spread * (1 - small) / small)
        chance = np.minimum(1.0, small * np.exp(rng.normal(-log_variance / 2, np.sqrt(log_variance), replicates)))
        chance = chance if common <= 0.5 else 1 - chance
    return np.asarray(rng.binomial(comparisons, chance) / comparisons, np.float64)


def null_of(value: float, index: Callable[..., F64], draws: Sequence[F64], smaller_is_worse: bool = False) -> Null | None:
    """Compare an index with its distribution under equal rates.

    draws: one float64[replicates, K] for each of one or two rates. index: of these, to float64[replicates], nan where undefined. Such
    draws count as more extreme than any value. None if more than 4 % are undefined. A draw equal to `value` counts as extreme.

    Examples:
        The index is 1, 2 and 3 in three draws; p is (1 + 1) / (3 + 1):

        >>> draws = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]])
        >>> null = null_of(3.0, lambda rates: np.ptp(rates, axis=-1), [draws])
        >>> null.median, round(null.p95, 6), null.p
        (2.0, 2.9, 0.5)
    """
    drawn = index(*draws)
    undefined = np.isnan(drawn)
    if undefined.mean() > UNDEFINED:
        return None
    values = np.where(undefined, -np.inf if smaller_is_worse else np.inf, drawn)
    # Sums in another order differ in the last bit: a draw equal to the value must count as equal.
    slack = 1e-12 * max(1.0, abs(value))
    extreme = values <= value + slack if smaller_is_worse else values >= value - slack
    tail = np.quantile(values, 0.05 if smaller_is_worse else 0.95)
    return Null(float(np.median(values)), float(tail), float((extreme.sum() + 1) / (values.size + 1)))
