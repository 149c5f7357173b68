"""What a disparity index would show if all groups had one rate: indices of extremes are above their ideal by chance alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

REPLICATES = 2000


class Null(NamedTuple):
    """Median and 95th percentile under equal rates, and the share of draws at least as extreme as the value seen."""

    median: float
    p95: float
    p: float


def equal_rates(
    rates: NDArray[np.float64], effective_n: NDArray[np.float64], seed: int, replicates: int = REPLICATES
) -> NDArray[np.float64]:
    """float64[replicates, K]: rates that groups of one common rate would show, with these effective numbers of comparisons.

    The common rate is the mean weighted by effective_n. Poisson errors in effective comparisons carry the dependence.
    """
    rng = np.random.default_rng(seed)
    common = float((rates * effective_n).sum() / effective_n.sum())
    return rng.poisson(common * effective_n, (replicates, rates.size)) / effective_n


def null_of(
    value: float, index: Callable[..., float | None], draws: Sequence[NDArray[np.float64]], smaller_is_worse: bool = False
) -> Null | None:
    """The null distribution of an index of one or two rates; `draws`: one array[replicates, K] per rate.

    Draws in which the index is undefined count as more extreme than any value. None if most are undefined.
    """
    drawn = [index(*(d[k] for d in draws)) for k in range(draws[0].shape[0])]
    worst = -np.inf if smaller_is_worse else np.inf
    values = np.asarray([worst if v is None else v for v in drawn])
    if np.isinf(values).mean() > 0.04:
        return None
    extreme = values <= value if smaller_is_worse else values >= value
    tail = np.quantile(values, 0.05 if smaller_is_worse else 0.95)
    return Null(float(np.median(values)), float(tail), float((extreme.sum() + 1) / (values.size + 1)))
