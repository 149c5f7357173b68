"""The numbers of a comparison as CSV files, for spreadsheets and statistics programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from faceparity.harness.results import ModelChange, Rate
from faceparity.harness.results.comparison import ComparedDataset, ComparedPoint, Comparison, League
from faceparity.reports.wording.csv_rows import Row, to_csv

HEADERS = {
    "results": "id run label model model_version fingerprint dataset dataset_version dataset_digest subjects samples attributes targets "
    "pool seed faceparity commit excluded_samples excluded_comparisons private private_reason",
    "rates": "id model dataset attributes origin target_fmr native_threshold status measure group subjects comparisons errors rate lo hi "
    "bound_independent bound_worst_case rate_status reason",
    "differences": "dataset origin target_fmr reading first second quantity measure grouping design group reference subjects comparisons "
    "errors_first errors_second errors_both figure_first figure_second difference difference_lo difference_hi ratio lo hi lo_reestimated "
    "hi_reestimated df p p_holm p_bh effective_discordant verdict reason",
    "leagues": "dataset origin target_fmr measure attributes id model value lo hi group rank_best rank_worst models second_value reason",
    "league_tests": "dataset origin target_fmr measure attributes first second ratio lo hi p p_holm verdict reason",
    "unpaired": "dataset origin target_fmr first second why measure attributes group rate_first lo_first hi_first rate_second lo_second "
    "hi_second overlap",
}


def write_tables(comparison: Comparison, folder: Path) -> list[Path]:
    """Every table as `folder`/NAME.csv: UTF-8, comma, fractions at full precision, undefined an empty cell."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, rows in tables(comparison).items():
        path = folder / f"{name}.csv"
        path.write_text(to_csv(HEADERS[name].split(), rows), encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def tables(c: Comparison) -> dict[str, list[Row]]:
    """The rows of every table, by name; those without rows are left out, but for the first."""
    found = {
        "results": list(_results(c)),
        "rates": list(_rates(c)),
        "differences": list(_differences(c)),
        "leagues": list(_leagues(c)),
        "league_tests": list(_league_tests(c)),
        "unpaired": list(_unpaired(c)),
    }
    return {name: rows for name, rows in found.items() if rows}


def _results(c: Comparison) -> Iterator[Row]:
    for x in c.results:
        yield [
            x.id, x.run, x.label, x.model, x.model_version, x.fingerprint, x.dataset, x.dataset_version, x.dataset_digest, x.subjects,
            x.samples, " × ".join(x.attributes), " ".join(f"{t:g}" for t in x.targets), x.pool, x.seed, x.faceparity, x.commit,
            x.excluded_samples, x.excluded_comparisons, x.private, x.private_reason or None,
        ]  # fmt: skip


def _rates(c: Comparison) -> Iterator[Row]:
    for x in c.results:
        for by in x.failures:
            for r in by.rates:
                yield [x.id, x.model, x.dataset, " × ".join(by.attributes), None, None, None, None, "ftx", *_rate(r)]
        for p in x.panels:
            for measure in ("fmr", "fnmr"):
                for r in getattr(p, measure):
                    at: Row = [" × ".join(p.attributes), p.origin, p.target_fmr, p.native_threshold, p.status]
                    yield [x.id, x.model, x.dataset, *at, measure, *_rate(r)]


def _rate(r: Rate) -> Row:
    lo, hi = r.interval or (None, None)
    independent, worst = (r.bounds.independent, r.bounds.worst_case) if r.bounds else (None, None)
    return [r.group, r.subjects, r.comparisons, r.errors, r.rate, lo, hi, independent, worst, r.status, r.reason]


def _points(c: Comparison) -> Iterator[tuple[ComparedDataset, ComparedPoint]]:
    for d in c.datasets:
        for p in d.points:
            yield d, p


def _differences(c: Comparison) -> Iterator[Row]:
    for d in c.datasets:
        for x in d.failures:
            start: Row = [d.dataset, None, None, "all", x.first, x.second]
            yield [*start, *_change(x.overall, "")]
            for g in x.groupings:
                for change in g.changes:
                    yield [*start, *_change(change, " × ".join(g.attributes))]
    for d, p in _points(c):
        for reading, pairs in (("all", p.pairs), ("without_likely_same_person", p.second)):
            for q in pairs:
                at: Row = [d.dataset, p.origin, p.target_fmr, reading, q.first, q.second]
                for change in q.overall:
                    yield [*at, *_change(change, "")]
                for g in q.groupings:
                    for change in [*g.changes, *g.including_failures]:
                        yield [*at, *_change(change, " × ".join(g.attributes))]


def _change(x: ModelChange, grouping: str) -> Row:
    ends = [*(x.difference_interval or (None, None))]
    return [
        x.quantity, x.measure, grouping or None, x.design, x.group, x.reference, x.subjects, x.comparisons, x.errors_first,
        x.errors_second, x.errors_both, x.first, x.second, x.difference, *ends, x.ratio, *(x.interval or (None, None)),
        *(x.interval_reestimated or (None, None)), x.df, x.p, x.p_holm, x.p_bh, x.effective_discordant, x.verdict, x.reason,
    ]  # fmt: skip


def _tables_of(c: Comparison) -> Iterator[tuple[Row, League]]:
    for d in c.datasets:
        if d.failure_league is not None:
            yield [d.dataset, None, None], d.failure_league
    for d, p in _points(c):
        for x in p.leagues:
            yield [d.dataset, p.origin, p.target_fmr], x


def _leagues(c: Comparison) -> Iterator[Row]:
    models = {x.id: x.model for x in c.results}
    for at, x in _tables_of(c):
        for r in x.rows:
            lo, hi = r.interval or (None, None)
            what: Row = [x.measure, " × ".join(x.attributes) or None]
            yield [*at, *what, r.id, models[r.id], r.value, lo, hi, r.group, *r.rank, len(x.rows), r.second_value, r.reason]


def _league_tests(c: Comparison) -> Iterator[Row]:
    for at, x in _tables_of(c):
        for t in x.tests:
            what: Row = [x.measure, " × ".join(x.attributes) or None, t.first, t.second, t.ratio]
            yield [*at, *what, *(t.interval or (None, None)), t.p, t.p_holm, t.verdict, t.reason]


def _unpaired(c: Comparison) -> Iterator[Row]:
    for d in c.datasets:
        found = [(None, None, u) for u in d.failures_unpaired]
        for origin, target, u in [*found, *((p.origin, p.target_fmr, u) for p in d.points for u in p.unpaired)]:
            for r in u.rates:
                first, second = r.first_interval or (None, None), r.second_interval or (None, None)
                yield [
                    d.dataset, origin, target, u.first, u.second, u.reason, r.measure, " × ".join(r.attributes), r.group, r.first, *first,
                    r.second, *second, r.overlap,
                ]  # fmt: skip
