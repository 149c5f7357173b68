"""Draw heads at random and photograph them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.control.head import facial_hair, hair
from faceparity.datasets.control.head.identity import Identity, skin_lab
from faceparity.datasets.control.head.materials import Cloth, Painted
from faceparity.datasets.control.head.mesh import Floats
from faceparity.datasets.control.head.shape import HeadModel, Pose, Shape, build, rotation
from faceparity.datasets.control.head.skin import ita, paint
from faceparity.datasets.control.rendering import render
from faceparity.datasets.control.rendering.render import Shot
from faceparity.datasets.control.rendering.shading import draw_lights

_CLOTHS = ((0.55, 0.55, 0.53), (0.02, 0.02, 0.025), (0.03, 0.06, 0.16), (0.20, 0.03, 0.03), (0.06, 0.12, 0.07), (0.16, 0.17, 0.19),
           (0.30, 0.22, 0.14), (0.12, 0.20, 0.32), (0.28, 0.11, 0.16), (0.45, 0.38, 0.25))  # fmt: skip
_WALLS = ((0.55, 0.56, 0.57), (0.30, 0.32, 0.35), (0.38, 0.45, 0.52), (0.62, 0.58, 0.50), (0.17, 0.18, 0.20), (0.30, 0.36, 0.30),
          (0.70, 0.71, 0.72), (0.42, 0.36, 0.33))  # fmt: skip
EXPRESSIONS = (
    (),
    (("mouth-corner-puller", 0.55), ("eye-left-slit", 0.25), ("eye-right-slit", 0.25)),
    (("mouth-corner-puller", 0.35), ("mouth-part-later", 0.25)),
    (("eyebrows-left-up", 0.4), ("eyebrows-right-up", 0.4)),
    (("eyebrows-left-down", 0.18), ("eyebrows-right-down", 0.18)),
    (("mouth-compression", 0.3),),
    (("mouth-open", 0.12),),
    (("mouth-corner-puller", 0.8), ("mouth-open", 0.10), ("eye-left-slit", 0.35), ("eye-right-slit", 0.35)),
)


TONES = (72.0, 62.0, 52.0, 42.0, 32.0)
"""L* of the mean skin in the controlled experiment."""
EXPOSURES = (-1.0, 0.0, 1.0)
"""Stops."""
TONE_QUALITY = 78


@dataclass(frozen=True)
class Photograph:
    """pixels uint8[180, 180, 3]; ita: degrees, of the albedo of cheeks and forehead; tone: its CIE Lab."""

    pixels: NDArray[np.uint8]
    quality: int
    ita: float
    tone: tuple[float, float, float]


def _expression(rng: np.random.Generator, ancestry: str) -> tuple[tuple[str, float], ...]:
    chosen = EXPRESSIONS[int(rng.integers(len(EXPRESSIONS)))]
    scale = float(rng.uniform(0.5, 1.0))
    return tuple((f"expression/units/{ancestry}/{name}", weight * scale) for name, weight in chosen)


def _shot(rng: np.random.Generator, neck: Floats) -> Shot:
    yaw, pitch, roll = float(rng.uniform(-20, 20)), float(rng.uniform(-9, 9)), float(rng.normal(0, 3))
    follow = float(rng.uniform(-0.1, 0.5))
    pose = Pose(rotation(yaw, pitch, roll), rotation(yaw * follow + float(rng.normal(0, 3)), 0, 0), neck)
    kind = str(rng.choice(["crew", "vee", "turtle", "collar"], p=[0.45, 0.25, 0.15, 0.15]))
    height = {"crew": 5.72, "vee": 5.72, "turtle": 5.95, "collar": 5.80}[kind] + float(rng.normal(0, 0.03))
    shade = np.array(_CLOTHS[int(rng.integers(len(_CLOTHS)))]) * float(np.exp(rng.normal(0, 0.2)))
    wall = np.array(_WALLS[int(rng.integers(len(_WALLS)))]) * np.exp(rng.normal(0, 0.12, 3) * [1, 0.3, 1])
    look = (0.0, 0.0) if rng.random() < 0.8 else (float(rng.normal(0, 1.0)), float(rng.normal(0, 0.5)))
    return Shot(
        pose=pose,
        lights=draw_lights(rng),
        cloth=Cloth((float(shade[0]), float(shade[1]), float(shade[2])), kind, height, float(rng.uniform(0.25, 0.5))),
        backdrop=((float(wall[0]), float(wall[1]), float(wall[2])), float(rng.uniform(0.1, 0.5))),
        gaze=look,
        span=float(rng.uniform(3.0, 3.5)),
        shift=(float(rng.normal(0, 0.015)), float(rng.normal(0, 0.015))),
        exposure=float(2 ** rng.normal(0.30, 0.2)),
        seed=int(rng.integers(1 << 31)),
    )


class Studio:
    """A studio that photographs one head."""

    def __init__(self, model: HeadModel, identity: Identity) -> None:
        self.model, self.identity = model, identity
        looks = identity.looks
        self.painted = Painted(
            paint(looks), hair.scalp_density(looks, identity.sex), facial_hair.beard_picture(looks, identity.sex)
        )

    def _subject(self, rng: np.random.Generator) -> tuple[Shape, list[hair.Strands]]:
        """Return the shape with an expression, and all its hair."""
        looks, sex = self.identity.looks, self.identity.sex
        shape = build(self.model, self.identity.weights + _expression(rng, self.identity.ancestry))
        surface = shape.surface
        groups = [hair.scalp(surface, looks, sex), facial_hair.brows(surface, looks), facial_hair.beard(surface, looks)]
        return shape, [group for group in [*groups, facial_hair.lashes(shape.rims, looks)] if group is not None]

    def photograph(self, seed: int, number: int) -> Photograph:
        """Return one photograph.

        The same arguments give the same pixels.
        """
        rng = np.random.default_rng([seed, self.identity.looks.seed, number])
        shape, strands = self._subject(rng)
        shot = _shot(rng, shape.neck)
        picture = render.draw(self.model, shape, self.painted, self.identity.looks, strands, shot)[0]
        pixels = render.develop(picture.linear, rng, float(rng.uniform(0.25, 0.7)), float(rng.uniform(0.3, 1.0)))
        return _photograph(pixels, int(rng.integers(74, 89)), picture.tone)

    def bracketed(self, seed: int, number: int) -> dict[tuple[int, int], Photograph]:
        """Return one photograph in all tones and exposures.

        By (tone, exposure), numbers into `TONES` and `EXPOSURES`: all else, the noise too, is the same.
        """
        rng = np.random.default_rng([seed, self.identity.looks.seed, 1000 + number])
        shape, strands = self._subject(rng)
        shot = replace(_shot(rng, shape.neck), exposure=2**0.3)
        tones = [np.array(skin_lab(lightness)) for lightness in TONES]
        pictures = render.draw(self.model, shape, self.painted, self.identity.looks, strands, shot, tones)
        blur, grain = float(rng.uniform(0.3, 0.6)), float(rng.uniform(0.3, 0.7))
        noise_seed = int(rng.integers(1 << 31))
        return {
            (tone_number, exposure_number): _photograph(
                render.develop(picture.linear * 2.0**stops, np.random.default_rng(noise_seed), blur, grain),
                TONE_QUALITY,
                picture.tone,
            )
            for tone_number, picture in enumerate(pictures)
            for exposure_number, stops in enumerate(EXPOSURES)
        }


def _photograph(pixels: NDArray[np.uint8], quality: int, tone: Floats) -> Photograph:
    return Photograph(pixels, quality, ita(tone), (float(tone[0]), float(tone[1]), float(tone[2])))
