"""The tables and figures of one evaluation, each with a file name and what a caption of its own must say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from faceparity.harness.results import Evaluation, OperatingPoint
from faceparity.harness.runs.result_files import safe_name
from faceparity.reports.charts.figures import where
from faceparity.reports.charts.svg import Figure
from faceparity.reports.formats.html import chapter
from faceparity.reports.layout.elements import Fold, Item, Picture, Table
from faceparity.reports.wording import numbers as f

KEY = re.compile(r"^e\d+-(?:(\d+)-)?(?:(\d+)-)?(.+)$")
"""Keys name the evaluation, then where there are several the grouping and the operating point, then what it is."""


class ExportPiece(NamedTuple):
    """A table or a figure. name: of its file, without an ending; section: the title of the section it stands in."""

    name: str
    section: str
    content: Table | Figure
    point: OperatingPoint | None


def pieces(e: Evaluation) -> list[ExportPiece]:
    """All tables (but lists of facts) and figures of the page, in its order; names are unlike each other."""
    out: list[ExportPiece] = []
    taken: set[str] = set()
    for section in chapter(e, "e1").sections:
        for content in _contents(section.items):
            name, point = _name(e, content.key)
            while name in taken:
                name += "-b"
            taken.add(name)
            out.append(ExportPiece(name, section.title, content, point))
    return out


def _contents(items: Sequence[Item]) -> Iterator[Table | Figure]:
    for x in items:
        if isinstance(x, Fold):
            yield from _contents(x.items)
        elif isinstance(x, Picture):
            yield x.figure
        elif isinstance(x, Table) and x.columns[0] != "What":
            yield x


def _name(e: Evaluation, key: str) -> tuple[str, OperatingPoint | None]:
    """What it is, by which grouping, at which operating point: "fmr_gender-ethnicity_target-0.01"; and that point."""
    found = KEY.match(key)
    i, n, what = found.groups() if found else (None, None, key)
    parts, point = [what], None
    if i is not None and int(i) < len(e.groupings):
        grouping = e.groupings[int(i)]
        parts.append("-".join(grouping.attributes) or "all")
        if n is not None and int(n) < len(grouping.operating_points):
            point = grouping.operating_points[int(n)]
            parts.append(point_slug(point))
    return safe_name("_".join(parts)), point


def point_slug(p: OperatingPoint) -> str:
    """An operating point in a file name: "target-0.01", "published", "fixed-0.6"."""
    if p.origin == "target":
        return f"target-{p.target_fmr:g}"
    return f"fixed-{f.native_number(p.native_threshold)}" if p.origin == "fixed" and p.native_threshold is not None else p.origin


def at(e: Evaluation, p: OperatingPoint | None) -> str:
    """Model and data set, and the threshold where there is one, for a caption that stands alone."""
    return where(e, p) if p is not None else f"{f.shorten(e.model.name, 60)} on {f.shorten(e.dataset.name, 60)}"


def source(e: Evaluation) -> str:
    """Where the numbers come from: people, images and comparisons; data set, licence, labels; model; program. One line."""
    d, m, c = e.dataset, e.model, e.comparisons
    people = "people not labelled" if d.identity == "none" else f.plural(d.subjects, "person", "people")
    counts = (
        f"{people}, {f.plural(d.samples, 'image')}, {f.plural(c.non_mated, 'non-mated comparison')}, {f.count(c.mated)} mated"
    )
    labels = "; ".join(f"{f.clean(x.attribute)} {f.clean(x.provenance)}" for x in d.labels)
    data = ", ".join(filter(None, (f.clean(d.title), f.clean(d.version), f"licence {f.clean(d.licence)}")))
    told = [f"{counts}.", f"Labels: {labels}." if labels else "", f"Data: {data}.", f"Model: {f.clean(m.title)}."]
    made = f"Computed with faceparity {f.clean(e.provenance.faceparity)}; intervals are 95 %, by people."
    return " ".join(x for x in [*told, "Synthetic faces." * d.synthetic, made] if x)
