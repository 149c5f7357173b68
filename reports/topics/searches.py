"""Galleries and probes that a benchmark publishes (1:N): how often the mate is found, and how often somebody else is."""

from __future__ import annotations

from collections.abc import Iterator

from faceparity.harness.results import Evaluation, Rate, Search, SearchGallery, SearchGroups, SearchPoint, SearchRank
from faceparity.reports.layout.elements import Fold, Heading, Item, Section, Table, Text
from faceparity.reports.layout.topic import SmallTable, Topic, TopicEntry
from faceparity.reports.topics.protocols import labels, rate
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import Row, Tables, grouping_name, header_of, rate_row

TITLE = "Published searches (1:N)"
WHAT = (
    "Galleries and probes that the data set's publisher gives: every probe is searched in each gallery, and its person may or may not "
    "be in it. FPIR is the share of searches for somebody who is not in the gallery that find anybody at or above the threshold; FNIR is "
    "the share of searches for somebody who is in it that do not find them. Of equal scores the wrong one comes first. "
    "Thresholds are set on these searches themselves, the same for all groups; a rate depends on the size of the gallery. Intervals "
    "are by the people searched for and take gallery and threshold as given. Failed searches are left out of one reading; in the other "
    "they find nobody."
)


def search_sections(evaluation: Evaluation, key: str) -> list[Section]:
    """Return one section over all published searches.

    Empty for a data set without one. `key` begins the ids of the section's elements.
    """
    if not evaluation.searches:
        return []
    items: list[Item] = [Text(WHAT)]
    for i, search in enumerate(evaluation.searches):
        items += _items(evaluation, search, f"{key}-search-{i}")
    return [Section(f"{key}-searches", TITLE, items)]


def _items(evaluation: Evaluation, search: Search, key: str) -> Iterator[Item]:
    """Yield all elements of one search."""
    yield Heading(f.clean(search.name))
    yield Text(f"{contents(search)} {labels(evaluation)}".strip())
    for flag in flags(search):
        yield Text(flag, "flag")
    header, rows = compact(search)
    yield Table(f"{key}-rates", f"{f.clean(search.name)}: searches in each gallery", header, rows)
    columns = ["Gallery", "Figure", "Threshold", "Left out", "Counting failures", "Selectivity"]
    yield Table(
        f"{key}-failures",
        f"{f.clean(search.name)}: failures both ways",
        columns,
        _failures_both_ways(evaluation, search),
        frozenset({1, 2}),
    )
    for i, gallery in enumerate(columns_of(search)):
        by = [
            _groups(grouping, name, f"{key}-{i}-{k}-{j}")
            for k, (name, groupings) in enumerate(_grouped(gallery))
            for j, grouping in enumerate(groupings)
        ]
        if by:
            yield Fold(f"{f.clean(search.name)}, {gallery_name(search, gallery)}, by group of the person searched for", by)


def columns_of(search: Search) -> list[SearchGallery]:
    """Return the galleries, then their mean."""
    return [*search.galleries, *([search.mean] if search.mean is not None else [])]


def gallery_name(search: Search, gallery: SearchGallery) -> str:
    """Return "gallery G1" or "mean of galleries"."""
    return "mean of galleries" if gallery is search.mean else f"gallery {f.clean(gallery.name)}"


def contents(search: Search) -> str:
    """Return a sentence on what is searched in what."""
    text = f"{f.clean(search.source)}: {f.plural(search.probes, 'probe')} of {f.plural(search.subjects, 'person', 'people')}"
    failed = f", {f.count(search.failed_probes)} of them without a template" if search.failed_probes else ""
    galleries = [
        f"gallery {f.clean(gallery.name)} of {f.plural(gallery.templates or 0, 'template')}"
        + (f" ({f.count(gallery.failed_templates)} could not be made)" if gallery.failed_templates else "")
        + f": {f.count(gallery.mated)} mated and {f.count(gallery.non_mated)} non-mated searches"
        for gallery in search.galleries
    ]
    return f"{text}{failed}; {'; '.join(galleries)}."


def flags(search: Search) -> list[str]:
    """Return what to know before comparing these figures with others'."""
    absent = search.absent_probes + sum(gallery.absent_templates or 0 for gallery in search.galleries)
    left_out = sum(gallery.left_out or 0 for gallery in search.galleries)
    if not absent:
        return []
    text = f"Not the whole search: of {f.plural(absent, 'listed template')} no image is here or all were left out"
    if left_out:
        text += f", and {f.plural(left_out, 'search', 'searches')} for somebody whose gallery template is absent are not made"
    return [f"{text}; these figures are not to be set beside published ones."]


def compact(search: Search) -> tuple[list[str], list[list[str]]]:
    """Return header and a row for each figure.

    With a column for each gallery and one for their mean. Failed searches are left out.
    """
    shown = columns_of(search)
    rows = []
    for k, rank in enumerate(shown[0].ranks):
        rows.append(
            [
                f"Mate among the first {rank.rank}" if rank.rank > 1 else "Mate first",
                *(hits(gallery.ranks[k]) for gallery in shown),
            ]
        )
    for k, point in enumerate(shown[0].points):
        at = f"at FPIR {f.target(point.target_fpir)}"
        rows.append([f"FNIR {at}", *(_rate_or_refusal(gallery.points[k], gallery.points[k].fnir) for gallery in shown)])
        if any(gallery.points[k].reason is None for gallery in shown):
            rows.append(
                [f"FPIR achieved {at}", *(_rate_or_refusal(gallery.points[k], gallery.points[k].fpir) for gallery in shown)]
            )
    return ["Figure", *(f.sentence(gallery_name(search, gallery)) for gallery in shown)], rows


def hits(rank: SearchRank) -> str:
    """Return the share of searches that find the mate.

    With its interval, which is one minus that of the misses.
    """
    if rank.hit_rate is None:
        return rate(rank.missed)
    if rank.missed.interval is None:
        return f.percent(rank.hit_rate)
    low, high = rank.missed.interval
    return f"{f.percent(rank.hit_rate)} {f.percent_interval((1 - high, 1 - low))}"


def _rate_or_refusal(point: SearchPoint, estimate: Rate | None) -> str:
    """Return a rate, or why its operating point was refused."""
    if point.reason is None:
        return rate(estimate)
    return (
        f"refused: {f.count(point.needs_searches)} searches needed"
        if point.needs_searches
        else f"refused: {f.reason(point.reason)}"
    )


def _failures_both_ways(evaluation: Evaluation, search: Search) -> list[list[str]]:
    """Return rows of every figure without and with failures."""
    rows = []
    for gallery in columns_of(search):
        name = gallery_name(search, gallery)
        rows += [
            [
                name,
                f"mate among the first {result.rank}",
                f.DASH,
                f.percent(result.hit_rate),
                f.percent(result.hit_rate_including_failures),
                f.DASH,
            ]
            for result in gallery.ranks
        ]
        for point in gallery.points:
            at = f"at FPIR {f.target(point.target_fpir)}"
            threshold = (
                f.threshold(evaluation.model, point.native_threshold)
                if point.threshold is not None or point.reason
                else "each its own"
            )
            for measure, result in (("FPIR", point.fpir), ("FNIR", point.fnir), ("FNIR at rank 1", point.fnir_rank_1)):
                if result is not None:
                    selectivity = f.number(point.selectivity) if measure == "FPIR" else f.DASH
                    rows.append(
                        [name, f"{measure} {at}", threshold, rate(result), f.percent(result.rate_including_failures), selectivity]
                    )
    return rows


def _grouped(gallery: SearchGallery) -> Iterator[tuple[str, list[SearchGroups]]]:
    """Yield the groupings at each operating point, with its name."""
    yield "the mate not first, at any score", gallery.ranks[0].groupings
    for point in gallery.points:
        yield f"at FPIR {f.target(point.target_fpir)} over everybody", point.groupings


def _groups(grouping: SearchGroups, name: str, key: str) -> Table:
    """Return a table of rates by group."""
    fpir = {estimate.group: estimate for estimate in grouping.fpir}
    rows = []
    for estimate in grouping.fnir:
        cells = [estimate.group]
        for side in (fpir.get(estimate.group), estimate) if fpir else (estimate,):
            cells += (
                [rate(side), *(f.count(value) for value in (side.subjects, side.comparisons, side.errors))]
                if side
                else [f.DASH] * 4
            )
        rows.append(cells)
    caption = f"By {grouping_name(grouping.attributes)}, {name} ({f.count(grouping.unlabelled)} searches of an unlabelled probe: in none)"
    counts = ["FPIR", "People", "Non-mated searches", "False positives"] if fpir else []
    return Table(key, caption, ["Group", *counts, "FNIR", "People", "Mated searches", "Missed"], rows)


LIST = (
    "search gallery probes failed_probes absent_probes subjects templates failed_templates absent_templates mated non_mated "
    "failed_mated failed_non_mated left_out"
)
POINT = "search gallery measure rank target_fpir threshold native_threshold selectivity needs_searches point_reason grouping"


def search_tables(evaluation: Evaluation) -> Tables:
    """Return CSV tables of galleries with counts, and of rates.

    FNIR at each rank is at any score, FPIR and FNIR are at each threshold.
    """
    if not evaluation.searches:
        return {}
    lists: list[Row] = []
    rates: list[Row] = []
    for search in evaluation.searches:
        for gallery in columns_of(search):
            counts: Row = [
                search.probes,
                search.failed_probes,
                search.absent_probes,
                search.subjects,
                gallery.templates,
                gallery.failed_templates,
            ]
            counts += [
                gallery.absent_templates,
                gallery.mated,
                gallery.non_mated,
                gallery.failed_mated,
                gallery.failed_non_mated,
                gallery.left_out,
            ]
            lists.append([search.name, gallery.name, *counts])
            rates += [[search.name, gallery.name, *row] for row in _rate_rows(gallery)]
    return {
        "searches": (LIST.split(), lists),
        "search_rates": ([*POINT.split(), *header_of("rate")], rates),
    }


def _rate_rows(gallery: SearchGallery) -> Iterator[Row]:
    """Yield the CSV cells of every rate of one gallery."""
    for entry in gallery.ranks:
        at: Row = [entry.rank, None, None, None, None, None, None]
        yield ["fnir", *at, "", *rate_row(entry.missed)]
        yield from (
            ["fnir", *at, grouping_name(grouping.attributes), *rate_row(estimate)]
            for grouping in entry.groupings
            for estimate in grouping.fnir
        )
    for point in gallery.points:
        at = [point.target_fpir, point.threshold, point.native_threshold, point.selectivity, point.needs_searches, point.reason]
        measures = (("fpir", None, point.fpir), ("fnir", None, point.fnir), ("fnir", 1, point.fnir_rank_1))
        yield from ([measure, rank, *at, "", *rate_row(estimate)] for measure, rank, estimate in measures if estimate is not None)
        if point.reason is not None:
            yield ["", None, *at, "", *[None] * len(header_of("rate"))]
        for grouping in point.groupings:
            for measure, estimates in (("fpir", grouping.fpir), ("fnir", grouping.fnir)):
                yield from (
                    [measure, None, *at, grouping_name(grouping.attributes), *rate_row(estimate)] for estimate in estimates
                )


def _entries(evaluation: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Yield what is searched in what, then rates by gallery."""
    for search in evaluation.searches:
        table = SmallTable("" if wide else "Failed searches left out", *compact(search))
        yield TopicEntry(f"{TITLE}: {f.clean(search.name)}", contents(search), flags=flags(search), tables=[table])


TOPIC = Topic(
    "searches",
    40,
    "indices",
    search_sections,
    _entries,
    search_tables,
    names=lambda e: (x for s in e.searches for x in (s.name, s.source)),
    answers=("Recognition error rates by group: identification (1:N)",),
)
