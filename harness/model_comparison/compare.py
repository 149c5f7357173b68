"""Two models on one data set: what each gets wrong of the comparisons that both made, by group, and whether disparities differ.

Each model is taken at a threshold of its own. At one set for a target FMR on these very data the pool's FMR is equal by
construction: what can differ there is how errors fall on the groups, and FNMR. Intervals take both thresholds as given, unless
replicates are given in which both were estimated again: then no variance is less than over these.

In a set without subject labels hidden repeats of one person are errors of every model. The second reading, without them, comes
of evidence from which they were taken (`comparisons.evidence.without_comparisons`): what one of the two left out is left out of
both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping, cells_of, is_withheld_within
from faceparity.harness.model_comparison.common_comparisons import CommonComparisons, ModelEvidence
from faceparity.harness.model_comparison.paired_bootstrap import ChangeSpread, Replicated
from faceparity.harness.uncertainty.model_differences import (
    Change,
    PairedCell,
    compare_disparities,
    compare_models,
    effective_errors,
    widened,
)
from faceparity.harness.verification.rates.true_reasons import why_no_mean, why_not_tested
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
    """The cells of every group of one grouping, by measure.

    own: of each group, which cells of the finest grouping it consists of. cells: of each measure and group its
    cells, or the reason why there are none.
    """

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
    """Compare two models: every rate, and every disparity.

    groupings: of the cells of both, the finest last. references: each grouping's reference group; None: the group with most
    subjects, ties by name. replicated: over the groups of the finest grouping. including_failures: each group's FRR.
    Raises UserError where the two were not run on one data set with one grouping.
    """
    common = CommonComparisons(first, second)
    finest = groupings[-1]
    measures: tuple[Literal["fmr", "fnmr"], ...] = ("fmr", "fnmr") if common.mated.size else ("fmr",)
    by_cell: ByCell = {measure: by_group(common, finest, measure) for measure in measures}
    failing: ByCell = {"frr": including_failures(finest)} if including_failures is not None else {}
    parts = []
    for k, grouping in enumerate(groupings):
        reference = (references[k] if references is not None else None) or _largest(common, grouping)
        changes = _changes(common, grouping, finest, by_cell, reference, replicated)
        frr = _changes(common, grouping, finest, failing, reference, None).changes
        parts.append(changes.model_copy(update={"including_failures": frr}))
    tallies = [side.evidence.tally for side in (first, second)]
    left_out = [tally.n_non_mated + tally.n_mated - common.non_mated.total - int(common.mated.size) for tally in tallies]
    return results.ModelComparison(
        first=first.name,
        second=second.name,
        threshold_first=first.threshold,
        threshold_second=second.threshold,
        non_mated=common.non_mated.total,
        mated=int(common.mated.size),
        left_out_first=left_out[0],
        left_out_second=left_out[1],
        overall=_overall(common, finest, by_cell, replicated, failing),
        groupings=parts,
    )


def by_group(common: CommonComparisons, grouping: SampleGrouping, measure: Measure) -> list[PairedCell | None]:
    """Return the paired cell of each group, or None."""
    return common.non_mated_by_group(grouping) if measure == "fmr" else common.mated_by_group(grouping)


def _largest(common: CommonComparisons, grouping: SampleGrouping) -> str | None:
    """Return the group with most subjects, ties by name."""
    group = common.groups(grouping)
    sizes = [np.unique(common.subjects[group == g]).size for g in range(grouping.n)]
    return min(grouping.names, key=lambda name: (-sizes[grouping.names.index(name)], name), default=None)


def _why_none(common: CommonComparisons, measure: Measure, comparisons: Sequence[int] = ()) -> results.Reason:
    """Return why a group has no rate.

    comparisons: of those of its cells that have any, which are not all.
    """
    if measure == "fmr" and not common.reached:
        return "below_ledger"
    return why_no_mean([0, *comparisons], [], measure != "fmr")


def finest_cells_of(grouping: SampleGrouping, finest: SampleGrouping, g: int) -> list[int]:
    """Return the finest groups that make up group g."""
    return [g] if grouping.attributes == finest.attributes else cells_of(grouping, finest, g)


def cells_of_groups(common: CommonComparisons, grouping: SampleGrouping, finest: SampleGrouping, by_cell: ByCell) -> Groups:
    """Return the cells of every group, by measure.

    A group of the finest grouping is its own cell (`within`). Any other is the mean over its finest cells (`matched`), each of 30
    subjects or more.
    """
    is_finest = grouping.attributes == finest.attributes
    by_measure: dict[Measure, list[Cells | results.Reason]] = {name: [] for name in by_cell}
    owns = [finest_cells_of(grouping, finest, g) for g in range(grouping.n)]
    for measure, cells in by_cell.items():
        for g, members in enumerate(owns):
            found = [cell for i in members if (cell := cells[i]) is not None]
            if not members or len(found) < len(members):
                by_measure[measure].append(_why_none(common, measure, [] if is_finest else [cell.comparisons for cell in found]))
            elif any(cell.ids.size < SHOWN_FROM for cell in found) or is_withheld_within(grouping, finest, g):
                too_small = why_no_mean([cell.comparisons for cell in found], [], measure != "fmr")
                by_measure[measure].append("too_few_subjects" if is_finest else too_small)
            else:
                by_measure[measure].append(found)
    return Groups("within" if is_finest else "matched", owns, by_measure)


def _changes(
    common: CommonComparisons,
    grouping: SampleGrouping,
    finest: SampleGrouping,
    by_cell: ByCell,
    reference: str | None,
    replicated: Replicated | None,
) -> results.ModelChanges:
    """Return the changes of every group's rate and of disparities.

    Disparities are of all groups but the reference.
    """
    groups = cells_of_groups(common, grouping, finest, by_cell)
    shared = common.shared_subjects
    rates, disparities = [], []
    reference_index = grouping.names.index(reference) if reference is not None else None
    for measure, cells in groups.cells.items():
        base = cells[reference_index] if reference_index is not None else "reference_undefined"
        for g, name in enumerate(grouping.names):
            rates.append(_rate(measure, groups.design, name, cells[g], shared, _spread(replicated, measure, groups.own[g])))
            if reference_index is not None and reference is not None and g != reference_index:
                spread = _spread(replicated, measure, groups.own[g], groups.own[reference_index])
                disparities.append(_disparity(measure, groups.design, name, reference, cells[g], base, shared, spread))
    return results.ModelChanges(
        attributes=list(grouping.attributes), reference=reference, changes=[*_settle(rates), *_settle(disparities)]
    )


def _spread(
    replicated: Replicated | None, measure: Measure, own: Sequence[int], base: Sequence[int] | None = None
) -> ChangeSpread | None:
    """Return the spread of a change over the replicates.

    None without replicates, or for a measure that they do not have. base: of the reference, for a disparity.
    """
    if replicated is None or (measure != "fmr" and measure != "fnmr"):
        return None
    return replicated.of_rate(measure, own) if base is None else replicated.of_disparity(measure, own, base)


def large_cells(cells: Sequence[PairedCell | None]) -> list[int]:
    """Return the finest groups that the mean is over.

    Those of 30 subjects or more, or all that there are where none is as large.
    """
    present = [g for g, cell in enumerate(cells) if cell is not None]
    return [g for g in present if (cell := cells[g]) is not None and cell.ids.size >= SHOWN_FROM] or present


def _overall(
    common: CommonComparisons, finest: SampleGrouping, by_cell: ByCell, replicated: Replicated | None, failing: ByCell
) -> list[results.ModelChange]:
    """Return the changes of the mean, and of all pairs."""
    everyone = SampleGrouping((), ("all pairs",), (("all pairs",),), np.zeros(finest.of_cell.size, np.int32))
    changes = []
    for measure, cells in [*by_cell.items(), *failing.items()]:
        members = large_cells(cells)
        large = [cell for g in members if (cell := cells[g]) is not None]
        spread = _spread(replicated, measure, members)
        changes.append(_rate(measure, "matched", "pool", large or _why_none(common, measure), common.shared_subjects, spread))
        if measure in by_cell:
            everybody = by_group(common, everyone, measure)[0]
            changes.append(_rate(measure, "all", "all pairs", [everybody] if everybody else _why_none(common, measure), False))
    return _settle(changes)


def failures(
    groupings: Sequence[SampleGrouping],
    references: Sequence[str | None],
    cells: Callable[[SampleGrouping], list[PairedCell | None]],
) -> tuple[results.ModelChange, list[results.ModelChanges]]:
    """Compare two models' FTX on the samples given to both.

    Of everybody, and by group; each grouping is a family of its own. cells: each group's paired cell, trials being samples.
    """
    everyone = SampleGrouping((), ("all",), (("all",),), np.zeros(groupings[-1].of_cell.size, np.int32))
    everybody = cells(everyone)[0]
    overall = _settle([_rate("ftx", "all", "all", [everybody] if everybody else "zero_comparisons", False)])[0]
    parts = []
    for grouping, reference in zip(groupings, references, strict=True):
        each = cells(grouping)
        changes = [
            _rate("ftx", "within", name, [cell] if (cell := each[g]) is not None else "zero_comparisons", False)
            for g, name in enumerate(grouping.names)
        ]
        parts.append(results.ModelChanges(attributes=list(grouping.attributes), reference=reference, changes=_settle(changes)))
    return overall, parts


def _subjects(cells: Cells) -> int:
    return int(np.unique(np.concatenate([cell.ids for cell in cells])).size)


def _rate(
    measure: Measure,
    design: results.Design,
    group: str,
    cells: Cells | results.Reason,
    shared: bool,
    spread: ChangeSpread | None = None,
) -> results.ModelChange:
    undefined = results.ModelChange(
        measure=measure, quantity="rate", design=design, group=group, subjects=0, comparisons=0, verdict="none"
    )
    if isinstance(cells, str):
        return undefined.model_copy(update={"reason": cells})
    known = {"subjects": _subjects(cells), "comparisons": sum(cell.comparisons for cell in cells)}
    if known["subjects"] < SHOWN_FROM:
        return undefined.model_copy(update={**known, "reason": "too_few_subjects"})
    change = _widened(compare_models(cells, shared), spread)
    return undefined.model_copy(update={**known, **_figures(cells, change), **_again(spread)})


def _widened(change: Change, spread: ChangeSpread | None) -> Change:
    return change if spread is None else widened(change, spread.log_variance, spread.difference_variance)


def _again(spread: ChangeSpread | None) -> dict[str, Any]:
    return {} if spread is None else {"interval_reestimated": spread.interval}


def tested(cells: Cells, change: Change) -> Change | None:
    """Return the change with the p for its verdict.

    None where there are too few errors for any. Past the gates of `Contrast` it is the ratio's. With few errors of the better
    model a ratio says little, but the models were wrong on the same comparisons or not: with 30 effective ones on which they
    differ, p is the difference's.
    """
    if enough_for_both(cells, change) and change.ratio is not None and change.effective_discordant >= EFFECTIVE_DISCORDANT:
        return change if change.p is not None else None
    if change.effective_discordant >= EFFECTIVE_IN_HIGHER and change.p_difference is not None:
        return change._replace(p=change.p_difference)
    return None


def _figures(cells: Cells, change: Change) -> dict[str, Any]:
    """Return the fields of a change of rates.

    Its verdict and reason are those before Holm.
    """
    called = tested(cells, change)
    return {
        "errors_first": sum(cell.errors[0] for cell in cells),
        "errors_second": sum(cell.errors[1] for cell in cells),
        "errors_both": sum(cell.both for cell in cells),
        **_shown(called or change, called is not None, enough_for_both(cells, change)),
    }


def enough_for_both(cells: Cells, change: Change) -> bool:
    """Return whether both models have errors enough for a call."""
    return enough_errors(change.ratio or 1.0, *(effective_errors(cells, model) for model in (0, 1)))


def _shown(change: Change, called: bool, enough: bool) -> dict[str, Any]:
    """Return the fields of a change before Holm.

    called: whether it has a p for a verdict; enough: whether both models have errors enough.
    """
    reason = None if called and change.p is not None else why_not_tested(change.first, change.second, enough)
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
    undefined = results.ModelChange(
        measure=measure, quantity="disparity", design=design, group=group, reference=reference, subjects=0, comparisons=0,
        verdict="none",
    )  # fmt: skip
    if isinstance(base, str):
        return undefined.model_copy(update={"reason": base})
    if isinstance(cells, str):
        return undefined.model_copy(update={"reason": cells})
    both = [*cells, *base]
    known = {"subjects": _subjects(both), "comparisons": sum(cell.comparisons for cell in both)}
    change = compare_disparities(cells, base, shared)
    if change is None:
        return undefined.model_copy(update={**known, "verdict": "inconclusive", "reason": "some_zero_errors"})
    change = _widened(change, spread)
    sides = [(effective_errors(cells, model), effective_errors(base, model)) for model in (0, 1)]
    enough = all(enough_errors(ratio, *errors) for ratio, errors in zip((change.first, change.second), sides, strict=True))
    shown = _shown(change, enough and change.effective_discordant >= EFFECTIVE_DISCORDANT, enough)
    return undefined.model_copy(update={**known, **shown, **_again(spread)})


def _settle(changes: list[results.ModelChange]) -> list[results.ModelChange]:
    """Adjust a family by Holm and BH, and set verdicts.

    A change that only its errors kept from a test stays in the family.
    """

    def difference(change: results.ModelChange) -> float | None:
        return None if change.p is None or change.first is None or change.second is None else change.first - change.second

    return settle(changes, difference, lambda change: change.reason, exploring=True)
