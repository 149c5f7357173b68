"""A run on a sample of the comparisons, from options to record: what is counted, said, refused and kept apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Attribute
from faceparity.harness.evaluation.evaluate import Evaluated, evaluate
from faceparity.harness.evaluation.resolved_options import resolve
from faceparity.harness.model_comparison.caveats import notes, to_compared
from faceparity.harness.model_comparison.compare_runs import compare_runs
from faceparity.harness.options import Options
from faceparity.harness.results import Evaluation
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.result_files import write_results
from faceparity.harness.suite.manifest import result_inputs
from faceparity.harness.verification.sampling_report import WHY_UNPAIRED, check_share, deal_share, scores_to_make
from faceparity.reports.layout.elements import Text
from faceparity.reports.sections.ratios import ratio_items
from faceparity.reports.wording import numbers as words
from tests.harness import toy

SHARE = 0.2
OPTIONS = Options(targets=(1e-2,), comparisons=SHARE)


@pytest.fixture(scope="module")
def case():
    dataset = toy.make_dataset(4, 220, 2)
    return dataset, toy.make_templates(dataset, 5, failed=0.05)


@pytest.fixture(scope="module")
def sampled(case) -> Evaluated:
    return evaluate(case[0], toy.make_card(), case[1], OPTIONS)


@pytest.fixture(scope="module")
def whole(case) -> Evaluated:
    return evaluate(case[0], toy.make_card(), case[1], OPTIONS.model_copy(update={"comparisons": None}))


def test_every_rate_is_a_count_over_the_pairs_that_were_taken(case, sampled: Evaluated) -> None:
    dataset, templates = case
    grouping = sampled.evaluation.groupings[-1]
    point = grouping.operating_points[0]
    cells = sampled.evidence.cells
    made_cells = np.full(dataset.n_samples, -1)
    codes = np.stack([dataset.attributes[a].codes for a in cells.attributes], axis=1)
    for c, code in enumerate(cells.codes):
        made_cells[(codes == code).all(axis=1)] = c
    whole_cells = replace(cells, of_sample=made_cells.astype(np.int32))
    dealt = deal_share(whole_cells, SHARE, 0)
    assert dealt is not None
    unit = np.full((dataset.n_samples, templates.vectors.shape[1]), np.nan)
    unit[templates.samples] = templates.vectors / np.linalg.norm(templates.vectors, axis=1, keepdims=True)
    made, wrong, tried = np.zeros(4, int), np.zeros(4, int), np.zeros(4, int)
    for i, j in combinations(range(dataset.n_samples), 2):
        if (
            made_cells[i] == made_cells[j]
            and dataset.subjects[i] != dataset.subjects[j]
            and dealt.takes(i := np.array(i), np.array(j))
        ):
            c = made_cells[i]
            score = unit[i] @ unit[j]
            tried[c] += 1
            made[c] += not np.isnan(score)
            wrong[c] += score >= point.threshold - 1e-7
    rates = {r.group: r for r in point.fmr}
    for c, code in enumerate(cells.codes):
        name = " × ".join(cells.values[k][v] for k, v in enumerate(code))
        assert (rates[name].comparisons, rates[name].errors) == (made[c], wrong[c])
        assert rates[name].rate_including_failures == pytest.approx(wrong[c] / tried[c])


def test_the_record_and_the_first_screen_say_so(sampled: Evaluated, whole: Evaluated) -> None:
    told, all_ = sampled.evaluation.comparisons, whole.evaluation.comparisons
    assert told.sampled is not None
    assert (told.sampled.made, told.sampled.of, told.sampled.asked, told.sampled.seed) == (
        told.non_mated,
        all_.non_mated,
        SHARE,
        0,
    )
    assert told.sampled.share == pytest.approx(SHARE, rel=0.06)
    assert told.mated == all_.mated
    assert all_.sampled is None
    assert any(f"{told.non_mated:,} of {all_.non_mated:,}" in w for w in sampled.evaluation.warnings)
    assert not any("sample of the comparisons" in w for w in whole.evaluation.warnings)
    assert f"a sample of {told.non_mated:,} of {all_.non_mated:,} non-mated" in words.compared(told)
    assert words.compared(all_).startswith(f"{all_.non_mated:,} non-mated")


def test_groups_of_which_too_few_are_made_are_named(case) -> None:
    small = evaluate(case[0], toy.make_card(), case[1], OPTIONS.model_copy(update={"comparisons": 0.02})).evaluation
    (said,) = [w for w in small.warnings if "too few comparisons to tell" in w]
    assert "× Black, female × White, male × Black and 1 more group, though all" in said
    assert "ask for a larger share" in said


def test_groups_of_whom_too_few_are_compared_are_named() -> None:
    """Their rates are marked as of fewer than 30 people, which the table of groups would seem to contradict."""
    dataset = toy.make_dataset(4, 160, 1)
    few = evaluate(
        dataset, toy.make_card(), toy.make_templates(dataset, 5), OPTIONS.model_copy(update={"comparisons": 0.01})
    ).evaluation
    (said,) = [w for w in few.warnings if "fewer than 30 people" in w]
    assert "in female × White, male × Black and male × White, though all" in said
    groups, rates = few.groupings[-1].groups, few.groupings[-1].operating_points[-1].fmr
    assert all(g.subjects >= 30 for g in groups)
    assert [r.subjects for r in rates] == [34, 8, 0, 22]
    assert [r.reason for r in rates[1:]] == ["too_few_subjects", "zero_comparisons", "too_few_subjects"]


@pytest.mark.slow
def test_a_bar_is_full_when_all_is_compared(case) -> None:
    """But for tiles with themselves, which are counted whole: much of so few."""
    n = case[1].samples.size
    for share in (None, SHARE, 0.05):
        done: list[int] = []
        evaluate(case[0], toy.make_card(), case[1], OPTIONS.model_copy(update={"comparisons": share, "targets": ()}), done.append)
        assert sum(done) == pytest.approx(scores_to_make(n, share), rel=0.3)


def test_people_needed_are_said_to_go_by_the_share(sampled: Evaluated, whole: Evaluated) -> None:
    notes_of = [[x.text for x in ratio_items(e, len(e.groupings) - 1, 0, "k") if isinstance(x, Text)] for e in
                (sampled.evaluation, whole.evaluation)]  # fmt: skip
    said = [[t for t in texts if t.startswith("People needed")] for texts in notes_of]
    assert [len(x) for x in said] == [1, 1]
    assert ["same share of the comparisons" in x[0] for x in said] == [True, False]


def lopsided(share: float | None, *, named: bool = False) -> Evaluated:
    """40 women and 560 men: a small group of the pool that a sample has hardly a comparison of."""
    dataset = toy.make_dataset(4, 600, 1)
    rng = np.random.default_rng(7)
    rare = Attribute("gender", ("female", "male"), (rng.permutation(600) >= 40).astype(np.int32))
    dataset = replace(dataset, attributes={"gender": rare})
    options = Options(by=("gender",), comparisons=share, **({"targets": (1e-2,)} if named else {}))
    return evaluate(dataset, toy.make_card(), toy.make_templates(dataset, 5), options)


@pytest.mark.parametrize(
    ("share", "why"), [(0.05, "as much of its rate as"), (0.01, "so few comparisons"), (0.8, ""), (None, "")]
)
def test_a_target_is_refused_where_the_pools_small_groups_are_hardly_in_the_sample(share: float | None, why: str) -> None:
    """One error of theirs would be more than the target, and the threshold anything."""
    point = lopsided(share).evaluation.groupings[-1].operating_points[0]
    assert point.pool.comparisons * 1e-2 > 10
    assert (point.reason, point.status) == (("too_few_comparisons_for_target", "refused") if why else (None, "ok"))
    assert why in point.detail
    if share == 0.05:
        assert point.needs_comparisons > point.pool.comparisons
        assert "ask for a larger share" in point.detail


def test_a_target_that_was_named_has_no_verdicts_there() -> None:
    """It is reported, with the same reason."""
    point, refused = (lopsided(0.05, named=named).evaluation.groupings[-1].operating_points[0] for named in (True, False))
    assert (point.status, point.reason, point.detail) == ("ok", refused.reason, refused.detail)
    assert point.threshold is not None
    assert {contrast.verdict for contrast in point.contrasts} <= {"inconclusive", "none"}
    assert {contrast.reason for contrast in point.contrasts if contrast.verdict == "inconclusive"} == {refused.reason}


def test_the_same_seed_takes_the_same_pairs_and_another_others(case, sampled: Evaluated) -> None:
    again = evaluate(case[0], toy.make_card(), case[1], OPTIONS.model_copy(update={"workers": 3}))
    assert again.evaluation.groupings == sampled.evaluation.groupings
    other = evaluate(case[0], toy.make_card(), case[1], OPTIONS.model_copy(update={"seed": 1}))
    assert len(other.evidence.tally.ledger) != 0
    assert other.evaluation.groupings[-1].operating_points[0].fmr != sampled.evaluation.groupings[-1].operating_points[0].fmr


@pytest.mark.parametrize(
    ("share", "scenarios", "excluded", "says"),
    [
        (0.0, False, False, "from 0.001 to 1"), (1.5, False, False, "from 0.001 to 1"), (-1.0, False, False, "from 0.001 to 1"),
        (0.5, True, False, "needs every comparison"), (0.5, False, True, "leave one of the two out"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(share: float, scenarios: bool, excluded: bool, says: str) -> None:
    with pytest.raises(UserError, match=says):
        check_share(Options.of({"comparisons": share}).comparisons, scenarios=scenarios, excluded=excluded)


def test_all_of_them_is_no_sample() -> None:
    check_share(None, scenarios=True, excluded=True)
    check_share(1.0, scenarios=True, excluded=True)
    asked = [resolve(Options(comparisons=share)).share for share in (None, 1.0, 0.25)]
    assert asked == [None, None, 0.25]


def written(folder: Path, e: Evaluation) -> Result:
    folder.mkdir(parents=True)
    write_results(e, folder)
    return Result(e, folder)


def test_a_sample_is_never_compared_pair_by_pair_and_never_passed_over(
    sampled: Evaluated, whole: Evaluated, tmp_path: Path
) -> None:
    results = [written(tmp_path / "a", whole.evaluation), written(tmp_path / "b", sampled.evaluation)]
    made = compare_runs([[r] for r in results], "compare")
    assert [x.sampled is None for x in made.results] == [True, False]
    assert made.results[1].private_reason == WHY_UNPAIRED
    assert [n.text for n in made.notes if n.kind == "sample" and "all" in n.text and "nothing is tested" in n.text]
    same = to_compared([("A", 0, sampled.evaluation, False, ""), ("B", 1, sampled.evaluation, False, "")])
    assert not [n for n in notes(same, {}) if n.kind == "sample"]


def test_a_suite_does_not_mix_them(case) -> None:
    one, two = (
        result_inputs(case[0], "m", resolve(OPTIONS.model_copy(update={"comparisons": share}))) for share in (None, SHARE)
    )
    assert one.differs(two) == ["other options"]
