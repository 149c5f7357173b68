"""One evaluation in a notebook: the finding, each group's rates and their chart, without a page around them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from faceparity.harness.record import Evaluation, Grouping, OperatingPoint, Rate

from . import format as f
from .figures import rate_chart
from .finding import finding
from .select import finest, headline, primary


def fragment(e: Evaluation, key: str) -> str:
    """HTML of one evaluation. key: begins the names of its figures' parts, which must differ within a notebook."""
    told = finding(e)
    parts = [f"<p><strong>{escape(f.clean(e.model.title))}</strong> on <strong>{escape(f.clean(e.dataset.title))}</strong></p>"]
    parts += [f"<p>{escape(text)}</p>" for text in (*told.main, *told.beside)]
    parts += [f"<p><em>{escape(text)}</em></p>" for text in told.cautions]
    g = told.grouping or finest(e)
    if (i := headline(g)) is not None:
        parts += _point(e, g, g.operating_points[i], key)
    return "\n".join(parts)


def _point(e: Evaluation, g: Grouping, p: OperatingPoint, key: str) -> Iterator[str]:
    """The rates at one operating point, as a table and as charts."""
    caption = f"{f.point_name(p)}: {f.threshold(e.model, p.native_threshold)}. [95 % intervals]"
    head = "".join(f"<th>{name}</th>" for name in ("group", "people", "FMR", "FNMR"))
    missed = {r.group: r for r in primary(p.fnmr)}
    rows = "".join(_row(r, missed.get(r.group)) for r in primary(p.fmr))
    yield f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    for chart in (rate_chart(e, p, "fmr", f"{key}-fmr"), rate_chart(e, p, "fnmr", f"{key}-fnmr")):
        if chart is not None:
            yield f"<figure>{chart.svg}<figcaption>{escape(chart.caption)}</figcaption></figure>"


def _row(matched: Rate, missed: Rate | None) -> str:
    cells = [f.clean(matched.group), f.count(matched.subjects), f.rate(matched), f.rate(missed) if missed else "–"]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
