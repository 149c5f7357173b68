"""Files are there whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from faceparity.datasets.common import atomic_write
from faceparity.datasets.common.atomic_write import write_atomically

KINDS = [{}, {"durable": True}, {"private": True}, {"shared": True}, {"durable": True, "private": True, "shared": True}]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_takes_the_place_of_what_was_there(kind: dict[str, bool], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before, and longer")
    write_atomically(file, "é\nafter", **kind)
    assert file.read_bytes() == "é\nafter".encode()
    write_atomically(file, b"\0\r\n", **kind)
    assert file.read_bytes() == b"\0\r\n"
    assert [f.name for f in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_leaves_the_old_one_and_no_half(kind: dict[str, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("before")

    def full(half: object, target: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic_write.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(file, "after", **kind)
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("file", "before")]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_a_private_file_is_the_owners_alone_under_any_umask(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "private", b"", private=True)
        write_atomically(tmp_path / "public", b"")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("private", "public")]
    assert modes == [0o600, 0o666 & ~umask]


def test_what_a_killed_run_left_half_written_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file.part").write_text("half, longer than what comes")
    write_atomically(tmp_path / "file", "whole")
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("file", "whole")]


def test_writers_of_one_shared_file_do_not_meet(tmp_path: Path) -> None:
    """Each gives it whole; the last one stands."""
    texts = [str(k) * 100_000 for k in range(8)]
    threads = [threading.Thread(target=write_atomically, args=(tmp_path / "f", t), kwargs={"shared": True}) for t in texts * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "f").read_text() in texts
    assert len(list(tmp_path.iterdir())) == 1
