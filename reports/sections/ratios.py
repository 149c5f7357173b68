"""The section on ratios to the reference group.

A forest plot and tables, with the ratios that the data could have detected, and how many people it would take.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from faceparity.harness.results import Contrast, Evaluation, OperatingPoint
from faceparity.reports.charts.figures import ratio_forest
from faceparity.reports.layout.elements import Item, Table, Text, pictures
from faceparity.reports.sections.rates import FULL
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.headline import contrast_of, finest, verdict
from faceparity.reports.wording.verdicts.outcomes import compared, ratio_of, words_of
from faceparity.reports.wording.verdicts.unadjusted import not_adjusted_for, unadjusted_rows

COLUMNS = [
    "Group",
    "Ratio",
    "95 % interval",
    "with the threshold found anew",
    "Holm-adjusted p",
    "Verdict",
    "Could have detected",
]
NEEDED = ["People needed for this ratio", "People needed for 2×"]
NEEDED_NOTE = (
    "People needed: how many in each of the two groups a data set of this kind would take, so that the ratio seen here, or one of 2, "
    "would be called with a probability of 80 %."
)

UNADJUSTED_NOTE = (
    "some cells have fewer than 30 people, so the groups are compared as the data set has them, everybody with the label. No verdict is "
    "given on them."
)
NEEDED_SAMPLED = " For FMR that is with the same share of the comparisons made; with more of them fewer people may do."


def ratio_items(evaluation: Evaluation, i: int, position: int, key: str) -> list[Item]:
    """Return the ratios of grouping `i` at one operating point.

    Its operating point number `position`.
    """
    grouping, point = evaluation.groupings[i], evaluation.groupings[i].operating_points[position]
    out: list[Item] = []
    measures: tuple[Literal["fmr", "fnmr"], ...] = ("fmr", "fnmr")
    for measure in measures:
        contrasts = [contrast for contrast in point.contrasts if contrast.measure == measure]
        if not contrasts:
            continue
        if grouping is finest(evaluation):
            out += pictures(ratio_forest(evaluation, point, measure, f"{key}-{measure}-forest"))
        caption = f"{FULL[measure]} by {grouping_name(grouping)}, ratio to {f.shorten(contrasts[0].reference, 100)}: {f.point_name(point)}"
        known = [contrast for contrast in contrasts if _has_number(contrast)]
        out += [ratio_table(f"{key}-{measure}-ratios", caption, point, known)] if known else []
        if grouping is finest(evaluation) and measure == "fmr" and _needed(known):
            out.append(Text(NEEDED_NOTE + NEEDED_SAMPLED * (evaluation.comparisons.sampled is not None), "note"))
        out += _without(caption, [contrast for contrast in contrasts if not _has_number(contrast)], bool(known))
        out += _unadjusted(evaluation, i, position, measure, key)
    return out


def _unadjusted(evaluation: Evaluation, i: int, position: int, measure: str, key: str) -> list[Item]:
    """Return the ratios as sampled, where a matched one is missing."""
    grouping = evaluation.groupings[i]
    point = grouping.operating_points[position]
    contrasts = [contrast for contrast in point.unadjusted if contrast.measure == measure]
    if not contrasts:
        return []
    said = not_adjusted_for(evaluation, grouping)
    caption = (
        f"{FULL[measure]} by {grouping_name(grouping)}, ratio to {f.shorten(contrasts[0].reference, 100)} as sampled, {said}: "
        f"{f.point_name(point)}"
    )
    table = Table(f"{key}-{measure}-unadjusted", caption, COLUMNS[:3], unadjusted_rows(contrasts))
    return [table, Text(f"These ratios are {said}: {UNADJUSTED_NOTE}", "note")]


def _has_number(contrast: Contrast) -> bool:
    """Return whether a contrast has a ratio or needed people."""
    return contrast.ratio is not None or contrast.few_errors is not None or contrast.needed_subjects_for_double is not None


def _needed(contrasts: Sequence[Contrast]) -> bool:
    """Return whether any contrast says how many people it needs."""
    return any(contrast.needed_subjects is not None or contrast.needed_subjects_for_double is not None for contrast in contrasts)


def _without(caption: str, contrasts: Sequence[Contrast], has_others: bool) -> list[Item]:
    """Return which groups have no ratio, by reason."""
    if not contrasts:
        return []
    by_reason: dict[str, list[str]] = {}
    for contrast in contrasts:
        by_reason.setdefault(f.contrast_reason(contrast.reason) or "no ratio", []).append(f.shorten(contrast.group, 60))
    lines = [f"{f.sentence(why)}: {', '.join(names[:15])}{f' and {len(names) - 15} more' * (len(names) > 15)}."
             for why, names in by_reason.items()]  # fmt: skip
    return [Text(f"{'No ratio' if has_others else caption + ', none'}. {' '.join(lines)}", "note")]


def ratio_table(key: str, caption: str, point: OperatingPoint, contrasts: Sequence[Contrast]) -> Table:
    """Return a table of ratios.

    Each with its interval, p-value, verdict and power; at a contaminated point also the second reading's.
    """
    second, needed = point.without_likely_same_person, _needed(contrasts)
    columns = [*COLUMNS, *NEEDED * needed, *["Without probable repeats"] * (second is not None)]
    rows = []
    for contrast in contrasts:
        said = verdict(point, contrast.measure, contrast.group)
        row = [
            contrast.group,
            f.ratio(contrast.ratio) if contrast.few_errors is None else ratio_of(contrast, said),
            f.ratio_interval(contrast.interval),
            f.ratio_interval(contrast.interval_reestimated),
        ]
        row += [
            _holm_p(contrast.p_holm),
            words_of(contrast, said),
            f.ratio(contrast.detectable_ratio),
        ]
        row += [f.count(contrast.needed_subjects), f.count(contrast.needed_subjects_for_double)] if needed else []
        if second is not None:
            other = contrast_of(second, contrast.measure, contrast.group)
            row.append(compared(other, other.verdict) if other else f.DASH)
        rows.append(row)
    return Table(key, caption, columns, rows, frozenset({5, len(columns) - 1} if second is not None else {5}))


def _holm_p(p_holm: float | None) -> str:
    """Return a Holm-adjusted p without "p ="."""
    return f.p_value(p_holm).removeprefix("p ").removeprefix("= ")
