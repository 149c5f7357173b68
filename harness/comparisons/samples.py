"""The templates that are compared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from faceparity.harness.comparisons.similarity import F32
from faceparity.harness.comparisons.subsampling import Deal

from .tally import I32


@dataclass(frozen=True)
class Samples:
    """Templates to be compared, with their subject, cell and image. All arrays have one entry per template.

    templates: float32[n, d]. subjects, cells, images: int32[n]; two samples with the same `images` are one image.
    same_photo: int32[m, 2], mated pairs to be left out. excluded: int32[m, 2], pairs that a person left out by name; those of
    them that are mated are in same_photo too. few: int32[m, 2], likewise mated pairs of too few people. dealt: which of the
    non-mated comparisons are to be made, if not all.
    """

    templates: F32
    subjects: I32
    cells: I32
    images: I32
    n_cells: int
    same_photo: I32
    excluded: I32 = field(default_factory=lambda: np.empty((0, 2), np.int32))
    dealt: Deal | None = None
    few: I32 = field(default_factory=lambda: np.empty((0, 2), np.int32))

    @property
    def n(self) -> int:
        """Return the number of templates."""
        return int(self.templates.shape[0])
