"""Which of several faces in an image is taken for its person's, by policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from faceparity.datasets.schema.card import FacesPolicy
from faceparity.harness.models.base.model import Face


def largest(faces: Sequence[Face], size: tuple[int, int]) -> Face:
    """Return the face with the largest box.

    By area; the first of equals. size: height and width of the image, which do not matter here.
    """
    return max(faces, key=_area)


def most_central(faces: Sequence[Face], size: tuple[int, int]) -> Face:
    """Return the face whose box's centre is nearest the image's.

    Of equally near ones the largest by area, of those the first. size: height and width of the image.
    """
    height, width = size

    def rank(face: Face) -> tuple[float, float]:
        """Rank by squared distance, then by size."""
        left, top, box_width, box_height = face.box
        across, down = left + box_width / 2 - width / 2, top + box_height / 2 - height / 2
        return across * across + down * down, -_area(face)

    return min(faces, key=rank)


def _area(face: Face) -> float:
    return face.box[2] * face.box[3]


CHOICES: Mapping[FacesPolicy, Callable[[Sequence[Face], tuple[int, int]], Face]] = MappingProxyType(
    {"centre": most_central, "largest": largest}
)
"""Policy → the function that chooses by it among one face or more."""
