"""The record's numbers have the bounds of what they are: a share that is none, a count below zero, ends that do not rise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results
from faceparity.harness.results.comparison import comparison_schema
from faceparity.harness.results.parts.base import Rate
from faceparity.harness.runs.result_files import RESULTS, load_results
from tests import ROOT

EXAMPLE = ROOT / "reports" / "examples" / "control" / RESULTS
ANY_NUMBER = {
    "threshold", "native_threshold", "reference_threshold", "native_reference_threshold", "threshold_before", "threshold_after",
    "native_threshold_before", "native_threshold_after", "threshold_first", "threshold_second", "thresholds", "det_thresholds",
    "eer_threshold", "published_threshold", "likely_same_person", "ledger_floor", "edges", "mated_mean", "non_mated_mean", "d_prime",
    "mated_score", "non_mated_score", "difference", "q1", "median", "q3", "value", "reference_value", "null_median", "null_p95",
    "difference_interval", "interval", "seed", "sign",
}  # fmt: skip
"""Scores, thresholds, differences and indices, which may be below zero; `interval`: of a paired difference."""


def numbers(schema: Any, name: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every number in a JSON schema, with the name of its field."""
    if isinstance(schema, list):
        return [n for part in schema for n in numbers(part, name)]
    if not isinstance(schema, dict):
        return []
    own = [(name, schema)] if schema.get("type") in ("number", "integer") else []
    fields = schema.get("properties", {})
    rest = {k: v for k, v in schema.items() if k not in ("properties", "default")}
    return own + [n for k, v in fields.items() for n in numbers(v, k)] + [n for v in rest.values() for n in numbers(v, name)]


@pytest.mark.parametrize("schema", [results.json_schema(), comparison_schema()])
def test_every_number_has_bounds(schema: Any) -> None:
    found = numbers(schema)
    assert len(found) > 80
    free = {name for name, number in found if not number.keys() & {"minimum", "exclusiveMinimum"}}
    assert free <= ANY_NUMBER, free - ANY_NUMBER


RATE = {"group": "a", "design": "within", "subjects": 60, "comparisons": 1770, "errors": 30, "rate": 0.02, "status": "ok"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"subjects": -1}, {"comparisons": -5}, {"errors": -1}, {"rate": -0.1}, {"rate": 1.1}, {"rate": 1e308}, {"df": 0}, {"df": -3},
        {"effective_errors": -1}, {"interval": [0.2, 0.1]}, {"interval": [0, 1.5]}, {"rate_including_failures": 7},
        {"bounds": {"independent": 1.5, "worst_case": 1}}, {"bounds": {"independent": 0.1, "worst_case": -0.1}},
        {"subject_weighted_rate": 2}, {"rate": float("nan")}, {"df": float("inf")},
    ],
)  # fmt: skip
def test_what_no_rate_is(wrong: dict[str, Any]) -> None:
    Rate.model_validate(RATE)
    with pytest.raises(ValidationError):
        Rate.model_validate(RATE | wrong)


def test_the_last_digit_of_a_share_is_no_fault() -> None:
    rate = Rate.model_validate(RATE | {"rate": 1 + 1e-12, "interval": [-1e-13, 1 + 1e-15]})
    assert (rate.rate, rate.interval) == (1.0, (0.0, 1.0))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("groupings", 0, "separation", 0, "eer"), 1e308),
        (("groupings", 0, "groups", 0, "subjects"), -1),
        (("groupings", 0, "operating_points", 0, "achieved_fmr"), 1.01),
        (("groupings", 0, "operating_points", 0, "contrasts", 0, "p"), 2),
        (("groupings", 0, "operating_points", 0, "contrasts", 0, "ratio"), -2),
        (("groupings", 0, "curves", 0, "mated", 0), -1),
        (("groupings", 0, "covariates", 0, "overall", "q1"), 1e300),
        (("comparisons", "non_mated"), -1),
    ],
)
def test_an_altered_number_is_refused_in_a_line(path: tuple[str | int, ...], value: float, tmp_path: Path) -> None:
    result = json.loads(EXAMPLE.read_text("utf-8"))
    part = result
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    (tmp_path / RESULTS).write_text(json.dumps(result), "utf-8")
    with pytest.raises(UserError, match="altered since") as caught:
        load_results(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_list_stops_at_its_first_fault() -> None:
    """Errors are kept in memory, each many times as large as what it is about."""
    result = json.loads(EXAMPLE.read_text("utf-8"))
    result["groupings"][0]["groups"] = [{}] * 1000
    result["groupings"][0]["curves"][0]["edges"] = ["x"] * 1000
    with pytest.raises(ValidationError) as caught:
        results.from_json(json.dumps(result))
    assert caught.value.error_count() < 20


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("groupings", 0, "curves", 0, "edges"), [0] * 300_000),
        (("groupings", 0, "groups"), [{}] * 300_000),
        (("warnings",), ["x" * 2_000_000]),
        (("dataset", "problems"), {f"k{k}": 0 for k in range(20_000)}),
        (("groupings", 0, "operating_points", 0, "differential", "fmr"), {str(k): {f"k{n}": 0 for n in range(100)} for k in range(2000)}),
    ],
)  # fmt: skip
def test_what_would_fill_the_memory_is_not_parsed(
    place: tuple[str | int, ...], value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = json.loads(EXAMPLE.read_text("utf-8"))
    part = result
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    (tmp_path / RESULTS).write_text(json.dumps(result), "utf-8")
    monkeypatch.setattr(results, "from_json", lambda text: pytest.fail("parsed"))
    with pytest.raises(UserError, match="more than"):
        load_results(tmp_path)
