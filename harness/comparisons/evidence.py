"""Everything the statistics need to know of the comparisons, whether they were made here or came in a score file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .cells import Cells, shares_subjects
from .tally import I32, I64, Pairs, Tally

F64 = NDArray[np.float64]


class PairCounts(Protocol):
    """How many non-mated comparisons each pair of subjects has (M_ij)."""

    def of_pairs(self, group_of_sample: I32, g: int, h: int, a: I32, b: I32) -> F64:
        """M_ij between group g (subjects a) and group h (subjects b), float64[len(a)]."""
        ...

    def square_sum(self, group_of_sample: I32, g: int, h: int) -> float:
        """Σ M_ij² over the pairs of subjects, unordered within one group."""
        ...


@dataclass(frozen=True)
class Evidence:
    """A tally and what it was made of. Arrays are per sample of the tally.

    attempted_non_mated, attempted_mated: int64[K, K] at [lower cell, higher cell], comparisons that would have been made had
    no extraction failed; None where failures were not supplied.
    """

    tally: Tally
    cells: Cells
    subjects: I32
    pairs: PairCounts
    attempted_non_mated: I64 | None
    attempted_mated: I64 | None
    shared_subjects: bool = False
    """Some subject has samples in more than one cell, so groups may share subjects."""


@dataclass(frozen=True)
class AllPairs:
    """Every pair of samples was compared once, but for those left out: M_ij = n_i n_j - left out."""

    subjects: I32
    left_out: Pairs

    def _samples(self, group_of_sample: I32, g: int) -> I64:
        """n_i: samples of each subject in group g."""
        return np.bincount(self.subjects[group_of_sample == g], minlength=self._n)

    @property
    def _n(self) -> int:
        return int(self.subjects.max()) + 1 if self.subjects.size else 0

    def _missing(self, group_of_sample: I32, g: int, h: int) -> tuple[I64, I64]:
        """Keys of the pairs of subjects with comparisons left out between g and h, and how many."""
        a, b = self.left_out.a, self.left_out.b
        ga, gb = group_of_sample[a], group_of_sample[b]
        straight, crossed = (ga == g) & (gb == h), (ga == h) & (gb == g) & (g != h)
        first = np.concatenate([self.subjects[a[straight]], self.subjects[b[crossed]]])
        second = np.concatenate([self.subjects[b[straight]], self.subjects[a[crossed]]])
        keys, counts = np.unique(self._key(first, second, g == h), return_counts=True)
        return keys, counts

    def _key(self, a: I32, b: I32, unordered: bool) -> I64:
        if unordered:
            a, b = np.minimum(a, b), np.maximum(a, b)
        return a.astype(np.int64) * self._n + b

    def of_pairs(self, group_of_sample: I32, g: int, h: int, a: I32, b: I32) -> F64:
        """See PairCounts."""
        count = (self._samples(group_of_sample, g)[a] * self._samples(group_of_sample, h)[b]).astype(np.float64)
        keys, missing = self._missing(group_of_sample, g, h)
        if keys.size:
            wanted = self._key(a, b, g == h)
            place = np.clip(np.searchsorted(keys, wanted), 0, keys.size - 1)
            count -= np.where(keys[place] == wanted, missing[place], 0)
        return count

    def square_sum(self, group_of_sample: I32, g: int, h: int) -> float:
        """See PairCounts."""
        n, m = (self._samples(group_of_sample, x).astype(np.float64) for x in (g, h))
        within = ((n**2).sum() ** 2 - (n**4).sum()) / 2
        total = within if g == h else (n**2).sum() * (m**2).sum() - ((n * m) ** 2).sum()
        keys, missing = self._missing(group_of_sample, g, h)
        if keys.size:
            full = n[keys // self._n] * m[keys % self._n]
            total += float(((full - missing) ** 2 - full**2).sum())
        return float(total)


def count_comparisons(subjects: I32, cells: I32, n_cells: int) -> tuple[I64, I64]:
    """Non-mated and mated comparisons among all unordered pairs of samples, int64[K, K] each, at [lower cell, higher cell]."""
    n_subjects = int(subjects.max()) + 1 if subjects.size else 0
    ones = np.ones(subjects.size, np.int64)
    counts = sparse.csr_matrix((ones, (subjects, cells)), shape=(n_subjects, n_cells))
    together = np.asarray((counts.T @ counts).todense(), np.int64)
    size = np.asarray(counts.sum(axis=0), np.int64).ravel()
    mated = np.triu(together, 1) + np.diag((np.diag(together) - size) // 2)
    every = np.triu(np.outer(size, size), 1) + np.diag(size * (size - 1) // 2)
    return every - mated, mated


def evidence_of_all_pairs(tally: Tally, cells: Cells, subjects: I32, has_template: NDArray[np.bool_]) -> Evidence:
    """The evidence of a tally over the samples with a template.

    cells, subjects: of all samples, failed ones too. has_template: bool[n_samples]. The tally numbers the samples with a
    template only, in their order.
    """
    non_mated, mated = count_comparisons(subjects, cells.of_sample, cells.n)
    made_cells = replace(cells, of_sample=cells.of_sample[has_template])
    for out, attempted in ((tally.left_out_non_mated, non_mated), (tally.left_out_mated, mated)):
        ca, cb = made_cells.of_sample[out.a], made_cells.of_sample[out.b]
        np.subtract.at(attempted, (np.minimum(ca, cb), np.maximum(ca, cb)), 1)
    made_subjects = subjects[has_template]
    return Evidence(
        tally,
        made_cells,
        made_subjects,
        AllPairs(made_subjects, tally.left_out_non_mated),
        non_mated,
        mated,
        shared_subjects=shares_subjects(made_subjects, made_cells.of_sample),
    )


def without_comparisons(evidence: Evidence, gone: NDArray[np.bool_]) -> Evidence:
    """The evidence as if the ledger's comparisons marked in `gone` had not been made. Only for all-pairs evidence."""
    tally = evidence.tally
    out = tally.ledger.where(gone)
    ca, cb = evidence.cells.of_sample[out.a], evidence.cells.of_sample[out.b]
    non_mated, comparisons, errors = tally.non_mated.copy(), tally.comparisons.copy(), tally.dense_errors.copy()
    np.subtract.at(non_mated, (np.minimum(ca, cb), np.maximum(ca, cb), tally.grid.bin(out.score)), 1)
    for a, other in ((out.a, cb), (out.b, ca)):
        np.subtract.at(comparisons, (a, other), 1)
        np.subtract.at(errors, (slice(None), a, other), 1)  # type: ignore[arg-type]
    left = tally.left_out_non_mated + out
    smaller = replace(
        tally,
        non_mated=non_mated,
        comparisons=comparisons,
        dense_errors=errors,
        ledger=tally.ledger.where(~gone),
        left_out_non_mated=left,
    )
    attempted = None
    if evidence.attempted_non_mated is not None:
        attempted = evidence.attempted_non_mated.copy()
        np.subtract.at(attempted, (np.minimum(ca, cb), np.maximum(ca, cb)), 1)
    pairs = replace(evidence.pairs, left_out=left) if isinstance(evidence.pairs, AllPairs) else evidence.pairs
    return replace(evidence, tally=smaller, pairs=pairs, attempted_non_mated=attempted)


def never_attempted(evidence: Evidence, cells: Cells, subjects: I32, pairs: I32) -> Evidence:
    """The evidence as if these comparisons, which failed for want of a template, had not been attempted.

    pairs: int32[m, 2], samples of the data set, each pair once. cells, subjects: of all samples of the data set.
    """
    if evidence.attempted_non_mated is None or evidence.attempted_mated is None or not pairs.size:
        return evidence
    c = np.sort(cells.of_sample[pairs], axis=1)
    mated = subjects[pairs[:, 0]] == subjects[pairs[:, 1]]
    counts = evidence.attempted_non_mated.copy(), evidence.attempted_mated.copy()
    for table, chosen in zip(counts, (~mated, mated), strict=True):
        np.subtract.at(table, (c[chosen, 0], c[chosen, 1]), 1)
    return replace(evidence, attempted_non_mated=counts[0], attempted_mated=counts[1])


def sum_over_groups(by_cell: NDArray[np.int64], of_cell: Sequence[int] | I32, n_groups: int) -> I64:
    """int64[G, G] at [g, h] for g ≤ h: sums of an upper-triangular [K, K] table over the cells of each group."""
    groups = np.asarray(of_cell)
    out = np.zeros((n_groups, n_groups), np.int64)
    row, col = np.nonzero(by_cell)
    g, h = groups[row], groups[col]
    known = (g >= 0) & (h >= 0)
    g, h = g[known], h[known]
    np.add.at(out, (np.minimum(g, h), np.maximum(g, h)), by_cell[row, col][known])
    return out
