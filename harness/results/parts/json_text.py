"""Results as JSON text that people can read and compare line by line, without a line for every number of a long list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def to_text(data: Any) -> str:
    """Return data as readable JSON text.

    One key a line, one space of indent a level; a list of plain values stands in one line. Raises ValueError for NaN.
    """
    return "".join(_parts(data, "\n"))


def _parts(data: Any, line: str) -> Iterator[str]:
    inside = line + " "
    if isinstance(data, dict) and data:
        for i, (key, value) in enumerate(data.items()):
            yield f"{',' if i else '{'}{inside}{_plain(key)}: "
            yield from _parts(value, inside)
        yield line + "}"
    elif isinstance(data, list) and any(isinstance(item, dict | list) for item in data):
        for i, value in enumerate(data):
            yield f"{',' if i else '['}{inside}"
            yield from _parts(value, inside)
        yield line + "]"
    else:
        yield _plain(data)


_plain = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
