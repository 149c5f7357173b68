from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from faceparity.harness.record import Evaluation, Rate
from faceparity.harness.synthetic import ALIKE, SAYS_NOTHING
from faceparity.reports import format as f
from faceparity.reports.html import render, write_report
from faceparity.reports.parts import for_script
from faceparity.reports.select import finest

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Tables by key, headings, ids, tags; fails on tags that do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.attributes: dict[str, list[dict[str, str]]] = {}
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.stack: list[str] = []
        self.key = ""
        self.text: list[str] = []
        self.source = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {k: v or "" for k, v in attrs}
        self.attributes.setdefault(tag, []).append(a)
        if tag not in VOID:
            self.stack.append(tag)
        if "id" in a:
            self.ids.append(a["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "table":
            self.key = a["data-table"]
            assert self.key not in self.tables
            self.tables[self.key] = []
        if tag == "tr":
            self.tables[self.key].append([])
        if tag in ("th", "td"):
            self.tables[self.key][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if {"th", "td"} & set(self.stack) and "table" in self.stack:
            self.tables[self.key][-1][-1] += data.replace(f.NBSP, " ")


def read(evaluations: list[Evaluation]) -> Page:
    page = Page()
    page.source = render(evaluations)
    page.feed(page.source)
    page.close()
    assert page.stack == []
    return page


@pytest.fixture(scope="module")
def pages(variants: dict[str, Evaluation]) -> Callable[[str], Page]:
    made: dict[str, Page] = {}

    def get(kind: str) -> Page:
        if kind not in made:
            made[kind] = read([variants[kind]])
        return made[kind]

    return get


KINDS = ["plain", "no_mated", "contaminated", "partial", "distance", "synthetic", "refused", "hostile"]


def close(text: str, value: float, digits: int) -> bool:
    """Whether a shown percentage is the value to its digits."""
    shown = float(text.removesuffix(" %").replace(",", "")) / 100
    return abs(shown - value) <= 0.5000001 * 10.0 ** (1 - digits) * abs(value)


def check_rate(cells: dict[str, str], r: Rate, measure: str) -> None:
    """A row of a rate table against the record, number by number, without the report's own formatting."""
    assert cells["Group"] == f.shorten(r.group, 100)
    assert cells["People"] == f"{r.subjects:,}"
    assert cells["Comparisons"] == f"{r.comparisons:,}"
    assert cells["Errors"] == ("–" if r.errors is None else f"{r.errors:,}")
    value = cells[measure]
    if r.status == "suppressed":
        assert value in ("<30 people", "–")
        assert cells["95 % interval"]
    elif r.status == "bound":
        top = r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
        assert top is not None
        assert value.startswith("≤ ")
        assert close(value.removeprefix("≤ "), top, 2)
        assert cells["Mean over people"] == "–", "no point rate beside a bound"
        if r.bounds:
            assert close(cells["95 % interval"].split("≤ ")[1].split(" if")[0], r.bounds.independent, 2)
    else:
        assert r.rate is not None
        assert close(value, r.rate, 3)
        if r.interval:
            lo, hi = cells["95 % interval"].removesuffix("] %").removeprefix("[").split(", ")
            assert close(lo, r.interval[0], 2)
            assert close(hi, r.interval[1], 2)
        else:
            assert "fewer than 50 people" in cells["95 % interval"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_rate_is_shown_as_the_record_has_it(
    variants: dict[str, Evaluation], pages: Callable[[str], Page], kind: str
) -> None:
    e, page, seen = variants[kind], pages(kind), 0
    for i, g in enumerate(e.groupings):
        for n, p in enumerate(g.operating_points):
            second = p.without_likely_same_person
            for key, measure, rates in (
                (f"e1-{i}-{n}-fmr", "FMR", p.fmr),
                (f"e1-{i}-{n}-fnmr", "FNMR", p.fnmr),
                (f"e1-{i}-{n}-fmr-second", "FMR", second.fmr if second else []),
            ):
                if p.threshold is None or not rates:
                    assert key not in page.tables
                    continue
                header, *rows = page.tables[key]
                assert len(rows) == len(rates)
                for row, r in zip(rows, rates, strict=True):
                    check_rate(dict(zip(header, row, strict=True)), r, measure)
                    seen += 1
    assert seen >= 14


def test_every_ratio_and_verdict_is_shown_as_the_record_has_it(
    variants: dict[str, Evaluation], pages: Callable[[str], Page]
) -> None:
    e, page = variants["plain"], pages("plain")
    i, g = len(e.groupings) - 1, finest(e)
    header, *rows = page.tables[f"e1-{i}-0-fmr-ratios"]
    contrasts = [c for c in g.operating_points[0].contrasts if c.measure == "fmr"]
    for row, c in zip(rows, contrasts, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["Group"] == c.group
        assert cells["Verdict"].startswith(c.verdict)
        if c.ratio is None:
            assert cells["Ratio"] == "–"
        else:
            assert float(cells["Ratio"].removesuffix("×")) == pytest.approx(c.ratio, rel=0.051)


def test_all_thresholds_stand_in_the_models_own_unit(variants: dict[str, Evaluation], pages: Callable[[str], Page]) -> None:
    _, *rows = pages("distance").tables["e1-points"]
    for row, p in zip(rows, finest(variants["distance"]).operating_points, strict=True):
        want = "–" if p.native_threshold is None else f"Euclidean distance ≤ {p.native_threshold:.5g}"
        assert row[1] == want
        assert ("refused" in row[4]) == (p.threshold is None)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_can_be_read_with_a_screen_reader_and_without_a_network(pages: Callable[[str], Page], kind: str) -> None:
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


def test_hostile_names_are_text(pages: Callable[[str], Page]) -> None:
    text, page = pages("hostile").source, pages("hostile")
    assert text.count("<script") == text.count("<script>(function () {") + text.count('<script type="application/json" id="e1-')
    assert "<img" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]", text)
    assert "<script>alert(1)</script>" in "".join(page.text)
    assert not [a for tags in page.attributes.values() for x in tags for a in x if a.startswith("on")]


def test_only_our_own_scripts_may_run(pages: Callable[[str], Page]) -> None:
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


def test_order_finding_threshold_failures_rates(pages: Callable[[str], Page]) -> None:
    text = pages("plain").source
    keys = [
        "finding",
        "threshold",
        "ftx",
        "fmr",
        "fnmr",
        "ratios",
        "matrix",
        "scores",
        "det",
        "indices",
        "covariates",
        "labels",
        "warnings",
        "limits",
        "provenance",
    ]
    at = [text.index(f'<h3 id="e1-{k}"') for k in keys]
    assert at == sorted(at)


def test_all_evaluations_are_in_one_page_overview_first(variants: dict[str, Evaluation]) -> None:
    kinds = ["plain", "contaminated", "partial", "synthetic"]
    page = read([variants[k] for k in kinds])
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

    monkeypatch.setattr("faceparity.reports.html.render", broken)
    with pytest.raises(RuntimeError):
        write_report([variants["plain"]], path)
    assert path.read_text() == "old"
