"""`tables/*.tex`: the tables of the page for a paper, in plain LaTeX; booktabs' rules where that package is loaded."""

from __future__ import annotations

from pathlib import Path

from faceparity.harness.results import Evaluation
from faceparity.reports.layout.elements import Table
from faceparity.reports.wording import numbers as f

from .pieces import ExportPiece, at, pieces, source
from .tex import FALLBACK, tex

LONG = 36
"""Columns of longer texts get lines."""

RULES = "".join(rf"\providecommand{{\{name}rule}}{{\hline}}" for name in ("top", "mid", "bottom"))


def write_latex(e: Evaluation, folder: Path) -> list[Path]:
    """Writes `folder`/NAME.tex for every table, to be read in with `\\input`. The same evaluation gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for piece in pieces(e):
        if isinstance(piece.content, Table):
            paths.append(folder / f"{piece.name}.tex")
            paths[-1].write_text(latex_table(e, piece), encoding="utf-8", newline="\n")
    return paths


def latex_table(e: Evaluation, piece: ExportPiece) -> str:
    """One table with a caption that stands alone and a label; nothing in a name is a command."""
    t = piece.content
    assert isinstance(t, Table)
    said = f"{f.clean(t.caption)}. {at(e, piece.point)}. {source(e)}"
    rows = [[f.clean(c) for c in row] for row in t.rows]
    return "\n".join(
        [
            FALLBACK,
            RULES,
            r"\begin{table}",
            r"\footnotesize",
            rf"\caption{{{tex(said)}}}",
            rf"\label{{tab:{piece.name.replace('_', ':')}}}",
            rf"\begin{{tabular}}{{{_columns(t, rows)}}}",
            r"\toprule",
            _line([f.clean(c) for c in t.columns]),
            r"\midrule",
            *(_line(row) for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _columns(t: Table, rows: list[list[str]]) -> str:
    """Text to the left, in lines where it is long; numbers to the right."""
    out = []
    for i in range(len(t.columns)):
        words = i == 0 or i in t.words
        longest = max((len(row[i]) for row in rows), default=0)
        out.append("p{4cm}" if words and longest > LONG else "l" if words else "r")
    return "".join(out)


def _line(cells: list[str]) -> str:
    return " & ".join(tex(c) for c in cells) + r" \\"
