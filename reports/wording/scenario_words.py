"""Words that the kinds of scenarios share."""

from __future__ import annotations

from faceparity.harness.results import Evaluation, ScenarioThreshold
from faceparity.reports.wording import numbers as f


def threshold_sentence(evaluation: Evaluation, threshold: ScenarioThreshold | None) -> str:
    """Return where the threshold is and comes from."""
    if threshold is None or threshold.threshold is None:
        return ""
    origins = {
        "target_fmr": f"set at FMR {f.target(threshold.target or 0)} of the run's pool",
        "target_fpir": f"set on these very searches, at FPIR {f.target(threshold.target or 0)} over everybody",
        "published": "as published by the model's authors",
        "fixed": "fixed in the scenario",
    }
    fmr = f"; the pool's FMR there is {f.percent(threshold.achieved_fmr)}" if threshold.achieved_fmr is not None else ""
    match = f.threshold(evaluation.model, threshold.native_threshold)
    return f"One threshold for everybody: a match if {match}, {origins[threshold.origin]}{fmr}."


def head_count(number: float) -> str:
    """Return an expected number of people: "889", "12", "0.53".

    Two significant digits below a hundred, three from there on.
    """
    return f.significant(number, 3 if number >= 100 else 2)


def head_range(people: int, rate: float | None, interval: tuple[float, float] | None) -> str:
    """Return a share of `people` with its interval: "12 [8.1–19]".

    Without an interval the number alone; a dash without a rate.
    """
    if rate is None:
        return f.DASH
    if interval is None:
        return head_count(people * rate)
    low, high = (head_count(people * bound) for bound in interval)
    return f"{head_count(people * rate)} [{low}–{high}]"
