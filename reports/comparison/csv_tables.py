"""The numbers of a comparison as CSV files, for spreadsheets and statistics programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from faceparity.harness.results import ModelChange, Rate
from faceparity.harness.results.comparison import ComparedDataset, ComparedPoint, Comparison, League
from faceparity.reports.wording import compare_words as words
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import Row, to_csv

HEADERS = {
    "results": "id run label model model_version fingerprint dataset dataset_version dataset_digest subjects samples attributes targets "
    "pool seed faceparity commit excluded_samples excluded_comparisons private private_reason",
    "rates": "id model dataset attributes origin target_fmr native_threshold status measure group subjects comparisons errors rate lo hi "
    "bound_independent bound_worst_case rate_status reason pooled_rate",
    "differences": "dataset origin target_fmr reading first second quantity measure grouping design group reference subjects comparisons "
    "errors_first errors_second errors_both figure_first figure_second difference difference_lo difference_hi ratio lo hi lo_reestimated "
    "hi_reestimated df p p_holm p_bh effective_discordant verdict reason pooled_first pooled_second",
    "leagues": "dataset origin target_fmr measure attributes id model value lo hi group rank_best rank_worst models second_value reason",
    "league_tests": "dataset origin target_fmr measure attributes first second ratio lo hi p p_holm verdict reason",
    "unpaired": "dataset origin target_fmr first second why measure attributes group rate_first lo_first hi_first rate_second lo_second "
    "hi_second overlap",
}


def write_tables(comparison: Comparison, folder: Path) -> list[Path]:
    """Write every table as `folder`/NAME.csv and return the paths.

    UTF-8, comma, fractions at full precision, undefined an empty cell.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, rows in tables(comparison).items():
        path = folder / f"{name}.csv"
        path.write_text(to_csv(HEADERS[name].split(), rows), encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def tables(comparison: Comparison) -> dict[str, list[Row]]:
    """Return the rows of every table, by name.

    Tables without rows are left out.
    """
    found = {
        "results": list(_results(comparison)),
        "rates": list(_rates(comparison)),
        "differences": list(_differences(comparison)),
        "leagues": list(_leagues(comparison)),
        "league_tests": list(_league_tests(comparison)),
        "unpaired": list(_unpaired(comparison)),
    }
    return {name: rows for name, rows in found.items() if rows}


def _results(comparison: Comparison) -> Iterator[Row]:
    """Yield a row for each result."""
    for result in comparison.results:
        yield [
            result.id, result.run, result.label, result.model, result.model_version, result.fingerprint, result.dataset,
            result.dataset_version, result.dataset_digest, result.subjects, result.samples, " × ".join(result.attributes),
            " ".join(f"{target:g}" for target in result.targets), result.pool, result.seed, result.faceparity, result.commit,
            result.excluded_samples, result.excluded_comparisons, result.private, result.private_reason or None,
        ]  # fmt: skip


def _rates(comparison: Comparison) -> Iterator[Row]:
    """Yield a row for each rate of each result."""
    for result in comparison.results:
        for failures in result.failures:
            for rate in failures.rates:
                yield [
                    result.id,
                    result.model,
                    result.dataset,
                    " × ".join(failures.attributes),
                    None,
                    None,
                    None,
                    None,
                    "ftx",
                    *_rate(rate),
                ]
        for panel in result.panels:
            for measure in ("fmr", "fnmr"):
                for rate in getattr(panel, measure):
                    at: Row = [" × ".join(panel.attributes), panel.origin, panel.target_fmr, panel.native_threshold, panel.status]
                    yield [result.id, result.model, result.dataset, *at, measure, *_rate(rate)]


def _rate(rate: Rate) -> Row:
    """Return the cells of one rate."""
    lo, hi = rate.interval or (None, None)
    independent, worst = (rate.bounds.independent, rate.bounds.worst_case) if rate.bounds else (None, None)
    return [
        rate.group,
        rate.subjects,
        rate.comparisons,
        rate.errors,
        rate.rate,
        lo,
        hi,
        independent,
        worst,
        rate.status,
        rate.reason,
        f.pooled(rate),
    ]


def _points(comparison: Comparison) -> Iterator[tuple[ComparedDataset, ComparedPoint]]:
    """Yield each data set with each of its points."""
    for dataset in comparison.datasets:
        for point in dataset.points:
            yield dataset, point


def _differences(comparison: Comparison) -> Iterator[Row]:
    """Yield a row for each difference of two models."""
    for dataset in comparison.datasets:
        for failures in dataset.failures:
            start: Row = [dataset.dataset, None, None, "all", failures.first, failures.second]
            yield [*start, *_change(failures.overall, "")]
            for grouping in failures.groupings:
                for change in grouping.changes:
                    yield [*start, *_change(change, " × ".join(grouping.attributes))]
    for dataset, point in _points(comparison):
        for reading, pairs in (("all", point.pairs), ("without_likely_same_person", point.second)):
            for pair in pairs:
                at: Row = [dataset.dataset, point.origin, point.target_fmr, reading, pair.first, pair.second]
                for change in pair.overall:
                    yield [*at, *_change(change, "")]
                for grouping in pair.groupings:
                    for change in [*grouping.changes, *grouping.including_failures]:
                        yield [*at, *_change(change, " × ".join(grouping.attributes))]


def _change(change: ModelChange, grouping: str) -> Row:
    """Return the cells of one difference."""
    ends = [*(change.difference_interval or (None, None))]
    return [
        change.quantity, change.measure, grouping or None, change.design, change.group, change.reference, change.subjects,
        change.comparisons, change.errors_first, change.errors_second, change.errors_both, change.first, change.second,
        change.difference, *ends, change.ratio, *(change.interval or (None, None)),
        *(change.interval_reestimated or (None, None)), change.df, change.p, change.p_holm, change.p_bh,
        change.effective_discordant, change.verdict, change.reason,
        *(words.pooled(change, errors) for errors in (change.errors_first, change.errors_second)),
    ]  # fmt: skip


def _league_tables(comparison: Comparison) -> Iterator[tuple[Row, League]]:
    """Yield the league tables, each with its first cells."""
    for dataset in comparison.datasets:
        if dataset.failure_league is not None:
            yield [dataset.dataset, None, None], dataset.failure_league
    for dataset, point in _points(comparison):
        for league in point.leagues:
            yield [dataset.dataset, point.origin, point.target_fmr], league


def _leagues(comparison: Comparison) -> Iterator[Row]:
    """Yield a row for each model of each league table."""
    models = {result.id: result.model for result in comparison.results}
    for at, league in _league_tables(comparison):
        for row in league.rows:
            lo, hi = row.interval or (None, None)
            what: Row = [league.measure, " × ".join(league.attributes) or None]
            yield [
                *at,
                *what,
                row.id,
                models[row.id],
                row.value,
                lo,
                hi,
                row.group,
                *row.rank,
                len(league.rows),
                row.second_value,
                row.reason,
            ]


def _league_tests(comparison: Comparison) -> Iterator[Row]:
    """Yield a row for each test of each league table."""
    for at, league in _league_tables(comparison):
        for test in league.tests:
            what: Row = [league.measure, " × ".join(league.attributes) or None, test.first, test.second, test.ratio]
            yield [*at, *what, *(test.interval or (None, None)), test.p, test.p_holm, test.verdict, test.reason]


def _unpaired(comparison: Comparison) -> Iterator[Row]:
    """Yield a row for each rate of unpaired results."""
    for dataset in comparison.datasets:
        found = [(None, None, pair) for pair in dataset.failures_unpaired]
        for origin, target, pair in [
            *found,
            *((point.origin, point.target_fmr, pair) for point in dataset.points for pair in point.unpaired),
        ]:
            for rate in pair.rates:
                first, second = rate.first_interval or (None, None), rate.second_interval or (None, None)
                yield [
                    dataset.dataset, origin, target, pair.first, pair.second, pair.reason, rate.measure,
                    " × ".join(rate.attributes), rate.group, rate.first, *first, rate.second, *second, rate.overlap,
                ]  # fmt: skip
