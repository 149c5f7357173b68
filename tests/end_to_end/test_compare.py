"""`faceparity compare`, from two models' runs to a page: paired while the private parts live, intervals after, one line for mistakes."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import cv2
import jsonschema
import pytest

from tests.end_to_end.end_to_end_help import picture, write_labels

SCRIPT = '<script>alert("x")</script>'
FORMULA = '=HYPERLINK("http://e";"x")'
TURNED = "\u202eturned\u202c 😀'\""
LONG = "L" * 300
COARSE = Path(__file__).parent / "plugin_coarse"


@pytest.fixture(scope="module")
def call(faceparity, command_environment):
    """`faceparity` with a second model at hand."""
    path = os.pathsep.join((str(COARSE), command_environment["PYTHONPATH"]))
    return lambda *arguments, env=None: faceparity(*arguments, env={"PYTHONPATH": path, **(env or {})})


@pytest.fixture(scope="module")
def runs(call, people, tmp_path_factory) -> list[Path]:
    """The same people with two models, a run each."""
    out = tmp_path_factory.mktemp("runs")
    for model in ("toy", "coarse"):
        done = call("run", "-d", f"folder={people}", "-m", model, "--target-fmr", "0.01", "--out", out / model)
        assert done.returncode == 0, done.stderr
    return [out / "toy", out / "coarse"]


@pytest.fixture(scope="module")
def done(call, runs, tmp_path_factory):
    """They compared."""
    out = tmp_path_factory.mktemp("compared") / "c"
    return call("compare", *runs, "--out", out), out


def record(out: Path) -> dict:
    return json.loads((out / "comparison.json").read_text("utf-8"))


class Page(HTMLParser):
    """Tags, attributes and text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Keeps it."""
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        """Keeps it."""
        self.text += data


def test_two_models_are_compared_comparison_by_comparison(done) -> None:
    result, out = done
    assert result.returncode == 0, result.stderr
    assert f"Comparison: {out / 'compare.html'}" in result.stderr
    assert "toy" in result.stdout
    c = record(out)
    (d,) = c["datasets"]
    assert d["paired"] == ["A", "B"]
    assert [x["model"] for x in c["results"]] == ["toy", "coarse"]
    target = next(p for p in d["points"] if p["origin"] == "target")
    assert target["replicates"] == 1000
    (pair,) = target["pairs"]
    (failures,) = d["failures"]
    assert failures["samples"] == 260
    assert 0 == failures["overall"]["errors_first"] < failures["overall"]["errors_second"]
    assert pair["mated"] < 130
    assert d["samples"] == 260 - failures["overall"]["errors_second"]
    assert sorted(f.name for f in (out / "tables").iterdir()) == [
        "differences.csv", "league_tests.csv", "leagues.csv", "rates.csv", "results.csv",
    ]  # fmt: skip


def test_the_record_follows_its_schema(done, call) -> None:
    schema = json.loads(call("schema", "comparison").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(record(done[1]), schema)
    assert call("schema", "nonsense").returncode == 2


def test_the_page_is_one_file_that_runs_nothing_and_asks_nobody(done) -> None:
    source = (done[1] / "compare.html").read_text("utf-8")
    page = Page(source)
    assert not [t for t, _ in page.tags if t in ("script", "link", "img", "iframe", "object", "form")]
    assert not [a for _, a in page.tags if any(k.startswith("on") for k in a)]
    assert not re.search(r'(?:src|href)="(?!#)', source)
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    ids = [a["id"] for _, a in page.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    for _, a in page.tags:
        for name in (a.get("aria-labelledby") or "").split():
            assert name in ids
        if (a.get("href") or "").startswith("#"):
            assert a["href"][1:] in ids
    assert [t for t, _ in page.tags].count("h1") == 1
    assert all("<title" in svg and "<desc" in svg for svg in re.findall(r"<svg.*?</svg>", source, re.DOTALL))


def test_every_figure_told_is_in_the_record(done) -> None:
    """FNMR of both models in the league table of the page is the record's, rounded."""
    c = record(done[1])
    table = next(t for t in c["datasets"][0]["points"][0]["leagues"] if t["measure"] == "fnmr")
    text = Page((done[1] / "compare.html").read_text("utf-8")).text.replace("\u00a0", " ")
    for row in table["rows"]:
        assert f"{100 * row['value']:.3g}"[:4] in text or f"{100 * row['interval'][1]:.2g}" in text
    rows = list(csv.DictReader((done[1] / "tables" / "leagues.csv").open(encoding="utf-8")))
    told = {(r["id"], r["measure"], r["target_fmr"], r["attributes"]): r for r in rows}
    for row in table["rows"]:
        found = told[row["id"], "fnmr", "0.01", " × ".join(table["attributes"])]
        assert float(found["value"]) == row["value"]
        assert (int(found["rank_best"]), int(found["rank_worst"])) == tuple(row["rank"])


def test_nothing_personal_is_in_a_comparison(done, runs) -> None:
    for file in done[1].rglob("*"):
        if file.is_file():
            text = file.read_text("utf-8")
            for secret in ("secretname", "person1", str(done[1]), str(runs[0])):
                assert secret not in text, f"{secret} in {file.name}"
    assert record(done[1])["command"] == "faceparity compare <run> <run> --out <out>"


def test_the_same_runs_give_the_same_comparison(done, call, runs, tmp_path) -> None:
    assert call("compare", *runs, "--out", tmp_path / "again").returncode == 0
    one, two = record(done[1]), record(tmp_path / "again")
    for key in ("started", "commit"):  # the clock, and a checkout that is worked in
        one.pop(key), two.pop(key)
    assert one == two
    assert call("compare", *runs, "--out", tmp_path / "again").returncode == 0, "a comparison may be made again in its place"


def test_without_the_private_part_it_says_unpaired(call, runs, tmp_path) -> None:
    copies = [tmp_path / "a", tmp_path / "b"]
    for run, copy in zip(runs, copies, strict=True):
        shutil.copytree(run, copy)
    for folder in copies[1].rglob("private"):
        shutil.rmtree(folder)
    result = call("compare", *copies, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "npaired" in result.stdout
    page = (tmp_path / "out" / "compare.html").read_text("utf-8")
    assert "unpaired: " in page
    assert "Rank [95" not in page
    (d,) = record(tmp_path / "out")["datasets"]
    assert (d["paired"], [p["leagues"] for p in d["points"]]) == ([], [[], []])
    assert (tmp_path / "out" / "tables" / "unpaired.csv").is_file()


def test_names_of_any_kind_are_text(call, tmp_path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rows = []
    for person in range(160):
        for shot in (1, 2):
            (folder / f"{person}_{shot}.png").write_bytes(cv2.imencode(".png", picture(person, shot))[1].tobytes())
            rows.append((f"{person}_{shot}.png", f"p{person}", (SCRIPT, FORMULA, TURNED, LONG)[person % 4]))
    write_labels(folder, rows, ("file", "subject", "ethnicity"))
    for model in ("toy", "coarse"):
        made = call("run", "-d", f"folder={folder}", "-m", model, "--target-fmr", "0.01", "--out", tmp_path / model)
        assert made.returncode == 0, made.stderr
    result = call("compare", tmp_path / "toy", tmp_path / "coarse", "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    source = (tmp_path / "out" / "compare.html").read_text("utf-8")
    assert "<script" not in source
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]", source)
    assert "<script>alert" in Page(source).text
    markdown = (tmp_path / "out" / "compare.md").read_text("utf-8")
    assert "<script" not in markdown.replace("\\<script", "")
    assert "\u202e" not in result.stdout + markdown
    for file in (tmp_path / "out" / "tables").iterdir():
        for row in csv.reader(file.open(encoding="utf-8")):
            assert not [x for x in row if x.startswith(("=", "+", "@", "\t"))]


def test_the_control_set_with_two_models(call, tmp_path) -> None:
    """The set that comes with the package: synthetic, and said so first."""
    done = call("run", "-m", "toy", "-m", "coarse", "--target-fmr", "0.01", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    result = call("compare", tmp_path / "run", "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "synthetic" in result.stdout
    page = Page((tmp_path / "out" / "compare.html").read_text("utf-8")).text
    assert page.index("synthetic") < page.index("What was found")
    (d,) = record(tmp_path / "out")["datasets"]
    assert (d["dataset"], d["paired"]) == ("control", ["A", "B"])


def test_mistakes_are_told_in_a_line(call, runs, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "results.json").write_text('{"schema": "somebody.else/1"}')
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    for arguments, words in (
        ((runs[0],), "nothing to compare"),
        ((runs[0], tmp_path / "nowhere"), "name the folder of a run"),
        ((runs[0], tmp_path / "empty"), "name the folder of a run"),
        ((runs[0], tmp_path / "other"), "not a result of this version, or altered since"),
        ((runs[0], runs[0]), "named twice"),
        ((runs[0].parent, runs[0]), "one is within the other"),
        ((*runs, "--out", tmp_path / "full"), "holds files of something else"),
        ((*runs, "--out", runs[0]), "run's own folder"),
        ((), "RUN"),
    ):
        result = call("compare", *arguments)
        assert result.returncode == 2, (arguments, result.stderr)
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
        assert "Traceback" not in result.stderr
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"
