"""The numbers of one evaluation as CSV files, one per kind, for spreadsheets and statistics programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from faceparity.harness.metrics.differential import MEASURES
from faceparity.harness.results import Evaluation, OperatingPoint
from faceparity.reports.topics.registry import topics
from faceparity.reports.wording.csv_rows import Row, Tables, grouping_name, header_of, named_indices, rate_row, readings, to_csv

COLUMNS = {
    "groups": "grouping group subjects samples merged reference",
    "contrast": "measure design group reference ratio lo hi lo_reestimated hi_reestimated df p p_holm p_bh verdict detectable_ratio "
    "needed_subjects needed_subjects_for_double reason",
    "index": "measure index alpha value null_median null_p95 null_p status reason left_out range worse weakness",
    "separation": "grouping group mated non_mated eer eer_lo eer_hi eer_threshold eer_native_threshold d_prime mated_mean mated_sd "
    "non_mated_mean non_mated_sd bin_width cllr min_cllr miscalibration reason",
    "covariates": "grouping covariate unit group n q1 median q3 differs",
    "point": "achieved_fmr status reason detail needs_comparisons pool pool_partial pool_comparisons group weight subjects "
    "left_out_reason",
    "curves": "grouping group group_b score native_score mated non_mated effective_n",
}


def write_tables(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write every table as `folder`/NAME.csv: those of every evaluation, and those of the topics that it has.

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


def tables(evaluation: Evaluation) -> Tables:
    """Header and rows of every table, by name."""
    e = evaluation
    return {
        "groups": (COLUMNS["groups"].split(), list(_groups(e))),
        "extraction": (["grouping", *header_of("rate")], list(_extraction(e))),
        "rates": ([*header_of("at"), "measure", *header_of("rate")], list(_rates(e))),
        "contrasts": ([*header_of("at"), *COLUMNS["contrast"].split()], list(_contrasts(e))),
        "indices": ([*header_of("at"), *COLUMNS["index"].split()], list(_indices(e))),
        "separation": (COLUMNS["separation"].split(), list(_separation(e))),
        "covariates": (COLUMNS["covariates"].split(), list(_covariates(e))),
        "operating_points": ([*header_of("at"), *COLUMNS["point"].split()], list(_operating_points(e))),
        "curves": (COLUMNS["curves"].split(), list(_curves(e))),
        **{name: table for topic in topics() for name, table in topic.tables(e).items()},
    }


def _points(e: Evaluation) -> Iterator[tuple[Row, OperatingPoint]]:
    for g in e.groupings:
        for outer in g.operating_points:
            for p, reading in readings(outer):
                yield [grouping_name(g), p.origin, p.target_fmr, p.threshold, p.native_threshold, reading], p


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
                *(s.mated_mean, s.mated_sd, s.non_mated_mean, s.non_mated_sd, s.bin_width),
                *(s.cllr, s.min_cllr, s.miscalibration, s.reason),
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
