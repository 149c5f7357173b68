"""`faceparity score`: any system's scores, from a CSV or Parquet file or a DataFrame, through the same statistics as a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Attribute
from faceparity.harness import results
from faceparity.harness.claims.claim_verdicts import ClaimContext, evaluate_claims
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.comparisons.score_list import ScoreRows, evidence_of_rows, tally_of_list
from faceparity.harness.comparisons.tally import ScoreBins
from faceparity.harness.evaluation import provenance
from faceparity.harness.evaluation.evaluate import comparisons_info, left_warnings, to_grouping
from faceparity.harness.evaluation.preflight import (
    check_cells,
    check_references,
    check_somebody_left,
    groupings_of,
    small_values,
)
from faceparity.harness.evaluation.resolved_options import Resolved, as_resolved
from faceparity.harness.groups.groupings import Cells, SampleGrouping, make_cells
from faceparity.harness.options import Options
from faceparity.harness.score_files.failures_file import (
    FailedImages,
    FailuresFile,
    count_failures,
    not_supplied,
    read_failures,
    with_failed_images,
)
from faceparity.harness.score_files.precision import Scores, in_precision
from faceparity.harness.score_files.repeated_pairs import WORDS, Rule, check_rule
from faceparity.harness.score_files.small_groups import LabelledPeople, leaving_people, scores_of, without_few_mated
from faceparity.harness.score_files.source import Source, source_of
from faceparity.harness.score_files.table import ScoreTable, read_scores
from faceparity.harness.verification.one_threshold import PointContext
from faceparity.harness.verification.operating_points import Fixed, MeasurementPlan, measure
from faceparity.harness.verification.rates.score_order import without_ratios
from faceparity.harness.verification.threshold.collect_evidence import BINS, CollectedEvidence, TallyPlan, choose_floor
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool, check_pool, make_pool
from faceparity.harness.verification.threshold_sweep import make_sweeps

WIDEST, NARROWEST = 1e38, 1e-30
"""Limits on the range of scores, so that 1,000 bins in it have a width in either precision."""


def evaluate_scores(
    scores: Any,
    given: Options | Resolved,
    *,
    failures: Any = None,
    distance: bool = False,
    repeated: str | None = None,
    name: str = "scores",
) -> results.Evaluation:
    """Evaluate a table of scores.

    scores: the path of a file, or a DataFrame, which is called `name`. failures: such a table of failures to extract.
    distance: lower scores are more alike. repeated: mean, first or max, for samples compared more than once with different scores.
    Raises UserError for a table that can't be read or contradicts itself, and for options that do not fit it.
    """
    resolved = as_resolved(given)
    options, source = resolved.options, source_of(scores, name)
    rule = check_rule(repeated)
    complete = read_scores(source, rule, distance=distance)
    sign = -1 if distance else 1
    attributes = _attributes(source, complete, options.by)
    by = [attribute.name for attribute in attributes]
    failed = None if failures is None else read_failures(source_of(failures, "failures"), by)
    gone = _leaving(source, complete, attributes, failed)
    table = scores_of(complete, ~_labelled(complete, attributes).are(gone))
    small = small_values(attributes, _attributes(source, table, by))
    attributes = _attributes(source, table, by)
    cells = make_cells(attributes, table.subjects.size)
    groupings = groupings_of(cells, table.subjects, protect=True)
    table = without_few_mated(table, cells, groupings)
    check_references(options.references, groupings, small)
    check_pool(options.pool, cells, small)
    failed_images = None if failed is None else count_failures(failed, gone)
    asked = [] if options.threshold is None else [sign * options.threshold]
    score = in_precision(table.score if sign == 1 else -table.score, asked, single=table.single)
    fixed = tuple(Fixed("fixed", float(str(score.dtype.type(threshold))), "given with --threshold") for threshold in asked)
    questions = MeasurementPlan(
        options.targets, fixed, options.references, sign, None, options.seed, targets_asked=options.targets_asked
    )
    evidence, pool = _evidence(source, table, score, cells, groupings, options, questions)
    evidence, notes = _with_failures(evidence, failed_images, empty_scores=bool(np.isnan(table.score).any()))
    measured = measure(evidence, groupings, groupings[-1], pool, questions)
    setting = PointContext(evidence, groupings[-1], pool, options.references, sign, options.seed)
    sweeps = [
        without_ratios(sweep, setting.order)
        for sweep in make_sweeps(evidence, groupings, pool, options.references, measured, questions.same_person)
    ]
    info = comparisons_info(CollectedEvidence(evidence, 1), setting.order)
    bench = ClaimContext(
        setting,
        questions,
        groupings,
        measured,
        more=[attribute.name for attribute in table.attributes if attribute.name not in by],
    )
    evaluation = results.Evaluation(
        provenance=provenance.provenance(resolved),
        dataset=_dataset(source, table, attributes, len(gone)),
        model=_model(source, distance, table.digest),
        comparisons=info.model_copy(update={"left_out": table.left_out}),
        extraction=failed_images.counts if failed_images else not_supplied(empty_scores=evidence.attempted_mated is not None),
        groupings=[
            to_grouping(grouping, points, evidence, cells, table.subjects, options.references, [], sweep, setting.order)
            for grouping, points, sweep in zip(groupings, measured, sweeps, strict=True)
        ],
        claims=evaluate_claims(resolved.claims, bench),
        warnings=[*table.notes, *left_warnings(len(gone)), *_left_out(table, rule), *notes],
    )
    return results.canonical(evaluation)


def _left_out(table: ScoreTable, rule: Rule | None) -> list[str]:
    """Return how many rows were left out, by kind, and what counts in their place."""
    kept = {"repeated": f" (--repeated {rule}: of each pair {WORDS[rule]} counts)"} if rule else {}
    return [
        f"{rows:,} rows left out: {kind.replace('_', ' ')}{kept.get(kind, '')}" for kind, rows in table.left_out.items() if rows
    ]


def _attributes(source: Source, table: ScoreTable, by: Sequence[str]) -> list[Attribute]:
    """Return the attributes to group by, each once.

    All there are where none is named. Raises UserError if one is not there, or there is none.
    """
    known = {known_attribute.name: known_attribute for known_attribute in table.attributes}
    for name in by:
        if name not in known:
            raise UserError(f"{source}: no attribute {name!r}; it has: {', '.join(known) or 'none'}")
    if not known:
        raise UserError(f"{source}: no attribute to group by: add columns such as gender_a and gender_b")
    return [known[name] for name in dict.fromkeys(by)] or list(table.attributes)


def _evidence(
    source: Source,
    table: ScoreTable,
    score: Scores,
    cells: Cells,
    groupings: Sequence[SampleGrouping],
    options: Options,
    questions: MeasurementPlan,
) -> tuple[Evidence, ThresholdPool]:
    """Return the evidence, and the pool that sets the threshold.

    The ledger is as deep as the targets and thresholds need. score: similarities. Raises UserError where no comparison has a score.
    """
    if np.isnan(score).all():
        raise UserError(f"{source}: every score is empty: no comparison was made; write the scores into the column score")
    low, high = float(np.fmin.reduce(score)), float(np.fmax.reduce(score))
    thresholds = tuple(point.threshold for point in questions.fixed)
    bins = ScoreBins.uniform if score.dtype == np.float32 else ScoreBins.in_double
    grid = bins(low, _above(source, low, high), BINS, thresholds)
    rows = ScoreRows(table.subjects, table.a, table.b, score)
    counted = tally_of_list(rows, cells, grid)
    pool = make_pool(options.pool, cells, table.subjects, counted[0].non_mated.sum(axis=2), groupings[-1])
    plan = TallyPlan("dot", low, high, questions.targets, (), None, 1)
    floor = min([choose_floor(counted[0], pool, plan, 1.0), *thresholds])
    return evidence_of_rows(rows, cells, counted, floor, failures_supplied=True), pool


def _with_failures(evidence: Evidence, failed: FailedImages | None, *, empty_scores: bool) -> tuple[Evidence, list[str]]:
    """Return the evidence with what is known of failures, and warnings.

    Without empty scores and without a file of failed images nothing is.
    """
    if failed is not None:
        return with_failed_images(evidence, failed)
    return (evidence if empty_scores else replace(evidence, attempted_mated=None, attempted_non_mated=None)), []


def _above(source: Source, low: float, high: float) -> float:
    """Return the upper end of the bins.

    It is above the lower end by enough for a thousand bins, though all scores are equal.
    Raises UserError for a range that is too wide.
    """
    if high - low > WIDEST:
        raise UserError(f"{source}: scores run from {low:g} to {high:g}, too far apart: divide them by a constant")
    return max(high, low + NARROWEST) if high > low else low + max(1.0, abs(low))


def _labelled(table: ScoreTable, attributes: Sequence[Attribute]) -> LabelledPeople:
    """Return a score table's people with their cells."""
    return LabelledPeople(table.people, table.subjects, make_cells(attributes, table.subjects.size))


def _leaving(source: Source, table: ScoreTable, attributes: Sequence[Attribute], failed: FailuresFile | None) -> frozenset[str]:
    """Return the ids of people of small groups, who leave.

    Raises UserError for too many cells, and where nobody would be left of one of the tables.
    """
    check_cells(str(source), attributes, make_cells(attributes, table.subjects.size).n)
    of_scores, names = _labelled(table, attributes), [attribute.name for attribute in attributes]
    gone = leaving_people([of_scores, *([] if failed is None else [failed.labelled])])
    check_somebody_left(str(source), names, of_scores.are(gone))
    if failed is not None:
        check_somebody_left(str(failed.source), names, failed.labelled.are(gone))
    return gone


def _dataset(source: Source, table: ScoreTable, attributes: Sequence[Attribute], left: int) -> results.DatasetInfo:
    labels = [
        results.LabelInfo(
            attribute=attribute.name, column=f"{attribute.name}_a, {attribute.name}_b", of=attribute.of, provenance="unknown",
            values=list(attribute.values), unlabelled=int((attribute.codes < 0).sum()),
        )
        for attribute in attributes
    ]  # fmt: skip
    return results.DatasetInfo(
        name=source.name, title="Supplied scores", version="", home="", digest=table.digest, licence="unknown",
        consent="unknown", withdrawn="", synthetic=False, identity="labelled", labels_public=False, labels=labels,
        subjects=int(np.unique(table.subjects).size), samples=int(table.subjects.size), subjects_left_out=left, problems={},
        known_defects=[], citation="",
    )  # fmt: skip


def _model(source: Source, distance: bool, digest: str) -> results.ModelInfo:
    unit = "supplied distance" if distance else "supplied score"
    score = results.ScoreInfo(kind="supplied", unit=unit, sign=-1 if distance else 1)
    return results.ModelInfo(
        name=source.name, title="A system known by its scores alone", version="", fingerprint=digest, licence="unknown",
        training_data="unknown", training_overlap=False, weights=[], detector="unknown", alignment="unknown", input="unknown",
        dimensions=None, score=score, published_threshold=None, published_threshold_source="", likely_same_person=None,
        known_weaknesses=[],
    )  # fmt: skip
