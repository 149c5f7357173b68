"""A line-up, told in people: how many were matched with somebody they are not, and who they are."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.results import Evaluation, LineupGroup, LineupScenario
from faceparity.reports.layout.elements import Heading, Item, Items, Table
from faceparity.reports.layout.topic import SmallTable
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import HEADERS, Row, Tables, grouping_name, rate_row
from faceparity.reports.wording.natural_frequencies import grouped, told_apart, verdict

INDEPENDENT = "assumes independent probes"
CAVEATS = (
    "Everybody who was matched was matched falsely: nobody in the line-up is in the gallery.",
    f"The exact test and Katz's interval ({INDEPENDENT}) are how such counts are usually told. But all are searched in one gallery, "
    "in which a few persons may be matched with many: so the jackknife over both sides stands beside them, and it alone decides.",
    "Who is in the gallery can alone make groups differ: people are mostly matched with somebody of their own group, so a group that "
    "the gallery has more of has more false matches.",
)


def sentences(e: Evaluation, s: LineupScenario) -> list[str]:
    """How many were matched; then the group with the highest rate: share of people beside share of the matched."""
    r = s.overall
    if r is None or r.status == "suppressed":
        return [f"Of {f.count(s.people)} people the figures are not shown: fewer than 30 could be searched."] if r else []
    told = f"Of {f.plural(r.comparisons, 'person', 'people')} searched in a gallery of {f.count(s.gallery_people)} others, "
    told += f"{f.count(r.errors)} were matched with somebody they are not ({f.rate(r)})."
    out = [
        told,
        _worst(s),
        _by_people(s),
    ]
    if s.same_person_share:
        out.append(f"{f.percent(s.same_person_share)} of those matched look like a person of the gallery under two names.")
    return [x for x in out if x]


def _by_people(s: LineupScenario) -> str:
    """What the test that decides says, and that it is another than the exact one before it."""
    told = told_apart([(g.group, g.by_subjects) for g in s.groups if g.by_subjects], "rate of false matches")
    return f"{told} This comparison goes by people; it does not assume independent probes, and it alone decides." if told else ""


def _worst(s: LineupScenario) -> str:
    told = [g for g in s.groups if g.flagged is not None and g.share_of_flagged is not None]
    if len(told) < 2:
        return ""
    g = max(told, key=lambda x: (x.rate.rate or 0, x.group))
    if not g.flagged:
        return ""
    test = (
        ""
        if g.p_hypergeometric is None
        else f"; by chance so many or more: {f.p_value(g.p_hypergeometric)}, one-sided, {INDEPENDENT}"
    )
    there = "" if g.share_of_gallery is None else f" Of the gallery {f.percent(g.share_of_gallery)} is of that group."
    labelled = " and labelled" if s.unlabelled else ""
    return (
        f"{f.sentence(f.clean(g.group))} has the highest rate seen, {f.rate(g.rate)}: {f.percent(g.share_of_people)} of those searched"
        f"{labelled} ({f.count(g.people)}) and {f.percent(g.share_of_flagged)} of those falsely matched ({f.count(g.flagged)}){test}."
        f"{there}"
    )


def small(e: Evaluation, s: LineupScenario) -> list[SmallTable]:
    """Counts by group."""
    header = [
        "Group",
        "People",
        "Share of people",
        "Matched",
        "Share of the matched",
        "Rate",
        "Share of gallery",
        f"p ({INDEPENDENT})",
    ]
    rows, hidden = grouped([(g.rate, _row(g)) for g in s.groups])
    return [SmallTable(f"{f.clean(s.name)}: by {grouping_name(s.attributes)}{hidden}", header, rows)] if rows else []


def _row(g: LineupGroup) -> list[str]:
    hidden = g.flagged is None
    return [
        f.clean(g.group),
        f.count(g.people),
        f.percent(g.share_of_people),
        f.suppressed(g.rate) if hidden else f.count(g.flagged),
        f.percent(g.share_of_flagged),
        f.DASH if hidden else f.rate(g.rate),
        f.percent(g.share_of_gallery),
        _p(g),
    ]


def _p(g: LineupGroup) -> str:
    return f.DASH if g.p_hypergeometric is None else f.p_value(g.p_hypergeometric)


def items(e: Evaluation, s: LineupScenario, key: str) -> list[Item]:
    """Counts, tests with and without independence, caveats."""
    by = grouping_name(s.attributes)
    columns = [
        "Group",
        "People searched",
        "Share of people",
        "Falsely matched",
        "Share of the matched",
        "Rate",
        "Share of the gallery",
    ]
    out: list[Item] = [
        Table(f"{key}-counts", f"Who was falsely matched, by {by}", columns, [_row(g)[:7] for g in s.groups if g.people])
    ]
    rows = [_test(g) for g in s.groups if g.flagged is not None]
    header = ["Group", f"Ratio, {INDEPENDENT}", "One-sided p", "Two-sided p", "Ratio by subjects", "p (Holm)"]
    if rows:
        caption = (
            f"Each group's rate over everybody else's. The second to fourth column {INDEPENDENT.replace('assumes', 'assume')}"
        )
        out.append(Table(f"{key}-tests", caption, header, rows, frozenset({4})))
    notes = list(CAVEATS)
    if s.implied_fmr is not None:
        notes.append(f"Were comparisons independent, one of them would be a false match with a chance of {s.implied_fmr:.3g}.")
    if s.unlabelled:
        notes.append(f"{f.plural(s.unlabelled, 'person', 'people')} without a label are in no group and in no share.")
    if s.failed_people:
        notes.append(f"{f.plural(s.failed_people, 'person', 'people')} could not be searched (no template) and can't be matched.")
    return [*out, Heading("How to read it"), Items(notes)]


def _test(g: LineupGroup) -> list[str]:
    ratio = f.DASH if g.ratio_to_others is None else f"{f.ratio(g.ratio_to_others)} {f.ratio_interval(g.interval_independent)}"
    by = g.by_subjects
    return [
        f.clean(g.group), ratio, _p(g), f.p_value(g.p_fisher), verdict(by) if by else f.DASH, f.p_value(by.p_holm if by else None),
    ]  # fmt: skip


def tables(scenarios: Sequence[LineupScenario]) -> Tables:
    """CSV: a row for each group."""
    rows: list[Row] = []
    for s in scenarios:
        at: Row = [
            s.name,
            s.people,
            s.gallery_people,
            s.threshold.threshold if s.threshold else None,
            grouping_name(s.attributes),
        ]
        for g in s.groups:
            b = g.by_subjects
            tests: Row = [g.ratio_to_others, *(g.interval_independent or (None, None)), g.p_hypergeometric, g.p_fisher]
            tests += [*(b.interval or (None, None)), b.p_holm, b.verdict] if b else [None] * 4
            rows.append([*at, g.people, g.share_of_people, g.flagged, g.share_of_flagged, *tests, *rate_row(g.rate)])
    head = "scenario people gallery threshold grouping group_people share_of_people matched share_of_matched ratio_to_others "
    head += "katz_lo katz_hi p_hypergeometric_one_sided p_fisher_two_sided ratio_lo ratio_hi p_holm verdict "
    return {"scenario_lineup_groups": (f"{head}{HEADERS['rate']}".split(), rows)}
