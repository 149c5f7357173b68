"""Figures of searches: cumulative match characteristic, and open-set detection error trade-off, by group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from faceparity.harness.metrics.separation import probit
from faceparity.harness.results import CmcCurve, DetCurve, Evaluation, SearchesPart
from faceparity.reports.charts.curves import MAX_CURVES, PROBITS, legend, line_style, native_axis
from faceparity.reports.charts.figures import percent_tick
from faceparity.reports.layout.svg import GRID, INK, MUTED, SERIES, Figure, canvas, style, to_svg
from faceparity.reports.wording import numbers as f

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EVERYBODY = "everybody"
T = TypeVar("T", CmcCurve, DetCurve)


def _groups(curves: Sequence[T]) -> list[T]:
    """Return the groups' curves.

    Everybody's where there is no group; at most `MAX_CURVES`.
    """
    named = [curve for curve in curves if curve.group != EVERYBODY]
    return (named or list(curves))[:MAX_CURVES]


def _layout(lines: int, left: float = 0.15) -> tuple[float, float, tuple[float, float, float, float]]:
    """Return legend room, height, and place of the axes.

    For the legend of a number of lines; in units of the figure, the axes as fractions of it.
    """
    below = 16 * -(-lines // 2) + 8
    height = 290.0 + below
    return below, height, (left, (below + 36) / height, 0.96 - left, (height - below - 46) / height)


def _where(evaluation: Evaluation, search: SearchesPart) -> str:
    """Return model, data set and gallery size for captions."""
    size = search.gallery.people if search.gallery is not None else 0
    model, dataset = f.shorten(evaluation.model.name, 60), f.shorten(evaluation.dataset.name, 60)
    return f"{model} on {dataset}, gallery of {f.plural(size, 'person', 'people')}"


def cmc(evaluation: Evaluation, search: SearchesPart, key: str) -> Figure | None:
    """Return a figure of cumulative match characteristics.

    How often the person is among the first r candidates. None where nobody is searched for who is in the gallery.
    """
    curves = _groups(search.cmc)
    if not curves:
        return None
    from matplotlib.ticker import MaxNLocator

    worst = min(curves, key=lambda curve: curve.hit_rates[0])
    alt = (
        f"Share of searches that have the person among the first candidates, by group: at rank 1 between "
        f"{f.percent(worst.hit_rates[0])} ({f.clean(worst.group)}) and {f.percent(max(curve.hit_rates[0] for curve in curves))}."
    )
    caption = (
        f"Closed set: share of searches for somebody in the gallery that have the person among the first r candidates, whatever "
        f"the score, by group, {_where(evaluation, search)}. Higher is better; the axis does not begin at 0."
    )
    with style():
        below, height, at = _layout(len(curves))
        figure = canvas(height)
        ax = figure.add_axes(at)
        for i, curve in enumerate(curves):
            ranks = np.arange(1, len(curve.hit_rates) + 1)
            ax.plot(ranks, 100 * np.asarray(curve.hit_rates), **line_style(i), marker="o", markersize=2.5)  # type: ignore[arg-type]
        ax.set_xlabel("r: candidates looked at", fontsize=9)
        ax.set_ylabel("person among them, %", fontsize=9)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        _finish(ax)
        legend(ax, [curve.group for curve in curves], below, height)
        return Figure(key, to_svg(figure, key, "Cumulative match characteristic by group", alt), caption, alt)


def det(evaluation: Evaluation, search: SearchesPart, key: str) -> Figure | None:
    """Return a figure of FNIR against FPIR by group.

    FPIR by threshold where nobody is searched for who is in the gallery. None without curves.
    """
    curves = _groups(search.det)
    if not curves or not search.det_thresholds:
        return None
    return _trade_off(evaluation, search, curves, key) if curves[0].fnir else _by_threshold(evaluation, search, curves, key)


def _trade_off(evaluation: Evaluation, search: SearchesPart, curves: Sequence[DetCurve], key: str) -> Figure:
    """Return the figure of FNIR against FPIR."""
    alt = f"Open-set detection error trade-off of {len(curves)} groups: lower and further left is fewer errors."
    mark = (
        " Dots, and the fine line through them: this scenario's threshold, the same for every group."
        if _nearest_threshold(search) is not None
        else ""
    )
    caption = (
        "Open set: searches that miss the person (FNIR, at any rank) against false alarms (FPIR), by group, "
        f"{_where(evaluation, search)}. Probit axes; where no error was seen nothing is drawn.{mark}"
    )
    with style():
        below, height, at = _layout(len(curves))
        figure = canvas(height)
        ax = figure.add_axes(at)
        spots = []
        for i, curve in enumerate(curves):
            fpir, fnir = np.asarray(curve.fpir), np.asarray(curve.fnir)
            ok = (fpir > 0) & (fpir < 1) & (fnir > 0) & (fnir < 1)
            ax.plot(probit(fpir[ok]), probit(fnir[ok]), **line_style(i))  # type: ignore[arg-type]
            k = _nearest_threshold(search)
            if k is not None and ok[k]:
                spot = (float(probit(fpir[[k]])[0]), float(probit(fnir[[k]])[0]))
                ax.plot(*spot, marker="o", markersize=5, color=SERIES[i % len(SERIES)])
                spots.append(spot)
        if len(spots) > 1:
            ax.plot(*zip(*sorted(spots), strict=True), color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        _probits(ax)
        ax.set_xlabel("FPIR: somebody found who isn't there", fontsize=9)
        ax.set_ylabel("FNIR: the person missed", fontsize=9)
        _finish(ax)
        legend(ax, [curve.group for curve in curves], below, height)
        return Figure(key, to_svg(figure, key, "Open-set DET by group", alt), caption, alt)


def _by_threshold(evaluation: Evaluation, search: SearchesPart, curves: Sequence[DetCurve], key: str) -> Figure:
    """Return the figure of FPIR by threshold."""
    alt = f"False alarms (FPIR) by threshold in {len(curves)} groups: each falls as the threshold rises, at its own height."
    mark = " Dotted line: this scenario's threshold." if _nearest_threshold(search) is not None else ""
    caption = (
        f"Open set: false alarms (FPIR) by threshold and group, {_where(evaluation, search)}. "
        f"Nobody in these data can be searched for who is in the gallery, so misses are not known.{mark}"
    )
    with style():
        below, height, at = _layout(len(curves))
        figure = canvas(height)
        ax = figure.add_axes(at)
        for i, curve in enumerate(curves):
            fpir = np.asarray(curve.fpir)
            ax.plot(np.asarray(search.det_thresholds)[fpir > 0], 100 * fpir[fpir > 0], **line_style(i))  # type: ignore[arg-type]
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        if search.threshold is not None and search.threshold.threshold is not None:
            ax.axvline(search.threshold.threshold, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        ax.set_ylabel("FPIR, %", fontsize=9)
        _finish(ax)
        native_axis(ax, evaluation, search.det_thresholds[0], search.det_thresholds[-1])
        legend(ax, [curve.group for curve in curves], below, height)
        return Figure(key, to_svg(figure, key, "FPIR by threshold and group", alt), caption, alt)


def _nearest_threshold(search: SearchesPart) -> int | None:
    """Return which curve threshold is nearest to the scenario's own.

    Its position; None where the scenario's threshold is not on the curves.
    """
    threshold = None if search.threshold is None else search.threshold.threshold
    if threshold is None or not search.det_thresholds or not search.det_thresholds[0] <= threshold <= search.det_thresholds[-1]:
        return None
    return int(np.abs(np.asarray(search.det_thresholds) - threshold).argmin())


def _probits(ax: Axes) -> None:
    """Set the ticks of probit axes."""
    ticks = probit(np.array(PROBITS))
    for axis in (ax.xaxis, ax.yaxis):
        lo, hi = axis.get_view_interval()
        axis.set_ticks([tick for tick in ticks if lo <= tick <= hi])
        axis.set_ticklabels([percent_tick(rate) for rate, tick in zip(PROBITS, ticks, strict=True) if lo <= tick <= hi])


def _finish(ax: Axes) -> None:
    """Set tick sizes and the grid."""
    ax.tick_params(labelsize=8, length=3)
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
