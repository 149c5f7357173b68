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
from faceparity.harness.evaluation.preflight import GroupedSamples
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.evaluation.subsets import without_pairs, without_samples
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.options import Options
from faceparity.harness.templates.extract import Templates
from faceparity.harness.verification.rates.verdict_rules import Verdict, confirm

EVERYBODY = "the pool"


@dataclass(frozen=True)
class EvaluationWithSamples:
    """An evaluation with the samples that it was made of."""

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
    """Evaluates a data set without what is excluded; `evaluation.exclusions` holds the rates with it too.

    Everything is done twice, by the same rules: a threshold at a target is set anew on what is left. Without exclusions it is
    done once. grouped: the data set's samples as `preflight` grouped them. Raises UserError as `evaluate` does.
    """
    before = evaluate(dataset, card, templates, asked, progress, grouped=grouped)
    if not excluded:
        return EvaluationWithSamples(before, dataset, templates)
    whole = dataset.n_samples
    smaller, fewer = without_samples(dataset, templates, excluded.samples)
    number = np.full(whole, -1, np.int32)
    number[np.setdiff1d(np.arange(whole), excluded.samples)] = np.arange(smaller.n_samples, dtype=np.int32)
    pairs = number[excluded.pairs]
    smaller = without_pairs(smaller, pairs)
    after = evaluate(smaller, card, fewer, asked, progress, pairs)
    told = _exclusion(dataset, excluded, templates, fewer, before.evaluation, after.evaluation)
    told = told.model_copy(update={"listed_pairs": _missing(smaller) - _missing(dataset)})
    warnings = [*after.evaluation.warnings, *_warnings(told, dataset)]
    evaluation = after.evaluation.model_copy(update={"exclusions": [told], "warnings": warnings})
    return EvaluationWithSamples(replace(after, evaluation=results.canonical(evaluation)), smaller, fewer)


def _missing(dataset: Dataset) -> int:
    return sum(p.missing for p in dataset.protocols) + sum(p.missing for p in dataset.set_protocols)


def _exclusion(
    dataset: Dataset,
    excluded: Excluded,
    templates: Templates,
    fewer: Templates,
    before: results.Evaluation,
    after: results.Evaluation,
) -> results.Exclusion:
    samples, pairs = Counter(excluded.sample_reasons), Counter(excluded.pair_reasons)
    a, b = excluded.pairs.T
    reasons = [r for r in get_args(results.ExclusionReason) if samples[r] or pairs[r]]
    first, second = before.groupings, after.groupings
    return results.Exclusion(
        samples=int(excluded.samples.size),
        comparisons=len(excluded.pairs),
        comparisons_mated=int((dataset.subjects[a] == dataset.subjects[b]).sum()),
        reasons=[results.ExcludedCount(reason=r, samples=samples[r], comparisons=pairs[r]) for r in reasons],
        before=_counts(before, templates),
        after=_counts(after, fewer),
        points=[_point(first, second, k) for k in range(len(first[-1].operating_points))],
    )


def _counts(e: results.Evaluation, templates: Templates) -> results.ExclusionCounts:
    return results.ExclusionCounts(
        subjects=e.dataset.subjects,
        samples=e.dataset.samples,
        templates=int(templates.samples.size),
        non_mated=e.comparisons.non_mated,
        mated=e.comparisons.mated,
    )


def _point(before: list[results.Grouping], after: list[results.Grouping], k: int) -> results.ExclusionPoint:
    """The k-th operating point: the questions are the same, so their order is."""
    p, q = before[-1].operating_points[k], after[-1].operating_points[k]
    rates = list(_overall(p, q))
    for g in before:
        h = next((x for x in after if x.attributes == g.attributes), None)
        rates += _rates(g, g.operating_points[k], h.operating_points[k] if h else None)
    return results.ExclusionPoint(
        origin=p.origin,
        target_fmr=p.target_fmr,
        threshold_before=p.threshold,
        threshold_after=q.threshold,
        native_threshold_before=p.native_threshold,
        native_threshold_after=q.native_threshold,
        achieved_fmr_before=p.achieved_fmr,
        achieved_fmr_after=q.achieved_fmr,
        rates=rates,
    )


def _overall(p: results.OperatingPoint, q: results.OperatingPoint) -> Iterator[results.ExclusionRate]:
    for measure in ("fmr", "fnmr"):
        a, b = (getattr(x.overall, measure) if x.overall else None for x in (p, q))
        if one := a or b:
            yield results.ExclusionRate(
                measure=measure, attributes=[], group=EVERYBODY, design=one.design, before=a, after=b
            )  # fmt: skip


def _rates(g: results.Grouping, p: results.OperatingPoint, q: results.OperatingPoint | None) -> Iterator[results.ExclusionRate]:
    """Every group that is in either."""
    for measure in ("fmr", "fnmr"):
        old, new = ({(r.group, r.design): r for r in getattr(x, measure)} if x else {} for x in (p, q))
        for key in dict.fromkeys([*old, *new]):
            yield results.ExclusionRate(
                measure=measure,
                attributes=g.attributes,
                group=key[0],
                design=key[1],
                before=old.get(key),
                after=new.get(key),
                verdict_before=_verdict(p, measure, key),
                verdict_after=_verdict(q, measure, key),
            )


def _verdict(p: results.OperatingPoint | None, measure: str, key: tuple[str, str]) -> Verdict | None:
    """What was said of a group against the reference. At a contaminated point only what both readings say stands."""
    if p is None:
        return None
    found = [c.verdict for c in p.contrasts if (c.measure, c.group, c.design) == (measure, *key)]
    if not found:
        return None
    if p.status != "contaminated":
        return found[0]
    return confirm(found[0], _verdict(p.without_likely_same_person, measure, key))


def _warnings(told: results.Exclusion, dataset: Dataset) -> Iterator[str]:
    what = [
        f"{n:,} {word}{'s' if n != 1 else ''}" for n, word in ((told.samples, "image"), (told.comparisons, "comparison")) if n
    ]
    yield f"{' and '.join(what)} left out by name (--exclude): the figures are without them, those with them beside."
    if told.listed_pairs:
        yield f"{told.listed_pairs:,} pairs of published lists went with them, so the lists' figures are not those of the whole."
    if told.comparisons and dataset.card.paired is not None:
        yield "Comparisons left out by name are still in the controlled experiment's non-mated means and rates."
    if told.comparisons and (dataset.set_protocols or dataset.search_protocols):
        yield "Comparisons left out by name are still in published comparisons of templates made of several images."
