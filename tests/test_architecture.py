"""Every import leads downstairs, none in a loop, and the picture in CONTRIBUTING.md is that of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import ROOT
from tests.architecture import FLOORS, REPORT_FLOORS, imports, loop, misplaced, modules, picture, room_of, rooms

FILES = modules()
IMPORTS = imports(FILES)
ROOMS = rooms(IMPORTS, FILES)
CLEAN = {room: set[str]() for room in ROOMS}


def test_imports_are_seen_wherever_they_stand() -> None:
    """Lazy, type-only and by name."""
    assert (
        "harness.api.evaluate"
        in imports({"harness": FILES["harness"], "harness.api.evaluate": FILES["harness.api.evaluate"]})["harness"]
    )
    assert "reports.writers" in IMPORTS["harness.runs.result_files"]
    assert ROOMS["harness.cli"] >= {"harness.runs", "harness.suite", "reports.comparison"}


def test_no_module_imports_itself_through_others() -> None:
    assert loop(IMPORTS) == []


def test_no_room_imports_itself_through_others() -> None:
    assert loop(ROOMS) == []


def test_every_import_leads_to_a_floor_below() -> None:
    assert misplaced(ROOMS) == []


def test_every_room_of_the_floors_is_there() -> None:
    assert {room for floors in (FLOORS, REPORT_FLOORS) for row in floors for room in row} == set(ROOMS)


def test_no_folder_has_more_modules_than_one_looks_over() -> None:
    """Readers aside, of which there is one per publisher's layout."""
    folders = {file.parent for file in FILES.values()} - {ROOT / "datasets" / "readers"}
    crowded = {
        str(f.relative_to(ROOT)): n for f in folders if (n := len([m for m in f.glob("*.py") if m.stem != "__init__"])) > 15
    }
    assert crowded == {}


def test_the_picture_is_that_of_the_code() -> None:
    assert picture(ROOMS, FILES) in (ROOT / "CONTRIBUTING.md").read_text("utf-8"), "python -m tests.architecture prints it anew"


@pytest.mark.parametrize(
    "text",
    [
        "from .tables import x",
        "def f():\n    import faceparity.reports.tables",
        "from . import tables",
        "NAME = 'faceparity.reports.tables:x'",
    ],
)
def test_a_loop_is_found_wherever_it_is_closed(text: str, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "tables.py").write_text("from faceparity.reports.claims import y\n", "utf-8")
    (tmp_path / "reports" / "claims.py").write_text(text, "utf-8")
    assert set(loop(imports(modules(tmp_path)))) == {"reports.tables", "reports.claims"}


def test_an_import_that_leads_up_is_named() -> None:
    assert misplaced({**CLEAN, "datasets": {"harness.models"}}) == ["datasets imports harness.models"]
    assert misplaced({**CLEAN, "reports.wording": {"harness.cli"}}) == ["reports.wording imports harness.cli"]
    assert misplaced({**CLEAN, "harness.metrics": {"reports.wording"}}) == ["harness.metrics imports reports.wording"]
    assert "harness.attic is on no floor" in misplaced({**CLEAN, "harness.attic": set()})


def test_a_room_is_a_folder_or_a_loose_module() -> None:
    assert room_of("harness.verification.rates.verdict_rules", FILES) == "harness.verification"
    assert room_of("harness.options", FILES) == "harness.options"
    assert room_of("datasets.readers.folder", FILES) == "datasets"
