"""Open-set searches (1:N) in galleries that a benchmark publishes: every probe in each gallery, as listed.

Thresholds are set on the list's own non-mated searches: those of the run were set on templates of one image. Scores are the exact
ones, computed in blocks of probes; only the results of a block's searches are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Dataset, SearchProtocol, TemplateSets
from faceparity.harness import results
from faceparity.harness.comparisons.similarity import Kind, exact_scores, prepare
from faceparity.harness.metrics import identification as ident
from faceparity.harness.protocols.pair_lists import ProtocolContext
from faceparity.harness.protocols.template_pooling import averaged, usual_cells
from faceparity.harness.templates.extract import Templates
from faceparity.harness.uncertainty import variance
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
Flags = NDArray[np.bool_]
RANKS = (1, 5, 10, 20)
BLOCK = 1 << 20
"""Comparison scores held at a time."""


@dataclass(frozen=True)
class _Templates:
    """Templates of sets of images.

    vectors: float32[n, d], ready to compare; rows of those that failed are meaningless. made: bool[n]. subjects: int32[n].
    """

    vectors: F32
    made: Flags
    subjects: I32


@dataclass(frozen=True)
class _Searched:
    """The n searches in one gallery.

    subjects and cells of their probes, a threshold for each target, int64[n, targets] candidates.
    """

    found: ident.SearchRanks
    subjects: I32
    cells: I32
    thresholds: tuple[ident.TargetThreshold, ...]
    candidates: NDArray[np.int64]


def evaluate_searches(dataset: Dataset, templates: Templates, kind: Kind, context: ProtocolContext) -> list[results.Search]:
    """Evaluate every published search of the data set."""
    if not dataset.search_protocols:
        return []
    prepared = prepare(templates.vectors, kind)

    def averages(sets: TemplateSets) -> _Templates:
        vectors, has_vector = averaged(sets, dataset.n_samples, templates, prepared, kind)
        comparable = np.zeros_like(vectors)
        comparable[has_vector] = prepare(vectors[has_vector], kind)
        return _Templates(comparable, has_vector, sets.subjects)

    return [
        _evaluate_one(protocol, averages(protocol.probes), [averages(gallery) for gallery in protocol.galleries], kind, context)
        for protocol in dataset.search_protocols
    ]


def _evaluate_one(
    protocol: SearchProtocol, probes: _Templates, galleries: Sequence[_Templates], kind: Kind, context: ProtocolContext
) -> results.Search:
    cells = usual_cells(protocol.probes, context.cells)
    searched = []
    for sets, gallery in zip(protocol.galleries, galleries, strict=True):
        kept = ~np.isin(probes.subjects, sets.absent) | np.isin(probes.subjects, sets.subjects)
        mine = _Templates(probes.vectors[kept], probes.made[kept], probes.subjects[kept])
        searched.append(_searched(mine, cells[kept], gallery, kind, protocol.targets))
    return results.Search(
        name=protocol.name,
        source=protocol.source,
        probes=probes.made.size,
        failed_probes=int((~probes.made).sum()),
        absent_probes=protocol.probes.absent.size,
        subjects=np.unique(probes.subjects).size,
        galleries=[
            results.SearchGallery(
                name=sets.name,
                templates=gallery.made.size,
                failed_templates=int((~gallery.made).sum()),
                absent_templates=sets.absent.size,
                mated=int(one.found.mated.sum()),
                non_mated=int((~one.found.mated).sum()),
                failed_mated=int((one.found.mated & one.found.failed).sum()),
                failed_non_mated=int((~one.found.mated & one.found.failed).sum()),
                left_out=probes.made.size - one.subjects.size,
                ranks=list(_ranks([one], context)),
                points=list(_points([one], protocol.targets, context)),
            )
            for sets, gallery, one in zip(protocol.galleries, galleries, searched, strict=True)
        ],
        mean=results.SearchGallery(
            name="mean", ranks=list(_ranks(searched, context)), points=list(_points(searched, protocol.targets, context))
        )
        if len(searched) > 1
        else None,
    )


def _searched(probes: _Templates, cells: I32, gallery: _Templates, kind: Kind, targets: Sequence[float]) -> _Searched:
    """Search all probes in one gallery.

    Candidates are counted in a second pass, over the searches that have any.
    """
    every = np.arange(probes.made.size)
    blocks = [ident.search(s, probes.subjects[rows], gallery.subjects) for rows, s in _blocks(probes, gallery, every, kind)]
    found = ident.join_searches(blocks)
    thresholds = tuple(ident.threshold_at_fpir(found, target) for target in targets)
    set_at = [at_target.threshold for at_target in thresholds if at_target.threshold is not None]
    counted = np.zeros((every.size, len(targets)), np.int64)
    if set_at:
        columns = np.flatnonzero([at_target.threshold is not None for at_target in thresholds])
        with_candidates = np.flatnonzero(ident.false_positives(found, min(set_at)))
        for rows, score in _blocks(probes, gallery, with_candidates, kind):
            counted[np.ix_(rows, columns)] = ident.candidates(score, probes.subjects[rows], gallery.subjects, set_at)
    return _Searched(found, probes.subjects, cells, thresholds, counted)


def _blocks(
    probes: _Templates, gallery: _Templates, chosen: NDArray[np.integer], kind: Kind
) -> Iterator[tuple[NDArray[np.integer], F32]]:
    """Yield the chosen probes in blocks, with their scores.

    float32[probes, gallery] with nan where one has no template. At least one block.
    """
    n_gallery = gallery.made.size
    step = max(1, BLOCK // max(1, n_gallery))
    for start in range(0, max(1, chosen.size), step):
        rows = chosen[start : start + step]
        score = np.full((rows.size, n_gallery), np.nan, np.float32)
        probe_rows, gallery_rows = np.flatnonzero(probes.made[rows]), np.flatnonzero(gallery.made)
        both = np.concatenate([probes.vectors[rows[probe_rows]], gallery.vectors[gallery_rows]])
        first, second = (
            grid.ravel().astype(np.int32)
            for grid in np.meshgrid(np.arange(probe_rows.size), np.arange(gallery_rows.size), indexing="ij")
        )
        score[np.ix_(probe_rows, gallery_rows)] = exact_scores(both, first, second + np.int32(probe_rows.size), kind).reshape(
            probe_rows.size, gallery_rows.size
        )
        yield rows, score


def _ranks(searched: Sequence[_Searched], context: ProtocolContext) -> Iterator[results.SearchRank]:
    for rank in RANKS:
        errors = [ident.misses(search.found, rank=rank) for search in searched]
        missed = _rate(searched, errors, True, "all mated searches")
        shown = missed.status != "suppressed"
        including = missed.rate_including_failures or (0.0 if missed.reason == "zero_errors" else None)
        yield results.SearchRank(
            rank=rank,
            hit_rate=1 - (missed.rate or 0.0) if shown else None,
            hit_rate_including_failures=1 - including if shown and including is not None else None,
            missed=missed,
            groupings=_by_group(searched, errors, None, context, False),
        )


def _points(searched: Sequence[_Searched], targets: Sequence[float], context: ProtocolContext) -> Iterator[results.SearchPoint]:
    """Yield the rates at each target.

    Of several galleries the mean, each at its own threshold.
    """
    for i, target in enumerate(targets):
        base = results.SearchPoint(target_fpir=target, threshold=None, native_threshold=None)
        found = [search.thresholds[i] for search in searched]
        refused = next((threshold for threshold in found if threshold.threshold is None), None)
        if refused is not None:
            yield base.model_copy(update={"reason": refused.reason, "needs_searches": refused.needs})
            continue
        at = [(search, float(threshold.threshold or 0.0)) for search, threshold in zip(searched, found, strict=True)]
        false = [ident.false_positives(search.found, threshold) for search, threshold in at]
        missed = [ident.misses(search.found, threshold) for search, threshold in at]
        fpir = _rate(searched, false, False, "all non-mated searches", conditional=True)
        selectivities = [ident.selectivity(search.found, search.candidates[:, i]).excluding for search in searched]
        yield base.model_copy(
            update={
                **({"threshold": at[0][1], "native_threshold": at[0][1] * context.sign} if len(at) == 1 else {}),
                "achieved_fpir": float(np.mean([threshold.achieved for threshold in found if threshold.achieved is not None])),
                "fpir": fpir,
                "fnir": _rate(searched, missed, True, "all mated searches"),
                "fnir_rank_1": _rate(
                    searched, [ident.misses(search.found, threshold, 1) for search, threshold in at], True, "all mated searches"
                ),
                "selectivity": None
                if fpir.status == "suppressed"
                else float(np.mean([value for value in selectivities if value is not None])),
                "groupings": _by_group(searched, missed, false, context, True),
            }
        )


def _by_group(
    searched: Sequence[_Searched],
    missed: Sequence[Flags],
    false: Sequence[Flags] | None,
    context: ProtocolContext,
    conditional: bool,
) -> list[results.SearchGroups]:
    """Return rates by the probe's group at one threshold.

    false: None for ranks, which non-mated searches have none of.
    """
    records = []
    for grouping in context.groupings:
        if not grouping.attributes:
            continue
        group = [grouping.of(search.cells) for search in searched]
        of = [(name, [groups == g for groups in group]) for g, name in enumerate(grouping.names)]
        records.append(
            results.SearchGroups(
                attributes=list(grouping.attributes),
                fpir=[]
                if false is None
                else [_rate(searched, false, False, name, members, conditional=conditional) for name, members in of],
                fnir=[_rate(searched, missed, True, name, members) for name, members in of],
                unlabelled=sum(int((groups < 0).sum()) for groups in group),
            )
        )
    return records


def _rate(
    searched: Sequence[_Searched],
    errors: Sequence[Flags],
    mated: bool,
    name: str,
    members: Sequence[Flags] | None = None,
    conditional: bool = False,
) -> results.Rate:
    """Return FNIR or FPIR over one gallery, or a mean.

    Over its searches. The mean is over several galleries, where each has a rate from enough people.
    """
    chosen = [search.found.mated == mated for search in searched]
    if members is not None:
        chosen = [selected & member for selected, member in zip(chosen, members, strict=True)]
    found = [
        estimate(wrong, selected & ~search.found.failed, selected, search.subjects, mated)
        for search, wrong, selected in zip(searched, errors, chosen, strict=True)
    ]
    if len(found) == 1:
        return estimates.to_rate(found[0], name, "all", conditional=conditional)
    least = min(found, key=lambda one: one.subjects)
    if least.rate is None or least.subjects < SHOWN_FROM:
        return estimates.to_rate(least, name, "all", conditional=conditional)
    mean = replace(estimates.mean_of(found, shared_subjects=True), mean_over="galleries")
    return estimates.to_rate(mean, name, "all", conditional=conditional)


def estimate(errors: Flags, compared: Flags, attempted: Flags, subjects: I32, mated: bool) -> Estimate:
    """Estimate a rate over searches, with variance by probe subjects.

    The variance is the larger of the clustered and the delete-one-subject jackknife.
    All [n]: whether each search was in error, could be made, and was attempted, and the subject of its probe. A failed search of a
    mated probe is an error where failures count; of a non-mated one it is none.
    """
    ids, person = np.unique(subjects[compared], return_inverse=True)
    wrong = np.bincount(person.reshape(-1), errors[compared], ids.size).astype(np.float64)
    trials = np.bincount(person.reshape(-1), minlength=ids.size).astype(np.float64)
    tried = int(attempted.sum())
    found = estimates.mated(ids.astype(np.int32), wrong, trials, tried)
    if found.rate is None:
        return replace(found, reason="zero_comparisons")
    return replace(
        found,
        variance=max(found.variance, variance.jackknife_variance(found.without)),
        including_failures=found.including_failures if mated else found.errors / tried,
        method="Wilson-t, max(clustered, jackknife) by probe subjects",
    )
