"""Scenarios by name or from a file, with one line for what is wrong in it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.toml_files import parse_toml, read_bytes
from faceparity.harness.options import is_file
from faceparity.harness.scenarios.base.schema import File, Scenario

KINDS = ("watchlist", "search", "gallery", "lineup")
PRESETS = __package__ + ".presets"


def preset_names() -> list[str]:
    """Return the names of the packaged scenarios, sorted."""
    return sorted(entry.name.removesuffix(".toml") for entry in files(PRESETS).iterdir() if entry.name.endswith(".toml"))


def preset_text(name: str) -> str:
    """Return the TOML text of a packaged scenario.

    Raises UserError if there is none of that name.
    """
    if name not in preset_names():
        raise UserError(
            f"no scenario is called {name!r}; there are {', '.join(preset_names())}, or write a file that ends in .toml"
        )
    return files(PRESETS).joinpath(f"{name}.toml").read_text("utf-8")


def load_scenarios(given: Sequence[str]) -> tuple[Scenario, ...]:
    """Load the scenarios given to `--scenario`.

    given: names of packaged scenarios, and files; repeated ones are read once. Raises UserError, also for two of one name.
    """
    found: list[Scenario] = []
    for name in dict.fromkeys(given):
        text = _read(name) if is_file(name) else preset_text(name)
        for scenario in parse(text, name):
            if any(other.name == scenario.name for other in found):
                raise UserError(f"--scenario {name}: two scenarios are called {scenario.name}: give one another name")
            found.append(scenario)
    return tuple(found)


def _read(path: str) -> bytes:
    if not Path(path).exists():
        raise UserError(f"--scenario {path}: no such file; `faceparity scenarios` lists those that need none")
    return read_bytes(Path(path))


def parse(text: str | bytes, where: str) -> list[Scenario]:
    """Parse the scenarios of a TOML text.

    Raises UserError with the file, the key and what to do.
    """
    data = parse_toml(text.encode() if isinstance(text, str) else text, f"--scenario {where}")
    if not isinstance(data.get("scenario"), list) or not data["scenario"]:
        raise UserError(f"--scenario {where}: holds no [[scenario]]; `faceparity scenarios NAME` prints one to start from")
    try:
        return list(File.model_validate(data).scenario)
    except ValidationError as error:
        raise UserError(f"--scenario {where}: {first(error)}") from None


def first(error: ValidationError) -> str:
    """Return the first error in one line.

    It gives the key, then what to do.
    """
    wrong = error.errors()[0]
    keys = list(wrong["loc"])
    if len(keys) > 2 and keys[2] in KINDS:  # the kind, which has a key of its own
        del keys[2]
    key = ".".join(f"{part + 1}" if isinstance(part, int) else str(part) for part in keys)
    kind, message = wrong["type"], wrong["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"{key}: no such key; remove it or correct its spelling"
    if kind == "missing":
        return f"{key}: is missing; add it"
    if kind.startswith("union_tag"):
        return f"{key}.kind: one of {', '.join(KINDS)} is wanted"
    return f"{key}: {message[:1].lower()}{message[1:]}"
