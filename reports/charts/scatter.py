"""Both error rates of every group at one threshold: who is falsely matched more often, and who is not matched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from faceparity.harness.results import Evaluation, Grouping, OperatingPoint, Rate
from faceparity.reports.charts.figures import percent_tick, where
from faceparity.reports.charts.svg import GRID, INK, MUTED, PAPER, SERIES, Figure, canvas, style, to_svg
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import primary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_POINTS = 40
STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Ratios to the reference at which lines are drawn."""


class Spot(NamedTuple):
    """A group's two rates. A rate that is only bounded stands at its bound, with an arrow."""

    group: str
    fmr: float
    fnmr: float
    fmr_interval: tuple[float, float] | None
    fnmr_interval: tuple[float, float] | None
    fmr_bound: bool
    fnmr_bound: bool


def scatter(e: Evaluation, g: Grouping, p: OperatingPoint, key: str) -> Figure | None:
    """FMR across, FNMR up, on log scales, one numbered mark per group; None unless two groups have both."""
    fnmr = {r.group: r for r in primary(p.fnmr)}
    spots = [s for r in primary(p.fmr) for s in [_spot(r, fnmr.get(r.group))] if s is not None]
    if len(spots) < 2:
        return None
    drawn = spots[:MAX_POINTS]
    reference = next((s for s in drawn if s.group == g.reference and not s.fmr_bound), None)
    lines = "Fine lines: FMR, and FNMR, that many times the reference's. " if reference else ""
    told = "; ".join(f"{i + 1} {f.shorten(s.group, 60)}: FMR {_told(s.fmr, s.fmr_bound)}, FNMR {_told(s.fnmr, s.fnmr_bound)}" for i, s in
                     enumerate(drawn[:20]))  # fmt: skip
    left_out = len(g.groups) - len(drawn)
    caption = (
        f"Both error rates by group: {where(e, p)}. Further right: more false matches; higher: more false non-matches. {lines}"
        "Whiskers: 95 % intervals by people; hollow with an arrow: upper bound, fewer than 10 errors. Log scales. Labels as in "
        f"{f.shorten(e.dataset.name, 60)}."
    )
    caption += f" Not drawn: {f.plural(left_out, 'group')} without both rates." if left_out else ""
    alt = f"False match rate against false non-match rate of {len(drawn)} groups at one threshold. {told}."
    return Figure(key, _draw(drawn, reference, key, alt), caption, alt)


def _spot(a: Rate, b: Rate | None) -> Spot | None:
    x, y = _end(a), _end(b) if b else None
    if not x or not y or (a.status == "bound" and b is not None and b.status == "bound"):
        return None
    assert b is not None
    return Spot(a.group, x, y, _interval(a), _interval(b), a.status == "bound", b.status == "bound")


def _end(r: Rate) -> float | None:
    """The rate, or the upper end of a bound."""
    if r.status == "bound":
        return r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
    return r.rate if r.status == "ok" else None


def _interval(r: Rate) -> tuple[float, float] | None:
    return r.interval if r.status == "ok" else None


def _told(x: float, bound: bool) -> str:
    return f"at most {f.percent(x, 2)}" if bound else f.percent(x)


def _draw(spots: Sequence[Spot], reference: Spot | None, key: str, alt: str) -> str:
    rows = -(-len(spots) // 2)
    below = 16 * rows + 8
    height = 300 + below
    with style():
        figure = canvas(height)
        ax = figure.add_axes((0.16, (below + 38) / height, 0.80, (height - below - 56) / height))
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlim(*_limits([(s.fmr, s.fmr_interval) for s in spots]))
        ax.set_ylim(*_limits([(s.fnmr, s.fnmr_interval) for s in spots]))
        _ticks(ax)
        if reference is not None:
            _ratio_lines(ax, reference)
        for i, s in enumerate(spots):
            _mark(ax, i, s)
        for i, s in enumerate(spots):
            x, y = (i // rows) * 0.5 + 0.02, (below - 8 - 16 * (i % rows)) / height
            name = f"{i + 1}  {f.shorten(s.group, 24)}" + (" (ref.)" if s is reference else "")
            figure.text(x, y, name, ha="left", va="center", fontsize=8.5, color=INK)
        return to_svg(figure, key, "Both error rates by group", alt)


def _limits(ends: Sequence[tuple[float, tuple[float, float] | None]]) -> tuple[float, float]:
    """All marks; whiskers as far as they stay within a factor of 10 of those."""
    marks = [x for x, _ in ends]
    whiskers = [v for _, interval in ends for v in interval or () if v]
    lo, hi = max(min(marks + whiskers), min(marks) / 10), min(max(marks + whiskers), max(marks) * 10)
    return lo / 1.5, hi * 1.5


def _ticks(ax: Axes) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    for axis, (lo, hi) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        steps = (1, 2, 5) if hi / lo < 60 else (1,)
        axis.set_major_locator(FixedLocator([m * 10.0**k for k in range(-9, 1) for m in steps if lo <= m * 10.0**k <= hi]))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda x, _: percent_tick(x)))
    ax.tick_params(labelsize=8, length=3)
    ax.set_xlabel("FMR: two different people matched", fontsize=9)
    ax.set_ylabel("FNMR: one person not matched", fontsize=9)


def _ratio_lines(ax: Axes, reference: Spot) -> None:
    """Where a rate is 2, 5, 10, … times the reference group's; those of FNMR only if the reference has one."""
    text: dict[str, Any] = {"fontsize": 7.5, "color": MUTED}
    lo, hi = ax.get_xlim()
    for k in STEPS:
        x = k * reference.fmr
        if lo < x < hi:
            ax.axvline(x, color=GRID, linewidth=1.2 if k == 1 else 0.6, zorder=0)
            ax.text(x, 1.01, f"{k:g}×", transform=ax.get_xaxis_transform(), ha="center", va="bottom", **text)
    lo, hi = ax.get_ylim()
    for k in STEPS if not reference.fnmr_bound else ():
        y = k * reference.fnmr
        if lo < y < hi:
            ax.axhline(y, color=GRID, linewidth=1.2 if k == 1 else 0.6, zorder=0)
            ax.text(0.995, y, f"{k:g}×", transform=ax.get_yaxis_transform(), ha="right", va="bottom", **text)


def _mark(ax: Axes, i: int, s: Spot) -> None:
    colour = SERIES[i % len(SERIES)]
    if s.fmr_interval:
        ax.plot([max(s.fmr_interval[0], ax.get_xlim()[0]), s.fmr_interval[1]], [s.fnmr, s.fnmr], color=colour, linewidth=1)
    if s.fnmr_interval:
        ax.plot([s.fmr, s.fmr], [max(s.fnmr_interval[0], ax.get_ylim()[0]), s.fnmr_interval[1]], color=colour, linewidth=1)
    hollow = s.fmr_bound or s.fnmr_bound
    marker = "<" if s.fmr_bound else "v" if s.fnmr_bound else "o"
    ax.plot([s.fmr], [s.fnmr], marker=marker, markersize=6, markerfacecolor=PAPER if hollow else colour, markeredgecolor=colour)
    ax.annotate(str(i + 1), (s.fmr, s.fnmr), xytext=(5, 4), textcoords="offset points", fontsize=9, fontweight="bold", color=INK)
