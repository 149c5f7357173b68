"""Facts about the samples besides their scores: failures to extract, image covariates, group sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence, sum_over_groups
from faceparity.harness.groups.groupings import Cells, SampleGrouping, subjects_per_group
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.like_groups import with_design_effects
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM

UNITS = {
    "face_size": "px",
    "luminance": "grey levels",
    "contrast": "grey levels",
    "sharpness": "variance of Laplacian",
    "confidence": "detector's own unit",
    "capture_year": "year",
}


def group_sizes(grouping: SampleGrouping, cells: Cells, subjects: NDArray[np.int32]) -> list[results.Group]:
    """Return subjects and samples of each group.

    Failed samples count too.
    """
    group = grouping.of(cells.of_sample)
    samples = np.bincount(group[group >= 0], minlength=grouping.n)
    people = subjects_per_group(grouping, cells, subjects)
    return [
        results.Group(
            group=name,
            values=list(values),
            subjects=int(people[index]),
            samples=int(samples[index]),
        )
        for index, (name, values) in enumerate(zip(grouping.names, grouping.values, strict=True))
    ]


def _estimate(mine: NDArray[np.bool_], failed: NDArray[np.bool_], subjects: NDArray[np.int32]) -> Estimate:
    """Estimate the FTX of `mine`, clustered by subject."""
    ids, trials = np.unique(subjects[mine], return_counts=True)
    errors = np.bincount(subjects[mine], weights=failed[mine], minlength=int(ids.max(initial=-1)) + 1)[ids]
    return estimates.mated(ids.astype(np.int32), errors.astype(np.float64), trials.astype(np.float64), None)


def failure_rates(
    groupings: Sequence[SampleGrouping], cells: Cells, subjects: NDArray[np.int32], failed: NDArray[np.bool_]
) -> tuple[results.Rate | None, list[results.ExtractionByAttributes]]:
    """Return the FTX of everybody and of each group.

    By group of each grouping; None and no groupings without samples. All arrays are per sample of the data set.
    """
    if not failed.size:
        return None, []
    overall = estimates.to_rate(_estimate(np.ones(failed.size, bool), failed, subjects), "all", "all")
    by_group = []
    for grouping in groupings:
        group = grouping.of(cells.of_sample)
        each = with_design_effects([_estimate(group == index, failed, subjects) for index in range(grouping.n)])
        rates = [estimates.to_rate(estimate, name, "within") for estimate, name in zip(each, grouping.names, strict=True)]
        by_group.append(results.ExtractionByAttributes(attributes=list(grouping.attributes), rates=rates))
    return overall, by_group


def failed_comparisons(evidence: Evidence, grouping: SampleGrouping) -> list[results.FailedComparisons]:
    """Count comparisons attempted within each group, and failed ones.

    Empty if failures are not known.
    """
    if evidence.attempted_mated is None or evidence.attempted_non_mated is None:
        return []
    tally, counts = evidence.tally, dict[str, NDArray[np.int64]]()
    for kind, attempted, made in (
        ("mated", evidence.attempted_mated, tally.mated),
        ("non_mated", evidence.attempted_non_mated, tally.non_mated),
    ):
        of_group, scored = (
            np.diag(sum_over_groups(table, grouping.of_cell, grouping.n))
            for table in (attempted, made.sum(axis=2, dtype=np.int64))
        )
        counts[kind], counts[f"{kind}_failed"] = of_group, np.maximum(0, of_group - scored)
    return [
        results.FailedComparisons(group=name, **{kind: int(count[index]) for kind, count in counts.items()})
        for index, name in enumerate(grouping.names)
    ]


def covariates(
    grouping: SampleGrouping, cells: Cells, subjects: NDArray[np.int32], values: Mapping[str, NDArray[np.float64]]
) -> list[results.Covariate]:
    """Return quartiles of each covariate by group.

    Of groups of 30 subjects or more; with the groups whose median lies outside the quartiles of all.

    values: name → float64[n_samples], nan where unknown. A covariate without any value is left out.
    """
    group = grouping.of(cells.of_sample)
    sizes = subjects_per_group(grouping, cells, subjects)
    out = []
    for name, column in values.items():
        overall = _quartiles("all", column)
        if not overall.n:
            continue
        each = [
            _quartiles(group_name, column[group == index])
            for index, group_name in enumerate(grouping.names)
            if sizes[index] >= SHOWN_FROM
        ]
        differs = [quartiles.group for quartiles in each if _outside(quartiles, overall)]
        out.append(results.Covariate(name=name, unit=UNITS.get(name, ""), overall=overall, by_group=each, differs=differs))
    return out


def _quartiles(group: str, column: NDArray[np.float64]) -> results.Quartiles:
    known = column[np.isfinite(column)]
    if not known.size:
        return results.Quartiles(group=group, n=0, q1=None, median=None, q3=None)
    q1, median, q3 = (float(value) for value in np.quantile(known, [0.25, 0.5, 0.75]))
    return results.Quartiles(group=group, n=int(known.size), q1=q1, median=median, q3=q3)


def _outside(own: results.Quartiles, overall: results.Quartiles) -> bool:
    """Return whether a group's median lies outside all people's quartiles."""
    if own.median is None or overall.q1 is None or overall.q3 is None:
        return False
    return not overall.q1 <= own.median <= overall.q3
