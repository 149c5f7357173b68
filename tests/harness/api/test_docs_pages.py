"""The public API: what is exported is there, documented and says what it raises; its pages are built and need no network."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from faceparity.datasets import UserError
from faceparity.harness.api import docs_pages
from tests import ROOT

pytestmark = pytest.mark.slow

RAISES_NOTHING = {
    "EvaluationResult.report", "EvaluationResult.to_json", "dataset_names", "json_schema", "model_names",
    "Attribute.of_samples", "Model.extract", "Model.fingerprint", "ModelCard.conditions", "render", "summary", "to_json",
}  # fmt: skip
"""Of the functions and methods of the API those whose docstring need not say what they raise."""


@pytest.fixture(scope="module")
def exported() -> dict[str, Any]:
    names = docs_pages.public()
    return {f"{module}.{name}": getattr(sys.modules[module], name) for module, each in names.items() for name in each}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("api") / "pages"
    command = [sys.executable, "-W", "error::UserWarning", "-m", "faceparity.harness.api.docs_pages", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder / "index.html")
    return folder


def methods(found: Any) -> dict[str, Any]:
    """Public methods and properties that a class of ours has of its own."""
    return {
        name: x.func if hasattr(x, "func") else x.fget if isinstance(x, property) else x
        for name, x in vars(found).items()
        if not name.startswith("_") and (inspect.isfunction(x) or isinstance(x, property) or hasattr(x, "func"))
    }


def test_everything_exported_has_a_docstring(exported: dict[str, Any]) -> None:
    assert len(exported) > 90
    for name, x in exported.items():
        if inspect.isclass(x) or inspect.isfunction(x):
            assert (x.__doc__ or "").strip(), name
            assert not (x.__doc__ or "").startswith(f"{x.__name__}("), f"{name}: made by dataclass"
        for method, f in methods(x).items() if inspect.isclass(x) else ():
            assert (f.__doc__ or "").strip(), f"{name}.{method}"


def test_every_function_says_what_it_raises(exported: dict[str, Any]) -> None:
    silent = set()
    for name, x in exported.items():
        short = name.rpartition(".")[2]
        own = {n: f for n, f in methods(x).items() if inspect.isfunction(vars(x)[n])} if inspect.isclass(x) else {}
        each = {f"{short}.{n}": f for n, f in own.items()} if inspect.isclass(x) else {short: x} if inspect.isfunction(x) else {}
        silent |= {n for n, f in each.items() if "Raises" not in (f.__doc__ or "")}
    assert silent <= RAISES_NOTHING, silent - RAISES_NOTHING


def test_every_argument_of_the_notebook_s_functions_is_explained(exported: dict[str, Any]) -> None:
    for name in ("evaluate", "evaluate_scores"):
        found = exported[f"faceparity.harness.{name}"]
        told = {x for line in re.findall(r"^    - ([\w, ]+):", found.__doc__ or "", re.MULTILINE) for x in line.split(", ")}
        assert told == set(inspect.signature(found).parameters), name


def test_the_pages_show_every_name(pages: Path, exported: dict[str, Any]) -> None:
    for name in exported:
        module, _, short = name.rpartition(".")
        text = (pages / f"{module.replace('.', '/')}.html").read_text("utf-8")
        assert f'id="{short}"' in text, name
    text = "".join(p.read_text("utf-8") for p in pages.rglob("*.*"))
    assert [noise for noise in ("PydanticUndefined", "Annotated[", "FieldInfo", " at 0x") if noise in text] == []
    assert {p.stem for p in pages.rglob("*.html")} == {"index", *(m.rpartition(".")[2] for m in docs_pages.MODULES)}


def test_reading_them_loads_nothing_from_elsewhere(pages: Path) -> None:
    for page in pages.rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = re.findall(r"""<(?:script|img|link|iframe)[^>]+(?:src|href)=["']?([^"' >]+)""", text)
        assert not [x for x in loaded if re.match(r"(https?:)?//", x)], page.name
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", text), page.name


def test_nothing_of_this_machine_is_in_them(pages: Path) -> None:
    everything = "".join(p.read_text("utf-8") for p in pages.rglob("*.*"))
    for place in {str(Path.home()), str(ROOT), str(Path(docs_pages.__file__).parents[2])}:
        assert f"{place}/" not in everything


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(UserError, match="is not empty"):
        docs_pages.build(tmp_path)
    assert docs_pages.main([str(tmp_path)]) == docs_pages.main([]) == 2


def test_the_command_s_former_name_still_builds_them() -> None:
    from faceparity.reports import api

    assert api.main is docs_pages.main
