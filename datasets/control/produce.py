"""Writes the control set: one JPEG a photograph and a table of labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .generate import Photograph, Studio
from .identity import ANCESTRIES, SEXES, Identity, draw_identity
from .mesh import Archive
from .shape import Model, read_model

SEED = 1
PHOTOGRAPHS = 4
COLUMNS = ("file", "subject", "ancestry_morph", "sex", "age", "ita", "monk", "hair", "beard")

MONK_LAB = ((94.211, 1.503, 5.422), (92.275, 2.061, 7.28), (93.091, 0.216, 14.205), (87.573, 0.459, 17.748), (77.902, 3.471, 23.136),
            (55.142, 7.783, 26.74), (42.47, 12.325, 20.53), (30.678, 11.667, 13.335), (21.069, 2.69, 5.964), (14.61, 1.482, 3.525))  # fmt: skip
"""CIE Lab of the ten swatches of the Monk Skin Tone scale, as published at https://skintone.google."""

_model: Model | None = None


def monk(tone: tuple[float, float, float]) -> int:
    """1–10: the swatch of the Monk scale nearest in CIE Lab (Euclidean; the first of equals)."""
    distances = [sum((a - b) ** 2 for a, b in zip(tone, swatch, strict=True)) for swatch in MONK_LAB]
    return distances.index(min(distances)) + 1


def _start(wheel: Path) -> None:
    global _model
    _model = read_model(Archive(wheel))


def identities(names: frozenset[str], heads: int, seed: int = SEED) -> Iterator[Identity]:
    """`heads` identities a cell of ancestry morph × sex."""
    for ancestry in ANCESTRIES:
        for sex in SEXES:
            for number in range(heads):
                yield draw_identity(number, ancestry, sex, seed, names)


def jpeg(photograph: Photograph) -> bytes:
    """The file's bytes."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(photograph.pixels).save(out, "JPEG", quality=photograph.quality, subsampling=1, optimize=True)
    return out.getvalue()


def _photographs(identity: Identity, seed: int) -> list[tuple[str, bytes, Photograph]]:
    assert _model is not None
    studio = Studio(_model, identity)
    taken = ((n, studio.photograph(seed, n)) for n in range(PHOTOGRAPHS))
    return [(f"{identity.subject}-{n + 1}.jpg", jpeg(p), p) for n, p in taken]


def write(wheel: Path, folder: Path, heads: int, processes: int = 2, seed: int = SEED) -> int:
    """Writes `heads` identities a cell, four photographs each, and labels.csv. Gives the number of bytes written."""
    folder.mkdir(parents=True, exist_ok=True)
    people = list(identities(Archive(wheel).names, heads, seed))
    rows: list[tuple[object, ...]] = []
    size = 0
    with ProcessPoolExecutor(processes, initializer=_start, initargs=(wheel,)) as pool:
        for who, taken in zip(people, pool.map(_photographs, people, [seed] * len(people)), strict=True):
            tone = taken[0][2].tone
            for name, data, photograph in taken:
                (folder / name).write_bytes(data)
                size += len(data)
                looks = who.looks
                rows.append((name, who.subject, who.ancestry, who.sex, who.age, f"{photograph.ita:.1f}", monk(tone), looks.hair, looks.beard))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(rows)
    return size
