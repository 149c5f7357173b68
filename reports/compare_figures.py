"""Small multiples: one panel per model with the same axes; and the paired differences of two models as a forest plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from faceparity.harness.record import ModelChange, Rate
from faceparity.harness.record.comparison import Compared, ComparedPanel
from faceparity.reports import format as f
from faceparity.reports.svg import GRID, INK, MUTED, PAPER, SERIES, WIDTH, Figure, canvas, style, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 40
ROW = 27.0
PANEL = 116.0
ACROSS = 3
"""So many panels fit a phone; more stand in a box that scrolls."""


class Panel(NamedTuple):
    """One model's rates by group, None where it has none."""

    title: str
    rates: Sequence[Rate | None]
    line: float | None = None
    """The pool's rate."""


def small_multiples(key: str, title: str, caption: str, groups: Sequence[str], panels: Sequence[Panel]) -> Figure | None:
    """Rates by group with 95 % intervals, a panel for each model, all on one log axis. None if no group has a rate or a bound."""
    kept = list(range(len(groups)))[:MOST_ROWS]
    values = [x for p in panels for k in kept for x in _values(p.rates[k])]
    if not values:
        return None
    note = f" The first {MOST_ROWS} of {len(groups)} groups; all are in the table." if len(groups) > MOST_ROWS else ""
    shown = [Panel(p.title, [p.rates[k] for k in kept], p.line) for p in panels]
    names = [groups[k] for k in kept]
    alt = f"{title}. " + " ".join(
        f"{p.title}: "
        + "; ".join(f"{n} {f.rate(r, both_bounds=False)}" for n, r in zip(names[:20], p.rates, strict=False) if r)
        + "."
        for p in shown
    )
    wide = len(panels) > ACROSS
    svg = _draw(key, title, alt, names, shown, _limits(values), max(WIDTH, len(panels) * PANEL + 8))
    full = (
        f"{caption} Dot: rate; line: 95 % interval by people; dashed with an arrow: upper bound, fewer than 10 errors. "
        f"All panels have the same log axis.{note}"
    )
    return Figure(key, svg, full, alt, wide)


def _values(r: Rate | None) -> list[float]:
    """What the axis must show."""
    if r is None or r.status == "suppressed":
        return []
    if r.status == "bound":
        top = r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
        return [top] if top else []
    return [r.rate] if r.rate else []


def _limits(values: Sequence[float]) -> tuple[float, float]:
    return min(values) / 2.2, min(1.25, max(values) * 2.2)


def _draw(
    key: str, title: str, alt: str, names: Sequence[str], panels: Sequence[Panel], limits: tuple[float, float], width: float
) -> str:
    height = ROW * len(names) + 44
    gap = 10.0
    each = (width - 8 - gap * (len(panels) - 1)) / len(panels)
    with style():
        figure = canvas(height, width)
        axes = [
            figure.add_axes(((4 + k * (each + gap)) / width, 22 / height, each / width, (height - 44) / height))
            for k in range(len(panels))
        ]
        for k, (ax, panel) in enumerate(zip(axes, panels, strict=True)):
            _frame(ax, limits, len(names), each)
            ax.set_title(f.shorten(panel.title, max(8, int(each / 7))), fontsize=9.5, fontweight="bold", loc="left", pad=5)
            if panel.line:
                ax.axvline(panel.line, color=INK, linewidth=1, linestyle=(0, (1, 2)))
            for y, rate in enumerate(panel.rates):
                _mark(ax, y, rate)
            if k == 0:
                for y, name in enumerate(names):
                    ax.text(
                        0, y - 0.16, f.shorten(name, int((width - 8) / 5.6)), transform=ax.get_yaxis_transform(), ha="left", va="bottom",
                        fontsize=9, clip_on=False, zorder=5,
                    )  # fmt: skip
        return to_svg(figure, key, title, alt)


def _frame(ax: Axes, limits: tuple[float, float], n: int, width: float) -> None:
    ax.set_xscale("log")
    ax.set_xlim(*limits)
    ax.set_ylim(n - 0.35, -0.75)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.patch.set_visible(False)
    _ticks(ax, max(2, int(width / 42)), lambda x: f"{100 * x:.8f}".rstrip("0").rstrip(".") + " %")
    ax.grid(axis="x", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.axvline(limits[0], color=GRID, linewidth=0.8)


def _ticks(ax: Axes, most: int, told: object) -> None:
    """At powers of ten, between them only where there is room."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    lo, hi = ax.get_xlim()
    for steps in ((1, 2, 5), (1, 3), (1,)):
        at = [m * 10.0**k for k in range(-12, 6) for m in steps if lo * 1.02 <= m * 10.0**k <= hi / 1.02]
        if len(at) <= most:
            break
    every = max(1, -(-len(at) // most))
    ax.xaxis.set_major_locator(FixedLocator(at[::every]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: told(x)))  # type: ignore[operator]
    ax.tick_params(axis="x", labelsize=8.5, length=3)


def _mark(ax: Axes, y: int, r: Rate | None) -> None:
    left, right = ax.get_xlim()
    at = y + 0.13
    if r is None or r.status == "suppressed":
        text = "<30 people" if r is not None and r.reason == "too_few_subjects" else "–"
        ax.text(left * 1.1, at, text, fontsize=8, color=MUTED, va="center")
        return
    if r.status == "bound":
        top = r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
        if top:
            ax.plot([left, min(top, right)], [at, at], color=SERIES[0], linewidth=1.3, linestyle=(0, (3, 2)))
            ax.plot([min(top, right)], [at], marker="|", markersize=8, markeredgewidth=1.5, color=SERIES[0])
            ax.plot([left], [at], marker="<", markersize=5, color=SERIES[0], clip_on=False)
        return
    if not r.rate:
        return
    if r.interval is not None:
        ends = [max(r.interval[0], left), min(r.interval[1], right)]
        ax.plot(ends, [at, at], color=SERIES[0], linewidth=1.8, solid_capstyle="butt")
    ax.plot([r.rate], [at], marker="o", markersize=6, color=SERIES[0])


def panels_of(
    results: Sequence[Compared], at: Sequence[ComparedPanel], measure: Literal["fmr", "fnmr"]
) -> tuple[list[str], list[Panel]]:
    """The groups that any of the results has, and a panel for each."""
    groups = list(dict.fromkeys(r.group for p in at for r in getattr(p, measure)))
    out = []
    for x, p in zip(results, at, strict=True):
        own = {r.group: r for r in getattr(p, measure)}
        line = p.achieved_fmr if measure == "fmr" else None
        out.append(Panel(x.label, [own.get(g) for g in groups], line))
    return groups, out


def paired_forest(key: str, title: str, caption: str, changes: Sequence[ModelChange], first: str, second: str) -> Figure | None:
    """Ratio of two models' rates by group, first over second, on a log axis. None without a ratio."""
    shown = [c for c in changes if c.ratio is not None and c.verdict != "none"][:MOST_ROWS]
    if not shown:
        return None
    text = [f"{f.ratio(c.ratio)} {f.ratio_interval(c.interval) if c.interval else ''}".strip() for c in shown]
    alt = f"{title}. " + "; ".join(f"{c.group}: {t}" for c, t in zip(shown[:20], text, strict=False)) + "."
    core = [c.ratio for c in shown if c.ratio] + [1.0]
    lo, hi = min(core) / 3, max(core) * 3
    note = f" The first {MOST_ROWS} groups; all are in the table." if len(changes) > MOST_ROWS else ""
    full = (
        f"{caption} Filled: one model is higher beyond doubt by chance (Holm-adjusted p below 0.05 and enough errors); hollow: "
        f"inconclusive. Line: 95 % interval by people. Log scale.{note}"
    )
    return Figure(key, _forest(key, title, alt, shown, text, (lo, hi), (first, second)), full, alt)


def _forest(
    key: str,
    title: str,
    alt: str,
    changes: Sequence[ModelChange],
    text: Sequence[str],
    limits: tuple[float, float],
    names: tuple[str, str],
) -> str:
    height = ROW * len(changes) + 46
    with style():
        figure = canvas(height)
        ax = figure.add_axes((0.02, 22 / height, 0.96, (height - 46) / height))
        ax.set_xscale("log")
        ax.set_xlim(*limits)
        ax.set_ylim(len(changes) - 0.35, -0.75)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        _ticks(ax, 6, lambda x: (f"{x:,.0f}" if x >= 1 else f"{x:g}") + "×")
        ax.grid(axis="x", color=GRID, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.axvline(1, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        middle = math.log(1 / limits[0]) / math.log(limits[1] / limits[0])
        for x, side, name in ((middle - 0.01, "right", f"← {names[1]} higher"), (middle + 0.01, "left", f"{names[0]} higher →")):
            room = x if side == "right" else 1 - x
            told = f.shorten(name, max(6, int(room * 58)))
            ax.text(x, 1.01, told, transform=ax.transAxes, ha=side, va="bottom", fontsize=8.5, color=MUTED)
        for y, (c, told) in enumerate(zip(changes, text, strict=True)):
            _row(ax, y, c, told, limits)
        return to_svg(figure, key, title, alt)


def _row(ax: Axes, y: int, c: ModelChange, text: str, limits: tuple[float, float]) -> None:
    at = y + 0.13
    for x, side, told in ((0.0, "left", f.shorten(c.group, 34)), (1.0, "right", text)):
        ax.text(x, y - 0.16, told, transform=ax.get_yaxis_transform(), ha=side, va="bottom", fontsize=9, clip_on=False)
    if c.interval is not None:
        ax.plot(
            [max(c.interval[0], limits[0]), min(c.interval[1], limits[1])],
            [at, at],
            color=SERIES[0],
            linewidth=1.8,
            solid_capstyle="butt",
        )
    fill = SERIES[0] if c.verdict in ("higher", "lower") else PAPER
    ax.plot(
        [c.ratio or 1.0], [at], marker="o", markersize=6.5, markerfacecolor=fill, markeredgecolor=SERIES[0], markeredgewidth=1.5
    )
