"""Pickled packs: read whatever Python or numpy wrote them, and nothing in them is ever run."""

from __future__ import annotations

import os
import pickle
import pickletools
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.formats.safe_pickle import read_pack

IMAGES = [b"\xff\xd8 one", b"two \x00" * 100, b"", b"four" * 80]
MATED = [True, False]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def python2(images: list[bytes], mated: list[bool]) -> bytes:
    """What Python 2's cPickle writes for `pickle.dump((bins, issame), f, protocol=HIGHEST_PROTOCOL)`."""
    out = [b"\x80\x02]q\x01("]
    for n, image in enumerate(images):
        short = b"U" + struct.pack("<B", len(image)) if len(image) < 256 else b"T" + struct.pack("<I", len(image))
        out.append(short + image + b"r" + struct.pack("<I", n + 2))
    out.append(b"e]r" + struct.pack("<I", len(images) + 2) + b"(" + b"".join(b"\x88" if m else b"\x89" for m in mated) + b"e\x86")
    return b"".join(out) + b"q\x00."


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", ["bytes", "arrays", "numpy labels", "numpy label array"])
def test_every_python_3_pickle_of_a_pack_is_read(tmp_path: Path, protocol: int, kind: str) -> None:
    images: list[object] = [np.frombuffer(image, np.uint8) for image in IMAGES] if kind == "arrays" else list(IMAGES)
    labels: object = {"numpy labels": [np.bool_(m) for m in MATED], "numpy label array": np.array(MATED)}.get(kind, MATED)
    pack = read_pack(write(tmp_path / "x.bin", pickle.dumps((images, labels), protocol)))
    assert (pack.images, pack.mated) == (IMAGES, MATED)


def test_python_2_packs_are_read(tmp_path: Path) -> None:
    content = python2(IMAGES, MATED)
    assert pickle.loads(content, encoding="bytes") == (IMAGES, MATED), "the test writes what Python reads"
    assert read_pack(write(tmp_path / "x.bin", content)).images == IMAGES
    by_lines = b"((lp0\nS'one'\np1\naS'two'\np2\na(lp3\nI01\natp4\n."
    pack = read_pack(write(tmp_path / "y.bin", by_lines))
    assert (pack.images, pack.mated) == ([b"one", b"two"], [True])


class Runs:
    """Pickles as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> object:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_pack_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "it ran"
    for call in (
        Runs(os.mkdir, str(mark)),
        Runs(eval, f"open({str(mark)!r}, 'w')"),
        Runs(getattr, (), "append"),
        Runs(np.load, str(mark)),
    ):
        for content in ((list(IMAGES), [call, True]), ([call, *IMAGES], MATED), call):
            path = write(tmp_path / "x.bin", pickle.dumps(content, protocol))
            with pytest.raises(UserError, match=r"refused and was not run.*names|refused and was not run.*uses"):
                read_pack(path)
            assert not mark.exists()
    pickle.loads(pickle.dumps(Runs(os.mkdir, str(mark)), protocol))
    assert mark.exists(), "an ordinary reader runs it"


HOSTILE = {
    "old way of making objects": b"(S'x'\nios\nsystem\n.",
    "another way": b"(cos\nsystem\nS'x'\no.",
    "a class": b"\x80\x02cos\nsystem\n)\x81.",
    "extension registry": b"\x80\x02\x82\x01.",
    "outside itself": b"Pabc\n.",
    "outside itself, binary": b"\x80\x02K\x01Q.",
    "a function changed": b"\x80\x02cnumpy\ndtype\nK\x01b.",
    "a huge memo": b"\x80\x02]r\xff\xff\xff\x7f.",
    "a huge memo by lines": b"(lp2147483647\n.",
    "an enormous number": b"\x80\x02\x8b\x04\x00\x00\x00\x00\x00\x00\x00.",
    "out-of-band data": b"\x80\x05\x97.",
    "a name from the stack": b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    "a name below a harmless one": b"\x80\x04\x8c\x05numpy\x8c\x0bdtype.__new\x93.",
    "a dict": b"\x80\x02}.",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_instructions_that_no_pack_needs_are_refused(tmp_path: Path, what: str) -> None:
    with pytest.raises(UserError, match="refused and was not run"):
        read_pack(write(tmp_path / "x.bin", HOSTILE[what]))


BROKEN: dict[str, object] = {
    "odd number of images": (IMAGES[:3], MATED),
    "no pairs": ([], []),
    "labels that are words": (IMAGES, ["yes", "no"]),
    "labels that are numbers": (IMAGES, [2, 0]),
    "text for images": (["a"] * 4, MATED),
    "pixels for images": ([np.zeros((2, 2), np.uint8)] * 4, MATED),
    "objects for images": ([np.array([None])] * 4, MATED),
    "one thing": IMAGES,
    "three things": (IMAGES, MATED, MATED),
}


@pytest.mark.parametrize("what", BROKEN)
def test_other_pickles_are_no_packs(tmp_path: Path, what: str) -> None:
    with pytest.raises(UserError, match=r"x\.bin"):
        read_pack(write(tmp_path / "x.bin", pickle.dumps(BROKEN[what], 4)))


def test_no_pickle_at_all(tmp_path: Path) -> None:
    for content in (b"", b"not a pickle", b"PK\x03\x04", b"\x80\x02", python2(IMAGES, MATED)[:-40]):
        with pytest.raises(UserError, match=r"x\.bin"):
            read_pack(write(tmp_path / "x.bin", content))
    with pytest.raises(UserError, match="cannot be read"):
        read_pack(tmp_path / "absent.bin")


@settings(max_examples=150)
@given(st.data())
def test_whatever_bytes_are_changed_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(pickle.dumps(([np.frombuffer(i, np.uint8) for i in IMAGES], [np.bool_(m) for m in MATED]), 2))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = write(tmp_path_factory.mktemp("any") / "x.bin", bytes(content))
    with suppress(UserError):
        pack = read_pack(path)
        assert len(pack.images) == 2 * len(pack.mated)


def test_the_allowed_instructions_make_no_objects() -> None:
    from faceparity.datasets.formats import safe_pickle

    makers = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEXT_BUFFER", "EMPTY_DICT"}
    assert makers <= {opcode.name for opcode in pickletools.opcodes}
    assert not makers & safe_pickle._ALLOWED
