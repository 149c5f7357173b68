"""Figures over all thresholds, from the record's histograms: scores by group, DET, and FMR by threshold where nothing is mated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from faceparity.harness.metrics.separation import Det, det_of_histogram, probit
from faceparity.harness.results import Curve, Evaluation, Grouping, OperatingPoint
from faceparity.reports.charts.figures import group_rate
from faceparity.reports.charts.svg import DASHES, GRID, INK, MUTED, PAPER, SERIES, Figure, canvas, style, to_svg
from faceparity.reports.wording import numbers as f

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Array = npt.NDArray[np.float64]
BINS = 50
MAX_CURVES = 24
LEAST_ERRORS = 10
MARKERS = ("o", "s", "^", "D")
PROBITS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95)


def shown_curves(g: Grouping) -> list[Curve]:
    """Within-group curves of groups of at least 30 people, at most 24 of them, the largest."""
    people = {x.group: x.subjects for x in g.groups}
    curves = [c for c in g.curves if c.group_b in (None, c.group) and people.get(c.group, 0) >= 30 and any(c.non_mated)]
    keep = {c.group for c in sorted(curves, key=lambda c: -people[c.group])[:MAX_CURVES]}
    return [c for c in curves if c.group in keep]


def rates_by_threshold(c: Curve) -> Det:
    """Thresholds (the lower edges of the bins, as similarities), FMR and FNMR at each; a score at the threshold is a match.

    FMR is all NaN without non-mated comparisons, FNMR without mated ones.
    """
    return det_of_histogram(np.asarray(c.edges), np.asarray(c.mated), np.asarray(c.non_mated))


def _thresholds(g: Grouping) -> list[OperatingPoint]:
    return [p for p in g.operating_points if p.threshold is not None]


def _name(e: Evaluation) -> str:
    return f"{f.shorten(e.model.name, 60)} on {f.shorten(e.dataset.name, 60)}"


def numbered(g: Grouping) -> str:
    """The letters of the thresholds in a figure, with their names."""
    return ", ".join(f"{chr(ord('A') + i)} {f.point_name(p)}" for i, p in enumerate(_thresholds(g)))


def _left_out(g: Grouping, curves: Sequence[Curve]) -> str:
    n = len(g.groups) - len(curves)
    return f" {f.plural(n, 'group')} with fewer than 30 people or no comparisons not drawn." if n else ""


def histograms(e: Evaluation, g: Grouping, key: str) -> Figure | None:
    """Distribution of scores by group, mated and non-mated, with the thresholds. None if no group is large enough."""
    curves = shown_curves(g)
    if not curves:
        return None
    lo, hi = _range(curves)
    mated = any(sum(c.mated) for c in curves)
    alt = (
        f"Distribution of comparison scores within each of {len(curves)} groups, {'mated and ' if mated else ''}non-mated, "
        f"with {f.plural(len(_thresholds(g)), 'threshold')} marked."
    )
    caption = (
        f"Comparison scores by group, {_name(e)}. Filled: two different people; "
        + ("line: two images of one person; " if mated else "")
        + f"each scaled to its own height. Dotted lines: thresholds ({numbered(g)}). Further right is more alike.{_left_out(g, curves)}"
    )
    top, row = 16.0, 30.0
    height = top + row * len(curves) + 36
    with style():
        figure = canvas(height)
        ax = figure.add_axes((0.03, 34 / height, 0.94, (height - 34 - top) / height))
        for i, c in enumerate(curves):
            _ridge(ax, i, c, lo, hi)
        native_axis(ax, e, lo, hi)
        ax.set_ylim(len(curves) - 0.9, -1.0)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        mark_thresholds(ax, _thresholds(g), lo, hi)
        return Figure(key, to_svg(figure, key, "Comparison scores by group", alt), caption, alt)


def _range(curves: Sequence[Curve]) -> tuple[float, float]:
    """The range of scores that holds any."""
    used = [(c.edges[i], c.edges[i + 1]) for c in curves for i in np.flatnonzero(np.asarray(c.mated) + np.asarray(c.non_mated))]
    return float(min(a for a, _ in used)), float(max(b for _, b in used))


def _ridge(ax: Axes, y: int, c: Curve, lo: float, hi: float) -> None:
    mid = (np.asarray(c.edges[:-1]) + np.asarray(c.edges[1:])) / 2
    edges = np.linspace(lo, hi, BINS + 1)
    at = (edges[:-1] + edges[1:]) / 2
    for counts, filled in ((c.non_mated, True), (c.mated, False)):
        if not sum(counts):
            continue
        h = np.histogram(mid, edges, weights=np.asarray(counts, dtype=np.float64))[0]
        line = y - 0.78 * h / h.max()
        if filled:
            ax.fill_between(at, y, line, color=SERIES[0], alpha=0.55, linewidth=0)
        else:
            ax.plot(at, line, color=SERIES[1], linewidth=1.3)
    ax.axhline(y, color=GRID, linewidth=0.6, zorder=0)
    name = ax.text(0, y - 0.72, f.shorten(c.group, 34), transform=ax.get_yaxis_transform(), ha="left", va="top", fontsize=9)
    name.set_bbox({"facecolor": PAPER, "edgecolor": "none", "alpha": 0.7, "pad": 0.5})


def native_axis(ax: Axes, e: Evaluation, lo: float, hi: float) -> None:
    """An axis of similarities whose ticks are written in the model's own unit."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    sign = e.model.score.sign
    ax.set_xlim(lo, hi)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{sign * x + 0.0:.4g}"))
    ax.tick_params(axis="x", labelsize=9, length=3)
    ax.set_xlabel(f"{f.shorten(e.model.score.unit, 30)} (more alike →)", fontsize=9)


def mark_thresholds(ax: Axes, points: Sequence[OperatingPoint], lo: float, hi: float) -> None:
    """Dotted lines with letters at those thresholds that lie within the axis."""
    at = sorted(
        (p.threshold, chr(ord("A") + i)) for i, p in enumerate(points) if p.threshold is not None and lo <= p.threshold <= hi
    )
    last = -np.inf
    for t, letter in at:
        ax.axvline(t, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        last = max(t, last + 0.035 * (hi - lo))  # letters of near thresholds stand side by side
        ax.text(last, 1.005, letter, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=9, fontweight="bold")


def det(e: Evaluation, g: Grouping, key: str) -> Figure | None:
    """FNMR against FMR by group on probit axes, the operating thresholds marked on each. None if nothing is mated, or too few errors."""
    curves = [c for c in shown_curves(g) if sum(c.mated)]
    if not any(_has_both(c) for c in curves):
        return None
    alt = f"Detection error trade-off of {len(curves)} groups: lower and further left is fewer errors. "
    alt += "Marks show where each group stands at the same threshold; they are not at the same place for all groups."
    caption = (
        f"Detection error trade-off by group, {_name(e)}. Marks, and the fine line through them: the same threshold in every group "
        f"({_numbered_marks(g)}); a mark further right means more false matches, a higher one more false non-matches. "
        f"Probit axes.{_left_out(g, curves)}"
    )
    with style():
        below = 16 * -(-len(curves) // 2) + 8
        height = 330 + below
        figure = canvas(height)
        ax = figure.add_axes((0.15, (below + 36) / height, 0.81, (height - below - 46) / height))
        _det_links(ax, [c.group for c in curves], g)
        for i, c in enumerate(curves):
            _det_line(ax, i, c)
            _det_marks(ax, i, c.group, g)
        _probit_axes(ax)
        legend(ax, [c.group for c in curves], below, height)
        return Figure(key, to_svg(figure, key, "DET by group", alt), caption, alt)


def _numbered_marks(g: Grouping) -> str:
    shapes = ("circle", "square", "triangle", "diamond")
    return ", ".join(f"{shapes[i % 4]} {f.point_name(p)}" for i, p in enumerate(_thresholds(g)))


def line_style(i: int) -> dict[str, object]:
    """Colour and dashes of the i-th line: 24 that differ."""
    return {"color": SERIES[i % len(SERIES)], "linestyle": DASHES[i // len(SERIES) % len(DASHES)], "linewidth": 1.4}


def _has_both(c: Curve) -> bool:
    """Whether at some threshold there are false matches, and at least ten false non-matches: on fewer a curve says nothing."""
    _, fmr, fnmr = rates_by_threshold(c)
    return bool(((fmr > 0) & (fmr < 1) & (fnmr * sum(c.mated) >= LEAST_ERRORS - 0.5)).any())


def _det_line(ax: Axes, i: int, c: Curve) -> None:
    _, fmr, fnmr = rates_by_threshold(c)
    ok = (fmr > 0) & (fmr < 1) & (fnmr > 0) & (fnmr < 1)
    x, y = probit(fmr[ok]), probit(fnmr[ok])
    x, y = thin(x, y, 0.02)
    ax.plot(x, y, **line_style(i))  # type: ignore[arg-type]


def thin(x: Array, y: Array, step: float) -> tuple[Array, Array]:
    """Leaves out points closer than `step` on both axes to the last one kept; first and last stay."""
    keep: list[int] = []
    for i in range(len(x)):
        if not keep or i == len(x) - 1 or max(abs(x[i] - x[keep[-1]]), abs(y[i] - y[keep[-1]])) >= step:
            keep.append(i)
    return x[keep], y[keep]


def _det_spot(p: OperatingPoint, group: str) -> Array | None:
    """Where a group stands at an operating point, on probit axes; None where a rate is unknown, 0 or 1."""
    a, b = group_rate(p, "fmr", group), group_rate(p, "fnmr", group)
    if a and b and a.rate and b.rate and a.rate < 1 and b.rate < 1:
        return probit(np.array([a.rate, b.rate]))
    return None


def _det_marks(ax: Axes, i: int, group: str, g: Grouping) -> None:
    for j, p in enumerate(_thresholds(g)):
        at = _det_spot(p, group)
        if at is not None:
            ax.plot(at[:1], at[1:], marker=MARKERS[j % 4], markersize=5, color=SERIES[i % len(SERIES)])


def _det_links(ax: Axes, groups: Sequence[str], g: Grouping) -> None:
    """A fine line through the marks of one threshold, from the least FMR to the greatest."""
    for p in _thresholds(g):
        spots = sorted((tuple(x) for group in groups for x in [_det_spot(p, group)] if x is not None), key=lambda x: x)
        if len(spots) > 1:
            ax.plot(*zip(*spots, strict=True), color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)


def _probit_axes(ax: Axes) -> None:
    from faceparity.reports.charts.figures import percent_tick

    ticks = probit(np.array(PROBITS))
    for axis in (ax.xaxis, ax.yaxis):
        lo, hi = axis.get_view_interval()
        axis.set_ticks([t for t in ticks if lo <= t <= hi])
        axis.set_ticklabels([percent_tick(x) for x, t in zip(PROBITS, ticks, strict=True) if lo <= t <= hi])
    ax.tick_params(labelsize=8, length=3)
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel("FMR: two different people matched", fontsize=9)
    ax.set_ylabel("FNMR: one person not matched", fontsize=9)


def legend(ax: Axes, names: Sequence[str], below: float, height: float) -> None:
    """Names under the plot in two columns, each with its line."""
    figure = ax.figure
    rows = -(-len(names) // 2)
    for i, name in enumerate(names):
        x, y = (i // rows) * 0.5 + 0.02, (below - 8 - 16 * (i % rows)) / height
        figure.add_artist(_line2d(x, y, i))
        figure.text(x + 0.085, y, f.shorten(name, 26), ha="left", va="center", fontsize=8.5, color=INK)


def _line2d(x: float, y: float, i: int) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([x, x + 0.07], [y, y], **line_style(i))  # type: ignore[arg-type]


def tails(e: Evaluation, g: Grouping, key: str) -> Figure | None:
    """FMR by threshold and group, log scale. None if no group is large enough."""
    curves = shown_curves(g)
    if not curves:
        return None
    alt = (
        f"False match rate of {len(curves)} groups as the threshold rises; at one threshold the lines stand at different heights."
    )
    caption = (
        f"FMR by group at every threshold, {_name(e)}. Dotted lines: thresholds ({numbered(g)}). Log scale; a line ends where its "
        f"group has no false match left, and its last steps rest on single errors.{_left_out(g, curves)}"
    )
    with style():
        below = 16 * -(-len(curves) // 2) + 8
        height = 290 + below
        figure = canvas(height)
        ax = figure.add_axes((0.15, (below + 36) / height, 0.81, (height - below - 54) / height))
        ax.set_yscale("log")
        for i, c in enumerate(curves):
            t, fmr, _ = rates_by_threshold(c)
            x, y = thin(t[fmr > 0], np.log10(fmr[fmr > 0]), 0.012)
            ax.plot(x, 10**y, **line_style(i))  # type: ignore[arg-type]
        lo, hi = _tail_range(curves)
        native_axis(ax, e, lo, hi)
        _percent_axis(ax)
        mark_thresholds(ax, _thresholds(g), lo, hi)
        legend(ax, [c.group for c in curves], below, height)
        return Figure(key, to_svg(figure, key, "FMR by threshold", alt), caption, alt)


def _tail_range(curves: Sequence[Curve]) -> tuple[float, float]:
    """From where the first group's FMR falls below one half, to the last false match."""
    starts, ends = [], []
    for c in curves:
        t, fmr, _ = rates_by_threshold(c)
        starts.append(t[fmr >= 0.5][-1] if (fmr >= 0.5).any() else t[0])
        ends.append(t[fmr > 0][-1])
    lo, hi = float(min(starts)), float(max(ends))
    bin_width = float(curves[0].edges[1] - curves[0].edges[0])
    return (lo, hi) if lo < hi else (lo - bin_width, hi + bin_width)  # All scores are equal.


def _percent_axis(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    from faceparity.reports.charts.figures import percent_tick

    ax.yaxis.set_major_locator(LogLocator(numticks=8))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: percent_tick(x)))
    ax.tick_params(axis="y", labelsize=8, length=3)
    ax.set_ylim(top=1)
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_ylabel("FMR", fontsize=9)
