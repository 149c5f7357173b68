"""What surfaces look like: skin with its stubble and lips, eyes, cloth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.control.head.hair import Density, smooth
from faceparity.datasets.control.head.identity import Looks
from faceparity.datasets.control.head.mesh import Floats
from faceparity.datasets.control.head.shape import Pose
from faceparity.datasets.control.head.skin import AXIS, BOTTOM, HEIGHT, TOP, WIDTH, Map, Skin, lab_to_linear, wrap


@dataclass(frozen=True)
class Cloth:
    """Plain clothing. colour linear; height and depth of the neckline in decimetres; kind: crew, vee, turtle or collar."""

    colour: tuple[float, float, float]
    kind: str
    height: float
    depth: float


def neckline(cloth: Cloth, rest: Floats) -> Floats:
    """Return the signed distance from the garment's edge.

    In decimetres, positive inside the cloth, of rest positions.
    """
    sideways, height, forward = rest[..., 0], rest[..., 1], rest[..., 2]
    edge = cloth.height + 0.34 * (0.45 - forward) * (0.6 if cloth.kind == "turtle" else 1.0)
    if cloth.kind in ("vee", "collar"):
        edge = edge - np.where(forward > 0.3, cloth.depth * np.clip(1 - np.abs(sideways) / 0.42, 0, 1), 0.0)
    return np.asarray(edge + 2.5 * np.maximum(np.abs(sideways) - 0.72, 0.0) - height)


def _bilinear(picture: Map, column: Map, row: Map) -> NDArray[np.float32]:
    import cv2

    wide = np.concatenate([picture, picture[:, :2]], 1)
    column = np.where(column < 0, column + picture.shape[1], column)
    count = len(column)
    lines = -(-count // 1024)  # OpenCV takes no more than 32767 in a row
    padded = [
        np.resize(np.pad(coordinates, (0, lines * 1024 - count)), (lines, 1024)).astype(np.float32)
        for coordinates in (column, row)
    ]
    found = cv2.remap(wide, padded[0], padded[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32).reshape(lines * 1024, *picture.shape[2:])[:count]


@dataclass(frozen=True)
class Painted:
    """A head's pictures: skin, density of painted stubble on the scalp, and where a beard shows through."""

    skin: Skin
    scalp: Density
    shaved: Density | None


def skin_albedo(painted: Painted, looks: Looks, rest: Floats, masks: dict[str, Floats], tone: Floats) -> Floats:
    """Return the linear RGB of skin at rest positions.

    tone: the skin's mean CIE Lab. With lips, stubble and the shade under the hair.
    """
    column, row = wrap(rest)
    lab = _bilinear(painted.skin.lab, column, row) + (tone - np.array(looks.skin))
    lips = masks["lips"][:, None]
    dark = np.clip((55 - float(tone[0])) / 25, 0, 1)
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
        cover = painted.shaved(rest)[:, None] * looks.beard_density * {"none": 0.14, "stubble": 0.28}.get(looks.beard, 0.5)
        colour = colour * (1 - cover) + cover * (0.55 * hair + 0.10 * colour)
    under = {"bald": 0.22, "buzz": 0.72, "tied": 0.9}.get(looks.hair, 0.85)
    cover = painted.scalp(rest)[:, None] * under
    return np.asarray(colour * (1 - cover) + cover * (0.75 * hair + 0.06 * colour))


def bumped(relief: Map, rest: Floats, normal: Floats, pose: Pose, points: Floats, amount: Floats) -> Floats:
    """Return normals tilted by the wrapped picture's relief."""
    column, row = wrap(rest)
    # across the cylinder a pixel is about its angle times the head's mean radius of 0.9 decimetres
    slope_x = _bilinear(
        np.asarray((np.roll(relief, -1, 1) - np.roll(relief, 1, 1)) * (WIDTH / (4 * np.pi * 0.9)), np.float32), column, row
    )
    slope_y = _bilinear(np.asarray(-np.gradient(relief, axis=0) * ((HEIGHT - 1) / (TOP - BOTTOM)), np.float32), column, row)
    angle = np.arctan2(rest[:, 0], rest[:, 2] - AXIS)
    across = pose.vectors(points, np.stack([np.cos(angle), np.zeros_like(angle), -np.sin(angle)], 1))
    up = pose.vectors(points, np.broadcast_to([0.0, 1.0, 0.0], rest.shape))
    tilted = normal - amount[:, None] * (slope_x[:, None] * across + slope_y[:, None] * up)
    return np.asarray(tilted / np.linalg.norm(tilted, axis=1, keepdims=True))


def iris(local: Floats, gaze: Floats, colour: tuple[float, float, float], seed: int) -> tuple[Floats, NDArray[np.float32]]:
    """Return the linear RGB of an eyeball, and its gloss.

    local: unit directions from the eye's centre.
    """
    gaze = gaze / np.linalg.norm(gaze)
    away = np.arccos(np.clip(local @ gaze, -1, 1))
    side = np.cross([0.0, 1.0, 0.0], gaze)
    side /= np.linalg.norm(side)
    turn = np.arctan2(local @ np.cross(gaze, side), local @ side)
    rng = np.random.default_rng(seed)
    phases = rng.uniform(0, 6.3, 5)
    streaks = (
        sum(np.sin(frequency * turn + phase + 6 * away) for frequency, phase in zip((11, 17, 23, 31, 41), phases, strict=True))
        / 5
    )
    radius, pupil = 0.435, 0.17 + 0.03 * float(rng.random())
    radial = np.clip(away / radius, 0, 1)
    ring = 1 - 0.75 * smooth((radial - 0.72) / 0.28)
    ring_of = np.array(colour) * ((1.0 + 0.35 * streaks) * ring * (0.75 + 0.45 * radial))[:, None]
    ring_of = ring_of * (1 - smooth((pupil + 0.03 - away) / 0.04))[:, None] + 0.004
    red = smooth((away - 0.75) / 0.5)[:, None]
    white = np.array([0.60, 0.54, 0.50]) * (1 - red) + np.array([0.50, 0.30, 0.26]) * red
    edge = smooth((away - radius + 0.03) / 0.06)[:, None]
    shade = 1 - 0.55 * smooth((local[:, 1] - 0.12) / 0.38) - 0.25 * smooth((-local[:, 1] - 0.2) / 0.3)
    colour_of = (ring_of * (1 - edge) + white * edge) * shade[:, None]
    return np.asarray(colour_of), (1.3 - 0.9 * edge[:, 0]).astype(np.float32)
