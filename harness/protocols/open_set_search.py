"""Galleries and probes that a benchmark publishes (1:N, open set), searched to the letter: every probe in each gallery.

Thresholds are set on the list's own non-mated searches: those of the run were set on templates of one image. Scores are the exact
ones, made in blocks of probes; what a block's searches came to is all that is kept of it.
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
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
Flags = NDArray[np.bool_]
RANKS = (1, 5, 10, 20)
BLOCK = 1 << 20
"""Comparison scores held at a time."""


@dataclass(frozen=True)
class _Templates:
    """vectors: float32[n, d], ready to compare; rows of those that failed are meaningless. made: bool[n]. subjects: int32[n]."""

    vectors: F32
    made: Flags
    subjects: I32


@dataclass(frozen=True)
class _Searched:
    """The n searches in one gallery: subjects and cells of their probes, a threshold for each target, int64[n, targets] candidates."""

    found: ident.SearchRanks
    subjects: I32
    cells: I32
    thresholds: tuple[ident.TargetThreshold, ...]
    candidates: NDArray[np.int64]


def evaluate_searches(dataset: Dataset, templates: Templates, kind: Kind, setting: ProtocolContext) -> list[results.Search]:
    """Every published search of the data set."""
    if not dataset.search_protocols:
        return []
    prepared = prepare(templates.vectors, kind)

    def made(sets: TemplateSets) -> _Templates:
        vectors, there = averaged(sets, dataset.n_samples, templates, prepared, kind)
        ready = np.zeros_like(vectors)
        ready[there] = prepare(vectors[there], kind)
        return _Templates(ready, there, sets.subjects)

    return [_one(p, made(p.probes), [made(x) for x in p.galleries], kind, setting) for p in dataset.search_protocols]


def _one(
    p: SearchProtocol, probes: _Templates, galleries: Sequence[_Templates], kind: Kind, setting: ProtocolContext
) -> results.Search:
    cells = usual_cells(p.probes, setting.cells)
    searched = []
    for sets, gallery in zip(p.galleries, galleries, strict=True):
        kept = ~np.isin(probes.subjects, sets.absent) | np.isin(probes.subjects, sets.subjects)
        mine = _Templates(probes.vectors[kept], probes.made[kept], probes.subjects[kept])
        searched.append(_searched(mine, cells[kept], gallery, kind, p.targets))
    return results.Search(
        name=p.name,
        source=p.source,
        probes=probes.made.size,
        failed_probes=int((~probes.made).sum()),
        absent_probes=p.probes.absent.size,
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
                ranks=list(_ranks([one], setting)),
                points=list(_points([one], p.targets, setting)),
            )
            for sets, gallery, one in zip(p.galleries, galleries, searched, strict=True)
        ],
        mean=results.SearchGallery(
            name="mean", ranks=list(_ranks(searched, setting)), points=list(_points(searched, p.targets, setting))
        )
        if len(searched) > 1
        else None,
    )


def _searched(probes: _Templates, cells: I32, gallery: _Templates, kind: Kind, targets: Sequence[float]) -> _Searched:
    """All probes in one gallery. Candidates are counted in a second pass, over the searches that have any."""
    every = np.arange(probes.made.size)
    blocks = [ident.search(s, probes.subjects[rows], gallery.subjects) for rows, s in _blocks(probes, gallery, every, kind)]
    found = ident.joined(blocks)
    thresholds = tuple(ident.threshold_at_fpir(found, target) for target in targets)
    set_at = [t.threshold for t in thresholds if t.threshold is not None]
    counted = np.zeros((every.size, len(targets)), np.int64)
    if set_at:
        columns = np.flatnonzero([t.threshold is not None for t in thresholds])
        some = np.flatnonzero(ident.false_positives(found, min(set_at)))
        for rows, score in _blocks(probes, gallery, some, kind):
            counted[np.ix_(rows, columns)] = ident.candidates(score, probes.subjects[rows], gallery.subjects, set_at)
    return _Searched(found, probes.subjects, cells, thresholds, counted)


def _blocks(
    probes: _Templates, gallery: _Templates, chosen: NDArray[np.integer], kind: Kind
) -> Iterator[tuple[NDArray[np.integer], F32]]:
    """The chosen probes some at a time, and float32[probes, gallery] with nan where one has no template. At least one block."""
    g = gallery.made.size
    step = max(1, BLOCK // max(1, g))
    for start in range(0, max(1, chosen.size), step):
        rows = chosen[start : start + step]
        score = np.full((rows.size, g), np.nan, np.float32)
        a, b = np.flatnonzero(probes.made[rows]), np.flatnonzero(gallery.made)
        both = np.concatenate([probes.vectors[rows[a]], gallery.vectors[b]])
        i, j = (x.ravel().astype(np.int32) for x in np.meshgrid(np.arange(a.size), np.arange(b.size), indexing="ij"))
        score[np.ix_(a, b)] = exact_scores(both, i, j + np.int32(a.size), kind).reshape(a.size, b.size)
        yield rows, score


def _ranks(searched: Sequence[_Searched], setting: ProtocolContext) -> Iterator[results.SearchRank]:
    for rank in RANKS:
        errors = [ident.misses(s.found, rank=rank) for s in searched]
        missed = _rate(searched, errors, True, "all mated searches")
        shown = missed.status != "suppressed"
        including = missed.rate_including_failures or (0.0 if missed.reason == "zero_errors" else None)
        yield results.SearchRank(
            rank=rank,
            hit_rate=1 - (missed.rate or 0.0) if shown else None,
            hit_rate_including_failures=1 - including if shown and including is not None else None,
            missed=missed,
            groupings=_by_group(searched, errors, None, setting, False),
        )


def _points(searched: Sequence[_Searched], targets: Sequence[float], setting: ProtocolContext) -> Iterator[results.SearchPoint]:
    """At each target; of several galleries the mean, each at its own threshold."""
    for k, target in enumerate(targets):
        base = results.SearchPoint(target_fpir=target, threshold=None, native_threshold=None)
        found = [s.thresholds[k] for s in searched]
        refused = next((t for t in found if t.threshold is None), None)
        if refused is not None:
            yield base.model_copy(update={"reason": refused.reason, "needs_searches": refused.needs})
            continue
        at = [(s, float(t.threshold or 0.0)) for s, t in zip(searched, found, strict=True)]
        false = [ident.false_positives(s.found, t) for s, t in at]
        missed = [ident.misses(s.found, t) for s, t in at]
        fpir = _rate(searched, false, False, "all non-mated searches", conditional=True)
        sel = [ident.selectivity(s.found, s.candidates[:, k]).excluding for s in searched]
        yield base.model_copy(
            update={
                **({"threshold": at[0][1], "native_threshold": at[0][1] * setting.sign} if len(at) == 1 else {}),
                "achieved_fpir": float(np.mean([t.achieved for t in found if t.achieved is not None])),
                "fpir": fpir,
                "fnir": _rate(searched, missed, True, "all mated searches"),
                "fnir_rank_1": _rate(searched, [ident.misses(s.found, t, 1) for s, t in at], True, "all mated searches"),
                "selectivity": None if fpir.status == "suppressed" else float(np.mean([x for x in sel if x is not None])),
                "groupings": _by_group(searched, missed, false, setting, True),
            }
        )


def _by_group(
    searched: Sequence[_Searched],
    missed: Sequence[Flags],
    false: Sequence[Flags] | None,
    setting: ProtocolContext,
    conditional: bool,
) -> list[results.SearchGroups]:
    """Rates by the probe's group, one threshold for everybody. false: None for ranks, which non-mated searches have none of."""
    out = []
    for grouping in setting.groupings:
        if not grouping.attributes:
            continue
        group = [grouping.of(s.cells) for s in searched]
        of = [(name, [x == g for x in group]) for g, name in enumerate(grouping.names)]
        out.append(
            results.SearchGroups(
                attributes=list(grouping.attributes),
                fpir=[] if false is None else [_rate(searched, false, False, name, m, conditional=conditional) for name, m in of],
                fnir=[_rate(searched, missed, True, name, m) for name, m in of],
                unlabelled=sum(int((x < 0).sum()) for x in group),
            )
        )
    return out


def _rate(
    searched: Sequence[_Searched],
    errors: Sequence[Flags],
    mated: bool,
    name: str,
    members: Sequence[Flags] | None = None,
    conditional: bool = False,
) -> results.Rate:
    """FNIR or FPIR over one gallery's searches, or the mean over several galleries' where each has a rate from enough people."""
    chosen = [s.found.mated == mated for s in searched]
    if members is not None:
        chosen = [c & m for c, m in zip(chosen, members, strict=True)]
    found = [estimate(e, c & ~s.found.failed, c, s.subjects, mated) for s, e, c in zip(searched, errors, chosen, strict=True)]
    if len(found) == 1:
        return estimates.to_rate(found[0], name, "all", conditional=conditional)
    least = min(found, key=lambda x: x.subjects)
    if least.rate is None or least.subjects < SHOWN_FROM:
        return estimates.to_rate(least, name, "all", conditional=conditional)
    return estimates.to_rate(estimates.mean_of(found, shared_subjects=True), name, "all", conditional=conditional)


def estimate(errors: Flags, made: Flags, attempted: Flags, subjects: I32, mated: bool) -> estimates.Estimate:
    """A rate over searches with its variance by probe subjects: the larger of the clustered and the delete-one-subject jackknife.

    All [n]: whether each search was in error, could be made, and was attempted, and the subject of its probe. A failed search of a
    mated probe is an error where failures count; of a non-mated one it is none.
    """
    ids, at = np.unique(subjects[made], return_inverse=True)
    wrong = np.bincount(at.reshape(-1), errors[made], ids.size).astype(np.float64)
    trials = np.bincount(at.reshape(-1), minlength=ids.size).astype(np.float64)
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
