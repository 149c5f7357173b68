"""Spoiling good input, and seeing what a parser makes of it."""

from __future__ import annotations

import random
import shutil
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

Target = Callable[[bytes], object]
TOKENS = [
    b"\0",
    b"\n",
    b",",
    b'"',
    b"\r\n",
    b"\t",
    b"-1",
    b"1e309",
    b"nan",
    b"99999999999999999999",
    b"../",
    b"\xff",
    b"\xef\xbb\xbf",
    b"[[",
    b"{}",
    b"'",
]


class Family(NamedTuple):
    """A parser: good inputs to start from, and what to call."""

    seeds: list[bytes]
    target: Target


class Broken(NamedTuple):
    """An input that raised something else, and where."""

    data: bytes
    place: str


def mutated(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """One of the seeds with one to eight changes."""
    data = bytearray(rng.choice(seeds))
    most = max(1 << 20, len(data))
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        far = min(len(data), at + rng.choice((1, 1, 2, 4, 16, 64, 512)))
        kind = rng.randrange(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        elif kind == 2:
            del data[at:far]
        elif kind == 3:
            data[at:at] = rng.choice(TOKENS)
        elif kind == 4:
            data[at:at] = data[at:far] * rng.choice((1, 2, 30))
        elif kind == 5:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            data[at:far] = other[start : start + far - at]
        else:
            del data[at:]
        del data[most:]
    return bytes(data)


def attempt(target: Target, data: bytes) -> str | None:
    """Where it broke: the last line of ours and the error; None if all went well or a user was told."""
    from faceparity.datasets.errors import UserError
    from faceparity.datasets.images import UnreadableImage

    try:
        target(data)
    except UserError as error:
        if "\n" in str(error):
            return f"more than a line: {error}"
    except (UnreadableImage, NotTakenError):
        pass
    except Exception as error:
        ours = [
            f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename
        ] or traceback.extract_tb(error.__traceback__)
        return f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}: {str(error)[:120]}"
    return None


class NotTakenError(Exception):
    """A parser's own word for what it does not take."""


def campaign(family: Family, seconds: float, seed: int) -> tuple[int, list[Broken]]:
    """How many inputs were tried in so many seconds of the processor's time, and one for each place that broke."""
    rng, end, tried, found = random.Random(seed), time.process_time() + seconds, 0, {}
    for data in family.seeds:
        if place := attempt(family.target, data):
            found[place] = Broken(data, f"its own good input: {place}")
    while time.process_time() < end:
        data = mutated(family.seeds, rng)
        tried += 1
        place = attempt(family.target, data)
        if place and place.split(": ")[0] not in found:
            found[place.split(": ")[0]] = Broken(data, place)
    return tried, list(found.values())


def fresh(folder: Path) -> Path:
    """An empty folder of that name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
