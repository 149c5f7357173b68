"""A results.json that somebody has altered: refused in a line, or drawn; never an error of our own."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceparity.datasets.common.errors import UserError
from faceparity.harness.options import Options
from faceparity.harness.results import to_json
from faceparity.harness.runs.result_files import RESULTS, load_results, write_reports
from faceparity.harness.score_files.evaluate import evaluate_scores
from tests import ROOT
from tests.faults.fuzzing import attempt

EXAMPLES = ROOT / "reports" / "examples"
Path_ = tuple[str | int, ...]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The result of forty scores."""
    file = tmp_path_factory.mktemp("small") / "s.csv"
    rows = [f"s{i % 13},s{i % 11},{int(i % 13 == i % 11)},{i / 40},F,M,a{i},b{i}\n" for i in range(40)]
    file.write_text("subject_a,subject_b,mated,score,gender_a,gender_b,sample_a,sample_b\n" + "".join(rows))
    return json.loads(to_json(evaluate_scores(file, Options())))


def paths(part: Any, path: Path_ = ()) -> list[Path_]:
    """The way to everything in it."""
    inside = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    return [*([path] if path else []), *(p for key, value in inside for p in paths(value, (*path, key)))]


def at(result: Any, path: Path_) -> Any:
    for key in path:
        result = result[key]
    return result


def altered(draw: st.DrawFn, result: Any) -> Any:
    """The result with one thing in it left out, twice there or another."""
    result = copy.deepcopy(result)
    path = draw(st.sampled_from(paths(result)))
    above, value = at(result, path[:-1]), at(result, path)
    if isinstance(value, list) and value:
        which = draw(st.integers(0, len(value) - 1))
        if draw(st.booleans()):
            value.append(copy.deepcopy(value[which]))
        else:
            del value[which]
    elif isinstance(value, dict) and value:
        del value[draw(st.sampled_from(sorted(value)))]
    else:
        above[path[-1]] = draw(
            st.sampled_from([None, True, 0, 1, -1, 2, 0.5, 1e9, 1e300, "", "x", "<b>" * 50, "=1+1", "\u202e", [], {}])
        )
    return result


def drawn(result: Any, folder: Path) -> None:
    """As `faceparity report` draws it. Raises UserError if it is refused."""
    folder.mkdir(exist_ok=True)
    (folder / RESULTS).write_text(json.dumps(result), "utf-8")
    write_reports(load_results(folder), folder)


@settings(max_examples=150, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
@given(st.data())
def test_anything_may_be_altered(small: Any, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    result = data.draw(st.composite(altered)(small))
    folder = tmp_path_factory.getbasetemp() / "altered"
    assert attempt(lambda _: drawn(result, folder), b"") is None


def set_at(path: Path_, value: Any) -> Any:
    def change(result: Any) -> None:
        at(result, path[:-1])[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_at(("groupings",), []), "groupings: List should have at least 1 item"),
        (lambda r: r["groupings"][0]["curves"][0]["mated"].pop(), "groupings.0.curves.0: Value error, curve: mated has"),
        (lambda r: r["groupings"][0]["curves"][0]["edges"].pop(), "curve: mated has"),
        (lambda r: r["groupings"][0]["sweep"]["pool_fmr"].pop(), "sweep: pool_fmr has"),
        (lambda r: r["groupings"][0]["sweep"]["rates"][0]["errors"].pop(), "sweep: errors has"),
        (
            set_at(("groupings", 0, "operating_points", 1, "achieved_fmr"), -1),
            "achieved_fmr: Input should be greater than or equal",
        ),
        (set_at(("groupings", 0, "operating_points", 1, "fmr", 0, "rate"), -1), "rate: Input should be greater than or equal"),
        (
            set_at(("groupings", 0, "operating_points", 1, "fmr", 0, "interval"), [-1, 1]),
            "interval.0: Input should be greater than",
        ),
        (set_at(("groupings", 0, "sweep", "rates", 0, "errors", 0), -1), "errors.0: Input should be greater than or equal"),
        (set_at(("scenarios", 0, "sizes", 6, "groups", 2, "group"), "x"), "people has other groups than the first"),
    ],
)
def test_what_does_not_hold_together_is_refused(change: Any, said: str, tmp_path: Path) -> None:
    result = json.loads((EXAMPLES / "us_congress" / RESULTS).read_text("utf-8"))
    change(result)
    with pytest.raises(UserError, match="not a result of this version, or altered since") as caught:
        drawn(result, tmp_path)
    assert said in str(caught.value)
