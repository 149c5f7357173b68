"""Where a table of scores comes from: a CSV or Parquet file, or a DataFrame in memory. Read in batches, by column names."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import check_regular
from faceparity.datasets.loading.label_table import delimiter_of

BATCH_ROWS = 1 << 18
BLOCK_BYTES = 8 << 20
"""Bytes of a text file that are read at a time."""


class Source(ABC):
    """A table. Its text is what messages call it."""

    name: str
    """What the report calls the data set and the system."""
    typed: bool
    """Whether its numbers are numbers already; in a text file everything is text."""

    def row(self, index: int) -> str:
        """Return how messages name a row.

        index: counted from 0.
        """
        return f"{self}, row {self.number(index)}"

    @abstractmethod
    def number(self, index: int) -> int:
        """Return the number by which a person finds that row."""

    def columns(self) -> dict[str, str]:
        """Return each column's lower-case name and its name as written.

        Raises UserError if the table can't be read, or two columns have one name.
        """
        written = self._names()
        names = [name.strip().lower() for name in written]
        twice = sorted({name for name in names if name and names.count(name) > 1})
        if twice:
            raise UserError(f"{self}: two columns called {twice[0]!r}; rename one of them")
        return {name: original for name, original in zip(names, written, strict=True) if name}

    @abstractmethod
    def _names(self) -> list[str]:
        """Return the columns' names as they are written."""

    @abstractmethod
    def batches(self, names: Sequence[str], numbers: Sequence[str] = ()) -> Iterator[Any]:
        """Yield record batches of some columns, in order.

        Those of a text file hold texts, but for `numbers`.
        Raises UserError if it can't be read; pyarrow.ArrowInvalid if `numbers` are asked for and some aren't.
        """

    @abstractmethod
    def digest(self) -> str:
        """Return the sha256 of its bytes.

        Empty where only its content counts.
        """


class FileSource(Source):
    """A CSV file (with comma, semicolon, tab or bar between cells) or a Parquet file; the name's ending says which."""

    def __init__(self, path: Path) -> None:
        self.path, self.name, self.typed = path, path.stem, path.suffix.lower() in (".parquet", ".pq")

    def __str__(self) -> str:
        return str(self.path)

    def number(self, index: int) -> int:
        """Return a row's line in a text file.

        Empty lines are not counted. In a Parquet file it is the row's number from 1.
        """
        return index + (1 if self.typed else 2)

    def _names(self) -> list[str]:
        import pyarrow as pa
        import pyarrow.csv as pc
        import pyarrow.parquet as pq

        try:
            check_regular(self.path)
        except OSError as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
            raise UserError(f"{self}: {reason}; name a CSV or Parquet file") from error
        try:
            if self.typed:
                return list(pq.read_schema(self.path).names)
            with pc.open_csv(self.path, parse_options=self._cut()) as reader:
                return list(reader.schema.names)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> UserError:
        return UserError(f"{self}: can't be read as a table ({str(error).splitlines()[0]})")

    def _cut(self) -> Any:
        """Return how the cells of a text file are separated."""
        import pyarrow.csv as pc

        with self.path.open("rb") as file:
            first = file.readline(1 << 16).decode("utf-8", "replace")
        return pc.ParseOptions(delimiter=delimiter_of(first), ignore_empty_lines=True)

    def batches(self, names: Sequence[str], numbers: Sequence[str] = ()) -> Iterator[Any]:
        """Yield record batches of some columns, as `Source` says."""
        import pyarrow as pa
        import pyarrow.csv as pc
        import pyarrow.parquet as pq

        try:
            if self.typed:
                schema = pq.read_schema(self.path)
                texts = [
                    name
                    for name in names
                    if pa.types.is_string(schema.field(name).type) or pa.types.is_large_string(schema.field(name).type)
                ]
                with pq.ParquetFile(self.path, read_dictionary=texts, pre_buffer=False) as file:
                    for batch in file.iter_batches(BATCH_ROWS, columns=list(names)):
                        batch.validate(full=True)  # pyarrow does not check that codes are within their dictionary
                        yield batch
                return
            kinds = {name: pa.float64() if name in numbers else pa.dictionary(pa.int32(), pa.string()) for name in names}
            convert = pc.ConvertOptions(column_types=kinds, include_columns=names, strings_can_be_null=False, null_values=[""])
            with pc.open_csv(self.path, pc.ReadOptions(block_size=BLOCK_BYTES), self._cut(), convert) as reader:
                yield from reader
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            if numbers and isinstance(error, pa.ArrowInvalid):
                raise
            raise self._unreadable(error) from error

    def digest(self) -> str:
        """Return the sha256 of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


class FrameSource(Source):
    """A table in memory (a pyarrow.Table). Rows are counted from 0, as DataFrames count them."""

    def __init__(self, table: Any, name: str) -> None:
        self.table, self.name, self.typed = table, name, True

    def __str__(self) -> str:
        return self.name

    def row(self, index: int) -> str:
        """Return a row's name; the first is row 0."""
        return f"{self}, row {index} (counted from 0)"

    def number(self, index: int) -> int:
        """Return the row's index, as in `frame.iloc`."""
        return index

    def _names(self) -> list[str]:
        return list(self.table.column_names)

    def batches(self, names: Sequence[str], numbers: Sequence[str] = ()) -> Iterator[Any]:
        """Yield record batches of some columns, as `Source` says."""
        import pyarrow as pa

        chosen = self.table.select(list(names))
        for position, field in enumerate(chosen.schema):
            if str(field.type) == "string_view":  # polars gives this type, and little of pyarrow reads it
                chosen = chosen.set_column(position, field.name, chosen.column(position).cast(pa.large_string()))
        yield from chosen.to_batches(max_chunksize=BATCH_ROWS)

    def digest(self) -> str:
        """Return the empty text.

        The same content is the same table, in any library.
        """
        return ""


def source_of(table: Any, name: str) -> Source:
    """Return the source of a file or DataFrame.

    table: a path, a pandas or polars DataFrame, an Arrow table, or columns by name. Raises UserError for anything else.
    """
    import pyarrow as pa

    if isinstance(table, (str, os.PathLike)):
        return FileSource(Path(table))
    try:
        if isinstance(table, Mapping):
            return FrameSource(pa.table(dict(table)), name)
        if not isinstance(table, pa.Table):
            table = _arrow(table)
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = (str(error).splitlines() or ["?"])[0]
        raise UserError(
            f"{name}: can't be read as a table ({reason}); give a pandas or polars DataFrame, or an Arrow table"
        ) from error
    return FrameSource(table, name)


def _arrow(frame: Any) -> Any:
    """Return a DataFrame as an Arrow table.

    Through Arrow's own interfaces, those that the DataFrame has. Raises TypeError where it has none.
    """
    import pyarrow as pa
    from pyarrow.interchange import from_dataframe

    if type(frame).__module__.partition(".")[0] == "pandas":
        try:
            return pa.table(frame)
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # columns of several kinds: as texts, so that the row that is wrong is found
            return pa.table(frame.assign(**{name: _texts(column) for name, column in frame.items() if column.dtype == object}))
    if hasattr(frame, "__arrow_c_stream__"):
        return pa.table(frame)
    if hasattr(frame, "__dataframe__"):
        return from_dataframe(frame)
    raise TypeError(f"a {type(frame).__name__}")


def _texts(column: Any) -> list[str | None]:
    """Return a column of pandas objects as text.

    Each is as it is written; what pandas takes for missing stays missing.
    """
    return [None if missing else str(cell) for cell, missing in zip(column, column.isna(), strict=True)]
