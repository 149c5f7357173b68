"""What a page consists of: text, tables, figures and folds, in sections. Strings only, not yet escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from faceparity.reports.layout.svg import Figure


class Text(NamedTuple):
    """A paragraph. tone: "" or "lead" (a finding), "flag" (a caution), "note" (small)."""

    text: str
    tone: str = ""
    kind: str = "text"


class Items(NamedTuple):
    """A bulleted list."""

    items: Sequence[str]
    kind: str = "items"


class Heading(NamedTuple):
    """A heading within a section."""

    text: str
    kind: str = "heading"


class Table(NamedTuple):
    """A table; the first cell of a row names the row.

    words: columns of text, set left; the others are numbers, set right.
    """

    key: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset()
    kind: str = "table"


class Picture(NamedTuple):
    """A figure with its caption."""

    figure: Figure
    kind: str = "picture"


class Raw(NamedTuple):
    """Markup of our own, which must be escaped already.

    data: JSON for a script, put into `<script type="application/json">`.
    """

    html: str
    data: str = ""
    key: str = ""
    kind: str = "raw"


class Fold(NamedTuple):
    """What is closed at first: its summary, and its content."""

    summary: str
    items: Sequence[Item]
    kind: str = "fold"


Item = Text | Items | Heading | Table | Picture | Raw | Fold


class Section(NamedTuple):
    """A section of one evaluation."""

    key: str
    title: str
    items: Sequence[Item]


def for_script(data: object) -> str:
    """Return data as JSON, safe inside a script element.

    No text in it can end the element.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def pictures(*figures: Figure | None) -> list[Item]:
    """Return a picture of each figure that there is."""
    return [Picture(figure) for figure in figures if figure is not None]
