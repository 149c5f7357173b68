"""Label files: a CSV as people and spreadsheets write it, read as text and nothing else, so that `007` stays `007`."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .dataset import Problem
from .errors import UserError

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its place in the file as `labels.csv:12`, and its cells by column, trimmed."""

    where: str
    cells: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A label file. problems: rows that can't be read."""

    path: Path
    header: tuple[str, ...]
    lines: tuple[Line, ...]
    problems: tuple[Problem, ...]

    def column(self, names: Iterable[str]) -> str | None:
        """The first of `names` that is a column, as written or else without regard to case, blanks, hyphens and underscores."""
        by_plain = {plain(column): column for column in reversed(self.header)}
        names = list(names)
        exact = next((name for name in names if name in self.header), None)
        return exact or next((by_plain[plain(name)] for name in names if plain(name) in by_plain), None)

    def need(self, name: str, help_: str) -> str:
        """The column called `name`. Raises UserError, which ends with `help_`, if there is none."""
        if (found := self.column([name])) is None:
            raise UserError(f"{self.path} has no column {name!r}, only {', '.join(self.header)}: {help_}")
        return found


def plain(name: str) -> str:
    """A column's name without case, blanks, hyphens and underscores."""
    return re.sub(r"[\s_\-]+", "", name.casefold())


def text_of(path: Path) -> str:
    """A label file as text, in composed Unicode, its line ends as they are. Raises UserError."""
    try:
        data = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions") from None
    if data is None:
        raise UserError(f"{path} is not there or not an ordinary file: put the label file there")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1 if encoding == "utf-8-sig" else 1
        raise UserError(f"{path}, row {row}, is not UTF-8 text: save it as CSV with the encoding UTF-8") from None
    if "\0" in text:
        raise UserError(f"{path} holds binary data, not text: save it as CSV with the encoding UTF-8")
    return unicodedata.normalize("NFC", text)


def delimiter_of(text: str) -> str:
    """The one of comma, semicolon, tab and bar that cuts the first line into most cells; ties go to the first of these."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def read_table(path: Path) -> Table:
    """Reads a label file: UTF-8 (with or without a byte order mark) or UTF-16, cells parted by `,` `;` tab or `|`, any line ends.

    Rows with too few or too many cells, or with a line break inside a cell, are left out and become problems: in them, cells
    may stand under the wrong column. Empty rows are nothing. Raises UserError if there is no readable table.
    """
    text = text_of(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), skipinitialspace=True, strict=True)
    header: tuple[str, ...] = ()
    lines: list[Line] = []
    problems: list[Problem] = []
    before = 0
    try:
        for cells in reader:
            row, before = before + 1, reader.line_num
            cells = [cell.strip() for cell in cells]
            where = f"{path.name}:{row}"
            if not any(cells):
                continue
            if not header:
                header = _header(path, cells)
            elif fault := _fault(header, cells):
                problems.append(Problem("bad_row", where, fault))
            else:
                lines.append(Line(where, {name: cell for name, cell in zip(header, cells, strict=False) if name}))
    except csv.Error as error:
        raise UserError(f"{path}, row {before + 1}, cannot be read ({error}): look for a stray quotation mark there") from None
    if not header:
        raise UserError(f"{path} is empty: it needs a row of column names and a row for each image")
    return Table(path, tuple(name for name in header if name), tuple(lines), tuple(problems))


def _header(path: Path, cells: list[str]) -> tuple[str, ...]:
    while cells and not cells[-1]:
        cells.pop()
    twice = sorted({name for name in cells if name and cells.count(name) > 1})
    if twice:
        raise UserError(f"{path} has two columns called {twice[0]!r}: rename one of them")
    return tuple(cells)


def _fault(header: tuple[str, ...], cells: list[str]) -> str | None:
    if any("\n" in cell or "\r" in cell for cell in cells):
        return "a line break inside a cell: look for a stray quotation mark"
    if len(cells) < len(header) or any(cells[len(header) :]):
        return f"{len(cells)} cells under {len(header)} columns"
    return None
