"""Whether mated comparisons score above non-mated ones: if not, no verdict stands.

Scores taken the wrong way round, a network that is fed with something else than it expects, the wrong face of several and wrong
labels of people all show in this, whatever else they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.comparisons.tally import I64, ScoreBins, Scores
from faceparity.harness.groups.groupings import SampleGrouping, one_group
from faceparity.harness.verification.rates.verdict_rules import BOUND_BELOW, FNMR_LIMIT, MATED_ABOVE_FROM, SHOWN_FROM, withhold

RATIOS = ("ratio_log_half_width", "ratio_at_least")
"""Fields of a swept rate that tell of its ratio to the reference's."""
P = TypeVar("P", bound=results.Part)


@dataclass(frozen=True)
class ScoreOrder:
    """How far mated comparisons score above non-mated ones, of everybody and by group; computed when it is first asked for."""

    evidence: Evidence
    _groups: dict[tuple[str, ...], frozenset[str]] = field(default_factory=dict, init=False)

    @cached_property
    def mated_above(self) -> float | None:
        """Return what `largest_share_above` gives for all comparisons."""
        return shares_above(self.evidence, one_group(self.evidence.cells, "all pairs"))[0]

    @property
    def is_reversed(self) -> bool:
        """Return whether mated comparisons are not above non-mated ones, or hardly."""
        return _not_above(self.mated_above)

    def reversed_groups(self, grouping: SampleGrouping) -> frozenset[str]:
        """Return the groups of which that is so.

        Of those with 30 subjects or more that have mated comparisons.
        """
        if grouping.attributes not in self._groups:
            shares, sizes = shares_above(self.evidence, grouping), _subjects_with_mates(self.evidence, grouping)
            self._groups[grouping.attributes] = frozenset(
                name
                for name, share, size in zip(grouping.names, shares, sizes, strict=True)
                if size >= SHOWN_FROM and _not_above(share)
            )
        return self._groups[grouping.attributes]

    def withheld(self, threshold: float, *, is_target: bool) -> results.Withheld | None:
        """Return why no verdict is given at a threshold.

        None where nothing stands in its way. is_target: the threshold was set for an FMR, so that half of the mated comparisons
        missed say that the model hardly tells people apart, and not only that somebody wanted a strict threshold.
        """
        mated = self.evidence.tally.mated_pairs.score
        missed = int((mated < self.evidence.tally.grid.exact(threshold)).sum())
        over_half = is_target and missed >= BOUND_BELOW and missed > FNMR_LIMIT * mated.size
        if not (self.is_reversed or over_half):
            return None
        return results.Withheld(
            reason="mated_not_above" if self.is_reversed else "fnmr_over_half",
            mated_above=self.mated_above,
            errors=missed,
            comparisons=int(mated.size),
        )


def _not_above(share: float | None) -> bool:
    return share is not None and share <= MATED_ABOVE_FROM


def apply_to_point(point: results.OperatingPoint, grouping: SampleGrouping, order: ScoreOrder) -> results.OperatingPoint:
    """Return an operating point with its verdicts withheld, where they are.

    All of them where the comparisons of everybody say so, else those on the groups whose own do.
    """
    if point.threshold is None:
        return point
    withheld, groups = order.withheld(point.threshold, is_target=point.origin == "target"), order.reversed_groups(grouping)

    def reason(contrast: results.Contrast) -> str | None:
        """Return why a contrast has no verdict."""
        if withheld is not None:
            return withheld.reason
        return "mated_not_above" if {contrast.group, contrast.reference} & groups else None

    return point.model_copy(update={"withheld": withheld, "contrasts": withhold(point.contrasts, reason)})


def largest_share_above(edges: Scores, non_mated: I64, ledger: I64, mated_scores: Scores, ledger_scores: Scores) -> float | None:
    """Return the largest that P(mated > non-mated) + P(equal) / 2 can be.

    One half is chance. Exact for non-mated scores in the ledger; those below its floor count as the lower end of their bin. None
    without comparisons of both kinds.

    edges: of bins, rising. non_mated, ledger: int64[bins], non-mated comparisons of each bin, and those of them in the ledger.
    mated_scores, ledger_scores: every mated score, and every non-mated one in the ledger.
    """
    mated, total = np.sort(mated_scores), int(non_mated.sum())
    if not mated.size or not total:
        return None
    least = edges[:-1].astype(np.float64)
    least[0] = -np.inf  # scores below the first edge count in the first bin
    above_bin = mated.size - np.searchsorted(mated, least, side="left")
    left, right = (np.searchsorted(mated, ledger_scores, side=side) for side in ("left", "right"))
    above = float((above_bin * np.maximum(non_mated - ledger, 0)).sum()) + float((mated.size - (left + right) / 2).sum())
    return min(1.0, above / (mated.size * total))


def shares_above(evidence: Evidence, grouping: SampleGrouping) -> list[float | None]:
    """Return `largest_share_above` of each group, both samples in it."""
    tally, cells = evidence.tally, evidence.cells.of_sample
    group = grouping.of(cells)
    mated, ledger = (_by_group(pairs.a, pairs.b, pairs.score, group, grouping.n) for pairs in (tally.mated_pairs, tally.ledger))
    out = []
    for index in range(grouping.n):
        inside = np.flatnonzero(grouping.of_cell == index)
        counts = tally.non_mated[np.ix_(inside, inside)].sum(axis=(0, 1), dtype=np.int64)
        in_ledger = _histogram(tally.grid, ledger[index])
        out.append(largest_share_above(tally.grid.edges, counts, in_ledger, mated[index], ledger[index]))
    return out


def _by_group(a: NDArray[np.int32], b: NDArray[np.int32], score: Scores, group: NDArray[np.int32], n: int) -> list[Scores]:
    """Return the scores of each group's comparisons."""
    owner = np.where(group[a] == group[b], group[a], -1)
    order = np.argsort(owner, kind="stable")
    ends = np.searchsorted(owner[order], np.arange(-1, n), side="right")
    return np.split(score[order], ends)[1 : n + 1]


def _histogram(grid: ScoreBins, scores: Scores) -> I64:
    return np.bincount(grid.bin(scores), minlength=grid.n).astype(np.int64)


def _subjects_with_mates(evidence: Evidence, grouping: SampleGrouping) -> list[int]:
    """Return how many people of each group have a mated comparison in it."""
    pairs, group = evidence.tally.mated_pairs, grouping.of(evidence.cells.of_sample)
    subjects = _by_group(pairs.a, pairs.b, evidence.subjects[pairs.a], group, grouping.n)  # type: ignore[arg-type]
    return [int(np.unique(of_group).size) for of_group in subjects]


def withhold_within(part: P, reason: str) -> P:
    """Return part of a record with every verdict in it withheld.

    Those on failures to extract stay: no score is behind them.
    """
    changes: dict[str, object] = {}
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, results.Part):
            changes[name] = withhold_within(value, reason)
        elif isinstance(value, list) and any(isinstance(item, results.Part) for item in value):
            changes[name] = [withhold_within(item, reason) for item in value]
    found = part.model_copy(update=changes)
    is_verdict = getattr(found, "verdict", None) is not None and getattr(found, "measure", None) != "ftx"
    return withhold([found], reason)[0] if is_verdict else found  # type: ignore[type-var]


def withhold_paired(
    paired: Sequence[results.Paired], points: Sequence[results.OperatingPoint], order: ScoreOrder
) -> list[results.Paired]:
    """Return controlled experiments with verdicts withheld.

    As at the run's operating points, found by origin, target and threshold.
    """
    if order.is_reversed:
        return [withhold_within(entry, "mated_not_above") for entry in paired]
    reasons = {(point.origin, point.target_fmr, point.threshold): point.withheld.reason for point in points if point.withheld}
    out = []
    for entry in paired:
        at = [(point, reasons.get((point.origin, point.target_fmr, point.threshold))) for point in entry.operating_points]
        found = [point if reason is None else withhold_within(point, reason) for point, reason in at]
        out.append(entry.model_copy(update={"operating_points": found}))
    return out


def without_ratios(sweep: results.Sweep | None, order: ScoreOrder) -> results.Sweep | None:
    """Return a sweep without ratios' intervals where no verdict stands."""
    if sweep is None or not order.is_reversed:
        return sweep
    rates = []
    for rate in sweep.rates:
        told = {name: value for name in RATIOS if (value := getattr(rate, name, None)) is not None}
        rates.append(rate.model_copy(update={name: [None] * len(value) for name, value in told.items()}))
    return sweep.model_copy(update={"rates": rates})
