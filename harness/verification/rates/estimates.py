"""From counts to a published rate: interval, bounds, gates (contracts: shown from 30 subjects, an interval from 50)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.uncertainty import intervals, variance
from faceparity.harness.uncertainty.contrasts import satterthwaite
from faceparity.harness.uncertainty.few_errors import upper_bound
from faceparity.harness.verification.rates.error_counts import CellErrors
from faceparity.harness.verification.rates.estimate import Estimate as Estimate
from faceparity.harness.verification.rates.estimate import Sums
from faceparity.harness.verification.rates.like_groups import bounds_of_mean, few_error_bound
from faceparity.harness.verification.rates.verdict_rules import BOUND_BELOW, INTERVAL_FROM, SHOWN_FROM


def _undefined(cell: CellErrors, reason: results.Reason) -> Estimate:
    return Estimate(
        cell.subjects, cell.subjects_b, cell.comparisons, cell.errors, None, attempted=cell.attempted, reason=reason, ids=cell.ids
    )


def non_mated(cell: CellErrors) -> Estimate:
    """Return a cell's FMR with its variance by subjects."""
    if not cell.comparisons:
        return _undefined(cell, "all_failed" if cell.attempted else "zero_comparisons")
    rate = cell.errors / cell.comparisons
    binomial = variance.binomial_variance(cell.errors, cell.comparisons)
    moments = (cell.pair_squares, cell.pair_products, cell.comparison_squares)
    without, shared = np.empty(0), 0.0
    if cell.columns is not None and cell.column_comparisons is not None:
        plain = variance.bipartite_variance(cell.rows, cell.row_comparisons, cell.columns, cell.column_comparisons, *moments)
        full, method = plain, "Wilson-t, two-way by subjects"
        df = min(cell.subjects, cell.subjects_b or 0) - 1
        if cell.ids_b is not None and np.intersect1d(cell.ids, cell.ids_b).size:
            plain, full = _of_shared_subjects(cell, cell.ids_b, plain)
            method = "Wilson-t, max(two-way, dyadic, jackknife)"
    else:
        parts = variance.dyadic_parts(cell.rows, cell.row_comparisons, *moments)
        plain, shared = max(binomial, sum(parts)), parts.shared
        without = variance.without_each_subject(cell.errors, cell.comparisons, cell.rows, cell.row_comparisons)
        full, method = max(plain, variance.jackknife_variance(without)), "Wilson-t, max(binomial, dyadic, jackknife)"
        df = cell.subjects - 1
    return Estimate(
        cell.subjects, cell.subjects_b, cell.comparisons, cell.errors, rate, full, plain, max(1.0, df), cell.attempted,
        cell.errors / cell.attempted if cell.attempted else None,
        _subject_weighted(cell), method, ids=cell.ids, without=without, shared_variance=shared,
        sums=_sums_of(cell), complete=cell.complete,
    )  # fmt: skip


def _sums_of(cell: CellErrors) -> Sums:
    """Return the sums of a cell's errors, within a group or between two."""
    rows, comparisons, correction = cell.rows, cell.row_comparisons, 1.0
    if cell.columns is not None and cell.column_comparisons is not None:
        rows, comparisons = np.concatenate([rows, cell.columns]), np.concatenate([comparisons, cell.column_comparisons])
    elif cell.subjects > 2:
        correction = cell.subjects * (cell.subjects - 1) / (cell.subjects - 2) ** 2
    sums = variance.dyadic_sums(rows, comparisons, cell.pair_squares, cell.pair_products, cell.comparison_squares)
    shared_comparisons = float(comparisons @ comparisons) - 2 * cell.comparison_squares
    return Sums(*sums, cell.comparison_squares, shared_comparisons, correction)


def _subject_weighted(cell: CellErrors) -> float:
    """Return the mean over subjects of each one's own rate.

    Between two groups the mean of the two groups' means, so that their order does not matter.
    """
    means = [(cell.rows / cell.row_comparisons).mean()]
    if cell.columns is not None and cell.column_comparisons is not None:
        means.append((cell.columns / cell.column_comparisons).mean())
    return float(np.mean(means))


def _of_shared_subjects(cell: CellErrors, ids_b: NDArray[np.int32], two_way: float) -> tuple[float, float]:
    """Return a cross-group rate's variance without and with the jackknife.

    Of a rate between groups that share subjects (as two ages of one person do). Such a subject's errors as one of the first group go
    with those as one of the second, which the two-way variance leaves out.
    """
    ids = np.union1d(cell.ids, ids_b)
    both = []
    assert cell.columns is not None
    assert cell.column_comparisons is not None
    for first, second in ((cell.rows, cell.columns), (cell.row_comparisons, cell.column_comparisons)):
        total = np.zeros(ids.size)
        total[np.searchsorted(ids, cell.ids)] += first
        total[np.searchsorted(ids, ids_b)] += second
        both.append(total)
    moments = (cell.pair_squares, cell.pair_products, cell.comparison_squares)
    plain = max(two_way, variance.dyadic_variance(both[0], both[1], *moments))
    without = variance.without_each_subject(cell.errors, cell.comparisons, *both)
    return plain, max(plain, variance.jackknife_variance(without))


def mated(
    ids: NDArray[np.int32], errors: NDArray[np.float64], trials: NDArray[np.float64], attempted: int | None, people: int = 0
) -> Estimate:
    """Estimate an FNMR (or FTX) from counts by subject.

    ids: int32[subjects]; errors, trials: float64[subjects], trials > 0. people: subjects of the group, behind a rate that includes
    failures where every comparison failed.
    """
    n_errors, total = int(errors.sum()), int(trials.sum())
    if not total and attempted:
        return Estimate(people, None, 0, 0, None, attempted=attempted, including_failures=1.0, reason="all_failed")
    if not total:
        return Estimate(0, None, 0, 0, None, attempted=attempted, reason="no_mated_pairs")
    clustered = variance.cluster_variance(errors, trials)
    rest = total - trials
    without = np.where(rest > 0, (n_errors - errors) / np.where(rest > 0, rest, 1), n_errors / total)
    return Estimate(
        ids.size, None, total, n_errors, n_errors / total, clustered, clustered, max(1.0, ids.size - 1), attempted,
        (n_errors + attempted - total) / attempted if attempted else None,
        float((errors / trials).mean()), "Wilson-t, clustered by subject", ids=ids, without=without, shared_variance=clustered,
        sums=_sums_of_clusters(errors, trials), complete=True,
    )  # fmt: skip


def _sums_of_clusters(errors: NDArray[np.float64], trials: NDArray[np.float64]) -> Sums:
    """Return the sums of trials that each belong to one subject.

    As of comparisons of one pair of subjects; no two pairs share a subject.
    """
    residuals = errors - errors.sum() / trials.sum() * trials
    correction = trials.size / (trials.size - 1) if trials.size > 1 else 1.0
    return Sums(correction * float(residuals @ residuals), 0.0, float(trials @ trials), 0.0, 1.0)


def mean_of(cells: Sequence[Estimate], shared_subjects: bool) -> Estimate:
    """Return the equally weighted mean over cells (design `matched`).

    Every cell must have a rate. A cell without errors still adds the variance that one error would bring. With subjects in several
    cells the joint delete-one-subject jackknife is compared with the sum, and the larger counts.
    """
    n_cells = len(cells)
    rates = np.asarray([cell.rate for cell in cells], float)
    floors = [1 / cell.comparisons**2 for cell in cells]
    full = [max(cell.variance, floor) / n_cells**2 for cell, floor in zip(cells, floors, strict=True)]
    plain = [max(cell.plain_variance, floor) / n_cells**2 for cell, floor in zip(cells, floors, strict=True)]
    total = sum(full)
    ids, without = _joint_without(cells)
    if shared_subjects:
        total = max(total, variance.jackknife_variance(without))
    including = [cell.including_failures for cell in cells]
    weighted = [cell.subject_weighted for cell in cells]
    return Estimate(
        int(ids.size),
        None,
        sum(cell.comparisons for cell in cells),
        sum(cell.errors for cell in cells),
        float(rates.mean()),
        total,
        sum(plain),
        satterthwaite([(part, cell.df) for part, cell in zip(full, cells, strict=True)]),
        None,
        None if None in including else float(np.mean(np.asarray(including, float))),
        None if None in weighted else float(np.mean(np.asarray(weighted, float))),
        f"Wilson-t, mean over {n_cells} cells",
        ids=ids,
        without=without,
        zero_bounds=_zero_bounds_of_mean(cells),
        shared_variance=sum(cell.shared_variance for cell in cells) / n_cells**2,
        **bounds_of_mean(cells),
        mean_over="cells",
        parts=n_cells,
    )


def _zero_bounds_of_mean(cells: Sequence[Estimate]) -> tuple[float, float]:
    """Return upper bounds of a mean over error-free cells.

    All errors that might have been may belong to the smallest cell, of weight 1/k.
    """
    independent = upper_bound([0] * len(cells), [cell.comparisons for cell in cells], 1)
    return float(independent), min(1.0, 3 * max(1 / max(1, cell.subjects // 2) for cell in cells) / len(cells))


def _joint_without(cells: Sequence[Estimate]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return subjects of all cells, and the mean without each.

    A subject is taken from every cell that has it.
    """
    ids = np.unique(np.concatenate([cell.ids for cell in cells])).astype(np.int32)
    without = np.zeros(ids.size)
    for cell in cells:
        rates = np.full(ids.size, cell.rate, float)
        rates[np.searchsorted(ids, cell.ids)] = cell.without
        without += rates / len(cells)
    return ids, without


def to_rate(
    estimate: Estimate, group: str, design: results.Design, *, group_b: str | None = None, conditional: bool = False
) -> results.Rate:
    """Return an estimate's published form, with gates applied."""
    smaller = min(estimate.subjects, estimate.subjects_b if estimate.subjects_b is not None else estimate.subjects)
    base = results.Rate(
        group=group, group_b=group_b, design=design, subjects=estimate.subjects, subjects_b=estimate.subjects_b,
        comparisons=estimate.comparisons, errors=None, rate=None, conditional_on_threshold=conditional, status="suppressed",
    )  # fmt: skip
    if estimate.rate is None:
        including = estimate.including_failures if smaller >= SHOWN_FROM else None
        return base.model_copy(update={"reason": estimate.reason, "rate_including_failures": including})
    if smaller < SHOWN_FROM:
        return base.model_copy(update={"reason": "too_few_subjects"})
    shown = base.model_copy(
        update={
            "errors": estimate.errors,
            "rate": estimate.rate,
            "rate_including_failures": estimate.including_failures,
            "mean_over": estimate.mean_over,
            "parts": estimate.parts,
            "subject_weighted_rate": estimate.subject_weighted,
            "effective_errors": estimate.effective_errors,
            "design_effect": estimate.design_effect,
            "method": estimate.method,
            "status": "ok",
        }
    )
    return shown.model_copy(update=_uncertainty(estimate, smaller))


Status = Literal["ok", "bound", "suppressed"]


def _uncertainty(estimate: Estimate, subjects: int) -> dict[str, object]:
    """Return interval, bounds, status and reason of a shown rate."""
    if estimate.errors >= BOUND_BELOW:
        if subjects < INTERVAL_FROM:
            return {"reason": "too_few_subjects_for_interval"}
        return {"interval": interval_of(estimate), "df": estimate.df}
    bound = {"interval": interval_of(estimate), "status": "bound", "method": BY_LIKE_GROUPS}
    if estimate.errors:
        return {**bound, "reason": "too_few_errors"}
    independent, worst = estimate.zero_bounds or zero_bounds(estimate.comparisons, subjects)
    # With failures a rate that includes them (FRR) is known though no comparison was in error.
    undefined = {"rate": None, "rate_including_failures": estimate.including_failures or None, "subject_weighted_rate": None}
    method = BY_LIKE_GROUPS if estimate.design_effect is not None else IF_INDEPENDENT
    bounds = results.Bounds(independent=independent, worst_case=worst)
    return {**bound, **undefined, "bounds": bounds, "reason": "zero_errors", "method": method}


BY_LIKE_GROUPS = "exact Poisson upper end, design effect of like groups"
IF_INDEPENDENT = "exact Poisson upper end, as if comparisons were independent"


def zero_bounds(comparisons: int, subjects: int) -> tuple[float, float]:
    """Return two upper bounds of a rate without errors.

    If comparisons were independent, and by disjoint pairs of subjects.

    Examples:
        >>> [round(bound, 4) for bound in zero_bounds(1000, 20)]
        [0.0037, 0.3]
    """
    return float(upper_bound([0], [comparisons], [1])), intervals.zero_error_bounds(comparisons, subjects)[1]


def interval_of(estimate: Estimate) -> tuple[float, float]:
    """Return the 95 % interval as published.

    Before the gates on subjects. From 10 errors Wilson's with the effective sample size and Student's t, its upper end not below the
    bound of nine errors; with fewer [0, bound]. Where all comparisons were errors ⌊subjects / 2⌋ trials are assumed. Raises
    ValueError without a rate.
    """
    if estimate.rate is None:
        raise ValueError("no interval without a rate")
    if estimate.errors < BOUND_BELOW:
        return 0.0, few_error_bound(estimate)
    if estimate.rate >= 1 or estimate.variance <= 0:
        smaller = min(estimate.subjects, estimate.subjects_b if estimate.subjects_b is not None else estimate.subjects)
        low, high = intervals.wilson(estimate.rate, max(1, smaller // 2), intervals.quantile_t(estimate.df))
    else:
        low, high = intervals.wilson_from_variance(estimate.rate, estimate.variance, estimate.df)
    return low, max(high, estimate.least_upper)
