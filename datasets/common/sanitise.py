"""Text from strangers, as it may be shown."""

from __future__ import annotations

_SPACES = "\u00a0\u2009\u202f"


def printable(text: str) -> str:
    """The same in one line, as it may go to a terminal or a text file: control characters and bytes that are not UTF-8 are escaped.

    Spaces that keep a number together stay.
    """
    return "".join(c if c.isprintable() or c in _SPACES else c.encode("unicode_escape").decode() for c in text)


def whole_number(text: str) -> int | None:
    """The number that one to nine digits (0–9, blanks around them or not) tell; None for any other text."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
