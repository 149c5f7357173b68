"""Only ordinary files are opened: anything else is refused at once, in words, and never waited for."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from faceparity.datasets.common.regular_files import NotAFileError, TooLargeError, open_regular, open_regular_text, read_regular


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device"])
def test_what_is_no_file_is_named(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("x")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind("x")
    else:
        path.symlink_to("/dev/zero")
    for read in (open_regular, open_regular_text, read_regular):
        with pytest.raises(NotAFileError) as caught:
            read(path)
        assert caught.value.strerror == f"a {kind}, not a file"


def test_links(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("text")
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "loop").symlink_to("loop")
    assert read_regular(tmp_path / "link") == b"text"
    for name in ("loop", "nothing", "nul\0"):
        with pytest.raises(OSError, match=r"symbolic links|No such file|not a name"):
            open_regular(tmp_path / name)


def test_no_more_is_read_than_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(bytes(1 << 20))
    assert len(read_regular(file, 1 << 20)) == 1 << 20
    file.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(TooLargeError) as caught:
        read_regular(file, 1 << 20)
    assert caught.value.strerror == "larger than 1 MiB"
