"""Whether the null of the indices is right: `python -m tests.benchmarks.null_indices`.

Groups have one true FMR, their people differ in how alike they look (`tests.benchmarks.coverage` has the model): subject i has an
effect a_i ~ N(0, 1), two people's comparison is in error with probability Φ(s (a_i + a_j) - c). Then p-values should be uniform:
`rejected` is the share below 0.05, `median` their median. One JSON line per setting, then the table of the metrics' README.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from faceparity.harness.metrics.differential import MEASURES
from faceparity.harness.uncertainty.equal_rates import equal_rates, null_of
from faceparity.harness.verification.rates import estimates as rates
from faceparity.harness.verification.rates.error_counts import CellErrors
from faceparity.harness.verification.rates.estimate import Estimate

F64 = NDArray[np.float64]
REPETITIONS = 400
SHOWN = ("max_min", "max_geometric_mean", "max_arithmetic_mean", "gini", "max_difference", "std")
SETTINGS = [
    (groups, people, images, p, s)
    for groups in (4, 8)
    for people, images, p, s in (
        (100, 1, 1e-2, 0.0), (50, 1, 1e-2, 0.3), (100, 1, 1e-2, 0.3), (50, 4, 1e-3, 0.1), (100, 4, 1e-3, 0.3), (200, 1, 1e-3, 0.3),
        (100, 4, 1e-2, 0.6),
    )
]  # fmt: skip


def draw(rng: np.random.Generator, people: int, images: int, p: float, s: float) -> F64:
    """float64[people, people], symmetric: errors of each pair of subjects."""
    c = -stats.norm.ppf(p) * np.sqrt(1 + 2 * s * s)
    a = rng.normal(size=people)
    y = np.triu(rng.binomial(images**2, stats.norm.cdf(s * (a[:, None] + a[None, :]) - c)), 1)
    return np.asarray(y + y.T, np.float64)


def estimate(y: F64, images: int) -> Estimate:
    """The rate of one group, with its variance."""
    g, m = len(y), float(images**2)
    pairs, errors = g * (g - 1) / 2, np.triu(y)
    cell = CellErrors(
        np.arange(g, dtype=np.int32), int(errors.sum()), int(pairs * m), y.sum(axis=1), np.full(g, (g - 1) * m), None, None,
        float((errors**2).sum()), float(errors.sum() * m), pairs * m * m, None,
    )  # fmt: skip
    return rates.non_mated(cell)


def p_values(estimates: list[Estimate], seed: int) -> dict[str, float | None]:
    """Of each shown index; None where it or its null is undefined. As an evaluation does it, of groups with errors."""
    rate = np.asarray([e.rate for e in estimates], float)
    if not rate.all():
        return dict.fromkeys(SHOWN)
    comparisons = np.asarray([e.comparisons for e in estimates], float)
    effective = np.asarray([(e.effective_errors or 0.0) / (e.rate or 1.0) for e in estimates])
    draws = equal_rates(rate, comparisons, effective, seed)
    out: dict[str, float | None] = {}
    for name in SHOWN:
        value = MEASURES[name](rate)
        found = None if value is None else null_of(value, MEASURES[name].over, [draws])
        out[name] = None if found is None else found.p
    return out


def setting(groups: int, people: int, images: int, p: float, s: float, repetitions: int, seed: int = 0) -> dict[str, object]:
    """Rejections at 5 % and the median p of each index where all groups have one rate."""
    rng = np.random.default_rng([seed, groups, people, images, round(1 / p), round(10 * s)])
    found = [p_values([estimate(draw(rng, people, images, p, s), images) for _ in range(groups)], k) for k in range(repetitions)]
    rejected, median, undefined = {}, {}, {}
    for name in SHOWN:
        values = np.asarray([f[name] for f in found if f[name] is not None], float)
        undefined[name] = round(1 - values.size / repetitions, 3)
        rejected[name] = round(float((values < 0.05).mean()), 3) if values.size else None
        median[name] = round(float(np.median(values)), 2) if values.size else None
    return {
        "groups": groups, "people": people, "images": images, "p": p, "s": s, "repetitions": repetitions, "rejected": rejected,
        "median": median, "undefined": undefined,
    }  # fmt: skip


def row(x: dict[str, object]) -> str:
    """One line of the table."""
    rejected, undefined = x["rejected"], x["undefined"]
    assert isinstance(rejected, dict)
    assert isinstance(undefined, dict)
    cells = [f"{100 * r:.1f} %" if (r := rejected[n]) is not None else "–" for n in SHOWN]
    cells = [c + (f" ({100 * undefined[n]:.0f} % undefined)" if undefined[n] else "") for c, n in zip(cells, SHOWN, strict=True)]
    return "| " + " | ".join([*(str(x[k]) for k in ("groups", "people", "images", "p", "s")), *cells]) + " |"


def main(repetitions: int = REPETITIONS) -> None:
    """Every setting."""
    lines = ["| groups | people each | images | FMR | s | " + " | ".join(MEASURES[n].title for n in SHOWN) + " |"]
    lines.append("| " + " | ".join(["---:"] * (5 + len(SHOWN))) + " |")
    for each in SETTINGS:
        done = setting(*each, repetitions)
        sys.stdout.write(json.dumps(done) + "\n")
        sys.stdout.flush()
        lines.append(row(done))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS)
