"""Files of results that are there whole or not at all, whenever a run is killed."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Write a file in place of what was there. Text is UTF-8 with line feeds on every system. Raises OSError.

    durable: also whenever the power fails, at the cost of waiting for the disk.
    """
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.replace(part, path)
