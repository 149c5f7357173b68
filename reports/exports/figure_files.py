"""`figures/`: every figure of the page as SVG and PNG for reuse, with captions that stand alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from faceparity.harness.results import Evaluation
from faceparity.reports.charts.svg import Figure
from faceparity.reports.wording import numbers as f

from .engine import typeset
from .pieces import ExportPiece, at, pieces, source
from .standalone import size, standalone

PPI = 216
"""Three dots for each unit: an ordinary figure is 1,100 dots wide."""


def write_figures(e: Evaluation, folder: Path) -> list[Path]:
    """Writes NAME.svg and NAME.png for every figure, captions.json and captions.md. The same evaluation gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [p for p in pieces(e) if isinstance(p.content, Figure)]
    svgs = [standalone(p.content.svg) for p in drawn if isinstance(p.content, Figure)]
    paths = []
    for piece, svg, png in zip(drawn, svgs, to_png(svgs), strict=True):
        paths += [folder / f"{piece.name}.svg", folder / f"{piece.name}.png"]
        paths[-2].write_text(on_white(svg), encoding="utf-8", newline="\n")
        paths[-1].write_bytes(png)
    captions = [caption(e, p) for p in drawn]
    (folder / "captions.json").write_text(json.dumps(captions, ensure_ascii=False, indent=1) + "\n", "utf-8")
    (folder / "captions.md").write_text(as_markdown(captions), "utf-8")
    return [*paths, folder / "captions.json", folder / "captions.md"]


def to_png(svgs: list[str]) -> list[bytes]:
    """Each figure as PNG, on white."""
    if not svgs:
        return []
    sizes = [size(svg) for svg in svgs]
    figures = [{"svg": svg, "width": w, "height": h} for svg, (w, h) in zip(svgs, sizes, strict=True)]
    return typeset("figures.typ", {"figures": figures}, format="png", ppi=PPI)


def on_white(svg: str) -> str:
    """The figure as a file of its own, on white: its ink is dark, whatever it is put on."""
    head = re.match(r"<svg[^>]*>(?:<title.*?</title>)?(?:<desc.*?</desc>)?", svg, re.DOTALL)
    end = head.end() if head else svg.index(">") + 1
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{svg[:end]}<rect width="100%" height="100%" fill="#ffffff"/>{svg[end:]}\n'


def caption(e: Evaluation, piece: ExportPiece) -> dict[str, Any]:
    """What must stand with a figure wherever it is shown; `caption` and `source` together stand alone."""
    assert isinstance(piece.content, Figure)
    p = piece.point
    return {
        "file": f"{piece.name}.svg",
        "png": f"{piece.name}.png",
        "section": f.clean(piece.section),
        "caption": f.clean(piece.content.caption),
        "alt": f.clean(piece.content.alt),
        "source": source(e),
        "dataset": f.clean(e.dataset.name),
        "model": f.clean(e.model.name),
        "threshold": None if p is None else p.native_threshold,
        "operating_point": None if p is None else f.point_name(p),
        "people": e.dataset.subjects if e.dataset.identity == "labelled" else None,
        "images": e.dataset.samples,
        "non_mated_comparisons": e.comparisons.non_mated,
        "mated_comparisons": e.comparisons.mated,
        "interval": "95 %, by people",
        "subject": at(e, p),
    }


def as_markdown(captions: list[dict[str, Any]]) -> str:
    """The captions to read and to copy."""
    from faceparity.reports.formats.markdown import escaped

    parts = [
        f"## {escaped(c['file'])}\n\n{escaped(c['caption'])}\n\n{escaped(c['source'])}\n\nIn words: {escaped(c['alt'])}\n"
        for c in captions
    ]
    return "# Captions of the figures\n\n" + "\n".join(parts)
