"""Comparison scores of two templates, as similarities: higher is more alike.

cosine: a·b after dividing each template by its length. dot: a·b. euclidean: -‖a - b‖.
"""

from __future__ import annotations

from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray

Kind = Literal["cosine", "dot", "euclidean"]
F32 = NDArray[np.float32]


def prepare(templates: F32, kind: Kind) -> F32:
    """float32[n, d], C-contiguous, as `exact_scores` and the tiles want them: unit length for cosine, otherwise unchanged.

    Raises ValueError on a template that is not finite, or of length 0 where its direction is what counts.
    """
    x = np.ascontiguousarray(templates, np.float32)
    if not np.isfinite(x).all():
        raise ValueError(f"template {int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])} holds NaN or infinity")
    if kind != "cosine":
        return x
    length = np.sqrt(np.einsum("ij,ij->i", x, x, dtype=np.float64))
    if not (length > 0).all():
        raise ValueError(f"template {int(np.flatnonzero(length == 0)[0])} is all zeros: it has no direction")
    return np.ascontiguousarray((x / length[:, None]).astype(np.float32))


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _exact(x: F32, a: NDArray[np.int32], b: NDArray[np.int32], distance: bool, out: F32) -> None:
    for k in range(a.size):
        total = 0.0
        i = a[k]
        j = b[k]
        for d in range(x.shape[1]):
            if distance:
                difference = np.float64(x[i, d]) - np.float64(x[j, d])
                total += difference * difference
            else:
                total += np.float64(x[i, d]) * np.float64(x[j, d])
        out[k] = -np.sqrt(total) if distance else total


def exact_scores(prepared: F32, a: NDArray[np.int32], b: NDArray[np.int32], kind: Kind) -> F32:
    """float32[len(a)]: scores of the pairs (a[k], b[k]), summed in float64 in the order of the dimensions, then rounded.

    The reference that every score in a ledger, and every score near a threshold, comes from: it does not depend on tiles.
    """
    out = np.empty(a.size, np.float32)
    _exact(prepared, np.ascontiguousarray(a, np.int32), np.ascontiguousarray(b, np.int32), kind == "euclidean", out)
    return out
