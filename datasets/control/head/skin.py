"""Skin as a picture: colour and relief on the cylinder around the head, in rest coordinates, so that it follows every morph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.control.head.identity import Looks
from faceparity.datasets.control.head.mesh import Floats

Map = NDArray[np.float32]

AXIS = 0.45
"""z of the vertical axis around which the picture is wrapped."""
TOP, BOTTOM = 8.65, 5.0
WIDTH, HEIGHT = 1152, 730
"""About 200 pixels a decimetre at the face."""

WHITE = np.array([0.95047, 1.0, 1.08883])
_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_TO_XYZ = np.linalg.inv(_TO_RGB)


def lab_to_linear(lab: Floats | Map) -> Floats:
    """Return the linear sRGB of CIE Lab (D65).

    Not below 0.002; last axis 3. f is the function of that name in the definition of CIE Lab.
    """
    f_y = (lab[..., 0] + 16) / 116
    f = np.stack([f_y + lab[..., 1] / 500, f_y, f_y - lab[..., 2] / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * WHITE
    return np.asarray(np.maximum(xyz @ _TO_RGB.T, 0.002))


def linear_to_lab(rgb: Floats) -> Floats:
    """Return the CIE Lab (D65) of linear sRGB.

    Last axis 3. f is the function of that name in the definition of CIE Lab.
    """
    xyz = (rgb @ _TO_XYZ.T) / WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def ita(lab: Floats) -> float:
    """Return the individual typology angle of one colour.

    In degrees: atan2(L* - 50, b*).
    """
    return float(np.degrees(np.arctan2(lab[0] - 50, lab[2])))


def wrap(rest: Floats | Map) -> tuple[Map, Map]:
    """Return rest positions' columns and rows in the picture."""
    angle = np.arctan2(rest[..., 0], rest[..., 2] - AXIS)
    column = (angle / (2 * np.pi) + 0.5) * WIDTH - 0.5
    row = (TOP - rest[..., 1]) / (TOP - BOTTOM) * (HEIGHT - 1)
    return column.astype(np.float32), np.clip(row, 0, HEIGHT - 1).astype(np.float32)


def grid() -> tuple[Floats, Floats]:
    """Return the angle and the height of every pixel.

    Of the wrapped picture. Angle: radians, 0 in front, positive to the head's left; height: y.
    """
    angle = ((np.arange(WIDTH) + 0.5) / WIDTH - 0.5) * 2 * np.pi
    height = TOP - np.arange(HEIGHT) / (HEIGHT - 1) * (TOP - BOTTOM)
    return np.meshgrid(angle, height)


def noise(rng: np.random.Generator, cell: float, aspect: float = 1.0) -> Map:
    """Return smooth noise of about unit variance.

    Seamless in angle. cell: size of a blob in pixels; aspect: how much wider than high.
    """
    import cv2

    high, wide = max(3, int(HEIGHT / cell)), max(4, int(WIDTH / (cell * aspect)))
    small = rng.normal(size=(high, wide)).astype(np.float32)
    wrapped = np.concatenate([small[:, -2:], small, small[:, :2]], 1)
    span = WIDTH / wide
    big = cv2.resize(wrapped, (round(span * wrapped.shape[1]), HEIGHT), interpolation=cv2.INTER_CUBIC)
    first = round(2 * span)
    cut = big[:, first : first + WIDTH]
    return np.asarray(cut * np.float32(1.35), np.float32)


def spot(angle: Floats, height: Floats, at: tuple[float, float], size: tuple[float, float], both: bool = True) -> Floats:
    """Return a soft spot around a position.

    at: angle and height; size: likewise. On both sides of the head by default.
    """
    sideways = np.abs(angle) if both else angle
    return np.asarray(np.exp(-(((sideways - at[0]) / size[0]) ** 2) - ((height - at[1]) / size[1]) ** 2))


@dataclass(frozen=True)
class Skin:
    """lab: float32[h, w, 3]; relief: float32[h, w] in decimetres; hairy: float32[h, w], where stubble is."""

    lab: Map
    relief: Map


def _redness(looks: Looks, angle: Floats, height: Floats) -> Floats:
    cheeks = spot(angle, height, (0.50, 6.93), (0.24, 0.20))
    nose = spot(angle, height, (0.0, 6.93), (0.13, 0.13))
    chin = 0.5 * spot(angle, height, (0.0, 6.33), (0.2, 0.13))
    ears = 0.9 * spot(angle, height, (1.5, 7.1), (0.2, 0.28))
    lids = 0.45 * spot(angle, height, (0.32, 7.33), (0.18, 0.08))
    return np.asarray((cheeks + 0.9 * nose + chin + ears + lids) * (0.4 + 1.2 * looks.redness))


def _freckles(rng: np.random.Generator, amount: float, angle: Floats, height: Floats) -> Map:
    import cv2

    spots = np.zeros((HEIGHT, WIDTH), np.float32)
    if amount <= 0:
        return spots
    where = np.clip(
        spot(angle, height, (0.42, 7.0), (0.38, 0.26)) + spot(angle, height, (0, 7.05), (0.2, 0.2)) + 0.25 * (height > 6.2), 0, 1
    )
    rows, columns = rng.integers(0, HEIGHT, 6000), rng.integers(0, WIDTH, 6000)
    keep = rng.random(6000) < where[rows, columns] * min(amount, 1.2) * 0.5
    spots[rows[keep], columns[keep]] = rng.uniform(0.5, 1.0, int(keep.sum()))
    return np.asarray(cv2.GaussianBlur(spots, (0, 0), 1.5) * 11, np.float32)


def _moles(rng: np.random.Generator) -> Map:
    import cv2

    spots = np.zeros((HEIGHT, WIDTH), np.float32)
    for _ in range(int(rng.integers(0, 6))):
        column = int(WIDTH * (0.5 + rng.uniform(-0.16, 0.16)))
        cv2.circle(
            spots, (column, int(rng.integers(150, 560))), int(rng.integers(1, 4)), float(rng.uniform(0.4, 1.0)), -1, cv2.LINE_AA
        )
    return np.asarray(cv2.GaussianBlur(spots, (0, 0), 0.9), np.float32)


def _creases(rng: np.random.Generator, amount: float, angle: Floats, height: Floats) -> Floats:
    """Return the depth of wrinkles, 0–1.

    On the forehead, between the brows, around the eyes and beside the mouth.
    """
    total = np.zeros_like(height)
    wobble = noise(rng, 60, 2.0) * 0.02
    for line_height in np.cumsum(rng.uniform(0.07, 0.11, 4)) + 7.55:
        line = np.exp(-(((height - line_height + wobble) / 0.013) ** 2))
        total += line * np.exp(-((angle / rng.uniform(0.3, 0.5)) ** 4)) * rng.uniform(0.3, 1.0)
    for slope in (-0.5, -0.1, 0.3, 0.6):
        centre = 7.25 + slope * 0.45 * (np.abs(angle) - 0.46)
        line = np.exp(-(((height - centre) / 0.011) ** 2)) * spot(angle, height, (0.58, 7.25), (0.09, 0.12))
        total += line * rng.uniform(0.4, 1.0)
    centre = 6.93 - 1.6 * (np.abs(angle) - 0.20)
    total += 1.3 * np.exp(-(((height - centre) / 0.03) ** 2)) * spot(angle, height, (0.29, 6.78), (0.10, 0.14))
    bags = 7.13 + 0.5 * (np.abs(angle) - 0.30) ** 2
    total += 0.9 * np.exp(-(((height - bags) / 0.02) ** 2)) * spot(angle, height, (0.30, 7.13), (0.13, 0.08))
    frown = np.exp(-(((np.abs(angle) - 0.065) / 0.012) ** 2)) * np.exp(-(((height - 7.5) / 0.07) ** 2))
    return np.asarray((total + 0.7 * frown) * amount)


def paint(looks: Looks) -> Skin:
    """Draw the skin of one head."""
    rng = np.random.default_rng(looks.seed)
    angle, height = grid()
    clouds = 0.55 * noise(rng, 90) + 0.5 * noise(rng, 38) + 0.35 * noise(rng, 15)
    fine = 0.5 * noise(rng, 6) + 0.5 * noise(rng, 3)
    veins = noise(rng, 24)
    dark = np.clip((55 - looks.skin[0]) / 25, 0, 1)
    lab = np.empty((HEIGHT, WIDTH, 3), np.float32)
    red = _redness(looks, angle, height)
    eyes = spot(angle, height, (0.30, 7.16), (0.17, 0.07)) * (0.5 + 0.7 * looks.wrinkles) + 0.35 * spot(
        angle, height, (0.3, 7.36), (0.2, 0.07)
    )
    mouth = spot(angle, height, (0.0, 6.6), (0.33, 0.22)) * dark
    forehead = spot(angle, height, (0.0, 7.8), (0.7, 0.3))
    lab[..., 0] = (
        looks.skin[0] + looks.blotches * 2.6 * clouds + 0.9 * fine - 2.6 * red - 5.0 * eyes - 3.5 * mouth - 1.5 * dark * forehead
    )
    lab[..., 1] = looks.skin[1] + (5.0 - 2.2 * dark) * red + looks.blotches * 1.7 * veins + 0.4 * fine + 1.4 * eyes
    lab[..., 2] = looks.skin[2] - 0.9 * red + looks.blotches * 0.9 * noise(rng, 50) - 1.5 * eyes + 0.8 * forehead
    brown = _freckles(rng, looks.freckles, angle, height) + 2.2 * _moles(rng)
    age_spots = np.clip(noise(rng, 14) - 2.0, 0, 1) * max(0.0, looks.wrinkles - 0.5) * 2
    lab += (brown + 0.9 * age_spots)[..., None] * np.array([-6.5, 1.8, 2.6], np.float32)
    creases = _creases(rng, looks.wrinkles, angle, height)
    lab[..., 0] -= 2.5 * creases
    pores = noise(rng, 2.6) + 0.7 * noise(rng, 4.5)
    relief = 0.0011 * pores + 0.0010 * noise(rng, 12) - 0.007 * creases
    return Skin(lab, relief.astype(np.float32))
