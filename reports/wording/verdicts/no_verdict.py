"""Why no verdict is given where scores, labels or faces are probably not what they are taken for, and what to look at."""

from __future__ import annotations

from collections.abc import Iterator

from faceparity.harness.results import Evaluation, Grouping, OperatingPoint, Withheld
from faceparity.harness.verification.rates.verdict_rules import MATED_ABOVE_FROM
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest

REASONS = frozenset({"mated_not_above", "fnmr_over_half"})
"""Reasons of the record that stand for a verdict withheld."""

MIXED_FROM = 0.25
"""Share of pairs from which mated scores look like any others, rather than turned round."""
APART_FROM = 0.9
"""Share of pairs from which mated scores are apart enough for a target to be only too strict."""
SIMILARITIES = "the scores are similarities (leave --distance out)"


def why_withheld(evaluation: Evaluation, withheld: Withheld) -> str:
    """Return why there is no verdict, in sentences, with what is likely."""
    if withheld.reason == "mated_not_above":
        share = withheld.mated_above
        above = "score hardly" if share is not None and share > 0.5 else "do not score"
        text = (
            f"No verdict is given: images of one person {above} above images of two. Of a mated and a non-mated comparison "
            f"the mated one is the more alike in at most {f.percent(share, 2)} of such pairs, where chance gives one half."
        )
    else:
        missed = f.percent(withheld.errors / withheld.comparisons)
        text = (
            f"No verdict is given at this threshold: {f.count(withheld.errors)} of {f.count(withheld.comparisons)} mated comparisons "
            f"({missed}) fall below it, more than half."
        )
    return f"{text} {likely(evaluation, withheld.reason, withheld.mated_above)}"


def likely(evaluation: Evaluation, reason: str, mated_above: float | None = None) -> str:
    """Return what such scores usually come from, the likeliest first.

    mated_above: as the record has it; None: not known.
    """
    found = list(_causes(evaluation, reason, mated_above))
    return f"Likely: {'; '.join(found[:-1])}; or {found[-1]}." if len(found) > 1 else f"Likely: {found[0]}."


def _causes(evaluation: Evaluation, reason: str, mated_above: float | None) -> Iterator[str]:
    model, too_strict = evaluation.model, "the target is too strict for images as hard as these"
    if reason == "fnmr_over_half" and mated_above is not None and mated_above > APART_FROM:
        yield too_strict
    if model.score.kind == "supplied":
        if reason == "mated_not_above" and (mated_above is None or mated_above < MIXED_FROM):
            yield "the scores are distances (add --distance)" if model.score.sign == 1 else SIMILARITIES
        yield "rows say of the wrong person or image what they say (subject_a, subject_b, sample_a, sample_b, mated)"
    else:
        yield "the network is fed otherwise than in its training (the card's input: colour, mean, std, size, output), or score is wrong"
        if several := evaluation.extraction.several_faces:
            yield f"another face than the labelled person's is used in images with several ({f.count(several)} here)"
        yield "labels of people are wrong"
    if reason == "fnmr_over_half" and (mated_above is None or mated_above <= APART_FROM):
        yield too_strict


def of_everybody(evaluation: Evaluation) -> str:
    """Return why no threshold at all has a verdict; empty if some may have."""
    share = evaluation.comparisons.mated_above
    if share is None or share > MATED_ABOVE_FROM:
        return ""
    return why_withheld(evaluation, Withheld(reason="mated_not_above", mated_above=share, errors=0, comparisons=0))


def at_point(evaluation: Evaluation, point: OperatingPoint) -> str:
    """Return why this threshold alone has no verdict; empty if it may have."""
    if point.withheld is None or point.withheld.reason == "mated_not_above":
        return ""
    return why_withheld(evaluation, point.withheld)


def of_groups(evaluation: Evaluation, grouping: Grouping) -> str:
    """Return which groups have no verdict, and why.

    Empty if there are none, and where nobody has one.
    """
    if not grouping.groups_not_above or of_everybody(evaluation):
        return ""
    names = f.joined_or_counted([f.shorten(group, 60) for group in grouping.groups_not_above], "group", 8)
    reason = likely(evaluation, "mated_not_above")
    return f"No verdict is given on {names}: there images of one person score no higher than images of two, or hardly. {reason}"


def first_screen(evaluation: Evaluation) -> list[str]:
    """Return all that stands in the way of verdicts.

    Of everybody; else at each threshold of the finest grouping, and by group.
    """
    if whole := of_everybody(evaluation):
        return [whole]
    at = [(point, at_point(evaluation, point)) for point in finest(evaluation).operating_points]
    out = [f"{f.sentence(f.point_name(point))}: {text[0].lower()}{text[1:]}" for point, text in at if text]
    return out + list(dict.fromkeys(text for grouping in evaluation.groupings if (text := of_groups(evaluation, grouping))))
