"""Runs side by side: which results can be compared with which, how far, and what is found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results as record
from faceparity.harness.evaluation import provenance
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.model_comparison.caveats import letters, notes, to_compared
from faceparity.harness.model_comparison.private_evidence import read
from faceparity.harness.model_comparison.ranking import failure_league
from faceparity.harness.model_comparison.shared_samples import ComparedResult, PointKey, SharedSamples
from faceparity.harness.options import Options
from faceparity.harness.results import comparison as rc
from faceparity.harness.runs.result_files import Result
from faceparity.harness.verification.sampling_report import WHY_UNPAIRED


def compare_runs(runs: Sequence[Sequence[Result]], command: str, seed: int = 0, workers: int = 1) -> rc.Comparison:
    """Everything in several runs, side by side. Raises UserError where there are not two results.

    A paired comparison is made of results of one data set (by digest) by the same attributes whose private parts can be read.
    """
    found = [(k + 1, result) for k, results in enumerate(runs) for result in results]
    if len(found) < 2:
        e = found[0][1].evaluation
        raise UserError(
            f"nothing to compare: there is one result only, {e.model.name} on {e.dataset.name}; name a second run, or run with "
            "two models or data sets"
        )
    entries = [_entry(letters(i), run, result) for i, (run, result) in enumerate(found)]
    blocks: dict[tuple[str, str, tuple[str, ...]], list[ComparedResult]] = {}
    for entry in entries:
        d = entry.evaluation.dataset
        blocks.setdefault((d.name, d.digest, tuple(x.attribute for x in d.labels)), []).append(entry)
    made = [_block(block, seed, workers) for block in blocks.values()]
    compared = to_compared([(x.id, x.run, x.evaluation, x.private is not None, x.reason) for x in entries])
    excluded = {x.id: x.private.excluded for x in entries if x.private is not None}
    p = provenance.provenance(Resolved(Options(seed=seed), command=command, workers=workers))
    return rc.Comparison(
        faceparity=p.faceparity,
        commit=p.commit,
        started=p.started,
        command=command,
        seed=seed,
        results=compared,
        notes=[*notes(compared, excluded), *(n for _, more in made for n in more)],
        datasets=[block for block, _ in made],
        models=list(_models(compared)),
    )


def _entry(name: str, run: int, result: Result) -> ComparedResult:
    if result.evaluation.comparisons.sampled is not None:
        return ComparedResult(name, run, result.evaluation, None, WHY_UNPAIRED)
    try:
        return ComparedResult(name, run, result.evaluation, read(result.folder / "private"), "")
    except UserError as error:
        return ComparedResult(name, run, result.evaluation, None, _reason(str(error)))


def _reason(text: str) -> str:
    """Why a private part can't be read, without its path, which nobody else needs to know."""
    for told, words in (
        ("no private part", "it has no private part (deleted, an ephemeral run's, or made of a score file)"),
        ("clock that is in doubt", "its private part is past its retention date by a clock that is in doubt"),
        ("past its retention date", "its private part is past its retention date and was destroyed; run it again"),
        ("its key is gone", "its private part can't be read any more: the key is gone (purged, or on another machine)"),
        ("damaged", "its private part is damaged"),
        ("did not keep", "it was made by a version that kept too little for a paired comparison"),
    ):
        if told in text:
            return words
    return "its private part can't be read"


def _models(compared: Sequence[rc.Compared]) -> Iterator[rc.ComparedModel]:
    for model in dict.fromkeys(x.model for x in compared):
        own = [x for x in compared if x.model == model]
        if len({x.dataset_digest for x in own}) > 1:
            yield rc.ComparedModel(model=model, ids=[x.id for x in own])


def _block(entries: Sequence[ComparedResult], seed: int, workers: int) -> tuple[rc.ComparedDataset, list[rc.ComparisonNote]]:
    """All results of one data set by the same attributes."""
    first = entries[0].evaluation
    able = [x for x in entries if x.private is not None]
    told: list[rc.ComparisonNote] = []
    shared = None
    if len(able) > 1:
        try:
            shared = SharedSamples(able, None, seed, workers)
        except UserError as error:
            why = f"{' and '.join(x.id for x in able)} are compared unpaired: {error}"
            told.append(rc.ComparisonNote(kind="private", ids=[x.id for x in able], text=why))
    paired = able if shared is not None else []
    loose = [(a, b) for a, b in combinations(entries, 2) if a not in paired or b not in paired]
    keys = dict.fromkeys(key for x in entries for key in x.points)
    points = [p for key in keys if (p := _point(key, entries, paired, shared, loose)) is not None]
    block = rc.ComparedDataset(
        dataset=first.dataset.name,
        digest=first.dataset.digest,
        attributes=[x.attribute for x in first.dataset.labels],
        ids=[x.id for x in entries],
        paired=[x.id for x in paired],
        failures_unpaired=[_unpaired(a, b, None) for a, b in loose if len(entries) > 1],
        points=points if len(entries) > 1 else [],
    )
    if shared is None:
        return block, told
    more = {
        "subjects": int(np.unique(shared.joint.template_subjects).size),
        "samples": int(shared.joint.has.sum()),
        "lost": {x.id: n - int(shared.joint.has.sum()) for x, n in zip(paired, shared.joint.templates, strict=True)},
        "failures": list(shared.failures()),
        "failure_league": failure_league([x.id for x in paired], shared.failed_together),
    }
    return block.model_copy(update=more), told


def _point(
    key: PointKey,
    entries: Sequence[ComparedResult],
    paired: Sequence[ComparedResult],
    shared: SharedSamples | None,
    loose: Sequence[tuple[ComparedResult, ComparedResult]],
) -> rc.ComparedPoint | None:
    """Every pair at one operating point; None where fewer than two results have it."""
    having = [x for x in entries if key in x.points]
    if len(having) < 2:
        return None
    able = [x for x in having if x in paired and x.points[key].threshold is not None]
    point = rc.ComparedPoint(
        origin=having[0].points[key].origin,
        target_fmr=key[1],
        thresholds={x.id: x.points[key].native_threshold for x in having},
        unpaired=[_unpaired(a, b, key) for a, b in loose if a in having and b in having],
    )
    refused = [x.id for x in having if x in paired and x not in able]
    pools = {p.pool.name for x in able if (p := x.points[key]).pool is not None}
    if shared is None:
        return point
    if refused:
        point = point.model_copy(update={"reason": f"No threshold was set for {', '.join(refused)}: see the run's report."})
    if key[0] == "target" and len(pools) > 1:
        why = f"Their thresholds were set on different pools ({', '.join(sorted(pools))}): the same target is not the same point."
        return point.model_copy(update={"reason": why})
    return point.model_copy(update=shared.at(key, able)) if len(able) > 1 else point


def _unpaired(a: ComparedResult, b: ComparedResult, key: PointKey | None) -> rc.UnpairedPair:
    """Two results' rates of the groups that both have. key None: failures to extract."""
    why = "; ".join(f"{x.id}: {x.reason}" for x in (a, b) if x.private is None)
    rates = [r for one, two in _alike(a.evaluation, b.evaluation) for r in _unpaired_rates(a, b, one, two, key)]
    return rc.UnpairedPair(first=a.id, second=b.id, reason=why or "their private parts do not fit together", rates=rates)


def _alike(a: record.Evaluation, b: record.Evaluation) -> Iterator[tuple[record.Grouping, record.Grouping]]:
    for one in a.groupings:
        two = next((g for g in b.groupings if g.attributes == one.attributes), None)
        if two is not None:
            yield one, two


def _unpaired_rates(
    a: ComparedResult, b: ComparedResult, one: record.Grouping, two: record.Grouping, key: PointKey | None
) -> Iterator[rc.Unpaired]:
    measures: tuple[Literal["ftx", "fmr", "fnmr"], ...] = ("ftx",) if key is None else ("fmr", "fnmr")
    for measure in measures:
        first, second = (_rates_of(x, g, measure, key) for x, g in ((a, one), (b, two)))
        for group in [g for g in first if g in second]:
            p, q = first[group], second[group]
            overlap = None
            if p.interval is not None and q.interval is not None:
                overlap = p.interval[0] <= q.interval[1] and q.interval[0] <= p.interval[1]
            yield rc.Unpaired(
                measure=measure, attributes=one.attributes, group=group, first=p.rate, first_interval=p.interval,
                second=q.rate, second_interval=q.interval, overlap=overlap,
            )  # fmt: skip


def _rates_of(x: ComparedResult, g: record.Grouping, measure: str, key: PointKey | None) -> dict[str, record.Rate]:
    """Group → rate, of those in the design by which groups are compared."""
    if key is None:
        own = [r for by in x.evaluation.extraction.by_group if by.attributes == g.attributes for r in by.rates]
        return {r.group: r for r in own}
    at = list(x.points).index(key)
    rates: list[record.Rate] = getattr(g.operating_points[at], measure)
    return {r.group: r for r in rates if r.design in ("within", "matched")}
