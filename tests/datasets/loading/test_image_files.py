from __future__ import annotations

import contextlib
import hashlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from faceparity.datasets.common.sanitise import printable
from faceparity.datasets.loading import image_files
from faceparity.datasets.loading.image_files import Locator, OutsideRoot, UnreadableImage, decode, list_images, sha256_of_files


def picture(height: int = 24, width: int = 32, channels: int = 3) -> NDArray[np.uint8]:
    """A smooth picture without symmetries."""
    y, x = np.mgrid[:height, :width]
    planes = [3 * x + 2 * y, 200 - 4 * y, 5 * x, 255 - x][:channels]
    return np.stack(planes, axis=2).astype(np.uint8)


def save(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def png16(pixels: NDArray[np.uint16]) -> bytes:
    """A 16-bit PNG, written by hand since Pillow writes none in colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("quality", [60, 95])
def test_an_ordinary_jpeg_is_what_pillow_makes_of_it(tmp_path: Path, quality: int) -> None:
    path = save(tmp_path / "a.jpg", Image.fromarray(picture()), quality=quality)
    got = decode(path)
    assert got.dtype == np.uint8
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, np.asarray(Image.open(path).convert("RGB")))
    np.testing.assert_array_equal(got, decode(path.read_bytes()))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.jpg", Image.fromarray(picture()), exif=exif)
    want = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    np.testing.assert_array_equal(decode(path), np.asarray(want))
    assert decode(path).shape == ((24, 32, 3) if orientation < 5 else (32, 24, 3))


def test_tiff_orientation_is_applied_once(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "a.tiff", Image.fromarray(picture()), exif=exif)
    np.testing.assert_array_equal(decode(path), np.rot90(picture(), -1))


def test_broken_exif_is_no_reason_to_lose_a_picture(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", Image.fromarray(picture()), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\xff")
    assert decode(path).shape == (24, 32, 3)


def test_grey_palette_bilevel_and_alpha(tmp_path: Path) -> None:
    grey = picture()[:, :, 0]
    np.testing.assert_array_equal(decode(save(tmp_path / "l.png", Image.fromarray(grey))), np.stack([grey] * 3, axis=2))
    palette = Image.fromarray(picture()).quantize(16)
    np.testing.assert_array_equal(decode(save(tmp_path / "p.png", palette)), np.asarray(palette.convert("RGB")))
    clear = save(tmp_path / "pt.png", palette, transparency=bytes(range(16)))
    np.testing.assert_array_equal(decode(clear), np.asarray(palette.convert("RGB")))
    rgba = picture(channels=4)
    np.testing.assert_array_equal(decode(save(tmp_path / "rgba.png", Image.fromarray(rgba, "RGBA"))), rgba[:, :, :3])
    la = np.stack([grey, 255 - grey], axis=2)
    np.testing.assert_array_equal(decode(save(tmp_path / "la.png", Image.fromarray(la, "LA")))[:, :, 1], grey)
    bits = Image.fromarray(grey > 50)
    np.testing.assert_array_equal(decode(save(tmp_path / "1.png", bits))[:, :, 2], np.where(grey > 50, 255, 0))


def test_cmyk(tmp_path: Path) -> None:
    path = save(tmp_path / "c.jpg", Image.fromarray(picture()).convert("CMYK"), quality=95)
    np.testing.assert_array_equal(decode(path), np.asarray(Image.open(path).convert("RGB")))
    assert np.abs(decode(path).astype(int) - picture()).mean() < 8


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_are_scaled_not_clipped(channels: int) -> None:
    wide = np.arange(24 * 32 * channels, dtype=np.uint64).reshape(24, 32, channels) * 65535 // (24 * 32 * channels)
    got = decode(png16(wide.astype(np.uint16)))
    want = (wide >> 8).astype(np.uint8)
    want = np.repeat(want[:, :, :1], 3, axis=2) if channels < 3 else want[:, :, :3]
    np.testing.assert_array_equal(got, want)


def test_sixteen_bit_tiff_and_pgm(tmp_path: Path) -> None:
    wide = (np.arange(24 * 32).reshape(24, 32) * 80).astype(np.uint16)
    want = np.repeat((wide >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(decode(save(tmp_path / "a.tiff", Image.fromarray(wide))), want)
    np.testing.assert_array_equal(decode(b"P5 32 24 65535\n" + wide.astype(">u2").tobytes()), want)


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((9, 9, 3), value, np.uint8)) for value in (10, 200)]
    path = save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert decode(path).max() <= 12


def bomb(width: int, height: int) -> bytes:
    data = bytearray(png16(np.zeros((1, 1, 3), np.uint16)))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"this is a text that somebody called .jpg\n", "not an image"),
        (jpeg()[: len(jpeg()) // 2], "truncated"),
        (png16(np.zeros((40, 40, 3), np.uint16))[:-30], "truncated"),
        (bomb(10_000, 9_000), "too many pixels: 10000 × 9000"),
        (bomb(60_000, 60_000), "too many pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    ],
)
def test_what_is_no_picture_says_why_without_its_path(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "somebody.jpg"
    path.write_bytes(data)
    for source in (path, data):
        with pytest.raises(UnreadableImage) as caught:
            decode(source)
        assert caught.value.reason.startswith(reason)
        assert "somebody" not in str(caught.value)


@given(st.binary(max_size=200), st.integers(0, 600), st.integers(0, 255))
@settings(max_examples=60)
def test_damage_never_raises_anything_else(tail: bytes, place: int, byte: int) -> None:
    data = bytearray(jpeg())
    data[place] = byte
    for damaged in (tail, bytes(data), bytes(data[: place + 40]) + tail):
        with contextlib.suppress(UnreadableImage):
            assert decode(damaged).shape[2] == 3


def test_float_pixels_have_no_range(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tiff", Image.fromarray(np.ones((4, 4), np.float32)))
    with pytest.raises(UnreadableImage, match="mode F"):
        decode(path)


def test_a_file_past_the_byte_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(picture()))
    monkeypatch.setattr(image_files, "MAX_BYTES", 50)
    for source in (path, path.read_bytes()):
        with pytest.raises(UnreadableImage, match="larger than"):
            decode(source)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_devices_pipes_and_folders_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    for path in (tmp_path / "pipe.jpg", tmp_path / "folder.jpg", Path("/dev/zero")):
        with pytest.raises(UnreadableImage, match="not an ordinary file"):
            decode(path)
    with pytest.raises(UnreadableImage, match="no such file"):
        decode(tmp_path / "nothing.jpg")
    assert sha256_of_files(tmp_path, ["pipe.jpg", "nothing.jpg"]) == [None, None]


def test_digests_are_of_contents_in_the_order_asked(tmp_path: Path) -> None:
    for name, data in (("a", b"1"), ("b", b"2" * 3_000_000), ("c", b"1")):
        (tmp_path / name).write_bytes(data)
    one, two = (hashlib.sha256(data).hexdigest() for data in (b"1", b"2" * 3_000_000))
    assert sha256_of_files(tmp_path, ["b", "a", "c"]) == [two, one, one]


def test_images_are_listed_by_suffix_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    for name in ("b/2.JPG", "a/1.png", "a/labels.csv", "a/._1.png", ".cache/3.jpg", "__MACOSX/4.jpg", "c.jpeg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list_images(tmp_path) == ["a/1.png", "b/2.JPG", "c.jpeg"]
    assert list_images(tmp_path, ["a"]) == ["a/1.png"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """root/a/x.jpg, and a secret beside root."""
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "x.jpg").touch()
    (tmp_path / "secret.jpg").touch()
    return root


@pytest.mark.parametrize("name", ["a/x.jpg", "./a/x.jpg", "a//x.jpg", "a/../a/x.jpg", "a\\x.jpg"])
def test_a_file_inside_is_found_however_its_path_is_written(tree: Path, name: str) -> None:
    assert Locator(tree).find(name) == "a/x.jpg"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        "a/../../secret.jpg",
        "..\\secret.jpg",
        "/etc/passwd",
        "C:\\x.jpg",
        "c:x.jpg",
        "\\\\host\\x.jpg",
        "..",
        "../root/a/x.jpg",
    ],
)
def test_a_path_that_leaves_the_root_is_refused(tree: Path, name: str) -> None:
    with pytest.raises(OutsideRoot):
        Locator(tree).find(name)


@pytest.mark.parametrize("name", ["", "a", ".", "a/y.jpg", "a\0.jpg", "x" * 5000, "a/x.jpg/y.jpg"])
def test_what_is_not_a_file_is_not_found(tree: Path, name: str) -> None:
    assert Locator(tree).find(name) is None


def test_links_may_stay_inside_but_not_leave(tree: Path) -> None:
    (tree / "in.jpg").symlink_to(tree / "a" / "x.jpg")
    (tree / "out.jpg").symlink_to(tree.parent / "secret.jpg")
    (tree / "up").symlink_to(tree.parent)
    (tree / "loop.jpg").symlink_to(tree / "loop.jpg")
    assert Locator(tree).find("in.jpg") == "in.jpg"
    for name in ("out.jpg", "up/secret.jpg"):
        with pytest.raises(OutsideRoot):
            Locator(tree).find(name)
    assert Locator(tree).find("loop.jpg") is None
    (tree.parent / "door").symlink_to(tree)
    assert Locator(tree.parent / "door").find("a/x.jpg") == "a/x.jpg"


def test_decomposed_names_of_archives_made_on_a_mac(tree: Path) -> None:
    (tree / "Jose\u0301.jpg").touch()
    assert Locator(tree, list_images(tree)).find("Jos\u00e9.jpg") == "Jose\u0301.jpg"


@given(
    st.lists(st.sampled_from(["..", ".", "a", "x.jpg", "secret.jpg", "up", "", "\\", "/", "~", "root", "C:"]), max_size=7),
    st.sampled_from("/\\"),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_path_gets_out(tree: Path, parts: list[str], mark: str) -> None:
    if not (tree / "up").is_symlink():
        (tree / "up").symlink_to(tree.parent)
    try:
        found = Locator(tree).find(mark.join(parts))
    except OutsideRoot:
        return
    assert found is None or (tree / found).resolve().is_relative_to(tree.resolve())


def test_pictures_of_telephones_say_what_to_do() -> None:
    with pytest.raises(UnreadableImage, match="HEIC: save it as JPEG"):
        decode(b"\0\0\0\x24ftypheic" + bytes(60))


def test_names_for_the_terminal_hold_no_control_characters() -> None:
    assert printable("é x.jpg") == "é x.jpg"
    assert printable("a\x1b[2J\n\udcff.jpg") == "a\\x1b[2J\\n\\udcff.jpg"
