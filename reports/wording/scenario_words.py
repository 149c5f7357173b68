"""Words that the kinds of scenarios share."""

from __future__ import annotations

from faceparity.harness.results import Evaluation, ScenarioThreshold
from faceparity.reports.wording import numbers as f


def threshold_sentence(e: Evaluation, t: ScenarioThreshold | None) -> str:
    """Where the threshold is and where it comes from."""
    if t is None or t.threshold is None:
        return ""
    origins = {
        "target_fmr": f"set at FMR {f.target(t.target or 0)} of the run's pool",
        "target_fpir": f"set on these very searches, at FPIR {f.target(t.target or 0)} over everybody",
        "published": "as published by the model's authors",
        "fixed": "fixed in the scenario",
    }
    fmr = f"; the pool's FMR there is {f.percent(t.achieved_fmr)}" if t.achieved_fmr is not None else ""
    return f"One threshold for everybody: a match if {f.threshold(e.model, t.native_threshold)}, {origins[t.origin]}{fmr}."


def head_count(n: float) -> str:
    """An expected number of people: "889", "12", "0.53"; two digits below a hundred."""
    return f.significant(n, 3 if n >= 100 else 2)


def head_range(people: int, rate: float | None, interval: tuple[float, float] | None) -> str:
    """So many of `people`, with the interval: "12 [8.1–19]"; without one the number alone."""
    if rate is None:
        return f.DASH
    if interval is None:
        return head_count(people * rate)
    low, high = (head_count(people * x) for x in interval)
    return f"{head_count(people * rate)} [{low}–{high}]"
