"""Evidence: what the statistics need of the comparisons, whether they were made here or came in a score file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from faceparity.harness.comparisons.subsampling import Deal
from faceparity.harness.groups.groupings import Cells, shares_subjects

from .mated import mated_pairs
from .pair_counts import AllPairs, DealtPairs, PairCounts
from .tally import I32, I64, Tally


@dataclass(frozen=True)
class Evidence:
    """A tally with its samples' cells and subjects. Arrays are per sample of the tally.

    attempted_non_mated, attempted_mated: int64[K, K] at [lower cell, higher cell], comparisons that would have been made if no
    extraction had failed; None where failures were not supplied.
    """

    tally: Tally
    cells: Cells
    subjects: I32
    pairs: PairCounts
    attempted_non_mated: I64 | None
    attempted_mated: I64 | None
    shared_subjects: bool = False
    """Some subject has samples in more than one cell, so groups may share subjects."""


def count_comparisons(subjects: I32, cells: I32, n_cells: int) -> tuple[I64, I64]:
    """Count non-mated and mated comparisons among all samples.

    Over all unordered pairs: int64[K, K] each, at [lower cell, higher cell].
    """
    n_subjects = int(subjects.max()) + 1 if subjects.size else 0
    ones = np.ones(subjects.size, np.int64)
    counts = sparse.csr_matrix((ones, (subjects, cells)), shape=(n_subjects, n_cells))
    together = np.asarray((counts.T @ counts).todense(), np.int64)
    size = np.asarray(counts.sum(axis=0), np.int64).ravel()
    mated = np.triu(together, 1) + np.diag((np.diag(together) - size) // 2)
    every = np.triu(np.outer(size, size), 1) + np.diag(size * (size - 1) // 2)
    return every - mated, mated


def count_dealt(subjects: I32, cells: I32, n_cells: int, dealt: Deal) -> I64:
    """Count the non-mated comparisons of a deal, int64[K, K].

    At [lower cell, higher cell].
    """
    samples_by_part = np.zeros((n_cells, dealt.parts), np.int64)
    np.add.at(samples_by_part, (cells, dealt.of_sample), 1)
    ordered = samples_by_part @ (dealt.table() @ samples_by_part.T)
    parts = np.arange(dealt.parts)
    with_itself = samples_by_part[:, dealt.meets(parts, parts)].sum(axis=1)
    every = np.triu(ordered, 1) + np.diag((np.diag(ordered) - with_itself) // 2)
    first, second = mated_pairs(subjects)
    taken = dealt.takes(first, second)
    cell_a, cell_b = cells[first[taken]], cells[second[taken]]
    np.subtract.at(every, (np.minimum(cell_a, cell_b), np.maximum(cell_a, cell_b)), 1)
    return np.asarray(every, np.int64)


def evidence_of_all_pairs(
    tally: Tally, cells: Cells, subjects: I32, has_template: NDArray[np.bool_], dealt: Deal | None = None
) -> Evidence:
    """Return the evidence of a tally of all pairs.

    cells, subjects: of all samples, failed ones too. has_template: bool[n_samples]. The tally numbers the samples with a
    template only, in their order. dealt: of all samples, where only a sample of the non-mated comparisons was made.
    """
    non_mated, mated = count_comparisons(subjects, cells.of_sample, cells.n)
    made_cells = replace(cells, of_sample=cells.of_sample[has_template])
    made_subjects = subjects[has_template]
    pairs: AllPairs | DealtPairs = AllPairs(made_subjects, tally.left_out_non_mated)
    if dealt is not None:
        non_mated, of_templates = count_dealt(subjects, cells.of_sample, cells.n, dealt), dealt.only(has_template)
        left_out = tally.left_out_non_mated.where(of_templates.takes(tally.left_out_non_mated.a, tally.left_out_non_mated.b))
        pairs = DealtPairs(made_subjects, left_out, of_templates)
    for out, attempted in ((pairs.left_out, non_mated), (tally.left_out_mated, mated)):
        cell_a, cell_b = made_cells.of_sample[out.a], made_cells.of_sample[out.b]
        np.subtract.at(attempted, (np.minimum(cell_a, cell_b), np.maximum(cell_a, cell_b)), 1)
    return Evidence(
        tally,
        made_cells,
        made_subjects,
        pairs,
        non_mated,
        mated,
        shared_subjects=shares_subjects(made_subjects, made_cells.of_sample),
    )


def without_comparisons(evidence: Evidence, gone: NDArray[np.bool_]) -> Evidence:
    """Remove the ledger's comparisons marked in `gone`.

    Only for all-pairs evidence. The result is as if they had not been made.
    """
    tally = evidence.tally
    out = tally.ledger.where(gone)
    cell_a, cell_b = evidence.cells.of_sample[out.a], evidence.cells.of_sample[out.b]
    non_mated, comparisons, errors = tally.non_mated.copy(), tally.comparisons.copy(), tally.dense_errors.copy()
    np.subtract.at(non_mated, (np.minimum(cell_a, cell_b), np.maximum(cell_a, cell_b), tally.grid.bin(out.score)), 1)
    for sample, other in ((out.a, cell_b), (out.b, cell_a)):
        np.subtract.at(comparisons, (sample, other), 1)
        np.subtract.at(errors, (slice(None), sample, other), 1)  # type: ignore[arg-type]
    smaller = replace(
        tally,
        non_mated=non_mated,
        comparisons=comparisons,
        dense_errors=errors,
        ledger=tally.ledger.where(~gone),
        left_out_non_mated=tally.left_out_non_mated + out,
    )
    attempted = None
    if evidence.attempted_non_mated is not None:
        attempted = evidence.attempted_non_mated.copy()
        np.subtract.at(attempted, (np.minimum(cell_a, cell_b), np.maximum(cell_a, cell_b)), 1)
    pairs = evidence.pairs
    if isinstance(pairs, AllPairs | DealtPairs):
        pairs = replace(pairs, left_out=pairs.left_out + out)
    return replace(evidence, tally=smaller, pairs=pairs, attempted_non_mated=attempted)


def never_attempted(evidence: Evidence, cells: Cells, subjects: I32, pairs: I32) -> Evidence:
    """Remove failed comparisons from those that count as attempted.

    pairs: int32[m, 2], samples of the data set, each pair once: they failed for want of a template. cells, subjects: of all samples
    of the data set.
    """
    if evidence.attempted_non_mated is None or evidence.attempted_mated is None or not pairs.size:
        return evidence
    pair_cells = np.sort(cells.of_sample[pairs], axis=1)
    mated = subjects[pairs[:, 0]] == subjects[pairs[:, 1]]
    counts = evidence.attempted_non_mated.copy(), evidence.attempted_mated.copy()
    for table, chosen in zip(counts, (~mated, mated), strict=True):
        np.subtract.at(table, (pair_cells[chosen, 0], pair_cells[chosen, 1]), 1)
    return replace(evidence, attempted_non_mated=counts[0], attempted_mated=counts[1])


def sum_over_groups(by_cell: NDArray[np.int64], of_cell: Sequence[int] | I32, n_groups: int) -> I64:
    """Sum a table by cell over groups, int64[G, G].

    by_cell: [K, K], upper-triangular; the sums are at [g, h] for g ≤ h.
    """
    groups = np.asarray(of_cell)
    out = np.zeros((n_groups, n_groups), np.int64)
    row, column = np.nonzero(by_cell)
    group, other = groups[row], groups[column]
    known = (group >= 0) & (other >= 0)
    group, other = group[known], other[known]
    np.add.at(out, (np.minimum(group, other), np.maximum(group, other)), by_cell[row, column][known])
    return out
