"""AgeDB with its protocol of pairs 30 years apart: images `0_AdaAlpha_35_f.jpg`, and the protocol as a MATLAB file."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any, Literal

from ..build import Row, Rules, build, folder_of
from ..card import load_card
from ..dataset import Dataset, Problem
from ..errors import UserError
from ..images import list_images
from ..layout import place, wrong_folder
from .pairs import PairList, under, with_protocols

FOLDERS = ("03_Protocol_Images", "AgeDB_FINAL_protocol/03_Protocol_Images", "AgeDB", "images")
LIST = "04_FINAL_protocol_30_years.mat"
N_FOLDS = 10
PUBLISHER = "Imperial College London"
MAX_BYTES = 2**28
"""What a protocol may take unpacked; the publisher's takes a hundredth."""

_FILE = re.compile(r"\d+_(.+)_(\d+)_([mfMF])", re.ASCII)


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """All images, with the protocol if it is there. Name, age and gender are in each image's name. Raises UserError."""
    folder_of(root)
    card = load_card("agedb30")
    folder = place(root, *FOLDERS) or ""
    within = (folder,) if folder else ()
    found = {file: match for file in list_images(root, within) if (match := _FILE.fullmatch(Path(file).stem))}
    if not found:
        raise wrong_folder(root, card, *FOLDERS)
    rows = [Row(file, file, match[1], {"gender": match[3].lower(), "age_group": match[2]}) for file, match in found.items()]
    path = place(root, LIST, f"AgeDB_FINAL_protocol/{LIST}", under(str(Path(folder).parent), LIST), under(folder, LIST))
    problems = [] if path else [Problem("missing_file", LIST, "the published protocol is not here: it is not followed")]
    dataset = build(card, root, rows, problems, name=name, rules=Rules(within=within, include_minors=include_minors))
    return with_protocols(dataset, [_protocol(root / path, {Path(file).stem: file for file in found})]) if path else dataset


def _protocol(path: Path, files: dict[str, str]) -> PairList:
    """`splits`, ten cells; of each the pairs (2 × n cells, of structures that begin with a name) and n labels, 1 or -1."""
    try:
        folds = [_split(split) for split in _load(path)["splits"].ravel()]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path} holds no splits of pairs as its publisher writes them: put the publisher's file there") from None
    if len(folds) != N_FOLDS:
        raise UserError(f"{path} has {len(folds)} splits, not {N_FOLDS}: put the publisher's file there")
    pairs = [(k, *pair) for k, fold in enumerate(folds) for pair in fold]
    a, b = ([files.get(name, f"{name}.jpg") for name in names] for names in ([x[1] for x in pairs], [x[2] for x in pairs]))
    return PairList(
        "AgeDB-30",
        f"{path.name} ({PUBLISHER})",
        a,
        b,
        [bool(pair[3]) for pair in pairs],
        [pair[0] for pair in pairs],
        list(range(1, len(pairs) + 1)),
        N_FOLDS,
    )


def _split(split: Any) -> list[tuple[str, str, bool]]:
    pairs, labels = split[0, 0][0], split[0, 0][1].ravel().tolist()
    if pairs.shape != (2, len(labels)) or not labels or not set(labels) <= {1, -1, 0}:
        raise ValueError("pairs and labels do not match")
    first, second = ([str(cell[0, 0][0].ravel()[0]) for cell in row] for row in pairs)
    return [
        (a.removesuffix(".jpg"), b.removesuffix(".jpg"), label == 1) for a, b, label in zip(first, second, labels, strict=True)
    ]


def _load(path: Path) -> dict[str, Any]:
    """A MATLAB file, which holds data only. Raises UserError if it is none, or would not fit."""
    from scipy.io import loadmat

    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        if not data or _unpacked(data) > MAX_BYTES:
            raise UserError(f"{path} is empty, or far larger than the publisher's: put the publisher's file there")
        return dict(loadmat(path))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): put the publisher's file there") from None
    except UserError:
        raise
    except Exception as error:  # a broken file raises anything
        raise UserError(f"{path} is not a MATLAB file ({type(error).__name__}): put the publisher's file there") from None


def _unpacked(data: bytes) -> int:
    """How many bytes the compressed elements of a MATLAB 5 file come to; it stops counting when there are too many."""
    total, at = 0, 128
    order: Literal["little", "big"] = "big" if data[126:128] == b"MI" else "little"
    while at + 8 <= len(data):
        kind, size = (int.from_bytes(data[at + i : at + i + 4], order) for i in (0, 4))
        if kind == 15:
            unpack, packed = zlib.decompressobj(), data[at + 8 : at + 8 + size]
            while packed and not unpack.eof and total <= MAX_BYTES:
                total += len(unpack.decompress(packed, 2**20))
                packed = unpack.unconsumed_tail
        at += 8 + size
    return total
