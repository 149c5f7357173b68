"""What the settings on a model's card are called in plain words."""

from __future__ import annotations

from faceparity.datasets.schema.card import FacesPolicy
from faceparity.harness.models.base.card import ModelCard, NetworkInput

ALIGNMENTS = {
    "arcface": "least-squares similarity of five landmarks onto the {size} px template that ArcFace, SFace and others share",
    "dlib": "dlib face chip by landmarks, {size} px, padding 0.25",
    "box": "the detector's box made square, enlarged by a tenth on each side, resized to {size} px; not turned",
    "whole": "the whole picture, resized to {size} px",
}


FACES: dict[FacesPolicy | None, str] = {
    "centre": "the face whose box has its centre nearest to the image's, of equally near ones the larger, then the first",
    "largest": "the largest face by area of its box, the first of equals",
}
WHOLE_PICTURE = "the whole picture, taken for one face"
OWN_CHOICE = "the one that the model itself chose, by a rule not stated"


def faces_words(card: ModelCard, policy: FacesPolicy | None) -> str:
    """Describe which of several faces was used.

    policy: None for a model that has no such choice.
    """
    whole = card.recipe is not None and policy is None
    return FACES.get(policy) or (WHOLE_PICTURE if whole else card.faces_policy or OWN_CHOICE)


def alignment_words(name: str, size: int) -> str:
    """Describe an alignment in words.

    Where none has that name, the name is returned.
    """
    return ALIGNMENTS[name].format(size=size) if name in ALIGNMENTS else name


def input_words(feeding: NetworkInput) -> str:
    """Describe a network's input: its size, channels and scaling."""

    def numbers(values: list[float]) -> str:
        """Write one number, or those of several channels in brackets."""
        return f"{values[0]:g}" if len(set(values)) == 1 else "(" + ", ".join(f"{value:g}" for value in values) + ")"

    scaled = "0–255" if feeding.mean == [0.0] else f"x − {numbers(feeding.mean)}"
    if feeding.std != [1.0]:
        scaled = f"({scaled}) / {numbers(feeding.std)}" if feeding.mean != [0.0] else f"x / {numbers(feeding.std)}"
    return f"{feeding.size} × {feeding.size} {feeding.colour}, {scaled}"
