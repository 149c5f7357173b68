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


def search_sections(e: Evaluation, key: str) -> list[Section]:
    """One section over all published searches; none for a set without."""
    if not e.searches:
        return []
    items: list[Item] = [Text(WHAT)]
    for i, s in enumerate(e.searches):
        items += _items(e, s, f"{key}-search-{i}")
    return [Section(f"{key}-searches", TITLE, items)]


def _items(e: Evaluation, s: Search, key: str) -> Iterator[Item]:
    yield Heading(f.clean(s.name))
    yield Text(f"{contents(s)} {labels(e)}".strip())
    for flag in flags(s):
        yield Text(flag, "flag")
    header, rows = compact(s)
    yield Table(f"{key}-rates", f"{f.clean(s.name)}: searches in each gallery", header, rows)
    columns = ["Gallery", "Figure", "Threshold", "Left out", "Counting failures", "Selectivity"]
    yield Table(f"{key}-failures", f"{f.clean(s.name)}: failures both ways", columns, _both_ways(e, s), frozenset({1, 2}))
    for i, g in enumerate(columns_of(s)):
        by = [_groups(x, name, f"{key}-{i}-{k}-{j}") for k, (name, of) in enumerate(_grouped(g)) for j, x in enumerate(of)]
        if by:
            yield Fold(f"{f.clean(s.name)}, {gallery_name(s, g)}, by group of the person searched for", by)


def columns_of(s: Search) -> list[SearchGallery]:
    """The galleries, then their mean."""
    return [*s.galleries, *([s.mean] if s.mean is not None else [])]


def gallery_name(s: Search, g: SearchGallery) -> str:
    """ "gallery G1"; "mean of galleries"."""
    return "mean of galleries" if g is s.mean else f"gallery {f.clean(g.name)}"


def contents(s: Search) -> str:
    """What is searched in what, in a sentence or two."""
    told = f"{f.clean(s.source)}: {f.plural(s.probes, 'probe')} of {f.plural(s.subjects, 'person', 'people')}"
    failed = f", {f.count(s.failed_probes)} of them without a template" if s.failed_probes else ""
    parts = [
        f"gallery {f.clean(g.name)} of {f.plural(g.templates or 0, 'template')}"
        + (f" ({f.count(g.failed_templates)} could not be made)" if g.failed_templates else "")
        + f": {f.count(g.mated)} mated and {f.count(g.non_mated)} non-mated searches"
        for g in s.galleries
    ]
    return f"{told}{failed}; {'; '.join(parts)}."


def flags(s: Search) -> list[str]:
    """What a reader must know before setting these figures beside others'."""
    absent = s.absent_probes + sum(g.absent_templates or 0 for g in s.galleries)
    left_out = sum(g.left_out or 0 for g in s.galleries)
    if not absent:
        return []
    told = f"Not the whole search: of {f.plural(absent, 'listed template')} no image is here or all were left out"
    if left_out:
        told += f", and {f.plural(left_out, 'search', 'searches')} for somebody whose gallery template is absent are not made"
    return [f"{told}; these figures are not to be set beside published ones."]


def compact(s: Search) -> tuple[list[str], list[list[str]]]:
    """Header and a row for each figure, with a column for each gallery and their mean. Failures left out."""
    shown = columns_of(s)
    rows = []
    for k, rank in enumerate(shown[0].ranks):
        rows.append([f"Mate among the first {rank.rank}" if rank.rank > 1 else "Mate first", *(hits(g.ranks[k]) for g in shown)])
    for k, point in enumerate(shown[0].points):
        at = f"at FPIR {f.target(point.target_fpir)}"
        rows.append([f"FNIR {at}", *(_at(g.points[k], g.points[k].fnir) for g in shown)])
        if any(g.points[k].reason is None for g in shown):
            rows.append([f"FPIR achieved {at}", *(_at(g.points[k], g.points[k].fpir) for g in shown)])
    return ["Figure", *(f.sentence(gallery_name(s, g)) for g in shown)], rows


def hits(r: SearchRank) -> str:
    """A share of searches that find the mate, with the interval of the misses turned round."""
    if r.hit_rate is None:
        return rate(r.missed)
    if r.missed.interval is None:
        return f.percent(r.hit_rate)
    low, high = r.missed.interval
    return f"{f.percent(r.hit_rate)} {f.percent_interval((1 - high, 1 - low))}"


def _at(p: SearchPoint, r: Rate | None) -> str:
    if p.reason is None:
        return rate(r)
    return f"refused: {f.count(p.needs_searches)} searches needed" if p.needs_searches else f"refused: {f.reason(p.reason)}"


def _both_ways(e: Evaluation, s: Search) -> list[list[str]]:
    rows = []
    for g in columns_of(s):
        name = gallery_name(s, g)
        rows += [
            [
                name,
                f"mate among the first {r.rank}",
                f.DASH,
                f.percent(r.hit_rate),
                f.percent(r.hit_rate_including_failures),
                f.DASH,
            ]
            for r in g.ranks
        ]
        for p in g.points:
            at = f"at FPIR {f.target(p.target_fpir)}"
            threshold = f.threshold(e.model, p.native_threshold) if p.threshold is not None or p.reason else "each its own"
            for measure, r in (("FPIR", p.fpir), ("FNIR", p.fnir), ("FNIR at rank 1", p.fnir_rank_1)):
                if r is not None:
                    sel = f.number(p.selectivity) if measure == "FPIR" else f.DASH
                    rows.append([name, f"{measure} {at}", threshold, rate(r), f.percent(r.rate_including_failures), sel])
    return rows


def _grouped(g: SearchGallery) -> Iterator[tuple[str, list[SearchGroups]]]:
    yield "the mate not first, at any score", g.ranks[0].groupings
    for p in g.points:
        yield f"at FPIR {f.target(p.target_fpir)} over everybody", p.groupings


def _groups(x: SearchGroups, name: str, key: str) -> Table:
    fpir = {r.group: r for r in x.fpir}
    rows = []
    for r in x.fnir:
        cells = [r.group]
        for one in (fpir.get(r.group), r) if fpir else (r,):
            cells += [rate(one), *(f.count(n) for n in (one.subjects, one.comparisons, one.errors))] if one else [f.DASH] * 4
        rows.append(cells)
    caption = f"By {grouping_name(x.attributes)}, {name} ({f.count(x.unlabelled)} searches of an unlabelled probe: in none)"
    counts = ["FPIR", "People", "Non-mated searches", "False positives"] if fpir else []
    return Table(key, caption, ["Group", *counts, "FNIR", "People", "Mated searches", "Missed"], rows)


LIST = (
    "search gallery probes failed_probes absent_probes subjects templates failed_templates absent_templates mated non_mated "
    "failed_mated failed_non_mated left_out"
)
POINT = "search gallery measure rank target_fpir threshold native_threshold selectivity needs_searches point_reason grouping"


def search_tables(e: Evaluation) -> Tables:
    """Return galleries with their counts, and every rate.

    FNIR at each rank is at any score, FPIR and FNIR are at each threshold.
    """
    if not e.searches:
        return {}
    lists: list[Row] = []
    rates: list[Row] = []
    for s in e.searches:
        for g in columns_of(s):
            counts: Row = [s.probes, s.failed_probes, s.absent_probes, s.subjects, g.templates, g.failed_templates]
            counts += [g.absent_templates, g.mated, g.non_mated, g.failed_mated, g.failed_non_mated, g.left_out]
            lists.append([s.name, g.name, *counts])
            rates += [[s.name, g.name, *row] for row in _rate_rows(g)]
    return {
        "searches": (LIST.split(), lists),
        "search_rates": ([*POINT.split(), *header_of("rate")], rates),
    }


def _rate_rows(g: SearchGallery) -> Iterator[Row]:
    for x in g.ranks:
        at: Row = [x.rank, None, None, None, None, None, None]
        yield ["fnir", *at, "", *rate_row(x.missed)]
        yield from (["fnir", *at, grouping_name(by.attributes), *rate_row(r)] for by in x.groupings for r in by.fnir)
    for p in g.points:
        at = [p.target_fpir, p.threshold, p.native_threshold, p.selectivity, p.needs_searches, p.reason]
        told = (("fpir", None, p.fpir), ("fnir", None, p.fnir), ("fnir", 1, p.fnir_rank_1))
        yield from ([measure, rank, *at, "", *rate_row(r)] for measure, rank, r in told if r is not None)
        if p.reason is not None:
            yield ["", None, *at, "", *[None] * len(header_of("rate"))]
        for by in p.groupings:
            for measure, of in (("fpir", by.fpir), ("fnir", by.fnir)):
                yield from ([measure, None, *at, grouping_name(by.attributes), *rate_row(r)] for r in of)


def _entries(e: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Give what is searched in what, then rates by gallery."""
    for s in e.searches:
        table = SmallTable("" if wide else "Failed searches left out", *compact(s))
        yield TopicEntry(f"{TITLE}: {f.clean(s.name)}", contents(s), flags=flags(s), tables=[table])


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
