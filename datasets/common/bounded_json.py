"""Look over JSON before it is parsed: a parser takes many times the memory of a file that was made to fill it.

The checks need no memory: how deep the text nests, how many entries one list or object has, how long one text is, and
how many values there are. Whether it is JSON is for the parser to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from faceparity.datasets.common.regular_files import read_regular

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"(?:\s*+(:))?+|[^"\[\]{}]++|.', re.DOTALL)
_OPEN, _CLOSE = frozenset(b"[{"), frozenset(b"]}")
_QUOTE, _BRACE = b'"'[0], b"{"[0]


class TooMuchError(ValueError):
    """The text exceeds a limit."""


@dataclass(frozen=True)
class JsonLimits:
    """The most that is read: bytes in all, entries of one list, keys of one object, bytes of one text, levels.

    A parser needs up to a hundred bytes for a value that takes two in the text, so there may be one value in
    `bytes_per_value` bytes, and `values` more. names: keys that are expected; of others there may be `other_names` in
    all, because each can be an error that the parser keeps. Without names any key is expected.
    """

    size: int
    entries: int
    keys: int
    text: int = 1 << 20
    depth: int = 64
    values: int = 1_000_000
    bytes_per_value: int = 10
    names: frozenset[bytes] = frozenset()
    other_names: int = 100_000


RECORD_LIMITS = JsonLimits(size=1 << 30, entries=200_000, keys=10_000)
"""Of the records that this package writes. The largest, of 14 × 14 groups of 34 people at four thresholds, has 63 MB, 19,306 rates in
its longest list, 28 bytes a value, and 12 levels; small ones have 14 bytes a value."""


def read_json(path: Path, limits: JsonLimits) -> bytes:
    """Read a JSON file, refusing one beyond the limits.

    Returns its bytes, for a parser. Raises OSError, TooMuchError.
    """
    data = read_regular(path, limits.size)
    check_json(data, limits)
    return data


def check_json(data: bytes, limits: JsonLimits) -> None:
    """Raise TooMuchError if a JSON text exceeds the limits."""
    if len(data) > limits.size:
        raise TooMuchError(f"larger than {limits.size >> 20:,} MiB")
    most_values = limits.values + len(data) // limits.bytes_per_value
    open_at: list[int] = []
    counts: list[int] = []
    values = others = 0
    for found in _TOKEN.finditer(data):
        start, end = found.span()
        first = data[start]
        if first == _QUOTE:
            if end - start > limits.text:
                raise TooMuchError(f"a text of more than {limits.text:,} bytes at byte {start:,}")
            if end - start < 2:  # the text does not end: the parser reports it
                return
            if found[1] and limits.names and data[start + 1 : data.rindex(b'"', start, end)] not in limits.names:
                others += 1
                if others > limits.other_names:
                    raise TooMuchError(f"more than {limits.other_names:,} keys of other names")
        elif first in _OPEN:
            if len(open_at) >= limits.depth:
                raise TooMuchError(f"nests deeper than {limits.depth} levels at byte {start:,}")
            open_at.append(first)
            counts.append(0)
        elif first in _CLOSE:
            if open_at:
                open_at.pop()
                counts.pop()
        elif open_at and (commas := data.count(b",", start, end)):
            values += commas
            counts[-1] += commas
            is_object = open_at[-1] == _BRACE
            most = limits.keys if is_object else limits.entries
            if counts[-1] >= most:
                what = "an object has more than {:,} keys" if is_object else "a list has more than {:,} entries"
                raise TooMuchError(f"{what.format(most)} at byte {start:,}")
            if values >= most_values:
                raise TooMuchError(f"more than {most_values:,} values")
