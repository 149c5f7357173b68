"""Runs side by side: which results can be compared, how far, and what is found."""

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
from faceparity.harness.results.stored import Result
from faceparity.harness.verification.sampling_report import WHY_UNPAIRED

WITHHELD = {
    "mated_not_above": "images of one person score no higher there than images of two, or hardly",
    "fnmr_over_half": "more than half of its mated comparisons fall below the threshold",
}


def compare_runs(runs: Sequence[Sequence[Result]], command: str, seed: int = 0, workers: int = 1) -> rc.Comparison:
    """Compare every result of several runs, side by side.

    A paired comparison is made of results of one data set (by digest) by the same attributes whose private parts can be read.
    seed, workers: of the bootstrap. Raises UserError where there are not two results.
    """
    numbered = [(number + 1, result) for number, results in enumerate(runs) for result in results]
    if len(numbered) < 2:
        only = numbered[0][1].evaluation
        raise UserError(
            f"nothing to compare: there is one result only, {only.model.name} on {only.dataset.name}; name a second run, or run with "
            "two models or data sets"
        )
    entries = [_entry(letters(i), run, result) for i, (run, result) in enumerate(numbered)]
    blocks: dict[tuple[str, str, tuple[str, ...]], list[ComparedResult]] = {}
    for entry in entries:
        dataset = entry.evaluation.dataset
        blocks.setdefault((dataset.name, dataset.digest, tuple(label.attribute for label in dataset.labels)), []).append(entry)
    compared_blocks = [_block(block, seed, workers) for block in blocks.values()]
    compared = to_compared(
        [(entry.id, entry.run, entry.evaluation, entry.private is not None, entry.reason) for entry in entries]
    )
    excluded = {entry.id: entry.private.excluded for entry in entries if entry.private is not None}
    origin = provenance.provenance(Resolved(Options(seed=seed), command=command, workers=workers))
    return rc.Comparison(
        faceparity=origin.faceparity,
        commit=origin.commit,
        started=origin.started,
        command=command,
        seed=seed,
        results=compared,
        notes=[*notes(compared, excluded), *(note for _, more in compared_blocks for note in more)],
        datasets=[block for block, _ in compared_blocks],
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
    """Say why a private part can't be read.

    Its path is left out, which nobody else needs to know.
    """
    for phrase, words in (
        ("no private part", "it has no private part (deleted, an ephemeral run's, or made of a score file)"),
        ("clock that is in doubt", "its private part is past its retention date by a clock that is in doubt"),
        ("past its retention date", "its private part is past its retention date and was destroyed; run it again"),
        ("its key is gone", "its private part can't be read any more: the key is gone (purged, or on another machine)"),
        ("damaged", "its private part is damaged"),
        ("did not keep", "it was made by a version that kept too little for a paired comparison"),
    ):
        if phrase in text:
            return words
    return "its private part can't be read"


def _models(compared: Sequence[rc.Compared]) -> Iterator[rc.ComparedModel]:
    for model in dict.fromkeys(result.model for result in compared):
        of_model = [result for result in compared if result.model == model]
        if len({result.dataset_digest for result in of_model}) > 1:
            yield rc.ComparedModel(model=model, ids=[result.id for result in of_model])


def _block(entries: Sequence[ComparedResult], seed: int, workers: int) -> tuple[rc.ComparedDataset, list[rc.ComparisonNote]]:
    """Compare all results of one data set and its attributes."""
    first = entries[0].evaluation
    readable = [entry for entry in entries if entry.private is not None]
    caveats: list[rc.ComparisonNote] = []
    shared = None
    if len(readable) > 1:
        try:
            shared = SharedSamples(readable, None, seed, workers)
        except UserError as error:
            why = f"{' and '.join(entry.id for entry in readable)} are compared unpaired: {error}"
            caveats.append(rc.ComparisonNote(kind="private", ids=[entry.id for entry in readable], text=why))
    paired = readable if shared is not None else []
    unpaired = [(one, two) for one, two in combinations(entries, 2) if one not in paired or two not in paired]
    keys = dict.fromkeys(key for entry in entries for key in entry.points)
    points = [point for key in keys if (point := _point(key, entries, paired, shared, unpaired)) is not None]
    block = rc.ComparedDataset(
        dataset=first.dataset.name,
        digest=first.dataset.digest,
        attributes=[label.attribute for label in first.dataset.labels],
        ids=[entry.id for entry in entries],
        paired=[entry.id for entry in paired],
        failures_unpaired=[_unpaired(one, two, None) for one, two in unpaired if len(entries) > 1],
        points=points if len(entries) > 1 else [],
    )
    if shared is None:
        return block, caveats
    more = {
        "subjects": int(np.unique(shared.joint.template_subjects).size),
        "samples": int(shared.joint.has.sum()),
        "lost": {
            entry.id: count - int(shared.joint.has.sum()) for entry, count in zip(paired, shared.joint.templates, strict=True)
        },
        "failures": list(shared.failures()),
        "failure_league": failure_league([entry.id for entry in paired], shared.failed_together),
    }
    return block.model_copy(update=more), caveats


def _point(
    key: PointKey,
    entries: Sequence[ComparedResult],
    paired: Sequence[ComparedResult],
    shared: SharedSamples | None,
    unpaired: Sequence[tuple[ComparedResult, ComparedResult]],
) -> rc.ComparedPoint | None:
    """Compare every pair at one operating point.

    None where fewer than two results have it.
    """
    having = [entry for entry in entries if key in entry.points]
    if len(having) < 2:
        return None
    with_threshold = [entry for entry in having if entry in paired and entry.points[key].threshold is not None]
    withheld = {entry.id: found for entry in with_threshold if (found := entry.points[key].withheld) is not None}
    with_threshold = [entry for entry in with_threshold if entry.id not in withheld]
    point = rc.ComparedPoint(
        origin=having[0].points[key].origin,
        target_fmr=key[1],
        thresholds={entry.id: entry.points[key].native_threshold for entry in having},
        unpaired=[_unpaired(one, two, key) for one, two in unpaired if one in having and two in having],
    )
    refused = [entry.id for entry in having if entry in paired and entry not in with_threshold and entry.id not in withheld]
    pools = {own_point.pool.name for entry in with_threshold if (own_point := entry.points[key]).pool is not None}
    if shared is None:
        return point
    reasons = [f"No threshold was set for {', '.join(refused)}: see the run's report."] * bool(refused)
    reasons += [
        f"No verdict is given on {name}, as {WITHHELD[found.reason]}: see the run's report." for name, found in withheld.items()
    ]
    point = point.model_copy(update={"reason": " ".join(reasons)})
    if key[0] == "target" and len(pools) > 1:
        why = f"Their thresholds were set on different pools ({', '.join(sorted(pools))}): the same target is not the same point."
        return point.model_copy(update={"reason": why})
    return point.model_copy(update=shared.at(key, with_threshold)) if len(with_threshold) > 1 else point


def _unpaired(first: ComparedResult, second: ComparedResult, key: PointKey | None) -> rc.UnpairedPair:
    """Return two results' rates of the groups that both have.

    key: the operating point; None for failures to extract.
    """
    why = "; ".join(f"{result.id}: {result.reason}" for result in (first, second) if result.private is None)
    rates = [
        rate for one, two in _alike(first.evaluation, second.evaluation) for rate in _unpaired_rates(first, second, one, two, key)
    ]
    return rc.UnpairedPair(first=first.id, second=second.id, reason=why or "their private parts do not fit together", rates=rates)


def _alike(first: record.Evaluation, second: record.Evaluation) -> Iterator[tuple[record.Grouping, record.Grouping]]:
    """Yield the groupings that two results share."""
    for one in first.groupings:
        two = next((grouping for grouping in second.groupings if grouping.attributes == one.attributes), None)
        if two is not None:
            yield one, two


def _unpaired_rates(
    left: ComparedResult, right: ComparedResult, one: record.Grouping, two: record.Grouping, key: PointKey | None
) -> Iterator[rc.Unpaired]:
    measures: tuple[Literal["ftx", "fmr", "fnmr"], ...] = ("ftx",) if key is None else ("fmr", "fnmr")
    for measure in measures:
        first, second = (_rates_of(result, grouping, measure, key) for result, grouping in ((left, one), (right, two)))
        for group in [grouping for grouping in first if grouping in second]:
            rate, other = first[group], second[group]
            overlap = None
            if rate.interval is not None and other.interval is not None:
                overlap = rate.interval[0] <= other.interval[1] and other.interval[0] <= rate.interval[1]
            yield rc.Unpaired(
                measure=measure, attributes=one.attributes, group=group, first=rate.rate, first_interval=rate.interval,
                second=other.rate, second_interval=other.interval, overlap=overlap,
            )  # fmt: skip


def _rates_of(result: ComparedResult, grouping: record.Grouping, measure: str, key: PointKey | None) -> dict[str, record.Rate]:
    """Return the rate of each group, by name.

    Of several designs it is the one by which groups are compared.
    """
    if key is None:
        failures = [
            rate for by in result.evaluation.extraction.by_group if by.attributes == grouping.attributes for rate in by.rates
        ]
        return {rate.group: rate for rate in failures}
    at = list(result.points).index(key)
    rates: list[record.Rate] = getattr(grouping.operating_points[at], measure)
    return {rate.group: rate for rate in rates if rate.design in ("within", "matched")}
