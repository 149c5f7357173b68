"""Hair as strands: scalp, brows, lashes and beard. Roots are drawn from densities in rest coordinates, so hairlines are irregular."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .identity import Looks
from .mesh import Floats, Ints
from .skin import AXIS, Map, noise, wrap


@dataclass(frozen=True)
class Surface:
    """A head as far as hair needs it: points, normals and rest positions of its vertices, triangles, and the head's centre."""

    points: Floats
    normals: Floats
    rest: Floats
    triangles: Ints
    centre: Floats


@dataclass(frozen=True)
class Strands:
    """float64[n, points, 3] before posing; colour float64[n, 3], linear; casts: whether they throw shadows."""

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
    """`count` points on the surface, distributed like density(rest position)."""
    corners = surface.rest[surface.triangles]
    real = surface.points[surface.triangles]
    area = np.linalg.norm(np.cross(real[:, 1] - real[:, 0], real[:, 2] - real[:, 0]), axis=1)
    weight = area * density(corners.reshape(-1, 3)).reshape(-1, 3).max(1)
    if weight.sum() <= 0:
        return Roots(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3)))
    chosen = rng.choice(len(weight), size=count * 2, p=weight / weight.sum())
    u = rng.random((count * 2, 2))
    u = np.where(u.sum(1, keepdims=True) > 1, 1 - u, u)
    w = np.stack([1 - u.sum(1), u[:, 0], u[:, 1]], 1)
    rest = np.einsum("nk,nkc->nc", w, corners[chosen])
    most = np.maximum(density(corners[chosen].reshape(-1, 3)).reshape(-1, 3).max(1), 1e-9)
    keep = np.flatnonzero(rng.random(count * 2) < density(rest) / most)[:count]
    at = surface.triangles[chosen[keep]]
    normal = np.einsum("nk,nkc->nc", w[keep], surface.normals[at])
    return Roots(np.einsum("nk,nkc->nc", w[keep], surface.points[at]), _unit(normal), rest[keep])


def _unit(v: Floats) -> Floats:
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9))


def _smooth(x: Floats) -> Floats:
    x = np.clip(x, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


_LINE_AT = np.radians([0, 22, 40, 52, 62, 69, 75, 80, 86, 100, 112, 125, 150, 180])
_LINE = np.array([8.00, 7.99, 7.89, 7.68, 7.46, 7.16, 7.12, 7.38, 7.44, 7.42, 7.1, 6.86, 6.72, 6.68])
"""Lower edge of scalp hair by angle from the front: forehead, temple, sideburn, around the ear, nape."""


def hairline(looks: Looks, sex: str) -> Map:
    """Float32[h, w] of the wrapped picture: density of scalp hair, 0–1."""
    from .skin import grid

    rng = np.random.default_rng(looks.seed + 1)
    angle, y = grid()
    bent = np.abs(angle)
    edge = np.interp(bent, _LINE_AT, _LINE)
    male = 1.0 if sex == "male" else 0.0
    edge += (0.03 * male + 0.22 * looks.receding) * np.exp(-(((bent - 0.60) / 0.22) ** 2)) + rng.normal(0, 0.03)
    edge += 0.10 * looks.receding * np.exp(-((bent / 0.4) ** 2))
    edge += np.where(bent < 1.05, 0.022, 0.010) * (noise(rng, 40) + 0.7 * noise(rng, 14))
    if not male:
        edge += 0.18 * np.exp(-(((bent - 1.25) / 0.12) ** 2))
    density = _smooth((y - edge) / 0.10 + 0.25)
    return np.asarray(density * (0.75 + 0.25 * _smooth((y - edge) / 0.25)), np.float32)


def sample(picture: Map, rest: Floats) -> Floats:
    """Nearest value of a wrapped picture at rest positions."""
    column, row = wrap(rest)
    h, w = picture.shape[:2]
    return np.asarray(picture[np.rint(row).astype(int).clip(0, h - 1), np.rint(column).astype(int) % w], np.float64)


def scalp_density(looks: Looks, sex: str) -> Density:
    """Density of scalp hair by rest position; ears and what is below the nape have none."""
    line = hairline(looks, sex)

    def density(rest: Floats) -> Floats:
        ear = (np.abs(rest[:, 0]) > 0.69) & (rest[:, 1] < 7.36) & (rest[:, 2] > 0.25)
        return sample(line, rest) * ~ear * (rest[:, 1] > 6.3)

    return density


class _Solid:
    """Keeps hair outside: radius of the head by direction, a cylinder for the neck and a height field for the shoulders."""

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
        u, a = np.meshgrid(up, around, indexing="ij")
        ways = np.stack([np.sin(u) * np.sin(a), np.cos(u), np.sin(u) * np.cos(a)], -1)
        _, near = cKDTree(away / radius[:, None]).query(ways, k=5)
        self._radius = radius[near].mean(-1)
        body = surface.points[surface.rest[:, 1] < 5.85]
        self._low = np.array([-2.6, -1.2])
        self._cell = 0.1
        field = np.full((30, 53), -9.0, np.float32)
        i = ((body[:, [2, 0]] - self._low[::-1]) / self._cell).astype(int)
        np.maximum.at(field, (i[:, 0].clip(0, 29), i[:, 1].clip(0, 52)), body[:, 1])
        for _ in range(2):
            field = np.where(field > -5, field, cv2.dilate(field, np.ones((3, 3), np.uint8)))
        self._field = field
        neck = surface.points[(surface.rest[:, 1] > 5.9) & (surface.rest[:, 1] < 6.15) & (surface.rest[:, 2] < 0.75)]
        self._neck = neck.mean(0)
        self._girth = float(np.percentile(np.linalg.norm((neck - self._neck)[:, [0, 2]], axis=1), 85))

    def _polar(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        d = points - self.centre
        radius = np.linalg.norm(d, axis=1)
        up = np.arccos(np.clip(d[:, 1] / np.maximum(radius, 1e-9), -1, 1)) / np.pi
        around = np.arctan2(d[:, 0], d[:, 2]) / (2 * np.pi) + 0.5
        return np.minimum(up * self.ROWS, self.ROWS - 1e-3), np.minimum(around * self.COLUMNS, self.COLUMNS - 1e-3), radius

    def outside(self, points: Floats, gap: Floats) -> Floats:
        """The points, those within `gap` of the head moved out."""
        row, column, radius = self._polar(points)
        low = self._radius[row.astype(int), column.astype(int)] + gap
        d = points - self.centre
        out = np.where((radius < low)[:, None], self.centre + d * (low / np.maximum(radius, 1e-9))[:, None], points)
        beside = out - self._neck
        far = np.linalg.norm(beside[:, [0, 2]], axis=1)
        close = (out[:, 1] < self.centre[1] - 0.9) & (far < self._girth + gap)
        push = np.where(close, (self._girth + gap) / np.maximum(far, 1e-9), 1.0)
        out[:, 0] = self._neck[0] + beside[:, 0] * push
        out[:, 2] = self._neck[2] + beside[:, 2] * push
        i = ((out[:, [2, 0]] - self._low[::-1]) / self._cell).astype(int)
        floor = self._field[i[:, 0].clip(0, 29), i[:, 1].clip(0, 52)] + gap
        out[:, 1] = np.maximum(out[:, 1], floor)
        return np.asarray(out)


def _waves(rng: np.random.Generator, at: Floats, scale: float) -> Floats:
    """float64[n, 3]: a smooth random field, about unit variance; scale in decimetres."""
    total = np.zeros_like(at)
    for _ in range(6):
        k = rng.normal(size=(3, 3)) / scale
        total += np.sin(at @ k.T * 1.5 + rng.uniform(0, 6.3, 3))
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
    """Unit vectors: which way hair lies at each root."""
    p = root.rest
    if kind == "whorl":
        way = p - np.array([0.12, 8.45, 0.05])
        way[:, 2] += 0.25
        way[:, 1] -= 0.6
    elif kind == "side":
        over = 1.0 if looks.parting <= 0 else -1.0
        top = _smooth((p[:, 1] - 7.85) / 0.25)
        way = np.stack([over * 0.9 * top, -1.0 + 1.0 * top, -0.35 - 0.1 * top], 1)
    elif kind == "part":
        side = np.tanh((p[:, 0] - looks.parting * _smooth((p[:, 2] - 0.2) / 0.5)) / 0.025)
        front = _smooth((p[:, 2] - 0.5) / 0.6)
        way = np.stack([side * 1.0, np.full(len(p), -0.35), -0.2 - 0.75 * front], 1)
    else:
        way = _TIED - p
    tangent = way - (way * root.normals).sum(1, keepdims=True) * root.normals
    return _unit(tangent)


def _lengths(looks: Looks, root: Roots, rng: np.random.Generator) -> Floats:
    """Length of every strand: men's short cuts are shorter at the sides; all vary."""
    base = np.full(len(root.rest), looks.hair_length)
    if looks.hair in ("short", "side", "curly", "coily"):
        top = _smooth((root.rest[:, 1] - 7.35) / 0.75)
        base = base * (0.22 + 0.78 * top)
    if looks.hair in ("bob", "long", "wavy", "curly_long"):
        base = base * (0.80 + 0.2 * _smooth((8.3 - root.rest[:, 1]) / -1.2)) - np.clip(8.0 - root.rest[:, 1], 0, 1.4) * 0.55
    return np.asarray(np.maximum(base * np.exp(rng.normal(0, 0.13, len(base))), 0.02))


def _grow(
    root: Roots, comb: Floats, lengths: Floats, style: _Style, looks: Looks, solid: _Solid, rng: np.random.Generator
) -> Floats:
    n, steps = len(root.points), style.steps
    clump = _waves(rng, root.rest, 0.16)
    heading = _unit(root.normals * style.lift + comb * (1 - style.lift * 0.6) + 0.16 * clump + rng.normal(0, 0.09, (n, 3)))
    points = np.empty((n, steps, 3))
    points[:, 0] = root.points - 0.015 * root.normals
    step = lengths / (steps - 1)
    gap = 0.015 + 0.06 * rng.random(n) ** 1.5 * min(1.0, looks.hair_length)
    side_of = np.where(root.rest[:, 0] > looks.parting * _smooth((root.rest[:, 2] - 0.2) / 0.5), 1.0, -1.0)
    phase = rng.uniform(0, 6.3, n) * (0.35 if looks.curl < 0.6 else 1.0) + 2.5 * clump[:, 0]
    for i in range(1, steps):
        f = i / (steps - 1)
        heading = heading + style.gravity * np.array([0, -1.0, 0])
        if style.comb != "part":
            heading = heading + 0.10 * comb
        if style.comb == "back":
            heading = 0.35 * heading + 0.65 * _unit(solid.centre + _TIED - _CENTRE - points[:, i - 1])
        heading = _unit(heading + 0.07 * rng.normal(size=(n, 3)) * (0.4 + looks.curl))
        if looks.curl > 0.05:
            side = _unit(np.cross(heading, root.normals + 0.01))
            up = np.cross(side, heading)
            turn = phase + (9.0 + 4 * looks.curl) * f * lengths / (0.55 - 0.25 * min(looks.curl, 1))
            swing = looks.curl * (0.9 if looks.curl < 0.6 else 1.3)
            move = heading + swing * (np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * up)
        else:
            move = heading
        new = points[:, i - 1] + step[:, None] * move
        if style.comb in ("part", "back", "side"):
            new = solid.outside(new, gap * min(1.0, 0.3 + i / 3))
        if style.comb == "part":
            heading = 0.5 * heading + 0.5 * _unit(new - points[:, i - 1])
        if style.comb == "part":
            new = _off_the_face(new, side_of, solid.centre)
        points[:, i] = new
    return points


def _off_the_face(points: Floats, side: Floats, centre: Floats) -> Floats:
    """Long hair falls beside the face, on the side of the parting where it grows."""
    ahead = _smooth((points[:, 2] - centre[2] - 0.15) / 0.35) * _smooth((centre[1] + 0.62 - points[:, 1]) / 0.5)
    least = 0.66 * ahead
    x = np.where(side * points[:, 0] < least, side * least, points[:, 0])
    return np.stack([np.where(ahead > 0, x, points[:, 0]), points[:, 1], points[:, 2]], 1)


def _tinted(
    rng: np.random.Generator, colour: tuple[float, float, float], n: int, spread: float, at: Floats | None = None
) -> Floats:
    """Colours of strands: some lighter, some darker, neighbours alike."""
    shade = rng.normal(0, spread, n)
    if at is not None:
        shade = shade + spread * _waves(rng, at, 0.10)[:, 0]
    return np.asarray(np.array(colour) * np.exp(shade)[:, None])


def scalp(surface: Surface, looks: Looks, sex: str) -> Strands | None:
    """The hair of the head; None where it is shaved or painted only."""
    if looks.hair == "bald":
        return None
    rng = np.random.default_rng(looks.seed + 2)
    style = _STYLES[looks.hair]
    root = roots(surface, scalp_density(looks, sex), style.count, rng)
    comb = _comb(style.comb, looks, root, surface.centre)
    lengths = _lengths(looks, root, rng)
    if style.comb == "back":
        lengths = np.minimum(np.linalg.norm(root.rest - _TIED, axis=1) * 1.25, 2.4)
    points = _grow(root, comb, lengths, style, looks, _Solid(surface), rng)
    return Strands(points, _tinted(rng, looks.hair_colour, len(points), 0.16, root.rest), True)


def _curved(root: Roots, way: Floats, lengths: Floats, lift: float, rng: np.random.Generator, steps: int = 4) -> Floats:
    """Short strands that lie along `way`."""
    tangent = _unit(way - (way * root.normals).sum(1, keepdims=True) * root.normals)
    tangent = _unit(tangent + rng.normal(0, 0.16, tangent.shape))
    f = np.linspace(0, 1, steps)[None, :, None]
    rise = lift * root.normals[:, None] * (f - 0.55 * f * f)
    return np.asarray(root.points[:, None] + lengths[:, None, None] * (tangent[:, None] * f + rise))


def _brow_centre(x: Floats, looks: Looks) -> Floats:
    t = np.clip((x - 0.12) / 0.42, -0.2, 1.2)
    return np.asarray(
        7.435 + 0.075 * np.sin(np.clip(t, 0, 1) * 2.1) * (1 + 0.7 * looks.brow_arch) - 0.085 * np.maximum(t - 0.62, 0) * 2
    )


def brows(surface: Surface, looks: Looks) -> Strands:
    """Eyebrows."""
    rng = np.random.default_rng(looks.seed + 3)

    def density(rest: Floats) -> Floats:
        x = np.abs(rest[:, 0])
        t = (x - 0.12) / 0.43
        half = looks.brow_thickness * (0.036 - 0.022 * np.clip(t, 0, 1) ** 1.5)
        across = np.abs(rest[:, 1] - _brow_centre(x, looks)) / half
        along = _smooth((t + 0.03) / 0.16) * _smooth((1.03 - t) / 0.16)
        return np.asarray(along * np.exp(-(across**3)) * (rest[:, 2] > 1.0))

    root = roots(surface, density, int(480 * looks.brow_density), rng)
    side = np.sign(root.rest[:, 0])
    t = np.clip((np.abs(root.rest[:, 0]) - 0.12) / 0.42, 0, 1)
    way = np.stack([side * (0.35 + t), 0.75 - 1.05 * t, -0.3 * t], 1)
    lengths = rng.uniform(0.045, 0.085, len(root.points))
    colour = np.minimum(np.array(looks.hair_colour) * 0.6 + np.array([0.032, 0.024, 0.019]), 0.085)
    return Strands(_curved(root, way, lengths, 0.22, rng), _tinted(rng, tuple(colour), len(root.points), 0.2), False, 0.012)


def _beard_density(looks: Looks) -> Density:
    rng = np.random.default_rng(looks.seed + 4)
    rough = noise(rng, 30) * 0.016 + noise(rng, 10) * 0.007
    high = rng.normal(0, 0.05)
    kind = looks.beard

    def density(rest: Floats) -> Floats:
        wobble = sample(rough, rest)
        angle = np.abs(np.arctan2(rest[:, 0], rest[:, 2] - AXIS))
        y = rest[:, 1] + wobble
        x = np.abs(rest[:, 0]) + wobble
        cheek = np.interp(angle, [0.0, 0.28, 0.45, 0.8, 1.1, 1.3], [6.60, 6.66, 6.62, 6.72, 7.02, 7.12]) + high
        below = np.interp(angle, [0.0, 0.5, 1.0, 1.4], [5.98, 6.02, 6.22, 6.45])
        jaw = _smooth((cheek - y) / 0.16) * _smooth((y - below) / 0.14) * _smooth((1.40 - angle) / 0.12)
        upper = _smooth((0.30 - x) / 0.09) * _smooth((y - 6.66) / 0.05) * _smooth((6.845 - y) / 0.05) * (rest[:, 2] > 1.2)
        chin = _smooth((0.26 - x) / 0.1) * _smooth((6.52 - y) / 0.06) * _smooth((y - 6.08) / 0.1) * (rest[:, 2] > 0.9)
        corners = _smooth((x - 0.20) / 0.06) * _smooth((0.36 - x) / 0.06) * _smooth((6.78 - y) / 0.05) * _smooth((y - 6.3) / 0.05)
        corners = corners * (rest[:, 2] > 1.0)
        lips = np.exp(-((np.abs(rest[:, 0]) / 0.24) ** 4) - (((rest[:, 1] - 6.605) / 0.10) ** 4)) * (rest[:, 2] > 1.2)
        if kind == "moustache":
            total = upper
        elif kind == "goatee":
            total = np.maximum(np.maximum(upper, chin), 0.8 * corners)
        else:
            total = np.maximum(np.maximum(jaw, upper), np.maximum(chin, corners))
        ear = (np.abs(rest[:, 0]) > 0.70) & (rest[:, 1] > 6.83)
        return np.asarray(total * np.clip(1 - 1.4 * lips, 0, 1) * ~ear)

    return density


_BEARDS = {
    "stubble": (7000, 0.016),
    "short": (9000, 0.045),
    "goatee": (5000, 0.05),
    "moustache": (2600, 0.055),
    "full": (12000, 0.14),
}


def beard_picture(looks: Looks, sex: str) -> Density | None:
    """Where the skin shows shaved or grown beard; None for women."""
    if sex == "female":
        return None
    if looks.beard != "none":
        return _beard_density(looks)
    from dataclasses import replace

    return _beard_density(replace(looks, beard="stubble"))


def beard(surface: Surface, looks: Looks) -> Strands | None:
    """Moustache, beard or stubble."""
    if looks.beard == "none":
        return None
    rng = np.random.default_rng(looks.seed + 5)
    count, length = _BEARDS[looks.beard]
    root = roots(surface, _beard_density(looks), int(count * min(1.0, looks.beard_density)), rng)
    side = np.sign(root.rest[:, 0])
    way = np.stack([0.35 * side * (root.rest[:, 1] > 6.6), np.full(len(side), -1.0), np.full(len(side), 0.05)], 1)
    lengths = length * np.exp(rng.normal(0, 0.25, len(side)))
    points = _curved(root, way, lengths, 0.55, rng, 5)
    points += 0.25 * lengths[:, None, None] * _waves(rng, root.rest, 0.05)[:, None] * np.linspace(0, 1, 5)[None, :, None] ** 2
    shade = tuple(0.8 * c for c in looks.hair_colour)
    return Strands(points, _tinted(rng, (shade[0], shade[1], shade[2]), len(points), 0.22), looks.beard == "full", 0.006)


def lashes(rims: list[tuple[Floats, bool, float]], looks: Looks) -> Strands:
    """Eyelashes. rims: for each lid the curve of its edge float64[n, 3] from the nose outward, whether upper, and the side (±1)."""
    rng = np.random.default_rng(looks.seed + 6)
    all_points = []
    for curve, upper, side in rims:
        n = int((34 if upper else 7) * looks.lashes)
        t = np.sort(rng.uniform(0.12, 0.97, n))
        at = np.stack([np.interp(t * (len(curve) - 1), np.arange(len(curve)), curve[:, i]) for i in range(3)], 1)
        fan = (t - 0.42) * 1.5
        length = (0.044 if upper else 0.022) * looks.lashes**0.5 * (0.65 + 0.5 * t) * np.exp(rng.normal(0, 0.15, n))
        out = _unit(np.stack([side * fan, np.full(n, -0.05 if upper else -0.35), np.full(n, 0.8)], 1))
        bend = np.array([0, 0.95 if upper else -0.35, 0.0])
        f = np.linspace(0, 1, 5)[None, :, None]
        all_points.append(at[:, None] + length[:, None, None] * (out[:, None] * f + bend * f * f * 0.8))
    points = np.concatenate(all_points)
    return Strands(points, _tinted(rng, (0.02, 0.014, 0.012), len(points), 0.2), False, 0.015)
