"""`compare.html`: runs side by side in one file, in the look of the report; readable without a network, without JavaScript."""

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
from faceparity.reports.charts.svg import shared
from faceparity.reports.comparison.across_datasets import model_sections
from faceparity.reports.comparison.rankings import RANKS, league_table, worst_table
from faceparity.reports.formats.html import NAME, TEMPLATES
from faceparity.reports.layout.elements import Fold, Heading, Item, Items, Section, Table, Text, pictures
from faceparity.reports.sections.about import GLOSSARY
from faceparity.reports.wording import compare_words as words
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.compare_words import Names, by_name

UNFOLDED = 3
"""So many pairs of models are told open; more are folded."""
WORDS_USED = (
    "Comparison", "Mated, non-mated", "Threshold", "FMR", "FNMR", "FTX", "FAR, FRR", "Template", "95 % interval", "≤", "Effective errors",
    "Matched", "Inconclusive", "Holm-adjusted p",
)  # fmt: skip


class DatasetChapter(NamedTuple):
    """One data set, or what belongs to all."""

    key: str
    title: str
    sections: list[Section]


def write_page(c: Comparison, path: Path) -> None:
    """Writes the page to `path`. The same comparison gives the same bytes."""
    write_atomically(path, render(c))


def render(c: Comparison) -> str:
    """The page as text. Everything that is not ours is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, finalize=_cleaned, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    env.filters["short"] = lambda name: f.shorten(name, NAME)
    names = Names(c)
    text = env.get_template("compare.html.j2").render(
        title=title(c), css=(TEMPLATES / "report.css").read_text("utf-8"), first=synthetic(c), leads=leads(c, names),
        compared=compared(c), notes=[n.text for n in c.notes], chapters=chapters(c, names),
        glossary=[(w, m) for w, m in GLOSSARY if w in WORDS_USED],
    )  # fmt: skip
    text, rules = shared(text)
    return text.replace("</style>", f"{rules}\n</style>", 1)


def _cleaned(value: object) -> object:
    return f.clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def title(c: Comparison) -> str:
    """Models and data sets."""
    data = list(dict.fromkeys(f.shorten(x.dataset, 40) for x in c.results))
    models = list(dict.fromkeys(f.shorten(x.model, 40) for x in c.results))
    return f"Side by side: {f.some(models, 'model')} on {f.some(data, 'data set')}"


def synthetic(c: Comparison) -> tuple[str, str] | None:
    """What comes first where faces are nobody's."""
    names = list(dict.fromkeys(f.shorten(x.dataset, 40) for x in c.results if x.synthetic))
    if not names:
        return None
    return SAYS_NOTHING if all(x.synthetic for x in c.results) else f"{', '.join(names)}: {SAYS_NOTHING}", ALIKE


def leads(c: Comparison, names: Names) -> list[tuple[str, list[str]]]:
    """Of each data set with several results what was found, in sentences."""
    several = [d for _, d in _real_first(c, names) if len(d.ids) > 1]
    return [
        (f.shorten(names.of[d.ids[0]].dataset_title, 80), words.findings(d, names) or ["No figure could be compared."])
        for d in several
    ]


def compared(c: Comparison) -> Table:
    """One row for each result."""
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
            f"{x.id} (run {x.run})", f.shorten(x.model, 60) + (f" {x.model_version}" if x.model_version else ""),
            f"{f.shorten(x.dataset, 60)} {x.dataset_version}".strip(), f.DASH if x.identity == "none" else f.count(x.subjects),
            f.count(x.samples), by_name(x.attributes), x.pool or f.DASH, x.dataset_digest[:12], x.fingerprint[:12],
            f"faceparity {x.faceparity}" + (f" ({x.commit[:12]})" if x.commit else ""), "yes" if x.private else f"no: {x.private_reason}",
        ]
        for x in c.results
    ]  # fmt: skip
    return Table("compared", "What is compared", columns, rows, frozenset({1, 2, 5, 6, 7, 8, 9, 10}))


def chapters(c: Comparison, names: Names) -> list[DatasetChapter]:
    """A chapter for each data set with several results, one for models on several data sets, and how it was done."""
    out = []
    for k, d in _real_first(c, names):
        key = f"d{k + 1}"
        if len(d.ids) > 1:
            out.append(DatasetChapter(key, _dataset_title(d, names), list(dataset_sections(c, d, names, key))))
    if c.models:
        out.append(DatasetChapter("models", "Each model across data sets", list(model_sections(c, names))))
    out.append(DatasetChapter("how", "How it was compared", [Section("how-how", "Method and provenance", list(_how(c)))]))
    return out


def _real_first(c: Comparison, names: Names) -> list[tuple[int, ComparedDataset]]:
    """The data sets in their order, but those of nobody's faces last."""
    return sorted(enumerate(c.datasets), key=lambda x: names.of[x[1].ids[0]].synthetic)


def _dataset_title(d: ComparedDataset, names: Names) -> str:
    return f"{f.shorten(names.of[d.ids[0]].dataset_title, 80)}, by {by_name(d.attributes)}"


def dataset_sections(c: Comparison, d: ComparedDataset, names: Names, key: str) -> Iterator[Section]:
    """Failures, then each operating point: the one told first open, the others folded."""
    first = names.of[d.ids[0]]
    labels = "; ".join(f"{f.clean(a)} {f.clean(who)}" for a, who in first.labels.items())
    opening: list[Item] = [Text(t) for t in words.contents(d, names)]
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
    yield Section(f"{key}-ftx", "Who was compared, and failures to extract a template", [*opening, *_failures(d, names, key)])
    lead = words.headline(d)
    for k, p in enumerate(d.points):
        name = f.sentence(words.point_name(p))
        items = list(_point(d, p, names, f"{key}-p{k}"))
        yield Section(f"{key}-p{k}", name, items if p is lead else [Fold(f"{name}: figures and tests", items)])


def _failures(d: ComparedDataset, names: Names, key: str) -> Iterator[Item]:
    for k, x in enumerate(d.failures):
        if sentence := words.failure_sentence(x, names):
            yield Text(sentence, "lead")
            for n, g in enumerate(reversed(x.groupings)):
                rows = [c for c in g.changes if c.verdict != "none"]
                caption = f"FTX of {names.both(x.first, x.second)} by {by_name(g.attributes)}"
                table = _changes_table(f"{key}-ftx{k}-{n}", caption, rows, names, x.first, x.second, "FTX")
                if rows:
                    yield table if not n else Fold(caption, [table])
    if d.failures and not any(words.failure_sentence(x, names) for x in d.failures):
        yield Text("None of the models failed on any of the images that all were given.")
    if d.failure_league is not None and any(r.value for r in d.failure_league.rows):
        yield league_table(f"{key}-ftxl", d.failure_league, names)
    for k, u in enumerate(d.failures_unpaired):
        yield from _unpaired(u, names, f"{key}-ftxu{k}")


def _point(d: ComparedDataset, p: ComparedPoint, names: Names, key: str) -> Iterator[Item]:
    yield Text(f"Thresholds: {words.thresholds(p, names)}.", "note")
    if p.reason:
        yield Text(p.reason, "flag")
    if p.second:
        yield Text(
            "Some people are in this set twice, so the figures were read a second time without comparisons that look like one person to "
            "any of the models. A difference is called only if both readings show it.",
            "flag",
        )
    yield from _multiples(d, p, names, key)
    there = [x for x in p.leagues if any(r.value is not None for r in x.rows)]
    for k, table in enumerate(x for x in there if not x.measure.startswith("worst")):
        yield league_table(f"{key}-l{k}", table, names)
    for measure in ("fmr", "fnmr"):
        worst = [
            worst_table(f"{key}-w{measure}{k}", x, names)
            for k, x in enumerate(reversed(there))
            if x.measure == f"worst_{measure}"
        ]
        yield from worst[:1]
        if worst[1:]:
            yield Fold(f"{words.MEASURES[measure]}: the same by single attributes", worst[1:])
    if there:
        yield Text(RANKS, "note")
    for k, q in enumerate(p.pairs):
        items = list(_pair(q, names, f"{key}-q{k}", p.origin == "target"))
        name = f"{names.both(q.first, q.second)}, comparison by comparison"
        if k < UNFOLDED:
            yield Heading(name)
            yield from items
        else:
            yield Fold(name, items)
    for k, u in enumerate(p.unpaired):
        yield from _unpaired(u, names, f"{key}-u{k}")


def _multiples(d: ComparedDataset, p: ComparedPoint, names: Names, key: str) -> Iterator[Item]:
    results = [names.of[x] for x in p.thresholds]
    for measure in ("fmr", "fnmr"):
        at = [panel_at(x, d.attributes, p) for x in results]
        if any(x is None for x in at):
            continue
        groups, panels = panels_of(results, [x for x in at if x is not None], measure)
        caption = (
            f"{words.FULL[measure]} by group at {words.point_name(p)} on {f.shorten(d.dataset, 60)}; each model on all images that it made "
            "a template of."
        )
        if measure == "fmr":
            caption += " Dotted: the pool’s FMR."
        yield from pictures(small_multiples(f"{key}-{measure}", words.FULL[measure], caption, groups, panels))


def panel_at(x: Compared, attributes: Sequence[str], p: ComparedPoint) -> ComparedPanel | None:
    """One result's rates of a grouping at one point."""
    found = [y for y in x.panels if y.attributes == list(attributes) and (y.origin, y.target_fmr) == (p.origin, p.target_fmr)]
    return next((y for y in found if y.native_threshold == p.thresholds.get(x.id)), None)


def _pair(q: ModelComparison, names: Names, key: str, at_target: bool) -> Iterator[Item]:
    told = f"{f.count(q.non_mated)} non-mated and {f.count(q.mated)} mated comparisons that both made"
    out = [f"{names(x)} {f.count(n)}" for x, n in ((q.first, q.left_out_first), (q.second, q.left_out_second)) if n]
    yield Text(f"{told}." + (f" Comparisons of its own left out: {', '.join(out)}." if out else ""))
    finest = q.groupings[-1]
    for measure in ("fmr", "fnmr"):
        changes = [c for c in finest.changes if c.quantity == "rate" and c.measure == measure]
        name = f"{words.FULL[measure]}: {names(q.first)} over {names(q.second)}"
        caption = f"{name}, by {by_name(finest.attributes)}, on the same comparisons, each at its own threshold."
        yield from pictures(paired_forest(f"{key}-{measure}", name, caption, changes, names(q.first), names(q.second)))
    overall = [c for c in q.overall if c.first is not None and not (at_target and (c.measure, c.group) == ("fmr", "pool"))]
    given = " (thresholds as given)" if at_target else ""
    whole = {"pool": "mean of the groups", "all pairs": f"all pairs{given}"}
    yield Items([f"{words.MEASURES[c.measure]}, {whole.get(c.group, c.group)}: {_change(c, names, q)}" for c in overall])
    for k, g in enumerate(reversed(q.groupings)):
        for quantity, what in (("rate", "rates"), ("disparity", "ratios to the reference")):
            rows = [c for c in g.changes if c.quantity == quantity and c.first is not None]
            if rows:
                against = f" ({f.shorten(g.reference or '', 60)})" if quantity == "disparity" else ""
                table = _changes_table(
                    f"{key}-{quantity}{k}",
                    f"{f.sentence(what)}{against} by {by_name(g.attributes)}",
                    rows,
                    names,
                    q.first,
                    q.second,
                    "",
                )
                yield table if k == 0 and quantity == "rate" else Fold(table.caption, [table])
        frr = [c for c in g.including_failures if c.first is not None and c.quantity == "rate"]
        if frr:
            table = _changes_table(
                f"{key}-frr{k}", f"{words.FULL['frr']} by {by_name(g.attributes)}", frr, names, q.first, q.second, ""
            )
            yield Fold(table.caption, [table])


def _change(c: ModelChange, names: Names, q: ModelComparison) -> str:
    show = f.percent if c.quantity == "rate" else f.ratio
    ratio = f"; {f.ratio(c.ratio)} {f.ratio_interval(c.interval) if c.interval else ''}".rstrip() if c.ratio is not None else ""
    p = f", {f.p_value(c.p_holm, 'Holm-adjusted p')}" if c.p_holm is not None else ""
    return f"{show(c.first)} and {show(c.second)}{ratio}{p}: {words.verdict(c, names, q.first, q.second)}."


def _changes_table(
    key: str, caption: str, rows: Sequence[ModelChange], names: Names, first: str, second: str, measure: str
) -> Table:
    """Each change: both figures, their ratio, what it rests on, and what may be said."""
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
    for c in rows:
        show = f.percent if c.quantity == "rate" else f.ratio
        only = f.DASH
        if c.errors_first is not None and c.errors_second is not None:
            only = f.count(c.errors_first + c.errors_second - 2 * (c.errors_both or 0))
        out.append([
            c.group, *([words.MEASURES[c.measure]] if several else []), show(c.first), show(c.second),
            f"{f.ratio(c.ratio)} {f.ratio_interval(c.interval)}" if c.interval else f.ratio(c.ratio), only,
            f.p_value(c.p_holm).removeprefix("p = ").removeprefix("p "), words.verdict(c, names, first, second),
        ])  # fmt: skip
    return Table(key, caption, columns, out, frozenset({1, 7} if several else {6}))


def _unpaired(u: UnpairedPair, names: Names, key: str) -> Iterator[Item]:
    """Two results with nothing but intervals of their own."""
    if not u.rates:
        return
    rows = []
    for r in u.rates:
        both = [
            f"{f.percent(v)} {f.percent_interval(i)}" if i else f.percent(v)
            for v, i in ((r.first, r.first_interval), (r.second, r.second_interval))
        ]
        said = "no interval" if r.overlap is None else "intervals overlap" if r.overlap else "intervals do not overlap"
        rows.append([r.group, words.MEASURES[r.measure], *both, words.UNPAIRED + said])
    yield Text(
        f"Unpaired: {names.both(u.first, u.second)} are not compared comparison by comparison ({u.reason}). Each rate has an "
        "interval of its own; there is no test, and no rank.",
        "flag",
    )
    columns = ["Group", "Rate", f"{names(u.first)} [95 %]", f"{names(u.second)} [95 %]", "Reading"]
    yield Table(key, f"Unpaired: {names.both(u.first, u.second)}", columns, rows, frozenset({1, 4}))


def _how(c: Comparison) -> Iterator[Item]:
    yield Items(list(words.METHOD))
    made = f"faceparity {c.faceparity}" + (f", commit {c.commit}" if c.commit else "")
    rows = [["Made by", made], ["Started (UTC)", c.started], ["Command", c.command], ["Seed of the bootstrap", str(c.seed)]]
    yield Table("provenance", "Provenance of the comparison", ["What", "Is"], rows, frozenset({1}))
