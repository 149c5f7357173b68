"""Figures as inline SVG: the same bytes for the same numbers, text as text, and the page's colours, for light, dark and print."""

from __future__ import annotations

import html
import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

WIDTH = 360
"""Units across an ordinary figure: about one CSS pixel each on a phone."""
INK, MUTED, GRID, PAPER = "#101010", "#707070", "#d8d8d8", "#fefefe"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8a6d1f", "#5b4db1")
"""Okabe and Ito's colour-blind safe colours, yellow and black replaced. Lines differ by dashes too."""
DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)))
FONT = "system-ui,sans-serif"
NUMBER = re.compile(r"-?\d+\.\d{3,}")


class Figure(NamedTuple):
    """A figure for a page. `caption` and `alt` each stand alone; `wide`: needs a box of its own that scrolls."""

    key: str
    svg: str
    caption: str
    alt: str
    wide: bool = False


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's settings for all figures, put back afterwards."""
    import matplotlib

    rc: dict[Any, Any] = {
        "svg.hashsalt": "faceparity",
        "svg.fonttype": "none",
        "font.family": ["DejaVu Sans"],
        "font.size": 10,
        "text.parse_math": False,
        "text.color": INK,
        "axes.facecolor": "none",
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "hatch.color": MUTED,
        "hatch.linewidth": 0.6,
        "axes.formatter.use_mathtext": False,
        "axes.unicode_minus": True,
    }
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(rc)
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


def canvas(height: float, width: float = WIDTH) -> Canvas:
    """An empty figure of so many units. Use inside `style()`."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as New

    figure = New(figsize=(width / 72, height / 72), dpi=72)
    FigureCanvasSVG(figure)
    figure.patch.set_visible(False)
    return figure


def to_svg(figure: Canvas, key: str, title: str, alt: str) -> str:
    """The figure as an `<svg>` element with title and description, ids made unique by `key`. Use inside `style()`."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    body = out.getvalue()
    inner = body[body.index(">", body.index("<svg")) + 1 : body.rindex("</svg>")]
    w, h = figure.get_size_inches() * 72
    head = (
        f'<svg viewBox="0 0 {w:g} {h:g}" width="{w:g}" height="{h:g}" role="img" aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{html.escape(title)}</title><desc id="{key}-d">{html.escape(alt)}</desc>'
    )
    return head + slim(inner, key) + "</svg>"


def _short(m: re.Match[str]) -> str:
    return f"{float(m.group(0)):.2f}".rstrip("0").rstrip(".")


def slim(inner: str, key: str) -> str:
    """Drops metadata and unused ids, shortens numbers, and puts the page's colours in place of ours."""
    inner = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style[ >].*?</style>", "", inner, flags=re.DOTALL)
    used = set(re.findall(r"url\(#([^)]+)\)", inner)) | set(re.findall(r'href="#([^"]+)"', inner))
    inner = re.sub(r' id="([^"]+)"', lambda m: f' id="{key}-{m.group(1)}"' if m.group(1) in used else "", inner)
    inner = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", inner)
    inner = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{key}-\1"', inner)
    inner = re.sub(r"<[^>]+>", lambda m: NUMBER.sub(_short, m.group(0)), inner)
    inner = re.sub(r"font-family: [^;\"]+", f"font-family:{FONT}", inner).replace(" stroke-linecap: square", "")
    inner = re.sub(r' transform="rotate\(-0 [^"]*"', "", inner)
    for i, colour in enumerate(SERIES):
        inner = inner.replace(colour, f"var(--s{i + 1},{colour})")
    for colour, name in ((INK, "ink"), (MUTED, "muted"), (GRID, "grid"), (PAPER, "paper")):
        inner = inner.replace(colour, f"var(--{name},{colour})")
    return re.sub(r">\s+<", "><", re.sub(r"\s*\n\s*", " ", inner)).strip()
