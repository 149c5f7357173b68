"""The numbers of one evaluation as CSV files, one per kind, for spreadsheets and statistics programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from faceparity.harness.metrics.differential import MEASURES
from faceparity.harness.record import (
    Differential,
    Evaluation,
    Grouping,
    Index,
    OperatingPoint,
    PairedDifference,
    Rate,
    Verification,
)

Cell = str | int | float | bool | None
Row = list[Cell]

HEADERS = {
    "at": "grouping origin target_fmr threshold native_threshold reading",
    "rate": "group group_b design subjects subjects_b comparisons errors rate rate_including_failures subject_weighted_rate "
    "lo hi bound_independent bound_worst_case df effective_errors method conditional_on_threshold status reason",
    "groups": "grouping group subjects samples merged reference",
    "contrast": "measure design group reference ratio lo hi lo_reestimated hi_reestimated df p p_holm p_bh verdict detectable_ratio "
    "needed_subjects needed_subjects_for_double reason",
    "index": "measure index alpha value null_median null_p95 null_p status reason left_out range worse weakness",
    "separation": "grouping group mated non_mated eer eer_lo eer_hi eer_threshold eer_native_threshold d_prime mated_mean mated_sd "
    "non_mated_mean non_mated_sd bin_width reason",
    "covariates": "grouping covariate unit group n q1 median q3 differs",
    "point": "achieved_fmr status reason detail needs_comparisons pool pool_partial pool_comparisons group weight subjects "
    "left_out_reason",
    "curves": "grouping group group_b score native_score mated non_mated effective_n",
    "protocols": "protocol source mated non_mated failed_mated failed_non_mated missing subjects repeated identical_images contrary "
    "folds accuracy standard_error standard_deviation accuracy_including_failures standard_error_including_failures "
    "standard_deviation_including_failures rule reason",
    "protocol_folds": "protocol fold threshold native_threshold compared failed_mated failed_non_mated accuracy "
    "accuracy_including_failures",
    "protocol_at": "protocol origin target_fmr threshold native_threshold achieved_fmr accuracy needs_comparisons point_reason",
    "searches": "search gallery probes failed_probes absent_probes subjects templates failed_templates absent_templates mated non_mated "
    "failed_mated failed_non_mated left_out",
    "search_at": "search gallery measure rank target_fpir threshold native_threshold selectivity needs_searches point_reason grouping",
    "paired_at": "origin target_fmr threshold native_threshold",
    "paired": "measure factor level reference subjects dropped comparisons reference_value value difference lo hi df p p_holm verdict "
    "reference_errors errors effective_errors only_here only_reference ratio ratio_lo ratio_hi bound reason",
    "paired_conditions": "condition subjects complete images failed compared non_mated_score mated_score",
}


def write_tables(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Writes groups, extraction, rates, contrasts, indices, separation, covariates, operating_points and curves as `folder`/NAME.csv,
    and of a controlled experiment paired, paired_rates and paired_conditions.

    UTF-8, comma, "\\n", a header line; fractions at full precision; undefined is an empty cell, the reason in its own column.
    Cells of text that a spreadsheet would run as a formula get a leading apostrophe. The same evaluation gives the same bytes.
    Raises OSError where nothing can be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (header, rows) in tables(evaluation).items():
        path = folder / f"{name}.csv"
        path.write_text(to_csv(header, rows), encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def tables(evaluation: Evaluation) -> dict[str, tuple[list[str], list[Row]]]:
    """Header and rows of every table, by name."""
    e = evaluation
    return {
        "groups": (_header("groups"), list(_groups(e))),
        "extraction": (["grouping", *_header("rate")], list(_extraction(e))),
        "rates": ([*_header("at"), "measure", *_header("rate")], list(_rates(e))),
        "contrasts": (_header("at", "contrast"), list(_contrasts(e))),
        "indices": (_header("at", "index"), list(_indices(e))),
        "separation": (_header("separation"), list(_separation(e))),
        "covariates": (_header("covariates"), list(_covariates(e))),
        "operating_points": (_header("at", "point"), list(_operating_points(e))),
        "curves": (_header("curves"), list(_curves(e))),
        **(_paired(e) if e.paired else {}),
        **(_protocols(e) if e.protocols else {}),
        **(_searches(e) if e.searches else {}),
        **(_scenarios(e) if e.scenarios else {}),
        **(_exclusions(e) if e.exclusions else {}),
        **(_claims(e) if e.claims else {}),
    }


def _header(*parts: str) -> list[str]:
    return [name for part in parts for name in HEADERS[part].split()]


def to_csv(header: list[str], rows: Iterable[Row]) -> str:
    """One table as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[cell(x) for x in row] for row in rows])
    return out.getvalue()


def cell(x: Cell) -> str:
    """One cell: numbers as Python's shortest exact form, null empty, text that looks like a formula disarmed."""
    if x is None:
        return ""
    if isinstance(x, bool):
        return str(x).lower()
    if isinstance(x, int | float):
        return repr(x)
    return _disarmed(x)


FORMULA = re.compile(r"(^|[;\t\r\n])(?=[\s\u200b\ufeff]*[=+\-@＝＋－＠])")
"""Where a spreadsheet would begin to calculate: at a cell's start, which in many countries also follows a semicolon."""


def _disarmed(text: str) -> str:
    """Text with an apostrophe wherever a formula could begin."""
    text = FORMULA.sub(r"\1'", text)
    return "'" + text if text.startswith(("\t", "\r", "\n")) else text


def grouping_name(g: Grouping | list[str]) -> str:
    """Attributes joined as group names are; a set without attributes is one group."""
    return " × ".join(g if isinstance(g, list) else g.attributes) or "the set as a whole"


def readings(p: OperatingPoint) -> Iterator[tuple[OperatingPoint, str]]:
    """An operating point and, where contaminated, its second reading without probable repeats of one person."""
    yield p, "all"
    if p.without_likely_same_person is not None:
        yield p.without_likely_same_person, "without_likely_same_person"


def _points(e: Evaluation) -> Iterator[tuple[Row, OperatingPoint]]:
    for g in e.groupings:
        for outer in g.operating_points:
            for p, reading in readings(outer):
                yield [grouping_name(g), p.origin, p.target_fmr, p.threshold, p.native_threshold, reading], p


def rate_row(r: Rate) -> Row:
    """The cells of a rate, as HEADERS["rate"] names them."""
    lo, hi = r.interval or (None, None)
    bounds: Row = [r.bounds.independent, r.bounds.worst_case] if r.bounds else [None, None]
    return [
        *(r.group, r.group_b, r.design, r.subjects, r.subjects_b, r.comparisons, r.errors, r.rate, r.rate_including_failures),
        *(
            r.subject_weighted_rate,
            lo,
            hi,
            *bounds,
            r.df,
            r.effective_errors,
            r.method,
            r.conditional_on_threshold,
            r.status,
            r.reason,
        ),
    ]


def _groups(e: Evaluation) -> Iterator[Row]:
    for g in e.groupings:
        for x in g.groups:
            yield [grouping_name(g), x.group, x.subjects, x.samples, x.merged, x.group == g.reference]


def _extraction(e: Evaluation) -> Iterator[Row]:
    if e.extraction.overall is not None:
        yield ["", *rate_row(e.extraction.overall)]
    for by in e.extraction.by_group:
        for r in by.rates:
            yield [grouping_name(by.attributes), *rate_row(r)]


def _rates(e: Evaluation) -> Iterator[Row]:
    for at, p in _points(e):
        if p.overall is not None:
            o = p.overall
            for measure, overall in (("fmr", o.fmr), ("fnmr", o.fnmr), ("fmr", o.fmr_all_pairs), ("fnmr", o.fnmr_all_pairs)):
                if overall is not None:
                    yield [*at, f"{measure}_overall", *rate_row(overall)]
        for measure, rates in (("fmr", p.fmr), ("fnmr", p.fnmr), ("fmr_matrix", p.fmr_matrix)):
            for r in rates:
                yield [*at, measure, *rate_row(r)]


def _contrasts(e: Evaluation) -> Iterator[Row]:
    for at, p in _points(e):
        for c in p.contrasts:
            lo, hi = c.interval or (None, None)
            lo2, hi2 = c.interval_reestimated or (None, None)
            yield [
                *(*at, c.measure, c.design, c.group, c.reference, c.ratio, lo, hi, lo2, hi2, c.df, c.p, c.p_holm, c.p_bh),
                *(c.verdict, c.detectable_ratio, c.needed_subjects, c.needed_subjects_for_double, c.reason),
            ]


def named_indices(d: Differential | None) -> Iterator[tuple[str, str, float | None, Index]]:
    """Every index: "fmr", "fnmr" or "combined", its name, its alpha where it has one, itself."""
    if d is None:
        return
    yield from (("fmr", name, None, x) for name, x in d.fmr.items())
    yield from (("fnmr", name, None, x) for name, x in d.fnmr.items())
    weighted = {name for at in d.combined_at for name in at.combined}
    yield from (("combined", name, 0.5 if name in weighted else None, x) for name, x in d.combined.items())
    yield from (("combined", name, at.alpha, x) for at in d.combined_at for name, x in at.combined.items())


def _indices(e: Evaluation) -> Iterator[Row]:
    for at, p in _points(e):
        for measure, name, alpha, i in named_indices(p.differential):
            known = MEASURES.get(name)
            told = (known.range, known.worse, known.weakness) if known else (None, None, None)
            null: Row = [i.null_median, i.null_p95, i.null_p, i.status, i.reason, "; ".join(i.left_out)]
            yield [*at, measure, name, alpha, i.value, *null, *told]


def _separation(e: Evaluation) -> Iterator[Row]:
    for g in e.groupings:
        for s in g.separation:
            lo, hi = s.eer_within or (None, None)
            native = None if s.eer_threshold is None else e.model.score.sign * s.eer_threshold
            yield [
                *(grouping_name(g), s.group, s.mated, s.non_mated, s.eer, lo, hi, s.eer_threshold, native, s.d_prime),
                *(s.mated_mean, s.mated_sd, s.non_mated_mean, s.non_mated_sd, s.bin_width, s.reason),
            ]


def _covariates(e: Evaluation) -> Iterator[Row]:
    for g in e.groupings:
        for c in g.covariates:
            yield [grouping_name(g), c.name, c.unit, "", c.overall.n, c.overall.q1, c.overall.median, c.overall.q3, False]
            for q in c.by_group:
                yield [grouping_name(g), c.name, c.unit, q.group, q.n, q.q1, q.median, q.q3, q.group in c.differs]


def _operating_points(e: Evaluation) -> Iterator[Row]:
    for at, p in _points(e):
        row: Row = [*at, p.achieved_fmr, p.status, p.reason, p.detail, p.needs_comparisons]
        if p.pool is None:
            yield [*row, None, None, None, None, None, None, None]
            continue
        row += [p.pool.name, p.pool.partial, p.pool.comparisons]
        for g in p.pool.groups:
            yield [*row, g.group, g.weight, g.subjects, None]
        for out in p.pool.left_out:
            yield [*row, out.group, 0.0, out.subjects, out.reason]
        if not p.pool.groups and not p.pool.left_out:
            yield [*row, None, None, None, None]


def _curves(e: Evaluation) -> Iterator[Row]:
    """Bins with nothing in them are left out: the grid is in `results.json`."""
    for g in e.groupings:
        for c in g.curves:
            for i, (mated, non_mated) in enumerate(zip(c.mated, c.non_mated, strict=True)):
                if mated or non_mated:
                    n = c.effective_n[i] if c.effective_n else None
                    yield [grouping_name(g), c.group, c.group_b, c.edges[i], e.model.score.sign * c.edges[i], mated, non_mated, n]


def _paired(e: Evaluation) -> dict[str, tuple[list[str], list[Row]]]:
    """Of a controlled experiment: differences, rates by condition and across conditions (measure `across`: FNMR), conditions."""
    differences: list[Row] = []
    rates: list[Row] = []
    conditions: list[Row] = []
    for x in e.paired:
        differences += [[None, None, None, None, *_difference(d)] for d in x.differences]
        for p in x.operating_points:
            at: Row = [p.origin, p.target_fmr, p.threshold, p.native_threshold]
            differences += [[*at, *_difference(d)] for d in p.differences]
            measures = (("fmr", p.fmr), ("fnmr", p.fnmr), ("across", p.across))
            rates += [[*at, measure, *rate_row(r)] for measure, of in measures for r in of]
        conditions += [
            [c.condition, c.subjects, c.complete, c.images, c.failed, c.compared, c.non_mated_score, c.mated_score]
            for c in x.conditions
        ]
    return {
        "paired": (_header("paired_at", "paired"), differences),
        "paired_rates": ([*_header("paired_at"), "measure", *_header("rate")], rates),
        "paired_conditions": (_header("paired_conditions"), conditions),
    }


def _protocols(e: Evaluation) -> dict[str, tuple[list[str], list[Row]]]:
    """Published pair lists: each one's figure, its folds, right decisions by group at the folds' thresholds, rates at each point."""
    lists: list[Row] = []
    folds: list[Row] = []
    groups: list[Row] = []
    rates: list[Row] = []
    for p in e.protocols:
        counts: Row = [p.mated, p.non_mated, p.failed_mated, p.failed_non_mated, p.missing, p.subjects, p.repeated]
        lists.append([p.name, p.source, *counts, p.identical_images, p.contrary, p.n_folds, *_spread(p.verification)])
        if p.verification is not None:
            for k in p.verification.folds:
                row: Row = [p.name, k.fold, k.threshold, k.native_threshold, k.compared, k.failed_mated, k.failed_non_mated]
                folds.append([*row, k.accuracy, k.accuracy_including_failures])
            for g in p.verification.groups:
                groups.append([p.name, grouping_name(g.attributes), g.group, g.subjects, g.compared, g.accuracy, g.reason])
        for x in p.points:
            at: Row = [p.name, x.origin, x.target_fmr, x.threshold, x.native_threshold, x.achieved_fmr, x.accuracy]
            at += [x.needs_comparisons, x.reason]
            if x.threshold is None:
                rates.append([*at, "", "", *[None] * len(_header("rate"))])
            rates += [[*at, "", m, *rate_row(r)] for m, r in (("fmr", x.fmr), ("fnmr", x.fnmr)) if r is not None]
            rates += [
                [*at, grouping_name(g.attributes), m, *rate_row(r)]
                for g in x.groupings
                for m, of in (("fmr", g.fmr), ("fnmr", g.fnmr))
                for r in of
            ]
    return {
        "protocols": (_header("protocols"), lists),
        "protocol_folds": (_header("protocol_folds"), folds),
        "protocol_groups": (["protocol", "grouping", "group", "subjects", "compared", "accuracy", "reason"], groups),
        "protocol_rates": ([*_header("protocol_at"), "grouping", "measure", *_header("rate")], rates),
    }


def _searches(e: Evaluation) -> dict[str, tuple[list[str], list[Row]]]:
    from faceparity.reports.searches import search_tables

    return search_tables(e)


def _scenarios(e: Evaluation) -> dict[str, tuple[list[str], list[Row]]]:
    from faceparity.reports.scenarios import scenario_tables

    return scenario_tables(e)


def _claims(e: Evaluation) -> dict[str, tuple[list[str], list[Row]]]:
    from faceparity.reports.claims import claim_tables

    return claim_tables(e)


def _exclusions(e: Evaluation) -> dict[str, tuple[list[str], list[Row]]]:
    """What a person left out by name: rates with and without it, and the reasons."""
    from faceparity.reports.exclusions import HEADER, cells

    reasons: list[Row] = [[r.reason, r.samples, r.comparisons] for x in e.exclusions for r in x.reasons]
    return {
        "exclusions": (HEADER, list(cells(e))),
        "exclusion_reasons": (["reason", "samples", "comparisons"], reasons),
    }


def _spread(v: Verification | None) -> Row:
    """The figure over folds, in both readings."""
    if v is None:
        return [None] * 8
    including: Row = [v.accuracy_including_failures, v.standard_error_including_failures, v.standard_deviation_including_failures]
    return [v.accuracy, v.standard_error, v.standard_deviation, *including, v.rule, v.reason]


def _difference(d: PairedDifference) -> Row:
    lo, hi = d.interval or (None, None)
    ratio_lo, ratio_hi = d.ratio_interval or (None, None)
    return [
        *(
            d.measure,
            d.factor,
            d.level,
            d.reference,
            d.subjects,
            d.dropped,
            d.comparisons,
            d.reference_value,
            d.value,
            d.difference,
        ),
        *(
            lo,
            hi,
            d.df,
            d.p,
            d.p_holm,
            d.verdict,
            d.reference_errors,
            d.errors,
            d.effective_errors,
            d.only_here,
            d.only_reference,
        ),
        *(d.ratio, ratio_lo, ratio_hi, d.bound, d.reason),
    ]
