"""No module of reports imports itself through others, inside functions and for types alone included."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import faceparity.reports

ROOT = Path(faceparity.reports.__path__[0])


def name_of(file: Path, root: Path) -> str:
    return ".".join(("faceparity.reports", *file.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")


def imports(root: Path) -> dict[str, set[str]]:
    """What each module under root imports of the others."""
    files = {name_of(file, root): file for file in root.rglob("*.py")}
    found: dict[str, set[str]] = {}
    for name, file in files.items():
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        found[name] = set()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found[name] |= {alias.name for alias in node.names} & files.keys()
            elif isinstance(node, ast.ImportFrom):
                above = package.rsplit(".", node.level - 1)[0] if node.level else ""
                base = ".".join(filter(None, (above, node.module)))
                both = ((f"{base}.{alias.name}", base) for alias in node.names)
                found[name] |= {whole if whole in files else base for whole, base in both if whole in files or base in files}
    return found


def test_no_loop_of_imports() -> None:
    found = imports(ROOT)
    assert found["faceparity.reports.formats.csv_tables"] >= {
        "faceparity.reports.topics.registry",
        "faceparity.reports.wording.csv_rows",
    }
    assert found["faceparity.reports.exports.document"] >= {
        "faceparity.reports.exports.scope",
        "faceparity.reports.wording.numbers",
    }
    assert tuple(TopologicalSorter(found).static_order())


@pytest.mark.parametrize(
    "text", ["from .tables import x", "def f():\n    import faceparity.reports.tables", "from . import tables"]
)
def test_a_loop_is_found_wherever_it_is_closed(text: str, tmp_path: Path) -> None:
    (tmp_path / "tables.py").write_text("from faceparity.reports.claims import y\n", "utf-8")
    (tmp_path / "claims.py").write_text(text, "utf-8")
    with pytest.raises(CycleError):
        TopologicalSorter(imports(tmp_path)).prepare()
