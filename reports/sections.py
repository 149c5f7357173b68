"""The sections on what was measured: threshold, failures, error rates, ratios, matrix, curves, indices, repeats of one person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from faceparity.harness.record import Contrast, Evaluation, Grouping, OperatingPoint, Rate
from faceparity.reports import format as f
from faceparity.reports.curves import det, histograms, tails
from faceparity.reports.exclusions import exclusion_sections
from faceparity.reports.figures import heat_map, matrix_cells, rate_chart, ratio_forest
from faceparity.reports.indices import index_items, separation_items
from faceparity.reports.narrative import finding, partial
from faceparity.reports.paired import paired_sections
from faceparity.reports.parts import Fold, Heading, Item, Section, Table, Text, pictures
from faceparity.reports.protocols import protocol_sections
from faceparity.reports.scenarios import scenario_sections
from faceparity.reports.searches import search_sections
from faceparity.reports.select import contrast_of, finest, headline, verdict
from faceparity.reports.tables import grouping_name

Measure = Literal["fmr", "fnmr"]
FULL = {"fmr": "False match rate", "fnmr": "False non-match rate"}
FAILED = {"fmr": "FAR", "fnmr": "FRR"}


def measured(e: Evaluation, key: str) -> list[Section]:
    """The sections from the finding to the indices, in the order they are told."""
    g = finest(e)
    out = [
        Section(f"{key}-finding", "What was found", list(_finding(e))),
        *paired_sections(e, key),
        Section(f"{key}-threshold", "Who set the threshold", list(_threshold(e, g, key))),
        Section(f"{key}-ftx", "Failures to extract a template (FTX)", list(_failures(e, key))),
        Section(f"{key}-fmr", "False match rate (FMR) by group", list(_rates(e, "fmr", key))),
        Section(f"{key}-fnmr", "False non-match rate (FNMR) by group", list(_rates(e, "fnmr", key))),
        *exclusion_sections(e, key),
        *protocol_sections(e, key),
        *search_sections(e, key),
        *scenario_sections(e, key),
        Section(f"{key}-ratios", "Ratios to the reference group", list(_per_point(e, key, _ratios))),
        Section(f"{key}-matrix", "FMR between groups", list(_matrix(e, g, key))),
        Section(f"{key}-scores", "Scores by group", pictures(histograms(e, g, f"{key}-hist"))),
        Section(f"{key}-det", "Errors at every threshold", list(_every_threshold(e, g, key))),
        Section(f"{key}-indices", "Indices of spread", list(_per_point(e, key, index_items))),
        Section(f"{key}-repeats", "Hidden repeats of one person", list(_same_person(e, g, key))),
    ]
    return [s for s in out if s.items]


def _every_threshold(e: Evaluation, g: Grouping, key: str) -> Iterator[Item]:
    yield from pictures(det(e, g, f"{key}-det"), tails(e, g, f"{key}-tails"))
    yield from separation_items(g, key)


def _finding(e: Evaluation) -> Iterator[Item]:
    told = finding(e)
    for sentence in told.main:
        yield Text(sentence, "lead")
    for caution in told.cautions:
        yield Text(caution, "flag")


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
        yield Table(f"{key}-pool-{i}", caption, columns, inside + out, frozenset({4}))


def _status(p: OperatingPoint) -> str:
    if p.status == "ok":
        return "in use"
    more = f"; it would take {f.count(p.needs_comparisons)} comparisons" if p.needs_comparisons else ""
    detail = f" ({f.clean(p.detail)})" if p.detail else ""
    return f"{p.status}: {f.reason(p.reason)}{more}{detail}"


def _failures(e: Evaluation, key: str) -> Iterator[Item]:
    x = e.extraction
    if not x.supplied or x.overall is None:
        yield Text("Failures were not supplied, so rates that count them are missing here.", "flag")
        return
    yield Text(
        f"{f.count(x.overall.errors)} of {f.plural(x.overall.comparisons, 'image')} gave no template: {f.count(x.no_face)} without a "
        f"face found, {f.count(x.unreadable)} unreadable. Several faces were found in {f.count(x.several_faces)}; used was "
        f"{f.clean(x.faces_policy)}."
    )
    for i, by in sorted(enumerate(x.by_group), key=lambda pair: -len(pair[1].attributes)):
        name = grouping_name(by.attributes)
        rows = [
            [r.group, _value(r), _uncertainty(r), f.count(r.subjects), f.count(r.comparisons), f.count(r.errors)]
            for r in by.rates
        ]
        columns = ["Group", "FTX", "95 % interval", "People", "Images", "Failed"]
        table = Table(f"{key}-{i}-ftx", f"Failures to extract a template by {name}", columns, rows, frozenset({2}))
        yield table if by.attributes == finest(e).attributes else Fold(f"FTX by {name}", [table])


def _value(r: Rate) -> str:
    if r.status == "suppressed" or r.errors is None:
        return f"<30{f.NBSP}people" if r.reason == "too_few_subjects" else f.DASH
    if r.status == "bound":
        top = r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
        return f.DASH if top is None else f"≤{f.NBSP}{f.percent(top, 2)}"
    return f.percent(r.rate)


def _uncertainty(r: Rate) -> str:
    if r.status == "suppressed":
        return f.DASH if r.reason == "too_few_subjects" else f.reason(r.reason)
    if r.status == "bound":
        return f"upper bound; ≤{f.NBSP}{f.percent(r.bounds.independent, 2)} if independent" if r.bounds else "upper bound"
    return f"{f.percent_interval(r.interval)}{f.NBSP}%" if r.interval else f.reason(r.reason) or "none"


def rate_table(key: str, caption: str, measure: Measure, rates: list[Rate]) -> Table:
    """Every rate with its uncertainty and counts; a column for the design where there are several. Point rates only beside an "ok" rate."""
    several = len({r.design for r in rates}) > 1
    columns = [
        "Group",
        *["Design"] * several,
        measure.upper(),
        "95 % interval",
        "People",
        "Comparisons",
        "Errors",
        "Effective errors",
    ]
    columns += [f"{FAILED[measure]}, failures counted", "Mean over people"]
    rows = [
        [
            *(r.group, *[f.DESIGNS[r.design]] * several, _value(r), _uncertainty(r)),
            *(f.count(r.subjects), f.count(r.comparisons), f.count(r.errors), f.number(r.effective_errors)),
            f.percent(r.rate_including_failures if r.status == "ok" or r.errors == 0 else None),
            f.percent(r.subject_weighted_rate if r.status == "ok" else None),
        ]
        for r in rates
    ]
    return Table(key, caption, columns, rows, frozenset({1, 3}) if several else frozenset({2}))


def _per_point(e: Evaluation, key: str, build: Callable[[Evaluation, int, int, str], list[Item]]) -> Iterator[Item]:
    """Content for each operating point over all groupings, finest first: the headline's open, the others' folded."""
    g = finest(e)
    first = headline(g)
    order = sorted(range(len(e.groupings)), key=lambda i: -len(e.groupings[i].attributes))
    for n, p in enumerate(g.operating_points):
        if p.threshold is None:
            continue
        items = [x for i in order if n < len(e.groupings[i].operating_points) for x in build(e, i, n, f"{key}-{i}-{n}")]
        if n == first and items:
            yield Heading(f.sentence(f.point_name(p)))
            yield from items
        elif items:
            yield Fold(f"{f.sentence(f.point_name(p))} ({f.threshold(e.model, p.native_threshold)})", items)


def _rates(e: Evaluation, measure: Measure, key: str) -> Iterator[Item]:
    if measure == "fnmr" and not e.comparisons.mated:
        yield Text("Not measured: no two images of this data set are labelled as the same person.")
        return

    def build(e: Evaluation, i: int, n: int, key: str) -> list[Item]:
        return _rate_items(e, i, n, measure, key)

    items = list(_per_point(e, key, build))
    yield from items or [Text("No operating point has a threshold, so there are no rates.")]


def _rate_items(e: Evaluation, i: int, n: int, measure: Measure, key: str) -> list[Item]:
    g, p = e.groupings[i], e.groupings[i].operating_points[n]
    rates = p.fmr if measure == "fmr" else p.fnmr
    if not rates:
        return []
    name, out = grouping_name(g), list[Item]()
    second = p.without_likely_same_person if measure == "fmr" else None
    if g is finest(e):
        out += pictures(rate_chart(e, p, measure, f"{key}-{measure}-chart"))
        out += [x for x in [_overall(p, measure, key)] if x.rows]
    said = ", all comparisons" if second else ""
    out.append(rate_table(f"{key}-{measure}", f"{FULL[measure]} by {name}{said}", measure, rates))
    if second is not None and second.threshold is not None:
        caption = (
            f"{FULL[measure]} by {name}, without probable repeats of one person ({f.threshold(e.model, second.native_threshold)})"
        )
        out.append(rate_table(f"{key}-{measure}-second", caption, measure, second.fmr))
    return out


def _overall(p: OperatingPoint, measure: Measure, key: str) -> Table:
    o = p.overall
    pair = ((o.fmr, o.fmr_all_pairs) if measure == "fmr" else (o.fnmr, o.fnmr_all_pairs)) if o else (None, None)
    rows = [
        [name, _value(r), _uncertainty(r), f.count(r.subjects), f.count(r.comparisons), f.count(r.errors)]
        for name, r in zip(("the pool", "all pairs"), pair, strict=True)
        if r is not None
    ]
    columns = ["Over", measure.upper(), "95 % interval", "People", "Comparisons", "Errors"]
    return Table(f"{key}-{measure}-overall", f"{FULL[measure]} over everybody", columns, rows, frozenset({2}))


def _ratios(e: Evaluation, i: int, n: int, key: str) -> list[Item]:
    g, p = e.groupings[i], e.groupings[i].operating_points[n]
    out: list[Item] = []
    measures: tuple[Measure, Measure] = ("fmr", "fnmr")
    for measure in measures:
        contrasts = [c for c in p.contrasts if c.measure == measure]
        if not contrasts:
            continue
        if g is finest(e):
            out += pictures(ratio_forest(e, p, measure, f"{key}-{measure}-forest"))
        caption = f"{FULL[measure]} by {grouping_name(g)}: ratio to {f.clean(contrasts[0].reference)}"
        out.append(ratio_table(f"{key}-{measure}-ratios", caption, p, contrasts))
    return out


def ratio_table(key: str, caption: str, p: OperatingPoint, contrasts: list[Contrast]) -> Table:
    """Every ratio with its interval, p-value and verdict; at a contaminated point also the second reading's."""
    second = p.without_likely_same_person
    columns = [
        "Group",
        "Ratio",
        "95 % interval",
        "with the threshold found anew",
        "Holm-adjusted p",
        "Verdict",
        "Could have detected",
    ]
    columns += ["Without probable repeats"] * (second is not None)
    rows = []
    for c in contrasts:
        said = verdict(p, c.measure, c.group)
        why = f" ({f.contrast_reason(c.reason)})" if c.reason else ""
        row = [c.group, f.ratio(c.ratio), f.ratio_interval(c.interval), f.ratio_interval(c.interval_reestimated)]
        row += [_p(c.p_holm), said + why, f.ratio(c.detectable_ratio)]
        if second is not None:
            other = contrast_of(second, c.measure, c.group)
            row.append(f"{f.ratio(other.ratio)} {f.ratio_interval(other.interval)} {other.verdict}" if other else f.DASH)
        rows.append(row)
    return Table(key, caption, columns, rows, frozenset({5, 7}))


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
        yield Fold(f"FMR between groups by {name}, as a table", [matrix_table(p, f"{key}-{i}-{n}-matrix", name)])


def matrix_table(p: OperatingPoint, key: str, name: str) -> Table:
    """Every pair of groups in a row of its own."""
    rows = []
    for r in matrix_cells(p).values():
        people = f"{f.count(r.subjects)} and {f.count(r.subjects_b)}" if r.subjects_b is not None else f.count(r.subjects)
        rows.append(
            [r.group, r.group_b or r.group, _value(r), _uncertainty(r), people, f.count(r.comparisons), f.count(r.errors)]
        )
    columns = ["Group", "and group", "FMR", "95 % interval", "People", "Comparisons", "Errors"]
    return Table(key, f"FMR between groups by {name}", columns, rows, frozenset({1, 3}))


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


def _p(p: float | None) -> str:
    return f.p_value(p).removeprefix("p ").removeprefix("= ")
