"""The section on what the finding would be at another threshold, or against another reference group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from faceparity.harness.results import Evaluation, Grouping, OperatingPoint, Rate, Sweep, SweptRate
from faceparity.reports.charts.curves import legend, line_style, mark_thresholds, native_axis, numbered, thin
from faceparity.reports.charts.figures import ratio_tick
from faceparity.reports.layout.elements import Fold, Item, Section, Table, Text, pictures
from faceparity.reports.layout.svg import GRID, INK, Figure, canvas, style, to_svg
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.headline import finest, headline, primary
from faceparity.reports.wording.narrative import INDICES, index_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_LINES = 16
LEAST_EFFECTIVE = 8.0
"""A group with fewer effective errors can be no reference, by the rule for ratios."""


def sensitivity_sections(evaluation: Evaluation, key: str) -> list[Section]:
    """Return one section on other thresholds and references.

    Empty without an operating point.
    """
    items = [*_threshold(evaluation, key), *_reference(evaluation, key)]
    return [Section(f"{key}-sensitivity", "At another threshold, against another reference", items)] if items else []


def _threshold(evaluation: Evaluation, key: str) -> Iterator[Item]:
    """Yield ratios by threshold, and indices at each point."""
    for grouping in sorted(evaluation.groupings, key=lambda grouping: -len(grouping.attributes)):
        figure = (
            ratios_by_threshold(evaluation, grouping, f"{key}-swept-{evaluation.groupings.index(grouping)}")
            if grouping.sweep
            else None
        )
        if figure is None:
            continue
        yield from (
            pictures(figure)
            if grouping is finest(evaluation)
            else [Fold(f"Ratios by threshold, by {grouping_name(grouping)}", pictures(figure))]
        )
    rows = list(_index_rows(finest(evaluation)))
    if rows:
        points = [point for point in finest(evaluation).operating_points if point.threshold is not None]
        columns = ["Index of FMR", *[f"{f.sentence(f.point_name(point))}" for point in points]]
        yield Table(
            f"{key}-index-points",
            f"Indices of spread by {grouping_name(finest(evaluation))} at each threshold, and what equal rates would give",
            columns,
            rows,
        )


def _index_rows(grouping: Grouping) -> Iterator[list[str]]:
    """Yield the rows of the main indices of FMR.

    A column for each operating point: value, and its median under equal rates.
    """
    points = [point for point in grouping.operating_points if point.threshold is not None]
    for name in ("max_min", "max_geometric_mean", "gini"):
        cells = []
        for point in points:
            index = point.differential.fmr.get(name) if point.differential else None
            null = f" ({f.number(index.null_median)})" if index and index.null_median is not None else ""
            cells.append(f.DASH if index is None or index.value is None else f"{f.number(index.value)}{null}")
        if name in INDICES and len(points) > 1 and any(cell != f.DASH for cell in cells):
            yield [f.sentence(index_name(name)), *cells]


def ratios_by_threshold(evaluation: Evaluation, grouping: Grouping, key: str) -> Figure | None:
    """Return a figure of FMR ratios against the threshold.

    Ratios to the reference where enough errors allow it; None if nowhere.
    """
    lines = [] if grouping.sweep is None else [line for line in _lines(grouping, grouping.sweep) if len(line[1])]
    if not lines or grouping.reference is None:
        return None
    drawn = lines[:MAX_LINES]
    text = "; ".join(
        f"{f.shorten(name, 60)}: from {f.ratio(ratios.min())} to {f.ratio(ratios.max())}" for name, _, ratios in drawn
    )
    alt = f"Ratio of the false match rate of {len(drawn)} groups to that of {f.shorten(grouping.reference, 60)} at every threshold. {text}."
    more = len(lines) - len(drawn)
    caption = (
        f"FMR of each group over that of {f.shorten(grouping.reference, 60)}, at every threshold: "
        f"{f.shorten(evaluation.model.name, 60)} on "
        f"{f.shorten(evaluation.dataset.name, 60)}. A line stands only where there are at least 30 effective errors in the "
        "higher group and 8 in "
        f"the lower. Dotted: thresholds ({numbered(grouping)}). Log scale."
    )
    caption += f" {f.plural(more, 'group')} more not drawn." if more else ""
    return Figure(key, _draw(evaluation, grouping, drawn, key, alt), caption, alt)


def _lines(grouping: Grouping, sweep: Sweep) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield each group's name, thresholds and ratios.

    Only where the record allows a ratio to be given.
    """
    swept = {
        swept_rate.group: swept_rate
        for swept_rate in sweep.rates
        if swept_rate.measure == "fmr" and not swept_rate.reason and swept_rate.errors
    }
    base = _rate(swept[grouping.reference]) if grouping.reference in swept else None
    if base is None:
        return
    at = np.asarray(sweep.thresholds)
    for name, swept_rate in swept.items():
        if name == grouping.reference or not swept_rate.ratio_log_half_width:
            continue
        allowed = np.array([half_width is not None for half_width in swept_rate.ratio_log_half_width]) & (base > 0)
        allowed &= _rate(swept_rate) > 0  # the axis is of logarithms
        yield name, at[allowed], _rate(swept_rate)[allowed] / base[allowed]


def _rate(swept_rate: SweptRate) -> np.ndarray:
    """Return the rates of one group at each threshold."""
    return (
        np.asarray(swept_rate.rate, dtype=np.float64)
        if swept_rate.rate
        else np.asarray(swept_rate.errors, dtype=np.float64) / max(swept_rate.comparisons, 1)
    )


def _draw(
    evaluation: Evaluation, grouping: Grouping, lines: Sequence[tuple[str, np.ndarray, np.ndarray]], key: str, alt: str
) -> str:
    """Return the SVG of ratios by threshold."""
    with style():
        below = 16 * -(-len(lines) // 2) + 8
        height = 260 + below
        figure = canvas(height)
        ax = figure.add_axes((0.13, (below + 36) / height, 0.83, (height - below - 54) / height))
        ax.set_yscale("log")
        ax.axhline(1.0, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        for i, (_, thresholds, ratios) in enumerate(lines):
            x, ly = thin(thresholds, np.log10(ratios), 0.004)
            ax.plot(x, 10**ly, **line_style(i))  # type: ignore[arg-type]
        lo, hi = min(thresholds.min() for _, thresholds, _ in lines), max(thresholds.max() for _, thresholds, _ in lines)
        pad = 0.02 * (hi - lo) or 0.01
        native_axis(ax, evaluation, float(lo - pad), float(hi + pad))
        _ratio_axis(ax, [ratios for _, _, ratios in lines])
        mark_thresholds(
            ax, [point for point in grouping.operating_points if point.threshold is not None], float(lo - pad), float(hi + pad)
        )
        legend(ax, [name for name, _, _ in lines], below, height)
        return to_svg(figure, key, "Ratio to the reference by threshold", alt)


def _ratio_axis(ax: Axes, ratios: Sequence[np.ndarray]) -> None:
    """Set range, ticks and label of an axis of ratios."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    lo, hi = (
        min(1.0, *(float(values.min()) for values in ratios)) / 1.3,
        max(1.0, *(float(values.max()) for values in ratios)) * 1.3,
    )
    steps = (1, 2, 5) if hi / lo < 200 else (1,)
    ax.set_ylim(lo, hi)
    ax.yaxis.set_major_locator(
        FixedLocator([step * 10.0**exponent for exponent in range(-4, 5) for step in steps if lo <= step * 10.0**exponent <= hi])
    )
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda ratio, _: ratio_tick(ratio)))
    ax.tick_params(axis="y", labelsize=8, length=3)
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_ylabel("FMR over the reference's", fontsize=9)


def _reference(evaluation: Evaluation, key: str) -> Iterator[Item]:
    """Yield ratios with every other group as reference.

    A table for each grouping.
    """
    explained = False
    for i in sorted(range(len(evaluation.groupings)), key=lambda i: -len(evaluation.groupings[i].attributes)):
        grouping, position = evaluation.groupings[i], headline(evaluation.groupings[i])
        table = (
            None if position is None else reference_table(grouping, grouping.operating_points[position], f"{key}-{i}-references")
        )
        if table is None:
            continue
        if not explained:
            yield Text(
                "Another reference multiplies all ratios by one number and leaves the order of the groups as it is. Ratios of "
                "rates as observed, without intervals; a verdict is given only against the reference chosen beforehand."
            )
            explained = True
        yield table


def reference_table(grouping: Grouping, point: OperatingPoint, key: str) -> Table | None:
    """Return least and greatest ratio for each possible reference.

    Each group of at least 8 effective errors is a reference. None for fewer than three.
    """
    firm = [rate for rate in primary(point.fmr) if _firm(rate)]
    if len(firm) < 3:
        return None
    rows = []
    for rate in firm:
        others = sorted((other for other in firm if other is not rate), key=lambda other: other.rate or 0.0)
        least, most = others[0], others[-1]
        mark = " (the reference)" if rate.group == grouping.reference else ""
        rows.append([f.shorten(rate.group, 80) + mark, f.percent(rate.rate), *_ratio_to(least, rate), *_ratio_to(most, rate)])
    columns = ["If this were the reference", "FMR", "Least ratio", "of", "Greatest ratio", "of"]
    caption = f"FMR by {grouping_name(grouping)} against every possible reference, {f.point_name(point)}"
    return Table(key, caption, columns, rows, frozenset({3, 5}))


def _firm(rate: Rate) -> bool:
    """Return whether a rate has enough errors for a reference."""
    return rate.status == "ok" and bool(rate.rate) and (rate.effective_errors or 0.0) >= LEAST_EFFECTIVE


def _ratio_to(rate: Rate, reference: Rate) -> list[str]:
    """Return the ratio of two rates, and the group's name."""
    assert rate.rate
    assert reference.rate
    return [f.ratio(rate.rate / reference.rate), f.shorten(rate.group, 60)]
