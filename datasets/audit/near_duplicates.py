"""Find images that look alike: one photograph under two names, saved again, resized, lightly edited or mirrored.

Each image is reduced to 255 bits: which of the lowest 16 × 16 frequencies of a 64 × 64 grey picture lie above their
median. The usual 64 bits do not separate portraits: on studio portraits thousands of pairs of people differ in no
more bits than copies do. Another crop of a photograph is not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE, KEPT = 64, 16
WORDS = KEPT * KEPT // 64
ALIKE = 24
"""Bits that two pictures of one photograph may differ in. Of the sets looked at (FairFace's validation part, portraits of Congress,
the London set and the control set) no two people came nearer than 38; saving again as JPEG and resizing take fewer than 16."""
LISTED = 10_000
"""Maximum number of pairs to list per kind; all are counted."""
FLAT = 2.0
"""A picture with a smaller standard deviation of its grey values (of 255) shows nothing, and is not compared."""

U64 = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class ImageHash:
    """A picture's hash, and that of its mirror image: uint64[WORDS] each."""

    upright: U64
    mirrored: U64


@dataclass(frozen=True, slots=True)
class SimilarPair:
    """Two samples, a < b, whose pictures look alike.

    distance: bits that differ. mirrored: one is the other's mirror image.
    """

    a: int
    b: int
    distance: int
    mirrored: bool
    same_subject: bool


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """The pairs that look alike.

    pairs: by sample, at most LISTED of each kind; the counts are of all pairs.
    """

    pairs: tuple[SimilarPair, ...]
    different_subjects: int
    same_subject: int
    compared: int
    """Images with a hash."""


def fingerprint(pixels: NDArray[np.uint8]) -> ImageHash | None:
    """Return a picture's hash; None if it shows nothing.

    pixels: uint8[height, width, 3], RGB. It shows nothing if the standard deviation of its grey values is below `FLAT`.
    """
    import cv2

    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    if float(grey.std()) < FLAT:
        return None
    waves = cv2.dct(grey.astype(np.float32))[:KEPT, :KEPT]
    odd = np.where(np.arange(KEPT) % 2 == 1, np.float32(-1), np.float32(1))
    return ImageHash(_bits(waves), _bits(waves * odd))


def _bits(waves: NDArray[np.float32]) -> U64:
    flat = waves.ravel().copy()
    flat[0] = -np.inf  # mean brightness says nothing of the picture
    return np.packbits(flat > np.median(flat[1:])).view(np.uint64)


def near_duplicates(
    prints: Sequence[ImageHash | None],
    subjects: NDArray[np.integer[Any]],
    leave_out: Sequence[tuple[int, int]] = (),
    within: int = ALIKE,
) -> NearDuplicates:
    """Find pairs of pictures whose hashes differ in few bits.

    A pair is found if they differ in at most `within` bits, as they are or with one mirrored. prints: one per sample,
    None for none. subjects: int[n]. leave_out: pairs (lower first) that are known already.

    Two hashes that differ in at most `within` bits agree in at least one of within + 1 parts of them, so only pairs that
    share a part are compared. Takes seconds for 100,000 different images.
    """
    indices = np.array([i for i, item in enumerate(prints) if item is not None], np.int64)
    found = [item for item in prints if item is not None]
    if not found:
        return NearDuplicates((), 0, 0, 0)
    upright, mirrored = (np.stack([getattr(item, side) for item in found]) for side in ("upright", "mirrored"))
    people = np.asarray(subjects, np.int64)[indices]
    samples = len(prints)
    known = np.sort(np.array([first * samples + second for first, second in leave_out], np.int64))
    rows: list[SimilarPair] = []
    counts = np.zeros(2, np.int64)
    for turned, other in ((0, upright), (1, mirrored)):
        keys = _hash_parts(upright, within + 1), _hash_parts(other, within + 1)
        more, counted = _search()(upright, mirrored, *keys, people, indices, known, samples, within, LISTED, turned)
        rows += [
            SimilarPair(int(first), int(second), int(distance), bool(turned), bool(same))
            for first, second, distance, same in more
        ]
        counts += counted
    pairs = tuple(sorted(rows, key=lambda item: (item.a, item.b)))
    return NearDuplicates(pairs, int(counts[0]), int(counts[1]), len(found))


def _hash_parts(hashes: U64, count: int) -> NDArray[np.int32]:
    """Split each hash into `count` numbers.

    int32[count, images]: part k is made of the bits k, k + count, k + 2 count … of each hash.
    """
    bits = np.unpackbits(hashes.view(np.uint8), axis=1)
    parts = [bits[:, k::count].astype(np.int64) for k in range(count)]
    # Parts of more than 30 bits are cut: more of them agree then, and no pair is missed.
    return np.stack([(part[:, :30] @ (1 << np.arange(min(30, part.shape[1])))).astype(np.int32) for part in parts])


@cache
def _search() -> Any:
    """Return the compiled search; numba is loaded on first use."""
    from faceparity.datasets.common.numba_cache import njit

    @njit()
    def distance(first: Any, second: Any, within: Any) -> Any:
        total: Any = 0
        for k in range(first.size):
            bits = first[k] ^ second[k]
            bits = bits - ((bits >> np.uint64(1)) & np.uint64(0x5555555555555555))
            bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
            bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
            total += np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))
            if total > within:
                break
        return total

    @njit()
    def is_known(known: Any, key: Any) -> Any:
        position = np.searchsorted(known, key)
        return position < known.size and known[position] == key

    @njit()
    def search(
        upright: Any, mirrored: Any, left: Any, right: Any, people: Any, indices: Any, known: Any, samples: Any, within: Any, cap: Any,
        turned: Any,
    ) -> Any:  # fmt: skip
        counts = np.zeros(2, np.int64)
        rows = np.empty((2 * cap, 4), np.int64)
        n_rows = 0
        for part in range(left.shape[0]):
            order = np.argsort(right[part])
            ordered = right[part][order]
            for i in range(indices.size):
                position = np.searchsorted(ordered, left[part, i])
                while position < order.size and ordered[position] == left[part, i]:
                    j = order[position]
                    position += 1
                    if j <= i:
                        continue
                    bits = distance(upright[i], mirrored[j] if turned else upright[j], within)
                    if bits > within or (turned and distance(upright[i], upright[j], within) <= within):
                        continue
                    seen = False
                    for k in range(part):
                        seen = seen or left[k, i] == right[k, j]
                    if seen or is_known(known, indices[i] * samples + indices[j]):
                        continue
                    same = 1 if people[i] == people[j] else 0
                    counts[same] += 1
                    if counts[same] <= cap:
                        rows[n_rows, 0], rows[n_rows, 1], rows[n_rows, 2], rows[n_rows, 3] = indices[i], indices[j], bits, same
                        n_rows += 1
        return rows[:n_rows], counts

    return search
