"""Images and comparisons that a person excluded by name: how many, why, and the rates with and without them side by side."""

from __future__ import annotations

from collections.abc import Iterator

from faceparity.harness.results import Evaluation, Exclusion, ExclusionPoint, ExclusionRate
from faceparity.reports.layout.elements import Heading, Item, Section, Table, Text
from faceparity.reports.layout.topic import SmallTable, Topic, TopicEntry
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import Row, Tables, grouping_name
from faceparity.reports.wording.headline import finest
from faceparity.reports.wording.verdicts.reasons import EXCLUDED

TITLE = "Left out by name"
WHAT = (
    "Somebody looked at these images or comparisons and named them in a file; nothing is left out by its score alone. All other "
    "figures are without them. Those with them stand here beside, by the same rules: a threshold at a target is set anew, so it may "
    "move, and with it the rates of groups from which nothing was left out."
)
NAMED = 5
"""Maximum number of changed verdicts that are named in words; the table has all."""
Rows = list[list[str]]


def exclusion_sections(evaluation: Evaluation, key: str) -> list[Section]:
    """Return one section over all exclusions.

    Empty if nothing was excluded. `key` begins the ids of the section's elements.
    """
    items: list[Item] = []
    for i, exclusion in enumerate(evaluation.exclusions):
        items += [Text(WHAT), *(Text(sentence, "lead") for sentence in sentences(exclusion))]
        items.append(Table(f"{key}-excluded-{i}", "How much there was to measure with", *counts(exclusion)))
        for k, point in enumerate(exclusion.points):
            items += _point(evaluation, point, f"{key}-excluded-{i}-{k}")
    return [Section(f"{key}-exclusions", TITLE, items)] if items else []


def _point(evaluation: Evaluation, point: ExclusionPoint, key: str) -> Iterator[Item]:
    """Yield thresholds and rates of one operating point."""
    yield Heading(f.sentence(name(point)))
    yield Text(thresholds(evaluation, point))
    header, rows = compact(evaluation, point)
    if rows:
        yield Table(
            key,
            f"{f.sentence(name(point))}: with and without, by {grouping_name(finest(evaluation))}",
            header,
            rows,
            frozenset({1}),
        )


def sentences(exclusion: Exclusion) -> list[str]:
    """Return how much was excluded, why, and which verdicts changed."""
    mated = f" ({f.count(exclusion.comparisons_mated)} mated)" if exclusion.comparisons else ""
    what = [f.plural(exclusion.samples, "image")] * bool(exclusion.samples)
    what += [f.plural(exclusion.comparisons, "comparison") + mated] * bool(exclusion.comparisons)
    reasons = [
        f"{EXCLUDED[entry.reason]}: "
        + " and ".join(
            [f.plural(entry.samples, "image")] * bool(entry.samples)
            + [f.plural(entry.comparisons, "comparison")] * bool(entry.comparisons)
        )
        for entry in exclusion.reasons
    ]
    out = [f"{f.sentence(' and '.join(what) or 'nothing')} left out by name. Reasons given: {'; '.join(reasons) or 'none'}."]
    if exclusion.listed_pairs:
        out.append(f"{f.plural(exclusion.listed_pairs, 'pair')} of published lists went with them.")
    changed = [_changed(point, entry) for point in exclusion.points for entry in point.rates if _verdict_moved(entry)]
    if not changed:
        return [*out, "No verdict on any group changed."]
    more = f", and {f.count(len(changed) - NAMED)} more" if len(changed) > NAMED else ""
    return [*out, f"{f.plural(len(changed), 'verdict')} changed: {'; '.join(changed[:NAMED])}{more}."]


def _verdict_moved(rate: ExclusionRate) -> bool:
    """Return whether a verdict with exclusions differs from that without."""
    return rate.verdict_before != rate.verdict_after


def _changed(point: ExclusionPoint, rate: ExclusionRate) -> str:
    """Return one changed verdict, before and after."""
    was, now = (f.DASH if verdict is None else verdict for verdict in (rate.verdict_before, rate.verdict_after))
    return f"{rate.measure.upper()} of {f.clean(rate.group)} at {name(point)}, {was} → {now}"


def counts(exclusion: Exclusion) -> tuple[list[str], Rows]:
    """Return a table of counts with and without the exclusions.

    Of people, images, templates and comparisons.
    """
    names = {
        "subjects": "people",
        "samples": "images",
        "templates": "templates",
        "non_mated": "non-mated comparisons",
        "mated": "mated comparisons",
    }
    rows = [
        [word, f.count(getattr(exclusion.before, field)), f.count(getattr(exclusion.after, field))]
        for field, word in names.items()
    ]
    return ["What", "With", "Without"], rows


def name(point: ExclusionPoint) -> str:
    """Return the operating point in a few words."""
    return (
        f"target FMR {f.target(point.target_fmr)}"
        if point.origin == "target" and point.target_fmr is not None
        else f"{point.origin} threshold"
    )


def thresholds(evaluation: Evaluation, point: ExclusionPoint) -> str:
    """Return both thresholds, each with the FMR of the pool."""

    def reading_text(native: float | None, achieved: float | None) -> str:
        """Return one threshold with its FMR, or "refused"."""
        return (
            "refused"
            if native is None
            else f"match if {f.threshold(evaluation.model, native)}, FMR of the pool {f.percent(achieved)}"
        )

    with_them = reading_text(point.native_threshold_before, point.achieved_fmr_before)
    without = reading_text(point.native_threshold_after, point.achieved_fmr_after)
    return f"With: {with_them}. Without: {without}."


def compact(evaluation: Evaluation, point: ExclusionPoint) -> tuple[list[str], Rows]:
    """Return a table of the rates in both readings.

    A row for each group of the finest grouping that is shown in either reading.
    """
    attributes = finest(evaluation).attributes
    rows = [_row(rate) for rate in point.rates if rate.attributes in ([], attributes) and _shown(rate)]
    return ["Group", "Rate", "With", "Without", "Errors with", "Errors without", "Verdict"], rows


def _shown(rate: ExclusionRate) -> bool:
    """Return whether a rate is shown in either reading."""
    return any(estimate is not None and estimate.status != "suppressed" for estimate in (rate.before, rate.after))


def _row(rate: ExclusionRate) -> list[str]:
    """Return the cells of one rate in both readings."""
    both = (rate.before, rate.after)
    rates = [f.DASH if estimate is None else f.beside_counts(estimate, f.rate(estimate)) for estimate in both]
    errors = [f.DASH if estimate is None else f.count(estimate.errors) for estimate in both]
    same = rate.verdict_before == rate.verdict_after
    words = [f.DASH if verdict is None else verdict for verdict in (rate.verdict_before, rate.verdict_after)]
    return [rate.group, rate.measure.upper(), *rates, *errors, words[0] if same else f"{words[0]} → {words[1]}"]


HEADER = [
    "origin", "target_fmr", "reading", "threshold", "native_threshold", "achieved_fmr", "grouping", "measure", "group", "design",
    "verdict", "subjects", "comparisons", "errors", "rate", "rate_including_failures", "lo", "hi", "effective_errors", "status",
    "reason", "pooled_rate",
]  # fmt: skip


def _cells(evaluation: Evaluation) -> Iterator[Row]:
    """Yield the rows of exclusions.csv.

    Each rate in both readings, "with" and "without" what was excluded.
    """
    for point in (point for exclusion in evaluation.exclusions for point in exclusion.points):
        for reading, side in (("with", "before"), ("without", "after")):
            at = [getattr(point, f"{what}_{side}") for what in ("threshold", "native_threshold", "achieved_fmr")]
            for change in point.rates:
                rate = getattr(change, side)
                if rate is not None:
                    lo, hi = rate.interval or (None, None)
                    yield [
                        point.origin, point.target_fmr, reading, *at, grouping_name(change.attributes) if change.attributes else "",
                        change.measure, change.group, change.design, getattr(change, f"verdict_{side}"),
                        rate.subjects, rate.comparisons, rate.errors, rate.rate, rate.rate_including_failures, lo, hi,
                        rate.effective_errors, rate.status, rate.reason, f.pooled(rate),
                    ]  # fmt: skip


def exclusion_tables(evaluation: Evaluation) -> Tables:
    """Return CSV tables: rates in both readings, and reasons."""
    if not evaluation.exclusions:
        return {}
    reasons: list[Row] = [
        [reason.reason, reason.samples, reason.comparisons] for exclusion in evaluation.exclusions for reason in exclusion.reasons
    ]
    return {
        "exclusions": (HEADER, list(_cells(evaluation))),
        "exclusion_reasons": (["reason", "samples", "comparisons"], reasons),
    }


def _entries(evaluation: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Yield rates with and without what was excluded."""
    for exclusion in evaluation.exclusions:
        tables = []
        for point in exclusion.points:
            header, rows = compact(evaluation, point)
            caption = f"{f.sentence(name(point))}. {thresholds(evaluation, point)}"
            tables.append(SmallTable(caption, header if rows else [], rows))
        yield TopicEntry(TITLE, sentences=sentences(exclusion), tables=tables)


TOPIC = Topic(
    "exclusions",
    20,
    "indices",
    exclusion_sections,
    _entries,
    exclusion_tables,
    answers=("Exclusions, with and without", "Sensitivity to the reference group and to labels"),
)
