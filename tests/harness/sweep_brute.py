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
    return Found(g, n, errors, p, max(plain, jackknife), plain, max(1.0, g - 1), (min(1.0, 3 / n), min(1.0, 3 / max(1, g // 2))))


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
    return Found(g, n, errors, p, v, v, max(1.0, g - 1), (min(1.0, 3 / n), min(1.0, 3 / max(1, g // 2))))


def mean(cells: list[Found]) -> Found:
    """The equally weighted mean over cells that share no subjects."""
    k = len(cells)
    full = [max(c.variance, 1 / c.comparisons**2) / k**2 for c in cells]
    plain = [max(c.plain, 1 / c.comparisons**2) / k**2 for c in cells]
    df = sum(full) ** 2 / sum(v * v / c.df for v, c in zip(full, cells, strict=True))
    zero = (min(1.0, max(3 / c.comparisons for c in cells) / k), min(1.0, max(3 / max(1, c.subjects // 2) for c in cells) / k))
    return Found(
        sum(c.subjects for c in cells), sum(c.comparisons for c in cells), sum(c.errors for c in cells),
        float(np.mean([c.rate for c in cells])), sum(full), sum(plain), df, zero,
    )  # fmt: skip


def group_at(measure, scores: Scores, attributes, group, finest, threshold):
    """(design, Found or None) as the tables have it: matched where every cell has 30 people, as sampled else."""
    one = fmr if measure == "fmr" else fnmr
    if list(attributes) == list(finest):
        return "within", one(scores, attributes, group, threshold)
    people = range(len(next(iter(scores.labels.values()))))
    cells = sorted({scores.of(finest, s) for s in people if scores.of(attributes, s) == group})
    found = [one(scores, finest, c, threshold) for c in cells]
    if any(c is None or c.subjects < 30 for c in found):
        return "as_sampled", one(scores, attributes, group, threshold)
    return "matched", mean(found)


def ratio(a: Found, b: Found):
    """Ratio and interval, or None where it may not be told."""
    if not a.errors or not b.errors or a.rate >= 1 or b.rate >= 1 or min(a.subjects, b.subjects) < 30:
        return None
    high, low = (a, b) if a.rate > b.rate else (b, a)
    if (high.effective_errors or 0) < 30 or (low.effective_errors or 0) < 8:
        return None
    va, vb = a.variance / a.rate**2, b.variance / b.rate**2
    df = (va + vb) ** 2 / (va**2 / a.df + vb**2 / b.df)
    width = np.exp(stats.t.ppf(0.975, df) * np.sqrt(va + vb))
    r = a.rate / b.rate
    return r, r / width, r * width
