"""What a card of an ONNX file says that is more often a mistake than meant: it is refused until the card says that it is meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models.base.card import NetworkInput
from faceparity.harness.models.base.model import Embedder, Image

Doubt = Literal["mean_std", "dimensions", "constant"]
"""What `intended` in a card can say is meant."""

FEWEST_DIMENSIONS = 16
"""Fewer numbers than this are an age, a box or a class, not a template of a face."""
RECIPROCAL_BELOW = 1 / 16
"""A std below this is taken for a factor that multiplies."""
ALIKE = 1e-6
"""Templates that differ by less, relative to their largest number, are one template."""
LISTED = 10


def check_scaling(name: str, feeding: NetworkInput, intended: Collection[Doubt]) -> None:
    """Refuse a mean or std below 1, as pixels run from 0 to 255.

    A mean of 0 is none. Raises UserError with the numbers for such pixels.
    """
    is_small = {"mean": _any_small(feeding.mean), "std": _any_small(feeding.std)}
    if "mean_std" in intended or not any(is_small.values()):
        return
    what = " and ".join(f"input.{part} = {_listed(getattr(feeding, part))}" for part, small in is_small.items() if small)
    better = ", ".join(
        f"{part} = {_listed([_for_pixels(value, part) for value in getattr(feeding, part)])}"
        for part, small in is_small.items()
        if small
    )
    raise UserError(
        f"{name}: {what}, but pixels run from 0 to 255 and become (pixel - mean) / std: probably {better}; if it is meant, write "
        'intended = ["mean_std"]'
    )


def _any_small(values: Sequence[float]) -> bool:
    return any(0 < abs(value) < 1 for value in values)


def _for_pixels(value: float, part: str) -> float:
    """Return a number for pixels from 0 to 1 as one for 0 to 255."""
    return 1 / value if part == "std" and abs(value) < RECIPROCAL_BELOW else 255 * value


def _listed(values: Sequence[float]) -> str:
    return f"[{', '.join(f'{value:.6g}' for value in values)}]"


def check_output(name: str, outputs: Sequence[Any], chosen: str) -> None:
    """Refuse a network with several outputs of which none is named.

    outputs: of the graph, onnx.ValueInfoProto. Raises UserError that lists them, also for an output that there is not.
    """
    names = [out.name for out in outputs]
    if chosen and chosen not in names:
        raise UserError(f"{name} has no output {chosen!r}: it has {', '.join(names[:LISTED]) or 'none'}")
    if not chosen and len(names) > 1:
        shown = ", ".join(f"{out.name} ({_shape(out)})" for out in outputs[:LISTED]) + ", …" * (len(names) > LISTED)
        raise UserError(f'{name} has {len(names)} outputs: {shown}; write which is the template: input = {{ output = "NAME" }}')


def _shape(output: Any) -> str:
    return "×".join(str(side.dim_value or "any") for side in output.type.tensor_type.shape.dim) or "of unknown shape"


def check_dimensions(name: str, dimensions: int, intended: Collection[Doubt]) -> None:
    """Refuse templates of too few numbers to be a face's.

    Raises UserError.
    """
    if dimensions < FEWEST_DIMENSIONS and "dimensions" not in intended:
        raise UserError(
            f"{name} gives {dimensions} number{'s' * (dimensions != 1)}, and templates of faces have {FEWEST_DIMENSIONS} or more: name the "
            'right output (input = { output = "NAME" }) or file; if it is meant, write intended = ["dimensions"]'
        )


def check_varies(name: str, embedder: Embedder, size: int, intended: Collection[Doubt]) -> None:
    """Refuse a network that gives one template for unlike pictures.

    Tried on two pictures, and where these are alike on four. Raises UserError.
    """
    if "constant" in intended:
        return
    pictures = probes(size)
    try:
        constant = _are_one(embedder.embed(pictures[:2])) and _are_one(embedder.embed(pictures))
    except Exception:  # whatever a network raises is each image's failure, which extraction counts
        return
    if constant:
        raise UserError(
            f"{name} gives the same template for {len(pictures)} unlike pictures: correct input (mean, std, output) in the card, or "
            'the file; if it is meant, write intended = ["constant"]'
        )


def probes(size: int) -> list[Image]:
    """Return four unlike pictures, uint8[size, size, 3].

    Noise, two slopes of brightness in different colours, and a chequerboard.
    """
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    slope = np.linspace(0, 255, size).astype(np.uint8)
    across = np.broadcast_to(slope[None, :, None], (size, size, 3)) * np.array([1, 0, 1], np.uint8)
    down = np.broadcast_to(slope[::-1, None, None], (size, size, 3)) * np.array([0, 1, 1], np.uint8)
    rows, columns = np.indices((size, size)) * 8 // size
    board = np.repeat((((rows + columns) % 2) * 255).astype(np.uint8)[..., None], 3, axis=2)
    return [noise, across, down, board]


def _are_one(templates: NDArray[np.float32]) -> bool:
    """Return whether all templates are one; no when one is not finite."""
    if not np.isfinite(templates).all():
        return False
    return bool((np.abs(templates - templates[0]) <= ALIKE * np.abs(templates).max()).all())
