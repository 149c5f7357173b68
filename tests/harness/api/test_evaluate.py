"""`evaluate_scores` on tables in memory: bit for bit what `faceparity score` makes of the same rows in a file."""

from __future__ import annotations

import csv
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness import EvaluationResult, cli, evaluate_scores, load_results

HEAD = ("subject_a", "sample_a", "subject_b", "sample_b", "mated", "score", "gender_a", "gender_b", "note")
N = 124


def columns(seed: int = 3) -> dict[str, list[Any]]:
    """Comparisons of everybody within a gender and of two samples each; some failed, one label missing, one pair twice."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[Any, ...]] = []
    for a, b in [*combinations(range(N), 2), *((p, p) for p in range(N))]:
        score = None if rng.random() < 0.02 else round(float(rng.normal(0.7 if a == b else 0.2 + 0.1 * (a % 2), 0.12)), 3)
        sides = [("" if p == 5 else "FM"[p % 2]) for p in (a, b)]
        rows.append((f"p{a}", "one", f"p{b}", "two" if a == b else "one", a == b, score, *sides, "x"))
    rows.append(rows[0])
    return {name: [row[i] for row in rows] for i, name in enumerate(HEAD)}


@pytest.fixture(scope="module")
def by_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The file, and what the command makes of it."""
    folder = tmp_path_factory.mktemp("scores")
    each = columns()
    with (folder / "system.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        writer.writerows([["" if x is None else x for x in row] for row in zip(*each.values(), strict=True)])
    options = ["--target-fmr", "0.02", "--threshold", "0.5", "--out", str(folder / "out")]
    assert cli._run(["score", str(folder / "system.csv"), *options]) == 0
    return folder / "system.csv", json.loads((folder / "out/results.json").read_text("utf-8"))


def measured(scores: Any, **more: Any) -> dict[str, Any]:
    return json.loads(evaluate_scores(scores, targets=[0.02], threshold=0.5, name="system", **more).to_json())


def without_origin(e: dict[str, Any]) -> dict[str, Any]:
    """All but when and how it was made, and which bytes held it."""
    e = json.loads(json.dumps(e))
    del e["provenance"], e["dataset"]["digest"], e["model"]["fingerprint"]
    return e


def frames() -> dict[str, Any]:
    """The same rows in every kind of table."""
    each = columns()
    pandas = pd.DataFrame(each)
    found = {
        "columns": each,
        "arrow": pa.table(each),
        "arrow in parts": pa.concat_tables([pa.table(each).slice(0, 999), pa.table(each).slice(999)]),
        "pandas": pandas,
        "pandas categories": pandas.astype({"subject_a": "category", "gender_a": "category", "mated": "category"}),
        "pandas, an index": pandas.set_index("subject_a"),
        "pandas, rows named": pandas.set_axis(np.arange(len(pandas)) * 7, axis=0),
        "pandas, numbers": pandas.assign(mated=pandas.mated.astype(float), score=pandas.score.astype(np.float32)),
        "pandas, texts": pandas.assign(score=[None if x != x else str(x) for x in pandas.score]),
        "the interchange alone": Interchanged(pandas),
    }
    polar = polars.DataFrame(each)
    return {**found, "polars": polar, "polars categories": polar.with_columns(polars.col("gender_a").cast(polars.Categorical))}


class Interchanged:
    """A DataFrame of a library that has the interchange protocol and nothing else."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __dataframe__(self, **options: Any) -> Any:
        return pa.table(self._frame).__dataframe__(**options)


@pytest.mark.parametrize("kind", frames())
def test_a_table_in_memory_gives_what_its_file_gives(kind: str, by_file: tuple[Path, dict[str, Any]]) -> None:
    found, expected = measured(frames()[kind]), without_origin(by_file[1])
    assert without_origin(found) == expected
    assert expected["comparisons"]["left_out"]["repeated"] == 1
    assert sum(rate["errors"] for rate in expected["groupings"][0]["operating_points"][0]["fmr"]) > 20


def test_a_file_by_its_path(by_file: tuple[Path, dict[str, Any]]) -> None:
    for path in (by_file[0], str(by_file[0])):
        found = measured(path)
        assert without_origin(found) == without_origin(by_file[1])
        assert found["dataset"]["digest"] == by_file[1]["dataset"]["digest"]


@pytest.mark.slow
def test_the_digest_is_that_of_the_content() -> None:
    each = columns()
    base = measured(each)["dataset"]["digest"]
    assert measured(pd.DataFrame(each))["dataset"]["digest"] == base
    assert measured({**each, "note": ["y"] * len(each["note"])})["dataset"]["digest"] == base  # is not read
    for name, row, value in (("score", 7, 0.123), ("gender_a", 7, "x"), ("subject_a", 7, "somebody")):
        changed = [value if i == row else x for i, x in enumerate(each[name])]
        other = {**each, name: changed, "sample_a": [str(i) for i in range(len(changed))]}
        assert measured(other)["dataset"]["digest"] not in ("", base)


@pytest.mark.slow
def test_failures_and_distances(tmp_path: Path, by_file: tuple[Path, dict[str, Any]]) -> None:
    failures = pd.DataFrame(
        {
            "subject": [f"p{i}" for i in range(N)],
            "attempted": 2,
            "failed": [i % 10 == 0 for i in range(N)],
            "gender": ["F", "M"] * (N // 2),
        }
    ).astype({"failed": int})
    failures.to_csv(tmp_path / "failures.csv", index=False)
    distances = pd.DataFrame(columns()).assign(score=lambda x: 1 - x.score)
    distances.to_csv(tmp_path / "system.csv", index=False)
    options = [
        "--failures",
        tmp_path / "failures.csv",
        "--distance",
        "--by",
        "gender",
        "--target-fmr",
        "0.02",
        "--threshold",
        "0.5",
    ]
    assert cli._run(["score", str(tmp_path / "system.csv"), *map(str, options), "--out", str(tmp_path / "out")]) == 0
    expected = json.loads((tmp_path / "out/results.json").read_text("utf-8"))
    found = measured(distances, failures=failures, distance=True, by=["gender"])
    assert without_origin(found) == without_origin(expected)
    assert found["extraction"]["overall"]["errors"] == 13


def edited(name: str, row: int, value: Any) -> pd.DataFrame:
    each = columns()
    each[name] = [value if i == row else x for i, x in enumerate(each[name])]
    return pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in each.items()})


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (edited("score", 16, "0,5"), ("scores, row 16 (counted from 0): the score '0,5'",)),
        (pd.DataFrame(columns()).assign(score=np.inf), ("row 0 (counted from 0): the score", "not a finite number")),
        (edited("mated", 3, "perhaps"), ("row 3 (counted from 0): mated is 'perhaps'",)),
        (edited("mated", 3, True), ("row 3 (counted from 0): mated contradicts subject_a and subject_b (1 such rows)",)),
        (edited("subject_b", 9, None), ("row 9 (counted from 0): no subject",)),
        (edited("gender_a", 40, "other"), ("row 40 (counted from 0): gender of this sample is 'other', but 'F' in row 0;",)),
        (pd.DataFrame(columns()).drop(columns="score"), ("scores: no column score; it has subject_a",)),
        (pd.DataFrame(columns()).rename(columns={"note": "Score "}), ("scores: two columns called 'score'",)),
        (pd.DataFrame(columns()).iloc[:0], ("scores: holds no rows",)),
        (pd.DataFrame(columns()).assign(score=[(1, 2)] * len(columns()["score"])), ("scores: column score is of type list",)),
        (np.zeros(3), ("scores: can't be read as a table (a ndarray); give a pandas or polars DataFrame",)),
        ([{"subject_a": 1}], ("scores: can't be read as a table (a list)",)),
        ({"subject_a": [1, 2], "score": [1]}, ("scores: can't be read as a table",)),
        ("nowhere.csv", ("nowhere.csv: no such file",)),
    ],
)
def test_mistakes_are_told_with_the_row(frame: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as told:
        evaluate_scores(frame)
    for word in words:
        assert word in str(told.value)
    assert "\n" not in str(told.value)


def test_mistakes_in_the_arguments_are_told_in_python_s_words() -> None:
    frame = columns()
    for options, word in (
        ({"by": ["shoe"]}, "scores: no attribute 'shoe'"),
        ({"by": "gender"}, "by=['gender']"),
        ({"targets": 0.01}, "targets=[0.01"),
        ({"references": ["gender=robot"]}, "references gender=robot"),
    ):
        with pytest.raises(UserError) as told:
            evaluate_scores(frame, **options)  # type: ignore[arg-type]
        assert word in str(told.value), told.value
        assert "--" not in str(told.value)


def test_saved_and_read_again(tmp_path: Path) -> None:
    result = evaluate_scores(pa.table(columns()), targets=[0.02])
    page = result.save(tmp_path / "out")
    assert page.read_text("utf-8") == result.report()
    assert (tmp_path / "out/results.json").read_text("utf-8") == result.to_json()
    assert (tmp_path / "out/tables/rates.csv").is_file()
    assert load_results(tmp_path / "out") == [EvaluationResult(result.record)]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("")
    with pytest.raises(UserError, match=r"^folder .*mine: holds files of something else"):
        result.save(tmp_path / "mine")
    with pytest.raises(UserError, match="not found"):
        load_results(tmp_path / "nowhere")


def test_figures_are_named_shown_and_saved(tmp_path: Path) -> None:
    figures = evaluate_scores(columns(), targets=[0.02]).figures
    assert len(figures) == len(set(figures)) > 4
    assert all(name in figures._repr_html_() and name in repr(figures) for name in figures)
    first, second = (figures[name] for name in list(figures)[:2])
    assert "<svg" in first._repr_html_()
    assert "currentColor" in first._repr_html_()
    assert "var(" not in first.svg
    ids = [{one._repr_html_().split('id="')[i].split('"')[0] for i in (1, 2)} for one in (first, second)]
    assert not ids[0] & ids[1]  # two in one notebook
    assert first.save(tmp_path / "chart.svg").read_text("utf-8") == first._repr_svg_() == first.svg
    with pytest.raises(KeyError, match="there are chart"):
        figures["nothing"]


def test_a_notebook_shows_one_line_of_a_mistake() -> None:
    assert UserError("what, where, what to do")._render_traceback_() == ["UserError: what, where, what to do"]
