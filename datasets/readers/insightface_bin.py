"""Packs of verification pairs as insightface gives them out: lfw.bin, cfp_fp.bin, agedb_30.bin, calfw.bin, cplfw.bin.

Each is a pickle of aligned crops and labels. There are no names in it: who is who is known only as far as the pairs tell.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.formats.safe_pickle import read_pack
from faceparity.datasets.loading.builder import folder_of
from faceparity.datasets.loading.image_packs import PACK, member_name
from faceparity.datasets.loading.publisher_layout import wrong_folder
from faceparity.datasets.readers.pair_lists import PairList, with_protocols
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset

N_FOLDS = 10


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read every pack in the folder.

    Distinct images are the samples, and the pairs of each pack a protocol. Raises UserError.
    """
    folder_of(root)
    card = load_card("insightface_bin")
    packs = sorted(
        path.name
        for path in root.iterdir()
        if path.suffix.casefold() == PACK and path.is_file() and not path.name.startswith(".")
    )
    if not packs:
        raise wrong_folder(root, card, "lfw.bin")
    first: dict[str, str] = {}
    lists = [_pair_list(root / pack, first) for pack in packs]
    content = {file: sha for sha, file in first.items()}
    files = sorted(content)
    dataset = Dataset(
        name=name or card.name,
        card=card,
        root=root,
        files=tuple(files),
        content=tuple(content[file] for file in files),
        subjects=np.arange(len(files), dtype=np.int32),
        identity=card.identity,
        attributes={},
        digest=hashlib.sha256("\n".join(f"{file} {content[file]}" for file in files).encode()).hexdigest(),
    )
    return with_protocols(dataset, lists)


def _pair_list(path: Path, first: dict[str, str]) -> PairList:
    """Read the pairs of one pack.

    first: sha256 → the first image with these bytes, of all packs; added to.
    """
    pack = read_pack(path)
    files = []
    for i, image in enumerate(pack.images):
        files.append(first.setdefault(hashlib.sha256(image).hexdigest(), member_name(path.name, i)))
    n_pairs = len(pack.mated)
    return PairList(
        path.stem,
        f"{path.name} (insightface)",
        files[::2],
        files[1::2],
        pack.mated,
        _equal_folds(n_pairs, path),
        range(1, n_pairs + 1),
        N_FOLDS,
    )


def _equal_folds(n_pairs: int, path: Path) -> list[int]:
    """Return the folds of a list: ten consecutive runs.

    They are as equal as can be, regardless of their labels: insightface's own evaluation takes the same. n_pairs: of the
    list. Raises UserError for fewer than ten pairs.
    """
    if n_pairs < N_FOLDS:
        raise UserError(f"{path} holds {n_pairs} pairs, too few for {N_FOLDS} folds: get it from its publisher again")
    return [k for k, part in enumerate(np.array_split(np.arange(n_pairs), N_FOLDS)) for _ in part]
