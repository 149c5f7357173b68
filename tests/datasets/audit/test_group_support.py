"""What a data set can support, from the sizes of its groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.audit.group_support import floor, support, support_of, support_of_card
from faceparity.datasets.schema.card import AttributeCard, DatasetCard, load_card
from faceparity.datasets.schema.dataset import Attribute, Dataset


def test_a_floor_by_hand() -> None:
    found = floor("a", 100, 25)
    assert (found.lower, found.higher) == (8 / 4950, 30 / 4950)
    assert (found.lower_best, found.higher_best) == (8 / 4950 / 625, 30 / 4950 / 625)
    assert floor("a", 30).higher == 30 / 435


@pytest.mark.parametrize("subjects", [0, 1, 2, 29])
def test_too_few_people_support_nothing(subjects: int) -> None:
    assert (floor("a", subjects).lower, floor("a", subjects, 1000).higher_best) == (None, None)


def test_lines() -> None:
    assert support({"x": 100, "y": 100}, ["g"], 25).lines == (
        "People per group (g): 100 in each of 2 groups.",
        "Lowest FMR for a claim: 1e-05 to 0.006 (from each comparison counted in full to each two people counted once); "
        "it takes 30 errors in the group with the higher rate and 8 in the other.",
    )
    people, rates = support({"x": 428, "y": 33, "z": 1}, ["g", "e"]).lines
    assert people == "People per group (g × e): 1 (z) to 428 (x), 3 groups; 1 of them under 30, too few to judge."
    assert "0.06 in the smallest group that can be judged (y), 0.0003 in the largest" in rates
    assert "only x reaches 30" in support({"x": 428, "y": 3}).lines[1]
    assert "no group reaches 30" in support({"x": 4}).lines[1]
    assert support({}, ["g"]).lines[0] == "People per group (g): no group is labelled."


def test_order_is_by_size_then_name() -> None:
    assert [g.group for g in support({"b": 5, "a": 5, "c": 9}).groups] == ["c", "a", "b"]


def dataset(identity: str = "labelled") -> Dataset:
    subjects = np.array([0, 0, 1, 2, 2, 3], np.int32) if identity == "labelled" else np.arange(6, dtype=np.int32)
    g = Attribute("g", ("f", "m"), np.array([0, 0, 1, 1, 1, -1], np.int32))
    e = Attribute("e", ("B", "W"), np.array([0, 1, 1, 1, 1, 0], np.int32))
    card = DatasetCard(name="x", title="x", identity=identity, attributes={"g": AttributeCard(column="g")})  # type: ignore[arg-type]
    files = tuple(f"{i}.jpg" for i in range(6))
    return Dataset("x", card, Path(), files, files, subjects, identity, {"g": g, "e": e})  # type: ignore[arg-type]


def test_people_and_pictures_of_a_copy() -> None:
    found = {g.group: (g.subjects, g.pictures) for g in support_of(dataset(), ["g", "e"]).groups}
    assert found == {"m × W": (2, 1.5), "f × B": (1, 1.0), "f × W": (1, 1.0)}
    assert support_of(dataset(), []).groups[0].group == "everybody"
    assert support_of(dataset("none"), ["g"]).lines[0].startswith("Images per group (g): 2 (f) to 3 (m)")


def test_the_card_of_a_set_tells_the_same_of_the_whole(shared_data: Path) -> None:
    from faceparity.datasets.readers import london

    folder = shared_data / "face_research_lab_london"
    if not folder.is_dir():
        pytest.skip("no copy of the London set")
    card = support_of_card(load_card("london"))
    assert card is not None
    assert {g.group: g.subjects for g in card.groups} == {
        g.group: g.subjects for g in support_of(london.read(folder), ["gender", "ethnicity"]).groups
    }


def test_a_card_without_sizes() -> None:
    assert support_of_card(load_card("facet")) is None
