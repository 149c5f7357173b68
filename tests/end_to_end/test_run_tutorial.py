"""The tutorial, run as a notebook runs it. (By its name it comes right after the tests of `run`, whose templates it finds in the store.)"""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests import ROOT

TUTORIAL = ROOT / "reports" / "examples" / "tutorial.ipynb"


@pytest.fixture(scope="module")
def tutorial() -> Any:
    return nbformat.read(TUTORIAL, 4)


@pytest.fixture(scope="module")
def outputs(tutorial, command_environment, tmp_path_factory) -> list[list[Any]]:
    """Of each cell of code."""
    folder = tmp_path_factory.mktemp("notebook")
    own = {"JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "IPYTHONDIR": str(folder / "ipython"), "PYTHONWARNINGS": "default"}
    done = NotebookClient(
        nbformat.from_dict(tutorial), timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute(env={**command_environment, **own})
    assert sorted(p.name for p in folder.iterdir() if p.name not in ("runtime", "ipython")) == []  # writes nothing
    return [cell.outputs for cell in done.cells if cell.cell_type == "code"]


def shown(cell: list[Any], kind: str) -> str:
    return "".join("".join(o.get("data", {}).get(kind, "")) or str(o.get("text", "")) for o in cell)


def test_it_is_kept_without_outputs(tutorial) -> None:
    code = [cell for cell in tutorial.cells if cell.cell_type == "code"]
    assert len(code) > 5
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert not re.search(r"/(home|root|Users|tmp)/", TUTORIAL.read_text("utf-8"))


def test_every_cell_shows_what_it_is_there_for(outputs) -> None:
    assert all(outputs), "a cell that shows nothing"
    assert not [o for cell in outputs for o in cell if o.output_type == "error" or o.get("name") == "stderr"]
    result, names, chart, within, contrasts, points, scores, mine, mistake = outputs
    html = shown(result, "text/html")
    assert "the faces are synthetic" in html.lower()
    assert html.count("<svg") == 2
    assert "chart" in shown(names, "text/plain")
    assert shown(chart, "image/svg+xml").count("<svg") == 1
    assert shown(within, "text/html").count("<tr>") == 6
    assert "verdict" in shown(contrasts, "text/html")
    assert {"target", "published", "fixed"} <= set(re.findall(r"<td>(\w+)</td>", shown(points, "text/html")))
    assert "subject_a" in shown(scores, "text/html")
    assert shown(mistake, "text/plain").startswith("scores, row 7 (counted from 0): mated contradicts")
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in shown(mine, "text/html").split("<tr>")[1:]]
    for row, truth in zip(cells, (0.01, 0.04), strict=True):
        assert float(row[4]) <= truth <= float(row[5]), row


def test_progress_is_gone_when_it_is_done(outputs) -> None:
    assert "<progress" not in "".join(shown(cell, "text/html") for cell in outputs)
