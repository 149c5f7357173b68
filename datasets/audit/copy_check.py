"""Check whether a copy of a data set is whole, and what is wrong with it: what `faceparity check` prints, as plain data."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from faceparity.datasets.audit.group_support import Support, support_of
from faceparity.datasets.audit.near_duplicates import ImageHash, NearDuplicates, fingerprint, near_duplicates
from faceparity.datasets.loading.image_files import UnreadableImage, decode
from faceparity.datasets.loading.image_packs import source
from faceparity.datasets.registry import default_attributes
from faceparity.datasets.schema.dataset import Attribute, Dataset


@dataclass(frozen=True, slots=True)
class ValueCount:
    """People and pictures with one value of an attribute; value None: no label."""

    attribute: str
    value: str | None
    subjects: int
    samples: int


@dataclass(frozen=True, slots=True)
class SameBytes:
    """Images with the same bytes as an earlier one.

    They are counted by whether they are of the same subject as that one.
    """

    same_subject: int
    different_subjects: int


@dataclass(frozen=True, slots=True)
class Check:
    """What a copy holds and what is wrong with it.

    `unreadable` and `alike` name files, so they are for the terminal only.
    """

    name: str
    identity: str
    subjects: int
    samples: int
    same_photo: int
    digest: str
    known_copy: str | None
    """What the card calls a copy with this digest; None if it knows none."""
    problems: dict[str, int]
    counts: tuple[ValueCount, ...]
    unreadable: tuple[tuple[str, str], ...]
    """(file, reason) of each image that can't be decoded."""
    alike: NearDuplicates
    """Of images of different bytes; of identical ones the first stands for all."""
    same_bytes: SameBytes
    support: Support

    @property
    def wrong(self) -> int:
        """Return the number of problems of the copy.

        Counted are the problems of labels and files, unreadable images, and pairs of pictures of different people that look
        alike.

        Pictures of one person that look alike are reported but not counted: they may well be two pictures of one moment. Nor
        are ids that look alike, which may be two people's, nor people under 18: to leave them out is a rule of this program,
        and a copy that holds them has no fault.
        """
        kinds = sum(count for kind, count in self.problems.items() if kind not in ("under_18", "similar_subjects"))
        return kinds + len(self.unreadable) + self.alike.different_subjects


def check(dataset: Dataset, tick: Callable[[], object] | None = None, threads: int | None = None) -> Check:
    """Check a copy's labels and files, and find near duplicates.

    Decodes every image once. tick: called after each image, from this thread. threads: of decoding; None: one per core.
    Pairs that the set lists as one photograph are known, and no problem.
    """
    unreadable = []
    prints: list[ImageHash | None] = []
    first: dict[str, int] = {}
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        results = pool.map(lambda file: _hash_or_reason(dataset, file), dataset.files)
        for i, (file, (image_hash, reason)) in enumerate(zip(dataset.files, results, strict=True)):
            if reason is not None:
                unreadable.append((file, reason))
            prints.append(image_hash if first.setdefault(dataset.content[i], i) == i else None)
            if tick is not None:
                tick()
    listed = [(min(one, other), max(one, other)) for one, other in dataset.same_photo.reshape(-1, 2).tolist()]
    repeats_of_same = [
        int(dataset.subjects[i] == dataset.subjects[first[sha]]) for i, sha in enumerate(dataset.content) if first[sha] != i
    ]
    return Check(
        name=dataset.name,
        identity=dataset.identity,
        subjects=dataset.n_subjects,
        samples=dataset.n_samples,
        same_photo=len(dataset.same_photo),
        digest=dataset.digest,
        known_copy=next((copy for copy, digest in dataset.card.digests.items() if digest == dataset.digest), None),
        problems=dict(sorted(Counter(problem.kind for problem in dataset.problems).items())),
        counts=label_counts(dataset),
        unreadable=tuple(unreadable),
        alike=near_duplicates(prints, dataset.subjects, listed),
        same_bytes=SameBytes(sum(repeats_of_same), len(repeats_of_same) - sum(repeats_of_same)),
        support=support_of(dataset, default_attributes(dataset)),
    )


def label_counts(dataset: Dataset) -> tuple[ValueCount, ...]:
    """Count people and pictures by value, attribute by attribute.

    Those without a label come last in each attribute, if there are any.
    """
    return tuple(count for attribute in dataset.attributes.values() for count in _counts(dataset, attribute))


def _hash_or_reason(dataset: Dataset, file: str) -> tuple[ImageHash | None, str | None]:
    """Return an image's hash, or why it can't be decoded."""
    try:
        return fingerprint(decode(source(dataset.root / file))), None
    except UnreadableImage as error:
        return None, error.reason


def _counts(dataset: Dataset, attribute: Attribute) -> list[ValueCount]:
    found = []
    for code, value in [*enumerate(attribute.values), (-1, None)]:
        has_value = attribute.codes == code
        if has_value.any() or value is not None:
            found.append(
                ValueCount(attribute.name, value, int(np.unique(dataset.subjects[has_value]).size), int(has_value.sum()))
            )
    return found
