"""What a report says, as plain data: the page's own sections, the glossary, and what only a document on paper has."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from faceparity.harness.results import Evaluation
from faceparity.reports.formats.html import NAME, chapter, overview, synthetic, title
from faceparity.reports.layout.elements import Fold, Heading, Item, Items, Picture, Raw, Table, Text
from faceparity.reports.sections.about import GLOSSARY
from faceparity.reports.wording import numbers as f

from .scope import answers
from .standalone import size, standalone

Data = dict[str, Any]
MOST_ROWS = 300
"""A longer table would fill a dozen pages of paper; the rest is where the note below it says."""


def document(evaluations: Sequence[Evaluation]) -> Data:
    """Everything that the typesetter is given: strings, numbers, lists and dicts. Strings are text, never markup."""
    chapters = [chapter(e, f"e{i + 1}") for i, e in enumerate(evaluations)]
    warning = synthetic(evaluations)
    return {
        "title": f.clean(title(evaluations)),
        "first": [f.clean(x) for x in warning] if warning else None,
        "version": ", ".join(dict.fromkeys(f.clean(e.provenance.faceparity) for e in evaluations)),
        "overview": table(overview(evaluations)),
        "chapters": [
            {
                "key": c.key,
                "title": f.clean(c.title),
                "sections": [{"key": s.key, "title": f.clean(s.title), "items": [item(x) for x in s.items]} for s in c.sections],
            }
            for c in chapters
        ],
        "glossary": [[word, meaning] for word, meaning in GLOSSARY],
        "topics": answers([[s.key for s in c.sections] for c in chapters]),
    }


def item(x: Item) -> Data:
    """One item of a section; a part of the page that is markup or script is only named."""
    match x:
        case Text():
            return {"kind": "text", "text": f.clean(x.text), "tone": x.tone}
        case Items():
            return {"kind": "items", "items": [f.clean(i) for i in x.items]}
        case Heading():
            return {"kind": "heading", "text": f.clean(x.text)}
        case Table():
            return table(x)
        case Picture(figure):
            width, height = size(figure.svg)
            text = {"caption": f.clean(figure.caption), "alt": f.clean(figure.alt)}
            return {"kind": "picture", "svg": standalone(figure.svg), "width": width, "height": height, **text}
        case Raw():
            return {"kind": "text", "text": "At this place report.html has a part that answers to the reader.", "tone": "note"}
        case Fold():
            return {"kind": "fold", "summary": f.clean(x.summary), "items": [item(i) for i in x.items]}


def table(t: Table) -> Data:
    """A table with its rows' names as short as on the page."""
    rows = [[f.shorten(row[0], NAME), *(f.clean(c) for c in row[1:])] for row in t.rows[:MOST_ROWS]]
    n = len(t.rows)
    note = f". The first {MOST_ROWS} of {f.count(n)} rows; all are in the CSV tables" if n > MOST_ROWS else ""
    return {
        "kind": "table",
        "caption": f.clean(t.caption) + note,
        "columns": [_wrapped(f.clean(c), [row[i] for row in rows]) for i, c in enumerate(t.columns)],
        "rows": rows,
        "words": sorted(t.words),
        "facts": t.columns[0] == "What",
    }


def _wrapped(name: str, cells: Sequence[str]) -> list[str]:
    """A column's name on so many lines that it is little wider than what stands below it."""
    width = max((len(c) for c in cells), default=20)
    return wrap(name, max(10, width), break_long_words=False) or [""]
