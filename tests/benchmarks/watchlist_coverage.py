"""How often a watchlist's intervals hold the truth: `python -m tests.benchmarks.watchlist_coverage`.

People differ in how alike they look: person i has an effect a_i ~ N(0, 1), and an image of i matches one of j with probability
Φ(s (a_i + a_j) - c_gh), c_gh such that the mean over people is the FMR between their groups. So FPIR of group g against a list with
N_h people of each group is 1 - E[Π_h (1 - p_gh(a))^(N_h)], by quadrature. Rates, ratios and shares are the product's own
(`harness.scenarios`). One JSON line per setting; `--repetitions N`, `--processes N`, `--seed N`.

mean: of the estimates over the truth. covered, ratio_covered, share_covered: how often the interval holds it, among those that have
one. called: how often a verdict was given, where the groups' FPIR is the same (then it is wrong) or is not.
naive_covered: of Wilson intervals on one drawn list, as if the people walking past were independent trials.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from faceparity.harness.comparisons.tally import Pairs
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.scenarios.base.schema import Watchlist
from faceparity.harness.scenarios.watchlist.list_composition import make_lists
from faceparity.harness.scenarios.watchlist.simulate import draw
from faceparity.harness.scenarios.watchlist.study_population import Study
from faceparity.harness.scenarios.watchlist.watchlist import searches_of
from faceparity.harness.scenarios.watchlist.watchlist_figures import WatchlistQuestion, read
from faceparity.harness.uncertainty.intervals import quantile_z, wilson

REPETITIONS = 400
SEED = 20200611
EQUAL = ((1e-3, 1e-4), (1e-4, 1e-3))
UNEQUAL = ((1e-3, 2e-4), (2e-4, 5e-3))
GRID = tuple(product((300, 100), (1, 3), (0.1, 0.5), (0.0, 0.3, 0.6), (EQUAL, UNEQUAL)))


class Setting(NamedTuple):
    """People of each of two groups, images of each, the share of them on the list, spread of effects, FMR between groups."""

    people: int
    images: int
    share: float
    s: float
    fmr: tuple[tuple[float, float], ...]


def cuts(at: Setting) -> NDArray[np.float64]:
    """c_gh, float64[2, 2]."""
    return np.asarray(-special.ndtri(np.asarray(at.fmr)) * np.sqrt(1 + 2 * at.s**2), np.float64)


def truth(at: Setting, listed: NDArray[np.int64]) -> NDArray[np.float64]:
    """FPIR of both groups. Images of one person match independently, given the effects, so one of them drawn is like any."""
    x, w = np.polynomial.hermite_e.hermegauss(201)
    w = w / w.sum()
    c = cuts(at)
    p = np.minimum(special.ndtr((at.s * x[None, None, :] - c[:, :, None]) / np.sqrt(1 + at.s**2)), 1 - 1e-16)
    return np.asarray([(-np.expm1((listed[:, None] * np.log1p(-p[g])).sum(axis=0)) * w).sum() for g in range(2)])


def one(task: tuple[Setting, int]) -> dict[str, Any]:
    """One draw of everybody, through the product."""
    at, seed = task
    rng = np.random.default_rng(seed)
    n = 2 * at.people
    group = np.repeat([0, 1], at.people).astype(np.int32)
    person = np.repeat(np.arange(n, dtype=np.int32), at.images)
    effect = rng.normal(size=n)
    a, b = np.triu_indices(person.size, 1)
    apart = person[a] != person[b]
    a, b = a[apart], b[apart]
    i, j = person[a], person[b]
    p = special.ndtr(at.s * (effect[i] + effect[j]) - cuts(at)[group[i], group[j]])
    hit = rng.random(a.size) < p
    found = Pairs.of(a[hit], b[hit], np.ones(int(hit.sum()), np.float32))
    images = np.full(n, at.images, np.int64)
    study = Study(person, group, images, images, np.zeros(2, np.int64), 0, 0, 2)
    scenario = Watchlist.model_validate(
        {"kind": "watchlist", "name": "x", "threshold": {"fixed": 0.5}, "watchlist": {"share": at.share}, "draws": 20}
    )
    grouping = SampleGrouping(("g",), ("a", "b"), (("a",), ("b",)), np.asarray([0, 1], np.int32))
    lists = make_lists(scenario, grouping.names, study.people)
    question = WatchlistQuestion(scenario, grouping, study, lists, 1, seed)
    told = read(question, found, searches_of(question, found), Pairs.none(), 0.5, False)
    true = truth(at, lists.listed)
    drawn = draw(study, lists.listed, found, 1, False, rng)
    out: dict[str, Any] = {"truth": true.tolist(), "rate": [], "covered": [], "naive": []}
    for g, x in enumerate(told.groups):
        out["rate"].append(x.fpir.rate or 0.0)
        out["covered"].append(None if x.fpir.interval is None else x.fpir.interval[0] <= true[g] <= x.fpir.interval[1])
        low, high = wilson(float(drawn[g]), float(study.people[g] - lists.listed[g]), quantile_z())
        out["naive"].append(low <= true[g] <= high)
    ratio = told.groups[1].ratio
    out["ratio"] = (
        None if ratio is None or ratio.interval is None else ratio.interval[0] <= true[1] / true[0] <= ratio.interval[1]
    )
    out["called"] = ratio is not None and ratio.verdict in ("higher", "lower")
    share = told.groups[1].share_interval
    out["share"] = None if share is None else share[0] <= true[1] / true.sum() <= share[1]
    return out


def _rate(values: list[bool | None]) -> tuple[float | None, int]:
    known = [v for v in values if v is not None]
    return (round(float(np.mean(known)), 4) if known else None), len(known)


def summary(at: Setting, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One line."""
    out: dict[str, Any] = {"people": at.people, "images": at.images, "listed": at.share, "s": at.s, "fmr": at.fmr}
    out["fpir"] = [round(x, 5) for x in runs[0]["truth"]]
    for g in range(2):
        mean = np.mean([r["rate"][g] for r in runs]) / runs[0]["truth"][g]
        covered, of = _rate([r["covered"][g] for r in runs])
        naive, _ = _rate([r["naive"][g] for r in runs])
        out[f"group_{'ab'[g]}"] = {"mean": round(float(mean), 3), "covered": covered, "of": of, "naive_covered": naive}
    out["ratio_covered"], out["ratios"] = _rate([r["ratio"] for r in runs])
    out["share_covered"], out["shares"] = _rate([r["share"] for r in runs])
    out["called"] = round(float(np.mean([r["called"] for r in runs])), 4)
    return out


def main() -> None:
    """Prints a line for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        for k, row in enumerate(GRID):
            at = Setting(*row)
            tasks = [(at, given.seed + 1_000_000 * k + r) for r in range(given.repetitions)]
            print(json.dumps(summary(at, pool.map(one, tasks, chunksize=10))), flush=True)


if __name__ == "__main__":
    main()
