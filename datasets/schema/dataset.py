"""A data set in memory: which samples there are, whose they are, and how they are labelled.

No pixels are held here. Readers (`faceparity.datasets.readers`) build a `Dataset` from a folder in its publisher's layout.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.card import DatasetCard

ProblemKind = Literal[
    "missing_file",  # a row names a file that is not there
    "extra_file",  # an image that no row names
    "outside_root",  # a row names a path that leaves the data set's folder
    "unknown_label",  # a value that the card does not map to a concept
    "missing_label",  # an empty label
    "missing_subject",  # left out, as nobody knows who it is
    "duplicate_image",  # same bytes as an earlier sample
    "duplicate_row",  # the same file named twice
    "conflicting_label",  # one subject with two values of a subject attribute
    "under_18",  # left out by default
    "unread_age",  # an age with a digit that cannot be read, left out by default
    "similar_subjects",  # once: ids that may be one person's, kept apart; how many is in the detail
    "bad_row",  # a row that cannot be read at all
]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one row or file; `where` may name a file, so it is for the terminal and the private part only."""

    kind: ProblemKind
    where: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One label of every sample.

    values: the names of the values, sorted. codes: int32[n_samples], an index into `values`, -1 where there is no label.
    of: whether the value belongs to the person or to the picture (age, tone and exposure do).
    """

    name: str
    values: tuple[str, ...]
    codes: NDArray[np.int32]
    of: Literal["subject", "sample"] = "subject"
    raw: tuple[str, ...] = ()
    """The set's own words, one per sample (empty string: no label)."""

    def of_samples(self, chosen: NDArray[np.integer]) -> Attribute:
        """Return the attribute of some samples, by their indices.

        Without values that none of them has.
        """
        codes = self.codes[chosen]
        used = np.unique(codes[codes >= 0])
        new = np.full(len(self.values) + 1, -1, np.int32)
        new[used] = np.arange(used.size, dtype=np.int32)
        values = tuple(self.values[index] for index in used)
        raw = tuple(self.raw[index] for index in chosen) if self.raw else ()
        return replace(self, values=values, codes=new[codes], raw=raw)


@dataclass(frozen=True, slots=True)
class PairProtocol:
    """A list of comparisons that a benchmark publishes, to be followed to the letter and in its order.

    a, b: int32[n], samples. mated: bool[n], as the list says it. fold: int32[n], 0 … n_folds - 1; all 0 where it has no folds.
    missing: the number of listed pairs with a sample that is not here; they are not in `a` and `b`.
    """

    name: str
    source: str
    """The file it was read from, by name only, and who publishes it."""
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    mated: NDArray[np.bool_]
    fold: NDArray[np.int32]
    n_folds: int = 1
    missing: int = 0
    targets: tuple[float, ...] = ()
    """FMRs at which the benchmark itself gives results (TAR @ FAR)."""
    threshold_from: str = ""
    """Another protocol of the set, on which the benchmark chooses the threshold; empty for none."""


@dataclass(frozen=True, slots=True)
class SetProtocol:
    """A published list of comparisons between templates that are each made of several samples of one person.

    members: int32[m], the samples of template after template; starts: int64[templates + 1], where each begins among them; no
    template is empty. media: int32[m], equal for two members of a template that are of one video or one still.
    a, b: int32[n], templates. mated: bool[n]. missing: listed pairs with a template of which no image is here.
    """

    name: str
    source: str
    members: NDArray[np.int32]
    starts: NDArray[np.int64]
    media: NDArray[np.int32]
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    mated: NDArray[np.bool_]
    missing: int = 0
    targets: tuple[float, ...] = ()
    """FMRs at which the benchmark itself gives results (TAR @ FAR)."""


@dataclass(frozen=True, slots=True)
class TemplateSets:
    """Templates that are each made of several samples of one person: a gallery, or the probes that are searched in it.

    members: int32[m], the samples of template after template; starts: int64[templates + 1], where each begins among them; no
    template is empty. media: int32[m], equal for two members of a template that are of one video or one still.
    subjects: int32[templates], whose each is. absent: int32[k], whose the listed templates are of which no image is here; -1 if
    nothing of that person is.
    """

    name: str
    members: NDArray[np.int32]
    starts: NDArray[np.int64]
    media: NDArray[np.int32]
    subjects: NDArray[np.int32]
    absent: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))


@dataclass(frozen=True, slots=True)
class SearchProtocol:
    """A published open-set search (1:N): every probe is searched in each gallery, whether its subject is in it or not."""

    name: str
    source: str
    galleries: tuple[TemplateSets, ...]
    probes: TemplateSets
    targets: tuple[float, ...] = ()
    """FPIRs at which results on the benchmark are given."""


@dataclass(frozen=True)
class Dataset:
    """Samples, subjects and labels of one data set, in a fixed order (sorted by file name)."""

    name: str
    card: DatasetCard
    root: Path
    files: tuple[str, ...]
    """POSIX paths relative to `root`, sorted, unique."""
    content: tuple[str, ...]
    """sha256 of each file's bytes, hex."""
    subjects: NDArray[np.int32]
    """int32[n_samples]: whose picture it is, 0 … n_subjects - 1. Where the set has no subject labels, each sample's own index."""
    identity: Literal["labelled", "none"]
    attributes: dict[str, Attribute]
    same_photo: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 2), np.int32))
    """int32[n, 2]: pairs of samples that the set lists as one photograph."""
    capture_year: NDArray[np.float64] | None = None
    """float64[n_samples], nan where unknown; None where the set does not say."""
    protocols: tuple[PairProtocol, ...] = ()
    """Pair lists that the set publishes."""
    set_protocols: tuple[SetProtocol, ...] = ()
    """Lists of comparisons between templates of several samples that the set publishes."""
    search_protocols: tuple[SearchProtocol, ...] = ()
    """Galleries and probes that the set publishes."""
    problems: tuple[Problem, ...] = ()
    unused: dict[str, str] = field(default_factory=dict)
    """Unused columns of the label file, each with the reason, as shown to a user who misses one."""
    digest: str = ""
    """sha256 over files, contents and labels: two copies with the same digest give the same result."""

    @property
    def n_samples(self) -> int:
        """Return the number of samples."""
        return len(self.files)

    @property
    def n_subjects(self) -> int:
        """Return the number of people, as far as labelled.

        Where the set has no subject labels, it is the number of samples.
        """
        return int(np.unique(self.subjects).size)
