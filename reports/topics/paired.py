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


def paired_sections(e: Evaluation, key: str) -> list[Section]:
    """One section for each controlled experiment; none for a set that is no such thing."""
    return [
        Section(f"{key}-paired{i or ''}", title(x), list(_items(e, x, f"{key}-paired{i or ''}"))) for i, x in enumerate(e.paired)
    ]


def _items(e: Evaluation, x: Paired, key: str) -> Iterator[Item]:
    one, many = units(e)
    for sentence in sentences(e, x):
        yield Text(sentence, "lead")
    if e.dataset.synthetic:
        yield Text(f"The {many} are synthetic: this is what {factors(x)} do to scores of rendered {many}, not of people.", "flag")
    yield Text(
        f"A controlled experiment: each of {f.plural(x.subjects, one, many)} under each of {f.plural(len(x.conditions), 'condition')}, "
        f"{x.captures} images each, all else being the same. Only images under one condition are compared with each other: two different "
        f"{many} (non-mated) or two images of one {one} (mated). A level is compared with the reference level on the same "
        f"{many}, averaged over the settings of the other factors; the intervals leave out one {one} after the other. {_who(x, many)}"
    )
    yield from pictures(score_chart(e, x, f"{key}-scores"))
    yield _scores(
        e, [d for d in x.differences if d.factor], f"{key}-score-table", f"Mean scores by level ({f.clean(e.model.score.unit)})"
    )
    first = headline(x)
    for n, p in enumerate(x.operating_points):
        if p.threshold is None:
            continue
        items = list(_point(e, x, p, f"{key}-{n}"))
        if p is first:
            yield Heading(f.sentence(at(e, p)))
            yield from items
        else:
            yield Fold(f.sentence(at(e, p)), items)
    yield Fold("Failures and mean scores by condition", list(_conditions(e, x, key)))


def _who(x: Paired, many: str) -> str:
    if x.same_subjects is not None:
        return f"Means and rates by condition are of the {x.same_subjects} {many} with a template from every image."
    return f"Means and rates by condition are of the {many} with a template from every image under that condition: not always the same."


def _scores(e: Evaluation, differences: Sequence[PairedDifference], key: str, caption: str) -> Table:
    one, many = units(e)
    of = {m: text.format(unit=one, units=many) for m, text in SCORES.items()}
    rows = []
    for d in differences:
        if d.measure not in SCORES:
            continue
        k = scale(e, d)
        told = [f.number(None if v is None else k * v) for v in (d.reference_value, d.value)]
        row = [level(d), of[d.measure], " → ".join(told), change(e, d), span(e, d) or f.DASH, _p(d), verdict(d)]
        rows.append([*row, f.count(d.subjects), f.count(d.dropped)])
    columns = ["Level", "Score of", "Reference → level", "Difference", "95 % interval", "Holm-adjusted p", "Verdict"]
    return Table(key, caption, [*columns, many.capitalize(), "Left out"], rows, frozenset({1, 6}))


def _p(d: PairedDifference) -> str:
    return f.p_value(d.p_holm).removeprefix("p ").removeprefix("= ")


def _point(e: Evaluation, x: Paired, p: PairedPoint, key: str) -> Iterator[Item]:
    measures: tuple[Literal["fmr", "fnmr"], ...] = ("fmr", "fnmr")
    for measure in measures:
        of = [d for d in p.differences if d.measure == measure]
        if all(d.reason == "no_mated_pairs" for d in of):
            continue
        yield from pictures(condition_map(e, x, p, measure, f"{key}-{measure}-map"))
        if of and all(d.reason == "zero_errors" for d in of):
            bound = max(d.bound or 0 for d in of)
            yield Text(f"{RATES[measure]}: {f.reason('zero_errors')} under any condition; none is above {f.percent(bound, 2)}.")
            continue
        yield rate_differences(e, [d for d in of if d.factor], f"{key}-{measure}", f"{FULL[measure]} by level")
        if whole := [d for d in of if not d.factor]:
            caption = f"{FULL[measure]} of each condition against {f.clean(x.reference)}"
            yield Fold(caption, [rate_differences(e, whole, f"{key}-{measure}-whole", caption)])
    if any(r.status == "ok" for r in p.across):
        yield Fold("FNMR of two images under different conditions", [_across(p.across, f"{key}-across")])


def rate_differences(e: Evaluation, differences: Sequence[PairedDifference], key: str, caption: str) -> Table:
    """Every difference of a rate, with its ratio, verdict and counts."""
    _, many = units(e)
    rows = []
    for d in differences:
        within = span(e, d) or (f"both ≤{f.NBSP}{f.percent(d.bound, 2)}" if d.bound is not None else f.DASH)
        ratio = f"{f.ratio(d.ratio)} {f.ratio_interval(d.ratio_interval)}" if d.ratio_interval else f.ratio(d.ratio)
        counts = [
            f"{f.count(d.reference_errors)} → {f.count(d.errors)}",
            f.count(d.comparisons),
            f.count(d.subjects),
            f.count(d.dropped),
        ]
        rows.append([level(d), ends(d), change(e, d), within, ratio, _p(d), verdict(d), *counts])
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
    rows = [
        [r.group, r.group_b or "", f.rate(r, both_bounds=False), f.count(r.subjects), f.count(r.comparisons), f.count(r.errors)]
        for r in rates
    ]
    columns = ["One image", "the other", "FNMR [95 %]", "Subjects", "Comparisons", "Errors"]
    return Table(
        key, "FNMR of two images of one subject under conditions that differ in one factor", columns, rows, frozenset({1, 2})
    )


def _conditions(e: Evaluation, x: Paired, key: str) -> Iterator[Item]:
    one, many = units(e)
    k = e.model.score.sign
    rows = [
        [
            *(c.condition, f.count(c.failed), f.count(c.images), f.count(c.complete)),
            *(f.number(None if s is None else k * s) for s in (c.non_mated_score, c.mated_score)),
            f.count(c.compared),
        ]
        for c in x.conditions
    ]
    columns = ["Condition", "Without a template", "Images", f"{many.capitalize()} with all templates", f"Mean score, two {many}"]
    columns += [f"Mean score, one {one}", f"{many.capitalize()} compared"]
    yield Table(f"{key}-conditions", f"By condition ({f.clean(e.model.score.unit)})", columns, rows)
    whole = [d for d in x.differences if not d.factor]
    if whole:
        yield _scores(e, whole, f"{key}-score-whole", f"Mean scores of each condition against {f.clean(x.reference)}")
    ftx = [d for d in x.differences if d.measure == "ftx"]
    if any(d.errors or d.reference_errors for d in ftx):
        yield failure_differences(e, ftx, f"{key}-ftx")
    elif ftx and all(d.reason == "zero_errors" for d in ftx):
        bound = f.percent(max(d.bound or 0 for d in ftx), 2)
        yield Text(f"Every image gave a template: under no condition is the rate of failures above {bound}.")


def failure_differences(e: Evaluation, differences: Sequence[PairedDifference], key: str) -> Table:
    """Failures to extract: every difference, with the images that failed on one side only."""
    _, many = units(e)
    rows = [
        [
            *(level(d), ends(d), change(e, d)),
            *(span(e, d) or f.DASH, f.count(d.only_here), f.count(d.only_reference)),
            *(_p(d), verdict(d), f.count(d.comparisons), f.count(d.subjects)),
        ]
        for d in differences
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


def paired_tables(e: Evaluation) -> Tables:
    """Return differences, rates by condition and conditions; measure `across`: FNMR of two conditions."""
    if not e.paired:
        return {}
    differences: list[Row] = []
    rates: list[Row] = []
    conditions: list[Row] = []
    for x in e.paired:
        differences += [[None, None, None, None, *_difference(d)] for d in x.differences]
        for p in x.operating_points:
            at: Row = [p.origin, p.target_fmr, p.threshold, p.native_threshold]
            differences += [[*at, *_difference(d)] for d in p.differences]
            measures = (("fmr", p.fmr), ("fnmr", p.fnmr), ("across", p.across))
            rates += [[*at, measure, *rate_row(r)] for measure, of in measures for r in of]
        conditions += [
            [c.condition, c.subjects, c.complete, c.images, c.failed, c.compared, c.non_mated_score, c.mated_score]
            for c in x.conditions
        ]
    return {
        "paired": ([*AT, *DIFFERENCE.split()], differences),
        "paired_rates": ([*AT, "measure", *header_of("rate")], rates),
        "paired_conditions": (CONDITION.split(), conditions),
    }


def _difference(d: PairedDifference) -> Row:
    lo, hi = d.interval or (None, None)
    ratio_lo, ratio_hi = d.ratio_interval or (None, None)
    return [
        *(
            d.measure,
            d.factor,
            d.level,
            d.reference,
            d.subjects,
            d.dropped,
            d.comparisons,
            d.reference_value,
            d.value,
            d.difference,
        ),
        *(
            lo,
            hi,
            d.df,
            d.p,
            d.p_holm,
            d.verdict,
            d.reference_errors,
            d.errors,
            d.effective_errors,
            d.only_here,
            d.only_reference,
        ),
        *(d.ratio, ratio_lo, ratio_hi, d.bound, d.reason),
    ]


def _entries(e: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Give every level against its reference, with intervals where there is room."""
    for x in e.paired:
        table = SmallTable("", *compact(e, x, interval=wide), legend(interval=wide), figures=True)
        yield TopicEntry(title(x), sentences=sentences(e, x), tables=[table])


TOPIC = Topic("paired", 60, "finding", paired_sections, _entries, paired_tables)
