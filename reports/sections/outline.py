"""The sections on what was measured: threshold, failures, error rates, ratios, matrix, curves, indices, repeats of one person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness.results import Evaluation, Grouping, OperatingPoint, SamePerson
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
from faceparity.reports.wording.pool_words import rests_on
from faceparity.reports.wording.verdicts.reasons import POINT_STATUSES

MAX_PAIRED = 40
"""Maximum number of groups whose pairs the page has; those of more groups are in the CSV tables only."""


def measured(evaluation: Evaluation, key: str, lead: Sequence[str] | None = None) -> list[Section]:
    """Return the sections from the finding to the indices.

    In their order on the page; those without content are left out. `key` begins the ids of their elements. lead: the attributes of
    the headline, as `finding` takes them.
    """
    grouping = finest(evaluation)
    out = [
        Section(f"{key}-finding", "What was found", list(_finding(evaluation, key, lead))),
        *_topics(evaluation, key, "finding"),
        Section(f"{key}-ftx", "Failures to extract a template (FTX)", list(failures(evaluation, key))),
        Section(f"{key}-threshold", "Who set the threshold", list(_threshold(evaluation, grouping, key))),
        Section(f"{key}-fmr", "False match rate (FMR) by group", list(rates(evaluation, "fmr", key, lead))),
        Section(f"{key}-fnmr", "False non-match rate (FNMR) by group", list(rates(evaluation, "fnmr", key))),
        Section(f"{key}-ratios", "Ratios to the reference group", list(per_point(evaluation, key, ratio_items))),
        *slider_sections(evaluation, key),
        *_topics(evaluation, key, "slider"),
        Section(f"{key}-matrix", "FMR between groups", list(_matrix(evaluation, grouping, key))),
        Section(f"{key}-det", "Errors at every threshold", list(_every_threshold(evaluation, grouping, key))),
        Section(f"{key}-both", "Both errors at one threshold", list(_both_errors(evaluation, grouping, key))),
        Section(f"{key}-scores", "Scores by group", pictures(histograms(evaluation, grouping, f"{key}-hist"))),
        Section(f"{key}-indices", "Indices of spread", list(per_point(evaluation, key, index_items))),
        *_topics(evaluation, key, "indices"),
        Section(f"{key}-repeats", "Hidden repeats of one person", list(_same_person(evaluation, grouping, key))),
    ]
    return [section for section in out if section.items]


def _topics(evaluation: Evaluation, key: str, after: str) -> Iterator[Section]:
    """Yield the sections of optional topics placed after `after`."""
    for topic in topics():
        if topic.after == after:
            yield from topic.sections(evaluation, key)


def _every_threshold(evaluation: Evaluation, grouping: Grouping, key: str) -> Iterator[Item]:
    """Yield figures over all thresholds."""
    both = det(evaluation, grouping, f"{key}-det")
    if both is None and evaluation.comparisons.mated:
        yield Text("No DET is drawn: where there are false matches, no group has ten false non-matches.")
    yield from pictures(both, tails(evaluation, grouping, f"{key}-tails"))
    yield from separation_items(grouping, key)


def _both_errors(evaluation: Evaluation, grouping: Grouping, key: str) -> Iterator[Item]:
    """Yield the scatter of both errors at the headline threshold."""
    position = headline(grouping)
    if position is not None:
        yield from pictures(scatter(evaluation, grouping, grouping.operating_points[position], f"{key}-scatter"))


def _finding(evaluation: Evaluation, key: str, lead: Sequence[str] | None) -> Iterator[Item]:
    """Yield the finding with cautions, chart and evidence."""
    found = finding(evaluation, lead)
    yield from (Text(sentence, "lead") for sentence in found.main)
    for text in found.cautions:
        yield Text(text, "flag")
    if found.grouping is not None:
        point = found.grouping.operating_points[headline(found.grouping) or 0]
        yield from pictures(rate_chart(evaluation, point, "fmr", f"{key}-chart"))
    yield from (Text(sentence) for sentence in found.beside)
    if found.more:
        yield Fold("What stands behind this: p-values, labels, threshold", [Items(found.more)])


def _threshold(evaluation: Evaluation, grouping: Grouping, key: str) -> Iterator[Item]:
    """Yield operating points, and the pools that set thresholds."""
    yield Text(
        "One threshold for everybody: a comparison is a match if its score is at the threshold or more alike. No group has its own."
    )
    rows = [
        [
            f.point_name(point),
            f.threshold(evaluation.model, point.native_threshold),
            f.percent(point.achieved_fmr),
            f.origin(point),
            _status(point),
        ]
        for point in grouping.operating_points
    ]
    columns = ["Operating point", "Match if", "FMR of the pool", "Origin", "Status"]
    yield Table(f"{key}-points", "Operating points", columns, rows, frozenset({1, 3, 4}))
    for point in grouping.operating_points:
        yield from (Text(f"{f.sentence(f.point_name(point))}: {sentence}", "flag") for sentence in rests_on(evaluation, point))
    pools = [point.pool for point in grouping.operating_points if point.pool is not None]
    for i, pool in enumerate(entry for position, entry in enumerate(pools) if entry not in pools[:position]):
        point = next(point for point in grouping.operating_points if point.pool == pool)
        if partial(point):
            yield Text(partial(point), "flag")
        inside = [
            [entry.group, f.percent(entry.weight), f.count(entry.subjects), f.count(entry.comparisons), "in the pool"]
            for entry in pool.groups
        ]
        out = [
            [entry.group, f.DASH, f.count(entry.subjects), f.DASH, f"left out: {f.reason(entry.reason)}"]
            for entry in pool.left_out
        ]
        caption = (
            f"{f.sentence(f.pool_name(pool))}: whose non-mated comparisons count for its FMR, {f.count(pool.comparisons)} in all"
        )
        columns = ["Group", "Weight", "People", "Comparisons", "In the pool"]
        yield Fold(caption, [Table(f"{key}-pool-{i}", caption, columns, inside + out, frozenset({4}))])


def _status(point: OperatingPoint) -> str:
    """Return a point's status with its reason."""
    status = POINT_STATUSES[point.status]
    if point.withheld is not None:
        return f"{status}, without a verdict: {f.reason(point.withheld.reason)}"
    if point.status == "ok" and point.reason is not None:
        return f"{status}, without verdicts: {f.reason(point.reason)}"
    if point.status == "ok":
        return status
    more = f"; it would take {f.count(point.needs_comparisons)} comparisons" if point.needs_comparisons else ""
    detail = f" ({f.clean(point.detail)})" if point.detail else ""
    return f"{status}: {f.reason(point.reason)}{more}{detail}"


def _matrix(evaluation: Evaluation, finest_grouping: Grouping, key: str) -> Iterator[Item]:
    """Yield FMR between groups at the headline threshold."""
    position = headline(finest_grouping)
    if position is None:
        return
    for i in sorted(range(len(evaluation.groupings)), key=lambda i: -len(evaluation.groupings[i].attributes)):
        grouping = evaluation.groupings[i]
        point = grouping.operating_points[position] if position < len(grouping.operating_points) else None
        if point is None or not point.fmr_matrix:
            continue
        if grouping is finest_grouping:
            yield Text(f"Both people of the same group on the diagonal, of two groups elsewhere; {f.point_name(point)}.")
            yield from pictures(heat_map(evaluation, finest_grouping, point, f"{key}-{i}-heat"))
        name = grouping_name(grouping)
        if len(grouping.groups) > MAX_PAIRED:
            pairs = f.count(len(point.fmr_matrix))
            yield Text(f"{f.sentence(name)}: {pairs} pairs of groups are too many for a page; tables/rates.csv has them.", "note")
            continue
        yield Fold(f"FMR between groups by {name}, as a table", [matrix_table(point, f"{key}-{i}-{position}-matrix", name)])


def matrix_table(point: OperatingPoint, key: str, name: str) -> Table:
    """Return a table of all pairs of groups.

    A row for each.
    """
    rows = []
    for rate in matrix_cells(point).values():
        people = (
            f"{f.count(rate.subjects)} and {f.count(rate.subjects_b)}" if rate.subjects_b is not None else f.count(rate.subjects)
        )
        cells = [value(rate), uncertainty(rate), people, f.count(rate.comparisons), f.count(rate.errors)]
        rows.append([rate.group, f.shorten(rate.group_b or rate.group, 100), *cells])
    columns = ["Group", "and group", "FMR", "95 % interval", "People", "Comparisons", "Errors"]
    return Table(key, f"FMR between groups by {name}: {f.point_name(point)}", columns, rows, frozenset({1, 3}))


def _about_repeats(evaluation: Evaluation, same: SamePerson) -> str:
    """Return what comparisons that look like one person are, and what follows."""
    alike = (
        f"Comparisons as alike as {f.threshold(evaluation.model, same.native_threshold)} are, more likely than not, two images of"
    )
    if same.labelled:
        return (
            f"{alike} one person. The labels say that these are of different people: one person under two ids, wrong labels, or "
            "relatives. `faceparity suspects` lists them. Where there are any, both readings are given; where they are more than half of "
            "the pool's errors, no verdict stands."
        )
    return (
        f"The data set does not say who is pictured. {alike} one person; counted as non-mated, they look like false matches. Where they "
        "are more than 5 % of the pool's errors, or of any one group's, both readings are given, and a verdict needs both; where more "
        "than half of the pool's, no threshold is set."
    )


def _same_person(evaluation: Evaluation, grouping: Grouping, key: str) -> Iterator[Item]:
    """Yield probable repeats of one person among errors."""
    sames = [(point, point.same_person) for point in grouping.operating_points if point.same_person is not None]
    if not sames:
        return
    first = sames[0][1]
    if first.labelled and not first.comparisons:
        alike = f.threshold(evaluation.model, first.native_threshold)
        yield Text(
            f"No comparison of different people is as alike as {alike}, from which both images are probably of one person."
        )
        return
    yield Text(_about_repeats(evaluation, first))
    rows = [
        [
            f.point_name(point),
            f.percent(repeats.share_of_pool_errors),
            f.percent(max(repeats.share_by_group.values(), default=None)),
            "yes" if repeats.contaminated else "no",
        ]
        for point, repeats in sames
    ]
    columns = ["Operating point", "Share of the pool's errors", "Largest share of a group's", "Contaminated"]
    yield Table(f"{key}-same", "Probable repeats among errors", columns, rows, frozenset({3}))
    rows = [[group, f.count(number)] for group, number in first.by_group.items()]
    yield Table(f"{key}-same-groups", f"Probable repeats by {grouping_name(grouping)}", ["Group", "Comparisons"], rows)
