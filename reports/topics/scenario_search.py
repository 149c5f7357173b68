"""Searches and small galleries, told in people: who is found who isn't there, and who is missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness.results import Evaluation, GalleryScenario, GroupShare, Rate, SearchesPart, SearchScenario
from faceparity.reports.charts.scenario_figures import cmc, det
from faceparity.reports.layout.elements import Heading, Item, Items, Table, Text, pictures
from faceparity.reports.layout.topic import SmallTable
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import HEADERS, Row, Tables, grouping_name, rate_row
from faceparity.reports.wording.natural_frequencies import about, grouped, people, scale, share, told_apart, verdict

Any = SearchScenario | GalleryScenario
CAVEATS = (
    "Who is in the gallery can alone make groups differ: people are mostly taken for somebody of their own group, so a group that the "
    'gallery has more of has more false alarms. A gallery of equal parts (make_up = "equal") shows what is left.',
    "Rates are means over all galleries of this size that could be drawn from these data, and hold for this size: with more people "
    "in the gallery there are more false alarms.",
    "Whoever is searched for is compared with a photograph like those of the data, not with a camera's in the street.",
    "What a person does with the candidates is not in these figures.",
    "Of equal scores the wrong one comes first.",
)


def size(s: SearchesPart) -> int:
    """People in the gallery."""
    return 0 if s.gallery is None else s.gallery.people


def sentences(e: Evaluation, s: Any) -> list[str]:
    """The finding, in people: false alarms by group and their shares, misses, and who comes first."""
    out = [
        _alarms(s),
        _shares(s),
        told_apart([(c.group, c) for c in s.contrasts if c.measure == "fpir"], "rate of false alarms"),
    ]
    out += [_same_person(s), *_mates(s), _first(s)]
    return [x for x in out if x]


def _who(s: Any) -> str:
    if isinstance(s, GalleryScenario):
        return f"travellers who are not among the {f.count(size(s))} passengers"
    return f"people who are not in the gallery of {f.count(size(s))}"


def _what(s: Any) -> str:
    return "would be let through as somebody else" if isinstance(s, GalleryScenario) else "would be taken for somebody in it"


def _alarms(s: Any) -> str:
    if not s.fpir:
        return ""
    of = scale(s.fpir[:1])
    return f"Of {f.count(of)} {_who(s)}, {about(s.fpir[0], of)} {_what(s)}."


def _shares(s: Any) -> str:
    """The group with the highest rate that has one: its share of searches and of false alarms, and its rate beside."""
    rates = {r.group: r for r in s.fpir[1:]}
    told = [x for x in s.shares if x.errors is not None and rates[x.group].rate]
    if len(told) < 2:
        return ""
    worst = max(told, key=lambda x: (rates[x.group].rate or 0, x.group))
    r, of = rates[worst.group], scale(s.fpir[:1])
    there = _of_gallery(s, worst.group)
    return (
        f"{f.sentence(f.clean(worst.group))} has the highest rate seen: {about(r, of)} of {f.count(of)}; it makes up "
        f"{f.percent(worst.searches)} of these searches and {_of_alarms(worst)} of the false alarms{there}."
    )


def _of_gallery(s: Any, group: str) -> str:
    """How much of the gallery's labelled people are of the group, as nearly as the record tells."""
    blind = {x.rate.group: x.expected or 0.0 for x in s.own_group[1:]}
    total = sum(blind.values())
    return f", and about {f.percent(blind[group] / total, 2)} of the gallery" if blind.get(group) and total else ""


def _of_alarms(x: GroupShare) -> str:
    return share(x.errors, x.interval)


def _mates(s: Any) -> Iterator[str]:
    if s.no_mates is not None or not s.fnir:
        yield "Nobody in these data has two photographs, so how often a person who is in the gallery is found can't be told."
        return
    of = scale(s.fnir[:1])
    if isinstance(s, GalleryScenario):
        yield (
            f"Of {f.count(of)} passengers, {about(s.fnir[0], of)} would be turned away, because they are not the first candidate or "
            f"are below the threshold; of 10,000, {about(s.first_is_other[0], 10_000)} would be taken for another passenger."
        )
    else:
        yield (
            f"Of {f.count(of)} people who are in it, {about(s.fnir[0], of)} would be missing from the list of "
            f"{f.plural(s.candidates or 0, 'candidate')} at or above the threshold. Without a threshold, somebody else would come first "
            f"in the searches for {about(s.ranks[0].missed[0], of)} of them."
        )
    yield told_apart([(c.group, c) for c in s.contrasts if c.measure == "fnir"], "rate of misses")


def _first(s: Any) -> str:
    if not s.own_group or s.own_group[0].rate.rate is None:
        return ""
    own = s.own_group[0]
    blind = "" if own.expected is None else f"; drawn blindly it would be {f.percent(own.expected)}"
    return (
        "Without a threshold somebody comes first in every search. Of searches for people who are not there, "
        f"{share(own.rate.rate, own.rate.interval)} have somebody of their own group first ({f.clean(grouping_name(s.attributes))}){blind}."
    )


def _same_person(s: Any) -> str:
    x = s.same_person_share
    if x is None or x == 0:
        return ""
    told = f"{f.percent(x)} of the false alarms look like one person under two names, and may be no false alarms at all."
    if s.fpir_without_likely_same_person:
        of = scale(s.fpir[:1])
        told += f" Without them: {about(s.fpir_without_likely_same_person[0], of)} of {f.count(of)}."
    return told


def small(e: Evaluation, s: Any) -> list[SmallTable]:
    """By group, in people."""
    header, rows, hidden = by_group(s)
    return [SmallTable(f"{f.clean(s.name)}: by {grouping_name(s.attributes)}{hidden}", header, rows)] if rows else []


def by_group(s: Any) -> tuple[list[str], list[list[str]], str]:
    """A row for everybody and for each group that is shown: false alarms in people and as a share, misses, and who comes first."""
    if not s.fpir:
        return [], [], ""
    of = scale([*s.fpir[:1], *s.fnir[:1]])
    n = f.count(of)
    shares = {x.group: x for x in s.shares}
    own = {x.rate.group: x for x in s.own_group}
    header = ["Group", f"False alarms, of {n} not in it", "Share of searches", "Share of false alarms"]
    header += [f"Missed, of {n} in it"] if s.fnir else []
    header += ["Own group first", "Drawn blindly"]
    missed = {r.group: r for r in s.fnir}
    rows = []
    for r in s.fpir:
        x, first = shares.get(r.group), own.get(r.group)
        row = [
            f.clean(r.group),
            people(r, of),
            f.percent(x.searches) if x else f.DASH,
            share(x.errors, x.interval) if x else f.DASH,
        ]
        row += [people(missed[r.group], of)] if s.fnir else []
        row += [f.rate(first.rate) if first else f.DASH, f.percent(first.expected) if first else f.DASH]
        rows.append((r, row))
    return header, *grouped(rows)


def items(e: Evaluation, s: Any, key: str) -> list[Item]:
    """Who was searched in what, the table by group, figures, ranks, comparisons, caveats."""
    header, rows, hidden = by_group(s)
    caption = f"By {grouping_name(s.attributes)}, in people{hidden}"
    out: list[Item] = [Text(contents(s)), Table(f"{key}-groups", caption, header, rows)]
    out += pictures(det(e, s, f"{key}-det"), cmc(e, s, f"{key}-cmc"))
    out += list(_more(s, key))
    return [*out, Heading("What these figures are not"), Items(CAVEATS)]


def contents(s: Any) -> str:
    """Who was searched in what, in a sentence or two."""
    g, p = s.gallery, s.probes
    if g is None or p is None:
        return ""
    images = "one image of each" if g.images == "one" else "one template of each, made of all images but the one that is searched"
    if g.published:
        images = f"templates of the published gallery {f.clean(g.published)}"
    of = "" if g.people == g.enrollable else f" of {f.count(g.enrollable)}"
    drawn = "".join(f"; {f.clean(k)} {f.count(v)}" for k, v in g.drawn_by_group.items())
    told = f"Gallery: {f.count(g.people)}{of} people ({images}{drawn}). "
    told += f"Searched: {f.plural(p.searches, 'image')} of {f.plural(p.people, 'person', 'people')}"
    told += f", {f.count(p.failed)} of them without a template" if p.failed else ""
    told += f"; {f.count(p.mated)} of them for somebody who can be in the gallery" if p.mated else ""
    failed = f", which fails for {f.count(p.failed_mated)}" if p.failed_mated else ""
    same = f" {f.plural(p.same_photo, 'image')} without another photograph of the same person." if p.same_photo else ""
    return f"{told}{failed}.{same}"


def _more(s: Any, key: str) -> Iterator[Item]:
    if s.contrasts:
        rows = [
            ["false alarms" if c.measure == "fpir" else "misses", f.clean(c.group), verdict(c), f.p_value(c.p_holm)]
            for c in s.contrasts
        ]
        caption = f"Each group compared with {f.clean(s.contrasts[0].reference)} (p by Holm over all of them)"
        yield Table(f"{key}-contrasts", caption, ["Error", "Group", "Rate, compared", "p"], rows, frozenset({1, 2}))
    if s.ranks:
        header = ["Group", *(f"Not among the first {x.rank}" if x.rank > 1 else "Not first" for x in s.ranks)]
        rows = [[f.clean(r.group), *(f.rate(x.missed[k]) for x in s.ranks)] for k, r in enumerate(s.ranks[0].missed)]
        yield Table(f"{key}-ranks", "Searches for people in the gallery that miss the person, whatever the score", header, rows)
    numbers = {x.group: x.value for x in s.selectivity}
    rows = [[f.clean(r.group), f.rate(r), f.percent(r.rate_including_failures), f.number(numbers.get(r.group))] for r in s.fpir]
    other = {r.group: r for r in s.first_is_other}
    missed = {r.group: r for r in s.fnir}
    header = ["Group", "FPIR", "Counting failures", "Candidates of such a search"]
    if missed:
        header += ["FNIR", "Counting failures", "Somebody else first, at or above the threshold"]
        rows = [
            [*row, f.rate(missed[r.group]), f.percent(missed[r.group].rate_including_failures), f.rate(other[r.group])]
            for row, r in zip(rows, s.fpir, strict=True)
        ]
    yield Table(f"{key}-rates", "The same as rates", header, rows)


def tables(scenarios: Sequence[Any]) -> Tables:
    """CSV: every rate, every share, and the curves."""
    rates: list[Row] = []
    shares: list[Row] = []
    curves: list[Row] = []
    for s in scenarios:
        at: Row = [s.name, s.kind, size(s), s.threshold.threshold if s.threshold else None, grouping_name(s.attributes)]
        rates += [[*at, measure, rank, *rate_row(r)] for measure, rank, r in _all_rates(s)]
        shares += [[*at, x.group, x.searches, x.errors, *(x.interval or (None, None))] for x in s.shares]
        curves += [[*at, "cmc", c.group, k + 1, None, v, None] for c in s.cmc for k, v in enumerate(c.hit_rates)]
        for c in s.det:
            fnir: Sequence[float | None] = c.fnir or [None] * len(c.fpir)
            curves += [[*at, "det", c.group, None, t, x, y] for t, x, y in zip(s.det_thresholds, c.fpir, fnir, strict=True)]
    head = "scenario kind gallery threshold grouping"
    kind = scenarios[0].kind
    return {
        f"scenario_{kind}_rates": (f"{head} measure rank {HEADERS['rate']}".split(), rates),
        f"scenario_{kind}_shares": (f"{head} group share_of_searches share_of_errors lo hi".split(), shares),
        f"scenario_{kind}_curves": (f"{head} curve group rank at hit_rate_or_fpir fnir".split(), curves),
    }


def _all_rates(s: Any) -> Iterator[tuple[str, int | None, Rate]]:
    for measure, of in (("fpir", s.fpir), ("fnir", s.fnir), ("somebody_else_first", s.first_is_other)):
        yield from ((measure, s.candidates if measure == "fnir" else None, r) for r in of)
    yield from (("fpir_without_likely_same_person", None, r) for r in s.fpir_without_likely_same_person)
    yield from (("not_among_first", x.rank, r) for x in s.ranks for r in x.missed)
    yield from (("own_group_first", 1, x.rate) for x in s.own_group)
