"""A data set and its templates without some of the samples, as if these had never been there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Attribute, Dataset, PairProtocol, SearchProtocol, SetProtocol, TemplateSets
from faceparity.harness.templates.extract import Templates


def without_samples(dataset: Dataset, templates: Templates, gone: NDArray[np.integer]) -> tuple[Dataset, Templates]:
    """Both without the samples `gone` (indices). The digest stays that of the whole data set.

    Pairs of published lists that name such a sample become missing ones.
    """
    keep = np.setdiff1d(np.arange(dataset.n_samples), gone)
    number = np.full(dataset.n_samples, -1, np.int32)
    number[keep] = np.arange(keep.size, dtype=np.int32)
    if dataset.identity == "none":
        subjects = np.arange(keep.size, dtype=np.int32)
    else:
        subjects = np.unique(dataset.subjects[keep], return_inverse=True)[1].astype(np.int32)
    photo = number[dataset.same_photo.reshape(-1, 2)]
    smaller = replace(
        dataset,
        files=tuple(dataset.files[i] for i in keep),
        content=tuple(dataset.content[i] for i in keep),
        subjects=subjects,
        attributes={name: _attribute(a, keep) for name, a in dataset.attributes.items()},
        same_photo=photo[(photo >= 0).all(axis=1)],
        capture_year=None if dataset.capture_year is None else dataset.capture_year[keep],
        protocols=tuple(_listed(p, number) for p in dataset.protocols),
        set_protocols=tuple(_of_sets(p, number) for p in dataset.set_protocols),
        search_protocols=tuple(_of_search(p, number, _renumbered(dataset, keep, subjects)) for p in dataset.search_protocols),
    )
    return smaller, _templates(templates, keep, number)


def without_pairs(dataset: Dataset, pairs: NDArray[np.int32]) -> Dataset:
    """The data set without these pairs (int32[m, 2]) in its published lists of pairs; there they become missing ones."""
    n = dataset.n_samples
    keys = _key(pairs[:, 0], pairs[:, 1], n)

    def smaller(p: PairProtocol) -> PairProtocol:
        return _kept(p, ~np.isin(_key(p.a, p.b, n), keys))

    return replace(dataset, protocols=tuple(smaller(p) for p in dataset.protocols)) if pairs.size else dataset


def _key(a: NDArray[np.int32], b: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    return np.asarray(np.minimum(a, b).astype(np.int64) * n + np.maximum(a, b), np.int64)


def _attribute(attribute: Attribute, keep: NDArray[np.integer]) -> Attribute:
    """Without values that nobody has any more."""
    codes = attribute.codes[keep]
    used = np.unique(codes[codes >= 0])
    new = np.full(len(attribute.values) + 1, -1, np.int32)
    new[used] = np.arange(used.size, dtype=np.int32)
    values = tuple(attribute.values[i] for i in used)
    raw = tuple(attribute.raw[i] for i in keep) if attribute.raw else ()
    return replace(attribute, values=values, codes=new[codes], raw=raw)


def _kept(p: PairProtocol, keep: NDArray[np.bool_]) -> PairProtocol:
    return replace(p, a=p.a[keep], b=p.b[keep], mated=p.mated[keep], fold=p.fold[keep], missing=p.missing + int((~keep).sum()))


def _listed(p: PairProtocol, number: NDArray[np.int32]) -> PairProtocol:
    a, b = number[p.a], number[p.b]
    return _kept(replace(p, a=a, b=b), (a >= 0) & (b >= 0))


def _of_sets(p: SetProtocol, number: NDArray[np.int32]) -> SetProtocol:
    """Templates lose their excluded members; those that lose all are missing."""
    members, starts, media, left = _smaller(p, number)
    new = np.full(left.size, -1, np.int32)
    new[left] = np.arange(int(left.sum()), dtype=np.int32)
    a, b = new[p.a], new[p.b]
    keep = (a >= 0) & (b >= 0)
    return replace(
        p,
        members=members,
        starts=starts,
        media=media,
        a=a[keep],
        b=b[keep],
        mated=p.mated[keep],
        missing=p.missing + int((~keep).sum()),
    )


def _smaller(
    p: SetProtocol | TemplateSets, number: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
    """Members, starts and media without the excluded samples, and which of the templates have any left."""
    sizes = np.diff(p.starts)
    owner = np.repeat(np.arange(sizes.size), sizes)
    members = number[p.members]
    there = members >= 0
    left = np.bincount(owner[there], minlength=sizes.size)
    starts = np.concatenate([[0], np.cumsum(left[left > 0])]).astype(np.int64)
    return members[there], starts, p.media[there], left > 0


def _renumbered(dataset: Dataset, keep: NDArray[np.integer], subjects: NDArray[np.int32]) -> NDArray[np.int32]:
    """int32[subjects + 1]: the new number of each, -1 of those who are gone; the last entry answers for -1."""
    new = np.full(int(dataset.subjects.max(initial=-1)) + 2, -1, np.int32)
    new[dataset.subjects[keep]] = subjects
    return new


def _of_search(p: SearchProtocol, number: NDArray[np.int32], person: NDArray[np.int32]) -> SearchProtocol:
    """Templates lose their excluded members; those that lose all are absent."""

    def smaller(sets: TemplateSets) -> TemplateSets:
        members, starts, media, left = _smaller(sets, number)
        absent = np.concatenate([person[sets.absent], person[sets.subjects[~left]]])
        return TemplateSets(sets.name, members, starts, media, person[sets.subjects[left]], absent)

    return replace(p, galleries=tuple(smaller(x) for x in p.galleries), probes=smaller(p.probes))


def _templates(templates: Templates, keep: NDArray[np.integer], number: NDArray[np.int32]) -> Templates:
    place = number[templates.samples]
    return replace(
        templates,
        status=templates.status[keep],
        reasons=tuple(templates.reasons[i] for i in keep),
        vectors=templates.vectors[place >= 0],
        samples=place[place >= 0].astype(np.int64),
        faces=templates.faces[keep],
        pixels=tuple(templates.pixels[i] for i in keep),
        covariates={name: values[keep] for name, values in templates.covariates.items()},
    )
