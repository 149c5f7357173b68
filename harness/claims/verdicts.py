"""Verdicts from test results, by the same rules for every claim, model and data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Literal, TypeVar

from faceparity.harness.results import ClaimReason, ClaimResult, ClaimTest, ClaimVerdict
from faceparity.harness.verification.rates.verdict_rules import adjust, call

K = TypeVar("K", bound=Hashable)

ORDER: tuple[ClaimReason, ...] = (
    "no_mated_pairs", "no_cells", "cells_too_small", "cells_few_mated", "too_few_comparisons_for_target", "too_few_effective_errors",
    "target_out_of_reach",
    "mostly_same_person", "target_not_asked", "too_few_subjects", "group_undefined", "reference_undefined", "zero_comparisons",
    "not_grouped", "no_such_label", "every_comparison_wrong", "too_long_to_resample", "other",
)  # fmt: skip
"""The reasons why tests could not be made by priority: of several, the first here is given."""


def result_of(expects: Literal["higher", "lower"], higher: bool | None, p_holm: float | None, gates: bool) -> ClaimResult:
    """Return the result of one test.

    higher: whether the group's rate is above the reference's, None for neither; gates: enough errors on both sides, and both
    readings of a set without subject labels agree.
    """
    verdict = call(0.0 if higher is None else 1.0 if higher else -1.0, p_holm, gates)
    return "inconclusive" if verdict == "inconclusive" else "as_claimed" if verdict == expects else "opposite"


def verdict_of(results: Sequence[ClaimResult]) -> ClaimVerdict:
    """Return the verdict of a reading's tests.

    Any test past Holm counts: with all tests of all claims in one family, the chance that even one of them is past it by chance
    is at most 5 %.
    """
    count = Counter(results)
    if count["as_claimed"]:
        return "mixed" if count["opposite"] else "borne_out"
    if count["opposite"]:
        return "contradicted"
    return "inconclusive" if count["inconclusive"] else "not_testable"


def reason_of(tests: Sequence[ClaimTest]) -> tuple[ClaimReason | None, str]:
    """Return the foremost reason why no test was possible.

    With its detail. The order of reasons is `ORDER`; None if no test gives one.
    """
    refused = [test for test in tests if test.result == "not_testable" and test.reason is not None]
    if not refused:
        return None, ""
    first = min(refused, key=lambda test: ORDER.index(test.reason) if test.reason in ORDER else len(ORDER))
    return first.reason, first.detail


def adjusted(p_by_key: Sequence[tuple[K, float | None]]) -> dict[K, float]:
    """Adjust p values by Holm's method, each key once.

    A test that two claims share is one test. None: no test for want of errors, which stays in the family as p = 1.
    """
    family = dict(p_by_key)
    return dict(zip(family, adjust(list(family.values())), strict=True))
