"""What is said beside a claim's verdict: how its tests weight groups, what is contaminated, and how many tests there are."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.results import ClaimTest
from faceparity.reports.wording import numbers as f


def how_many(tests: Sequence[ClaimTest]) -> str:
    """Return how many tests there are, each counted once.

    tests: those made, of all claims and readings. One that several of them share is one test.
    """
    once = {_identity(test) for test in tests}
    shared = len(tests) - len(once)
    more = f" ({f.plural(shared, 'repeat')} in other claims or readings left out)" if shared else ""
    return f"{f.plural(len(once), 'test')} in all, each counted once{more}."


def _identity(test: ClaimTest) -> tuple[object, ...]:
    """Return what makes two tests one: groups, measure, design and thresholds.

    The same two groups the other way round are the same test at the same thresholds.
    """
    own = test.reference_threshold if test.reference_threshold is not None else test.threshold
    sides = sorted([(test.group, test.threshold), (test.reference, own)], key=str)
    return (test.attribute, *sides, test.measure, test.design, test.target_fmr)


def weighting(tests: Sequence[ClaimTest]) -> str:
    """Return how the other attributes were weighted, as a clause.

    Empty where the run has no others, and of a controlled experiment.
    """
    if any(test.design == "matched" for test in tests):
        return ", the other attributes weighted equally"
    return ", as sampled: not adjusted for the other attributes" if any(test.design == "as_sampled" for test in tests) else ""


def contamination(tests: Sequence[ClaimTest]) -> str:
    """Return which thresholds of tests are contaminated, in a sentence.

    And whether the tests were made without probable repeats of one person too; empty if none is.
    """
    found = [test for test in tests if test.same_person_share is not None]
    if not found:
        return ""
    share = max(test.same_person_share or 0.0 for test in found)
    both = all(test.ratio_without_repeats is not None for test in found)
    confirmed = "a call must hold without them too" if both else "it was not tested without them"
    which = "its threshold" if len(found) == 1 == len(tests) else f"the threshold of {f.count(len(found))} of these tests"
    return f" Contaminated: {f.percent(share, 2)} of the false matches that set {which} look like one person twice; {confirmed}."
