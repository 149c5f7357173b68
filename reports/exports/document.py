"""What a report says, as plain data: the page's own sections, the glossary, and what only a document on paper has."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from faceparity.harness.results import Evaluation
from faceparity.reports.exports.iso_19795_10 import answers
from faceparity.reports.formats.html import NAME, chapters_of, overview, synthetic, title
from faceparity.reports.layout.elements import Fold, Heading, Item, Items, Picture, Raw, Table, Text
from faceparity.reports.sections.about import GLOSSARY
from faceparity.reports.wording import numbers as f

from .standalone import size, standalone

Data = dict[str, Any]
MOST_ROWS = 300
"""Rows of a table on paper: a longer one would fill a dozen pages. The note below it says where the rest is."""


def document(evaluations: Sequence[Evaluation]) -> Data:
    """Return everything that the typesetter is given.

    Strings, numbers, lists and dicts. Strings are text, never markup.
    """
    chapters = chapters_of(evaluations)
    warning = synthetic(evaluations)
    return {
        "title": f.clean(title(evaluations)),
        "first": [f.clean(content) for content in warning] if warning else None,
        "version": ", ".join(dict.fromkeys(f.clean(evaluation.provenance.faceparity) for evaluation in evaluations)),
        "overview": table(overview(evaluations)),
        "chapters": [
            {
                "key": part.key,
                "title": f.clean(part.title),
                "sections": [
                    {"key": section.key, "title": f.clean(section.title), "items": [item(content) for content in section.items]}
                    for section in part.sections
                ],
            }
            for part in chapters
        ],
        "glossary": [[word, meaning] for word, meaning in GLOSSARY],
        "topics": answers([[section.key for section in part.sections] for part in chapters]),
    }


def item(content: Item) -> Data:
    """Return one item of a section as plain data.

    A part of the page that is markup or script is only named.
    """
    match content:
        case Text():
            return {"kind": "text", "text": f.clean(content.text), "tone": content.tone}
        case Items():
            return {"kind": "items", "items": [f.clean(entry) for entry in content.items]}
        case Heading():
            return {"kind": "heading", "text": f.clean(content.text)}
        case Table():
            return table(content)
        case Picture(figure):
            width, height = size(figure.svg)
            text = {"caption": f.clean(figure.caption), "alt": f.clean(figure.alt)}
            return {"kind": "picture", "svg": standalone(figure.svg), "width": width, "height": height, **text}
        case Raw():
            return {"kind": "text", "text": "At this place report.html has a part that answers to the reader.", "tone": "note"}
        case Fold():
            return {"kind": "fold", "summary": f.clean(content.summary), "items": [item(entry) for entry in content.items]}


def table(content: Table) -> Data:
    """Return a table as plain data.

    Its rows' names are as short as on the page.
    """
    rows = [[f.shorten(row[0], NAME), *(f.clean(text) for text in row[1:])] for row in content.rows[:MOST_ROWS]]
    count = len(content.rows)
    note = f". The first {MOST_ROWS} of {f.count(count)} rows; all are in the CSV tables" if count > MOST_ROWS else ""
    return {
        "kind": "table",
        "caption": f.clean(content.caption) + note,
        "columns": [_wrapped(f.clean(text), [row[i] for row in rows]) for i, text in enumerate(content.columns)],
        "rows": rows,
        "words": sorted(content.words),
        "facts": content.columns[0] == "What",
    }


def _wrapped(name: str, cells: Sequence[str]) -> list[str]:
    """Wrap a column's name to the width of its cells.

    It is little wider than what stands below it.
    """
    width = max((len(cell) for cell in cells), default=20)
    return wrap(name, max(10, width), break_long_words=False) or [""]
