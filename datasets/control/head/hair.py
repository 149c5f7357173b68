"""Hair of the head as strands. Roots are drawn from densities in rest coordinates, so hairlines are irregular."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from faceparity.datasets.control.head.identity import Looks
from faceparity.datasets.control.head.mesh import Floats, Ints
from faceparity.datasets.control.head.skin import Map, noise, wrap


@dataclass(frozen=True)
class Surface:
    """The parts of a head that hair needs: points, normals and rest positions of its vertices, triangles, and the head's centre."""

    points: Floats
    normals: Floats
    rest: Floats
    triangles: Ints
    centre: Floats


@dataclass(frozen=True)
class Strands:
    """Hairs as points float64[n, points, 3] before posing; colour float64[n, 3], linear; casts: whether they throw shadows."""

    points: Floats
    colour: Floats
    casts: bool
    bias: float = 0.0


@dataclass(frozen=True)
class Roots:
    """Where strands begin."""

    points: Floats
    normals: Floats
    rest: Floats


Density = Callable[[Floats], Floats]


def roots(surface: Surface, density: Density, count: int, rng: np.random.Generator) -> Roots:
    """Return `count` points of a surface, distributed by density.

    The density is a function of the rest position.
    """
    corners = surface.rest[surface.triangles]
    posed_corners = surface.points[surface.triangles]
    area = np.linalg.norm(np.cross(posed_corners[:, 1] - posed_corners[:, 0], posed_corners[:, 2] - posed_corners[:, 0]), axis=1)
    weight = area * density(corners.reshape(-1, 3)).reshape(-1, 3).max(1)
    if weight.sum() <= 0:
        return Roots(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3)))
    chosen = rng.choice(len(weight), size=count * 2, p=weight / weight.sum())
    uniform = rng.random((count * 2, 2))
    uniform = np.where(uniform.sum(1, keepdims=True) > 1, 1 - uniform, uniform)
    weights = np.stack([1 - uniform.sum(1), uniform[:, 0], uniform[:, 1]], 1)
    rest = np.einsum("nk,nkc->nc", weights, corners[chosen])
    highest = np.maximum(density(corners[chosen].reshape(-1, 3)).reshape(-1, 3).max(1), 1e-9)
    keep = np.flatnonzero(rng.random(count * 2) < density(rest) / highest)[:count]
    vertices = surface.triangles[chosen[keep]]
    normal = np.einsum("nk,nkc->nc", weights[keep], surface.normals[vertices])
    return Roots(np.einsum("nk,nkc->nc", weights[keep], surface.points[vertices]), unit(normal), rest[keep])


def unit(vectors: Floats) -> Floats:
    """Return vectors scaled to length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def smooth(x: Floats) -> Floats:
    """Return a smooth step from 0 to 1.

    0 below 0, 1 above 1, and 3x² − 2x³ between.
    """
    x = np.clip(x, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


_LINE_AT = np.radians([0, 22, 40, 52, 62, 69, 75, 80, 86, 100, 112, 125, 150, 180])
_LINE = np.array([8.00, 7.99, 7.89, 7.68, 7.46, 7.16, 7.12, 7.38, 7.44, 7.42, 7.1, 6.86, 6.72, 6.68])
"""Lower edge of scalp hair by angle from the front: forehead, temple, sideburn, around the ear, nape."""


def hairline(looks: Looks, sex: str) -> Map:
    """Return the density of scalp hair over the wrapped picture.

    float32[h, w], 0–1.
    """
    from faceparity.datasets.control.head.skin import grid

    rng = np.random.default_rng(looks.seed + 1)
    angle, height = grid()
    bent = np.abs(angle)
    edge = np.interp(bent, _LINE_AT, _LINE)
    male = 1.0 if sex == "male" else 0.0
    edge += (0.03 * male + 0.22 * looks.receding) * np.exp(-(((bent - 0.60) / 0.22) ** 2)) + rng.normal(0, 0.03)
    edge += 0.10 * looks.receding * np.exp(-((bent / 0.4) ** 2))
    edge += np.where(bent < 1.05, 0.022, 0.010) * (noise(rng, 40) + 0.7 * noise(rng, 14))
    if not male:
        edge += 0.18 * np.exp(-(((bent - 1.25) / 0.12) ** 2))
    density = smooth((height - edge) / 0.10 + 0.25)
    return np.asarray(density * (0.75 + 0.25 * smooth((height - edge) / 0.25)), np.float32)


def sample(picture: Map, rest: Floats) -> Floats:
    """Return a wrapped picture's nearest values at rest positions."""
    column, row = wrap(rest)
    height, width = picture.shape[:2]
    return np.asarray(picture[np.rint(row).astype(int).clip(0, height - 1), np.rint(column).astype(int) % width], np.float64)


def scalp_density(looks: Looks, sex: str) -> Density:
    """Return the density of scalp hair by rest position.

    Ears and what is below the nape have none.
    """
    line = hairline(looks, sex)

    def density(rest: Floats) -> Floats:
        ear = (np.abs(rest[:, 0]) > 0.69) & (rest[:, 1] < 7.36) & (rest[:, 2] > 0.25)
        return sample(line, rest) * ~ear * (rest[:, 1] > 6.3)

    return density


class _Obstacle:
    """Where hair can't go: radius of the head by direction, a cylinder for the neck and a height field for the shoulders."""

    ROWS, COLUMNS = 36, 72

    def __init__(self, surface: Surface) -> None:
        import cv2
        from scipy.spatial import cKDTree

        head = surface.points[surface.rest[:, 1] > 6.25]
        self.centre = surface.centre
        away = head - self.centre
        radius = np.linalg.norm(away, axis=1)
        up = (np.arange(self.ROWS) + 0.5) / self.ROWS * np.pi
        around = ((np.arange(self.COLUMNS) + 0.5) / self.COLUMNS - 0.5) * 2 * np.pi
        polar, azimuth = np.meshgrid(up, around, indexing="ij")
        ways = np.stack([np.sin(polar) * np.sin(azimuth), np.cos(polar), np.sin(polar) * np.cos(azimuth)], -1)
        _, near = cKDTree(away / radius[:, None]).query(ways, k=5)
        self._radius = radius[near].mean(-1)
        body = surface.points[surface.rest[:, 1] < 5.85]
        self._low = np.array([-2.6, -1.2])
        self._cell = 0.1
        field = np.full((30, 53), -9.0, np.float32)
        cells = ((body[:, [2, 0]] - self._low[::-1]) / self._cell).astype(int)
        np.maximum.at(field, (cells[:, 0].clip(0, 29), cells[:, 1].clip(0, 52)), body[:, 1])
        for _ in range(2):
            field = np.where(field > -5, field, cv2.dilate(field, np.ones((3, 3), np.uint8)))
        self._field = field
        neck = surface.points[(surface.rest[:, 1] > 5.9) & (surface.rest[:, 1] < 6.15) & (surface.rest[:, 2] < 0.75)]
        self._neck = neck.mean(0)
        self._girth = float(np.percentile(np.linalg.norm((neck - self._neck)[:, [0, 2]], axis=1), 85))

    def _polar(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        offsets = points - self.centre
        radius = np.linalg.norm(offsets, axis=1)
        up = np.arccos(np.clip(offsets[:, 1] / np.maximum(radius, 1e-9), -1, 1)) / np.pi
        around = np.arctan2(offsets[:, 0], offsets[:, 2]) / (2 * np.pi) + 0.5
        return np.minimum(up * self.ROWS, self.ROWS - 1e-3), np.minimum(around * self.COLUMNS, self.COLUMNS - 1e-3), radius

    def outside(self, points: Floats, gap: Floats) -> Floats:
        """Return the points, moved at least `gap` off the head."""
        row, column, radius = self._polar(points)
        low = self._radius[row.astype(int), column.astype(int)] + gap
        offsets = points - self.centre
        out = np.where((radius < low)[:, None], self.centre + offsets * (low / np.maximum(radius, 1e-9))[:, None], points)
        beside = out - self._neck
        far = np.linalg.norm(beside[:, [0, 2]], axis=1)
        close = (out[:, 1] < self.centre[1] - 0.9) & (far < self._girth + gap)
        push = np.where(close, (self._girth + gap) / np.maximum(far, 1e-9), 1.0)
        out[:, 0] = self._neck[0] + beside[:, 0] * push
        out[:, 2] = self._neck[2] + beside[:, 2] * push
        cells = ((out[:, [2, 0]] - self._low[::-1]) / self._cell).astype(int)
        floor = self._field[cells[:, 0].clip(0, 29), cells[:, 1].clip(0, 52)] + gap
        out[:, 1] = np.maximum(out[:, 1], floor)
        return np.asarray(out)


def waves(rng: np.random.Generator, positions: Floats, scale: float) -> Floats:
    """Return a smooth random field.

    float64[n, 3], about unit variance; scale in decimetres.
    """
    total = np.zeros_like(positions)
    for _ in range(6):
        frequencies = rng.normal(size=(3, 3)) / scale
        total += np.sin(positions @ frequencies.T * 1.5 + rng.uniform(0, 6.3, 3))
    return np.asarray(total / np.sqrt(3))


@dataclass(frozen=True)
class _Style:
    count: int
    steps: int
    lift: float
    gravity: float
    comb: str


_STYLES = {
    "buzz": _Style(16000, 3, 0.75, 0.0, "whorl"),
    "short": _Style(16000, 6, 0.24, 0.06, "whorl"),
    "side": _Style(16000, 8, 0.26, 0.06, "side"),
    "curly": _Style(13000, 12, 0.6, 0.08, "whorl"),
    "coily": _Style(16000, 10, 0.9, 0.0, "whorl"),
    "afro": _Style(15000, 14, 1.0, 0.0, "whorl"),
    "bob": _Style(12000, 14, 0.12, 0.42, "part"),
    "long": _Style(12000, 18, 0.10, 0.45, "part"),
    "wavy": _Style(12000, 18, 0.14, 0.40, "part"),
    "curly_long": _Style(12000, 22, 0.25, 0.34, "part"),
    "tied": _Style(15000, 10, 0.10, 0.0, "back"),
}


_CENTRE = np.array([0.0, 7.404, 0.565])
"""The head's centre at rest."""
_TIED = np.array([0.0, 7.55, -0.50])
"""Where hair is tied, at rest."""


def _comb(kind: str, looks: Looks, root: Roots, centre: Floats) -> Floats:
    """Return which way hair lies at each root.

    Unit vectors.
    """
    rest = root.rest
    if kind == "whorl":
        direction = rest - np.array([0.12, 8.45, 0.05])
        direction[:, 2] += 0.25
        direction[:, 1] -= 0.6
    elif kind == "side":
        over = 1.0 if looks.parting <= 0 else -1.0
        top = smooth((rest[:, 1] - 7.85) / 0.25)
        direction = np.stack([over * 0.9 * top, -1.0 + 1.0 * top, -0.35 - 0.1 * top], 1)
    elif kind == "part":
        side = np.tanh((rest[:, 0] - looks.parting * smooth((rest[:, 2] - 0.2) / 0.5)) / 0.025)
        front = smooth((rest[:, 2] - 0.5) / 0.6)
        direction = np.stack([side * 1.0, np.full(len(rest), -0.35), -0.2 - 0.75 * front], 1)
    else:
        direction = _TIED - rest
    tangent = direction - (direction * root.normals).sum(1, keepdims=True) * root.normals
    return unit(tangent)


def _lengths(looks: Looks, root: Roots, rng: np.random.Generator) -> Floats:
    """Return the length of every strand.

    Men's short cuts are shorter at the sides; all vary.
    """
    base = np.full(len(root.rest), looks.hair_length)
    if looks.hair in ("short", "side", "curly", "coily"):
        top = smooth((root.rest[:, 1] - 7.35) / 0.75)
        base = base * (0.22 + 0.78 * top)
    if looks.hair in ("bob", "long", "wavy", "curly_long"):
        base = base * (0.80 + 0.2 * smooth((8.3 - root.rest[:, 1]) / -1.2)) - np.clip(8.0 - root.rest[:, 1], 0, 1.4) * 0.55
    return np.asarray(np.maximum(base * np.exp(rng.normal(0, 0.13, len(base))), 0.02))


def _grow_strands(
    root: Roots, comb: Floats, lengths: Floats, style: _Style, looks: Looks, solid: _Obstacle, rng: np.random.Generator
) -> Floats:
    count, steps = len(root.points), style.steps
    clump = waves(rng, root.rest, 0.16)
    heading = unit(root.normals * style.lift + comb * (1 - style.lift * 0.6) + 0.16 * clump + rng.normal(0, 0.09, (count, 3)))
    points = np.empty((count, steps, 3))
    points[:, 0] = root.points - 0.015 * root.normals
    step = lengths / (steps - 1)
    gap = 0.015 + 0.06 * rng.random(count) ** 1.5 * min(1.0, looks.hair_length)
    side_of = np.where(root.rest[:, 0] > looks.parting * smooth((root.rest[:, 2] - 0.2) / 0.5), 1.0, -1.0)
    phase = rng.uniform(0, 6.3, count) * (0.35 if looks.curl < 0.6 else 1.0) + 2.5 * clump[:, 0]
    for i in range(1, steps):
        fraction = i / (steps - 1)
        heading = heading + style.gravity * np.array([0, -1.0, 0])
        if style.comb != "part":
            heading = heading + 0.10 * comb
        if style.comb == "back":
            heading = 0.35 * heading + 0.65 * unit(solid.centre + _TIED - _CENTRE - points[:, i - 1])
        heading = unit(heading + 0.07 * rng.normal(size=(count, 3)) * (0.4 + looks.curl))
        if looks.curl > 0.05:
            side = unit(np.cross(heading, root.normals + 0.01))
            up = np.cross(side, heading)
            turn = phase + (9.0 + 4 * looks.curl) * fraction * lengths / (0.55 - 0.25 * min(looks.curl, 1))
            swing = looks.curl * (0.9 if looks.curl < 0.6 else 1.3)
            move = heading + swing * (np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * up)
        else:
            move = heading
        new = points[:, i - 1] + step[:, None] * move
        if style.comb in ("part", "back", "side"):
            new = solid.outside(new, gap * min(1.0, 0.3 + i / 3))
        if style.comb == "part":
            heading = 0.5 * heading + 0.5 * unit(new - points[:, i - 1])
        if style.comb == "part":
            new = _off_the_face(new, side_of, solid.centre)
        points[:, i] = new
    return points


def _off_the_face(points: Floats, side: Floats, centre: Floats) -> Floats:
    """Move long hair beside the face.

    It falls on the side of the parting where it grows.
    """
    ahead = smooth((points[:, 2] - centre[2] - 0.15) / 0.35) * smooth((centre[1] + 0.62 - points[:, 1]) / 0.5)
    least = 0.66 * ahead
    sideways = np.where(side * points[:, 0] < least, side * least, points[:, 0])
    return np.stack([np.where(ahead > 0, sideways, points[:, 0]), points[:, 1], points[:, 2]], 1)


def tinted(
    rng: np.random.Generator, colour: tuple[float, float, float], count: int, spread: float, positions: Floats | None = None
) -> Floats:
    """Return colours of strands, some lighter and some darker.

    With positions, neighbours are alike.
    """
    shade = rng.normal(0, spread, count)
    if positions is not None:
        shade = shade + spread * waves(rng, positions, 0.10)[:, 0]
    return np.asarray(np.array(colour) * np.exp(shade)[:, None])


def scalp(surface: Surface, looks: Looks, sex: str) -> Strands | None:
    """Return the hair of the head.

    None where it is shaved or painted only.
    """
    if looks.hair == "bald":
        return None
    rng = np.random.default_rng(looks.seed + 2)
    style = _STYLES[looks.hair]
    root = roots(surface, scalp_density(looks, sex), style.count, rng)
    comb = _comb(style.comb, looks, root, surface.centre)
    lengths = _lengths(looks, root, rng)
    if style.comb == "back":
        lengths = np.minimum(np.linalg.norm(root.rest - _TIED, axis=1) * 1.25, 2.4)
    points = _grow_strands(root, comb, lengths, style, looks, _Obstacle(surface), rng)
    return Strands(points, tinted(rng, looks.hair_colour, len(points), 0.16, root.rest), True)
