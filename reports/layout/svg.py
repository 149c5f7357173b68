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

from faceparity.reports.layout.matplotlib_cache import load_matplotlib

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
    """Set matplotlib's settings for figures, and restore them after."""
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
    """Return an empty figure, its size in units.

    Use inside `style()`.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as New

    figure = New(figsize=(width / 72, height / 72), dpi=72)
    FigureCanvasSVG(figure)
    figure.patch.set_visible(False)
    return figure


def to_svg(figure: Canvas, key: str, title: str, alt: str) -> str:
    """Return the figure as an `<svg>` element.

    With title and description, ids made unique by `key`. Use inside `style()`.
    """
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    body = out.getvalue()
    inner = body[body.index(">", body.index("<svg")) + 1 : body.rindex("</svg>")]
    width, height = figure.get_size_inches() * 72
    return element(slim(inner, key), width, height, key, title, alt)


def element(inner: str, width: float, height: float, key: str, title: str, alt: str) -> str:
    """Return an `<svg>` element with title and description.

    Screen readers read these instead of its parts.
    """
    head = (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{html.escape(title)}</title>'
        f'<desc id="{key}-d">{html.escape(alt)}</desc>'
    )
    return head + inner + "</svg>"


def _short(match: re.Match[str]) -> str:
    """Return a number to one decimal, without ".0"."""
    short = f"{float(match.group(0)):.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def _path(match: re.Match[str]) -> str:
    """Return a path with coordinates to a tenth.

    Of a unit; a line through points without the letter before each.
    """
    path = re.sub(r"-?\d+\.\d+", _short, match.group(1))
    return ' d="' + re.sub(r" ?([A-Za-z]) ?", r"\1", path.replace(" L ", " ").strip()) + '"'


def _without_empty_groups(inner: str) -> str:
    """Return the elements without groups that have no attributes."""
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
    """Return an SVG's inside with less in it.

    Drops metadata and unused ids, shortens numbers, and replaces our colours with the page's.
    """
    inner = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style[ >].*?</style>", "", inner, flags=re.DOTALL)
    used = set(re.findall(r"url\(#([^)]+)\)", inner)) | set(re.findall(r'href="#([^"]+)"', inner))
    inner = re.sub(r' id="([^"]+)"', lambda match: f' id="{key}-{match.group(1)}"' if match.group(1) in used else "", inner)
    inner = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", inner)
    inner = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{key}-\1"', inner)
    inner = re.sub(r' d="([^"]*)"', _path, re.sub(r"\s*\n\s*", " ", inner))
    inner = re.sub(
        r'( (?:x|y|width|height|transform))="([^"]*)"',
        lambda match: f'{match.group(1)}="{NUMBER.sub(_short, match.group(2))}"',
        inner,
    )
    inner = re.sub(r"font-family: [^;\"]+", f"font-family:{FONT}", inner).replace(" stroke-linecap: square", "")
    inner = re.sub(r' transform="rotate\(-0 [^"]*"', "", inner)
    inner = inner.replace("<defs></defs>", "")
    inner = re.sub(
        r'style="([^"]*)"', lambda match: 'style="' + re.sub(r"([:;]) ", r"\1", match.group(1)).rstrip(";") + '"', inner
    )
    return _without_empty_groups(re.sub(r">\s+<", "><", coloured(inner))).strip()


def coloured(inner: str) -> str:
    """Replace our colours with the page's.

    Ours stay as what to fall back on. Texts are not changed.
    """
    names = {colour: f"var(--s{i + 1},{colour})" for i, colour in enumerate(SERIES)}
    names |= {
        colour: f"var(--{name},{colour})" for colour, name in ((INK, "ink"), (MUTED, "muted"), (GRID, "grid"), (PAPER, "paper"))
    }
    return re.sub(
        "<[^>]+>",
        lambda tag: re.sub("#[0-9a-f]{6}", lambda found: names.get(found.group(0), found.group(0)), tag.group(0)),
        inner,
    )


def with_shared_styles(page: str) -> tuple[str, str]:
    """Return a page with frequent styles as classes, and rules.

    The rules for these classes. Of the styles that its figures use more than twice; saves a third of the page's size.
    """
    count = Counter(re.findall(r' style="([^"]*)"', "".join(FIGURE.findall(page))))
    names = {style: f"z{i}" for i, (style, uses) in enumerate(count.most_common()) if uses > 2}

    def classed(match: re.Match[str]) -> str:
        return f' class="{names[match.group(1)]}"' if match.group(1) in names else match.group(0)

    text = FIGURE.sub(lambda figure: re.sub(r' style="([^"]*)"', classed, figure.group(0)), page)
    return text, "".join(f".{name}{{{style}}}" for style, name in names.items() if f'"{name}"' in text)
