"""Write the control set: one JPEG for each photograph, and a table of labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, repeat
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from faceparity.datasets.control.head.identity import ANCESTRIES, SEXES, Identity, draw_identity
from faceparity.datasets.control.head.mesh import Archive
from faceparity.datasets.control.head.shape import HeadModel, read_model
from faceparity.datasets.control.head.skin import ita

from .generate import EXPOSURES, Photograph, Studio

SEED = 1
PHOTOGRAPHS = 4
TABLE = "labels.csv"
HEADS = {"control": 54, "tone": 10}
"""Heads a cell of ancestry morph × sex, in each part."""
COLUMNS = ("file", "subject", "ancestry_morph", "sex", "age", "ita", "monk", "hair", "beard")
MORE_COLUMNS = ("head", "tone", "exposure", "capture")
CAPTURES = 2

MONK_LAB = (
    (94.211, 1.503, 5.422), (92.275, 2.061, 7.28), (93.091, 0.216, 14.205), (87.573, 0.459, 17.748), (77.902, 3.471, 23.136),
    (55.142, 7.783, 26.74), (42.47, 12.325, 20.53), (30.678, 11.667, 13.335), (21.069, 2.69, 5.964), (14.61, 1.482, 3.525),
)  # fmt: skip
"""CIE Lab (D65) of the ten swatches of the Monk Skin Tone scale, published as sRGB at https://skintone.google: f6ede4, f3e7db, f7ead0,
eadaba, d7bd96, a07e56, 825c43, 604134, 3a312a, 292420."""

_model: HeadModel | None = None


def monk(tone: tuple[float, float, float]) -> int:
    """Return the nearest swatch of the Monk scale, 1–10.

    Nearest in CIE Lab (Euclidean; the first of equals). tone: CIE Lab.
    """
    distances = [
        sum((value - swatch_value) ** 2 for value, swatch_value in zip(tone, swatch, strict=True)) for swatch in MONK_LAB
    ]
    return distances.index(min(distances)) + 1


def _start(wheel: Path) -> None:
    import cv2
    from threadpoolctl import threadpool_limits

    global _model
    cv2.setNumThreads(1)
    threadpool_limits(1)
    _model = read_model(Archive(wheel))


def identities(names: frozenset[str], heads: int, seed: int = SEED) -> Iterator[Identity]:
    """Yield `heads` identities for each ancestry morph and sex."""
    for ancestry in ANCESTRIES:
        for sex in SEXES:
            for number in range(heads):
                yield draw_identity(number, ancestry, sex, seed, names)


def jpeg(photograph: Photograph) -> bytes:
    """Return the photograph as a JPEG file's bytes."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(photograph.pixels).save(out, "JPEG", quality=photograph.quality, subsampling=1, optimize=True)
    return out.getvalue()


Row = tuple[object, ...]


def _row(name: str, identity: Identity, same_skin: Sequence[Photograph]) -> Row:
    """Return the labels of one image.

    same_skin: all photographs of that skin, whose mean is its tone.
    """
    person, looks = identity, identity.looks
    tone = np.mean([photograph.tone for photograph in same_skin], axis=0)
    skin = f"{ita(tone):.1f}", monk((float(tone[0]), float(tone[1]), float(tone[2])))
    return name, person.subject, person.ancestry, person.sex, person.age, *skin, looks.hair, looks.beard


def _portrait_images(identity: Identity, seed: int) -> list[tuple[Row, bytes]]:
    assert _model is not None
    studio = Studio(_model, identity)
    portraits = [studio.photograph(seed, number) for number in range(PHOTOGRAPHS)]
    return [
        (_row(f"{identity.subject}-{number}.jpg", identity, portraits), jpeg(photograph))
        for number, photograph in enumerate(portraits, 1)
    ]


def _tone_images(identity: Identity, seed: int) -> list[tuple[Row, bytes]]:
    assert _model is not None
    studio = Studio(_model, identity)
    captures = [studio.bracketed(seed, capture) for capture in range(CAPTURES)]
    rows = []
    for (tone, exposure), _ in captures[0].items():
        repeats = [capture[tone, exposure] for capture in captures]
        for number, photograph in enumerate(repeats, 1):
            name = f"{identity.subject}-t{tone + 1}-e{exposure + 1}-c{number}.jpg"
            condition = identity.subject, tone + 1, f"{2 ** EXPOSURES[exposure]:g}", number
            rows.append(((*_row(name, identity, repeats), *condition), jpeg(photograph)))
    return rows


def photographs(wheel: Path, part: str, heads: int, processes: int = 2, seed: int = SEED) -> Iterator[tuple[Row, bytes]]:
    """Yield the labels and the JPEG of every image.

    Labels as `columns`; of the first `heads` heads of each cell, head by head. part: "control" (four photographs each) or "tone" (every
    tone and exposure, two captures).
    """
    people = list(identities(Archive(wheel).names, heads, seed))
    work: Callable[[Identity, int], list[tuple[Row, bytes]]] = _portrait_images if part == "control" else _tone_images
    # forked workers would share OpenCV's and BLAS's threads with the parent
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_start, initargs=(wheel,)) as pool:
        yield from chain.from_iterable(pool.map(work, people, repeat(seed)))


def columns(part: str) -> tuple[str, ...]:
    """Return the columns of labels.csv."""
    return COLUMNS if part == "control" else COLUMNS + MORE_COLUMNS


def write(wheel: Path, folder: Path, part: str, heads: int, processes: int = 2, seed: int = SEED) -> int:
    """Write `heads` heads of each cell, and labels.csv.

    Returns the number of bytes of the images. part: as `photographs`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    size = 0
    for row, data in photographs(wheel, part, heads, processes, seed):
        (folder / str(row[0])).write_bytes(data)
        size += len(data)
        rows.append(row)
    rows.sort(key=lambda row: str(row[0]))
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns(part))
        table.writerows(rows)
    return size
