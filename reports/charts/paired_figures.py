"""Figures of a controlled experiment: score differences by level with intervals, and rates by condition as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from faceparity.harness.results import Evaluation, Paired, PairedDifference, PairedPoint
from faceparity.reports.charts.figures import NAMES
from faceparity.reports.charts.row_charts import Cell, HeatMapGrid, grid_chart
from faceparity.reports.layout.svg import GRID, INK, PAPER, SERIES, Figure, canvas, style, to_svg
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.paired_words import at, cell, difference, level, scale, units

MAX_SIDE = 20
ROW = 34.0


def score_chart(evaluation: Evaluation, experiment: Paired, key: str) -> Figure | None:
    """Return a figure of mean score differences by level.

    Of different and of the same units, with 95 % intervals; None if there is none.
    """
    rows = [
        difference
        for difference in experiment.differences
        if difference.measure == "non_mated_score" and difference.factor and difference.difference is not None
    ][:40]
    if not rows:
        return None
    one, many = units(evaluation)
    alt = "; ".join(
        f"{level(difference)} against {f.shorten(difference.reference, 40)}: {cell(evaluation, difference)}"
        for difference in rows
    )
    unit = f.clean(evaluation.model.score.unit)
    less = "left" if evaluation.model.score.sign == 1 else "right"
    caption = (
        f"Difference of the mean {unit} to the reference level, on the same comparisons: {f.shorten(evaluation.model.name, 60)} on "
        f"{f.shorten(evaluation.dataset.name, 60)}. Dots: two different {many}; squares: two images of one {one}; filled: "
        "beyond doubt by chance. "
        f"Lines: 95 % intervals by {many}. To the {less}: less alike."
    )
    return Figure(
        key, _draw(evaluation, experiment, rows, key, alt), caption, f"Difference of mean {unit} to the reference. {alt}."
    )


def _draw(evaluation: Evaluation, experiment: Paired, rows: Sequence[PairedDifference], key: str, alt: str) -> str:
    """Return the SVG of score differences."""
    height = ROW * len(rows) + 34
    with style():
        figure = canvas(height)
        ax = figure.add_axes((0.03, 24 / height, 0.94, (height - 34) / height))
        ax.set_ylim(len(rows) - 0.3, -0.7)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.grid(axis="x", color=GRID, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.axvline(0, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        ax.tick_params(axis="x", labelsize=9, length=3)
        ax.locator_params(axis="x", nbins=5)
        for i, contrast in enumerate(rows):
            name = f"{level(contrast)} against {f.shorten(contrast.reference, 20)}"
            ax.text(0, i - 0.22, name, ha="left", va="bottom", fontsize=9.5, transform=ax.get_yaxis_transform(), clip_on=False)
            both = [(contrast, i, "o", 0), (difference(experiment.differences, "mated_score", contrast), i + 0.22, "s", 1)]
            for one, y, marker, series in both:
                if one is None or one.difference is None:
                    continue
                multiplier, colour = scale(evaluation, one), SERIES[series]
                if one.interval is not None:
                    ax.plot(
                        [multiplier * end for end in one.interval], [y, y], color=colour, linewidth=1.8, solid_capstyle="butt"
                    )
                fill = colour if one.verdict in ("higher", "lower") else PAPER
                ax.plot([multiplier * one.difference], [y], marker, markersize=6, mfc=fill, mec=colour, mew=1.6)
        return to_svg(figure, key, "Mean score differences by level", alt)


def condition_map(
    evaluation: Evaluation, experiment: Paired, point: PairedPoint, measure: Literal["fmr", "fnmr"], key: str
) -> Figure | None:
    """Return a heat map of a rate by condition.

    Levels of the first factor down, of the second across. None unless there are one or two factors.
    """
    rates = {rate.group: rate for rate in (point.fmr if measure == "fmr" else point.fnmr)}
    down = experiment.factors[0].levels
    across = experiment.factors[1].levels if len(experiment.factors) == 2 else [""]
    if (
        len(experiment.factors) > 2
        or max(len(down), len(across)) > MAX_SIDE
        or not any(rate.status == "ok" for rate in rates.values())
    ):
        return None
    by_values = {tuple(condition.values): rates.get(condition.condition) for condition in experiment.conditions}
    name = NAMES[measure]
    text = "; ".join(f"{rate.group}: {f.rate(rate)}" for rate in list(rates.values())[:20])
    cells = [
        Cell(i, j, by_values.get((one, other) if len(experiment.factors) == 2 else (one,)))
        for i, one in enumerate(down)
        for j, other in enumerate(across)
    ]
    labels = [f.shorten(f"{experiment.factors[0].factor} {one}", 17) for one in down]
    corner = f.shorten(experiment.factors[1].factor, 24) if len(experiment.factors) == 2 else ""
    grid = HeatMapGrid(labels, [f.shorten(one, 9) for one in across], cells, 58, 30, 120, 40, corner)
    svg = grid_chart(grid, key, f"{name} by condition", text)
    caption = (
        f"{name} in percent under each condition: {f.shorten(evaluation.model.name, 60)} on "
        f"{f.shorten(evaluation.dataset.name, 60)}, {at(evaluation, point)}. "
        "Darker is higher, log scale. ≤ and hatched: upper bound, fewer than 10 errors; – and hatched: fewer than 30 with "
        "a template from every image."
    )
    return Figure(key, svg, caption, f"{name} by condition. {text}.", wide=len(across) > 4)
