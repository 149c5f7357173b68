"""Rates told in people: so many of 10,000."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faceparity.harness.results import Rate, ScenarioRatio
from faceparity.reports.wording import numbers as f

CALLED = {"higher": "higher", "lower": "lower", "inconclusive": "not told apart", "none": "not compared"}


def scale(rates: Sequence[Rate]) -> int:
    """Of how many people a table tells: 10,000; a million where some shown rate is under one in 10,000."""
    shown = [r.rate for r in rates if r.rate]
    return 1_000_000 if shown and min(shown) < 1e-4 else 10_000


def people(r: Rate, of: int) -> str:
    """ "179 [100, 317]"; "≤ 648" for few errors; "none seen, ≤ 1,111"; why not, where suppressed. Per `of` people."""
    if r.status == "suppressed":
        return f.suppressed(r)
    if r.bounds is not None:
        return f"none seen, ≤{f.NBSP}{_whole(r.bounds.worst_case * of)}"
    if r.status == "bound" and r.interval is not None:
        return f"{_whole((r.rate or 0) * of)}, ≤{f.NBSP}{_whole(r.interval[1] * of)}"
    told = _whole((r.rate or 0) * of)
    return told if r.interval is None else f"{told} [{_whole(r.interval[0] * of)},{f.NBSP}{_whole(r.interval[1] * of)}]"


def about(r: Rate, of: int) -> str:
    """In a sentence, whatever follows: "about 179 (95 %: 100 to 317)"; "at most 648 (39 as measured, from too few errors)"."""
    if r.status == "suppressed":
        return f"an unknown number ({f.suppressed(r)})"
    if r.bounds is not None:
        return f"at most {_whole(r.bounds.worst_case * of)} (none seen)"
    if r.status == "bound" and r.interval is not None:
        return f"at most {_whole(r.interval[1] * of)} ({_whole((r.rate or 0) * of)} as measured, from too few errors)"
    told = f"about {_whole((r.rate or 0) * of)}"
    return told if r.interval is None else f"{told} (95 %: {_whole(r.interval[0] * of)} to {_whole(r.interval[1] * of)})"


def _whole(x: float) -> str:
    return f.count(round(x)) if x >= 10 or x == 0 else f.significant(x, 2)


def share(value: float | None, interval: tuple[float, float] | None = None) -> str:
    """A share with its interval."""
    return f.percent(value) if interval is None else f"{f.percent(value)} {f.percent_interval(interval)}"


def verdict(r: ScenarioRatio | Any) -> str:
    """ "higher: 2.6× [1.2, 5.4]"; "not told apart from WHITE"."""
    ratio = "" if r.ratio is None else f": {f.ratio(r.ratio)} {f.ratio_interval(r.interval)}"
    why = f" ({f.contrast_reason(r.reason)})" if r.reason and r.ratio is None else ""
    return f"{CALLED[r.verdict]}{ratio}{why}"


def told_apart(called: Sequence[tuple[str, ScenarioRatio]], what: str) -> str:
    """Which groups' rates differ from the reference's, in a sentence; that none can be told where none does. what: "rate of misses"."""
    found = [(g, r) for g, r in called if r.verdict in ("higher", "lower")]
    tried = [(g, r) for g, r in called if r.verdict == "inconclusive"]
    if not found:
        return f"From these data no group's {what} can be told from that of {f.clean(tried[0][1].reference)}." if tried else ""
    each = [f"{f.clean(g)} {f.ratio(r.ratio)} {f.ratio_interval(r.interval)}" for g, r in found]
    rest = " For the other groups no difference can be told." if tried else ""
    return f"{f.sentence(what)}, compared with {f.clean(found[0][1].reference)}: {'; '.join(each)}.{rest}"


def grouped(rows: Sequence[tuple[Rate, list[str]]], one: str = "group") -> tuple[list[list[str]], str]:
    """The rows whose rate is shown, and how many are not, for a caption."""
    shown = [row for r, row in rows if r.status != "suppressed"]
    hidden = len(rows) - len(shown)
    return shown, f" ({f.plural(hidden, one)} of fewer than 30 people not shown)" if hidden else ""
