"""Draw who a head is: its morph weights and its looks, from correlated and narrow distributions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from faceparity.datasets.control.head.mesh import Floats

ANCESTRIES = ("african", "asian", "caucasian")
SEXES = ("female", "male")
YOUNGEST, OLDEST = 20, 75

Weights = tuple[tuple[str, float], ...]

REGIONS = {
    "head": 0.20, "forehead": 0.26, "eyebrows": 0.34, "eyes": 0.28, "nose": 0.24, "mouth": 0.24, "ears": 0.30,
    "chin": 0.28, "cheek": 0.32, "neck": 0.15,
}  # fmt: skip
"""Folder of face targets → standard deviation of a slider; 1 is the mesh artist's extreme."""
LIMIT = 0.6
SHARED = 0.55
"""Share of a slider's variance that comes from a few factors common to all sliders of its region."""
FACTORS = 4
LEFT_OUT = re.compile(
    r"trans|head-age|head-angle|pointed|ear-shape|septum|measure|back-scale-depth|eye-push|bag-height|nostrils-angle"
)
OPPOSITES = (("decr", "incr"), ("in", "out"), ("down", "up"), ("backward", "forward"), ("concave", "convex"),
             ("compress", "uncompress"))  # fmt: skip
ASYMMETRIES = re.compile(r"/asym-(brown|cheek|eye|jaw|mouth|nose)-\d-[lr]$")


@dataclass(frozen=True)
class Looks:
    """What is painted on a head or grows on it. Lab is of the mean skin; lengths in decimetres; 0–1 unless stated."""

    skin: tuple[float, float, float]
    redness: float
    freckles: float
    blotches: float
    shine: float
    wrinkles: float
    lip: float
    hair: str
    hair_colour: tuple[float, float, float]
    hair_length: float
    curl: float
    parting: float
    receding: float
    brow_thickness: float
    brow_arch: float
    brow_density: float
    beard: str
    beard_density: float
    iris: tuple[float, float, float]
    lashes: float
    seed: int


@dataclass(frozen=True)
class Identity:
    """A head: labels, morph weights (target → weight) and looks."""

    subject: str
    ancestry: str
    sex: str
    age: int
    weights: Weights
    looks: Looks


def sliders(members: Iterable[str]) -> dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]]:
    """Return the sliders of each region.

    Each is the targets of its negative and of its positive side (left and right together).
    """
    found: dict[str, dict[str, dict[str, list[str]]]] = {region: {} for region in REGIONS}
    for member in sorted(members):
        match = re.fullmatch(r".*/targets/(\w+)/(.+)\.target\.gz", member)
        if match is None or match[1] not in REGIONS or LEFT_OUT.search(match[2]):
            continue
        region, name = match[1], match[2]
        stem, _, end = re.sub(r"^[lr]-", "", name).rpartition("-")
        side = next((i for pair in OPPOSITES for i, word in enumerate(pair) if word == end), None)
        key = stem if side is not None else f"{stem}-{end}"
        found[region].setdefault(key, {}).setdefault(str(1 if side is None else side), []).append(f"{region}/{name}")
    return {
        region: [(tuple(sides.get("0", ())), tuple(sides.get("1", ()))) for _, sides in sorted(named.items())]
        for region, named in found.items()
    }


def _faces(rng: np.random.Generator, members: Iterable[str]) -> list[tuple[str, float]]:
    weights: list[tuple[str, float]] = []
    loadings = np.random.default_rng(7)  # the same for every head
    for region, pairs in sliders(members).items():
        factor_loadings = loadings.normal(size=(len(pairs), FACTORS)) / np.sqrt(FACTORS)
        values = np.sqrt(SHARED) * factor_loadings @ rng.normal(size=FACTORS) + np.sqrt(1 - SHARED) * rng.normal(size=len(pairs))
        values = np.clip(REGIONS[region] * values, -LIMIT, LIMIT)
        for value, (low, high) in zip(values, pairs, strict=True):
            if low:
                weights += [(name, abs(float(value))) for name in (low if value < 0 else high)]
            elif value > 0:
                weights += [(name, float(value) * 0.8) for name in high]
    for member in sorted(members):
        name = member.partition("/targets/")[2].removesuffix(".target.gz")
        if ASYMMETRIES.search("/" + name.rpartition("/")[2]):
            weights.append((name, max(0.0, float(rng.normal(0, 0.10)))))
    return weights


def _macros(rng: np.random.Generator, ancestry: str, sex: str, age: int) -> list[tuple[str, float]]:
    """Draw the weights of the mesh's main morphs.

    Ancestry × sex × age, and build. The artist's `old` is far beyond 75 years, so it is used in part.
    """
    old = 0.44 * max(0.0, (age - 25) / (OLDEST - 25)) ** 1.2
    own_share = rng.uniform(0.82, 1.0)
    other_shares = rng.dirichlet([1.0, 1.0]) * (1 - own_share)
    remaining = iter(other_shares)
    sexes = {sex: (firm := rng.uniform(0.86, 1.0)), SEXES[1 - SEXES.index(sex)]: 1 - firm}
    fat = float(np.clip(rng.normal(0.05 + 0.002 * (age - 25), 0.25), -0.5, 0.7))
    muscle = float(np.clip(rng.normal(0.0, 0.25), -0.5, 0.5))
    weights = []
    for of_ancestry in ANCESTRIES:
        share = own_share if of_ancestry == ancestry else float(next(remaining))
        for of_sex, sex_share in sexes.items():
            for stage, weight in (("young", 1 - old), ("old", old)):
                weights.append((f"macrodetails/{of_ancestry}-{of_sex}-{stage}", share * sex_share * weight))
    for of_sex, sex_share in sexes.items():
        for stage, weight in (("young", 1 - old), ("old", old)):
            for build, build_weight in _build(fat, muscle):
                weights.append((f"macrodetails/universal-{of_sex}-{stage}-{build}", sex_share * weight * build_weight))
    return weights


def _build(fat: float, muscle: float) -> list[tuple[str, float]]:
    extreme = "maxweight" if fat > 0 else "minweight"
    strong = "maxmuscle" if muscle > 0 else "minmuscle"
    weight_share, muscle_share = abs(fat), abs(muscle)
    return [
        ("averagemuscle-averageweight", (1 - weight_share) * (1 - muscle_share)),
        (f"averagemuscle-{extreme}", weight_share * (1 - muscle_share)),
        (f"{strong}-averageweight", (1 - weight_share) * muscle_share),
        (f"{strong}-{extreme}", weight_share * muscle_share),
    ]


_TONES = {"african": (42.0, 6.5, 27.0, 57.0), "asian": (65.0, 4.5, 50.0, 75.0), "caucasian": (69.0, 4.5, 54.0, 77.0)}
"""Ancestry morph → mean, standard deviation and limits of the skin's L*."""
_LAB = np.array([[24, 7.5, 8.0], [34, 11, 13], [44, 13, 17.5], [54, 13.5, 19.5], [64, 12, 18.5], [70, 10.5, 16.5], [78, 8, 13.5]])


def skin_lab(lightness: float, rng: np.random.Generator | None = None) -> tuple[float, float, float]:
    """Return a skin's mean L*, a* and b*.

    The lightness gives the usual hue, the generator some variation around it.
    """
    a, b = (float(np.interp(lightness, _LAB[:, 0], _LAB[:, i])) for i in (1, 2))
    if rng is not None:
        a, b = a + float(rng.normal(0, 0.9)), b + float(rng.normal(0, 1.2))
    return lightness, a, b


_HAIR = {"black": (0.010, 0.008, 0.007), "dark": (0.022, 0.014, 0.010), "brown": (0.060, 0.034, 0.020),
         "light": (0.145, 0.088, 0.050), "blond": (0.32, 0.22, 0.12), "red": (0.19, 0.066, 0.025),
         "grey": (0.27, 0.262, 0.255)}  # fmt: skip
"""Linear RGB."""
_IRIS = {"dark": (0.030, 0.016, 0.009), "brown": (0.085, 0.042, 0.018), "hazel": (0.14, 0.10, 0.045),
         "green": (0.13, 0.16, 0.09), "blue": (0.13, 0.21, 0.31), "grey": (0.19, 0.22, 0.24)}  # fmt: skip


def _pick(rng: np.random.Generator, choices: dict[str, float]) -> str:
    names, chances = list(choices), np.array(list(choices.values()))
    return names[int(rng.choice(len(names), p=chances / chances.sum()))]


def _styles(ancestry: str, sex: str, age: int) -> dict[str, float]:
    if ancestry == "african":
        if sex == "female":
            return {"afro": 4, "coily": 3, "curly_long": 3, "tied": 3, "long": 2, "bob": 1}
        return {"coily": 4, "buzz": 4, "afro": 1.5, "bald": 1.5 + (age > 45)}
    if sex == "female":
        return {"long": 4, "wavy": 3, "bob": 3, "tied": 3, "curly_long": 0.7, "short": 1.2 + (age > 50)}
    return {"short": 5, "side": 4, "buzz": 1.5, "curly": 1, "bald": 0.4 + 1.2 * (age > 45), "wavy": 0.25}


def _colours(ancestry: str, rng: np.random.Generator, age: int, sex: str) -> Floats:
    if ancestry == "caucasian":
        name = _pick(rng, {"dark": 3, "brown": 4, "light": 3, "blond": 2, "red": 0.8})
    else:
        name = _pick(rng, {"black": 4, "dark": 3})
    colour = np.array(_HAIR[name]) * np.exp(rng.normal(0, 0.18))
    onset = 52 if sex == "male" else 60
    grey = float(np.clip((age - onset + rng.normal(0, 7)) / 22, 0, 0.95))
    mixed: Floats = colour * (1 - grey) + np.array(_HAIR["grey"]) * grey
    return mixed


_LENGTHS = {"bald": (0.0, 0.0), "buzz": (0.03, 0.08), "short": (0.22, 0.42), "side": (0.35, 0.6), "curly": (0.3, 0.5),
            "coily": (0.10, 0.25), "afro": (0.35, 0.8), "bob": (1.3, 1.8), "long": (2.6, 3.6), "wavy": (2.2, 3.2),
            "curly_long": (1.3, 2.2), "tied": (0.9, 1.1)}  # fmt: skip
_CURLS = {"wavy": 0.35, "curly": 0.7, "coily": 1.0, "afro": 1.0, "curly_long": 0.62, "short": 0.12, "long": 0.1}


def _looks(rng: np.random.Generator, ancestry: str, sex: str, age: int) -> Looks:
    mean, spread, low, high = _TONES[ancestry]
    lightness = float(np.clip(rng.normal(mean, spread), low, high))
    style = _pick(rng, _styles(ancestry, sex, age))
    colour = _colours(ancestry, rng, age, sex)
    wavy = style if not (style == "wavy" and sex == "male") else "wavy"
    beards = {
        "none": 5.0,
        "stubble": 3.0,
        "short": 1.6,
        "goatee": 0.9,
        "moustache": 0.4,
        "full": 0.8 if ancestry != "asian" else 0.2,
    }
    beard = _pick(rng, beards) if sex == "male" else "none"
    irises = (
        {"dark": 5.0, "brown": 4.0} if ancestry != "caucasian" else {"brown": 3, "hazel": 2, "green": 1.3, "blue": 3, "grey": 1}
    )
    return Looks(
        skin=skin_lab(lightness, rng),
        redness=float(np.clip(rng.normal(0.5, 0.22), 0, 1)),
        freckles=float(max(0.0, rng.normal(-0.1, 0.45))) if lightness > 62 else float(max(0.0, rng.normal(-0.2, 0.25))),
        blotches=float(np.clip(rng.normal(0.4, 0.2), 0.05, 1)),
        shine=float(np.clip(rng.normal(0.5, 0.2), 0.1, 1)),
        wrinkles=float(np.clip((age - 30) / 45 + rng.normal(0, 0.12), 0, 1)),
        lip=float(np.clip(rng.normal(0.6 if sex == "female" else 0.35, 0.18), 0.1, 1)),
        hair=wavy,
        hair_colour=(float(colour[0]), float(colour[1]), float(colour[2])),
        hair_length=float(rng.uniform(*_LENGTHS[style])),
        curl=_CURLS.get(style, 0.05) * float(rng.uniform(0.7, 1.2)),
        parting=float(rng.choice([-0.32, -0.2, 0.0, 0.2, 0.32])),
        receding=float(np.clip(rng.normal((age - 30) / 60, 0.25), 0, 1)) if sex == "male" else 0.0,
        brow_thickness=float(rng.uniform(0.75, 1.25)) * (1.15 if sex == "male" else 0.85),
        brow_arch=float(rng.normal(0.0, 0.35)) + (0.25 if sex == "female" else -0.1),
        brow_density=float(rng.uniform(0.7, 1.25)),
        beard=beard,
        beard_density=float(rng.uniform(0.6, 1.2)),
        iris=_IRIS[_pick(rng, irises)],
        lashes=float(rng.uniform(0.7, 1.1)) * (1.25 if sex == "female" else 0.9),
        seed=int(rng.integers(1 << 31)),
    )


def draw_identity(number: int, ancestry: str, sex: str, seed: int, members: Iterable[str]) -> Identity:
    """Draw the head with that number in its cell.

    members: the names of the wheel's files. The same arguments give the same head.
    """
    cell = ANCESTRIES.index(ancestry) * 2 + SEXES.index(sex)
    rng = np.random.default_rng([seed, cell, number])
    age = int(rng.integers(YOUNGEST, OLDEST + 1))
    weights = _macros(rng, ancestry, sex, age) + _faces(rng, members)
    subject = f"{ancestry[:3]}-{sex[0]}-{number:03d}"
    return Identity(
        subject,
        ancestry,
        sex,
        age,
        tuple((name, weight) for name, weight in weights if weight > 1e-4),
        _looks(rng, ancestry, sex, age),
    )
