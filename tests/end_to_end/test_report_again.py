"""`faceparity report`: everything again from results.json alone, elsewhere too, in further formats; and what is no run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import pypdf
import pytest

from tests.end_to_end.end_to_end_help import picture, write_labels


@pytest.fixture(scope="module")
def two(faceparity, people, tmp_path_factory) -> Path:
    """A run on two sets, named against the alphabet, with a PDF."""
    folder = tmp_path_factory.mktemp("data") / "another"
    folder.mkdir()
    rows = []
    for person in range(200, 240):
        cv2.imwrite(str(folder / f"{person}.png"), picture(person, 1))
        rows.append((f"{person}.png", f"p{person}", ("F", "M")[person % 2], "black"))
    write_labels(folder, rows)
    out = tmp_path_factory.mktemp("out") / "run"
    done = faceparity(
        "run", "-d", f"folder={people}", "-d", f"folder={folder}", "-m", "toy", "--target-fmr", "0.01", "--pdf", "--out", out
    )
    assert done.returncode == 0, done.stderr
    assert f"PDF: {out / 'report.pdf'}" in done.stderr
    return out


def published(folder: Path) -> dict[str, bytes]:
    """What others may read, by path, but the log."""
    files = [f for f in folder.rglob("*") if f.is_file() and "private" not in f.parts and f.name != "run.log"]
    return {str(f.relative_to(folder)): f.read_bytes() for f in files}


def only_results(run: Path, to: Path) -> Path:
    """A copy of a run with nothing in it but results.json."""
    for file in run.glob("*/*/results.json"):
        (to / file.parent.relative_to(run)).mkdir(parents=True)
        shutil.copyfile(file, to / file.relative_to(run))
    return to


def test_all_that_the_run_wrote_comes_again_byte_for_byte(two, faceparity, tmp_path) -> None:
    bare = only_results(two, tmp_path / "bare")
    done = faceparity("report", bare, "--pdf")
    assert done.returncode == 0, done.stderr
    again, before = published(bare), published(two)
    assert again.keys() == before.keys()
    assert [name for name in before if again[name] != before[name]] == []
    assert {"report.html", "report.pdf", "summary.md"} < again.keys()


def test_data_sets_are_told_in_the_order_in_which_they_were_named(two) -> None:
    page = (two / "report.html").read_text("utf-8")
    assert page.index("people") < page.index("another")
    places = {f.parts[-3]: json.loads(f.read_text("utf-8"))["provenance"]["position"] for f in two.glob("*/*/results.json")}
    assert places == {"people": 0, "another": 1}


def test_another_folder_holds_all_that_may_be_handed_on_and_nothing_private(two, faceparity, tmp_path) -> None:
    before = published(two)
    for formats in (["--all"], []):  # into the same folder again, too
        done = faceparity("report", two, *formats, "--out", tmp_path / "on")
        assert done.returncode == 0, done.stderr
    given = published(tmp_path / "on")
    assert {name: given.get(name) for name in before} == before
    assert not list((tmp_path / "on").rglob("private"))
    new = set(given) - set(before)
    assert "people/toy/tables/fmr_gender-ethnicity_target-0.01.tex" in new
    assert "people/toy/figures/captions.json" in new
    assert {name.rpartition(".")[2] for name in new} == {"tex", "svg", "png", "json", "md"}
    assert published(two) == before


def test_one_model_of_a_run_has_a_report_of_its_own(two, faceparity, tmp_path) -> None:
    assert faceparity("report", two / "another" / "toy", "--out", tmp_path / "one").returncode == 0
    page = (tmp_path / "one" / "report.html").read_text("utf-8")
    assert "toy on another" in page
    assert "people" not in page[page.index("<title>") : page.index("</title>")]
    assert (tmp_path / "one" / "tables" / "rates.csv").is_file()


def test_the_pdf_tells_both_sets(two) -> None:
    text = "".join(page.extract_text() for page in pypdf.PdfReader(two / "report.pdf").pages[:2])
    assert "people" in text
    assert "another" in text


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("none", "not found; name the folder of a run"),
        ("file", "not a folder; name the folder of a run"),
        ("empty", "no results.json there; name the folder of a run"),
        ("runs", "holds several runs; name one, such as"),
        ("broken", "not a result of this version, or altered since"),
        ("newer", "not a result of this version, or altered since"),
    ],
)
def test_what_is_no_run_is_said_in_a_line(two, faceparity, tmp_path, folder, words) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    only_results(two, tmp_path / "runs" / "first")
    for name, text in (("broken", "{"), ("newer", '{"schema": "faceparity.evaluation/9"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(text)
    done = faceparity("report", tmp_path / folder)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("report.html"))


def test_a_folder_of_something_else_is_left_alone(two, faceparity, tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    other = only_results(two, tmp_path / "other")
    file = other / "people" / "toy" / "results.json"
    file.write_text(file.read_text("utf-8").replace('"seed": 0', '"seed": 1'))
    for out in ("mine", "other"):
        before = published(tmp_path / out)
        done = faceparity("report", two, "--out", tmp_path / out)
        assert done.returncode == 2
        assert "holds files of something else; name a new or empty folder" in done.stderr
        assert published(tmp_path / out) == before


def test_without_the_extra_nothing_is_begun(faceparity, people, tmp_path) -> None:
    """A machine on which Typst is not installed: found out before the first picture is read."""
    (tmp_path / "less").mkdir()
    (tmp_path / "less" / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\nu.find_spec = lambda name, *a: None if name == 'typst' else find(name, *a)\n"
    )
    done = faceparity(
        "run",
        "-d",
        f"folder={people}",
        "-m",
        "toy",
        "--pdf",
        "--out",
        tmp_path / "run",
        env={"PYTHONPATH": str(tmp_path / "less")},
    )
    assert done.returncode == 2
    assert done.stderr == "faceparity: --pdf needs typst, which is not installed: pip install 'faceparity[pdf]'\n"
    assert not (tmp_path / "run").exists()
