"""A data set and its templates without some of the samples, as if these had never been there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Dataset, PairProtocol, SearchProtocol, SetProtocol, TemplateSets
from faceparity.harness.templates.extract import Templates


def without_samples(dataset: Dataset, templates: Templates, gone: NDArray[np.integer]) -> tuple[Dataset, Templates]:
    """Return a data set and its templates without some samples.

    gone: indices of the samples to leave out.
    """
    return without(dataset, gone), templates_without(templates, gone)


def without(dataset: Dataset, gone: NDArray[np.integer]) -> Dataset:
    """Return a data set without some samples.

    gone: indices of the samples to leave out. The digest stays that of the complete data set. Pairs of published lists that name such a
    sample become missing ones.
    """
    keep = np.setdiff1d(np.arange(dataset.n_samples), gone)
    number = np.full(dataset.n_samples, -1, np.int32)
    number[keep] = np.arange(keep.size, dtype=np.int32)
    if dataset.identity == "none":
        subjects = np.arange(keep.size, dtype=np.int32)
    else:
        subjects = np.unique(dataset.subjects[keep], return_inverse=True)[1].astype(np.int32)
    photo = number[dataset.same_photo.reshape(-1, 2)]
    return replace(
        dataset,
        files=tuple(dataset.files[index] for index in keep),
        content=tuple(dataset.content[index] for index in keep),
        subjects=subjects,
        attributes={name: attribute.of_samples(keep) for name, attribute in dataset.attributes.items()},
        same_photo=photo[(photo >= 0).all(axis=1)],
        capture_year=None if dataset.capture_year is None else dataset.capture_year[keep],
        protocols=tuple(_listed(protocol, number) for protocol in dataset.protocols),
        set_protocols=tuple(_of_sets(protocol, number) for protocol in dataset.set_protocols),
        search_protocols=tuple(
            _of_search(protocol, number, _renumbered(dataset, keep, subjects)) for protocol in dataset.search_protocols
        ),
    )


def without_pairs(dataset: Dataset, pairs: NDArray[np.int32]) -> Dataset:
    """Return the data set without some published pairs.

    pairs: int32[m, 2]; in its published lists of pairs they become missing ones.
    """
    n_samples = dataset.n_samples
    keys = _key(pairs[:, 0], pairs[:, 1], n_samples)

    def smaller(protocol: PairProtocol) -> PairProtocol:
        return _kept(protocol, ~np.isin(_key(protocol.a, protocol.b, n_samples), keys))

    return replace(dataset, protocols=tuple(smaller(protocol) for protocol in dataset.protocols)) if pairs.size else dataset


def _key(first: NDArray[np.int32], second: NDArray[np.int32], n_samples: int) -> NDArray[np.int64]:
    return np.asarray(np.minimum(first, second).astype(np.int64) * n_samples + np.maximum(first, second), np.int64)


def _kept(protocol: PairProtocol, keep: NDArray[np.bool_]) -> PairProtocol:
    return replace(
        protocol,
        a=protocol.a[keep],
        b=protocol.b[keep],
        mated=protocol.mated[keep],
        fold=protocol.fold[keep],
        missing=protocol.missing + int((~keep).sum()),
    )


def _listed(protocol: PairProtocol, number: NDArray[np.int32]) -> PairProtocol:
    first, second = number[protocol.a], number[protocol.b]
    return _kept(replace(protocol, a=first, b=second), (first >= 0) & (second >= 0))


def _of_sets(protocol: SetProtocol, number: NDArray[np.int32]) -> SetProtocol:
    """Return a protocol of sets without excluded members.

    Templates that lose all members are missing.
    """
    members, starts, media, remaining = _smaller(protocol, number)
    new = np.full(remaining.size, -1, np.int32)
    new[remaining] = np.arange(int(remaining.sum()), dtype=np.int32)
    first, second = new[protocol.a], new[protocol.b]
    keep = (first >= 0) & (second >= 0)
    return replace(
        protocol,
        members=members,
        starts=starts,
        media=media,
        a=first[keep],
        b=second[keep],
        mated=protocol.mated[keep],
        missing=protocol.missing + int((~keep).sum()),
    )


def _smaller(
    sets: SetProtocol | TemplateSets, number: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
    """Return members, starts and media without excluded samples.

    And which of the templates have any left.
    """
    sizes = np.diff(sets.starts)
    owner = np.repeat(np.arange(sizes.size), sizes)
    members = number[sets.members]
    present = members >= 0
    remaining = np.bincount(owner[present], minlength=sizes.size)
    starts = np.concatenate([[0], np.cumsum(remaining[remaining > 0])]).astype(np.int64)
    return members[present], starts, sets.media[present], remaining > 0


def _renumbered(dataset: Dataset, keep: NDArray[np.integer], subjects: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the new number of each subject, int32[subjects + 1].

    -1 of those who are excluded; the last entry answers for -1.
    """
    new = np.full(int(dataset.subjects.max(initial=-1)) + 2, -1, np.int32)
    new[dataset.subjects[keep]] = subjects
    return new


def _of_search(protocol: SearchProtocol, number: NDArray[np.int32], person: NDArray[np.int32]) -> SearchProtocol:
    """Return a search protocol without excluded members.

    Templates that lose all members are absent.
    """

    def smaller(sets: TemplateSets) -> TemplateSets:
        members, starts, media, remaining = _smaller(sets, number)
        absent = np.concatenate([person[sets.absent], person[sets.subjects[~remaining]]])
        return TemplateSets(sets.name, members, starts, media, person[sets.subjects[remaining]], absent)

    return replace(protocol, galleries=tuple(smaller(gallery) for gallery in protocol.galleries), probes=smaller(protocol.probes))


def templates_without(templates: Templates, gone: NDArray[np.integer]) -> Templates:
    """Return templates without those of some samples.

    gone: indices of the samples to leave out.
    """
    keep = np.setdiff1d(np.arange(templates.status.size), gone)
    number = np.full(templates.status.size, -1, np.int32)
    number[keep] = np.arange(keep.size, dtype=np.int32)
    row = number[templates.samples]
    return replace(
        templates,
        status=templates.status[keep],
        reasons=tuple(templates.reasons[index] for index in keep),
        vectors=templates.vectors[row >= 0],
        samples=row[row >= 0].astype(np.int64),
        faces=templates.faces[keep],
        faces_differ=None if templates.faces_differ is None else templates.faces_differ[keep],
        pixels=tuple(templates.pixels[index] for index in keep),
        covariates={name: values[keep] for name, values in templates.covariates.items()},
    )
