"""MATLAB files: what SciPy writes is read, and what somebody spoiled is refused."""

from __future__ import annotations

import io
import random
import struct
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from faceparity.datasets.formats.matlab import MAX_DEPTH, Array, MatlabError, read_matlab


def saved(compressed: bool = True, **values: object) -> bytes:
    held = io.BytesIO()
    savemat(held, values, do_compression=compressed)
    return held.getvalue()


def cells(*values: object) -> np.ndarray:
    made = np.empty((2, len(values) // 2), object)
    made[:] = np.array([*values, None], object)[:-1].reshape(2, -1)
    return made


@pytest.mark.parametrize("compressed", [False, True])
def test_what_is_written_is_read(compressed: bool) -> None:
    inside = {"name": "Zoë", "age": 30.5}
    found = read_matlab(
        saved(compressed, x=np.array([[1.0, 2, 3], [4, 5, 6]]), c=cells("a", inside, "", np.array([[7]], np.uint8)), t="é")
    )
    assert found["x"] == Array((2, 3), [1, 4, 2, 5, 3, 6])
    assert found["t"] == "é"
    assert found["c"] == Array((2, 2), ["a", "", Array((1, 1), [("Zoë", Array((1, 1), [30.5]))]), Array((1, 1), [7])])


def test_the_other_order_of_bytes() -> None:
    flags = struct.pack(">IIII", 6, 8, 6, 0)
    shape = struct.pack(">IIii", 5, 8, 1, 1)
    name = struct.pack(">HH", 1, 1) + b"x\0\0\0"
    body = flags + shape + name + struct.pack(">IId", 9, 8, 2.5)
    assert read_matlab(bytes(124) + b"\1\0MI" + struct.pack(">II", 14, len(body)) + body) == {"x": Array((1, 1), [2.5])}


@pytest.mark.parametrize("data", [b"", b"x" * 127, bytes(500), b"MATLAB 5.0 MAT-file".ljust(600, b" ")])
def test_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(MatlabError):
        read_matlab(data)


def test_a_bomb_is_not_unpacked() -> None:
    packed = zlib.compress(bytes(1 << 24))
    with pytest.raises(MatlabError, match="far more"):
        read_matlab(saved()[:128] + struct.pack("<II", 15, len(packed)) + packed, max_bytes=1 << 20)


def test_cells_in_cells_without_end_are_refused() -> None:
    value: object = "x"
    for _ in range(MAX_DEPTH + 2):
        held = np.empty((1, 1), object)
        held[0, 0] = value
        value = held
    with pytest.raises(MatlabError, match="deep"):
        read_matlab(saved(x=value))


def test_numbers_of_cells_that_cannot_be_there_are_refused_at_once() -> None:
    whole = saved(False, c=cells("a", "b"))
    at = whole.index(struct.pack("<ii", 2, 1))
    with pytest.raises(MatlabError, match="fewer"):
        read_matlab(whole[:at] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + whole[at + 8 :])


def test_spoiled_files_raise_nothing_else() -> None:
    """A compiled reader died of such: of another kind of array, of a class that is none, of a torn one."""
    whole = saved(False, c=cells("a", {"n": "b", "v": 1.5}, "cc", "d"), x=np.arange(6.0))
    rng = random.Random(0)
    refused = 0
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(120, len(data))] = rng.choice((0, 1, 3, 14, 15, 127, 255, rng.randrange(256)))
        try:
            read_matlab(bytes(data[: rng.choice((len(data), rng.randrange(len(data))))]))
        except MatlabError:
            refused += 1
    assert refused > 1000
