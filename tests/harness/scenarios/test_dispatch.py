"""Scenarios of the kinds search, gallery and lineup, from TOML to record: against plain loops, and what is wrong in a line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset, SearchProtocol, TemplateSets
from faceparity.harness import results
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.preflight import preflight
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.options import Options
from faceparity.harness.scenarios.load import load_scenarios, parse, preset_names
from faceparity.harness.templates.extract import Templates
from tests.harness.toy import make_card, make_dataset, make_templates

PEOPLE = 200
HEAD = '[[scenario]]\nname = "s"\n'
FIXED = "threshold = { fixed = 0.4 }\n"


def run(text: str, dataset: Dataset, templates: Templates, by: tuple[str, ...] = ("gender",)) -> results.Scenario:
    """The one scenario of a TOML text."""
    options = Resolved(Options(by=by, targets=(), seed=5), scenarios=tuple(parse(text, "test.toml")))
    (found,) = evaluate(dataset, make_card(published=None), templates, options).evaluation.scenarios
    return found


@pytest.fixture(scope="module")
def toy() -> tuple[Dataset, Templates]:
    """200 people with three images each, some of which give no template."""
    dataset = make_dataset(1, PEOPLE, 3)
    return dataset, make_templates(dataset, 1, failed=0.1, noise=1.2)


def unit(templates: Templates) -> dict[int, np.ndarray]:
    """Each sample's vector, of length 1."""
    return {int(s): v / np.linalg.norm(v.astype(float)) for s, v in zip(templates.samples, templates.vectors, strict=True)}


def everybody_enrolled(toy: tuple[Dataset, Templates], images: str) -> dict[int, tuple[np.ndarray | None, list[int]]]:
    """Of each person the template in the gallery, None if there is none, and the samples that are searched."""
    dataset, templates = toy
    vectors, out = unit(templates), {}
    for who in range(PEOPLE):
        samples = np.flatnonzero(dataset.subjects == who).tolist()
        enrolled, searched = (samples[:1], samples[1:]) if images == "one" else (samples[:-1], samples[-1:])
        there = [vectors[s] for s in enrolled if s in vectors]
        mean = np.mean(there, axis=0) if there else None
        out[who] = (None if mean is None else mean / np.linalg.norm(mean), searched)
    return out


@pytest.mark.parametrize("images", ["one", "all"])
def test_a_search_among_everybody_against_a_loop(toy: tuple[Dataset, Templates], images: str) -> None:
    """Everybody is in the gallery, so there is only one: with the person, or with the others alone."""
    text = f'{HEAD}kind = "search"\ncandidates = 3\n{FIXED}[scenario.gallery]\nimages = "{images}"\n'
    found = run(text, *toy)
    assert isinstance(found, results.SearchScenario)
    vectors, people = unit(toy[1]), everybody_enrolled(toy, images)
    alarms, found_more, missed, first, mated, tried_mated, searches = 0, 0, 0, 0, 0, 0, 0
    for who, (mate, samples) in people.items():
        for sample in samples:
            searches += 1
            tried_mated += 1
            if sample not in vectors:
                continue
            others = [float(vectors[sample] @ v) for other, (v, _) in people.items() if other != who and v is not None]
            alarms += max(others) >= 0.4
            found_more += sum(s >= 0.4 for s in others)
            if mate is not None:
                score = float(vectors[sample] @ mate)
                rank = 1 + sum(s >= score for s in others)
                mated += 1
                missed += score < 0.4 or rank > 3
                first += rank > 1
    assert found.probes is not None
    assert found.gallery is not None
    made = found.fpir[0].comparisons
    assert (found.probes.searches, found.probes.failed) == (searches, searches - made)
    assert (
        found.gallery.people
        == found.gallery.enrollable
        == PEOPLE - found.gallery.failed
        == sum(v is not None for v, _ in people.values())
    )
    assert (found.fpir[0].errors, found.fnir[0].errors, found.fnir[0].comparisons) == (alarms, missed, mated)
    assert found.probes.failed_mated == found.probes.mated - mated
    assert found.selectivity[0].value == pytest.approx(found_more / made)
    assert (found.ranks[0].rank, found.ranks[0].missed[0].errors) == (1, first)
    assert found.cmc[0].hit_rates[0] == pytest.approx(1 - first / mated)
    including = found.fnir[0].rate_including_failures
    assert including == pytest.approx((missed + found.probes.failed_mated) / found.probes.mated)
    assert sum(s.searches for s in found.shares) == pytest.approx(1)
    assert sum(s.errors or 0 for s in found.shares) == pytest.approx(1)


def test_a_gallery_sets_its_own_threshold_and_has_the_make_up_declared(toy: tuple[Dataset, Templates]) -> None:
    text = f'{HEAD}kind = "gallery"\nthreshold = {{ target_fpir = 0.1 }}\n[scenario.gallery]\npeople = 20\nmake_up = {{ male = 1 }}\n'
    found = run(text, *toy)
    assert isinstance(found, results.GalleryScenario)
    assert found.threshold is not None
    assert found.gallery is not None
    assert found.threshold.achieved_fpir == pytest.approx(found.fpir[0].rate)
    assert (found.threshold.achieved_fpir or 1) <= 0.1
    assert found.gallery.drawn_by_group == {"female": 0, "male": 20}
    assert found.candidates == 1
    women = next(r for r in found.fnir if r.group == "female")
    assert (women.comparisons, women.reason) == (0, "no_mated_pairs"), "no woman is in the gallery"
    assert next(x for x in found.own_group if x.rate.group == "female").expected == 0
    assert next(r for r in found.fnir if r.group == "male").rate is not None
    at = int(np.abs(np.asarray(found.det_thresholds) - (found.threshold.threshold or 0)).argmin())
    assert found.det[0].fpir == sorted(found.det[0].fpir, reverse=True)
    assert found.det[0].fpir[at] == pytest.approx(found.threshold.achieved_fpir, abs=0.05)


def test_too_few_searches_for_a_target_refuse_it(toy: tuple[Dataset, Templates]) -> None:
    found = run(f'{HEAD}kind = "gallery"\nthreshold = {{ target_fpir = 0.001 }}\n[scenario.gallery]\npeople = 20\n', *toy)
    assert (found.reason, found.threshold.needs if found.threshold else 0) == ("too_few_comparisons_for_target", 10_000)


def test_a_set_without_subject_labels_has_no_mates_and_tells_of_repeats() -> None:
    dataset = make_dataset(2, 400, 1, identity="none")
    templates = make_templates(dataset, 2)
    vectors = templates.vectors.copy()
    vectors[200:230] = vectors[:30] + np.float32(1e-3)  # thirty people under two names
    found = run(f'{HEAD}kind = "search"\n{FIXED}[scenario.gallery]\nshare = 0.5\n', dataset, replace(templates, vectors=vectors))
    assert isinstance(found, results.SearchScenario)
    assert (found.no_mates, found.fnir, found.ranks, found.cmc) == ("no_mated_pairs", [], [], [])
    assert found.det
    assert not found.det[0].fnir
    assert found.same_person_share is not None
    without = found.fpir_without_likely_same_person
    assert (found.same_person_share > 0.05) == bool(without)
    if without:
        assert (without[0].rate or 0) < (found.fpir[0].rate or 0)


def published(toy: tuple[Dataset, Templates]) -> Dataset:
    """A gallery of templates of two images, probes of one or two, and thirty people who are not in it."""
    dataset = toy[0]
    own = [np.flatnonzero(dataset.subjects == k).tolist() for k in range(PEOPLE)]

    def sets(name: str, groups: list[list[int]]) -> TemplateSets:
        members = np.array([i for g in groups for i in g], np.int32)
        starts = np.concatenate(([0], np.cumsum([len(g) for g in groups]))).astype(np.int64)
        return TemplateSets(name, members, starts, (members % 2).astype(np.int32), dataset.subjects[members[starts[:-1]]])

    protocol = SearchProtocol(
        "1:N", "probes.csv", (sets("G", [x[:2] for x in own[:90]]),), sets("P", [x[2:] for x in own]), (0.1,)
    )
    return replace(dataset, search_protocols=(protocol,))


def test_a_published_gallery_of_templates_gives_what_the_published_search_gives(toy: tuple[Dataset, Templates]) -> None:
    dataset = published(toy)
    text = f'{HEAD}kind = "search"\ncandidates = 20\n{FIXED}[scenario.gallery]\npublished = "G"\n'
    options = Resolved(Options(by=("gender",), targets=()), scenarios=tuple(parse(text, "t")))
    e = evaluate(dataset, make_card(published=None), toy[1], options).evaluation
    (scenario,), (search,) = e.scenarios, e.searches
    assert isinstance(scenario, results.SearchScenario)
    assert scenario.gallery is not None
    (gallery,) = search.galleries
    for want in gallery.ranks:
        (mine,) = [r for r in scenario.ranks if r.rank == want.rank]
        ours, theirs = mine.missed[0], want.missed
        assert (ours.errors, ours.comparisons, ours.subjects) == (theirs.errors, theirs.comparisons, theirs.subjects)
    assert scenario.gallery.failed == gallery.failed_templates
    smaller = run(text.replace('"G"', '"G"\npeople = 30'), dataset, toy[1])
    assert isinstance(smaller, results.SearchScenario)
    assert (smaller.fpir[0].rate or 0) < (scenario.fpir[0].rate or 1)


LINEUP = f'{HEAD}kind = "lineup"\nby = ["ethnicity"]\n{FIXED}[scenario.probes]\nwhere = {{ gender = "female" }}\n'


@pytest.mark.parametrize("images", ["one", "all"])
def test_a_lineup_against_a_loop(toy: tuple[Dataset, Templates], images: str) -> None:
    dataset, templates = toy
    found = run(
        LINEUP.replace("0.4", "0.65").replace("by =", f'images = "{images}"\nby ='), dataset, templates, ("gender", "ethnicity")
    )
    assert isinstance(found, results.LineupScenario)
    vectors, gender = unit(templates), dataset.attributes["gender"].codes
    probes, gallery = {}, []
    for who in range(PEOPLE):
        samples = np.flatnonzero(dataset.subjects == who)
        if gender[samples[0]] == 0:
            probes[who] = int(samples[0])
        else:
            there = [vectors[int(s)] for s in (samples[:1] if images == "one" else samples) if int(s) in vectors]
            gallery += [np.mean(there, axis=0) / np.linalg.norm(np.mean(there, axis=0))] if there else []
    hits = {w: max(float(vectors[s] @ g) for g in gallery) >= 0.65 for w, s in probes.items() if s in vectors}
    assert (found.people, found.failed_people, found.gallery_people) == (len(probes), len(probes) - len(hits), len(gallery))
    assert found.overall is not None
    assert (found.overall.errors, found.overall.comparisons) == (sum(hits.values()), len(hits))
    of = dataset.attributes["ethnicity"].codes
    for g, group in enumerate(("Black", "White")):
        mine = [hit for w, hit in hits.items() if of[probes[w]] == g]
        (row,) = [x for x in found.groups if x.group == group]
        assert (row.people, row.flagged) == (len(mine), sum(mine))
        assert row.share_of_flagged == pytest.approx(sum(mine) / sum(hits.values()))
        assert row.by_subjects is not None
        assert row.by_subjects.ratio == pytest.approx(row.ratio_to_others)
    black, white = found.groups
    assert black.p_fisher == pytest.approx(white.p_fisher)
    assert found.implied_fmr == pytest.approx(1 - (1 - sum(hits.values()) / len(hits)) ** (1 / len(gallery)))


def test_people_of_a_group_that_is_tiny_in_a_lineup_leave_it_unless_labels_are_public() -> None:
    dataset = make_dataset(3, 300, 1)
    ethnicity, gender = dataset.attributes["ethnicity"], dataset.attributes["gender"]
    codes = np.where((gender.codes == 0) & (np.cumsum(gender.codes == 0) > 4), 1, ethnicity.codes)
    codes[(gender.codes == 0) & (np.cumsum(gender.codes == 0) <= 4)] = 0  # four women of one group, many men
    women = int((gender.codes == 0).sum())
    changed = replace(dataset, attributes={**dataset.attributes, "ethnicity": replace(ethnicity, codes=codes.astype(np.int32))})
    templates = make_templates(changed, 3)
    for public, groups in ((True, ["Black", "White"]), (False, ["White"])):
        of = replace(changed, card=changed.card.model_copy(update={"labels_public": public}))
        found = run(LINEUP, of, templates, ("ethnicity",))
        assert isinstance(found, results.LineupScenario)
        assert [g.group for g in found.groups] == groups
        assert [g.people for g in found.groups] == ([4, women - 4] if public else [women - 4])
        assert (found.people, found.people_left_out) == ((women, 0) if public else (women - 4, 4))


def test_the_jackknife_of_a_lineup_knows_a_person_who_is_matched_with_many() -> None:
    """One person in the gallery looks like a third of the people searched: exact tests know nothing of it, the jackknife does."""
    dataset = make_dataset(7, 400, 1)
    templates = make_templates(dataset, 7, noise=0.0, dimensions=64)
    vectors, gender = templates.vectors.copy(), dataset.attributes["gender"].codes
    ethnicity = dataset.attributes["ethnicity"].codes
    women = np.flatnonzero(gender == 0)
    wolf = np.flatnonzero(gender == 1)[0]
    alike = women[ethnicity[women] == 0][:60]
    vectors[alike] = vectors[alike] + 3 * vectors[wolf]
    found = run(LINEUP.replace("0.4", "0.6"), dataset, replace(templates, vectors=vectors), ("gender", "ethnicity"))
    assert isinstance(found, results.LineupScenario)
    black = next(x for x in found.groups if x.group == "Black")
    assert black.flagged is not None
    assert black.flagged >= 60
    assert black.p_hypergeometric is not None
    assert black.p_hypergeometric < 1e-6
    assert black.by_subjects is not None
    assert black.by_subjects.verdict != "higher", "without that one person there would be nothing"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'{HEAD}kind = "search"\n{FIXED}[scenario.gallery]\npeople = 200\n', "gallery.people = 200: the data has 200 people"),
        (f'{HEAD}kind = "gallery"\n{FIXED}[scenario.gallery]\npeople = 5\nmake_up = {{ old = 1 }}\n', "no group is called 'old'"),
        (f'{HEAD}kind = "search"\n{FIXED}[scenario.gallery]\npublished = "G9"\n', "the data set publishes no gallery"),
        (f'{HEAD}kind = "search"\nby = ["tone"]\n{FIXED}', "the run has no such groups"),
        (LINEUP.replace("female", "queen"), "no value 'queen'; it has female, male"),
        (LINEUP.replace("where = { gender", "where = { tone"), "no attribute 'tone'; it has ethnicity, gender"),
        (f'{LINEUP}[scenario.against]\nwhere = {{ ethnicity = "Black" }}\n', "on both sides"),
        (LINEUP.replace('{ gender = "female" }', '{ gender = ["female", "male"] }'), "against: nobody is left"),
        (LINEUP.replace('where = { gender = "female" }', 'files = ["x*.jpg"]'), "no image is called 'x*.jpg'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_data_is_said_in_a_line(toy: tuple[Dataset, Templates], text: str, says: str) -> None:
    with pytest.raises(UserError, match="scenario s on toy: ") as raised:
        preflight(toy[0], Resolved(Options(by=("gender", "ethnicity")), scenarios=tuple(parse(text, "test.toml"))))
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'{HEAD}kind = "search"\n{FIXED}[scenario.gallery]\npeople = 5\nshare = 0.5\n', "people (a number) or share"),
        (f'{HEAD}kind = "search"\n{FIXED}[scenario.gallery]\npeople = 5\nmake_up = {{ a = 0.5 }}\n', "sum to 0.5"),
        (f'{HEAD}kind = "search"\ncandidates = 0\n{FIXED}', "candidates"),
        (LINEUP.replace("fixed = 0.4", "target_fpir = 0.1"), "not set on its own searches"),
        (LINEUP + "share = 0.5\n", "give one of where, files and share"),
    ],
)
def test_what_is_wrong_in_a_declaration_is_said_in_a_line(text: str, says: str) -> None:
    with pytest.raises(UserError) as raised:
        parse(text, "test.toml")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_gallery_larger_than_the_templates_is_not_run(toy: tuple[Dataset, Templates]) -> None:
    found = run(f'{HEAD}kind = "search"\n{FIXED}[scenario.gallery]\npeople = 195\n', *toy)
    assert found.reason == "gallery_too_small"
    assert "a gallery of 195 people, and templates of" in found.detail


@pytest.mark.parametrize("name", ["search-half", "gallery-flight", "lineup-half"])
def test_the_ready_made_ones_run(toy: tuple[Dataset, Templates], name: str) -> None:
    assert name in preset_names()
    options = Resolved(Options(by=("gender",), targets=(0.01,)), scenarios=load_scenarios([name]))
    (found,) = evaluate(toy[0], make_card(), toy[1], options).evaluation.scenarios
    assert found.reason in (None, "too_few_comparisons_for_target")
