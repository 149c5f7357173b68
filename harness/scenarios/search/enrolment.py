"""Who can be put into a gallery, and with which images; and the images that are searched in it."""

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
    """Templates to be compared: vectors, float32[n, d] as the model gave them, of those that could be made.

    tried: how many were attempted. of: int64[n], which of the attempted each is. subjects, cells: int32[tried]. samples: int64[tried],
    of which sample each is the template; -1 where it is made of several.
    """

    vectors: F32
    of: I64
    subjects: I32
    cells: I32
    samples: I64

    @property
    def tried(self) -> int:
        """How many were attempted."""
        return int(self.subjects.size)

    def only(self, keep: Flags) -> SearchTemplates:
        """Those of the attempted that are to stay."""
        made = keep[self.of]
        number = np.cumsum(keep) - 1
        return SearchTemplates(
            self.vectors[made], number[self.of[made]], self.subjects[keep], self.cells[keep], self.samples[keep]
        )


@dataclass(frozen=True)
class Enrolled:
    """gallery: one template of each person. probes: what is searched. same_photo: bool[probes], the mate is the same photograph.

    never: int64[m, 2], samples of different people that are not compared: one image under two names, or excluded by name.
    """

    gallery: SearchTemplates
    probes: SearchTemplates
    same_photo: Flags
    never: I64 = field(default_factory=lambda: np.empty((0, 2), np.int64))


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


def enrol(
    dataset: Dataset, templates: Templates, cells: I32, tally: Tally, kind: Kind, images: Literal["one", "all"]
) -> Enrolled:
    """Everybody's template for a gallery, and everybody's probes. cells: int32[samples]. tally: of the templates."""
    enrolled, searched = split(dataset.subjects, images)
    probes = single(templates, dataset.subjects, cells, np.flatnonzero(searched))
    members = np.flatnonzero(enrolled)
    if images == "one":
        gallery = single(templates, dataset.subjects, cells, members)
    else:
        gallery = averaged(templates, dataset.subjects, cells, members, kind)
    return Enrolled(gallery, probes, _same_photo(dataset, templates, tally, enrolled, probes.samples), never(templates, tally))


def never(templates: Templates, tally: Tally) -> I64:
    """int64[m, 2]: samples of different people that the tally left out."""
    return templates.samples[np.stack([tally.left_out_non_mated.a, tally.left_out_non_mated.b], axis=1)]


def single(templates: Templates, subjects: I32, cells: I32, samples: I64) -> SearchTemplates:
    """These samples, a template each."""
    row = np.full(subjects.size, -1, np.int64)
    row[templates.samples] = np.arange(templates.samples.size)
    of = np.flatnonzero(row[samples] >= 0)
    return SearchTemplates(templates.vectors[row[samples[of]]], of, subjects[samples], cells[samples], samples)


def averaged(templates: Templates, subjects: I32, cells: I32, members: I64, kind: Kind) -> SearchTemplates:
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
    samples = np.where(count == 1, first, -1)
    return SearchTemplates(vectors[made], np.flatnonzero(made), people.astype(np.int32), cells[first], samples)


def _same_photo(dataset: Dataset, templates: Templates, tally: Tally, enrolled: Flags, probes: I64) -> Flags:
    """bool[probes]: the person's template is of that very photograph, by the set's list or byte for byte, or of that only image."""
    made = templates.samples[np.stack([tally.left_out_mated.a, tally.left_out_mated.b], axis=1)]
    pairs = np.concatenate([made, dataset.same_photo.reshape(-1, 2)])
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    alike = np.zeros(dataset.n_samples, bool)
    alike[pairs[enrolled[pairs[:, 1]], 0]] = True
    return np.asarray(alike[probes] | enrolled[probes])


def not_compared(probes: SearchTemplates, gallery: SearchTemplates, pairs: I64) -> tuple[I64, I64]:
    """Made probes and made gallery templates of these pairs of samples, whichever of a pair comes first."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    row, col = (dict(zip(x.samples[x.of].tolist(), range(x.of.size), strict=True)) for x in (probes, gallery))
    found = [(row[a], col[b]) for a, b in both.tolist() if a in row and b in col]
    table = np.asarray(found, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def own(probes: SearchTemplates, gallery: SearchTemplates) -> tuple[I64, I64]:
    """Made probes and the made gallery template of the same person."""
    home = {int(who): j for j, who in enumerate(gallery.subjects[gallery.of])}
    found = [(i, home[who]) for i, who in enumerate(probes.subjects[probes.of].tolist()) if who in home]
    table = np.asarray(found, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
