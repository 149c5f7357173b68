"""Searches of everybody in galleries of the others.

They end with a list of candidates (`search`), or with the first of them alone (`gallery`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.scenarios.base.context import ScenarioContext, base_fields, grouping_of
from faceparity.harness.scenarios.base.context import to_threshold as recorded_threshold
from faceparity.harness.scenarios.base.group_verdicts import contrasts
from faceparity.harness.scenarios.base.schema import DeclaredSearch, Enrolment, Gallery
from faceparity.harness.scenarios.search import candidate_lists, random_galleries
from faceparity.harness.scenarios.search.enrolment import Enrolled, enrol
from faceparity.harness.scenarios.search.published_galleries import published_gallery, published_sides
from faceparity.harness.verification.one_threshold import reference_group
from faceparity.harness.verification.rates import estimates as rates
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.verdict_rules import (
    INTERVAL_FROM,
    confirm_all,
    needs_second_reading,
    target_is_refused,
    verdicts_are_withheld,
    withhold,
)
from faceparity.harness.verification.threshold.threshold_pool import LEAST_EXPECTED_ERRORS

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]
RANKS = (1, 5, 10, 20, 50)
DET_POINTS = 40
EVERYBODY = "everybody"


def check(scenario: DeclaredSearch | Gallery, dataset: Dataset, groupings: Sequence[SampleGrouping]) -> None:
    """Check that the data has such a gallery.

    Raises UserError if it has not.
    """
    grouping = grouping_of(groupings, scenario.by)
    gallery = scenario.gallery
    _shares(gallery, grouping)
    if gallery.published is not None:
        published_gallery(dataset, gallery.published)
        return
    people = int(np.unique(dataset.subjects).size)
    if gallery.people is not None and gallery.people >= people:
        raise UserError(
            f"gallery.people = {gallery.people:,}: the data has {people:,} people, and a search for somebody who is not in the gallery "
            f"needs one more; give at most {max(1, people - 1):,}"
        )


def evaluate(scenario: DeclaredSearch | Gallery, context: ScenarioContext) -> results.SearchScenario | results.GalleryScenario:
    """Return the record of one search or gallery."""
    kind = results.SearchScenario if isinstance(scenario, DeclaredSearch) else results.GalleryScenario
    return kind.model_validate(_fields(scenario, context))


@dataclass(frozen=True)
class _Run:
    """One gallery, everybody's lists, and the groups of probes and gallery. group: int32[attempted probes]."""

    lists: candidate_lists.CandidateLists
    grouping: SampleGrouping
    group: I32
    gallery_group: I32
    first: F64
    """float64[n, L]: the chance of each candidate to be the first of a gallery without the probe's person."""
    rank: int

    def members(self) -> Iterator[tuple[str, Flags]]:
        """Yield everybody, then each group: name, bool[attempted probes]."""
        yield EVERYBODY, np.ones(self.group.size, bool)
        for i, name in enumerate(self.grouping.names):
            yield name, self.group == i


def _fields(scenario: DeclaredSearch | Gallery, context: ScenarioContext) -> dict[str, object]:
    grouping = context.grouping(scenario.by)
    fields = base_fields(scenario, grouping)
    asked, kind = scenario.gallery, context.card.score.kind
    if asked.published is not None:
        enrolled = published_sides(context, asked.published)
    else:
        tally = context.evidence.tally
        enrolled = enrol(context.dataset, context.templates, context.cells.of_sample, tally, kind, asked.images)
    stratum, quota, short = _strata_and_quotas(asked, grouping, enrolled)
    if short:
        return {**fields, "reason": "gallery_too_small", "detail": short}
    rank = scenario.candidates if isinstance(scenario, DeclaredSearch) else 1
    run = _searched(enrolled, stratum, quota, context, grouping, rank)
    at = _threshold(scenario, run, context)
    fields |= {
        "threshold": at, "candidates": rank, "gallery": _gallery(asked, grouping, enrolled, stratum, quota), "probes": _probes(run),
        "no_mates": None if run.lists.mated.any() else "no_mated_pairs",
    }  # fmt: skip
    if at.threshold is None:
        return {**fields, "reason": at.reason}
    found = _at_threshold(run, at.threshold, context)
    if context.same_person is not None:
        ratios = found["contrasts"]
        assert isinstance(ratios, list)
        found |= _same_person(run, at.threshold, context, enrolled, stratum, quota, ratios)
        share = found["same_person_share"]
        assert isinstance(share, float)
        if at.target is not None and target_is_refused(share, context.labelled):
            detail = f"{share:.0%} of the false alarms look like one person under two names"
            return {**fields, "same_person_share": share, "reason": "mostly_same_person", "detail": detail}
    fields |= found
    return {**fields, **_without_threshold(run)}


def _shares(asked: Enrolment, grouping: SampleGrouping) -> F64 | None:
    """Return the declared make-up, float64[groups]; None for the data's.

    Raises UserError for a group that does not exist.
    """
    if asked.make_up == "data":
        return None
    if asked.make_up == "equal":
        return np.full(grouping.n, 1 / max(1, grouping.n))
    for name in asked.make_up:
        if name not in grouping.names:
            raise UserError(f"gallery.make_up: no group is called {name!r}; there are {', '.join(grouping.names)}")
    return np.array([asked.make_up.get(name, 0.0) for name in grouping.names])


def _strata_and_quotas(asked: Enrolment, grouping: SampleGrouping, enrolled: Enrolled) -> tuple[I32, I64, str]:
    """Return each one's stratum, the quotas and what is wrong.

    int32[attempted gallery]; int64[H], how many of each stratum are drawn; a text, empty if nothing is wrong.
    """
    has_template = np.zeros(enrolled.gallery.tried, bool)
    has_template[enrolled.gallery.of] = True
    shares, people = _shares(asked, grouping), int(has_template.sum())
    if shares is None:
        size = _size(asked, people)
        error = "" if size <= people else f"a gallery of {size:,} people, and templates of {people:,} could be made"
        return np.zeros(has_template.size, np.int32), np.array([size]), error
    group = candidate_lists.groups_of(enrolled.gallery, grouping.of_cell)
    available = np.bincount(group[has_template & (group >= 0)], minlength=grouping.n)
    wanted = shares > 0
    most = int(np.min(available[wanted] / shares[wanted], initial=people))
    size = _size(asked, most)
    quota = random_galleries.quotas(shares, size)
    for g in np.flatnonzero(quota > available):
        return group, quota, f"{quota[g]:,} of {grouping.names[g]} are wanted in the gallery, and there are {available[g]:,}"
    return group, quota, ""


def _size(asked: Enrolment, people: int) -> int:
    return asked.people if asked.people is not None else max(1, int((asked.share or 1.0) * people + 1e-9))


def _searched(
    enrolled: Enrolled, stratum: I32, quota: I64, context: ScenarioContext, grouping: SampleGrouping, rank: int
) -> _Run:
    lists = candidate_lists.make_lists(
        enrolled, stratum, quota, context.card.score.kind, max(10, rank + 1), workers=context.workers
    )
    first = random_galleries.first_of_list(lists.stratum, lists.others, lists.drawn)
    gallery_group = candidate_lists.groups_of(lists.gallery, grouping.of_cell)[lists.gallery.of]
    return _Run(lists, grouping, candidate_lists.groups_of(enrolled.probes, grouping.of_cell), gallery_group, first, rank)


def _threshold(scenario: DeclaredSearch | Gallery, run: _Run, context: ScenarioContext) -> results.ScenarioThreshold:
    target = scenario.threshold.target_fpir
    if target is None:
        return context.threshold(scenario.threshold)
    threshold, achieved, reason, needs = candidate_lists.threshold_at_fpir(run.first, run.lists, target, LEAST_EXPECTED_ERRORS)
    fmr = None if threshold is None else context.pool.fmr(context.evidence, threshold)
    found = recorded_threshold("target_fpir", target, threshold, context.card.score.sign, fmr, reason, needs)
    return found.model_copy(update={"achieved_fpir": achieved})


def _gallery(asked: Enrolment, grouping: SampleGrouping, enrolled: Enrolled, stratum: I32, quota: I64) -> results.ScenarioGallery:
    has_template = np.zeros(enrolled.gallery.tried, bool)
    has_template[enrolled.gallery.of] = True
    named = dict(zip(grouping.names, quota.tolist(), strict=True)) if asked.make_up != "data" else {}
    inside = stratum >= 0
    return results.ScenarioGallery(
        people=int(quota.sum()), enrollable=int((has_template & inside).sum()), failed=int((~has_template & inside).sum()),
        images="all" if asked.published else asked.images, drawn_by_group=named, published=asked.published,
    )  # fmt: skip


def _probes(run: _Run) -> results.ScenarioProbes:
    lists = run.lists
    return results.ScenarioProbes(
        people=int(np.unique(lists.probes.subjects).size), searches=lists.probes.tried, failed=lists.probes.tried - lists.n,
        mated=int(lists.tried_mated.sum()), failed_mated=int(lists.tried_mated.sum() - lists.mated.sum()),
        same_photo=int(lists.same_photo.sum()), unlabelled=int((run.group < 0).sum()),
    )  # fmt: skip


def false_alarms(lists: candidate_lists.CandidateLists, threshold: float) -> candidate_lists.SearchOutcome:
    """Return false alarms: searches without a mate that find anybody.

    Searches of people who are not in the gallery, with a candidate at or above the threshold.
    """
    return candidate_lists.outcome(
        lists, lists.above(threshold), random_galleries.at_least(1), lists.score >= np.float32(threshold), mated=False
    )


def misses(lists: candidate_lists.CandidateLists, rank: int, threshold: float | None = None) -> candidate_lists.SearchOutcome:
    """Return misses: searches that do not find their mate.

    Searches of people in the gallery who are not among the first `rank`, or below the threshold. A tie counts against them.
    """
    low = None if threshold is None else lists.mate < np.float32(threshold)
    listed = lists.score >= lists.mate[:, None]
    return candidate_lists.outcome(lists, lists.above_mate, random_galleries.at_least(rank), listed, mated=True, certain=low)


def mistaken(lists: candidate_lists.CandidateLists, threshold: float) -> candidate_lists.SearchOutcome:
    """Return mated searches whose first candidate is somebody else.

    That candidate is at or above the threshold; one that ties with the mate counts.
    """
    limit = np.maximum(lists.mate, np.float32(threshold))
    above = np.minimum(lists.above_mate, lists.above(threshold))
    return candidate_lists.outcome(lists, above, random_galleries.at_least(1), lists.score >= limit[:, None], mated=True)


def of_own_group(run: _Run) -> candidate_lists.SearchOutcome:
    """Return unmated searches whose first candidate shares their group.

    The candidate's score does not matter. Over probes with a group.
    """
    lists = run.lists
    theirs = np.where(lists.place < 0, -1, run.gallery_group[np.maximum(lists.place, 0)] if lists.gallery.of.size else -1)
    own = run.group[lists.probes.of]
    same = (theirs == own[:, None]) & (own >= 0)[:, None]
    value = (run.first * same).sum(axis=1)
    below, change = np.empty(lists.others.shape), np.zeros(run.first.shape)
    for h in range(lists.others.shape[1]):
        fewer = np.cumsum(random_galleries.first_of_list(lists.stratum, lists.others, lists.drawn, gone=h) * same, axis=1)
        shifted = np.cumsum(
            random_galleries.first_of_list(lists.stratum, lists.others, lists.drawn, gone=h, shifted=True) * same, axis=1
        )
        below[:, h] = fewer[:, -1]
        before = np.concatenate([np.zeros((lists.n, 1)), fewer[:, :-1]], axis=1)
        change = np.where(lists.stratum == h, before + shifted[:, -1:] - shifted - below[:, [h]], change)
    return candidate_lists.SearchOutcome(value, below, change, own >= 0, run.group >= 0, False)


def _rates(
    run: _Run, result: candidate_lists.SearchOutcome, conditional: bool = False
) -> tuple[list[Estimate], list[results.Rate]]:
    found = [(name, candidate_lists.estimate(run.lists, result, members)) for name, members in run.members()]
    return [estimate for _, estimate in found], [
        rates.to_rate(estimate, name, "all", conditional=conditional) for name, estimate in found
    ]


def _at_threshold(run: _Run, threshold: float, context: ScenarioContext) -> dict[str, object]:
    alarms = false_alarms(run.lists, threshold)
    estimates, fpir = _rates(run, alarms, conditional=True)
    fields: dict[str, object] = {
        "fpir": fpir, "shares": list(_alarm_shares(run, alarms, fpir)), "selectivity": list(_selectivity(run, threshold, fpir)),
    }  # fmt: skip
    missed: list[Estimate] = []
    if run.lists.mated.any():
        missed, fields["fnir"] = _rates(run, misses(run.lists, run.rank, threshold))
        fields["first_is_other"] = _rates(run, mistaken(run.lists, threshold))[1]
    reference = reference_group(run.grouping, context.evidence, context.references)
    fields["contrasts"] = contrasts(run.grouping, reference, {"fpir": estimates[1:], "fnir": missed[1:]})
    return fields


def _alarm_shares(run: _Run, alarms: candidate_lists.SearchOutcome, fpir: Sequence[results.Rate]) -> Iterator[results.GroupShare]:
    """Yield each group's shares of searches and of false alarms.

    Of everybody who is in a group; groups with a shown rate only.
    """
    total = candidate_lists.sums(run.lists, alarms, run.group >= 0)
    for (name, members), rate in list(zip(run.members(), fpir, strict=True))[1:]:
        part = candidate_lists.sums(run.lists, alarms, members)
        if not total.searches or rate.status == "suppressed":
            continue
        share, interval = candidate_lists.share_of(part, total, max(1.0, rate.subjects - 1.0))
        enough = rate.subjects >= INTERVAL_FROM
        yield results.GroupShare(
            group=name, searches=part.searches / total.searches, errors=share, interval=interval if enough else None
        )


def _selectivity(run: _Run, threshold: float, fpir: Sequence[results.Rate]) -> Iterator[results.GroupNumber]:
    lists = run.lists
    found = (lists.above(threshold) * lists.drawn / np.maximum(1, lists.others)).sum(axis=1)
    for (name, members), rate in zip(run.members(), fpir, strict=True):
        mine = members[lists.probes.of]
        shown = rate.status != "suppressed" and mine.any()
        yield results.GroupNumber(group=name, value=float(found[mine].mean()) if shown else None)


def _without_threshold(run: _Run) -> dict[str, object]:
    """Return what needs no threshold: ranks, first candidates, curves."""
    lists = run.lists
    fields: dict[str, object] = {}
    _, own_group = _rates(run, of_own_group(run))
    if 1 - run.first.sum(axis=1).mean() < candidate_lists.UNLISTED:
        fields["own_group"] = [
            results.OwnGroup(rate=rate, expected=expected)
            for rate, expected in zip(own_group, _own_group_expected(run), strict=True)
        ]
    shown = [rate.status != "suppressed" for rate in own_group]
    if lists.mated.any():
        ranks = sorted({rate for rate in RANKS if rate < run.rank} | {run.rank})
        by_rank = [results.SearchRankRates(rank=rate, missed=_rates(run, misses(lists, rate))[1]) for rate in ranks]
        shown = [visible and rate.status != "suppressed" for visible, rate in zip(shown, by_rank[0].missed, strict=True)]
        fields |= {"ranks": by_rank, "cmc": list(_cmc(run, shown))}
    thresholds = _det_thresholds(run)
    return {
        **fields,
        "det_thresholds": [float(str(threshold)) for threshold in thresholds],
        "det": list(_det(run, thresholds, shown)),
    }


def _own_group_expected(run: _Run) -> list[float | None]:
    """Return own-group rates expected of blindly drawn candidates.

    The mean share of a gallery that is of the probe's own group, for everybody, then each group; None without a search.
    """
    lists = run.lists
    shares: list[float | None] = []
    group_of_probe = run.group[lists.probes.of]
    table = np.zeros((run.grouping.n + 1, lists.others.shape[1]))
    np.add.at(table, (run.gallery_group, lists.gallery_stratum), 1)
    home = np.zeros((lists.n, lists.others.shape[1]))
    mine = np.isin(lists.probes.subjects[lists.probes.of], lists.gallery.subjects[lists.gallery.of])
    total = lists.others.sum(axis=1)
    size = table.sum(axis=0)
    gone = size[None, :] - lists.others
    home[mine] = np.minimum(1, gone[mine])
    enrolled = np.maximum(1, lists.drawn.sum(axis=1))
    share = ((table[group_of_probe] - home) * lists.drawn / np.maximum(1, lists.others)).sum(axis=1) / enrolled
    for _, members in run.members():
        these = members[lists.probes.of] & (group_of_probe >= 0) & (total > 0)
        shares.append(float(share[these].mean()) if these.any() else None)
    return shares


def _cmc(run: _Run, shown: Sequence[bool]) -> Iterator[results.CmcCurve]:
    lists = run.lists
    longest = max(run.rank, 20) if run.rank > 1 else 10
    hits = random_galleries.at_most(
        lists.others, lists.above_mate, lists.mated_drawn, min(longest, int(lists.mated_drawn.sum(axis=1).max()) + 1) - 1
    )
    for (name, members), visible in zip(run.members(), shown, strict=True):
        mine = members[lists.probes.of] & lists.mated
        if visible and mine.any():
            yield results.CmcCurve(group=name, hit_rates=[float(hit_rate) for hit_rate in hits[mine].mean(axis=0)])


def _det_thresholds(run: _Run) -> NDArray[np.float32]:
    """Return scores for the DET curve, by falling FPIR.

    At them FPIR over everybody is about 1, …, down to where ten false alarms are to be expected.
    """
    possible = run.first > 0
    score, weight = run.lists.score[possible], run.first[possible] / max(1, run.lists.n)
    order = np.argsort(-score, kind="stable")
    rate = np.cumsum(weight[order])
    if not rate.size:
        return np.empty(0, np.float32)
    low = min(LEAST_EXPECTED_ERRORS / run.lists.n, 0.5)
    levels = np.geomspace(low, rate[-1], DET_POINTS) if rate[-1] > low else np.array([rate[-1]])
    at = np.minimum(np.searchsorted(rate, levels * (1 + 1e-9), side="right"), rate.size - 1)
    found = np.unique(score[order][at])
    fpir = rate[np.searchsorted(-score[order], -found, side="right") - 1]
    return np.asarray(found[candidate_lists.unlisted(run.first, run.lists, found) <= candidate_lists.UNLISTED * fpir])


def _det(run: _Run, thresholds: NDArray[np.float32], shown: Sequence[bool]) -> Iterator[results.DetCurve]:
    lists = run.lists
    for (name, members), visible in zip(run.members(), shown, strict=True):
        mine = members[lists.probes.of]
        if not visible or not mine.any():
            continue
        possible = mine[:, None] & (run.first > 0)
        order = np.argsort(lists.score[possible], kind="stable")
        score, weight = lists.score[possible][order], run.first[possible][order]
        reached = np.append(np.cumsum(weight[::-1])[::-1], 0.0)
        fpir = np.minimum(1.0, reached[np.searchsorted(score, thresholds)] / mine.sum())
        mates = np.sort(lists.mate[mine & lists.mated])
        fnir = np.searchsorted(mates, thresholds) / mates.size if mates.size else np.empty(0)
        yield results.DetCurve(group=name, fpir=fpir.tolist(), fnir=fnir.tolist())


def _same_person(
    run: _Run, threshold: float, context: ScenarioContext, enrolled: Enrolled, stratum: I32, quota: I64,
    first: Sequence[results.ScenarioContrast],
) -> dict[str, object]:  # fmt: skip
    """Return the share of likely same-person FPIR, and FPIR without.

    How much of FPIR is candidates that look like the probe's own person, and FPIR without them where there are any, or without
    subject labels where they are more than 5 %. first: the contrasts of groups with them; without labels a verdict stays only where
    both readings agree, with labels unless they are more than half.
    """
    assert context.same_person is not None
    all_of_it = float(run.first[run.lists.score >= np.float32(threshold)].sum())
    same_person = float(run.first[run.lists.score >= np.float32(max(threshold, context.same_person))].sum())
    share = same_person / all_of_it if all_of_it > 0 else 0.0
    out: dict[str, object] = {"same_person_share": share}
    if needs_second_reading(share, context.labelled):
        excluded = candidate_lists.same_person_pairs(run.lists, context.same_person)
        clean = candidate_lists.make_lists(
            enrolled, stratum, quota, context.card.score.kind, also=excluded, workers=context.workers
        )
        cleaned = replace(run, lists=clean)
        estimates, out["fpir_without_likely_same_person"] = _rates(cleaned, false_alarms(clean, threshold), conditional=True)
        if context.labelled:
            return out | _withheld(first, share)
        reference = reference_group(run.grouping, context.evidence, context.references)
        out["contrasts"] = confirm_all(
            first,
            contrasts(run.grouping, reference, {"fpir": estimates[1:]}),
            lambda contrast: (contrast.measure, contrast.group),
        )
    return out


def _withheld(first: Sequence[results.ScenarioContrast], share: float) -> dict[str, object]:
    """Return the contrasts of labelled people, without verdicts on FPIR that rest on likely repeats."""
    if not verdicts_are_withheld(share, labelled=True):
        return {}
    rests = withhold([contrast for contrast in first if contrast.measure == "fpir"], "mostly_same_person")
    return {"contrasts": [*rests, *(contrast for contrast in first if contrast.measure != "fpir")]}
