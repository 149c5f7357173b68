"""`faceparity.harness.evaluate`, as a notebook calls it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
import faceparity.harness
light = sorted(m for m in ("numpy", "onnxruntime", "pyarrow", "cv2", "pandas", "pydantic") if m in sys.modules)
from faceparity.datasets import UserError
from faceparity.harness import evaluate

if __name__ == "__main__":
    result = evaluate("folder=" + sys.argv[1], "toy", by=["gender"], targets=[0.01], threshold=0.4, workers=1)
    rates = result.to_arrow()
    frame = result.to_pandas("contrasts")
    mistakes = []
    for call in (lambda: result.to_arrow("rate"), lambda: evaluate("control", "sface", by="gender"),
                 lambda: evaluate("folder=" + sys.argv[1], "toy", by=["shoe"]), lambda: evaluate("control", targets=[5]),
                 lambda: evaluate("control", workers=2, dask="127.0.0.1:1"), lambda: evaluate("control", pool="gender=robot")):
        try:
            call()
        except UserError as error:
            mistakes.append(str(error))
    print(json.dumps({
        "light": light, "rates": rates.to_pylist(), "types": {f.name: str(f.type) for f in rates.schema},
        "frame": [list(frame.columns), len(frame)], "html": result._repr_html_(), "again": result._repr_html_(), "page": result.report(),
        "json": json.loads(result.to_json()), "repr": repr(result), "tables": result.tables, "mistakes": mistakes,
    }))
"""


@pytest.fixture(scope="module")
def shown(people, command_environment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "script.py").write_text(SCRIPT, "utf-8")
    command = [sys.executable, str(folder / "script.py"), str(people)]
    done = subprocess.run(command, env=command_environment, capture_output=True, text=True, timeout=600, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert [p.name for p in folder.iterdir()] == ["script.py"]  # nothing is written but to the store
    return json.loads(done.stdout)


def test_importing_the_package_loads_nothing_heavy(shown) -> None:
    assert shown["light"] == []


def test_the_same_numbers_as_a_run(shown, faceparity, people, tmp_path) -> None:
    options = ("--by", "gender", "--target-fmr", "0.01", "--threshold", "0.4", "--workers", "1")
    done = faceparity("run", "-d", f"folder={people}", "-m", "toy", *options, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run/people/toy/results.json").read_text("utf-8"))
    del record["provenance"], shown["json"]["provenance"]
    assert shown["json"] == record
    with (tmp_path / "run/people/toy/tables/rates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(shown["rates"]) == len(rows) > 4
    for mine, theirs in zip(shown["rates"], rows, strict=True):
        assert list(mine) == list(theirs)
        assert mine["group"] == theirs["group"]
        assert mine["rate"] == (float(theirs["rate"]) if theirs["rate"] else None)
    assert shown["frame"][1] == len((tmp_path / "run/people/toy/tables/contrasts.csv").read_text().splitlines()) - 1


def test_types_of_columns(shown) -> None:
    types = shown["types"]
    assert (types["rate"], types["comparisons"], types["group"]) == ("double", "int64", "string")


def test_it_shows_itself(shown) -> None:
    assert "<table>" in shown["html"]
    assert shown["html"].count("<svg") >= 1
    assert "<td>female</td>" in shown["html"]
    assert shown["html"] != shown["again"]  # two in one notebook don't share the names of figures' parts
    assert "<html" not in shown["html"]
    assert shown["page"].startswith("<!")
    assert "toy on people" in shown["repr"]
    assert "secretname" not in shown["html"] + shown["page"]


def test_mistakes_are_one_line(shown) -> None:
    words = (
        "rates",
        "['gender']",
        "shoe",
        "targets 5: a false match rate lies between 0 and 1, as in 0.001",
        "workers and dask: ",
        "pool gender=robot: ",
    )
    for word, line in zip(words, shown["mistakes"], strict=True):
        assert word in line
        assert "\n" not in line
        assert "--" not in line
