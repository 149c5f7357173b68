"""A line-up in numbers of people: how many were matched with somebody they are not, and who they are."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.results import Evaluation, LineupGroup, LineupScenario
from faceparity.reports.layout.elements import Heading, Item, Items, Table
from faceparity.reports.layout.topic import SmallTable
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import HEADERS, Row, Tables, grouping_name, rate_row
from faceparity.reports.wording.natural_frequencies import contrast_sentence, grouped, verdict

INDEPENDENT = "assumes independent probes"
CAVEATS = (
    "Everybody who was matched was matched falsely: nobody in the line-up is in the gallery.",
    f"The exact test and Katz's interval ({INDEPENDENT}) are how such counts are usually told. But all are searched in one gallery, "
    "in which a few persons may be matched with many: so the jackknife over both sides stands beside them, and it alone decides.",
    "Who is in the gallery can alone make groups differ: people are mostly matched with somebody of their own group, so a group that "
    "the gallery has more of has more false matches.",
)


def sentences(evaluation: Evaluation, scenario: LineupScenario) -> list[str]:
    """Return how many were matched, then the group matched most.

    Of the group with the highest rate: its share of people beside its share of the matched.
    """
    rate = scenario.overall
    if rate is None or rate.status == "suppressed":
        return (
            [f"Of {f.count(scenario.people)} people the figures are not shown: fewer than 30 could be searched."] if rate else []
        )
    text = f"Of {f.plural(rate.comparisons, 'person', 'people')} searched in a gallery of {f.count(scenario.gallery_people)} others, "
    text += f"{f.count(rate.errors)} were matched with somebody they are not ({f.rate(rate)})."
    out = [
        text,
        _worst(scenario),
        _by_people(scenario),
    ]
    if scenario.same_person_share:
        out.append(f"{f.percent(scenario.same_person_share)} of those matched look like a person of the gallery under two names.")
    return [sentence for sentence in out if sentence]


def _by_people(scenario: LineupScenario) -> str:
    """Return the contrasts by subjects, which alone decide.

    It says that this test is another than the exact one before it.
    """
    text = contrast_sentence(
        [(group.group, group.by_subjects) for group in scenario.groups if group.by_subjects], "rate of false matches"
    )
    return f"{text} This comparison goes by people; it does not assume independent probes, and it alone decides." if text else ""


def _worst(scenario: LineupScenario) -> str:
    """Return a sentence on the group with the highest rate.

    Empty where fewer than two groups are shown or nobody was matched.
    """
    shown = [group for group in scenario.groups if group.flagged is not None and group.share_of_flagged is not None]
    if len(shown) < 2:
        return ""
    group = max(shown, key=lambda candidate: (candidate.rate.rate or 0, candidate.group))
    if not group.flagged:
        return ""
    test = (
        ""
        if group.p_hypergeometric is None
        else f"; by chance so many or more: {f.p_value(group.p_hypergeometric)}, one-sided, {INDEPENDENT}"
    )
    there = "" if group.share_of_gallery is None else f" Of the gallery {f.percent(group.share_of_gallery)} is of that group."
    labelled = " and labelled" if scenario.unlabelled else ""
    return (
        f"{f.sentence(f.clean(group.group))} has the highest rate seen, {f.rate(group.rate)}: "
        f"{f.percent(group.share_of_people)} of those searched"
        f"{labelled} ({f.count(group.people)}) and {f.percent(group.share_of_flagged)} of those falsely matched "
        f"({f.count(group.flagged)}){test}."
        f"{there}"
    )


def small(evaluation: Evaluation, scenario: LineupScenario) -> list[SmallTable]:
    """Return a table of counts by group, for a terminal."""
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
    rows, hidden = grouped([(group.rate, _row(group)) for group in scenario.groups])
    return (
        [SmallTable(f"{f.clean(scenario.name)}: by {grouping_name(scenario.attributes)}{hidden}", header, rows)] if rows else []
    )


def _row(group: LineupGroup) -> list[str]:
    """Return the cells of one group's counts and rate."""
    hidden = group.flagged is None
    return [
        f.clean(group.group),
        f.count(group.people),
        f.percent(group.share_of_people),
        f.suppressed(group.rate) if hidden else f.count(group.flagged),
        f.percent(group.share_of_flagged),
        f.DASH if hidden else f.rate(group.rate),
        f.percent(group.share_of_gallery),
        _exact_p(group),
    ]


def _exact_p(group: LineupGroup) -> str:
    """Return the one-sided p of the exact test."""
    return f.DASH if group.p_hypergeometric is None else f.p_value(group.p_hypergeometric)


def items(evaluation: Evaluation, scenario: LineupScenario, key: str) -> list[Item]:
    """Return tables of counts and tests, then caveats.

    Tests with and without the assumption of independence.
    """
    by = grouping_name(scenario.attributes)
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
        Table(
            f"{key}-counts",
            f"Who was falsely matched, by {by}",
            columns,
            [_row(group)[:7] for group in scenario.groups if group.people],
        )
    ]
    rows = [_test(group) for group in scenario.groups if group.flagged is not None]
    header = ["Group", f"Ratio, {INDEPENDENT}", "One-sided p", "Two-sided p", "Ratio by subjects", "p (Holm)"]
    if rows:
        caption = (
            f"Each group's rate over everybody else's. The second to fourth column {INDEPENDENT.replace('assumes', 'assume')}"
        )
        out.append(Table(f"{key}-tests", caption, header, rows, frozenset({4})))
    notes = list(CAVEATS)
    if scenario.implied_fmr is not None:
        notes.append(
            f"Were comparisons independent, one of them would be a false match with a chance of {scenario.implied_fmr:.3g}."
        )
    if scenario.unlabelled:
        notes.append(f"{f.plural(scenario.unlabelled, 'person', 'people')} without a label are in no group and in no share.")
    if scenario.failed_people:
        notes.append(
            f"{f.plural(scenario.failed_people, 'person', 'people')} could not be searched (no template) and can't be matched."
        )
    return [*out, Heading("How to read it"), Items(notes)]


def _test(group: LineupGroup) -> list[str]:
    """Return the cells of one group's tests."""
    ratio = (
        f.DASH
        if group.ratio_to_others is None
        else f"{f.ratio(group.ratio_to_others)} {f.ratio_interval(group.interval_independent)}"
    )
    by = group.by_subjects
    return [
        f.clean(group.group), ratio, _exact_p(group), f.p_value(group.p_fisher),
        verdict(by) if by else f.DASH, f.p_value(by.p_holm if by else None),
    ]  # fmt: skip


def tables(scenarios: Sequence[LineupScenario]) -> Tables:
    """Return the CSV table of line-ups, one row per group."""
    rows: list[Row] = []
    for scenario in scenarios:
        at: Row = [
            scenario.name,
            scenario.people,
            scenario.gallery_people,
            scenario.threshold.threshold if scenario.threshold else None,
            grouping_name(scenario.attributes),
        ]
        for group in scenario.groups:
            by_subjects = group.by_subjects
            tests: Row = [
                group.ratio_to_others,
                *(group.interval_independent or (None, None)),
                group.p_hypergeometric,
                group.p_fisher,
            ]
            tests += (
                [*(by_subjects.interval or (None, None)), by_subjects.p_holm, by_subjects.verdict] if by_subjects else [None] * 4
            )
            rows.append(
                [*at, group.people, group.share_of_people, group.flagged, group.share_of_flagged, *tests, *rate_row(group.rate)]
            )
    head = "scenario people gallery threshold grouping group_people share_of_people matched share_of_matched ratio_to_others "
    head += "katz_lo katz_hi p_hypergeometric_one_sided p_fisher_two_sided ratio_lo ratio_hi p_holm verdict "
    return {"scenario_lineup_groups": (f"{head}{HEADERS['rate']}".split(), rows)}
