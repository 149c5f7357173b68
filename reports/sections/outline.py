"""The sections on what was measured: threshold, failures, error rates, ratios, matrix, curves, indices, repeats of one person."""

from __future__ import annotations

from collections.abc import Iterator

from faceparity.harness.results import Evaluation, Grouping, OperatingPoint
from faceparity.reports.charts.curves import det, histograms, tails
from faceparity.reports.charts.figures import heat_map, matrix_cells, rate_chart
from faceparity.reports.charts.scatter import scatter
from faceparity.reports.layout.elements import Fold, Item, Items, Section, Table, Text, pictures
from faceparity.reports.layout.per_point import per_point
from faceparity.reports.sections.indices import index_items, separation_items
from faceparity.reports.sections.rates import failures, rates, uncertainty, value
from faceparity.reports.sections.ratios import ratio_items
from faceparity.reports.sections.slider import slider_sections
from faceparity.reports.topics.registry import topics
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest, headline
from faceparity.reports.wording.narrative import partial

MAX_PAIRED = 40
"""Of more groups than these the pairs are in the CSV tables only."""


def measured(e: Evaluation, key: str) -> list[Section]:
    """The sections from the finding to the indices, in the order they are told."""
    g = finest(e)
    out = [
        Section(f"{key}-finding", "What was found", list(_finding(e, key))),
        *_topics(e, key, "finding"),
        Section(f"{key}-ftx", "Failures to extract a template (FTX)", list(failures(e, key))),
        Section(f"{key}-threshold", "Who set the threshold", list(_threshold(e, g, key))),
        Section(f"{key}-fmr", "False match rate (FMR) by group", list(rates(e, "fmr", key))),
        Section(f"{key}-fnmr", "False non-match rate (FNMR) by group", list(rates(e, "fnmr", key))),
        Section(f"{key}-ratios", "Ratios to the reference group", list(per_point(e, key, ratio_items))),
        *slider_sections(e, key),
        *_topics(e, key, "slider"),
        Section(f"{key}-matrix", "FMR between groups", list(_matrix(e, g, key))),
        Section(f"{key}-det", "Errors at every threshold", list(_every_threshold(e, g, key))),
        Section(f"{key}-both", "Both errors at one threshold", list(_both_errors(e, g, key))),
        Section(f"{key}-scores", "Scores by group", pictures(histograms(e, g, f"{key}-hist"))),
        Section(f"{key}-indices", "Indices of spread", list(per_point(e, key, index_items))),
        *_topics(e, key, "indices"),
        Section(f"{key}-repeats", "Hidden repeats of one person", list(_same_person(e, g, key))),
    ]
    return [s for s in out if s.items]


def _topics(e: Evaluation, key: str, after: str) -> Iterator[Section]:
    """Give the sections of the optional topics that follow this one."""
    for topic in topics():
        if topic.after == after:
            yield from topic.sections(e, key)


def _every_threshold(e: Evaluation, g: Grouping, key: str) -> Iterator[Item]:
    both = det(e, g, f"{key}-det")
    if both is None and e.comparisons.mated:
        yield Text("No DET is drawn: where there are false matches, no group has ten false non-matches.")
    yield from pictures(both, tails(e, g, f"{key}-tails"))
    yield from separation_items(g, key)


def _both_errors(e: Evaluation, g: Grouping, key: str) -> Iterator[Item]:
    n = headline(g)
    if n is not None:
        yield from pictures(scatter(e, g, g.operating_points[n], f"{key}-scatter"))


def _finding(e: Evaluation, key: str) -> Iterator[Item]:
    told = finding(e)
    yield from (Text(x, "lead") for x in told.main)
    for text in told.cautions:
        yield Text(text, "flag")
    if told.grouping is not None:
        p = told.grouping.operating_points[headline(told.grouping) or 0]
        yield from pictures(rate_chart(e, p, "fmr", f"{key}-chart"))
    yield from (Text(x) for x in told.beside)
    if told.more:
        yield Fold("What stands behind this: p-values, labels, threshold", [Items(told.more)])


def _threshold(e: Evaluation, g: Grouping, key: str) -> Iterator[Item]:
    yield Text(
        "One threshold for everybody: a comparison is a match if its score is at the threshold or more alike. No group has its own."
    )
    rows = [
        [f.point_name(p), f.threshold(e.model, p.native_threshold), f.percent(p.achieved_fmr), f.origin(p), _status(p)]
        for p in g.operating_points
    ]
    columns = ["Operating point", "Match if", "FMR of the pool", "Origin", "Status"]
    yield Table(f"{key}-points", "Operating points", columns, rows, frozenset({1, 3, 4}))
    pools = [p.pool for p in g.operating_points if p.pool is not None]
    for i, pool in enumerate(x for n, x in enumerate(pools) if x not in pools[:n]):
        p = next(p for p in g.operating_points if p.pool == pool)
        if partial(p):
            yield Text(partial(p), "flag")
        inside = [[x.group, f.percent(x.weight), f.count(x.subjects), f.count(x.comparisons), "in the pool"] for x in pool.groups]
        out = [[x.group, f.DASH, f.count(x.subjects), f.DASH, f"left out: {f.reason(x.reason)}"] for x in pool.left_out]
        caption = (
            f"{f.sentence(f.pool_name(pool))}: whose non-mated comparisons count for its FMR, {f.count(pool.comparisons)} in all"
        )
        columns = ["Group", "Weight", "People", "Comparisons", "In the pool"]
        yield Fold(caption, [Table(f"{key}-pool-{i}", caption, columns, inside + out, frozenset({4}))])


def _status(p: OperatingPoint) -> str:
    if p.status == "ok":
        return "in use"
    more = f"; it would take {f.count(p.needs_comparisons)} comparisons" if p.needs_comparisons else ""
    detail = f" ({f.clean(p.detail)})" if p.detail else ""
    return f"{p.status}: {f.reason(p.reason)}{more}{detail}"


def _matrix(e: Evaluation, g: Grouping, key: str) -> Iterator[Item]:
    n = headline(g)
    if n is None:
        return
    for i in sorted(range(len(e.groupings)), key=lambda i: -len(e.groupings[i].attributes)):
        grouping = e.groupings[i]
        p = grouping.operating_points[n] if n < len(grouping.operating_points) else None
        if p is None or not p.fmr_matrix:
            continue
        if grouping is g:
            yield Text(f"Both people of the same group on the diagonal, of two groups elsewhere; {f.point_name(p)}.")
            yield from pictures(heat_map(e, g, p, f"{key}-{i}-heat"))
        name = grouping_name(grouping)
        if len(grouping.groups) > MAX_PAIRED:
            pairs = f.count(len(p.fmr_matrix))
            yield Text(f"{f.sentence(name)}: {pairs} pairs of groups are too many for a page; tables/rates.csv has them.", "note")
            continue
        yield Fold(f"FMR between groups by {name}, as a table", [matrix_table(p, f"{key}-{i}-{n}-matrix", name)])


def matrix_table(p: OperatingPoint, key: str, name: str) -> Table:
    """Every pair of groups in a row of its own."""
    rows = []
    for r in matrix_cells(p).values():
        people = f"{f.count(r.subjects)} and {f.count(r.subjects_b)}" if r.subjects_b is not None else f.count(r.subjects)
        cells = [value(r), uncertainty(r), people, f.count(r.comparisons), f.count(r.errors)]
        rows.append([r.group, f.shorten(r.group_b or r.group, 100), *cells])
    columns = ["Group", "and group", "FMR", "95 % interval", "People", "Comparisons", "Errors"]
    return Table(key, f"FMR between groups by {name}: {f.point_name(p)}", columns, rows, frozenset({1, 3}))


def _same_person(e: Evaluation, g: Grouping, key: str) -> Iterator[Item]:
    sames = [(p, p.same_person) for p in g.operating_points if p.same_person is not None]
    if not sames:
        return
    first = sames[0][1]
    yield Text(
        f"The data set does not say who is pictured. Comparisons as alike as {f.threshold(e.model, first.native_threshold)} are, more "
        "likely than not, two images of one person; counted as non-mated, they look like false matches. Where they are more than 5 % "
        "of the pool's errors, or of any one group's, both readings are given, and a verdict needs both; where more than half of the "
        "pool's, no threshold is set."
    )
    rows = [
        [
            f.point_name(p),
            f.percent(x.share_of_pool_errors),
            f.percent(max(x.share_by_group.values(), default=None)),
            "yes" if x.contaminated else "no",
        ]
        for p, x in sames
    ]
    columns = ["Operating point", "Share of the pool's errors", "Largest share of a group's", "Contaminated"]
    yield Table(f"{key}-same", "Probable repeats among errors", columns, rows, frozenset({3}))
    rows = [[group, f.count(n)] for group, n in first.by_group.items()]
    yield Table(f"{key}-same-groups", f"Probable repeats by {grouping_name(g)}", ["Group", "Comparisons"], rows)
