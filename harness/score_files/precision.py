"""The precision of supplied scores: single where it keeps every number as it is written, else double."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Scores = NDArray[np.floating[Any]]
CHUNK = 1 << 16


def written_alike(numbers: F64) -> bool:
    """Return whether single precision writes each number alike.

    Its shortest decimal form is then the number itself, as that of 0.359 is. Such numbers, and thresholds among them, compare in
    single precision as they do in double: they stay distinct, and in order. nan is ignored.

    Examples:
        >>> written_alike(np.array([0.359, 16_777_216.0])), written_alike(np.array([16_777_217.0])), written_alike(np.array([99.876543]))
        (True, False, True)
    """
    return all(_chunk_alike(numbers[start : start + CHUNK]) for start in range(0, numbers.size, CHUNK))


def _chunk_alike(numbers: F64) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    known = numbers[~np.isnan(numbers)]
    with np.errstate(over="ignore"):
        single = known.astype(np.float32)
    if not np.isfinite(single).all():
        return False
    written = pc.cast(pc.cast(pa.array(single), pa.string()), pa.float64())
    return bool((np.asarray(written) == known).all())


def in_precision(score: F64, thresholds: Sequence[float], *, single: bool) -> Scores:
    """Return the scores as float32 or float64.

    Either way every comparison with a threshold comes out as in float64. single: they came in single precision, where a threshold
    may be typed in its short form or in full.
    """
    asked = np.asarray(thresholds, np.float64)
    if single:
        with np.errstate(over="ignore"):
            kept = all(written_alike(asked[k : k + 1]) or float(np.float32(asked[k])) == asked[k] for k in range(asked.size))
    else:
        kept = written_alike(asked) and written_alike(score)
    return score.astype(np.float32) if kept else score
