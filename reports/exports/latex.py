"""`tables/*.tex`: the tables of the page for a paper, in plain LaTeX; booktabs' rules where that package is loaded."""

from __future__ import annotations

from pathlib import Path

from faceparity.harness.results import Evaluation
from faceparity.reports.exports.single_files import ExportPiece, at, pieces, source
from faceparity.reports.layout.elements import Table
from faceparity.reports.wording import numbers as f

from .tex import FALLBACK, tex

LONG = 36
"""Columns of texts longer than this are broken into lines."""

RULES = "".join(rf"\providecommand{{\{name}rule}}{{\hline}}" for name in ("top", "mid", "bottom"))


def write_latex(evaluation: Evaluation, folder: Path) -> list[Path]:
    r"""Write `folder`/NAME.tex for every table.

    Each is read in with `\input`. The same evaluation gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for piece in pieces(evaluation):
        if isinstance(piece.content, Table):
            paths.append(folder / f"{piece.name}.tex")
            paths[-1].write_text(latex_table(evaluation, piece), encoding="utf-8", newline="\n")
    return paths


def latex_table(evaluation: Evaluation, piece: ExportPiece) -> str:
    """Return one table with a label and a caption.

    The caption stands alone; nothing in a name is a command.
    """
    table = piece.content
    assert isinstance(table, Table)
    caption = f"{f.clean(table.caption)}. {at(evaluation, piece.point)}. {source(evaluation)}"
    rows = [[f.clean(cell) for cell in row] for row in table.rows]
    return "\n".join(
        [
            FALLBACK,
            RULES,
            r"\begin{table}",
            r"\footnotesize",
            rf"\caption{{{tex(caption)}}}",
            rf"\label{{tab:{piece.name.replace('_', ':')}}}",
            rf"\begin{{tabular}}{{{_columns(table, rows)}}}",
            r"\toprule",
            _line([f.clean(cell) for cell in table.columns]),
            r"\midrule",
            *(_line(row) for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _columns(table: Table, rows: list[list[str]]) -> str:
    """Return the columns' alignment.

    Text to the left, in lines where it is long; numbers to the right.
    """
    alignments = []
    for i in range(len(table.columns)):
        words = i == 0 or i in table.words
        longest = max((len(row[i]) for row in rows), default=0)
        alignments.append("p{4cm}" if words and longest > LONG else "l" if words else "r")
    return "".join(alignments)


def _line(cells: list[str]) -> str:
    return " & ".join(tex(cell) for cell in cells) + r" \\"
