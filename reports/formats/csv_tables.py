"""The numbers of one evaluation as CSV files, one per kind, for spreadsheets and statistics programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from faceparity.harness.metrics.differential import MEASURES
from faceparity.harness.results import Evaluation, OperatingPoint, PoolErrors
from faceparity.reports.topics.registry import topics
from faceparity.reports.wording.csv_rows import Row, Tables, grouping_name, header_of, named_indices, rate_row, readings, to_csv

COLUMNS = {
    "groups": "grouping group subjects samples merged reference",
    "contrast": "measure design group reference ratio lo hi lo_reestimated hi_reestimated df p p_holm p_bh verdict detectable_ratio "
    "needed_subjects needed_subjects_for_double reason test at_least higher_design_effect lower_design_effect flips_at",
    "index": "measure index alpha value null_median null_p95 null_p status reason left_out range worse weakness",
    "separation": "grouping group mated non_mated eer eer_lo eer_hi eer_threshold eer_native_threshold d_prime mated_mean mated_sd "
    "non_mated_mean non_mated_sd bin_width cllr min_cllr miscalibration reason",
    "covariates": "grouping covariate unit group n q1 median q3 differs",
    "failed_comparisons": "grouping group mated mated_failed non_mated non_mated_failed",
    "point": "achieved_fmr status reason detail needs_comparisons pool pool_partial pool_comparisons group weight subjects "
    "left_out_reason withheld expected_errors effective_errors share_of_one_pair carrying_group share_of_group",
    "curves": "grouping group group_b score native_score mated non_mated effective_n",
}


def write_tables(evaluation: Evaluation, folder: Path) -> list[Path]:
    r"""Write every table as `folder`/NAME.csv.

    Those of every evaluation, and those of the topics that it has. UTF-8, comma, "\n", a header line; fractions at full
    precision; undefined is an empty cell, the reason in its own column. Cells of text that a spreadsheet would run as a formula
    get a leading apostrophe. The same evaluation gives the same bytes.
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
    """Return header and rows of every table, by name."""
    return {
        "groups": (COLUMNS["groups"].split(), list(_groups(evaluation))),
        "extraction": (["grouping", *header_of("rate")], list(_extraction(evaluation))),
        "failed_comparisons": (COLUMNS["failed_comparisons"].split(), list(_failed_comparisons(evaluation))),
        "rates": ([*header_of("at"), "measure", *header_of("rate")], list(_rates(evaluation))),
        "contrasts": ([*header_of("at"), *COLUMNS["contrast"].split()], list(_contrasts(evaluation))),
        "indices": ([*header_of("at"), *COLUMNS["index"].split()], list(_indices(evaluation))),
        "separation": (COLUMNS["separation"].split(), list(_separation(evaluation))),
        "covariates": (COLUMNS["covariates"].split(), list(_covariates(evaluation))),
        "operating_points": ([*header_of("at"), *COLUMNS["point"].split()], list(_operating_points(evaluation))),
        "curves": (COLUMNS["curves"].split(), list(_curves(evaluation))),
        **{name: table for topic in topics() for name, table in topic.tables(evaluation).items()},
    }


def _points(evaluation: Evaluation) -> Iterator[tuple[Row, OperatingPoint]]:
    for grouping in evaluation.groupings:
        for outer in grouping.operating_points:
            for point, reading in readings(outer):
                thresholds: Row = [point.target_fmr, point.threshold, point.native_threshold]
                yield [grouping_name(grouping), point.origin, *thresholds, reading], point


def _groups(evaluation: Evaluation) -> Iterator[Row]:
    for grouping in evaluation.groupings:
        for group in grouping.groups:
            is_reference = group.group == grouping.reference
            yield [grouping_name(grouping), group.group, group.subjects, group.samples, group.merged, is_reference]


def _extraction(evaluation: Evaluation) -> Iterator[Row]:
    if evaluation.extraction.overall is not None:
        yield ["", *rate_row(evaluation.extraction.overall)]
    for by in evaluation.extraction.by_group:
        for rate in by.rates:
            yield [grouping_name(by.attributes), *rate_row(rate)]


def _failed_comparisons(evaluation: Evaluation) -> Iterator[Row]:
    for grouping in evaluation.groupings:
        for entry in grouping.failed_comparisons:
            counts: Row = [entry.mated, entry.mated_failed, entry.non_mated, entry.non_mated_failed]
            yield [grouping_name(grouping), entry.group, *counts]


def _rates(evaluation: Evaluation) -> Iterator[Row]:
    for at, point in _points(evaluation):
        if point.overall is not None:
            totals = point.overall
            overall_rates = (
                ("fmr", totals.fmr),
                ("fnmr", totals.fnmr),
                ("fmr", totals.fmr_all_pairs),
                ("fnmr", totals.fnmr_all_pairs),
            )
            for measure, overall in overall_rates:
                if overall is not None:
                    yield [*at, f"{measure}_overall", *rate_row(overall)]
        for measure, rates in (("fmr", point.fmr), ("fnmr", point.fnmr), ("fmr_matrix", point.fmr_matrix)):
            for rate in rates:
                yield [*at, measure, *rate_row(rate)]


def _contrasts(evaluation: Evaluation) -> Iterator[Row]:
    for at, point in _points(evaluation):
        for contrast in [*point.contrasts, *point.unadjusted]:
            names: Row = [contrast.measure, contrast.design, contrast.group, contrast.reference]
            intervals: Row = [*(contrast.interval or (None, None)), *(contrast.interval_reestimated or (None, None))]
            test: Row = [contrast.df, contrast.p, contrast.p_holm, contrast.p_bh, contrast.verdict]
            needed: Row = [contrast.detectable_ratio, contrast.needed_subjects, contrast.needed_subjects_for_double]
            few = contrast.few_errors
            bound: Row = [few.at_least, few.higher_design_effect, few.lower_design_effect, few.flips_at] if few else [None] * 4
            yield [*at, *names, contrast.ratio, *intervals, *test, *needed, contrast.reason, contrast.test, *bound]


def _indices(evaluation: Evaluation) -> Iterator[Row]:
    for at, point in _points(evaluation):
        for measure, name, alpha, index in named_indices(point.differential):
            known = MEASURES.get(name)
            texts = (known.range, known.worse, known.weakness) if known else (None, None, None)
            null: Row = [index.null_median, index.null_p95, index.null_p, index.status, index.reason, "; ".join(index.left_out)]
            yield [*at, measure, name, alpha, index.value, *null, *texts]


def _separation(evaluation: Evaluation) -> Iterator[Row]:
    sign = evaluation.model.score.sign
    for grouping in evaluation.groupings:
        for group in grouping.separation:
            native = None if group.eer_threshold is None else sign * group.eer_threshold
            counts: Row = [grouping_name(grouping), group.group, group.mated, group.non_mated]
            eer: Row = [group.eer, *(group.eer_within or (None, None)), group.eer_threshold, native]
            moments: Row = [group.mated_mean, group.mated_sd, group.non_mated_mean, group.non_mated_sd, group.bin_width]
            calibration: Row = [group.cllr, group.min_cllr, group.miscalibration]
            yield [*counts, *eer, group.d_prime, *moments, *calibration, group.reason]


def _covariates(evaluation: Evaluation) -> Iterator[Row]:
    for grouping in evaluation.groupings:
        for covariate in grouping.covariates:
            names: Row = [grouping_name(grouping), covariate.name, covariate.unit]
            overall = covariate.overall
            yield [*names, "", overall.n, overall.q1, overall.median, overall.q3, False]
            for group in covariate.by_group:
                differs = group.group in covariate.differs
                yield [*names, group.group, group.n, group.q1, group.median, group.q3, differs]


def _operating_points(evaluation: Evaluation) -> Iterator[Row]:
    for at, point in _points(evaluation):
        row: Row = [*at, point.achieved_fmr, point.status, point.reason, point.detail, point.needs_comparisons]
        withheld = point.withheld.reason if point.withheld is not None else None
        for cells in _pool_rows(point):
            yield [*row, *cells, withheld, *_carried(point.pool_errors)]


def _pool_rows(point: OperatingPoint) -> Iterator[Row]:
    """Yield a row for each group in the pool and left out of it, or one without a group."""
    if point.pool is None:
        yield [None] * 7
        return
    pool: Row = [point.pool.name, point.pool.partial, point.pool.comparisons]
    for group in point.pool.groups:
        yield [*pool, group.group, group.weight, group.subjects, None]
    for excluded in point.pool.left_out:
        yield [*pool, excluded.group, 0.0, excluded.subjects, excluded.reason]
    if not point.pool.groups and not point.pool.left_out:
        yield [*pool, None, None, None, None]


def _carried(carried: PoolErrors | None) -> Row:
    """Return how much the errors tell that set a threshold, and who carries them."""
    if carried is None:
        return [None] * 5
    return [carried.expected, carried.effective, carried.share_of_one_pair, carried.group, carried.share_of_group]


def _curves(evaluation: Evaluation) -> Iterator[Row]:
    """Yield a row for each bin that holds comparisons.

    Empty bins are left out: the grid is in `results.json`.
    """
    sign = evaluation.model.score.sign
    for grouping in evaluation.groupings:
        for curve in grouping.curves:
            names: Row = [grouping_name(grouping), curve.group, curve.group_b]
            for i, (mated, non_mated) in enumerate(zip(curve.mated, curve.non_mated, strict=True)):
                if mated or non_mated:
                    effective = curve.effective_n[i] if curve.effective_n else None
                    yield [*names, curve.edges[i], sign * curve.edges[i], mated, non_mated, effective]
