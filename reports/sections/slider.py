"""The threshold slider: every group's rates at each position, for `templates/slider.js`, and the table that replaces it without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from faceparity.harness.results import Evaluation, Grouping, OperatingPoint, Rate, Sweep, SweptRate
from faceparity.reports.layout.elements import Fold, Item, Raw, Section, Table, Text, for_script
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.headline import contrast_of, finest, primary, verdict
from faceparity.reports.wording.verdicts.outcomes import compared

NAME = 100
LEVEL = 0.975
WORDS = {
    "zero_errors": f"no ratio: {f.contrast_reason('zero_errors')}",
    "group_zero_errors": f"no ratio: {f.contrast_reason('group_zero_errors')}",
    "reference_zero_errors": f"no ratio: {f.contrast_reason('reference_zero_errors')}",
    "too_few_errors": f.contrast_reason("too_few_errors"),
    "readings_differ": f.contrast_reason("readings_differ"),
    "mostly_same_person": f.contrast_reason("mostly_same_person"),
    "below_ledger": f"no ratio: {f.contrast_reason('below_ledger')}",
}
"""What the script says of a ratio at thresholds other than the operating points, in the words of the tables."""
Measure = Literal["fmr", "fnmr"]


def slider_sections(evaluation: Evaluation, key: str) -> list[Section]:
    """Return the section on rates at any threshold.

    Empty without a sweep.
    """
    grouping = finest(evaluation)
    if grouping.sweep is None:
        return []
    data = for_script(slider_data(evaluation))
    items: list[Item] = [
        Text(
            "Every group at the threshold that somebody uses, the same for everybody. Where this page may run its own script, a slider "
            "stands here; the table below has the operating points either way."
        ),
        Raw(f'<div class="slider" data-slider="{key}-slider-data" hidden></div>', data, f"{key}-slider-data"),
    ]
    table = operating_table(evaluation, grouping, key)
    if table.rows and len(table.columns) > 1:
        items.append(Fold(table.caption, [table]) if len(table.rows) > 40 else table)
    return [Section(f"{key}-slider", "At any threshold", items)]


def operating_table(evaluation: Evaluation, grouping: Grouping, key: str) -> Table:
    """Return a table of rates at the operating points.

    FMR, ratio and FNMR of every group with a rate there: the slider's marked positions.
    """
    columns: list[str] = ["Group"]
    cells: dict[str, list[str]] = {entry.group: [] for entry in grouping.groups}
    shown: set[str] = set()
    for point in grouping.operating_points:
        if point.threshold is None:
            continue
        at = f"{f.sentence(f.point_name(point))} ({f.threshold(evaluation.model, point.native_threshold)})"
        columns += [f"{at}: FMR", "FMR ratio"] + ["FNMR"] * bool(point.fnmr)
        fmr, fnmr = ({rate.group: rate for rate in primary(rates)} for rates in (point.fmr, point.fnmr))
        shown |= {rate.group for rate in (*fmr.values(), *fnmr.values()) if rate.status != "suppressed"}
        for group, row in cells.items():
            row += [_rate_text(fmr.get(group)), _ratio(point, grouping, group), *[_rate_text(fnmr.get(group))] * bool(point.fnmr)]
    caption = f"At the operating points, by {grouping_name(grouping)}: groups of at least 30 people"
    return Table(f"{key}-slider-points", caption, columns, [[group, *row] for group, row in cells.items() if group in shown])


def _rate_text(rate: Rate | None) -> str:
    """Return a rate as a cell; a dash for none."""
    return f.DASH if rate is None else f.rate(rate)


def _ratio(point: OperatingPoint, grouping: Grouping, group: str) -> str:
    """Return the ratio to the reference as a cell."""
    contrast = contrast_of(point, "fmr", group)
    if group == grouping.reference:
        return "reference"
    return f.DASH if contrast is None else compared(contrast, verdict(point, "fmr", group))


def slider_data(evaluation: Evaluation) -> dict[str, Any]:
    """Return all data that the script needs.

    Texts are cleaned, not escaped; positions are numbered from the laxest threshold.
    """
    grouping, sign = finest(evaluation), evaluation.model.score.sign
    assert grouping.sweep is not None
    points = [point for point in grouping.operating_points if point.threshold is not None]
    return {
        "labelled": evaluation.dataset.identity != "none",
        "unit": f.clean(evaluation.model.score.unit),
        "sign": "≥" if sign == 1 else "≤",
        "at": [sign * threshold for threshold in grouping.sweep.thresholds],
        "labels": [f.native_number(sign * threshold) for threshold in grouping.sweep.thresholds],
        "marks": _marks(grouping.sweep, points),
        "start": next(
            (k for point in points for k, threshold in enumerate(grouping.sweep.thresholds) if threshold == point.threshold),
            len(grouping.sweep.thresholds) // 2,
        ),
        "first": grouping.sweep.first_with_uncertainty,
        "bare": _without_uncertainty(grouping.sweep),
        "pool": f.pool_name(points[0].pool) if points else "the pool",
        "words": WORDS,
        "readings": [_reading(evaluation, reading) for reading in range(2 if grouping.sweep.without_likely_same_person else 1)],
    }


def _without_uncertainty(sweep: Sweep) -> list[int]:
    """Return the positions without uncertainty.

    Those below the ledger, where false matches were not counted by person: all but thresholds of operating points.
    """
    shown = [rate for rate in sweep.rates if rate.measure == "fmr" and rate.errors]
    below = range(min(sweep.first_with_uncertainty, len(sweep.thresholds)))
    return [k for k in below if all(rate.effective_errors[k] is None for rate in shown)]


def _marks(sweep: Sweep, points: list[OperatingPoint]) -> list[dict[str, Any]]:
    """Return where the operating points are on the slider.

    Second readings with a threshold of their own too. Sorted by position.
    """
    positions = {threshold: k for k, threshold in enumerate(sweep.thresholds)}
    out = [{"at": positions[point.threshold], "name": f.point_name(point)} for point in points if point.threshold in positions]
    for point in points:
        second = point.without_likely_same_person
        if second is not None and second.threshold in positions and second.threshold != point.threshold:
            out.append({"at": positions[second.threshold], "name": f"{f.point_name(second)}, probable repeats left out"})
    return sorted(out, key=lambda mark: int(mark["at"]))


def _reading(evaluation: Evaluation, reading: int) -> dict[str, Any]:
    """Return the slider's data of one reading.

    All comparisons (0), or without those that look like one person (1). The groupings, the finest first.
    """
    found = []
    for grouping in sorted(
        (grouping for grouping in evaluation.groupings if grouping.sweep is not None),
        key=lambda grouping: -len(grouping.attributes),
    ):
        sweep = grouping.sweep if reading == 0 else grouping.sweep.without_likely_same_person  # type: ignore[union-attr]
        if sweep is not None:
            found.append((grouping, sweep))
    return {
        "pool_fmr": found[0][1].pool_fmr if found else [],
        "groupings": [
            {
                "name": f.clean(grouping_name(grouping)),
                "base": next((i for i, listed in enumerate(_names(group_sweep)) if listed == grouping.reference), None),
                "left": len(grouping.groups) - len(_names(group_sweep)),
                "groups": [_group(grouping, group_sweep, name, verdicts=reading == 0) for name in _names(group_sweep)],
            }
            for grouping, group_sweep in found
        ],
    }


def _names(sweep: Sweep) -> list[str]:
    """Return the names of the groups with FMR."""
    return [rate.group for rate in sweep.rates if rate.measure == "fmr"]


def _group(grouping: Grouping, sweep: Sweep, name: str, *, verdicts: bool) -> dict[str, Any]:
    """Return one group's data for the script."""
    rates: dict[str, SweptRate] = {rate.measure: rate for rate in sweep.rates if rate.group == name}
    out: dict[str, Any] = {"name": f.shorten(name, NAME), "people": rates["fmr"].subjects}
    for measure, rate in rates.items():
        points = [point for point in grouping.operating_points if point.threshold is not None]
        listed = [each for point in points for each in (point.fmr if measure == "fmr" else point.fnmr)]
        mean = next((f.weighting(each) for each in listed if (each.group, each.design) == (name, rate.design)), "")
        data = _rate(rate, mean or "groups weighted equally")
        if verdicts and rate.ratio_log_half_width is not None:
            positions = {threshold: position for position, threshold in enumerate(sweep.thresholds)}
            at = [(positions[point.threshold], point) for point in points if point.threshold in positions]
            found = [(k, point, contrast_of(point, measure, name)) for k, point in at]
            data["said"] = {
                str(k): compared(contrast, verdict(point, measure, name)) for k, point, contrast in found if contrast is not None
            }
        out[measure] = data
    return out


def _rate(rate: SweptRate, mean: str) -> dict[str, Any]:
    """Return one rate's data for the script.

    n comparisons, errors by position, effective n and Student's quantile of the interval, the upper end where it is not Wilson's, where
    no like group has an error, the ratio's half width and what it is at least (upper ends and the latter by their changes). Only `why`
    for a rate that is not shown. mean: what a rate that is not errors / n is a mean over.
    """
    if rate.reason is not None or rate.bounds is None:
        return {"why": f"<30{f.NBSP}people" if rate.reason == "too_few_subjects" else f.reason(rate.reason) or "not shown"}
    out: dict[str, Any] = {
        "n": rate.comparisons,
        "design": f.DESIGNS[rate.design],
        "errors": rate.errors,
        "wilson": rate.effective_n if any(effective is not None for effective in rate.effective_n) else None,
        "t": _quantile(rate.df),
        "upper": _changes(_upper(rate)),
        "alone": _alone(rate),
        "half": rate.ratio_log_half_width,
        "least": None if rate.ratio_at_least is None else _changes(rate.ratio_at_least),
    }
    return out if rate.rate is None else {**out, "rate": rate.rate, "weighted": mean}


def _changes(values: Sequence[float | None]) -> list[tuple[int, float | None]]:
    """Return the positions from which a value holds, with it.

    Most neighbours are alike: that is a fraction of the list.
    """
    return [(k, value) for k, value in enumerate(values) if k == 0 or value != values[k - 1]]


def _upper(rate: SweptRate) -> list[float | None]:
    """Return the upper ends that are not Wilson's.

    Of records of before: at zero errors the bound by disjoint pairs of subjects.
    """
    if rate.upper is not None or rate.bounds is None:
        return rate.upper or []
    return [None if errors else rate.bounds.worst_case for errors in rate.errors]


def _alone(rate: SweptRate) -> tuple[int, int]:
    """Return from which position to which no like group has an error.

    There a bound is as if comparisons were independent; the second is one past the last. They are the strictest positions of false
    matches, the laxest of false non-matches.
    """
    effects = rate.design_effect or []
    unknown = [k for k, effect in enumerate(effects) if effect is None and not rate.errors[k]]
    return (unknown[0], unknown[-1] + 1) if unknown else (0, 0)


def _quantile(df: float | list[float | None] | None) -> float | list[float | None] | None:
    """Return the two-sided 95 % quantile of Student's t.

    For each of the degrees of freedom; None where these are unknown.
    """
    from scipy.special import stdtrit

    if isinstance(df, list):
        return [None if value is None else float(stdtrit(value, LEVEL)) for value in df]
    return None if df is None else float(stdtrit(df, LEVEL))
