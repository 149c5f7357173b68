"""Make one photograph of one head: draw, light, scatter and develop it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.control.head.hair import Strands, smooth
from faceparity.datasets.control.head.identity import Looks
from faceparity.datasets.control.head.materials import Cloth, Painted, bumped, iris, neckline, skin_albedo
from faceparity.datasets.control.head.mesh import Floats, Ints
from faceparity.datasets.control.head.shape import HeadModel, Pose, Shape, unit_sphere
from faceparity.datasets.control.head.skin import linear_to_lab
from faceparity.datasets.control.rendering import raster, shading

SIDE = 180
OVERSAMPLING = 3
DISTANCE = 13.0
"""Of the camera, in decimetres: a portrait's."""


@dataclass(frozen=True)
class Shot:
    """All that differs between two photographs of one head. Angles in degrees; gaze: x, y of the point looked at, in decimetres."""

    pose: Pose
    lights: shading.Lights
    cloth: Cloth
    backdrop: tuple[tuple[float, float, float], float]
    gaze: tuple[float, float]
    span: float
    shift: tuple[float, float]
    exposure: float
    seed: int


@dataclass
class _Pixels:
    """Flat arrays over the covered pixels."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    kind: NDArray[np.int8]
    points: Floats
    normal: Floats
    albedo: Floats
    gloss: NDArray[np.float32]
    tangent: Floats
    rest: Floats


@dataclass(frozen=True)
class Rendering:
    """linear float64[h, w, 3] at the oversampled size; tone float64[3]: CIE Lab of the mean albedo of cheeks and forehead."""

    linear: Floats
    tone: Floats


@dataclass(frozen=True)
class Surfaces:
    """What is drawn, in this order: the body, two eyes, the teeth (points and triangles of each, posed), then groups of strands.

    firsts: the first index of each in the z-buffer.
    """

    parts: list[tuple[Floats, Ints]]
    strands: list[Floats]
    firsts: list[int]


@dataclass(frozen=True)
class Buffer:
    """The contents of the z-buffer: which triangle or strand each pixel shows, and where on it."""

    index: NDArray[np.int32]
    weights: NDArray[np.float32]
    fractions: NDArray[np.float32]


class Camera:
    """A pinhole camera at `DISTANCE` that looks along -z at a point."""

    def __init__(self, at: Floats, span: float, shift: tuple[float, float], side: int) -> None:
        self._at = at
        self._scale = side / span
        self._middle = np.array([side * (0.5 + shift[0]), side * (0.5 + shift[1])])

    def project(self, points: Floats) -> Floats:
        """Return pixel x, pixel y and distance of points."""
        offset = points - self._at
        near = DISTANCE / (DISTANCE - offset[..., 2])
        columns = offset[..., 0] * near * self._scale + self._middle[0]
        rows = -offset[..., 1] * near * self._scale + self._middle[1]
        return np.ascontiguousarray(np.stack([columns, rows, -offset[..., 2]], -1))

    def view(self, points: Floats) -> Floats:
        """Return unit vectors towards the camera."""
        towards = self._at + np.array([0, 0, DISTANCE]) - points
        return np.asarray(towards / np.linalg.norm(towards, axis=-1, keepdims=True))


def _surfaces(model: HeadModel, shape: Shape, strands: list[Strands], shot: Shot) -> Surfaces:
    """Return everything posed.

    Cloth stands off the body a little, so that its edge has a thickness.
    """
    pose, surface = shot.pose, shape.surface
    inside = neckline(shot.cloth, surface.rest)
    thickness = 0.05 * smooth((inside + 0.02) / 0.07) + 0.07 * smooth((inside - 0.1) / 0.8)
    unit, faces = unit_sphere()
    parts = [(pose.points(surface.points + thickness[:, None] * surface.normals), surface.triangles)]
    parts += [(pose.points(centre + radius * unit), faces) for centre, radius in shape.eyes]
    parts.append((pose.points(shape.full), model.teeth))
    posed = [pose.points(group.points) for group in strands]
    sizes = [len(triangles) for _, triangles in parts] + [
        strand_points.shape[0] * strand_points.shape[1] for strand_points in posed
    ]
    return Surfaces(parts, posed, [int(start) for start in np.cumsum([0, *sizes])[:-1]])


def _target(shape: Shape, pose: Pose) -> Floats:
    """Return the point that the camera looks at.

    A little below the eyes, and not quite following the head sideways.
    """
    eyes: Floats = pose.points(shape.between_eyes[None])[0]
    return np.asarray(eyes * np.array([0.75, 1, 1]) + np.array([0, -0.33, 0]))


def _rasterised(surfaces: Surfaces, strands: list[Strands], camera: Camera, side: int) -> Buffer:
    depth, index, weights = raster.blank(side, side)
    fractions = np.zeros((side, side), np.float32)
    for (points, triangles), first in zip(surfaces.parts, surfaces.firsts, strict=False):
        raster.draw_triangles(camera.project(points), triangles, depth, index, weights, first)
    for points, group, first in zip(surfaces.strands, strands, surfaces.firsts[len(surfaces.parts) :], strict=True):
        raster.draw_strands(camera.project(points), 0, group.bias, depth, index, fractions, first)
    return Buffer(index, weights, fractions)


def draw(
    model: HeadModel,
    shape: Shape,
    painted: Painted,
    looks: Looks,
    strands: list[Strands],
    shot: Shot,
    tones: Sequence[Floats] = (),
) -> list[Rendering]:
    """Return the head as light on a sensor.

    Before lens, noise and development. tones: mean skins in CIE Lab; one picture for each, alike in all else. Without: one picture, with
    the head's own skin.
    """
    side = SIDE * OVERSAMPLING
    surfaces = _surfaces(model, shape, strands, shot)
    camera = Camera(_target(shape, shot.pose), shot.span, shot.shift, side)
    buffer = _rasterised(surfaces, strands, camera, side)
    scene = _Scene(model, shape, painted, looks, strands, shot, surfaces, buffer)
    scene.fill()
    casting = [points.reshape(-1, 3) for points, group in zip(surfaces.strands, strands, strict=True) if group.casts]
    hairs = np.concatenate(casting) if casting else np.zeros((0, 3))
    light = _light(scene.seen, shot, camera, surfaces, hairs, side)
    pictures = []
    for tone in tones or [np.array(looks.skin)]:
        pictures.append(light.picture(scene.albedo(tone), _cheeks(scene.seen), shot))
    return pictures


class _Scene:
    """What lighting needs, for every covered pixel."""

    def __init__(
        self,
        model: HeadModel,
        shape: Shape,
        painted: Painted,
        looks: Looks,
        strands: list[Strands],
        shot: Shot,
        surfaces: Surfaces,
        buffer: Buffer,
    ) -> None:
        self.model, self.shape, self.painted, self.looks, self.strands, self.shot = model, shape, painted, looks, strands, shot
        self.surfaces = surfaces
        rows, columns = np.nonzero(buffer.index >= 0)
        count = len(rows)
        self.what = buffer.index[rows, columns]
        self.weights = buffer.weights[rows, columns].astype(np.float64)
        self.fractions = buffer.fractions[rows, columns].astype(np.float64)
        self.group = np.searchsorted(np.array(surfaces.firsts), self.what, side="right") - 1
        kind, gloss = np.zeros(count, np.int8), np.ones(count, np.float32)
        points, normal, albedo, tangent = (np.zeros((count, 3)) for _ in range(4))
        self.seen = _Pixels(rows, columns, kind, points, normal, albedo, gloss, tangent, np.full((count, 3), -9.0))
        self._skin: tuple[NDArray[np.intp], Floats, dict[str, Floats], Floats, Floats] | None = None

    def _pixels_of(self, group: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Return the pixels that show a part.

        Also which of its triangles or strand points each shows.
        """
        pick = np.flatnonzero(self.group == group)
        return pick, self.what[pick].astype(np.int64) - self.surfaces.firsts[group]

    def _mix(self, pick: NDArray[np.intp], corner: Ints, values: Floats) -> Floats:
        weights = self.weights[pick]
        corner_values = values[corner]
        if corner_values.ndim == 2:
            return np.asarray(
                weights[:, 0] * corner_values[:, 0] + weights[:, 1] * corner_values[:, 1] + weights[:, 2] * corner_values[:, 2]
            )
        return np.asarray(
            weights[:, :1] * corner_values[:, 0] + weights[:, 1:2] * corner_values[:, 1] + weights[:, 2:] * corner_values[:, 2]
        )

    def fill(self) -> None:
        """Fill in all parts."""
        self._body()
        for eye in (0, 1):
            self._eye(eye)
        self._teeth()
        for number in range(len(self.strands)):
            self._hair(number)

    def albedo(self, tone: Floats) -> Floats:
        """Return every pixel's albedo for a mean skin.

        float64[pixels, 3]; tone: the mean skin in CIE Lab.
        """
        out = self.seen.albedo.copy()
        assert self._skin is not None
        pick, rest, masks, cloth, fabric = self._skin
        bare = skin_albedo(self.painted, self.looks, rest, masks, tone)
        out[pick] = bare * (1 - cloth[:, None]) + fabric * cloth[:, None]
        return out

    def _body(self) -> None:
        pick, number = self._pixels_of(0)
        seen, surface, shot, looks = self.seen, self.shape.surface, self.shot, self.looks
        corner = surface.triangles[number]
        rest, plain = self._mix(pick, corner, surface.rest), self._mix(pick, corner, surface.points)
        normal = shot.pose.vectors(plain, self._mix(pick, corner, surface.normals))
        masks = {name: self._mix(pick, corner, mask) for name, mask in self.model.head.masks.items()}
        inside = neckline(shot.cloth, rest)
        cloth = smooth(inside / 0.012 + 0.5)
        weave = 1 + 0.05 * np.sin(rest[:, 0] * 190) * np.sin(rest[:, 1] * 190)
        seam = 1 - 0.28 * np.exp(-(((inside - 0.105) / 0.012) ** 2)) - 0.5 * np.exp(-((inside / 0.012) ** 2))
        self._skin = (pick, rest, masks, cloth, np.array(shot.cloth.colour) * (weave * seam)[:, None])
        seen.kind[pick] = np.where(cloth > 0.5, shading.CLOTH, shading.SKIN)
        oily = 0.75 + 0.5 * np.exp(-((rest[:, 0] / 0.25) ** 2)) * (rest[:, 1] > 6.8) + 1.1 * masks["lips"] * looks.lip
        seen.gloss[pick] = np.where(cloth > 0.5, 0.25, oily * (0.45 + 0.75 * looks.shine))
        seen.normal[pick] = bumped(self.painted.skin.relief, rest, normal, shot.pose, plain, 1.0 - 0.8 * cloth)
        seen.points[pick] = self._mix(pick, corner, self.surfaces.parts[0][0])
        seen.rest[pick] = np.where(cloth[:, None] > 0.1, -9.0, rest)

    def _eye(self, eye: int) -> None:
        pick, number = self._pixels_of(1 + eye)
        if not len(pick):
            return
        seen, shot, pose = self.seen, self.shot, self.shot.pose
        points, triangles = self.surfaces.parts[1 + eye]
        local = self._mix(pick, triangles[number], unit_sphere()[0])
        local = local / np.linalg.norm(local, axis=1, keepdims=True)
        centre: Floats = pose.points(self.shape.eyes[eye][0][None])[0]
        lens = _target(self.shape, pose) + np.array([shot.gaze[0], shot.gaze[1], DISTANCE])
        colour, gloss = iris(local, (lens - centre) @ pose.turn, self.looks.iris, self.looks.seed + eye)
        seen.albedo[pick], seen.gloss[pick] = colour, gloss
        seen.kind[pick] = shading.EYE
        seen.normal[pick] = local @ pose.turn.T
        seen.points[pick] = self._mix(pick, triangles[number], points)

    def _teeth(self) -> None:
        pick, number = self._pixels_of(3)
        points, triangles = self.surfaces.parts[3]
        self.seen.albedo[pick] = np.array([0.36, 0.32, 0.26])
        self.seen.points[pick] = self._mix(pick, triangles[number], points)
        self.seen.normal[pick] = [0.0, 0.0, 1.0]
        self.seen.kind[pick] = shading.CLOTH

    def _hair(self, number: int) -> None:
        seen, strand, points = self.seen, self.strands[number], self.surfaces.strands[number]
        pick, point = self._pixels_of(4 + number)
        count = strand.points.shape[1]
        which, point = np.divmod(point, count)
        direction = points[which, point + 1] - points[which, point]
        seen.points[pick] = points[which, point] + self.fractions[pick][:, None] * direction
        seen.tangent[pick] = direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
        out = seen.points[pick] - self.shot.pose.points(self.shape.surface.centre[None])[0]
        seen.normal[pick] = out / np.linalg.norm(out, axis=1, keepdims=True)
        # hair is darker towards the root, where other hair shades it from all sides
        seen.albedo[pick] = strand.colour[which] * (0.72 + 0.28 * (point / (count - 1)))[:, None]
        seen.kind[pick] = shading.HAIR
        seen.gloss[pick] = 1.0 if strand.casts else 0.15


def _scatter(irradiance: Floats, skin: NDArray[np.bool_], scale: float) -> Floats:
    """Return the light after it has spread inside the skin.

    Red spreads farthest. Blurs within the skin only.
    """
    import cv2

    mask = skin.astype(np.float32)
    out = irradiance.copy()
    for channel, widths in enumerate(((0.9, 3.2), (0.6, 1.5), (0.4, 0.9))):
        total = 0.0
        for sigma, part in zip(widths, (0.5, 0.5), strict=True):
            size = (0, 0)
            spread = cv2.GaussianBlur(irradiance[..., channel].astype(np.float32) * mask, size, sigma * scale)
            around = cv2.GaussianBlur(mask, size, sigma * scale)
            total = total + part * spread / np.maximum(around, 1e-3)
        out[..., channel] = np.where(skin, total, irradiance[..., channel])
    return out


def _backdrop(shot: Shot, side: int) -> Floats:
    """Return a plain wall: colour, slow gradient, faint unevenness."""
    import cv2

    rng = np.random.default_rng(shot.seed + 11)
    colour, slope = shot.backdrop
    down, across = np.mgrid[0:side, 0:side] / side - 0.5
    turn = rng.uniform(0, 6.3)
    shade = (
        1
        + slope * (np.cos(turn) * across + np.sin(turn) * down)
        - 0.35 * ((across - rng.normal(0, 0.2)) ** 2 + (down - rng.normal(0, 0.2)) ** 2)
    )
    small = rng.normal(size=(7, 7)).astype(np.float32)
    shade = shade + 0.025 * cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.array(colour) * shade[..., None])


def _cheeks(seen: _Pixels) -> NDArray[np.bool_]:
    """Return which pixels are bare skin of cheeks or forehead."""
    sideways, height = np.abs(seen.rest[:, 0]), seen.rest[:, 1]
    cheeks = (np.abs(sideways - 0.38) < 0.16) & (height > 6.78) & (height < 7.05)
    forehead = (sideways < 0.4) & (height > 7.6) & (height < 7.8)
    return np.asarray((cheeks | forehead) & (seen.kind == shading.SKIN))


@dataclass(frozen=True)
class _Light:
    """Light at every covered pixel, independent of its colour: scattered and reflected, and the wall behind."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    irradiance: Floats
    shine: Floats
    wall: Floats

    def picture(self, albedo: Floats, cheeks: NDArray[np.bool_], shot: Shot) -> Rendering:
        """Return the picture of surfaces with that albedo."""
        linear = self.wall.copy()
        linear[self.rows, self.columns] = albedo * self.irradiance + self.shine
        tone = linear_to_lab(albedo[cheeks].mean(0)) if cheeks.any() else np.full(3, np.nan)
        return Rendering(linear * shot.exposure, tone)


def _light(seen: _Pixels, shot: Shot, camera: Camera, surfaces: Surfaces, hairs: Floats, side: int) -> _Light:
    solids = np.concatenate([points for points, _ in surfaces.parts[:3]])
    starts = np.cumsum([0] + [len(points) for points, _ in surfaces.parts[:2]])
    triangles = np.concatenate([corners + start for (_, corners), start in zip(surfaces.parts[:3], starts, strict=True)])
    count = len(seen.rows)
    reach = shading.shadows(shot.lights, solids, triangles, hairs, seen.points, seen.kind == shading.HAIR)
    diffuse, shine = np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32)
    shading.illuminate(
        seen.kind, seen.normal, seen.tangent, camera.view(seen.points), seen.gloss, seen.albedo,
        shot.lights.directions, shot.lights.colours, reach, diffuse, shine,
    )  # fmt: skip
    image = np.zeros((side, side, 3))
    image[seen.rows, seen.columns] = diffuse
    skin = np.zeros((side, side), bool)
    skin[seen.rows, seen.columns] = seen.kind == shading.SKIN
    spread = _scatter(image, skin, OVERSAMPLING * 0.53)[seen.rows, seen.columns]
    return _Light(seen.rows, seen.columns, spread, shine.astype(np.float64), _backdrop(shot, side))


def develop(linear: Floats, rng: np.random.Generator, blur: float, grain: float) -> NDArray[np.uint8]:
    """Return the developed photograph.

    uint8[SIDE, SIDE, 3], after lens blur, reduction to the final size, sensor noise and tone curve.
    """
    import cv2

    soft = cv2.GaussianBlur(linear.astype(np.float32), (0, 0), max(blur * OVERSAMPLING, 0.3))
    small = cv2.resize(soft, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    small = small + rng.normal(size=small.shape) * grain * np.sqrt(np.maximum(small, 0) * 0.0011 + 0.00001)
    curve = small.clip(0) / (1 + small.clip(0) ** 3.0) ** (1 / 3.0)
    srgb = np.where(curve <= 0.0031308, 12.92 * curve, 1.055 * np.maximum(curve, 0.0031308) ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(srgb * 255).clip(0, 255), np.uint8)
