"""What people claim, tested on one model and data set: from stated claims and evidence to the record's verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from faceparity.harness import results
from faceparity.harness.claims.claim_file import ClaimFile, Contrasted, Reading, Stated
from faceparity.harness.claims.experiment_claims import experiment
from faceparity.harness.claims.group_pairs import ClaimedPair, Draft, Key, blank_of, is_attribute, key_of, pairs
from faceparity.harness.claims.verdicts import adjusted, reason_of, result_of, verdict_of
from faceparity.harness.groups.groupings import SampleGrouping, cells_of, subjects_per_group
from faceparity.harness.verification.one_threshold import PointContext, compared_estimates
from faceparity.harness.verification.operating_points import Questions, cleaned, same_person_share
from faceparity.harness.verification.per_group_threshold import (
    AtOwnThreshold,
    at_own_threshold,
    pool_of_group,
    ratio_at_own_thresholds,
    threshold_of_group,
)
from faceparity.harness.verification.rates import estimates as rates
from faceparity.harness.verification.rates.group_contrasts import Measured, compare, detectable
from faceparity.harness.verification.rates.verdict_rules import REFUSED_FROM, SHOWN_FROM, enough_errors
from faceparity.harness.verification.threshold.threshold_pool import FoundThreshold, find_threshold

Measure = Literal["fmr", "fnmr"]


@dataclass
class Bench:
    """One model on one data set, ready to be asked. points: of each grouping. more: attributes of the data set that the run left out."""

    setting: PointContext
    questions: Questions
    groupings: Sequence[SampleGrouping]
    points: Sequence[Sequence[results.OperatingPoint]]
    paired: Sequence[results.Paired] = ()
    synthetic: bool = False
    more: Sequence[str] = ()
    _own: dict[tuple[str, int, float], AtOwnThreshold] = field(default_factory=dict)
    _estimates: dict[tuple[str, str, float, bool], Measured] = field(default_factory=dict)

    def single(self, attribute: str) -> int:
        """Which grouping is by that attribute alone."""
        return next(i for i, g in enumerate(self.groupings) if g.attributes == (attribute,))

    @cached_property
    def clean(self) -> PointContext | None:
        """Without comparisons that look like one person; None where subjects are labelled."""
        return None if self.questions.same_person is None else cleaned(self.setting, self.questions)

    def estimates(self, measure: Measure, attribute: str, threshold: float, *, clean: bool = False) -> Measured:
        """Rates by which the groups of one attribute are compared at a threshold."""
        key = (measure, attribute, threshold, clean)
        if key not in self._estimates:
            setting = self.clean if clean and self.clean is not None else self.setting
            self._estimates[key] = compared_estimates(measure, self.groupings[self.single(attribute)], setting, threshold)
        return self._estimates[key]

    def own(self, chosen: str, group: str, target: float) -> AtOwnThreshold:
        """One group at its own threshold."""
        grouping = self.groupings[self.single(chosen)]
        g = grouping.names.index(group)
        key = (chosen, g, target)
        if key not in self._own:
            self._own[key] = at_own_threshold(self.setting.evidence, grouping, g, target, self.setting.seed)
        return self._own[key]


def evaluate_claims(claims: Sequence[Stated], bench: Bench) -> list[results.Claim]:
    """Every claim in both readings; Holm over all tests of all of them."""
    drafts = [(s, [(name, reading, *_prepare(s.claim, reading, bench)) for name, reading in _readings(s.claim)]) for s in claims]
    family = adjusted([(d.key, d.test.p) for _, parts in drafts for *_, tests in parts for d in tests if d.key is not None])
    return [
        _claim(stated, [_reading(name, r, early, [_settled(d, r, family) for d in tests]) for name, r, early, tests in parts])
        for stated, parts in drafts
    ]


ReadingName = Literal["as_measured", "operational"]
Early = tuple[results.ClaimReason | None, str]


def _readings(claim: ClaimFile) -> list[tuple[ReadingName, Reading | None]]:
    return [("as_measured", claim.as_measured), ("operational", claim.operational)]


def _claim(stated: Stated, readings: list[results.ClaimReading]) -> results.Claim:
    c = stated.claim
    return results.Claim(
        name=c.name, title=c.title, sha256=stated.sha256, shipped=stated.shipped, about=c.about,
        quotes=[results.ClaimQuote(**q.model_dump()) for q in c.quotes], measures=c.measures, hypothesis=c.hypothesis,
        bears_out=c.bears_out, contradicts=c.contradicts, limits=c.limits, readings=readings,
    )  # fmt: skip


def _reading(name: ReadingName, reading: Reading | None, early: Early, tests: list[results.ClaimTest]) -> results.ClaimReading:
    """The verdict: of the tests, unless something stands in the way of any."""
    reason, detail = early
    verdict: results.ClaimVerdict = "not_testable" if reason else verdict_of([t.result for t in tests])
    if verdict == "not_testable" and reason is None:
        reason, detail = reason_of(tests)
    base = results.ClaimReading(
        reading=name, measure=None, expects=None, threshold=None, verdict=verdict, reason=reason, detail=detail, tests=tests
    )
    if reading is None:
        return base
    told = {"measure": reading.measure, "expects": reading.expects, "threshold": reading.threshold, "note": reading.note}
    return base.model_copy(update=told)


def _settled(d: Draft, reading: Reading | None, family: dict[Key, float]) -> results.ClaimTest:
    """The test with its adjusted p, its result and what it could have detected."""
    if d.key is None or reading is None:
        return d.test
    p = family[d.key] if d.test.p is not None else None
    result = result_of(reading.expects, d.higher, p, d.gates)
    could = detectable(*d.estimates, len(family)) if d.estimates else None
    return d.test.model_copy(update={"p_holm": p, "result": result, "detectable_ratio": could})


def _prepare(claim: ClaimFile, reading: Reading | None, bench: Bench) -> tuple[Early, list[Draft]]:
    """What stands in the way of any verdict, and the tests that can be made all the same."""
    if claim.about == "people" and bench.synthetic:
        return ("synthetic", ""), []
    if reading is None:
        return ("no_measure", ""), []
    if claim.about == "experiment":
        return experiment(claim, reading, bench.paired)
    if reading.measure == "fnmr" and not bench.setting.evidence.tally.n_mated:
        return ("no_mated_pairs", ""), []
    early, chosen = choose(claim.contrasts, bench)
    return early, [d for c in chosen for d in _tests(c, reading, bench)]


def choose(contrasts: Sequence[Contrasted], bench: Bench) -> tuple[Early, list[ClaimedPair]]:
    """The pairs of groups that the claim names, by its own label; if the run has only another one for it, by that, and no verdict."""
    singles = [g for g in bench.groupings if len(g.attributes) == 1]
    label = [c for c in contrasts if not c.proxy]
    own = [x for c in label for x in pairs(c, singles)]
    if own:
        return (None, ""), own
    wanted = sorted({c.attribute for c in label})
    proxies = [x for c in contrasts if c.proxy for x in pairs(c, singles)]
    if left := [a for a in bench.more if any(is_attribute(a, w) for w in wanted)]:
        return ("not_grouped", f"--by {left[0]}"), proxies
    if proxies:
        return ("proxy_label", proxies[0].attribute), proxies
    return ("no_such_label", ", ".join(wanted)), []


def _tests(chosen: ClaimedPair, reading: Reading, bench: Bench) -> Iterator[Draft]:
    for target in reading.targets:
        if reading.threshold == "own":
            yield _own(chosen, reading, target, bench)
        elif reading.threshold == "reference":
            yield _one(chosen, reading, target, bench, _set_on_reference(chosen, target, bench))
        else:
            yield _one(chosen, reading, target, bench, _of_run(chosen, target, bench))


@dataclass(frozen=True)
class Thresholds:
    """The one threshold, and where subjects are not labelled that of the reading without what looks like one person.

    clean: None where there is no second reading; without a threshold of its own it stands for one that can't be made.
    """

    found: FoundThreshold
    clean: FoundThreshold | None = None


def _of_run(chosen: ClaimedPair, target: float, bench: Bench) -> Thresholds:
    """The run's own operating point."""
    points = bench.points[bench.single(chosen.attribute)]
    point = next((p for p in points if p.origin == "target" and p.target_fmr == target), None)
    if point is None:
        return Thresholds(FoundThreshold(None, None, None, f"--target-fmr {target:g}"))
    found = FoundThreshold(point.threshold, point.achieved_fmr, point.reason, point.detail, point.needs_comparisons)
    second = point.without_likely_same_person
    return Thresholds(found, None if second is None else FoundThreshold(second.threshold, second.achieved_fmr))


def _set_on_reference(chosen: ClaimedPair, target: float, bench: Bench) -> Thresholds:
    """A threshold at which the reference group's own comparisons reach the target, in the design in which groups are compared."""
    setting, grouping = bench.setting, bench.groupings[bench.single(chosen.attribute)]
    finest = None if grouping.attributes == setting.finest.attributes else setting.finest
    g = grouping.names.index(chosen.reference)
    if finest is not None and not _large(cells_of(grouping, finest, g), finest, setting):
        return Thresholds(FoundThreshold(None, None, "cells_too_small", _hint("cells_too_small", chosen)))
    pool = pool_of_group(setting.evidence, grouping, g, finest)
    found = threshold_of_group(pool, setting.evidence, target)
    if found.threshold is None or bench.clean is None:
        return Thresholds(found)
    share = same_person_share(found.threshold, replace(setting, pool=pool), bench.questions)
    if share is not None and share > REFUSED_FROM:
        return Thresholds(FoundThreshold(None, None, "mostly_same_person"))
    return Thresholds(found, find_threshold(pool, bench.clean.evidence, target))


def _large(cells: Sequence[int], finest: SampleGrouping, setting: PointContext) -> bool:
    """Whether each of these cells has as many people as groups are matched on."""
    sizes = subjects_per_group(finest, setting.evidence.cells, setting.evidence.subjects)
    return all(sizes[c] >= SHOWN_FROM and not finest.merged[c] for c in cells)


def _one(chosen: ClaimedPair, reading: Reading, target: float, bench: Bench, at: Thresholds) -> Draft:
    """One group against one reference at one threshold for both."""
    assert reading.measure in ("fmr", "fnmr")
    measure: Measure = "fmr" if reading.measure == "fmr" else "fnmr"
    found, sign = at.found, bench.setting.sign
    names = bench.groupings[bench.single(chosen.attribute)].names
    blank = blank_of(chosen, reading, target, "matched")
    if found.threshold is None:
        reason = found.reason or "target_not_asked"
        return Draft(blank.model_copy(update={"reason": reason, "detail": found.detail, "needs_comparisons": found.needs}))
    measured = bench.estimates(measure, chosen.attribute, found.threshold)
    a, b = (measured.estimates[names.index(n)] for n in (chosen.group, chosen.reference))
    contrast = compare(measured, chosen.group, chosen.reference, a, b)
    conditional = measure == "fmr"
    test = blank.model_copy(
        update={
            "design": measured.design,
            "threshold": found.threshold,
            "native_threshold": found.threshold * sign,
            "rate": rates.to_rate(a, chosen.group, measured.design, conditional=conditional),
            "reference_rate": rates.to_rate(b, chosen.reference, measured.design, conditional=conditional),
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
            "result": "inconclusive",
        }
    )
    if contrast.ratio is None:
        return Draft(test, key, estimates=(a, b))
    gates = enough_errors(contrast.ratio, a.effective_errors or 0.0, b.effective_errors or 0.0)
    draft = Draft(_gated(test, gates), key, contrast.ratio > 1, gates, (a, b))
    return draft if at.clean is None else _both(draft, chosen, measure, at.clean, bench)


def _hint(reason: results.Reason | None, chosen: ClaimedPair) -> str:
    """What would help where cells are too small to match groups on the other attributes."""
    return f"--by {chosen.attribute}" if reason == "cells_too_small" else ""


def _gated(test: results.ClaimTest, gates: bool) -> results.ClaimTest:
    return test if gates else test.model_copy(update={"reason": "too_few_errors"})


def _both(draft: Draft, chosen: ClaimedPair, measure: Measure, clean: FoundThreshold, bench: Bench) -> Draft:
    """The same without comparisons that look like one person: both must say it, so the larger p counts."""
    apart = draft.test.model_copy(update={"reason": "readings_differ"})
    if clean.threshold is None:
        return replace(draft, test=apart, gates=False)
    measured = bench.estimates(measure, chosen.attribute, clean.threshold, clean=True)
    names = bench.groupings[bench.single(chosen.attribute)].names
    a, b = (measured.estimates[names.index(n)] for n in (chosen.group, chosen.reference))
    other = compare(measured, chosen.group, chosen.reference, a, b)
    if other.ratio is None or other.p is None or (other.ratio > 1) != draft.higher:
        return replace(draft, test=apart.model_copy(update={"ratio_without_repeats": other.ratio}), gates=False)
    enough = enough_errors(other.ratio, a.effective_errors or 0.0, b.effective_errors or 0.0)
    update = {"ratio_without_repeats": other.ratio, "p": max(draft.test.p or 0.0, other.p)}
    return replace(draft, test=_gated(draft.test.model_copy(update=update), draft.gates and enough), gates=draft.gates and enough)


def _own(chosen: ClaimedPair, reading: Reading, target: float, bench: Bench) -> Draft:
    """Both groups, each at its own threshold, as sampled."""
    sign = bench.setting.sign
    grouping = bench.groupings[bench.single(chosen.attribute)]
    design: results.Design = "within" if grouping.attributes == bench.setting.finest.attributes else "as_sampled"
    a, b = (bench.own(chosen.attribute, name, target) for name in (chosen.group, chosen.reference))
    test = blank_of(chosen, reading, target, design)
    for name, side in ((chosen.group, a), (chosen.reference, b)):
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
        "threshold": a.found.threshold,
        "native_threshold": _native(a.found.threshold, sign),
        "reference_threshold": b.found.threshold,
        "native_reference_threshold": _native(b.found.threshold, sign),
        "rate": rates.to_rate(a.estimate, chosen.group, design),
        "reference_rate": rates.to_rate(b.estimate, chosen.reference, design),
    }
    test = test.model_copy(update=thresholds)
    contrast = compare(Measured("fnmr", design, []), chosen.group, chosen.reference, a.estimate, b.estimate)
    if contrast.verdict == "none":
        return Draft(test.model_copy(update={"reason": contrast.reason}))
    test = test.model_copy(update={"result": "inconclusive"})
    key, estimates = key_of(chosen, reading, target), (a.estimate, b.estimate)
    ratio = ratio_at_own_thresholds(a, b)
    if ratio is None:
        return Draft(test.model_copy(update={"reason": contrast.reason or "too_few_errors"}), key, estimates=estimates)
    gates = enough_errors(ratio.ratio, a.estimate.effective_errors or 0.0, b.estimate.effective_errors or 0.0)
    told = {"ratio": ratio.ratio, "interval": ratio.interval, "df": ratio.df, "p": ratio.p}
    return Draft(_gated(test.model_copy(update=told), gates), key, ratio.ratio > 1, gates, estimates)


def _native(threshold: float | None, sign: int) -> float | None:
    return None if threshold is None else threshold * sign
