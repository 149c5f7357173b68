"""Measure how docstrings and names are written: `python -m tests.code_style [FOLDER]`.

Of functions in datasets, harness and reports: how many docstrings begin with a verb of `VERBS`, how long first lines are, and how many
names that a function binds (parameters, assignments, loops) are one letter. `tests/test_code_style.py` holds the limits.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests import ROOT

PACKAGES = ("datasets", "harness", "reports")

VERBS = frozenset(
    """
    accept add adjust align allow annotate answer append apply approximate arrange ask assemble assert assign attach average
    begin bind bound break build
    calibrate call cancel cap centre change check choose classify clean clear close collect colour combine compare compile complete
    compose compress compute concatenate connect convert copy correct count crop cut
    deal declare decode decorate decrypt define delete derive describe destroy detect disarm discard divide download draw drop
    embed encode encrypt end enrol ensure enter enumerate erase escape estimate evaluate exclude execute exit expand explain export
    express extract
    fail fetch fill filter find finish fit flag flatten flush fold follow forget fork format forward free
    gather generate get give go group guard guess
    handle hash hide hold
    identify ignore import indent index infer insert interpolate invert iterate
    join judge
    keep kill
    label lay leave limit link list load locate lock log look lower
    make map mark mask match measure merge mirror mix move
    name narrow normalise note number
    offer omit open order overlay
    pack pad parse pass patch pick place plan plot point pool prepare print probe project protect prove publish put
    quantise quote
    raise rank rate read rebuild receive recognise recompute record reduce refuse register release reload remove rename render repair
    repeat replace report request require resample reserve reset resize resolve restore restrict resume return revoke rewrite rotate
    round run
    sample save say scale scan search seed select send separate serialise serve set settle shade shape share shift shorten show shuffle
    shut sign simulate skip smooth sort spell split spread stand start state stop store strip subtract sum suppress switch synchronise
    take tally tell test tie time total trace track train transform translate transpose trim truncate trust try turn
    undo unfold unite unpack update use
    validate verify visit
    wait walk warn watch weigh widen wrap write
    yield
    """.split()  # noqa: SIM905
)
"""Imperatives with which a docstring may begin."""


class Style(NamedTuple):
    """What is measured of a set of functions."""

    functions: int
    documented: int
    with_verb: int
    first_line_words: float
    """Median."""
    names: int
    one_letter: int

    @property
    def verb_share(self) -> float:
        """Return the share of documented functions whose docstring begins with a verb of the list."""
        return self.with_verb / self.documented

    @property
    def one_letter_share(self) -> float:
        """Return the share of bound names that are one letter."""
        return self.one_letter / self.names


def functions(root: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function of the three packages, with its file's path and line."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{path.relative_to(root)}:{node.lineno}", node


def first_line(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the first line of a docstring; empty without one."""
    return (ast.get_docstring(function) or "").partition("\n")[0]


def begins_with_verb(line: str) -> bool:
    """Return whether a docstring's first word is a verb of the list; "Count of …" has a noun there."""
    words = line.split()
    return bool(words) and words[0].strip(".,:;").lower() in VERBS and words[1:2] != ["of"]


def bound_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return the names that a function itself binds, each as often as it does; `_` aside, as it says that nothing is meant."""
    found = []
    inside: list[ast.AST] = list(ast.iter_child_nodes(function))
    while inside:
        node = inside.pop()
        if isinstance(node, ast.arg):
            found.append(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append(node.id)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside.extend(ast.iter_child_nodes(node))
    return [name for name in found if name != "_"]


def measure(root: Path = ROOT) -> Style:
    """Measure the code under a checkout."""
    every = [function for _, function in functions(root)]
    lines = [line for line in map(first_line, every) if line]
    names = [name for function in every for name in bound_names(function)]
    return Style(
        functions=len(every),
        documented=len(lines),
        with_verb=sum(map(begins_with_verb, lines)),
        first_line_words=median(len(line.split()) for line in lines),
        names=len(names),
        one_letter=sum(len(name) == 1 for name in names),
    )


def main() -> None:
    """Print what is measured of a checkout, or of another folder with the three packages."""
    style = measure(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    print(f"{style.functions:,} functions, {style.documented:,} with a docstring")
    print(f"docstrings that begin with a verb: {style.verb_share:.1%}")
    print(f"words in a docstring's first line: median {style.first_line_words:g}")
    print(f"names of one letter: {style.one_letter_share:.1%} of {style.names:,}")


if __name__ == "__main__":
    main()
