"""People made of numbers whose images resemble each other as we say: groups, sisters, one person under two ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness.templates.extract import Templates
from tests.harness import toy

DIMENSIONS = 48


@dataclass(frozen=True)
class World:
    """A labelled data set and its templates."""

    dataset: Dataset
    templates: Templates


def make_world(
    sizes: Mapping[tuple[str, str], int],
    *,
    images: Mapping[int, int] | None = None,
    alike: Mapping[tuple[int, int], float] | None = None,
    noise: float = 0.5,
    seed: int = 0,
    identity: str = "labelled",
) -> World:
    """People of groups (gender, ethnicity), numbered in their order.

    sizes: people of each group. images: of a person, where not one. alike: of two people, how far the second's face is from the
    first's (0: one person under two ids), in units of the spread of all faces.
    """
    rng = np.random.default_rng(seed)
    groups = [group for group, size in sizes.items() for _ in range(size)]
    centre = rng.normal(size=(len(groups), DIMENSIONS))
    for (first, second), distance in (alike or {}).items():
        centre[second] = centre[first] + distance * rng.normal(size=DIMENSIONS)
    count = np.ones(len(groups), int)
    for person, n in (images or {}).items():
        count[person] = n
    subjects = np.repeat(np.arange(len(groups), dtype=np.int32), count)
    vectors = (centre[subjects] + noise * rng.normal(size=(subjects.size, DIMENSIONS))).astype(np.float32)
    blank = toy.make_dataset(1, subjects.size, 1)
    attributes = {}
    for column, name in enumerate(("gender", "ethnicity")):
        values = tuple(sorted({group[column] for group in groups}))
        attributes[name] = Attribute(name, values, np.array([values.index(groups[i][column]) for i in subjects], np.int32))
    card = blank.card.model_copy(update={"identity": identity})
    numbers = subjects if identity == "labelled" else np.arange(subjects.size, dtype=np.int32)
    dataset = replace(blank, card=card, subjects=numbers, identity=identity, attributes=attributes)
    return World(dataset, replace(toy.make_templates(blank, 1), vectors=vectors))


LFW = {("female", "Black"): 55, ("female", "White"): 200, ("male", "Black"): 180, ("male", "White"): 260}
SISTERS = (3, 4)


def sisters(seed: int = 0) -> World:
    """As LFW was seen: 55 Black women, among them two sisters with nine and five images, and three larger groups."""
    return make_world(LFW, images={3: 9, 4: 5}, alike={SISTERS: 0.55}, seed=seed)


def strangers(seed: int = 0) -> World:
    """The same people and images, without the likeness of the two."""
    return make_world(LFW, images={3: 9, 4: 5}, seed=seed)
