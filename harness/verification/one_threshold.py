"""All results of one grouping at one threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence, sum_over_groups
from faceparity.harness.groups.groupings import SampleGrouping, cells_of, is_withheld_within, one_group, subjects_per_group
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.disparity_indices import make_differential
from faceparity.harness.verification.rates.error_counts import ErrorsByGroup
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.group_contrasts import Measured, make_contrasts, settle
from faceparity.harness.verification.rates.like_groups import never_below, with_design_effects
from faceparity.harness.verification.rates.score_order import ScoreOrder, apply_to_point
from faceparity.harness.verification.rates.true_reasons import why_no_mean
from faceparity.harness.verification.rates.unadjusted import unadjusted_contrasts
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM
from faceparity.harness.verification.threshold.threshold_bootstrap import Reestimated
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool

Origin = Literal["target", "published", "fixed"]


@dataclass(frozen=True)
class Point:
    """One threshold: where it comes from and, at a target, its bootstrap."""

    origin: Origin
    target: float | None
    threshold: float
    achieved: float | None
    reestimated: Reestimated | None


@dataclass(frozen=True)
class PointContext:
    """What does not change from threshold to threshold."""

    evidence: Evidence
    finest: SampleGrouping
    pool: ThresholdPool
    references: tuple[str, ...]
    sign: int
    seed: int

    @cached_property
    def order(self) -> ScoreOrder:
        """Return whether scores are in the order that verdicts need."""
        return ScoreOrder(self.evidence)


def non_mated_by_group(evidence: Evidence, grouping: SampleGrouping, threshold: float) -> list[Estimate]:
    """Return the FMR of each group, both samples in it.

    Errors are at or above the threshold. Raises KeyError below the ledger at a threshold that the tally was not asked for.
    """
    cells = ErrorsByGroup(evidence, grouping, threshold)
    return with_design_effects([estimates.non_mated(cells.within(index)) for index in range(grouping.n)])


def mated_by_group(evidence: Evidence, grouping: SampleGrouping, threshold: float) -> list[Estimate]:
    """Return the FNMR of each group, both samples in it.

    Errors are below the threshold.
    """
    pairs = evidence.tally.mated_pairs
    group = grouping.of(evidence.cells.of_sample)
    ga, gb = group[pairs.a], group[pairs.b]
    all_attempted = (
        None if evidence.attempted_mated is None else sum_over_groups(evidence.attempted_mated, grouping.of_cell, grouping.n)
    )
    out = []
    for index in range(grouping.n):
        mine = (ga == index) & (gb == index)
        subject = evidence.subjects[pairs.a[mine]]
        ids, trials = np.unique(subject, return_counts=True)
        rejected = pairs.score[mine] < evidence.tally.grid.exact(threshold)
        wrong = np.bincount(subject, weights=rejected, minlength=int(ids.max(initial=-1)) + 1)
        attempted = None if all_attempted is None else int(all_attempted[index, index])
        people = 0 if ids.size else int(np.unique(evidence.subjects[group == index]).size)
        counts = wrong[ids].astype(np.float64), trials.astype(np.float64)
        out.append(estimates.mated(ids.astype(np.int32), *counts, attempted, people))
    return with_design_effects(out)


def has_mated(evidence: Evidence) -> bool:
    """Return whether any mated comparison was made, or at least attempted."""
    attempted = evidence.attempted_mated
    return evidence.tally.n_mated > 0 or (attempted is not None and bool(attempted.any()))


def can_be_matched(grouping: SampleGrouping, finest: SampleGrouping, g: int, cells: Sequence[Estimate]) -> bool:
    """Return whether a mean over the finest cells of group g may be given.

    cells: of the finest grouping: each of the group's needs a rate and 30 subjects, and none may be withheld.
    """
    own = cells_of(grouping, finest, g)
    return (
        bool(own)
        and not is_withheld_within(grouping, finest, g)
        and all(cells[index].rate is not None and cells[index].subjects >= SHOWN_FROM for index in own)
    )


def _matched(grouping: SampleGrouping, setting: PointContext, cells: list[Estimate], mated: bool) -> list[Estimate]:
    """Return each group's mean over its finest cells.

    Undefined if one of them is under 30 subjects. mated: whether the cells are of mated comparisons.
    """
    finest, evidence = setting.finest, setting.evidence
    people = subjects_per_group(finest, evidence.cells, evidence.subjects)
    out = []
    for group in range(grouping.n):
        own = cells_of(grouping, finest, group)
        if not can_be_matched(grouping, finest, group, cells):
            subjects = sum(cells[index].subjects for index in own)
            comparisons = [cells[index].comparisons for index in own]
            reason = why_no_mean(comparisons, [int(people[index]) for index in own], mated)
            out.append(Estimate(subjects, None, sum(comparisons), 0, None, reason=reason))
        else:
            out.append(estimates.mean_of([cells[index] for index in own], evidence.shared_subjects))
    return never_below(out)


def _measure(
    measure: Literal["fmr", "fnmr"],
    grouping: SampleGrouping,
    setting: PointContext,
    own: list[Estimate],
    finest: list[Estimate],
) -> Measured:
    """Return the estimates by which groups are compared.

    Matched where the run has further attributes, else within.
    """
    if grouping.attributes == setting.finest.attributes:
        return Measured(measure, "within", own)
    return Measured(measure, "matched", _matched(grouping, setting, finest, measure == "fnmr"))


def compared_estimates(
    measure: Literal["fmr", "fnmr"], grouping: SampleGrouping, setting: PointContext, threshold: float
) -> Measured:
    """Return the estimates by which groups are compared.

    At a threshold, as `evaluate_point` computes them.
    """
    found = non_mated_by_group if measure == "fmr" else mated_by_group
    own = found(setting.evidence, grouping, threshold)
    finest = own if grouping.attributes == setting.finest.attributes else found(setting.evidence, setting.finest, threshold)
    return _measure(measure, grouping, setting, own, finest)


def _listed(grouping: SampleGrouping, measured: Measured, own: list[Estimate], conditional: bool) -> list[results.Rate]:
    """Return the rates as published.

    Matched first, then as sampled; or within alone.
    """
    listed = [
        estimates.to_rate(estimate, name, measured.design, conditional=conditional)
        for name, estimate in zip(grouping.names, measured.estimates, strict=True)
    ]
    if measured.design == "matched":
        listed += [
            estimates.to_rate(estimate, name, "as_sampled", conditional=conditional)
            for name, estimate in zip(grouping.names, own, strict=True)
        ]
    return listed


def evaluate_point(point: Point, grouping: SampleGrouping, setting: PointContext) -> results.OperatingPoint:
    """Return rates, matrix, contrasts and indices at one threshold."""
    evidence, threshold = setting.evidence, point.threshold
    conditional = point.origin == "target"
    finest_fmr = non_mated_by_group(evidence, setting.finest, threshold)
    finest_fnmr = mated_by_group(evidence, setting.finest, threshold)
    cells = ErrorsByGroup(evidence, grouping, threshold)
    fmr_own = with_design_effects([estimates.non_mated(cells.within(index)) for index in range(grouping.n)])
    fnmr_own = mated_by_group(evidence, grouping, threshold)
    fmr = _measure("fmr", grouping, setting, fmr_own, finest_fmr)
    fnmr = _measure("fnmr", grouping, setting, fnmr_own, finest_fnmr)
    reference = reference_group(grouping, evidence, setting.references)
    compared = [fmr, fnmr] if evidence.tally.n_mated else [fmr]
    settled = settle(
        results.OperatingPoint(
            origin=point.origin,
            target_fmr=point.target,
            threshold=threshold,
            native_threshold=threshold * setting.sign,
            achieved_fmr=point.achieved,
            status="ok",
            pool=setting.pool.to_record(evidence),
            overall=_overall(point, setting, finest_fmr, finest_fnmr),
            fmr=_listed(grouping, fmr, fmr_own, conditional),
            fnmr=_listed(grouping, fnmr, fnmr_own, False) if has_mated(evidence) else [],
            fmr_matrix=_matrix(cells, grouping, fmr_own, fmr.design, conditional),
            differential=make_differential(
                grouping, fmr, fnmr, setting.seed, point.achieved if point.target is None else point.target
            ),
            contrasts=[
                contrast
                for measured in compared
                for contrast in make_contrasts(measured, grouping, setting.finest, reference, point.reestimated, len(compared))
            ],
            unadjusted=[
                contrast
                for measured, own in zip(compared, (fmr_own, fnmr_own), strict=False)
                for contrast in unadjusted_contrasts(measured, own, grouping, reference)
            ],
        )
    )
    return apply_to_point(settled, grouping, setting.order)


def _matrix(
    cells: ErrorsByGroup, grouping: SampleGrouping, own: list[Estimate], design: results.Design, conditional: bool
) -> list[results.Rate]:
    """Return the rates of group × group.

    The diagonal is the within-group rate as sampled.
    """
    diagonal: results.Design = "within" if design == "within" else "as_sampled"
    out = []
    pairs = [(g, h) for g in range(grouping.n) for h in range(g + 1, grouping.n)]
    cross = dict(zip(pairs, with_design_effects([estimates.non_mated(cells.cross(g, h)) for g, h in pairs]), strict=True))
    for g, name in enumerate(grouping.names):
        out.append(estimates.to_rate(own[g], name, diagonal, group_b=name, conditional=conditional))
        for h in range(g + 1, grouping.n):
            between = cross[g, h]
            out.append(estimates.to_rate(between, name, "cross", group_b=grouping.names[h], conditional=conditional))
    return out


def _overall(point: Point, setting: PointContext, fmr: list[Estimate], fnmr: list[Estimate]) -> results.Overall:
    """Return the rates on the pool, and on all pairs."""
    evidence, pool = setting.evidence, setting.pool
    conditional = point.origin == "target"
    everyone = one_group(evidence.cells, "all pairs")
    all_fmr = non_mated_by_group(evidence, everyone, point.threshold)[0]
    all_fnmr = mated_by_group(evidence, everyone, point.threshold)[0]
    if pool.name == "balanced":
        members = [setting.finest.names.index(group) for group in pool.groups]
        shared = evidence.shared_subjects
        empty = next((fmr[group] for group in members if fmr[group].rate is None), None)  # nothing is left of a second reading
        pool_fmr = empty or (estimates.mean_of([fmr[group] for group in members], shared) if members else all_fmr)
        usable = [fnmr[group] for group in members if fnmr[group].rate is not None]
        pool_fnmr = estimates.mean_of(usable, shared) if usable and len(usable) == len(members) else None
        design: results.Design = "matched"
    elif pool.name == "all":
        pool_fmr, pool_fnmr, design = all_fmr, all_fnmr, "all"
    else:
        inside = np.where(np.diag(pool.stratum) >= 0, 0, -1).astype(np.int32)
        one = SampleGrouping(pool.attributes, pool.groups, (pool.groups,), inside)
        pool_fmr, pool_fnmr = (
            rates_by_group(evidence, one, point.threshold)[0] for rates_by_group in (non_mated_by_group, mated_by_group)
        )
        design = "as_sampled"
    return results.Overall(
        fmr=estimates.to_rate(pool_fmr, "pool", design, conditional=conditional),
        fnmr=estimates.to_rate(pool_fnmr, "pool", design) if pool_fnmr and has_mated(evidence) else None,
        fmr_all_pairs=estimates.to_rate(all_fmr, "all pairs", "all", conditional=conditional),
        fnmr_all_pairs=estimates.to_rate(all_fnmr, "all pairs", "all") if has_mated(evidence) else None,
    )


def reference_group(grouping: SampleGrouping, evidence: Evidence, named: tuple[str, ...]) -> str | None:
    """Return the group that others are compared with.

    It carries every named value of its attributes; of several, the one with most subjects (ties: by name).

    named: "ATTRIBUTE=VALUE". Never chosen by its rate; never one that is withheld.
    """
    sizes: NDArray[np.int64] = subjects_per_group(grouping, evidence.cells, evidence.subjects)
    wanted = dict(name.split("=", 1) for name in named)

    def fits(g: int) -> bool:
        return all(wanted.get(a, v) == v for a, v in zip(grouping.attributes, grouping.values[g], strict=True))

    candidates = [g for g in range(grouping.n) if fits(g)]
    if not candidates:
        return None
    return grouping.names[min(candidates, key=lambda g: (-sizes[g], grouping.names[g]))]
