"""Check what a model gave for an image.

Templates of every kind of model pass here, and only here, before they are kept or compared. A model of a user's own may answer
anything. What is not usable is that image's failure, with the reason in plain words; it never ends a run, nor enters a comparison.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import printable
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import LONGEST, Extraction, Status

COVARIATES: dict[str, tuple[float, float]] = {
    "face_size": (0, 1e6),
    "luminance": (0, 255),
    "contrast": (0, 255),
    "sharpness": (0, math.inf),
    "confidence": (-math.inf, math.inf),
}
"""Least and greatest value of each property of a face that a model may give; all are finite. See `Extraction`."""

MOST_FACES = 100_000
REASON_LENGTH = 200
_PIXELS_LENGTH = 128


class AnswerError(ValueError):
    """A model's answer for one image can't be used. Its text is the reason; it names no file and no person."""

    @property
    def reason(self) -> str:
        """Return the reason as it is kept with the image."""
        return str(self)


class OutOfStepError(UserError):
    """A model's answers may belong to other images than they were given for: the run ends, since no answer can be trusted."""


def check(card: ModelCard, answer: object) -> Extraction:
    """Return the extraction with its own float32 template.

    Raises AnswerError where any part of it can't be used.
    """
    if isinstance(answer, AnswerError):
        raise answer
    if not isinstance(answer, Extraction):
        raise AnswerError(f"the model returned {_kind(answer)}, not an Extraction")
    if not isinstance(answer.status, str) or answer.status not in get_args(Status):
        raise AnswerError(f"the model gave the status {_shown(answer.status)}, which is none of {', '.join(get_args(Status))}")
    ok = answer.status == "ok"
    return replace(
        answer,
        template=_template(card, answer.template) if ok else None,
        faces=_faces(answer.faces),
        pixels=_pixels(answer.pixels),
        covariates=_covariates(answer.covariates),
        faces_differ=_faces_differ(answer.faces_differ),
        reason="" if ok else _reason(answer.reason),
    )


def is_usable(card: ModelCard, stored: Extraction) -> bool:
    """Return whether a stored extraction can enter a comparison.

    It may come from an earlier run, and from an earlier version of faceparity.
    """
    try:
        return stored.status != "ok" or _template(card, stored.template) is not None
    except AnswerError:
        return False


def _template(card: ModelCard, answer: object) -> NDArray[np.float32]:
    """Return a template as finite float32[dimensions].

    Not all zeros, and short enough to multiply. Raises AnswerError for any other.
    """
    values = _numbers(answer)
    if values.shape != (card.dimensions,):
        count = (
            f"{values.size:,} numbers"
            if values.ndim == 1
            else f"an array of {' × '.join(map(str, values.shape)) or 'no'} numbers"
        )
        raise AnswerError(f"the model gave {count}, but its card says {card.dimensions} dimensions")
    if not np.isfinite(values).all():
        raise AnswerError("its template holds NaN or infinity")
    with np.errstate(over="ignore", under="ignore"):
        # A copy: a row of a larger array would keep all of that array in memory.
        template = np.array(values, np.float32)
    if not np.isfinite(template).all():
        raise AnswerError("its template holds numbers beyond 32-bit floating point")
    if not template.any():
        raise AnswerError("its template is all zeros" + (", as 32-bit floating point has it" if values.any() else ""))
    score = getattr(card, "score", None)
    if score is not None and score.kind != "cosine" and np.sqrt(np.einsum("i,i", template, template, dtype=np.float64)) > LONGEST:
        raise AnswerError(f"its template is longer than {LONGEST:g}, so that products overflow")
    return template


def _numbers(value: object) -> NDArray[Any]:
    """Return the template as an array of real numbers."""
    if value is None:
        raise AnswerError("the model gave no template")
    if isinstance(value, list | tuple) and not all(_is_real(number) for number in value):
        raise AnswerError("its template holds something that is not a number")
    try:
        array = np.asarray(value, np.float64 if isinstance(value, list | tuple) else None)
    except OverflowError:
        raise AnswerError("its template holds numbers beyond 32-bit floating point") from None
    except Exception as error:
        raise AnswerError(f"its template is {_kind(value)} that is no array of numbers ({type(error).__name__})") from error
    if array.dtype.kind not in "fiu":
        what = "complex numbers" if array.dtype.kind == "c" else f"{array.dtype.name} values"
        raise AnswerError(f"its template holds {what}, not real numbers")
    return array


def _is_real(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)


def _real(value: object) -> float:
    """Return the number as a float.

    NaN where it is no number, infinity where it is beyond floating point.
    """
    if not isinstance(value, numbers.Real) or not _is_real(value):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _faces(value: object) -> int:
    count = _real(value)
    if not (0 <= count <= MOST_FACES and count.is_integer()):
        raise AnswerError(f"the model counted {_shown(value)} faces, which is no whole number from 0 to {MOST_FACES:,}")
    return int(count)


def _faces_differ(value: object) -> bool | None:
    if value is not None and not isinstance(value, bool | np.bool_):
        raise AnswerError(f"the model gave {_shown(value)} as faces_differ, which is neither true nor false")
    return None if value is None else bool(value)


def _pixels(value: object) -> str:
    if not isinstance(value, str) or len(value) > _PIXELS_LENGTH or not (value.isascii() and (value.isprintable())):
        raise AnswerError(f"the model gave {_shown(value)} as the digest of the pixels")
    return value


def _covariates(answers: object) -> dict[str, float] | None:
    if answers is None:
        return None
    if not isinstance(answers, Mapping):
        raise AnswerError(f"the model gave {_kind(answers)} as covariates, not a dict of numbers")
    return {_name(name): _covariate(name, value) for name, value in answers.items()} or None


def _name(value: object) -> str:
    if not isinstance(value, str) or value not in COVARIATES:
        raise AnswerError(f"the model gave a covariate {_shown(value)}: known are {', '.join(COVARIATES)}")
    return value


def _covariate(name: str, answer: object) -> float:
    low, high = COVARIATES[_name(name)]
    value = _real(answer)
    if not math.isfinite(value) or not low <= value <= high:
        raise AnswerError(f"the model gave {name} = {_shown(answer)}, which is no number that it can have")
    return value


def _reason(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AnswerError(f"the model gave {_kind(value)} as its reason, not a text")
    return printable(" ".join(value.split()))[:REASON_LENGTH]


def _kind(value: object) -> str:
    name = type(value).__name__[:40]
    return "nothing" if value is None else f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _shown(value: object) -> str:
    """Return a short text of a value, or its kind."""
    try:
        text = printable(repr(value))
    except Exception:
        text = ""
    return text if 0 < len(text) <= 40 else _kind(value)
