"""How a result is written down: JSON that people can read and compare line by line, and that long lists do not swell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def to_text(data: Any) -> str:
    """JSON, one key a line, one space of indent a level; a list of plain values stands in one line. NaN is refused (ValueError)."""
    return "".join(_parts(data, "\n"))


def _parts(data: Any, line: str) -> Iterator[str]:
    inside = line + " "
    if isinstance(data, dict) and data:
        for n, (key, value) in enumerate(data.items()):
            yield f"{',' if n else '{'}{inside}{_plain(key)}: "
            yield from _parts(value, inside)
        yield line + "}"
    elif isinstance(data, list) and any(isinstance(x, dict | list) for x in data):
        for n, value in enumerate(data):
            yield f"{',' if n else '['}{inside}"
            yield from _parts(value, inside)
        yield line + "]"
    else:
        yield _plain(data)


_plain = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
