"""Is a copy of a data set whole, and what is wrong with it: what `faceparity check` prints, as plain data."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .containers import source
from .dataset import Attribute, Dataset
from .images import UnreadableImage, decode


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many people and pictures have one value of an attribute; value None: no label."""

    attribute: str
    value: str | None
    subjects: int
    samples: int


@dataclass(frozen=True, slots=True)
class Check:
    """What there is and what is wrong. `unreadable` names files: it is for the terminal only."""

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


def check(dataset: Dataset, tick: Callable[[], object] | None = None, threads: int | None = None) -> Check:
    """Counts a data set's problems and labels, and decodes every image once. tick: called after each image, from this thread."""
    unreadable = []
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        reasons = pool.map(lambda file: _reason(dataset, file), dataset.files)
        for file, reason in zip(dataset.files, reasons, strict=True):
            if reason is not None:
                unreadable.append((file, reason))
            if tick is not None:
                tick()
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
    )


def label_counts(dataset: Dataset) -> tuple[ValueCount, ...]:
    """People and pictures by value, attribute by attribute; those without a label last, if there are any."""
    return tuple(count for attribute in dataset.attributes.values() for count in _counts(dataset, attribute))


def _reason(dataset: Dataset, file: str) -> str | None:
    try:
        decode(source(dataset.root / file))
    except UnreadableImage as error:
        return error.reason
    return None


def _counts(dataset: Dataset, attribute: Attribute) -> list[ValueCount]:
    found = []
    for code, value in [*enumerate(attribute.values), (-1, None)]:
        here = attribute.codes == code
        if here.any() or value is not None:
            found.append(ValueCount(attribute.name, value, int(np.unique(dataset.subjects[here]).size), int(here.sum())))
    return found
