"""Both error rates of every group at one threshold: which groups are falsely matched more often, and which are not matched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from faceparity.harness.results import Evaluation, Grouping, OperatingPoint, Rate
from faceparity.reports.charts.figures import percent_tick, where
from faceparity.reports.layout.svg import GRID, INK, MUTED, PAPER, SERIES, Figure, canvas, style, to_svg
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


def scatter(evaluation: Evaluation, grouping: Grouping, point: OperatingPoint, key: str) -> Figure | None:
    """Return a figure of FNMR against FMR by group.

    FMR across, FNMR up, on log scales, one numbered mark per group; None unless two groups have both.
    """
    fnmr = {rate.group: rate for rate in primary(point.fnmr)}
    spots = [spot for rate in primary(point.fmr) for spot in [_spot(rate, fnmr.get(rate.group))] if spot is not None]
    if len(spots) < 2:
        return None
    drawn = spots[:MAX_POINTS]
    reference = next((spot for spot in drawn if spot.group == grouping.reference and not spot.fmr_bound), None)
    lines = "Fine lines: FMR, and FNMR, that many times the reference's. " if reference else ""
    text = "; ".join(
        f"{i + 1} {f.shorten(spot.group, 60)}: FMR {_rate_or_bound(spot.fmr, spot.fmr_bound)}, "
        f"FNMR {_rate_or_bound(spot.fnmr, spot.fnmr_bound)}"
        for i, spot in enumerate(drawn[:20])
    )
    left_out = len(grouping.groups) - len(drawn)
    caption = (
        f"Both error rates by group: {where(evaluation, point)}. Further right: more false matches; higher: more false non-matches. {lines}"
        "Whiskers: 95 % intervals by people; hollow with an arrow: upper bound, fewer than 10 errors. Log scales. Labels as in "
        f"{f.shorten(evaluation.dataset.name, 60)}."
    )
    caption += f" Not drawn: {f.plural(left_out, 'group')} without both rates." if left_out else ""
    alt = f"False match rate against false non-match rate of {len(drawn)} groups at one threshold. {text}."
    return Figure(key, _draw(drawn, reference, key, alt), caption, alt)


def _spot(fmr: Rate, fnmr: Rate | None) -> Spot | None:
    """Return the mark of one group.

    None without both rates, or where both are only bounded.
    """
    fmr_end, fnmr_end = _end(fmr), _end(fnmr) if fnmr else None
    if not fmr_end or not fnmr_end or (fmr.status == "bound" and fnmr is not None and fnmr.status == "bound"):
        return None
    assert fnmr is not None
    return Spot(fmr.group, fmr_end, fnmr_end, _interval(fmr), _interval(fnmr), fmr.status == "bound", fnmr.status == "bound")


def _end(rate: Rate) -> float | None:
    """Return the rate, or the upper end of a bound."""
    if rate.status == "bound":
        return rate.upper
    return rate.rate if rate.status == "ok" else None


def _interval(rate: Rate) -> tuple[float, float] | None:
    """Return the interval of a rate that is no bound."""
    return rate.interval if rate.status == "ok" else None


def _rate_or_bound(rate: float, bound: bool) -> str:
    """Return a rate in words, "at most" for a bound."""
    return f"at most {f.percent(rate, 2)}" if bound else f.percent(rate)


def _draw(spots: Sequence[Spot], reference: Spot | None, key: str, alt: str) -> str:
    """Return the SVG of the marks."""
    rows = -(-len(spots) // 2)
    below = 16 * rows + 8
    height = 300 + below
    with style():
        figure = canvas(height)
        ax = figure.add_axes((0.16, (below + 38) / height, 0.80, (height - below - 56) / height))
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlim(*_limits([(spot.fmr, spot.fmr_interval) for spot in spots]))
        ax.set_ylim(*_limits([(spot.fnmr, spot.fnmr_interval) for spot in spots]))
        _ticks(ax)
        if reference is not None:
            _ratio_lines(ax, reference)
        for i, spot in enumerate(spots):
            _mark(ax, i, spot)
        for i, spot in enumerate(spots):
            x, y = (i // rows) * 0.5 + 0.02, (below - 8 - 16 * (i % rows)) / height
            name = f"{i + 1}  {f.shorten(spot.group, 24)}" + (" (ref.)" if spot is reference else "")
            figure.text(x, y, name, ha="left", va="center", fontsize=8.5, color=INK)
        return to_svg(figure, key, "Both error rates by group", alt)


def _limits(ends: Sequence[tuple[float, tuple[float, float] | None]]) -> tuple[float, float]:
    """Return the range of one axis.

    All marks; whiskers as far as they stay within a factor of 10 of those.
    """
    marks = [mark for mark, _ in ends]
    whiskers = [end for _, interval in ends for end in interval or () if end]
    lo, hi = max(min(marks + whiskers), min(marks) / 10), min(max(marks + whiskers), max(marks) * 10)
    return lo / 1.5, hi * 1.5


def _ticks(ax: Axes) -> None:
    """Set the ticks and labels of both axes."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    for axis, (lo, hi) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        steps = (1, 2, 5) if hi / lo < 60 else (1,)
        axis.set_major_locator(
            FixedLocator(
                [step * 10.0**exponent for exponent in range(-9, 1) for step in steps if lo <= step * 10.0**exponent <= hi]
            )
        )
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda rate, _: percent_tick(rate)))
    ax.tick_params(labelsize=8, length=3)
    ax.set_xlabel("FMR: two different people matched", fontsize=9)
    ax.set_ylabel("FNMR: one person not matched", fontsize=9)


def _ratio_lines(ax: Axes, reference: Spot) -> None:
    """Draw lines at multiples of the reference group's rates.

    Those of FNMR only if the reference has one.
    """
    text: dict[str, Any] = {"fontsize": 7.5, "color": MUTED}
    lo, hi = ax.get_xlim()
    for multiple in STEPS:
        x = multiple * reference.fmr
        if lo < x < hi:
            ax.axvline(x, color=GRID, linewidth=1.2 if multiple == 1 else 0.6, zorder=0)
            ax.text(x, 1.01, f"{multiple:g}×", transform=ax.get_xaxis_transform(), ha="center", va="bottom", **text)
    lo, hi = ax.get_ylim()
    for multiple in STEPS if not reference.fnmr_bound else ():
        y = multiple * reference.fnmr
        if lo < y < hi:
            ax.axhline(y, color=GRID, linewidth=1.2 if multiple == 1 else 0.6, zorder=0)
            ax.text(0.995, y, f"{multiple:g}×", transform=ax.get_yaxis_transform(), ha="right", va="bottom", **text)


def _mark(ax: Axes, i: int, spot: Spot) -> None:
    """Draw the numbered mark and whiskers of one group."""
    colour = SERIES[i % len(SERIES)]
    if spot.fmr_interval:
        ax.plot(
            [max(spot.fmr_interval[0], ax.get_xlim()[0]), spot.fmr_interval[1]], [spot.fnmr, spot.fnmr], color=colour, linewidth=1
        )
    if spot.fnmr_interval:
        ax.plot(
            [spot.fmr, spot.fmr], [max(spot.fnmr_interval[0], ax.get_ylim()[0]), spot.fnmr_interval[1]], color=colour, linewidth=1
        )
    hollow = spot.fmr_bound or spot.fnmr_bound
    marker = "<" if spot.fmr_bound else "v" if spot.fnmr_bound else "o"
    ax.plot(
        [spot.fmr], [spot.fnmr], marker=marker, markersize=6, markerfacecolor=PAPER if hollow else colour, markeredgecolor=colour
    )
    ax.annotate(
        str(i + 1), (spot.fmr, spot.fnmr), xytext=(5, 4), textcoords="offset points", fontsize=9, fontweight="bold", color=INK
    )
