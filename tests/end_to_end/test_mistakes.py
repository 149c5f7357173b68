"""A user's mistake: one line that says what is wrong and what to do, exit status 2, no traceback."""

from __future__ import annotations

import pytest

CASES = {
    "unknown data set": (["run", "-d", "lonon"], "did you mean london"),
    "unknown model": (["run", "-d", "folder={people}", "-m", "sfac"], "did you mean sface"),
    "unknown option": (["run", "--target", "0.01"], "--target"),
    "unknown command": (["runn"], "runn"),
    "folder that is not there": (["run", "-d", "folder={tmp}/nowhere"], "nowhere"),
    "a file as folder": (["run", "-d", "folder={people}/labels.csv"], "labels.csv"),
    "nothing after =": (["run", "-d", "folder="], "folder=DIR"),
    "target of 5 %": (["run", "-d", "folder={people}", "--target-fmr", "5"], "between 0 and 1"),
    "target that is no number": (["run", "-d", "folder={people}", "--target-fmr", "low"], "--target-fmr"),
    "attribute that is not there": (["run", "-d", "folder={people}", "-m", "toy", "--by", "shoe"], "shoe"),
    "pool that is not there": (
        ["run", "-d", "folder={people}", "-m", "toy", "--pool", "gender=robot", "--out", "{tmp}/p"],
        "robot",
    ),
    "reference that is not there": (
        ["run", "-d", "folder={people}", "-m", "toy", "--reference", "gender", "--out", "{tmp}/r"],
        "gender",
    ),
    "out in use": (["run", "-d", "folder={people}", "-m", "toy", "--out", "{people}"], "--out"),
    "the same folder twice": (["run", "-d", "folder={people}", "-d", "folder={people}/.", "-m", "toy"], "two data sets"),
    "thresholds of no run": (["run", "-d", "folder={people}", "-m", "toy", "--threshold-from", "{tmp}"], "results.json"),
    "report of no run": (["report", "{tmp}"], "results.json"),
    "card of no model": (["models", "dlibb"], "dlibb"),
    "card of no data set": (["datasets", "fairfac"], "did you mean fairface"),
    "fetch of no model": (["fetch", "sfac"], "did you mean sface"),
    "check of nothing": (["check", "folder={tmp}/nowhere"], "nowhere"),
    "card of no claim": (["claims", "eff"], "eff-klare-black"),
    "claim that is not there": (["run", "-d", "folder={people}", "-m", "toy", "--claim", "{tmp}/no.toml"], "no.toml"),
    "claim that is none": (["run", "-d", "folder={people}", "-m", "toy", "--claim", "{people}/labels.csv"], "not a TOML file"),
    "scores of nothing": (["score", "{tmp}/no.csv"], "no.csv"),
}


@pytest.mark.parametrize("name", CASES)
def test_mistake(name: str, faceparity, people, tmp_path) -> None:
    arguments, word = CASES[name]
    result = faceparity(*(str(a).format(people=people, tmp=tmp_path) for a in arguments), env={"FACEPARITY_DATA": ""})
    lines = result.stderr.strip().splitlines()
    assert result.returncode == 2, result.stderr
    assert len([line for line in lines if line.startswith("faceparity: ")]) == 1, result.stderr
    assert lines[-1].startswith("faceparity: ")
    assert word in lines[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("option", "value"), [("--reference", "gender=robot"), ("--pool", "gender=robot"), ("--by", "shoe")])
def test_options_that_do_not_fit_the_labels_are_told_before_an_image_is_read(option, value, faceparity, people, tmp_path) -> None:
    home, out = tmp_path / "home", tmp_path / "o"
    words = ("run", "-d", f"folder={people}", "-m", "toy", option, value, "--out", out)
    result = faceparity(*words, env={"FACEPARITY_HOME": str(home)})
    assert result.returncode == 2
    assert value.split("=")[-1] in result.stderr.splitlines()[-1]
    assert not list(home.rglob("*.shard"))
    assert not out.exists()


def test_weights_that_are_not_there_are_asked_for_by_name(faceparity, people, tmp_path) -> None:
    result = faceparity(
        "run", "-d", f"folder={people}", "-m", "sface", "--out", tmp_path / "o", env={"FACEPARITY_HOME": str(tmp_path / "h")}
    )
    assert result.returncode == 2
    assert "faceparity fetch sface" in result.stderr.splitlines()[-1]


def test_more_groups_than_there_is_room_for(faceparity, people, tmp_path) -> None:
    import csv

    folder = tmp_path / "d"
    folder.mkdir()
    rows = list(csv.reader((people / "labels.csv").open(encoding="utf-8")))
    lines = [f"{people.name}_{i}.png,p{i},place {i % 21},{i % 10 + 1}" for i in range(240)]
    for i, line in enumerate(lines):
        (folder / line.partition(",")[0]).write_bytes((people / rows[1 + i][0]).read_bytes())
    (folder / "labels.csv").write_text("\n".join(["file,subject,ethnicity,skin_tone", *lines]) + "\n", "utf-8")
    words = ("run", "-d", f"folder={folder}", "-m", "toy", "--out", tmp_path / "o")
    result = faceparity(*words, "--by", "ethnicity", "--by", "skin_tone")
    assert result.returncode == 2
    assert "210 groups, more than 200 (ethnicity has 21 values, skin_tone has 10 values)" in result.stderr.splitlines()[-1]
    alone = faceparity(*words, "--by", "skin_tone")
    assert alone.returncode == 0, alone.stderr


def test_columns_that_do_not_serve_are_named(faceparity, people, tmp_path) -> None:
    import shutil

    folder = tmp_path / "d"
    shutil.copytree(people, folder)
    rows = (folder / "labels.csv").read_text("utf-8").splitlines()
    lines = [f"{row.split(',')[0]},{row.split(',')[1]},,country {i % 40}" for i, row in enumerate(rows[1:])]
    (folder / "labels.csv").write_text("\n".join(["file,who,gender,country", *lines]) + "\n", "utf-8")
    result = faceparity("run", "-d", f"folder={folder}", "-m", "toy", "--out", tmp_path / "o")
    assert result.returncode == 2
    for word in ("gender (empty)", "country (40 values, more than 30)", "faceparity.toml"):
        assert word in result.stderr.splitlines()[-1]
    assert "no column called subject" in result.stderr
    (folder / "faceparity.toml").write_text('subject = "who"\n[attributes.country]\ncolumn = "country"\n')
    result = faceparity("run", "-d", f"folder={folder}", "-m", "toy", "--out", tmp_path / "o")
    assert result.returncode == 0, result.stderr
    assert "130 people" in result.stderr


def test_without_a_word_there_is_help(faceparity) -> None:
    assert faceparity().stdout == faceparity("--help").stdout
    assert "Commands:" in faceparity().stdout
    assert faceparity("--version").stdout.startswith("faceparity 0")


@pytest.mark.parametrize(
    ("header", "row", "word"),
    [
        ("subject,gender", "a,f", "image"),
        ("file,subject", "a.png,1", "attribute"),
        ("", "", "empty"),
    ],
)
def test_label_files_that_lack_something(header: str, row: str, word: str, faceparity, people, tmp_path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.png").write_bytes((people / "secretname000_1.png").read_bytes())
    (folder / "labels.csv").write_text(f"{header}\n{row}\n" if header else "")
    result = faceparity("run", "-d", f"folder={folder}", "-m", "toy", "--out", tmp_path / "o")
    assert result.returncode == 2, result.stderr
    assert word in result.stderr.splitlines()[-1]


def test_a_folder_with_nothing_in_it(faceparity, tmp_path) -> None:
    (tmp_path / "d").mkdir()
    result = faceparity("run", "-d", f"folder={tmp_path / 'd'}", "-m", "toy")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_help_imports_nothing_heavy(faceparity) -> None:
    """Time is not asserted; what would cost it is."""
    import subprocess
    import sys

    code = "import sys; import faceparity.harness.cli.app; print(sorted({'numpy','cv2','dlib','onnxruntime','pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    assert "run" in faceparity("--help").stdout
