"""One photograph of one head: draws, lights, scatters and develops it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from . import raster, shading
from .hair import Density, Strands
from .identity import Looks
from .mesh import TEETH, Floats
from .shape import Model, Pose, Shape, ball
from .skin import Map, Skin, lab_to_linear, noise, wrap

SIDE = 180
OVERSAMPLING = 3
DISTANCE = 13.0
"""Of the camera, in decimetres: a portrait's."""


@dataclass(frozen=True)
class Cloth:
    """Plain clothing. colour linear; height and depth of the neckline in decimetres; kind: crew, vee, turtle or collar."""

    colour: tuple[float, float, float]
    kind: str
    height: float
    depth: float


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
class _Seen:
    """Flat arrays over the covered pixels."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    kind: NDArray[np.int8]
    points: Floats
    normal: Floats
    albedo: Floats
    gloss: NDArray[np.float32]
    tangent: Floats
    rest: Floats = field(default_factory=lambda: np.zeros((0, 3)))


@dataclass(frozen=True)
class Picture:
    """linear float64[h, w, 3] at the oversampled size; albedo likewise; bare bool[h, w]: unpainted skin of the face."""

    linear: Floats
    albedo: Floats
    bare: NDArray[np.bool_]


class Camera:
    """A pinhole that looks along -z at a point."""

    def __init__(self, at: Floats, span: float, shift: tuple[float, float], side: int) -> None:
        self._at = at
        self._scale = side / span
        self._middle = np.array([side * (0.5 + shift[0]), side * (0.5 + shift[1])])

    def project(self, points: Floats) -> Floats:
        """Pixel x, y and distance."""
        off = points - self._at
        near = DISTANCE / (DISTANCE - off[..., 2])
        x = off[..., 0] * near * self._scale + self._middle[0]
        y = -off[..., 1] * near * self._scale + self._middle[1]
        return np.ascontiguousarray(np.stack([x, y, -off[..., 2]], -1))

    def view(self, points: Floats) -> Floats:
        """Unit vectors towards the camera."""
        to = self._at + np.array([0, 0, DISTANCE]) - points
        return np.asarray(to / np.linalg.norm(to, axis=-1, keepdims=True))


def neckline(cloth: Cloth, rest: Floats) -> Floats:
    """Signed distance (decimetres, positive inside the cloth) of rest positions from the garment's edge."""
    x, y, z = rest[..., 0], rest[..., 1], rest[..., 2]
    edge = cloth.height + 0.34 * (0.45 - z) * (0.6 if cloth.kind == "turtle" else 1.0)
    if cloth.kind in ("vee", "collar"):
        edge = edge - np.where(z > 0.3, cloth.depth * np.clip(1 - np.abs(x) / 0.42, 0, 1), 0.0)
    return np.asarray(edge + 2.5 * np.maximum(np.abs(x) - 0.72, 0.0) - y)


def _bilinear(picture: Map, column: Map, row: Map) -> NDArray[np.float32]:
    import cv2

    wide = np.concatenate([picture, picture[:, :2]], 1)
    column = np.where(column < 0, column + picture.shape[1], column)
    n = len(column)
    lines = -(-n // 1024)  # OpenCV takes no more than 32767 in a row
    at = [np.resize(np.pad(a, (0, lines * 1024 - n)), (lines, 1024)).astype(np.float32) for a in (column, row)]
    found = cv2.remap(wide, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32).reshape(lines * 1024, *picture.shape[2:])[:n]


def _smooth(x: Floats) -> Floats:
    x = np.clip(x, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


@dataclass(frozen=True)
class Painted:
    """A head's pictures: skin, density of painted stubble on the scalp, and where a beard shows through."""

    skin: Skin
    scalp: Density
    shaved: Density | None


def _skin_albedo(painted: Painted, looks: Looks, rest: Floats, masks: dict[str, Floats]) -> Floats:
    """Linear RGB of the skin at rest positions: colour, lips, stubble and the shade under the hair."""
    column, row = wrap(rest)
    lab = _bilinear(painted.skin.lab, column, row).astype(np.float64)
    lips = masks["lips"][:, None]
    dark = np.clip((55 - looks.skin[0]) / 25, 0, 1)
    lip = np.array([-7 + 3 * dark - 3 * looks.lip, 9 + 7 * looks.lip - 5 * dark, -1.5])
    lab = lab + lips * lip * (0.9 - 0.25 * dark)
    inside = masks["inside-mouth"][:, None] * (1 - lips)
    lab = lab + inside * np.array([-26.0, 12.0, 2.0])
    colour = lab_to_linear(lab)
    lids = masks["eyelids"]
    rim = np.clip(lids * 1.2 - 0.2, 0, 1)[:, None]
    colour = colour * (1 - 0.22 * rim * np.array([0.7, 1.0, 1.0]))
    hair = np.minimum(np.array(looks.hair_colour), 0.25)
    if painted.shaved is not None:
        cover = painted.shaved(rest)[:, None] * looks.beard_density * {"none": 0.14, "stubble": 0.28}.get(looks.beard, 0.72)
        colour = colour * (1 - cover) + cover * (0.55 * hair + 0.10 * colour)
    under = {"bald": 0.22, "buzz": 0.72, "tied": 0.9}.get(looks.hair, 0.85)
    cover = painted.scalp(rest)[:, None] * under
    return np.asarray(colour * (1 - cover) + cover * (0.75 * hair + 0.06 * colour))


def _bumped(relief: Map, rest: Floats, normal: Floats, pose: Pose, points: Floats, amount: Floats) -> Floats:
    """Normals tilted by the relief of the wrapped picture."""
    from .skin import AXIS, BOTTOM, HEIGHT, TOP, WIDTH

    column, row = wrap(rest)
    # across the cylinder a pixel is about its angle times the head's mean radius of 0.9 decimetres
    slope_x = _bilinear(np.asarray((np.roll(relief, -1, 1) - np.roll(relief, 1, 1)) * (WIDTH / (4 * np.pi * 0.9)), np.float32), column, row)
    slope_y = _bilinear(np.asarray(-np.gradient(relief, axis=0) * ((HEIGHT - 1) / (TOP - BOTTOM)), np.float32), column, row)
    angle = np.arctan2(rest[:, 0], rest[:, 2] - AXIS)
    across = pose.vectors(points, np.stack([np.cos(angle), np.zeros_like(angle), -np.sin(angle)], 1))
    up = pose.vectors(points, np.broadcast_to([0.0, 1.0, 0.0], rest.shape))
    tilted = normal - amount[:, None] * (slope_x[:, None] * across + slope_y[:, None] * up)
    return np.asarray(tilted / np.linalg.norm(tilted, axis=1, keepdims=True))


def _iris(local: Floats, gaze: Floats, colour: tuple[float, float, float], seed: int) -> tuple[Floats, NDArray[np.float32]]:
    """Linear RGB of an eyeball at unit directions, and its gloss."""
    gaze = gaze / np.linalg.norm(gaze)
    away = np.arccos(np.clip(local @ gaze, -1, 1))
    side = np.cross([0.0, 1.0, 0.0], gaze)
    side /= np.linalg.norm(side)
    turn = np.arctan2(local @ np.cross(gaze, side), local @ side)
    rng = np.random.default_rng(seed)
    phases = rng.uniform(0, 6.3, 5)
    streaks = sum(np.sin(k * turn + p + 6 * away) for k, p in zip((11, 17, 23, 31, 41), phases, strict=True)) / 5
    radius, pupil = 0.435, 0.17 + 0.03 * float(rng.random())
    t = np.clip(away / radius, 0, 1)
    ring = 1 - 0.75 * _smooth((t - 0.72) / 0.28)
    iris = np.array(colour) * ((1.0 + 0.35 * streaks) * ring * (0.75 + 0.45 * t))[:, None]
    iris = iris * (1 - _smooth((pupil + 0.03 - away) / 0.04))[:, None] + 0.004
    red = _smooth((away - 0.75) / 0.5)[:, None]
    white = np.array([0.60, 0.54, 0.50]) * (1 - red) + np.array([0.50, 0.30, 0.26]) * red
    edge = _smooth((away - radius + 0.03) / 0.06)[:, None]
    shade = 1 - 0.55 * _smooth((local[:, 1] - 0.12) / 0.38) - 0.25 * _smooth((-local[:, 1] - 0.2) / 0.3)
    colour_of = (iris * (1 - edge) + white * edge) * shade[:, None]
    return np.asarray(colour_of), (2.2 - 1.6 * edge[:, 0]).astype(np.float32)


def _eyes(model_eye: tuple[Floats, float], shot: Shot) -> tuple[Floats, Floats]:
    vertices, _ = ball()
    centre, radius = model_eye
    return centre + radius * vertices, vertices


def draw(model: Model, shape: Shape, painted: Painted, looks: Looks, strands: list[Strands], shot: Shot) -> Picture:
    """The head as light on a sensor, before lens, noise and development."""
    side = SIDE * OVERSAMPLING
    pose, surface = shot.pose, shape.surface
    inside = neckline(shot.cloth, surface.rest)
    thick = 0.05 * _smooth((inside + 0.02) / 0.07) + 0.07 * _smooth((inside - 0.1) / 0.8)
    body = surface.points + thick[:, None] * surface.normals
    parts = [(pose.points(body), surface.triangles)]
    unit, faces = ball()
    for centre, radius in shape.eyes:
        parts.append((pose.points(centre + radius * unit), faces))
    parts.append((pose.points(shape.full), model.teeth))
    target = pose.points(shape.between_eyes[None])[0] * np.array([0.75, 1, 1]) + np.array([0, -0.33, 0])
    camera = Camera(target, shot.span, shot.shift, side)
    depth, index, weights = raster.blank(side, side)
    firsts = []
    first = 0
    for points, triangles in parts:
        firsts.append(first)
        raster.draw_triangles(camera.project(points), triangles, depth, index, weights, first)
        first += len(triangles)
    hair_from = first
    along = np.zeros((side, side), np.float32)
    posed = []
    for group in strands:
        firsts.append(first)
        posed.append(pose.points(group.points))
        raster.draw_strands(camera.project(posed[-1]), 0, group.bias, depth, index, along, first)
        first += group.points.shape[0] * group.points.shape[1]
    seen = _gather(model, shape, painted, looks, strands, shot, parts, posed, firsts, index, weights, along, inside)
    solids = np.concatenate([parts[0][0], parts[1][0], parts[2][0]])
    count = np.cumsum([0, len(parts[0][0]), len(parts[1][0])])
    all_triangles = np.concatenate([t + n for (_, t), n in zip(parts[:3], count, strict=True)])
    casting = [p.reshape(-1, 3) for p, g in zip(posed, strands, strict=True) if g.casts]
    hairs = np.concatenate(casting) if casting else np.zeros((0, 3))
    del hair_from
    return _light(seen, shot, camera, solids, all_triangles, hairs, index)


def _gather(  # type: ignore[no-untyped-def]
    model, shape, painted, looks, strands, shot, parts, posed, firsts, index, weights, along, inside
) -> _Seen:
    rows, columns = np.nonzero(index >= 0)
    what = index[rows, columns]
    w = weights[rows, columns].astype(np.float64)
    n = len(what)
    seen = _Seen(rows, columns, np.zeros(n, np.int8), np.zeros((n, 3)), np.zeros((n, 3)), np.zeros((n, 3)), np.ones(n, np.float32), np.zeros((n, 3)), np.full((n, 3), -9.0))  # fmt: skip
    group = np.searchsorted(np.array(firsts), what, side="right") - 1
    pose, surface = shot.pose, shape.surface

    pick = np.flatnonzero(group == 0)
    corner = surface.triangles[what[pick]]

    def mix(values: Floats) -> Floats:
        return np.asarray(np.einsum("nk,nk...->n...", w[pick], values[corner]))

    rest, plain = mix(surface.rest), mix(surface.points)
    normal = pose.vectors(plain, mix(surface.normals))
    masks = {name: mix(mask) for name, mask in model.head.masks.items()}
    albedo = _skin_albedo(painted, looks, rest, masks)
    cloth = _smooth(neckline(shot.cloth, rest) / 0.012 + 0.5)
    weave = 1 + 0.05 * np.sin(rest[:, 0] * 190) * np.sin(rest[:, 1] * 190)
    d = neckline(shot.cloth, rest)
    seam = 1 - 0.28 * np.exp(-(((d - 0.105) / 0.012) ** 2)) - 0.5 * np.exp(-((d / 0.012) ** 2))
    fabric = np.array(shot.cloth.colour) * (weave * seam)[:, None]
    seen.albedo[pick] = albedo * (1 - cloth[:, None]) + fabric * cloth[:, None]
    seen.kind[pick] = np.where(cloth > 0.5, shading.CLOTH, shading.SKIN)
    oily = 0.75 + 0.5 * np.exp(-((rest[:, 0] / 0.25) ** 2)) * (rest[:, 1] > 6.8) + 1.1 * masks["lips"] * looks.lip
    seen.gloss[pick] = np.where(cloth > 0.5, 0.25, oily * (0.45 + 0.75 * looks.shine))
    seen.normal[pick] = _bumped(painted.skin.relief, rest, normal, pose, plain, 1.0 - 0.8 * cloth)
    seen.points[pick] = mix(parts[0][0])
    seen.rest[pick] = np.where(cloth[:, None] > 0.1, -9.0, rest)

    unit, _ = ball()
    lens = pose.points(shape.between_eyes[None])[0] * np.array([0.75, 1, 1]) + np.array([0, -0.33, DISTANCE])
    for eye in (0, 1):
        pick = np.flatnonzero(group == 1 + eye)
        corner = parts[1 + eye][1][what[pick] - firsts[1 + eye]]
        local = mix(unit)
        if not len(pick):
            continue
        local = local / np.linalg.norm(local, axis=1, keepdims=True)
        centre, _ = shape.eyes[eye]
        looked_at = lens + np.array([shot.gaze[0], shot.gaze[1], 0.0]) - pose.points(centre[None])[0]
        seen.albedo[pick], seen.gloss[pick] = _iris(local, looked_at @ pose.turn, looks.iris, looks.seed + eye)
        seen.kind[pick] = shading.EYE
        seen.normal[pick] = local @ pose.turn.T
        seen.points[pick] = mix(parts[1 + eye][0])

    pick = np.flatnonzero(group == 3)
    corner = model.teeth[what[pick] - firsts[3]]
    seen.albedo[pick] = np.array([0.36, 0.32, 0.26])
    seen.points[pick] = mix(parts[3][0])
    seen.normal[pick] = [0.0, 0.0, 1.0]
    seen.kind[pick] = shading.CLOTH

    middle = pose.points(surface.centre[None])[0]
    for g, (strand, at) in enumerate(zip(strands, posed, strict=True)):
        pick = np.flatnonzero(group == 4 + g)
        number, point = np.divmod(what[pick] - firsts[4 + g], strand.points.shape[1])
        f = along[rows[pick], columns[pick]][:, None]
        a, b = at[number, point], at[number, point + 1]
        seen.points[pick] = a + f * (b - a)
        way = b - a
        seen.tangent[pick] = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
        out = seen.points[pick] - middle
        seen.normal[pick] = out / np.linalg.norm(out, axis=1, keepdims=True)
        root = 0.72 + 0.28 * (point / (strand.points.shape[1] - 1))
        seen.albedo[pick] = strand.colour[number] * root[:, None]
        seen.kind[pick] = shading.HAIR
        seen.gloss[pick] = 1.0 if strand.casts else 0.15
    return seen


def _scattered(irradiance: Floats, skin: NDArray[np.bool_], scale: float) -> Floats:
    """Light that has spread inside the skin: red farthest. Blurs within the skin only."""
    import cv2

    mask = skin.astype(np.float32)
    out = irradiance.copy()
    for c, widths in enumerate(((0.9, 3.2), (0.6, 1.5), (0.4, 0.9))):
        total = 0.0
        for sigma, part in zip(widths, (0.5, 0.5), strict=True):
            size = (0, 0)
            spread = cv2.GaussianBlur(irradiance[..., c].astype(np.float32) * mask, size, sigma * scale)
            around = cv2.GaussianBlur(mask, size, sigma * scale)
            total = total + part * spread / np.maximum(around, 1e-3)
        out[..., c] = np.where(skin, total, irradiance[..., c])
    return out


def _backdrop(shot: Shot, side: int) -> Floats:
    """A plain wall: a colour, a slow gradient, faint unevenness."""
    import cv2

    rng = np.random.default_rng(shot.seed + 11)
    colour, slope = shot.backdrop
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    turn = rng.uniform(0, 6.3)
    shade = 1 + slope * (np.cos(turn) * x + np.sin(turn) * y) - 0.35 * ((x - rng.normal(0, 0.2)) ** 2 + (y - rng.normal(0, 0.2)) ** 2)
    small = rng.normal(size=(7, 7)).astype(np.float32)
    shade = shade + 0.025 * cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.array(colour) * shade[..., None])


def _light(seen: _Seen, shot: Shot, camera: Camera, solids: Floats, triangles, hairs: Floats, index) -> Picture:  # type: ignore[no-untyped-def]
    side = index.shape[0]
    n = len(seen.rows)
    reach = shading.shadows(shot.lights, solids, triangles, hairs, seen.points, seen.kind == shading.HAIR)
    diffuse, shine = np.zeros((n, 3), np.float32), np.zeros((n, 3), np.float32)
    view = camera.view(seen.points)
    shading.lit(seen.kind, seen.normal, seen.tangent, view, seen.gloss, seen.albedo, shot.lights.directions, shot.lights.colours, reach, diffuse, shine)  # fmt: skip

    def image(values: Floats) -> Floats:
        out = np.zeros((side, side, 3))
        out[seen.rows, seen.columns] = values
        return out

    skin = np.zeros((side, side), bool)
    skin[seen.rows, seen.columns] = seen.kind == shading.SKIN
    irradiance = _scattered(image(diffuse.astype(np.float64)), skin, OVERSAMPLING / 3 * 1.6)
    albedo = image(seen.albedo)
    picture = np.where((index >= 0)[..., None], albedo * irradiance + image(shine.astype(np.float64)), _backdrop(shot, side))
    face = np.zeros((side, side), bool)
    r = seen.rest
    cheeks = (np.abs(np.abs(r[:, 0]) - 0.38) < 0.16) & (r[:, 1] > 6.78) & (r[:, 1] < 7.05)
    brow = (np.abs(r[:, 0]) < 0.4) & (r[:, 1] > 7.6) & (r[:, 1] < 7.8)
    face[seen.rows, seen.columns] = (cheeks | brow) & (seen.kind == shading.SKIN)
    return Picture(picture * shot.exposure, albedo, face)


def develop(linear: Floats, rng: np.random.Generator, blur: float, grain: float) -> NDArray[np.uint8]:
    """uint8[SIDE, SIDE, 3]: lens blur, reduction to the final size, sensor noise, tone curve."""
    import cv2

    soft = cv2.GaussianBlur(linear.astype(np.float32), (0, 0), max(blur * OVERSAMPLING, 0.3))
    small = cv2.resize(soft, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    small = small + rng.normal(size=small.shape) * grain * np.sqrt(np.maximum(small, 0) * 0.0011 + 0.00001)
    curve = small.clip(0) / (1 + small.clip(0) ** 3.0) ** (1 / 3.0)
    srgb = np.where(curve <= 0.0031308, 12.92 * curve, 1.055 * np.maximum(curve, 0.0031308) ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(srgb * 255).clip(0, 255), np.uint8)


__all__ = ["Camera", "Cloth", "Painted", "Picture", "Shot", "develop", "draw", "neckline", "noise"]
