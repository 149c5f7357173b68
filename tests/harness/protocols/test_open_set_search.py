"""Published searches on made-up templates: every count against a plain loop, failures, absent templates, groups, means, gates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceparity.datasets.schema.dataset import Dataset, SearchProtocol, TemplateSets
from faceparity.harness import results
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.subsets import without_samples
from faceparity.harness.options import Options
from faceparity.harness.protocols import open_set_search
from faceparity.harness.templates.extract import Templates
from tests.harness.toy import make_card, make_dataset, make_templates

PEOPLE = 150


def sets(name: str, groups: list[list[int]], dataset: Dataset, absent: tuple[int, ...] = ()) -> TemplateSets:
    members = np.array([i for g in groups for i in g], np.int32)
    starts = np.concatenate(([0], np.cumsum([len(g) for g in groups]))).astype(np.int64)
    of = dataset.subjects[members[starts[:-1]]]
    return TemplateSets(name, members, starts, (members % 2).astype(np.int32), of, np.array(absent, np.int32))


@pytest.fixture(scope="module")
def toy() -> tuple[Dataset, Templates]:
    """Two galleries of 60 people each, 30 people in neither; probes of one or two images; two people absent from gallery A."""
    dataset = make_dataset(3, PEOPLE, 6)
    own = [np.flatnonzero(dataset.subjects == k).tolist() for k in range(PEOPLE)]
    protocol = SearchProtocol(
        "1:N", "probes.csv",
        (sets("A", [x[:2] for x in own[:58]], dataset, (58, 59)), sets("B", [x[:2] for x in own[60:120]], dataset)),
        sets("probes", [part for x in own for part in (x[2:3], x[3:4], x[4:])], dataset, (-1,)), (0.05, 0.1, 1e-4),
    )  # fmt: skip
    dataset = replace(dataset, search_protocols=(protocol,))
    return dataset, make_templates(dataset, 3, failed=0.15, noise=2.0)


@pytest.fixture(scope="module")
def found(toy: tuple[Dataset, Templates]) -> results.Search:
    (one,) = evaluate(toy[0], make_card(), toy[1], Options(by=("gender",))).evaluation.searches
    return one


def vector(templates: Templates, sets: TemplateSets, k: int) -> np.ndarray | None:
    part = slice(sets.starts[k], sets.starts[k + 1])
    row = {int(s): i for i, s in enumerate(templates.samples)}
    media: dict[int, list[np.ndarray]] = {}
    for sample, medium in zip(sets.members[part].tolist(), sets.media[part].tolist(), strict=True):
        if sample in row:
            v = templates.vectors[row[sample]].astype(float)
            media.setdefault(medium, []).append(v / np.linalg.norm(v))
    if not media:
        return None
    mean = np.mean([np.mean(x, axis=0) for x in media.values()], axis=0)
    return mean / np.linalg.norm(mean)


def by_hand(toy: tuple[Dataset, Templates], name: str) -> list[tuple[int, float | None, float | None, int]]:
    """(subject, best non-mate, mate or None, rank) of each search that was made; rank 0: not in the gallery."""
    dataset, templates = toy
    (p,) = dataset.search_protocols
    gallery = next(x for x in p.galleries if x.name == name)
    enrolled = [(int(w), vector(templates, gallery, k)) for k, w in enumerate(gallery.subjects)]
    out = []
    for k, who in enumerate(p.probes.subjects.tolist()):
        v = vector(templates, p.probes, k)
        mates = [g for w, g in enrolled if w == who]
        if v is None or who in gallery.absent or (mates and mates[0] is None):
            continue
        others = [float(v @ g) for w, g in enrolled if w != who and g is not None]
        mate = float(v @ mates[0]) if mates and mates[0] is not None else None
        out.append((who, max(others), mate, 0 if mate is None else 1 + sum(s >= mate for s in others)))
    return out


@pytest.mark.parametrize("name", ["A", "B"])
def test_every_count_against_a_loop(toy: tuple[Dataset, Templates], found: results.Search, name: str) -> None:
    g = next(x for x in found.galleries if x.name == name)
    made = by_hand(toy, name)
    mated, other = [x for x in made if x[3]], [x for x in made if not x[3]]
    assert (g.mated, g.non_mated) == ((58 * 3, 90 * 3) if name == "A" else (180, 270))
    assert g.left_out == (6 if name == "A" else 0)
    assert (g.failed_mated, g.failed_non_mated) == (g.mated - len(mated), g.non_mated - len(other))
    assert g.failed_mated
    for r in g.ranks:
        misses = sum(x[3] > r.rank for x in mated)
        assert (r.missed.comparisons, r.missed.errors) == (len(mated), misses)
        assert r.hit_rate == pytest.approx(1 - misses / len(mated))
        assert r.hit_rate_including_failures == pytest.approx((len(mated) - misses) / g.mated)
    tops = sorted(x[1] for x in other if x[1] is not None)
    for point, target in zip(g.points[:2], (0.05, 0.1), strict=True):
        t = min(x for x in tops if sum(y >= x for y in tops) <= target * len(tops))
        assert point.threshold == pytest.approx(t, abs=1e-6)
        assert point.fpir is not None
        assert point.fnir is not None
        assert point.fnir_rank_1 is not None
        errors = sum(x >= t for x in tops)
        assert (point.fpir.errors, point.fpir.comparisons) == (errors, len(tops))
        assert point.achieved_fpir == point.fpir.rate == pytest.approx(errors / len(tops))
        assert point.fpir.rate_including_failures == pytest.approx(errors / g.non_mated)
        low = [x[2] is not None and x[2] < t - 1e-7 for x in mated]
        assert point.fnir.errors == sum(low)
        assert point.fnir.rate_including_failures == pytest.approx((sum(low) + g.failed_mated) / g.mated)
        assert point.fnir_rank_1.errors == sum(b or x[3] > 1 for b, x in zip(low, mated, strict=True))
        assert point.selectivity is not None
        assert point.selectivity >= point.achieved_fpir
        assert point.fpir.conditional_on_threshold
    assert (g.points[2].reason, g.points[2].needs_searches) == ("too_few_comparisons_for_target", 100_000)
    assert g.points[2].threshold is None


def test_selectivity_counts_every_candidate(toy: tuple[Dataset, Templates], found: results.Search) -> None:
    dataset, templates = toy
    (p,) = dataset.search_protocols
    gallery, point = p.galleries[1], found.galleries[1].points[1]
    enrolled = [(int(w), vector(templates, gallery, k)) for k, w in enumerate(gallery.subjects)]
    total = n = 0
    for k, who in enumerate(p.probes.subjects.tolist()):
        v = vector(templates, p.probes, k)
        if v is not None and who not in gallery.subjects:
            n += 1
            total += sum(float(v @ g) >= point.threshold - 1e-7 for _, g in enrolled if g is not None)
    assert point.selectivity == pytest.approx(total / n)


def test_groups_are_of_the_probe(toy: tuple[Dataset, Templates], found: results.Search) -> None:
    gender = toy[0].attributes["gender"]
    value = {int(s): gender.values[c] for s, c in zip(toy[0].subjects, gender.codes, strict=True)}
    g = found.galleries[1]
    made = by_hand(toy, "B")
    (by,) = g.points[1].groupings
    for r in by.fnir:
        assert r.comparisons == sum(bool(x[3]) and value[x[0]] == r.group for x in made)
    t = g.points[1].threshold
    for r in by.fpir:
        inside = [x[1] for x in made if not x[3] and value[x[0]] == r.group]
        assert (r.comparisons, r.errors) == (len(inside), sum(x >= t - 1e-7 for x in inside))
    assert sum(r.errors or 0 for r in by.fpir) == g.points[1].fpir.errors


def test_the_mean_weighs_galleries_alike(found: results.Search) -> None:
    a, b = found.galleries
    assert found.mean is not None
    for mean, x, y in zip(found.mean.ranks, a.ranks, b.ranks, strict=True):
        assert mean.hit_rate == pytest.approx((x.hit_rate + y.hit_rate) / 2)
    point, x, y = found.mean.points[1], a.points[1], b.points[1]
    assert point.threshold is None
    assert point.fnir.rate == pytest.approx((x.fnir.rate + y.fnir.rate) / 2)
    assert point.fnir.subjects == x.fnir.subjects + y.fnir.subjects  # no mated probe is in both
    assert point.fpir.subjects < x.fpir.subjects + y.fpir.subjects
    assert point.selectivity == pytest.approx((x.selectivity + y.selectivity) / 2)
    assert found.mean.points[2].reason == "too_few_comparisons_for_target"


def test_intervals_are_by_probe_subjects() -> None:
    """Four equal searches of each of 80 people tell no more than one of each would."""
    rng = np.random.default_rng(0)
    wrong = rng.random(80) < 0.3
    one = open_set_search.estimate(wrong, np.ones(80, bool), np.ones(80, bool), np.arange(80, dtype=np.int32), True)
    four = [np.repeat(x, 4) for x in (wrong, np.ones(80, bool), np.ones(80, bool), np.arange(80, dtype=np.int32))]
    more = open_set_search.estimate(*four, True)  # type: ignore[arg-type]
    left_out = np.array([(wrong.sum() - w) / 79 for w in wrong])
    jackknife = 79 / 80 * ((left_out - left_out.mean()) ** 2).sum()
    assert one.variance == pytest.approx(more.variance) == pytest.approx(jackknife, rel=0.02)
    assert one.variance >= jackknife * (1 - 1e-9)


def test_gates() -> None:
    for people, status, reason in (
        (29, "suppressed", "too_few_subjects"),
        (49, "ok", "too_few_subjects_for_interval"),
        (50, "ok", None),
    ):
        who = np.repeat(np.arange(people, dtype=np.int32), 2)
        flags = np.ones(who.size, bool)
        rate = open_set_search.estimates.to_rate(
            open_set_search.estimate(np.arange(who.size) % 3 == 0, flags, flags, who, True), "x", "all"
        )
        assert (rate.status, rate.reason) == (status, reason)
        assert (rate.interval is not None) == (people == 50)


def test_small_blocks_give_the_same(
    toy: tuple[Dataset, Templates], found: results.Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_set_search, "BLOCK", 100)
    (again,) = evaluate(toy[0], make_card(), toy[1], Options(by=("gender",))).evaluation.searches
    assert again == found


def test_a_subset_is_searched_as_if_the_rest_had_never_been(toy: tuple[Dataset, Templates]) -> None:
    dataset, templates = toy
    (p,) = dataset.search_protocols
    first = p.galleries[0]
    gone = np.concatenate([first.members[:2], np.flatnonzero(dataset.subjects == 70)])  # one enrolled template, and one person
    smaller, fewer = without_samples(dataset, templates, gone)
    (q,) = smaller.search_protocols
    assert q.galleries[0].subjects.size == first.subjects.size - 1
    assert q.galleries[0].absent.tolist() == [58, 59, 0]
    assert (q.galleries[1].subjects.size, q.galleries[1].absent.tolist()) == (59, [-1])
    for sets in (*q.galleries, q.probes):
        assert np.array_equal(smaller.subjects[sets.members], np.repeat(sets.subjects, np.diff(sets.starts)))
    assert q.probes.absent.tolist() == [-1, -1, -1, -1]
    names = [dataset.files[i] for i in p.probes.members if dataset.subjects[i] != 70]
    assert [smaller.files[i] for i in q.probes.members] == names
    (found,) = evaluate(smaller, make_card(), fewer, Options()).evaluation.searches
    assert found.galleries[0].left_out == 9
    assert (found.absent_probes, found.probes) == (4, 3 * PEOPLE - 3)
