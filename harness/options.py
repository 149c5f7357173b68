"""What a user asks of a run, declared once, for the command line, a suite's file, the Python call and the record.

An option is one field below. Its name is the keyword in Python and the key in a suite's file; its `Flag` is how the command line
spells it. The classes say where a suite may vary it: from one data set to the next, from one model to the next, or not at all.

This module imports nothing heavy, as `faceparity --help` reads it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.card import FacesPolicy

DEFAULT_TARGETS = (1e-2, 1e-3)
LEAST_SHARE = 0.001
"""The smallest sample of the comparisons: of smaller shares there is no room to count the pairs of all parts."""
FILE, ADDRESS = "<file>", "ADDRESS"
"""What stands for files and addresses in published records."""


@dataclass(frozen=True)
class Flag:
    """How the command line spells an option.

    of_scores: `faceparity score` takes it too. wanted: what a message asks for.
    """

    name: str
    metavar: str = ""
    help: str = ""
    of_scores: bool = False
    wanted: str = ""


Targets = Annotated[
    tuple[Annotated[float, Field(gt=0, lt=1)], ...], AfterValidator(lambda rates: tuple(sorted(set(rates), reverse=True)))
]
"""False match rates, the highest first, each once."""


class DatasetOptions(BaseModel):
    """The options that a suite may vary from one data set to the next."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    by: Annotated[
        tuple[str, ...],
        Flag("--by", "ATTRIBUTE", "Attribute to group by. Default: gender and ethnicity where labelled.", of_scores=True),
    ] = ()
    pool: Annotated[
        str,
        Flag(
            "--pool", "POOL", "Whose comparisons set the threshold: balanced (default), all, or ATTRIBUTE=VALUE.", of_scores=True
        ),
    ] = "balanced"
    references: Annotated[
        tuple[str, ...], Flag("--reference", "ATTRIBUTE=VALUE", "Group to compare with. Default: the largest.", of_scores=True)
    ] = ()
    scenarios: Annotated[
        tuple[str, ...],
        Flag(
            "--scenario",
            "NAME|FILE",
            "What a watchlist or a search does to each group: a name from `faceparity scenarios`, or a file of yours that ends in "
            ".toml.",
        ),
    ] = ()
    include_minors: Annotated[bool, Flag("--include-minors", help="Keep people under 18; left out otherwise.")] = False
    keep_unread_ages: Annotated[
        bool,
        Flag(
            "--keep-unread-ages", help="Keep people whose age is written but cannot be read, without an age; left out otherwise."
        ),
    ] = False
    faces: Annotated[
        FacesPolicy | None,
        Flag(
            "--faces",
            "centre|largest",
            "Which face to use where an image has several: the one nearest its centre, or the largest. Default: as the data set's card "
            "says.",
            wanted="known are centre and largest",
        ),
    ] = None


class ModelOptions(BaseModel):
    """The options that a suite may vary from one model to the next."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    threshold: Annotated[
        float | None,
        Flag("--threshold", "X", "A threshold to report at, in the model's own unit.", of_scores=True),
    ] = None


class Options(ModelOptions, DatasetOptions):
    """What a user asks of a run: names, numbers and paths as typed, nothing read or opened yet."""

    targets: Annotated[
        Targets,
        Flag(
            "--target-fmr",
            "RATE",
            "False match rate of the pool at which to set the threshold. Default: 0.01 and 0.001.",
            of_scores=True,
            wanted="a false match rate lies between 0 and 1, as in 0.001",
        ),
    ] = DEFAULT_TARGETS
    threshold_from: Annotated[
        Path | None,
        Flag("--threshold-from", "RUN", "Use the target thresholds of another run, set on other people."),
    ] = None
    exclude: Annotated[
        Path | None,
        Flag(
            "--exclude",
            "FILE",
            "CSV of what to leave out by name: file (an image), or file_a and file_b (a comparison), and reason. Results with and "
            "without stand side by side.",
        ),
    ] = None
    claims: Annotated[
        tuple[Path, ...],
        Flag("--claim", "FILE", "A claim of yours to test besides those of `faceparity claims`."),
    ] = ()
    comparisons: Annotated[
        float | None,
        Field(ge=LEAST_SHARE, le=1),
        Flag(
            "--comparisons",
            "SHARE",
            "Make a fixed random sample of the comparisons of different people, such as 0.01 of them, the same share of every two "
            "groups. Default: all.",
            wanted=f"a share of them, from {LEAST_SHARE:g} to 1 (all), as in 0.01",
        ),
    ] = None
    device: Annotated[
        Literal["cpu", "cuda"],
        Flag(
            "--device",
            "cpu|cuda",
            "Where networks run and comparisons are made. Default: cpu. A GPU rounds otherwise.",
            wanted="known are cpu and cuda",
        ),
    ] = "cpu"
    workers: Annotated[
        int | None,
        Field(ge=1),
        Flag("--workers", "N", "Processes and threads. Default: one for each core.", wanted="a whole number from 1 is wanted"),
    ] = None
    dask: Annotated[
        str | None, Flag("--dask", "ADDRESS", "Work on a Dask cluster: tls://HOST:PORT, or tcp://127.0.0.1:PORT.")
    ] = None
    ephemeral: Annotated[bool, Flag("--ephemeral", help="Keep templates in memory only, and write no private part.")] = False
    seed: Annotated[
        int,
        Field(ge=0, lt=1 << 63),
        Flag("--seed", "N", "Seed of the resampling. Default: 0.", of_scores=True, wanted="a whole number from 0 is wanted"),
    ] = 0

    MACHINE: ClassVar[frozenset[str]] = frozenset({"workers", "dask"})
    """Where a run works: changes no figure, so a suite takes these on its command line too, and its file need not name them."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Check options given by name.

        Raises UserError, in one line, for what is no such option or no value of it.
        """
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            raise UserError(_fault(error)) from None

    @property
    def targets_asked(self) -> bool:
        """Return whether targets were named, be they the default ones."""
        return "targets" in self.model_fields_set

    def merged(self, other: BaseModel) -> Self:
        """Return these options, with those that `other` was given instead."""
        given = {name: getattr(other, name) for name in other.model_fields_set if name in type(self).model_fields}
        return self.model_copy(update=given)

    def published(self) -> Self:
        """Return the options without a file's name or an address."""
        hidden: dict[str, Any] = {
            "scenarios": tuple(FILE if is_file(scenario) else scenario for scenario in self.scenarios),
            "claims": (Path(FILE),) * len(self.claims),
            "dask": None if self.dask is None else ADDRESS,
        }
        for name in ("exclude", "threshold_from"):
            hidden[name] = None if getattr(self, name) is None else Path(FILE)
        return self.model_copy(update=hidden)

    def as_flags(self) -> list[tuple[str, Any]]:
        """Return what differs from the defaults, as flags.

        Of each its flag on the command line, and its value or a list of values.
        """
        fields = type(self).model_fields
        given = [(flag.name, getattr(self, name)) for name, flag in flags() if getattr(self, name) != fields[name].default]
        return [
            (name, [Path(one) if one == FILE else one for one in value] if isinstance(value, tuple) else value)
            for name, value in given
        ]


def is_file(scenario: str) -> bool:
    """Return whether a scenario's name is that of a file."""
    return scenario.endswith(".toml") or "/" in scenario or "\\" in scenario


def flags(*, of_scores: bool = False) -> Iterator[tuple[str, Flag]]:
    """Yield every option's name and flag, in help's order.

    of_scores: only those that a score file takes too.
    """
    for name, field in Options.model_fields.items():
        flag = next(part for part in field.metadata if isinstance(part, Flag))
        if flag.of_scores or not of_scores:
            yield name, flag


def repeats(name: str) -> bool:
    """Return whether an option may be given several times."""
    return get_origin(Options.model_fields[name].annotation) is tuple


def value_type(name: str) -> Any:
    """Return the type of one value of an option.

    It is str, int, float, bool or Path.
    """
    kind: Any = Options.model_fields[name].annotation
    while kind not in (str, int, float, bool, Path):
        kind = str if get_origin(kind) is Literal else next(argument for argument in get_args(kind) if argument is not type(None))
    return kind


def python_type(name: str) -> Any:
    """Return an option's type as a keyword, without its bounds."""
    kind = value_type(name)
    if repeats(name):
        return Sequence[kind]  # type: ignore[valid-type]
    return kind | None if Options.model_fields[name].default is None else kind


def helped(name: str) -> str:
    """Return what an option is for, as Python says it.

    These are also the words of a suite's file.
    """
    return in_python(dict(flags())[name].help)


def in_python(message: str) -> str:
    """Return a message with each flag as its keyword.

    That is what it is called in Python, and the key in a suite's file.
    """
    names = {flag.name: name for name, flag in flags()}
    return re.sub(r"--[a-z][a-z-]*", lambda found: names.get(found[0], found[0].removeprefix("--")), message)


def _fault(error: ValidationError) -> str:
    """Return a message about the first mistake."""
    wrong = error.errors()[0]
    name, given = str(wrong["loc"][0]), wrong["input"]
    known = dict(flags())
    if wrong["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, known, 1)
        return f"there is no option {name!r}: {f'did you mean {close[0]}?' if close else 'known are ' + ', '.join(known)}"
    flag = known[name]
    if repeats(name) and len(wrong["loc"]) == 1:
        return f"{flag.name} is a list: write {name}=[{given!r}], not {name}={given!r}"
    expected = flag.wanted or wrong["msg"].removeprefix("Value error, ")
    return f"{flag.name} {f'{given:g}' if isinstance(given, float) else given}: {expected}"
