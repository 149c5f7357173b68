"""What a suite's file may say, and reading it: by name, or from a file of the user's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import printable
from faceparity.datasets.common.toml_files import faults, parse_toml, read_bytes
from faceparity.harness.options import DEFAULT_TARGETS, DatasetOptions, ModelOptions, Options, Targets

PRESETS = __package__ + ".presets"


class MistakesError(UserError):
    """Everything that is wrong with a suite, a line each."""

    def __init__(self, name: str, lines: list[str]) -> None:
        count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        super().__init__(f"{name}: {count}; nothing was run")
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {printable(line)}" for line in self.lines)])


def _table(value: object) -> object:
    """Return a name alone as a table of that name."""
    return {"use": value} if isinstance(value, str) else value


class SuiteModel(ModelOptions):
    """One model: what is typed after -m, and what differs from the suite for it."""

    use: str = Field(min_length=1)


class SuiteDataset(DatasetOptions):
    """One data set: what is typed after -d, and what differs from the suite for it."""

    use: str = Field(min_length=1)


class SuiteFile(Options):
    """models × datasets, and how all of them are run: every option of `faceparity run`, by the same rules."""

    title: str = ""
    missing: Literal["a mistake", "left out"] = "a mistake"
    """What a known model without its weights, and a known data set without a copy on this machine, are."""
    models: list[Annotated[SuiteModel, BeforeValidator(_table)]] = Field(min_length=1)
    datasets: list[Annotated[SuiteDataset, BeforeValidator(_table)]] = Field(min_length=1)
    targets: Annotated[Targets, Field(min_length=1)] = DEFAULT_TARGETS


@dataclass(frozen=True)
class Suite:
    """A suite as read.

    name: of the suite, or of its file without .toml. folder: relative paths in it are looked up there.
    """

    name: str
    label: str
    """What messages call it."""
    declared: SuiteFile
    folder: Path

    def path(self, text: str | Path) -> str:
        """Return a path in the file, as seen from here."""
        return str(self.folder / Path(text).expanduser())

    def on(self, machine: Options) -> Suite:
        """Return the suite with the machine's options as typed.

        They go before those of the file.
        """
        return replace(self, declared=self.declared.merged(machine))


def preset_suites() -> list[str]:
    """Return the names of suites that come with the package."""
    return sorted(path.name.removesuffix(".toml") for path in files(PRESETS).iterdir() if path.name.endswith(".toml"))


def read_suite(given: str) -> Suite:
    """Read the suite of that name, or in that file.

    Raises UserError; MistakesError with all that is wrong in the file.
    """
    if given.endswith(".toml"):
        path = Path(given)
        return Suite(path.stem, path.name, _checked(parse_toml(read_bytes(path), path.name), path.name), path.parent)
    if given not in preset_suites():
        raise UserError(
            f"no suite is called {given!r}; there is {', '.join(preset_suites())}, or write a file that ends in .toml"
        )
    return Suite(given, given, _checked(parse_toml(preset_text(given).encode(), given), given), Path())


def preset_text(name: str) -> str:
    """Return the TOML of a suite of the package."""
    return files(PRESETS).joinpath(f"{name}.toml").read_text("utf-8")


def _checked(fields: dict[str, Any], name: str) -> SuiteFile:
    try:
        return SuiteFile.model_validate(fields)
    except ValidationError as error:
        raise MistakesError(name, faults(error, SuiteFile)) from None
