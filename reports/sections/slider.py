"""The threshold slider: every group's rates at each position, for `templates/slider.js`, and the table that stands there without it."""

from __future__ import annotations

from typing import Any, Literal

from faceparity.harness.results import Evaluation, Grouping, OperatingPoint, Rate, Sweep, SweptRate
from faceparity.reports.layout.elements import Fold, Item, Raw, Section, Table, Text, for_script
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.headline import contrast_of, finest, primary, verdict

NAME = 100
LEVEL = 0.975
Measure = Literal["fmr", "fnmr"]


def slider_sections(e: Evaluation, key: str) -> list[Section]:
    """Every group at any threshold; none without a sweep."""
    g = finest(e)
    if g.sweep is None:
        return []
    data = for_script(slider_data(e))
    items: list[Item] = [
        Text(
            "Every group at the threshold that somebody uses, the same for everybody. Where this page may run its own script, a slider "
            "stands here; the table below has the operating points either way."
        ),
        Raw(f'<div class="slider" data-slider="{key}-slider-data" hidden></div>', data, f"{key}-slider-data"),
    ]
    table = operating_table(e, g, key)
    if table.rows and len(table.columns) > 1:
        items.append(Fold(table.caption, [table]) if len(table.rows) > 40 else table)
    return [Section(f"{key}-slider", "At any threshold", items)]


def operating_table(e: Evaluation, g: Grouping, key: str) -> Table:
    """FMR, ratio and FNMR of every group with a rate at the operating points: the slider's marked positions."""
    columns: list[str] = ["Group"]
    cells: dict[str, list[str]] = {x.group: [] for x in g.groups}
    shown: set[str] = set()
    for p in g.operating_points:
        if p.threshold is None:
            continue
        at = f"{f.sentence(f.point_name(p))} ({f.threshold(e.model, p.native_threshold)})"
        columns += [f"{at}: FMR", "FMR ratio"] + ["FNMR"] * bool(p.fnmr)
        fmr, fnmr = ({r.group: r for r in primary(rates)} for rates in (p.fmr, p.fnmr))
        shown |= {r.group for r in (*fmr.values(), *fnmr.values()) if r.status != "suppressed"}
        for group, row in cells.items():
            row += [_rate_text(fmr.get(group)), _ratio(p, g, group), *[_rate_text(fnmr.get(group))] * bool(p.fnmr)]
    caption = f"At the operating points, by {grouping_name(g)}: groups of at least 30 people"
    return Table(f"{key}-slider-points", caption, columns, [[group, *row] for group, row in cells.items() if group in shown])


def _rate_text(r: Rate | None) -> str:
    return f.DASH if r is None else f.rate(r, both_bounds=False)


def _ratio(p: OperatingPoint, g: Grouping, group: str) -> str:
    c = contrast_of(p, "fmr", group)
    if group == g.reference:
        return "reference"
    if c is None or c.ratio is None:
        return f.DASH
    if c.reason == "too_few_errors":
        return "too few errors"
    return f"{f.ratio(c.ratio)} {f.ratio_interval(c.interval)} {verdict(p, 'fmr', group)}"


def slider_data(e: Evaluation) -> dict[str, Any]:
    """All that the script needs. Texts are cleaned, not escaped; positions are numbered from the laxest threshold."""
    g, sign = finest(e), e.model.score.sign
    assert g.sweep is not None
    points = [p for p in g.operating_points if p.threshold is not None]
    return {
        "unit": f.clean(e.model.score.unit),
        "sign": "≥" if sign == 1 else "≤",
        "at": [sign * t for t in g.sweep.thresholds],
        "labels": [f.native_number(sign * t) for t in g.sweep.thresholds],
        "marks": _marks(g.sweep, points),
        "start": next(
            (k for p in points for k, t in enumerate(g.sweep.thresholds) if t == p.threshold), len(g.sweep.thresholds) // 2
        ),
        "first": g.sweep.first_with_uncertainty,
        "bare": _without_uncertainty(g.sweep),
        "pool": f.pool_name(points[0].pool) if points else "the pool",
        "readings": [_reading(e, n) for n in range(2 if g.sweep.without_likely_same_person else 1)],
    }


def _without_uncertainty(sweep: Sweep) -> list[int]:
    """Positions below the ledger at which false matches were not counted by person: all but thresholds that were asked for."""
    shown = [r for r in sweep.rates if r.measure == "fmr" and r.errors]
    below = range(min(sweep.first_with_uncertainty, len(sweep.thresholds)))
    return [k for k in below if all(r.effective_errors[k] is None for r in shown)]


def _marks(sweep: Sweep, points: list[OperatingPoint]) -> list[dict[str, Any]]:
    """Where the operating points stand, second readings of their own threshold too."""
    place = {t: k for k, t in enumerate(sweep.thresholds)}
    out = [{"at": place[p.threshold], "name": f.point_name(p)} for p in points if p.threshold in place]
    for p in points:
        second = p.without_likely_same_person
        if second is not None and second.threshold in place and second.threshold != p.threshold:
            out.append({"at": place[second.threshold], "name": f"{f.point_name(second)}, probable repeats left out"})
    return sorted(out, key=lambda m: int(m["at"]))


def _reading(e: Evaluation, n: int) -> dict[str, Any]:
    """The groupings with all comparisons (n = 0), or without those that look like one person (n = 1); the finest first."""
    found = []
    for g in sorted((g for g in e.groupings if g.sweep is not None), key=lambda g: -len(g.attributes)):
        sweep = g.sweep if n == 0 else g.sweep.without_likely_same_person  # type: ignore[union-attr]
        if sweep is not None:
            found.append((g, sweep))
    return {
        "pool_fmr": found[0][1].pool_fmr if found else [],
        "groupings": [
            {
                "name": f.clean(grouping_name(g)),
                "base": next((i for i, x in enumerate(_names(s)) if x == g.reference), None),
                "left": len(g.groups) - len(_names(s)),
                "groups": [_group(g, s, name, verdicts=n == 0) for name in _names(s)],
            }
            for g, s in found
        ],
    }


def _names(sweep: Sweep) -> list[str]:
    return [r.group for r in sweep.rates if r.measure == "fmr"]


def _group(g: Grouping, sweep: Sweep, name: str, *, verdicts: bool) -> dict[str, Any]:
    own: dict[str, SweptRate] = {r.measure: r for r in sweep.rates if r.group == name}
    out: dict[str, Any] = {"name": f.shorten(name, NAME), "people": own["fmr"].subjects}
    for measure, r in own.items():
        data = _rate(r)
        if verdicts and r.ratio_log_half_width is not None:
            place = {t: k for k, t in enumerate(sweep.thresholds)}
            points = [p for p in g.operating_points if p.threshold in place]
            told = {str(place[p.threshold or 0.0]): verdict(p, measure, name) for p in points}
            data["verdicts"] = {k: v for k, v in told.items() if v != "none"}
        out[measure] = data
    return out


def _rate(r: SweptRate) -> dict[str, Any]:
    """n comparisons, errors by position, effective n and Student's quantile of the interval, both bounds at zero errors, and the
    ratio's half width."""
    if r.reason is not None or r.bounds is None:
        return {"why": f"<30{f.NBSP}people" if r.reason == "too_few_subjects" else f.reason(r.reason) or "not shown"}
    out: dict[str, Any] = {
        "n": r.comparisons,
        "design": f.DESIGNS[r.design],
        "errors": r.errors,
        "wilson": r.effective_n if any(n is not None for n in r.effective_n) else None,
        "t": _quantile(r.df),
        "bounds": [r.bounds.independent, r.bounds.worst_case],
        "half": r.ratio_log_half_width,
    }
    return out if r.rate is None else {**out, "rate": r.rate}


def _quantile(df: float | list[float | None] | None) -> float | list[float | None] | None:
    """Two-sided 95 % quantile of Student's t."""
    from scipy.special import stdtrit

    if isinstance(df, list):
        return [None if x is None else float(stdtrit(x, LEVEL)) for x in df]
    return None if df is None else float(stdtrit(df, LEVEL))
