"""`compare.html`: runs side by side in one file, in the style of the report; readable without a network and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from faceparity.datasets.common.atomic_write import write_atomically
from faceparity.harness.results import ModelChange, ModelComparison
from faceparity.harness.results.comparison import (
    Compared,
    ComparedDataset,
    ComparedPanel,
    ComparedPoint,
    Comparison,
    UnpairedPair,
)
from faceparity.harness.results.parts.notices import ALIKE, SAYS_NOTHING
from faceparity.reports.charts.compare_figures import paired_forest, panels_of, small_multiples
from faceparity.reports.comparison.across_datasets import model_sections
from faceparity.reports.comparison.rankings import RANKS, league_table, worst_table
from faceparity.reports.formats.html import NAME, TEMPLATES
from faceparity.reports.layout.elements import Fold, Heading, Item, Items, Section, Table, Text, pictures
from faceparity.reports.layout.svg import with_shared_styles
from faceparity.reports.sections.about import GLOSSARY
from faceparity.reports.wording import compare_words as words
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.compare_words import Names, by_name

UNFOLDED = 3
"""Maximum number of pairs of models that are open; more are folded."""
WORDS_USED = (
    "Comparison", "Mated, non-mated", "Threshold", "FMR", "FNMR", "FTX", "FAR, FRR", "Template", "95 % interval", "≤", "Effective errors",
    "Matched", "Inconclusive", "Holm-adjusted p",
)  # fmt: skip


class DatasetChapter(NamedTuple):
    """One data set, or what belongs to all."""

    key: str
    title: str
    sections: list[Section]


def write_page(comparison: Comparison, path: Path) -> None:
    """Write the page to `path`.

    The same comparison gives the same bytes.
    """
    write_atomically(path, render(comparison))


def render(comparison: Comparison) -> str:
    """Return the page as text.

    Every text of a user or card is escaped.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, finalize=_cleaned, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    env.filters["short"] = lambda name: f.shorten(name, NAME)
    names = Names(comparison)
    text = env.get_template("compare.html.j2").render(
        title=title(comparison), css=(TEMPLATES / "report.css").read_text("utf-8"), first=synthetic(comparison),
        leads=leads(comparison, names), compared=compared(comparison), notes=[note.text for note in comparison.notes],
        chapters=chapters(comparison, names), glossary=[(word, meaning) for word, meaning in GLOSSARY if word in WORDS_USED],
    )  # fmt: skip
    text, rules = with_shared_styles(text)
    return text.replace("</style>", f"{rules}\n</style>", 1)


def _cleaned(value: object) -> object:
    """Return text without control characters, anything else unchanged."""
    return f.clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def title(comparison: Comparison) -> str:
    """Return a title with models and data sets."""
    data = list(dict.fromkeys(f.shorten(result.dataset, 40) for result in comparison.results))
    models = list(dict.fromkeys(f.shorten(result.model, 40) for result in comparison.results))
    return f"Side by side: {f.joined_or_counted(models, 'model')} on {f.joined_or_counted(data, 'data set')}"


def synthetic(comparison: Comparison) -> tuple[str, str] | None:
    """Return what comes first where faces are synthetic.

    None where all are of people.
    """
    names = list(dict.fromkeys(f.shorten(result.dataset, 40) for result in comparison.results if result.synthetic))
    if not names:
        return None
    return SAYS_NOTHING if all(
        result.synthetic for result in comparison.results
    ) else f"{', '.join(names)}: {SAYS_NOTHING}", ALIKE


def leads(comparison: Comparison, names: Names) -> list[tuple[str, list[str]]]:
    """Return each data set's title and findings.

    Of data sets with several results.
    """
    several = [dataset for _, dataset in _real_first(comparison, names) if len(dataset.ids) > 1]
    return [
        (
            f.shorten(names.of[dataset.ids[0]].dataset_title, 80),
            words.findings(dataset, names) or ["No figure could be compared."],
        )
        for dataset in several
    ]


def compared(comparison: Comparison) -> Table:
    """Return a table with a row for each result."""
    columns = [
        "Result",
        "Model",
        "Data set",
        "People",
        "Images",
        "Grouped by",
        "Pool",
        "Data set’s digest",
        "Model’s fingerprint",
        "Made by",
        "Paired",
    ]
    rows = [
        [
            f"{result.id} (run {result.run})",
            f.shorten(result.model, 60) + (f" {result.model_version}" if result.model_version else ""),
            f"{f.shorten(result.dataset, 60)} {result.dataset_version}".strip(),
            f.DASH if result.identity == "none" else f.count(result.subjects),
            f.count(result.samples),
            by_name(result.attributes),
            result.pool or f.DASH,
            result.dataset_digest[:12],
            result.fingerprint[:12],
            f"faceparity {result.faceparity}" + (f" ({result.commit[:12]})" if result.commit else ""),
            "yes" if result.private else f"no: {result.private_reason}",
        ]
        for result in comparison.results
    ]
    return Table("compared", "What is compared", columns, rows, frozenset({1, 2, 5, 6, 7, 8, 9, 10}))


def chapters(comparison: Comparison, names: Names) -> list[DatasetChapter]:
    """Return the page's chapters.

    One for each data set with several results, one for models on several data sets, and one on how it was done.
    """
    out = []
    for k, dataset in _real_first(comparison, names):
        key = f"d{k + 1}"
        if len(dataset.ids) > 1:
            out.append(
                DatasetChapter(key, _dataset_title(dataset, names), list(dataset_sections(comparison, dataset, names, key)))
            )
    if comparison.models:
        out.append(DatasetChapter("models", "Each model across data sets", list(model_sections(comparison, names))))
    out.append(
        DatasetChapter(
            "how", "How it was compared", [Section("how-how", "Method and provenance", list(_method_and_provenance(comparison)))]
        )
    )
    return out


def _real_first(comparison: Comparison, names: Names) -> list[tuple[int, ComparedDataset]]:
    """Return the numbered data sets, synthetic ones last."""
    return sorted(enumerate(comparison.datasets), key=lambda numbered: names.of[numbered[1].ids[0]].synthetic)


def _dataset_title(dataset: ComparedDataset, names: Names) -> str:
    """Return a data set's title with its attributes."""
    return f"{f.shorten(names.of[dataset.ids[0]].dataset_title, 80)}, by {by_name(dataset.attributes)}"


def dataset_sections(comparison: Comparison, dataset: ComparedDataset, names: Names, key: str) -> Iterator[Section]:
    """Yield failures, then each operating point.

    The headline point open, the others folded.
    """
    first = names.of[dataset.ids[0]]
    labels = "; ".join(f"{f.clean(attribute)} {f.clean(who)}" for attribute, who in first.labels.items())
    opening: list[Item] = [Text(sentence) for sentence in words.contents(dataset, names)]
    if labels:
        opening.append(Text(f"Labels as in {f.shorten(first.dataset, 60)}: {labels}.", "note"))
    if first.synthetic:
        opening.append(Text(SAYS_NOTHING, "flag"))
    if first.identity == "none":
        opening.append(
            Text(
                "The set has no subject labels: each image stands for a person, and hidden repeats look like false matches.",
                "flag",
            )
        )
    yield Section(
        f"{key}-ftx", "Who was compared, and failures to extract a template", [*opening, *_failures(dataset, names, key)]
    )
    lead = words.headline(dataset)
    for k, point in enumerate(dataset.points):
        name = f.sentence(words.point_name(point))
        items = list(_point(dataset, point, names, f"{key}-p{k}"))
        yield Section(f"{key}-p{k}", name, items if point is lead else [Fold(f"{name}: figures and tests", items)])


def _failures(dataset: ComparedDataset, names: Names, key: str) -> Iterator[Item]:
    """Yield differences in failures to extract."""
    for k, failure in enumerate(dataset.failures):
        if sentence := words.failure_sentence(failure, names):
            yield Text(sentence, "lead")
            for position, grouping in enumerate(reversed(failure.groupings)):
                rows = [change for change in grouping.changes if change.verdict != "none"]
                caption = f"FTX of {names.both(failure.first, failure.second)} by {by_name(grouping.attributes)}"
                table = _changes_table(f"{key}-ftx{k}-{position}", caption, rows, names, failure.first, failure.second, "FTX")
                if rows:
                    yield table if not position else Fold(caption, [table])
    if dataset.failures and not any(words.failure_sentence(failure, names) for failure in dataset.failures):
        yield Text("None of the models failed on any of the images that all were given.")
    if dataset.failure_league is not None and any(row.value for row in dataset.failure_league.rows):
        yield league_table(f"{key}-ftxl", dataset.failure_league, names)
    for k, unpaired in enumerate(dataset.failures_unpaired):
        yield from _unpaired(unpaired, names, f"{key}-ftxu{k}")


def _point(dataset: ComparedDataset, point: ComparedPoint, names: Names, key: str) -> Iterator[Item]:
    """Yield figures, league tables and pairs of one point."""
    yield Text(f"Thresholds: {words.thresholds(point, names)}.", "note")
    if point.reason:
        yield Text(point.reason, "flag")
    if point.second:
        yield Text(
            "Some people are in this set twice, so the figures were read a second time without comparisons that look like one person to "
            "any of the models. A difference is called only if both readings show it.",
            "flag",
        )
    yield from _multiples(dataset, point, names, key)
    there = [league for league in point.leagues if any(row.value is not None for row in league.rows)]
    for k, table in enumerate(league for league in there if not league.measure.startswith("worst")):
        yield league_table(f"{key}-l{k}", table, names)
    for measure in ("fmr", "fnmr"):
        worst = [
            worst_table(f"{key}-w{measure}{k}", league, names)
            for k, league in enumerate(reversed(there))
            if league.measure == f"worst_{measure}"
        ]
        yield from worst[:1]
        if worst[1:]:
            yield Fold(f"{words.MEASURES[measure]}: the same by single attributes", worst[1:])
    if there:
        yield Text(RANKS, "note")
    for k, pair in enumerate(point.pairs):
        items = list(_pair(pair, names, f"{key}-q{k}", point.origin == "target"))
        name = f"{names.both(pair.first, pair.second)}, comparison by comparison"
        if k < UNFOLDED:
            yield Heading(name)
            yield from items
        else:
            yield Fold(name, items)
    for k, unpaired in enumerate(point.unpaired):
        yield from _unpaired(unpaired, names, f"{key}-u{k}")


def _multiples(dataset: ComparedDataset, point: ComparedPoint, names: Names, key: str) -> Iterator[Item]:
    """Yield small multiples of both error rates."""
    results = [names.of[entry] for entry in point.thresholds]
    for measure in ("fmr", "fnmr"):
        at = [panel_at(entry, dataset.attributes, point) for entry in results]
        if any(entry is None for entry in at):
            continue
        groups, panels = panels_of(results, [entry for entry in at if entry is not None], measure)
        caption = (
            f"{words.FULL[measure]} by group at {words.point_name(point)} on {f.shorten(dataset.dataset, 60)}; each model on "
            "all images that it made "
            "a template of."
        )
        if measure == "fmr":
            caption += " Dotted: the pool’s FMR."
        yield from pictures(small_multiples(f"{key}-{measure}", words.FULL[measure], caption, groups, panels))


def panel_at(result: Compared, attributes: Sequence[str], point: ComparedPoint) -> ComparedPanel | None:
    """Return one result's rates of a grouping at one point."""
    found = [
        panel
        for panel in result.panels
        if panel.attributes == list(attributes) and (panel.origin, panel.target_fmr) == (point.origin, point.target_fmr)
    ]
    return next((panel for panel in found if panel.native_threshold == point.thresholds.get(result.id)), None)


def _pair(pair: ModelComparison, names: Names, key: str, at_target: bool) -> Iterator[Item]:
    """Yield figures and tables on two models."""
    compared_text = f"{f.count(pair.non_mated)} non-mated and {f.count(pair.mated)} mated comparisons that both made"
    out = [
        f"{names(result_id)} {f.count(number)}"
        for result_id, number in ((pair.first, pair.left_out_first), (pair.second, pair.left_out_second))
        if number
    ]
    yield Text(f"{compared_text}." + (f" Comparisons of its own left out: {', '.join(out)}." if out else ""))
    finest = pair.groupings[-1]
    for measure in ("fmr", "fnmr"):
        changes = [change for change in finest.changes if change.quantity == "rate" and change.measure == measure]
        name = f"{words.FULL[measure]}: {names(pair.first)} over {names(pair.second)}"
        caption = f"{name}, by {by_name(finest.attributes)}, on the same comparisons, each at its own threshold."
        yield from pictures(paired_forest(f"{key}-{measure}", name, caption, changes, names(pair.first), names(pair.second)))
    overall = [
        change
        for change in pair.overall
        if change.first is not None and not (at_target and (change.measure, change.group) == ("fmr", "pool"))
    ]
    given = " (thresholds as given)" if at_target else ""
    descriptions = {"pool": "mean of the groups", "all pairs": f"all pairs{given}"}
    yield Items(
        [
            f"{words.MEASURES[change.measure]}, {descriptions.get(change.group, change.group)}: {_change(change, names, pair)}"
            for change in overall
        ]
    )
    for k, grouping in enumerate(reversed(pair.groupings)):
        for quantity, what in (("rate", "rates"), ("disparity", "ratios to the reference")):
            rows = [change for change in grouping.changes if change.quantity == quantity and change.first is not None]
            if rows:
                against = f" ({f.shorten(grouping.reference or '', 60)})" if quantity == "disparity" else ""
                table = _changes_table(
                    f"{key}-{quantity}{k}",
                    f"{f.sentence(what)}{against} by {by_name(grouping.attributes)}{words.weighting(rows)}",
                    rows,
                    names,
                    pair.first,
                    pair.second,
                    "",
                )
                yield table if k == 0 and quantity == "rate" else Fold(table.caption, [table])
        frr = [change for change in grouping.including_failures if change.first is not None and change.quantity == "rate"]
        if frr:
            table = _changes_table(
                f"{key}-frr{k}", f"{words.FULL['frr']} by {by_name(grouping.attributes)}", frr, names, pair.first, pair.second, ""
            )
            yield Fold(table.caption, [table])


def _change(change: ModelChange, names: Names, pair: ModelComparison) -> str:
    """Return one change in a sentence."""
    show = f.percent if change.quantity == "rate" else f.ratio
    ratio = (
        f"; {f.ratio(change.ratio)} {f.ratio_interval(change.interval) if change.interval else ''}".rstrip()
        if change.ratio is not None
        else ""
    )
    p_text = f", {f.p_value(change.p_holm, 'Holm-adjusted p')}" if change.p_holm is not None else ""
    return (
        f"{show(change.first)} and {show(change.second)}{ratio}{p_text}: {words.verdict(change, names, pair.first, pair.second)}."
    )


def _changes_table(
    key: str, caption: str, rows: Sequence[ModelChange], names: Names, first: str, second: str, measure: str
) -> Table:
    """Return a table of changes.

    Of each both figures, their ratio, what it rests on, and the verdict.
    """
    several = not measure
    columns = [
        "Group",
        *(["Rate"] if several else []),
        names(first),
        names(second),
        "Ratio [95 %]",
        "Only one wrong",
        "Holm p",
        "Reading",
    ]
    out = []
    for change in rows:
        show = f.percent if change.quantity == "rate" else f.ratio
        only = f.DASH
        if change.errors_first is not None and change.errors_second is not None:
            only = f.count(change.errors_first + change.errors_second - 2 * (change.errors_both or 0))
        out.append([
            change.group, *([words.MEASURES[change.measure]] if several else []), show(change.first), show(change.second),
            f"{f.ratio(change.ratio)} {f.ratio_interval(change.interval)}" if change.interval else f.ratio(change.ratio), only,
            f.p_value(change.p_holm).removeprefix("p = ").removeprefix("p "), words.verdict(change, names, first, second),
        ])  # fmt: skip
    return Table(key, caption, columns, out, frozenset({1, 7} if several else {6}))


def _unpaired(unpaired: UnpairedPair, names: Names, key: str) -> Iterator[Item]:
    """Yield rates of two results that are not paired.

    With an interval for each, and no test.
    """
    if not unpaired.rates:
        return
    rows = []
    for rate in unpaired.rates:
        both = [
            f"{f.percent(value)} {f.percent_interval(i)}" if i else f.percent(value)
            for value, i in ((rate.first, rate.first_interval), (rate.second, rate.second_interval))
        ]
        said = "no interval" if rate.overlap is None else "intervals overlap" if rate.overlap else "intervals do not overlap"
        rows.append([rate.group, words.MEASURES[rate.measure], *both, words.UNPAIRED + said])
    yield Text(
        f"Unpaired: {names.both(unpaired.first, unpaired.second)} are not compared comparison by comparison "
        f"({unpaired.reason}). Each rate has an "
        "interval of its own; there is no test, and no rank.",
        "flag",
    )
    columns = ["Group", "Rate", f"{names(unpaired.first)} [95 %]", f"{names(unpaired.second)} [95 %]", "Reading"]
    yield Table(key, f"Unpaired: {names.both(unpaired.first, unpaired.second)}", columns, rows, frozenset({1, 4}))


def _method_and_provenance(comparison: Comparison) -> Iterator[Item]:
    """Yield method and provenance of the comparison."""
    yield Items(list(words.METHOD))
    version = f"faceparity {comparison.faceparity}" + (f", commit {comparison.commit}" if comparison.commit else "")
    rows = [
        ["Made by", version],
        ["Started (UTC)", comparison.started],
        ["Command", comparison.command],
        ["Seed of the bootstrap", str(comparison.seed)],
    ]
    yield Table("provenance", "Provenance of the comparison", ["What", "Is"], rows, frozenset({1}))
