"""Comparison scores of two templates, as similarities: higher is more alike.

cosine: a·b after dividing each template by its length. dot: a·b. euclidean: -‖a - b‖.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.numba_cache import njit
from faceparity.harness.models.base.model import LONGEST

Kind = Literal["cosine", "dot", "euclidean"]
F32 = NDArray[np.float32]

_ROWS = 256


def prepare(templates: F32, kind: Kind, order: NDArray[np.integer] | None = None) -> F32:
    """Prepare templates for `exact_scores` and the tiles.

    float32[n, d], C-contiguous: unit length for cosine, unchanged for the other kinds. order: which template comes where; as given,
    if None. Raises ValueError on a template that is not finite or too long to multiply, or of length 0 where its direction is what
    counts.
    """
    places = np.arange(templates.shape[0]) if order is None else order
    out = np.empty((places.size, templates.shape[1]), np.float32)
    for start in range(0, places.size, _ROWS):
        chosen = places[start : start + _ROWS]
        vectors = templates[chosen].astype(np.float32, copy=False)
        length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
        _refuse(~np.isfinite(length), chosen, "holds NaN or infinity")
        if kind == "cosine":
            _refuse(length == 0, chosen, "is all zeros: it has no direction")
            _divide(vectors, length, out[start : start + _ROWS])
        else:
            _refuse(length > LONGEST, chosen, f"is longer than {LONGEST:g}: its products overflow")
            out[start : start + _ROWS] = vectors
    return out


@njit(nogil=True)
def _divide(vectors: F32, length: NDArray[np.float64], out: F32) -> None:
    for i in range(vectors.shape[0]):
        for column in range(vectors.shape[1]):
            out[i, column] = np.float64(vectors[i, column]) / length[i]


def _refuse(bad: NDArray[np.bool_], chosen: NDArray[np.integer], why: str) -> None:
    """Raise ValueError for the first bad template, if any."""
    if bad.any():
        raise ValueError(f"template {chosen[bad].min()} {why}")


def squared_lengths(prepared: F32) -> F32:
    """Return a·a of each template, float32[n], summed in float64."""
    return np.asarray(np.einsum("ij,ij->i", prepared, prepared, dtype=np.float64), np.float32)


@njit(nogil=True)
def _sum_in_order(first: F32, i: int, second: F32, j: int, distance: bool) -> float:
    """Sum the terms of first[i] and second[j] in order."""
    total = 0.0
    for axis in range(first.shape[1]):
        if distance:
            total += (np.float64(first[i, axis]) - np.float64(second[j, axis])) ** 2
        else:
            total += np.float64(first[i, axis]) * np.float64(second[j, axis])
    return total


@njit(nogil=True, fastmath={"reassoc", "nsz"})
def _sum_in_any_order(first: F32, i: int, second: F32, j: int, distance: bool) -> float:
    """Sum the same terms in this machine's fastest order."""
    total = 0.0
    if distance:
        for axis in range(first.shape[1]):
            total += (np.float64(first[i, axis]) - np.float64(second[j, axis])) ** 2
        return total
    for axis in range(first.shape[1]):
        total += np.float64(first[i, axis]) * np.float64(second[j, axis])
    return total


@njit(nogil=True)
def exact_between(first: F32, i: int, second: F32, j: int, distance: bool, longest: float) -> np.float32:
    """Return the exact score of templates first[i] and second[j].

    Prepared ones. Summed in float64 in the order of the dimensions, then rounded. longest: no template's squared length is greater;
    so neither is the sum of the sizes of a product's terms. Two orders differ by less than 2 n 2⁻⁵³ times that: if it cannot change
    the rounded score, which is so nearly always, any order will do.
    """
    total = _sum_in_any_order(first, i, second, j, distance)
    slack = (first.shape[1] + 8) * 2.0**-51 * (total if distance else longest)
    low, high = total - slack, total + slack
    if distance:
        low, high = -np.sqrt(high), -np.sqrt(max(0.0, low))
    if np.float32(low) == np.float32(high):
        return np.float32(low)
    total = _sum_in_order(first, i, second, j, distance)
    return np.float32(-np.sqrt(total) if distance else total)


@njit(nogil=True)
def exact_score(templates: F32, i: int, j: int, distance: bool, longest: float) -> np.float32:
    """Return the exact score of templates i and j.

    See `exact_between`.
    """
    score: np.float32 = exact_between(templates, i, templates, j, distance, longest)
    return score


@njit(nogil=True)
def _exact_scores(
    templates: F32, first: NDArray[np.int32], second: NDArray[np.int32], distance: bool, longest: float, out: F32
) -> None:
    for pair in range(first.size):
        out[pair] = exact_score(templates, first[pair], second[pair], distance, longest)


def longest_of(squares: F32) -> float:
    """Return an upper bound on squared lengths, float32[n] rounded."""
    return float(squares.max(initial=0)) * (1 + 1e-6)


def exact_scores(prepared: F32, first: NDArray[np.int32], second: NDArray[np.int32], kind: Kind) -> F32:
    """Return the exact scores of pairs of templates, float32[pairs].

    Of first[k] with second[k]. Summed in float64 in the order of the dimensions, then rounded. The reference that every score in a
    ledger, and every score near a threshold, comes from: it does not depend on tiles.
    """
    out = np.empty(first.size, np.float32)
    longest = longest_of(squared_lengths(prepared)) if kind == "dot" else 1 + 1e-6
    first, second = np.ascontiguousarray(first, np.int32), np.ascontiguousarray(second, np.int32)
    _exact_scores(prepared, first, second, kind == "euclidean", longest, out)
    return out
