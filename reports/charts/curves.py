"""Figures over all thresholds, from the record's histograms: scores by group, DET, and FMR by threshold where nothing is mated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from faceparity.harness.metrics.separation import Det, det_of_histogram, probit
from faceparity.harness.results import Curve, Evaluation, Grouping, OperatingPoint
from faceparity.reports.charts.figures import group_rate
from faceparity.reports.layout.svg import DASHES, GRID, INK, MUTED, PAPER, SERIES, Figure, canvas, style, to_svg
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


def shown_curves(grouping: Grouping) -> list[Curve]:
    """Return the within-group curves that figures show.

    Of groups of at least 30 people, at most 24 of them, the largest.
    """
    people = {group.group: group.subjects for group in grouping.groups}
    curves = [
        curve
        for curve in grouping.curves
        if curve.group_b in (None, curve.group) and people.get(curve.group, 0) >= 30 and any(curve.non_mated)
    ]
    keep = {curve.group for curve in sorted(curves, key=lambda curve: -people[curve.group])[:MAX_CURVES]}
    return [curve for curve in curves if curve.group in keep]


def rates_by_threshold(curve: Curve) -> Det:
    """Return thresholds with the FMR and FNMR at each.

    Thresholds are the lower edges of the bins, as similarities; a score at the threshold is a match. FMR is all NaN without
    non-mated comparisons, FNMR without mated ones.
    """
    return det_of_histogram(np.asarray(curve.edges), np.asarray(curve.mated), np.asarray(curve.non_mated))


def _thresholds(grouping: Grouping) -> list[OperatingPoint]:
    """Return the operating points with a threshold."""
    return [point for point in grouping.operating_points if point.threshold is not None]


def _name(evaluation: Evaluation) -> str:
    """Return model and data set for captions."""
    return f"{f.shorten(evaluation.model.name, 60)} on {f.shorten(evaluation.dataset.name, 60)}"


def numbered(grouping: Grouping) -> str:
    """Return the letters of a figure's thresholds, with names."""
    return ", ".join(f"{chr(ord('A') + i)} {f.point_name(point)}" for i, point in enumerate(_thresholds(grouping)))


def _left_out(grouping: Grouping, curves: Sequence[Curve]) -> str:
    """Return how many groups are not drawn, as a sentence."""
    missing = len(grouping.groups) - len(curves)
    return f" {f.plural(missing, 'group')} with fewer than 30 people or no comparisons not drawn." if missing else ""


def histograms(evaluation: Evaluation, grouping: Grouping, key: str) -> Figure | None:
    """Return a figure of score distributions by group.

    Mated and non-mated, with the thresholds. None if no group is large enough.
    """
    curves = shown_curves(grouping)
    if not curves:
        return None
    lo, hi = _range(curves)
    mated = any(sum(curve.mated) for curve in curves)
    alt = (
        f"Distribution of comparison scores within each of {len(curves)} groups, {'mated and ' if mated else ''}non-mated, "
        f"with {f.plural(len(_thresholds(grouping)), 'threshold')} marked."
    )
    caption = (
        f"Comparison scores by group, {_name(evaluation)}. Filled: two different people; "
        + ("line: two images of one person; " if mated else "")
        + f"each scaled to its own height. Dotted lines: thresholds ({numbered(grouping)}). Further right is more alike."
        + _left_out(grouping, curves)
    )
    top, row = 16.0, 30.0
    height = top + row * len(curves) + 36
    with style():
        figure = canvas(height)
        ax = figure.add_axes((0.03, 34 / height, 0.94, (height - 34 - top) / height))
        for i, curve in enumerate(curves):
            _ridge(ax, i, curve, lo, hi)
        native_axis(ax, evaluation, lo, hi)
        ax.set_ylim(len(curves) - 0.9, -1.0)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        mark_thresholds(ax, _thresholds(grouping), lo, hi)
        return Figure(key, to_svg(figure, key, "Comparison scores by group", alt), caption, alt)


def _range(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the range of scores that holds any comparison."""
    used = [
        (curve.edges[i], curve.edges[i + 1])
        for curve in curves
        for i in np.flatnonzero(np.asarray(curve.mated) + np.asarray(curve.non_mated))
    ]
    return float(min(low for low, _ in used)), float(max(high for _, high in used))


def _ridge(ax: Axes, y: int, curve: Curve, lo: float, hi: float) -> None:
    """Draw the two distributions of one group at height `y`."""
    mid = (np.asarray(curve.edges[:-1]) + np.asarray(curve.edges[1:])) / 2
    edges = np.linspace(lo, hi, BINS + 1)
    at = (edges[:-1] + edges[1:]) / 2
    for counts, filled in ((curve.non_mated, True), (curve.mated, False)):
        if not sum(counts):
            continue
        density = np.histogram(mid, edges, weights=np.asarray(counts, dtype=np.float64))[0]
        line = y - 0.78 * density / density.max()
        if filled:
            ax.fill_between(at, y, line, color=SERIES[0], alpha=0.55, linewidth=0)
        else:
            ax.plot(at, line, color=SERIES[1], linewidth=1.3)
    ax.axhline(y, color=GRID, linewidth=0.6, zorder=0)
    name = ax.text(0, y - 0.72, f.shorten(curve.group, 34), transform=ax.get_yaxis_transform(), ha="left", va="top", fontsize=9)
    name.set_bbox({"facecolor": PAPER, "edgecolor": "none", "alpha": 0.7, "pad": 0.5})


def native_axis(ax: Axes, evaluation: Evaluation, lo: float, hi: float) -> None:
    """Label an axis of similarities in the model's unit."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    sign = evaluation.model.score.sign
    ax.set_xlim(lo, hi)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda similarity, _: f"{sign * similarity + 0.0:.4g}"))
    ax.tick_params(axis="x", labelsize=9, length=3)
    ax.set_xlabel(f"{f.shorten(evaluation.model.score.unit, 30)} (more alike →)", fontsize=9)


def mark_thresholds(ax: Axes, points: Sequence[OperatingPoint], lo: float, hi: float) -> None:
    """Draw dotted lines with letters at thresholds.

    At those that lie within the axis.
    """
    at = sorted(
        (point.threshold, chr(ord("A") + i))
        for i, point in enumerate(points)
        if point.threshold is not None and lo <= point.threshold <= hi
    )
    last = -np.inf
    for threshold, letter in at:
        ax.axvline(threshold, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        last = max(threshold, last + 0.035 * (hi - lo))  # letters of near thresholds stand side by side
        ax.text(last, 1.005, letter, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=9, fontweight="bold")


def det(evaluation: Evaluation, grouping: Grouping, key: str) -> Figure | None:
    """Return a figure of FNMR against FMR by group.

    On probit axes, with the operating thresholds marked on each line. None if nothing is mated, or with too few errors.
    """
    curves = [curve for curve in shown_curves(grouping) if sum(curve.mated)]
    if not any(_has_both(curve) for curve in curves):
        return None
    alt = f"Detection error trade-off of {len(curves)} groups: lower and further left is fewer errors. "
    alt += "Marks show where each group stands at the same threshold; they are not at the same place for all groups."
    caption = (
        f"Detection error trade-off by group, {_name(evaluation)}. Marks, and the fine line through them: the same threshold "
        "in every group "
        f"({_numbered_marks(grouping)}); a mark further right means more false matches, a higher one more false non-matches. "
        f"Probit axes.{_left_out(grouping, curves)}"
    )
    with style():
        below = 16 * -(-len(curves) // 2) + 8
        height = 330 + below
        figure = canvas(height)
        ax = figure.add_axes((0.15, (below + 36) / height, 0.81, (height - below - 46) / height))
        _det_links(ax, [curve.group for curve in curves], grouping)
        for i, curve in enumerate(curves):
            _det_line(ax, i, curve)
            _det_marks(ax, i, curve.group, grouping)
        _probit_axes(ax)
        legend(ax, [curve.group for curve in curves], below, height)
        return Figure(key, to_svg(figure, key, "DET by group", alt), caption, alt)


def _numbered_marks(grouping: Grouping) -> str:
    """Return the marks of a DET figure's thresholds, with names."""
    shapes = ("circle", "square", "triangle", "diamond")
    return ", ".join(f"{shapes[i % 4]} {f.point_name(point)}" for i, point in enumerate(_thresholds(grouping)))


def line_style(i: int) -> dict[str, object]:
    """Return colour and dashes of the i-th line.

    24 lines differ.
    """
    return {"color": SERIES[i % len(SERIES)], "linestyle": DASHES[i // len(SERIES) % len(DASHES)], "linewidth": 1.4}


def _has_both(curve: Curve) -> bool:
    """Return whether a curve has enough of both errors.

    False matches, and at the same threshold at least ten false non-matches: with fewer a curve shows nothing.
    """
    _, fmr, fnmr = rates_by_threshold(curve)
    return bool(((fmr > 0) & (fmr < 1) & (fnmr * sum(curve.mated) >= LEAST_ERRORS - 0.5)).any())


def _det_line(ax: Axes, i: int, curve: Curve) -> None:
    """Draw the line of one group."""
    _, fmr, fnmr = rates_by_threshold(curve)
    ok = (fmr > 0) & (fmr < 1) & (fnmr > 0) & (fnmr < 1)
    x, y = probit(fmr[ok]), probit(fnmr[ok])
    x, y = thin(x, y, 0.02)
    ax.plot(x, y, **line_style(i))  # type: ignore[arg-type]


def thin(x: Array, y: Array, step: float) -> tuple[Array, Array]:
    """Return a line without points close to the last one.

    Points closer than `step` on both axes to the last one kept are left out; first and last stay.
    """
    keep: list[int] = []
    for i in range(len(x)):
        if not keep or i == len(x) - 1 or max(abs(x[i] - x[keep[-1]]), abs(y[i] - y[keep[-1]])) >= step:
            keep.append(i)
    return x[keep], y[keep]


def _det_spot(point: OperatingPoint, group: str) -> Array | None:
    """Return a group's place at an operating point.

    On probit axes; None where a rate is unknown, 0 or 1.
    """
    fmr, fnmr = group_rate(point, "fmr", group), group_rate(point, "fnmr", group)
    if fmr and fnmr and fmr.rate and fnmr.rate and fmr.rate < 1 and fnmr.rate < 1:
        return probit(np.array([fmr.rate, fnmr.rate]))
    return None


def _det_marks(ax: Axes, i: int, group: str, grouping: Grouping) -> None:
    """Draw the marks of one group."""
    for j, point in enumerate(_thresholds(grouping)):
        at = _det_spot(point, group)
        if at is not None:
            ax.plot(at[:1], at[1:], marker=MARKERS[j % 4], markersize=5, color=SERIES[i % len(SERIES)])


def _det_links(ax: Axes, groups: Sequence[str], grouping: Grouping) -> None:
    """Draw a fine line through the marks of each threshold.

    From the least FMR to the greatest.
    """
    for point in _thresholds(grouping):
        spots = sorted(
            (tuple(spot) for group in groups for spot in [_det_spot(point, group)] if spot is not None), key=lambda spot: spot
        )
        if len(spots) > 1:
            ax.plot(*zip(*spots, strict=True), color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)


def _probit_axes(ax: Axes) -> None:
    """Set the ticks and labels of probit axes."""
    from faceparity.reports.charts.figures import percent_tick

    ticks = probit(np.array(PROBITS))
    for axis in (ax.xaxis, ax.yaxis):
        lo, hi = axis.get_view_interval()
        axis.set_ticks([tick for tick in ticks if lo <= tick <= hi])
        axis.set_ticklabels([percent_tick(rate) for rate, tick in zip(PROBITS, ticks, strict=True) if lo <= tick <= hi])
    ax.tick_params(labelsize=8, length=3)
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel("FMR: two different people matched", fontsize=9)
    ax.set_ylabel("FNMR: one person not matched", fontsize=9)


def legend(ax: Axes, names: Sequence[str], below: float, height: float) -> None:
    """Draw names under the plot in two columns, with lines."""
    figure = ax.figure
    rows = -(-len(names) // 2)
    for i, name in enumerate(names):
        x, y = (i // rows) * 0.5 + 0.02, (below - 8 - 16 * (i % rows)) / height
        figure.add_artist(_line2d(x, y, i))
        figure.text(x + 0.085, y, f.shorten(name, 26), ha="left", va="center", fontsize=8.5, color=INK)


def _line2d(x: float, y: float, i: int) -> Line2D:
    """Return the sample line of a legend's entry."""
    from matplotlib.lines import Line2D

    return Line2D([x, x + 0.07], [y, y], **line_style(i))  # type: ignore[arg-type]


def tails(evaluation: Evaluation, grouping: Grouping, key: str) -> Figure | None:
    """Return a figure of FMR by threshold and group.

    Log scale. None if no group is large enough.
    """
    curves = shown_curves(grouping)
    if not curves:
        return None
    alt = (
        f"False match rate of {len(curves)} groups as the threshold rises; at one threshold the lines stand at different heights."
    )
    caption = (
        f"FMR by group at every threshold, {_name(evaluation)}. Dotted lines: thresholds ({numbered(grouping)}). Log scale; a "
        "line ends where its "
        f"group has no false match left, and its last steps rest on single errors.{_left_out(grouping, curves)}"
    )
    with style():
        below = 16 * -(-len(curves) // 2) + 8
        height = 290 + below
        figure = canvas(height)
        ax = figure.add_axes((0.15, (below + 36) / height, 0.81, (height - below - 54) / height))
        ax.set_yscale("log")
        for i, curve in enumerate(curves):
            thresholds, fmr, _ = rates_by_threshold(curve)
            x, y = thin(thresholds[fmr > 0], np.log10(fmr[fmr > 0]), 0.012)
            ax.plot(x, 10**y, **line_style(i))  # type: ignore[arg-type]
        lo, hi = _tail_range(curves)
        native_axis(ax, evaluation, lo, hi)
        _percent_axis(ax)
        mark_thresholds(ax, _thresholds(grouping), lo, hi)
        legend(ax, [curve.group for curve in curves], below, height)
        return Figure(key, to_svg(figure, key, "FMR by threshold", alt), caption, alt)


def _tail_range(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the range of thresholds to draw.

    From where the first group's FMR falls below one half, to the last false match.
    """
    starts, ends = [], []
    for curve in curves:
        thresholds, fmr, _ = rates_by_threshold(curve)
        starts.append(thresholds[fmr >= 0.5][-1] if (fmr >= 0.5).any() else thresholds[0])
        ends.append(thresholds[fmr > 0][-1])
    lo, hi = float(min(starts)), float(max(ends))
    bin_width = float(curves[0].edges[1] - curves[0].edges[0])
    return (lo, hi) if lo < hi else (lo - bin_width, hi + bin_width)  # All scores are equal.


def _percent_axis(ax: Axes) -> None:
    """Set the ticks and label of an FMR axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    from faceparity.reports.charts.figures import percent_tick

    ax.yaxis.set_major_locator(LogLocator(numticks=8))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: percent_tick(rate)))
    ax.tick_params(axis="y", labelsize=8, length=3)
    ax.set_ylim(top=1)
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_ylabel("FMR", fontsize=9)
