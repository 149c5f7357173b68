"""Columns of a table that comes in batches: texts as numbers, scores, truth values. Rows are counted from 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.numba_cache import njit

I32 = NDArray[np.int32]
TRUE, FALSE = frozenset({"1", "1.0", "true", "yes", "t", "y"}), frozenset({"0", "0.0", "false", "no", "f", "n"})


def encode(column: Any, source: object) -> tuple[I32, Any]:
    """Return the code of each row, and the words.

    Words are pyarrow strings without blanks at their ends, perhaps some twice; null is the empty text.
    Raises UserError if the column holds what is no text, number or truth value.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if not isinstance(column, pa.DictionaryArray):
            kind = column.type
            simple = (
                pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
            )
            column = (column if simple else pc.cast(column, pa.string())).dictionary_encode()
        words = pc.utf8_trim_whitespace(pc.fill_null(pc.cast(column.dictionary, pa.string()), ""))
        codes = column.indices
        if codes.null_count:
            codes = pc.fill_null(pc.cast(codes, pa.int32()), len(words))
            words = pa.concat_arrays([words, pa.array([""], pa.string())])
    except pa.ArrowException as error:
        raise UserError(
            f"{source}: a column of type {column.type} can't be read as text ({str(error).splitlines()[0]})"
        ) from error
    return np.asarray(codes).astype(np.int32, copy=False), words


@njit()
def renumber(codes: I32, new: I32) -> None:
    """Replace each codes[k] by new[codes[k]], in place."""
    for k in range(codes.size):
        codes[k] = new[codes[k]]


def renamed(codes: I32, words: Sequence[str], names: Mapping[str, str]) -> tuple[I32, list[str]]:
    """Replace words by their names, which several may share.

    Returns the code of each row and the names, rising. Overwrites codes.
    """
    if all(word == name for word, name in names.items()):
        return codes, list(words)
    kept = sorted(set(names.values()))
    place = {name: k for k, name in enumerate(kept)}
    renumber(codes, np.array([place[names[word]] for word in words], np.int32))
    return codes, kept


@njit()
def _occurring(codes: I32, count: int) -> NDArray[np.bool_]:
    occurs = np.zeros(count, np.bool_)
    for k in range(codes.size):
        occurs[codes[k]] = True
    return occurs


class Words:
    """The texts of one name's columns, sides a and b, over one list of words."""

    def __init__(self) -> None:
        self._words: list[Any] = []
        self._known = 0
        self._codes: tuple[list[I32], list[I32]] = ([], [])

    def add(self, side: int, column: Any, source: object) -> None:
        """Append a batch to side 0 or 1.

        Raises UserError for a column that can't be read as text.
        """
        codes, words = encode(column, source)
        self._codes[side].append(codes + np.int32(self._known))
        self._words.append(words)
        self._known += len(words)

    def joined(self) -> tuple[I32, list[str]]:
        """Return every row's code, and the words.

        Rows are those of side a, then those of side b; the words that occur are in rising order. Can be called once.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        joined = np.empty(sum(c.size for side in self._codes for c in side), np.int32)
        if not joined.size:
            return joined, []
        distinct = pa.concat_arrays(self._words).dictionary_encode()
        positions = np.asarray(distinct.indices).astype(np.int32, copy=False)
        start = 0
        for side in self._codes:
            while side:
                codes = side.pop(0)
                joined[start : start + codes.size] = codes
                start += codes.size
        renumber(joined, positions)
        used = _occurring(joined, len(distinct.dictionary))
        order = np.asarray(pc.sort_indices(distinct.dictionary))
        order = order[used[order]]
        rank = np.full(used.size, -1, np.int32)
        rank[order] = np.arange(order.size, dtype=np.int32)
        renumber(joined, rank)
        return joined, distinct.dictionary.take(pa.array(order)).to_pylist()


class Scores:
    """float64 of each row, nan for an empty score.

    bad: the first row whose score is no finite number, and how it is written. single: the column is of float32 or float16.
    """

    def __init__(self) -> None:
        self._parts: list[NDArray[np.float64]] = []
        self._rows = 0
        self._n_bad = 0
        self.bad: tuple[int, str] | None = None
        self.single = True

    def add(self, column: Any, source: object) -> None:
        """Append a batch of numbers or texts.

        Raises UserError for a column of another type.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if isinstance(column, pa.DictionaryArray):
            column = column.dictionary_decode()
        self.single &= pa.types.is_float32(column.type) or pa.types.is_float16(column.type)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            values, empty = _numbers(column)
        else:
            empty = np.asarray(pc.is_null(column))
            try:
                filled = pc.fill_null(pc.cast(column, "float64"), 0.0)
            except pa.ArrowException as error:
                if pa.types.is_integer(column.type):
                    raise UserError(
                        f"{source}: column score has integers beyond 2^53, which double precision can't tell apart; "
                        "subtract a constant from all of them"
                    ) from error
                raise UserError(f"{source}: column score is of type {column.type}; write numbers") from error
            values = np.asarray(filled, np.float64)
        scores = np.array(values, np.float64)
        wrong = ~(empty | np.isfinite(scores))
        if wrong.any():
            row = int(np.argmax(wrong))
            self.bad = self.bad or (self._rows + row, str(column[row]))
            self._n_bad += int(wrong.sum())
        scores[empty] = np.nan
        self._parts.append(scores)
        self._rows += scores.size

    def check(self, named: Callable[[int], str]) -> None:
        """Raise UserError for a score that is no finite number.

        Its text names the row: NaN, infinity and what is no number are refused.
        """
        if self.bad is not None:
            row, text = self.bad
            raise UserError(
                f"{named(row)}: the score {text!r} is not a finite number ({self._n_bad:,} such rows); "
                "write 0.5, not 0,5; leave the cell of a failed comparison empty"
            )

    def joined(self) -> NDArray[np.float64]:
        """Return the scores of all rows."""
        return np.concatenate(self._parts) if self._parts else np.empty(0, np.float64)


def _numbers(column: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return texts as numbers, and which are empty.

    nan for what is no number.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(column)
    empty = np.asarray(pc.fill_null(pc.equal(trimmed, ""), True))
    written = trimmed.filter(pa.array(~empty))
    values = np.full(len(column), np.nan)
    try:
        values[~empty] = np.asarray(pc.cast(written, "float64"))
    except pa.ArrowInvalid:
        values[~empty] = [_number(text) for text in written.to_pylist()]
    return values, empty


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


class Truths:
    """bool of each row, from true/false, yes/no, 1/0."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.bool_]] = []
        self._rows = 0
        self._bad: tuple[int, str] | None = None

    def add(self, column: Any, source: object) -> None:
        """Append a batch."""
        codes, words = encode(column, source)
        texts = words.to_pylist()
        known = np.asarray([1 if word.lower() in TRUE else 0 if word.lower() in FALSE else -1 for word in texts], np.int8)
        values = known[codes]
        if self._bad is None and (values < 0).any():
            row = int(np.argmax(values < 0))
            self._bad = self._rows + row, texts[codes[row]]
        self._parts.append(values == 1)
        self._rows += values.size

    def check(self, named: Callable[[int], str]) -> None:
        """Raise UserError for what is no truth value.

        Its text names the row.
        """
        if self._bad is not None:
            raise UserError(f"{named(self._bad[0])}: mated is {self._bad[1]!r}; write true or false")

    def joined(self) -> NDArray[np.bool_]:
        """Return the truth values of all rows."""
        return np.concatenate(self._parts) if self._parts else np.empty(0, np.bool_)
