"""Archives: what is whole is unpacked, and nothing that would reach outside, link, repeat itself or burst."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.formats import safe_extract
from faceparity.datasets.formats.safe_extract import unpack

FILES = {"set/007/1.jpg": b"one", "set/labels.csv": b"file\n007/1.jpg\n", "set/e\u0301.txt": b""}


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def make_tar(path: Path, files: dict[str, bytes], extra: tuple[tarfile.TarInfo, ...] = ()) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as file:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
        for member in extra:
            file.addfile(member)
    return path


MAKERS = pytest.mark.parametrize(("make", "suffix"), [(make_zip, "zip"), (make_tar, "tar"), (make_tar, "tgz")])
Maker = Callable[[Path, dict[str, bytes]], Path]


def refused(archive: Path, into: Path, **limits: int) -> str:
    """The message; nothing is left behind, neither inside nor beside the folder."""
    with pytest.raises(UserError) as caught:
        unpack(archive, into, **limits)
    assert not into.exists()
    assert [p for p in into.parent.iterdir() if p != archive] == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


@MAKERS
def test_what_is_in_it_is_what_comes_out(tmp_path: Path, make: Maker, suffix: str) -> None:
    into = tmp_path / "deep" / "out"
    assert unpack(make(tmp_path / f"a.{suffix}", FILES), into) == sorted(FILES)
    assert {p.relative_to(into).as_posix(): p.read_bytes() for p in into.rglob("*") if p.is_file()} == FILES
    assert [p.name for p in into.parent.iterdir()] == ["out"]


@MAKERS
@pytest.mark.parametrize(
    "name", ["/etc/faceparity", "../out.txt", "a/../../out.txt", "..\\out.txt", "\\out.txt", "C:\\out.txt", "C:out.txt"]
)
def test_paths_that_leave_the_folder(tmp_path: Path, make: Maker, suffix: str, name: str) -> None:
    inner = tmp_path / "in"
    inner.mkdir()
    message = refused(make(inner / f"a.{suffix}", {"fine.txt": b"1", name: b"2"}), inner / "out")
    assert "absolute" in message or "climbs out" in message
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("link")
    member.type, member.linkname = kind, "/etc/passwd"
    assert "link" in refused(make_tar(tmp_path / "a.tar", {"fine.txt": b"1"}, (member,)), tmp_path / "out")


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        member = zipfile.ZipInfo("link")
        member.external_attr = 0o120777 << 16
        file.writestr(member, "/etc/passwd")
    assert "is a link" in refused(path, tmp_path / "out")


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = make_zip(tmp_path / "a.zip", {"zeros": bytes(3 << 20)})
    monkeypatch.setattr(safe_extract, "FREE_BYTES", 1 << 10)
    assert "bomb" in refused(zeros, tmp_path / "out")  # by its ratio
    monkeypatch.setattr(safe_extract, "FREE_BYTES", 1 << 30)
    assert "more than 1,000 bytes" in refused(zeros, tmp_path / "out", max_bytes=1000)
    many = make_tar(tmp_path / "a.zip", {str(i): b"" for i in range(20)})
    assert "more than 10 files" in refused(many, tmp_path / "out", max_files=10)


def test_the_size_that_a_header_states_is_not_believed(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"zeros": bytes(1 << 20)})
    data = path.read_bytes().replace((1 << 20).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    path.write_bytes(data)
    refused(path, tmp_path / "out", max_bytes=1000)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_comes_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a/1.jpg", "1")
        file.writestr("a/./1.jpg", "2")
    assert "twice" in refused(path, tmp_path / "out")


def test_what_is_cut_off_or_is_no_archive(tmp_path: Path) -> None:
    whole = make_zip(tmp_path / "b.zip", {"a": bytes(range(256)) * 40}).read_bytes()
    (tmp_path / "b.zip").unlink()
    for data in (whole[:-30], whole[:50] + whole[60:], b"", b"hello"):
        (tmp_path / "a.zip").write_bytes(data)
        assert "damaged or of an unknown kind" in refused(tmp_path / "a.zip", tmp_path / "out")
    gz = make_tar(tmp_path / "b.tgz", {"a": bytes(range(256)) * 40}).read_bytes()
    (tmp_path / "b.tgz").unlink()
    (tmp_path / "a.zip").write_bytes(gz[: len(gz) // 2])
    refused(tmp_path / "a.zip", tmp_path / "out")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("1")
    with pytest.raises(UserError, match="is there already"):
        unpack(make_zip(tmp_path / "a.zip", FILES), tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"qqqq": b"x"})
    data = path.read_bytes()
    at = data.index(b"PK\1\2")
    # The directory's entry says that its name has no letters.
    path.write_bytes(data[: at + 28] + b"\0\0" + data[at + 30 :].replace(b"qqqq", b""))
    end = bytearray(path.read_bytes())
    tail = end.index(b"PK\5\6")
    end[tail + 12 : tail + 16] = (tail - at).to_bytes(4, "little")
    path.write_bytes(end)
    assert "has no name" in refused(path, tmp_path / "out")
