"""How often bounds on few errors miss and equal rates are called unequal, lower sides of 0 to 7 effective errors included.

`python -m tests.benchmarks.few_errors`. People and comparisons as in `coverage`, batched. Families of eight groups of one true rate,
seven against the first, and of two; their spreads s of subjects' effects are equal or unlike. The design effects, the bound and the
test are the product's own (`uncertainty.design_effects`, `uncertainty.few_errors`), and so are the numbers of the gates.

Groups are drawn once for each number of people, images, rate and spread, and families made of them; a group is in as many families
as a family has places. One JSON line per family and setting, then the worst of each family. `--repetitions N`, `--seed N`,
`--kind within|fnmr`; about eight minutes on one core at 10,000.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from faceparity.harness.uncertainty.design_effects import Dependence, carried, dependence, design_effects
from faceparity.harness.uncertainty.few_errors import few_error_test, upper_bound
from faceparity.harness.verification.rates.verdict_rules import (
    ALPHA,
    BOUND_BELOW,
    EFFECTIVE_IN_HIGHER,
    EFFECTIVE_IN_LOWER,
    FEW_ERRORS_FACTOR,
    OWN_VARIANCE_FROM,
)

F64 = NDArray[np.float64]

REPETITIONS = 10_000
SEED = 20261130
BATCH = 2_000_000
"""Pairs of people drawn at a time."""
WITHIN = tuple(product((30, 50, 100, 200, 300), (1, 4), (1e-2, 1e-3, 1e-4)))
FNMR = tuple(product((30, 50, 100, 200, 300), (4, 2), (1e-1, 1e-2, 1e-3)))
FAMILIES: dict[str, tuple[float | None, ...]] = {
    "equal 0": (0.0,) * 8,
    "equal .3": (0.3,) * 8,
    "equal .6": (0.6,) * 8,
    "drawn": (None,) * 8,
    "half 0, half .6": (0.0, 0.6) * 4,
    "one .6 among seven 0": (0.0,) * 7 + (0.6,),
    "seven 0 against .6": (0.6,) + (0.0,) * 7,
    "seven .6 against 0": (0.0,) + (0.6,) * 7,
    "two, 0 and .6": (0.0, 0.6),
    "two, equal .3": (0.3, 0.3),
}
"""Spreads by place, the reference's first; None: drawn from `SPREADS` for each."""
SPREADS = (0.0, 0.3, 0.6)


class Groups(NamedTuple):
    """Simulated groups, float64[repetitions] or [repetitions, places] each; variance: of the rate, as the product has it."""

    errors: F64
    comparisons: F64
    same_pair: F64
    shared_subject: F64
    pair_comparisons: F64
    shared_comparisons: F64
    variance: F64
    correction: float
    df: float

    @property
    def rate(self) -> F64:
        """Errors over comparisons."""
        return self.errors / self.comparisons

    @property
    def dependence(self) -> Dependence:
        """As the product takes it."""
        return dependence(*self[:6], correction=self.correction)


def draw_within(rng: np.random.Generator, people: int, images: int, p: float, s: float, n: int) -> Groups:
    """Within-group FMR of n groups, every pair of images of different people compared once."""
    i, j = np.triu_indices(people, 1)
    each, cut = images**2, np.float32(-special.ndtri(p) * np.sqrt(1 + 2 * s**2))
    errors, pair_squares, row_squares = (np.zeros(n) for _ in range(3))
    size = max(1, BATCH // i.size)
    for start in range(0, n, size):
        count = min(size, n - start)
        hit, q, u = _hits(rng, people, count, i, j, each, s, cut)
        y, more = np.ones(hit.size), np.arange(hit.size)
        for k in range(2, each + 1):  # at least k errors of a pair, if u is below their probability
            more = more[u[more] < special.betainc(k, each - k + 1, q[more])]
            y[more] += 1
        group, pair = np.divmod(hit, i.size)
        rows = sum(np.bincount(group * people + side[pair], y, count * people) for side in (i, j))
        place = slice(start, start + count)
        errors[place], pair_squares[place] = np.bincount(group, y, count), np.bincount(group, y * y, count)
        row_squares[place] = (rows.reshape(count, people) ** 2).sum(1)
    return _within(people, i.size, each, errors, pair_squares, row_squares)


def _hits(
    rng: np.random.Generator,
    people: int,
    count: int,
    i: NDArray[np.intp],
    j: NDArray[np.intp],
    each: int,
    s: float,
    cut: np.float32,
) -> tuple[NDArray[np.intp], F64, F64]:
    """Pairs with an error (flat over groups), the probability of one in each of their comparisons, and what was drawn for them."""
    u = rng.random((count, i.size), dtype=np.float32)
    if s:
        a = np.float32(s) * rng.standard_normal((count, people), dtype=np.float32)
        q = special.ndtr(a[:, i] + a[:, j] - cut)
    else:
        q = np.full((count, i.size), special.ndtr(-cut), np.float32)
    maybe = np.flatnonzero(u < each * q)
    some, drawn = q.ravel()[maybe].astype(float), u.ravel()[maybe].astype(float)
    hit = drawn < -np.expm1(each * np.log1p(-some))
    return maybe[hit], some[hit], drawn[hit]


def _within(people: int, pairs: int, each: int, errors: F64, pair_squares: F64, row_squares: F64) -> Groups:
    made = np.full(errors.size, float(pairs * each))
    rate = errors / made
    same = pair_squares - errors**2 / pairs
    residuals = row_squares - 4 * errors**2 / people
    shared = residuals - 2 * same
    of_subject = (people - 1) * each
    jackknife = (people - 1) / people * residuals / (made * (1 - 2 / people)) ** 2
    variance = np.maximum.reduce([rate * (1 - rate) / made, (same + np.maximum(shared, 0)) / made**2, jackknife])
    pair_comparisons = np.full(errors.size, float(pairs * each**2))
    return Groups(
        errors, made, same, shared, pair_comparisons, people * float(of_subject) ** 2 - 2 * pair_comparisons,
        variance, people * (people - 1) / (people - 2) ** 2, people - 1,
    )  # fmt: skip


def draw_fnmr(rng: np.random.Generator, people: int, images: int, p: float, s: float, n: int) -> Groups:
    """FNMR of n groups, every two images of a person compared once."""
    trials, cut = images * (images - 1) // 2, -special.ndtri(p) * np.sqrt(1 + 2 * s**2)
    wrong = rng.binomial(trials, special.ndtr(s * np.sqrt(2) * rng.normal(size=(n, people)) - cut)).astype(float)
    errors, made = wrong.sum(1), np.full(n, float(people * trials))
    rate = errors / made
    same = people / (people - 1) * ((wrong - trials * rate[:, None]) ** 2).sum(1)
    variance = np.maximum(rate * (1 - rate) / made, same / made**2)
    zero = np.zeros(n)
    return Groups(errors, made, same, zero, np.full(n, float(people * trials**2)), zero, variance, 1.0, people - 1)


DRAW = {"within": draw_within, "fnmr": draw_fnmr}


class Drawer:
    """The groups of a setting, drawn once for each spread."""

    def __init__(self, kind: str, people: int, images: int, n: int, seed: int) -> None:
        self._setting, self._n, self._seed, self._kind = (people, images), n, seed, kind
        self.of = cache(self._of)

    def _of(self, p: float, s: float) -> Groups:
        rng = np.random.default_rng([self._seed, *self._setting, round(1 / p), round(10 * s), len(self._kind)])
        return DRAW[self._kind](rng, *self._setting, p, s, self._n)

    def family(self, rates: tuple[float, ...], spreads: tuple[float | None, ...]) -> Groups:
        """Families, float64[repetitions, places]: at each place other draws."""
        rng = np.random.default_rng([self._seed, len(spreads)])
        places = []
        for place, (p, s) in enumerate(zip(rates, spreads, strict=True)):
            shift = np.roll(np.arange(self._n), place * (self._n // len(spreads)))
            if s is not None:
                places.append([column[shift] for column in self.of(p, s)[:7]])
                continue
            chosen = rng.integers(len(SPREADS), size=self._n)
            pools = [self.of(p, spread)[:7] for spread in SPREADS]
            places.append([np.choose(chosen, [pool[at][shift] for pool in pools]) for at in range(7)])
        columns = [np.stack([place[at] for place in places], axis=1) for at in range(7)]
        return Groups(*columns, *self.of(rates[0], SPREADS[0])[7:])


def bounds(groups: Groups, effect: F64) -> F64:
    """The upper bounds of under 10 errors, with the running maximum over groups of equal comparisons with no more errors; else 1."""
    few = groups.errors < BOUND_BELOW
    bound = _bound_where(few, groups.errors, groups, effect)
    order = np.argsort(groups.errors, axis=1, kind="stable")
    running = np.maximum.accumulate(np.take_along_axis(np.where(few, bound, 0.0), order, 1), axis=1)
    rising, out = np.take_along_axis(groups.errors, order, 1), np.empty_like(bound)
    for place in range(rising.shape[1] - 2, -1, -1):  # of equal errors the largest
        running[:, place] = np.where(rising[:, place] == rising[:, place + 1], running[:, place + 1], running[:, place])
    np.put_along_axis(out, order, running, 1)
    return np.where(few, out, 1.0)


def _bound_where(chosen: NDArray[np.bool_], errors: F64, groups: Groups, effect: F64) -> F64:
    """The bound where chosen, else 1."""
    out = np.ones_like(errors)
    out[chosen] = upper_bound(errors[chosen][:, None], groups.comparisons[chosen][:, None], effect[chosen][:, None])
    return out


def ends(groups: Groups, effect: F64) -> tuple[F64, F64]:
    """Both ends as published: [0, bound] under 10 errors, Wilson-t from there, at least the bound of nine."""
    z, p = special.stdtrit(groups.df, 0.975), groups.rate
    n = np.divide(p * (1 - p), groups.variance, out=np.full_like(p, 1.0), where=groups.variance > 0)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((p + z * z / (2 * n) + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    few, nine = groups.errors < BOUND_BELOW, np.full_like(p, BOUND_BELOW - 1.0)
    at_nine = _bound_where(~few, nine, groups, effect)
    return np.where(few, 0.0, np.maximum(low, 0)), np.where(few, bounds(groups, effect), np.minimum(1, np.maximum(high, at_nine)))


class Tests(NamedTuple):
    """p of each group against the reference, float64[repetitions, places - 1]; NaN where the gates are not met. few: by which test."""

    p: F64
    few: NDArray[np.bool_]


def tests(groups: Groups, effect: F64 | None, factor: float) -> Tests:
    """Against the first place; effect None: today's rule, by log-t alone, from 8 effective errors on the lower side."""
    own = groups.dependence.own
    effective = groups.errors / own
    others, first = np.s_[:, 1:], np.s_[:, :1]
    above = groups.rate[others] > groups.rate[first]
    side = lambda x: (np.where(above, x[others], x[first]), np.where(above, x[first], x[others]))  # noqa: E731
    high, low = side(effective)
    if effect is None:
        log = _log_t(groups, groups.variance, side)
        return Tests(
            np.where((high >= EFFECTIVE_IN_HIGHER) & (low >= EFFECTIVE_IN_LOWER), log, np.nan), np.zeros(log.shape, bool)
        )
    floor = np.where(effective < OWN_VARIANCE_FROM, effect * groups.rate * (1 - groups.rate) / groups.comparisons, 0.0)
    log = _log_t(groups, np.maximum(groups.variance, floor), side)
    in_higher = np.maximum(own, carried(groups.dependence, np.ones(own.shape, bool)))
    (y_a, y_b), (n_a, n_b) = side(groups.errors), side(groups.comparisons)
    few = low < EFFECTIVE_IN_LOWER
    arguments = (y_a, n_a, side(in_higher)[0], y_b, n_b, factor * side(effect)[1])
    tested = few & (high >= EFFECTIVE_IN_HIGHER)
    log[tested] = few_error_test(*(argument[tested] for argument in arguments)).p
    return Tests(np.where(high >= EFFECTIVE_IN_HIGHER, log, np.nan), few)


def _log_t(groups: Groups, variance: F64, side: Any) -> F64:
    relative = np.divide(variance, groups.rate**2, out=np.full_like(variance, np.inf), where=groups.rate > 0)
    a, b = side(relative)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.abs(np.log(np.divide(*side(groups.rate))))
        df = groups.df * (a + b) ** 2 / (a**2 + b**2)
        return np.asarray(2 * special.stdtr(df, -log / np.sqrt(a + b)))


def holm(p: F64) -> F64:
    """Holm's p over the last axis; NaN counts as 1."""
    filled = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(filled, axis=1)
    steps = np.maximum.accumulate(np.take_along_axis(filled, order, 1) * np.arange(filled.shape[1], 0, -1), axis=1)
    out = np.empty_like(filled)
    np.put_along_axis(out, order, np.minimum(steps, 1), 1)
    return out


def measure(kind: str, setting: tuple[int, int, float], name: str, drawer: Drawer, factor: float) -> dict[str, Any]:
    """Misses of bounds, coverage, and type-I and family-wise errors of one family in one setting."""
    people, images, p = setting
    spreads = FAMILIES[name]
    groups = drawer.family((p,) * len(spreads), spreads)
    effect = design_effects(groups.dependence)
    low, high = ends(groups, effect)
    few = groups.errors < BOUND_BELOW
    now, old = tests(groups, effect, factor), tests(groups, None, factor)
    called, before = (holm(found.p) < ALPHA for found in (now, old))
    kinds = {by: now.few == (by == "few") for by in ("few", "log")}
    return {
        "kind": kind, "people": people, "images": images, "p": p, "family": name, "mean_errors": round(float(groups.errors.mean()), 2),
        "few": _share(few), "bound_missed": _share((high < p) & few), "bound_missed_at_worst_place": max(_share((high < p) & few, 0)),
        "bound_missed_by_own": _share(_missed_by_own(groups, p)), "coverage": _share((low <= p) & (p <= high)),
        "coverage_at_worst_place": min(_share((low <= p) & (p <= high), 0)),
        "median_bound_over_p": {y: _median((high / p)[groups.errors == y]) for y in (0, 5)},
        "type_I": {by: max(_share((now.p < ALPHA) & of, 0)) for by, of in kinds.items()},
        "family_wise": {"any": _share(called.any(1)), **{by: _share((called & of).any(1)) for by, of in kinds.items()}},
        "family_wise_before": _share(before.any(1)),
    }  # fmt: skip


def _missed_by_own(groups: Groups, p: float) -> NDArray[np.bool_]:
    few = groups.errors < BOUND_BELOW
    return np.asarray(few & (_bound_where(few, groups.errors, groups, groups.dependence.own) < p))


def _share(held: NDArray[np.bool_], axis: int | None = None) -> Any:
    return held.mean(axis) if axis is not None else float(held.mean())


def _median(values: F64) -> float | None:
    return round(float(np.median(values)), 2) if values.size > 100 else None


def power(setting: tuple[int, int, float], drawer: Drawer, factor: float) -> Iterator[dict[str, Any]]:
    """How often a ratio of 10 and of 100 to the reference is called, as one of seven, and today."""
    people, images, p = setting
    for ratio, s in product((10, 100), SPREADS):
        if ratio * p > 0.02:
            continue
        groups = drawer.family((p, ratio * p, *(p,) * 6), (s,) * 8)
        effect = design_effects(groups.dependence)
        now, old = (holm(tests(groups, of, factor).p)[:, 0] < ALPHA for of in (effect, None))
        low = groups.errors[:, 0] / groups.dependence.own[:, 0] < EFFECTIVE_IN_LOWER
        yield {
            "kind": "power", "people": people, "images": images, "p": p, "s": s, "ratio": ratio, "called": _share(now),
            "before": _share(old), "few_in_lower": _share(low), "called_of_few": _share(now[low]) if low.any() else None,
        }  # fmt: skip


MISSES = ("bound_missed", "bound_missed_at_worst_place", "bound_missed_by_own")
"""Shares of all groups of a family, and of the groups at the place where it is largest."""


def worst(lines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The worst setting of each family and kind of rate."""
    for kind, family in dict.fromkeys((line["kind"], line["family"]) for line in lines):
        mine = [line for line in lines if (line["kind"], line["family"]) == (kind, family)]
        yield {
            "worst of": kind, "family": family, "settings": len(mine),
            **{key: max(line[key] for line in mine) for key in MISSES},
            **{key: min(line[key] for line in mine) for key in ("coverage", "coverage_at_worst_place")},
            "type_I": {by: max(line["type_I"][by] for line in mine) for by in ("few", "log")},
            "family_wise": {by: max(line["family_wise"][by] for line in mine) for by in ("any", "few", "log")},
            "family_wise_before": max(line["family_wise_before"] for line in mine),
        }  # fmt: skip


def main() -> None:
    """Every setting and family; a summary at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--kind", choices=tuple(DRAW), action="append", help="only these (both)")
    parser.add_argument("--people", type=int, action="append", help="only groups of so many people (all)")
    parser.add_argument("--images", type=int, action="append", help="only with so many images each (all)")
    parser.add_argument("--factor", type=float, default=FEW_ERRORS_FACTOR, help="on the lower side's design effect")
    options = parser.parse_args()
    lines = []
    for kind, settings in (("within", WITHIN), ("fnmr", FNMR)):
        for people, images in dict.fromkeys(setting[:2] for setting in settings):
            asked = ((options.kind, kind), (options.people, people), (options.images, images))
            if any(chosen and value not in chosen for chosen, value in asked):
                continue
            drawer = Drawer(kind, people, images, options.repetitions, options.seed)
            for setting in (setting for setting in settings if setting[:2] == (people, images)):
                for name in FAMILIES:
                    lines.append(measure(kind, setting, name, drawer, options.factor))
                    print(json.dumps(lines[-1], default=_plain), flush=True)
                if kind == "within":
                    for line in power(setting, drawer, options.factor):
                        print(json.dumps(line, default=_plain), flush=True)
    for line in worst(lines):
        print(json.dumps(line, default=_plain), flush=True)


def _plain(value: Any) -> float:
    """Round a NumPy number for a line."""
    return round(float(value), 4)


if __name__ == "__main__":
    main()
