"""Watchlists: a crowd walks past a camera and is compared with a list of people.

Rates are exact means over every list of the declared size and make-up; lists are drawn only to show how far apart they lie.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness import results
from faceparity.harness.comparisons.tally import Pairs
from faceparity.harness.groups.groupings import SampleGrouping, make_cells
from faceparity.harness.metrics.watchlist import predicted_fpir
from faceparity.harness.scenarios.base.context import ScenarioContext, base_fields, grouping_of, to_threshold
from faceparity.harness.scenarios.base.schema import ThresholdSource, Watchlist
from faceparity.harness.scenarios.watchlist.expected_alerts import F64, CrowdSearches, expected
from faceparity.harness.scenarios.watchlist.list_composition import ListComposition, make_lists
from faceparity.harness.scenarios.watchlist.study_population import (
    Study,
    make_study,
    matches,
    searches_of_frames,
    searches_of_images,
    with_frames,
)
from faceparity.harness.scenarios.watchlist.watchlist_figures import WatchlistQuestion, fmr_between, read
from faceparity.harness.verification.rates.verdict_rules import (
    target_is_refused,
    verdicts_are_withheld,
    why_not_confirmed,
    withhold,
)
from faceparity.harness.verification.threshold.threshold_pool import LEAST_EXPECTED_ERRORS

LARGEST_EXTRAPOLATED = 1_000_000
NEARLY_ALL = 0.999
"""FPIR over everybody from which longer lists say nothing more."""
STEPS = (1, 2, 5)
"""Sizes of the curve within each power of ten."""


def check(scenario: Watchlist, dataset: Dataset, groupings: Sequence[SampleGrouping]) -> None:
    """Check that the data has the list and crowd declared.

    As if no extraction failed. Raises UserError if it has not.
    """
    grouping = grouping_of(groupings, scenario.by)
    cells = make_cells([dataset.attributes[name] for name in groupings[-1].attributes], dataset.n_samples)
    study = make_study(grouping, cells, dataset.subjects, np.ones(dataset.n_samples, bool))
    make_lists(scenario, grouping.names, study.people)


def evaluate(scenario: Watchlist, context: ScenarioContext) -> results.WatchlistScenario:
    """Return the record of one watchlist.

    What the data do not allow is a reason instead.
    """
    grouping = context.grouping(scenario.by)
    has_template = context.templates.status == "ok"
    whole = make_study(grouping, context.cells, context.dataset.subjects, has_template)
    blank = results.WatchlistScenario.model_validate({**base_fields(scenario, grouping), **_declared(scenario, whole)})
    try:
        lists = make_lists(scenario, grouping.names, whole.people)
    except UserError as error:
        return blank.model_copy(update={"reason": "too_few_subjects", "detail": str(error)})
    study, lists, frames = _frames(scenario, whole, lists, grouping)
    question = WatchlistQuestion(scenario, grouping, study, lists, frames, context.seed, context.references)
    threshold = _threshold(scenario.threshold, context, question)
    blank = blank.model_copy(update={"threshold": threshold, "frames_measured": frames, "listed": int(lists.listed.sum())})
    if threshold.threshold is None:
        return blank.model_copy(update={"reason": threshold.reason or "other", "detail": _refusal(threshold)})
    if np.float32(threshold.threshold) < np.float32(context.evidence.tally.floor):
        return blank.model_copy(update={"reason": "below_ledger", "detail": _below_ledger_text(context)})
    return blank.model_copy(update=_measured(question, context, threshold))


def _declared(scenario: Watchlist, study: Study) -> dict[str, object]:
    def words(make_up: object) -> str:
        return make_up if isinstance(make_up, str) else "declared"

    return {
        "images": scenario.watchlist.images,
        "crowd": scenario.crowd.people,
        "frames": scenario.crowd.frames,
        "watchlisted": scenario.crowd.watchlisted,
        "make_up_listed": words(scenario.watchlist.make_up),
        "make_up_crowd": words(scenario.crowd.make_up),
        "unlabelled": study.unlabelled,
        "several_groups": study.several,
        "without_template": int(study.people_failed.sum()),
    }


def _frames(
    scenario: Watchlist, study: Study, lists: ListComposition, grouping: SampleGrouping
) -> tuple[Study, ListComposition, int]:
    """Return the people with enough images for the declared frames.

    Everybody and one frame, where that leaves too few of a group.
    """
    if scenario.crowd.frames == 1:
        return study, lists, 1
    fewer = with_frames(study, scenario.crowd.frames)
    try:
        smaller = make_lists(scenario, grouping.names, fewer.people)
    except UserError:
        return study, lists, 1
    same = int(smaller.listed.sum()) == int(lists.listed.sum())
    groups_stay_large = all(people >= 30 for people, before in zip(fewer.people, study.people, strict=True) if before >= 30)
    return (fewer, smaller, scenario.crowd.frames) if same and groups_stay_large else (study, lists, 1)


def _threshold(at: ThresholdSource, context: ScenarioContext, question: WatchlistQuestion) -> results.ScenarioThreshold:
    return context.threshold(at) if at.target_fpir is None else _at_fpir(at.target_fpir, context, question)


def _at_fpir(target: float, context: ScenarioContext, question: WatchlistQuestion) -> results.ScenarioThreshold:
    """Find the smallest observed score with FPIR ≤ target.

    FPIR is over the crowd.
    """
    sign, floor = context.card.score.sign, context.evidence.tally.floor
    study, lists = question.study, question.lists
    people = int(study.people[lists.crowd > 0].sum())
    if people * target < LEAST_EXPECTED_ERRORS:
        needs = math.ceil(LEAST_EXPECTED_ERRORS / target)
        return to_threshold("target_fpir", target, None, sign, None, "too_few_comparisons_for_target", needs)
    found = matches(study, context.evidence.tally, floor)
    scores = np.unique(found.score)

    def fpir(i: int) -> float:
        return overall_fpir(question, found.where(found.score >= scores[i]))

    if not scores.size or fpir(0) <= target:
        return to_threshold("target_fpir", target, None, sign, None, "below_ledger")
    if fpir(scores.size - 1) > target:
        return to_threshold("target_fpir", target, None, sign, None, "target_out_of_reach")
    above, within = 0, int(scores.size - 1)
    while within - above > 1:
        middle = (above + within) // 2
        above, within = (middle, within) if fpir(middle) > target else (above, middle)
    threshold = float(scores[within])
    if target_is_refused(_same_person_share(found, threshold, context), context.labelled):
        return to_threshold("target_fpir", target, None, sign, None, "mostly_same_person")
    record = to_threshold("target_fpir", target, threshold, sign, context.pool.fmr(context.evidence, threshold))
    return record.model_copy(update={"achieved_fpir": fpir(within)})


def _same_person_share(found: Pairs, threshold: float, context: ScenarioContext) -> float:
    """Return the share of likely same-person matches.

    They look like one person under two names; 0 where the model has no score for that.
    """
    at = found.score >= np.float32(threshold)
    if context.same_person is None or not at.any():
        return 0.0
    return float((found.score[at] >= np.float32(context.same_person)).mean())


def searches_of(question: WatchlistQuestion, found: Pairs) -> CrowdSearches:
    """Return the searches of the crowd that match anybody."""
    if question.frames == 1:
        return searches_of_images(question.study, found, question.every_image)
    return searches_of_frames(question.study, found, question.frames, question.every_image, question.seed)


def overall_fpir(question: WatchlistQuestion, found: Pairs) -> float:
    """Return the FPIR of the crowd, weighted by its shares."""
    means = expected(searches_of(question, found), question.study.group, question.lists.listed, jackknife=False).fpir
    chosen = question.lists.crowd > 0
    return float(question.lists.crowd[chosen] @ means[chosen])


def _refusal(threshold: results.ScenarioThreshold) -> str:
    if threshold.reason == "mostly_same_person":
        return "most matches at this target look like one person under two names: the set has no subject labels to tell"
    if threshold.reason == "below_ledger":
        return (
            "FPIR is below the target at every score that was kept: add a larger --target-fmr to the run, so that more are kept"
        )
    return ""


def _below_ledger_text(context: ScenarioContext) -> str:
    floor = context.evidence.tally.floor * context.card.score.sign
    return (
        f"the threshold lies below every comparison that was kept one by one (from {floor:g}, {context.card.score.unit}): "
        "add a larger --target-fmr to the run, so that more are kept, or name a stricter threshold"
    )


def _measured(question: WatchlistQuestion, context: ScenarioContext, threshold: results.ScenarioThreshold) -> dict[str, object]:
    """Return the figures at a threshold within the ledger."""
    assert threshold.threshold is not None
    found = matches(question.study, context.evidence.tally, threshold.threshold)
    mated = context.evidence.tally.mated_pairs
    conditional = threshold.origin in ("target_fmr", "target_fpir")
    fields = {
        "reading": read(question, found, searches_of(question, found), mated, threshold.threshold, conditional),
        "listed_images": question.listed_images,
        "draws": question.scenario.draws,
        "sizes": _sizes(question, found),
        "extrapolation": _extrapolation(question, found),
        "left_out_comparisons": len(context.evidence.tally.left_out_non_mated),
    }
    if context.same_person is not None:
        alike = found.score >= np.float32(context.same_person)
        fields["likely_same_person"] = int(alike.sum())
        if alike.any():
            kept = found.where(~alike)
            cleaned = read(question, kept, searches_of(question, kept), mated, threshold.threshold, conditional)
            fields["without_likely_same_person"] = cleaned
            fields["same_person_labelled"] = context.labelled
            if not context.labelled:
                fields["reading"] = _agreed_verdicts(fields["reading"], cleaned)  # type: ignore[arg-type]
            elif verdicts_are_withheld(float(alike.mean()), labelled=True):
                fields["reading"] = _no_verdicts(fields["reading"])  # type: ignore[arg-type]
    return fields


def _agreed_verdicts(first: results.WatchlistReading, second: results.WatchlistReading) -> results.WatchlistReading:
    """Return the first reading with only the verdicts both share."""
    other = {
        group_record.group: group_record.ratio.verdict if group_record.ratio is not None else None
        for group_record in second.groups
    }
    groups = []
    for group_record in first.groups:
        ratio = group_record.ratio
        if ratio is not None and ratio.verdict in ("higher", "lower") and other.get(group_record.group) != ratio.verdict:
            why = why_not_confirmed(other.get(group_record.group))
            ratio = ratio.model_copy(update={"verdict": "inconclusive", "reason": why})
        groups.append(group_record.model_copy(update={"ratio": ratio}))
    return first.model_copy(update={"groups": groups})


def _no_verdicts(reading: results.WatchlistReading) -> results.WatchlistReading:
    """Return a reading whose matches mostly look like one person."""
    groups = [
        group.model_copy(update={"ratio": group.ratio and withhold([group.ratio], "mostly_same_person")[0]})
        for group in reading.groups
    ]
    return reading.model_copy(update={"groups": groups})


def sizes_up_to(largest: int, wanted: int, groups: int) -> list[int]:
    """Return the list sizes of the curve, rising.

    1, 2 and 5 times every power of ten up to the largest, with the largest and the one declared. A list of fewer than two people
    for each of its groups can't have its make-up, so it is left out.
    """
    steps = [step * 10**power for power in range(7) for step in STEPS]
    return sorted(({size for size in steps if size >= 2 * groups} | {wanted, largest}) & set(range(1, max(largest, wanted) + 1)))


def _sizes(question: WatchlistQuestion, found: Pairs) -> list[results.WatchlistSize]:
    """Return FPIR at every size that the data supports.

    Measured, beside the formula's.
    """
    searches, fmr = searches_of(question, found), fmr_between(question.study, found)
    curve = []
    lists = question.lists
    for size in sizes_up_to(lists.largest, int(lists.listed.sum()), int((lists.shares > 0).sum())):
        at = replace(question, lists=replace(question.lists, listed=question.lists.of(size)))
        predicted = _predicted(at, fmr, at.images_listed)
        curve.append(results.WatchlistSize(people=size, groups=curve_at(at, found, searches, predicted)))
    return curve


def curve_at(
    question: WatchlistQuestion, found: Pairs, searches: CrowdSearches, predicted: list[float | None]
) -> list[results.WatchlistAt]:
    """Return FPIR by group, then of everybody, at one size."""
    rows = []
    for (name, rate), formula in zip(question.rates(found, searches), predicted, strict=True):
        rows.append(
            results.WatchlistAt(group=name, fpir=rate.rate, interval=rate.interval, predicted_fpir=formula, reason=rate.reason)
        )
    return rows


def _predicted(question: WatchlistQuestion, fmr: F64, listed: F64) -> list[float | None]:
    """Return predicted FPIR by group, then of everybody.

    By the formula, for the frames declared. listed: images of each group.
    """
    frames, crowd = question.scenario.crowd.frames, question.lists.crowd
    rates: list[float | None] = []
    for g in range(crowd.size):
        needed = fmr[g][listed > 0]
        shown = question.study.people[g] >= 30 and not np.isnan(needed).any()
        rates.append(predicted_fpir(fmr[g].tolist(), listed.tolist(), frames) if shown else None)
    each = [predicted_fpir(np.nan_to_num(fmr[g]).tolist(), listed.tolist(), frames) for g in range(crowd.size)]
    return [*rates, float(crowd @ np.asarray(each))]


def _extrapolation(question: WatchlistQuestion, found: Pairs) -> list[results.WatchlistSize]:
    """Return FPIR by the formula for lists longer than measured.

    These have more people than the data.
    """
    fmr = fmr_between(question.study, found)
    per_person = question.images_per_listed
    curve = []
    for size in (step * 10**power for power in range(7) for step in STEPS):
        if question.lists.largest < size <= LARGEST_EXTRAPOLATED:
            predicted = _predicted(question, fmr, size * question.lists.shares * per_person)
            names = [*question.grouping.names, "everybody"]
            groups = [results.WatchlistAt(group=name, predicted_fpir=rate) for name, rate in zip(names, predicted, strict=True)]
            curve.append(results.WatchlistSize(people=size, groups=groups))
            if (predicted[-1] or 0) > NEARLY_ALL:
                break
    return curve
