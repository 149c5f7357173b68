"""`faceparity score`: any system's scores, from a CSV or Parquet file or a DataFrame, through the same statistics as a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import whole_number
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
from faceparity.harness.score_files.columns import I32, renamed
from faceparity.harness.score_files.precision import Scores, in_precision
from faceparity.harness.score_files.repeated_pairs import WORDS, Rule, check_rule
from faceparity.harness.score_files.small_groups import LabelledPeople, leaving_people, scores_of, without_few_mated
from faceparity.harness.score_files.source import Source, source_of
from faceparity.harness.score_files.table import ScoreTable, attribute, names_in, read_scores, read_texts
from faceparity.harness.verification.one_threshold import PointContext
from faceparity.harness.verification.operating_points import Fixed, MeasurementPlan, measure
from faceparity.harness.verification.rates.failures_and_covariates import failure_rates
from faceparity.harness.verification.threshold.collect_evidence import BINS, CollectedEvidence, TallyPlan, choose_floor
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool, check_pool, make_pool
from faceparity.harness.verification.threshold_sweep import make_sweeps

WIDEST, NARROWEST = 1e38, 1e-30
"""Limits on the range of scores, so that 1,000 bins in it have a width in either precision."""
MOST_ATTEMPTS = 20_000_000
"""Limit on the attempts in a failures file: each takes memory, and one row may claim a thousand million of them."""


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
    failed = None if failures is None else _failures(source_of(failures, "failures"), by)
    gone = _leaving(source, complete, attributes, failed)
    table = scores_of(complete, ~_labelled(complete, attributes).are(gone))
    small = small_values(attributes, _attributes(source, table, by))
    attributes = _attributes(source, table, by)
    cells = make_cells(attributes, table.subjects.size)
    groupings = groupings_of(cells, table.subjects, protect=True)
    table = without_few_mated(table, cells, groupings)
    check_references(options.references, groupings, small)
    check_pool(options.pool, cells, small)
    extraction = _extraction(failed, gone, empty_scores=bool(np.isnan(table.score).any()))
    asked = [] if options.threshold is None else [sign * options.threshold]
    score = in_precision(table.score if sign == 1 else -table.score, asked, single=table.single)
    fixed = tuple(Fixed("fixed", float(str(score.dtype.type(threshold))), "given with --threshold") for threshold in asked)
    questions = MeasurementPlan(options.targets, fixed, options.references, sign, None, options.seed)
    evidence, pool = _evidence(source, table, score, cells, groupings, options, questions)
    measured = measure(evidence, groupings, groupings[-1], pool, questions)
    sweeps = make_sweeps(evidence, groupings, pool, options.references, measured, questions.same_person)
    info = comparisons_info(CollectedEvidence(evidence, 1))
    setting = PointContext(evidence, groupings[-1], pool, options.references, sign, options.seed)
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
        extraction=extraction,
        groupings=[
            to_grouping(grouping, points, evidence, cells, table.subjects, options.references, [], sweep)
            for grouping, points, sweep in zip(groupings, measured, sweeps, strict=True)
        ],
        claims=evaluate_claims(resolved.claims, bench),
        warnings=[*table.notes, *left_warnings(len(gone)), *_left_out(table, rule)],
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
    return evidence_of_rows(rows, cells, counted, floor, failures_supplied=bool(np.isnan(score).any())), pool


def _above(source: Source, low: float, high: float) -> float:
    """Return the upper end of the bins.

    It is above the lower end by enough for a thousand bins, though all scores are equal.
    Raises UserError for a range that is too wide.
    """
    if high - low > WIDEST:
        raise UserError(f"{source}: scores run from {low:g} to {high:g}, too far apart: divide them by a constant")
    return max(high, low + NARROWEST) if high > low else low + max(1.0, abs(low))


@dataclass(frozen=True)
class _Failures:
    """A file of failures: a row for each subject or sample, with attempts and failures, int64[rows] each."""

    source: Source
    people: Sequence[str]
    subjects: I32
    attributes: tuple[Attribute, ...]
    attempted: NDArray[np.int64]
    failed: NDArray[np.int64]

    @property
    def labelled(self) -> LabelledPeople:
        """Return its people with their cells."""
        return LabelledPeople(self.people, self.subjects, make_cells(self.attributes, self.subjects.size))


def _labelled(table: ScoreTable, attributes: Sequence[Attribute]) -> LabelledPeople:
    """Return a score table's people with their cells."""
    return LabelledPeople(table.people, table.subjects, make_cells(attributes, table.subjects.size))


def _leaving(source: Source, table: ScoreTable, attributes: Sequence[Attribute], failed: _Failures | None) -> frozenset[str]:
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


def _failures(source: Source, by: Sequence[str]) -> _Failures:
    """Read the failures file.

    Its columns are subject, attempted, failed and the attributes; one row is a subject or a sample.
    Raises UserError for more failed than attempted, and for more than `MOST_ATTEMPTS` in all.
    """
    columns = read_texts(source, ["subject", "attempted", "failed", *by])
    tried, failed = (_whole(source, *columns.pop(column), column) for column in ("attempted", "failed"))
    columns = {name: renamed(codes, words, names_in(name, words)) for name, (codes, words) in columns.items()}
    if (attempts := int(tried.sum())) > MOST_ATTEMPTS:
        raise UserError(
            f"{source}: {attempts:,} attempts, more than {MOST_ATTEMPTS:,}; give the numbers of a sample of the people"
        )
    over = np.flatnonzero(failed > tried)
    if over.size:
        raise UserError(f"{source.row(int(over[0]))}: more failed than attempted")
    subjects, people = columns["subject"]
    rows = np.flatnonzero(tried)
    attributes = tuple(attribute(name, columns[name][0][rows], columns[name][1], subjects[rows]) for name in by)
    return _Failures(source, people, subjects[rows], attributes, tried[rows], failed[rows])


def _extraction(found: _Failures | None, gone: frozenset[str], *, empty_scores: bool) -> results.ExtractionCounts:
    """Return FTX from the failures, without people who left."""
    none = results.ExtractionCounts(
        supplied=empty_scores, overall=None, by_group=[], no_face=0, unreadable=0, several_faces=0, faces_policy="not known"
    )
    if found is None:
        return none
    kept = np.flatnonzero(~found.labelled.are(gone))
    tried, failed = found.attempted[kept], found.failed[kept]
    row = np.repeat(kept, tried)
    ordinal = np.arange(row.size) - np.repeat(np.cumsum(tried) - tried, tried)
    is_failed = ordinal < np.repeat(failed, tried)
    people = found.subjects[row]
    cells = make_cells([attribute.of_samples(row) for attribute in found.attributes], row.size)
    overall, by_group = failure_rates(groupings_of(cells, people, protect=True), cells, people, is_failed)
    return none.model_copy(update={"supplied": True, "overall": overall, "by_group": by_group})


def _whole(source: Source, codes: NDArray[np.int32], words: Sequence[str], name: str) -> NDArray[np.int64]:
    """Return a column's whole numbers: int64[rows], at least 0.

    Raises UserError, with the row, for what is no whole number.
    """
    numbers = [whole_number(word) for word in words]
    if None in numbers:
        bad = numbers.index(None)
        row = int(np.flatnonzero(codes == bad)[0])
        raise UserError(f"{source.row(row)}: {name} is {words[bad]!r}; write a whole number")
    return np.asarray(numbers, np.int64)[codes]


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
