"""Differential measures: one number for the spread of an error rate between groups, at one threshold for all.

Each takes float64[K], the groups' rates, and returns None where it is undefined (a ratio with a zero below, 0/0). None of them
is told apart from chance by itself: see `faceparity.harness.uncertainty.null`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Rates = NDArray[np.float64]


def max_min(rates: Rates) -> float | None:
    """Highest over lowest; [1, ∞). Decided by the noise in the smallest group; grows with K even under equal rates."""
    return float(rates.max() / rates.min()) if rates.min() > 0 else None


def max_geometric_mean(rates: Rates) -> float | None:
    """Highest over geometric mean (NISTIR 8429's choice); [1, ∞). Steadier than max/min; undefined with a zero rate."""
    return float(rates.max() / np.exp(np.log(rates).mean())) if rates.min() > 0 else None


def max_arithmetic_mean(rates: Rates) -> float | None:
    """Highest over arithmetic mean; [1, K]. Does not see who is lowest."""
    return float(rates.max() / rates.mean()) if rates.mean() > 0 else None


def gini(rates: Rates) -> float | None:
    """Gini coefficient with the small-sample factor K/(K-1); [0, 1]. Scale-free, but blind to which group it is."""
    k, mean = rates.size, rates.mean()
    if k < 2 or mean == 0:
        return None
    raw = np.abs(rates[:, None] - rates[None, :]).sum() / (2 * k * k * mean)
    return float(raw * k / (k - 1))


def garbe(fmr: Rates, fnmr: Rates, alpha: float = 0.5) -> float | None:
    """α G(FMR) + (1-α) G(FNMR), G the corrected Gini (Howard et al. 2022); [0, 1]. Averages unlike harms."""
    x, y = gini(fmr), gini(fnmr)
    return None if x is None or y is None else alpha * x + (1 - alpha) * y


def fdr(fmr: Rates, fnmr: Rates, alpha: float = 0.5) -> float | None:
    """Fairness discrepancy rate 1 - (α max|Δ FMR| + (1-α) max|Δ FNMR|) (de Freitas Pereira & Marcel); [0, 1], 1 is equal.

    Near 1 at any operational FMR: it calls a 50-fold difference 98 % fair.
    """
    return float(1 - (alpha * np.ptp(fmr) + (1 - alpha) * np.ptp(fnmr)))


def inequity_rate(fmr: Rates, fnmr: Rates, alpha: float = 0.5) -> float | None:
    """(max/min FMR)^α (max/min FNMR)^(1-α) (NIST); [1, ∞). Can be driven by negligible rates of one kind."""
    x, y = max_min(fmr), max_min(fnmr)
    return None if x is None or y is None else float(x**alpha * y ** (1 - alpha))


OF_ONE_RATE: dict[str, Callable[[Rates], float | None]] = {
    "max_min": max_min,
    "max_geometric_mean": max_geometric_mean,
    "max_arithmetic_mean": max_arithmetic_mean,
    "gini": gini,
}
OF_BOTH_RATES: dict[str, Callable[[Rates, Rates], float | None]] = {"garbe": garbe, "fdr": fdr, "inequity_rate": inequity_rate}
SMALLER_IS_WORSE = frozenset({"fdr"})
