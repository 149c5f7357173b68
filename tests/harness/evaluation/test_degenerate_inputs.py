"""Sets with next to nothing in them: every missing number has its reason, no warning is raised, every report is written.

Each is measured twice, from templates and from a score file with the same comparisons, and the two must say the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Attribute
from faceparity.harness import results
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.options import Options
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.result_files import report_writers, write_results
from faceparity.harness.runs.run_folder import prepare_folder
from faceparity.harness.score_files import evaluate as scores_file
from faceparity.harness.score_files.evaluate import evaluate_scores
from faceparity.harness.verification.threshold import collect_evidence
from tests.harness import toy

pytestmark = pytest.mark.filterwarnings("error")

TOWN = ("town",)


@dataclass(frozen=True)
class Little:
    """A set. group: of each subject, an index into `names`, -1 for no label. vectors: of each sample; failed: no template."""

    group: np.ndarray
    images: int
    names: tuple[str, ...]
    vectors: np.ndarray
    failed: np.ndarray
    targets: tuple[float, ...] = (0.05,)
    threshold: float | None = 0.5
    expect: dict[str, Any] = field(default_factory=dict)
    public: bool = False

    @property
    def few(self) -> bool:
        """Whether every group has fewer than 10 people, so that only public labels can be measured."""
        return bool((np.bincount(self.group + 1) < 10).all())

    @property
    def subjects(self) -> np.ndarray:
        return np.repeat(np.arange(self.group.size, dtype=np.int32), self.images)


def little(
    sizes: list[int], images: int, *, seed: int = 0, unlabelled: int = 0, names: tuple[str, ...] = (), **more: Any
) -> Little:
    """Groups of so many subjects each; a direction for each subject, and noise."""
    rng = np.random.default_rng(seed)
    group = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), np.full(unlabelled, -1)]).astype(np.int32)
    group = group[rng.permutation(group.size)]
    subjects = np.repeat(np.arange(group.size), images)
    vectors = rng.normal(size=(group.size, 8))[subjects] + 0.6 * rng.normal(size=(subjects.size, 8))
    known = names or tuple(f"town {k:03d}" for k in range(len(sizes)))
    return Little(group, images, known, vectors.astype(np.float32), np.zeros(subjects.size, bool), **more)


def one_direction(world: Little, which: Callable[[np.ndarray], np.ndarray]) -> Little:
    """All samples of some groups have the same vector."""
    vectors = world.vectors.copy()
    alike = which(world.group[world.subjects])
    vectors[alike] = vectors[np.flatnonzero(alike)[0]]
    return replace(world, vectors=vectors)


def half_failed(world: Little) -> Little:
    return replace(world, failed=np.random.default_rng(2).random(world.subjects.size) < 0.3)


def from_templates(world: Little, folder: Path) -> results.Evaluation:
    dataset = toy.make_dataset(0, world.group.size, world.images, public=world.public)
    town = Attribute("town", world.names, world.group[world.subjects])
    dataset = replace(dataset, attributes={"town": town})
    templates = toy.make_templates(dataset, 0)
    chosen = np.flatnonzero(~world.failed)
    templates = replace(
        templates, status=np.where(world.failed, "no_face", "ok"), samples=chosen, vectors=world.vectors[chosen],
        faces=(~world.failed).astype(np.int32),
        covariates={"face_size": np.where(world.failed, np.nan, np.arange(world.subjects.size, dtype=float))},
    )  # fmt: skip
    options = Options(by=TOWN, targets=world.targets, threshold=world.threshold)
    card = toy.make_card(published=None, same_person=None)  # of scores in a file nobody knows from where they are of one person
    return evaluate(dataset, card, templates, options).evaluation


def score_rows(world: Little) -> dict[str, Any]:
    """Every pair of samples; null where one of the two has no template."""
    n = world.subjects.size
    a, b = np.triu_indices(n, 1)
    a, b = a.astype(np.int32), b.astype(np.int32)
    score = exact_scores(prepare(world.vectors, "cosine"), a, b, "cosine")
    names = np.asarray([*world.names, ""])
    person = np.char.mod("S%05d", world.subjects)
    shot = np.char.mod("%05d", np.arange(n))
    return {
        "subject_a": person[a], "subject_b": person[b], "sample_a": shot[a], "sample_b": shot[b],
        "mated": world.subjects[a] == world.subjects[b], "score": pa.array(score, mask=world.failed[a] | world.failed[b]),
        "town_a": names[world.group[world.subjects]][a], "town_b": names[world.group[world.subjects]][b],
    }  # fmt: skip


def from_scores(world: Little, folder: Path) -> results.Evaluation:
    path = folder / "scores.parquet"
    pa.parquet.write_table(pa.table(score_rows(world)), path)
    return evaluate_scores(path, Options(by=TOWN, targets=world.targets, threshold=world.threshold))


WORLDS: dict[str, Little] = {
    "ordinary": little([60, 70, 55], 2),
    "one group": little([60], 2, expect={"index": "one_group"}),
    "one subject": little([1], 3, expect={"fmr": {"zero_comparisons"}, "target": "no_pool"}),
    "two subjects": little([2], 1, expect={"target": "too_few_comparisons_for_target"}),
    "no mated pairs": little([60, 60], 1, expect={"fnmr_empty": True}),
    "all scores equal": one_direction(
        little([60, 60], 2), lambda g: g >= -1
    ),
    "all scores equal, below the threshold": replace(
        one_direction(little([60, 60], 2), lambda g: g >= -1), threshold=1.5, expect={"fixed_fmr": {"zero_errors"}}
    ),
    "a constant group": one_direction(little([60, 60, 60], 2), lambda g: g == 1),
    "constant groups": one_direction(one_direction(little([60, 60], 2), lambda g: g == 0), lambda g: g == 1),
    "200 groups": little([2] * 200, 1, expect={}),
    "groups of one": little([1] * 80, 2),
    "one group and groups of one": little([50] + [1] * 12, 2),
    "nobody labelled": little([], 2, unlabelled=60, names=("town 000",), expect={"target": "no_pool"}),
    "few labelled": little([3], 2, unlabelled=60),
    "failures": half_failed(little([70, 60], 3)),
    "no errors at all": replace(little([60, 60], 2), threshold=1.5, expect={"fixed_fmr": {"zero_errors"}}),
    "everything an error": replace(little([60, 60], 2), threshold=-1.5),
    "no targets": replace(little([60, 60], 2), targets=()),
    "a target of everything": replace(little([60, 60], 2), targets=(0.999999,)),
}  # fmt: skip


def parts(node: Any, kind: type) -> Iterator[Any]:
    """Every part of one kind, at any depth."""
    if isinstance(node, kind):
        yield node
    if isinstance(node, results.Part):
        for name in type(node).model_fields:
            yield from parts(getattr(node, name), kind)
    elif isinstance(node, dict):
        for value in node.values():
            yield from parts(value, kind)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value, kind)


def check_reasons(e: results.Evaluation) -> None:
    """What is missing says why; what is there is a number within its range."""
    for rate in parts(e, results.Rate):
        assert (rate.rate is None) <= (rate.reason is not None), rate
        assert rate.rate is None or 0 <= rate.rate <= 1, rate
        assert rate.interval is None or 0 <= rate.interval[0] <= rate.interval[1] <= 1, rate
        assert rate.interval is None or rate.rate is None or rate.interval[0] <= rate.rate <= rate.interval[1] + 1e-12, rate
        assert rate.interval is None or rate.interval[0] < rate.interval[1], f"no width: {rate}"
        assert (rate.interval is None and rate.bounds is None) <= (rate.reason is not None), rate
    for contrast in parts(e, results.Contrast):
        assert (contrast.ratio is None) <= (contrast.reason is not None), contrast
        assert (contrast.verdict == "none") <= (contrast.ratio is None), contrast
    for index in parts(e, results.Index):
        assert (index.value is None) <= (index.reason is not None), index
    for point in parts(e, results.OperatingPoint):
        assert (point.threshold is None) == (point.status == "refused"), point
        assert (point.threshold is None) <= bool(point.reason and point.detail), point
    text = results.to_json(e)
    assert results.from_json(text) == e
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the record"))


def check_reports(e: results.Evaluation, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every format is written and holds something; none says nan or inf."""
    out = folder / "out"
    prepare_folder(out)
    write_results(e, out)
    for name, writer in report_writers().items():
        writer([Result(e, out)], out)
        if name == "terminal":
            assert "FMR" in capsys.readouterr().out
    for file in [out / "report.html", out / "summary.md", *(out / "tables").glob("*.csv")]:
        # The page's own code may speak of NaN; its figures, in the text and in the data that the code reads, may not.
        text = re.sub(r"<script>.*?</script>", "", file.read_text("utf-8"), flags=re.DOTALL)
        words = re.split(r"[\s,:\"<>]+", text.lower())
        assert words, file
        assert not {"nan", "inf", "-inf", "[nan", "infinity", "-infinity"} & set(words), file.name


def check_expected(e: results.Evaluation, world: Little) -> None:
    points = e.groupings[-1].operating_points
    of_target = [p for p in points if p.origin == "target"]
    fixed = [p for p in points if p.origin == "fixed"]
    if "target" in world.expect:
        assert [p.reason for p in of_target] == [world.expect["target"]] * len(of_target)
    if "fmr" in world.expect:
        assert {r.reason for p in fixed for r in p.fmr} == world.expect["fmr"]
    if "fixed_fmr" in world.expect:
        assert {r.reason for p in fixed for r in p.fmr} == world.expect["fixed_fmr"]
    if "fnmr_empty" in world.expect:
        assert all(not p.fnmr or {r.reason for r in p.fnmr} == {"no_mated_pairs"} for p in points)
        assert e.comparisons.mated == 0
    if "index" in world.expect:
        indices = [i for p in points for i in parts(p.differential, results.Index)]
        assert indices
        assert {i.reason for i in indices} == {world.expect["index"]}
    if world.threshold is not None:
        assert len(fixed) == 1


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "200 groups" else name for name in WORLDS]
)
@pytest.mark.parametrize("path", [from_templates, from_scores])
def test_nothing_falls_over_and_nothing_is_made_up(name, path, tmp_path, capsys, monkeypatch) -> None:
    world = WORLDS[name]
    if world.group.max(initial=0) > 100:
        for module in (collect_evidence, scores_file):  # Tables of 200 × 200 × 1,000 bins take seconds to fill with nothing.
            monkeypatch.setattr(module, "BINS", 50)
    if world.few:
        with pytest.raises(UserError, match="every group by town has fewer than 10 people"):
            path(world, tmp_path)
        if path is from_scores:
            return
        world = replace(world, public=True)
    e = path(world, tmp_path)
    check_reasons(e)
    check_expected(e, world)
    if path is from_scores or name in ("ordinary", "one subject", "all scores equal", "failures"):
        check_reports(e, tmp_path, capsys)


def rates_of(e: results.Evaluation) -> dict[tuple[Any, ...], Any]:
    """Every rate, by where it stands."""
    out = {}
    for grouping in e.groupings:
        for k, point in enumerate(grouping.operating_points):
            for name in ("fmr", "fnmr", "fmr_matrix"):
                for r in getattr(point, name):
                    out[*grouping.attributes, k, name, r.design, r.group, r.group_b] = r
            for c in point.contrasts:
                out[*grouping.attributes, k, "contrast", c.measure, c.group] = c
    return out


@pytest.mark.parametrize("name", [name for name, world in WORLDS.items() if not world.few])
def test_templates_and_their_scores_say_the_same(name, tmp_path) -> None:
    world = WORLDS[name]
    first, second = (rates_of(path(world, tmp_path)) for path in (from_templates, from_scores))
    assert first.keys() == second.keys()
    for key, part in first.items():
        other = second[key].model_dump()
        for field_, value in part.model_dump().items():
            if field_ == "rate_including_failures" and not world.failed.any():
                continue  # A score file without an empty score does not say whether there were failures.
            if field_ == "interval_reestimated" and world.failed.any():
                continue  # People without a template are drawn too where a file lists them.
            near = isinstance(value, float | tuple)
            assert other[field_] == (pytest.approx(value, rel=1e-9, abs=1e-15) if near else value), (key, field_)
    if name == "ordinary":
        assert any(getattr(c, "interval_reestimated", None) for c in first.values())


def test_failures_count(tmp_path) -> None:
    """An attempt that came to nothing is no false match and a false non-match."""
    world = WORLDS["failures"]
    for path in (from_templates, from_scores):
        (point,) = (p for p in path(world, tmp_path).groupings[0].operating_points if p.origin == "fixed")
        for g, name in enumerate(world.names):
            mine = np.flatnonzero(world.group[world.subjects] == g)
            for rates, mated in ((point.fmr, False), (point.fnmr, True)):
                rate = next(r for r in rates if r.group == name)
                pairs = [(i, j) for i, j in combinations(mine, 2) if (world.subjects[i] == world.subjects[j]) == mated]
                made = [(i, j) for i, j in pairs if not world.failed[i] and not world.failed[j]]
                assert 0 < len(made) == rate.comparisons < len(pairs)
                missed = rate.errors + (len(pairs) - len(made) if mated else 0)
                assert rate.rate_including_failures == pytest.approx(missed / len(pairs))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 1000, 7020])
def test_scores_that_are_no_numbers_are_refused_with_their_row(value, row, tmp_path) -> None:
    table = score_rows(WORLDS["one group"])
    score = np.asarray(table["score"].to_numpy(zero_copy_only=False)).copy()
    score[row] = value
    table["score"] = pa.array(score, from_pandas=False)
    pa.parquet.write_table(pa.table(table), tmp_path / "s.parquet", row_group_size=900)
    with pytest.raises(UserError, match=f"row {row + 1}: the score '-?(nan|inf)' is not a finite number"):
        evaluate_scores(tmp_path / "s.parquet", Options(by=TOWN))


def test_templates_that_are_no_numbers_are_refused() -> None:
    vectors = WORLDS["one group"].vectors.copy()
    vectors[7, 2] = np.nan
    with pytest.raises(ValueError, match="template 7 holds NaN"):
        prepare(vectors, "cosine")


@pytest.mark.parametrize("images", [1, 2])
def test_nobody_has_a_template(images, tmp_path, capsys) -> None:
    world = little([40, 40], images)
    world = replace(world, failed=np.ones(world.subjects.size, bool))
    e = from_templates(world, tmp_path)
    check_reasons(e)
    check_reports(e, tmp_path, capsys)
    assert e.extraction.overall is not None
    assert e.extraction.overall.errors == e.extraction.overall.comparisons == world.subjects.size
    with pytest.raises(UserError, match="every score is empty"):
        from_scores(world, tmp_path)


@pytest.mark.parametrize("mated", [True, False])
def test_a_file_of_one_kind_of_comparison(mated, tmp_path, capsys) -> None:
    """Only mated rows, or only non-mated ones."""
    table = pa.table(score_rows(WORLDS["ordinary"]))
    pa.parquet.write_table(table.filter(pa.compute.equal(table["mated"], mated)), tmp_path / "s.parquet")
    e = evaluate_scores(tmp_path / "s.parquet", Options(by=TOWN, targets=(0.05,), threshold=0.5))
    check_reasons(e)
    check_reports(e, tmp_path, capsys)
    target, fixed = e.groupings[0].operating_points
    if mated:
        assert (target.reason, e.comparisons.non_mated) == ("no_pool", 0)
        assert {r.reason for r in fixed.fmr} == {"zero_comparisons"}
        assert all(r.rate for r in fixed.fnmr)
    else:
        assert (target.status, e.comparisons.mated) == ("ok", 0)
        assert all(r.rate for r in fixed.fmr)


@pytest.mark.parametrize(("value", "rest"), [(1e30, 0.0), (-4e37, 4e37), (1e-45, 0.0), (-3e38, -3e38), (16777216.0, 16777217.0)])
def test_scores_of_any_size(value, rest, tmp_path, capsys) -> None:
    """One score far from all others, or nearer than a float32 can tell."""
    table = score_rows(WORLDS["one group"])
    score = np.full(len(table["subject_a"]), rest, np.float32)
    score[::7] = value
    table["score"] = pa.array(score)
    pa.parquet.write_table(pa.table(table), tmp_path / "s.parquet")
    e = evaluate_scores(tmp_path / "s.parquet", Options(by=TOWN, targets=(0.5,), threshold=float(max(value, rest))))
    check_reasons(e)
    check_reports(e, tmp_path, capsys)
    non_mated = ~table["mated"]
    (fixed,) = (p for p in e.groupings[0].operating_points if p.origin == "fixed")
    limit = max(value, rest)
    # 16,777,217 is no number of single precision: a score of 16,777,216 lies below it.
    single = float(str(np.float32(limit))) == limit
    assert fixed.fmr[0].errors == (score[non_mated].astype(np.float64) >= (float(np.float32(limit)) if single else limit)).sum()


def test_scores_too_far_apart(tmp_path) -> None:
    table = score_rows(WORLDS["one group"])
    table["score"] = pa.array(np.resize(np.asarray([-3e38, 3e38, 0], np.float32), len(table["mated"])))
    pa.parquet.write_table(pa.table(table), tmp_path / "s.parquet")
    with pytest.raises(UserError, match=r"from -3e\+38 to 3e\+38, too far"):
        evaluate_scores(tmp_path / "s.parquet", Options(by=TOWN))


def test_too_many_groups_in_a_score_file(tmp_path) -> None:
    with pytest.raises(UserError, match=r"makes 201 groups, more than 200 \(.*\): name fewer with --by"):
        from_scores(little([1] * 201, 1), tmp_path)
