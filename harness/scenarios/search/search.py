"""Everybody is searched in galleries of the others: with a list of candidates (`search`), or the first of them alone (`gallery`)."""

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
from faceparity.harness.scenarios.search import candidate_lists as ls
from faceparity.harness.scenarios.search import random_galleries as d
from faceparity.harness.scenarios.search.enrolment import Enrolled, enrol
from faceparity.harness.scenarios.search.published_galleries import published_gallery, published_sides
from faceparity.harness.verification.one_threshold import reference_group
from faceparity.harness.verification.rates import estimates as rates
from faceparity.harness.verification.rates.verdict_rules import CONTAMINATED_FROM, INTERVAL_FROM, REFUSED_FROM, confirm_all

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]
RANKS = (1, 5, 10, 20, 50)
LEAST_EXPECTED_ERRORS = 10
DET_POINTS = 40
EVERYBODY = "everybody"


def check(scenario: DeclaredSearch | Gallery, dataset: Dataset, groupings: Sequence[SampleGrouping]) -> None:
    """Raises UserError if the data has no such gallery."""
    grouping = grouping_of(groupings, scenario.by)
    asked = scenario.gallery
    _shares(asked, grouping)
    if asked.published is not None:
        published_gallery(dataset, asked.published)
        return
    people = int(np.unique(dataset.subjects).size)
    if asked.people is not None and asked.people >= people:
        raise UserError(
            f"gallery.people = {asked.people:,}: the data has {people:,} people, and a search for somebody who is not in the gallery "
            f"needs one more; give at most {max(1, people - 1):,}"
        )


def evaluate(scenario: DeclaredSearch | Gallery, setting: ScenarioContext) -> results.SearchScenario | results.GalleryScenario:
    """The record of one search or gallery."""
    kind = results.SearchScenario if isinstance(scenario, DeclaredSearch) else results.GalleryScenario
    return kind.model_validate(_fields(scenario, setting))


@dataclass(frozen=True)
class _Run:
    """One gallery, everybody's lists, and by whom rates are told: names and bool[attempted probes] of each group."""

    lists: ls.CandidateLists
    grouping: SampleGrouping
    group: I32
    gallery_group: I32
    first: F64
    """float64[n, L]: the chance of each candidate to be the first of a gallery without the probe's person."""
    rank: int

    def members(self) -> Iterator[tuple[str, Flags]]:
        """Everybody, then each group."""
        yield EVERYBODY, np.ones(self.group.size, bool)
        for g, name in enumerate(self.grouping.names):
            yield name, self.group == g


def _fields(scenario: DeclaredSearch | Gallery, setting: ScenarioContext) -> dict[str, object]:
    grouping = setting.grouping(scenario.by)
    fields = base_fields(scenario, grouping)
    asked, kind = scenario.gallery, setting.card.score.kind
    if asked.published is not None:
        enrolled = published_sides(setting, asked.published)
    else:
        tally = setting.evidence.tally
        enrolled = enrol(setting.dataset, setting.templates, setting.cells.of_sample, tally, kind, asked.images)
    stratum, quota, short = _drawn(asked, grouping, enrolled)
    if short:
        return {**fields, "reason": "other", "detail": short}
    rank = scenario.candidates if isinstance(scenario, DeclaredSearch) else 1
    run = _searched(enrolled, stratum, quota, setting, grouping, rank)
    at = _threshold(scenario, run, setting)
    fields |= {
        "threshold": at, "candidates": rank, "gallery": _gallery(asked, grouping, enrolled, stratum, quota), "probes": _probes(run),
        "no_mates": None if run.lists.mated.any() else "no_mated_pairs",
    }  # fmt: skip
    if at.threshold is None:
        return {**fields, "reason": at.reason}
    found = _at_threshold(run, at.threshold, setting)
    if setting.same_person is not None:
        told = found["contrasts"]
        assert isinstance(told, list)
        found |= _same_person(run, at.threshold, setting, enrolled, stratum, quota, told)
        share = found["same_person_share"]
        assert isinstance(share, float)
        if share > REFUSED_FROM and at.target is not None:
            detail = f"{share:.0%} of the false alarms look like one person under two names"
            return {**fields, "same_person_share": share, "reason": "mostly_same_person", "detail": detail}
    fields |= found
    return {**fields, **_without_threshold(run)}


def _shares(asked: Enrolment, grouping: SampleGrouping) -> F64 | None:
    """float64[groups]: the make-up asked for; None for that of the data. Raises UserError for a group that there is not."""
    if asked.make_up == "data":
        return None
    if asked.make_up == "equal":
        return np.full(grouping.n, 1 / max(1, grouping.n))
    for name in asked.make_up:
        if name not in grouping.names:
            raise UserError(f"gallery.make_up: no group is called {name!r}; there are {', '.join(grouping.names)}")
    return np.array([asked.make_up.get(name, 0.0) for name in grouping.names])


def _drawn(asked: Enrolment, grouping: SampleGrouping, enrolled: Enrolled) -> tuple[I32, I64, str]:
    """int32[attempted gallery]: each one's stratum; int64[H]: how many of each are drawn; what is wrong with that, empty if nothing."""
    made = np.zeros(enrolled.gallery.tried, bool)
    made[enrolled.gallery.of] = True
    shares, people = _shares(asked, grouping), int(made.sum())
    if shares is None:
        size = _size(asked, people)
        wrong = "" if size <= people else f"a gallery of {size:,} people, and templates of {people:,} could be made"
        return np.zeros(made.size, np.int32), np.array([size]), wrong
    group = ls.groups_of(enrolled.gallery, grouping.of_cell)
    there = np.bincount(group[made & (group >= 0)], minlength=grouping.n)
    wanted = shares > 0
    most = int(np.min(there[wanted] / shares[wanted], initial=people))
    size = _size(asked, most)
    quota = d.quotas(shares, size)
    for g in np.flatnonzero(quota > there):
        return group, quota, f"{quota[g]:,} of {grouping.names[g]} are wanted in the gallery, and there are {there[g]:,}"
    return group, quota, ""


def _size(asked: Enrolment, people: int) -> int:
    return asked.people if asked.people is not None else max(1, int((asked.share or 1.0) * people + 1e-9))


def _searched(
    enrolled: Enrolled, stratum: I32, quota: I64, setting: ScenarioContext, grouping: SampleGrouping, rank: int
) -> _Run:
    lists = ls.make_lists(enrolled, stratum, quota, setting.card.score.kind, max(10, rank + 1), workers=setting.workers)
    first = d.first_of_list(lists.stratum, lists.others, lists.drawn)
    gallery_group = ls.groups_of(lists.gallery, grouping.of_cell)[lists.gallery.of]
    return _Run(lists, grouping, ls.groups_of(enrolled.probes, grouping.of_cell), gallery_group, first, rank)


def _threshold(scenario: DeclaredSearch | Gallery, run: _Run, setting: ScenarioContext) -> results.ScenarioThreshold:
    target = scenario.threshold.target_fpir
    if target is None:
        return setting.threshold(scenario.threshold)
    threshold, achieved, reason, needs = ls.threshold_at_fpir(run.first, run.lists, target, LEAST_EXPECTED_ERRORS)
    fmr = None if threshold is None else setting.pool.fmr(setting.evidence, threshold)
    found = recorded_threshold("target_fpir", target, threshold, setting.card.score.sign, fmr, reason, needs)
    return found.model_copy(update={"achieved_fpir": achieved})


def _gallery(asked: Enrolment, grouping: SampleGrouping, enrolled: Enrolled, stratum: I32, quota: I64) -> results.ScenarioGallery:
    made = np.zeros(enrolled.gallery.tried, bool)
    made[enrolled.gallery.of] = True
    named = dict(zip(grouping.names, quota.tolist(), strict=True)) if asked.make_up != "data" else {}
    inside = stratum >= 0
    return results.ScenarioGallery(
        people=int(quota.sum()), enrollable=int((made & inside).sum()), failed=int((~made & inside).sum()),
        images="all" if asked.published else asked.images, drawn_by_group=named, published=asked.published,
    )  # fmt: skip


def _probes(run: _Run) -> results.ScenarioProbes:
    x = run.lists
    return results.ScenarioProbes(
        people=int(np.unique(x.probes.subjects).size), searches=x.probes.tried, failed=x.probes.tried - x.n,
        mated=int(x.tried_mated.sum()), failed_mated=int(x.tried_mated.sum() - x.mated.sum()),
        same_photo=int(x.same_photo.sum()), unlabelled=int((run.group < 0).sum()),
    )  # fmt: skip


def false_alarms(lists: ls.CandidateLists, threshold: float) -> ls.SearchOutcome:
    """Searches of people who are not in the gallery that find anybody at or above the threshold."""
    return ls.outcome(lists, lists.above(threshold), d.at_least(1), lists.score >= np.float32(threshold), mated=False)


def misses(lists: ls.CandidateLists, rank: int, threshold: float | None = None) -> ls.SearchOutcome:
    """Searches of people in the gallery who are not among the first `rank`, or below the threshold. A tie counts against them."""
    low = None if threshold is None else lists.mate < np.float32(threshold)
    listed = lists.score >= lists.mate[:, None]
    return ls.outcome(lists, lists.above_mate, d.at_least(rank), listed, mated=True, certain=low)


def mistaken(lists: ls.CandidateLists, threshold: float) -> ls.SearchOutcome:
    """Searches of people in the gallery whose first candidate is somebody else, at or above the threshold."""
    limit = np.maximum(lists.mate, np.float32(threshold))
    above = np.minimum(lists.above_mate, lists.above(threshold))
    return ls.outcome(lists, above, d.at_least(1), lists.score >= limit[:, None], mated=True)


def of_own_group(run: _Run) -> ls.SearchOutcome:
    """Searches of people who are not in the gallery whose first candidate, whatever the score, is of their own group."""
    x = run.lists
    theirs = np.where(x.place < 0, -1, run.gallery_group[np.maximum(x.place, 0)] if x.gallery.of.size else -1)
    own = run.group[x.probes.of]
    same = (theirs == own[:, None]) & (own >= 0)[:, None]
    value = (run.first * same).sum(axis=1)
    below, change = np.empty(x.others.shape), np.zeros(run.first.shape)
    for h in range(x.others.shape[1]):
        fewer = np.cumsum(d.first_of_list(x.stratum, x.others, x.drawn, gone=h) * same, axis=1)
        shifted = np.cumsum(d.first_of_list(x.stratum, x.others, x.drawn, gone=h, shifted=True) * same, axis=1)
        below[:, h] = fewer[:, -1]
        before = np.concatenate([np.zeros((x.n, 1)), fewer[:, :-1]], axis=1)
        change = np.where(x.stratum == h, before + shifted[:, -1:] - shifted - below[:, [h]], change)
    return ls.SearchOutcome(value, below, change, own >= 0, run.group >= 0, False)


def _rates(run: _Run, x: ls.SearchOutcome, conditional: bool = False) -> tuple[list[rates.Estimate], list[results.Rate]]:
    found = [(name, ls.estimate(run.lists, x, members)) for name, members in run.members()]
    return [e for _, e in found], [rates.to_rate(e, name, "all", conditional=conditional) for name, e in found]


def _at_threshold(run: _Run, threshold: float, setting: ScenarioContext) -> dict[str, object]:
    alarms = false_alarms(run.lists, threshold)
    estimates, fpir = _rates(run, alarms, conditional=True)
    out: dict[str, object] = {
        "fpir": fpir, "shares": list(_alarm_shares(run, alarms, fpir)), "selectivity": list(_selectivity(run, threshold, fpir)),
    }  # fmt: skip
    missed: list[rates.Estimate] = []
    if run.lists.mated.any():
        missed, out["fnir"] = _rates(run, misses(run.lists, run.rank, threshold))
        out["first_is_other"] = _rates(run, mistaken(run.lists, threshold))[1]
    reference = reference_group(run.grouping, setting.evidence, setting.references)
    out["contrasts"] = contrasts(run.grouping, reference, {"fpir": estimates[1:], "fnir": missed[1:]})
    return out


def _alarm_shares(run: _Run, alarms: ls.SearchOutcome, fpir: Sequence[results.Rate]) -> Iterator[results.GroupShare]:
    """Of the searches of everybody who is in a group, and of the false alarms among them. Groups with a shown rate only."""
    whole = ls.sums(run.lists, alarms, run.group >= 0)
    for (name, members), rate in list(zip(run.members(), fpir, strict=True))[1:]:
        part = ls.sums(run.lists, alarms, members)
        if not whole.searches or rate.status == "suppressed":
            continue
        share, interval = ls.share_of(part, whole, max(1.0, rate.subjects - 1.0))
        enough = rate.subjects >= INTERVAL_FROM
        yield results.GroupShare(
            group=name, searches=part.searches / whole.searches, errors=share, interval=interval if enough else None
        )


def _selectivity(run: _Run, threshold: float, fpir: Sequence[results.Rate]) -> Iterator[results.GroupNumber]:
    x = run.lists
    found = (x.above(threshold) * x.drawn / np.maximum(1, x.others)).sum(axis=1)
    for (name, members), rate in zip(run.members(), fpir, strict=True):
        mine = members[x.probes.of]
        shown = rate.status != "suppressed" and mine.any()
        yield results.GroupNumber(group=name, value=float(found[mine].mean()) if shown else None)


def _without_threshold(run: _Run) -> dict[str, object]:
    """What no threshold is asked for: ranks, the first candidate's group, and the curves."""
    x = run.lists
    out: dict[str, object] = {}
    _, own = _rates(run, of_own_group(run))
    if 1 - run.first.sum(axis=1).mean() < ls.UNLISTED:
        out["own_group"] = [results.OwnGroup(rate=r, expected=b) for r, b in zip(own, _blindly(run), strict=True)]
    shown = [r.status != "suppressed" for r in own]
    if x.mated.any():
        ranks = sorted({r for r in RANKS if r < run.rank} | {run.rank})
        told = [results.SearchRankRates(rank=r, missed=_rates(run, misses(x, r))[1]) for r in ranks]
        shown = [s and r.status != "suppressed" for s, r in zip(shown, told[0].missed, strict=True)]
        out |= {"ranks": told, "cmc": list(_cmc(run, shown))}
    thresholds = _det_thresholds(run)
    return {**out, "det_thresholds": [float(str(t)) for t in thresholds], "det": list(_det(run, thresholds, shown))}


def _blindly(run: _Run) -> list[float | None]:
    """Of each list of members, how many of a gallery are of the probe's own group."""
    x = run.lists
    out: list[float | None] = []
    g_of = run.group[x.probes.of]
    table = np.zeros((run.grouping.n + 1, x.others.shape[1]))
    np.add.at(table, (run.gallery_group, x.gallery_stratum), 1)
    home = np.zeros((x.n, x.others.shape[1]))
    mine = np.isin(x.probes.subjects[x.probes.of], x.gallery.subjects[x.gallery.of])
    total = x.others.sum(axis=1)
    size = table.sum(axis=0)
    gone = size[None, :] - x.others
    home[mine] = np.minimum(1, gone[mine])
    share = ((table[g_of] - home) * x.drawn / np.maximum(1, x.others)).sum(axis=1) / np.maximum(1, x.drawn.sum(axis=1))
    for _, members in run.members():
        these = members[x.probes.of] & (g_of >= 0) & (total > 0)
        out.append(float(share[these].mean()) if these.any() else None)
    return out


def _cmc(run: _Run, shown: Sequence[bool]) -> Iterator[results.CmcCurve]:
    x = run.lists
    longest = max(run.rank, 20) if run.rank > 1 else 10
    hits = d.at_most(x.others, x.above_mate, x.mated_drawn, min(longest, int(x.mated_drawn.sum(axis=1).max()) + 1) - 1)
    for (name, members), told in zip(run.members(), shown, strict=True):
        mine = members[x.probes.of] & x.mated
        if told and mine.any():
            yield results.CmcCurve(group=name, hit_rates=[float(v) for v in hits[mine].mean(axis=0)])


def _det_thresholds(run: _Run) -> NDArray[np.float32]:
    """Scores at which FPIR over everybody is about 1, …, down to where ten false alarms are to be expected; falling FPIR."""
    some = run.first > 0
    score, weight = run.lists.score[some], run.first[some] / max(1, run.lists.n)
    order = np.argsort(-score, kind="stable")
    rate = np.cumsum(weight[order])
    if not rate.size:
        return np.empty(0, np.float32)
    low = min(LEAST_EXPECTED_ERRORS / run.lists.n, 0.5)
    levels = np.geomspace(low, rate[-1], DET_POINTS) if rate[-1] > low else np.array([rate[-1]])
    at = np.minimum(np.searchsorted(rate, levels * (1 + 1e-9), side="right"), rate.size - 1)
    found = np.unique(score[order][at])
    fpir = rate[np.searchsorted(-score[order], -found, side="right") - 1]
    return np.asarray(found[ls.unlisted(run.first, run.lists, found) <= ls.UNLISTED * fpir])


def _det(run: _Run, thresholds: NDArray[np.float32], shown: Sequence[bool]) -> Iterator[results.DetCurve]:
    x = run.lists
    for (name, members), told in zip(run.members(), shown, strict=True):
        mine = members[x.probes.of]
        if not told or not mine.any():
            continue
        some = mine[:, None] & (run.first > 0)
        order = np.argsort(x.score[some], kind="stable")
        score, weight = x.score[some][order], run.first[some][order]
        reached = np.append(np.cumsum(weight[::-1])[::-1], 0.0)
        fpir = np.minimum(1.0, reached[np.searchsorted(score, thresholds)] / mine.sum())
        mates = np.sort(x.mate[mine & x.mated])
        fnir = np.searchsorted(mates, thresholds) / mates.size if mates.size else np.empty(0)
        yield results.DetCurve(group=name, fpir=fpir.tolist(), fnir=fnir.tolist())


def _same_person(
    run: _Run, threshold: float, setting: ScenarioContext, enrolled: Enrolled, stratum: I32, quota: I64,
    first: Sequence[results.ScenarioContrast],
) -> dict[str, object]:  # fmt: skip
    """How much of FPIR is candidates that look like the probe's own person, and FPIR without them where that is more than 5 %.

    first: the comparisons of groups with them; of those only what both readings share is called.
    """
    assert setting.same_person is not None
    all_of_it = float(run.first[run.lists.score >= np.float32(threshold)].sum())
    alike = float(run.first[run.lists.score >= np.float32(max(threshold, setting.same_person))].sum())
    share = alike / all_of_it if all_of_it > 0 else 0.0
    out: dict[str, object] = {"same_person_share": share}
    if share > CONTAMINATED_FROM:
        also = ls.alike(run.lists, setting.same_person)
        clean = ls.make_lists(enrolled, stratum, quota, setting.card.score.kind, also=also, workers=setting.workers)
        again = replace(run, lists=clean)
        estimates, out["fpir_without_likely_same_person"] = _rates(again, false_alarms(clean, threshold), conditional=True)
        reference = reference_group(run.grouping, setting.evidence, setting.references)
        out["contrasts"] = confirm_all(
            first, contrasts(run.grouping, reference, {"fpir": estimates[1:]}), lambda c: (c.measure, c.group)
        )
    return out
