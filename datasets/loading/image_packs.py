"""Images inside packs: `lfw.bin#000123` is image 123 of the pack lfw.bin."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import read_regular
from faceparity.datasets.formats.safe_pickle import Pack, read_pack
from faceparity.datasets.loading.image_files import UnreadableImage

PACK = ".bin"
_MEMBER = re.compile(r"(.+\.bin)#(\d{6,})", re.ASCII | re.IGNORECASE | re.DOTALL)


def member_name(pack: str, index: int) -> str:
    """Return the name of one image of a pack."""
    return f"{pack}#{index:06d}"


def source(path: Path) -> Path | bytes:
    """Return what `decode` is to read for a path.

    It is the bytes of a pack's image, or the path itself. Raises UnreadableImage.
    """
    found = _MEMBER.fullmatch(str(path))
    if found is None or path.exists():
        return path
    try:
        status = os.stat(found[1])
        images = _pack(found[1], status.st_size, status.st_mtime_ns).images
    except OSError as error:
        raise UnreadableImage(f"its pack cannot be opened: {error.strerror}") from None
    except UserError:
        raise UnreadableImage("its pack cannot be read") from None
    if int(found[2]) >= len(images):
        raise UnreadableImage("its pack has not so many images")
    return images[int(found[2])]


def image_bytes(path: Path) -> bytes:
    """Return the bytes of an image file or pack member.

    Raises OSError, UnreadableImage.
    """
    found = source(path)
    return found if isinstance(found, bytes) else read_regular(found)


@lru_cache(maxsize=1)
def _pack(path: str, size: int, changed: int) -> Pack:
    """Read a pack, and keep the last one read.

    Samples come sorted by name, so those of a pack come together. A changed file has another size or time, and is read
    again.
    """
    return read_pack(Path(path))
