"""The tables and figures of one evaluation, each with a file name and what a caption of its own must say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from faceparity.datasets.common.sanitise import safe_name
from faceparity.harness.results import Evaluation, OperatingPoint
from faceparity.reports.charts.figures import where
from faceparity.reports.formats.html import chapter
from faceparity.reports.layout.elements import Fold, Item, Picture, Table
from faceparity.reports.layout.svg import Figure
from faceparity.reports.wording import numbers as f

KEY = re.compile(r"^e\d+-(?:(\d+)-)?(?:(\d+)-)?(.+)$")
"""A key's parts: the evaluation; where there are several, the grouping and the operating point; then the kind."""


class ExportPiece(NamedTuple):
    """A table or a figure.

    name: of its file, without an ending. section: the title of the section it stands in.
    """

    name: str
    section: str
    content: Table | Figure
    point: OperatingPoint | None


def pieces(evaluation: Evaluation) -> list[ExportPiece]:
    """Return all tables and figures of the page.

    In its order, without lists of facts; no two have one name.
    """
    every_piece: list[ExportPiece] = []
    taken: set[str] = set()
    for section in chapter(evaluation, "e1").sections:
        for content in _contents(section.items):
            name, point = _name(evaluation, content.key)
            while name in taken:
                name += "-b"
            taken.add(name)
            every_piece.append(ExportPiece(name, section.title, content, point))
    return every_piece


def _contents(items: Sequence[Item]) -> Iterator[Table | Figure]:
    for item in items:
        if isinstance(item, Fold):
            yield from _contents(item.items)
        elif isinstance(item, Picture):
            yield item.figure
        elif isinstance(item, Table) and item.columns[0] != "What":
            yield item


def _name(evaluation: Evaluation, key: str) -> tuple[str, OperatingPoint | None]:
    """Return a piece's name, and its operating point.

    The name says what it is, by which grouping, at which operating point: "fmr_gender-ethnicity_target-0.01".
    """
    found = KEY.match(key)
    grouping_index, point_index, what = found.groups() if found else (None, None, key)
    parts, point = [what], None
    if grouping_index is not None and int(grouping_index) < len(evaluation.groupings):
        grouping = evaluation.groupings[int(grouping_index)]
        parts.append("-".join(grouping.attributes) or "all")
        if point_index is not None and int(point_index) < len(grouping.operating_points):
            point = grouping.operating_points[int(point_index)]
            parts.append(point_slug(point))
    return safe_name("_".join(parts)), point


def point_slug(point: OperatingPoint) -> str:
    """Return an operating point's part of a file name.

    As in "target-0.01", "published", "fixed-0.6".
    """
    if point.origin == "target":
        return f"target-{point.target_fmr:g}"
    if point.origin == "fixed" and point.native_threshold is not None:
        return f"fixed-{f.native_number(point.native_threshold)}"
    return point.origin


def at(evaluation: Evaluation, point: OperatingPoint | None) -> str:
    """Return model, data set and threshold for a caption.

    The threshold where there is one. With it a caption stands alone.
    """
    if point is not None:
        return where(evaluation, point)
    return f"{f.shorten(evaluation.model.name, 60)} on {f.shorten(evaluation.dataset.name, 60)}"


def source(evaluation: Evaluation) -> str:
    """Return where the numbers come from, in one line.

    People, images and comparisons; data set, licence, labels; model; program.
    """
    dataset, model, comparisons = evaluation.dataset, evaluation.model, evaluation.comparisons
    people = "people not labelled" if dataset.identity == "none" else f.plural(dataset.subjects, "person", "people")
    counts = (
        f"{people}, {f.plural(dataset.samples, 'image')}, {f.plural(comparisons.non_mated, 'non-mated comparison')}, "
        f"{f.count(comparisons.mated)} mated"
    )
    labels = "; ".join(f"{f.clean(label.attribute)} {f.clean(label.provenance)}" for label in dataset.labels)
    data = ", ".join(filter(None, (f.clean(dataset.title), f.clean(dataset.version), f"licence {f.clean(dataset.licence)}")))
    sentences = [f"{counts}.", f"Labels: {labels}." if labels else "", f"Data: {data}.", f"Model: {f.clean(model.title)}."]
    version = f"Computed with faceparity {f.clean(evaluation.provenance.faceparity)}; intervals are 95 %, by people."
    return " ".join(sentence for sentence in [*sentences, "Synthetic faces." * dataset.synthetic, version] if sentence)
