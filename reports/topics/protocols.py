"""Pair lists that a benchmark publishes: its own figure over folds, and rates on the list beside those on all pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness.results import Evaluation, Overall, Protocol, ProtocolGroups, ProtocolPoint, Rate, Verification
from faceparity.reports.layout.elements import Fold, Heading, Item, Section, Table, Text
from faceparity.reports.layout.topic import SmallTable, Topic, TopicEntry
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import Row, Tables, grouping_name, header_of, rate_row
from faceparity.reports.wording.headline import finest, headline

TITLE = "Published protocols"
PLUS = f"{f.NBSP}±{f.NBSP}"
WHAT = (
    "Lists of pairs that the data set's publisher gives, followed to the letter: every pair, its label, its repetitions and its folds, "
    "in the list's order. Such pairs are not pairs of random strangers, and rates on them differ from those over all pairs, which stand "
    "beside them. Failed comparisons are left out of one reading and count as non-matches in the other."
)
COLUMNS = ("Operating point", "Match if", "Right decisions", "FMR, listed", "FMR, all pairs", "FNMR, listed", "FNMR, all pairs")


def protocol_sections(e: Evaluation, key: str) -> list[Section]:
    """One section over all published lists; none for a set without."""
    if not e.protocols:
        return []
    items: list[Item] = [Text(WHAT)]
    for i, p in enumerate(e.protocols):
        items += _items(e, p, f"{key}-protocol-{i}")
    return [Section(f"{key}-protocols", TITLE, items)]


def _items(e: Evaluation, p: Protocol, key: str) -> Iterator[Item]:
    yield Heading(f.clean(p.name))
    for sentence in sentences(p):
        yield Text(sentence, "lead")
    yield Text(f"{contents(e, p)} {labels(e)}".strip())
    for flag in flags(p):
        yield Text(flag, "flag")
    header, rows = compact(e, p)
    yield Table(f"{key}-points", f"{f.clean(p.name)}: rates on the list and over all pairs", header, rows, frozenset({1}))
    for n, x in order(e, p):
        by = [_groups(e, x, g, f"{key}-{n}-{i}") for i, g in enumerate(x.groupings) if g.fmr or g.fnmr]
        if by:
            yield Fold(f"{f.clean(p.name)} by group, {point_name(x)} ({f.threshold(e.model, x.native_threshold)})", by)
    if p.verification is not None:
        yield from _verification(e, p, p.verification, key)


def sentences(p: Protocol) -> list[str]:
    """The benchmark's own figure in words; empty where it has none."""
    v = p.verification
    if v is None:
        return []
    if v.accuracy is None:
        return [f"{f.clean(p.name)}: no figure, as a fold has no comparison or nothing to choose its threshold on."]
    over = f"mean ± standard error over {len(v.folds)} folds; " if len(v.folds) > 1 else ""
    sd = f"standard deviation {_percent(v.standard_deviation, 2)}" if v.standard_deviation is not None else ""
    told = f"{f.clean(p.name)}: {right(v.accuracy, v.standard_error)} of decisions right ({over}{sd}".rstrip("; (")
    told += ")" if "(" in told else ""
    failed = p.failed_mated + p.failed_non_mated
    if not failed:
        return [f"{told}; no comparison failed."]
    including = right(v.accuracy_including_failures, v.standard_error_including_failures)
    return [f"{told}, failed comparisons left out; {including} with them as non-matches."]


def right(share: float | None, error: float | None) -> str:
    """A share of right decisions as benchmarks print it: "99.38 % ± 0.27"."""
    if share is None:
        return f.DASH
    return f"{100 * share:.2f}{f.NBSP}%" + (f"{PLUS}{100 * error:.2f}" if error is not None else "")


def _percent(share: float | None, decimals: int) -> str:
    return f.DASH if share is None else f"{100 * share:.{decimals}f}{f.NBSP}%"


def contents(e: Evaluation, p: Protocol) -> str:
    """What is in the list, in a sentence or two."""
    folds = f", in {p.n_folds} folds" if p.n_folds > 1 else ""
    people = f"{'at most ' * (e.dataset.identity == 'none')}{f.plural(p.subjects, 'person', 'people')}"
    told = f"{f.count(p.mated)} mated and {f.count(p.non_mated)} non-mated pairs of {people}{folds}"
    told = f"{f.clean(p.source)}: {told}."
    if failed := p.failed_mated + p.failed_non_mated:
        told += f" {f.plural(failed, 'comparison')} failed for want of a template ({f.count(p.failed_mated)} mated)."
    kept = [(p.repeated, "listed twice"), (p.identical_images, "of one image with itself")]
    said = " and ".join(f"{f.plural(n, 'pair')} {what}" for n, what in kept if n)
    return told + (f" Kept as they are: {said}." if said else "")


def flags(p: Protocol) -> list[str]:
    """What a reader must know before setting these figures beside others'."""
    out = []
    if p.missing:
        whole = p.missing + p.mated + p.non_mated
        out.append(
            f"Not the whole list: {f.count(p.missing)} of {f.plural(whole, 'pair')} have an image that is not here or was left out; "
            "these figures are not to be set beside published ones."
        )
    if p.contrary:
        out.append(f"{f.plural(p.contrary, 'pair')} contradict the data set's own subject labels; kept as the list says.")
    return out


def labels(e: Evaluation) -> str:
    """Who labelled the people, for numbers by group."""
    told = "; ".join(f"{f.clean(x.attribute)} {f.clean(x.provenance)}" for x in e.dataset.labels)
    return f"Labels of groups: {told}." if told else ""


def point_name(p: ProtocolPoint) -> str:
    """An operating point in a few words."""
    if p.target_fmr is None:
        return f"{p.origin} threshold"
    return f"target FMR {f.target(p.target_fmr)}" + (" on the list itself" if p.origin == "protocol" else "")


def compact(e: Evaluation, p: Protocol, *, threshold: bool = True) -> tuple[list[str], list[list[str]]]:
    """Header and a row for each operating point: rates on the list, and over all pairs at the same threshold.

    threshold: with a column for it; without one, refused points are left out.
    """
    all_pairs: Sequence[Overall | None] = [x.overall for x in finest(e).operating_points]
    rows = []
    for i, x in enumerate(p.points):
        overall = all_pairs[i] if i < len(all_pairs) and x.origin != "protocol" else None
        name = f.sentence(point_name(x))
        if x.threshold is None:
            more = f", {f.count(x.needs_comparisons)} comparisons needed" if x.needs_comparisons else ""
            rows.append([name, f"refused: {f.reason(x.reason)}{more}", *[f.DASH] * 5])
            continue
        rates = [x.fmr, overall.fmr_all_pairs if overall else None, x.fnmr, overall.fnmr_all_pairs if overall else None]
        rows.append([name, f.threshold(e.model, x.native_threshold), _percent(x.accuracy, 2), *[rate(r) for r in rates]])
    if not threshold:
        return [COLUMNS[0], *COLUMNS[2:]], [
            [row[0], *row[2:]] for row, x in zip(rows, p.points, strict=True) if x.threshold is not None
        ]
    return list(COLUMNS), rows


def rate(r: Rate | None) -> str:
    """A rate with its interval or bound; a dash where there is none."""
    return f.DASH if r is None else f.rate(r, both_bounds=False)


def order(e: Evaluation, p: Protocol) -> list[tuple[int, ProtocolPoint]]:
    """The points with a threshold, the run's headline first."""
    first = headline(finest(e))
    known = [(n, x) for n, x in enumerate(p.points) if x.threshold is not None]
    return sorted(known, key=lambda pair: pair[0] != first)


def _groups(e: Evaluation, x: ProtocolPoint, g: ProtocolGroups, key: str) -> Table:
    fnmr = {r.group: r for r in g.fnmr}
    rows = [_row(r, fnmr.get(r.group)) for r in g.fmr]
    left = f"{f.count(g.mixed)} pairs across groups, {f.count(g.unlabelled)} with an unlabelled sample: in none"
    columns = ["Group", "FMR", "People", "Non-mated", "False matches", "FNMR", "People", "Mated", "False non-matches"]
    return Table(key, f"Rates on the list by {grouping_name(g.attributes)} ({left})", columns, rows)


def _row(fmr: Rate, fnmr: Rate | None) -> list[str]:
    cells = [fmr.group]
    for r in (fmr, fnmr):
        cells += [rate(r), *(f.count(n) for n in (r.subjects, r.comparisons, r.errors))] if r else [f.DASH] * 4
    return cells


def _verification(e: Evaluation, p: Protocol, v: Verification, key: str) -> Iterator[Item]:
    folds = [
        [
            str(x.fold),
            f.threshold(e.model, x.native_threshold),
            f.count(x.compared),
            f.count(x.failed_mated),
            f.count(x.failed_non_mated),
            _percent(x.accuracy, 2),
            _percent(x.accuracy_including_failures, 2),
        ]
        for x in v.folds
    ]
    columns = ["Fold", "Match if", "Compared", "Failed, mated", "Failed, non-mated", "Right decisions", "failures as non-matches"]
    tables: list[Item] = [Table(f"{key}-folds", f"{f.sentence(v.rule)}", columns, folds, frozenset({1}))]
    for i, attributes in enumerate(dict.fromkeys(tuple(x.attributes) for x in v.groups)):
        rows = [
            [
                x.group,
                _percent(x.accuracy, 2) if x.accuracy is not None else f.reason(x.reason),
                f.count(x.subjects),
                f.count(x.compared),
            ]
            for x in v.groups
            if tuple(x.attributes) == attributes
        ]
        caption = (
            f"Right decisions by {grouping_name(list(attributes))}, at the folds' thresholds, which are the same for all groups"
        )
        tables.append(Table(f"{key}-right-{i}", caption, ["Group", "Right decisions", "People", "Compared"], rows))
    yield Fold(f"{f.clean(p.name)}, fold by fold", tables)


LIST = (
    "protocol source mated non_mated failed_mated failed_non_mated missing subjects repeated identical_images contrary "
    "folds accuracy standard_error standard_deviation accuracy_including_failures standard_error_including_failures "
    "standard_deviation_including_failures rule reason"
)
FOLD = "protocol fold threshold native_threshold compared failed_mated failed_non_mated accuracy accuracy_including_failures"
POINT = "protocol origin target_fmr threshold native_threshold achieved_fmr accuracy needs_comparisons point_reason"


def protocol_tables(e: Evaluation) -> Tables:
    """Return each list's figure, its folds, right decisions by group at their thresholds, rates."""
    if not e.protocols:
        return {}
    lists: list[Row] = []
    folds: list[Row] = []
    groups: list[Row] = []
    rates: list[Row] = []
    for p in e.protocols:
        counts: Row = [p.mated, p.non_mated, p.failed_mated, p.failed_non_mated, p.missing, p.subjects, p.repeated]
        lists.append([p.name, p.source, *counts, p.identical_images, p.contrary, p.n_folds, *_spread(p.verification)])
        if p.verification is not None:
            for k in p.verification.folds:
                row: Row = [p.name, k.fold, k.threshold, k.native_threshold, k.compared, k.failed_mated, k.failed_non_mated]
                folds.append([*row, k.accuracy, k.accuracy_including_failures])
            for g in p.verification.groups:
                groups.append([p.name, grouping_name(g.attributes), g.group, g.subjects, g.compared, g.accuracy, g.reason])
        for x in p.points:
            at: Row = [p.name, x.origin, x.target_fmr, x.threshold, x.native_threshold, x.achieved_fmr, x.accuracy]
            at += [x.needs_comparisons, x.reason]
            if x.threshold is None:
                rates.append([*at, "", "", *[None] * len(header_of("rate"))])
            rates += [[*at, "", m, *rate_row(r)] for m, r in (("fmr", x.fmr), ("fnmr", x.fnmr)) if r is not None]
            rates += [
                [*at, grouping_name(g.attributes), m, *rate_row(r)]
                for g in x.groupings
                for m, of in (("fmr", g.fmr), ("fnmr", g.fnmr))
                for r in of
            ]
    return {
        "protocols": (LIST.split(), lists),
        "protocol_folds": (FOLD.split(), folds),
        "protocol_groups": (["protocol", "grouping", "group", "subjects", "compared", "accuracy", "reason"], groups),
        "protocol_rates": ([*POINT.split(), "grouping", "measure", *header_of("rate")], rates),
    }


def _spread(v: Verification | None) -> Row:
    """The figure over folds, in both readings."""
    if v is None:
        return [None] * 8
    including: Row = [v.accuracy_including_failures, v.standard_error_including_failures, v.standard_deviation_including_failures]
    return [v.accuracy, v.standard_error, v.standard_deviation, *including, v.rule, v.reason]


def _entries(e: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Give the benchmark's own figure, then the list's rates beside those of all pairs."""
    for p in e.protocols:
        header, rows = compact(e, p, threshold=wide)
        table = SmallTable("" if wide else "On the list, and over all pairs", header, rows)
        yield TopicEntry(f"{TITLE}: {f.clean(p.name)}", contents(e, p), sentences(p), flags(p), [table])


TOPIC = Topic(
    "protocols",
    30,
    "indices",
    protocol_sections,
    _entries,
    protocol_tables,
    names=lambda e: (x for p in e.protocols for x in (p.name, p.source)),
    answers=("Published pair lists and protocols",),
)
