"""`figures/`: every figure of the page as SVG and PNG for reuse, with captions that stand alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from faceparity.harness.results import Evaluation
from faceparity.reports.exports.single_files import ExportPiece, at, pieces, source
from faceparity.reports.layout.svg import Figure
from faceparity.reports.wording import numbers as f

from .engine import typeset
from .standalone import size, standalone

PPI = 216
"""Three dots for each unit: an ordinary figure is 1,100 dots wide."""


def write_figures(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write every figure as SVG and PNG, with captions.

    NAME.svg and NAME.png, captions.json and captions.md. The same evaluation gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawings = [drawing for drawing in pieces(evaluation) if isinstance(drawing.content, Figure)]
    svgs = [standalone(drawing.content.svg) for drawing in drawings if isinstance(drawing.content, Figure)]
    paths = []
    for piece, svg, png in zip(drawings, svgs, to_png(svgs), strict=True):
        paths += [folder / f"{piece.name}.svg", folder / f"{piece.name}.png"]
        paths[-2].write_text(on_white(svg), encoding="utf-8", newline="\n")
        paths[-1].write_bytes(png)
    captions = [caption(evaluation, drawing) for drawing in drawings]
    (folder / "captions.json").write_text(json.dumps(captions, ensure_ascii=False, indent=1) + "\n", "utf-8")
    (folder / "captions.md").write_text(as_markdown(captions), "utf-8")
    return [*paths, folder / "captions.json", folder / "captions.md"]


def to_png(svgs: list[str]) -> list[bytes]:
    """Return each figure as PNG, on white."""
    if not svgs:
        return []
    sizes = [size(svg) for svg in svgs]
    figures = [{"svg": svg, "width": width, "height": height} for svg, (width, height) in zip(svgs, sizes, strict=True)]
    return typeset("figures.typ", {"figures": figures}, format="png", ppi=PPI)


def on_white(svg: str) -> str:
    """Return the figure as a file, on white.

    Its ink is dark, on any background.
    """
    head = re.match(r"<svg[^>]*>(?:<title.*?</title>)?(?:<desc.*?</desc>)?", svg, re.DOTALL)
    end = head.end() if head else svg.index(">") + 1
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{svg[:end]}<rect width="100%" height="100%" fill="#ffffff"/>{svg[end:]}\n'


def caption(evaluation: Evaluation, piece: ExportPiece) -> dict[str, Any]:
    """Return what must stand with a figure.

    It must wherever the figure is shown. `caption` and `source` together stand alone.
    """
    assert isinstance(piece.content, Figure)
    point = piece.point
    return {
        "file": f"{piece.name}.svg",
        "png": f"{piece.name}.png",
        "section": f.clean(piece.section),
        "caption": f.clean(piece.content.caption),
        "alt": f.clean(piece.content.alt),
        "source": source(evaluation),
        "dataset": f.clean(evaluation.dataset.name),
        "model": f.clean(evaluation.model.name),
        "threshold": None if point is None else point.native_threshold,
        "operating_point": None if point is None else f.point_name(point),
        "people": evaluation.dataset.subjects if evaluation.dataset.identity == "labelled" else None,
        "images": evaluation.dataset.samples,
        "non_mated_comparisons": evaluation.comparisons.non_mated,
        "mated_comparisons": evaluation.comparisons.mated,
        "interval": "95 %, by people",
        "subject": at(evaluation, point),
    }


def as_markdown(captions: list[dict[str, Any]]) -> str:
    """Return the captions as text to read and to copy."""
    from faceparity.reports.formats.markdown import escaped

    parts = [
        f"## {escaped(entry['file'])}\n\n{escaped(entry['caption'])}\n\n{escaped(entry['source'])}\n\nIn words: {escaped(entry['alt'])}\n"
        for entry in captions
    ]
    return "# Captions of the figures\n\n" + "\n".join(parts)
