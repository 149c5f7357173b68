"""Text in LaTeX: every sign is itself, in any engine and with no package."""

from __future__ import annotations

import unicodedata
from itertools import groupby

FALLBACK = r"\providecommand{\faceparitytext}[2]{\ifdefined\Umathchar#1\else#2\fi}"
"""Signs beyond Latin, which only LuaTeX and XeTeX know: they print them, pdfTeX their code points."""

SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",
    "`": "{`}",
    # After a line's end these two would be read as its options, and runs of hyphens as a dash.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "-": "{-}",
    "\u00a0": "~",
    "\u202f": "~",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "§": r"\S{}",
    "©": r"\copyright{}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    **{c: "\\" + c for c in "&%$#_{}"},
    **{
        c: rf"\ensuremath{{{m}}}"
        for c, m in {
            "×": r"\times", "≤": r"\leq", "≥": r"\geq", "±": r"\pm", "·": r"\cdot", "∞": r"\infty", "√": r"\surd", "∏": r"\prod",
            "Σ": r"\Sigma", "α": r"\alpha", "Δ": r"\Delta", "µ": r"\mu", "μ": r"\mu", "²": "^2", "³": "^3", "½": "1/2", "°": r"^\circ",
            "→": r"\to", "▲": r"\bigtriangleup", "▼": r"\bigtriangledown", "−": "-", "≠": r"\neq", "≈": r"\approx",
        }.items()
    },
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".", "\u0308": '"',
    "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c",
}  # fmt: skip


def tex(text: str) -> str:
    """Return the text for any place in a LaTeX document.

    Captions and tables too. Control characters become spaces.
    """
    parts = []
    for known, run in groupby(text, key=lambda sign: _known(sign) is not None):
        signs = "".join(run)
        parts.append("".join(_known(sign) or "" for sign in signs) if known else _beyond(signs))
    return "".join(parts)


def _known(sign: str) -> str | None:
    """Return one sign in LaTeX, None if there is none."""
    if sign in SIGNS:
        return SIGNS[sign]
    if sign < " " or sign == "\x7f":
        return " "
    if sign < "\x7f":
        return sign
    letter, *marks = list(unicodedata.normalize("NFD", sign))
    if letter.isascii() and letter.isalpha() and len(marks) == 1 and marks[0] in ACCENTS:
        return f"\\{ACCENTS[marks[0]]}{{{letter}}}"
    return None


def _beyond(signs: str) -> str:
    """Return signs that only newer engines have.

    These print them; pdfTeX prints their code points.
    """
    codes = " ".join(f"U+{ord(sign):04X}" for sign in signs)
    return f"\\faceparitytext{{{signs}}}{{{{[}}{codes}{{]}}}}"
