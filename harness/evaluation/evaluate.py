"""Evaluation of one model on one data set: joins the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness import results
from faceparity.harness.claims.claim_verdicts import ClaimContext, evaluate_claims
from faceparity.harness.comparisons.evidence import Evidence, count_comparisons, count_dealt, never_attempted
from faceparity.harness.comparisons.few_mated import of_few_people
from faceparity.harness.comparisons.mated import mated_pairs
from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.evaluation import provenance
from faceparity.harness.evaluation.resolved_options import Resolved, as_resolved
from faceparity.harness.execution.worker_deaths import lost_warnings
from faceparity.harness.experiments.controlled_experiment import paired
from faceparity.harness.groups.groupings import SMALL_CELL, Cells, SampleGrouping
from faceparity.harness.models.base.card import ModelCard, training_overlap
from faceparity.harness.models.base.descriptions import faces_words
from faceparity.harness.options import Options
from faceparity.harness.protocols.open_set_search import evaluate_searches
from faceparity.harness.protocols.pair_lists import ProtocolContext as ProtocolSetting
from faceparity.harness.protocols.pair_lists import evaluate_protocols
from faceparity.harness.results.parts.notices import NO_MATED_PAIR, SYNTHETIC
from faceparity.harness.scenarios.base.context import ScenarioContext as ScenarioSetting
from faceparity.harness.scenarios.dispatch import evaluate_scenarios
from faceparity.harness.templates.extract import Templates
from faceparity.harness.verification.one_threshold import PointContext, reference_group
from faceparity.harness.verification.operating_points import Fixed, MeasurementPlan, measure
from faceparity.harness.verification.rates.failures_and_covariates import (
    covariates,
    failed_comparisons,
    failure_rates,
    group_sizes,
)
from faceparity.harness.verification.rates.score_histograms import make_curves
from faceparity.harness.verification.rates.score_order import ScoreOrder, withhold_paired, without_ratios
from faceparity.harness.verification.rates.score_separation import make_separation
from faceparity.harness.verification.sampling_report import deal_share, sampled_info, sampled_warnings
from faceparity.harness.verification.sweep_bounds import with_bounds_of_sweep
from faceparity.harness.verification.threshold.collect_evidence import CollectedEvidence, TallyPlan, tally_all_pairs
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool, make_pool
from faceparity.harness.verification.threshold_sweep import make_sweeps

from .preflight import GroupedSamples, check_references, group_samples


@dataclass(frozen=True)
class Evaluated:
    """The record, and the evidence for the private part."""

    evaluation: results.Evaluation
    evidence: Evidence
    pool: ThresholdPool


def evaluate(
    dataset: Dataset,
    card: ModelCard,
    templates: Templates,
    asked: Options | Resolved,
    progress: Callable[[int], None] | None = None,
    excluded: NDArray[np.int32] | None = None,
    grouped: GroupedSamples | None = None,
) -> Evaluated:
    """Measure every group's error rates on a data set.

    Compares all templates. Raises UserError for options that do not fit the data set.

    excluded: int32[m, 2], pairs of samples that are not to be compared (see `exclusions`), each once, none in same_photo.
    grouped: samples as `preflight` grouped them; data set, templates and pairs are then those of `grouped.dataset`. If not given, they
    are grouped here, and people of small groups leave.
    """
    resolved = as_resolved(asked)
    options = resolved.options
    excluded = np.empty((0, 2), np.int32) if excluded is None else excluded
    if grouped is None:
        grouped = group_samples(dataset, options.by)
        templates, excluded = grouped.of_templates(templates), grouped.of_pairs(excluded)
    dataset, attributes, cells, groupings = grouped.dataset, grouped.attributes, grouped.cells, grouped.groupings
    check_references(options.references, groupings, grouped.small)
    has_template = templates.status == "ok"
    few = _few_mated(dataset, cells, groupings, excluded)
    samples = _samples(dataset, cells, templates, excluded, few)
    dealt = deal_share(cells, resolved.share, options.seed)
    table, _ = count_comparisons(samples.subjects, samples.cells, cells.n)
    if dealt is not None:
        table = count_dealt(samples.subjects, samples.cells, cells.n, dealt.only(has_template))
    compared_cells = Cells(cells.attributes, cells.values, samples.cells, cells.codes)
    pool = make_pool(options.pool, compared_cells, samples.subjects, table, groupings[-1])
    plan = _measurement_plan(dataset, card, resolved)
    tally_plan = _tally_plan(card, plan, resolved)
    tallied = tally_all_pairs(samples, cells, dataset.subjects, has_template, pool, tally_plan, progress, dealt)
    not_attempted = np.concatenate([excluded, few])
    failed = not_attempted[~has_template[not_attempted].all(axis=1)]
    tallied = replace(tallied, evidence=never_attempted(tallied.evidence, cells, dataset.subjects, failed))
    measured = measure(tallied.evidence, groupings, groupings[-1], pool, plan)
    setting = PointContext(tallied.evidence, groupings[-1], pool, options.references, plan.sign, options.seed)
    sweeps = [
        without_ratios(sweep, setting.order)
        for sweep in make_sweeps(tallied.evidence, groupings, pool, options.references, measured, plan.same_person, plan.labelled)
    ]
    values = {**templates.covariates, **({} if dataset.capture_year is None else {"capture_year": dataset.capture_year})}
    listed = ProtocolSetting(cells, groupings, card.score.sign, card.score.low, card.score.high)
    one_to_many = ScenarioSetting(
        dataset, card, templates, tallied.evidence, cells, groupings, pool, plan.same_person, options.seed, options.references,
        resolved.workers,
    )  # fmt: skip
    evaluation = results.Evaluation(
        provenance=provenance.provenance(resolved),
        dataset=provenance.dataset_info(dataset, attributes, grouped.left),
        model=provenance.model_info(card, templates.model_fingerprint, dataset),
        comparisons=comparisons_info(tallied, setting.order, samples),
        paired=withhold_paired(
            paired(dataset, samples, templates.samples, measured[-1], card.score.kind, options.references),
            measured[-1],
            setting.order,
        ),
        extraction=_extraction(groupings, cells, dataset.subjects, templates, card, options),
        groupings=[
            to_grouping(
                grouping,
                points,
                tallied.evidence,
                cells,
                dataset.subjects,
                options.references,
                covariates(grouping, cells, dataset.subjects, values),
                sweep,
                setting.order,
            )
            for grouping, points, sweep in zip(groupings, measured, sweeps, strict=True)
        ],
        protocols=evaluate_protocols(dataset, templates, card.score.kind, listed, measured[-1]),
        searches=evaluate_searches(dataset, templates, card.score.kind, listed),
        scenarios=evaluate_scenarios(resolved.scenarios, one_to_many),
        warnings=[
            *lost_warnings(templates.reasons),
            *_faces_warnings(card, templates, options),
            *left_warnings(grouped.left),
            *_warnings(dataset, card, tallied, pool, groupings[-1], options.targets),
        ],
    )
    more = [attribute for attribute in dataset.attributes if attribute not in cells.attributes]
    bench = ClaimContext(setting, plan, groupings, measured, evaluation.paired, dataset.card.synthetic, more)
    evaluation = evaluation.model_copy(update={"claims": evaluate_claims(resolved.claims, bench)})
    return Evaluated(results.canonical(evaluation), tallied.evidence, pool)


def _tally_plan(card: ModelCard, plan: MeasurementPlan, resolved: Resolved) -> TallyPlan:
    """Return what the tally must be able to answer."""
    fixed = tuple(entry.threshold for entry in plan.fixed)
    score = card.score
    return TallyPlan(
        score.kind, score.low, score.high, plan.targets, fixed, plan.same_person, resolved.workers, resolved.backend
    )  # fmt: skip


def _extraction(
    groupings: Sequence[SampleGrouping],
    cells: Cells,
    subjects: NDArray[np.int32],
    templates: Templates,
    card: ModelCard,
    options: Options,
) -> results.ExtractionCounts:
    """Count the samples that gave no template, by reason, and those in which the policy decides which face is used."""
    overall, by_group = failure_rates(groupings, cells, subjects, templates.status != "ok")
    policy, differ = templates.faces_policy, templates.faces_differ
    differ_overall, differ_by_group = failure_rates(groupings, cells, subjects, differ) if differ is not None else (None, [])
    return results.ExtractionCounts(
        overall=overall,
        by_group=by_group,
        faces_policy=faces_words(card, policy),
        faces=policy,
        faces_from=None if policy is None else "card" if options.faces is None else "option",
        faces_differ=differ_overall,
        faces_differ_by_group=differ_by_group if differ_overall is not None and differ_overall.errors else [],
        no_face=int((templates.status == "no_face").sum()),
        unreadable=int((templates.status == "unreadable").sum()),
        several_faces=int((templates.faces > 1).sum()),
    )


def _faces_warnings(card: ModelCard, templates: Templates, options: Options) -> list[str]:
    """Warn where a user asked for a policy that the model does not take."""
    if options.faces is None or templates.faces_policy is not None:
        return []
    used = faces_words(card, None)
    return [f"--faces {options.faces} changes nothing here: {card.name} takes no such choice; used was {used}."]


def _few_mated(
    dataset: Dataset, cells: Cells, groupings: Sequence[SampleGrouping], excluded: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the mated pairs of too few people, int32[m, 2].

    None where labels are public; none of those excluded or listed as one photograph.
    """
    none = np.empty((0, 2), np.int32)
    if dataset.card.labels_public:
        return none
    pairs = np.sort(np.stack(mated_pairs(dataset.subjects), axis=1), axis=1)
    few = pairs[of_few_people(pairs[:, 0], pairs[:, 1], dataset.subjects, cells, groupings)]
    if not few.size:
        return none
    others = {(min(pair), max(pair)) for pair in np.concatenate([excluded, dataset.same_photo.reshape(-1, 2)]).tolist()}
    return np.array([pair for pair in few.tolist() if tuple(pair) not in others], np.int32).reshape(-1, 2)


def _samples(
    dataset: Dataset, cells: Cells, templates: Templates, excluded: NDArray[np.int32], few: NDArray[np.int32]
) -> Samples:
    """Return the samples with a template, renumbered."""
    chosen = templates.samples
    number = np.full(dataset.n_samples, -1, np.int32)
    number[chosen] = np.arange(chosen.size, dtype=np.int32)
    subjects = dataset.subjects[chosen]
    photo, not_compared, few = (
        pairs[(pairs >= 0).all(axis=1)] for pairs in (number[dataset.same_photo.reshape(-1, 2)], number[excluded], number[few])
    )
    mated = not_compared[subjects[not_compared[:, 0]] == subjects[not_compared[:, 1]]]
    digests = np.asarray(templates.pixels, dtype=str)[chosen]
    images = np.unique(digests, return_inverse=True)[1].astype(np.int32) if chosen.size else np.empty(0, np.int32)
    return Samples(
        templates.vectors, subjects, cells.of_sample[chosen], images, cells.n, np.concatenate([photo, mated, few]), not_compared,
        few=few,
    )  # fmt: skip


def _measurement_plan(dataset: Dataset, card: ModelCard, resolved: Resolved) -> MeasurementPlan:
    options = resolved.options
    sign = card.score.sign
    fixed = []
    if card.published_threshold:
        fixed.append(Fixed("published", _f32(sign * card.published_threshold.native), card.published_threshold.note))
    if options.threshold is not None:
        fixed.append(Fixed("fixed", _f32(sign * options.threshold), "given with --threshold"))
    fixed += resolved.fixed
    labelled = dataset.identity != "none"
    # It was measured on pictures of people: made-up faces of one kind are more alike than that.
    same = None if labelled and dataset.card.synthetic else card.likely_same_person
    return MeasurementPlan(
        options.targets,
        tuple(fixed),
        options.references,
        sign,
        _f32(sign * same) if same is not None else None,
        options.seed,
        labelled=labelled,
        targets_asked=options.targets_asked,
    )


def _f32(threshold: float) -> float:
    """Round a threshold to the precision of scores.

    So that a score equal to a typed threshold is a match; in its shortest form, 0.363 for 0.363.
    """
    return float(str(np.float32(threshold)))


def comparisons_info(tallied: CollectedEvidence, order: ScoreOrder, samples: Samples | None = None) -> results.Comparisons:
    """Count comparisons, and those left out by reason.

    samples: of templates; None for a score file.
    """
    tally = tallied.evidence.tally
    left_out = {
        "identical_image": len(tally.left_out_non_mated) + len(tally.left_out_mated) - tally.same_photo,
        "same_photo": tally.same_photo,
    }
    if samples is not None and samples.excluded.size:
        first, second = samples.excluded.T
        other = samples.images[first] != samples.images[second]
        mated = samples.subjects[first] == samples.subjects[second]
        left_out["excluded"] = int(other.sum())
        left_out["identical_image"] -= int((other & ~mated).sum())
        left_out["same_photo"] -= int((other & mated).sum())
    if samples is not None and samples.few.size:
        first, second = samples.few.T
        left_out["few_people"] = int((samples.images[first] != samples.images[second]).sum())
        left_out["same_photo"] -= left_out["few_people"]
    return results.Comparisons(
        non_mated=tally.n_non_mated,
        mated=tally.n_mated,
        mated_failed=_failed(tallied.evidence.attempted_mated, tally.n_mated),
        non_mated_failed=_failed(tallied.evidence.attempted_non_mated, tally.n_non_mated),
        mated_above=order.mated_above,
        left_out=left_out,
        ledger_floor=tally.floor if np.isfinite(tally.floor) else None,
        ledger_entries=len(tally.ledger),
        passes=tallied.passes,
        sampled=sampled_info(tallied.evidence),
    )


def _failed(attempted: NDArray[np.int64] | None, made: int) -> int | None:
    """Return how many comparisons could not be made; None if that is not known."""
    return None if attempted is None else max(0, int(attempted.sum()) - made)


def to_grouping(
    grouping: SampleGrouping,
    points: list[results.OperatingPoint],
    evidence: Evidence,
    cells: Cells,
    subjects: NDArray[np.int32],
    references: tuple[str, ...],
    image_covariates: list[results.Covariate],
    sweep: results.Sweep | None = None,
    order: ScoreOrder | None = None,
) -> results.Grouping:
    """Return one grouping of the record.

    cells, subjects: of all samples, failed ones too.
    """
    groups = group_sizes(grouping, cells, subjects)
    group = grouping.of(evidence.cells.of_sample)
    pairs = evidence.tally.mated_pairs
    ga, gb = group[pairs.a], group[pairs.b]
    return results.Grouping(
        attributes=list(grouping.attributes),
        groups=groups,
        reference=reference_group(grouping, evidence, references),
        unlabelled=int((grouping.of(cells.of_sample) < 0).sum()),
        mixed_mated=int(((ga != gb) & (ga >= 0) & (gb >= 0)).sum()),
        covariates=image_covariates,
        operating_points=with_bounds_of_sweep(points, sweep),
        curves=make_curves(evidence, grouping, np.asarray([entry.subjects for entry in groups])),
        separation=make_separation(evidence, grouping),
        sweep=sweep,
        failed_comparisons=failed_comparisons(evidence, grouping),
        groups_not_above=[] if order is None else sorted(order.reversed_groups(grouping)),
    )


def left_warnings(left: int) -> list[str]:
    """Return that people of small groups left, if any did."""
    if not left:
        return []
    return [f"{left:,} {'person' if left == 1 else 'people'} of groups with fewer than {SMALL_CELL} left every figure."]


def _warnings(
    dataset: Dataset,
    card: ModelCard,
    tallied: CollectedEvidence,
    pool: ThresholdPool,
    finest: SampleGrouping,
    targets: Sequence[float],
) -> list[str]:
    """Return the warnings of the first screen."""
    out = []
    if dataset.card.synthetic:
        out.append(SYNTHETIC)
    out += sampled_warnings(tallied.evidence, finest, targets)
    if dataset.card.withdrawn:
        out.append(f"This data set was withdrawn: {dataset.card.withdrawn}")
    if overlap := training_overlap(card, dataset.name, dataset.card.training_overlaps):
        out.append(f"The model's training data overlaps this data set: {overlap}.")
    if conditions := card.conditions():
        out.append(conditions)
    if dataset.identity == "none":
        out.append("The set has no subject labels: each sample stands for a person, and hidden repeats look like false matches.")
    elif dataset.n_subjects == dataset.n_samples:
        out.append(NO_MATED_PAIR)
    if pool.missing_values:
        out.append(f"The threshold was set without {'; '.join(pool.missing_values)}: no group with 30 people has that value.")
    if tallied.passes > 1:
        out.append(f"The comparisons were made {tallied.passes} times: {tallied.note}.")
    return out
