"""What the settings on a model's card are called in plain words."""

from __future__ import annotations

from faceparity.harness.models.base.card import NetworkInput

ALIGNMENTS = {
    "arcface": "least-squares similarity of five landmarks onto the {size} px template that ArcFace, SFace and others share",
    "dlib": "dlib face chip by landmarks, {size} px, padding 0.25",
    "box": "the detector's box made square, enlarged by a tenth on each side, resized to {size} px; not turned",
    "whole": "the whole picture, resized to {size} px",
}


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
