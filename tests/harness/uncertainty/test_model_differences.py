"""Two models on the same comparisons, against double loops over pairs of subjects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from faceparity.datasets.common.errors import UserError
from faceparity.harness.comparisons.evidence import without_comparisons
from faceparity.harness.comparisons.score_list import ScoreRows, evidence_of_rows, tally_of_list
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.comparisons.tally import ScoreBins
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.preflight import groupings_of
from faceparity.harness.groups.groupings import make_cells, make_grouping
from faceparity.harness.model_comparison.common_comparisons import ModelEvidence
from faceparity.harness.model_comparison.compare import compare
from faceparity.harness.options import Options
from faceparity.harness.uncertainty.model_differences import compare_disparities, compare_models, mated_cell, non_mated_cell
from tests.harness import toy


class Run:
    """One model's templates of a set, evaluated."""

    def __init__(self, dataset, templates, options: Options, threshold: float, name: str) -> None:
        self.dataset, self.templates, self.threshold = dataset, templates, threshold
        evaluated = evaluate(dataset, toy.make_card(published=threshold), templates, options)
        self.evaluation, self.evidence = evaluated.evaluation, evaluated.evidence
        self.side = ModelEvidence(name, self.evidence, templates.samples, threshold)

    def scores(self) -> dict[tuple[int, int], float]:
        """Score of every pair of samples that was compared."""
        samples = self.templates.samples
        i, j = (x.astype(np.int32) for x in np.triu_indices(samples.size, 1))
        score = exact_scores(prepare(self.templates.vectors, "cosine"), i, j, "cosine")
        pixels = np.array(self.templates.pixels)[samples]
        other = pixels[i] != pixels[j]
        return dict(
            zip(zip(samples[i[other]].tolist(), samples[j[other]].tolist(), strict=True), score[other].tolist(), strict=True)
        )


@pytest.fixture(scope="module")
def runs() -> tuple[Run, Run]:
    """Two models that see much the same in a face, each failing on some images; one image is there twice."""
    dataset = toy.make_dataset(1, 200, 2, unlabelled=0.02)
    first = toy.make_templates(dataset, 2)
    rng = np.random.default_rng(9)
    n, d = first.vectors.shape
    other = (first.vectors + 0.7 * rng.normal(size=(n, d))).astype(np.float32)
    pixels = list(first.pixels)
    pixels[40] = pixels[10]
    for vectors in (first.vectors, other):
        vectors[40] = vectors[10]
    templates = []
    for seed, vectors in ((3, first.vectors), (4, other)):
        ok = np.random.default_rng(seed).random(n) >= 0.04
        kept = np.flatnonzero(ok)
        templates.append(
            replace(
                first,
                status=np.where(ok, "ok", "no_face"),
                vectors=vectors[kept],
                samples=kept.astype(np.int64),
                pixels=tuple(pixels),
            )
        )
    options = Options(by=("gender", "ethnicity"), targets=(1e-2,))
    return Run(dataset, templates[0], options, 0.55, "first"), Run(dataset, templates[1], options, 0.5, "second")


@pytest.fixture(scope="module")
def table(runs: tuple[Run, Run]):
    """Every comparison that both made: subjects, groups, whether mated, and whether each model was wrong."""
    dataset = runs[0].dataset
    scores = [run.scores() for run in runs]
    rows = []
    for i, j in sorted(set(scores[0]) & set(scores[1])):
        mated = dataset.subjects[i] == dataset.subjects[j]
        match = [scores[k][i, j] >= np.float32(runs[k].threshold) for k in (0, 1)]
        rows.append((dataset.subjects[i], dataset.subjects[j], mated, match[0] != mated, match[1] != mated, i, j))
    return np.array(rows, int)


def _group(dataset, attributes: tuple[str, ...]) -> np.ndarray:
    codes = [dataset.attributes[a] for a in attributes]
    return np.array(
        [
            "" if any(a.codes[i] < 0 for a in codes) else " × ".join(a.values[a.codes[i]] for a in codes)
            for i in range(dataset.n_samples)
        ]
    )


def _inside(table: np.ndarray, group: np.ndarray, name: str, mated: bool) -> np.ndarray:
    return table[(group[table[:, 5]] == name) & (group[table[:, 6]] == name) & (table[:, 2] == mated)]


def _variance(rows: np.ndarray, w: tuple[float, float], mated: bool) -> float:
    """Of w · rates, by loops: comparison by comparison, by pairs of subjects, and without each subject."""
    x = w[0] * rows[:, 3] + w[1] * rows[:, 4]
    m, mean = len(x), x.mean()
    independent = ((x - mean) ** 2).sum() / m**2
    pair: dict[tuple[int, int], float] = {}
    for a, b, value in zip(rows[:, 0], rows[:, 1], x, strict=True):
        pair[min(a, b), max(a, b)] = pair.get((min(a, b), max(a, b)), 0.0) + value - mean
    own: dict[int, float] = {}
    for (a, b), d in pair.items():
        for k in {a, b}:
            own[k] = own.get(k, 0.0) + d
    ids = sorted(own)
    if mated:
        n = len(ids)
        plug_in = n / (n - 1) * sum(d * d for d in own.values()) / m**2
    else:
        same = sum(d * d for d in pair.values())
        plug_in = (same + max(0.0, sum(r * r for r in own.values()) - 2 * same)) / m**2
    without = np.array([x[(rows[:, 0] != k) & (rows[:, 1] != k)].mean() for k in ids])
    jackknife = (len(ids) - 1) / len(ids) * ((without - without.mean()) ** 2).sum()
    return max(independent, plug_in, jackknife)


def _compared(runs: tuple[Run, Run]):
    first, second = runs
    groupings = groupings_of(first.evidence.cells, first.evidence.subjects, protect=False)
    return compare(first.side, second.side, groupings)


@pytest.mark.slow
def test_rates_of_the_finest_groups(runs: tuple[Run, Run], table: np.ndarray) -> None:
    group = _group(runs[0].dataset, ("gender", "ethnicity"))
    changes = [c for c in _compared(runs).groupings[-1].changes if c.quantity == "rate"]
    assert len(changes) == 8
    for c in changes:
        mated = c.measure == "fnmr"
        rows = _inside(table, group, c.group, mated)
        assert (c.comparisons, c.errors_first, c.errors_second) == (len(rows), rows[:, 3].sum(), rows[:, 4].sum())
        assert c.errors_both == (rows[:, 3] & rows[:, 4]).sum()
        pa, pb = rows[:, 3].mean(), rows[:, 4].mean()
        n = np.unique(rows[:, :2]).size
        t = stats.t.ppf(0.975, n - 1)
        half = t * np.sqrt(_variance(rows, (1, -1), mated))
        assert c.difference_interval == pytest.approx((pa - pb - half, pa - pb + half))
        se = np.sqrt(_variance(rows, (1 / pa, -1 / pb), mated))
        assert (c.subjects, c.df) == (n, pytest.approx(n - 1))
        assert c.ratio == pytest.approx(pa / pb)
        assert c.interval == pytest.approx((pa / pb * np.exp(-t * se), pa / pb * np.exp(t * se)))
        of_ratio = 2 * stats.t.sf(abs(np.log(pa / pb)) / se, n - 1)
        of_difference = 2 * stats.t.sf(abs(pa - pb) / np.sqrt(_variance(rows, (1, -1), mated)), n - 1)
        # White men: the better model's 24 errors are worth fewer than ten, so a ratio says little, and p is the difference's.
        few = (c.measure, c.group) == ("fmr", "male × White")
        assert c.p == pytest.approx(of_difference if few else of_ratio)


def test_a_paired_interval_is_narrower_than_one_of_two_sets_of_people(runs: tuple[Run, Run], table: np.ndarray) -> None:
    rows = _inside(table, _group(runs[0].dataset, ("gender", "ethnicity")), "female × Black", False)
    pa, pb = rows[:, 3].mean(), rows[:, 4].mean()
    paired = _variance(rows, (1 / pa, -1 / pb), False)
    assert paired < 0.8 * (_variance(rows, (1 / pa, 0), False) + _variance(rows, (0, 1 / pb), False))


def test_matched_means_and_disparities(runs: tuple[Run, Run], table: np.ndarray) -> None:
    group = _group(runs[0].dataset, ("gender", "ethnicity"))
    part = next(g for g in _compared(runs).groupings if g.attributes == ["gender"])
    assert part.reference is not None
    for measure in ("fmr", "fnmr"):
        mated = measure == "fnmr"
        rows = {(g, e): _inside(table, group, f"{g} × {e}", mated) for g in ("female", "male") for e in ("Black", "White")}
        mean = {
            g: tuple(np.mean([rows[g, e][:, 3 + k].mean() for e in ("Black", "White")]) for k in (0, 1))
            for g in ("female", "male")
        }
        for c in part.changes:
            if c.measure != measure:
                continue
            cells = [(c.group, 1.0)] if c.quantity == "rate" else [(c.group, 1.0), (part.reference, -1.0)]
            terms = []
            for g, sign in cells:
                for e in ("Black", "White"):
                    w = (sign / mean[g][0] / 2, -sign / mean[g][1] / 2)
                    terms.append((_variance(rows[g, e], w, mated), np.unique(rows[g, e][:, :2]).size - 1))
            v = sum(t[0] for t in terms)
            df = v**2 / sum(x * x / d for x, d in terms)
            own = [mean[c.group][k] / (1 if c.quantity == "rate" else mean[part.reference][k]) for k in (0, 1)]
            assert (c.first, c.second) == pytest.approx(tuple(own))
            half = stats.t.ppf(0.975, df) * np.sqrt(v)
            centre = own[0] / own[1]
            assert c.df == pytest.approx(df)
            assert c.interval == pytest.approx((centre * np.exp(-half), centre * np.exp(half)))


def test_all_pairs_and_what_only_one_made(runs: tuple[Run, Run], table: np.ndarray) -> None:
    found = _compared(runs)
    everybody = next(c for c in found.overall if (c.measure, c.design) == ("fmr", "all"))
    rows = table[table[:, 2] == 0]
    assert (found.non_mated, everybody.comparisons, everybody.errors_first) == (len(rows), len(rows), rows[:, 3].sum())
    assert found.mated == table[:, 2].sum()
    made = [len(run.scores()) for run in runs]
    assert (found.left_out_first, found.left_out_second) == (made[0] - len(table), made[1] - len(table))
    assert min(found.left_out_first, found.left_out_second) > 0


def test_comparisons_taken_out_of_one_are_taken_out_of_both(runs: tuple[Run, Run]) -> None:
    """As those that look like one person under two names are."""
    first, second = runs
    ledger = first.evidence.tally.ledger
    gone = ledger.score >= np.float32(0.75)
    smaller = replace(first.side, evidence=without_comparisons(first.evidence, gone))
    groupings = groupings_of(first.evidence.cells, first.evidence.subjects, protect=False)
    there, back = compare(smaller, second.side, groupings), compare(second.side, smaller, groupings)
    made = set(second.templates.samples.tolist())
    samples = first.templates.samples
    shared = sum(samples[a] in made and samples[b] in made for a, b in zip(ledger.a[gone], ledger.b[gone], strict=True))
    whole, less = (next(c for c in x.overall if (c.measure, c.design) == ("fmr", "all")) for x in (_compared(runs), there))
    assert shared > 0
    assert whole.comparisons - less.comparisons == whole.errors_first - less.errors_first == shared
    assert less.errors_second == next(c for c in back.overall if (c.measure, c.design) == ("fmr", "all")).errors_first


def test_families_are_rates_and_disparities_each(runs: tuple[Run, Run]) -> None:
    changes = _compared(runs).groupings[-1].changes
    for quantity, size in (("rate", 8), ("disparity", 6)):
        of = [c for c in changes if c.quantity == quantity]
        assert len(of) == size
        least = min(of, key=lambda c: c.p)
        assert least.p_holm == pytest.approx(min(1.0, size * least.p))
        assert least.p_bh <= least.p_holm
    assert any(c.verdict in ("higher", "lower") for c in changes)
    assert all(c.p_holm < 0.05 for c in changes if c.verdict in ("higher", "lower"))


def test_one_model_against_itself(runs: tuple[Run, Run]) -> None:
    first, _ = runs
    groupings = groupings_of(first.evidence.cells, first.evidence.subjects, protect=False)
    same = compare(first.side, replace(first.side, name="again"), groupings)
    assert same.left_out_first == same.left_out_second == 0
    for c in same.groupings[-1].changes:
        assert (c.ratio, c.p, c.interval, c.verdict) == (1.0, 1.0, None, "inconclusive")
    shown = {
        (r.group, r.errors) for p in first.evaluation.groupings[-1].operating_points if p.origin == "published" for r in p.fmr
    }
    rates = {(c.group, c.errors_first) for c in same.groupings[-1].changes if c.measure == "fmr" and c.quantity == "rate"}
    assert rates == shown


def test_exchanging_the_models_turns_every_figure_round(runs: tuple[Run, Run]) -> None:
    groupings = groupings_of(runs[0].evidence.cells, runs[0].evidence.subjects, protect=False)
    there = compare(runs[0].side, runs[1].side, groupings)
    back = compare(runs[1].side, runs[0].side, groupings)
    turned = {"higher": "lower", "lower": "higher"}
    for x, y in zip(there.groupings[-1].changes, back.groupings[-1].changes, strict=True):
        assert (x.group, x.errors_first, x.first) == (y.group, y.errors_second, y.second)
        assert x.ratio == pytest.approx(1 / y.ratio)
        assert x.p == pytest.approx(y.p)
        assert x.verdict == turned.get(y.verdict, y.verdict)


def test_a_threshold_below_the_ledger_is_refused_by_name(runs: tuple[Run, Run]) -> None:
    groupings = groupings_of(runs[0].evidence.cells, runs[0].evidence.subjects, protect=False)
    low = replace(runs[0].side, threshold=runs[0].evidence.tally.floor - 0.1)
    found = compare(low, runs[1].side, groupings)
    fmr = [c for c in found.groupings[-1].changes if c.measure == "fmr"]
    assert {(c.reason, c.ratio, c.verdict) for c in fmr} == {("below_ledger", None, "none")}
    assert all(c.ratio for c in found.groupings[-1].changes if c.measure == "fnmr" and c.quantity == "rate" and c.errors_first)


def test_runs_with_other_groups_or_people_are_refused(runs: tuple[Run, Run]) -> None:
    first, second = runs
    groupings = groupings_of(first.evidence.cells, first.evidence.subjects, protect=False)
    cells = replace(second.evidence.cells, values=(("f", "m"), *second.evidence.cells.values[1:]))
    with pytest.raises(UserError, match="same --by"):
        compare(first.side, replace(second.side, evidence=replace(second.evidence, cells=cells)), groupings)
    people = second.evidence.subjects.copy()
    people[::7] = 0
    with pytest.raises(UserError, match="one subject"):
        compare(first.side, replace(second.side, evidence=replace(second.evidence, subjects=people)), groupings)


def _listed(
    name: str, rows: list[int], threshold: float, floor: float = float("-inf"), seed: int = 0
) -> tuple[ModelEvidence, np.ndarray]:
    """A score file of 70 people with two samples each: the chosen pairs of samples, and its scores."""
    subjects = np.repeat(np.arange(70, dtype=np.int32), 2)
    dataset = toy.make_dataset(1, 70, 2)
    cells = make_cells([dataset.attributes["gender"]], subjects.size)
    i, j = np.triu_indices(subjects.size, 1)
    score = np.random.default_rng(5).normal(size=i.size) + 0.6 * np.random.default_rng(seed).normal(size=i.size)
    score[subjects[i] == subjects[j]] += 2
    table = np.stack([i[rows], j[rows], subjects[i[rows]] == subjects[j[rows]]], axis=1)
    values = ScoreRows(subjects, table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), score[rows].astype(np.float32))
    counted = tally_of_list(values, cells, ScoreBins.uniform(-6, 8, 200))
    evidence = evidence_of_rows(values, cells, counted, floor, failures_supplied=False)
    return ModelEvidence(name, evidence, np.arange(subjects.size), threshold), np.column_stack([table, score[rows]])


def _of_list(sides: tuple[ModelEvidence, ModelEvidence]):
    grouping = make_grouping(sides[0].evidence.cells, ["gender"])
    return compare(*sides, [grouping]), np.append(grouping.of_cell, -1)[sides[0].evidence.cells.of_sample], grouping


@pytest.mark.parametrize("floor", [float("-inf"), 1.0])
def test_score_files(floor: float) -> None:
    """With whole ledgers the rows that both have count; where only the highest scores are kept, both must have the same rows."""
    rng = np.random.default_rng(8)
    n = 140 * 139 // 2
    chosen = [sorted(rng.choice(n, 6000, replace=False).tolist()) for _ in range(2)]
    if np.isfinite(floor):
        chosen[1] = chosen[0]
    (first, a), (second, b) = (_listed(x, rows, 1.5, floor, seed) for x, rows, seed in zip("ab", chosen, (6, 7), strict=True))
    found, group, grouping = _of_list((first, second))
    both = sorted(set(chosen[0]) & set(chosen[1]))
    one = {(int(r[0]), int(r[1])): r for r in a}
    rows = []
    for k, r in zip(chosen[1], b, strict=True):
        if k in set(both):
            i, j, mated = int(r[0]), int(r[1]), bool(r[2])
            wrong = [(np.float32(x[3]) >= 1.5) != mated for x in (one[i, j], r)]
            rows.append((first.evidence.subjects[i], first.evidence.subjects[j], mated, *wrong, i, j))
    table = np.array(rows, int)
    assert found.non_mated == (table[:, 2] == 0).sum()
    assert found.left_out_first == 6000 - len(table)
    for c in found.groupings[0].changes:
        if c.quantity == "disparity" or c.reason == "too_few_subjects":
            continue
        mated = c.measure == "fnmr"
        mine = table[(group[table[:, 5]] == group[table[:, 6]]) & (table[:, 2] == mated)]
        mine = mine[group[mine[:, 5]] == grouping.names.index(c.group)]
        assert (c.comparisons, c.errors_first, c.errors_second) == (len(mine), mine[:, 3].sum(), mine[:, 4].sum())
        w = (1 / mine[:, 3].mean(), -1 / mine[:, 4].mean())
        half = np.log(c.interval[1] / c.ratio) / stats.t.ppf(0.975, c.df)
        assert half == pytest.approx(np.sqrt(_variance(mine, w, mated)))
    assert sum(c.ratio is not None for c in found.groupings[0].changes) >= 3


def test_score_files_with_other_rows_of_which_only_the_highest_were_kept_are_refused() -> None:
    first, _ = _listed("a", list(range(6000)), 1.5, 1.0)
    second, _ = _listed("b", list(range(1, 6001)), 1.5, 1.0)
    with pytest.raises(UserError, match="same rows"):
        _of_list((first, second))


def test_no_error_of_one_model_gives_a_difference_and_no_ratio() -> None:
    ids, comparisons = np.arange(60, dtype=np.int32), np.full(60, 59.0)
    a, b = np.array([0, 1, 2, 3]), np.array([9, 9, 8, 7])
    wrong = np.stack([np.ones(4), np.zeros(4)], axis=1)
    cell = non_mated_cell(ids, comparisons, a, b, np.ones(4), wrong, 0, 60 * 59 / 2)
    change = compare_models([cell])
    assert (change.ratio, change.p, change.second) == (None, None, 0)
    assert change.difference == pytest.approx(4 / 1770)
    low, high = change.difference_interval
    assert low < change.difference < high


def test_errors_of_the_same_few_people_tell_little() -> None:
    """One person who is ten errors of the one model and none of the other: the ratio is theirs, not the group's."""
    n = 60
    ids, comparisons = np.arange(n, dtype=np.int32), np.full(n, n - 1.0)
    spread = np.array([(2 * k, 2 * k + 1) for k in range(20)])
    one = np.array([(50, k) for k in range(10)])

    def change(extra: np.ndarray):
        pairs = np.concatenate([spread, extra])
        wrong = np.ones((len(pairs), 2))
        wrong[20:, 1] = 0
        return compare_models(
            [non_mated_cell(ids, comparisons, pairs[:, 0], pairs[:, 1], np.ones(len(pairs)), wrong, 20, n * (n - 1) / 2)]
        )

    others = change(np.array([(40 + k % 20, k) for k in range(10)]))
    of_one = change(one)
    assert others.ratio == of_one.ratio == pytest.approx(1.5)
    assert of_one.effective_discordant < 0.5 * others.effective_discordant
    assert of_one.p > others.p


def test_a_disparity_is_told_apart_by_the_group_with_fewer_comparisons_that_differ() -> None:
    """Unless the models agree on all of one group: then only the other can move the ratio."""
    few, many = (mated_cell(np.arange(f, f + 90, dtype=np.int32), np.full(90, 6.0), w, 0) for f, w in _few_and_many())
    each = [compare_models([c]).effective_discordant for c in (few, many)]
    assert compare_disparities([many], [few]).effective_discordant == pytest.approx(min(each))
    alike = replace(many, errors=(50, 50), both=50, rates=np.full(2, 50 / 540))
    agreed = compare_disparities([few], [alike])
    assert agreed.effective_discordant == pytest.approx(each[0])
    assert agreed.ratio == pytest.approx(few.rates[0] / few.rates[1])


def _few_and_many() -> list[tuple[int, np.ndarray]]:
    rng = np.random.default_rng(2)
    return [(first, rng.binomial(6, p, (90, 2)).astype(float)) for first, p in ((0, 0.02), (90, 0.3))]


def test_shared_subjects_call_for_the_joint_jackknife() -> None:
    """The same people in two cells with the same errors tell no more than one cell of them."""
    rng = np.random.default_rng(1)
    trials = np.full(80, 6.0)
    wrong = rng.binomial(6, rng.beta(0.2, 1, (80, 2)).T).T.astype(float)
    ids = np.arange(80, dtype=np.int32)
    cell = mated_cell(ids, trials, wrong, 0)
    alone = compare_models([cell])
    twice = compare_models([cell, cell], shared=True)
    apart = compare_models([cell, replace(cell, ids=ids + 80)])
    width = [np.diff(np.log(c.interval))[0] for c in (alone, twice, apart)]
    assert width[1] == pytest.approx(width[0], rel=0.02)
    assert width[2] < 0.75 * width[0]
