"""Who can be put into a gallery, and with which images; and the images that are searched in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.dataset import Dataset

from ..comparisons.scores import Kind, prepare
from ..evaluation.template_sets import pool
from ..templates.pipeline import Templates

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Side:
    """Templates to be compared: vectors, float32[n, d] as the model gave them, of those that could be made.

    tried: how many were attempted. of: int64[n], which of the attempted each is. subjects, cells: int32[tried]. images: str[tried],
    digests of the pixels; empty where a template is made of several.
    """

    vectors: F32
    of: I64
    subjects: I32
    cells: I32
    images: NDArray[np.str_]

    @property
    def tried(self) -> int:
        """How many were attempted."""
        return int(self.subjects.size)

    def only(self, keep: Flags) -> Side:
        """Those of the attempted that are to stay."""
        made = keep[self.of]
        number = np.cumsum(keep) - 1
        return Side(self.vectors[made], number[self.of[made]], self.subjects[keep], self.cells[keep], self.images[keep])


@dataclass(frozen=True)
class Enrolled:
    """gallery: one template of each person. probes: what is searched. same_photo: bool[probes], the mate is the same photograph."""

    gallery: Side
    probes: Side
    same_photo: Flags


def split(subjects: I32, images: Literal["one", "all"], least: int = 1) -> tuple[Flags, Flags]:
    """bool[samples] twice: which samples are enrolled and which are searched.

    one: of each person the first image is enrolled and the others are searched. all: the last is searched and the others are
    enrolled, as one template. A person's only image is both: it is searched where the person is not in the gallery. least: images
    from which a person's are divided.
    """
    order = np.argsort(subjects, kind="stable")
    _, first, count = np.unique(subjects[order], return_index=True, return_counts=True)
    at = np.arange(order.size) - np.repeat(first, count)
    size = np.repeat(count, count)
    alone = size <= least
    enrolled, searched = np.zeros(order.size, bool), np.zeros(order.size, bool)
    enrolled[order] = alone | ((at == 0) if images == "one" else (at < size - 1))
    searched[order] = alone | ((at > 0) if images == "one" else (at == size - 1))
    return enrolled, searched


def enrol(dataset: Dataset, templates: Templates, cells: I32, kind: Kind, images: Literal["one", "all"]) -> Enrolled:
    """Everybody's template for a gallery, and everybody's probes. cells: int32[samples]."""
    enrolled, searched = split(dataset.subjects, images)
    digests = np.asarray(templates.pixels, dtype=str)
    probes = single(templates, dataset.subjects, cells, digests, np.flatnonzero(searched))
    members = np.flatnonzero(enrolled)
    if images == "one":
        gallery = single(templates, dataset.subjects, cells, digests, members)
    else:
        gallery = averaged(templates, dataset.subjects, cells, digests, members, kind)
    return Enrolled(gallery, probes, _same_photo(dataset, digests, enrolled, np.flatnonzero(searched)))


def single(templates: Templates, subjects: I32, cells: I32, digests: NDArray[np.str_], samples: I64) -> Side:
    """These samples, a template each."""
    row = np.full(subjects.size, -1, np.int64)
    row[templates.samples] = np.arange(templates.samples.size)
    of = np.flatnonzero(row[samples] >= 0)
    return Side(templates.vectors[row[samples[of]]], of, subjects[samples], cells[samples], digests[samples])


def averaged(templates: Templates, subjects: I32, cells: I32, digests: NDArray[np.str_], members: I64, kind: Kind) -> Side:
    """One template of each person's members: their mean, of unit vectors where direction is what counts (see `template_sets`)."""
    members = members[np.argsort(subjects[members], kind="stable")]
    people, of_set, count = np.unique(subjects[members], return_inverse=True, return_counts=True)
    row = np.full(subjects.size, -1, np.int64)
    row[templates.samples] = np.arange(templates.samples.size)
    media = np.arange(members.size, dtype=np.int32)
    vectors, made = pool(prepare(templates.vectors, kind), row[members], of_set.reshape(-1).astype(np.int64), media, people.size)
    if kind == "cosine":  # means that cancel out have no direction
        made[made] = np.linalg.norm(vectors[made], axis=1) > 0
    first = members[np.cumsum(count) - count]
    images = np.where(count == 1, digests[first], "")
    return Side(vectors[made], np.flatnonzero(made), people.astype(np.int32), cells[first], images)


def _same_photo(dataset: Dataset, digests: NDArray[np.str_], enrolled: Flags, probes: I64) -> Flags:
    """bool[probes]: the person has one photograph, by the set's list or byte for byte, both enrolled and searched, or only one image."""
    n = dataset.n_samples
    alike: set[int] = set()
    for a, b in dataset.same_photo.reshape(-1, 2).tolist():
        alike |= {a * n + b, b * n + a}
    enrolled_of: dict[int, list[int]] = {}
    for sample in np.flatnonzero(enrolled).tolist():
        enrolled_of.setdefault(int(dataset.subjects[sample]), []).append(sample)

    def same(sample: int) -> bool:
        mates = enrolled_of.get(int(dataset.subjects[sample]), [])
        return any(m == sample or m * n + sample in alike or (digests[m] and digests[m] == digests[sample]) for m in mates)

    return np.array([same(int(p)) for p in probes], bool)


def identical(probes: Side, gallery: Side) -> tuple[I64, I64]:
    """Pairs of a made probe and a made gallery template of other people that are one image byte for byte: never compared."""
    return _pairs(probes.images[probes.of], gallery.images[gallery.of], lambda a, b: a != "")


def own(probes: Side, gallery: Side) -> tuple[I64, I64]:
    """Pairs of a made probe and the made gallery template of the same person."""
    return _pairs(probes.subjects[probes.of], gallery.subjects[gallery.of], lambda a, b: True)


def _pairs(a: NDArray[np.generic], b: NDArray[np.generic], keep: Callable[[object, object], bool]) -> tuple[I64, I64]:
    """Every pair of places with equal values."""
    at: dict[object, list[int]] = {}
    for j, value in enumerate(b.tolist()):
        at.setdefault(value, []).append(j)
    found = [(i, j) for i, value in enumerate(a.tolist()) for j in at.get(value, []) if keep(value, value)]
    table = np.asarray(found, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
