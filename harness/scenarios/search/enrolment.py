"""Enrolment: who can be put into a gallery with which images, and which images are searched in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.comparisons.similarity import Kind, prepare
from faceparity.harness.comparisons.tally import Tally
from faceparity.harness.protocols.template_pooling import pool
from faceparity.harness.templates.extract import Templates

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class SearchTemplates:
    """Templates to be compared. vectors: float32[n, d] as the model gave them, without failed ones.

    tried: how many were attempted. of: int64[n], which of the attempted each is. subjects, cells: int32[tried]. samples: int64[tried],
    of which sample each is the template; -1 where it combines several.
    """

    vectors: F32
    of: I64
    subjects: I32
    cells: I32
    samples: I64

    @property
    def tried(self) -> int:
        """Return the number of attempted templates."""
        return int(self.subjects.size)

    def only(self, keep: Flags) -> SearchTemplates:
        """Keep these of the attempted templates.

        keep: bool[tried].
        """
        with_template = keep[self.of]
        number = np.cumsum(keep) - 1
        return SearchTemplates(
            self.vectors[with_template], number[self.of[with_template]], self.subjects[keep], self.cells[keep], self.samples[keep]
        )


@dataclass(frozen=True)
class Enrolled:
    """A gallery with one template of each person, and the probes searched in it.

    same_photo: bool[probes], the mate is the same photograph. never: int64[m, 2], samples of different people that are not
    compared: one image under two names, or excluded by name.
    """

    gallery: SearchTemplates
    probes: SearchTemplates
    same_photo: Flags
    never: I64 = field(default_factory=lambda: np.empty((0, 2), np.int64))


def split(subjects: I32, images: Literal["one", "all"], least: int = 1) -> tuple[Flags, Flags]:
    """Split samples into enrolled and searched, bool[samples] each.

    one: of each person the first image is enrolled and the others are searched. all: the last is searched and the others are
    enrolled, as one template. The images of a person who has at most `least` are both: with least = 1, a person's only image is
    searched where the person is not in the gallery.
    """
    order = np.argsort(subjects, kind="stable")
    _, first, count = np.unique(subjects[order], return_index=True, return_counts=True)
    position = np.arange(order.size) - np.repeat(first, count)
    images_of_person = np.repeat(count, count)
    undivided = images_of_person <= least
    enrolled, searched = np.zeros(order.size, bool), np.zeros(order.size, bool)
    enrolled[order] = undivided | ((position == 0) if images == "one" else (position < images_of_person - 1))
    searched[order] = undivided | ((position > 0) if images == "one" else (position == images_of_person - 1))
    return enrolled, searched


def enrol(
    dataset: Dataset, templates: Templates, cells: I32, tally: Tally, kind: Kind, images: Literal["one", "all"]
) -> Enrolled:
    """Return everybody's gallery template and everybody's probes.

    cells: int32[samples]. tally: of the templates.
    """
    enrolled, searched = split(dataset.subjects, images)
    probes = single(templates, dataset.subjects, cells, np.flatnonzero(searched))
    members = np.flatnonzero(enrolled)
    if images == "one":
        gallery = single(templates, dataset.subjects, cells, members)
    else:
        gallery = averaged(templates, dataset.subjects, cells, members, kind)
    return Enrolled(
        gallery, probes, _same_photo(dataset, templates, tally, enrolled, probes.samples), left_out_pairs(templates, tally)
    )


def left_out_pairs(templates: Templates, tally: Tally) -> I64:
    """Return non-mated samples left out of the tally, int64[m, 2]."""
    return templates.samples[np.stack([tally.left_out_non_mated.a, tally.left_out_non_mated.b], axis=1)]


def single(templates: Templates, subjects: I32, cells: I32, samples: I64) -> SearchTemplates:
    """Return one template for each of these samples."""
    row = np.full(subjects.size, -1, np.int64)
    row[templates.samples] = np.arange(templates.samples.size)
    of = np.flatnonzero(row[samples] >= 0)
    return SearchTemplates(templates.vectors[row[samples[of]]], of, subjects[samples], cells[samples], samples)


def averaged(templates: Templates, subjects: I32, cells: I32, members: I64, kind: Kind) -> SearchTemplates:
    """Average each person's members to one template.

    The mean is of unit vectors where direction is what counts (see `template_sets`); means that cancel out are no template there.
    """
    members = members[np.argsort(subjects[members], kind="stable")]
    people, of_set, count = np.unique(subjects[members], return_inverse=True, return_counts=True)
    row = np.full(subjects.size, -1, np.int64)
    row[templates.samples] = np.arange(templates.samples.size)
    media = np.arange(members.size, dtype=np.int32)
    vectors, has_template = pool(
        prepare(templates.vectors, kind), row[members], of_set.reshape(-1).astype(np.int64), media, people.size
    )
    if kind == "cosine":  # means that cancel out have no direction
        has_template[has_template] = np.linalg.norm(vectors[has_template], axis=1) > 0
    first = members[np.cumsum(count) - count]
    samples = np.where(count == 1, first, -1)
    return SearchTemplates(vectors[has_template], np.flatnonzero(has_template), people.astype(np.int32), cells[first], samples)


def _same_photo(dataset: Dataset, templates: Templates, tally: Tally, enrolled: Flags, probes: I64) -> Flags:
    """Return whether each probe's mate is the same photograph.

    bool[probes]: by the data set's list, byte for byte, or because it is the person's only image.
    """
    left_out = templates.samples[np.stack([tally.left_out_mated.a, tally.left_out_mated.b], axis=1)]
    pairs = np.concatenate([left_out, dataset.same_photo.reshape(-1, 2)])
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    alike = np.zeros(dataset.n_samples, bool)
    alike[pairs[enrolled[pairs[:, 1]], 0]] = True
    return np.asarray(alike[probes] | enrolled[probes])


def not_compared(probes: SearchTemplates, gallery: SearchTemplates, pairs: I64) -> tuple[I64, I64]:
    """Return probes and gallery templates of sample pairs left out.

    Rows of those with a template; either sample of a pair may be the probe.
    """
    both = np.concatenate([pairs, pairs[:, ::-1]])
    row, column = (dict(zip(side.samples[side.of].tolist(), range(side.of.size), strict=True)) for side in (probes, gallery))
    found = [(row[first], column[second]) for first, second in both.tolist() if first in row and second in column]
    table = np.asarray(found, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def mate_pairs(probes: SearchTemplates, gallery: SearchTemplates) -> tuple[I64, I64]:
    """Return probes and gallery templates of the same person.

    Rows of those with a template.
    """
    home = {int(who): column for column, who in enumerate(gallery.subjects[gallery.of])}
    found = [(row, home[who]) for row, who in enumerate(probes.subjects[probes.of].tolist()) if who in home]
    table = np.asarray(found, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
