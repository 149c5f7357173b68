"""Build points in space from an identity and an expression: surface, eyes, teeth, lash roots; and turn the neck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceparity.datasets.control.head import mesh
from faceparity.datasets.control.head.hair import Surface
from faceparity.datasets.control.head.mesh import Archive, BaseMesh, Floats, Head, Ints

JOINT_NECK = slice(14534, 14542)
NECK_AT_REST = 5.89
LID_GROUPS = (("helper-l-eyelashes-1", False, 1.0), ("helper-l-eyelashes-2", True, 1.0),
              ("helper-r-eyelashes-1", False, -1.0), ("helper-r-eyelashes-2", True, -1.0))  # fmt: skip


@dataclass(frozen=True)
class HeadModel:
    """What every rendering needs: the wheel, the head, targets read so far, vertices of the lid edges, teeth."""

    archive: Archive
    head: Head
    targets: dict[str, tuple[Ints, Floats]]
    rims: tuple[tuple[Ints, bool, float], ...]
    teeth: Ints


def read_model(archive: Archive) -> HeadModel:
    """Read the meshes."""
    head = mesh.read_head(archive)
    rims = tuple((_rim(head.base, group), upper, side) for group, upper, side in LID_GROUPS)
    teeth = mesh.triangulated(head.base.quads[np.isin(head.base.groups, ["helper-upper-teeth", "helper-lower-teeth"])])
    return HeadModel(archive, head, {}, rims, teeth)


def _rim(base: BaseMesh, group: str) -> Ints:
    """Return the lash vertices nearest to the lid.

    From the nose outward.
    """
    vertices = np.unique(base.quads[base.groups == group])
    positions = base.vertices[vertices]
    body = base.vertices[: mesh.BODY]
    body = body[np.linalg.norm(body - positions.mean(0), axis=1) < 0.6]
    distance = np.linalg.norm(positions[:, None] - body[None], axis=2).min(1)
    bins = np.floor(np.abs(positions[:, 0]) / 0.022).astype(int)
    chosen = [
        vertices[bins == number][np.argmin(distance[bins == number])]
        for number in np.unique(bins)
        if distance[bins == number].min() < 0.012
    ]
    return np.array(sorted(chosen, key=lambda vertex: abs(base.vertices[vertex, 0])))


@dataclass(frozen=True)
class Shape:
    """One head with one expression, before posing. eyes: centre and radius of each (left, right)."""

    surface: Surface
    full: Floats
    eyes: tuple[tuple[Floats, float], tuple[Floats, float]]
    rims: list[tuple[Floats, bool, float]]
    neck: Floats
    between_eyes: Floats


def _eye(points: Floats) -> tuple[Floats, float]:
    low, high = points.min(0), points.max(0)
    radius = float((high[0] - low[0]) / 2)
    return np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2] + radius]), radius


def build(model: HeadModel, weights: Sequence[tuple[str, float]]) -> Shape:
    """Return the head with those morph weights."""
    base, head = model.head.base, model.head
    full = base.vertices + mesh.sum_of_targets(model.archive, model.targets, weights, len(base.vertices))
    points = head.smooth @ full[head.kept]
    eyes = _eye(full[mesh.LEFT_EYE]), _eye(full[mesh.RIGHT_EYE])
    between_eyes = (eyes[0][0] + eyes[1][0]) / 2
    skull = points[head.rest[:, 1] > 7.4, 2]
    centre = np.array([0.0, between_eyes[1] + 0.12, (skull.min() + skull.max()) / 2])
    surface = Surface(points, mesh.normals(points, head.triangles), head.rest, head.triangles, centre)
    rims = [(full[rim], upper, side) for rim, upper, side in model.rims]
    return Shape(surface, full, eyes, rims, full[JOINT_NECK].mean(0), between_eyes)


def rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Return the rotation matrix of three angles in degrees.

    float64[3, 3]; yaw to the head's left, pitch down, roll to the head's right.
    """
    by_yaw, by_pitch, by_roll = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(by_yaw), 0, np.sin(by_yaw)], [0, 1, 0], [-np.sin(by_yaw), 0, np.cos(by_yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(by_pitch), -np.sin(by_pitch)], [0, np.sin(by_pitch), np.cos(by_pitch)]])
    tilt = np.array([[np.cos(by_roll), -np.sin(by_roll), 0], [np.sin(by_roll), np.cos(by_roll), 0], [0, 0, 1]])
    return np.asarray(turn @ nod @ tilt)


@dataclass(frozen=True)
class Pose:
    """A turn of the head about the neck; the shoulders follow by `follow`, the neck in between."""

    turn: Floats
    shoulders: Floats
    neck: Floats

    def _share(self, points: Floats) -> Floats:
        height = points[..., 1] - self.neck[1] + NECK_AT_REST + 0.3 * (points[..., 2] - self.neck[2] - 0.45)
        fraction = np.clip((height - 5.55) / 0.75, 0, 1)
        return np.asarray(fraction * fraction * (3 - 2 * fraction))[..., None]

    def points(self, points: Floats) -> Floats:
        """Return the points posed, relative to the neck joint."""
        share = self._share(points)
        offsets = points - self.neck
        return np.asarray(share * (offsets @ self.turn.T) + (1 - share) * (offsets @ self.shoulders.T))

    def vectors(self, points: Floats, vectors: Floats) -> Floats:
        """Return directions at those points turned with them."""
        share = self._share(points)
        turned = share * (vectors @ self.turn.T) + (1 - share) * (vectors @ self.shoulders.T)
        return np.asarray(turned / np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-9))


def unit_sphere(rows: int = 20, columns: int = 40) -> tuple[Floats, Ints]:
    """Return a unit sphere's vertices and triangles.

    Its poles are on the z axis.
    """
    up = np.linspace(0, np.pi, rows)
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    polar, azimuth = np.meshgrid(up, around, indexing="ij")
    vertices = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], -1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns), indexing="ij")
    a0, a1 = (i * columns + j).ravel(), (i * columns + (j + 1) % columns).ravel()
    return vertices, np.concatenate([np.stack([a0, a1, a0 + columns], 1), np.stack([a1, a1 + columns, a0 + columns], 1)])
