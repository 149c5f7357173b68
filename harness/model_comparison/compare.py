"""Two models on one data set: by group, what each gets wrong of the comparisons that both made, and whether disparities differ.

Each model is taken at a threshold of its own. At one set for a target FMR on these very data the pool's FMR is equal by
construction: what can differ there is how errors fall on the groups, and FNMR. Intervals take both thresholds as given, unless
replicates are handed over in which both were found anew: then no variance is less than over these.

In a set without subject labels hidden repeats of one person are errors of every model. The second reading, without them, comes of
evidence from which they were taken (`comparisons.evidence.without_comparisons`): what one of the two left out is left out of both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping, cells_of
from faceparity.harness.model_comparison.common_comparisons import CommonComparisons, ModelEvidence
from faceparity.harness.model_comparison.paired_bootstrap import ChangeSpread, Replicated
from faceparity.harness.uncertainty.models import (
    Change,
    PairedCell,
    compare_disparities,
    compare_models,
    effective_errors,
    widened,
)
from faceparity.harness.verification.rates.verdict_rules import (
    EFFECTIVE_DISCORDANT,
    EFFECTIVE_IN_HIGHER,
    SHOWN_FROM,
    enough_errors,
    settle,
)

Measure = Literal["fmr", "fnmr", "ftx", "frr"]
Cells = list[PairedCell]
ByCell = dict[Measure, list[PairedCell | None]]


@dataclass(frozen=True)
class Groups:
    """The cells of every group of one grouping, by measure; None where undefined, with the reason. own: which of the finest."""

    design: results.Design
    own: list[list[int]]
    cells: dict[Measure, list[Cells | results.Reason]]


def compare(
    first: ModelEvidence,
    second: ModelEvidence,
    groupings: Sequence[SampleGrouping],
    references: Sequence[str | None] | None = None,
    *,
    replicated: Replicated | None = None,
    including_failures: Callable[[SampleGrouping], list[PairedCell | None]] | None = None,
) -> results.ModelComparison:
    """Every rate of the first model against the second's, and every disparity.

    groupings: of the cells of both, the finest last. references: each grouping's reference group; None: the group with most
    subjects, ties by name. replicated: over the groups of the finest grouping. including_failures: each group's FRR.
    Raises UserError where the two were not run on one data set with one grouping.
    """
    common = CommonComparisons(first, second)
    finest = groupings[-1]
    measures: tuple[Literal["fmr", "fnmr"], ...] = ("fmr", "fnmr") if common.mated.size else ("fmr",)
    by_cell: ByCell = {m: by_group(common, finest, m) for m in measures}
    failing: ByCell = {"frr": including_failures(finest)} if including_failures is not None else {}
    parts = []
    for k, grouping in enumerate(groupings):
        reference = (references[k] if references is not None else None) or _largest(common, grouping)
        told = _changes(common, grouping, finest, by_cell, reference, replicated)
        frr = _changes(common, grouping, finest, failing, reference, None).changes
        parts.append(told.model_copy(update={"including_failures": frr}))
    tallies = [s.evidence.tally for s in (first, second)]
    left = [t.n_non_mated + t.n_mated - common.non_mated.total - int(common.mated.size) for t in tallies]
    return results.ModelComparison(
        first=first.name,
        second=second.name,
        threshold_first=first.threshold,
        threshold_second=second.threshold,
        non_mated=common.non_mated.total,
        mated=int(common.mated.size),
        left_out_first=left[0],
        left_out_second=left[1],
        overall=_overall(common, finest, by_cell, replicated, failing),
        groupings=parts,
    )


def by_group(common: CommonComparisons, grouping: SampleGrouping, measure: Measure) -> list[PairedCell | None]:
    """The paired cell of each group; None where there is none."""
    return common.non_mated_by_group(grouping) if measure == "fmr" else common.mated_by_group(grouping)


def _largest(common: CommonComparisons, grouping: SampleGrouping) -> str | None:
    """The group of most subjects, ties by name; never one that stands for merged ones."""
    group = common.groups(grouping)
    sizes = [np.unique(common.subjects[group == g]).size for g in range(grouping.n)]
    candidates = [g for g in range(grouping.n) if not grouping.merged[g]]
    return min((grouping.names[g] for g in candidates), key=lambda n: (-sizes[grouping.names.index(n)], n), default=None)


def _why_none(common: CommonComparisons, measure: Measure) -> results.Reason:
    if measure != "fmr":
        return "no_mated_pairs"
    return "zero_comparisons" if common.reached else "below_ledger"


def finest_cells_of(grouping: SampleGrouping, finest: SampleGrouping, g: int) -> list[int]:
    """The groups of the finest grouping that make up group g."""
    return [g] if grouping.attributes == finest.attributes else cells_of(grouping, finest, g)


def cells_of_groups(common: CommonComparisons, grouping: SampleGrouping, finest: SampleGrouping, by_cell: ByCell) -> Groups:
    """`matched`, as everywhere: the mean over the finest cells, each of 30 subjects or more; the finest themselves, `within`."""
    whole = grouping.attributes == finest.attributes
    out: dict[Measure, list[Cells | results.Reason]] = {m: [] for m in by_cell}
    owns = [finest_cells_of(grouping, finest, g) for g in range(grouping.n)]
    for measure, cells in by_cell.items():
        for own in owns:
            found = [c for i in own if (c := cells[i]) is not None]
            if not own or len(found) < len(own):
                out[measure].append(_why_none(common, measure))
            elif any(c.ids.size < SHOWN_FROM for c in found) or (not whole and any(finest.merged[i] for i in own)):
                out[measure].append("too_few_subjects" if whole else "cells_too_small")
            else:
                out[measure].append(found)
    return Groups("within" if whole else "matched", owns, out)


def _changes(
    common: CommonComparisons,
    grouping: SampleGrouping,
    finest: SampleGrouping,
    by_cell: ByCell,
    reference: str | None,
    replicated: Replicated | None,
) -> results.ModelChanges:
    """Rates of every group, then disparities of all but the reference."""
    groups = cells_of_groups(common, grouping, finest, by_cell)
    shared = common.shared_subjects
    usual, disparities = [], []
    base_at = grouping.names.index(reference) if reference is not None else None
    for measure, cells in groups.cells.items():
        base = cells[base_at] if base_at is not None else "reference_undefined"
        for g, name in enumerate(grouping.names):
            if grouping.merged[g]:
                continue
            usual.append(_rate(measure, groups.design, name, cells[g], shared, _spread(replicated, measure, groups.own[g])))
            if base_at is not None and reference is not None and g != base_at:
                spread = _spread(replicated, measure, groups.own[g], groups.own[base_at])
                disparities.append(_disparity(measure, groups.design, name, reference, cells[g], base, shared, spread))
    return results.ModelChanges(
        attributes=list(grouping.attributes), reference=reference, changes=[*_settle(usual), *_settle(disparities)]
    )


def _spread(
    replicated: Replicated | None, measure: Measure, own: Sequence[int], base: Sequence[int] | None = None
) -> ChangeSpread | None:
    """Over the replicates, if there are any for this."""
    if replicated is None or (measure != "fmr" and measure != "fnmr"):
        return None
    return replicated.of_rate(measure, own) if base is None else replicated.of_disparity(measure, own, base)


def large_cells(cells: Sequence[PairedCell | None]) -> list[int]:
    """The groups of the finest grouping that make up the mean over groups: those of 30 subjects or more, or all that there are."""
    made = [g for g, c in enumerate(cells) if c is not None]
    return [g for g in made if (c := cells[g]) is not None and c.ids.size >= SHOWN_FROM] or made


def _overall(
    common: CommonComparisons, finest: SampleGrouping, by_cell: ByCell, replicated: Replicated | None, failing: ByCell
) -> list[results.ModelChange]:
    """On the mean over groups, and on all pairs."""
    everyone = SampleGrouping((), ("all pairs",), (("all pairs",),), np.zeros(finest.of_cell.size, np.int32), (0,))
    out = []
    for measure, cells in [*by_cell.items(), *failing.items()]:
        own = large_cells(cells)
        large = [c for g in own if (c := cells[g]) is not None]
        spread = _spread(replicated, measure, own)
        out.append(_rate(measure, "matched", "pool", large or _why_none(common, measure), common.shared_subjects, spread))
        if measure in by_cell:
            everybody = by_group(common, everyone, measure)[0]
            out.append(_rate(measure, "all", "all pairs", [everybody] if everybody else _why_none(common, measure), False))
    return _settle(out)


def failures(
    groupings: Sequence[SampleGrouping],
    references: Sequence[str | None],
    cells: Callable[[SampleGrouping], list[PairedCell | None]],
) -> tuple[results.ModelChange, list[results.ModelChanges]]:
    """FTX of two models on the samples that both were given: of everybody, and by group, each grouping a family of its own.

    cells: each group's paired cell, trials being samples.
    """
    everyone = SampleGrouping((), ("all",), (("all",),), np.zeros(groupings[-1].of_cell.size, np.int32), (0,))
    whole = cells(everyone)[0]
    overall = _settle([_rate("ftx", "all", "all", [whole] if whole else "zero_comparisons", False)])[0]
    parts = []
    for grouping, reference in zip(groupings, references, strict=True):
        each = cells(grouping)
        told = [
            _rate("ftx", "within", name, [c] if (c := each[g]) is not None else "zero_comparisons", False)
            for g, name in enumerate(grouping.names)
            if not grouping.merged[g]
        ]
        parts.append(results.ModelChanges(attributes=list(grouping.attributes), reference=reference, changes=_settle(told)))
    return overall, parts


def _subjects(cells: Cells) -> int:
    return int(np.unique(np.concatenate([c.ids for c in cells])).size)


def _rate(
    measure: Measure,
    design: results.Design,
    group: str,
    cells: Cells | results.Reason,
    shared: bool,
    spread: ChangeSpread | None = None,
) -> results.ModelChange:
    none = results.ModelChange(
        measure=measure, quantity="rate", design=design, group=group, subjects=0, comparisons=0, verdict="none"
    )
    if isinstance(cells, str):
        return none.model_copy(update={"reason": cells})
    known = {"subjects": _subjects(cells), "comparisons": sum(c.comparisons for c in cells)}
    if known["subjects"] < SHOWN_FROM:
        return none.model_copy(update={**known, "reason": "too_few_subjects"})
    change = _widened(compare_models(cells, shared), spread)
    return none.model_copy(update={**known, **_figures(cells, change), **_again(spread)})


def _widened(change: Change, spread: ChangeSpread | None) -> Change:
    return change if spread is None else widened(change, spread.log_variance, spread.difference_variance)


def _again(spread: ChangeSpread | None) -> dict[str, Any]:
    return {} if spread is None else {"interval_reestimated": spread.interval}


def tested(cells: Cells, change: Change) -> Change | None:
    """The change with the p that a verdict may rest on; None where there are too few errors for any.

    Past the gates of `Contrast` it is the ratio's. With few errors of the better model a ratio says little, but the models were
    wrong on the same comparisons or not: with 30 effective ones on which they differ, p is the difference's.
    """
    enough = enough_errors(change.ratio or 1.0, *(effective_errors(cells, model) for model in (0, 1)))
    if enough and change.ratio is not None and change.effective_discordant >= EFFECTIVE_DISCORDANT:
        return change if change.p is not None else None
    if change.effective_discordant >= EFFECTIVE_IN_HIGHER and change.p_difference is not None:
        return change._replace(p=change.p_difference)
    return None


def _figures(cells: Cells, change: Change) -> dict[str, Any]:
    """The fields of a change of rates, and what may be said of it before Holm."""
    called = tested(cells, change)
    return {
        "errors_first": sum(c.errors[0] for c in cells),
        "errors_second": sum(c.errors[1] for c in cells),
        "errors_both": sum(c.both for c in cells),
        **_shown(called or change, called is not None),
    }


def _shown(change: Change, enough: bool) -> dict[str, Any]:
    reason = None if enough and change.p is not None else "zero_errors" if change.ratio is None else "too_few_errors"
    return {
        "first": change.first,
        "second": change.second,
        "difference": change.difference,
        "difference_interval": change.difference_interval,
        "ratio": change.ratio,
        "interval": change.interval,
        "df": change.df,
        "p": change.p,
        "effective_discordant": change.effective_discordant,
        "verdict": "inconclusive",
        "reason": reason,
    }


def _disparity(
    measure: Measure,
    design: results.Design,
    group: str,
    reference: str,
    cells: Cells | results.Reason,
    base: Cells | results.Reason,
    shared: bool,
    spread: ChangeSpread | None = None,
) -> results.ModelChange:
    none = results.ModelChange(
        measure=measure, quantity="disparity", design=design, group=group, reference=reference, subjects=0, comparisons=0,
        verdict="none",
    )  # fmt: skip
    if isinstance(base, str):
        return none.model_copy(update={"reason": base})
    if isinstance(cells, str):
        return none.model_copy(update={"reason": cells})
    both = [*cells, *base]
    known = {"subjects": _subjects(both), "comparisons": sum(c.comparisons for c in both)}
    change = compare_disparities(cells, base, shared)
    if change is None:
        return none.model_copy(update={**known, "verdict": "inconclusive", "reason": "zero_errors"})
    change = _widened(change, spread)
    sides = [(effective_errors(cells, m), effective_errors(base, m)) for m in (0, 1)]
    enough = all(enough_errors(r, *s) for r, s in zip((change.first, change.second), sides, strict=True))
    shown = _shown(change, enough and change.effective_discordant >= EFFECTIVE_DISCORDANT)
    return none.model_copy(update={**known, **shown, **_again(spread)})


def _settle(changes: list[results.ModelChange]) -> list[results.ModelChange]:
    """Holm and BH over the family, then the verdicts; a change that only its errors kept from a test stays in the family."""

    def difference(c: results.ModelChange) -> float | None:
        return None if c.p is None or c.first is None or c.second is None else c.first - c.second

    return settle(changes, difference, lambda c: c.reason, exploring=True)
