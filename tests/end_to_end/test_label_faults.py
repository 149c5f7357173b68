"""Labels as people, spreadsheets and DataFrames write them: the figures are those of the same labels written well."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.end_to_end_help import results, write_labels

HEADER = ("file", "subject", "gender", "ethnicity")
Rows = list[list[str]]
MISSING = ("nan", "None", "NA", "N/A", "unknown", "-1", "<NA>", "#N/A", "", "\u200bNaN\u00a0")
SPELLINGS = ("{}.0", " {}", "{}\u200b", "\ufeff{}", "{}\u00a0", "\u2060{}.0\u00ad")


def rows_of(people: Path) -> Rows:
    """The rows of the folder of people, with numbers as subjects."""
    with (people / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [[name, who.removeprefix("person"), *labels] for name, who, *labels in rows]


@pytest.fixture(scope="module")
def run(people: Path, faceparity: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Run the toy model on the people's pictures with these labels."""

    def call(rows: Rows, *options: str, header: tuple[str, ...] = HEADER) -> Any:
        folder, out = tmp_path_factory.mktemp("labels") / "people", tmp_path_factory.mktemp("out") / "run"
        folder.mkdir()
        for row in rows:
            shutil.copy(people / row[0], folder / row[0])
        write_labels(folder, rows, header)
        done = faceparity("run", "-d", f"folder={folder}", "-m", "toy", "--target-fmr", "0.01", *options, "--out", out)
        return done, results(out) if done.returncode == 0 else {}

    return call


@pytest.fixture(scope="module")
def clean(people: Path, run: Callable[..., Any]) -> dict[str, Any]:
    """The record of labels that are written well."""
    done, record = run(rows_of(people))
    assert done.returncode == 0, done.stderr
    assert record["dataset"]["problems"] == {}
    return record


def test_one_person_under_two_spellings_is_one(people: Path, run: Callable[..., Any], clean: dict[str, Any]) -> None:
    spelling = cycle(SPELLINGS)
    rows = [[name, next(spelling).format(who) if name.endswith("_2.png") else who, *x] for name, who, *x in rows_of(people)]
    done, record = run(rows)
    assert done.returncode == 0, done.stderr
    assert record["groupings"] == clean["groupings"]
    assert record["comparisons"] == clean["comparisons"]
    assert record["dataset"] == clean["dataset"] | {"digest": record["dataset"]["digest"]}


def test_words_for_missing_are_nobody_and_are_counted(people: Path, run: Callable[..., Any]) -> None:
    rows = rows_of(people)
    spoiled = [[name, MISSING[i % len(MISSING)] if i % 7 == 0 else who, *x] for i, (name, who, *x) in enumerate(rows)]
    done, record = run(spoiled)
    assert done.returncode == 0, done.stderr
    n_gone = len(rows[::7])
    assert record["dataset"]["problems"] == {"missing_subject": n_gone}
    assert record["dataset"]["samples"] == len(rows) - n_gone
    _, without = run([row for i, row in enumerate(rows) if i % 7])
    assert record["groupings"] == without["groupings"]
    assert "has no subject" in done.stderr


def test_one_value_is_one_group(people: Path, run: Callable[..., Any], clean: dict[str, Any]) -> None:
    words = cycle(["IV", "4", "4.0", "Type IV", "fitzpatrick iv"])
    tones = {"black": lambda: next(words), "caucasian": lambda: "2"}
    rows = [[name, who, sex, tones[race]()] for name, who, sex, race in rows_of(people)]
    done, record = run(rows, "--by", "skin_tone", header=(*HEADER[:3], "skin_tone"))
    assert done.returncode == 0, done.stderr
    groups = {x["group"]: x["subjects"] for g in record["groupings"] if g["attributes"] == ["skin_tone"] for x in g["groups"]}
    assert groups == {"2": 64, "4": 66}
    assert record["dataset"]["problems"] == {}


def test_a_number_is_not_its_opposite(people: Path, run: Callable[..., Any]) -> None:
    rows = [[name, who, {"F": "2", "M": "-1"}[sex] if int(who) < 40 else "1", race] for name, who, sex, race in rows_of(people)]
    done, record = run(rows, "--by", "skin_tone", header=(*HEADER[:2], "skin_tone", "ethnicity"))
    assert done.returncode == 0, done.stderr
    groups = {x["group"]: x["subjects"] for g in record["groupings"] if g["attributes"] == ["skin_tone"] for x in g["groups"]}
    assert groups == {"1": 90, "2": 20}
    assert record["dataset"]["problems"] == {"missing_label": 40}


def test_subjects_that_number_the_images_are_said_on_the_first_screen(people: Path, run: Callable[..., Any]) -> None:
    rows = [[name, str(i), *x] for i, (name, _, *x) in enumerate(rows_of(people))]
    done, record = run(rows)
    assert done.returncode == 0, done.stderr
    assert "there is no mated pair" in " ".join(done.stdout.split())
    assert any("number the images instead" in warning for warning in record["warnings"])


def test_similar_ids_are_reported_in_one_line_and_not_merged(
    people: Path, run: Callable[..., Any], clean: dict[str, Any]
) -> None:
    rows = [[name, f"00{who}" if who == "1" and name.endswith("2.png") else who, *x] for name, who, *x in rows_of(people)]
    done, record = run(rows)
    assert done.returncode == 0, done.stderr
    assert record["dataset"]["subjects"] == clean["dataset"]["subjects"] + 1
    assert record["dataset"]["problems"] == {"similar_subjects": 1}
    (line,) = [line for line in done.stderr.splitlines() if "differ from another only in capitals" in line]
    assert "2 subject ids" in line


AGES = (*HEADER, "age")
CHILDREN = ("(8, 12)", "[8, 12]", "13yo", "13 yrs", "8 months", "10s", "<=17", "≤17", "U18", "teens", "0~2", "13,5")
CHILDREN += ("3-9 years old", "03-Sep", "03. Sep", "09.Mrz", "Okt 19", "child", "minor")


def aged(people: Path, words: tuple[str, ...]) -> Rows:
    """The rows with these ages for the first pictures, and 30 for all others."""
    return [[*row, words[i] if i < len(words) else "30"] for i, row in enumerate(rows_of(people))]


def test_children_are_left_out_however_their_age_is_written(people: Path, run: Callable[..., Any]) -> None:
    done, record = run(aged(people, CHILDREN), header=AGES)
    assert done.returncode == 0, done.stderr
    assert record["dataset"]["problems"] == {"under_18": len(CHILDREN)}
    assert record["dataset"]["samples"] == 260 - len(CHILDREN)


UNREAD = ("2019-10-01", "43739", "13 ducks", "999")


def test_ages_that_cannot_be_read_are_left_out_counted_or_kept(people: Path, run: Callable[..., Any]) -> None:
    words = (*UNREAD, "", "NA", "young", "senior")
    done, record = run(aged(people, words), header=AGES)
    assert done.returncode == 0, done.stderr
    assert record["dataset"]["problems"] == {"unread_age": 4, "missing_label": 2}
    assert record["dataset"]["samples"] == 256
    assert "turned a range such as 3-9 or 10-19 into a date" in done.stderr
    done, record = run(aged(people, words), "--keep-unread-ages", header=AGES)
    assert record["dataset"]["problems"] == {"unknown_label": 4, "missing_label": 2}
    assert record["dataset"]["samples"] == 260


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (UNREAD * 10, ("40 of 260 ages cannot be read", "labels.csv:2", "2019-10-01", "into a date", "--keep-unread-ages")),
        (tuple(str(i % 9) for i in range(260)), ("all 260 ages are under 18", "labels.csv:2", "codes", "--include-minors")),
    ],
)
def test_a_column_that_nobody_can_read_is_asked_about(
    words: tuple[str, ...], said: tuple[str, ...], people: Path, run: Callable[..., Any]
) -> None:
    done, _ = run(aged(people, words), header=AGES)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()[-1:]
    for part in said:
        assert part in line, line


def test_check_lists_ages_that_it_keeps(people: Path, faceparity: Any, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    rows = aged(people, UNREAD)[:12]
    for row in rows:
        shutil.copy(people / row[0], folder / row[0])
    write_labels(folder, rows, AGES)
    stopped = faceparity("check", f"folder={folder}")
    assert stopped.returncode == 2
    assert "4 of 12 ages cannot be read" in stopped.stderr
    kept = faceparity("check", f"folder={folder}", "--keep-unread-ages", "--json", tmp_path / "check.json")
    assert kept.returncode == 1, kept.stderr
    found = json.loads((tmp_path / "check.json").read_text("utf-8"))
    assert (found["samples"], found["problems"]) == (12, {"unknown_label": 4})
    assert "43739" in kept.stdout


def test_ids_and_labels_of_a_score_file(faceparity: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = []
    for a in range(60):
        for b in range(a, 60):
            score = rng.normal(0.7 if a == b else 0.1, 0.1)
            rows.append([str(a), str(b), int(a == b), f"{score:.5f}", "FM"[a % 2], "FM"[b % 2]])
    header = ["subject_a", "subject_b", "mated", "score", "gender_a", "gender_b"]
    female, side = cycle(["F", "female", "f\u200b", "Female "]), cycle(SPELLINGS)
    spoiled = [[a, next(side).format(b), *x, next(female) if ga == "F" else ga, gb] for a, b, *x, ga, gb in rows]
    records = []
    for name, table in (("clean", rows), ("spoiled", spoiled)):
        with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *table])
        done = faceparity("score", tmp_path / f"{name}.csv", "--target-fmr", "0.02", "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
        records.append((tmp_path / name / "results.json").read_text("utf-8"))
    one, other = (json.loads(text.replace('"F"', '"female"').replace('"M"', '"male"'))["groupings"] for text in records)
    assert one == other


def test_a_score_file_with_nobody_in_it_is_refused_with_the_row(faceparity: Any, tmp_path: Path) -> None:
    lines = ["subject_a,subject_b,mated,score,gender_a,gender_b"]
    lines += [
        f"{a},{a if i % 5 == 0 else 'nan' if i == 7 else a + 1},{int(i % 5 == 0)},0.{i},F,F" for i, a in enumerate(range(20))
    ]
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n", "utf-8")
    done = faceparity("score", tmp_path / "s.csv", "--out", tmp_path / "o")
    assert done.returncode == 2
    assert "row 9: no subject ('nan' says that it is not known) (1 such rows)" in done.stderr
