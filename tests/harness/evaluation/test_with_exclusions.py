"""What a person leaves out by name: the rest is as if it had never been there, and only what is named goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset, PairProtocol, SetProtocol
from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.exclusion_file import Excluded, read_exclusions
from faceparity.harness.evaluation.subsets import without_samples
from faceparity.harness.evaluation.with_exclusions import evaluate_without
from faceparity.harness.options import Options
from faceparity.harness.results import Evaluation, from_json, to_json
from tests.harness import toy

OPTIONS = Options(targets=(1e-2,))


def excluded(dataset: Dataset, text: str, folder: Path) -> Excluded:
    path = folder / "out.csv"
    path.write_text(text, "utf-8")
    return read_exclusions(path, [dataset])["toy"]


def figures(e: Evaluation) -> dict[str, object]:
    """All that is measured."""
    data = e.model_dump(by_alias=True)
    return {k: v for k, v in data.items() if k not in ("provenance", "warnings", "exclusions")}


def plain_subset(dataset: Dataset, templates, keep: Sequence[int]):
    """Another way to the same: by hand, from the parts."""
    keep = list(keep)
    old = dataset.subjects[keep]
    people = {s: i for i, s in enumerate(sorted(set(old.tolist())))}
    smaller = replace(
        dataset,
        files=tuple(dataset.files[i] for i in keep),
        content=tuple(dataset.content[i] for i in keep),
        subjects=np.array([people[s] for s in old.tolist()], np.int32),
        attributes={n: replace(a, codes=a.codes[keep]) for n, a in dataset.attributes.items()},
    )
    row = {s: k for k, s in enumerate(templates.samples.tolist())}
    made = [(new, row[i]) for new, i in enumerate(keep) if i in row]
    fewer = replace(
        templates,
        status=templates.status[keep],
        reasons=("",) * len(keep),
        vectors=templates.vectors[[r for _, r in made]],
        samples=np.array([n for n, _ in made], np.int64),
        faces=templates.faces[keep],
        pixels=tuple(templates.pixels[i] for i in keep),
        covariates={n: v[keep] for n, v in templates.covariates.items()},
    )
    return smaller, fewer


@pytest.fixture(scope="module")
def case():
    dataset = toy.make_dataset(5, 150, 2, unlabelled=0.05)
    return dataset, toy.make_templates(dataset, 6, failed=0.05)


@pytest.mark.slow
def test_without_samples_is_a_run_on_a_set_without_them(case, tmp_path: Path) -> None:
    dataset, templates = case
    gone = [0, 1, 7, 50, 123, 299]
    text = "file,reason\n" + "".join(f"{dataset.files[i]},wrong label\n" for i in gone)
    out = evaluate_without(dataset, toy.make_card(), templates, OPTIONS, excluded(dataset, text, tmp_path))
    smaller, fewer = plain_subset(dataset, templates, [i for i in range(dataset.n_samples) if i not in gone])
    alone = evaluate(smaller, toy.make_card(), fewer, OPTIONS)
    e = out.evaluated.evaluation
    assert figures(e) == figures(alone.evaluation)
    whole = evaluate(dataset, toy.make_card(), templates, OPTIONS).evaluation
    (told,) = e.exclusions
    assert (told.samples, told.comparisons, [(r.reason, r.samples) for r in told.reasons]) == (6, 0, [("wrong_label", 6)])
    assert (told.before.samples, told.after.samples, told.before.subjects, told.after.subjects) == (300, 294, 150, 149)
    for k, point in enumerate(told.points):
        for rate in point.rates:
            for side, run in (("before", whole), ("after", e)):
                r = getattr(rate, side)
                if rate.attributes and r is not None:
                    g = next(g for g in run.groupings if g.attributes == rate.attributes)
                    assert r in getattr(g.operating_points[k], rate.measure)
        assert point.threshold_before == whole.groupings[0].operating_points[k].threshold
        assert point.threshold_after == e.groupings[0].operating_points[k].threshold
    assert any("6 images left out by name" in w for w in e.warnings)
    assert from_json(to_json(e)) == e


def every_pair(dataset: Dataset, templates) -> list[tuple[int, int, float]]:
    """Every pair of samples and its score, nan where one has no template."""
    row = {s: k for k, s in enumerate(templates.samples.tolist())}
    pairs = list(combinations(range(dataset.n_samples), 2))
    made = [(i, j) for i, j in pairs if i in row and j in row]
    a, b = (np.array([row[p[k]] for p in made], np.int32) for k in (0, 1))
    scores = dict(zip(made, exact_scores(prepare(templates.vectors, "cosine"), a, b, "cosine").tolist(), strict=True))
    return [(i, j, scores.get((i, j), np.nan)) for i, j in pairs]


def counts(dataset: Dataset, scored, pairs_out: set[tuple[int, int]], attributes: list[str], group: str, t: float):
    """Comparisons, errors and attempts of both kinds in one group, by looking at every pair."""
    labels = [dataset.attributes[a] for a in attributes]
    names = [" × ".join(a.values[a.codes[i]] if a.codes[i] >= 0 else "?" for a in labels) for i in range(dataset.n_samples)]
    found = {m: [0, 0, 0] for m in ("fmr", "fnmr")}
    for i, j, score in scored:
        if (i, j) in pairs_out or names[i] != group or names[j] != group:
            continue
        mated = dataset.subjects[i] == dataset.subjects[j]
        tally = found["fnmr" if mated else "fmr"]
        tally[2] += 1
        if not np.isnan(score):
            tally[0] += 1
            tally[1] += int((score < np.float32(t)) if mated else (score >= np.float32(t)))
    return found


def test_excluded_comparisons_are_left_out_and_counted(case, tmp_path: Path) -> None:
    dataset, templates = case
    rng = np.random.default_rng(3)
    failed = np.flatnonzero(templates.status != "ok")
    pairs = {(0, 1), (2, 3), (int(failed[0]) & ~1, int(failed[0]) | 1), (0, int(failed[1]))}  # mated, and of failed ones
    pairs |= {tuple(sorted(rng.choice(dataset.n_samples, 2, replace=False).tolist())) for _ in range(400)}
    rows = "".join(f"{dataset.files[b]},{dataset.files[a]},twin\n" for a, b in sorted(pairs))
    ex = excluded(dataset, "file_a,file_b,reason\n" + rows, tmp_path)
    assert {tuple(p) for p in ex.pairs.tolist()} == pairs
    e = evaluate_without(dataset, toy.make_card(), templates, OPTIONS, ex).evaluated.evaluation
    whole = evaluate(dataset, toy.make_card(), templates, OPTIONS).evaluation
    ok = templates.status == "ok"
    made = sum(ok[a] and ok[b] for a, b in pairs)
    assert e.comparisons.left_out == {"identical_image": 0, "same_photo": 0, "excluded": made}
    assert e.comparisons.non_mated + e.comparisons.mated + made == whole.comparisons.non_mated + whole.comparisons.mated
    seen, scored = 0, every_pair(dataset, templates)
    for grouping in e.groupings:
        for point in grouping.operating_points:
            for group in grouping.groups:
                found = counts(dataset, scored, pairs, grouping.attributes, group.group, point.threshold)
                for measure in ("fmr", "fnmr"):
                    for r in getattr(point, measure):
                        if r.group == group.group and r.design in ("within", "as_sampled"):
                            n, wrong, attempted = found[measure]
                            assert (r.comparisons, r.errors) == (n, None if r.status == "suppressed" else wrong)
                            if wrong and r.status != "suppressed":
                                including = wrong + (attempted - n if measure == "fnmr" else 0)
                                assert r.rate_including_failures == pytest.approx(including / attempted)
                            seen += 1
    assert seen > 20
    (told,) = e.exclusions
    assert told.comparisons == len(pairs)
    assert told.comparisons_mated == sum(dataset.subjects[a] == dataset.subjects[b] for a, b in pairs)


@pytest.mark.slow
def test_what_is_left_out_anyway_is_not_counted_again(case, tmp_path: Path) -> None:
    dataset, templates = case
    pixels = list(templates.pixels)
    ok = np.flatnonzero(templates.status == "ok")
    twin_a, twin_b = int(ok[0]), int(ok[-1])
    pixels[twin_b] = pixels[twin_a]  # one image under two names
    dataset = replace(dataset, same_photo=np.array([[4, 5]], np.int32))
    templates = replace(templates, pixels=tuple(pixels))
    text = f"file_a,file_b\n{dataset.files[4]},{dataset.files[5]}\n{dataset.files[twin_a]},{dataset.files[twin_b]}\n"
    e = evaluate_without(dataset, toy.make_card(), templates, OPTIONS, excluded(dataset, text, tmp_path)).evaluated.evaluation
    both = int((templates.status[[4, 5]] == "ok").all())
    assert e.comparisons.left_out == {"identical_image": 1, "same_photo": both, "excluded": 0}


@pytest.mark.slow
def test_a_suspect_pair_at_the_top_goes_and_the_threshold_is_set_anew(case, tmp_path: Path) -> None:
    dataset, templates = case
    whole = evaluate(dataset, toy.make_card(), templates, OPTIONS)
    ledger = whole.evidence.tally.ledger
    top = np.argsort(-ledger.score)[:200]
    a, b = (templates.samples[x[top]] for x in (ledger.a, ledger.b))
    rows = "".join(f"{dataset.files[i]},{dataset.files[j]}\n" for i, j in zip(a, b, strict=True))
    out = evaluate_without(dataset, toy.make_card(), templates, OPTIONS, excluded(dataset, "file_a,file_b\n" + rows, tmp_path))
    (told,) = out.evaluated.evaluation.exclusions
    point = next(p for p in told.points if p.origin == "target")
    assert point.threshold_after < point.threshold_before
    kept = out.evaluated.evidence.tally.ledger
    assert kept.score.max() < ledger.score[top].min()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file\nnobody.png\n", "out.csv:2: toy has no image 'nobody.png'"),
        ("file_a,file_b\n00001.png,00002.png\n00001.png,nobody.png\n", "out.csv:3"),
        ("file_a,file_b\n00001.png,00001.png\n", "names one image twice"),
        ("file,file_a,file_b\n00001.png,00001.png,00002.png\n", "either an image under file, or two"),
        ("file_a,file_b\n00001.png,\n", "either an image under file, or two"),
        ("image\n00001.png\n", "it takes the columns file"),
        ("file,reason\n", "names nothing"),
        ("file,reason\n00001.png\n", "out.csv:2: 1 cells under 2 columns"),
        ("file,dataset\n00001.png,moon\n", "'moon' is no data set of this run (toy)"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_row(case, tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError) as error:
        excluded(case[0], text, tmp_path)
    assert says in str(error.value)


def test_an_image_that_two_data_sets_have_must_be_told_apart(case, tmp_path: Path) -> None:
    dataset, _ = case
    other = replace(dataset, name="other", files=(*dataset.files[:-1], "only.png"))
    path = tmp_path / "out.csv"
    path.write_text("file\n00001.png\n", "utf-8")
    with pytest.raises(UserError, match="toy and other both have"):
        read_exclusions(path, [dataset, other])
    path.write_text("file,dataset\n00001.png,other\nonly.png,\n", "utf-8")
    found = read_exclusions(path, [dataset, other])
    assert found["toy"].samples.size == 0
    assert found["other"].samples.tolist() == [1, 299]


def test_reasons_are_categories_in_the_record_whatever_was_written(case, tmp_path: Path) -> None:
    dataset, templates = case
    text = "file,reason\n00001.png,It is Jane Confidential\n00002.png,\n00003.png,bad-image\n"
    e = evaluate_without(dataset, toy.make_card(), templates, OPTIONS, excluded(dataset, text, tmp_path)).evaluated.evaluation
    assert {r.reason: r.samples for r in e.exclusions[0].reasons} == {"other": 1, "not_given": 1, "bad_image": 1}
    assert "Confidential" not in to_json(e)
    assert "00001.png" not in to_json(e)


def test_published_lists_lose_the_pairs_and_say_so(case, tmp_path: Path) -> None:
    dataset, templates = case
    a, b = (np.array(x, np.int32) for x in zip(*[(0, 1), (0, 2), (4, 5), (6, 9)], strict=True))
    mated = np.array([True, False, True, False])
    listed = PairProtocol("view", "pairs.txt", a, b, mated, np.zeros(4, np.int32))
    dataset = replace(dataset, protocols=(listed,))
    text = "file,file_a,file_b\n00002.png,,\n,00009.png,00006.png\n"
    out = evaluate_without(dataset, toy.make_card(), templates, OPTIONS, excluded(dataset, text, tmp_path))
    (p,) = out.dataset.protocols
    assert [(out.dataset.files[i], out.dataset.files[j]) for i, j in zip(p.a, p.b, strict=True)] == [
        ("00000.png", "00001.png"),
        ("00004.png", "00005.png"),
    ]
    assert p.missing == 2
    assert out.evaluated.evaluation.exclusions[0].listed_pairs == 2
    assert any("2 pairs of published lists" in w for w in out.evaluated.evaluation.warnings)


def test_templates_of_several_images_lose_members(case) -> None:
    dataset, templates = case
    sets = SetProtocol(
        "s", "s.csv", np.array([0, 1, 2, 4, 5], np.int32), np.array([0, 2, 3, 5], np.int64), np.arange(5, dtype=np.int32),
        np.array([0, 0], np.int32), np.array([1, 2], np.int32), np.array([False, False]),
    )  # fmt: skip
    smaller, _ = without_samples(replace(dataset, set_protocols=(sets,)), templates, np.array([2, 4]))
    (p,) = smaller.set_protocols
    assert [smaller.files[i] for i in p.members] == ["00000.png", "00001.png", "00005.png"]
    assert p.starts.tolist() == [0, 2, 3]
    assert p.media.tolist() == [0, 1, 4]
    assert (p.a.tolist(), p.b.tolist(), p.missing) == ([0], [1], 1)


def test_a_set_without_subject_labels(tmp_path: Path) -> None:
    dataset = toy.make_dataset(5, 120, 2, identity="none")
    templates = toy.make_templates(dataset, 6)
    out = evaluate_without(dataset, toy.make_card(), templates, OPTIONS, excluded(dataset, "file\n00003.png\n", tmp_path))
    assert out.dataset.subjects.tolist() == list(range(239))
    assert out.evaluated.evaluation.exclusions[0].before.mated == 0
