"""Several scores of one pair: refused by row, or settled by a named rule, whatever the order of rows."""

from __future__ import annotations

from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.datasets.common.errors import UserError
from faceparity.harness.options import Options
from faceparity.harness.score_files.evaluate import evaluate_scores
from faceparity.harness.score_files.repeated_pairs import RULES, one_row_a_pair
from faceparity.harness.score_files.source import source_of
from faceparity.harness.score_files.table import ScoreTable, read_scores

NONE = float("nan")
Row = tuple[int, int, float]
"""Two samples, one to a person, and their score."""


def read(rows: list[Row], rule: Any = None, *, distance: bool = False) -> ScoreTable:
    a, b, score = zip(*rows, strict=True)
    columns = {
        "subject_a": [f"p{k // 2}" for k in a], "subject_b": [f"p{k // 2}" for k in b], "sample_a": a, "sample_b": b,
        "mated": [i // 2 == j // 2 for i, j in zip(a, b, strict=True)],
        "score": pa.array(score, pa.float64(), from_pandas=True),
        "sex_a": ["F"] * len(rows), "sex_b": ["F"] * len(rows),
    }  # fmt: skip
    return read_scores(source_of(columns, "scores"), rule, distance=distance)


def scores_of(table: ScoreTable) -> dict[tuple[int, int], float]:
    """By pair; the samples are numbered as they come, so by those that a row names first."""
    out = {}
    for one, other, score in zip(table.a, table.b, table.score, strict=True):
        pair = (min(int(one), int(other)), max(int(one), int(other)))
        assert pair not in out
        out[pair] = float(score)
    return out


def by_loop(rows: list[Row], rule: str, distance: bool) -> list[float]:
    """The scores that count, sorted, empty ones as None."""
    found: dict[tuple[int, int], list[float]] = {}
    for a, b, score in rows:
        if a != b:
            found.setdefault((min(a, b), max(a, b)), []).append(score)
    out = []
    for scores in found.values():
        made = [score for score in scores if not isnan(score)]
        best = min if distance else max
        of_rule = {"mean": lambda s: sum(sorted(s)) / len(s), "first": lambda s: s[0], "max": best}[rule]
        out.append(made[0] if made and min(made) == max(made) else of_rule(made) if made else NONE)
    return sorted(out, key=lambda score: (isnan(score), score))


rows_of_pairs = st.lists(
    st.tuples(
        st.integers(0, 7), st.integers(0, 7), st.one_of(st.just(NONE), st.sampled_from([0.1, 0.25, 0.3, 0.7, 16_777_217.0, 1e-9]))
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(rows=rows_of_pairs, rule=st.sampled_from(RULES), distance=st.booleans())
def test_the_score_that_counts_is_that_of_a_plain_loop(rows, rule, distance) -> None:
    got = sorted((float(s) for s in read(rows, rule, distance=distance).score), key=lambda s: (isnan(s), s))
    assert got == pytest.approx(by_loop(rows, rule, distance), nan_ok=True, rel=1e-15)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(rows=rows_of_pairs, data=st.data())
def test_the_order_of_rows_decides_nothing_but_what_comes_first(rows, data) -> None:
    """Nor does which side a sample stands on; for `first` an empty score is no score."""
    shuffled = [data.draw(st.sampled_from([(a, b, s), (b, a, s)])) for a, b, s in data.draw(st.permutations(rows))]
    for rule in ("mean", "max"):
        one, other = (sorted(map(str, read(given_rows, rule).score)) for given_rows in (rows, shuffled))
        assert one == other
    scored_first = sorted(shuffled, key=lambda row: isnan(row[2]))
    empty_first = sorted(shuffled, key=lambda row: not isnan(row[2]))
    assert sorted(map(str, read(scored_first, "first").score)) == sorted(map(str, read(empty_first, "first").score))
    assert refusal(rows) == refusal(shuffled)


def refusal(rows: list[Row]) -> str:
    """How many pairs disagree, as the message says."""
    try:
        read(rows)
    except UserError as error:
        return str(error).rpartition("(")[2]
    return ""


def test_scores_that_differ_are_refused_with_their_rows() -> None:
    with pytest.raises(UserError) as refused:
        read([(0, 2, 0.5), (1, 3, 0.1), (0, 2, NONE), (2, 0, 0.75), (3, 1, 0.1), (0, 2, 0.9)])
    assert str(refused.value) == (
        "scores, row 3 (counted from 0): the score of this pair is 0.75, but 0.5 in row 0 (1 such pairs); correct the file, "
        "or choose with --repeated mean, first or max"
    )


def test_equal_scores_and_empty_ones_need_no_rule() -> None:
    table = read([(0, 2, NONE), (0, 3, 0.25), (3, 0, 0.25), (2, 0, 0.5), (0, 0, 1.0), (0, 0, 0.9), (1, 2, NONE), (1, 2, NONE)])
    assert sorted(map(str, scores_of(table).values())) == ["0.25", "0.5", "nan"]
    assert table.left_out == {"repeated": 4, "with_itself": 2}


def test_pairs_too_many_to_be_numbered_with_their_rows_are_settled_too() -> None:
    a = np.array([2**31 - 2, 5, 2**31 - 3, 5], np.int32)
    b = np.array([2**31 - 3, 6, 2**31 - 2, 6], np.int32)
    found = one_row_a_pair(source_of({"x": [1]}, "s"), a, b, np.array([0.1, NONE, 0.3, 0.5]), "max", distance=False)
    assert found.keep.tolist() == [True, False, False, True]
    assert found.score[found.keep].tolist() == [0.3, 0.5]


def test_a_mean_of_single_precision_is_kept_in_double() -> None:
    columns = {
        "subject_a": ["a", "a", "c"], "subject_b": ["b", "b", "d"], "sample_a": ["1"] * 3, "sample_b": ["1"] * 3,
        "mated": [False] * 3, "score": pa.array([0.1, 0.2, 0.3], pa.float32()), "sex_a": ["F"] * 3, "sex_b": ["F"] * 3,
    }  # fmt: skip
    table = read_scores(source_of(columns, "scores"), "mean")
    assert not table.single
    assert table.score[0] == (float(np.float32(0.1)) + float(np.float32(0.2))) / 2


def test_an_unknown_rule_is_refused_and_a_known_one_is_in_the_record() -> None:
    others = [f"p{i}" for i in range(10)]
    columns = {
        "subject_a": ["a", "a", "c", "a", *others], "subject_b": ["b", "b", "d", "a", *others[1:], "a"],
        "sample_a": ["1"] * 14, "sample_b": ["1", "1", "1", "2", *["1"] * 10], "mated": [False] * 3 + [True] + [False] * 10,
        "score": [0.1, 0.2, 0.3, 0.9, *[0.05] * 10], "sex_a": ["F"] * 14, "sex_b": ["F"] * 14,
    }  # fmt: skip
    with pytest.raises(UserError, match="use mean, first or max"):
        evaluate_scores(columns, Options(targets=()), repeated="last")
    e = evaluate_scores(columns, Options(targets=()), repeated="max")
    assert "1 rows left out: repeated (--repeated max: of each pair the score that is most alike counts)" in e.warnings
