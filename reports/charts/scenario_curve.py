"""FPIR against the length of the list: measured, and by the formula beyond the data."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.results import Evaluation, WatchlistScenario, WatchlistSize
from faceparity.reports.charts.curves import legend
from faceparity.reports.charts.figures import percent_tick
from faceparity.reports.layout.svg import GRID, MUTED, SERIES, Figure, canvas, style, to_svg
from faceparity.reports.wording import numbers as f

MOST = 6
"""Maximum number of groups drawn, those with most people; everybody is drawn too."""


def curve(evaluation: Evaluation, scenario: WatchlistScenario, key: str) -> Figure | None:
    """Return a figure of FPIR by length of the list.

    Solid with marks: measured; dashed: the formula alone. None if fewer than two sizes were measured for any group.
    """
    if scenario.reading is None:
        return None
    people = {group.group: group.people for group in scenario.reading.groups}
    known = {entry.group for size in scenario.sizes for entry in size.groups if entry.fpir is not None}
    names = [scenario.reading.overall.group] if scenario.reading.overall.group in known else []
    names += sorted(
        (candidate for candidate in people if candidate in known), key=lambda candidate: (-people[candidate], candidate)
    )[:MOST]
    if not names or sum(any(entry.fpir is not None for entry in size.groups) for size in scenario.sizes) < 2:
        return None
    left = f" {f.plural(len(people) - len(names) + 1, 'group')} not drawn." if len(names) - 1 < len(people) else ""
    alt = f"False alerts among people on no list grow with the length of the list, for {', '.join(names)}."
    caption = (
        f"FPIR by length of the list, {f.shorten(evaluation.model.name, 60)} on {f.shorten(evaluation.dataset.name, 60)}. "
        "Solid with dots: measured, as far "
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
            lengths, fpir = _points(scenario.sizes, name, measured=True)
            ax.plot(lengths, fpir, color=SERIES[i % len(SERIES)], linewidth=1.4, marker="o", markersize=2.5)
            fx, fy = _points(scenario.extrapolation, name, measured=False)
            if lengths and fx:
                ax.plot(fx, fy, color=SERIES[i % len(SERIES)], linewidth=1.1, linestyle=(0, (4, 2)))
        ax.axvline(scenario.sizes[-1].people, color=MUTED, linewidth=0.8)
        _axes(ax)
        legend(ax, names, below, height)
        return Figure(key, to_svg(figure, key, "FPIR by length of the list", alt), caption, alt)


def _points(sizes: Sequence[WatchlistSize], name: str, *, measured: bool) -> tuple[list[int], list[float]]:
    """Return lengths and FPIR of one group.

    Only where the FPIR is above zero.
    """
    found = [
        (size.people, entry.fpir if measured else entry.predicted_fpir)
        for size in sizes
        for entry in size.groups
        if entry.group == name
    ]
    kept = [(length, fpir) for length, fpir in found if fpir]
    return [length for length, _ in kept], [fpir for _, fpir in kept]


def _axes(ax: object) -> None:
    """Set scales, ticks and labels of both axes."""
    from matplotlib.axes import Axes
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    assert isinstance(ax, Axes)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(numticks=8))
        axis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda length, _: f"{length:,.0f}"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda fpir, _: percent_tick(fpir)))
    ax.set_ylim(top=1)
    ax.tick_params(labelsize=8, length=3)
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel("People on the list", fontsize=9)
    ax.set_ylabel("FPIR", fontsize=9)
