"""A watchlist, told in people: who is stopped, how often wrongly, and who they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness.results import Evaluation, Interval, WatchlistGroup, WatchlistReading, WatchlistScenario
from faceparity.reports.charts.scenario_curve import curve
from faceparity.reports.layout.elements import Fold, Item, Items, Table, Text, pictures
from faceparity.reports.layout.topic import SmallTable
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import HEADERS, Row, Tables, grouping_name, rate_row
from faceparity.reports.wording.scenario_words import head_count, head_range

EACH = 1000
MAKE_UP = {"data": "in the shares of the data", "equal": "in equal shares", "declared": "in the shares declared"}
NAMED = 4
"""So many groups are named in a sentence."""
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


def sentences(e: Evaluation, s: WatchlistScenario) -> list[str]:
    """The finding: how many are stopped, how many alerts are right, who they are, the formula, and the spread between lists."""
    r = s.reading
    if r is None:
        return []
    told = [_stopped(s, r), _alerts(s, r), _who(r), _differ(s, r), _formula(s, r), _spread(s, r), *_repeats(s)]
    return [x for x in told if x]


def _of(s: WatchlistScenario) -> str:
    """ "10,000 people walking past who are on no list"."""
    return f"{f.count(s.crowd)} people walking past who are on no list"


def _frames(s: WatchlistScenario) -> str:
    if s.frames == 1:
        return ""
    if s.frames == s.frames_measured:
        return f", {f.count(s.frames)} images searched of each"
    return (
        f", one image searched of each: the data has too few images of a person for the {s.frames} declared, "
        f"with which up to {s.frames} times as many would be"
    )


def _stopped(s: WatchlistScenario, r: WatchlistReading) -> str:
    x = r.overall.fpir
    on = f"on a list of {f.plural(s.listed, 'person', 'people')}"
    if x.status == "ok":
        told = head_range(s.crowd, x.rate, x.interval)
        why = f" ({f.reason(x.reason)})" if x.interval is None and x.reason else ""
        return f"Of {_of(s)}, about {told} would be stopped as somebody {on}{_frames(s)}{why}. Per face: FPIR {f.rate(x)}."
    if x.status == "bound" and x.bounds is not None:
        most = head_count(s.crowd * x.bounds.worst_case)
        return (
            f"Nobody of {f.plural(r.overall.people, 'person', 'people')} matched anybody else: of {_of(s)}, at most {most} would be "
            f"stopped as somebody {on}{_frames(s)}."
        )
    if x.status == "bound" and x.interval is not None:
        seen = f"only {f.plural(x.errors or 0, 'person', 'people')} of {f.count(x.comparisons)} matched anybody else"
        most = head_count(s.crowd * x.interval[1])
        return f"Of {_of(s)}, at most {most} would be stopped as somebody {on}{_frames(s)}: {seen}."
    return f"How many people would be stopped is not shown: {f.suppressed(x)}."


def _alerts(s: WatchlistScenario, r: WatchlistReading) -> str:
    """Per face and as a share of alerts, never one alone."""
    x = r.overall
    if not s.watchlisted:
        return "Nobody on the list walks past in this scenario, so every alert is wrong."
    there = s.crowd * s.watchlisted
    if x.true_alerts is None or x.precision is None:
        return (
            f"What share of alerts would be right is not known: "
            f"{f.reason(x.fnir.reason) if x.fnir is not None and x.fnir.reason else 'nobody is on the list'}."
        )
    wrong = x.false_alerts or 0.0
    interval = f" {f.percent_interval(x.precision_interval)}" if x.precision_interval else ""
    return (
        f"In a crowd of {f.count(s.crowd)}, {head_count(there)} of them on the list, there would be about "
        f"{head_count(x.true_alerts + wrong)} alerts: {head_count(x.true_alerts)} right and {head_count(wrong)} wrong. Of all alerts, "
        f"{f.percent(x.precision, 2)}{interval} would be right.{_few_missed(x)}"
    )


def _few_missed(x: WatchlistGroup) -> str:
    """A caution where hardly anybody on the list passed unnoticed: the number of right alerts is the highest it can be."""
    r = x.fnir
    if r is None or r.status != "bound":
        return ""
    most = r.bounds.worst_case if r.bounds is not None else (r.interval or (0.0, 1.0))[1]
    return (
        f" (Of {f.plural(r.comparisons, 'person', 'people')} with several images {f.count(r.errors) if r.errors else 'none'} could "
        f"pass unnoticed, too few to tell how many of the listed would: at most {f.percent(most, 2)}.)"
    )


def _who(r: WatchlistReading) -> str:
    """Who is falsely stopped, beside who walks past."""
    shown = [x for x in r.groups if x.share_of_false_alerts is not None]
    if not shown or not r.overall.fpir.errors:
        return ""
    named = sorted(shown, key=lambda x: -(x.share_of_false_alerts or 0))[:NAMED]
    parts = []
    for x in named:
        interval = f" {f.percent_interval(x.share_interval)}" if x.share_interval else ""
        per = _per_thousand(x)
        who = f"{f.percent(x.crowd_share, 2)} of the crowd and {f.percent(x.listed_share, 2)} of the list"
        parts.append(
            f"{f.percent(x.share_of_false_alerts, 2)}{interval} would be {f.clean(x.group)}, who are {who} "
            f"({per} of each {f.count(EACH)} of them)"
        )
    return f"Of those falsely stopped, {'; '.join(parts)}."


def _per_thousand(x: WatchlistGroup) -> str:
    """People of each thousand who are on no list and stopped."""
    rate = x.fpir
    if rate.status == "suppressed":
        return f.suppressed(rate)
    if rate.status == "bound":
        most = rate.bounds.worst_case if rate.bounds is not None else (rate.interval or (0, 1))[1]
        return f"at most {head_count(EACH * most)}"
    return head_range(EACH, rate.rate, rate.interval)


def _differ(s: WatchlistScenario, r: WatchlistReading) -> str:
    """Which groups are beyond doubt stopped more or less often."""
    tested = [x for x in r.groups if x.ratio is not None and x.ratio.verdict != "none"]
    called = [x for x in tested if x.ratio is not None and x.ratio.verdict in ("higher", "lower")]
    if not tested or tested[0].ratio is None:
        return ""
    reference = f.clean(tested[0].ratio.reference)
    if not called:
        return (
            f"No group is beyond doubt by chance stopped more or less often than {reference}, the reference group; "
            "that is not to say that all are stopped as often."
        )
    told = f"Beyond doubt by chance, compared with {reference}, the reference group: {_called(called)} (95 % intervals)."
    if s.make_up_listed == "equal":
        return told
    return f"{told} Who is on the list can alone do this: people are mostly taken for somebody of their own group."


def _called(called: Sequence[WatchlistGroup]) -> str:
    """ "falsely stopped more often are A 2.5× [2.1, 3.1]; less often are B 0.4× [0.3, 0.6]"."""
    parts: list[str] = []
    for verdict, words in (("higher", "more often"), ("lower", "less often")):
        mine = [(x.group, x.ratio) for x in called if x.ratio is not None and x.ratio.verdict == verdict]
        if mine:
            named = ", ".join(f"{f.clean(g)} {f.ratio(c.ratio)} {f.ratio_interval(c.interval)}" for g, c in mine)
            parts.append(f"{'falsely stopped ' if not parts else ''}{words} are {named}")
    return "; ".join(parts)


def _formula(s: WatchlistScenario, r: WatchlistReading) -> str:
    x = r.overall
    if x.predicted_fpir is None or x.fpir.status == "suppressed":
        return ""
    return (
        f"From the false match rates between groups alone, as if comparisons were independent, one would expect "
        f"{head_count(s.crowd * x.predicted_fpir)} of {f.count(s.crowd)}."
    )


def _spread(s: WatchlistScenario, r: WatchlistReading) -> str:
    if r.overall.spread is None or r.overall.fpir.status == "suppressed":
        return ""
    low, high = (head_count(s.crowd * v) for v in r.overall.spread)
    return (
        f"Spread between draws: of {f.count(s.draws)} lists drawn at random, 95 % gave {low} to {high} of {f.count(s.crowd)}. That is how "
        "much it matters who happens to be on the list and in the crowd; it is no interval for the figure above."
    )


def _repeats(s: WatchlistScenario) -> list[str]:
    second = s.without_likely_same_person
    if second is None:
        return []
    x = second.overall.fpir
    told = head_range(s.crowd, x.rate, x.interval) if x.status == "ok" else "fewer than can be told"
    return [
        f"{f.plural(s.likely_same_person, 'match', 'matches')} look like one person under two names, as the set has no subject labels: "
        f"without them about {told} of {f.count(s.crowd)} would be stopped. A verdict stands only if both readings give it."
    ]


def small(e: Evaluation, s: WatchlistScenario) -> list[SmallTable]:
    """Shown groups: per face, and as a share of the falsely stopped."""
    if s.reading is None:
        return []
    header = ["group", "in the crowd", f"stopped wrongly, of {f.count(EACH)}", "of the wrongly stopped", "compared"]
    rows = []
    for x in s.reading.groups:
        if x.fpir.status != "suppressed":
            share = f.percent(x.share_of_false_alerts, 2) if x.share_of_false_alerts is not None else f.DASH
            cells = [f.percent(x.crowd_share, 2), _per_thousand(x), f"{share} {_maybe(x.share_interval)}".strip()]
            rows.append([f.shorten(x.group, 40), *cells, _compared(x, s.reading)])
    caption = f"Of people on no list, by {grouping_name(s.attributes)} (a list of {f.count(s.listed)})"
    return [SmallTable(caption, header, rows)] if rows else []


def _maybe(interval: Interval | None) -> str:
    return f.percent_interval(interval) if interval is not None else ""


def _compared(x: WatchlistGroup, r: WatchlistReading) -> str:
    """Ratio to the reference and its verdict."""
    c = x.ratio
    if c is None:
        return "reference" if any(y.ratio is not None and y.ratio.reference == x.group for y in r.groups) else f.DASH
    if c.ratio is None:
        return f.contrast_reason(c.reason) or f.DASH
    return f"{f.ratio(c.ratio)} {f.ratio_interval(c.interval)} {c.verdict}"


def items(e: Evaluation, s: WatchlistScenario, key: str) -> list[Item]:
    """By group; the curve against the length of the list; what these figures can't say."""
    return list(_items(e, s, key))


def _items(e: Evaluation, s: WatchlistScenario, key: str) -> Iterator[Item]:
    if s.reading is None:
        return
    yield _per_face(s, s.reading, f"{key}-faces")
    yield _as_shares(s, s.reading, f"{key}-alerts")
    yield from pictures(curve(e, s, f"{key}-curve"))
    if s.sizes:
        yield Fold("The curve as a table, and the formula beyond the data", [_size_table(s, f"{key}-sizes")])
    if s.without_likely_same_person is not None:
        again = _per_face(s, s.without_likely_same_person, f"{key}-without")
        yield Fold("Without matches that look like one person under two names", [again])
    yield Fold("How this is measured, and what it can't say", [Text(_method(s)), Items(CAVEATS)])


def _per_face(s: WatchlistScenario, r: WatchlistReading, key: str) -> Table:
    """Rates of people."""
    columns = ["Group", "People", "On the list", f"Stopped, of {f.count(EACH)} on no list", "FPIR [95 %]", "By the formula"]
    columns += ["Spread between draws", "Selectivity", "FNIR [95 %]", "Compared"]
    rows = []
    for x in [*r.groups, r.overall]:
        cells = [x.group, f.count(x.people), f.count(x.listed), _per_thousand(x), f.rate(x.fpir, both_bounds=False)]
        cells += [f.percent(x.predicted_fpir), _maybe(x.spread) or f.DASH, f.number(x.selectivity)]
        cells += [f.DASH if x.fnir is None else f.rate(x.fnir, both_bounds=False), _compared(x, r)]
        rows.append(cells)
    return Table(key, "Per face: how often people who are on no list are stopped", columns, rows, frozenset({9}))


def _as_shares(s: WatchlistScenario, r: WatchlistReading, key: str) -> Table:
    """Shares of the alerts."""
    columns = ["Group", "Share of the crowd", "Share of the list", "Wrong alerts", "Share of wrong alerts [95 %]"]
    columns += ["Right alerts", "Alerts that are right [95 %]"]
    rows = []
    for x in [*r.groups, r.overall]:
        wrong = f"{f.percent(x.share_of_false_alerts, 2)} {_maybe(x.share_interval)}".strip()
        right = f"{f.percent(x.precision, 2)} {_maybe(x.precision_interval)}".strip()
        cells = [x.group, f.percent(x.crowd_share, 2), f.percent(x.listed_share, 2), _alert_count(x.false_alerts)]
        rows.append([*cells, wrong if x is not r.overall else f.DASH, _alert_count(x.true_alerts), right])
    caption = f"As shares of alerts: in a crowd of {f.count(s.crowd)}, {f.percent(s.watchlisted)} of them on the list"
    return Table(key, caption, columns, rows)


def _alert_count(n: float | None) -> str:
    return f.DASH if n is None else head_count(n)


def _size_table(s: WatchlistScenario, key: str) -> Table:
    names = [
        x.group for x in s.sizes[0].groups if any(a.fpir is not None for z in s.sizes for a in z.groups if a.group == x.group)
    ]
    rows = []
    for z, measured in [*((z, True) for z in s.sizes), *((z, False) for z in s.extrapolation)]:
        of = {a.group: a for a in z.groups}
        cells = [f.count(z.people), "measured" if measured else "formula alone"]
        for name in names:
            a = of[name]
            cells.append(f"{f.percent(a.fpir)} {_maybe(a.interval)}".strip() if measured else f.percent(a.predicted_fpir))
        rows.append(cells)
    columns = ["People on the list", "Origin", *names]
    return Table(key, "FPIR by length of the list; beyond the data by the formula alone", columns, rows, frozenset({1}))


def _method(s: WatchlistScenario) -> str:
    """How the figures come about, with what was left out."""
    images = "one image of each, drawn at random" if s.images == "one" else "all images of each"
    left = [
        (s.unlabelled, "image", "images", "without a label"),
        (s.several_groups, "person", "people", "with images in several groups"),
        (s.without_template, "person", "people", "without a template, who can't be listed and pass unseen"),
    ]
    out = "; ".join(f"{f.plural(n, one, many)} {why}" for n, one, many, why in left if n)
    return (
        f"Listed are {f.plural(s.listed, 'person', 'people')} of the data, {MAKE_UP[s.make_up_listed]}, with {images}; everybody else "
        "walks past, and nobody on the list is searched for as somebody who is not. FPIR is the mean over every such list, found exactly; "
        "each person weighs the same. Intervals leave out one person at a time, from crowd and list alike, and take the threshold as "
        f"given. The crowd walks past {MAKE_UP[s.make_up_crowd]}." + (f" Left out: {out}." if out else "")
    )


def tables(scenarios: Sequence[WatchlistScenario]) -> Tables:
    """What was declared; every figure by group; FPIR and FNIR; the curve."""
    declared: list[Row] = []
    groups: list[Row] = []
    rates: list[Row] = []
    sizes: list[Row] = []
    for s in scenarios:
        t = s.threshold
        at: Row = [t.origin, t.target, t.threshold, t.native_threshold, t.achieved_fmr, t.achieved_fpir] if t else [None] * 6
        given: Row = [s.listed, s.images, s.listed_images, s.crowd, s.frames, s.frames_measured, s.watchlisted, s.draws]
        left: Row = [s.unlabelled, s.several_groups, s.without_template, s.likely_same_person, s.reason]
        declared.append([s.name, *at, *given, *left])
        for name, r in (("all", s.reading), ("without_likely_same_person", s.without_likely_same_person)):
            for x in [*r.groups, r.overall] if r is not None else []:
                groups.append([s.name, name, *_group_row(x)])
                rates += [[s.name, name, m, *rate_row(one)] for m, one in (("fpir", x.fpir), ("fnir", x.fnir)) if one is not None]
        for z, measured in [*((z, True) for z in s.sizes), *((z, False) for z in s.extrapolation)]:
            sizes += [
                [s.name, z.people, measured, a.group, a.fpir, *(a.interval or (None, None)), a.predicted_fpir, a.reason]
                for a in z.groups
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


def _group_row(x: WatchlistGroup) -> Row:
    none = (None, None)
    c = x.ratio
    compared: Row = [None] * 8 if c is None else [c.reference, c.ratio, *(c.interval or none), c.p, c.p_holm, c.verdict, c.reason]
    return [
        *(x.group, x.people, x.listed, x.listed_share, x.crowd_share, x.predicted_fpir, *(x.spread or none), x.selectivity),
        *(x.predicted_selectivity, x.false_alerts, x.true_alerts, x.share_of_false_alerts, *(x.share_interval or none)),
        *(x.precision, *(x.precision_interval or none), *compared, "; ".join(x.no_errors_with)),
    ]
