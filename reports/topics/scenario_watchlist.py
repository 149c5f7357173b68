"""A watchlist in numbers of people: who is stopped, how often wrongly, and who they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness.results import Evaluation, Interval, WatchlistGroup, WatchlistReading, WatchlistScenario
from faceparity.reports.charts.scenario_curve import curve
from faceparity.reports.layout.elements import Fold, Item, Items, Table, Text, pictures
from faceparity.reports.layout.topic import SmallTable
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import HEADERS, Row, Tables, grouping_name, rate_row
from faceparity.reports.wording.scenario_words import head_count, head_range
from faceparity.reports.wording.verdicts.outcomes import outcome_words

EACH = 1000
MAKE_UP = {"data": "in the shares of the data", "equal": "in equal shares", "declared": "in the shares declared"}
NAMED = 4
"""Maximum number of groups that a sentence names."""
CAVEATS = (
    "Comparisons with one person are alike: who looks like many people on the list is stopped again and again, and others never. "
    "So the formula, which takes comparisons as independent, gives more people stopped than there are, or as many; the mean number "
    "of people on the list whom somebody matches (selectivity) is not touched by that.",
    "Several images searched of each person multiply the chances of being stopped, by at most their number.",
    "Who is on the list can alone make groups differ, with a model whose false match rates are the same for all.",
    "These are the images of this data set, not those of a camera in the street: light, angle and distance change both kinds of error.",
    "Products made to search lists may adjust scores to the list; their false alerts need not grow with it as here.",
    "What people do with an alert, a second look above all, is not in these figures.",
    "A false match rate below about 3 in as many comparisons as there are can't be measured. A pair of groups without any false match "
    "counts as zero in the formula, so what it says of longer lists may be too low, or, as comparisons are alike, too high.",
    "Somebody on the list counts as recognised if an image of theirs reaches the threshold, whoever else is matched too.",
)


def sentences(evaluation: Evaluation, scenario: WatchlistScenario) -> list[str]:
    """Return the finding in sentences.

    How many are stopped, how many alerts are right, who they are, the formula, and the spread between lists.
    """
    reading = scenario.reading
    if reading is None:
        return []
    candidates = [
        _stopped(scenario, reading),
        _alerts(scenario, reading),
        _who_is_stopped(reading),
        _differ(scenario, reading),
        _formula(scenario, reading),
        _spread(scenario, reading),
        *_repeats(scenario),
    ]
    return [sentence for sentence in candidates if sentence]


def _crowd(scenario: WatchlistScenario) -> str:
    """Return "10,000 people walking past who are on no list"."""
    return f"{f.count(scenario.crowd)} people walking past who are on no list"


def _frames(scenario: WatchlistScenario) -> str:
    """Return how many images of each person are searched."""
    if scenario.frames == 1:
        return ""
    if scenario.frames == scenario.frames_measured:
        return f", {f.count(scenario.frames)} images searched of each"
    return (
        f", one image searched of each: the data has too few images of a person for the {scenario.frames} declared, "
        f"with which up to {scenario.frames} times as many would be"
    )


def _stopped(scenario: WatchlistScenario, reading: WatchlistReading) -> str:
    """Return how many people would be stopped."""
    rate = reading.overall.fpir
    on = f"on a list of {f.plural(scenario.listed, 'person', 'people')}"
    if rate.status == "ok":
        expected = head_range(scenario.crowd, rate.rate, rate.interval)
        why = f" ({f.reason(rate.reason)})" if rate.interval is None and rate.reason else ""
        stopped = f"about {expected} would be stopped as somebody {on}{_frames(scenario)}{why}"
        return f"Of {_crowd(scenario)}, {stopped}. Per face: FPIR {f.rate(rate)}."
    if rate.status == "bound" and rate.bounds is not None:
        most = head_count(scenario.crowd * (rate.upper or 0.0))
        return (
            f"Nobody of {f.plural(reading.overall.people, 'person', 'people')} matched anybody else: of {_crowd(scenario)}, at "
            f"most {most} would be "
            f"stopped as somebody {on}{_frames(scenario)}."
        )
    if rate.status == "bound" and rate.interval is not None:
        seen = f"only {f.plural(rate.errors or 0, 'person', 'people')} of {f.count(rate.comparisons)} matched anybody else"
        most = head_count(scenario.crowd * rate.interval[1])
        return f"Of {_crowd(scenario)}, at most {most} would be stopped as somebody {on}{_frames(scenario)}: {seen}."
    return f"How many people would be stopped is not shown: {f.suppressed(rate)}."


def _alerts(scenario: WatchlistScenario, reading: WatchlistReading) -> str:
    """Return how many alerts would be right.

    Per face and as a share of alerts, never one alone.
    """
    overall = reading.overall
    if not scenario.watchlisted:
        return "Nobody on the list walks past in this scenario, so every alert is wrong."
    there = scenario.crowd * scenario.watchlisted
    if overall.true_alerts is None or overall.precision is None:
        return (
            f"What share of alerts would be right is not known: "
            f"{f.reason(overall.fnir.reason) if overall.fnir is not None and overall.fnir.reason else 'nobody is on the list'}."
        )
    wrong = overall.false_alerts or 0.0
    interval = f" {f.percent_interval(overall.precision_interval)}" if overall.precision_interval else ""
    return (
        f"In a crowd of {f.count(scenario.crowd)}, {head_count(there)} of them on the list, there would be about "
        f"{head_count(overall.true_alerts + wrong)} alerts: {head_count(overall.true_alerts)} right and {head_count(wrong)} "
        "wrong. Of all alerts, "
        f"{f.percent(overall.precision, 2)}{interval} would be right.{_few_missed(overall)}"
    )


def _few_missed(group: WatchlistGroup) -> str:
    """Return a caution where too few people were missed.

    The number of right alerts is then the highest it can be. Empty where the FNIR is no mere bound.
    """
    rate = group.fnir
    if rate is None or rate.status != "bound":
        return ""
    most = 1.0 if rate.upper is None else rate.upper
    return (
        f" (Of {f.plural(rate.comparisons, 'person', 'people')} with several images "
        f"{f.count(rate.errors) if rate.errors else 'none'} could "
        f"pass unnoticed, too few to tell how many of the listed would: at most {f.percent(most, 2)}.)"
    )


def _who_is_stopped(reading: WatchlistReading) -> str:
    """Return who is falsely stopped, beside who walks past."""
    shown = [group for group in reading.groups if group.share_of_false_alerts is not None]
    if not shown or not reading.overall.fpir.errors:
        return ""
    named = sorted(shown, key=lambda group: -(group.share_of_false_alerts or 0))[:NAMED]
    clauses = []
    for group in named:
        interval = f" {f.percent_interval(group.share_interval)}" if group.share_interval else ""
        per = _per_thousand(group)
        who = f"{f.percent(group.crowd_share, 2)} of the crowd and {f.percent(group.listed_share, 2)} of the list"
        clauses.append(
            f"{f.percent(group.share_of_false_alerts, 2)}{interval} would be {f.clean(group.group)}, who are {who} "
            f"({per} of each {f.count(EACH)} of them)"
        )
    return f"Of those falsely stopped, {'; '.join(clauses)}."


def _per_thousand(group: WatchlistGroup) -> str:
    """Return how many of a thousand not listed are stopped."""
    rate = group.fpir
    if rate.status == "suppressed":
        return f.suppressed(rate)
    if rate.status == "bound":
        most = 1.0 if rate.upper is None else rate.upper
        return f"at most {head_count(EACH * most)}"
    return head_range(EACH, rate.rate, rate.interval)


def _differ(scenario: WatchlistScenario, reading: WatchlistReading) -> str:
    """Return which groups are certainly stopped more or less often."""
    tested = [group for group in reading.groups if group.ratio is not None and group.ratio.verdict != "none"]
    called = [group for group in tested if group.ratio is not None and group.ratio.verdict in ("higher", "lower")]
    if not tested or tested[0].ratio is None:
        return ""
    reference = f.clean(tested[0].ratio.reference)
    if not called:
        return (
            f"No group is beyond doubt by chance stopped more or less often than {reference}, the reference group; "
            "that is not to say that all are stopped as often."
        )
    text = f"Beyond doubt by chance, compared with {reference}, the reference group: {_groups_called(called)} (95 % intervals)."
    if scenario.make_up_listed == "equal":
        return text
    return f"{text} Who is on the list can alone do this: people are mostly taken for somebody of their own group."


def _groups_called(called: Sequence[WatchlistGroup]) -> str:
    """Return the groups with a verdict, by direction.

    As in "falsely stopped more often are A 2.5× [2.1, 3.1]; less often are B 0.4× [0.3, 0.6]".
    """
    clauses: list[str] = []
    for verdict, words in (("higher", "more often"), ("lower", "less often")):
        contrasts = [(group.group, group.ratio) for group in called if group.ratio is not None and group.ratio.verdict == verdict]
        if contrasts:
            named = ", ".join(
                f"{f.clean(name)} {f.ratio(contrast.ratio)} {f.ratio_interval(contrast.interval)}" for name, contrast in contrasts
            )
            clauses.append(f"{'falsely stopped ' if not clauses else ''}{words} are {named}")
    return "; ".join(clauses)


def _formula(scenario: WatchlistScenario, reading: WatchlistReading) -> str:
    """Return the number expected if comparisons were independent."""
    overall = reading.overall
    if overall.predicted_fpir is None or overall.fpir.status == "suppressed":
        return ""
    return (
        f"From the false match rates between groups alone, as if comparisons were independent, one would expect "
        f"{head_count(scenario.crowd * overall.predicted_fpir)} of {f.count(scenario.crowd)}."
    )


def _spread(scenario: WatchlistScenario, reading: WatchlistReading) -> str:
    """Return the spread between lists drawn at random."""
    if reading.overall.spread is None or reading.overall.fpir.status == "suppressed":
        return ""
    low, high = (head_count(scenario.crowd * rate) for rate in reading.overall.spread)
    return (
        f"Spread between draws: of {f.count(scenario.draws)} lists drawn at random, 95 % gave {low} to {high} of "
        f"{f.count(scenario.crowd)}. That is how "
        "much it matters who happens to be on the list and in the crowd; it is no interval for the figure above."
    )


def _repeats(scenario: WatchlistScenario) -> list[str]:
    """Return how many matches look like one person twice."""
    second = scenario.without_likely_same_person
    if second is None:
        return []
    rate = second.overall.fpir
    expected = head_range(scenario.crowd, rate.rate, rate.interval) if rate.status == "ok" else "fewer than can be told"
    why, end = "as the set has no subject labels", " A verdict stands only if both readings give it."
    if scenario.same_person_labelled:
        why, end = "though the labels say otherwise (relatives or wrong labels?)", ""
    return [
        f"{f.plural(scenario.likely_same_person, 'match', 'matches')} look like one person under two names, {why}: "
        f"without them about {expected} of {f.count(scenario.crowd)} would be stopped.{end}"
    ]


def small(evaluation: Evaluation, scenario: WatchlistScenario) -> list[SmallTable]:
    """Return a table of the shown groups, for a terminal.

    Rates per face, and shares of the falsely stopped.
    """
    if scenario.reading is None:
        return []
    header = ["group", "in the crowd", f"stopped wrongly, of {f.count(EACH)}", "of the wrongly stopped", "compared"]
    rows = []
    for group in scenario.reading.groups:
        if group.fpir.status != "suppressed":
            share = f.percent(group.share_of_false_alerts, 2) if group.share_of_false_alerts is not None else f.DASH
            cells = [f.percent(group.crowd_share, 2), _per_thousand(group), f"{share} {_interval(group.share_interval)}".strip()]
            rows.append([f.shorten(group.group, 40), *cells, _compared(group, scenario.reading)])
    caption = f"Of people on no list, by {grouping_name(scenario.attributes)} (a list of {f.count(scenario.listed)})"
    return [SmallTable(caption, header, rows)] if rows else []


def _interval(interval: Interval | None) -> str:
    """Return an interval in percent; empty if there is none."""
    return f.percent_interval(interval) if interval is not None else ""


def _compared(group: WatchlistGroup, reading: WatchlistReading) -> str:
    """Return a group's ratio to the reference and its verdict."""
    contrast = group.ratio
    if contrast is None:
        return (
            "reference"
            if any(other.ratio is not None and other.ratio.reference == group.group for other in reading.groups)
            else f.DASH
        )
    words = outcome_words(contrast.verdict, contrast.reason)
    if contrast.ratio is None:
        return words
    return f"{f.ratio(contrast.ratio)} {f.ratio_interval(contrast.interval)} {words}"


def items(evaluation: Evaluation, scenario: WatchlistScenario, key: str) -> list[Item]:
    """Return tables by group, the curve, and caveats.

    The curve is against the length of the list; the caveats are what these figures can't say.
    """
    return list(_items(evaluation, scenario, key))


def _items(evaluation: Evaluation, scenario: WatchlistScenario, key: str) -> Iterator[Item]:
    """Yield the elements that `items` returns."""
    if scenario.reading is None:
        return
    yield _per_face(scenario, scenario.reading, f"{key}-faces")
    yield _as_shares(scenario, scenario.reading, f"{key}-alerts")
    yield from pictures(curve(evaluation, scenario, f"{key}-curve"))
    if scenario.sizes:
        yield Fold("The curve as a table, and the formula beyond the data", [_size_table(scenario, f"{key}-sizes")])
    if scenario.without_likely_same_person is not None:
        again = _per_face(scenario, scenario.without_likely_same_person, f"{key}-without")
        yield Fold("Without matches that look like one person under two names", [again])
    yield Fold("How this is measured, and what it can't say", [Text(_method(scenario)), Items(CAVEATS)])


def _per_face(scenario: WatchlistScenario, reading: WatchlistReading, key: str) -> Table:
    """Return a table of rates of people."""
    columns = ["Group", "People", "On the list", f"Stopped, of {f.count(EACH)} on no list", "FPIR [95 %]", "By the formula"]
    columns += ["Spread between draws", "Selectivity", "FNIR [95 %]", "Compared"]
    rows = []
    for group in [*reading.groups, reading.overall]:
        cells = [
            group.group,
            f.count(group.people),
            f.count(group.listed),
            _per_thousand(group),
            f.rate(group.fpir),
        ]
        cells += [f.percent(group.predicted_fpir), _interval(group.spread) or f.DASH, f.number(group.selectivity)]
        cells += [f.DASH if group.fnir is None else f.rate(group.fnir), _compared(group, reading)]
        rows.append(cells)
    return Table(key, "Per face: how often people who are on no list are stopped", columns, rows, frozenset({9}))


def _as_shares(scenario: WatchlistScenario, reading: WatchlistReading, key: str) -> Table:
    """Return a table of shares of the alerts."""
    columns = ["Group", "Share of the crowd", "Share of the list", "Wrong alerts", "Share of wrong alerts [95 %]"]
    columns += ["Right alerts", "Alerts that are right [95 %]"]
    rows = []
    for group in [*reading.groups, reading.overall]:
        wrong = f"{f.percent(group.share_of_false_alerts, 2)} {_interval(group.share_interval)}".strip()
        right = f"{f.percent(group.precision, 2)} {_interval(group.precision_interval)}".strip()
        cells = [group.group, f.percent(group.crowd_share, 2), f.percent(group.listed_share, 2), _alert_count(group.false_alerts)]
        rows.append([*cells, wrong if group is not reading.overall else f.DASH, _alert_count(group.true_alerts), right])
    caption = (
        f"As shares of alerts: in a crowd of {f.count(scenario.crowd)}, {f.percent(scenario.watchlisted)} of them on the list"
    )
    return Table(key, caption, columns, rows)


def _alert_count(number: float | None) -> str:
    """Return an expected number of alerts; a dash for none."""
    return f.DASH if number is None else head_count(number)


def _size_table(scenario: WatchlistScenario, key: str) -> Table:
    """Return a table of FPIR by length of the list."""
    names = [
        first.group
        for first in scenario.sizes[0].groups
        if any(group.fpir is not None for size in scenario.sizes for group in size.groups if group.group == first.group)
    ]
    rows = []
    for size, measured in [*((size, True) for size in scenario.sizes), *((size, False) for size in scenario.extrapolation)]:
        by_group = {group.group: group for group in size.groups}
        cells = [f.count(size.people), "measured" if measured else "formula alone"]
        for name in names:
            group = by_group[name]
            cells.append(
                f"{f.percent(group.fpir)} {_interval(group.interval)}".strip() if measured else f.percent(group.predicted_fpir)
            )
        rows.append(cells)
    columns = ["People on the list", "Origin", *names]
    return Table(key, "FPIR by length of the list; beyond the data by the formula alone", columns, rows, frozenset({1}))


def _method(scenario: WatchlistScenario) -> str:
    """Return how the figures are measured, and what was excluded."""
    images = "one image of each, drawn at random" if scenario.images == "one" else "all images of each"
    left = [
        (scenario.unlabelled, "image", "images", "without a label"),
        (scenario.several_groups, "person", "people", "with images in several groups"),
        (scenario.without_template, "person", "people", "without a template, who can't be listed and pass unseen"),
    ]
    out = "; ".join(f"{f.plural(number, one, many)} {why}" for number, one, many, why in left if number)
    return (
        f"Listed are {f.plural(scenario.listed, 'person', 'people')} of the data, {MAKE_UP[scenario.make_up_listed]}, with "
        f"{images}; everybody else "
        "walks past, and nobody on the list is searched for as somebody who is not. FPIR is the mean over every such list, found exactly; "
        "each person weighs the same. Intervals leave out one person at a time, from crowd and list alike, and take the threshold as "
        f"given. The crowd walks past {MAKE_UP[scenario.make_up_crowd]}." + (f" Left out: {out}." if out else "")
    )


def tables(scenarios: Sequence[WatchlistScenario]) -> Tables:
    """Return CSV tables: declarations, groups, rates, and the curve."""
    declared: list[Row] = []
    groups: list[Row] = []
    rates: list[Row] = []
    sizes: list[Row] = []
    for scenario in scenarios:
        threshold = scenario.threshold
        at: Row = (
            [
                threshold.origin,
                threshold.target,
                threshold.threshold,
                threshold.native_threshold,
                threshold.achieved_fmr,
                threshold.achieved_fpir,
            ]
            if threshold
            else [None] * 6
        )
        given: Row = [
            scenario.listed,
            scenario.images,
            scenario.listed_images,
            scenario.crowd,
            scenario.frames,
            scenario.frames_measured,
            scenario.watchlisted,
            scenario.draws,
        ]
        left: Row = [
            scenario.unlabelled,
            scenario.several_groups,
            scenario.without_template,
            scenario.likely_same_person,
            scenario.reason,
        ]
        declared.append([scenario.name, *at, *given, *left])
        for name, reading in (("all", scenario.reading), ("without_likely_same_person", scenario.without_likely_same_person)):
            for group in [*reading.groups, reading.overall] if reading is not None else []:
                groups.append([scenario.name, name, *_group_row(group)])
                rates += [
                    [scenario.name, name, measure, *rate_row(rate)]
                    for measure, rate in (("fpir", group.fpir), ("fnir", group.fnir))
                    if rate is not None
                ]
        for size, measured in [*((size, True) for size in scenario.sizes), *((size, False) for size in scenario.extrapolation)]:
            sizes += [
                [
                    scenario.name,
                    size.people,
                    measured,
                    entry.group,
                    entry.fpir,
                    *(entry.interval or (None, None)),
                    entry.predicted_fpir,
                    entry.reason,
                ]
                for entry in size.groups
            ]
    return {
        "watchlists": (DECLARED.split(), declared),
        "watchlist_groups": (GROUPS.split(), groups),
        "watchlist_rates": (f"scenario reading measure {HEADERS['rate']}".split(), rates),
        "watchlist_sizes": (SIZES.split(), sizes),
    }


DECLARED = (
    "scenario origin target threshold native_threshold achieved_fmr achieved_fpir listed images listed_images crowd frames "
    "frames_measured watchlisted draws unlabelled several_groups without_template likely_same_person reason"
)
SIZES = "scenario people measured group fpir lo hi predicted_fpir reason"
GROUPS = (
    "scenario reading group people listed listed_share crowd_share predicted_fpir spread_lo spread_hi selectivity predicted_selectivity "
    "false_alerts true_alerts share_of_false_alerts share_lo share_hi precision precision_lo precision_hi reference ratio ratio_lo "
    "ratio_hi p p_holm verdict reason no_errors_with"
)


def _group_row(group: WatchlistGroup) -> Row:
    """Return the CSV cells of one group."""
    none = (None, None)
    contrast = group.ratio
    compared: Row = (
        [None] * 8
        if contrast is None
        else [
            contrast.reference,
            contrast.ratio,
            *(contrast.interval or none),
            contrast.p,
            contrast.p_holm,
            contrast.verdict,
            contrast.reason,
        ]
    )
    return [
        *(
            group.group,
            group.people,
            group.listed,
            group.listed_share,
            group.crowd_share,
            group.predicted_fpir,
            *(group.spread or none),
            group.selectivity,
        ),
        *(
            group.predicted_selectivity,
            group.false_alerts,
            group.true_alerts,
            group.share_of_false_alerts,
            *(group.share_interval or none),
        ),
        *(group.precision, *(group.precision_interval or none), *compared, "; ".join(group.no_errors_with)),
    ]
