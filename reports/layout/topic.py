"""What an optional topic of a record gives to reports of every format: page sections, text entries, CSV tables.

A topic is an optional list of the record, such as `searches`. The module of reports that is named for the field holds `TOPIC`;
`topics.topics` finds it, and terminal, markdown, page, CSV and PDF go through what is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from faceparity.harness.results import Evaluation
from faceparity.reports.layout.elements import Section
from faceparity.reports.wording.csv_rows import Tables


class SmallTable(NamedTuple):
    """A table for terminal and summary.md. Without a header there is nothing to show, and the caption says so.

    legend: how to read it, in our own words: below the table in markdown, above it in the terminal where it has no caption.
    figures: whether all cells but a row's first are figures: set right in the terminal, never escaped in markdown.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: str = ""
    figures: bool = False


class TopicEntry(NamedTuple):
    """A topic, or one of its parts, in terminal and summary.md.

    contents: what was measured on. closing: a text below the tables.
    """

    title: str
    contents: str = ""
    sentences: Sequence[str] = ()
    flags: Sequence[str] = ()
    tables: Sequence[SmallTable] = ()
    closing: str | None = None


class Entries(Protocol):
    """A topic's entries; wide: with room for all columns (summary.md) or without (the terminal's 80)."""

    def __call__(self, evaluation: Evaluation, /, *, wide: bool) -> Iterable[TopicEntry]:
        """Give none for a record without the topic."""


@dataclass(frozen=True)
class Topic:
    """How one optional part of the record is reported; each function gives nothing for a record without it.

    name: the record's field; `KEY-name` is the key of its section on the page.
    order: among topics, where they stand together: smaller first.
    after: the section of the page that it follows.
    sections: of an evaluation and its key on the page. tables: header and rows of each CSV table, by the file's name.
    names: texts that come from others, such as titles.
    answers: the names of the questions in `exports.scope` that its section answers.
    """

    name: str
    order: int
    after: Literal["finding", "slider", "indices"]
    sections: Callable[[Evaluation, str], Sequence[Section]]
    entries: Entries
    tables: Callable[[Evaluation], Tables]
    names: Callable[[Evaluation], Iterable[str]] = lambda e: ()
    answers: tuple[str, ...] = ()
