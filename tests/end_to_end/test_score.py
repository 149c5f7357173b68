"""`faceparity score`: every rate against loops over the rows of the file, and all that may be wrong with a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from faceparity.harness import cli

HEAD = ["subject_a", "subject_b", "mated", "score", "gender_a", "gender_b"]
PEOPLE = 66
TARGET = 0.02


def gender(person: int) -> str:
    return "FM"[person % 2]


def rows_of(seed: int = 5, decimals: int = 2) -> list[list[Any]]:
    """Every pair of people once and everybody with themselves; about one comparison in forty failed. Ties on purpose."""
    rng = np.random.default_rng(seed)
    rows: list[list[Any]] = []
    for a in range(PEOPLE):
        for b in range(a, PEOPLE):
            mean = 0.7 if a == b else 0.25 + 0.1 * (gender(a) == gender(b) == "F")
            score = "" if rng.random() < 0.025 else f"{rng.normal(mean, 0.12):.{decimals}f}"
            first, second = (a, b) if rng.random() < 0.5 else (b, a)
            rows.append([f"S{first}", f"S{second}", int(a == b), score, gender(first), gender(second)])
    order = rng.permutation(len(rows))
    return [rows[i] for i in order]


def write(
    path: Path, rows: Sequence[Sequence[Any]], head: Sequence[str] = HEAD, mark: str = ",", encoding: str = "utf-8"
) -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=mark).writerows([head, *rows])
    return path


@pytest.fixture
def score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, dict[str, Any]]]:
    """Call `faceparity score ARGUMENTS...` in this process: (exit status, standard error, results.json)."""
    runs = iter(range(100))

    def call(*arguments: object) -> tuple[int, str, dict[str, Any]]:
        out = tmp_path / f"out{next(runs)}"
        status = cli._run(["score", *map(str, arguments), "--out", str(out)])
        file = out / "results.json"
        return status, capsys.readouterr().err, json.loads(file.read_text("utf-8")) if file.is_file() else {}

    return call


def counts(rows: Sequence[Sequence[Any]], threshold: float, sign: int = 1) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """(kind, group, group) → matches, comparisons made, comparisons attempted; by a plain loop."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for _, _, mated, value, ga, gb in rows:
        cell = found.setdefault(("mated" if mated else "non-mated", *sorted((ga, gb))), [0, 0, 0])  # type: ignore[arg-type]
        cell[2] += 1
        if value != "":
            cell[1] += 1
            cell[0] += sign * np.float32(value) >= np.float32(threshold)
    return {key: (n[0], n[1], n[2]) for key, n in found.items()}


def pool_threshold(rows: Sequence[Sequence[Any]], target: float, sign: int = 1) -> tuple[float, float]:
    """The smallest observed score at which the mean of the two genders' FMRs is at most `target`, and that mean."""
    scores = {g: np.array([sign * np.float32(r[3]) for r in rows if r[3] != "" and not r[2] and r[4] == r[5] == g]) for g in "FM"}
    for threshold in np.unique(np.concatenate(list(scores.values()))):
        achieved = float(np.mean([(s >= threshold).mean() for s in scores.values()]))
        if achieved <= target:
            return float(threshold), achieved
    raise AssertionError("no threshold")


def check_rates(point: dict[str, Any], rows: Sequence[Sequence[Any]], sign: int = 1, failures: bool = True) -> None:
    """Every rate of an operating point against the rows."""
    truth = counts(rows, point["threshold"], sign)
    checked = 0
    for measure, kind in (("fmr", "non-mated"), ("fmr_matrix", "non-mated"), ("fnmr", "mated")):
        for rate in point[measure]:
            if rate["design"] not in ("within", "as_sampled", "cross"):
                continue
            matches, made, attempted = truth[kind, *sorted((rate["group"], rate["group_b"] or rate["group"]))]  # type: ignore[index]
            errors = matches if kind == "non-mated" else made - matches
            missed = errors if kind == "non-mated" else errors + attempted - made
            assert (rate["comparisons"], rate["errors"]) == (made, errors)
            assert rate["rate"] == (pytest.approx(errors / made, abs=1e-12) if errors else None), "zero errors are a bound"
            told = failures and missed > 0
            assert rate["rate_including_failures"] == (pytest.approx(missed / attempted, abs=1e-12) if told else None)
            checked += 1
    assert checked >= 2 + 3 + 2


def test_every_rate_is_that_of_the_rows(score, tmp_path) -> None:
    rows = rows_of()
    status, error, e = score(write(tmp_path / "s.csv", rows), "--target-fmr", TARGET, "--threshold", 0.5)
    assert status == 0, error
    target, fixed = e["groupings"][0]["operating_points"]
    threshold, achieved = pool_threshold(rows, TARGET)
    assert target["threshold"] == pytest.approx(threshold, abs=1e-7)
    assert target["achieved_fmr"] == pytest.approx(achieved, abs=1e-12)
    assert fixed["threshold"] == 0.5
    check_rates(target, rows)
    check_rates(fixed, rows)
    assert e["comparisons"]["non_mated"] == sum(1 for r in rows if not r[2] and r[3] != "")
    assert e["comparisons"]["mated"] == sum(1 for r in rows if r[2] and r[3] != "")
    assert e["extraction"]["supplied"], "empty scores are failures"


def test_distances(score, tmp_path) -> None:
    rows = [[*r[:3], r[3] and f"{1 - float(r[3]):.2f}", *r[4:]] for r in rows_of()]
    status, error, e = score(write(tmp_path / "d.csv", rows), "--distance", "--target-fmr", TARGET, "--threshold", 0.5)
    assert status == 0, error
    target, fixed = e["groupings"][0]["operating_points"]
    threshold, achieved = pool_threshold(rows, TARGET, -1)
    assert target["threshold"] == pytest.approx(threshold, abs=1e-7)
    assert target["native_threshold"] == pytest.approx(-threshold, abs=1e-7)
    assert target["achieved_fmr"] == pytest.approx(achieved, abs=1e-12)
    assert (fixed["threshold"], fixed["native_threshold"]) == (-0.5, 0.5)
    check_rates(target, rows, -1)
    check_rates(fixed, rows, -1)
    assert e["model"]["score"]["sign"] == -1


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return first["groupings"] == second["groupings"]


def test_the_same_file_in_other_forms(score, tmp_path) -> None:
    """Byte order mark, semicolons, tabs, capitals, blanks, Windows line ends, other order, swapped sides, words for truth, Parquet."""
    rows = rows_of()
    _, _, plain = score(write(tmp_path / "plain.csv", rows))
    swapped = [[b, a, "True" if m else "no", s, gb, ga] for a, b, m, s, ga, gb in reversed(rows)]
    forms = [
        write(tmp_path / "bom.csv", rows, encoding="utf-8-sig"),
        write(tmp_path / "semicolon.csv", rows, mark=";"),
        write(tmp_path / "tabs.tsv", rows, mark="\t"),
        write(tmp_path / "capitals.csv", rows, [" " + h.upper() for h in HEAD]),
        write(tmp_path / "swapped.csv", swapped),
        write(tmp_path / "blanks.csv", [[f" {c} " for c in r] for r in rows]),
    ]
    table = pa.csv.read_csv(tmp_path / "plain.csv", convert_options=pa.csv.ConvertOptions(column_types={"mated": pa.bool_()}))
    table = table.set_column(4, "gender_a", table.column("gender_a").dictionary_encode())
    pa.parquet.write_table(table, tmp_path / "p.parquet")
    assert table.column("score").null_count, "null stands for an empty score"
    for form in [*forms, tmp_path / "p.parquet"]:
        status, error, e = score(form)
        assert status == 0, f"{form.name}: {error}"
        assert same(e, plain), form.name


def test_without_empty_scores_failures_are_not_supplied(score, tmp_path) -> None:
    rows = [r for r in rows_of() if r[3] != ""]
    status, error, e = score(write(tmp_path / "s.csv", rows), "--target-fmr", TARGET)
    assert status == 0, error
    assert not e["extraction"]["supplied"]
    check_rates(e["groupings"][0]["operating_points"][0], rows, failures=False)


def test_failures_file(score, tmp_path) -> None:
    file = write(tmp_path / "s.csv", rows_of())
    lines = [[f"S{p}", 2 + p % 3, p % 3 == 0, gender(p)] for p in range(PEOPLE)]
    lines = [[s, n, int(f), g] for s, n, f, g in lines]
    failures = write(tmp_path / "f.csv", lines, ["subject", "attempted", "failed", "gender"])
    status, error, e = score(file, "--failures", failures)
    assert status == 0, error
    x = e["extraction"]
    assert (x["overall"]["errors"], x["overall"]["comparisons"]) == (sum(r[2] for r in lines), sum(r[1] for r in lines))
    for rate in x["by_group"][0]["rates"]:
        mine = [r for r in lines if r[3] == rate["group"]]
        assert (rate["errors"], rate["comparisons"]) == (sum(r[2] for r in mine), sum(r[1] for r in mine))
    for bad, word in (
        ([["S1", 1, 2, "F"]], "row 2: more failed"),
        ([["S1", 3, 1, "F"], ["S2", "x", 0, "M"]], "row 3: attempted is 'x'"),
        ([["S1", 3, 1, "F"], ["S2", 999_999_999, 0, "M"]], "f.csv: 1,000,000,002 attempts, more than 20,000,000"),
    ):
        write(failures, bad, ["subject", "attempted", "failed", "gender"])
        status, error, _ = score(file, "--failures", failures)
        assert status == 2
        assert word in error
    write(failures, [["S1", 1, 1]], ["subject", "attempted", "failed"])
    assert "no column gender" in score(file, "--failures", failures)[1]


def test_samples_are_compared_once_each_and_never_with_themselves(score, tmp_path) -> None:
    head = [*HEAD, "sample_a", "sample_b"]
    rows = []
    rng = np.random.default_rng(1)
    samples = [(p, shot) for p in range(40) for shot in range(2)]
    for i, (a, s) in enumerate(samples):
        for b, t in samples[i + 1 :]:
            score_ = f"{rng.normal(0.7 if a == b else 0.2, 0.1):.3f}"
            rows.append([f"S{a}", f"S{b}", int(a == b), score_, gender(a), gender(b), f"{s}", f"{t}"])
    status, error, once = score(write(tmp_path / "once.csv", rows, head), "--target-fmr", TARGET)
    assert status == 0, error
    assert (once["dataset"]["subjects"], once["dataset"]["samples"]) == (40, 80)
    again = [[r[1], r[0], r[2], r[3], r[5], r[4], r[7], r[6]] for r in rows[:50]]
    itself = [["S3", "S3", 1, "1.0", "M", "M", "0", "0"]] * 4
    status, error, twice = score(write(tmp_path / "twice.csv", [*rows, *again, *itself], head), "--target-fmr", TARGET)
    assert status == 0, error
    assert same(once, twice)
    assert twice["comparisons"]["left_out"] == {"repeated": 50 + 3, "with_itself": 4}
    assert any("53 rows left out" in w for w in twice["warnings"])
    rows[7][4] = "X"
    status, error, _ = score(write(tmp_path / "two.csv", rows, head))
    assert status == 2
    assert "a sample has one label" in error
    assert "row " in error


def spoil(at: int, column: int, value: str) -> Callable[[list[list[Any]]], None]:
    def change(rows: list[list[Any]]) -> None:
        rows[at][column] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (spoil(10, 3, "high"), ("row 12", "'high'", "leave the cell")),
        (spoil(10, 3, "0,5"), ("row 12", "'0,5'")),
        (spoil(0, 3, "NaN"), ("row 2", "not a finite number")),
        (spoil(3, 3, "inf"), ("row 5", "not a finite number")),
        (spoil(3, 3, "1e999"), ("row 5", "not a finite number")),
        (spoil(4, 2, "maybe"), ("row 6", "'maybe'", "true or false")),
        (spoil(4, 2, ""), ("row 6", "true or false")),
        (spoil(5, 0, ""), ("row 7", "no subject")),
        (spoil(6, 1, "  "), ("row 8", "no subject")),
    ],
)
def test_a_bad_row_is_named(change, words, score, tmp_path) -> None:
    rows = [r for r in rows_of() if r[3] != ""]
    change(rows)
    status, error, e = score(write(tmp_path / "s.csv", rows))
    assert status == 2
    assert len(error.strip().splitlines()) == 1
    for word in ("s.csv", *words):
        assert word in error
    assert not e


def test_mated_that_contradicts_the_subjects(score, tmp_path) -> None:
    rows = rows_of()
    place = next(i for i, r in enumerate(rows) if r[0] != r[1])
    rows[place][2] = 1
    status, error, _ = score(write(tmp_path / "s.csv", rows))
    assert status == 2
    assert f"row {place + 2}: mated contradicts" in error
    assert "1 such row" in error


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (["subject_a", "subject_b", "is_mate", "similarity", "gender_a", "gender_b"], "no column mated, score"),
        (["subject_a", "subject_b", "mated", "score", "gender_a", "gender_c"], "gender_a without gender_b"),
        (["subject_a", "subject_b", "mated", "score", "x", "y"], "no attribute"),
        (["subject_a", "subject_b", "mated", "score", "gender_a", "Gender_A"], "two columns called 'gender_a'"),
    ],
)
def test_columns_that_are_missing(head, word, score, tmp_path) -> None:
    status, error, _ = score(write(tmp_path / "s.csv", rows_of(), head))
    assert status == 2
    assert len(error.strip().splitlines()) == 1
    assert word in error


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "can't be read"),
        (",".join(HEAD).encode() + b"\n", "no rows"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "s.csv"),
        (",".join(HEAD).encode() + b"\nS1,S2,0\n", "can't be read"),
        ("\n".join([",".join(HEAD), *(f"S{i},S{i + 1},0,,F,F" for i in range(12))]).encode(), "s.csv: every score is empty"),
        (",".join(HEAD).encode() + b"\nS1,S2,0,0.5,F,M\n", "s.csv: every group by gender has fewer than 10 people"),
    ],
)
def test_files_that_are_no_tables(content, word, score, tmp_path) -> None:
    (tmp_path / "s.csv").write_bytes(content)
    status, error, _ = score(tmp_path / "s.csv")
    assert status == 2
    assert word in error
    assert len(error.strip().splitlines()) == 1
    assert score(tmp_path)[0] == 2
    (tmp_path / "s.parquet").write_bytes(content)
    assert score(tmp_path / "s.parquet")[0] == 2


def test_a_few_people_are_refused_in_a_line_and_ten_give_a_result_that_says_nothing(score, tmp_path) -> None:
    unlabelled = [["A", "A", 1, "", "", ""], ["A", "B", 0, "1", "", ""]]
    for rows in ([["A", "B", 0, "0.1", "F", "M"]], [["A", "A", 1, "0.9", "F", "F"]], unlabelled):
        status, error, _ = score(write(tmp_path / "s.csv", rows), "--threshold", 0.5)
        assert status == 2
        assert "fewer than 10 people" in error
    ten = [[f"S{i}", f"S{i + 1}", 0, "0.1", "F", "F"] for i in range(9)]
    status, error, e = score(write(tmp_path / "s.csv", ten), "--threshold", 0.5)
    assert status == 0, error
    assert all(r["rate"] is None for p in e["groupings"][0]["operating_points"] for r in p["fmr"])


def test_a_place_for_the_results_is_looked_for_before_anything_is_computed(score, tmp_path, capsys) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").touch()
    assert cli._run(["score", str(tmp_path / "gone.csv"), "--out", str(taken)]) == 2
    assert "holds files of something else" in capsys.readouterr().err
    assert [f.name for f in taken.iterdir()] == ["thesis.txt"]
