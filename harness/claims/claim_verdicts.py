"""Verdicts on stated claims, from the evidence of one model on one data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

from faceparity.harness import results
from faceparity.harness.claims.claim_file import ClaimedContrast, ClaimFile, Reading, StatedClaim
from faceparity.harness.claims.experiment_claims import experiment
from faceparity.harness.claims.group_pairs import ClaimedPair, Draft, Key, blank_of, is_attribute, key_of, pairs
from faceparity.harness.claims.verdicts import adjusted, reason_of, result_of, verdict_of
from faceparity.harness.groups.groupings import SampleGrouping, cells_of, is_withheld_within, subjects_per_group
from faceparity.harness.verification.one_threshold import PointContext, compared_estimates
from faceparity.harness.verification.operating_points import MeasurementPlan
from faceparity.harness.verification.per_group_threshold import (
    AtOwnThreshold,
    at_own_threshold,
    pool_of_group,
    ratio_at_own_thresholds,
    threshold_of_group,
)
from faceparity.harness.verification.rates import estimates as rates
from faceparity.harness.verification.rates.few_error_contrasts import flips_at, sides
from faceparity.harness.verification.rates.group_contrasts import Measured, compare, detectable, is_higher, lacking
from faceparity.harness.verification.rates.true_reasons import CELLS_TOO_SMALL
from faceparity.harness.verification.rates.verdict_rules import (
    CONTAMINATED_FROM,
    SHOWN_FROM,
    target_is_refused,
    too_few,
    verdicts_are_withheld,
)
from faceparity.harness.verification.same_person import same_person_share, without_same_person
from faceparity.harness.verification.threshold.target_threshold import FoundThreshold, find_threshold

Measure = Literal["fmr", "fnmr"]


@dataclass
class ClaimContext:
    """One model on one data set, with what the tests of claims share.

    points: of each grouping. more: attributes of the data set that the run left out.
    """

    setting: PointContext
    questions: MeasurementPlan
    groupings: Sequence[SampleGrouping]
    points: Sequence[Sequence[results.OperatingPoint]]
    paired: Sequence[results.Paired] = ()
    synthetic: bool = False
    more: Sequence[str] = ()
    _own: dict[tuple[str, int, float], AtOwnThreshold] = field(default_factory=dict)
    _estimates: dict[tuple[str, str, float, bool], Measured] = field(default_factory=dict)

    def single(self, attribute: str) -> int:
        """Return the index of the grouping by that attribute alone."""
        return next(index for index, grouping in enumerate(self.groupings) if grouping.attributes == (attribute,))

    @cached_property
    def clean(self) -> PointContext | None:
        """Without comparisons that look like one person; None where labels say who is who, or the model has no score for that."""
        if self.questions.same_person is None or self.questions.labelled:
            return None
        return without_same_person(self.setting, self.questions.same_person)

    def estimates(self, measure: Measure, attribute: str, threshold: float, *, clean: bool = False) -> Measured:
        """Return the rates of one attribute's groups at a threshold."""
        key = (measure, attribute, threshold, clean)
        if key not in self._estimates:
            setting = self.clean if clean and self.clean is not None else self.setting
            self._estimates[key] = compared_estimates(measure, self.groupings[self.single(attribute)], setting, threshold)
        return self._estimates[key]

    def own(self, chosen: str, group: str, target: float) -> AtOwnThreshold:
        """Return one group's FNMR at its own threshold."""
        grouping = self.groupings[self.single(chosen)]
        g = grouping.names.index(group)
        key = (chosen, g, target)
        if key not in self._own:
            self._own[key] = at_own_threshold(self.setting.evidence, grouping, g, target, self.setting.seed)
        return self._own[key]


def evaluate_claims(claims: Sequence[StatedClaim], context: ClaimContext) -> list[results.Claim]:
    """Evaluate every claim in both readings.

    Holm's adjustment is over all tests of all of them.
    """
    drafts = [
        (entry, [(name, reading, *_draft_tests(entry.claim, reading, context)) for name, reading in _readings(entry.claim)])
        for entry in claims
    ]
    p_by_key = [
        (draft.key, draft.test.p) for _, parts in drafts for *_, tests in parts for draft in tests if draft.key is not None
    ]
    family = Family(dict(p_by_key), adjusted(p_by_key))
    return [
        _claim(
            stated,
            [
                _reading(name, read_as, early, [_with_result(draft, read_as, family) for draft in tests])
                for name, read_as, early, tests in parts
            ],
        )
        for stated, parts in drafts
    ]


ReadingName = Literal["as_measured", "operational"]
Early = tuple[results.ClaimReason | None, str]


def _readings(claim: ClaimFile) -> list[tuple[ReadingName, Reading | None]]:
    return [("as_measured", claim.as_measured), ("operational", claim.operational)]


def _claim(stated: StatedClaim, readings: list[results.ClaimReading]) -> results.Claim:
    claim = stated.claim
    return results.Claim(
        name=claim.name, title=claim.title, sha256=stated.sha256, shipped=stated.shipped, about=claim.about,
        quotes=[results.ClaimQuote(**quote.model_dump()) for quote in claim.quotes], measures=claim.measures, hypothesis=claim.hypothesis,
        bears_out=claim.bears_out, contradicts=claim.contradicts, limits=claim.limits, readings=readings,
    )  # fmt: skip


def _reading(name: ReadingName, reading: Reading | None, early: Early, tests: list[results.ClaimTest]) -> results.ClaimReading:
    """Return a reading with its verdict.

    The verdict is of the tests, unless something stands in the way of any.
    """
    reason, detail = early
    verdict: results.ClaimVerdict = "not_testable" if reason else verdict_of([test.result for test in tests])
    if verdict == "not_testable" and reason is None:
        reason, detail = reason_of(tests)
    base = results.ClaimReading(
        reading=name, measure=None, expects=None, threshold=None, verdict=verdict, reason=reason, detail=detail, tests=tests
    )
    if reading is None:
        return base
    fields = {"measure": reading.measure, "expects": reading.expects, "threshold": reading.threshold, "note": reading.note}
    return base.model_copy(update=fields)


class Family(NamedTuple):
    """The p-values of all claims' tests by key, each once, and Holm's."""

    p: dict[Key, float | None]
    holm: dict[Key, float]


def _with_result(draft: Draft, reading: Reading | None, family: Family) -> results.ClaimTest:
    """Return the test with adjusted p, result and detectable ratio."""
    if draft.key is None or reading is None:
        return draft.test
    p_holm = family.holm[draft.key] if draft.test.p is not None else None
    result = result_of(reading.expects, draft.higher, p_holm, draft.gates)
    could = detectable(*draft.estimates, len(family.p), _design(draft.test)) if draft.estimates else None
    few = draft.test.few_errors
    if few is not None and draft.estimates is not None and result in ("as_claimed", "opposite"):
        higher, lower = ((side.errors, side.comparisons) for side in sides(*draft.estimates))
        rest = [p_value for key, p_value in family.p.items() if key != draft.key]
        few = few.model_copy(update={"flips_at": flips_at(few, rest, {"higher": higher, "lower": lower})})
    return draft.test.model_copy(update={"p_holm": p_holm, "result": result, "detectable_ratio": could, "few_errors": few})


def _design(test: results.ClaimTest) -> results.Design:
    """Return the design by which a test for few errors applies.

    At own thresholds none was checked.
    """
    return "within" if test.design == "within" and test.reference_threshold is None else "matched"


def _draft_tests(claim: ClaimFile, reading: Reading | None, context: ClaimContext) -> tuple[Early, list[Draft]]:
    """Return what prevents any verdict, and the tests possible anyway."""
    if claim.about == "people" and context.synthetic:
        return ("synthetic", ""), []
    if reading is None:
        return ("no_measure", ""), []
    if claim.about == "experiment":
        return experiment(claim, reading, context.paired)
    early, drafts = _possible_tests(claim, reading, context)
    return (("mated_not_above", "") if early[0] is None and context.setting.order.is_reversed else early), drafts


def _possible_tests(claim: ClaimFile, reading: Reading, context: ClaimContext) -> tuple[Early, list[Draft]]:
    if reading.measure == "fnmr" and not context.setting.evidence.tally.n_mated:
        return ("no_mated_pairs", ""), []
    early, chosen = choose(claim.contrasts, context)
    return early, [draft for pair in chosen for draft in _tests(pair, reading, context)]


def choose(contrasts: Sequence[ClaimedContrast], context: ClaimContext) -> tuple[Early, list[ClaimedPair]]:
    """Choose the pairs of groups that the claim names.

    By its own label; if the run has only another one for it, by that, with a reason why there is no verdict.
    """
    singles = [grouping for grouping in context.groupings if len(grouping.attributes) == 1]
    label = [contrast for contrast in contrasts if not contrast.proxy]
    labelled = list(dict.fromkeys(pair for contrast in label for pair in pairs(contrast, singles)))
    if labelled:
        return (None, ""), labelled
    wanted = sorted({contrast.attribute for contrast in label})
    proxies = list(dict.fromkeys(pair for contrast in contrasts if contrast.proxy for pair in pairs(contrast, singles)))
    if left := [attribute for attribute in context.more if any(is_attribute(attribute, label_name) for label_name in wanted)]:
        return ("not_grouped", f"--by {left[0]}"), proxies
    if proxies:
        return ("proxy_label", proxies[0].attribute), proxies
    return ("no_such_label", ", ".join(wanted)), []


def _tests(chosen: ClaimedPair, reading: Reading, context: ClaimContext) -> Iterator[Draft]:
    for target in dict.fromkeys(reading.targets):
        if reading.threshold == "own":
            draft = _test_at_own_thresholds(chosen, reading, target, context)
        elif reading.threshold == "reference":
            draft = _test_at_one_threshold(chosen, reading, target, context, _reference_thresholds(chosen, target, context))
        else:
            draft = _test_at_one_threshold(chosen, reading, target, context, _run_thresholds(chosen, target, context))
        yield _withheld(draft, chosen, context)


def _withheld(draft: Draft, chosen: ClaimedPair, context: ClaimContext) -> Draft:
    """Return the test without a verdict, where none is given at its thresholds."""
    order, test = context.setting.order, draft.test
    thresholds = [threshold for threshold in (test.threshold, test.reference_threshold) if threshold is not None]
    if draft.key is None or not thresholds:
        return draft
    found = next((why for threshold in thresholds if (why := order.withheld(threshold, is_target=True))), None)
    reversed_groups = order.reversed_groups(context.groupings[context.single(chosen.attribute)])
    reason = found.reason if found else "mated_not_above" if {chosen.group, chosen.reference} & reversed_groups else None
    return draft if reason is None else replace(draft, test=test.model_copy(update={"reason": reason}), gates=False)


@dataclass(frozen=True)
class Thresholds:
    """The one threshold of a test, and that of the second reading where subjects are not labelled.

    The second reading is without what looks like one person. clean: None where there is no second reading; without a threshold of
    its own it stands for one that can't be made. withheld: why no verdict may rest on the threshold.
    """

    found: FoundThreshold
    clean: FoundThreshold | None = None
    withheld: results.Reason | None = None
    same_person_share: float | None = None
    """Of the errors that set it, where it is contaminated."""


def _run_thresholds(chosen: ClaimedPair, target: float, context: ClaimContext) -> Thresholds:
    """Return the thresholds of the run's own operating point."""
    points = context.points[context.single(chosen.attribute)]
    point = next((candidate for candidate in points if candidate.origin == "target" and candidate.target_fmr == target), None)
    if point is None:
        return Thresholds(FoundThreshold(None, None, None, f"--target-fmr {target:g}"))
    found = FoundThreshold(point.threshold, point.achieved_fmr, point.reason, point.detail, point.needs_comparisons)
    # At a contaminated point both readings are compared instead.
    withheld = None if point.threshold is None or point.reason == "contaminated" else point.reason
    second = None if context.questions.labelled else point.without_likely_same_person
    clean = None if second is None else FoundThreshold(second.threshold, second.achieved_fmr)
    contaminated = None
    if point.same_person is not None and not context.questions.labelled:
        contaminated = _if_contaminated(point.same_person.share_of_pool_errors)
    return Thresholds(found, clean, withheld, contaminated)


def _if_contaminated(share: float | None) -> float | None:
    """Return a share of repeats above which a threshold is contaminated.

    None for a smaller one.
    """
    return share if share is not None and share > CONTAMINATED_FROM else None


def _reference_thresholds(chosen: ClaimedPair, target: float, context: ClaimContext) -> Thresholds:
    """Return a threshold set on the reference group's comparisons.

    They reach the target at it, in the design in which groups are compared.
    """
    setting, grouping = context.setting, context.groupings[context.single(chosen.attribute)]
    finest = None if grouping.attributes == setting.finest.attributes else setting.finest
    g = grouping.names.index(chosen.reference)
    if finest is not None and not _all_large(grouping, finest, g, setting):
        return Thresholds(FoundThreshold(None, None, "cells_too_small", _hint("cells_too_small", chosen)))
    pool = pool_of_group(setting.evidence, grouping, g, finest)
    found = threshold_of_group(pool, setting.evidence, target)
    same_person, labelled = context.questions.same_person, context.questions.labelled
    if found.threshold is None or same_person is None:
        return Thresholds(found)
    share = same_person_share(pool, setting.evidence, found.threshold, same_person)
    if target_is_refused(share, labelled):
        return Thresholds(FoundThreshold(None, None, "mostly_same_person"))
    if context.clean is None:
        return Thresholds(found, withheld="mostly_same_person" if verdicts_are_withheld(share, labelled) else None)
    second = find_threshold(pool, context.clean.evidence, target)
    return Thresholds(found, second, same_person_share=None if labelled else _if_contaminated(share))


def _all_large(grouping: SampleGrouping, finest: SampleGrouping, g: int, setting: PointContext) -> bool:
    """Return whether all cells of group g have enough people for matching."""
    sizes = subjects_per_group(finest, setting.evidence.cells, setting.evidence.subjects)
    large = all(sizes[cell] >= SHOWN_FROM for cell in cells_of(grouping, finest, g))
    return large and not is_withheld_within(grouping, finest, g)


def _test_at_one_threshold(chosen: ClaimedPair, reading: Reading, target: float, context: ClaimContext, at: Thresholds) -> Draft:
    """Test one group against its reference at one shared threshold."""
    assert reading.measure in ("fmr", "fnmr")
    measure: Measure = "fmr" if reading.measure == "fmr" else "fnmr"
    found, sign = at.found, context.setting.sign
    names = context.groupings[context.single(chosen.attribute)].names
    blank = blank_of(chosen, reading, target, "matched")
    if found.threshold is None:
        reason = found.reason or "target_not_asked"
        return Draft(blank.model_copy(update={"reason": reason, "detail": found.detail, "needs_comparisons": found.needs}))
    measured = context.estimates(measure, chosen.attribute, found.threshold)
    estimate, base = (measured.estimates[names.index(name)] for name in (chosen.group, chosen.reference))
    contrast = compare(measured, chosen.group, chosen.reference, estimate, base)
    conditional = measure == "fmr"
    test = blank.model_copy(
        update={
            "design": measured.design,
            "threshold": found.threshold,
            "native_threshold": found.threshold * sign,
            "rate": rates.to_rate(estimate, chosen.group, measured.design, conditional=conditional),
            "reference_rate": rates.to_rate(base, chosen.reference, measured.design, conditional=conditional),
            "same_person_share": at.same_person_share,
            "reason": contrast.reason,
        }
    )
    if contrast.verdict == "none":
        return Draft(test.model_copy(update={"detail": _hint(contrast.reason, chosen)}))
    key = key_of(chosen, reading, target)
    test = test.model_copy(
        update={
            "ratio": contrast.ratio,
            "interval": contrast.interval,
            "df": contrast.df,
            "p": contrast.p,
            "few_errors": contrast.few_errors,
            "result": "inconclusive",
        }
    )
    if contrast.p is None:
        return Draft(test, key, estimates=(estimate, base))
    missing = lacking(contrast, estimate, base)
    higher = is_higher(contrast, estimate, base)
    draft = Draft(_with_gates(test, missing), key, higher, missing is None, (estimate, base))
    if at.withheld is not None:
        return replace(draft, test=draft.test.model_copy(update={"reason": at.withheld}), gates=False)
    return draft if at.clean is None else _confirmed_without_same_person(draft, chosen, measure, at.clean, context)


def _hint(reason: results.Reason | None, chosen: ClaimedPair) -> str:
    """Return the option that helps where cells are too small.

    Empty for any other reason. Cells are those in which groups are matched on the other attributes.
    """
    return f"--by {chosen.attribute}" if reason in CELLS_TOO_SMALL else ""


def _with_gates(test: results.ClaimTest, missing: results.Reason | None) -> results.ClaimTest:
    return test if missing is None else test.model_copy(update={"reason": missing})


def _confirmed_without_same_person(
    draft: Draft, chosen: ClaimedPair, measure: Measure, clean: FoundThreshold, context: ClaimContext
) -> Draft:
    """Combine a test with that without likely same-person comparisons.

    Both must agree, so the larger p counts.
    """
    if clean.threshold is None:
        return replace(draft, test=draft.test.model_copy(update={"reason": "no_second_reading"}), gates=False)
    measured = context.estimates(measure, chosen.attribute, clean.threshold, clean=True)
    names = context.groupings[context.single(chosen.attribute)].names
    estimate, base = (measured.estimates[names.index(name)] for name in (chosen.group, chosen.reference))
    other = compare(measured, chosen.group, chosen.reference, estimate, base)
    if other.p is None or is_higher(other, estimate, base) != draft.higher:
        update = {"reason": "no_second_reading" if other.p is None else "readings_differ", "ratio_without_repeats": other.ratio}
        return replace(draft, test=draft.test.model_copy(update=update), gates=False)
    missing = lacking(other, estimate, base)
    test = draft.test.model_copy(update={"ratio_without_repeats": other.ratio, "p": max(draft.test.p or 0.0, other.p)})
    return replace(draft, test=_with_gates(test, missing), gates=draft.gates and missing is None)


def _test_at_own_thresholds(chosen: ClaimedPair, reading: Reading, target: float, context: ClaimContext) -> Draft:
    """Test one group against its reference at own thresholds.

    Each of the two has its own; as sampled.
    """
    sign = context.setting.sign
    grouping = context.groupings[context.single(chosen.attribute)]
    design: results.Design = "within" if grouping.attributes == context.setting.finest.attributes else "as_sampled"
    tested, base = (context.own(chosen.attribute, name, target) for name in (chosen.group, chosen.reference))
    test = blank_of(chosen, reading, target, design)
    for name, side in ((chosen.group, tested), (chosen.reference, base)):
        if side.found.threshold is None:
            return Draft(
                test.model_copy(
                    update={
                        "reason": side.found.reason,
                        "detail": side.found.detail or name,
                        "needs_comparisons": side.found.needs,
                    }
                )
            )
    thresholds = {
        "threshold": tested.found.threshold,
        "native_threshold": _native(tested.found.threshold, sign),
        "reference_threshold": base.found.threshold,
        "native_reference_threshold": _native(base.found.threshold, sign),
        "rate": rates.to_rate(tested.estimate, chosen.group, design),
        "reference_rate": rates.to_rate(base.estimate, chosen.reference, design),
        "same_person_share": _contaminated_own(chosen, (tested, base), context),
    }
    test = test.model_copy(update=thresholds)
    contrast = compare(Measured("fnmr", design, []), chosen.group, chosen.reference, tested.estimate, base.estimate)
    if contrast.verdict == "none":
        return Draft(test.model_copy(update={"reason": contrast.reason}))
    test = test.model_copy(update={"result": "inconclusive"})
    key, estimates = key_of(chosen, reading, target), (tested.estimate, base.estimate)
    ratio = ratio_at_own_thresholds(tested, base)
    if ratio is None:
        return Draft(test.model_copy(update={"reason": contrast.reason or "too_few_errors"}), key, estimates=estimates)
    missing = too_few(ratio.ratio, tested.estimate.effective_errors or 0.0, base.estimate.effective_errors or 0.0)
    fields = {"ratio": ratio.ratio, "interval": ratio.interval, "df": ratio.df, "p": ratio.p}
    return Draft(_with_gates(test.model_copy(update=fields), missing), key, ratio.ratio > 1, missing is None, estimates)


def _contaminated_own(chosen: ClaimedPair, sides: tuple[AtOwnThreshold, AtOwnThreshold], context: ClaimContext) -> float | None:
    """Return the larger share of repeats among the errors that set a threshold.

    Of those that are contaminated; None if neither is.
    """
    grouping, evidence = context.groupings[context.single(chosen.attribute)], context.setting.evidence
    same_person, shares = context.questions.same_person, []
    if same_person is None or context.questions.labelled:
        return None
    for name, side in zip((chosen.group, chosen.reference), sides, strict=True):
        pool = pool_of_group(evidence, grouping, grouping.names.index(name))
        assert side.found.threshold is not None
        shares.append(same_person_share(pool, evidence, side.found.threshold, same_person))
    return max((share for share in map(_if_contaminated, shares) if share is not None), default=None)


def _native(threshold: float | None, sign: int) -> float | None:
    return None if threshold is None else threshold * sign
