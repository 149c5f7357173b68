"""Rates as natural frequencies: a number of people out of 10,000."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faceparity.harness.results import Rate, ScenarioRatio
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.verdicts.outcomes import outcome_words


def scale(rates: Sequence[Rate]) -> int:
    """Return out of how many people rates are given.

    10,000; a million where some shown rate is under one in 10,000.
    """
    shown = [rate.rate for rate in rates if rate.rate]
    return 1_000_000 if shown and min(shown) < 1e-4 else 10_000


def people(rate: Rate, out_of: int) -> str:
    """Return a rate as a number of people.

    Per `out_of` people: "179 [100, 317]"; "≤ 648" for few errors; "none seen, ≤ 1,111"; why not, where suppressed.
    """
    if rate.status == "suppressed":
        return f.suppressed(rate)
    if rate.bounds is not None:
        return f"none seen, ≤{f.NBSP}{_rounded((rate.upper or 0.0) * out_of)}"
    if rate.status == "bound" and rate.interval is not None:
        return f"{_rounded((rate.rate or 0) * out_of)}, ≤{f.NBSP}{_rounded(rate.interval[1] * out_of)}"
    text = _rounded((rate.rate or 0) * out_of)
    return (
        text
        if rate.interval is None
        else f"{text} [{_rounded(rate.interval[0] * out_of)},{f.NBSP}{_rounded(rate.interval[1] * out_of)}]"
    )


def about(rate: Rate, out_of: int) -> str:
    """Return a rate as a number of people, for sentences.

    "about 179 (95 %: 100 to 317)"; "at most 648 (39 as measured, from too few errors)". Per `out_of` people; fits before any text.
    """
    if rate.status == "suppressed":
        return f"an unknown number ({f.suppressed(rate)})"
    if rate.bounds is not None:
        return f"at most {_rounded((rate.upper or 0.0) * out_of)} (none seen)"
    if rate.status == "bound" and rate.interval is not None:
        return f"at most {_rounded(rate.interval[1] * out_of)} ({_rounded((rate.rate or 0) * out_of)} as measured, from too few errors)"
    text = f"about {_rounded((rate.rate or 0) * out_of)}"
    return (
        text
        if rate.interval is None
        else f"{text} (95 %: {_rounded(rate.interval[0] * out_of)} to {_rounded(rate.interval[1] * out_of)})"
    )


def _rounded(value: float) -> str:
    """Return a whole number; below ten two significant digits."""
    return f.count(round(value)) if value >= 10 or value == 0 else f.significant(value, 2)


def share(value: float | None, interval: tuple[float, float] | None = None) -> str:
    """Return a share with its interval."""
    return f.percent(value) if interval is None else f"{f.percent(value)} {f.percent_interval(interval)}"


def verdict(contrast: ScenarioRatio | Any) -> str:
    """Return a contrast's ratio and outcome.

    "2.6× [1.2, 5.4] higher"; without a ratio the outcome alone.
    """
    ratio = "" if contrast.ratio is None else f"{f.ratio(contrast.ratio)} {f.ratio_interval(contrast.interval)} "
    return f"{ratio}{outcome_words(contrast.verdict, contrast.reason)}"


def contrast_sentence(called: Sequence[tuple[str, ScenarioRatio]], what: str) -> str:
    """Return which groups' rates differ from the reference's.

    In a sentence; that no difference can be told where there is none. what: "rate of misses".
    """
    found = [(group, contrast) for group, contrast in called if contrast.verdict in ("higher", "lower")]
    tried = [(group, contrast) for group, contrast in called if contrast.verdict == "inconclusive"]
    if not found:
        return f"From these data no group's {what} can be told from that of {f.clean(tried[0][1].reference)}." if tried else ""
    each = [f"{f.clean(group)} {f.ratio(contrast.ratio)} {f.ratio_interval(contrast.interval)}" for group, contrast in found]
    rest = " For the other groups no difference can be told." if tried else ""
    return f"{f.sentence(what)}, compared with {f.clean(found[0][1].reference)}: {'; '.join(each)}.{rest}"


def grouped(rows: Sequence[tuple[Rate, list[str]]], one: str = "group") -> tuple[list[list[str]], str]:
    """Return the rows that are shown, and a note.

    The note says, for a caption, how many rows have a suppressed rate.
    """
    shown = [row for rate, row in rows if rate.status != "suppressed"]
    hidden = len(rows) - len(shown)
    return shown, f" ({f.plural(hidden, one)} of fewer than 30 people not shown)" if hidden else ""
