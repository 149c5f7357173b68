"""Read MATLAB's level 5 files, as far as lists of pairs need them: cells, structures, text and numbers.

Written here because a damaged file can crash the process in SciPy's reader, which is compiled code.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from math import prod
from typing import Literal, NamedTuple, TypeAlias

MAX_BYTES = 2**28
MAX_DEPTH = 12
_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMBERS = range(6, 16)
_COMPLEX = 0x800
_FORMATS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}

Value: TypeAlias = "Array | str | float | tuple[Value, ...]"
Order = Literal["<", ">"]


class MatlabError(ValueError):
    """The data is no such file, broken, or holds something that lists of pairs don't."""


class Array(NamedTuple):
    """An array, cell array or array of structures.

    values: in MATLAB's order, the first dimension fastest; of a structure, one tuple of fields each, in the file's order.
    """

    shape: tuple[int, ...]
    values: Sequence[Value]


class _Element(NamedTuple):
    kind: int
    data: memoryview


def read_matlab(data: bytes, max_bytes: int = MAX_BYTES) -> dict[str, Value]:
    """Read the variables of a file by name.

    Text is str, everything else an Array. max_bytes: of all compressed variables together, unpacked. Raises MatlabError.
    """
    if len(data) < _HEADER or data[126:128] not in (b"IM", b"MI"):
        raise MatlabError("no MATLAB 5 file")
    order: Order = "<" if data[126:128] == b"IM" else ">"
    found: dict[str, Value] = {}
    bytes_left = max_bytes
    try:
        for element in _elements(memoryview(data)[_HEADER:], order):
            if element.kind == _COMPRESSED:
                raw = _unpacked(bytes(element.data), bytes_left)
                bytes_left -= len(raw)
                inner = next(_elements(memoryview(raw), order), None)
            else:
                inner = element
            if inner is None or inner.kind != _MATRIX:
                raise MatlabError("no variable where one should be")
            name, value = _matrix(inner.data, order, 0)
            found[name] = value
    except (struct.error, UnicodeDecodeError, OverflowError, zlib.error) as error:
        raise MatlabError(f"broken ({type(error).__name__})") from None
    return found


def _unpacked(packed: bytes, at_most: int) -> bytes:
    raw = zlib.decompressobj().decompress(packed, at_most + 1)
    if len(raw) > at_most:
        raise MatlabError("it unpacks to far more than a list of pairs takes")
    return raw


def _elements(data: memoryview, order: Order) -> Iterator[_Element]:
    """Yield the elements of a block one after the other.

    Small ones have their data in their tag. Raises MatlabError.
    """
    offset = 0
    while offset + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, offset)
        if kind >> 16:
            kind, size = kind & 0xFFFF, kind >> 16
            begin, end, after = offset + 4, offset + 4 + size, offset + 8
            if size > 4:
                raise MatlabError("a small element that is not small")
        else:
            begin, end = offset + 8, offset + 8 + size
            after = end if kind == _COMPRESSED else end + -size % 8
        if end > len(data):
            raise MatlabError("torn")
        yield _Element(kind, data[begin:end])
        offset = after


def _matrix(data: memoryview, order: Order, depth: int) -> tuple[str, Value]:
    """Return an array's name and value.

    An element without content is an empty array. Raises MatlabError.
    """
    if depth > MAX_DEPTH:
        raise MatlabError("nested too deeply")
    if not len(data):
        return "", Array((0, 0), [])
    parts = _elements(data, order)
    flags = _numbers(_next(parts), order)
    shape = tuple(int(size) for size in _numbers(_next(parts), order))
    name = bytes(_next(parts).data).decode("latin-1")
    if not flags or not shape or min(shape) < 0:
        raise MatlabError("an array without a shape")
    kind, count = int(flags[0]) & 0xFF, prod(shape)
    if kind == _CHAR:
        return name, _text(_next(parts), order)
    if kind in _NUMBERS and not int(flags[0]) & _COMPLEX:
        values = _numbers(_next(parts), order)
        if len(values) != count:
            raise MatlabError("an array of another size than it says")
        return name, Array(shape, [*values])
    if kind == _CELL:
        _check_count(count, data)
        return name, Array(shape, [_inner(parts, order, depth) for _ in range(count)])
    if kind == _STRUCT:
        fields = _field_count(parts, order)
        _check_count(count * max(1, fields), data)
        return name, Array(shape, [tuple(_inner(parts, order, depth) for _ in range(fields)) for _ in range(count)])
    raise MatlabError("something other than cells, structures, text and real numbers")


def _field_count(parts: Iterator[_Element], order: Order) -> int:
    """Return the number of fields of a structure.

    Raises MatlabError.
    """
    length, names = _numbers(_next(parts), order), _next(parts).data
    if len(length) != 1 or length[0] < 1:
        raise MatlabError("fields without a name")
    return len(names) // int(length[0])


def _check_count(count: int, data: memoryview) -> None:
    """Refuse a count of elements that the data can't hold.

    Each takes at least the 8 bytes of its tag. Raises MatlabError.
    """
    if count * 8 > len(data):
        raise MatlabError("fewer elements than it says")


def _inner(parts: Iterator[_Element], order: Order, depth: int) -> Value:
    element = _next(parts)
    if element.kind != _MATRIX:
        raise MatlabError("no array where one should be")
    return _matrix(element.data, order, depth + 1)[1]


def _next(parts: Iterator[_Element]) -> _Element:
    element = next(parts, None)
    if element is None:
        raise MatlabError("torn")
    return element


def _numbers(element: _Element, order: Order) -> tuple[float, ...]:
    code = _FORMATS.get(element.kind)
    if code is None:
        raise MatlabError("no numbers where some should be")
    return struct.unpack(f"{order}{len(element.data) // struct.calcsize(code)}{code}", element.data)


def _text(element: _Element, order: Order) -> str:
    encoding = _ENCODINGS.get(element.kind)
    if encoding is None:
        raise MatlabError("no text where some should be")
    ends = {"<": "-le", ">": "-be"}[order] if encoding in ("utf-16", "utf-32") else ""
    return bytes(element.data).decode(encoding + ends)
