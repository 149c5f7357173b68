"""Figures of searches: cumulative match characteristic, and open-set detection error trade-off, by group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from faceparity.harness.metrics.separation import probit
from faceparity.harness.results import CmcCurve, DetCurve, Evaluation, SearchesPart
from faceparity.reports.charts.curves import MAX_CURVES, PROBITS, legend, line_style, native_axis
from faceparity.reports.charts.figures import percent_tick
from faceparity.reports.charts.svg import GRID, INK, MUTED, SERIES, Figure, canvas, style, to_svg
from faceparity.reports.wording import numbers as f

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EVERYBODY = "everybody"
T = TypeVar("T", CmcCurve, DetCurve)


def _groups(curves: Sequence[T]) -> list[T]:
    """The groups' curves; everybody's where there is no group."""
    named = [c for c in curves if c.group != EVERYBODY]
    return (named or list(curves))[:MAX_CURVES]


def _place(n: int, left: float = 0.15) -> tuple[float, float, tuple[float, float, float, float]]:
    """Room for the legend of n lines, the figure's height, and where the axes are."""
    below = 16 * -(-n // 2) + 8
    height = 290.0 + below
    return below, height, (left, (below + 36) / height, 0.96 - left, (height - below - 46) / height)


def _where(e: Evaluation, s: SearchesPart) -> str:
    size = s.gallery.people if s.gallery is not None else 0
    return f"{f.shorten(e.model.name, 60)} on {f.shorten(e.dataset.name, 60)}, gallery of {f.plural(size, 'person', 'people')}"


def cmc(e: Evaluation, s: SearchesPart, key: str) -> Figure | None:
    """How often the person is among the first r candidates. None where nobody is searched for who is in the gallery."""
    curves = _groups(s.cmc)
    if not curves:
        return None
    from matplotlib.ticker import MaxNLocator

    worst = min(curves, key=lambda c: c.hit_rates[0])
    alt = (
        f"Share of searches that have the person among the first candidates, by group: at rank 1 between "
        f"{f.percent(worst.hit_rates[0])} ({f.clean(worst.group)}) and {f.percent(max(c.hit_rates[0] for c in curves))}."
    )
    caption = (
        f"Closed set: share of searches for somebody in the gallery that have the person among the first r candidates, whatever "
        f"the score, by group, {_where(e, s)}. Higher is better; the axis does not begin at 0."
    )
    with style():
        below, height, at = _place(len(curves))
        figure = canvas(height)
        ax = figure.add_axes(at)
        for i, c in enumerate(curves):
            ranks = np.arange(1, len(c.hit_rates) + 1)
            ax.plot(ranks, 100 * np.asarray(c.hit_rates), **line_style(i), marker="o", markersize=2.5)  # type: ignore[arg-type]
        ax.set_xlabel("r: candidates looked at", fontsize=9)
        ax.set_ylabel("person among them, %", fontsize=9)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        _finish(ax)
        legend(ax, [c.group for c in curves], below, height)
        return Figure(key, to_svg(figure, key, "Cumulative match characteristic by group", alt), caption, alt)


def det(e: Evaluation, s: SearchesPart, key: str) -> Figure | None:
    """FNIR against FPIR by group; FPIR by threshold where nobody is searched for who is in the gallery. None without curves."""
    curves = _groups(s.det)
    if not curves or not s.det_thresholds:
        return None
    return _trade_off(e, s, curves, key) if curves[0].fnir else _by_threshold(e, s, curves, key)


def _trade_off(e: Evaluation, s: SearchesPart, curves: Sequence[DetCurve], key: str) -> Figure:
    alt = f"Open-set detection error trade-off of {len(curves)} groups: lower and further left is fewer errors."
    mark = (
        " Dots, and the fine line through them: this scenario's threshold, the same for every group."
        if _at(s) is not None
        else ""
    )
    caption = (
        f"Open set: searches that miss the person (FNIR, at any rank) against false alarms (FPIR), by group, {_where(e, s)}. "
    )
    caption += f"Probit axes; where no error was seen nothing is drawn.{mark}"
    with style():
        below, height, at = _place(len(curves))
        figure = canvas(height)
        ax = figure.add_axes(at)
        spots = []
        for i, c in enumerate(curves):
            x, y = np.asarray(c.fpir), np.asarray(c.fnir)
            ok = (x > 0) & (x < 1) & (y > 0) & (y < 1)
            ax.plot(probit(x[ok]), probit(y[ok]), **line_style(i))  # type: ignore[arg-type]
            k = _at(s)
            if k is not None and ok[k]:
                spot = (float(probit(x[[k]])[0]), float(probit(y[[k]])[0]))
                ax.plot(*spot, marker="o", markersize=5, color=SERIES[i % len(SERIES)])
                spots.append(spot)
        if len(spots) > 1:
            ax.plot(*zip(*sorted(spots), strict=True), color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        _probits(ax)
        ax.set_xlabel("FPIR: somebody found who isn't there", fontsize=9)
        ax.set_ylabel("FNIR: the person missed", fontsize=9)
        _finish(ax)
        legend(ax, [c.group for c in curves], below, height)
        return Figure(key, to_svg(figure, key, "Open-set DET by group", alt), caption, alt)


def _by_threshold(e: Evaluation, s: SearchesPart, curves: Sequence[DetCurve], key: str) -> Figure:
    alt = f"False alarms (FPIR) by threshold in {len(curves)} groups: each falls as the threshold rises, at its own height."
    mark = " Dotted line: this scenario's threshold." if _at(s) is not None else ""
    caption = (
        f"Open set: false alarms (FPIR) by threshold and group, {_where(e, s)}. Nobody in these data can be searched for who "
    )
    caption += f"is in the gallery, so misses are not known.{mark}"
    with style():
        below, height, at = _place(len(curves))
        figure = canvas(height)
        ax = figure.add_axes(at)
        for i, c in enumerate(curves):
            y = np.asarray(c.fpir)
            ax.plot(np.asarray(s.det_thresholds)[y > 0], 100 * y[y > 0], **line_style(i))  # type: ignore[arg-type]
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(lambda v, _: f"{v:g}")
        if s.threshold is not None and s.threshold.threshold is not None:
            ax.axvline(s.threshold.threshold, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        ax.set_ylabel("FPIR, %", fontsize=9)
        _finish(ax)
        native_axis(ax, e, s.det_thresholds[0], s.det_thresholds[-1])
        legend(ax, [c.group for c in curves], below, height)
        return Figure(key, to_svg(figure, key, "FPIR by threshold and group", alt), caption, alt)


def _at(s: SearchesPart) -> int | None:
    """The threshold of the curves that is nearest to the scenario's own."""
    t = None if s.threshold is None else s.threshold.threshold
    if t is None or not s.det_thresholds or not s.det_thresholds[0] <= t <= s.det_thresholds[-1]:
        return None
    return int(np.abs(np.asarray(s.det_thresholds) - t).argmin())


def _probits(ax: Axes) -> None:
    ticks = probit(np.array(PROBITS))
    for axis in (ax.xaxis, ax.yaxis):
        lo, hi = axis.get_view_interval()
        axis.set_ticks([t for t in ticks if lo <= t <= hi])
        axis.set_ticklabels([percent_tick(x) for x, t in zip(PROBITS, ticks, strict=True) if lo <= t <= hi])


def _finish(ax: Axes) -> None:
    ax.tick_params(labelsize=8, length=3)
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
