"""Line-ups: a named set of people is searched in a gallery of others, so every match is false."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness import results
from faceparity.harness.groups.groupings import SMALL_CELL, SampleGrouping, make_cells
from faceparity.harness.groups.small_groups import leaving_samples, withhold_small_groups
from faceparity.harness.metrics.watchlist import fmr_of_fpir
from faceparity.harness.scenarios.base.context import ScenarioContext, base_fields, grouping_of
from faceparity.harness.scenarios.base.group_verdicts import compare, settle_verdicts
from faceparity.harness.scenarios.base.schema import ImageChoice, Lineup, ScenarioBase
from faceparity.harness.scenarios.search import candidate_lists
from faceparity.harness.scenarios.search.enrolment import Enrolled, averaged, left_out_pairs, single
from faceparity.harness.scenarios.search.search import false_alarms
from faceparity.harness.uncertainty import counts
from faceparity.harness.verification.rates import estimates

Flags = NDArray[np.bool_]
I32 = NDArray[np.int32]
EVERYBODY = "everybody"


def check(scenario: Lineup, dataset: Dataset, groupings: Sequence[SampleGrouping]) -> None:
    """Check that the data has the line-up's probes and gallery.

    Raises UserError if it has not, somebody is in both, or labels that are not public leave too few people.
    """
    grouping = grouping_of(groupings, scenario.by)
    probes, gallery = sides(scenario, dataset, 0)
    if not dataset.card.labels_public:
        _check_many(probes & ~_leaving(probes, grouping.attributes, dataset), dataset, "probes")
        _check_many(gallery, dataset, "against")


def check_differences(scenarios: Sequence[ScenarioBase], dataset: Dataset, seed: int) -> None:
    """Check that line-ups do not differ by fewer than 10 people.

    From each other, or from everybody, as their figures can be subtracted. Raises UserError where labels are not public and they do.
    """
    if dataset.card.labels_public:
        return
    named = [
        (one.name, np.unique(dataset.subjects[sides(one, dataset, seed)[0]])) for one in scenarios if isinstance(one, Lineup)
    ]
    for (name, people), (other, others) in combinations([("all people", np.unique(dataset.subjects)), *named], 2):
        apart = (np.setdiff1d(people, others).size, np.setdiff1d(others, people).size)
        if any(0 < number < SMALL_CELL for number in apart):
            raise UserError(
                f"scenario {other}: its probes differ from {name} by fewer than {SMALL_CELL} people, so that figures could be subtracted "
                "to learn about these; choose other probes"
            )


def _check_many(side: Flags, dataset: Dataset, key: str) -> None:
    """Raise UserError for a side of fewer than 10 people."""
    if np.unique(dataset.subjects[side]).size < SMALL_CELL:
        raise UserError(
            f"{key}: fewer than {SMALL_CELL} people, or all in groups of fewer, too few for figures that name nobody; choose more people"
        )


def _leaving(probes: Flags, attributes: Sequence[str], dataset: Dataset) -> Flags:
    """Return the images of people in small groups of a line-up.

    bool[samples]: people of groups of fewer than 10 in the line-up leave it, as they do a run.
    """
    shown = np.flatnonzero(probes)
    cells = make_cells([dataset.attributes[name].of_samples(shown) for name in attributes], shown.size)
    gone = np.zeros(probes.size, bool)
    gone[shown] = leaving_samples(cells, dataset.subjects[shown], [attributes] if attributes else [])
    return gone


def sides(scenario: Lineup, dataset: Dataset, seed: int) -> tuple[Flags, Flags]:
    """Return the probes' and the gallery's images, bool[samples] each.

    Raises UserError for an empty side or people on both.
    """
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
        chosen_people = np.random.default_rng(seed).permutation(people)[: max(1, round(chosen.share * people.size))]
        return np.isin(dataset.subjects, chosen_people)
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
        keep &= np.isin(attribute.codes, [attribute.values.index(chosen_value) for chosen_value in values])
    return keep


def _by_files(patterns: Sequence[str], dataset: Dataset, key: str) -> Flags:
    keep = np.zeros(dataset.n_samples, bool)
    for pattern in patterns:
        found = np.array([fnmatchcase(file, pattern) for file in dataset.files], bool)
        if not found.any():
            raise UserError(f"{key}.files: no image is called {pattern!r}; names are relative to the data set's folder")
        keep |= found
    return keep


def evaluate(scenario: Lineup, context: ScenarioContext) -> results.LineupScenario:
    """Return the record of one line-up."""
    grouping, dataset = context.grouping(scenario.by), context.dataset
    probes, gallery = sides(scenario, dataset, context.seed)
    left = 0
    if not dataset.card.labels_public:  # a group of the run may be tiny in a line-up
        gone = _leaving(probes, grouping.attributes, dataset)
        left, probes = int(np.unique(dataset.subjects[gone]).size), probes & ~gone
        grouping = _shown_groups(grouping, probes, context)
    at = context.threshold(scenario.threshold)
    enrolled = _enrolled(scenario, context, probes, gallery)
    fields = base_fields(scenario, grouping) | {
        "threshold": at, "images": scenario.images, "people": enrolled.probes.tried,
        "people_left_out": left,
        "gallery_people": int(enrolled.gallery.of.size), "failed_people": enrolled.probes.tried - int(enrolled.probes.of.size),
        "failed_gallery": enrolled.gallery.tried - int(enrolled.gallery.of.size),
    }  # fmt: skip
    if at.threshold is None:
        return results.LineupScenario.model_validate({**fields, "reason": at.reason})
    if not enrolled.probes.of.size or not enrolled.gallery.of.size:
        return results.LineupScenario.model_validate(
            {**fields, "reason": "zero_comparisons", "detail": "one side has no template"}
        )
    everybody, kind = np.array([enrolled.gallery.tried]), context.card.score.kind
    lists = candidate_lists.make_lists(
        enrolled, np.zeros(enrolled.gallery.tried, np.int32), everybody, kind, workers=context.workers
    )
    return results.LineupScenario.model_validate({**fields, **_found(lists, at.threshold, grouping, context)})


def _shown_groups(grouping: SampleGrouping, probes: Flags, context: ScenarioContext) -> SampleGrouping:
    """Return the groups of a line-up that may be shown.

    Those with people in it, less those that are withheld.
    """
    present = grouping.of(context.cells.of_sample)[probes]
    grouping = grouping.without([g for g in range(grouping.n) if g not in present])
    cells = replace(context.cells, of_sample=context.cells.of_sample[probes])
    return withhold_small_groups([grouping], cells, context.dataset.subjects[probes])[0]


def _enrolled(scenario: Lineup, context: ScenarioContext, probes: Flags, gallery: Flags) -> Enrolled:
    """Enrol the gallery and the line-up's probes.

    Of each person of the line-up the first image; of each of the others the first, or all of them as one template.
    """
    dataset, cells = context.dataset, context.cells.of_sample

    def first(chosen: Flags) -> NDArray[np.int64]:
        samples = np.flatnonzero(chosen)
        return samples[np.sort(np.unique(dataset.subjects[samples], return_index=True)[1])]

    of = (context.templates, dataset.subjects, cells)
    searched = single(*of, first(probes))
    kind = context.card.score.kind
    others = single(*of, first(gallery)) if scenario.images == "one" else averaged(*of, np.flatnonzero(gallery), kind)
    return Enrolled(others, searched, np.zeros(searched.tried, bool), left_out_pairs(context.templates, context.evidence.tally))


def _found(
    lists: candidate_lists.CandidateLists, threshold: float, grouping: SampleGrouping, context: ScenarioContext
) -> dict[str, object]:
    """Return the fields of the record at a threshold."""
    alarms = false_alarms(lists, threshold)
    group = candidate_lists.groups_of(lists.probes, grouping.of_cell)
    overall = candidate_lists.estimate(lists, alarms, np.ones(group.size, bool))
    rate = estimates.to_rate(overall, EVERYBODY, "all")
    top = lists.score[:, 0]
    flagged = int((top >= np.float32(threshold)).sum())
    alike = None if context.same_person is None else int((top >= np.float32(max(threshold, context.same_person))).sum())
    share = overall.rate if rate.status != "suppressed" else None
    size = lists.others.sum(axis=1).mean()
    return {
        "overall": rate,
        "implied_fmr": fmr_of_fpir(share, float(size)) if share is not None and 0 < share < 1 else None,
        "groups": _groups(lists, alarms, group, grouping, 1 if context.dataset.card.labels_public else SMALL_CELL),
        "unlabelled": int((group < 0).sum()),
        "same_person_share": None if alike is None else alike / flagged if flagged else 0.0,
    }


def _groups(
    lists: candidate_lists.CandidateLists, alarms: candidate_lists.SearchOutcome, group: I32, grouping: SampleGrouping, least: int
) -> list[results.LineupGroup]:
    """Compare each group with all others.

    People without a template are in no count. least: people of the gallery from which a group's share of it is shown.
    """
    probe_group = group[lists.probes.of]
    hit = alarms.value > 0.5
    gallery_group = candidate_lists.groups_of(lists.gallery, grouping.of_cell)[lists.gallery.of]
    labelled = int((gallery_group >= 0).sum())
    people, flagged = int((probe_group >= 0).sum()), int(hit[probe_group >= 0].sum())
    rows, ratios = [], []
    for g, name in enumerate(grouping.names):
        estimate, others = (candidate_lists.estimate(lists, alarms, row) for row in (group == g, (group >= 0) & (group != g)))
        rate = estimates.to_rate(estimate, name, "all")
        ratio = compare(estimate, others, "all others")
        ratios.append(ratio if len(grouping.names) > 1 else ratio.model_copy(update={"verdict": "none", "reason": "one_group"}))
        rows.append(group_counts(name, rate, int((probe_group == g).sum()), int(hit[probe_group == g].sum()), people, flagged))
    size = np.bincount(gallery_group[gallery_group >= 0], minlength=grouping.n)
    shares = [
        float(count) / labelled if labelled and shown else None for count, shown in zip(size, _shown(size, least), strict=True)
    ]
    return [
        row.model_copy(update={"by_subjects": tested, "share_of_gallery": share})
        for row, tested, share in zip(rows, settle_verdicts(ratios), shares, strict=True)
    ]


def _shown(sizes: NDArray[np.int64], least: int) -> Flags:
    """Return which counts may be shown beside their sum.

    Not those of 1 to `least` - 1, nor the smallest others until those hidden are `least` together. A count of 0 is shown.
    """
    hidden = (sizes > 0) & (sizes < least)
    for g in np.argsort(sizes, kind="stable"):
        if not 0 < sizes[hidden].sum() < least:
            break
        hidden[g] |= sizes[g] > 0
    return ~hidden


def group_counts(name: str, rate: results.Rate, own: int, hits: int, people: int, flagged: int) -> results.LineupGroup:
    """Return the counts and tests of one group.

    `own` people, of whom `hits` were matched, of all `people`, of whom `flagged` were. Nothing is counted where the rate is
    not shown.
    """
    base = results.LineupGroup(
        group=name, people=own, share_of_people=own / people if people else 0.0, flagged=None, share_of_flagged=None, rate=rate
    )
    if rate.status == "suppressed":
        return base
    fields: dict[str, object] = {"flagged": hits, "share_of_flagged": hits / flagged if flagged else None}
    if own < people and flagged:
        fields["p_hypergeometric"] = counts.hypergeometric_upper(people, own, flagged, hits)
        fields["p_fisher"] = counts.fisher_two_sided(people, own, flagged, hits)
        found = counts.risk_ratio(hits, own, flagged - hits, people - own)
        if found is not None:
            fields |= {"ratio_to_others": found.ratio, "interval_independent": found.interval}
    return base.model_copy(update=fields)
