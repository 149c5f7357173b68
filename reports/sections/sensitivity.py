"""The section on what the finding would be at another threshold, or against another reference group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from faceparity.harness.results import Evaluation, Grouping, OperatingPoint, Rate, Sweep, SweptRate
from faceparity.reports.charts.curves import legend, line_style, mark_thresholds, native_axis, numbered, thin
from faceparity.reports.charts.figures import ratio_tick
from faceparity.reports.charts.svg import GRID, INK, Figure, canvas, style, to_svg
from faceparity.reports.layout.elements import Fold, Item, Section, Table, Text, pictures
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.headline import finest, headline, primary
from faceparity.reports.wording.narrative import INDICES, index_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_LINES = 16
LEAST_EFFECTIVE = 8.0
"""A group with fewer effective errors makes no reference: contract of ratios."""


def sensitivity_sections(e: Evaluation, key: str) -> list[Section]:
    """One section; none without an operating point."""
    items = [*_threshold(e, key), *_reference(e, key)]
    return [Section(f"{key}-sensitivity", "At another threshold, against another reference", items)] if items else []


def _threshold(e: Evaluation, key: str) -> Iterator[Item]:
    for g in sorted(e.groupings, key=lambda g: -len(g.attributes)):
        figure = ratios_by_threshold(e, g, f"{key}-swept-{e.groupings.index(g)}") if g.sweep else None
        if figure is None:
            continue
        yield from pictures(figure) if g is finest(e) else [Fold(f"Ratios by threshold, by {grouping_name(g)}", pictures(figure))]
    rows = list(_index_rows(finest(e)))
    if rows:
        points = [p for p in finest(e).operating_points if p.threshold is not None]
        columns = ["Index of FMR", *[f"{f.sentence(f.point_name(p))}" for p in points]]
        yield Table(
            f"{key}-index-points",
            f"Indices of spread by {grouping_name(finest(e))} at each threshold, and what equal rates would give",
            columns,
            rows,
        )


def _index_rows(g: Grouping) -> Iterator[list[str]]:
    """The main indices of FMR, one column for each operating point: value, and its median under equal rates."""
    points = [p for p in g.operating_points if p.threshold is not None]
    for name in ("max_min", "max_geometric_mean", "gini"):
        cells = []
        for p in points:
            x = p.differential.fmr.get(name) if p.differential else None
            null = f" ({f.number(x.null_median)})" if x and x.null_median is not None else ""
            cells.append(f.DASH if x is None or x.value is None else f"{f.number(x.value)}{null}")
        if name in INDICES and len(points) > 1 and any(c != f.DASH for c in cells):
            yield [f.sentence(index_name(name)), *cells]


def ratios_by_threshold(e: Evaluation, g: Grouping, key: str) -> Figure | None:
    """Ratio of FMR to the reference against the threshold, where enough errors allow it; None if nowhere."""
    lines = [] if g.sweep is None else [x for x in _lines(g, g.sweep) if len(x[1])]
    if not lines or g.reference is None:
        return None
    drawn = lines[:MAX_LINES]
    told = "; ".join(f"{f.shorten(name, 60)}: from {f.ratio(y.min())} to {f.ratio(y.max())}" for name, _, y in drawn)
    alt = f"Ratio of the false match rate of {len(drawn)} groups to that of {f.shorten(g.reference, 60)} at every threshold. {told}."
    more = len(lines) - len(drawn)
    caption = (
        f"FMR of each group over that of {f.shorten(g.reference, 60)}, at every threshold: {f.shorten(e.model.name, 60)} on "
        f"{f.shorten(e.dataset.name, 60)}. A line stands only where there are at least 30 effective errors in the higher group and 8 in "
        f"the lower. Dotted: thresholds ({numbered(g)}). Log scale."
    )
    caption += f" {f.plural(more, 'group')} more not drawn." if more else ""
    return Figure(key, _draw(e, g, drawn, key, alt), caption, alt)


def _lines(g: Grouping, sweep: Sweep) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each group its name, thresholds and ratios, only where the record allows a ratio to be told."""
    swept = {r.group: r for r in sweep.rates if r.measure == "fmr" and not r.reason and r.errors}
    base = _rate(swept[g.reference]) if g.reference in swept else None
    if base is None:
        return
    at = np.asarray(sweep.thresholds)
    for name, r in swept.items():
        if name == g.reference or not r.ratio_log_half_width:
            continue
        ok = np.array([h is not None for h in r.ratio_log_half_width]) & (base > 0)
        ok &= _rate(r) > 0  # the axis is of logarithms
        yield name, at[ok], _rate(r)[ok] / base[ok]


def _rate(r: SweptRate) -> np.ndarray:
    return np.asarray(r.rate, dtype=np.float64) if r.rate else np.asarray(r.errors, dtype=np.float64) / max(r.comparisons, 1)


def _draw(e: Evaluation, g: Grouping, lines: Sequence[tuple[str, np.ndarray, np.ndarray]], key: str, alt: str) -> str:
    with style():
        below = 16 * -(-len(lines) // 2) + 8
        height = 260 + below
        figure = canvas(height)
        ax = figure.add_axes((0.13, (below + 36) / height, 0.83, (height - below - 54) / height))
        ax.set_yscale("log")
        ax.axhline(1.0, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        for i, (_, t, y) in enumerate(lines):
            x, ly = thin(t, np.log10(y), 0.004)
            ax.plot(x, 10**ly, **line_style(i))  # type: ignore[arg-type]
        lo, hi = min(t.min() for _, t, _ in lines), max(t.max() for _, t, _ in lines)
        pad = 0.02 * (hi - lo) or 0.01
        native_axis(ax, e, float(lo - pad), float(hi + pad))
        _ratio_axis(ax, [y for _, _, y in lines])
        mark_thresholds(ax, [p for p in g.operating_points if p.threshold is not None], float(lo - pad), float(hi + pad))
        legend(ax, [name for name, _, _ in lines], below, height)
        return to_svg(figure, key, "Ratio to the reference by threshold", alt)


def _ratio_axis(ax: Axes, ratios: Sequence[np.ndarray]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    lo, hi = min(1.0, *(float(y.min()) for y in ratios)) / 1.3, max(1.0, *(float(y.max()) for y in ratios)) * 1.3
    steps = (1, 2, 5) if hi / lo < 200 else (1,)
    ax.set_ylim(lo, hi)
    ax.yaxis.set_major_locator(FixedLocator([m * 10.0**k for k in range(-4, 5) for m in steps if lo <= m * 10.0**k <= hi]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: ratio_tick(x)))
    ax.tick_params(axis="y", labelsize=8, length=3)
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_ylabel("FMR over the reference's", fontsize=9)


def _reference(e: Evaluation, key: str) -> Iterator[Item]:
    """For each grouping, what the ratios would be with every other group as the reference."""
    told = False
    for i in sorted(range(len(e.groupings)), key=lambda i: -len(e.groupings[i].attributes)):
        g, n = e.groupings[i], headline(e.groupings[i])
        table = None if n is None else reference_table(g, g.operating_points[n], f"{key}-{i}-references")
        if table is None:
            continue
        if not told:
            yield Text(
                "Another reference multiplies all ratios by one number and leaves the order of the groups as it is. Ratios of "
                "rates as observed, without intervals; a verdict is given only against the reference chosen beforehand."
            )
            told = True
        yield table


def reference_table(g: Grouping, p: OperatingPoint, key: str) -> Table | None:
    """With each group of at least 8 effective errors as the reference: the least and the greatest ratio. None for fewer than three."""
    of = [r for r in primary(p.fmr) if _firm(r)]
    if len(of) < 3:
        return None
    rows = []
    for r in of:
        others = sorted((x for x in of if x is not r), key=lambda x: x.rate or 0.0)
        least, most = others[0], others[-1]
        mark = " (the reference)" if r.group == g.reference else ""
        rows.append([f.shorten(r.group, 80) + mark, f.percent(r.rate), *_ratio_to(least, r), *_ratio_to(most, r)])
    columns = ["If this were the reference", "FMR", "Least ratio", "of", "Greatest ratio", "of"]
    caption = f"FMR by {grouping_name(g)} against every possible reference, {f.point_name(p)}"
    return Table(key, caption, columns, rows, frozenset({3, 5}))


def _firm(r: Rate) -> bool:
    return r.status == "ok" and bool(r.rate) and (r.effective_errors or 0.0) >= LEAST_EFFECTIVE


def _ratio_to(r: Rate, reference: Rate) -> list[str]:
    assert r.rate
    assert reference.rate
    return [f.ratio(r.rate / reference.rate), f.shorten(r.group, 60)]
