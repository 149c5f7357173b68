"""One model across data sets: side by side, each with people of its own, so that nothing is tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

from faceparity.harness.results.comparison import Compared, ComparedModel, ComparedPanel, Comparison
from faceparity.reports.charts.compare_figures import panels_of, small_multiples
from faceparity.reports.layout.elements import Item, Section, Table, Text, pictures
from faceparity.reports.wording import compare_words as words
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.compare_words import Names, by_name

FEW = 10
"""Groups with fewer errors are not called lowest or highest, though one of 30 to 49 people has a rate."""


def model_sections(c: Comparison, names: Names) -> Iterator[Section]:
    """One model on several data sets: FMR by group side by side, no test."""
    for k, m in enumerate(c.models):
        items: list[Item] = [Text(words.DIFFERENT_PEOPLE, "flag")]
        if (table := model_rows(c, m, names)) is not None:
            items.append(table)
        results = [names.of[x] for x in m.ids]
        for attributes, at in _common_panels(results):
            measures: tuple[Literal["fmr", "fnmr"], ...] = ("fmr", "fnmr")
            for measure in measures:
                groups, panels = panels_of(results, at, measure)
                panels = [p._replace(title=f"{x.dataset}") for p, x in zip(panels, results, strict=True)]
                name = f"{words.FULL[measure]} of {f.shorten(m.model, 40)} by {by_name(attributes)}"
                target = f.target(at[0].target_fmr) if at[0].target_fmr else ""
                caption = f"{name}, target FMR {target} on each data set by itself. No test: other people are in each."
                key = f"m{k}-{'-'.join(str(i) for i, _ in enumerate(attributes))}-{len(items)}-{measure}"
                items += pictures(small_multiples(key, name, caption, groups, panels))
        yield Section(f"m{k}", f.shorten(m.model, 60), items)


def _common_panels(results: Sequence[Compared]) -> Iterator[tuple[list[str], list[ComparedPanel]]]:
    """Groupings that all results have, at the highest target that all have a threshold for."""
    first = results[0]
    for attributes, own in groupby(first.panels, key=lambda p: p.attributes):
        for panel in own:
            if panel.origin != "target" or panel.threshold is None:
                continue
            at = [
                next((p for p in x.panels if p.attributes == attributes and p.origin == "target"
                      and p.target_fmr == panel.target_fmr and p.threshold is not None), None)
                for x in results
            ]  # fmt: skip
            there = [p for p in at if p is not None]
            if len(there) == len(results):
                yield attributes, there
                break


def model_rows(c: Comparison, m: ComparedModel, names: Names) -> Table | None:
    """One model's FMR over its data sets, at the target that all have: the pool's, and the lowest and highest group's."""
    results = [names.of[x] for x in m.ids]
    rows = []
    for x in results:
        found = [p for p in x.panels if p.attributes == x.attributes and p.origin == "target" and p.threshold is not None]
        if not found:
            continue
        shown = sorted((r for r in found[0].fmr if r.status == "ok" and (r.errors or 0) >= FEW), key=lambda r: r.rate or 0.0)
        ends = [f"{f.shorten(r.group, 60)} {f.rate(r)}" for r in (shown[0], shown[-1])] if len(shown) > 1 else [f.DASH, f.DASH]
        at = f"target FMR {f.target(found[0].target_fmr or 0.0)}"
        rows.append([f.shorten(x.dataset, 60), at, f.native_number(found[0].native_threshold or 0.0), *ends])
    columns = ["Data set", "At", f"Threshold ({f.clean(results[0].unit)})", "Lowest group’s FMR", "Highest group’s FMR"]
    caption = f"{f.shorten(m.model, 60)} on each data set by itself; groups with fewer than {FEW} errors left out"
    return Table(f"m-{m.ids[0]}", caption, columns, rows, frozenset({1, 3, 4})) if rows else None
