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


def protocol_sections(evaluation: Evaluation, key: str) -> list[Section]:
    """Return one section over all published lists.

    Empty for a data set without one. `key` begins the ids of the section's elements.
    """
    if not evaluation.protocols:
        return []
    items: list[Item] = [Text(WHAT)]
    for i, protocol in enumerate(evaluation.protocols):
        items += _items(evaluation, protocol, f"{key}-protocol-{i}")
    return [Section(f"{key}-protocols", TITLE, items)]


def _items(evaluation: Evaluation, protocol: Protocol, key: str) -> Iterator[Item]:
    """Yield all elements of one list."""
    yield Heading(f.clean(protocol.name))
    for sentence in sentences(protocol):
        yield Text(sentence, "lead")
    yield Text(f"{contents(evaluation, protocol)} {labels(evaluation)}".strip())
    for flag in flags(protocol):
        yield Text(flag, "flag")
    header, rows = compact(evaluation, protocol)
    yield Table(f"{key}-points", f"{f.clean(protocol.name)}: rates on the list and over all pairs", header, rows, frozenset({1}))
    for position, point in order(evaluation, protocol):
        by = [
            _groups(evaluation, point, grouping, f"{key}-{position}-{i}")
            for i, grouping in enumerate(point.groupings)
            if grouping.fmr or grouping.fnmr
        ]
        if by:
            yield Fold(
                f"{f.clean(protocol.name)} by group, {point_name(point)} ({f.threshold(evaluation.model, point.native_threshold)})",
                by,
            )
    if protocol.verification is not None:
        yield from _verification(evaluation, protocol, protocol.verification, key)


def sentences(protocol: Protocol) -> list[str]:
    """Return the benchmark's own figure in words.

    Empty where the list has none.
    """
    verification = protocol.verification
    if verification is None:
        return []
    if verification.accuracy is None:
        return [f"{f.clean(protocol.name)}: no figure, as a fold has no comparison or nothing to choose its threshold on."]
    over = f"mean ± standard error over {len(verification.folds)} folds; " if len(verification.folds) > 1 else ""
    deviation = (
        f"standard deviation {_percent(verification.standard_deviation, 2)}"
        if verification.standard_deviation is not None
        else ""
    )
    share = right(verification.accuracy, verification.standard_error)
    text = f"{f.clean(protocol.name)}: {share} of decisions right ({over}{deviation}".rstrip("; (")
    text += ")" if "(" in text else ""
    failed = protocol.failed_mated + protocol.failed_non_mated
    if not failed:
        return [f"{text}; no comparison failed."]
    including = right(verification.accuracy_including_failures, verification.standard_error_including_failures)
    return [f"{text}, failed comparisons left out; {including} with them as non-matches."]


def right(share: float | None, error: float | None) -> str:
    """Return a share of right decisions: "99.38 % ± 0.27".

    As benchmarks print it; `error` is a standard error, a fraction like `share`. A dash where there is no share.
    """
    if share is None:
        return f.DASH
    return f"{100 * share:.2f}{f.NBSP}%" + (f"{PLUS}{100 * error:.2f}" if error is not None else "")


def _percent(share: float | None, decimals: int) -> str:
    """Return a fraction in percent with fixed decimals."""
    return f.DASH if share is None else f"{100 * share:.{decimals}f}{f.NBSP}%"


def contents(evaluation: Evaluation, protocol: Protocol) -> str:
    """Return a sentence or two on what the list contains."""
    folds = f", in {protocol.n_folds} folds" if protocol.n_folds > 1 else ""
    people = f"{'at most ' * (evaluation.dataset.identity == 'none')}{f.plural(protocol.subjects, 'person', 'people')}"
    text = f"{f.count(protocol.mated)} mated and {f.count(protocol.non_mated)} non-mated pairs of {people}{folds}"
    text = f"{f.clean(protocol.source)}: {text}."
    if failed := protocol.failed_mated + protocol.failed_non_mated:
        text += f" {f.plural(failed, 'comparison')} failed for want of a template ({f.count(protocol.failed_mated)} mated)."
    kept = [(protocol.repeated, "listed twice"), (protocol.identical_images, "of one image with itself")]
    said = " and ".join(f"{f.plural(number, 'pair')} {what}" for number, what in kept if number)
    return text + (f" Kept as they are: {said}." if said else "")


def flags(protocol: Protocol) -> list[str]:
    """Return what to know before comparing these figures with others'."""
    out = []
    if protocol.missing:
        listed = protocol.missing + protocol.mated + protocol.non_mated
        out.append(
            f"Not the whole list: {f.count(protocol.missing)} of {f.plural(listed, 'pair')} have an image that is not here or "
            "was left out; "
            "these figures are not to be set beside published ones."
        )
    if protocol.contrary:
        out.append(f"{f.plural(protocol.contrary, 'pair')} contradict the data set's own subject labels; kept as the list says.")
    return out


def labels(evaluation: Evaluation) -> str:
    """Return who labelled the people, for numbers by group."""
    text = "; ".join(f"{f.clean(label.attribute)} {f.clean(label.provenance)}" for label in evaluation.dataset.labels)
    return f"Labels of groups: {text}." if text else ""


def point_name(protocol: ProtocolPoint) -> str:
    """Return an operating point in a few words."""
    if protocol.target_fmr is None:
        return f"{protocol.origin} threshold"
    return f"target FMR {f.target(protocol.target_fmr)}" + (" on the list itself" if protocol.origin == "protocol" else "")


def compact(evaluation: Evaluation, protocol: Protocol, *, threshold: bool = True) -> tuple[list[str], list[list[str]]]:
    """Return header and a row for each operating point.

    Rates on the list, and over all pairs at the same threshold.

    threshold: with a column for it; without one, refused points are left out.
    """
    all_pairs: Sequence[Overall | None] = [point.overall for point in finest(evaluation).operating_points]
    rows = []
    for i, point in enumerate(protocol.points):
        overall = all_pairs[i] if i < len(all_pairs) and point.origin != "protocol" else None
        name = f.sentence(point_name(point))
        if point.threshold is None:
            more = f", {f.count(point.needs_comparisons)} comparisons needed" if point.needs_comparisons else ""
            rows.append([name, f"refused: {f.reason(point.reason)}{more}", *[f.DASH] * 5])
            continue
        rates = [point.fmr, overall.fmr_all_pairs if overall else None, point.fnmr, overall.fnmr_all_pairs if overall else None]
        rows.append(
            [
                name,
                f.threshold(evaluation.model, point.native_threshold),
                _percent(point.accuracy, 2),
                *[rate(estimate) for estimate in rates],
            ]
        )
    if not threshold:
        return [COLUMNS[0], *COLUMNS[2:]], [
            [row[0], *row[2:]] for row, point in zip(rows, protocol.points, strict=True) if point.threshold is not None
        ]
    return list(COLUMNS), rows


def rate(estimate: Rate | None) -> str:
    """Return a rate with its interval or bound.

    A dash where there is none.
    """
    return f.DASH if estimate is None else f.rate(estimate)


def order(evaluation: Evaluation, protocol: Protocol) -> list[tuple[int, ProtocolPoint]]:
    """Return the points with a threshold, the run's headline first.

    Each with its position among all points.
    """
    first = headline(finest(evaluation))
    known = [(position, point) for position, point in enumerate(protocol.points) if point.threshold is not None]
    return sorted(known, key=lambda pair: pair[0] != first)


def _groups(evaluation: Evaluation, point: ProtocolPoint, grouping: ProtocolGroups, key: str) -> Table:
    """Return a table of rates by group on the list."""
    fnmr = {estimate.group: estimate for estimate in grouping.fnmr}
    rows = [_row(estimate, fnmr.get(estimate.group)) for estimate in grouping.fmr]
    left = f"{f.count(grouping.mixed)} pairs across groups, {f.count(grouping.unlabelled)} with an unlabelled sample: in none"
    columns = ["Group", "FMR", "People", "Non-mated", "False matches", "FNMR", "People", "Mated", "False non-matches"]
    return Table(key, f"Rates on the list by {grouping_name(grouping.attributes)} ({left})", columns, rows)


def _row(fmr: Rate, fnmr: Rate | None) -> list[str]:
    """Return the cells of one group's FMR and FNMR."""
    cells = [fmr.group]
    for estimate in (fmr, fnmr):
        cells += (
            [rate(estimate), *(f.count(value) for value in (estimate.subjects, estimate.comparisons, estimate.errors))]
            if estimate
            else [f.DASH] * 4
        )
    return cells


def _verification(evaluation: Evaluation, protocol: Protocol, verification: Verification, key: str) -> Iterator[Item]:
    """Yield the figures fold by fold, and by group."""
    folds = [
        [
            str(result.fold),
            f.threshold(evaluation.model, result.native_threshold),
            f.count(result.compared),
            f.count(result.failed_mated),
            f.count(result.failed_non_mated),
            _percent(result.accuracy, 2),
            _percent(result.accuracy_including_failures, 2),
        ]
        for result in verification.folds
    ]
    columns = ["Fold", "Match if", "Compared", "Failed, mated", "Failed, non-mated", "Right decisions", "failures as non-matches"]
    tables: list[Item] = [Table(f"{key}-folds", f"{f.sentence(verification.rule)}", columns, folds, frozenset({1}))]
    for i, attributes in enumerate(dict.fromkeys(tuple(result.attributes) for result in verification.groups)):
        rows = [
            [
                result.group,
                _percent(result.accuracy, 2) if result.accuracy is not None else f.reason(result.reason),
                f.count(result.subjects),
                f.count(result.compared),
            ]
            for result in verification.groups
            if tuple(result.attributes) == attributes
        ]
        caption = (
            f"Right decisions by {grouping_name(list(attributes))}, at the folds' thresholds, which are the same for all groups"
        )
        tables.append(Table(f"{key}-right-{i}", caption, ["Group", "Right decisions", "People", "Compared"], rows))
    yield Fold(f"{f.clean(protocol.name)}, fold by fold", tables)


LIST = (
    "protocol source mated non_mated failed_mated failed_non_mated missing subjects repeated identical_images contrary "
    "folds accuracy standard_error standard_deviation accuracy_including_failures standard_error_including_failures "
    "standard_deviation_including_failures rule reason"
)
FOLD = "protocol fold threshold native_threshold compared failed_mated failed_non_mated accuracy accuracy_including_failures"
POINT = "protocol origin target_fmr threshold native_threshold achieved_fmr accuracy needs_comparisons point_reason"


def protocol_tables(evaluation: Evaluation) -> Tables:
    """Return CSV tables of lists, folds, groups and rates.

    Right decisions by group are at the folds' thresholds.
    """
    if not evaluation.protocols:
        return {}
    lists: list[Row] = []
    folds: list[Row] = []
    groups: list[Row] = []
    rates: list[Row] = []
    for protocol in evaluation.protocols:
        counts: Row = [
            protocol.mated,
            protocol.non_mated,
            protocol.failed_mated,
            protocol.failed_non_mated,
            protocol.missing,
            protocol.subjects,
            protocol.repeated,
        ]
        lists.append(
            [
                protocol.name,
                protocol.source,
                *counts,
                protocol.identical_images,
                protocol.contrary,
                protocol.n_folds,
                *_spread(protocol.verification),
            ]
        )
        if protocol.verification is not None:
            for fold in protocol.verification.folds:
                row: Row = [
                    protocol.name,
                    fold.fold,
                    fold.threshold,
                    fold.native_threshold,
                    fold.compared,
                    fold.failed_mated,
                    fold.failed_non_mated,
                ]
                folds.append([*row, fold.accuracy, fold.accuracy_including_failures])
            for result in protocol.verification.groups:
                groups.append(
                    [
                        protocol.name,
                        grouping_name(result.attributes),
                        result.group,
                        result.subjects,
                        result.compared,
                        result.accuracy,
                        result.reason,
                    ]
                )
        for point in protocol.points:
            at: Row = [
                protocol.name,
                point.origin,
                point.target_fmr,
                point.threshold,
                point.native_threshold,
                point.achieved_fmr,
                point.accuracy,
            ]
            at += [point.needs_comparisons, point.reason]
            if point.threshold is None:
                rates.append([*at, "", "", *[None] * len(header_of("rate"))])
            rates += [
                [*at, "", measure, *rate_row(estimate)]
                for measure, estimate in (("fmr", point.fmr), ("fnmr", point.fnmr))
                if estimate is not None
            ]
            rates += [
                [*at, grouping_name(result.attributes), measure, *rate_row(estimate)]
                for result in point.groupings
                for measure, estimates in (("fmr", result.fmr), ("fnmr", result.fnmr))
                for estimate in estimates
            ]
    return {
        "protocols": (LIST.split(), lists),
        "protocol_folds": (FOLD.split(), folds),
        "protocol_groups": (["protocol", "grouping", "group", "subjects", "compared", "accuracy", "reason"], groups),
        "protocol_rates": ([*POINT.split(), "grouping", "measure", *header_of("rate")], rates),
    }


def _spread(verification: Verification | None) -> Row:
    """Return the CSV cells of the figure over folds.

    First without failed comparisons, then with them as non-matches; then rule and reason.
    """
    if verification is None:
        return [None] * 8
    including: Row = [
        verification.accuracy_including_failures,
        verification.standard_error_including_failures,
        verification.standard_deviation_including_failures,
    ]
    return [
        verification.accuracy,
        verification.standard_error,
        verification.standard_deviation,
        *including,
        verification.rule,
        verification.reason,
    ]


def _entries(evaluation: Evaluation, *, wide: bool) -> Iterator[TopicEntry]:
    """Yield the benchmark's own figure and the list's rates.

    The rates stand beside those of all pairs.
    """
    for protocol in evaluation.protocols:
        header, rows = compact(evaluation, protocol, threshold=wide)
        table = SmallTable("" if wide else "On the list, and over all pairs", header, rows)
        yield TopicEntry(
            f"{TITLE}: {f.clean(protocol.name)}", contents(evaluation, protocol), sentences(protocol), flags(protocol), [table]
        )


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
