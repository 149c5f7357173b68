"""What a person left out by name: how much, why, and the rates with and without it side by side."""

from __future__ import annotations

from collections.abc import Iterator

from faceparity.harness.results import Evaluation, Exclusion, ExclusionPoint, ExclusionRate
from faceparity.reports.layout.elements import Heading, Item, Section, Table, Text
from faceparity.reports.layout.topic import SmallTable, Topic, TopicEntry
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import Row, Tables, grouping_name
from faceparity.reports.wording.headline import finest

TITLE = "Left out by name"
WHAT = (
    "Somebody looked at these images or comparisons and named them in a file; nothing is left out by its score alone. All other "
    "figures are without them. Those with them stand here beside, by the same rules: a threshold at a target is set anew, so it may "
    "move, and with it the rates of groups from which nothing was left out."
)
REASONS = {
    "wrong_label": "wrong label",
    "same_person": "one person under two names",
    "relative": "twins or relatives",
    "duplicate": "duplicate",
    "bad_image": "bad image",
    "other": "another reason",
    "not_given": "no reason given",
}
NAMED = 5
"""So many changed verdicts are named in words; the table has all."""
Rows = list[list[str]]


def exclusion_sections(e: Evaluation, key: str) -> list[Section]:
    """One section; none if nothing was left out."""
    items: list[Item] = []
    for i, x in enumerate(e.exclusions):
        items += [Text(WHAT), *(Text(s, "lead") for s in sentences(x))]
        items.append(Table(f"{key}-excluded-{i}", "How much there was to measure with", *counts(x)))
        for k, p in enumerate(x.points):
            items += _point(e, p, f"{key}-excluded-{i}-{k}")
    return [Section(f"{key}-exclusions", TITLE, items)] if items else []


def _point(e: Evaluation, p: ExclusionPoint, key: str) -> Iterator[Item]:
    yield Heading(f.sentence(name(p)))
    yield Text(thresholds(e, p))
    header, rows = compact(e, p)
    if rows:
        yield Table(key, f"{f.sentence(name(p))}: with and without, by {grouping_name(finest(e))}", header, rows, frozenset({1}))


def sentences(x: Exclusion) -> list[str]:
    """How much was left out, and why."""
    mated = f" ({f.count(x.comparisons_mated)} mated)" if x.comparisons else ""
    what = [f.plural(x.samples, "image")] * bool(x.samples)
    what += [f.plural(x.comparisons, "comparison") + mated] * bool(x.comparisons)
    reasons = [
        f"{REASONS[r.reason]}: "
        + " and ".join(
            [f.plural(r.samples, "image")] * bool(r.samples) + [f.plural(r.comparisons, "comparison")] * bool(r.comparisons)
        )
        for r in x.reasons
    ]
    out = [f"{f.sentence(' and '.join(what) or 'nothing')} left out by name. Reasons given: {'; '.join(reasons) or 'none'}."]
    if x.listed_pairs:
        out.append(f"{f.plural(x.listed_pairs, 'pair')} of published lists went with them.")
    changed = [_changed(p, r) for p in x.points for r in p.rates if _verdict_moved(r)]
    if not changed:
        return [*out, "No verdict on any group changed."]
    more = f", and {f.count(len(changed) - NAMED)} more" if len(changed) > NAMED else ""
    return [*out, f"{f.plural(len(changed), 'verdict')} changed: {'; '.join(changed[:NAMED])}{more}."]


def _verdict_moved(r: ExclusionRate) -> bool:
    return r.verdict_before != r.verdict_after


def _changed(p: ExclusionPoint, r: ExclusionRate) -> str:
    was, now = (f.DASH if v is None else v for v in (r.verdict_before, r.verdict_after))
    return f"{r.measure.upper()} of {f.clean(r.group)} at {name(p)}, {was} → {now}"


def counts(x: Exclusion) -> tuple[list[str], Rows]:
    """People, images, templates and comparisons, with and without."""
    names = {
        "subjects": "people",
        "samples": "images",
        "templates": "templates",
        "non_mated": "non-mated comparisons",
        "mated": "mated comparisons",
    }
    rows = [[word, f.count(getattr(x.before, k)), f.count(getattr(x.after, k))] for k, word in names.items()]
    return ["What", "With", "Without"], rows


def name(p: ExclusionPoint) -> str:
    """The operating point in a few words."""
    return (
        f"target FMR {f.target(p.target_fmr)}" if p.origin == "target" and p.target_fmr is not None else f"{p.origin} threshold"
    )


def thresholds(e: Evaluation, p: ExclusionPoint) -> str:
    """Both thresholds, and the FMR of the pool that each achieved."""

    def told(native: float | None, achieved: float | None) -> str:
        return "refused" if native is None else f"match if {f.threshold(e.model, native)}, FMR of the pool {f.percent(achieved)}"

    with_them = told(p.native_threshold_before, p.achieved_fmr_before)
    without = told(p.native_threshold_after, p.achieved_fmr_after)
    return f"With: {with_them}. Without: {without}."


def compact(e: Evaluation, p: ExclusionPoint) -> tuple[list[str], Rows]:
    """Every group of the finest grouping that is shown in either reading."""
    attributes = finest(e).attributes
    rows = [_row(r) for r in p.rates if r.attributes in ([], attributes) and _shown(r)]
    return ["Group", "Rate", "With", "Without", "Errors with", "Errors without", "Verdict"], rows


def _shown(r: ExclusionRate) -> bool:
    return any(x is not None and x.status != "suppressed" for x in (r.before, r.after))


def _row(r: ExclusionRate) -> list[str]:
    both = (r.before, r.after)
    rates = [f.DASH if x is None else f.rate(x, both_bounds=False) for x in both]
    errors = [f.DASH if x is None else f.count(x.errors) for x in both]
    same = r.verdict_before == r.verdict_after
    words = [f.DASH if v is None else v for v in (r.verdict_before, r.verdict_after)]
    return [r.group, r.measure.upper(), *rates, *errors, words[0] if same else f"{words[0]} → {words[1]}"]


HEADER = [
    "origin", "target_fmr", "reading", "threshold", "native_threshold", "achieved_fmr", "grouping", "measure", "group", "design",
    "verdict", "subjects", "comparisons", "errors", "rate", "rate_including_failures", "lo", "hi", "effective_errors", "status",
    "reason",
]  # fmt: skip


def _cells(e: Evaluation) -> Iterator[Row]:
    """Rows of exclusions.csv: each rate in both readings, "with" and "without" what was left out."""
    for p in (p for x in e.exclusions for p in x.points):
        for reading, side in (("with", "before"), ("without", "after")):
            at = [getattr(p, f"{what}_{side}") for what in ("threshold", "native_threshold", "achieved_fmr")]
            for r in p.rates:
                rate = getattr(r, side)
                if rate is not None:
                    lo, hi = rate.interval or (None, None)
                    yield [
                        p.origin, p.target_fmr, reading, *at, grouping_name(r.attributes) if r.attributes else "", r.measure, r.group,
                        r.design, getattr(r, f"verdict_{side}"), rate.subjects, rate.comparisons, rate.errors, rate.rate,
                        rate.rate_including_failures, lo, hi, rate.effective_errors, rate.status, rate.reason,
                    ]  # fmt: skip


def exclusion_tables(e: Evaluation) -> Tables:
    """Return what a person left out by name: rates with and without it, and the reasons."""
    if not e.exclusions:
        return {}
    reasons: list[Row] = [[r.reason, r.samples, r.comparisons] for x in e.exclusions for r in x.reasons]
    return {
        "exclusions": (HEADER, list(_cells(e))),
        "exclusion_reasons": (["reason", "samples", "comparisons"], reasons),
    }


def _entries(e: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Give rates with and without what was left out."""
    for x in e.exclusions:
        tables = []
        for p in x.points:
            header, rows = compact(e, p)
            caption = f"{f.sentence(name(p))}. {thresholds(e, p)}"
            tables.append(SmallTable(caption, header if rows else [], rows))
        yield TopicEntry(TITLE, sentences=sentences(x), tables=tables)


TOPIC = Topic(
    "exclusions",
    20,
    "indices",
    exclusion_sections,
    _entries,
    exclusion_tables,
    answers=("Exclusions, with and without", "Sensitivity to the reference group and to labels"),
)
