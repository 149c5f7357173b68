"""Several results on the samples that they share: every pair of models at an operating point, failures, leagues."""

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
from faceparity.harness.model_comparison.private_evidence import JointEvidence, Private, join_evidence
from faceparity.harness.model_comparison.ranking import leagues
from faceparity.harness.model_comparison.worst_groups import Pair
from faceparity.harness.results import comparison as rc
from faceparity.harness.uncertainty.models import PairedCell, mated_cell
from faceparity.harness.verification.rates.verdict_rules import confirm_all
from faceparity.harness.verification.threshold.threshold_bootstrap import Reestimated, reestimate
from faceparity.harness.verification.threshold.threshold_pool import make_pool

I32 = NDArray[np.int32]
PointKey = tuple[str, float | None, int]


@dataclass(frozen=True)
class ComparedResult:
    """One result: its place among all, its record, and its private part or why there is none."""

    id: str
    run: int
    evaluation: results.Evaluation
    private: Private | None
    reason: str

    @property
    def points(self) -> dict[PointKey, results.OperatingPoint]:
        """Operating points of the finest grouping by origin, target and how many of that kind came before."""
        out: dict[PointKey, results.OperatingPoint] = {}
        for p in self.evaluation.groupings[-1].operating_points if self.evaluation.groupings else ():
            n = sum(key[:2] == (p.origin, p.target_fmr) for key in out)
            out[p.origin, p.target_fmr, n] = p
        return out


class SharedSamples:
    """Several results on the samples that they share."""

    def __init__(
        self, entries: Sequence[ComparedResult], same_person: dict[str, float | None] | None, seed: int, workers: int
    ) -> None:
        evaluations = [x.evaluation for x in entries]
        parts = [x.private for x in entries if x.private is not None]
        same = [None if same_person is None else same_person.get(x.id) for x in entries]
        self.entries, self.seed, self.workers = list(entries), seed, workers
        self.joint: JointEvidence = join_evidence(parts, evaluations, same)
        merge = not all(e.dataset.labels_public for e in evaluations)
        self.groupings = groupings_of(self.joint.cells, self.joint.subjects, merge=merge)
        self.references = [_reference(evaluations, g) for g in self.groupings]
        self._attempted = _mated_attempted(self.joint)

    def at(self, key: PointKey, able: Sequence[ComparedResult]) -> dict[str, object]:
        """Pairs, second reading and leagues of a point."""
        thresholds = {x.id: float(x.points[key].threshold or 0.0) for x in able}
        first, replicates = self._reading(key, able, thresholds)
        pairs = [self._compare(x, y, first[i, j], thresholds) for (i, x), (j, y) in combinations(enumerate(able), 2)]
        readings, second = [first], []
        if any(x.points[key].without_likely_same_person is not None or x.points[key].status == "contaminated" for x in able):
            other = self._second(key, able)
            if other is not None:
                again, cleaned, clean_thresholds = other
                readings.append(again)
                second = [
                    cleaned._compare(x, y, again[i, j], clean_thresholds) for (i, x), (j, y) in combinations(enumerate(able), 2)
                ]
            pairs = [_agreed(p, second[k] if second else None) for k, p in enumerate(pairs)]
        tables = leagues([x.id for x in able], readings, self.groupings, key[0] == "target")
        if not second and len(readings) == 1 and any(x.points[key].status == "contaminated" for x in able):
            tables = []
        return {"pairs": pairs, "second": second, "leagues": tables, "replicates": replicates}

    def _second(
        self, key: PointKey, able: Sequence[ComparedResult]
    ) -> tuple[dict[tuple[int, int], Pair], SharedSamples, dict[str, float]] | None:
        """Without comparisons that look like one person to any model; None where such a reading has no threshold."""
        same, thresholds = {}, {}
        for x in able:
            p = x.points[key]
            clean = p.without_likely_same_person or p
            if clean.threshold is None:
                return None
            same[x.id] = None if p.same_person is None else p.same_person.threshold
            thresholds[x.id] = clean.threshold
        cleaned = SharedSamples(self.entries, same, self.seed, self.workers)
        return cleaned._reading(key, able, thresholds)[0], cleaned, thresholds

    def _reading(
        self, key: PointKey, able: Sequence[ComparedResult], thresholds: dict[str, float]
    ) -> tuple[dict[tuple[int, int], Pair], int]:
        again = {x.id: self._again(key, x) for x in able} if key[0] == "target" else {}
        counts = [len(r.replicates.threshold) for r in again.values() if r is not None]
        replicates = min(counts, default=0)  # of every model, as a league sets all of them side by side
        out = {}
        for (i, x), (j, y) in combinations(enumerate(able), 2):
            one, two = again.get(x.id), again.get(y.id)
            replicated = None
            if one is not None and two is not None:
                replicated = Replicated(one.replicates.first(replicates), two.replicates.first(replicates))
            common = CommonComparisons(self._side(x, thresholds), self._side(y, thresholds))
            by_cell: ByCell = {"fmr": by_group(common, self.groupings[-1], "fmr")}
            if common.mated.size:
                by_cell["fnmr"] = by_group(common, self.groupings[-1], "fnmr")
            out[i, j] = Pair(common, by_cell, replicated)
        return out, replicates if len(counts) == len(again) else 0

    def _side(self, x: ComparedResult, thresholds: dict[str, float]) -> ModelEvidence:
        evidence = self.joint.evidence[self.entries.index(x)]
        return ModelEvidence(x.id, evidence, np.arange(evidence.subjects.size), thresholds[x.id])

    def _again(self, key: PointKey, x: ComparedResult) -> Reestimated | None:
        """Replicates in which the threshold is found anew on the shared samples."""
        evidence, target = self.joint.evidence[self.entries.index(x)], key[1]
        pool = x.points[key].pool
        if pool is None or target is None:
            return None
        table, _ = count_comparisons(evidence.subjects, evidence.cells.of_sample, evidence.cells.n)
        try:
            made = make_pool(pool.name, evidence.cells, evidence.subjects, table, self.groupings[-1], self.groupings)
        except UserError:  # the group that set it is not there on the shared samples
            return None
        return reestimate(evidence, self.groupings[-1], made, target, self.seed, self.workers)

    def _compare(self, x: ComparedResult, y: ComparedResult, pair: Pair, thresholds: dict[str, float]) -> results.ModelComparison:
        failing = self._including_failures(x, y, thresholds)
        sides = [self._side(z, thresholds) for z in (x, y)]
        told = compare(
            sides[0], sides[1], self.groupings, self.references, replicated=pair.replicated, including_failures=failing
        )
        made = told.non_mated + told.mated
        lost = [z.evaluation.comparisons.non_mated + z.evaluation.comparisons.mated - made for z in (x, y)]
        return told.model_copy(update={"left_out_first": lost[0], "left_out_second": lost[1]})

    def _including_failures(
        self, x: ComparedResult, y: ComparedResult, thresholds: dict[str, float]
    ) -> Callable[[SampleGrouping], list[PairedCell | None]] | None:
        """Each group's FRR, or None where no failure touches a mated comparison of either."""
        a, b = self._attempted
        failed = [self.joint.failed[self.entries.index(z)] for z in (x, y)]
        if not any((f[a] | f[b]).any() for f in failed):
            return None
        wrong = []
        for z, f in zip((x, y), failed, strict=True):
            low = self.joint.low_mated(self.entries.index(z), thresholds[z.id])
            wrong.append(f[a] | f[b] | np.isin(a * np.int64(f.size) + b, low))

        def cells(grouping: SampleGrouping) -> list[PairedCell | None]:
            group = grouping.of(self.joint.cells.of_sample)
            inside = np.where(group[a] == group[b], group[a], -1)
            return _by_person(self.joint.subjects[a], inside, grouping.n, wrong[0], wrong[1])

        return cells

    def failed_together(self, i: int, j: int) -> PairedCell | None:
        """FTX of two models, of all samples."""
        group = np.zeros(self.joint.subjects.size, np.int32)
        return _by_person(self.joint.subjects, group, 1, self.joint.failed[i], self.joint.failed[j])[0]

    def failures(self) -> Iterator[rc.FailureComparison]:
        """FTX of every two models."""
        for (i, x), (j, y) in combinations(enumerate(self.entries), 2):

            def cells(grouping: SampleGrouping, i: int = i, j: int = j) -> list[PairedCell | None]:
                group = grouping.of(self.joint.cells.of_sample)
                return _by_person(self.joint.subjects, group, grouping.n, self.joint.failed[i], self.joint.failed[j])

            overall, parts = failures(self.groupings, self.references, cells)
            yield rc.FailureComparison(
                first=x.id, second=y.id, samples=int(self.joint.subjects.size), overall=overall, groupings=parts
            )


def _by_person(subjects: I32, group: I32, n: int, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> list[PairedCell | None]:
    """Each group's cell of trials that belong to one subject, of which either model got some wrong."""
    out: list[PairedCell | None] = []
    for g in range(n):
        mine = group == g
        ids, place, trials = np.unique(subjects[mine], return_inverse=True, return_counts=True)
        by = [np.bincount(place.reshape(-1), w[mine].astype(np.float64), ids.size) for w in (first, second)]
        wrong = np.asarray(np.stack(by, axis=1), np.float64)
        both = int((first[mine] & second[mine]).sum())
        out.append(mated_cell(ids.astype(np.int32), trials.astype(np.float64), wrong, both) if ids.size else None)
    return out


def _mated_attempted(t: JointEvidence) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of samples of one subject, low and high, but for those that some result left out."""
    order = np.argsort(t.subjects, kind="stable").astype(np.int64)
    ends = np.flatnonzero(np.append(np.diff(t.subjects[order]) != 0, True)) + 1
    blocks = np.split(order, ends[:-1]) if order.size else []
    found = [np.stack(np.triu_indices(len(b), 1)) for b in blocks]
    pairs = [np.sort(b[f], axis=0) for b, f in zip(blocks, found, strict=True) if f.size]
    if not pairs:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    low, high = np.concatenate(pairs, axis=1)
    keep = ~np.isin(low * t.subjects.size + high, t.left_out)
    return low[keep], high[keep]


def _reference(evaluations: Sequence[results.Evaluation], grouping: SampleGrouping) -> str | None:
    """The first result's reference group, if there is one of that name."""
    for g in evaluations[0].groupings:
        if tuple(g.attributes) == grouping.attributes and g.reference in grouping.names:
            return g.reference
    return None


def _agreed(first: results.ModelComparison, second: results.ModelComparison | None) -> results.ModelComparison:
    """Verdicts that the second reading shares; without one, none."""

    def confirmed(changes: list[results.ModelChange], others: list[results.ModelChange]) -> list[results.ModelChange]:
        return confirm_all(changes, others, lambda c: (c.measure, c.quantity, c.design, c.group))

    groupings = []
    for k, g in enumerate(first.groupings):
        other = second.groupings[k].changes if second is not None else []
        groupings.append(g.model_copy(update={"changes": confirmed(g.changes, other)}))
    overall = confirmed(first.overall, second.overall if second is not None else [])
    return first.model_copy(update={"overall": overall, "groupings": groupings})
