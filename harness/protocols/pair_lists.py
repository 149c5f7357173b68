"""Pair lists that a benchmark publishes, followed exactly: their order, their labels, their repetitions, their folds.

Two readings of failures, side by side: comparisons that could not be made left out, and counted as non-matches. What a list says
of a pair holds, also where the set's subject labels say otherwise; such pairs are counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Dataset, PairProtocol
from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.comparisons.score_list import evidence_of_list
from faceparity.harness.comparisons.similarity import Kind, exact_scores, prepare
from faceparity.harness.comparisons.tally import ScoreBins
from faceparity.harness.groups.groupings import Cells, SampleGrouping, one_group
from faceparity.harness.metrics import fold_accuracy
from faceparity.harness.metrics.rates import threshold_at_target
from faceparity.harness.protocols.template_pooling import pooled
from faceparity.harness.templates.extract import Templates
from faceparity.harness.verification.one_threshold import mated_by_group
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.error_counts import ErrorsByGroup
from faceparity.harness.verification.rates.like_groups import with_design_effects
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM
from faceparity.harness.verification.threshold.threshold_pool import LEAST_EXPECTED_ERRORS

I32 = NDArray[np.int32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Scored:
    """A protocol with its scores, in its order. score: float32[n], nan where failed; failed: bool[n], no template of one sample.

    subjects: int32[n_samples], as far as known.
    """

    protocol: PairProtocol
    subjects: I32
    score: NDArray[np.float32]
    failed: Flags


@dataclass(frozen=True)
class ProtocolContext:
    """The inputs that all protocols of a run share. cells: of all samples. low, high: range of scores. sign: into the model's own unit."""

    cells: Cells
    groupings: Sequence[SampleGrouping]
    sign: int
    low: float
    high: float


def evaluate_protocols(
    dataset: Dataset, templates: Templates, kind: Kind, context: ProtocolContext, points: Sequence[results.OperatingPoint]
) -> list[results.Protocol]:
    """Evaluate every pair list of the data set.

    At the thresholds of the run's operating points, by folds, and at its own targets. Lists of templates that combine several samples
    get their own targets only: the run's thresholds were set on templates of one.
    """
    of_sets: list[results.Protocol] = []
    for listed in dataset.set_protocols:
        sets = pooled(listed, dataset, templates, context.cells, kind)
        of_sets += evaluate_protocols(sets.dataset, sets.templates, kind, replace(context, cells=sets.cells), ())
    if not dataset.protocols:
        return of_sets
    prepared = prepare(templates.vectors, kind)
    number = np.full(dataset.n_samples, -1, np.int32)
    number[templates.samples] = np.arange(templates.samples.size, dtype=np.int32)
    scored = {protocol.name: _score(protocol, dataset, number, prepared, kind) for protocol in dataset.protocols}
    return [_evaluate_one(each, scored, context, points, templates.pixels) for each in scored.values()] + of_sets


def _score(protocol: PairProtocol, dataset: Dataset, number: I32, prepared: NDArray[np.float32], kind: Kind) -> Scored:
    first, second = number[protocol.a], number[protocol.b]
    failed = (first < 0) | (second < 0)
    score = np.full(first.size, np.nan, np.float32)
    score[~failed] = exact_scores(prepared, first[~failed], second[~failed], kind)
    subjects = dataset.subjects if dataset.identity == "labelled" else people_of(protocol, dataset.n_samples)
    return Scored(protocol, subjects, score, failed)


def people_of(protocol: PairProtocol, n_samples: int) -> I32:
    """Return whose picture each sample is, int32[n_samples].

    As far as the list shows: samples joined by its mated pairs are one person's. The same person may be in several such groups, so
    intervals by them are rather too narrow than too wide.
    """
    from scipy import sparse

    first, second = protocol.a[protocol.mated], protocol.b[protocol.mated]
    graph = sparse.csr_matrix((np.ones(first.size, np.int8), (first, second)), shape=(n_samples, n_samples))
    return np.asarray(sparse.csgraph.connected_components(graph, directed=False)[1], np.int32)


def _evaluate_one(
    scored: Scored,
    all_scored: dict[str, Scored],
    context: ProtocolContext,
    points: Sequence[results.OperatingPoint],
    pixels: Sequence[str],
) -> results.Protocol:
    protocol, failed = scored.protocol, scored.failed
    evidence = evidence_of_protocol(scored, context)
    digests = np.unique(np.asarray(pixels, str), return_inverse=True)[1].reshape(-1)
    known = np.asarray([bool(digest) for digest in pixels])
    key = np.minimum(protocol.a, protocol.b).astype(np.int64) * len(pixels) + np.maximum(protocol.a, protocol.b)
    return results.Protocol(
        name=protocol.name,
        source=protocol.source,
        mated=int(protocol.mated.sum()),
        non_mated=int((~protocol.mated).sum()),
        failed_mated=int((failed & protocol.mated).sum()),
        failed_non_mated=int((failed & ~protocol.mated).sum()),
        missing=protocol.missing,
        subjects=_people(protocol.a, protocol.b, scored.subjects),
        repeated=int(key.size - np.unique(key).size),
        identical_images=int(
            ((protocol.a == protocol.b) | (known[protocol.a] & (digests[protocol.a] == digests[protocol.b]))).sum()
        ),
        contrary=int(((scored.subjects[protocol.a] == scored.subjects[protocol.b]) != protocol.mated).sum()),
        n_folds=protocol.n_folds,
        verification=_verification(scored, all_scored, context),
        points=list(_points(scored, evidence, context, points)),
    )


def evidence_of_protocol(scored: Scored, context: ProtocolContext) -> Evidence:
    """Return the list's comparisons as evidence.

    For the same statistics as all others. Where a list contradicts the subject labels, its second sample enters under another number,
    with the subject that the list implies: the first's of a mated pair, a person of its own of a non-mated one.
    """
    protocol = scored.protocol
    subjects, of_sample, second = scored.subjects, context.cells.of_sample, protocol.b
    contrary = np.flatnonzero((subjects[protocol.a] == subjects[protocol.b]) != protocol.mated)
    if contrary.size:
        first_new = int(subjects.max()) + 1
        new = np.arange(first_new, first_new + contrary.size)
        second = second.copy()
        second[contrary] = subjects.size + np.arange(contrary.size)
        subjects = np.append(subjects, np.where(protocol.mated[contrary], subjects[protocol.a[contrary]], new)).astype(np.int32)
        of_sample = np.append(of_sample, of_sample[protocol.b[contrary]]).astype(np.int32)
    cells = replace(context.cells, of_sample=of_sample)
    grid = ScoreBins.uniform(context.low, context.high, 1)
    score = np.where(scored.failed, np.float32(context.low), scored.score).astype(np.float32)
    return evidence_of_list(subjects, cells, protocol.a, second, score, scored.failed, grid, True)


def _verification(scored: Scored, all_scored: dict[str, Scored], context: ProtocolContext) -> results.Verification | None:
    """Return the accuracy by folds or at another list's threshold.

    That threshold is the best on the other list; None for a list that has neither.
    """
    protocol = scored.protocol
    if protocol.n_folds > 1:
        found = fold_accuracy.k_fold(scored.score, protocol.mated, protocol.fold, protocol.n_folds, scored.failed)
        return _to_record(
            found, protocol.fold, scored, context, f"each fold at the threshold chosen on the others: {fold_accuracy.RULE}"
        )
    other = all_scored.get(protocol.threshold_from)
    if other is None:
        return None
    compared = ~other.failed
    choice = fold_accuracy.best_threshold(other.score[compared], other.protocol.mated[compared])
    if choice is None:
        return None
    found = fold_accuracy.at_threshold(scored.score, protocol.mated, scored.failed, choice.threshold)
    return _to_record(
        found,
        np.zeros_like(protocol.fold),
        scored,
        context,
        f"at the threshold chosen on {other.protocol.name}: {fold_accuracy.RULE}",
    )


def _to_record(
    found: fold_accuracy.Folds, fold: I32, scored: Scored, context: ProtocolContext, rule: str
) -> results.Verification:
    folds = [
        results.VerificationFold(
            fold=i + 1,
            threshold=threshold,
            native_threshold=None if threshold is None else threshold * context.sign,
            compared=int(found.compared[i]),
            failed_mated=int(found.failed_mated[i]),
            failed_non_mated=int(found.failed_non_mated[i]),
            accuracy=found.accuracy[i],
            accuracy_including_failures=found.accuracy_including_failures[i],
        )
        for i, threshold in enumerate(found.thresholds)
    ]
    excluding, including = fold_accuracy.spread(found.accuracy), fold_accuracy.spread(found.accuracy_including_failures)
    judged = ~scored.failed & np.array([threshold is not None for threshold in found.thresholds])[fold]
    return results.Verification(
        rule=rule,
        folds=folds,
        accuracy=excluding.mean,
        standard_error=excluding.standard_error,
        standard_deviation=excluding.standard_deviation,
        accuracy_including_failures=including.mean,
        standard_error_including_failures=including.standard_error,
        standard_deviation_including_failures=including.standard_deviation,
        groups=[
            group
            for grouping in context.groupings
            if grouping.attributes
            for group in _right_by_group(grouping, found.right, judged, scored, context)
        ],
        reason=None if excluding.mean is not None else "zero_comparisons",
    )


def _right_by_group(
    grouping: SampleGrouping, right: Flags, judged: Flags, scored: Scored, context: ProtocolContext
) -> Iterator[results.VerificationGroup]:
    group_a, group_b = _groups_of_pairs(grouping, scored.protocol, context.cells)
    for g, name in enumerate(grouping.names):
        mine = judged & (group_a == g) & (group_b == g)
        subjects = _people(scored.protocol.a[mine], scored.protocol.b[mine], scored.subjects)
        shown = subjects >= SHOWN_FROM
        yield results.VerificationGroup(
            attributes=list(grouping.attributes),
            group=name,
            subjects=subjects,
            compared=int(mine.sum()),
            accuracy=float(right[mine].mean()) if shown else None,
            reason=None if shown else "too_few_subjects" if mine.any() else "zero_comparisons",
        )


def _people(first: I32, second: I32, subjects: I32) -> int:
    seen = np.zeros(int(subjects.max(initial=-1)) + 1, bool)
    seen[subjects[first]] = seen[subjects[second]] = True
    return int(seen.sum())


def _groups_of_pairs(grouping: SampleGrouping, protocol: PairProtocol, cells: Cells) -> tuple[I32, I32]:
    group = grouping.of(cells.of_sample)
    return group[protocol.a], group[protocol.b]


def _points(
    scored: Scored, evidence: Evidence, context: ProtocolContext, points: Sequence[results.OperatingPoint]
) -> Iterator[results.ProtocolPoint]:
    for point in points:
        base = results.ProtocolPoint(
            origin=point.origin, target_fmr=point.target_fmr, threshold=None, native_threshold=None, reason=point.reason
        )
        yield base if point.threshold is None else _rates_at(base, point.threshold, scored, evidence, context)
    other = scored.score[~scored.failed & ~scored.protocol.mated]
    for target in scored.protocol.targets:
        base = results.ProtocolPoint(origin="protocol", target_fmr=target, threshold=None, native_threshold=None)
        if other.size * target < LEAST_EXPECTED_ERRORS:
            needs = math.ceil(LEAST_EXPECTED_ERRORS / target)
            yield base.model_copy(update={"reason": "too_few_comparisons_for_target", "needs_comparisons": needs})
            continue
        found = threshold_at_target(other, np.full(other.size, 1 / other.size), target)
        if found is None:
            yield base.model_copy(update={"reason": "target_out_of_reach"})
        else:
            yield _rates_at(base, found[0], scored, evidence, context)


def _rates_at(
    base: results.ProtocolPoint, threshold: float, scored: Scored, evidence: Evidence, context: ProtocolContext
) -> results.ProtocolPoint:
    """Return the rates of the list at one threshold.

    Of everybody and by group.
    """
    compared, mated = ~scored.failed, scored.protocol.mated
    match = scored.score[compared] >= np.float32(threshold)
    false = match[~mated[compared]]
    conditional = base.origin in ("target", "protocol")
    shown = _people(scored.protocol.a, scored.protocol.b, scored.subjects) >= SHOWN_FROM
    fmr, fnmr = _rates(evidence, one_group(evidence.cells, "all listed pairs"), threshold, "all", conditional)
    return base.model_copy(
        update={
            "threshold": threshold,
            "native_threshold": threshold * context.sign,
            "achieved_fmr": float(false.mean()) if false.size else None,
            "accuracy": float((match == mated[compared]).mean()) if match.size and shown else None,
            "fmr": fmr[0] if not mated.all() else None,
            "fnmr": fnmr[0] if mated.any() else None,
            "groupings": [
                _by_group(grouping, threshold, scored, evidence, context, conditional)
                for grouping in context.groupings
                if grouping.attributes
            ],
            "reason": None,
        }
    )


def _rates(
    evidence: Evidence, grouping: SampleGrouping, threshold: float, design: results.Design, conditional: bool
) -> tuple[list[results.Rate], list[results.Rate]]:
    cells = ErrorsByGroup(evidence, grouping, threshold)
    fmr = with_design_effects([estimates.non_mated(cells.within(g)) for g in range(grouping.n)])
    fnmr = mated_by_group(evidence, grouping, threshold)
    return (
        [
            estimates.to_rate(estimate, name, design, conditional=conditional)
            for name, estimate in zip(grouping.names, fmr, strict=True)
        ],
        [estimates.to_rate(estimate, name, design) for name, estimate in zip(grouping.names, fnmr, strict=True)],
    )


def _by_group(
    grouping: SampleGrouping, threshold: float, scored: Scored, evidence: Evidence, context: ProtocolContext, conditional: bool
) -> results.ProtocolGroups:
    fmr, fnmr = _rates(evidence, grouping, threshold, "within", conditional)
    group_a, group_b = _groups_of_pairs(grouping, scored.protocol, context.cells)
    labelled = (group_a >= 0) & (group_b >= 0)
    return results.ProtocolGroups(
        attributes=list(grouping.attributes),
        fmr=fmr,
        fnmr=fnmr,
        mixed=int((labelled & (group_a != group_b)).sum()),
        unlabelled=int((~labelled).sum()),
    )
