from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from faceparity.harness.results import Evaluation
from faceparity.harness.results.parts.notices import ALIKE, SAYS_NOTHING
from faceparity.reports.formats.html import render, write_report
from faceparity.reports.layout.elements import for_script
from faceparity.reports.wording.headline import finest
from faceparity.reports.wording.numbers import native_number

KINDS = ["plain", "no_mated", "contaminated", "partial", "distance", "synthetic", "refused", "hostile"]


def test_all_thresholds_stand_in_the_models_own_unit(variants: dict[str, Evaluation], pages: Callable[[str], Any]) -> None:
    _, *rows = pages("distance").tables["e1-points"]
    for row, p in zip(rows, finest(variants["distance"]).operating_points, strict=True):
        want = "–" if p.native_threshold is None else f"Euclidean distance ≤ {native_number(p.native_threshold)}"
        assert row[1] == want
        assert ("refused" in row[4]) == (p.threshold is None)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_can_be_read_with_a_screen_reader_and_without_a_network(pages: Callable[[str], Any], kind: str) -> None:
    page, text = pages(kind), pages(kind).source
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False)), "no level is left out"
    assert len(page.ids) == len(set(page.ids))
    assert all(a.get("scope") in ("col", "row") for a in page.attributes["th"])
    assert len(page.attributes["caption"]) == len(page.attributes["table"])
    named = [a["aria-labelledby"] for tags in page.attributes.values() for a in tags if "aria-labelledby" in a]
    assert {i for x in named for i in x.split()} <= set(page.ids)
    links = [a["href"] for a in page.attributes["a"]]
    assert all(x.startswith("#") and x[1:] in page.ids for x in links)
    assert not {"img", "link", "iframe", "object"} & set(page.attributes)
    assert "@import" not in text
    assert "url(" not in re.sub(r"url\(#", "", text)
    assert page.attributes["html"] == [{"lang": "en"}]


def test_hostile_names_are_text(pages: Callable[[str], Any]) -> None:
    text, page = pages("hostile").source, pages("hostile")
    assert text.count("<script") == text.count("<script>(function () {") + text.count('<script type="application/json" id="e1-')
    assert "<img" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]", text)
    assert "<script>alert(1)</script>" in "".join(page.text)
    assert not [a for tags in page.attributes.values() for x in tags for a in x if a.startswith("on")]


def test_only_our_own_scripts_may_run(pages: Callable[[str], Any]) -> None:
    page = pages("hostile")
    policy = next(a["content"] for a in page.attributes["meta"] if a.get("http-equiv") == "Content-Security-Policy")
    ours = re.findall("<script>(.*?)</script>", page.source, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in ours]
    assert ours
    assert re.search("script-src ([^;]*)", policy)[1].split() == [f"'sha256-{x}'" for x in hashes]  # type: ignore[index]
    assert policy.startswith("default-src 'none';")
    assert all(set(a) == {"type", "id"} for a in page.attributes["script"] if a), "data only"


def test_data_for_scripts_cannot_end_their_element() -> None:
    data = {"</script><b>": ["<!--", "ä"]}
    assert "<" not in for_script(data)
    assert json.loads(for_script(data)) == data


def test_order_finding_threshold_failures_rates(pages: Callable[[str], Any]) -> None:
    text = pages("plain").source
    keys = [
        "finding",
        "ftx",
        "threshold",
        "fmr",
        "fnmr",
        "ratios",
        "matrix",
        "det",
        "scores",
        "indices",
        "covariates",
        "labels",
        "warnings",
        "limits",
        "provenance",
    ]
    at = [text.index(f'<h3 id="e1-{k}"') for k in keys]
    assert at == sorted(at)


def test_all_evaluations_are_in_one_page_overview_first(
    variants: dict[str, Evaluation], read_page: Callable[[list[Evaluation]], Any]
) -> None:
    kinds = ["plain", "contaminated", "partial", "synthetic"]
    page = read_page([variants[k] for k in kinds])
    _, *rows = page.tables["overview"]
    assert len(rows) == len(kinds)
    by_kind = dict(zip(kinds, rows, strict=True))
    for kind, flag in (
        ("contaminated", "contaminated"),
        ("partial", "partial pool"),
        ("synthetic", "synthetic"),
        ("plain", "refused"),
    ):
        assert flag in by_kind[kind][-1]
    assert "contaminated" not in by_kind["plain"][-1]
    assert next(iter(page.tables)) == "overview"


def test_synthetic_faces_are_told_before_any_number(variants: dict[str, Evaluation]) -> None:
    alone = render([variants["synthetic"]])
    assert alone.index(f"<strong>{SAYS_NOTHING}</strong> {ALIKE}") < alone.index("<table")
    together = render([variants["plain"], variants["synthetic"]])
    assert f"<strong>{variants['synthetic'].dataset.name}: {SAYS_NOTHING}" in together
    assert SAYS_NOTHING not in render([variants["plain"]])


def test_file_is_whole_the_same_twice_and_small(variants: dict[str, Evaluation], builder: ModuleType, tmp_path: Path) -> None:
    names = tuple(f"Group {i}" for i in range(7))
    e = builder.evaluation(builder.Setup(ethnicities=names, sizes=(60,) * 14, means=(0.05,) * 14, failed=(1,) * 14))
    write_report([e], tmp_path / "report.html")
    first = (tmp_path / "report.html").read_bytes()
    write_report([e], tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert len(first) < 1_000_000


def test_a_failing_report_leaves_the_old_one(
    variants: dict[str, Evaluation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def broken(_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("faceparity.reports.formats.html.render", broken)
    with pytest.raises(RuntimeError):
        write_report([variants["plain"]], path)
    assert path.read_text() == "old"
