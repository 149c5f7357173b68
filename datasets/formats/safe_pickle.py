"""Read packs of verification pairs that come as Python pickles (insightface's `.bin`) without running anything in them.

A pickle is a small program, and an ordinary reader runs all that it names. Here every instruction is checked first,
and those that such packs don't need are refused; names stand for inert stand-ins of this module, never for real
classes or functions.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import TooLargeError, read_regular

MAX_BYTES = 2 * 2**30
"""A larger file is not opened: the largest known pack is a twentieth of it."""

_OPCODES = """
    PROTO FRAME STOP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1
    STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8
    UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
    MARK EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 POP POP_MARK
    PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE BUILD
"""
_ALLOWED = frozenset(_OPCODES.split())


class _PickleRefusedError(Exception):
    """The pickle asks for something that no pack needs."""


@dataclass(frozen=True)
class Pack:
    """Pairs of encoded images: pair i is images[2i] and images[2i + 1]; mated[i] says whether they show one person."""

    images: list[bytes]
    mated: list[bool]


def read_pack(path: Path) -> Pack:
    """Read the pack in a file.

    Nothing in its pickle is ever run. Raises UserError if it is no pack, or if its pickle holds anything but lists,
    bytes, truth values and plain numpy arrays of them.
    """
    try:
        data = read_regular(path, MAX_BYTES)
    except TooLargeError:
        raise UserError(f"{path} is larger than {MAX_BYTES // 2**30} GiB: no known pack is") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check the path and its permissions") from None
    try:
        _check_opcodes(data)
        return _pack(_Inert(io.BytesIO(data), encoding="bytes").load())
    except _PickleRefusedError as error:
        raise UserError(f"{path} is refused and was not run: {error}; get the pack from its publisher again") from None
    except MemoryError:
        raise UserError(f"{path} does not fit into this machine's memory") from None
    except Exception as error:  # a broken pickle raises anything
        raise UserError(
            f"{path} is not a pack of image pairs ({type(error).__name__}): get it from its publisher again"
        ) from None


def _check_opcodes(data: bytes) -> None:
    """Refuse a pickle with instructions that no pack needs.

    Raises _PickleRefusedError at the first instruction, name or memo number that no pack needs.
    """
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name not in _ALLOWED:
            raise _PickleRefusedError(f"its pickle uses {opcode.name}, which no pack needs")
        if opcode.name == "GLOBAL":
            _stand_in(*str(argument).split(" ", 1))
    if numbers_too_high(io.BytesIO(data)):
        raise _PickleRefusedError("its pickle numbers its parts as no program writes them")


def numbers_too_high(stream: IO[bytes]) -> bool:
    """Return whether a pickle's memo numbers exceed its parts.

    The memory for such a number would be taken at once. The pickle begins where the stream is, and the stream is left
    there. Raises the errors of `pickletools.genops` for a broken pickle.
    """
    start, put = stream.tell(), 0
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            put += opcode.name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
            if opcode.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > put:
                return True
        return False
    finally:
        stream.seek(start)


class _Inert(pickle.Unpickler):
    """An unpickler that knows no names but those of stand-ins."""

    def find_class(self, module: str, name: str, /) -> Any:
        return _stand_in(module, name)

    def persistent_load(self, pid: Any, /) -> NoReturn:
        raise _PickleRefusedError("its pickle refers to things outside itself")


class _Array:
    """What is kept of a numpy array: the letters of its dtype, its shape, its bytes."""

    __slots__ = ("kind", "raw", "shape")

    def __init__(self, kind: str = "", shape: tuple[int, ...] = (), raw: bytes = b"") -> None:
        self.kind, self.shape, self.raw = kind, shape, raw

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, _, raw = state
        self.kind, self.shape, self.raw = _kind(dtype), tuple(shape), _bytes(raw)


class _Dtype:
    """What is kept of a numpy dtype."""

    __slots__ = ("letters",)

    def __init__(self, letters: str) -> None:
        self.letters = letters

    def __setstate__(self, state: Any) -> None:
        """Ignore the byte order and the rest of the state.

        Of one-byte types nothing matters; longer numbers are read as little-endian, and big-endian labels are refused as
        neither 0 nor 1.
        """


class _StandIn:
    """A stand-in for a function: it can be called, and cannot be changed."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> NoReturn:
        raise _PickleRefusedError("its pickle tries to change a function")


class _NewArray(_StandIn):
    def __call__(self, *_: Any) -> _Array:
        return _Array()


class _ArrayOfBuffer(_StandIn):
    def __call__(self, buffer: Any, dtype: Any, shape: Any, _order: Any) -> _Array:
        return _Array(_kind(dtype), tuple(shape), _bytes(buffer))


class _NewDtype(_StandIn):
    def __call__(self, letters: Any, *_: Any) -> _Dtype:
        return _Dtype(letters.decode("ascii") if isinstance(letters, bytes) else str(letters))


class _Scalar(_StandIn):
    def __call__(self, dtype: Any, raw: Any) -> int:
        return _integers(_Array(_kind(dtype), (1,), _bytes(raw)))[0]


class _Encode(_StandIn):
    """`codecs.encode(text, "latin1")`, by which later Pythons write bytes for older ones."""

    def __call__(self, text: Any, encoding: Any) -> bytes:
        if encoding not in ("latin1", "latin-1", b"latin1") or not isinstance(text, str):
            raise _PickleRefusedError("its pickle encodes text in a way that no pack needs")
        return text.encode("latin-1")


class _NoBytes(_StandIn):
    def __call__(self) -> bytes:
        return b""


_STAND_INS: dict[str, _StandIn] = {
    "numpy.core.multiarray _reconstruct": _NewArray(),
    "numpy.core.multiarray scalar": _Scalar(),
    "numpy.core.numeric _frombuffer": _ArrayOfBuffer(),
    "numpy ndarray": _StandIn(),
    "numpy dtype": _NewDtype(),
    "_codecs encode": _Encode(),
    "__builtin__ bytes": _NoBytes(),
    "builtins bytes": _NoBytes(),
}


def _stand_in(module: str, name: str) -> _StandIn:
    known = _STAND_INS.get(f"{module.replace('numpy._core', 'numpy.core')} {name}")
    if known is None:
        raise _PickleRefusedError(f"its pickle names {module}.{name}, which no pack needs"[:200])
    return known


def _kind(dtype: Any) -> str:
    if not isinstance(dtype, _Dtype) or dtype.letters.lstrip("|<=") not in ("u1", "b1", "i1", "i4", "i8"):
        raise _PickleRefusedError("its pickle holds numbers of a kind that no pack needs")
    return dtype.letters.lstrip("|<=")


def _bytes(raw: Any) -> bytes:
    if not isinstance(raw, bytes | bytearray):
        raise _PickleRefusedError("its pickle holds an array that is not made of bytes")
    return bytes(raw)


def _integers(array: _Array) -> list[int]:
    """Return the numbers of a one-dimensional array.

    Raises _PickleRefusedError.
    """
    width = int(array.kind[1])
    if len(array.shape) != 1 or array.shape[0] * width != len(array.raw):
        raise _PickleRefusedError("its pickle holds an array whose size is not what it says")
    return [int.from_bytes(array.raw[i : i + width], "little") for i in range(0, len(array.raw), width)]


def _image(item: Any) -> bytes:
    if isinstance(item, _Array):
        if item.kind != "u1" or len(item.shape) != 1 or item.shape[0] != len(item.raw):
            raise _PickleRefusedError("one of its images is an array that is not an encoded image")
        return item.raw
    if isinstance(item, bytes | bytearray):
        return bytes(item)
    raise _PickleRefusedError("one of its images is not made of bytes")


def _booleans(labels: Any) -> list[bool]:
    numbers: Sequence[Any] = _integers(labels) if isinstance(labels, _Array) else labels
    if not isinstance(numbers, list | tuple) or not all(isinstance(label, int) and label in (0, 1) for label in numbers):
        raise _PickleRefusedError("its labels are not a list of true and false")
    return [bool(label) for label in numbers]


def _pack(content: Any) -> Pack:
    if not isinstance(content, tuple | list) or len(content) != 2 or not isinstance(content[0], tuple | list):
        raise _PickleRefusedError("it does not hold a list of images and a list of labels")
    images, mated = [_image(item) for item in content[0]], _booleans(content[1])
    if len(images) != 2 * len(mated) or not mated:
        raise _PickleRefusedError(f"it holds {len(images)} images for {len(mated)} pairs")
    return Pack(images, mated)
