"""Untrusted text: make it safe to show, bring it to one spelling, and read whole numbers from it."""

from __future__ import annotations

import re
import unicodedata

_SPACES = "\u00a0\u2009\u202f"


def printable(text: str) -> str:
    """Escape a text so that it is safe to show.

    The result is one line that may go to a terminal or a text file: control characters, line breaks and bytes that are
    not UTF-8 are escaped. Spaces that keep a number together (no-break, thin) stay.
    """
    return "".join(
        character if character.isprintable() or character in _SPACES else character.encode("unicode_escape").decode()
        for character in text
    )


def one_spelling(text: str) -> str:
    """Return a text without differences that nobody sees.

    It is in composed Unicode (NFC), trimmed, each run of white space is one blank, and format characters (zero-width
    spaces, direction marks, byte order marks) are gone.
    """
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    shown = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return " ".join(unicodedata.normalize("NFC", shown).split())


def whole_number(text: str) -> int | None:
    """Return the number that a text of digits means.

    It takes one to nine digits 0–9, with or without blanks around them; any other text gives None.
    """
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def safe_name(name: str) -> str:
    """Turn a name into one that any file system takes.

    Never empty, never a path, 80 characters at most.
    """
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")
    return cleaned[:80] or "unnamed"
