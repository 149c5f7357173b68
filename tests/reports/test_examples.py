"""The gallery of example reports holds what it says, follows today's schema, and can be drawn from its results."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from types import ModuleType

import jsonschema
import pytest

from faceparity.harness.results import from_json, json_schema
from faceparity.reports.formats.html import render
from faceparity.reports.topics.names import names_of
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.forbidden_words import forbidden
from tests import ROOT

pytestmark = pytest.mark.slow

GALLERY = ROOT / "reports" / "examples"
NAMES = sorted(p.parent.name for p in GALLERY.glob("*/results.json"))
MOST = 8_000_000
"""Bytes of the whole gallery."""


@pytest.fixture(scope="module")
def rebuild() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rebuild_examples", GALLERY / "rebuild.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["rebuild_examples"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not NAMES, reason="no example is built")
def test_all_examples_are_there_and_no_others(rebuild: ModuleType) -> None:
    assert sorted(x.name for x in rebuild.EXAMPLES) == NAMES
    for name in NAMES:
        assert {p.name for p in (GALLERY / name).iterdir()} == set(rebuild.KEPT)
    assert sum(p.stat().st_size for p in GALLERY.rglob("*") if p.is_file()) < MOST


@pytest.mark.parametrize("name", NAMES)
def test_results_follow_todays_schema_and_can_be_drawn(name: str) -> None:
    """Not that the page is the same byte for byte: `rebuild.py --check` says that, and the gallery is made anew for a release."""
    text = (GALLERY / name / "results.json").read_text("utf-8")
    jsonschema.validate(json.loads(text), json_schema())
    e = from_json(text)
    page, committed = render([e]), (GALLERY / name / "report.html").read_text("utf-8")
    title = re.compile("<title>.*?</title>")
    found, here = title.search(page), title.search(committed)
    assert found
    assert here
    assert found.group() == here.group()
    for p in e.groupings[-1].operating_points:
        if p.native_threshold is not None:
            assert f.native_number(p.native_threshold) in committed


@pytest.mark.parametrize("name", NAMES)
def test_nothing_personal_and_nothing_of_the_machine_is_in_it(name: str) -> None:
    for path in (GALLERY / name).iterdir():
        if path.suffix != ".png":
            text = path.read_text("utf-8")
            assert not re.search(r"/(home|root|tmp|work|Users)/|\.(jpe?g|JPE?G)\b|data:image", text), path.name


@pytest.mark.skipif(not NAMES, reason="no example is built")
def test_the_index_tells_each_finding_and_its_links_lead_somewhere() -> None:
    text = (GALLERY / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 4 * len(NAMES)
    assert [x for x in links if not (GALLERY / x).is_file()] == []
    assert all(f"{name}/report.html" in links for name in NAMES)
    assert "Synthetic faces" in text or "synthetic" in text
    sentences = [line for line in text.splitlines() if line and not line.startswith(("#", "!", "[", "`", "    "))]
    names = {n for name in NAMES for n in names_of(from_json((GALLERY / name / "results.json").read_text("utf-8")))}
    assert [found for line in sentences for found in forbidden(line, names)] == []
