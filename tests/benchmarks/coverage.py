"""How often the default interval holds the true rate, and how often equal rates are called unequal: `python -m tests.benchmarks.coverage`.

People differ in how alike they look: subject i has an effect a_i ~ N(0, 1), and a comparison of i and j is in error with
probability Φ(s (a_i + a_j) - c), c such that the mean is p. With m images each, two people are compared m² times. Intervals and
contrasts are those of `faceparity.harness.evaluation`, at a threshold set on others. One JSON line per setting.
"""

from __future__ import annotations

import json
import sys
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from faceparity.harness.evaluation import rates
from faceparity.harness.evaluation.cell_errors import CellErrors
from faceparity.harness.evaluation.contrasts import EFFECTIVE_IN_HIGHER, EFFECTIVE_IN_LOWER
from faceparity.harness.uncertainty.contrasts import log_ratio

F64 = NDArray[np.float64]
REPETITIONS = 400
SMALLEST = 10
"""Errors under which a rate gets an upper end only."""


def draw(rng: np.random.Generator, people: int, images: int, p: float, s: float) -> F64:
    """float64[people, people], symmetric: errors of each pair of subjects."""
    c = -stats.norm.ppf(p) * np.sqrt(1 + 2 * s * s)
    a = rng.normal(size=people)
    y = np.triu(rng.binomial(images**2, stats.norm.cdf(s * (a[:, None] + a[None, :]) - c)), 1)
    return np.asarray(y + y.T, np.float64)


def estimate(y: F64, images: int, first: int = 0) -> rates.Estimate:
    """The rate of a group whose subjects are numbered from `first`."""
    g, m = len(y), float(images**2)
    pairs = g * (g - 1) / 2
    errors = np.triu(y)
    cell = CellErrors(
        np.arange(first, first + g, dtype=np.int32), int(errors.sum()), int(pairs * m), y.sum(axis=1), np.full(g, (g - 1) * m),
        None, None, float((errors**2).sum()), float(errors.sum() * m), pairs * m * m, None,
    )  # fmt: skip
    return rates.non_mated(cell)


def naive_holds(e: rates.Estimate, p: float) -> bool:
    """Whether an interval for independent comparisons would hold p."""
    low, high = stats.binomtest(e.errors, e.comparisons).proportion_ci(method="wilson")
    return bool(low <= p <= high)


def published(e: rates.Estimate) -> tuple[float, float]:
    """The interval as it is published: [0, end] with one to nine errors, [0, 3 / comparisons] with none."""
    rate = rates.to_rate(e, "a", "within")
    if rate.bounds is not None:
        return 0.0, rate.bounds.independent
    assert rate.interval is not None
    return rate.interval


def setting(people: int, images: int, p: float, s: float, repetitions: int, seed: int) -> dict[str, float | int | None]:
    """Coverage of the interval, and of a naive one; type-I error at 5 % of a contrast of two groups of one rate.

    two_sided: the share of repetitions with 10 errors or more. called: contrasts that also pass the gates, of all repetitions.
    """
    rng = np.random.default_rng([seed, people, images, round(1 / p), round(10 * s)])
    naive = two_sided = tested = rejected = called = above = below = 0
    for _ in range(repetitions):
        a, b = estimate(draw(rng, people, images, p, s), images), estimate(draw(rng, people, images, p, s), images, people)
        low, high = published(a)
        above += low > p
        below += high < p
        two_sided += a.errors >= SMALLEST
        naive += naive_holds(a, p)
        if a.errors and b.errors and a.rate and b.rate:
            tested += 1
            found = log_ratio(a.rate, a.variance, a.df, b.rate, b.variance, b.df).p < 0.05
            rejected += found
            lower, higher = sorted((e.rate or 0.0, e.effective_errors or 0.0) for e in (a, b))
            called += found and higher[1] >= EFFECTIVE_IN_HIGHER and lower[1] >= EFFECTIVE_IN_LOWER
    return {
        "people": people, "images": images, "p": p, "s": s, "repetitions": repetitions, "two_sided": two_sided / repetitions,
        "coverage": 1 - (above + below) / repetitions, "too_high": above / repetitions, "too_low": below / repetitions,
        "coverage_if_independent": naive / repetitions, "contrasts": tested,
        "type_I_error": rejected / tested if tested else None, "called": called / repetitions,
    }  # fmt: skip


def main(repetitions: int = REPETITIONS, seed: int = 20191219) -> None:
    """Every setting."""
    for people, images, p, s in product((50, 100), (1, 4), (1e-2, 1e-3), (0.0, 0.3)):
        print(json.dumps(setting(people, images, p, s, repetitions, seed)), flush=True)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]))
