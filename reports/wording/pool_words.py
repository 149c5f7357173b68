"""What a threshold rests on, and which of its errors look like one person, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness.results import Evaluation, OperatingPoint, PoolErrors, SamePerson
from faceparity.harness.verification.rates.verdict_rules import LEAST_OF_TARGET
from faceparity.reports.wording import numbers as f

FEWER = 5
"""Effective errors below which a pool's true rate is hardly known."""


def rests_on(evaluation: Evaluation, point: OperatingPoint) -> list[str]:
    """Return what a reader must know of the errors that set a threshold.

    How few they are, and who carries them; empty where they are enough and spread.
    """
    carried = point.pool_errors
    if carried is None:
        return []
    return [*_too_few(point, carried), *carried_by(evaluation, carried)]


def _too_few(point: OperatingPoint, carried: PoolErrors) -> Iterator[str]:
    """Yield how far the pool's true rate may be from a target.

    From simulation: the range that held 95 % of rates seen over true ones (VERDICTS: at 5 to 10 effective errors 0.35 to 1.8, at 2 to
    5 0.05 to 2.3).
    """
    few = carried.expected if carried.effective is None else min(carried.expected, carried.effective)
    if few >= LEAST_OF_TARGET or point.threshold is None:
        return
    far = "may be up to twenty times the target" if few < FEWER else "may be about half to three times the target"
    kind = "expected errors" if carried.effective is None or carried.expected < carried.effective else "effective errors"
    yield f"This threshold rests on {f.number(few, 2)} {kind}; the pool's true rate {far}{_interval(point)}. No verdict rests on it."


def _interval(point: OperatingPoint) -> str:
    """Return the interval of the pool's rate in brackets, where it has one."""
    rate = point.overall.fmr if point.overall is not None else None
    if rate is None or rate.interval is None:
        return ""
    low, high = (f.percent(end, 2) for end in rate.interval)
    return f" (95{f.NBSP}% interval of the rate seen: {low} to {high})"


def carried_by(evaluation: Evaluation, carried: PoolErrors) -> Iterator[str]:
    """Yield who carries more than a third of the pool's false matches."""
    if carried.share_of_one_pair is not None:
        which = "" if evaluation.model.score.kind == "supplied" else " `faceparity suspects` shows which."
        yield (
            f"One pair of people carries {_about(carried.share_of_one_pair)} of the pool's false matches: relatives, look-alikes, wrong "
            f"labels or one person twice.{which}"
        )
    if carried.group is not None and carried.share_of_group is not None:
        yield f"One group, {f.shorten(carried.group, 60)}, carries {_about(carried.share_of_group)} of the pool's false matches."


def _about(share: float) -> str:
    """Return a share that is known to the nearest tenth, in words."""
    return "nearly all" if share >= 1 else f"about {100 * share:.0f}{f.NBSP}%"


def pool_flags(points: Sequence[OperatingPoint]) -> list[str]:
    """Return in a few words what is wrong with the errors that set thresholds."""
    known = [point.pool_errors for point in points if point.pool_errors is not None]
    few = any(point.pool_errors is not None and list(_too_few(point, point.pool_errors)) for point in points)
    out = ["a threshold rests on few errors"] * few
    out += ["one pair of people carries many errors"] * any(carried.share_of_one_pair is not None for carried in known)
    return out + ["one group carries many errors"] * any(carried.group is not None for carried in known)


def has_repeats(point: OperatingPoint) -> bool:
    """Return whether a point's errors have probable repeats worth telling.

    On a set with subject labels also at a target that was refused.
    """
    same = point.same_person
    if same is None:
        return False
    refused = point.threshold is None and same.labelled and bool(same.share_of_pool_errors)
    return point.status == "contaminated" or point.without_likely_same_person is not None or refused


def repeats_flag(same: SamePerson, much: str) -> str:
    """Return what is said of probable repeats on the first screen.

    much: how much of the errors they are.
    """
    if not same.labelled:
        return f"{much} look like the same person twice. A verdict needs both readings, with and without."
    end = "They are most of them, so no verdict stands." if same.contaminated else "`faceparity suspects` shows which."
    return f"{much} look like the same person twice: one person under two ids, wrong labels, or relatives. {end}"
