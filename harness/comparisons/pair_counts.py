"""Comparisons per pair of subjects: what a variance by subjects needs beside the errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from faceparity.datasets.common.numba_cache import njit
from faceparity.harness.comparisons.subsampling import Deal

from .tally import I32, I64, Pairs

F64 = NDArray[np.float64]
COMPLETE_FROM = 0.9
"""Share of a group's pairs of subjects that must have been compared for a test that was checked on complete groups only."""
KEPT = 1024
"""Groups whose samples are kept sorted."""


class PairCounts(Protocol):
    """The non-mated comparisons of each pair of subjects (M_ij)."""

    def of_pairs(self, group_of_sample: I32, g: int, h: int, a: I32, b: I32) -> F64:
        """Return M_ij of subject pairs between two groups, float64[len(a)].

        Between group g (subjects a) and group h (subjects b).
        """
        ...

    def square_sum(self, group_of_sample: I32, g: int, h: int) -> float:
        """Return Σ M_ij² over the pairs of subjects.

        Between groups g and h; unordered within one group.
        """
        ...

    def complete(self, group_of_sample: I32, g: int) -> bool:
        """Return whether nearly all pairs of group g were compared.

        Of subjects: at least `COMPLETE_FROM` of them.
        """
        ...


@dataclass(frozen=True)
class AllPairs:
    """Every pair of samples compared once, except those left out: M_ij = n_i n_j - left out."""

    subjects: I32
    left_out: Pairs

    def _samples(self, group_of_sample: I32, g: int) -> I64:
        """Count n_i, the samples of each subject in group g."""
        return np.bincount(self.subjects[group_of_sample == g], minlength=self._n)

    @property
    def _n(self) -> int:
        return int(self.subjects.max()) + 1 if self.subjects.size else 0

    def missing(self, group_of_sample: I32, g: int, h: int) -> tuple[I64, I64]:
        """Return subject pairs with comparisons left out, and how many.

        Keys of the pairs between groups g and h.
        """
        first_sample, second_sample = self.left_out.a, self.left_out.b
        group_a, group_b = group_of_sample[first_sample], group_of_sample[second_sample]
        straight, crossed = (group_a == g) & (group_b == h), (group_a == h) & (group_b == g) & (g != h)
        first = np.concatenate([self.subjects[first_sample[straight]], self.subjects[second_sample[crossed]]])
        second = np.concatenate([self.subjects[second_sample[straight]], self.subjects[first_sample[crossed]]])
        keys, counts = np.unique(self._key(first, second, g == h), return_counts=True)
        return keys, counts

    def _key(self, first: I32, second: I32, unordered: bool) -> I64:
        """Return one number for each pair of subjects."""
        if unordered:
            first, second = np.minimum(first, second), np.maximum(first, second)
        return first.astype(np.int64) * self._n + second

    def of_pairs(self, group_of_sample: I32, g: int, h: int, a: I32, b: I32) -> F64:
        """Return M_ij of subject pairs, as `PairCounts`."""
        count = (self._samples(group_of_sample, g)[a] * self._samples(group_of_sample, h)[b]).astype(np.float64)
        keys, missing = self.missing(group_of_sample, g, h)
        if keys.size:
            wanted = self._key(a, b, g == h)
            position = np.clip(np.searchsorted(keys, wanted), 0, keys.size - 1)
            count -= np.where(keys[position] == wanted, missing[position], 0)
        return count

    def square_sum(self, group_of_sample: I32, g: int, h: int) -> float:
        """Return Σ M_ij², as `PairCounts`.

        n, m: samples of each subject in g and in h. Within g: ((Σ n²)² - Σ n⁴) / 2; between: Σ n² Σ m² - Σ (n m)².
        """
        n, m = (self._samples(group_of_sample, group).astype(np.float64) for group in (g, h))
        within = ((n**2).sum() ** 2 - (n**4).sum()) / 2
        total = within if g == h else (n**2).sum() * (m**2).sum() - ((n * m) ** 2).sum()
        keys, missing = self.missing(group_of_sample, g, h)
        if keys.size:
            full = n[keys // self._n] * m[keys % self._n]
            total += float(((full - missing) ** 2 - full**2).sum())
        return float(total)

    def complete(self, group_of_sample: I32, g: int) -> bool:
        """Return True: only identical images and the like are left out."""
        return True


class _GroupSamples(NamedTuple):
    """The samples of one group by part of the deal.

    Parts of subject i, rising, are part[start[i] : start[i + 1]]. together: int64[parts, parts], of how many pairs of a person's
    samples, summed over people, the one is in part i; the other in a part that meets j.
    """

    start: I64
    part: I64
    together: sparse.csr_array


@dataclass(frozen=True)
class DealtPairs:
    """The pairs of samples that the deal takes, compared except for those left out (all of them pairs that it takes)."""

    subjects: I32
    left_out: Pairs
    dealt: Deal
    _known: dict[tuple[int, int], _GroupSamples] = field(default_factory=dict, repr=False, compare=False)

    @property
    def _n(self) -> int:
        return int(self.subjects.max(initial=-1)) + 1

    def _group(self, group_of_sample: I32, g: int) -> _GroupSamples:
        """Return group g's samples by part, kept for later calls.

        Each threshold asks for them again; a grouping is recognised by its content.
        """
        key = (hash(group_of_sample.tobytes()), g)
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            mine = np.flatnonzero(group_of_sample == g)
            order = mine[np.lexsort((self.dealt.of_sample[mine], self.subjects[mine]))]
            start = np.searchsorted(self.subjects[order], np.arange(self._n + 1))
            part = self.dealt.of_sample[order].astype(np.int64)
            shape = (self._n, self.dealt.parts)
            samples = sparse.csr_array((np.ones(part.size, np.int64), (self.subjects[order], part)), shape=shape)
            self._known[key] = _GroupSamples(start, part, sparse.csr_array(self.dealt.table() @ (samples.T @ samples)))
        return self._known[key]

    def complete(self, group_of_sample: I32, g: int) -> bool:
        """Return False: a sample of the comparisons was made."""
        return False

    def of_pairs(self, group_of_sample: I32, g: int, h: int, a: I32, b: I32) -> F64:
        """Return M_ij of subject pairs, as `PairCounts`."""
        one, two = self._group(group_of_sample, g), self._group(group_of_sample, h)
        count: F64 = _count_met(one.start, one.part, two.start, two.part, a, b, self.dealt.parts, self.dealt.rounds)
        keys, missing = AllPairs(self.subjects, self.left_out).missing(group_of_sample, g, h)
        if keys.size:
            low, high = (np.minimum(a, b), np.maximum(a, b)) if g == h else (a, b)
            wanted = low.astype(np.int64) * self._n + high
            position = np.clip(np.searchsorted(keys, wanted), 0, keys.size - 1)
            count -= np.where(keys[position] == wanted, missing[position], 0)
        return count

    def square_sum(self, group_of_sample: I32, g: int, h: int) -> float:
        """Return Σ M_ij², as `PairCounts`.

        M_ij is n_i · A n_j, of how many samples each has in each part and which parts meet; so Σ_ij M_ij² over ordered pairs is the
        trace of A Q_h A Q_g, where Q is the sum of n_i n_iᵀ; what subjects have with themselves is subtracted.
        """
        one, two = self._group(group_of_sample, g), self._group(group_of_sample, h)
        everybody = np.arange(self._n, dtype=np.int32)
        with_itself = _count_met(
            one.start, one.part, two.start, two.part, everybody, everybody, self.dealt.parts, self.dealt.rounds
        )
        total = float((two.together * one.together.T).sum()) - float((with_itself**2).sum())
        total /= 2 if g == h else 1
        keys, missing = AllPairs(self.subjects, self.left_out).missing(group_of_sample, g, h)
        if keys.size:
            first, second = (keys // self._n).astype(np.int32), (keys % self._n).astype(np.int32)
            made = self.of_pairs(group_of_sample, g, h, first, second)
            total += float((made**2 - (made + missing) ** 2).sum())
        return total


@njit(nogil=True)
def _count_met(
    start_a: I64, part_a: I64, start_b: I64, part_b: I64, a: I32, b: I32, parts: int, rounds: int
) -> F64:  # fmt: skip
    """Count the samples of subjects that meet, float64[len(a)].

    Of a[k] with those of b[k], pair by pair: part i meets parts -i … -i + rounds - 1, modulo `parts`.
    """
    out = np.zeros(a.size, np.float64)
    for pair in range(a.size):
        theirs = part_b[start_b[b[pair]] : start_b[b[pair] + 1]]
        if theirs.size == 0:
            continue
        for part in part_a[start_a[a[pair]] : start_a[a[pair] + 1]]:
            first = (parts - part) % parts
            last = first + rounds
            met = np.searchsorted(theirs, min(last, parts)) - np.searchsorted(theirs, first)
            if last > parts:
                met += np.searchsorted(theirs, last - parts)
            out[pair] += met
    return out
