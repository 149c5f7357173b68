"""Scores count as they were written, in whatever type: against a plain loop over the file's own numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results
from faceparity.harness.options import Options
from faceparity.harness.score_files.evaluate import evaluate_scores
from faceparity.harness.score_files.precision import in_precision, written_alike
from faceparity.reports.wording.numbers import native_number

KINDS_OF_ERROR = (("fmr", False), ("fnmr", True))
Draw = Callable[[np.ndarray], np.ndarray]
KINDS: dict[str, Draw] = {
    "int8": lambda x: np.clip(20 * x, -128, 127).astype(np.int8),
    "int16": lambda x: (5_000 * x).astype(np.int16),
    "int32 above 2^24": lambda x: (2**25 + 300 * x).astype(np.int32),
    "int64 above 2^24": lambda x: (2**40 + 300 * x).astype(np.int64),
    "uint64": lambda x: (2**50 + 300 * x).astype(np.uint64),
    "float16": lambda x: x.astype(np.float16),
    "float32": lambda x: x.astype(np.float32),
    "float32 percents": lambda x: (99.9 + x / 1e4).astype(np.float32),
    "float64": lambda x: x,
    "float64 that single precision holds": lambda x: x.astype(np.float32).astype(np.float64),
    "percents near 100": lambda x: 99.99 + x / 1e6,
    "log-likelihood ratios": lambda x: 40 * x - 3e5,
    "probabilities near 1": lambda x: 1 - np.exp(-16 - x),
    "two decimals": lambda x: x.round(2),
    "far apart": lambda x: np.sign(x) * 10.0 ** (4 * np.abs(x)),
}


def columns_of(kind: str, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    group = np.repeat([0, 1], [36, 33])
    pairs = [*combinations(range(group.size), 2), *((i, i) for i in range(group.size) for _ in range(3))]
    a, b = np.asarray(pairs).T
    people, names = np.asarray([f"p{k:02d}" for k in range(group.size)]), np.asarray(["F", "M"])
    return {
        "subject_a": people[a], "subject_b": people[b], "mated": a == b,
        "score": KINDS[kind](rng.normal(np.where(a == b, 1.5, -0.5), 0.5)),
        "sex_a": names[group[a]], "sex_b": names[group[b]],
    }  # fmt: skip


def file_of(columns: dict[str, Any], folder: Path, ending: str) -> Path:
    path, table = folder / f"s.{ending}", pa.table(columns)
    if ending == "parquet":
        pa.parquet.write_table(table, path)
    else:
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]), "utf-8")
    return path


def counted(e: results.Evaluation, point: int) -> dict[str, int | None]:
    at = e.groupings[0].operating_points[point]
    return {f"{r.group} {name}": r.errors for name in ("fmr", "fnmr") for r in getattr(at, name)}


def loop(columns: dict[str, Any], threshold: float, *, distance: bool) -> dict[str, int]:
    """As a person would: each score, in its own type, against the threshold."""
    score, mated, sex = columns["score"], columns["mated"], columns["sex_a"]
    limit = score.dtype.type(threshold)
    wrong = ((score <= limit if distance else score >= limit) != mated) & (sex == columns["sex_b"])
    return {f"{s} {name}": int((wrong & (mated == kind) & (sex == s)).sum()) for name, kind in KINDS_OF_ERROR for s in "FM"}


def as_counted(columns: dict[str, Any], ending: str) -> dict[str, Any]:
    """Integers as the numbers they are; single precision written into a text file is a number of its own."""
    score = columns["score"]
    wide = score.dtype.kind in "iu"
    if ending == "csv" and score.dtype in (np.float32, np.float16):
        return columns | {"score": np.asarray([float(str(s)) for s in score.tolist()])}
    return columns | {"score": score.astype(np.float64) if wide else score}


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)), seed=st.integers(0, 10**6), ending=st.sampled_from(["csv", "parquet"]),
    distance=st.booleans(), place=st.integers(0, 2000), nudge=st.sampled_from([-1, 0, 1]),
)  # fmt: skip
def test_counts_are_those_of_a_plain_loop(kind, seed, ending, distance, place, nudge, tmp_path_factory) -> None:
    """At a threshold that is one of the scores, or the next number to it, and at the target's threshold typed as it is printed."""
    columns = columns_of(kind, seed)
    if distance:
        columns["score"] = columns["score"] if columns["score"].dtype.kind == "u" else -columns["score"]
        if columns["score"].dtype.kind == "u":
            columns["score"] = columns["score"].max() - columns["score"]
    plain = as_counted(columns, ending)
    typed = plain["score"][place]
    typed = float(typed if not nudge else np.nextafter(typed, typed.dtype.type(nudge * np.inf)))
    file = file_of(columns, tmp_path_factory.mktemp("scores"), ending)
    e = evaluate_scores(file, Options(targets=(0.02,), threshold=typed, pool="all"), distance=distance)
    assert counted(e, 1) == loop(plain, typed, distance=distance)
    set_here = e.groupings[0].operating_points[0]
    if set_here.native_threshold is None:
        return
    found = loop(plain, set_here.native_threshold, distance=distance)
    assert counted(e, 0) == found
    printed = float(native_number(set_here.native_threshold))
    again = evaluate_scores(file, Options(targets=(), threshold=printed, pool="all"), distance=distance)
    assert counted(again, 0) == found
    check_target(plain, set_here, distance)


def check_target(columns: dict[str, Any], point: results.OperatingPoint, distance: bool) -> None:
    """The laxest observed score whose FMR is within the target."""
    scores = columns["score"][~columns["mated"]].astype(np.float64) * (-1 if distance else 1)
    reach = [s for s in np.unique(scores) if (scores >= s).mean() <= 0.02]
    assert point.threshold == pytest.approx(reach[0], rel=1e-7)
    assert point.achieved_fmr == pytest.approx((scores >= reach[0]).mean(), rel=1e-12)


@pytest.mark.parametrize("kind", ["int16", "float16", "float32", "two decimals"])
def test_single_precision_is_used_where_it_is_enough(kind) -> None:
    score = columns_of(kind, 1)["score"]
    single = score.dtype in (np.float16, np.float32)
    assert in_precision(score.astype(np.float64), [0.5], single=single).dtype == np.float32
    assert in_precision(score.astype(np.float64), [0.5 + 1e-12], single=single).dtype == np.float64


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_short_forms_of_single_precision_are_written_alike(values) -> None:
    short = np.asarray([float(str(np.float32(value))) for value in values])
    assert written_alike(short)
    full = np.asarray(values, np.float64)
    assert written_alike(full) == bool((full == short).all())


def test_a_target_is_not_refused_for_a_tie_that_is_none(tmp_path: Path) -> None:
    """The highest scores differ in the ninth digit alone."""
    columns = columns_of("probabilities near 1", 3)
    e = evaluate_scores(file_of(columns, tmp_path, "csv"), Options(targets=(0.02, 0.01), pool="all"))
    assert [point.status for point in e.groupings[0].operating_points] == ["ok", "ok"]


def test_integers_that_double_precision_cannot_tell_apart_are_refused(tmp_path: Path) -> None:
    columns = columns_of("int64 above 2^24", 1)
    columns["score"] = columns["score"] + 2**60
    with pytest.raises(UserError, match="subtract a constant"):
        evaluate_scores(file_of(columns, tmp_path, "parquet"), Options())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_record_of_any_kind_of_score_is_whole(kind, tmp_path: Path) -> None:
    e = evaluate_scores(file_of(columns_of(kind, 5), tmp_path, "parquet"), Options(targets=(0.02,)))
    sweep = e.groupings[0].sweep
    assert sweep is not None
    assert np.isfinite(sweep.thresholds).all()
    assert (np.diff(sweep.thresholds) > 0).all()
    assert json.loads(results.to_json(e))["groupings"][0]["separation"][0]["d_prime"] is not None
