"""Label files: a CSV as people and spreadsheets write it, read as text and nothing else, so that `007` stays `007`."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import repeat
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import NotAFileError, read_regular
from faceparity.datasets.schema.dataset import Problem

_DELIMITERS = ",;\t|"
_LARGE = 1_000_000
"""Number of characters from which Arrow's reader is faster for a table."""
_ODD = re.compile('["\r\x1c-\x1f]')
"""What Arrow reads differently from Python: quotations, other line ends, other blanks."""
_AT_ONCE = 8192
_SAME = 100_000
"""Maximum number of different cells that are stored once each."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its place in the file as `labels.csv:12`, and its cells by column, trimmed."""

    where: str
    cells: dict[str, str]


class Lines(Sequence[Line]):
    """The rows of a table, stored by column and built as `Line` when read, so that a table of millions of rows stays small.

    columns: name → texts, of one length: lists, or Arrow's arrays. rows: int64, the row of the file that each is in.
    """

    def __init__(self, name: str, columns: Mapping[str, Any], rows: NDArray[np.int64]) -> None:
        self._name, self._columns, self._rows = name, columns, rows

    def __len__(self) -> int:
        return int(self._rows.size)

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Line, ...]: ...
    def __getitem__(self, at: int | slice) -> Line | tuple[Line, ...]:
        """Return one row, or a tuple of several."""
        if isinstance(at, slice):
            return tuple(self[k] for k in range(*at.indices(len(self))))
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        return self._part(at % len(self), at % len(self) + 1)[0]

    def __iter__(self) -> Iterator[Line]:
        for start in range(0, len(self), _AT_ONCE):
            yield from self._part(start, start + _AT_ONCE)

    def _part(self, start: int, stop: int) -> list[Line]:
        names = tuple(self._columns)
        parts = [_texts(column[start:stop]) for column in self._columns.values()]
        rows = self._rows[start:stop].tolist()
        cells = zip(*parts, strict=True) if parts else repeat((), len(rows))
        return [
            Line(f"{self._name}:{row}", dict(zip(names, values, strict=True))) for row, values in zip(rows, cells, strict=True)
        ]

    def texts(self, column: str) -> Iterator[str]:
        """Yield the cells of one column."""
        for start in range(0, len(self), _AT_ONCE):
            yield from _texts(self._columns[column][start : start + _AT_ONCE])

    def distinct(self, column: str) -> set[str]:
        """Return the different cells of one column."""
        found = self._columns[column]
        return set(found) if isinstance(found, list) else set(found.unique().to_pylist())


def _texts(part: Any) -> list[str]:
    return part if isinstance(part, list) else list(part.to_pylist())


@dataclass(frozen=True)
class LabelTable:
    """A label file. problems: rows that can't be read."""

    path: Path
    header: tuple[str, ...]
    lines: Lines
    problems: tuple[Problem, ...]

    def column(self, names: Iterable[str]) -> str | None:
        """Return the first of `names` that is a column.

        First as written, then without regard to case, blanks, hyphens and underscores; None if none is.
        """
        by_plain = {plain(column): column for column in reversed(self.header)}
        names = list(names)
        exact = next((name for name in names if name in self.header), None)
        return exact or next((by_plain[plain(name)] for name in names if plain(name) in by_plain), None)

    def need(self, name: str, help_: str) -> str:
        """Return the column called `name`.

        Found as by `column`. Raises UserError, which ends with `help_`, if there is none.
        """
        if (found := self.column([name])) is None:
            raise UserError(f"{self.path} has no column {name!r}, only {', '.join(self.header)}: {help_}")
        return found


def plain(name: str) -> str:
    """Return a column's name without case and separators.

    Separators are blanks, hyphens and underscores.
    """
    return re.sub(r"[\s_\-]+", "", name.casefold())


def text_of(path: Path) -> str:
    """Read a label file as text.

    It is UTF-8, with or without a byte order mark, or UTF-16 with one; the text is in composed Unicode, its line ends
    unchanged. Raises UserError.
    """
    try:
        data = read_regular(path)
    except (FileNotFoundError, NotADirectoryError, NotAFileError):
        data = None
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
    """Return the delimiter of a table.

    It is the one of comma, semicolon, tab and bar that cuts the first line into most cells; of a tie the first in this
    order.
    """
    first = next((line for line in text[:_LARGE].splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def read_table(path: Path) -> LabelTable:
    """Read a label file.

    It is UTF-8 (with or without a byte order mark) or UTF-16, with cells separated by `,` `;` tab or `|`, and any line
    ends.

    Rows with too few or too many cells, or with a line break inside a cell, are left out and become problems: in them,
    cells may stand under the wrong column. Empty rows are skipped. Raises UserError if there is no readable table.
    """
    text = text_of(path)
    delimiter = delimiter_of(text)
    return _by_arrow(path, text, delimiter) or _by_row(path, text, delimiter)


def _by_row(path: Path, text: str, delimiter: str) -> LabelTable:
    """Read any table, row by row.

    Raises UserError.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    header: tuple[str, ...] = ()
    columns: list[list[str]] = []
    rows: list[int] = []
    same: dict[str, str] = {}  # there are few different labels: each is stored once
    problems: list[Problem] = []
    before = 0
    try:
        for cells in reader:
            row, before = before + 1, reader.line_num
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if not header:
                header = _header(path, cells)
                columns = [[] for _ in header]
            elif fault := _fault(header, cells):
                problems.append(Problem("bad_row", f"{path.name}:{row}", fault))
            else:
                rows.append(row)
                for column, cell in zip(columns, cells, strict=False):
                    column.append(same.setdefault(cell, cell) if len(same) < _SAME else same.get(cell, cell))
    except csv.Error as error:
        raise UserError(f"{path}, row {before + 1}, cannot be read ({error}): look for a stray quotation mark there") from None
    if not header:
        raise UserError(f"{path} is empty: it needs a row of column names and a row for each image")
    by_name = {name: column for name, column in zip(header, columns, strict=True) if name}
    return LabelTable(path, tuple(by_name), Lines(path.name, by_name, np.array(rows, np.int64)), tuple(problems))


def _by_arrow(path: Path, text: str, delimiter: str) -> LabelTable | None:
    """Read a large, regular table with Arrow.

    Regular: without quotation marks, empty rows or rows of another length, as programs write them; None for any other
    table.
    """
    first, newline, rest = text.partition("\n")
    if len(text) < _LARGE or not newline or _ODD.search(text) or "\n\n" in rest or rest.startswith("\n"):
        return None
    cells = [cell.strip() for cell in first.split(delimiter)]
    if not all(cells):
        return None
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv

    header = _header(path, list(cells))
    texts = pa.csv.ConvertOptions(column_types=dict.fromkeys(header, pa.large_string()), strings_can_be_null=False)
    try:
        found = pa.csv.read_csv(
            pa.BufferReader(rest.encode()), pa.csv.ReadOptions(column_names=list(header)),
            pa.csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False), texts,
        )  # fmt: skip
    except pa.ArrowInvalid:
        return None
    columns = {name: pc.utf8_trim_whitespace(found[name]) for name in header}
    filled = reduce(pc.or_, (pc.not_equal(column, "") for column in columns.values()))
    rows = np.flatnonzero(filled.to_numpy()).astype(np.int64)
    if rows.size < found.num_rows:
        columns = {name: column.filter(filled) for name, column in columns.items()}
    return LabelTable(path, header, Lines(path.name, columns, rows + 2), ())


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
