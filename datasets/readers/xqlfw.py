"""Cross-Quality LFW: LFW's images degraded, in people's folders as in LFW, and xqlfw_pairs.txt in LFW's form."""

from __future__ import annotations

from pathlib import Path

from ..build import folder_of
from ..card import load_card
from ..dataset import Dataset, Problem
from ..layout import place
from .lfw import file_in, images_folder, read_people
from .pairs import read_lfw_list, under, with_protocols

VARIANTS = ("lfw_original_imgs_min_qual0.85variant11", "xqlfw", "xqlfw_aligned_112", "images")
LIST = "xqlfw_pairs.txt"


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """All images, with the published list if it is there. Raises UserError."""
    folder_of(root)
    card = load_card("xqlfw")
    folder, problems = images_folder(root, card, VARIANTS)
    path = place(root, LIST, under(folder, LIST))
    if path is None:
        problems.append(Problem("missing_file", LIST, "the published list of pairs is not here: the protocol is not followed"))
    dataset = read_people(root, card, folder, problems, name=name, include_minors=include_minors, places=("", folder))
    if path is None:
        return dataset
    listed = read_lfw_list(root / path, "XQLFW", file_in(folder), header=None, source=f"{LIST} (Technical University of Munich)")
    return with_protocols(dataset, [listed])
