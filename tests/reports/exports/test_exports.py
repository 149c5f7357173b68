"""LaTeX tables and figures as files: every sign of a name is text, every file is whole, every caption stands alone."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from faceparity.harness.results import Evaluation
from faceparity.reports.exports.figure_files import write_figures
from faceparity.reports.exports.latex import write_latex
from faceparity.reports.exports.single_files import pieces
from faceparity.reports.exports.tex import tex
from faceparity.reports.formats.html import render
from faceparity.reports.layout.elements import Table
from faceparity.reports.layout.svg import Figure

NASTY = (
    "#1 $a$ @c \\end{table} \"q\" 's' `r` *b* _i_ <l> [c] {d} // ~ = - + ^^M %x & é ñ ő ß Ł Đ þ ạ ệ 日本 😀 \u0301 ﬁ ½",
    "*x",
    "[y]",
    "--z\u202eعربى",
)
TEXT_COMMANDS = {
    "textbackslash",
    "textasciitilde",
    "textasciicircum",
    "textless",
    "textgreater",
    "textbar",
    "symbol",
    "ensuremath",
}


@pytest.fixture(scope="module")
def nasty(builder: ModuleType) -> Evaluation:
    return builder.evaluation(builder.Setup(ethnicities=NASTY, sizes=(60,) * 8, means=(0.1,) * 8, failed=(1,) * 8))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def figures(variants: dict[str, Evaluation], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    write_figures(variants["hostile"], folder)
    return folder


def stripped(source: str) -> str:
    """The source without signs that are escaped, and without those that only new engines are given."""
    source = re.sub(r"\\faceparitytext\{[^{}]*\}\{\{\[\}[U+0-9A-F ]*\{\]\}\}", "", source)
    return re.sub(r"\\[&%$#_{}]", "", source)


@pytest.mark.parametrize("text", [*NASTY, "a\\", "{", "}", "\\\\", "%", "$$", "^^41", "a~b", "``''", "\x00\x07", "é" * 300])
def test_any_text_is_text_in_latex(text: str) -> None:
    made = stripped(tex(text))
    assert made.isascii()
    assert not re.search(r"[%&#]|(?<!\\)[$_]", re.sub(r"\\ensuremath\{[^{}]*\}", "", made))
    depth = 0
    for c in made:
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    assert depth == 0
    commands = set(re.findall(r"\\([A-Za-z]+)", made))
    known = TEXT_COMMANDS | {"times", "leq", "ss", "L", "c", "d", "H", "v", "u", "r"}
    assert commands <= known


def test_signs_of_our_own_have_names_in_latex(variants: dict[str, Evaluation]) -> None:
    """Whatever the reports themselves say can be printed by every engine."""
    for kind in ("plain", "contaminated", "partial", "distance"):
        for piece in pieces(variants[kind]):
            if isinstance(piece.content, Table):
                said = [piece.content.caption, *piece.content.columns, *(c for row in piece.content.rows for c in row)]
                assert not [x for x in said if "faceparitytext" in tex(x)]


@pytest.mark.parametrize("kind", ["plain", "hostile"])
def test_rows_have_as_many_cells_as_columns_and_a_caption_that_stands_alone(
    variants: dict[str, Evaluation], tmp_path: Path, kind: str
) -> None:
    e = variants[kind]
    paths = write_latex(e, tmp_path)
    assert {p.name for p in paths} >= {
        "fmr_gender-ethnicity_target-0.01.tex",
        "fmr-ratios_gender-ethnicity_published.tex",
        "points.tex",
    }
    for path in paths:
        text = stripped(path.read_text("utf-8"))
        columns = len(re.findall(r"[lrp]", re.sub(r"\{4cm\}", "", re.findall(r"begin\{tabular\}\{(.*)\}\n", text)[0])))
        rows = [line for line in text.splitlines() if line.endswith(r"\\")]
        assert len(rows) > 1
        assert {row.count("&") for row in rows} == {columns - 1}
        assert not [row for row in rows if row.startswith(("[", "*"))]
        caption = next(line for line in path.read_text("utf-8").splitlines() if line.startswith(r"\caption"))
        for part in (e.model.name, e.dataset.name, f"{e.dataset.samples:,} images", "faceparity 0.1.0", e.dataset.licence):
            assert tex(re.sub("[\x00-\x1f]", " ", part)) in caption
        assert text.count(r"\begin{") == text.count(r"\end{") == 2


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX on this machine")
def test_latex_takes_every_table(nasty: Evaluation, variants: dict[str, Evaluation], tmp_path: Path) -> None:
    files = [*write_latex(nasty, tmp_path / "a"), *write_latex(variants["hostile"], tmp_path / "b")]
    body = "".join(f"\\input{{{f.parent.name}/{f.name}}}\\clearpage\n" for f in files)
    (tmp_path / "all.tex").write_text(f"\\documentclass{{article}}\\begin{{document}}\n{body}\\end{{document}}\n", "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout[-1500:].decode("utf-8", "replace")


def test_every_figure_of_the_page_is_there_twice_and_whole(variants: dict[str, Evaluation], figures: Path) -> None:
    on_page = render([variants["hostile"]]).count("<figure")
    svgs, pngs = sorted(figures.glob("*.svg")), sorted(figures.glob("*.png"))
    assert len(svgs) == len(pngs) == on_page > 5
    assert [p.stem for p in svgs] == [p.stem for p in pngs]
    for path in svgs:
        root = ET.fromstring(path.read_text("utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        text = path.read_text("utf-8")
        assert "var(" not in text
        assert "class=" not in text or "<style" in text
        assert not re.search(r"<script|\son\w+=|href=\"(?!#)", text)
    for path in pngs:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            assert image.width > 700
            low, high = image.convert("L").getextrema()
            assert low < 100
            assert high == 255


def test_a_name_stays_text_in_a_figure(figures: Path) -> None:
    texts = [t for path in figures.glob("*.svg") for t in ET.fromstring(path.read_text("utf-8")).itertext()]
    assert any("<script>" in t for t in texts)


def test_captions_stand_alone(variants: dict[str, Evaluation], figures: Path) -> None:
    e = variants["hostile"]
    captions = json.loads((figures / "captions.json").read_text("utf-8"))
    assert {c["file"] for c in captions} == {p.name for p in figures.glob("*.svg")}
    for c in captions:
        assert (figures / c["png"]).is_file()
        whole = f"{c['caption']} {c['source']}"
        assert f"{e.dataset.samples:,} images" in whole
        assert f"{e.dataset.subjects:,} people" in whole
        assert "95 %, by people" in whole
        assert e.dataset.licence in whole
        assert c["alt"]
        assert (c["threshold"] is None) == (c["operating_point"] is None)
    assert any(c["threshold"] is not None for c in captions)
    markdown = (figures / "captions.md").read_text("utf-8")
    assert markdown.count("\n## ") == len(captions)
    assert "<script>" not in markdown


def test_files_are_the_same_twice(variants: dict[str, Evaluation], figures: Path, tmp_path: Path) -> None:
    write_figures(variants["hostile"], tmp_path)
    for path in figures.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_names_of_files_are_unlike_each_other(variants: dict[str, Evaluation]) -> None:
    for e in variants.values():
        names = [(p.name, isinstance(p.content, Figure)) for p in pieces(e)]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,90}", name) for name, _ in names)
