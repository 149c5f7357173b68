"""Cross-Quality LFW: LFW's images degraded, in people's folders as in LFW, and xqlfw_pairs.txt in LFW's form."""

from __future__ import annotations

from pathlib import Path

from faceparity.datasets.loading.builder import folder_of
from faceparity.datasets.loading.publisher_layout import find_path
from faceparity.datasets.readers.pair_lists import join_path, read_lfw_list, with_protocols
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

from .lfw import file_in, images_folder, read_people

VARIANTS = ("lfw_original_imgs_min_qual0.85variant11", "xqlfw", "xqlfw_aligned_112", "images")
LIST = "xqlfw_pairs.txt"


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all images of XQLFW.

    The published list of pairs is followed if it is there. Raises UserError.
    """
    folder_of(root)
    card = load_card("xqlfw")
    folder, problems = images_folder(root, card, VARIANTS)
    path = find_path(root, LIST, join_path(folder, LIST))
    if path is None:
        problems.append(Problem("missing_file", LIST, "the published list of pairs is not here: the protocol is not followed"))
    dataset = read_people(root, card, folder, problems, name=name, include_minors=include_minors, folders=("", folder))
    if path is None:
        return dataset
    listed = read_lfw_list(root / path, "XQLFW", file_in(folder), header=None, source=f"{LIST} (Technical University of Munich)")
    return with_protocols(dataset, [listed])
