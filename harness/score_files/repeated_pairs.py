"""Rows that compare the same two samples: one counts for each pair, and scores that disagree need a rule."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.numba_cache import njit
from faceparity.harness.score_files.columns import I32
from faceparity.harness.score_files.source import Source

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Rule = Literal["mean", "first", "max"]
RULES: tuple[Rule, ...] = get_args(Rule)
WORDS: dict[Rule, str] = {"mean": "the mean score", "first": "the first score", "max": "the score that is most alike"}


class OneRowAPair(NamedTuple):
    """Rows to use, and their scores: bool[rows], float64[rows]. left_out: kind → rows that are not used."""

    keep: NDArray[np.bool_]
    score: F64
    left_out: dict[str, int]


def check_rule(name: str | None) -> Rule | None:
    """Return the rule of that name; None for none.

    Raises UserError for another name.
    """
    for rule in RULES:
        if name == rule:
            return rule
    if name is not None:
        raise UserError(f"--repeated {name}: use mean, first or max")
    return None


def one_row_a_pair(source: Source, a: I32, b: I32, score: F64, rule: Rule | None, *, distance: bool) -> OneRowAPair:
    """Choose one row for each pair of samples.

    No sample is compared with itself. Of a pair's rows those without a score count only where no other has one. Scores that
    differ are settled by the rule (max: the most alike). Raises UserError, with two rows, where there is none.
    """
    order, starts = _by_pair(a, b)
    keep, settled = np.ones(a.size, bool), score.copy()
    sign = -1.0 if distance else 1.0
    first, second, conflicts = _settle(order, starts, a == b, score, RULES.index(rule) if rule else 0, sign, keep, settled)
    if conflicts and rule is None:
        raise UserError(
            f"{source.row(second)}: the score of this pair is {score[second]!s}, but {score[first]!s} in row {source.number(first)} "
            f"({conflicts:,} such pairs); correct the file, or choose with --repeated mean, first or max"
        )
    repeated, itself = int((~keep).sum()), a == b
    return OneRowAPair(keep & ~itself, settled, {"with_itself": int(itself.sum()), "repeated": repeated})


def _by_pair(a: I32, b: I32) -> tuple[I64, I64]:
    """Return the rows by pair, in their order, and where each pair starts.

    The last start is the number of rows.
    """
    samples, rows = int(max(a.max(), b.max())) + 1, a.size
    if samples**2 * rows < 2**63:
        keys = _pairs_with_rows(a, b, samples)
        keys.sort()
        pairs, order = np.divmod(keys, rows)
    else:
        pairs = np.minimum(a, b).astype(np.int64) * samples + np.maximum(a, b)
        order = np.argsort(pairs, kind="stable")
        pairs = pairs[order]
    return order, np.concatenate([[0], np.flatnonzero(np.diff(pairs)) + 1, [rows]]).astype(np.int64)


@njit()
def _pairs_with_rows(a: I32, b: I32, samples: int) -> I64:
    """Return each row's pair and its number as one key.

    So sorting needs no second array.
    """
    keys = np.empty(a.size, np.int64)
    for k in range(a.size):
        keys[k] = (np.int64(min(a[k], b[k])) * samples + max(a[k], b[k])) * a.size + k
    return keys


@njit()
def _settle(
    order: I64, starts: I64, itself: NDArray[np.bool_], score: F64, rule: int, sign: float, keep: NDArray[np.bool_], settled: F64
) -> tuple[int, int, int]:
    """Keep one row for each pair, in place, with its score by the rule.

    Returns the first row that disagrees with an earlier one, after that one, and how many pairs disagree; -1 for no row.
    """
    first, second, conflicts = -1, -1, 0
    for pair in range(starts.size - 1):
        rows = order[starts[pair] : starts[pair + 1]]
        if rows.size == 1:
            continue
        keep[rows] = False
        scored = rows[~np.isnan(score[rows])]
        chosen = rows[0] if scored.size == 0 else scored[0]
        keep[chosen] = True
        if scored.size == 0 or itself[chosen]:
            continue
        values = np.sort(sign * score[scored])
        if values[0] == values[-1]:
            continue
        conflicts += 1
        other = scored[np.argmax(score[scored] != score[chosen])]
        if second < 0 or other < second:
            first, second = chosen, other
        if rule == 0:
            settled[chosen] = sign * (values.sum() / values.size)
        elif rule == 2:
            settled[chosen] = sign * values[-1]
    return first, second, conflicts
