"""Several results on the samples that they share: every pair of models at an operating point, failures, league tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results
from faceparity.harness.comparisons.evidence import count_comparisons
from faceparity.harness.evaluation.preflight import groupings_of
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.model_comparison.common_comparisons import CommonComparisons, ModelEvidence
from faceparity.harness.model_comparison.compare import ByCell, by_group, compare, failures
from faceparity.harness.model_comparison.paired_bootstrap import Replicated
from faceparity.harness.model_comparison.private_evidence import JointEvidence, Private, are_protected, join_evidence
from faceparity.harness.model_comparison.ranking import leagues
from faceparity.harness.model_comparison.worst_groups import Pair
from faceparity.harness.results import comparison as rc
from faceparity.harness.uncertainty.model_differences import PairedCell, mated_cell
from faceparity.harness.verification.rates.verdict_rules import confirm_all, withhold
from faceparity.harness.verification.threshold.threshold_bootstrap import Reestimated, reestimate
from faceparity.harness.verification.threshold.threshold_pool import make_pool

I32 = NDArray[np.int32]
PointKey = tuple[str, float | None, int]


@dataclass(frozen=True)
class ComparedResult:
    """One result: its letter, its run, its record, and its private part or the reason why there is none."""

    id: str
    run: int
    evaluation: results.Evaluation
    private: Private | None
    reason: str

    @property
    def points(self) -> dict[PointKey, results.OperatingPoint]:
        """Return the operating points of the finest grouping.

        Their keys are origin, target, and how many of that kind come before.
        """
        points: dict[PointKey, results.OperatingPoint] = {}
        for point in self.evaluation.groupings[-1].operating_points if self.evaluation.groupings else ():
            earlier = sum(key[:2] == (point.origin, point.target_fmr) for key in points)
            points[point.origin, point.target_fmr, earlier] = point
        return points


class SharedSamples:
    """Several results on the samples that they share."""

    def __init__(
        self, entries: Sequence[ComparedResult], same_person: dict[str, float | None] | None, seed: int, workers: int
    ) -> None:
        evaluations = [entry.evaluation for entry in entries]
        parts = [entry.private for entry in entries if entry.private is not None]
        same = [None if same_person is None else same_person.get(entry.id) for entry in entries]
        self.entries, self.seed, self.workers = list(entries), seed, workers
        self.joint: JointEvidence = join_evidence(parts, evaluations, same)
        self.groupings = groupings_of(self.joint.cells, self.joint.subjects, protect=are_protected(evaluations))
        self.references = [_reference(evaluations, grouping) for grouping in self.groupings]
        self._attempted = _mated_attempted(self.joint)

    def at(self, key: PointKey, entries: Sequence[ComparedResult]) -> dict[str, object]:
        """Return pairs, second reading and league tables of a point."""
        thresholds = {entry.id: float(entry.points[key].threshold or 0.0) for entry in entries}
        first, replicates = self._reading(key, entries, thresholds)
        pairs = [
            self._compare(entry, opponent, first[i, j], thresholds)
            for (i, entry), (j, opponent) in combinations(enumerate(entries), 2)
        ]
        readings, second = [first], []
        if any(_needs_both_readings(entry.points[key]) for entry in entries):
            found = self._second(key, entries)
            if found is not None:
                second_pairs, cleaned, clean_thresholds = found
                readings.append(second_pairs)
                second = [
                    cleaned._compare(entry, opponent, second_pairs[i, j], clean_thresholds)
                    for (i, entry), (j, opponent) in combinations(enumerate(entries), 2)
                ]
            pairs = [_agreed(pair, second[k] if second else None) for k, pair in enumerate(pairs)]
        tables = leagues([entry.id for entry in entries], readings, self.groupings, key[0] == "target")
        if not second and len(readings) == 1 and any(entry.points[key].status == "contaminated" for entry in entries):
            tables = []
        withheld = next((reason for entry in entries if (reason := _without_verdicts(entry.points[key])) is not None), None)
        if withheld is not None:
            pairs, tables = [_withheld(pair, withheld) for pair in pairs], []
        return {"pairs": pairs, "second": second, "leagues": tables, "replicates": replicates}

    def _second(
        self, key: PointKey, entries: Sequence[ComparedResult]
    ) -> tuple[dict[tuple[int, int], Pair], SharedSamples, dict[str, float]] | None:
        """Read again without comparisons that look like one person.

        They look so to any of the models. None where such a reading has no threshold.
        """
        same, thresholds = {}, {}
        for entry in entries:
            point = entry.points[key]
            clean = point.without_likely_same_person or point
            if clean.threshold is None:
                return None
            same[entry.id] = None if point.same_person is None else point.same_person.threshold
            thresholds[entry.id] = clean.threshold
        cleaned = SharedSamples(self.entries, same, self.seed, self.workers)
        return cleaned._reading(key, entries, thresholds)[0], cleaned, thresholds

    def _reading(
        self, key: PointKey, entries: Sequence[ComparedResult], thresholds: dict[str, float]
    ) -> tuple[dict[tuple[int, int], Pair], int]:
        """Return every pair of models, and the number of replicates."""
        by_id = {entry.id: self._again(key, entry) for entry in entries} if key[0] == "target" else {}
        counts = [len(reestimated.replicates.threshold) for reestimated in by_id.values() if reestimated is not None]
        replicates = min(counts, default=0)  # of every model, as a league sets all of them side by side
        pairs = {}
        for (i, entry), (j, opponent) in combinations(enumerate(entries), 2):
            one, two = by_id.get(entry.id), by_id.get(opponent.id)
            replicated = None
            if one is not None and two is not None:
                replicated = Replicated(one.replicates.first(replicates), two.replicates.first(replicates))
            common = CommonComparisons(self._side(entry, thresholds), self._side(opponent, thresholds))
            by_cell: ByCell = {"fmr": by_group(common, self.groupings[-1], "fmr")}
            if common.mated.size:
                by_cell["fnmr"] = by_group(common, self.groupings[-1], "fnmr")
            pairs[i, j] = Pair(common, by_cell, replicated)
        return pairs, replicates if len(counts) == len(by_id) else 0

    def _side(self, entry: ComparedResult, thresholds: dict[str, float]) -> ModelEvidence:
        evidence = self.joint.evidence[self.entries.index(entry)]
        return ModelEvidence(entry.id, evidence, np.arange(evidence.subjects.size), thresholds[entry.id])

    def _again(self, key: PointKey, entry: ComparedResult) -> Reestimated | None:
        """Estimate the threshold again in replicates of the shared samples.

        None where it was not set on a pool, or the group that set it is not there.
        """
        evidence, target = self.joint.evidence[self.entries.index(entry)], key[1]
        pool = entry.points[key].pool
        if pool is None or target is None:
            return None
        table, _ = count_comparisons(evidence.subjects, evidence.cells.of_sample, evidence.cells.n)
        try:
            shared_pool = make_pool(pool.name, evidence.cells, evidence.subjects, table, self.groupings[-1])
        except UserError:  # the group that set it is not there on the shared samples
            return None
        return reestimate(evidence, self.groupings[-1], shared_pool, target, self.seed, self.workers)

    def _compare(
        self, first: ComparedResult, second: ComparedResult, pair: Pair, thresholds: dict[str, float]
    ) -> results.ModelComparison:
        failing = self._including_failures(first, second, thresholds)
        sides = [self._side(entry, thresholds) for entry in (first, second)]
        comparison = compare(
            sides[0], sides[1], self.groupings, self.references, replicated=pair.replicated, including_failures=failing
        )
        compared = comparison.non_mated + comparison.mated
        left_out = [
            entry.evaluation.comparisons.non_mated + entry.evaluation.comparisons.mated - compared for entry in (first, second)
        ]
        return comparison.model_copy(update={"left_out_first": left_out[0], "left_out_second": left_out[1]})

    def _including_failures(
        self, first: ComparedResult, second: ComparedResult, thresholds: dict[str, float]
    ) -> Callable[[SampleGrouping], list[PairedCell | None]] | None:
        """Return a function for each group's FRR.

        None where no failure touches a mated comparison of either.
        """
        one_sample, other_sample = self._attempted
        failed = [self.joint.failed[self.entries.index(entry)] for entry in (first, second)]
        if not any((without_template[one_sample] | without_template[other_sample]).any() for without_template in failed):
            return None
        wrong = []
        for entry, without_template in zip((first, second), failed, strict=True):
            low = self.joint.low_mated(self.entries.index(entry), thresholds[entry.id])
            wrong.append(
                without_template[one_sample]
                | without_template[other_sample]
                | np.isin(one_sample * np.int64(without_template.size) + other_sample, low)
            )

        def cells(grouping: SampleGrouping) -> list[PairedCell | None]:
            group = grouping.of(self.joint.cells.of_sample)
            inside = np.where(group[one_sample] == group[other_sample], group[one_sample], -1)
            return _by_person(self.joint.subjects[one_sample], inside, grouping.n, wrong[0], wrong[1])

        return cells

    def failed_together(self, i: int, j: int) -> PairedCell | None:
        """Return the paired cell of FTX of two models."""
        group = np.zeros(self.joint.subjects.size, np.int32)
        return _by_person(self.joint.subjects, group, 1, self.joint.failed[i], self.joint.failed[j])[0]

    def failures(self) -> Iterator[rc.FailureComparison]:
        """Yield the comparison of FTX of every two models."""
        for (i, first), (j, second) in combinations(enumerate(self.entries), 2):

            def cells(grouping: SampleGrouping, i: int = i, j: int = j) -> list[PairedCell | None]:
                group = grouping.of(self.joint.cells.of_sample)
                return _by_person(self.joint.subjects, group, grouping.n, self.joint.failed[i], self.joint.failed[j])

            overall, parts = failures(self.groupings, self.references, cells)
            yield rc.FailureComparison(
                first=first.id, second=second.id, samples=int(self.joint.subjects.size), overall=overall, groupings=parts
            )


def _by_person(subjects: I32, group: I32, n: int, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> list[PairedCell | None]:
    """Return each group's paired cell of trials of single subjects.

    first, second: bool, of each trial, whether the model got it wrong. None for a group without trials.
    """
    cells: list[PairedCell | None] = []
    for g in range(n):
        in_group = group == g
        ids, subject_of, trials = np.unique(subjects[in_group], return_inverse=True, return_counts=True)
        by = [np.bincount(subject_of.reshape(-1), errors[in_group].astype(np.float64), ids.size) for errors in (first, second)]
        wrong = np.asarray(np.stack(by, axis=1), np.float64)
        both = int((first[in_group] & second[in_group]).sum())
        cells.append(mated_cell(ids.astype(np.int32), trials.astype(np.float64), wrong, both) if ids.size else None)
    return cells


def _mated_attempted(joint: JointEvidence) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every mated pair of samples, low and high.

    Pairs that some result left out are not among them.
    """
    order = np.argsort(joint.subjects, kind="stable").astype(np.int64)
    ends = np.flatnonzero(np.append(np.diff(joint.subjects[order]) != 0, True)) + 1
    blocks = np.split(order, ends[:-1]) if order.size else []
    upper = [np.stack(np.triu_indices(len(block), 1)) for block in blocks]
    pairs = [np.sort(block[index_pairs], axis=0) for block, index_pairs in zip(blocks, upper, strict=True) if index_pairs.size]
    if not pairs:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    low, high = np.concatenate(pairs, axis=1)
    keep = ~np.isin(low * joint.subjects.size + high, joint.left_out)
    return low[keep], high[keep]


def _reference(evaluations: Sequence[results.Evaluation], grouping: SampleGrouping) -> str | None:
    """Return the first result's reference group of a grouping.

    None if it has none, or no group of that name is there.
    """
    for recorded in evaluations[0].groupings:
        if tuple(recorded.attributes) == grouping.attributes and recorded.reference in grouping.names:
            return recorded.reference
    return None


def _needs_both_readings(point: results.OperatingPoint) -> bool:
    """Return whether a verdict at a point needs both readings.

    That is so without subject labels, where many comparisons look like one person.
    """
    labelled = point.same_person is not None and point.same_person.labelled
    return not labelled and (point.without_likely_same_person is not None or point.status == "contaminated")


def _without_verdicts(point: results.OperatingPoint) -> results.Reason | None:
    """Return why no verdict may rest on a point's threshold, if none may."""
    return point.reason if point.threshold is not None and point.reason != "contaminated" else None


def _withheld(pair: results.ModelComparison, reason: str) -> results.ModelComparison:
    """Return a comparison of two models without verdicts."""
    groupings = [
        grouping.model_copy(
            update={
                "changes": withhold(grouping.changes, reason),
                "including_failures": withhold(grouping.including_failures, reason),
            }
        )
        for grouping in pair.groupings
    ]
    return pair.model_copy(update={"overall": withhold(pair.overall, reason), "groupings": groupings})


def _agreed(first: results.ModelComparison, second: results.ModelComparison | None) -> results.ModelComparison:
    """Keep the verdicts that the second reading shares.

    Without a second reading there are none.
    """

    def confirmed(changes: list[results.ModelChange], others: list[results.ModelChange]) -> list[results.ModelChange]:
        return confirm_all(changes, others, lambda change: (change.measure, change.quantity, change.design, change.group))

    groupings = []
    for k, grouping in enumerate(first.groupings):
        other = second.groupings[k].changes if second is not None else []
        groupings.append(grouping.model_copy(update={"changes": confirmed(grouping.changes, other)}))
    overall = confirmed(first.overall, second.overall if second is not None else [])
    return first.model_copy(update={"overall": overall, "groupings": groupings})
