"""One model across data sets, side by side: each data set has other people, so nothing is tested."""

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


def model_sections(comparison: Comparison, names: Names) -> Iterator[Section]:
    """Yield a section for each model on several data sets.

    FMR by group side by side, no test.
    """
    for k, model in enumerate(comparison.models):
        items: list[Item] = [Text(words.DIFFERENT_PEOPLE, "flag")]
        if (table := model_rows(comparison, model, names)) is not None:
            items.append(table)
        results = [names.of[result] for result in model.ids]
        for attributes, at in _common_panels(results):
            measures: tuple[Literal["fmr", "fnmr"], ...] = ("fmr", "fnmr")
            for measure in measures:
                groups, panels = panels_of(results, at, measure)
                panels = [panel._replace(title=f"{result.dataset}") for panel, result in zip(panels, results, strict=True)]
                name = f"{words.FULL[measure]} of {f.shorten(model.model, 40)} by {by_name(attributes)}"
                target = f.target(at[0].target_fmr) if at[0].target_fmr else ""
                caption = f"{name}, target FMR {target} on each data set by itself. No test: other people are in each."
                key = f"m{k}-{'-'.join(str(i) for i, _ in enumerate(attributes))}-{len(items)}-{measure}"
                items += pictures(small_multiples(key, name, caption, groups, panels))
        yield Section(f"m{k}", f.shorten(model.model, 60), items)


def _common_panels(results: Sequence[Compared]) -> Iterator[tuple[list[str], list[ComparedPanel]]]:
    """Yield the groupings that all results have.

    At the highest target that all have a threshold for.
    """
    first = results[0]
    for attributes, panels in groupby(first.panels, key=lambda candidate: candidate.attributes):
        for panel in panels:
            if panel.origin != "target" or panel.threshold is None:
                continue
            panels_at_target = [
                next((candidate for candidate in result.panels if candidate.attributes == attributes and candidate.origin == "target"
                      and candidate.target_fmr == panel.target_fmr and candidate.threshold is not None), None)
                for result in results
            ]  # fmt: skip
            there = [candidate for candidate in panels_at_target if candidate is not None]
            if len(there) == len(results):
                yield attributes, there
                break


def model_rows(comparison: Comparison, model: ComparedModel, names: Names) -> Table | None:
    """Return one model's FMR over its data sets.

    At each data set's first target with a threshold: this threshold, and the lowest and highest group's FMR. None without any.
    """
    results = [names.of[result] for result in model.ids]
    rows = []
    for result in results:
        found = [
            panel
            for panel in result.panels
            if panel.attributes == result.attributes and panel.origin == "target" and panel.threshold is not None
        ]
        if not found:
            continue
        shown = sorted(
            (rate for rate in found[0].fmr if rate.status == "ok" and (rate.errors or 0) >= FEW),
            key=lambda rate: rate.rate or 0.0,
        )
        ends = (
            [f"{f.shorten(rate.group, 60)} {f.rate(rate)}" for rate in (shown[0], shown[-1])]
            if len(shown) > 1
            else [f.DASH, f.DASH]
        )
        at = f"target FMR {f.target(found[0].target_fmr or 0.0)}"
        rows.append([f.shorten(result.dataset, 60), at, f.native_number(found[0].native_threshold or 0.0), *ends])
    columns = ["Data set", "At", f"Threshold ({f.clean(results[0].unit)})", "Lowest group’s FMR", "Highest group’s FMR"]
    caption = f"{f.shorten(model.model, 60)} on each data set by itself; groups with fewer than {FEW} errors left out"
    return Table(f"m-{model.ids[0]}", caption, columns, rows, frozenset({1, 3, 4})) if rows else None
