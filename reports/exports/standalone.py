"""A figure of the page as a picture of its own: with the colours, fonts and name space that the page would have given it."""

from __future__ import annotations

import re

FONT = "DejaVu Sans"
"""The font that figures are laid out with; it comes with matplotlib, so any machine that renders reports has it."""

VARIABLE = re.compile(r"var\(--[\w-]+,\s*(#[0-9a-fA-F]{3,8}|[\w-]+)\)")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def standalone(svg: str) -> str:
    """Return an `<svg>` element as a file of its own.

    Any viewer opens it: with the light page's colours in place of its variables, and a name space.

    Raises ValueError for a variable without a colour to fall back on.
    """
    text = VARIABLE.sub(r"\1", CONTROL.sub(" ", svg))
    if "var(" in text:
        raise ValueError(f"a colour of the page without a fall-back: {text[text.index('var(') :][:60]}")
    text = re.sub(r"font-family:\s*[^;\"]+", f"font-family:{FONT}", text)
    return text if "xmlns=" in text[: text.index(">")] else text.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)


def size(svg: str) -> tuple[float, float]:
    """Return width and height in units, from the view box.

    Raises ValueError if there is none.
    """
    found = re.search(r'viewBox="([^"]+)"', svg)
    if found is None:
        raise ValueError("a figure without a view box")
    _, _, width, height = (float(number) for number in found.group(1).split())
    return width, height
