"""Templates that combine several samples, as IJB-C's protocols compare them: one vector for each set, then a list of pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Dataset, PairProtocol, SetProtocol, TemplateSets
from faceparity.harness.comparisons.similarity import Kind, prepare
from faceparity.harness.groups.groupings import Cells
from faceparity.harness.templates.extract import Templates


@dataclass(frozen=True)
class Pooled:
    """The sets of a protocol in the place of samples: dataset, templates and cells have one entry for each set."""

    dataset: Dataset
    templates: Templates
    cells: Cells


def pooled(protocol: SetProtocol, dataset: Dataset, templates: Templates, cells: Cells, kind: Kind) -> Pooled:
    """Pool the sets of a protocol into samples.

    With a vector each, and the protocol's list as a list of pairs of them.
    A set's vector is the mean over its media of the mean over the members of one medium (a video counts as much as a still), of
    unit vectors where their direction is what counts. Members without a template are left out; a set of which none has one fails.
    A set is of its first member's subject, and in the group that most of its members are in (ties: the first in the cells' order).
    """
    n_sets = protocol.starts.size - 1
    vectors, has_vector = averaged(protocol, dataset.n_samples, templates, prepare(templates.vectors, kind), kind)
    pixels = tuple(
        blake2b(part.tobytes(), digest_size=16).hexdigest() for part in np.split(protocol.members, protocol.starts[1:-1])
    )
    listed = PairProtocol(
        protocol.name, protocol.source, protocol.a, protocol.b, protocol.mated, np.zeros(protocol.a.size, np.int32),
        missing=protocol.missing, targets=protocol.targets,
    )  # fmt: skip
    return Pooled(
        replace(
            dataset,
            files=tuple(f"template {index}" for index in range(n_sets)),
            content=("",) * n_sets,
            subjects=dataset.subjects[protocol.members[protocol.starts[:-1]]],
            attributes={},
            same_photo=np.empty((0, 2), np.int32),
            capture_year=None,
            protocols=(listed,),
            set_protocols=(),
            search_protocols=(),
        ),
        replace(
            templates,
            status=np.where(has_vector, "ok", "no_face"),
            reasons=("",) * n_sets,
            vectors=vectors[has_vector],
            samples=np.flatnonzero(has_vector),
            faces=has_vector.astype(np.int32),
            pixels=pixels,
            covariates={},
            extracted=0,
        ),
        replace(cells, of_sample=usual_cells(protocol, cells)),
    )


def averaged(
    sets: SetProtocol | TemplateSets, n_samples: int, templates: Templates, prepared: NDArray[np.float32], kind: Kind
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Average each set's vectors as `pooled` does.

    float32[sets, d], and bool[sets], whether the set has a vector. prepared: of all templates.
    """
    n_sets = sets.starts.size - 1
    row = np.full(n_samples, -1, np.int64)
    row[templates.samples] = np.arange(templates.samples.size)
    vectors, has_vector = pool(
        prepared, row[sets.members], np.repeat(np.arange(n_sets), np.diff(sets.starts)), sets.media, n_sets
    )
    if kind == "cosine":  # means that cancel out have no direction
        has_vector[has_vector] = np.linalg.norm(vectors[has_vector], axis=1) > 0
    return vectors, has_vector


def usual_cells(sets: SetProtocol | TemplateSets, cells: Cells) -> NDArray[np.int32]:
    """Return the cell of most members of each set, int32[sets].

    Of equals the first in the cells' order.
    """
    n_sets = sets.starts.size - 1
    return _usual(cells.of_sample[sets.members], np.repeat(np.arange(n_sets), np.diff(sets.starts)), n_sets, cells.n)


def pool(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], of_set: NDArray[np.int64], media: NDArray[np.int32], n_sets: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Average each set's vectors over media and members.

    float32[n_sets, d] and bool[n_sets]: the mean over media of the mean over members, and whether any member has a vector.
    rows: int64[m], the row of each member in `vectors`, -1 for none. of_set: int64[m], the set of each member.
    """
    from scipy import sparse

    have = rows >= 0
    rows, of_set = rows[have], of_set[have]
    keys = of_set * (int(media.max(initial=0)) + 1) + media[have]
    _, place, count = np.unique(keys, return_inverse=True, return_counts=True)
    weight = 1 / count[place.reshape(-1)]
    total = np.bincount(of_set, weight, minlength=n_sets)
    has_vector = total > 0
    weight /= total[of_set]
    mixing = sparse.csr_matrix((weight.astype(np.float32), (of_set, rows)), shape=(n_sets, vectors.shape[0]))
    return np.asarray(mixing @ vectors, np.float32), has_vector


def _usual(cell: NDArray[np.int32], of_set: NDArray[np.int64], n_sets: int, n_cells: int) -> NDArray[np.int32]:
    """Return the cell of most members of each set, int32[n_sets].

    The lowest of equals.
    """
    keys, count = np.unique(of_set * n_cells + cell, return_counts=True)
    order = np.lexsort((keys, -count, keys // n_cells))
    first = np.unique(keys[order] // n_cells, return_index=True)[1]
    return np.asarray(keys[order][first] % n_cells, np.int32)
