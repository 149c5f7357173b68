"""The three outcomes of a comparison of two rates in words: called; not called, because …; no difference beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from faceparity.harness.results import Contrast, FewErrors, OperatingPoint
from faceparity.harness.verification.rates.verdict_rules import Outcome, Verdict, outcome
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import verdict
from faceparity.reports.wording.verdicts.no_verdict import REASONS as WITHHELD

NO_DIFFERENCE = "no difference beyond chance"
NOT_CALLED = "not called"
CALLED = ("higher", "lower")


def outcome_words(said: Verdict, reason: str | None) -> str:
    """Return an outcome in a few words.

    "higher"; "lower"; "not called: no errors seen"; "no difference beyond chance".
    """
    found = outcome(said, reason)
    if found == "called":
        return said
    if found == "no_difference":
        return NO_DIFFERENCE
    why = f.contrast_reason(reason)
    return f"{NOT_CALLED}: {why}" if why else NOT_CALLED


def reason_of(contrast: Contrast, said: str) -> str | None:
    """Return why a contrast is not called.

    said: the verdict that stands. That readings differ, where only that takes the record's own away; else the record's reason.
    """
    return "readings_differ" if contrast.verdict in CALLED and said != contrast.verdict else contrast.reason


def outcome_of(point: OperatingPoint, contrast: Contrast) -> Outcome:
    """Return a contrast's outcome at a point."""
    said = verdict(point, contrast.measure, contrast.group)
    return outcome(said, reason_of(contrast, said))


def words_of(contrast: Contrast, said: Verdict) -> str:
    """Return a contrast's outcome in a few words; said: the verdict that stands."""
    return outcome_words(said, reason_of(contrast, said))


def ratio_words(ratio: float | None, interval: tuple[float, float] | None, few: FewErrors | None, higher: bool | None) -> str:
    """Return a ratio to the reference as a cell.

    "4.8× [1.8, 8.8]"; where the lower side has few errors "at least 6.2×", or "the reference at least 6.2×" where that is the higher
    side; a dash without either. higher: whether the group's rate was called the higher; None: not called.
    """
    if few is None:
        return f"{f.ratio(ratio)} {f.ratio_interval(interval)}" if interval else f.ratio(ratio)
    least = f"at least {f.ratio(few.at_least)}"
    return f.DASH if higher is None else least if higher else f"the reference {least}"


def ratio_of(contrast: Contrast, said: str) -> str:
    """Return a contrast's ratio as a cell; said: the verdict that stands."""
    return ratio_words(contrast.ratio, contrast.interval, contrast.few_errors, {"higher": True, "lower": False}.get(said))


def compared(contrast: Contrast, said: Verdict) -> str:
    """Return ratio and outcome as one cell.

    "4.8× [1.8, 8.8] higher"; the outcome alone without a ratio. said: the verdict that stands.
    """
    if contrast.reason in WITHHELD:
        return "no verdict"
    ratio, words = ratio_of(contrast, said), words_of(contrast, said)
    return words if ratio == f.DASH else f"{ratio} {words}"


def short_words(point: OperatingPoint, contrast: Contrast) -> str:
    """Return a contrast's outcome at a point without its reason."""
    said = verdict(point, contrast.measure, contrast.group)
    return {"called": str(said), "not_called": NOT_CALLED, "no_difference": NO_DIFFERENCE}[outcome_of(point, contrast)]


def counted(point: OperatingPoint, contrasts: Sequence[Contrast]) -> Counter[Outcome]:
    """Return how many contrasts have which outcome at a point."""
    return Counter(outcome_of(point, contrast) for contrast in contrasts)


def reasons(point: OperatingPoint, contrasts: Sequence[Contrast]) -> str:
    """Return what stands in the way of those not called, each once."""
    found = {
        f.contrast_reason(reason_of(contrast, verdict(point, contrast.measure, contrast.group)))
        for contrast in contrasts
        if outcome_of(point, contrast) == "not_called"
    }
    return ", ".join(sorted(found - {""}))
