"""Pair lists that a benchmark publishes, followed to the letter: their order, their labels, their repetitions, their folds.

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
from faceparity.harness.metrics import verification
from faceparity.harness.metrics.rates import threshold_at_target
from faceparity.harness.protocols.template_pooling import pooled
from faceparity.harness.templates.extract import Templates
from faceparity.harness.verification.one_threshold import mated_by_group
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.error_counts import ErrorsByGroup
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
    """What all protocols of a run share. cells: of all samples. low, high: range of scores. sign: into the model's own unit."""

    cells: Cells
    groupings: Sequence[SampleGrouping]
    sign: int
    low: float
    high: float


def evaluate_protocols(
    dataset: Dataset, templates: Templates, kind: Kind, setting: ProtocolContext, points: Sequence[results.OperatingPoint]
) -> list[results.Protocol]:
    """Every protocol of the data set, at the thresholds of the run's operating points, by folds, and at its own targets.

    Lists of templates made of several samples get their own targets only: the run's thresholds were set on templates of one.
    """
    of_sets: list[results.Protocol] = []
    for listed in dataset.set_protocols:
        made = pooled(listed, dataset, templates, setting.cells, kind)
        of_sets += evaluate_protocols(made.dataset, made.templates, kind, replace(setting, cells=made.cells), ())
    if not dataset.protocols:
        return of_sets
    prepared = prepare(templates.vectors, kind)
    number = np.full(dataset.n_samples, -1, np.int32)
    number[templates.samples] = np.arange(templates.samples.size, dtype=np.int32)
    scored = {p.name: _score(p, dataset, number, prepared, kind) for p in dataset.protocols}
    return [_one(each, scored, setting, points, templates.pixels) for each in scored.values()] + of_sets


def _score(protocol: PairProtocol, dataset: Dataset, number: I32, prepared: NDArray[np.float32], kind: Kind) -> Scored:
    a, b = number[protocol.a], number[protocol.b]
    failed = (a < 0) | (b < 0)
    score = np.full(a.size, np.nan, np.float32)
    score[~failed] = exact_scores(prepared, a[~failed], b[~failed], kind)
    subjects = dataset.subjects if dataset.identity == "labelled" else people_of(protocol, dataset.n_samples)
    return Scored(protocol, subjects, score, failed)


def people_of(protocol: PairProtocol, n_samples: int) -> I32:
    """int32[n_samples]: whose picture each is, as far as the list tells: samples joined by its mated pairs are one person's.

    The same person may be in several such groups, so intervals by them are rather too narrow than too wide.
    """
    from scipy import sparse

    a, b = protocol.a[protocol.mated], protocol.b[protocol.mated]
    graph = sparse.csr_matrix((np.ones(a.size, np.int8), (a, b)), shape=(n_samples, n_samples))
    return np.asarray(sparse.csgraph.connected_components(graph, directed=False)[1], np.int32)


def _one(
    scored: Scored,
    all_scored: dict[str, Scored],
    setting: ProtocolContext,
    points: Sequence[results.OperatingPoint],
    pixels: Sequence[str],
) -> results.Protocol:
    p, failed = scored.protocol, scored.failed
    evidence = evidence_of_protocol(scored, setting)
    digests = np.unique(np.asarray(pixels, str), return_inverse=True)[1].reshape(-1)
    known = np.asarray([bool(x) for x in pixels])
    key = np.minimum(p.a, p.b).astype(np.int64) * len(pixels) + np.maximum(p.a, p.b)
    return results.Protocol(
        name=p.name,
        source=p.source,
        mated=int(p.mated.sum()),
        non_mated=int((~p.mated).sum()),
        failed_mated=int((failed & p.mated).sum()),
        failed_non_mated=int((failed & ~p.mated).sum()),
        missing=p.missing,
        subjects=_people(p.a, p.b, scored.subjects),
        repeated=int(key.size - np.unique(key).size),
        identical_images=int(((p.a == p.b) | (known[p.a] & (digests[p.a] == digests[p.b]))).sum()),
        contrary=int(((scored.subjects[p.a] == scored.subjects[p.b]) != p.mated).sum()),
        n_folds=p.n_folds,
        verification=_verification(scored, all_scored, setting),
        points=list(_points(scored, evidence, setting, points)),
    )


def evidence_of_protocol(scored: Scored, setting: ProtocolContext) -> Evidence:
    """The list's comparisons, for the same statistics as all others.

    Where a list contradicts the subject labels, its second sample enters under another number, with the subject that the list
    implies: the first's of a mated pair, a person of its own of a non-mated one.
    """
    p = scored.protocol
    subjects, of_sample, b = scored.subjects, setting.cells.of_sample, p.b
    contrary = np.flatnonzero((subjects[p.a] == subjects[p.b]) != p.mated)
    if contrary.size:
        first_new = int(subjects.max()) + 1
        new = np.arange(first_new, first_new + contrary.size)
        b = b.copy()
        b[contrary] = subjects.size + np.arange(contrary.size)
        subjects = np.append(subjects, np.where(p.mated[contrary], subjects[p.a[contrary]], new)).astype(np.int32)
        of_sample = np.append(of_sample, of_sample[p.b[contrary]]).astype(np.int32)
    cells = replace(setting.cells, of_sample=of_sample)
    grid = ScoreBins.uniform(setting.low, setting.high, 1)
    score = np.where(scored.failed, np.float32(setting.low), scored.score).astype(np.float32)
    return evidence_of_list(subjects, cells, p.a, b, score, scored.failed, grid, True)


def _verification(scored: Scored, all_scored: dict[str, Scored], setting: ProtocolContext) -> results.Verification | None:
    """By folds, or at the threshold that is best on another list; None for a list that has neither."""
    p = scored.protocol
    if p.n_folds > 1:
        found = verification.k_fold(scored.score, p.mated, p.fold, p.n_folds, scored.failed)
        return _to_record(found, p.fold, scored, setting, f"each fold at the threshold chosen on the others: {verification.RULE}")
    other = all_scored.get(p.threshold_from)
    if other is None:
        return None
    made = ~other.failed
    choice = verification.best_threshold(other.score[made], other.protocol.mated[made])
    if choice is None:
        return None
    found = verification.at_threshold(scored.score, p.mated, scored.failed, choice.threshold)
    return _to_record(
        found, np.zeros_like(p.fold), scored, setting, f"at the threshold chosen on {other.protocol.name}: {verification.RULE}"
    )


def _to_record(found: verification.Folds, fold: I32, scored: Scored, setting: ProtocolContext, rule: str) -> results.Verification:
    folds = [
        results.VerificationFold(
            fold=k + 1,
            threshold=t,
            native_threshold=None if t is None else t * setting.sign,
            compared=int(found.compared[k]),
            failed_mated=int(found.failed_mated[k]),
            failed_non_mated=int(found.failed_non_mated[k]),
            accuracy=found.accuracy[k],
            accuracy_including_failures=found.accuracy_including_failures[k],
        )
        for k, t in enumerate(found.thresholds)
    ]
    made, including = verification.spread(found.accuracy), verification.spread(found.accuracy_including_failures)
    judged = ~scored.failed & np.array([t is not None for t in found.thresholds])[fold]
    return results.Verification(
        rule=rule,
        folds=folds,
        accuracy=made.mean,
        standard_error=made.standard_error,
        standard_deviation=made.standard_deviation,
        accuracy_including_failures=including.mean,
        standard_error_including_failures=including.standard_error,
        standard_deviation_including_failures=including.standard_deviation,
        groups=[x for g in setting.groupings if g.attributes for x in _right_by_group(g, found.right, judged, scored, setting)],
        reason=None if made.mean is not None else "zero_comparisons",
    )


def _right_by_group(
    grouping: SampleGrouping, right: Flags, judged: Flags, scored: Scored, setting: ProtocolContext
) -> Iterator[results.VerificationGroup]:
    ga, gb = _groups_of_pairs(grouping, scored.protocol, setting.cells)
    for g, name in enumerate(grouping.names):
        mine = judged & (ga == g) & (gb == g)
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


def _people(a: I32, b: I32, subjects: I32) -> int:
    seen = np.zeros(int(subjects.max(initial=-1)) + 1, bool)
    seen[subjects[a]] = seen[subjects[b]] = True
    return int(seen.sum())


def _groups_of_pairs(grouping: SampleGrouping, protocol: PairProtocol, cells: Cells) -> tuple[I32, I32]:
    group = grouping.of(cells.of_sample)
    return group[protocol.a], group[protocol.b]


def _points(
    scored: Scored, evidence: Evidence, setting: ProtocolContext, points: Sequence[results.OperatingPoint]
) -> Iterator[results.ProtocolPoint]:
    for point in points:
        base = results.ProtocolPoint(
            origin=point.origin, target_fmr=point.target_fmr, threshold=None, native_threshold=None, reason=point.reason
        )
        yield base if point.threshold is None else _at(base, point.threshold, scored, evidence, setting)
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
            yield _at(base, found[0], scored, evidence, setting)


def _at(
    base: results.ProtocolPoint, threshold: float, scored: Scored, evidence: Evidence, setting: ProtocolContext
) -> results.ProtocolPoint:
    """Rates of the list at one threshold, of everybody and by group."""
    made, mated = ~scored.failed, scored.protocol.mated
    match = scored.score[made] >= np.float32(threshold)
    false = match[~mated[made]]
    conditional = base.origin in ("target", "protocol")
    shown = _people(scored.protocol.a, scored.protocol.b, scored.subjects) >= SHOWN_FROM
    fmr, fnmr = _rates(evidence, one_group(evidence.cells, "all listed pairs"), threshold, "all", conditional)
    return base.model_copy(
        update={
            "threshold": threshold,
            "native_threshold": threshold * setting.sign,
            "achieved_fmr": float(false.mean()) if false.size else None,
            "accuracy": float((match == mated[made]).mean()) if match.size and shown else None,
            "fmr": fmr[0] if not mated.all() else None,
            "fnmr": fnmr[0] if mated.any() else None,
            "groupings": [
                _by_group(g, threshold, scored, evidence, setting, conditional) for g in setting.groupings if g.attributes
            ],
            "reason": None,
        }
    )


def _rates(
    evidence: Evidence, grouping: SampleGrouping, threshold: float, design: results.Design, conditional: bool
) -> tuple[list[results.Rate], list[results.Rate]]:
    cells = ErrorsByGroup(evidence, grouping, threshold)
    fmr = [estimates.non_mated(cells.within(g)) for g in range(grouping.n)]
    fnmr = mated_by_group(evidence, grouping, threshold)
    return (
        [estimates.to_rate(e, n, design, conditional=conditional) for n, e in zip(grouping.names, fmr, strict=True)],
        [estimates.to_rate(e, n, design) for n, e in zip(grouping.names, fnmr, strict=True)],
    )


def _by_group(
    grouping: SampleGrouping, threshold: float, scored: Scored, evidence: Evidence, setting: ProtocolContext, conditional: bool
) -> results.ProtocolGroups:
    fmr, fnmr = _rates(evidence, grouping, threshold, "within", conditional)
    ga, gb = _groups_of_pairs(grouping, scored.protocol, setting.cells)
    labelled = (ga >= 0) & (gb >= 0)
    return results.ProtocolGroups(
        attributes=list(grouping.attributes),
        fmr=fmr,
        fnmr=fnmr,
        mixed=int((labelled & (ga != gb)).sum()),
        unlabelled=int((~labelled).sum()),
    )
