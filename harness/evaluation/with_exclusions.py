"""A run without what a person left out by name, beside the run with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness import results
from faceparity.harness.evaluation.evaluate import Evaluated, evaluate
from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.evaluation.preflight import GroupedSamples, group_samples
from faceparity.harness.evaluation.resolved_options import Resolved, as_resolved
from faceparity.harness.evaluation.subsets import without_pairs, without_samples
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.options import Options
from faceparity.harness.templates.extract import Templates
from faceparity.harness.verification.rates.verdict_rules import Verdict, confirm

EVERYBODY = "the pool"


@dataclass(frozen=True)
class EvaluationWithSamples:
    """An evaluation with the data set and templates that it used."""

    evaluated: Evaluated
    dataset: Dataset
    templates: Templates


def evaluate_without(
    dataset: Dataset,
    card: ModelCard,
    templates: Templates,
    asked: Options | Resolved,
    excluded: Excluded,
    progress: Callable[[int], None] | None = None,
    grouped: GroupedSamples | None = None,
) -> EvaluationWithSamples:
    """Evaluate a data set without what is excluded.

    `evaluation.exclusions` holds the rates with it too. Everything is computed twice, by the same rules: a threshold at a target is set
    again on what is left. Without exclusions it is computed once. grouped: samples as `preflight` grouped them; data set, templates and
    exclusions are then those of `grouped.dataset`. People whose group becomes small by the exclusion leave what is without it. Raises
    UserError as `evaluate` does.
    """
    resolved = as_resolved(asked)
    if grouped is None:
        grouped = group_samples(dataset, resolved.options.by)
        templates, excluded = grouped.of_templates(templates), excluded.renumbered(grouped.number)
    dataset = grouped.dataset
    before = evaluate(dataset, card, templates, resolved, progress, grouped=grouped)
    if not excluded:
        return EvaluationWithSamples(before, dataset, templates)
    n_samples = dataset.n_samples
    smaller, fewer = without_samples(dataset, templates, excluded.samples)
    number = np.full(n_samples, -1, np.int32)
    number[np.setdiff1d(np.arange(n_samples), excluded.samples)] = np.arange(smaller.n_samples, dtype=np.int32)
    pairs = number[excluded.pairs]
    again = group_samples(smaller, resolved.options.by)
    smaller, fewer, pairs = without_pairs(again.dataset, again.of_pairs(pairs)), again.of_templates(fewer), again.of_pairs(pairs)
    again = replace(again, dataset=smaller, left=grouped.left + again.left)
    after = evaluate(smaller, card, fewer, resolved, progress, pairs, again)
    exclusion = _exclusion(dataset, excluded, templates, fewer, before.evaluation, after.evaluation)
    exclusion = exclusion.model_copy(update={"listed_pairs": _missing(smaller) - _missing(dataset)})
    warnings = [*after.evaluation.warnings, *_warnings(exclusion, dataset)]
    evaluation = after.evaluation.model_copy(update={"exclusions": [exclusion], "warnings": warnings})
    return EvaluationWithSamples(replace(after, evaluation=results.canonical(evaluation)), smaller, fewer)


def _missing(dataset: Dataset) -> int:
    return sum(protocol.missing for protocol in dataset.protocols) + sum(protocol.missing for protocol in dataset.set_protocols)


def _exclusion(
    dataset: Dataset,
    excluded: Excluded,
    templates: Templates,
    fewer: Templates,
    before: results.Evaluation,
    after: results.Evaluation,
) -> results.Exclusion:
    samples, pairs = Counter(excluded.sample_reasons), Counter(excluded.pair_reasons)
    first_sample, second_sample = excluded.pairs.T
    reasons = [reason for reason in get_args(results.ExclusionReason) if samples[reason] or pairs[reason]]
    first, second = before.groupings, after.groupings
    return results.Exclusion(
        samples=int(excluded.samples.size),
        comparisons=len(excluded.pairs),
        comparisons_mated=int((dataset.subjects[first_sample] == dataset.subjects[second_sample]).sum()),
        reasons=[results.ExcludedCount(reason=reason, samples=samples[reason], comparisons=pairs[reason]) for reason in reasons],
        before=_counts(before, templates),
        after=_counts(after, fewer),
        points=[_point(first, second, index) for index in range(len(first[-1].operating_points))],
    )


def _counts(evaluation: results.Evaluation, templates: Templates) -> results.ExclusionCounts:
    return results.ExclusionCounts(
        subjects=evaluation.dataset.subjects,
        samples=evaluation.dataset.samples,
        templates=int(templates.samples.size),
        non_mated=evaluation.comparisons.non_mated,
        mated=evaluation.comparisons.mated,
    )


def _point(before: list[results.Grouping], after: list[results.Grouping], index: int) -> results.ExclusionPoint:
    """Return the operating point at a position, before and after.

    The options are the same, so the points have the same order.
    """
    point, other_point = before[-1].operating_points[index], after[-1].operating_points[index]
    rates = list(_overall(point, other_point))
    for grouping in before:
        counterpart = next((candidate for candidate in after if candidate.attributes == grouping.attributes), None)
        rates += _rates(grouping, grouping.operating_points[index], counterpart.operating_points[index] if counterpart else None)
    return results.ExclusionPoint(
        origin=point.origin,
        target_fmr=point.target_fmr,
        threshold_before=point.threshold,
        threshold_after=other_point.threshold,
        native_threshold_before=point.native_threshold,
        native_threshold_after=other_point.native_threshold,
        achieved_fmr_before=point.achieved_fmr,
        achieved_fmr_after=other_point.achieved_fmr,
        rates=rates,
    )


def _overall(point: results.OperatingPoint, other_point: results.OperatingPoint) -> Iterator[results.ExclusionRate]:
    for measure in ("fmr", "fnmr"):
        old, new = (getattr(side.overall, measure) if side.overall else None for side in (point, other_point))
        if one := old or new:
            yield results.ExclusionRate(
                measure=measure, attributes=[], group=EVERYBODY, design=one.design, before=old, after=new
            )  # fmt: skip


def _rates(
    grouping: results.Grouping, point: results.OperatingPoint, other_point: results.OperatingPoint | None
) -> Iterator[results.ExclusionRate]:
    """Yield the rates of every group that is in either."""
    for measure in ("fmr", "fnmr"):
        old, new = (
            {(rate.group, rate.design): rate for rate in getattr(side, measure)} if side else {} for side in (point, other_point)
        )
        for key in dict.fromkeys([*old, *new]):
            yield results.ExclusionRate(
                measure=measure,
                attributes=grouping.attributes,
                group=key[0],
                design=key[1],
                before=old.get(key),
                after=new.get(key),
                verdict_before=_verdict(point, measure, key),
                verdict_after=_verdict(other_point, measure, key),
            )


def _verdict(point: results.OperatingPoint | None, measure: str, key: tuple[str, str]) -> Verdict | None:
    """Return the verdict on a group against the reference.

    At a contaminated point only a verdict that both readings share stands; None without a contrast.
    """
    if point is None:
        return None
    found = [
        contrast.verdict for contrast in point.contrasts if (contrast.measure, contrast.group, contrast.design) == (measure, *key)
    ]
    if not found:
        return None
    if point.status != "contaminated":
        return found[0]
    return confirm(found[0], _verdict(point.without_likely_same_person, measure, key))


def _warnings(exclusion: results.Exclusion, dataset: Dataset) -> Iterator[str]:
    left_out = [
        f"{count:,} {word}{'s' if count != 1 else ''}"
        for count, word in ((exclusion.samples, "image"), (exclusion.comparisons, "comparison"))
        if count
    ]
    yield f"{' and '.join(left_out)} left out by name (--exclude): the figures are without them, those with them beside."
    if exclusion.listed_pairs:
        yield f"{exclusion.listed_pairs:,} pairs of published lists went with them, so the lists' figures are not those of the whole."
    if exclusion.comparisons and dataset.card.paired is not None:
        yield "Comparisons left out by name are still in the controlled experiment's non-mated means and rates."
    if exclusion.comparisons and (dataset.set_protocols or dataset.search_protocols):
        yield "Comparisons left out by name are still in published comparisons of templates made of several images."
