"""People of small groups leave every figure: a result is as if they had never been there, and says only how many they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness import results
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.evaluation.preflight import group_samples, preflight
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.evaluation.subsets import without_samples
from faceparity.harness.evaluation.with_exclusions import evaluate_without
from faceparity.harness.options import Options
from faceparity.harness.scenarios.load import parse
from tests.harness import toy

GENDER = ("female", "male", "nonbinary")


def made(sizes: dict[str, int], *, seed: int = 3, images: int = 1, public: bool = False) -> Dataset:
    """So many people of each gender, of two ethnicities in turn."""
    dataset = toy.make_dataset(seed, sum(sizes.values()), images, public=public)
    gender = np.repeat([GENDER.index(name) for name in sizes], list(sizes.values()))
    ethnicity = np.arange(gender.size) % 2
    return labelled(dataset, {"gender": (GENDER, gender), "ethnicity": (("Black", "White"), ethnicity)}, images)


def labelled(dataset: Dataset, labels: dict[str, tuple[tuple[str, ...], NDArray[Any]]], images: int = 1) -> Dataset:
    attributes = {
        name: Attribute(name, values, np.repeat(codes, images).astype(np.int32)) for name, (values, codes) in labels.items()
    }
    return replace(dataset, attributes=attributes)


def comparable(evaluation: results.Evaluation) -> dict[str, Any]:
    """What two runs share: all but the clock, and what says that people left."""
    found = evaluation.model_dump(mode="json", exclude={"provenance": {"started"}, "dataset": {"subjects_left_out"}})
    found["warnings"] = [text for text in found["warnings"] if "left every figure" not in text]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("by", [("gender",), ("gender", "ethnicity")])
def test_three_people_of_a_third_gender_change_nothing_for_the_others(by: tuple[str, ...]) -> None:
    """300 women, 280 men, 3 nonbinary people: men keep their name, their contrast and the threshold."""
    dataset = made({"female": 300, "male": 280, "nonbinary": 3})
    templates, options = toy.make_templates(dataset, 5), Options(by=by, targets=(1e-2, 1e-3))
    found = evaluate(dataset, toy.make_card(), templates, options).evaluation
    smaller, fewer = without_samples(dataset, templates, np.arange(580, 583))
    expected = evaluate(smaller, toy.make_card(), fewer, options).evaluation
    assert comparable(found) == comparable(expected)
    assert found.dataset.subjects_left_out == 3
    assert found.dataset.subjects == 580
    assert "3 people of groups with fewer than 10 left every figure." in found.warnings
    assert "nonbinary" not in results.to_json(found)
    (single,) = (grouping for grouping in found.groupings if grouping.attributes == ["gender"])
    assert [(group.group, group.subjects) for group in single.groups] == [("female", 300), ("male", 280)]
    assert {contrast.group for contrast in single.operating_points[0].contrasts} == {"male"}


def test_labels_that_are_public_hide_nobody() -> None:
    dataset = made({"female": 60, "male": 60, "nonbinary": 3}, public=True)
    found = evaluate(dataset, toy.make_card(), toy.make_templates(dataset, 5), Options(by=("gender",))).evaluation
    assert [(group.group, group.subjects) for group in found.groupings[0].groups] == [
        ("female", 60),
        ("male", 60),
        ("nonbinary", 3),
    ]
    assert found.dataset.subjects_left_out == 0


def test_where_everybody_would_leave_the_run_is_refused_in_a_line() -> None:
    dataset = made({"female": 9, "male": 8, "nonbinary": 3})
    with pytest.raises(UserError, match="every group by gender has fewer than 10 people"):
        group_samples(dataset, ("gender",))


def test_a_small_group_can_be_neither_pool_nor_reference() -> None:
    dataset = made({"female": 60, "male": 60, "nonbinary": 3})
    for options in (Options(by=("gender",), pool="gender=nonbinary"), Options(by=("gender",), references=("gender=nonbinary",))):
        with pytest.raises(UserError, match="fewer than 10 people"):
            preflight(dataset, options)


def test_a_group_that_an_exclusion_makes_small_leaves_what_is_without_it() -> None:
    dataset = made({"female": 60, "male": 60, "nonbinary": 11})
    excluded = Excluded(samples=np.array([0, 120, 121], np.int32), sample_texts=("twin", "", ""))
    templates, options = toy.make_templates(dataset, 5), Options(by=("gender",), targets=(1e-2,))
    outcome = evaluate_without(dataset, toy.make_card(), templates, options, excluded)
    found = outcome.evaluated.evaluation
    assert found.dataset.subjects == 59 + 60
    assert found.dataset.subjects_left_out == 9
    assert outcome.dataset.n_samples == outcome.templates.status.size == 119
    smaller, fewer = without_samples(dataset, templates, np.array([0, *range(120, 131)]))
    expected = evaluate(smaller, toy.make_card(), fewer, options).evaluation
    assert comparable(found)["groupings"] == comparable(expected)["groupings"]


def test_exclusions_name_the_same_images_when_others_have_left() -> None:
    """The three who leave stand first, so that all numbers move."""
    dataset = made({"nonbinary": 3, "female": 60, "male": 60})
    excluded = Excluded(
        np.array([0, 5], np.int32), np.array([[1, 9], [10, 11]], np.int32), ("gone", "blurred"), ("a", "relative")
    )
    templates, options = toy.make_templates(dataset, 5), Options(by=("gender",), targets=(1e-2,))
    found = evaluate_without(dataset, toy.make_card(), templates, options, excluded).evaluated.evaluation
    smaller, fewer = without_samples(dataset, templates, np.arange(3))
    same = Excluded(np.array([2], np.int32), np.array([[7, 8]], np.int32), ("blurred",), ("relative",))
    expected = evaluate_without(smaller, toy.make_card(), fewer, options, same).evaluated.evaluation
    assert comparable(found) == comparable(expected)


def published_sums(evaluation: results.Evaluation) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], int]]:
    """Attributes, values and subjects of everything in a record that has a number of people."""
    yield (), (), evaluation.dataset.subjects
    for grouping in evaluation.groupings:
        for group in grouping.groups:
            yield tuple(grouping.attributes), tuple(group.values), group.subjects
    if evaluation.extraction.overall is not None:
        yield (), (), evaluation.extraction.overall.subjects


@pytest.mark.parametrize("seed", range(12))
def test_no_combination_of_the_numbers_in_a_record_is_one_to_nine(seed: int) -> None:
    """Every 0/1 combination of people that follows from a whole record's numbers, by trying all of them."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(12, 0.6))
    cell = rng.choice(12, int(rng.integers(80, 260)), p=shares)
    gender, ethnicity = cell // 4, cell % 4 - 1  # a quarter of the cells without an ethnicity
    dataset = labelled(
        toy.make_dataset(seed, cell.size, 1, public=False),
        {"gender": (GENDER, gender), "ethnicity": (("Black", "White", "Z"), ethnicity)},
    )
    found = evaluate(dataset, toy.make_card(), toy.make_templates(dataset, 5), Options(by=("gender", "ethnicity"))).evaluation
    grouped = group_samples(dataset, ("gender", "ethnicity"))
    kept = grouped.number >= 0
    cells, sizes = np.unique(np.stack([gender[kept], ethnicity[kept]], axis=1), axis=0, return_counts=True)
    names = {"gender": GENDER, "ethnicity": ("Black", "White", "Z")}
    rows, numbers = [], []
    for attributes, values, subjects in published_sums(found):
        inside = np.ones(len(cells), bool)
        for attribute, value in zip(attributes, values, strict=True):
            inside &= cells[:, list(names).index(attribute)] == names[attribute].index(value)
        assert sizes[inside].sum() == subjects, "a group lacks some of its people"
        rows.append(inside.astype(float))
        numbers.append(subjects)
    table, people = np.array(rows), np.array(numbers, float)
    masks = np.array(list(product((0.0, 1.0), repeat=len(cells))))
    derivable = masks[np.abs(masks @ np.linalg.pinv(table) @ table - masks).max(axis=1) < 1e-6]
    derived = np.rint(derivable @ np.linalg.pinv(table) @ people).astype(int)
    assert len(derived) > 3
    assert not [number for number in derived if 0 < number < 10]
    assert found.dataset.subjects_left_out == int((~kept).sum())


LINEUP = """
[[scenario]]
name = "{name}"
kind = "lineup"
by = ["ethnicity"]
threshold = {{ target_fmr = 1e-2 }}
probes = {{ {probes} }}
"""


def lineups(dataset: Dataset, *probes: str) -> Resolved:
    text = "".join(LINEUP.format(name=f"l{i}", probes=which) for i, which in enumerate(probes))
    return Resolved(Options(by=("gender", "ethnicity")), scenarios=tuple(parse(text, "test.toml")))


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        (('files = ["0000[0-4].png"]',), "probes: fewer than 10 people"),
        (('files = ["000*.png"]', 'files = ["000[0-8]*.png", "0009[0-7].png"]'), "differ from l0 by fewer than 10 people"),
    ],
)
def test_a_lineup_about_a_few_people_is_refused(probes: tuple[str, ...], said: str) -> None:
    dataset = made({"female": 100, "male": 100})
    with pytest.raises(UserError, match=said):
        preflight(dataset, lineups(dataset, *probes))
    preflight(made({"female": 100, "male": 100}, public=True), lineups(dataset, *probes))


def test_lineups_far_enough_apart_are_taken() -> None:
    dataset = made({"female": 100, "male": 100})
    preflight(dataset, lineups(dataset, 'files = ["0000*.png", "0001*.png"]', 'files = ["0000*.png", "0001*.png", "0002*.png"]'))
