"""Image files: list them, keep paths inside their folder, hash their bytes, and decode them to RGB."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.regular_files import NotAFileError, open_regular

if TYPE_CHECKING:
    from PIL import Image as PillowImage

_SUFFIXES = ".jpg .jpeg .jpe .jfif .png .bmp .tif .tiff .webp .gif .ppm .pgm .pnm .jp2 .avif .heic .heif"
IMAGE_SUFFIXES = frozenset(_SUFFIXES.split())
"""Suffixes of images, in lower case. Not all of them can be decoded: those that can't are reported and counted."""

MAX_BYTES = 256 * 2**20
"""A larger file is not opened."""
MAX_PIXELS = 89_478_485
"""A larger picture is not decoded: Pillow's own limit against decompression bombs."""

# Pillow's other formats are no photographs, and some of them start other programs (EPS).
_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM", "JPEG2000", "AVIF")
_CHUNK = 1 << 20
# Pillow's log of a damaged picture would interrupt a run's progress bar; the reason is reported and counted anyway.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class UnreadableImage(Exception):  # noqa: N818  (said of the image, not of the program)
    """An image that can't be decoded. `reason` is short and holds no path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutsideRoot(Exception):  # noqa: N818
    """A path that leaves the data set's folder."""


def _walk(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        yield where, names


def list_images(root: Path, within: Sequence[str] = ()) -> list[str]:
    """List the images of a folder, sorted.

    Gives POSIX paths, relative to root, of everything with an image's suffix; hidden files and folders are skipped.
    within: only in these folders of root (all of root if empty). Links to folders are not followed.
    """
    starts = [root / part for part in within] if within else [root]
    found = {
        Path(where, name).relative_to(root).as_posix()
        for start in starts
        for where, names in _walk(start)
        for name in names
        if not name.startswith(".") and os.path.splitext(name)[1].casefold() in IMAGE_SUFFIXES
    }
    return sorted(found)


class Locator:
    r"""Find the files that a set's rows name, and only those inside its folder.

    Names are compared as they are, then with `\` as `/`, then by their composed Unicode form (archives made on a Mac hold the
    decomposed one).
    """

    def __init__(self, root: Path, listed: Iterable[str] = ()) -> None:
        self.root = root
        self._real = os.path.realpath(root)
        self._composed = {unicodedata.normalize("NFC", name): name for name in listed}

    def find(self, name: str) -> str | None:
        """Return the path of a file inside root, or None.

        It is a POSIX path relative to root; None if there is no ordinary file called `name`. An absolute path may be one into
        this very folder. Raises OutsideRoot for any other, for one that climbs out with `..`, and for a link to somewhere
        else.
        """
        if not name or "\0" in name:
            return None
        path = self._inside(name)
        if path is None and "\\" in name:
            path = self._inside(name.replace("\\", "/"))
        return path

    def _relative(self, path: str) -> str:
        """Return an absolute path relative to this folder.

        Raises OutsideRoot if it is not in it.
        """
        for base in (os.path.abspath(self.root), self._real):
            if Path(path).is_relative_to(base):
                return os.path.relpath(path, base)
        raise OutsideRoot(path)

    def _inside(self, name: str) -> str | None:
        path = os.path.normpath(name)
        if os.path.isabs(path):
            path = self._relative(path)
        elif name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
            raise OutsideRoot(name)
        if path.split(os.sep)[0] == os.pardir:
            raise OutsideRoot(name)
        posix = path.replace(os.sep, "/")
        posix = self._composed.get(unicodedata.normalize("NFC", posix), posix)
        try:
            real = os.path.realpath(os.path.join(self._real, posix))
            if not Path(real).is_relative_to(self._real):
                raise OutsideRoot(name)
            return posix if stat.S_ISREG(os.stat(real).st_mode) else None
        except (OSError, ValueError):
            return None


def _is_heif(data: bytes) -> bool:
    """Return whether a file's first bytes are those of HEIC."""
    return data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")


def _open(path: Path) -> Any:
    """Open an ordinary file for reading.

    A device or a pipe is never opened. Raises UnreadableImage.
    """
    try:
        return open_regular(path)
    except NotAFileError:
        raise UnreadableImage("not an ordinary file") from None
    except FileNotFoundError:
        raise UnreadableImage("no such file") from None
    except OSError as error:
        raise UnreadableImage(f"cannot be opened: {error.strerror or 'bad name'}") from None


def sha256_of_file(path: Path) -> str | None:
    """Return the sha256 of a file's bytes, None if unreadable."""
    digest = hashlib.sha256()
    try:
        with _open(path) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except (OSError, UnreadableImage):
        return None
    return digest.hexdigest()


def sha256_of_files(root: Path, files: Sequence[str], threads: int | None = None) -> list[str | None]:
    """Return the sha256 of each file's bytes, in hex.

    In the order of `files` (paths relative to root); None where a file can't be read. threads: None for one per core.
    """
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        return list(pool.map(lambda name: sha256_of_file(root / name), files, chunksize=1))


def _bytes_of(source: str | os.PathLike[str] | bytes) -> bytes:
    if isinstance(source, bytes):
        data = source
    else:
        with _open(Path(source)) as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise UnreadableImage(f"larger than {MAX_BYTES // 2**20} MiB")
            try:
                data = file.read(MAX_BYTES + 1)
            except OSError as error:
                raise UnreadableImage(f"cannot be read: {error.strerror}") from None
    if not data:
        raise UnreadableImage("empty file")
    if len(data) > MAX_BYTES:
        raise UnreadableImage(f"larger than {MAX_BYTES // 2**20} MiB")
    return data


@cache
def _formats() -> tuple[str, ...]:
    """Return the formats of `_FORMATS` that this Pillow reads.

    Silences its warnings: of broken EXIF, and of pictures that are refused here anyway.
    """
    from PIL import Image

    warnings.filterwarnings("ignore", module=r"PIL\.")
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def decode(source: str | os.PathLike[str] | bytes) -> NDArray[np.uint8]:
    """Decode a picture to upright RGB pixels.

    source: a file's path, or a file's bytes. Returns uint8[height, width, 3], upright by the EXIF orientation.

    For an ordinary picture the pixels are those of Pillow's `convert("RGB")`, which is how face_recognition loads images:
    an alpha channel is dropped rather than laid on a background, CMYK is converted without a colour profile, and of an
    animation or a multi-page file the first frame counts. Of 16 bits per channel the upper eight are kept (Pillow alone
    would clip grey ones to white). Raises UnreadableImage.
    """
    import io

    from PIL import Image, UnidentifiedImageError

    data = _bytes_of(source)
    try:
        with Image.open(io.BytesIO(data), formats=_formats()) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImage(f"too many pixels: {image.width} × {image.height}")
            image.load()
            return np.ascontiguousarray(_upright(_as_rgb(image), _orientation(image)))
    except UnreadableImage:
        raise
    except UnidentifiedImageError:
        raise UnreadableImage("HEIC: save it as JPEG or PNG" if _is_heif(data) else "not an image") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImage("too many pixels") from None
    except MemoryError:
        raise UnreadableImage("too large for this machine's memory") from None
    except Exception as error:  # Pillow's decoders raise anything from SyntaxError to struct.error on damaged files
        text = str(error)
        raise UnreadableImage("truncated" if "truncated" in text.casefold() else "damaged image data") from None


def _as_rgb(image: PillowImage.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        grey = np.clip(np.asarray(image).astype(np.int64), 0, 65535) >> 8
        return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise UnreadableImage(f"pixels of a kind that has no range (mode {image.mode})")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # the colours are the same, and Pillow does not warn
    try:
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    except ValueError:
        raise UnreadableImage(f"colour model {image.mode} is not supported") from None


def _orientation(image: PillowImage.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # broken EXIF says nothing about which way is up
        return 1


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo EXIF orientation 1–8.

    Any other number leaves the pixels as they are.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
