"""`report.pdf`: the same content as the page, on numbered pages, names as text, and what only the PDF has."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.results import Evaluation
from faceparity.reports.exports import engine
from faceparity.reports.exports.document import MOST_ROWS, document, item, table
from faceparity.reports.exports.iso_19795_10 import CHECKS, METHODS, SCOPE, answers, parts_of
from faceparity.reports.exports.pdf import constants, render_pdf, write_pdf
from faceparity.reports.exports.standalone import size, standalone
from faceparity.reports.layout.elements import Raw, Table
from faceparity.reports.sections.about import GLOSSARY
from faceparity.reports.topics.registry import topics
from faceparity.reports.wording.forbidden_words import forbidden

pytestmark = pytest.mark.slow

SOMETIMES = {*(t.name for t in topics()), "slider", "repeats", "sensitivity", "both"}
"""Sections that only some evaluations have."""


def bare(text: str) -> str:
    """Without white space, which lines and columns decide."""
    return re.sub(r"[\s\u00a0\u200b\u00ad]+", "", text)


class Pdf:
    """A PDF and what it says, page by page."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.reader = pypdf.PdfReader(io.BytesIO(content))
        self.pages = [page.extract_text() for page in self.reader.pages]
        self.text = bare("".join(self.pages))


@pytest.fixture(scope="module")
def pdfs(variants: dict[str, Evaluation]) -> dict[str, Pdf]:
    return {kind: Pdf(render_pdf([variants[kind]])) for kind in ("plain", "hostile")}


def texts(items: list[dict[str, Any]]) -> Iterator[str]:
    """Every text in a document's items."""
    for x in items:
        yield from (x[k] for k in ("text", "caption", "summary") if k in x)
        yield from (i for i in x.get("items", []) if isinstance(i, str))
        yield from (c for row in x.get("rows", []) for c in row)
        yield from texts([i for i in x.get("items", []) if isinstance(i, dict)])


def drawable(text: str) -> bool:
    """Whether all signs are in the fonts that come along, and in the order in which they are read."""
    return all(ord(c) < 0x590 or 0x2000 <= ord(c) < 0x2300 for c in text)


@pytest.mark.parametrize("kind", ["plain", "hostile"])
def test_all_that_the_page_says_is_there(variants: dict[str, Evaluation], pdfs: dict[str, Pdf], kind: str) -> None:
    pdf, data = pdfs[kind], document([variants[kind]])
    seen = 0
    for chapter in data["chapters"]:
        assert bare(chapter["title"]) in pdf.text
        for section in chapter["sections"]:
            assert bare(section["title"]) in pdf.text
            for text in filter(drawable, texts(section["items"])):
                # A text that goes over two pages has a foot and a head in its midst: its beginning is on one of them.
                assert bare(text) in pdf.text or bare(text)[:20] in pdf.text, text
                seen += 1
    assert seen > 500
    assert all(bare(meaning) in pdf.text for _, meaning in GLOSSARY)


def test_pages_are_numbered_and_have_a_running_head_and_contents_with_links(pdfs: dict[str, Pdf]) -> None:
    pdf = pdfs["plain"]
    n = len(pdf.pages)
    assert n > 10
    for i, page in enumerate(pdf.pages, 1):
        assert f"{i}/{n}" in bare(page)
    assert all("False matches by group" in page for page in pdf.pages)
    titles = [x.title for x in flat(pdf.reader.outline)]
    assert any("False match rate (FMR) by group" in t for t in titles)
    assert any("Methods" in t for t in titles)


def flat(outline: list[Any]) -> Iterator[Any]:
    for x in outline:
        yield from flat(x) if isinstance(x, list) else [x]


def test_it_is_tagged_titled_and_the_same_twice(variants: dict[str, Evaluation], pdfs: dict[str, Pdf]) -> None:
    pdf = pdfs["plain"]
    assert render_pdf([variants["plain"]]) == pdf.content
    assert pdf.reader.metadata is not None
    assert "model_a on set_a" in str(pdf.reader.metadata.title)
    assert pdf.reader.metadata.creation_date is None
    root = pdf.reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert b"pdfuaid" in root["/Metadata"].get_data()
    assert len(pdf.content) < 1_000_000


def test_names_are_text_whatever_signs_are_in_them(builder: Any) -> None:
    name = "#let x = 1 $alpha$ @cite \\ \"q\" 's' `raw` *b* _i_ <label> [c] {d} // no /* no */ ~ = - + @@"
    e = builder.evaluation(
        builder.Setup(ethnicities=(name, '#image("/etc/passwd")'), sizes=(60,) * 4, means=(0.1,) * 4, failed=(0,) * 4)
    )
    text = Pdf(render_pdf([e])).text
    assert bare(name) in text
    assert bare('#image("/etc/passwd")') in text


def test_methods_name_the_constants_of_the_code(pdfs: dict[str, Pdf]) -> None:
    from faceparity.harness.verification.rates.estimates import INTERVAL_FROM, SHOWN_FROM
    from faceparity.harness.verification.rates.group_contrasts import EFFECTIVE_IN_HIGHER

    assert bare(f"A group is shown from {SHOWN_FROM} people, an interval from {INTERVAL_FROM}") in pdfs["plain"].text
    assert bare(f"at least {EFFECTIVE_IN_HIGHER} effective errors") in pdfs["plain"].text
    used = re.findall(r"#c\.(\w+)|\(c\.(\w+)", (engine.HERE / "methods.typ").read_text("utf-8"))
    assert {a or b for a, b in used} == set(constants())


def test_no_sentence_of_our_own_says_what_may_not_be_said() -> None:
    methods = (engine.HERE / "methods.typ").read_text("utf-8")
    report = (engine.HERE / "report.typ").read_text("utf-8")
    ours = [methods, report, *(f"{t.name}. {t.note}" for t in (*SCOPE, *CHECKS))]
    assert [found for text in ours for found in forbidden(text)] == []
    assert "follows the reporting topics in the published scope of ISO/IEC 19795-10:2024" in report


def test_every_question_says_where_or_that_it_is_not_covered(variants: dict[str, Evaluation], pdfs: dict[str, Pdf]) -> None:
    known = {s["key"].partition("-")[2] for e in variants.values() for s in document([e])["chapters"][0]["sections"]}
    for question in (*SCOPE, *CHECKS):
        parts = parts_of(question)
        assert set(parts) <= known | SOMETIMES | {METHODS}, question
        assert bool(parts) != question.note.startswith("Not covered"), question
        assert bare(question.name) in pdfs["plain"].text
    answered = {t["name"]: t["places"] for part in answers([["e1-fmr", "e1-limits"], ["e2-fmr"]]) for t in part["topics"]}
    assert answered["Recognition error rates by group: false match"] == [["e1-fmr"], ["e2-fmr"]]
    assert answered["Procurement"] == [[], []]
    assert "notcovered" in pdfs["plain"].text


def test_figures_stand_alone() -> None:
    svg = '<svg viewBox="0 0 360 120" role="img"><path style="stroke:var(--s1,#0072b2);fill: var(--ink, #101010)"/></svg>'
    text = standalone(svg)
    assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "stroke:#0072b2;fill: #101010" in text
    assert size(svg) == (360, 120)
    with pytest.raises(ValueError, match="fall-back"):
        standalone('<svg viewBox="0 0 1 1"><path style="stroke:var(--s1)"/></svg>')


def test_a_very_long_table_says_what_it_leaves_out() -> None:
    told = table(Table("k", "Rates", ["Group", "FMR"], [[f"g{i}", "1 %"] for i in range(MOST_ROWS + 1)]))
    assert len(told["rows"]) == MOST_ROWS
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 1} rows" in told["caption"]
    assert "first" not in table(Table("k", "Rates", ["Group"], [["g"]]))["caption"]


def test_what_only_a_page_can_do_is_named() -> None:
    assert "report.html" in item(Raw("<input type=range>"))["text"]


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None if name == "typst" else object())
    with pytest.raises(UserError, match=r"--pdf needs typst.*pip install 'faceparity\[pdf\]'"):
        engine.require("--pdf")


def test_a_failing_pdf_leaves_the_old_one(
    variants: dict[str, Evaluation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.pdf"
    path.write_text("old")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(sys.modules["faceparity.reports.exports.pdf"], "typeset", broken)
    with pytest.raises(RuntimeError, match="something else"):
        write_pdf([variants["plain"]], path)
    assert path.read_text() == "old"
