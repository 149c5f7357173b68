"""Searches and small galleries in numbers of people: who is found who isn't there, and who is missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness.results import Evaluation, GalleryScenario, GroupShare, Rate, SearchesPart, SearchScenario
from faceparity.reports.charts.scenario_figures import cmc, det
from faceparity.reports.layout.elements import Heading, Item, Items, Table, Text, pictures
from faceparity.reports.layout.topic import SmallTable
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import HEADERS, Row, Tables, grouping_name, rate_row
from faceparity.reports.wording.natural_frequencies import about, contrast_sentence, grouped, people, scale, share, verdict

AnySearch = SearchScenario | GalleryScenario
CAVEATS = (
    "Who is in the gallery can alone make groups differ: people are mostly taken for somebody of their own group, so a group that the "
    'gallery has more of has more false alarms. A gallery of equal parts (make_up = "equal") shows what is left.',
    "Rates are means over all galleries of this size that could be drawn from these data, and hold for this size: with more people "
    "in the gallery there are more false alarms.",
    "Whoever is searched for is compared with a photograph like those of the data, not with a camera's in the street.",
    "What a person does with the candidates is not in these figures.",
    "Of equal scores the wrong one comes first.",
)


def size(scenario: SearchesPart) -> int:
    """Return the number of people in the gallery."""
    return 0 if scenario.gallery is None else scenario.gallery.people


def sentences(evaluation: Evaluation, scenario: AnySearch) -> list[str]:
    """Return the finding in numbers of people.

    False alarms by group and their shares, misses, and who comes first.
    """
    out = [
        _alarms(scenario),
        _shares(scenario),
        contrast_sentence(
            [(contrast.group, contrast) for contrast in scenario.contrasts if contrast.measure == "fpir"], "rate of false alarms"
        ),
    ]
    out += [_same_person(scenario), *_misses(scenario), _own_group_first(scenario)]
    return [sentence for sentence in out if sentence]


def _searched(scenario: AnySearch) -> str:
    """Return whom the false alarms are about."""
    if isinstance(scenario, GalleryScenario):
        return f"travellers who are not among the {f.count(size(scenario))} passengers"
    return f"people who are not in the gallery of {f.count(size(scenario))}"


def _consequence(scenario: AnySearch) -> str:
    """Return what a false alarm does to a person."""
    return (
        "would be let through as somebody else" if isinstance(scenario, GalleryScenario) else "would be taken for somebody in it"
    )


def _alarms(scenario: AnySearch) -> str:
    """Return the number of false alarms over everybody."""
    if not scenario.fpir:
        return ""
    out_of = scale(scenario.fpir[:1])
    return f"Of {f.count(out_of)} {_searched(scenario)}, {about(scenario.fpir[0], out_of)} {_consequence(scenario)}."


def _shares(scenario: AnySearch) -> str:
    """Return a sentence on the group with most false alarms.

    Of groups with a rate, the one with the highest: its share of searches and of false alarms beside its rate.
    """
    rates = {rate.group: rate for rate in scenario.fpir[1:]}
    shown = [group_share for group_share in scenario.shares if group_share.errors is not None and rates[group_share.group].rate]
    if len(shown) < 2:
        return ""
    worst = max(shown, key=lambda group_share: (rates[group_share.group].rate or 0, group_share.group))
    rate, out_of = rates[worst.group], scale(scenario.fpir[:1])
    there = _of_gallery(scenario, worst.group)
    return (
        f"{f.sentence(f.clean(worst.group))} has the highest rate seen: {about(rate, out_of)} of {f.count(out_of)}; it makes up "
        f"{f.percent(worst.searches)} of these searches and {_of_alarms(worst)} of the false alarms{there}."
    )


def _of_gallery(scenario: AnySearch, group: str) -> str:
    """Return a group's share of the gallery, as a clause.

    Of the labelled people, estimated from the chance that a candidate drawn at random is of the group. Empty where not known.
    """
    expected = {entry.rate.group: entry.expected or 0.0 for entry in scenario.own_group[1:]}
    total = sum(expected.values())
    return f", and about {f.percent(expected[group] / total, 2)} of the gallery" if expected.get(group) and total else ""


def _of_alarms(group_share: GroupShare) -> str:
    """Return a group's share of the false alarms."""
    return share(group_share.errors, group_share.interval)


def _misses(scenario: AnySearch) -> Iterator[str]:
    """Yield sentences on misses; why there are none without mates."""
    if scenario.no_mates is not None or not scenario.fnir:
        yield "Nobody in these data has two photographs, so how often a person who is in the gallery is found can't be told."
        return
    out_of = scale(scenario.fnir[:1])
    if isinstance(scenario, GalleryScenario):
        yield (
            f"Of {f.count(out_of)} passengers, {about(scenario.fnir[0], out_of)} would be turned away, because they are not "
            "the first candidate or "
            f"are below the threshold; of 10,000, {about(scenario.first_is_other[0], 10_000)} would be taken for another passenger."
        )
    else:
        yield (
            f"Of {f.count(out_of)} people who are in it, {about(scenario.fnir[0], out_of)} would be missing from the list of "
            f"{f.plural(scenario.candidates or 0, 'candidate')} at or above the threshold. Without a threshold, somebody else "
            "would come first "
            f"in the searches for {about(scenario.ranks[0].missed[0], out_of)} of them."
        )
    yield contrast_sentence(
        [(contrast.group, contrast) for contrast in scenario.contrasts if contrast.measure == "fnir"], "rate of misses"
    )


def _own_group_first(scenario: AnySearch) -> str:
    """Return how often people's own group comes first."""
    if not scenario.own_group or scenario.own_group[0].rate.rate is None:
        return ""
    own = scenario.own_group[0]
    chance = "" if own.expected is None else f"; drawn blindly it would be {f.percent(own.expected)}"
    return (
        "Without a threshold somebody comes first in every search. Of searches for people who are not there, "
        f"{share(own.rate.rate, own.rate.interval)} have somebody of their own group first "
        f"({f.clean(grouping_name(scenario.attributes))}){chance}."
    )


def _same_person(scenario: AnySearch) -> str:
    """Return how many false alarms look like one person twice."""
    same_person_share = scenario.same_person_share
    if same_person_share is None or same_person_share == 0:
        return ""
    text = f"{f.percent(same_person_share)} of the false alarms look like one person under two names, and may be no false alarms at all."
    if scenario.fpir_without_likely_same_person:
        out_of = scale(scenario.fpir[:1])
        text += f" Without them: {about(scenario.fpir_without_likely_same_person[0], out_of)} of {f.count(out_of)}."
    return text


def small(evaluation: Evaluation, scenario: AnySearch) -> list[SmallTable]:
    """Return a table by group in numbers of people."""
    header, rows, hidden = by_group(scenario)
    return (
        [SmallTable(f"{f.clean(scenario.name)}: by {grouping_name(scenario.attributes)}{hidden}", header, rows)] if rows else []
    )


def by_group(scenario: AnySearch) -> tuple[list[str], list[list[str]], str]:
    """Return header, rows and a note on hidden groups.

    A row for everybody and for each group that is shown: false alarms in people and as a share, misses, and who comes first.
    """
    if not scenario.fpir:
        return [], [], ""
    out_of = scale([*scenario.fpir[:1], *scenario.fnir[:1]])
    total = f.count(out_of)
    shares = {group_share.group: group_share for group_share in scenario.shares}
    own = {group_share.rate.group: group_share for group_share in scenario.own_group}
    header = ["Group", f"False alarms, of {total} not in it", "Share of searches", "Share of false alarms"]
    header += [f"Missed, of {total} in it"] if scenario.fnir else []
    header += ["Own group first", "Drawn blindly"]
    missed = {rate.group: rate for rate in scenario.fnir}
    rows = []
    for rate in scenario.fpir:
        group_share, first = shares.get(rate.group), own.get(rate.group)
        row = [
            f.clean(rate.group),
            people(rate, out_of),
            f.percent(group_share.searches) if group_share else f.DASH,
            share(group_share.errors, group_share.interval) if group_share else f.DASH,
        ]
        row += [people(missed[rate.group], out_of)] if scenario.fnir else []
        row += [f.rate(first.rate) if first else f.DASH, f.percent(first.expected) if first else f.DASH]
        rows.append((rate, row))
    return header, *grouped(rows)


def items(evaluation: Evaluation, scenario: AnySearch, key: str) -> list[Item]:
    """Return text, tables, figures and caveats of a scenario.

    Who was searched in what, the table by group, figures, ranks, contrasts, caveats.
    """
    header, rows, hidden = by_group(scenario)
    caption = f"By {grouping_name(scenario.attributes)}, in people{hidden}"
    out: list[Item] = [Text(contents(scenario)), Table(f"{key}-groups", caption, header, rows)]
    out += pictures(det(evaluation, scenario, f"{key}-det"), cmc(evaluation, scenario, f"{key}-cmc"))
    out += list(_detail_tables(scenario, key))
    return [*out, Heading("What these figures are not"), Items(CAVEATS)]


def contents(scenario: AnySearch) -> str:
    """Return a sentence on who was searched in what."""
    gallery, probes = scenario.gallery, scenario.probes
    if gallery is None or probes is None:
        return ""
    images = (
        "one image of each"
        if gallery.images == "one"
        else "one template of each, made of all images but the one that is searched"
    )
    if gallery.published:
        images = f"templates of the published gallery {f.clean(gallery.published)}"
    total = "" if gallery.people == gallery.enrollable else f" of {f.count(gallery.enrollable)}"
    counts = "".join(f"; {f.clean(group)} {f.count(number)}" for group, number in gallery.drawn_by_group.items())
    text = f"Gallery: {f.count(gallery.people)}{total} people ({images}{counts}). "
    text += f"Searched: {f.plural(probes.searches, 'image')} of {f.plural(probes.people, 'person', 'people')}"
    text += f", {f.count(probes.failed)} of them without a template" if probes.failed else ""
    text += f"; {f.count(probes.mated)} of them for somebody who can be in the gallery" if probes.mated else ""
    failed = f", which fails for {f.count(probes.failed_mated)}" if probes.failed_mated else ""
    same = f" {f.plural(probes.same_photo, 'image')} without another photograph of the same person." if probes.same_photo else ""
    return f"{text}{failed}.{same}"


def _detail_tables(scenario: AnySearch, key: str) -> Iterator[Item]:
    """Yield tables of contrasts, ranks and rates."""
    if scenario.contrasts:
        rows = [
            [
                "false alarms" if contrast.measure == "fpir" else "misses",
                f.clean(contrast.group),
                verdict(contrast),
                f.p_value(contrast.p_holm),
            ]
            for contrast in scenario.contrasts
        ]
        caption = f"Each group compared with {f.clean(scenario.contrasts[0].reference)} (p by Holm over all of them)"
        yield Table(f"{key}-contrasts", caption, ["Error", "Group", "Rate, compared", "p"], rows, frozenset({1, 2}))
    if scenario.ranks:
        header = ["Group", *(f"Not among the first {entry.rank}" if entry.rank > 1 else "Not first" for entry in scenario.ranks)]
        rows = [
            [f.clean(rate.group), *(f.rate(entry.missed[k]) for entry in scenario.ranks)]
            for k, rate in enumerate(scenario.ranks[0].missed)
        ]
        yield Table(f"{key}-ranks", "Searches for people in the gallery that miss the person, whatever the score", header, rows)
    numbers = {entry.group: entry.value for entry in scenario.selectivity}
    rows = [
        [f.clean(rate.group), f.rate(rate), f.percent(rate.rate_including_failures), f.number(numbers.get(rate.group))]
        for rate in scenario.fpir
    ]
    other = {rate.group: rate for rate in scenario.first_is_other}
    missed = {rate.group: rate for rate in scenario.fnir}
    header = ["Group", "FPIR", "Counting failures", "Candidates of such a search"]
    if missed:
        header += ["FNIR", "Counting failures", "Somebody else first, at or above the threshold"]
        rows = [
            [*row, f.rate(missed[rate.group]), f.percent(missed[rate.group].rate_including_failures), f.rate(other[rate.group])]
            for row, rate in zip(rows, scenario.fpir, strict=True)
        ]
    yield Table(f"{key}-rates", "The same as rates", header, rows)


def tables(scenarios: Sequence[AnySearch]) -> Tables:
    """Return CSV tables: every rate, every share, and the curves."""
    rates: list[Row] = []
    shares: list[Row] = []
    curves: list[Row] = []
    for scenario in scenarios:
        at: Row = [
            scenario.name,
            scenario.kind,
            size(scenario),
            scenario.threshold.threshold if scenario.threshold else None,
            grouping_name(scenario.attributes),
        ]
        rates += [[*at, measure, rank, *rate_row(rate)] for measure, rank, rate in _all_rates(scenario)]
        shares += [
            [*at, entry.group, entry.searches, entry.errors, *(entry.interval or (None, None))] for entry in scenario.shares
        ]
        curves += [
            [*at, "cmc", curve.group, k + 1, None, hit_rate, None]
            for curve in scenario.cmc
            for k, hit_rate in enumerate(curve.hit_rates)
        ]
        for curve in scenario.det:
            fnir: Sequence[float | None] = curve.fnir or [None] * len(curve.fpir)
            curves += [
                [*at, "det", curve.group, None, threshold, fpir, miss]
                for threshold, fpir, miss in zip(scenario.det_thresholds, curve.fpir, fnir, strict=True)
            ]
    head = "scenario kind gallery threshold grouping"
    kind = scenarios[0].kind
    return {
        f"scenario_{kind}_rates": (f"{head} measure rank {HEADERS['rate']}".split(), rates),
        f"scenario_{kind}_shares": (f"{head} group share_of_searches share_of_errors lo hi".split(), shares),
        f"scenario_{kind}_curves": (f"{head} curve group rank at hit_rate_or_fpir fnir".split(), curves),
    }


def _all_rates(scenario: AnySearch) -> Iterator[tuple[str, int | None, Rate]]:
    """Yield every rate with its measure and rank."""
    for measure, rates in (("fpir", scenario.fpir), ("fnir", scenario.fnir), ("somebody_else_first", scenario.first_is_other)):
        yield from ((measure, scenario.candidates if measure == "fnir" else None, rate) for rate in rates)
    yield from (("fpir_without_likely_same_person", None, rate) for rate in scenario.fpir_without_likely_same_person)
    yield from (("not_among_first", entry.rank, rate) for entry in scenario.ranks for rate in entry.missed)
    yield from (("own_group_first", 1, entry.rate) for entry in scenario.own_group)
