"""Brows, lashes and beards: short strands that lie on the face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from faceparity.datasets.control.head.hair import Density, Roots, Strands, Surface, roots, sample, smooth, tinted, unit, waves
from faceparity.datasets.control.head.identity import Looks
from faceparity.datasets.control.head.mesh import Floats
from faceparity.datasets.control.head.skin import AXIS, noise


def _short_strands(
    root: Roots, direction: Floats, lengths: Floats, lift: float, rng: np.random.Generator, steps: int = 4
) -> Floats:
    """Return short strands that lie along a direction."""
    tangent = unit(direction - (direction * root.normals).sum(1, keepdims=True) * root.normals)
    tangent = unit(tangent + rng.normal(0, 0.16, tangent.shape))
    fraction = np.linspace(0, 1, steps)[None, :, None]
    rise = lift * root.normals[:, None] * (fraction - 0.55 * fraction * fraction)
    return np.asarray(root.points[:, None] + lengths[:, None, None] * (tangent[:, None] * fraction + rise))


def _brow_centre(sideways: Floats, looks: Looks) -> Floats:
    relative = np.clip((sideways - 0.12) / 0.42, -0.2, 1.2)
    return np.asarray(
        7.435
        + 0.075 * np.sin(np.clip(relative, 0, 1) * 2.1) * (1 + 0.7 * looks.brow_arch)
        - 0.085 * np.maximum(relative - 0.62, 0) * 2
    )


def brows(surface: Surface, looks: Looks) -> Strands:
    """Return the eyebrows."""
    rng = np.random.default_rng(looks.seed + 3)

    def density(rest: Floats) -> Floats:
        sideways = np.abs(rest[:, 0])
        relative = (sideways - 0.12) / 0.43
        half = looks.brow_thickness * (0.036 - 0.022 * np.clip(relative, 0, 1) ** 1.5)
        crosswise = np.abs(rest[:, 1] - _brow_centre(sideways, looks)) / half
        lengthwise = smooth((relative + 0.03) / 0.16) * smooth((1.03 - relative) / 0.16)
        return np.asarray(lengthwise * np.exp(-(crosswise**3)) * (rest[:, 2] > 1.0))

    root = roots(surface, density, int(480 * looks.brow_density), rng)
    side = np.sign(root.rest[:, 0])
    relative = np.clip((np.abs(root.rest[:, 0]) - 0.12) / 0.42, 0, 1)
    direction = np.stack([side * (0.35 + relative), 0.75 - 1.05 * relative, -0.3 * relative], 1)
    lengths = rng.uniform(0.045, 0.085, len(root.points))
    colour = np.minimum(np.array(looks.hair_colour) * 0.6 + np.array([0.032, 0.024, 0.019]), 0.085)
    return Strands(
        _short_strands(root, direction, lengths, 0.22, rng), tinted(rng, tuple(colour), len(root.points), 0.2), False, 0.012
    )


def _beard_density(looks: Looks) -> Density:
    rng = np.random.default_rng(looks.seed + 4)
    rough = noise(rng, 30) * 0.016 + noise(rng, 10) * 0.007
    high = rng.normal(0, 0.05)
    kind = looks.beard

    def density(rest: Floats) -> Floats:
        wobble = sample(rough, rest)
        angle = np.abs(np.arctan2(rest[:, 0], rest[:, 2] - AXIS))
        height = rest[:, 1] + wobble
        sideways = np.abs(rest[:, 0]) + wobble
        cheek = np.interp(angle, [0.0, 0.28, 0.45, 0.8, 1.1, 1.3], [6.60, 6.66, 6.62, 6.72, 7.02, 7.12]) + high
        below = np.interp(angle, [0.0, 0.5, 1.0, 1.4], [5.98, 6.02, 6.22, 6.45])
        jaw = smooth((cheek - height) / 0.16) * smooth((height - below) / 0.14) * smooth((1.40 - angle) / 0.12)
        upper = (
            smooth((0.30 - sideways) / 0.09)
            * smooth((height - 6.66) / 0.05)
            * smooth((6.845 - height) / 0.05)
            * (rest[:, 2] > 1.2)
        )
        chin = (
            smooth((0.26 - sideways) / 0.1) * smooth((6.52 - height) / 0.06) * smooth((height - 6.08) / 0.1) * (rest[:, 2] > 0.9)
        )
        corners = (
            smooth((sideways - 0.20) / 0.06)
            * smooth((0.36 - sideways) / 0.06)
            * smooth((6.78 - height) / 0.05)
            * smooth((height - 6.3) / 0.05)
        )
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
    """Return where the skin shows shaved or grown beard.

    None for women.
    """
    if sex == "female":
        return None
    if looks.beard != "none":
        return _beard_density(looks)
    return _beard_density(replace(looks, beard="stubble"))


def beard(surface: Surface, looks: Looks) -> Strands | None:
    """Return the moustache, beard or stubble.

    None where there is none.
    """
    if looks.beard == "none":
        return None
    rng = np.random.default_rng(looks.seed + 5)
    count, length = _BEARDS[looks.beard]
    root = roots(surface, _beard_density(looks), int(count * min(1.0, looks.beard_density)), rng)
    side = np.sign(root.rest[:, 0])
    direction = np.stack([0.35 * side * (root.rest[:, 1] > 6.6), np.full(len(side), -1.0), np.full(len(side), 0.05)], 1)
    lengths = length * np.exp(rng.normal(0, 0.25, len(side)))
    points = _short_strands(root, direction, lengths, 0.55, rng, 5)
    points += 0.25 * lengths[:, None, None] * waves(rng, root.rest, 0.05)[:, None] * np.linspace(0, 1, 5)[None, :, None] ** 2
    shade = tuple(0.8 * channel for channel in looks.hair_colour)
    return Strands(points, tinted(rng, (shade[0], shade[1], shade[2]), len(points), 0.22), looks.beard == "full", 0.006)


def lashes(rims: list[tuple[Floats, bool, float]], looks: Looks) -> Strands:
    """Return the eyelashes.

    rims: for each lid the curve of its edge float64[n, 3] from the nose outward, whether upper, and the side (±1).
    """
    rng = np.random.default_rng(looks.seed + 6)
    all_points = []
    for curve, upper, side in rims:
        count = int((34 if upper else 7) * looks.lashes)
        positions = np.sort(rng.uniform(0.12, 0.97, count))
        lash_roots = np.stack([np.interp(positions * (len(curve) - 1), np.arange(len(curve)), curve[:, i]) for i in range(3)], 1)
        fan = (positions - 0.42) * 1.5
        length = (0.044 if upper else 0.022) * looks.lashes**0.5 * (0.65 + 0.5 * positions) * np.exp(rng.normal(0, 0.15, count))
        out = unit(np.stack([side * fan, np.full(count, -0.05 if upper else -0.35), np.full(count, 0.8)], 1))
        bend = np.array([0, 0.95 if upper else -0.35, 0.0])
        fractions = np.linspace(0, 1, 5)[None, :, None]
        all_points.append(
            lash_roots[:, None] + length[:, None, None] * (out[:, None] * fractions + bend * fractions * fractions * 0.8)
        )
    points = np.concatenate(all_points)
    return Strands(points, tinted(rng, (0.02, 0.014, 0.012), len(points), 0.2), False, 0.015)
