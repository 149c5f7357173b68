"""Light: soft lamps and a sky as bundles of directions, each with a shadow map; skin, hair, eyes and cloth under them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.numba_cache import njit
from faceparity.datasets.control.head.mesh import Floats, Ints
from faceparity.datasets.control.rendering import raster

SHADOW_SIDE = 208
SHADOW_SPAN = 4.8
"""Texels and decimetres across a shadow map."""

SKIN, HAIR, EYE, CLOTH = 0, 1, 2, 3


@dataclass(frozen=True)
class Lights:
    """directions float64[n, 3], towards the light; colours float64[n, 3], irradiance of a surface that faces it."""

    directions: Floats
    colours: Floats


def _cone(axis: Floats, degrees: float, count: int) -> Floats:
    """Return `count` directions spread evenly over a cap."""
    axis = axis / np.linalg.norm(axis)
    side = np.cross(axis, [0.0, 1.0, 0.1])
    side /= np.linalg.norm(side)
    up = np.cross(side, axis)
    numbers = np.arange(count) + 0.5
    away = np.radians(degrees) * np.sqrt(numbers / count)
    turn = numbers * 2.399963
    off = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * up
    return np.asarray(np.cos(away)[:, None] * axis + np.sin(away)[:, None] * off)


def _from_angles(azimuth: float, height: float) -> Floats:
    sideways, upward = np.radians([azimuth, height])
    return np.array([np.sin(sideways) * np.cos(upward), np.sin(upward), np.cos(sideways) * np.cos(upward)])


def draw_lights(rng: np.random.Generator) -> Lights:
    """Draw one photograph's light at random.

    A large key lamp, a weaker fill opposite, sometimes a rim, and a sky over a darker floor.
    """
    azimuth = float(rng.choice([-1, 1])) * float(rng.uniform(8, 52))
    key = _cone(_from_angles(azimuth, float(rng.uniform(18, 48))), float(rng.uniform(10, 24)), 7)
    fill = _cone(_from_angles(-azimuth * float(rng.uniform(0.7, 1.3)), float(rng.uniform(0, 22))), 28, 4)
    rim = _cone(_from_angles(-np.sign(azimuth) * float(rng.uniform(125, 155)), 30), 12, 2)
    numbers = np.arange(14) + 0.5
    up = 1 - 2 * numbers / 14
    flat = np.sqrt(1 - up**2)
    sky = np.stack([flat * np.cos(numbers * 2.399963), up, flat * np.sin(numbers * 2.399963)], 1)
    warm = float(rng.normal(0.0, 0.05))
    tint = np.array([1 + warm, 1.0, 1 - 1.3 * warm])
    cool = np.array([1 - 0.6 * warm, 1.0, 1 + 0.8 * warm])
    strength = float(rng.uniform(0.75, 1.1))
    parts = [
        (key, tint * strength / len(key)),
        (fill, cool * float(rng.uniform(0.18, 0.42)) / len(fill)),
        (rim, cool * float(rng.choice([0.0, 0.5], p=[0.6, 0.4])) / len(rim)),
    ]
    colours = [np.broadcast_to(colour, (len(directions), 3)) for directions, colour in parts]
    ambient = float(rng.uniform(0.4, 0.72)) * (0.75 + 0.45 * up)[:, None] * cool * 4 / len(sky)
    ambient = np.where(up[:, None] < -0.2, ambient * np.array([1.1, 0.95, 0.85]), ambient) * 0.5
    return Lights(np.concatenate([directions for directions, _ in parts] + [sky]), np.concatenate([*colours, ambient]))


def _map(direction: Floats, centre: Floats) -> tuple[Floats, Floats]:
    """Return the projection into one direction's shadow map.

    A matrix and a shift that take points to texel x, y and depth.
    """
    side = np.cross(direction, [0.0, 1.0, 0.2])
    side /= np.linalg.norm(side)
    up = np.cross(side, direction)
    scale = SHADOW_SIDE / SHADOW_SPAN
    matrix = np.stack([side * scale, up * scale, -direction], 1)
    return matrix, np.array([SHADOW_SIDE / 2, SHADOW_SIDE / 2, 0.0]) - centre @ matrix


BIASES, SOFTNESS = np.array([0.035, 0.05]), np.array([0.03, 0.22])
"""Of surfaces and of hair, which light enters more deeply."""


def shadows(
    lights: Lights, solids: Floats, triangles: Ints, strands: Floats, seen: Floats, hairy: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the share of each light that reaches each point.

    float32[lights, pixels]; strands float64[n, 3] are single points of hair.
    """
    out = np.empty((len(lights.directions), len(seen)), np.float32)
    centre = seen.mean(0)
    for i, direction in enumerate(lights.directions):
        depth = np.full((SHADOW_SIDE, SHADOW_SIDE), raster.FAR)
        matrix, shift = _map(direction, centre)
        raster.draw_depths(raster.transformed(solids, matrix, shift), triangles, depth)
        if len(strands):
            raster.splat_depths(raster.transformed(strands, matrix, shift), depth)
        raster.visibility(seen, matrix, shift, hairy, depth, BIASES, SOFTNESS, out[i])
    return out


@njit()
def illuminate(kind, normal, tangent, view, gloss, albedo, directions, colours, seen, diffuse, shine) -> None:  # type: ignore[no-untyped-def]
    """Fill `diffuse` and `shine`, float32[pixels, 3].

    diffuse: light that arrives to be scattered; shine: light that is reflected at once. kind int8[pixels]; tangent: of strands; gloss
    float32[pixels]: strength of the reflection.
    """
    pi = math.pi
    for pixel in range(kind.shape[0]):
        surface = kind[pixel]
        nx, ny, nz = normal[pixel, 0], normal[pixel, 1], normal[pixel, 2]
        vx, vy, vz = view[pixel, 0], view[pixel, 1], view[pixel, 2]
        for light in range(directions.shape[0]):
            lx, ly, lz = directions[light, 0], directions[light, 1], directions[light, 2]
            share = seen[light, pixel]
            if share < 0.004:
                continue
            nl = nx * lx + ny * ly + nz * lz
            hx, hy, hz = lx + vx, ly + vy, lz + vz
            length = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-6
            hx, hy, hz = hx / length, hy / length, hz / length
            if surface == HAIR:
                tx, ty, tz = tangent[pixel, 0], tangent[pixel, 1], tangent[pixel, 2]
                tl = tx * lx + ty * ly + tz * lz
                across = math.sqrt(max(0.0, 1.0 - tl * tl))
                amount = across * (0.30 + 0.70 * max(0.0, (nl + 0.35) / 1.35)) * share
                # strands reflect in a cone, so the highlight depends on the angle between strand and half vector
                th = tx * hx + ty * hy + tz * hz + 0.08
                first = math.sqrt(max(0.0, 1.0 - th * th)) ** 55
                th = tx * hx + ty * hy + tz * hz - 0.12
                second = math.sqrt(max(0.0, 1.0 - th * th)) ** 14
                front = max(0.0, min(1.0, nl + 0.25)) * share * gloss[pixel]
                for channel in range(3):
                    diffuse[pixel, channel] += amount * colours[light, channel]
                    shine[pixel, channel] += (
                        front * colours[light, channel] * (0.045 * first + 0.55 * second * albedo[pixel, channel])
                    )
                continue
            soft = 0.12 if surface == SKIN else 0.0
            amount = max(0.0, (nl + soft) / (1.0 + soft)) * share
            for channel in range(3):
                diffuse[pixel, channel] += amount * colours[light, channel]
            if nl <= 0.0:
                continue
            nh = max(0.0, nx * hx + ny * hy + nz * hz)
            vh = max(0.0, vx * hx + vy * hy + vz * hz)
            fresnel = 0.03 + 0.97 * (1.0 - vh) ** 5
            if surface == SKIN:
                lobe = 0.7 * (14.0 + 8.0) / (8.0 * pi) * nh**14 + 0.3 * (48.0 + 8.0) / (8.0 * pi) * nh**48
            elif surface == EYE:
                lobe = (520.0 + 8.0) / (8.0 * pi) * nh**520
            else:
                lobe = 0.25 * nh**8
            reflected = fresnel * lobe * nl * share * gloss[pixel] * pi
            for channel in range(3):
                shine[pixel, channel] += reflected * colours[light, channel]
