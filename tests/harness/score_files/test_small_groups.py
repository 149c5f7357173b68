"""People of small groups leave a score file and its failures alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results
from faceparity.harness.options import Options
from faceparity.harness.score_files.evaluate import evaluate_scores

GENDER = ("female", "male", "nonbinary")


def people_of(sizes: dict[str, int]) -> list[tuple[str, str]]:
    """Ids and genders."""
    genders = [gender for gender, number in sizes.items() for _ in range(number)]
    return [(f"p{i}", gender) for i, gender in enumerate(genders)]


def table_of(people: list[tuple[str, str]], seed: int = 0) -> dict[str, Any]:
    """Every comparison of two, and one mated one of each; a score depends on the ids alone."""
    pairs = [(i, j) for i in range(len(people)) for j in range(i, len(people))]
    a, b = np.array(pairs).T
    number = [int(who[1:]) for who, _ in people]
    score = [np.random.default_rng([seed, number[i], number[j]]).normal(2.0 * (i == j), 1) for i, j in pairs]
    return {
        "subject_a": [people[i][0] for i in a], "subject_b": [people[i][0] for i in b], "mated": (a == b).tolist(), "score": score,
        "sample_a": ["1"] * a.size, "sample_b": ["2"] * a.size,
        "gender_a": [people[i][1] for i in a], "gender_b": [people[i][1] for i in b],
    }  # fmt: skip


def failures_of(people: list[tuple[str, str]], attempted: int = 4) -> dict[str, Any]:
    return {
        "subject": [who for who, _ in people], "attempted": [attempted] * len(people),
        "failed": [int(who[1:]) % 3 for who, _ in people], "gender": [gender for _, gender in people],
    }  # fmt: skip


def comparable(evaluation: results.Evaluation) -> dict[str, Any]:
    left_out = {"dataset": {"subjects_left_out", "digest"}, "model": {"fingerprint"}, "provenance": {"started"}}
    found = evaluation.model_dump(mode="json", exclude=left_out)
    found["warnings"] = [text for text in found["warnings"] if "left every figure" not in text]
    return found


def test_scores_of_three_people_change_nothing_for_the_others() -> None:
    people, options = people_of({"nonbinary": 3, "female": 60, "male": 50}), Options(targets=(1e-2,))
    found = evaluate_scores(table_of(people), options, failures=failures_of(people))
    expected = evaluate_scores(table_of(people[3:]), options, failures=failures_of(people[3:]))
    assert comparable(found) == comparable(expected)
    assert found.dataset.subjects_left_out == 3
    assert "nonbinary" not in results.to_json(found)


def test_who_is_few_in_one_file_leaves_both() -> None:
    """Three have scores; fourteen stand in the failures, eleven of them without a score, who stay there."""
    people, options = people_of({"nonbinary": 14, "female": 60, "male": 50}), Options(targets=(1e-2,))
    scored = [*people[:3], *people[14:]]
    found = evaluate_scores(table_of(scored), options, failures=failures_of(people))
    expected = evaluate_scores(table_of(people[14:]), options, failures=failures_of(people[3:]))
    assert comparable(found) == comparable(expected)
    assert found.dataset.subjects_left_out == 3
    rates = {rate.group: rate.subjects for rate in found.extraction.by_group[0].rates}
    assert rates == {"female": 60, "male": 50, "nonbinary": 11}
    fewer = evaluate_scores(table_of(scored), options, failures=failures_of([*people[:12], *people[14:]]))
    assert fewer.dataset.subjects_left_out == 12, "of twelve in the failures three leave with their scores: nine are few"


def test_where_everybody_would_leave_it_is_refused_in_a_line() -> None:
    people = people_of({"female": 9, "male": 9})
    with pytest.raises(UserError, match="every group by gender has fewer than 10 people"):
        evaluate_scores(table_of(people), Options())


def test_a_small_group_can_be_neither_pool_nor_reference() -> None:
    table = table_of(people_of({"nonbinary": 3, "female": 40, "male": 40}))
    for options in (Options(pool="gender=nonbinary"), Options(references=("gender=nonbinary",))):
        with pytest.raises(UserError, match="fewer than 10 people"):
            evaluate_scores(table, options)
