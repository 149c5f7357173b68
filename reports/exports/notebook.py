"""One evaluation in a notebook: the finding, each group's rates and their chart, without a page around them; and every figure.

A notebook's text may be dark on light or light on dark: ink is the text's own colour, all else is mixed from it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from faceparity.harness.results import Evaluation, Grouping, OperatingPoint, Rate
from faceparity.reports.charts.figures import rate_chart
from faceparity.reports.layout.svg import SERIES
from faceparity.reports.layout.svg import Figure as Drawn
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest, headline, primary

PAPER = "var(--jp-layout-color0,var(--vscode-editor-background,var(--colab-primary-surface-color,Canvas)))"
"""The fill of hollow dots: the notebook's own background, by its names in JupyterLab, VS Code and Colab."""
COLOURS = {
    "ink": "currentColor",
    "muted": "color-mix(in srgb,currentColor 68%,transparent)",
    "grid": "color-mix(in srgb,currentColor 20%,transparent)",
    "paper": PAPER,
    **{f"s{i + 1}": f"color-mix(in srgb,{colour} 78%,currentColor)" for i, colour in enumerate(SERIES)},
}
STYLE = (
    f"<style>.faceparity{{{';'.join(f'--{name}:{colour}' for name, colour in COLOURS.items())}}}"
    ".faceparity p,.faceparity figcaption{max-width:46rem}.faceparity table{margin:.8em 0;font-variant-numeric:tabular-nums}"
    ".faceparity caption{text-align:left;caption-side:top;color:inherit;max-width:46rem}"
    ".faceparity th:first-child,.faceparity td:first-child,.faceparity .w{text-align:left!important}"
    ".faceparity .w{white-space:normal}.faceparity figure{margin:1em 0;max-width:34rem}"
    ".faceparity figure.wide{max-width:100%;overflow-x:auto}"
    ".faceparity figcaption{color:var(--muted);font-size:.9em}.faceparity svg{display:block;background:none}"
    ".faceparity figure:not(.wide) svg{width:100%;height:auto}</style>"
)
LISTED = 160
"""Characters of a caption's first sentence that stand in the list of figures."""


@dataclass(frozen=True)
class NotebookFigure:
    """A figure.

    caption and alt each stand alone. svg: a picture of its own, dark on white.
    """

    name: str
    caption: str
    alt: str
    svg: str = field(repr=False)
    _inline: str = field(repr=False)
    _wide: bool = field(repr=False, default=False)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write `svg` to a file.

        Raises OSError. (As PNG: `faceparity report RUN --figures`.)
        """
        out = Path(path)
        out.write_text(self.svg, "utf-8", newline="\n")
        return out

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'{STYLE}<div class="faceparity">{_figure(self._inline, self.caption, self._wide)}</div>'


class Figures(Mapping[str, NotebookFigure]):
    """The figures of one evaluation by name, in the report's order. As the last line of a cell they show their list."""

    def __init__(self, each: list[NotebookFigure]) -> None:
        self._each = {one.name: one for one in each}

    def __getitem__(self, name: str) -> NotebookFigure:
        if name not in self._each:
            raise KeyError(f"there is no figure {name!r}; there are {', '.join(self._each) or 'none'}")
        return self._each[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._each)

    def __len__(self) -> int:
        return len(self._each)

    def __repr__(self) -> str:
        return "\n".join(self._each) or "no figures"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._each)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td>{escape(one.name)}</td><td class="w">{escape(f.shorten(one.caption.partition(". ")[0], LISTED))}</td></tr>'
            for one in self.values()
        )
        head = '<tr><th>figures["…"]</th><th class="w">what it shows</th></tr>'
        return f'{STYLE}<div class="faceparity"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def figures(evaluation: Evaluation) -> Figures:
    """Return every figure of the report.

    Their names are those of their files from `faceparity report --figures`.
    """
    from faceparity.reports.exports.figure_files import on_white
    from faceparity.reports.exports.single_files import pieces
    from faceparity.reports.exports.standalone import standalone

    key, shown = f"n{secrets.token_hex(4)}", []
    for i, piece in enumerate(pieces(evaluation)):
        if isinstance(drawing := piece.content, Drawn):
            inline = drawing.svg.replace(drawing.key, f"{key}-{i}")  # ids that differ within a notebook
            shown.append(
                NotebookFigure(piece.name, drawing.caption, drawing.alt, on_white(standalone(drawing.svg)), inline, drawing.wide)
            )
    return Figures(shown)


def fragment(evaluation: Evaluation, key: str) -> str:
    """Return the HTML of one evaluation.

    key: begins the names of its figures' parts, which must differ within a notebook.
    """
    found = finding(evaluation)
    parts = [
        f"<p><strong>{escape(f.clean(evaluation.model.title))}</strong> on <strong>{escape(f.clean(evaluation.dataset.title))}</strong></p>"
    ]
    parts += [f"<p>{escape(text)}</p>" for text in (*found.main, *found.beside)]
    parts += [f"<p><em>{escape(text)}</em></p>" for text in found.cautions]
    grouping = found.grouping or finest(evaluation)
    if (position := headline(grouping)) is not None:
        parts += _point(evaluation, grouping, grouping.operating_points[position], key)
    return f'{STYLE}<div class="faceparity">{"".join(parts)}</div>'


def _point(evaluation: Evaluation, grouping: Grouping, point: OperatingPoint, key: str) -> Iterator[str]:
    """Yield the rates at one operating point.

    As a table, and as charts.
    """
    caption = f"{f.point_name(point)}: {f.threshold(evaluation.model, point.native_threshold)}. [95 % intervals]"
    head = "".join(f"<th>{name}</th>" for name in ("group", "people", "FMR", "FNMR"))
    missed = {rate.group: rate for rate in primary(point.fnmr)}
    rows = "".join(_row(rate, missed.get(rate.group)) for rate in primary(point.fmr))
    yield f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    for chart in (rate_chart(evaluation, point, "fmr", f"{key}-fmr"), rate_chart(evaluation, point, "fnmr", f"{key}-fnmr")):
        if chart is not None:
            yield _figure(chart.svg, chart.caption, chart.wide)


def _figure(svg: str, caption: str, wide: bool) -> str:
    kind = ' class="wide"' if wide else ""
    return f"<figure{kind}>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _row(matched: Rate, missed: Rate | None) -> str:
    cells = [f.clean(matched.group), f.count(matched.subjects), f.rate(matched), f.rate(missed) if missed else "–"]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
