"""A fixed sample of the non-mated comparisons, for where all of them would take too long.

Samples are dealt at random into parts, those of each cell evenly, and parts i and j (or i with itself) are compared if
(i + j) mod parts < rounds. So every part meets as many others as any other does: each sample has about the same share of its
comparisons made, in every cell and between every two cells, and sums over cells need no weights. Which part meets which does
not depend on who is in it, so that the rates are those of all comparisons but for chance, and a variance by subjects covers the
chance. One person's samples are dealt to different parts: if they lay in parts side by side, two people's would be compared
in lumps, all of them or none, and many comparisons of few pairs of people carry less information. Mated comparisons are few and
always made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from faceparity.harness.comparisons.tally import I32
from faceparity.harness.options import LEAST_SHARE

NEAR = 0.05
"""By how much of it the share may be missed: the fewer parts, the larger they are, and the faster two are compared."""


@dataclass(frozen=True)
class Deal:
    """A division of samples into parts, which decides the comparisons made.

    of_sample: int32[n], each sample's part. asked: the share asked for; `share` is the one reached.
    """

    of_sample: I32
    parts: int
    rounds: int
    seed: int
    asked: float

    @property
    def share(self) -> float:
        """Return the share of pairs of parts that are compared."""
        return self.rounds / self.parts

    def only(self, kept: NDArray[np.bool_] | NDArray[np.integer]) -> Deal:
        """Return the same deal of a part of the samples."""
        return Deal(self.of_sample[kept], self.parts, self.rounds, self.seed, self.asked)

    def meets(self, i: NDArray[np.integer], j: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return whether parts i and j are compared."""
        return (i.astype(np.int64) + j) % self.parts < self.rounds

    def takes(self, a: NDArray[np.integer], b: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return whether samples a and b are compared."""
        return self.meets(self.of_sample[a], self.of_sample[b])

    def table(self) -> sparse.csr_array:
        """Return which parts are compared, int64[parts, parts].

        1 where they are. Symmetric.
        """
        i = np.repeat(np.arange(self.parts), self.rounds)
        j = (np.tile(np.arange(self.rounds), self.parts) - i) % self.parts
        return sparse.csr_array((np.ones(i.size, np.int64), (i, j)), shape=(self.parts, self.parts))


def deal(cells: I32, share: float, seed: int) -> Deal:
    """Deal samples so that about `share` of comparisons are made.

    cells: int32[n], of each sample. The number of parts is odd: then every part meets itself in one round, as it does any other, and
    with the first part drawn too, every two samples have the same chance to be compared, in cells of one or two as well. Raises
    ValueError unless LEAST_SHARE ≤ share < 1.
    """
    if not LEAST_SHARE <= share < 1:
        raise ValueError(f"a share of {share:g} of the comparisons: from {LEAST_SHARE:g} up to 1, 1 not included")
    parts, rounds = as_fraction(share)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 20,)))
    order = np.lexsort((rng.random(cells.size), cells))
    of_sample = np.empty(cells.size, np.int32)
    of_sample[order] = (np.arange(cells.size) + rng.integers(parts)) % parts
    return Deal(of_sample, parts, rounds, seed, share)


def as_fraction(share: float) -> tuple[int, int]:
    """Return the smallest odd `parts`, and `rounds`, near a share.

    rounds / parts is within NEAR of `share`, relatively.
    """
    rounds = 1
    while True:
        parts = 2 * round((rounds / share - 1) / 2) + 1
        if parts > rounds and abs(rounds / parts / share - 1) <= NEAR:
            return parts, rounds
        rounds += 1
