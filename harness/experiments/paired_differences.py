"""One difference between two conditions, or two sets of them: value, interval, gates, verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.experiments.paired_scores import Array, ScoreSums
from faceparity.harness.uncertainty import paired as stats
from faceparity.harness.uncertainty.intervals import zero_error_bounds
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.verdict_rules import BOUND_BELOW, EFFECTIVE_IN_HIGHER, SHOWN_FROM, adjust, call

HIGHER_FROM = EFFECTIVE_IN_HIGHER
"""Errors on the higher side without which a difference of rates is not called. Counted, not effective: what makes a subject's
comparisons count for less, its own level, cancels in a paired difference, and with errors of few subjects the test rejects too
seldom, not too often (simulated, 60 subjects and equal rates: 0 to 0.4 % at an FMR of 1e-2 and below, 4.2 % at 0.5).
"""


class ConditionMean(NamedTuple):
    """One side of a difference: its mean, comparisons, and errors (None: a score)."""

    mean: stats.Mean
    comparisons: int
    errors: int | None


def side(sums: Sequence[ScoreSums], measure: str, threshold_index: int | None) -> ConditionMean | None:
    """Average one side of a difference over its conditions.

    Each condition has the sums of the same units. None where one has no comparison left.
    measure: non_mated_score, mated_score, fmr or fnmr; threshold_index: of the latter two.
    """
    between = measure in ("non_mated_score", "fmr")
    mean = stats.mean_of_pairs if between else stats.mean_of_units
    if any(each.counts.size < 2 or not each.counts.any() for each in sums):
        return None
    values = [_values(each, measure, threshold_index) for each in sums]
    share = 2 if between else 1
    errors = None if threshold_index is None else round(sum(unit_values.sum() for unit_values in values) / share)
    means = [mean(unit_values, each.counts) for unit_values, each in zip(values, sums, strict=True)]
    return ConditionMean(stats.average(means), round(sum(each.counts.sum() for each in sums) / share), errors)


def _values(sums: ScoreSums, measure: str, threshold_index: int | None) -> Array:
    if threshold_index is None:
        return sums.scores
    return np.asarray(sums.matches[threshold_index] if measure == "fmr" else sums.counts - sums.matches[threshold_index])


def compare_means(
    base: results.PairedDifference, here: ConditionMean | None, there: ConditionMean | None
) -> results.PairedDifference:
    """Add the difference between two sides to `base`.

    Both are over the same units; the p-value is not adjusted yet.
    """
    if here is None or there is None:
        return base.model_copy(update={"reason": "zero_comparisons" if base.measure == "fmr" else "no_mated_pairs"})
    base = base.model_copy(update={"comparisons": here.comparisons})
    if base.subjects < SHOWN_FROM:
        return base.model_copy(update={"reason": "too_few_subjects"})
    found = stats.difference(here.mean, there.mean)
    fields = {"value": here.mean.value, "reference_value": there.mean.value, "difference": found.value, "verdict": "inconclusive"}
    test = {"interval": found.interval, "df": found.df, "p": found.p}
    if here.errors is None or there.errors is None:
        return base.model_copy(update={**fields, **test})
    fields |= {"errors": here.errors, "reference_errors": there.errors, **_observed(here, there), **_ratio(here, there)}
    return _rates(base.model_copy(update=fields), test, here, there)


def _rates(
    base: results.PairedDifference, full: dict[str, object], here: ConditionMean, there: ConditionMean
) -> results.PairedDifference:
    """Apply the gates of a difference of error rates."""
    errors = max(here.errors or 0, there.errors or 0)
    if not errors:
        return _without_errors(base)
    higher = max((here, there), key=lambda which: which.mean.value)
    effective = stats.effective_errors(higher.mean, higher.comparisons)
    base = base.model_copy(update={"effective_errors": effective})
    interval = full["interval"]
    if errors < BOUND_BELOW or (isinstance(interval, tuple) and interval[0] == interval[1]):
        return base.model_copy(update={"reason": "too_few_errors"})
    return base.model_copy(update={**full, "reason": "too_few_errors" if errors < HIGHER_FROM else None})


def _without_errors(base: results.PairedDifference) -> results.PairedDifference:
    """Return a difference where neither side has an error.

    Neither rate, and so no difference, is above the bound.
    """
    _, bound = zero_error_bounds(max(1, base.comparisons), base.subjects)
    return base.model_copy(update={"difference": None, "verdict": "none", "bound": bound, "reason": "zero_errors"})


def _observed(here: ConditionMean, there: ConditionMean) -> dict[str, float | None]:
    """Return the observed rates of both sides.

    None where no error was seen, which is not a rate of zero.
    """
    values = (here.mean.value if here.errors else None, there.mean.value if there.errors else None)
    return dict(zip(("value", "reference_value"), values, strict=True))


def _ratio(here: ConditionMean, there: ConditionMean) -> dict[str, object]:
    if not (here.mean.value > 0 and there.mean.value > 0):
        return {}
    fields: dict[str, object] = {"ratio": here.mean.value / there.mean.value}
    if min(here.errors or 0, there.errors or 0) >= BOUND_BELOW:
        found = stats.ratio(here.mean, there.mean)
        fields["ratio_interval"] = found.interval if found else None
    return fields


def compare_failures(
    base: results.PairedDifference, images: NDArray[np.bool_], failed: NDArray[np.bool_], images_there: NDArray[np.bool_],
    failed_there: NDArray[np.bool_],
) -> results.PairedDifference:  # fmt: skip
    """Add the difference in failures to extract to `base`.

    All bool[units, conditions of a side, captures]; twins have one index.
    """
    base = base.model_copy(update={"comparisons": int(images.sum())})
    if base.subjects < SHOWN_FROM:
        return base.model_copy(update={"reason": "too_few_subjects"})
    here, there = (_share_failed(given, failures) for given, failures in ((images, failed), (images_there, failed_there)))
    errors, errors_there = int(failed.sum()), int(failed_there.sum())
    twins = images & images_there
    fields = {
        "value": here.value if errors else None,
        "reference_value": there.value if errors_there else None,
        "errors": errors,
        "reference_errors": errors_there,
        "only_here": int((failed & ~failed_there & twins).sum()),
        "only_reference": int((failed_there & ~failed & twins).sum()),
    }
    base = base.model_copy(update=fields)
    if not errors + errors_there:
        return _without_errors(base)
    found = stats.difference(here, there)
    by_unit = _of_units(images, failed) - _of_units(images_there, failed_there)
    update: dict[str, object] = {"difference": found.value, "p": stats.sign_test(by_unit), "verdict": "inconclusive"}
    if int((by_unit != 0).sum()) < BOUND_BELOW:
        update["reason"] = "too_few_errors"
    else:
        update |= {"interval": found.interval, "df": found.df}
    return base.model_copy(update=update)


def _of_units(images: NDArray[np.bool_], failed: NDArray[np.bool_]) -> Array:
    """Return each unit's share of failed images, float64[units].

    Averaged over conditions.
    """
    return np.asarray((failed.sum(axis=2) / images.sum(axis=2)).mean(axis=1))


def _share_failed(images: NDArray[np.bool_], failed: NDArray[np.bool_]) -> stats.Mean:
    shares = _of_units(images, failed)
    return stats.mean_of_units(shares, np.ones(shares.size))


def with_holm(differences: Sequence[results.PairedDifference]) -> list[results.PairedDifference]:
    """Adjust p by Holm's method and set the verdicts.

    The differences by factor are one family, those of whole conditions another.
    """
    adjusted: dict[int, float] = {}
    for of_conditions in (False, True):
        family = [
            i
            for i, difference in enumerate(differences)
            if (difference.factor is None) == of_conditions and difference.p is not None
        ]
        adjusted.update(zip(family, adjust([differences[i].p for i in family]), strict=True))
    return [_verdict(difference.model_copy(update={"p_holm": adjusted.get(i)})) for i, difference in enumerate(differences)]


def _verdict(difference: results.PairedDifference) -> results.PairedDifference:
    verdict = call(difference.difference or 0.0, difference.p_holm, difference.measure == "ftx" or difference.reason is None)
    return difference if verdict == "inconclusive" else difference.model_copy(update={"verdict": verdict})


def fmr_estimate(sums: ScoreSums, threshold_index: int) -> Estimate:
    """Estimate the FMR over pairs of units under one condition.

    Its variance is max(binomial, jackknife) by unit.
    """
    units, comparisons = sums.counts.size, round(sums.counts.sum() / 2)
    if not comparisons:
        return Estimate(units, None, 0, 0, None, reason="zero_comparisons")
    errors = round(sums.matches[threshold_index].sum() / 2)
    mean = stats.mean_of_pairs(sums.matches[threshold_index], sums.counts)
    error_variance = stats.variance_of(mean, comparisons)
    subject_weighted = float((sums.matches[threshold_index] / np.maximum(sums.counts, 1)).mean())
    return Estimate(
        units,
        None,
        comparisons,
        errors,
        mean.value,
        error_variance,
        error_variance,
        max(1.0, units - 1),
        None,
        None,
        subject_weighted,
        "Wilson-t, max(binomial, jackknife)",
    )
