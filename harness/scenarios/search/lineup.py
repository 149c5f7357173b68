"""A named set of people, such as a legislature, is searched in a gallery of others: whoever is matched is matched falsely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness import results
from faceparity.harness.groups.groupings import SMALL_CELL, SampleGrouping
from faceparity.harness.groups.small_groups import hide_small_groups
from faceparity.harness.metrics.watchlist import fmr_of_fpir
from faceparity.harness.scenarios.base.context import ScenarioContext, base_fields, grouping_of
from faceparity.harness.scenarios.base.group_verdicts import compare, settled
from faceparity.harness.scenarios.base.schema import ImageChoice, Lineup
from faceparity.harness.scenarios.search import candidate_lists as c
from faceparity.harness.scenarios.search.enrolment import Enrolled, averaged, never, single
from faceparity.harness.scenarios.search.search import false_alarms
from faceparity.harness.uncertainty import counts
from faceparity.harness.verification.rates import estimates

Flags = NDArray[np.bool_]
I32 = NDArray[np.int32]
EVERYBODY = "everybody"


def check(scenario: Lineup, dataset: Dataset, groupings: Sequence[SampleGrouping]) -> None:
    """Raises UserError if the data has no such probes or gallery, or somebody is in both."""
    grouping_of(groupings, scenario.by)
    sides(scenario, dataset, 0)


def sides(scenario: Lineup, dataset: Dataset, seed: int) -> tuple[Flags, Flags]:
    """bool[samples] twice: the probes' images and the gallery's. Raises UserError for an empty side or people on both."""
    probes = _chosen(scenario.probes, dataset, seed, "probes")
    people = np.unique(dataset.subjects[probes])
    if scenario.against is None:
        gallery = ~np.isin(dataset.subjects, people)
    else:
        gallery = _chosen(scenario.against, dataset, seed, "against")
        both = np.intersect1d(people, dataset.subjects[gallery]).size
        if both:
            who = "person is" if both == 1 else "people are"
            raise UserError(f"{both:,} {who} on both sides: choose probes and against so that nobody is, or leave out against")
    for side, key in ((probes, "probes"), (gallery, "against")):
        if not side.any():
            raise UserError(f"{key}: nobody is left; choose other people")
    return probes, gallery


def _chosen(chosen: ImageChoice, dataset: Dataset, seed: int, key: str) -> Flags:
    if chosen.share is not None:
        people = np.unique(dataset.subjects)
        drawn = np.random.default_rng(seed).permutation(people)[: max(1, round(chosen.share * people.size))]
        return np.isin(dataset.subjects, drawn)
    if chosen.files is not None:
        return _by_files(chosen.files, dataset, key)
    keep = np.ones(dataset.n_samples, bool)
    for name, wanted in (chosen.where or {}).items():
        if name not in dataset.attributes:
            has = ", ".join(sorted(dataset.attributes)) or "none"
            raise UserError(f"{key}.where: the data has no attribute {name!r}; it has {has}")
        attribute, values = dataset.attributes[name], [wanted] if isinstance(wanted, str) else wanted
        for value in values:
            if value not in attribute.values:
                raise UserError(f"{key}.where.{name}: no value {value!r}; it has {', '.join(attribute.values)}")
        keep &= np.isin(attribute.codes, [attribute.values.index(v) for v in values])
    return keep


def _by_files(patterns: Sequence[str], dataset: Dataset, key: str) -> Flags:
    keep = np.zeros(dataset.n_samples, bool)
    for pattern in patterns:
        found = np.array([fnmatchcase(f, pattern) for f in dataset.files], bool)
        if not found.any():
            raise UserError(f"{key}.files: no image is called {pattern!r}; names are relative to the data set's folder")
        keep |= found
    return keep


def evaluate(scenario: Lineup, setting: ScenarioContext) -> results.LineupScenario:
    """The record of one line-up."""
    grouping, dataset = setting.grouping(scenario.by), setting.dataset
    probes, gallery = sides(scenario, dataset, setting.seed)
    if not dataset.card.labels_public:  # a group of the run may be tiny in a line-up
        shown = np.flatnonzero(probes)
        cells = replace(setting.cells, of_sample=setting.cells.of_sample[shown])
        grouping = hide_small_groups([grouping], cells, dataset.subjects[shown])[0]
    at = setting.threshold(scenario.threshold)
    enrolled = _enrolled(scenario, setting, probes, gallery)
    fields = base_fields(scenario, grouping) | {
        "threshold": at, "images": scenario.images, "people": enrolled.probes.tried,
        "gallery_people": int(enrolled.gallery.of.size), "failed_people": enrolled.probes.tried - int(enrolled.probes.of.size),
        "failed_gallery": enrolled.gallery.tried - int(enrolled.gallery.of.size),
    }  # fmt: skip
    if at.threshold is None:
        return results.LineupScenario.model_validate({**fields, "reason": at.reason})
    if not enrolled.probes.of.size or not enrolled.gallery.of.size:
        return results.LineupScenario.model_validate(
            {**fields, "reason": "zero_comparisons", "detail": "one side has no template"}
        )
    everybody, kind = np.array([enrolled.gallery.tried]), setting.card.score.kind
    lists = c.make_lists(enrolled, np.zeros(enrolled.gallery.tried, np.int32), everybody, kind, workers=setting.workers)
    return results.LineupScenario.model_validate({**fields, **_found(lists, at.threshold, grouping, setting)})


def _enrolled(scenario: Lineup, setting: ScenarioContext, probes: Flags, gallery: Flags) -> Enrolled:
    """Of each person of the line-up the first image; of each of the others the first, or all of them as one template."""
    dataset, cells = setting.dataset, setting.cells.of_sample

    def first(chosen: Flags) -> NDArray[np.int64]:
        samples = np.flatnonzero(chosen)
        return samples[np.sort(np.unique(dataset.subjects[samples], return_index=True)[1])]

    of = (setting.templates, dataset.subjects, cells)
    searched = single(*of, first(probes))
    kind = setting.card.score.kind
    others = single(*of, first(gallery)) if scenario.images == "one" else averaged(*of, np.flatnonzero(gallery), kind)
    return Enrolled(others, searched, np.zeros(searched.tried, bool), never(setting.templates, setting.evidence.tally))


def _found(lists: c.CandidateLists, threshold: float, grouping: SampleGrouping, setting: ScenarioContext) -> dict[str, object]:
    alarms = false_alarms(lists, threshold)
    group = c.groups_of(lists.probes, grouping.of_cell)
    overall = c.estimate(lists, alarms, np.ones(group.size, bool))
    rate = estimates.to_rate(overall, EVERYBODY, "all")
    top = lists.score[:, 0]
    flagged = int((top >= np.float32(threshold)).sum())
    alike = None if setting.same_person is None else int((top >= np.float32(max(threshold, setting.same_person))).sum())
    share = overall.rate if rate.status != "suppressed" else None
    size = lists.others.sum(axis=1).mean()
    return {
        "overall": rate,
        "implied_fmr": fmr_of_fpir(share, float(size)) if share is not None and 0 < share < 1 else None,
        "groups": _groups(lists, alarms, group, grouping, 1 if setting.dataset.card.labels_public else SMALL_CELL),
        "unlabelled": int((group < 0).sum()),
        "same_person_share": None if alike is None else alike / flagged if flagged else 0.0,
    }


def _groups(
    lists: c.CandidateLists, alarms: c.SearchOutcome, group: I32, grouping: SampleGrouping, least: int
) -> list[results.LineupGroup]:
    """Each group against all others. Who can't be searched is in no count. least: people of the gallery of whom a share is told."""
    made = group[lists.probes.of]
    hit = alarms.value > 0.5
    theirs = c.groups_of(lists.gallery, grouping.of_cell)[lists.gallery.of]
    labelled = int((theirs >= 0).sum())
    people, flagged = int((made >= 0).sum()), int(hit[made >= 0].sum())
    out, ratios = [], []
    for g, name in enumerate(grouping.names):
        own, others = (c.estimate(lists, alarms, x) for x in (group == g, (group >= 0) & (group != g)))
        rate = estimates.to_rate(own, name, "all")
        ratio = compare(own, others, "all others")
        ratios.append(ratio if len(grouping.names) > 1 else ratio.model_copy(update={"verdict": "none", "reason": "one_group"}))
        out.append(group_counts(name, rate, int((made == g).sum()), int(hit[made == g].sum()), people, flagged))
    size = np.bincount(theirs[theirs >= 0], minlength=grouping.n)
    there = [float(n) / labelled if labelled and (n == 0 or n >= least) else None for n in size]
    return [
        x.model_copy(update={"by_subjects": r, "share_of_gallery": s})
        for x, r, s in zip(out, settled(ratios), there, strict=True)
    ]


def group_counts(name: str, rate: results.Rate, own: int, hits: int, people: int, flagged: int) -> results.LineupGroup:
    """A group of `own` people, `hits` of them matched, of all `people`, of whom `flagged` were. Nothing where its rate is not shown."""
    base = results.LineupGroup(
        group=name, people=own, share_of_people=own / people if people else 0.0, flagged=None, share_of_flagged=None, rate=rate
    )
    if rate.status == "suppressed":
        return base
    told: dict[str, object] = {"flagged": hits, "share_of_flagged": hits / flagged if flagged else None}
    if own < people and flagged:
        told["p_hypergeometric"] = counts.hypergeometric_upper(people, own, flagged, hits)
        told["p_fisher"] = counts.fisher_two_sided(people, own, flagged, hits)
        found = counts.risk_ratio(hits, own, flagged - hits, people - own)
        if found is not None:
            told |= {"ratio_to_others": found.ratio, "interval_independent": found.interval}
    return base.model_copy(update=told)
