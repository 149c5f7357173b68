"""The section on a controlled experiment: what each factor alone does to scores, error rates and failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from faceparity.harness.results import Evaluation, Paired, PairedDifference, PairedPoint, Rate
from faceparity.reports.charts.paired_figures import condition_map, score_chart
from faceparity.reports.layout.elements import Fold, Heading, Item, Section, Table, Text, pictures
from faceparity.reports.layout.topic import SmallTable, Topic, TopicEntry
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import Row, Tables, header_of, rate_row
from faceparity.reports.wording.paired_words import (
    RATES,
    SCORES,
    at,
    change,
    compact,
    ends,
    factors,
    headline,
    legend,
    level,
    scale,
    sentences,
    span,
    title,
    units,
    verdict,
)

FULL = {"fmr": "False match rate", "fnmr": "False non-match rate"}


def paired_sections(evaluation: Evaluation, key: str) -> list[Section]:
    """Return a section for each controlled experiment.

    Empty for a data set that is none. `key` begins the ids of the sections' elements.
    """
    return [
        Section(f"{key}-paired{i or ''}", title(experiment), list(_items(evaluation, experiment, f"{key}-paired{i or ''}")))
        for i, experiment in enumerate(evaluation.paired)
    ]


def _items(evaluation: Evaluation, experiment: Paired, key: str) -> Iterator[Item]:
    """Yield all elements of one experiment's section."""
    one, many = units(evaluation)
    for sentence in sentences(evaluation, experiment):
        yield Text(sentence, "lead")
    if evaluation.dataset.synthetic:
        yield Text(
            f"The {many} are synthetic: this is what {factors(experiment)} do to scores of rendered {many}, not of people.",
            "flag",
        )
    yield Text(
        f"A controlled experiment: each of {f.plural(experiment.subjects, one, many)} under each of "
        f"{f.plural(len(experiment.conditions), 'condition')}, "
        f"{experiment.captures} images each, all else being the same. Only images under one condition are compared with each "
        "other: two different "
        f"{many} (non-mated) or two images of one {one} (mated). A level is compared with the reference level on the same "
        f"{many}, averaged over the settings of the other factors; the intervals leave out one {one} after the other. "
        f"{_subjects_note(experiment, many)}"
    )
    yield from pictures(score_chart(evaluation, experiment, f"{key}-scores"))
    yield _scores(
        evaluation,
        [difference for difference in experiment.differences if difference.factor],
        f"{key}-score-table",
        f"Mean scores by level ({f.clean(evaluation.model.score.unit)})",
    )
    first = headline(experiment)
    for position, point in enumerate(experiment.operating_points):
        if point.threshold is None:
            continue
        items = list(_point(evaluation, experiment, point, f"{key}-{position}"))
        if point is first:
            yield Heading(f.sentence(at(evaluation, point)))
            yield from items
        else:
            yield Fold(f.sentence(at(evaluation, point)), items)
    yield Fold("Failures and mean scores by condition", list(_conditions(evaluation, experiment, key)))


def _subjects_note(experiment: Paired, many: str) -> str:
    """Return whose comparisons the means by condition are of."""
    if experiment.same_subjects is not None:
        return f"Means and rates by condition are of the {experiment.same_subjects} {many} with a template from every image."
    return f"Means and rates by condition are of the {many} with a template from every image under that condition: not always the same."


def _scores(evaluation: Evaluation, differences: Sequence[PairedDifference], key: str, caption: str) -> Table:
    """Return a table of differences of mean scores."""
    one, many = units(evaluation)
    descriptions = {measure: text.format(unit=one, units=many) for measure, text in SCORES.items()}
    rows = []
    for difference in differences:
        if difference.measure not in SCORES:
            continue
        multiplier = scale(evaluation, difference)
        values = [
            f.number(None if value is None else multiplier * value) for value in (difference.reference_value, difference.value)
        ]
        row = [
            level(difference),
            descriptions[difference.measure],
            " → ".join(values),
            change(evaluation, difference),
            span(evaluation, difference) or f.DASH,
            _holm_p(difference),
            verdict(difference),
        ]
        rows.append([*row, f.count(difference.subjects), f.count(difference.dropped)])
    columns = ["Level", "Score of", "Reference → level", "Difference", "95 % interval", "Holm-adjusted p", "Verdict"]
    return Table(key, caption, [*columns, many.capitalize(), "Left out"], rows, frozenset({1, 6}))


def _holm_p(difference: PairedDifference) -> str:
    """Return the Holm-adjusted p without "p ="."""
    return f.p_value(difference.p_holm).removeprefix("p ").removeprefix("= ")


def _point(evaluation: Evaluation, experiment: Paired, point: PairedPoint, key: str) -> Iterator[Item]:
    """Yield charts and tables of one operating point."""
    measures: tuple[Literal["fmr", "fnmr"], ...] = ("fmr", "fnmr")
    for measure in measures:
        differences = [difference for difference in point.differences if difference.measure == measure]
        if all(difference.reason == "no_mated_pairs" for difference in differences):
            continue
        yield from pictures(condition_map(evaluation, experiment, point, measure, f"{key}-{measure}-map"))
        if differences and all(difference.reason == "zero_errors" for difference in differences):
            bound = max(difference.bound or 0 for difference in differences)
            yield Text(f"{RATES[measure]}: {f.reason('zero_errors')} under any condition; none is above {f.percent(bound, 2)}.")
            continue
        yield rate_differences(
            evaluation,
            [difference for difference in differences if difference.factor],
            f"{key}-{measure}",
            f"{FULL[measure]} by level",
        )
        if by_condition := [difference for difference in differences if not difference.factor]:
            caption = f"{FULL[measure]} of each condition against {f.clean(experiment.reference)}"
            yield Fold(caption, [rate_differences(evaluation, by_condition, f"{key}-{measure}-whole", caption)])
    if any(rate.status == "ok" for rate in point.across):
        yield Fold("FNMR of two images under different conditions", [_across(point.across, f"{key}-across")])


def rate_differences(evaluation: Evaluation, differences: Sequence[PairedDifference], key: str, caption: str) -> Table:
    """Return a table of rate differences.

    With ratios, verdicts and counts.
    """
    _, many = units(evaluation)
    rows = []
    for difference in differences:
        within = span(evaluation, difference) or (
            f"both ≤{f.NBSP}{f.percent(difference.bound, 2)}" if difference.bound is not None else f.DASH
        )
        ratio = (
            f"{f.ratio(difference.ratio)} {f.ratio_interval(difference.ratio_interval)}"
            if difference.ratio_interval
            else f.ratio(difference.ratio)
        )
        counts = [
            f"{f.count(difference.reference_errors)} → {f.count(difference.errors)}",
            f.count(difference.comparisons),
            f.count(difference.subjects),
            f.count(difference.dropped),
        ]
        rows.append(
            [
                level(difference),
                ends(difference),
                change(evaluation, difference),
                within,
                ratio,
                _holm_p(difference),
                verdict(difference),
                *counts,
            ]
        )
    columns = [
        *(
            "Level",
            "Reference → level",
            "Difference, percentage points",
            "95 % interval",
            "Ratio [95 %]",
            "Holm-adjusted p",
            "Verdict",
        ),
        *("Errors", "Comparisons each", many.capitalize(), "Left out"),
    ]
    return Table(key, caption, columns, rows, frozenset({6}))


def _across(rates: Sequence[Rate], key: str) -> Table:
    """Return a table of FNMR between two conditions.

    Of conditions that differ in one factor.
    """
    rows = [
        [
            rate.group,
            rate.group_b or "",
            f.rate(rate),
            f.count(rate.subjects),
            f.count(rate.comparisons),
            f.count(rate.errors),
        ]
        for rate in rates
    ]
    columns = ["One image", "the other", "FNMR [95 %]", "Subjects", "Comparisons", "Errors"]
    return Table(
        key, "FNMR of two images of one subject under conditions that differ in one factor", columns, rows, frozenset({1, 2})
    )


def _conditions(evaluation: Evaluation, experiment: Paired, key: str) -> Iterator[Item]:
    """Yield failures and mean scores by condition."""
    one, many = units(evaluation)
    sign = evaluation.model.score.sign
    rows = [
        [
            *(condition.condition, f.count(condition.failed), f.count(condition.images), f.count(condition.complete)),
            *(f.number(None if score is None else sign * score) for score in (condition.non_mated_score, condition.mated_score)),
            f.count(condition.compared),
        ]
        for condition in experiment.conditions
    ]
    columns = ["Condition", "Without a template", "Images", f"{many.capitalize()} with all templates", f"Mean score, two {many}"]
    columns += [f"Mean score, one {one}", f"{many.capitalize()} compared"]
    yield Table(f"{key}-conditions", f"By condition ({f.clean(evaluation.model.score.unit)})", columns, rows)
    by_condition = [difference for difference in experiment.differences if not difference.factor]
    if by_condition:
        yield _scores(
            evaluation,
            by_condition,
            f"{key}-score-whole",
            f"Mean scores of each condition against {f.clean(experiment.reference)}",
        )
    ftx = [difference for difference in experiment.differences if difference.measure == "ftx"]
    if any(difference.errors or difference.reference_errors for difference in ftx):
        yield failure_differences(evaluation, ftx, f"{key}-ftx")
    elif ftx and all(difference.reason == "zero_errors" for difference in ftx):
        bound = f.percent(max(difference.bound or 0 for difference in ftx), 2)
        yield Text(f"Every image gave a template: under no condition is the rate of failures above {bound}.")


def failure_differences(evaluation: Evaluation, differences: Sequence[PairedDifference], key: str) -> Table:
    """Return a table of differences in failures to extract.

    With the images that failed on one side only.
    """
    _, many = units(evaluation)
    rows = [
        [
            *(level(difference), ends(difference), change(evaluation, difference)),
            *(span(evaluation, difference) or f.DASH, f.count(difference.only_here), f.count(difference.only_reference)),
            *(_holm_p(difference), verdict(difference), f.count(difference.comparisons), f.count(difference.subjects)),
        ]
        for difference in differences
    ]
    columns = [
        *(
            "Level",
            "Reference → level",
            "Difference, percentage points",
            "95 % interval",
            "Failed only here",
            "Failed only there",
        ),
        *("Holm-adjusted p", "Verdict", "Images each", many.capitalize()),
    ]
    return Table(key, "Failures to extract a template (FTX), image by image", columns, rows, frozenset({7}))


AT = ["origin", "target_fmr", "threshold", "native_threshold"]
DIFFERENCE = (
    "measure factor level reference subjects dropped comparisons reference_value value difference lo hi df p p_holm verdict "
    "reference_errors errors effective_errors only_here only_reference ratio ratio_lo ratio_hi bound reason"
)
CONDITION = "condition subjects complete images failed compared non_mated_score mated_score"


def paired_tables(evaluation: Evaluation) -> Tables:
    """Return CSV tables: differences, rates by condition, conditions.

    Measure `across` is the FNMR of images under two conditions.
    """
    if not evaluation.paired:
        return {}
    differences: list[Row] = []
    rates: list[Row] = []
    conditions: list[Row] = []
    for experiment in evaluation.paired:
        differences += [[None, None, None, None, *_difference(difference)] for difference in experiment.differences]
        for point in experiment.operating_points:
            at: Row = [point.origin, point.target_fmr, point.threshold, point.native_threshold]
            differences += [[*at, *_difference(difference)] for difference in point.differences]
            measures = (("fmr", point.fmr), ("fnmr", point.fnmr), ("across", point.across))
            rates += [[*at, measure, *rate_row(rate)] for measure, estimates in measures for rate in estimates]
        conditions += [
            [
                condition.condition,
                condition.subjects,
                condition.complete,
                condition.images,
                condition.failed,
                condition.compared,
                condition.non_mated_score,
                condition.mated_score,
            ]
            for condition in experiment.conditions
        ]
    return {
        "paired": ([*AT, *DIFFERENCE.split()], differences),
        "paired_rates": ([*AT, "measure", *header_of("rate")], rates),
        "paired_conditions": (CONDITION.split(), conditions),
    }


def _difference(difference: PairedDifference) -> Row:
    """Return the CSV cells of one difference."""
    lo, hi = difference.interval or (None, None)
    ratio_lo, ratio_hi = difference.ratio_interval or (None, None)
    return [
        *(
            difference.measure,
            difference.factor,
            difference.level,
            difference.reference,
            difference.subjects,
            difference.dropped,
            difference.comparisons,
            difference.reference_value,
            difference.value,
            difference.difference,
        ),
        *(
            lo,
            hi,
            difference.df,
            difference.p,
            difference.p_holm,
            difference.verdict,
            difference.reference_errors,
            difference.errors,
            difference.effective_errors,
            difference.only_here,
            difference.only_reference,
        ),
        *(difference.ratio, ratio_lo, ratio_hi, difference.bound, difference.reason),
    ]


def _entries(evaluation: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Yield a table of every level against its reference.

    With intervals where `wide`.
    """
    for experiment in evaluation.paired:
        table = SmallTable("", *compact(evaluation, experiment, interval=wide), legend(interval=wide), figures=True)
        yield TopicEntry(title(experiment), sentences=sentences(evaluation, experiment), tables=[table])


TOPIC = Topic("paired", 60, "finding", paired_sections, _entries, paired_tables)
