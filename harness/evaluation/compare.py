"""Two models on one data set: by group, what each gets wrong of the comparisons that both made, and whether disparities differ.

Each model is taken at a threshold of its own. At one set for a target FMR on these very data the pool's FMR is equal by
construction: what can differ there is how errors fall on the groups, and FNMR. Intervals take both thresholds as given.

In a set without subject labels hidden repeats of one person are errors of every model. The second reading, without them, comes of
evidence from which they were taken (`comparisons.evidence.without_comparisons`): what one of the two left out is left out of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .. import record
from ..comparisons.cells import Grouping, cells_of
from ..uncertainty import contrasts as stats
from ..uncertainty.models import Change, PairedCell, compare_disparities, compare_models, effective_errors
from .common import Common, Side
from .contrasts import ALPHA, enough_errors
from .rates import SHOWN_FROM

DISCORDANT = 10
"""Effective comparisons on which the models differ, without which nothing is called."""

Measure = Literal["fmr", "fnmr"]
Cells = list[PairedCell]


@dataclass(frozen=True)
class _Groups:
    """The cells of every group of one grouping, by measure; None where undefined, with the reason."""

    design: record.Design
    cells: dict[Measure, list[Cells | record.Reason]]


def compare(
    first: Side, second: Side, groupings: Sequence[Grouping], references: Sequence[str | None] | None = None
) -> record.ModelComparison:
    """Every rate of the first model against the second's, and every disparity.

    groupings: of the cells of both, the finest last. references: each grouping's reference group; None: the group with most
    subjects, ties by name. Raises UserError where the two were not run on one data set with one grouping.
    """
    common = Common(first, second)
    finest = groupings[-1]
    measures: tuple[Measure, ...] = ("fmr", "fnmr") if common.mated.size else ("fmr",)
    by_cell = {m: _by_group(common, finest, m) for m in measures}
    parts = []
    for k, grouping in enumerate(groupings):
        reference = references[k] if references is not None else None
        parts.append(_changes(common, grouping, finest, by_cell, reference or _largest(common, grouping)))
    tallies = [s.evidence.tally for s in (first, second)]
    left = [t.n_non_mated + t.n_mated - common.made.total - int(common.mated.size) for t in tallies]
    return record.ModelComparison(
        first=first.name,
        second=second.name,
        threshold_first=first.threshold,
        threshold_second=second.threshold,
        non_mated=common.made.total,
        mated=int(common.mated.size),
        left_out_first=left[0],
        left_out_second=left[1],
        overall=_overall(common, finest, by_cell),
        groupings=parts,
    )


def _by_group(common: Common, grouping: Grouping, measure: Measure) -> list[PairedCell | None]:
    return common.non_mated_by_group(grouping) if measure == "fmr" else common.mated_by_group(grouping)


def _largest(common: Common, grouping: Grouping) -> str | None:
    """The group of most subjects, ties by name; never one that stands for merged ones."""
    group = common.groups(grouping)
    sizes = [np.unique(common.subjects[group == g]).size for g in range(grouping.n)]
    candidates = [g for g in range(grouping.n) if not grouping.merged[g]]
    return min((grouping.names[g] for g in candidates), key=lambda n: (-sizes[grouping.names.index(n)], n), default=None)


def _why_none(common: Common, measure: Measure) -> record.Reason:
    if measure == "fnmr":
        return "no_mated_pairs"
    return "zero_comparisons" if common.reached else "below_ledger"


def _cells_of_groups(
    common: Common, grouping: Grouping, finest: Grouping, by_cell: dict[Measure, list[PairedCell | None]]
) -> _Groups:
    """`matched`, as everywhere: the mean over the finest cells, each of 30 subjects or more; the finest themselves, `within`."""
    whole = grouping.attributes == finest.attributes
    out: dict[Measure, list[Cells | record.Reason]] = {m: [] for m in by_cell}
    for measure, cells in by_cell.items():
        for g in range(grouping.n):
            own = [g] if whole else cells_of(grouping, finest, g)
            found = [c for i in own if (c := cells[i]) is not None]
            if not own or len(found) < len(own):
                out[measure].append(_why_none(common, measure))
            elif any(c.ids.size < SHOWN_FROM for c in found) or (not whole and any(finest.merged[i] for i in own)):
                out[measure].append("too_few_subjects" if whole else "cells_too_small")
            else:
                out[measure].append(found)
    return _Groups("within" if whole else "matched", out)


def _changes(
    common: Common,
    grouping: Grouping,
    finest: Grouping,
    by_cell: dict[Measure, list[PairedCell | None]],
    reference: str | None,
) -> record.ModelChanges:
    """Rates of every group, then disparities of all but the reference."""
    groups = _cells_of_groups(common, grouping, finest, by_cell)
    shared = common.shared_subjects
    usual, disparities = [], []
    for measure, cells in groups.cells.items():
        base = cells[grouping.names.index(reference)] if reference is not None else "reference_undefined"
        for g, name in enumerate(grouping.names):
            if grouping.merged[g]:
                continue
            usual.append(_rate(measure, groups.design, name, cells[g], shared))
            if reference is not None and name != reference:
                disparities.append(_disparity(measure, groups.design, name, reference, cells[g], base, shared))
    return record.ModelChanges(
        attributes=list(grouping.attributes), reference=reference, changes=[*_settle(usual), *_settle(disparities)]
    )


def _overall(common: Common, finest: Grouping, by_cell: dict[Measure, list[PairedCell | None]]) -> list[record.ModelChange]:
    """On the mean over groups, and on all pairs."""
    everyone = Grouping((), ("all pairs",), (("all pairs",),), np.zeros(finest.of_cell.size, np.int32), (0,))
    out = []
    for measure, cells in by_cell.items():
        made = [c for c in cells if c is not None]
        large = [c for c in made if c.ids.size >= SHOWN_FROM] or made
        out.append(_rate(measure, "matched", "pool", large or _why_none(common, measure), common.shared_subjects))
        everybody = _by_group(common, everyone, measure)[0]
        out.append(_rate(measure, "all", "all pairs", [everybody] if everybody else _why_none(common, measure), False))
    return _settle(out)


def _subjects(cells: Cells) -> int:
    return int(np.unique(np.concatenate([c.ids for c in cells])).size)


def _rate(measure: Measure, design: record.Design, group: str, cells: Cells | record.Reason, shared: bool) -> record.ModelChange:
    none = record.ModelChange(
        measure=measure, quantity="rate", design=design, group=group, subjects=0, comparisons=0, verdict="none"
    )
    if isinstance(cells, str):
        return none.model_copy(update={"reason": cells})
    known = {"subjects": _subjects(cells), "comparisons": sum(c.comparisons for c in cells)}
    if known["subjects"] < SHOWN_FROM:
        return none.model_copy(update={**known, "reason": "too_few_subjects"})
    return none.model_copy(update={**known, **_figures(cells, compare_models(cells, shared))})


def _figures(cells: Cells, change: Change) -> dict[str, Any]:
    """The fields of a change of rates, and what may be said of it before Holm."""
    enough = enough_errors(change.ratio or 1.0, *(effective_errors(cells, model) for model in (0, 1)))
    return {
        "errors_first": sum(c.errors[0] for c in cells),
        "errors_second": sum(c.errors[1] for c in cells),
        "errors_both": sum(c.both for c in cells),
        **_shown(change, enough and change.effective_discordant >= DISCORDANT),
    }


def _shown(change: Change, enough: bool) -> dict[str, Any]:
    reason = None if enough else "zero_errors" if change.ratio is None else "too_few_errors"
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
    design: record.Design,
    group: str,
    reference: str,
    cells: Cells | record.Reason,
    base: Cells | record.Reason,
    shared: bool,
) -> record.ModelChange:
    none = record.ModelChange(
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
    sides = [(effective_errors(cells, m), effective_errors(base, m)) for m in (0, 1)]
    enough = all(enough_errors(r, *s) for r, s in zip((change.first, change.second), sides, strict=True))
    return none.model_copy(update={**known, **_shown(change, enough and change.effective_discordant >= DISCORDANT)})


def _settle(changes: list[record.ModelChange]) -> list[record.ModelChange]:
    """Holm and BH over the family, then the verdicts; a change that only its errors kept from a test stays in the family."""
    family = [c for c in changes if c.verdict != "none"]
    p = [1.0 if c.p is None else c.p for c in family]
    adjusted = zip(stats.holm(p), stats.benjamini_hochberg(p), strict=True)
    out = []
    for c in changes:
        if c.verdict == "none":
            out.append(c)
            continue
        holm, bh = next(adjusted)
        if c.p is None or c.ratio is None:
            out.append(c)
            continue
        called = c.reason is None and holm < ALPHA
        verdict = ("higher" if c.ratio > 1 else "lower") if called else "inconclusive"
        out.append(c.model_copy(update={"p_holm": holm, "p_bh": bh, "verdict": verdict}))
    return out
