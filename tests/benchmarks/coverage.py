"""How often the default interval holds the true rate, and how often equal rates are called unequal: `python -m tests.benchmarks.coverage`.

People differ in how alike they look: subject i has an effect a_i ~ N(0, 1), and a comparison of i and j is in error with
probability Φ(s (a_i + a_j) - c), c such that the mean is p. With m images each, two people are compared m² times. Intervals and
contrasts are the product's own (`harness.evaluation.rates`, `.contrasts`), at a threshold set on others.

One JSON line per setting: the grid of within-group FMR, settings beyond it, FMR between groups, FNMR, two models of equal rates on
the same comparisons, and within-group FMR of a sample of the comparisons. `--repetitions N`, `--processes N`, `--seed N`;
`--table FILE` prints the lines of a former run as the tables of harness/uncertainty/README.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, special, stats

from faceparity.harness.comparisons.pair_counts import DealtPairs
from faceparity.harness.comparisons.subsampling import deal
from faceparity.harness.comparisons.tally import Pairs
from faceparity.harness.uncertainty.intervals import quantile_z, wilson, wilson_from_variance
from faceparity.harness.uncertainty.model_differences import PairedCell, compare_models, non_mated_cell
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.error_counts import CellErrors
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.group_contrasts import ratio_of
from faceparity.harness.verification.rates.like_groups import with_design_effects
from faceparity.harness.verification.rates.verdict_rules import ALPHA, BOUND_BELOW, EFFECTIVE_DISCORDANT, enough_errors

REPETITIONS = 2000
DEALS = 40
"""Samples of the comparisons that repetitions draw from."""
SEED = 20191219
GRID = tuple(product((200, 100, 50), (4, 1), (1e-2, 1e-3), (0.0, 0.1, 0.3)))
BEYOND = (
    *product((100, 50), (4, 1), (1e-2, 1e-3), (0.6,)),
    *product((30,), (4, 1), (1e-2, 1e-3), (0.0, 0.3, 0.6)),
)
"""Stronger look-alikes, and fewer people than an interval is published for."""


CROSS = tuple(product((200, 100, 50), (4, 1), (1e-2, 1e-3), (0.0, 0.3)))
FNMR = tuple(product((200, 100, 50), (4, 2), (1e-1, 1e-2), (0.0, 0.6)))
SAMPLED = tuple(product((500, 200), (4, 1), (1e-2, 1e-3), (0.0, 0.3), (0.1, 0.02)))
MODELS = tuple(product((100, 50), (4, 1), (1e-2, 1e-3), (0.0, 0.3)))
CORRELATION = 0.8
"""Of two models' effects of a subject, and of what else lies behind their scores of a comparison."""


class Setting(NamedTuple):
    """Subjects (of each group), images of each, true rate, spread of the subjects' effects, and of the comparisons those made."""

    people: int
    images: int
    p: float
    s: float
    share: float = 1.0

    def told(self) -> dict[str, float]:
        """Its fields; the share only where it is one."""
        return {k: v for k, v in self._asdict().items() if k != "share" or v < 1}

    @property
    def cut(self) -> float:
        """c, so that the mean rate is p."""
        return float(-special.ndtri(self.p) * np.sqrt(1 + 2 * self.s**2))

    @property
    def trials(self) -> int:
        """Mated comparisons of a subject."""
        return self.images * (self.images - 1) // 2

    def comparisons(self, kind: str) -> int:
        """How many a rate rests on."""
        g, m = self.people, self.images**2
        return {"within": g * (g - 1) // 2 * m, "cross": g * g * m, "fnmr": g * self.trials}[kind]


@cache
def together(at: Setting, share: int) -> float:
    """P(two comparisons are both in error) - p², where `share` of the two subject effects in each are the same."""
    h, rho = special.ndtri(at.p), share * at.s**2 / (1 + 2 * at.s**2)
    of = lambda x: special.ndtr((h + np.sqrt(rho) * x) / np.sqrt(1 - rho)) ** 2 * stats.norm.pdf(x)  # noqa: E731
    return float(integrate.quad(of, -12, 12, epsabs=1e-14, limit=200)[0]) - at.p**2


def true_variance(kind: str, at: Setting) -> float:
    """Of the rate, from the model: what errors of one pair of subjects, and of pairs that share a subject, have in common."""
    if kind == "sampled":
        return float(np.mean([_variance_of_deal(at, seed) for seed in range(DEALS)]))
    g, n = at.people, at.comparisons(kind)
    m = at.trials if kind == "fnmr" else at.images**2
    others = {"within": 2 * (g - 2), "cross": 2 * (g - 1), "fnmr": 0}[kind]
    own = m * at.p * (1 - at.p) + m * (m - 1) * together(at, 2)
    return float(n / m * (own + others * m * m * together(at, 1)) / n**2)


class Dealt(NamedTuple):
    """A sample of a group's comparisons: pairs of subjects that have any, int32[·]; M_ij, M_i and Σ M_ij², as the product has them."""

    i: NDArray[np.int32]
    j: NDArray[np.int32]
    made: NDArray[np.float64]
    by_subject: NDArray[np.float64]
    squares: float


@lru_cache(DEALS)
def _dealt(at: Setting, seed: int) -> Dealt:
    subjects, cells = np.arange(at.people, dtype=np.int32).repeat(at.images), np.zeros(at.people * at.images, np.int32)
    pairs = DealtPairs(subjects, Pairs.none(), deal(cells, at.share, seed))
    i, j = (x.astype(np.int32) for x in _pairs(at.people))
    made = pairs.of_pairs(cells, 0, 0, i, j)
    i, j, made = (x[made > 0] for x in (i, j, made))
    return Dealt(i, j, made, _by_subject(at, i, j, made), pairs.square_sum(cells, 0, 0))


def _by_subject(at: Setting, i: NDArray[np.int32], j: NDArray[np.int32], of_pair: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(i, of_pair, at.people) + np.bincount(j, of_pair, at.people)


def _variance_of_deal(at: Setting, seed: int) -> float:
    """`true_variance` of one sample. Its rate is p on average, so the mean over samples is the variance with their chance in it."""
    d = _dealt(at, seed)
    n, squares = float(d.made.sum()), float(d.made @ d.made)
    own = n * at.p * (1 - at.p) + (squares - n) * together(at, 2)
    return (own + float(d.by_subject @ d.by_subject - 2 * squares) * together(at, 1)) / n**2


def draw_sampled(rng: np.random.Generator, at: Setting, first: int) -> Estimate:
    """A group of which a sample of the comparisons is made, one of `DEALS`."""
    d = _dealt(at, int(rng.integers(DEALS)))
    a = rng.normal(size=at.people)
    y = rng.binomial(d.made.astype(int), special.ndtr(at.s * (a[d.i] + a[d.j]) - at.cut)).astype(float)
    ids = np.flatnonzero(d.by_subject)
    cell = CellErrors(
        (ids + first).astype(np.int32), int(y.sum()), int(d.made.sum()), _by_subject(at, d.i, d.j, y)[ids], d.by_subject[ids],
        None, None, float(y @ y), float(y @ d.made), d.squares, None,
    )  # fmt: skip
    return estimates.non_mated(cell)


def draw_within(rng: np.random.Generator, at: Setting, first: int) -> Estimate:
    """A group whose subjects are numbered from `first`."""
    g, m = at.people, at.images**2
    i, j = _pairs(g)
    a = rng.normal(size=g)
    y = rng.binomial(m, special.ndtr(at.s * (a[i] + a[j]) - at.cut))
    hit = np.flatnonzero(y)
    rows = np.bincount(i[hit], y[hit], g) + np.bincount(j[hit], y[hit], g)
    errors = y[hit].astype(float)
    cell = CellErrors(
        np.arange(first, first + g, dtype=np.int32), int(errors.sum()), y.size * m, rows, np.full(g, float((g - 1) * m)),
        None, None, float(errors @ errors), float(errors.sum() * m), float(y.size) * m * m, None,
    )  # fmt: skip
    return estimates.non_mated(cell)


def draw_cross(rng: np.random.Generator, at: Setting, first: int) -> Estimate:
    """Two groups, compared with each other."""
    g, m = at.people, at.images**2
    a, b = rng.normal(size=(2, g))
    y = rng.binomial(m, special.ndtr(at.s * (a[:, None] + b) - at.cut)).astype(float)
    ids, total = np.arange(2 * first, 2 * first + g, dtype=np.int32), np.full(g, float(g * m))
    cell = CellErrors(
        ids, int(y.sum()), y.size * m, y.sum(axis=1), total, y.sum(axis=0), total,
        float((y * y).sum()), float(y.sum() * m), float(y.size) * m * m, None, (ids + g).astype(np.int32),
    )  # fmt: skip
    return estimates.non_mated(cell)


def draw_fnmr(rng: np.random.Generator, at: Setting, first: int) -> Estimate:
    """Every subject's images with each other."""
    errors = rng.binomial(at.trials, special.ndtr(at.s * np.sqrt(2) * rng.normal(size=at.people) - at.cut))
    ids = np.arange(first, first + at.people, dtype=np.int32)
    return estimates.mated(ids, errors.astype(float), np.full(at.people, float(at.trials)), None)


DRAW = {"within": draw_within, "cross": draw_cross, "fnmr": draw_fnmr, "sampled": draw_sampled}


@cache
def _pairs(people: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(people, 1)


def published(e: Estimate) -> tuple[float, float]:
    """As published but for the gate on subjects: [0, bound] with up to nine errors."""
    return estimates.interval_of(e)


def two_sided(e: Estimate) -> tuple[float, float]:
    """As published, had it both ends whatever the errors."""
    return wilson_from_variance(e.rate, e.variance, e.df) if e.rate else published(e)


def of_true_variance(e: Estimate, at: Setting, variance: float) -> tuple[float, float]:
    """Two-sided Wilson interval about the rate seen, with the normal quantile and the effective sample size that is true."""
    return wilson(e.rate or 0.0, at.p * (1 - at.p) / variance, quantile_z())


def measure(kind: str, at: Setting, repetitions: int, seed: int) -> dict[str, Any]:
    """Coverage and width of the interval; type-I error of a contrast of two groups of one rate. See `COLUMNS`."""
    start = time.perf_counter()
    rng = _rng(kind, at, seed)
    variance = true_variance(kind, at)
    held, both, truth, naive = (np.zeros((repetitions, 2)) for _ in range(4))
    errors, comparisons = np.zeros(repetitions), np.zeros(repetitions)
    p_values, called = np.full(repetitions, np.nan), 0
    for k in range(repetitions):
        a, b = with_design_effects([DRAW[kind](rng, at, first) for first in (0, at.people)])
        comparisons[k], errors[k] = a.comparisons, a.errors
        held[k], both[k], truth[k] = published(a), two_sided(a), of_true_variance(a, at, variance)
        naive[k] = wilson(a.rate or 0.0, a.comparisons, quantile_z())
        found = ratio_of(a, b)
        if found is not None:
            p_values[k] = found.p
            called += found.p < ALPHA and enough_errors(found.ratio, a.effective_errors or 0.0, b.effective_errors or 0.0)
    of_all = {}
    if at.share < 1:
        of_all = {
            "bias": float((errors / comparisons).mean()) / at.p - 1,
            "sd_ratio_to_all": float(np.sqrt(variance / true_variance("within", at))),
        }
    same_form = np.stack([np.where(errors < BOUND_BELOW, 0.0, truth[:, 0]), truth[:, 1]], axis=1)
    tested = np.isfinite(p_values)
    holds = lambda x: float(((x[:, 0] <= at.p) & (at.p <= x[:, 1])).mean())  # noqa: E731
    width = lambda x: float((x[:, 1] - x[:, 0]).mean())  # noqa: E731
    return {
        "kind": kind, **at.told(), "repetitions": repetitions, "mean_errors": float(errors.mean()),
        "design_effect": variance * float(comparisons.mean()) / (at.p * (1 - at.p)), **of_all,
        "coverage": holds(held), "above": float((held[:, 0] > at.p).mean()), "below": float((held[:, 1] < at.p).mean()),
        "width_ratio": width(held) / width(same_form), "width_ratio_two_sided": width(both) / width(truth),
        "width_ratio_to_two_sided": width(held) / width(truth),
        "coverage_true_variance": holds(truth), "coverage_if_independent": holds(naive),
        "two_sided": float((errors >= BOUND_BELOW).mean()), "no_errors": float((errors == 0).mean()),
        "contrasts": int(tested.sum()), "type_I": float((p_values[tested] < ALPHA).mean()) if tested.any() else None,
        "called": called / repetitions, "seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip


def draw_models(rng: np.random.Generator, at: Setting) -> PairedCell:
    """Two models of one rate on the same comparisons, which they find hard alike."""
    g, m = at.people, at.images**2
    i, j = _pairs(g)
    mix = np.linalg.cholesky(np.array([[1, CORRELATION], [CORRELATION, 1]]))
    a = mix @ rng.normal(size=(2, g))
    rest = np.tensordot(mix, rng.normal(size=(2, i.size, m)), 1)
    wrong = at.s * (a[:, i] + a[:, j])[:, :, None] + rest > at.cut
    y = wrong.sum(axis=2).T.astype(float)
    hit = np.flatnonzero(y.any(axis=1))
    ids = np.arange(g, dtype=np.int32)
    made, squares = np.full(hit.size, float(m)), float(i.size) * m * m
    both = int(wrong.all(axis=0).sum())
    return non_mated_cell(ids, np.full(g, float((g - 1) * m)), i[hit], j[hit], made, y[hit], both, squares)


def measure_models(kind: str, at: Setting, repetitions: int, seed: int) -> dict[str, Any]:
    """Type-I error at 5 % of the comparison of two models, and how often its interval holds 1."""
    start = time.perf_counter()
    rng = _rng(kind, at, seed)
    found = [compare_models([draw_models(rng, at)]) for _ in range(repetitions)]
    p = np.array([np.nan if c.p is None else c.p for c in found])
    tested = np.isfinite(p)
    called = [c for c in found if c.p is not None and c.p < ALPHA and c.effective_discordant >= EFFECTIVE_DISCORDANT]
    return {
        "kind": kind, **at.told(), "repetitions": repetitions, "contrasts": int(tested.sum()),
        "effective_discordant": float(np.mean([c.effective_discordant for c in found])),
        "type_I": float((p[tested] < ALPHA).mean()), "called": len(called) / repetitions,
        "seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip


def _rng(kind: str, at: Setting, seed: int) -> np.random.Generator:
    tail = [] if kind == "within" else [KINDS.index(kind)]
    tail += [round(1000 * at.share)] * (at.share < 1)
    return np.random.default_rng([seed, at.people, at.images, round(1 / at.p), round(10 * at.s), *tail])


KINDS = ("within", "cross", "fnmr", "models", "sampled")


def _job(job: tuple[str, Setting, int, int]) -> dict[str, Any]:
    return (measure_models if job[0] == "models" else measure)(*job)


SETTINGS = (("within", GRID), ("within", BEYOND), ("cross", CROSS), ("fnmr", FNMR), ("models", MODELS), ("sampled", SAMPLED))
COLUMNS = {
    "people": ("subjects", "{}"), "images": ("images", "{}"), "p": ("p", "{:g}"), "s": ("s", "{:g}"),
    "share": ("share", "{:g}"), "bias": ("bias", "{:+.3f}"), "sd_ratio_to_all": ("sd ÷ that of all", "{:.2f}"),
    "design_effect": ("design effect", "{:.1f}"), "mean_errors": ("mean errors", "{:.1f}"), "two_sided": ("≥ 10 errors", "{:.3f}"),
    "coverage": ("coverage", "{:.3f}"), "width_ratio": ("width ÷ true", "{:.2f}"),
    "coverage_true_variance": ("true variance", "{:.3f}"), "coverage_if_independent": ("if independent", "{:.3f}"),
    "effective_discordant": ("effective discordant", "{:.1f}"),
    "type_I": ("type I", "{:.3f}"), "contrasts": ("contrasts", "{}"), "called": ("called", "{:.4f}"),
}  # fmt: skip


def _setting(line: dict[str, Any]) -> Setting:
    return Setting(**{k: line[k] for k in Setting._fields if k in line})


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown, in the order of rising subjects, images, rate and spread."""
    rows = sorted(lines, key=lambda r: (r["people"], r["images"], -r["p"], r["s"], -r.get("share", 1.0)))
    columns = [(key, form) for key, (_, form) in COLUMNS.items() if key in rows[0]]
    head = [COLUMNS[key][0] for key, _ in columns]
    body = [[form.format(row[key]) if row[key] is not None else "–" for key, form in columns] for row in rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---:"] * len(head), *body))


def main() -> None:
    """Every setting; the slowest first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--kind", choices=KINDS, action="append", help="only these (all)")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    if options.table:
        lines = [json.loads(line) for line in options.table.read_text("utf-8").splitlines()]
        for kind, settings in SETTINGS:
            rows = [r for r in lines if r["kind"] == kind and _setting(r) in {Setting(*at) for at in settings}]
            print(f"{kind}\n\n{table(rows) if rows else '–'}\n")
        return
    chosen = options.kind or KINDS
    jobs = [(kind, Setting(*at), options.repetitions, options.seed) for kind, of in SETTINGS if kind in chosen for at in of]
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for line in pool.imap(_job, jobs):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
