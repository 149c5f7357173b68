"""What a person left out by name is told beside the figures with it: on the page, in the terminal, in summary.md and tables."""

from __future__ import annotations

import csv
import io
from types import ModuleType

import numpy as np
import pytest
from rich.console import Console

from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.evaluation.with_exclusions import evaluate_without
from faceparity.harness.options import Options
from faceparity.harness.results import Evaluation, ExcludedCount, Exclusion, ExclusionCounts, ExclusionPoint, ExclusionRate
from faceparity.reports.formats import csv_tables, html, markdown, terminal
from faceparity.reports.topics import exclusions
from faceparity.reports.wording import csv_rows
from faceparity.reports.wording import numbers as f
from tests.harness import toy


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    dataset = toy.make_dataset(5, 150, 2)
    pairs = np.array([[0, 1], [2, 9], [3, 8]], np.int32)
    words = ("twin", "", *["Jane Doesecret"] * 38)
    ex = Excluded(np.arange(20, 60, dtype=np.int32), pairs, words, ("same person", "relative", "relative"))
    options = Options(targets=(1e-2, 1e-9))
    return evaluate_without(dataset, toy.make_card(), toy.make_templates(dataset, 6), options, ex).evaluated.evaluation


def one_target(builder: ModuleType) -> Exclusion:
    """Three wrong labels left out, which moved one target's threshold and with it one group's rate."""
    counts = ExclusionCounts(subjects=812, samples=1624, templates=1599, non_mated=300_000, mated=812)
    rate = ExclusionRate(
        measure="fmr", attributes=["gender", "ethnicity"], group="Female × Black", design="within", verdict_before="higher",
        verdict_after="inconclusive", before=builder.rate("Female × Black", 140, 9000, 90),
        after=builder.rate("Female × Black", 139, 8900, 60),
    )  # fmt: skip
    point = ExclusionPoint(
        origin="target", target_fmr=0.01, threshold_before=0.31, threshold_after=0.33, native_threshold_before=0.31,
        native_threshold_after=0.33, achieved_fmr_before=0.0099, achieved_fmr_after=0.0098, rates=[rate],
    )  # fmt: skip
    reasons = [ExcludedCount(reason="wrong_label", samples=3, comparisons=0)]
    return Exclusion(samples=3, comparisons=0, comparisons_mated=0, reasons=reasons, before=counts, after=counts, points=[point])


def everywhere(e: Evaluation) -> dict[str, str]:
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(terminal.render([e]))
    return {"page": html.render([e]), "terminal": console.export_text(), "summary": markdown.summary([e])}


def test_both_readings_stand_everywhere(evaluation: Evaluation) -> None:
    (x,) = evaluation.exclusions
    point = next(p for p in x.points if p.origin == "target" and p.threshold_before is not None)
    assert point.threshold_before != point.threshold_after
    rate = next(r for r in point.rates if len(r.attributes) == 2 and r.before.errors != r.after.errors)
    for place, text in everywhere(evaluation).items():
        text = text.replace("\\", "")
        assert "40 images and 3 comparisons (1 mated) left out by name" in text, place
        assert "twins or relatives: 1 image and 2 comparisons" in text, place
        assert "Doesecret" not in text, place
        for native in (point.native_threshold_before, point.native_threshold_after):
            assert f.native_number(native) in text, place
        for r in (rate.before, rate.after):
            assert f.percent(r.rate) in text, place


def test_changed_verdicts_are_named(evaluation: Evaluation) -> None:
    (x,) = evaluation.exclusions
    same = [
        p.model_copy(update={"rates": [r.model_copy(update={"verdict_after": r.verdict_before}) for r in p.rates]})
        for p in x.points
    ]
    assert exclusions.sentences(x.model_copy(update={"points": same}))[-1] == "No verdict on any group changed."
    k = next(i for i, p in enumerate(same) if any(r.verdict_before for r in p.rates))
    i = next(i for i, r in enumerate(same[k].rates) if r.verdict_before)
    rates = list(same[k].rates)
    rates[i] = rates[i].model_copy(update={"verdict_before": "inconclusive", "verdict_after": "higher"})
    same[k] = same[k].model_copy(update={"rates": rates})
    told = exclusions.sentences(x.model_copy(update={"points": same}))[-1]
    where = f"{rates[i].measure.upper()} of {rates[i].group} at {exclusions.name(same[k])}"
    assert told == f"1 verdict changed: {where}, inconclusive → higher."


def test_a_refused_target_is_said_to_be_refused(evaluation: Evaluation) -> None:
    (x,) = evaluation.exclusions
    refused = next(p for p in x.points if p.target_fmr == 1e-9)
    assert exclusions.thresholds(evaluation, refused) == "With: refused. Without: refused."


def test_the_table_holds_every_rate_twice(evaluation: Evaluation) -> None:
    made = csv_tables.tables(evaluation)
    header, rows = made["exclusions"]
    read = list(csv.DictReader(io.StringIO(csv_rows.to_csv(header, rows))))
    wanted = [r for x in evaluation.exclusions for p in x.points for r in p.rates]
    for reading, side in (("with", "before"), ("without", "after")):
        have = [(row["measure"], row["group"], row["design"], row["errors"]) for row in read if row["reading"] == reading]
        rates = [(r, getattr(r, side)) for r in wanted if getattr(r, side) is not None]
        assert have == [(r.measure, r.group, r.design, "" if one.errors is None else str(one.errors)) for r, one in rates]
    assert made["exclusion_reasons"][1] == [["same_person", 0, 1], ["relative", 1, 2], ["other", 38, 0], ["not_given", 1, 0]]


def test_nothing_is_said_where_nothing_was_left_out(evaluation: Evaluation) -> None:
    plain = evaluation.model_copy(update={"exclusions": [], "warnings": []})
    for place, text in everywhere(plain).items():
        assert "left out by name" not in text.casefold(), place
    assert "exclusions" not in csv_tables.tables(plain)
