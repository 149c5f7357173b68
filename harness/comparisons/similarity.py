"""Comparison scores of two templates, as similarities: higher is more alike.

cosine: a·b after dividing each template by its length. dot: a·b. euclidean: -‖a - b‖.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.compiled import njit
from faceparity.harness.models.base.model import LONGEST

Kind = Literal["cosine", "dot", "euclidean"]
F32 = NDArray[np.float32]

_ROWS = 256


def prepare(templates: F32, kind: Kind, order: NDArray[np.integer] | None = None) -> F32:
    """float32[n, d], C-contiguous, as `exact_scores` and the tiles want them: unit length for cosine, otherwise unchanged.

    order: which template comes where; as given, if None. Raises ValueError on a template that is not finite or too long to
    multiply, or of length 0 where its direction is what counts.
    """
    places = np.arange(templates.shape[0]) if order is None else order
    out = np.empty((places.size, templates.shape[1]), np.float32)
    for start in range(0, places.size, _ROWS):
        chosen = places[start : start + _ROWS]
        x = templates[chosen].astype(np.float32, copy=False)
        length = np.sqrt(np.einsum("ij,ij->i", x, x, dtype=np.float64))
        _refuse(~np.isfinite(length), chosen, "holds NaN or infinity")
        if kind == "cosine":
            _refuse(length == 0, chosen, "is all zeros: it has no direction")
            _divide(x, length, out[start : start + _ROWS])
        else:
            _refuse(length > LONGEST, chosen, f"is longer than {LONGEST:g}: its products overflow")
            out[start : start + _ROWS] = x
    return out


@njit(nogil=True)
def _divide(x: F32, length: NDArray[np.float64], out: F32) -> None:
    for i in range(x.shape[0]):
        for d in range(x.shape[1]):
            out[i, d] = np.float64(x[i, d]) / length[i]


def _refuse(bad: NDArray[np.bool_], chosen: NDArray[np.integer], why: str) -> None:
    if bad.any():
        raise ValueError(f"template {chosen[bad].min()} {why}")


def squared_lengths(prepared: F32) -> F32:
    """float32[n]: a·a, summed in float64."""
    return np.asarray(np.einsum("ij,ij->i", prepared, prepared, dtype=np.float64), np.float32)


@njit(nogil=True)
def _sum_in_order(x: F32, i: int, y: F32, j: int, distance: bool) -> float:
    total = 0.0
    for d in range(x.shape[1]):
        if distance:
            total += (np.float64(x[i, d]) - np.float64(y[j, d])) ** 2
        else:
            total += np.float64(x[i, d]) * np.float64(y[j, d])
    return total


@njit(nogil=True, fastmath={"reassoc", "nsz"})
def _sum_in_any_order(x: F32, i: int, y: F32, j: int, distance: bool) -> float:
    """The sum in whatever order the machine is fastest with."""
    total = 0.0
    if distance:
        for d in range(x.shape[1]):
            total += (np.float64(x[i, d]) - np.float64(y[j, d])) ** 2
        return total
    for d in range(x.shape[1]):
        total += np.float64(x[i, d]) * np.float64(y[j, d])
    return total


@njit(nogil=True)
def exact_between(x: F32, i: int, y: F32, j: int, distance: bool, longest: float) -> np.float32:
    """The score of two prepared templates, x[i] and y[j], summed in float64 in the order of the dimensions, then rounded.

    longest: no template's squared length is greater; so neither is the sum of the sizes of a product's terms. Two orders differ
    by less than 2 n 2⁻⁵³ times that: if it cannot change the rounded score, which is so nearly always, any order will do.
    """
    total = _sum_in_any_order(x, i, y, j, distance)
    slack = (x.shape[1] + 8) * 2.0**-51 * (total if distance else longest)
    low, high = total - slack, total + slack
    if distance:
        low, high = -np.sqrt(high), -np.sqrt(max(0.0, low))
    if np.float32(low) == np.float32(high):
        return np.float32(low)
    total = _sum_in_order(x, i, y, j, distance)
    return np.float32(-np.sqrt(total) if distance else total)


@njit(nogil=True)
def exact_score(x: F32, i: int, j: int, distance: bool, longest: float) -> np.float32:
    """The score of two prepared templates of one array; see `exact_between`."""
    score: np.float32 = exact_between(x, i, x, j, distance, longest)
    return score


@njit(nogil=True)
def _exact_scores(x: F32, a: NDArray[np.int32], b: NDArray[np.int32], distance: bool, longest: float, out: F32) -> None:
    for k in range(a.size):
        out[k] = exact_score(x, a[k], b[k], distance, longest)


def longest_of(squares: F32) -> float:
    """A bound on all squared lengths, given float32[n] of them, rounded."""
    return float(squares.max(initial=0)) * (1 + 1e-6)


def exact_scores(prepared: F32, a: NDArray[np.int32], b: NDArray[np.int32], kind: Kind) -> F32:
    """float32[len(a)]: scores of the pairs (a[k], b[k]), summed in float64 in the order of the dimensions, then rounded.

    The reference that every score in a ledger, and every score near a threshold, comes from: it does not depend on tiles.
    """
    out = np.empty(a.size, np.float32)
    longest = longest_of(squared_lengths(prepared)) if kind == "dot" else 1 + 1e-6
    a, b = np.ascontiguousarray(a, np.int32), np.ascontiguousarray(b, np.int32)
    _exact_scores(prepared, a, b, kind == "euclidean", longest, out)
    return out
