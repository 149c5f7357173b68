"""How often the default interval holds the true rate, and how often equal rates are called unequal: `python -m tests.benchmarks.coverage`.

People differ in how alike they look: subject i has an effect a_i ~ N(0, 1), and a comparison of i and j is in error with
probability Φ(s (a_i + a_j) - c), c such that the mean is p. With m images each, two people are compared m² times. Intervals and
contrasts are the product's own (`harness.evaluation.rates`, `.contrasts`), at a threshold set on others.

One JSON line per setting, the grid first, then settings beyond it. `--repetitions N`, `--processes N`, `--seed N`;
`--table FILE` prints the lines of a former run as the tables of harness/uncertainty/README.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, special, stats

from faceparity.harness.evaluation import rates
from faceparity.harness.evaluation.cell_errors import CellErrors
from faceparity.harness.evaluation.contrasts import ALPHA, enough_errors, ratio_of
from faceparity.harness.uncertainty.intervals import quantile_z, wilson, wilson_from_variance

F64 = NDArray[np.float64]
REPETITIONS = 2000
SEED = 20191219
GRID = tuple(product((200, 100, 50), (4, 1), (1e-2, 1e-3), (0.0, 0.1, 0.3)))
BEYOND = (
    *product((100, 50), (4, 1), (1e-2, 1e-3), (0.6,)),
    *product((30,), (4, 1), (1e-2, 1e-3), (0.0, 0.3, 0.6)),
)
"""Stronger look-alikes, and fewer people than an interval is published for."""


class Setting(NamedTuple):
    """Subjects, images of each, true rate, spread of the subjects' effects."""

    people: int
    images: int
    p: float
    s: float


class Pairs(NamedTuple):
    """Unordered pairs of subjects, int[pairs] each."""

    i: NDArray[np.int64]
    j: NDArray[np.int64]


def draw(rng: np.random.Generator, pairs: Pairs, at: Setting) -> NDArray[np.int64]:
    """int[pairs]: errors of each pair of subjects."""
    c = -special.ndtri(at.p) * np.sqrt(1 + 2 * at.s**2)
    a = rng.normal(size=at.people)
    chance = special.ndtr(at.s * (a[pairs.i] + a[pairs.j]) - c)
    return np.asarray(rng.binomial(at.images**2, chance), np.int64)


def true_variance(at: Setting) -> float:
    """Of the rate of such a group, from the model: what errors of one pair, and of pairs that share a subject, have in common."""
    g, m = at.people, at.images**2
    whole = 1 + 2 * at.s**2

    def together(rho: float) -> float:
        """P(two comparisons are both in error) - p², with correlation rho of what lies behind them."""
        h = special.ndtri(at.p)
        of = lambda x: special.ndtr((h + np.sqrt(rho) * x) / np.sqrt(1 - rho)) ** 2 * stats.norm.pdf(x)  # noqa: E731
        return float(integrate.quad(of, -12, 12, epsabs=1e-14, limit=200)[0]) - at.p**2

    pairs = g * (g - 1) / 2
    own = m * at.p * (1 - at.p) + m * (m - 1) * together(2 * at.s**2 / whole)
    return float(pairs * (own + 2 * (g - 2) * m * m * together(at.s**2 / whole)) / (pairs * m) ** 2)


def estimate(y: NDArray[np.int64], pairs: Pairs, at: Setting, first: int = 0) -> rates.Estimate:
    """The product's estimate of a group whose subjects are numbered from `first`."""
    g, m = at.people, at.images**2
    hit = np.flatnonzero(y)
    rows = np.bincount(pairs.i[hit], y[hit], g) + np.bincount(pairs.j[hit], y[hit], g)
    errors = y[hit].astype(float)
    cell = CellErrors(
        np.arange(first, first + g, dtype=np.int32), int(errors.sum()), y.size * m, rows, np.full(g, float((g - 1) * m)),
        None, None, float(errors @ errors), float(errors.sum() * m), float(y.size) * m * m, None,
    )  # fmt: skip
    return rates.non_mated(cell)


def published(e: rates.Estimate) -> tuple[float, float]:
    """As published but for the gate on subjects: [0, end] with one to nine errors, [0, 3 / comparisons] with none."""
    return rates.interval_of(e) if e.errors else (0.0, min(1.0, 3 / e.comparisons))


def two_sided(e: rates.Estimate) -> tuple[float, float]:
    """As published, had it both ends whatever the errors."""
    return wilson_from_variance(e.rate, e.variance, e.df) if e.rate else published(e)


def of_true_variance(e: rates.Estimate, at: Setting, variance: float) -> tuple[float, float]:
    """Two-sided Wilson interval about the rate seen, with the normal quantile and the effective sample size that is true."""
    return wilson(e.rate or 0.0, at.p * (1 - at.p) / variance, quantile_z())


def measure(at: Setting, repetitions: int, seed: int) -> dict[str, Any]:
    """Coverage and width of the interval; type-I error of a contrast of two groups of one rate. See `COLUMNS`."""
    start = time.perf_counter()
    rng = np.random.default_rng([seed, at.people, at.images, round(1 / at.p), round(10 * at.s)])
    pairs = Pairs(*(x.astype(np.int64) for x in np.triu_indices(at.people, 1)))
    variance = true_variance(at)
    held, both, truth, naive = (np.zeros((repetitions, 2)) for _ in range(4))
    errors = np.zeros(repetitions)
    p_values, called = np.full(repetitions, np.nan), 0
    for k in range(repetitions):
        a, b = (estimate(draw(rng, pairs, at), pairs, at, first) for first in (0, at.people))
        errors[k], held[k], both[k], truth[k] = a.errors, published(a), two_sided(a), of_true_variance(a, at, variance)
        naive[k] = wilson(a.rate or 0.0, a.comparisons, quantile_z())
        found = ratio_of(a, b)
        if found is not None:
            p_values[k] = found.p
            called += found.p < ALPHA and enough_errors(found.ratio, a.effective_errors or 0.0, b.effective_errors or 0.0)
    same_form = np.stack([np.where(errors < rates.BOUND_BELOW, 0.0, truth[:, 0]), truth[:, 1]], axis=1)
    tested = np.isfinite(p_values)
    holds = lambda x: float(((x[:, 0] <= at.p) & (at.p <= x[:, 1])).mean())  # noqa: E731
    width = lambda x: float((x[:, 1] - x[:, 0]).mean())  # noqa: E731
    return {
        **at._asdict(), "repetitions": repetitions, "mean_errors": float(errors.mean()),
        "design_effect": variance * (at.people * (at.people - 1) / 2 * at.images**2) / (at.p * (1 - at.p)),
        "coverage": holds(held), "above": float((held[:, 0] > at.p).mean()), "below": float((held[:, 1] < at.p).mean()),
        "width_ratio": width(held) / width(same_form), "width_ratio_two_sided": width(both) / width(truth),
        "width_ratio_to_two_sided": width(held) / width(truth),
        "coverage_true_variance": holds(truth), "coverage_if_independent": holds(naive),
        "two_sided": float((errors >= rates.BOUND_BELOW).mean()), "no_errors": float((errors == 0).mean()),
        "contrasts": int(tested.sum()), "type_I": float((p_values[tested] < ALPHA).mean()) if tested.any() else None,
        "called": called / repetitions, "seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip


def _job(job: tuple[Setting, int, int]) -> dict[str, Any]:
    return measure(*job)


COLUMNS = {
    "people": ("subjects", "{}"), "images": ("images", "{}"), "p": ("p", "{:g}"), "s": ("s", "{:g}"),
    "design_effect": ("design effect", "{:.1f}"), "mean_errors": ("mean errors", "{:.1f}"), "two_sided": ("≥ 10 errors", "{:.3f}"),
    "coverage": ("coverage", "{:.3f}"), "width_ratio": ("width ÷ true", "{:.2f}"),
    "coverage_true_variance": ("true variance", "{:.3f}"), "coverage_if_independent": ("if independent", "{:.3f}"),
    "type_I": ("type I", "{:.3f}"), "contrasts": ("contrasts", "{}"), "called": ("called", "{:.4f}"),
}  # fmt: skip


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown, in the order of rising subjects, images, rate and spread."""
    rows = sorted(lines, key=lambda r: (r["people"], r["images"], -r["p"], r["s"]))
    head = [name for name, _ in COLUMNS.values()]
    body = [[form.format(row[key]) if row[key] is not None else "–" for key, (_, form) in COLUMNS.items()] for row in rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---:"] * len(head), *body))


def main() -> None:
    """Every setting; the slowest first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    if options.table:
        lines = [json.loads(line) for line in options.table.read_text("utf-8").splitlines()]
        for settings in (GRID, BEYOND):
            print(table([r for r in lines if (r["people"], r["images"], r["p"], r["s"]) in settings]) + "\n")
        return
    jobs = [(Setting(*at), options.repetitions, options.seed) for at in (*GRID, *BEYOND)]
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for line in pool.imap(_job, jobs):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
