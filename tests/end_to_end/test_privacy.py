"""Nothing personal leaves a run: not by names, not by small groups, not by the command, however hostile the labels are."""

from __future__ import annotations

import csv
import getpass
import html
import json
import platform
import re
from pathlib import Path

import cv2
import pytest

from faceparity.harness.cli.support.published_command import published_command
from faceparity.harness.templates.private_tables import read_table
from tests.end_to_end.end_to_end_help import picture, results, write_labels

SCRIPT = '<script>alert("x")</script>'
FORMULA = '=HYPERLINK("http://e";"x")'
TURNED = "\u202eturned\u202c 😀'\""
LONG = "L" * 300
COLUMN = "<img src=x onerror=alert(1)>"
SECRETS = ("tinysecret", "lonelysecret", "secretsubject", "secretfile", "topsecretfolder")


def label(person: int) -> str:
    """Four people are a group that must not be seen by itself."""
    return "tinysecret" if person < 4 else (SCRIPT, FORMULA, TURNED, LONG)[person % 4]


@pytest.fixture(scope="module")
def hostile(faceparity, tmp_path_factory):
    """A run on a folder whose every name is hostile, personal or rare."""
    base = tmp_path_factory.mktemp("topsecretfolder")
    folder = base / "pictures"
    folder.mkdir()
    rows = []
    for person in range(160):
        for shot in (1, 2):
            name = f"secretfile {person} {shot} '\"<b>é.png"
            (folder / name).write_bytes(cv2.imencode(".png", picture(person, shot))[1].tobytes())
            rows.append((name, f"secretsubject{person}", label(person), "lonelysecret" if person == 9 else "usual"))
    (folder / "secretfile bad.png").write_text("no picture")
    rows.append(("secretfile bad.png", "secretsubject900", SCRIPT, "usual"))
    rows.append(("secretfile gone.png", "secretsubject901", SCRIPT, "usual"))
    write_labels(folder, rows, ("file", "subject", "ethnicity", COLUMN))
    out = base / "out"
    result = faceparity(
        "run", "--dataset", f"folder={folder}", "-mtoy", "--by=ethnicity", "--by", COLUMN, f"--out={out}", "--target-fmr", "0.01"
    )
    assert result.returncode == 0, result.stderr
    return result, out, folder


def published(out: Path) -> dict[str, str]:
    """Every file of the publishable part."""
    return {str(f.relative_to(out)): f.read_text("utf-8") for f in out.rglob("*") if f.is_file() and "private" not in f.parts}


def test_no_name_no_path_no_small_group_is_published(hostile) -> None:
    result, out, _ = hostile
    texts = {**published(out), "the terminal": result.stdout}
    assert {"report.html", "run.log", "pictures/toy/results.json", "pictures/toy/tables/rates.csv"} <= texts.keys()
    words = [*SECRETS, str(out), str(Path.home()) + "/", platform.node()]
    words += [getpass.getuser()] if len(getpass.getuser()) > 4 else []
    for name, text in texts.items():
        for word in words:
            assert word not in html.unescape(text), f"{word} in {name}"


def test_people_of_small_groups_leave_and_their_number_is_told(hostile) -> None:
    """Four of one ethnicity and one of another column's value: they are in no figure, no template, and no other group."""
    result, out, _ = hostile
    e = results(out)
    values = {label["attribute"]: label["values"] for label in e["dataset"]["labels"]}
    assert (len(values["ethnicity"]), values[COLUMN]) == (4, ["usual"])
    assert all(g["subjects"] >= 10 for grouping in e["groupings"] for g in grouping["groups"])
    assert e["dataset"]["subjects_left_out"] == 5
    said = "5 people of groups with fewer than 10 left every figure."
    assert said in e["warnings"]
    for text in (result.stdout, published(out)["report.html"]):
        assert said in " ".join(text.split())


def test_the_command_is_told_without_its_paths(hostile) -> None:
    _, out, _ = hostile
    assert results(out)["provenance"]["command"] == (
        f"faceparity run -d folder=<root> -m toy --by ethnicity --by '{COLUMN}' --target-fmr 0.01 --out <out>"
    )


def test_hostile_labels_are_only_text(hostile) -> None:
    result, out, _ = hostile
    page = published(out)["report.html"]
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    assert "<img src=x" not in page
    assert "\u202e" not in page + result.stdout + result.stderr
    for file in (out / "pictures" / "toy" / "tables").glob("*.csv"):
        for row in csv.reader(file.open(encoding="utf-8", newline="")):
            assert not [c for c in row if re.match(r"[=+@\t\r]|-[^\d.]", c)], f"a spreadsheet would run {row} of {file.name}"


def test_the_private_part_holds_the_names_and_is_for_its_owner(hostile, home, monkeypatch) -> None:
    _, out, _ = hostile
    monkeypatch.setenv("FACEPARITY_HOME", str(home))
    folder = out / "pictures" / "toy" / "private"
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert b"secretfile" not in file.read_bytes()
    assert list(read_table(folder, "rejects")["file"]) == ["secretfile bad.png"]
    kept = list(read_table(folder, "codes")["file"])
    assert not [file for file in kept for person in (0, 1, 2, 3, 9) if f"secretfile {person} " in file], "people of small groups"
    assert "secretfile gone.png" in str(read_table(folder, "problems")["detail"])
    for file in (f for f in home.rglob("*") if "caches" not in f.parts):
        assert not file.is_file() or file.stat().st_mode & 0o077 == 0, f"{file.name} can be read by others"


def test_a_group_too_small_to_be_shown_sets_no_threshold(hostile, faceparity, tmp_path) -> None:
    _, _, folder = hostile
    result = faceparity(
        "run",
        "-d",
        f"folder={folder}",
        "-m",
        "toy",
        "--by",
        "ethnicity",
        "--pool",
        "ethnicity=tinysecret",
        "--out",
        tmp_path / "o",
    )
    assert result.returncode == 2
    assert "fewer than 10 people" in result.stderr.splitlines()[-1]
    assert not list(tmp_path.rglob("results.json"))


def test_a_folder_that_is_somebodys_home_does_not_name_them(people, faceparity, tmp_path) -> None:
    import shutil

    folder = tmp_path / "janedoe"
    shutil.copytree(people, folder)
    out = tmp_path / "o"
    result = faceparity("run", "-d", "folder=~", "-m", "toy", "--out", out, env={"HOME": str(folder)})
    assert result.returncode == 0, result.stderr
    assert results(out)["dataset"]["name"] == "folder"
    assert all("janedoe" not in text for text in published(out).values())


def test_scores_tell_nobody(faceparity, tmp_path) -> None:
    rows = [
        (f"secretsubject{a}", f"secretsubject{b}", int(a == b), 0.001 * ((a * 37 + b * 91) % 500), *(g(a), g(b)))
        for g in [lambda p: "tinysecret" if p < 3 else "FM"[p % 2]]
        for a in range(60)
        for b in range(a, 60)
    ]
    file = tmp_path / "topsecretfolder" / "system A.csv"
    file.parent.mkdir()
    with file.open("w", newline="") as f:
        csv.writer(f).writerows([("subject_a", "subject_b", "mated", "score", "gender_a", "gender_b"), *rows])
    result = faceparity("score", file, "--out", tmp_path / "o", "--threshold", "0.3")
    assert result.returncode == 0, result.stderr
    for name, text in published(tmp_path / "o").items():
        for word in (*SECRETS, str(tmp_path)):
            assert word not in text, f"{word} in {name}"
    e = json.loads((tmp_path / "o" / "results.json").read_text("utf-8"))
    assert e["provenance"]["command"] == "faceparity score <file> --threshold 0.3 --out <out>"
    assert [label["values"] for label in e["dataset"]["labels"]] != [["F", "M", "tinysecret"]]
    refused = faceparity("score", file, "--out", tmp_path / "p", "--pool", "gender=tinysecret")
    assert refused.returncode == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([("-d", ["folder=/home/jane doe/x", "london"])], "-d folder=<root> -d london"),
        ([("-d", ["folder=a=b"]), ("--out", Path("~/x"))], "-d folder=<root> --out <out>"),
        ([("--threshold-from", Path("run"))], "--threshold-from <file>"),
        ([("--pool", "ethnicity=East Asian"), ("--threshold", 0.36312345), ("--ephemeral", True)],
         "--pool 'ethnicity=East Asian' --threshold 0.36312345 --ephemeral"),
        ([("--by", []), ("--target-fmr", None), ("--ephemeral", False)], ""),
    ],
)  # fmt: skip
def test_a_published_command_can_be_typed_again(options, told) -> None:
    assert published_command("run", options) == f"faceparity run {told}".strip()
