"""Figures as inline SVG: the same bytes for the same numbers, text as text, and the page's colours, for light, dark and print."""

from __future__ import annotations

import html
import io
import logging
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from faceparity.reports.charts.matplotlib_cache import load_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

WIDTH = 360
"""Units across an ordinary figure: about one CSS pixel each on a phone."""
INK, MUTED, GRID, PAPER = "#101010", "#707070", "#d8d8d8", "#fefefe"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8a6d1f", "#5b4db1")
"""Okabe and Ito's colour-blind safe colours, yellow and black replaced. Lines differ by dashes too."""
DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)))
FONT = "system-ui,sans-serif"
FIGURE = re.compile("<svg .*?</svg>", re.DOTALL)
NUMBER = re.compile(r"-?\d+\.\d{2,}")


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
    load_matplotlib()
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
    return element(slim(inner, key), w, h, key, title, alt)


def element(inner: str, width: float, height: float, key: str, title: str, alt: str) -> str:
    """An `<svg>` element with title and description, which screen readers tell instead of its parts."""
    head = (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{html.escape(title)}</title>'
        f'<desc id="{key}-d">{html.escape(alt)}</desc>'
    )
    return head + inner + "</svg>"


def _short(m: re.Match[str]) -> str:
    short = f"{float(m.group(0)):.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def _path(m: re.Match[str]) -> str:
    """Coordinates to a tenth of a unit; a line through points without the letter before each."""
    d = re.sub(r"-?\d+\.\d+", _short, m.group(1))
    return ' d="' + re.sub(r" ?([A-Za-z]) ?", r"\1", d.replace(" L ", " ").strip()) + '"'


def _unwrapped(inner: str) -> str:
    """Without groups that say nothing."""
    out: list[str] = []
    kept: list[bool] = []
    for part in re.split(r"(</?g\b[^>]*>)", inner):
        if part == "<g/>":
            continue
        if part == "</g>":
            if kept.pop():
                out.append(part)
        elif part.startswith("<g") and not part.endswith("/>"):
            kept.append(part != "<g>")
            if kept[-1]:
                out.append(part)
        else:
            out.append(part)
    return "".join(out)


def slim(inner: str, key: str) -> str:
    """Drops metadata and unused ids, shortens numbers, and puts the page's colours in place of ours."""
    inner = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style[ >].*?</style>", "", inner, flags=re.DOTALL)
    used = set(re.findall(r"url\(#([^)]+)\)", inner)) | set(re.findall(r'href="#([^"]+)"', inner))
    inner = re.sub(r' id="([^"]+)"', lambda m: f' id="{key}-{m.group(1)}"' if m.group(1) in used else "", inner)
    inner = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", inner)
    inner = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{key}-\1"', inner)
    inner = re.sub(r' d="([^"]*)"', _path, re.sub(r"\s*\n\s*", " ", inner))
    inner = re.sub(
        r'( (?:x|y|width|height|transform))="([^"]*)"', lambda m: f'{m.group(1)}="{NUMBER.sub(_short, m.group(2))}"', inner
    )
    inner = re.sub(r"font-family: [^;\"]+", f"font-family:{FONT}", inner).replace(" stroke-linecap: square", "")
    inner = re.sub(r' transform="rotate\(-0 [^"]*"', "", inner)
    inner = inner.replace("<defs></defs>", "")
    inner = re.sub(r'style="([^"]*)"', lambda m: 'style="' + re.sub(r"([:;]) ", r"\1", m.group(1)).rstrip(";") + '"', inner)
    return _unwrapped(re.sub(r">\s+<", "><", coloured(inner))).strip()


def coloured(inner: str) -> str:
    """Puts the page's colours in place of ours, which stay as what to fall back on. Texts stay as they are."""
    names = {c: f"var(--s{i + 1},{c})" for i, c in enumerate(SERIES)}
    names |= {c: f"var(--{name},{c})" for c, name in ((INK, "ink"), (MUTED, "muted"), (GRID, "grid"), (PAPER, "paper"))}
    return re.sub("<[^>]+>", lambda tag: re.sub("#[0-9a-f]{6}", lambda c: names.get(c.group(0), c.group(0)), tag.group(0)), inner)


def shared(page: str) -> tuple[str, str]:
    """A page with the styles that its figures use often as classes, and the rules for these: a third less to send and to keep."""
    count = Counter(re.findall(r' style="([^"]*)"', "".join(FIGURE.findall(page))))
    names = {style: f"z{i}" for i, (style, n) in enumerate(count.most_common()) if n > 2}

    def classed(m: re.Match[str]) -> str:
        return f' class="{names[m.group(1)]}"' if m.group(1) in names else m.group(0)

    text = FIGURE.sub(lambda figure: re.sub(r' style="([^"]*)"', classed, figure.group(0)), page)
    return text, "".join(f".{name}{{{style}}}" for style, name in names.items() if f'"{name}"' in text)
