"""FPIR against the length of the list: measured, and by the formula beyond the data."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.results import Evaluation, WatchlistScenario, WatchlistSize
from faceparity.reports.charts.curves import legend
from faceparity.reports.charts.figures import percent_tick
from faceparity.reports.charts.svg import GRID, MUTED, SERIES, Figure, canvas, style, to_svg
from faceparity.reports.wording import numbers as f

MOST = 6
"""So many groups are drawn, those with most people, and everybody."""


def curve(e: Evaluation, s: WatchlistScenario, key: str) -> Figure | None:
    """Solid with marks: measured; dashed: the formula alone. None if fewer than two sizes were measured for any group."""
    if s.reading is None:
        return None
    people = {x.group: x.people for x in s.reading.groups}
    known = {a.group for z in s.sizes for a in z.groups if a.fpir is not None}
    names = [s.reading.overall.group] if s.reading.overall.group in known else []
    names += sorted((g for g in people if g in known), key=lambda g: (-people[g], g))[:MOST]
    if not names or sum(any(a.fpir is not None for a in z.groups) for z in s.sizes) < 2:
        return None
    left = f" {f.plural(len(people) - len(names) + 1, 'group')} not drawn." if len(names) - 1 < len(people) else ""
    alt = f"False alerts among people on no list grow with the length of the list, for {', '.join(names)}."
    caption = (
        f"FPIR by length of the list, {f.shorten(e.model.name, 60)} on {f.shorten(e.dataset.name, 60)}. Solid with dots: measured, as far "
        "as the data has people. Dashed, right of the upright line: the formula alone, as if comparisons were independent; nobody has "
        f"measured that. Logarithmic axes.{left}"
    )
    with style():
        below = 16 * -(-len(names) // 2) + 8
        height = 290 + below
        figure = canvas(height)
        ax = figure.add_axes((0.16, (below + 36) / height, 0.8, (height - below - 46) / height))
        ax.set_xscale("log")
        ax.set_yscale("log")
        for i, name in enumerate(names):
            x, y = _points(s.sizes, name, measured=True)
            ax.plot(x, y, color=SERIES[i % len(SERIES)], linewidth=1.4, marker="o", markersize=2.5)
            fx, fy = _points(s.extrapolation, name, measured=False)
            if x and fx:
                ax.plot(fx, fy, color=SERIES[i % len(SERIES)], linewidth=1.1, linestyle=(0, (4, 2)))
        ax.axvline(s.sizes[-1].people, color=MUTED, linewidth=0.8)
        _axes(ax)
        legend(ax, names, below, height)
        return Figure(key, to_svg(figure, key, "FPIR by length of the list", alt), caption, alt)


def _points(sizes: Sequence[WatchlistSize], name: str, *, measured: bool) -> tuple[list[int], list[float]]:
    """Lengths and FPIR of one group, where they are above zero."""
    found = [(z.people, a.fpir if measured else a.predicted_fpir) for z in sizes for a in z.groups if a.group == name]
    kept = [(n, y) for n, y in found if y]
    return [n for n, _ in kept], [y for _, y in kept]


def _axes(ax: object) -> None:
    from matplotlib.axes import Axes
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    assert isinstance(ax, Axes)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(numticks=8))
        axis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: percent_tick(y)))
    ax.set_ylim(top=1)
    ax.tick_params(labelsize=8, length=3)
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel("People on the list", fontsize=9)
    ax.set_ylabel("FPIR", fontsize=9)
