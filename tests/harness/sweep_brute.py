"""Error rates and their uncertainty at one threshold by plain sums over every comparison: what a sweep must agree with.

Written from the formulas, with dense matrices over subjects, and sharing no code with the package.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import stats


@dataclass
class Scores:
    """One row per comparison. a, b: subjects; mated rows have a == b. score: similarity, float32. labels: attribute → value per subject."""

    a: np.ndarray
    b: np.ndarray
    score: np.ndarray
    labels: dict[str, list[str]]
    kept: dict = field(default_factory=dict)

    def of(self, attributes, subject):
        return " × ".join(self.labels[x][subject] for x in attributes)

    def rows(self, attributes, group, mated):
        key = (tuple(attributes), group, mated)
        if key not in self.kept:
            inside = np.array([self.of(attributes, s) == group for s in range(len(next(iter(self.labels.values()))))])
            chosen = inside[self.a] & inside[self.b] & ((self.a == self.b) == mated)
            self.kept[key] = self.a[chosen], self.b[chosen], self.score[chosen]
        return self.kept[key]


@dataclass
class Found:
    subjects: int
    comparisons: int
    errors: int
    rate: float
    variance: float
    plain: float
    df: float
    zero: tuple[float, float]
    sums: tuple[float, ...] = ()
    """S, C, Σ M_ij², Q, and G(G - 1)/(G - 2)²: what design effects are made of."""
    effect: float = 1.0
    cells: tuple = ()

    @property
    def own(self):
        return max(1.0, self.comparisons * self.plain / (self.rate * (1 - self.rate))) if 0 < self.rate < 1 else 1.0

    @property
    def tested(self):
        """The variance of tests: with under 30 effective errors at least that by the design effect of like groups."""
        if self.cells:
            return max(self.variance, sum(c.tested for c in self.cells) / len(self.cells) ** 2)
        if (self.effective_errors or 0) >= 30:
            return self.variance
        return max(self.variance, self.effect * self.rate * (1 - self.rate) / self.comparisons)

    @property
    def bound(self):
        """Of under 10 errors, before any running maximum: Fay and Feuer's gamma interval, with counts over design effects."""
        cells = self.cells or (self,)
        w = [c.effect / (len(cells) * c.comparisons) for c in cells]
        y = [c.errors / c.effect for c in cells]
        middle = sum(a * b for a, b in zip(w, y, strict=True)) + max(w)
        spread = sum(a * a * b for a, b in zip(w, y, strict=True)) + max(w) ** 2
        return min(1.0, float(stats.gamma.ppf(0.975, middle**2 / spread, scale=spread / middle)))

    @property
    def effective_errors(self):
        return self.rate**2 * (1 - self.rate) / self.plain if 0 < self.rate < 1 and self.plain > 0 else None

    @property
    def n(self):
        """What Wilson's interval takes."""
        if self.rate >= 1 or self.variance <= 0:
            return max(1, self.subjects // 2)
        return self.rate * (1 - self.rate) / self.variance

    @property
    def interval(self):
        z, n, p = stats.t.ppf(0.975, self.df), self.n, self.rate
        middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
        return (0.0 if self.errors < 10 else max(0.0, low)), min(1.0, high)


def fmr(scores: Scores, attributes, group, threshold) -> Found | None:
    a, b, s = scores.rows(attributes, group, False)
    if not s.size:
        return None
    ids = np.unique(np.concatenate([a, b]))
    g = ids.size
    y, m = np.zeros((g, g)), np.zeros((g, g))
    i, j = np.searchsorted(ids, a), np.searchsorted(ids, b)
    for first, second in ((i, j), (j, i)):
        np.add.at(m, (first, second), 1)
        np.add.at(y, (first, second), s >= threshold)
    n, errors = s.size, int((s >= threshold).sum())
    p = errors / n
    d = y - p * m
    s2 = (np.triu(d, 1) ** 2).sum()
    shared = (d.sum(axis=1) ** 2).sum() - 2 * s2
    dyadic = (s2 + max(shared, 0)) / n**2
    binomial = p * (1 - p) / n
    without = []
    for i in range(g):
        rest = n - m[i].sum()
        without.append((errors - y[i].sum()) / rest if rest else p)
    jackknife = (g - 1) / g * ((np.array(without) - np.mean(without)) ** 2).sum() if g > 1 else np.inf
    plain = max(binomial, dyadic)
    pairs = (np.triu(m, 1) ** 2).sum()
    sums = (s2, shared, pairs, (m.sum(axis=1) ** 2).sum() - 2 * pairs, g * (g - 1) / (g - 2) ** 2 if g > 2 else 1.0)
    return Found(g, n, errors, p, max(plain, jackknife), plain, max(1.0, g - 1), zero(n, g), sums)


def fnmr(scores: Scores, attributes, group, threshold) -> Found | None:
    a, _, s = scores.rows(attributes, group, True)
    if not s.size:
        return None
    ids, trials = np.unique(a, return_counts=True)
    wrong = np.array([(s[a == i] < threshold).sum() for i in ids])
    g, n, errors = ids.size, s.size, int(wrong.sum())
    p = errors / n
    robust = ((wrong - p * trials) ** 2).sum() / n**2 * (g / (g - 1) if g > 1 else 1)
    v = max(robust, p * (1 - p) / n)
    sums = (robust * n**2, 0.0, (trials.astype(float) ** 2).sum(), 0.0, 1.0)
    return Found(g, n, errors, p, v, v, max(1.0, g - 1), zero(n, g), sums)


def zero(n, g):
    """Bounds without errors: e^(-n p) = 0.025, and by disjoint pairs of people."""
    return min(1.0, -np.log(0.025) / n), min(1.0, 3 / max(1, g // 2))


def correlations(of: list[Found]) -> tuple[float, float]:
    """Of two comparisons of one pair of people, and of two that share one person, at least 0."""
    spread = [f.rate * (1 - f.rate) for f in of]
    excess = (
        sum(f.sums[0] - f.comparisons * v for f, v in zip(of, spread, strict=True)),
        sum(f.sums[1] * f.sums[4] for f in of),
    )
    scale = (
        sum(v * (f.sums[2] - f.comparisons) for f, v in zip(of, spread, strict=True)),
        sum(v * f.sums[3] for f, v in zip(of, spread, strict=True)),
    )
    pair, shared = (max(0.0, a / b) if b > 0 else 0.0 for a, b in zip(excess, scale, strict=True))
    return pair, shared


def like(found: dict[str, Found | None]) -> dict[str, Found | None]:
    """The groups with their design effects: the largest of those of any set that the recipe names."""
    all_of_them = [f for f in found.values() if f is not None]
    sources = [f for f in all_of_them if f.subjects >= 30]
    sets = [sources, [f for f in sources if f.errors / f.own < 10], *([f] for f in sources if f.errors / f.own >= 10)]
    for f in all_of_them:
        effects = [1.0, f.own]
        for chosen in sets:
            pair, shared = correlations(chosen)
            effects.append(1 + pair * (f.sums[2] / f.comparisons - 1) + shared * f.sums[3] / f.comparisons)
        f.effect = max(effects)
    return found


def groups_at(measure, scores: Scores, attributes, threshold) -> dict[str, Found | None]:
    """Every group of a grouping at a threshold."""
    key = ("at", measure, tuple(attributes), float(threshold))
    if key not in scores.kept:
        one = fmr if measure == "fmr" else fnmr
        names = sorted({scores.of(attributes, s) for s in range(len(next(iter(scores.labels.values()))))})
        scores.kept[key] = like({name: one(scores, attributes, name, threshold) for name in names})
    return scores.kept[key]


def mean(cells: list[Found]) -> Found:
    """The equally weighted mean over cells that share no subjects."""
    k = len(cells)
    full = [max(c.variance, 1 / c.comparisons**2) / k**2 for c in cells]
    plain = [max(c.plain, 1 / c.comparisons**2) / k**2 for c in cells]
    df = sum(full) ** 2 / sum(v * v / c.df for v, c in zip(full, cells, strict=True))
    none = (
        min(1.0, max(-np.log(0.025) / c.comparisons for c in cells) / k),
        min(1.0, max(3 / max(1, c.subjects // 2) for c in cells) / k),
    )
    return Found(
        sum(c.subjects for c in cells), sum(c.comparisons for c in cells), sum(c.errors for c in cells),
        float(np.mean([c.rate for c in cells])), sum(full), sum(plain), df, none, cells=tuple(cells),
    )  # fmt: skip


def group_at(measure, scores: Scores, attributes, group, finest, threshold):
    """(design, Found or None) as the tables have it: matched where every cell has 30 people, as sampled else."""
    if list(attributes) == list(finest):
        return "within", groups_at(measure, scores, attributes, threshold)[group]
    people = range(len(next(iter(scores.labels.values()))))
    cells = sorted({scores.of(finest, s) for s in people if scores.of(attributes, s) == group})
    found = [groups_at(measure, scores, finest, threshold)[c] for c in cells]
    if any(c is None or c.subjects < 30 for c in found):
        return "as_sampled", groups_at(measure, scores, attributes, threshold)[group]
    return "matched", mean(found)


def ratio(a: Found, b: Found):
    """Ratio and interval, or None where it may not be told."""
    if not a.errors or not b.errors or a.rate >= 1 or b.rate >= 1 or min(a.subjects, b.subjects) < 30:
        return None
    high, low = (a, b) if a.rate > b.rate else (b, a)
    if (high.effective_errors or 0) < 30 or (low.effective_errors or 0) < 8:
        return None
    va, vb = a.tested / a.rate**2, b.tested / b.rate**2
    df = (va + vb) ** 2 / (va**2 / a.df + vb**2 / b.df)
    width = np.exp(stats.t.ppf(0.975, df) * np.sqrt(va + vb))
    r = a.rate / b.rate
    return r, r / width, r * width
