"""Draw the floors of the house from its imports: `python -m tests.architecture` prints the picture in CONTRIBUTING.md.

A room is a folder of harness or reports (or a module loose in them), and all of datasets. Imports inside functions and for types
alone, and modules named in strings, count like any other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests import ROOT

PACKAGES = ("datasets", "harness", "reports")
PREFIX = "faceparity."

FLOORS = (
    ("harness.cli",),
    ("harness.suite", "harness.api", "harness.model_comparison"),
    ("harness.runs", "harness.score_files"),
    ("harness.evaluation",),
    ("harness.scenarios",),
    ("harness.claims", "harness.protocols", "harness.experiments"),
    ("harness.templates", "harness.verification"),
    ("harness.execution",),
    ("harness.comparisons",),
    ("harness.models", "harness.results"),
    ("harness.metrics", "harness.uncertainty", "harness.groups", "harness.options"),
    ("datasets",),
)
"""What measures, from the top. A room imports from floors below its own alone."""

REPORT_FLOORS = (
    ("reports.writers",),
    ("reports.comparison", "reports.exports"),
    ("reports.formats",),
    ("reports.sections",),
    ("reports.topics",),
    ("reports.charts",),
    ("reports.layout",),
    ("reports.wording", "reports.templates"),
)
"""What is said of it, from the top."""

FOR_REPORTS = frozenset(
    {
        "datasets",
        "harness.claims",
        "harness.groups",
        "harness.metrics",
        "harness.options",
        "harness.results",
        "harness.uncertainty",
        "harness.verification",
    }
)
"""What reports may import of the rest: records, what they are made of, and the rules that decided."""

OLD_NAMES = frozenset({"harness.cost", "harness.record", "reports.api"})
"""Modules that lead from names of before to where things lie now."""

SHOWS_REPORTS = frozenset({"harness.api", "harness.cli", "harness.model_comparison", "harness.runs", "harness.suite"})
"""Who may import reports."""


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return the file of every module, by its name without the package's."""
    files = (file for package in PACKAGES for file in sorted((root / package).rglob("*.py")))
    own = (file for file in files if "examples" not in file.parts)
    return {".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file for file in own}


def imports(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Return the modules that each module imports; the three packages themselves aside, which import late and by name."""
    found: dict[str, set[str]] = {}
    for name, file in files.items():
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        targets = (_module_of(target, files) for target in _named(ast.parse(file.read_text("utf-8")), package))
        found[name] = {target for target in targets if target and target not in PACKAGES} - {name}
    return found


def _named(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield dotted names that stand in imports, or in strings that name a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = PREFIX + ".".join(package.split(".")[: len(package.split(".")) + 1 - node.level]) if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(PREFIX):
            yield node.value.replace(":", ".")


def _module_of(target: str, files: Mapping[str, Path]) -> str:
    """Return the module that a dotted name leads to; empty for other packages."""
    if not target.startswith(PREFIX):
        return ""
    name = target.removeprefix(PREFIX)
    while name and name not in files:
        name = name.rpartition(".")[0]
    return name


def room_of(module: str, files: Mapping[str, Path]) -> str:
    """Return the room that a module lies in."""
    top, _, rest = module.partition(".")
    if top == "datasets":
        return top
    alone = "." not in rest and files[module].name != "__init__.py"
    return module if alone else f"{top}.{rest.split('.')[0]}" if rest else top


def rooms(found: Mapping[str, Set[str]], files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Return the rooms that each room imports from; the packages themselves and old names aside."""
    out: dict[str, set[str]] = {}
    for module, targets in found.items():
        if module not in PACKAGES and module not in OLD_NAMES:
            room = room_of(module, files)
            out.setdefault(room, set()).update({room_of(target, files) for target in targets} - {room})
    return out


def loop(graph: Mapping[str, Set[str]]) -> list[str]:
    """Return the members of one loop, in their order; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def misplaced(graph: Mapping[str, Set[str]]) -> list[str]:
    """Return every import from one room to another that the floors forbid, and every room that is on none."""
    floor = {room: number for floors in (FLOORS, REPORT_FLOORS) for number, row in enumerate(floors) for room in row}
    wrong = [f"{room} is on no floor" for room in graph if room not in floor]
    for room, targets in graph.items():
        for target in targets:
            reporting, reported = (r.startswith("reports") for r in (room, target))
            if reporting and not reported:
                allowed = target in FOR_REPORTS
            elif reported and not reporting:
                allowed = room in SHOWS_REPORTS
            else:
                allowed = floor.get(target, -1) > floor.get(room, -1)
            if not allowed:
                wrong.append(f"{room} imports {target}")
    return sorted(wrong)


def picture(graph: Mapping[str, Set[str]], files: Mapping[str, Path]) -> str:
    """Draw the floors, each room as low as its imports let it lie, with the first line of its docstring."""
    lines = []
    for top in ("harness", "reports"):
        own = {room: {t for t in targets if t.split(".")[0] in (top, "datasets")} for room, targets in graph.items()}
        level: dict[str, int] = {}
        for room in TopologicalSorter(own).static_order():
            level[room] = 1 + max((level[target] for target in own.get(room, ())), default=-1)
        shown = [room for room in level if room.split(".")[0] == top or (top == "harness" and room == "datasets")]
        for height in sorted({level[room] for room in shown}, reverse=True):
            for room in sorted(room for room in shown if level[room] == height):
                lines.append(f"{height:>2}  {room.removeprefix(top + '.'):<17} {_purpose(files[room])}")
        lines.append("")
    return "\n".join(lines).rstrip()


def _purpose(file: Path) -> str:
    return (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").partition("\n")[0]


def main() -> None:
    """Print the picture."""
    files = modules()
    print(picture(rooms(imports(files), files), files))


if __name__ == "__main__":
    main()
