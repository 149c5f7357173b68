"""Adjust p-values of several tests: Holm, and Benjamini and Hochberg."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's step-down adjusted p-values, in the order given.

    Examples:
        3 × 0.01, and 2 × 0.03 for both others, as the last must not be below the second:

        >>> [round(value, 6) for value in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, float)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(value) for value in adjusted]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return Benjamini and Hochberg's adjusted p-values, in the order given.

    Step-up: they bound the share of false findings among all, not the chance of any.

    Examples:
        >>> [round(value, 6) for value in benjamini_hochberg([0.01, 0.04, 0.03])]
        [0.03, 0.04, 0.04]
    """
    values = np.asarray(p_values, float)
    order = np.argsort(values, kind="stable")[::-1]
    steps = np.minimum.accumulate(values[order] * (values.size / np.arange(values.size, 0, -1)))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(value) for value in adjusted]


def bonferroni_interval(interval: tuple[float, float], df: float | None, tests: int) -> tuple[float, float]:
    """Widen a ratio's 95 % interval to the largest of several.

    To level 1 - 0.05/tests (Bonferroni), which holds for whichever of the ratios is picked. interval: symmetric on the log scale, by
    Student's t with `df` degrees of freedom (None: normal), lower end > 0; with a lower end of 0 it stays as it is.

    Examples:
        With one degree of freedom Student's t is tan of its probability; of 19 tests the quantile is 19.1 times that of one:

        >>> low, high = bonferroni_interval((1.0, 4.0), df=1, tests=19)
        >>> round(float(np.log(high / 2) / np.log(2)), 1), round(low * high, 6)
        (19.0, 4.0)
        >>> bonferroni_interval((1.0, 4.0), df=10, tests=1)
        (1.0, 4.0)
    """
    low, high = interval
    if tests <= 1 or low <= 0:
        return interval
    degrees = np.inf if df is None else df
    wider = float(stdtrit(degrees, 1 - 0.025 / tests) / stdtrit(degrees, 0.975))
    middle, half = np.log(low * high) / 2, np.log(high / low) / 2 * wider
    return float(np.exp(middle - half)), float(np.exp(middle + half))
