"""Read the TOML files that users write: cards, scenarios, claims, suites."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import TooLargeError, read_regular

M = TypeVar("M", bound=BaseModel)

MAX_BYTES = 1 << 20
"""Maximum size of a file; those that people write are smaller."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    It is UTF-8, with or without a byte order mark. Raises UserError, one line naming the file, for one that can't be
    read, is larger than 1 MiB, nests too deep or is no TOML.
    """
    return parse_toml(read_bytes(path), path.name)


def read_bytes(path: Path) -> bytes:
    """Read the bytes of a TOML file.

    For callers that also want its sha256. Raises UserError.
    """
    try:
        return read_regular(path, MAX_BYTES)
    except TooLargeError as error:
        raise UserError(f"{path.name}: {error.strerror}: is it the right file?") from error
    except OSError as error:
        raise UserError(f"{path}: can't be read ({error.strerror})") from error


def parse_toml(data: bytes, name: str) -> dict[str, Any]:
    """Parse the bytes of a TOML file.

    name: what errors call it. Raises UserError.
    """
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is not a TOML file: not text in UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{name} is not a TOML file: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise UserError(f"{name} is not a TOML file of ours: it nests too deep") from error


def validate_fields(kind: type[M], fields: Mapping[str, Any], name: str) -> M:
    """Validate the fields of a TOML file as `kind`.

    name: what errors call the file. Raises UserError with the first thing that is wrong.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise UserError(f"{name}: {first_fault(error, kind)}") from None


def first_fault(error: ValidationError, kind: type[BaseModel]) -> str:
    """Return the first thing that is wrong in a file.

    The text names the key (items of lists counted from 1) and says what is wrong with it.
    """
    return faults(error, kind)[0]


def faults(error: ValidationError, kind: type[BaseModel]) -> list[str]:
    """Return everything that is wrong in a file.

    One text each, in the form of `first_fault`.
    """
    return [_fault(fault, kind) for fault in error.errors()]


def _fault(fault: ErrorDetails, kind: type[BaseModel]) -> str:
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = f": known are {', '.join(kind.model_fields)}" if len(fault["loc"]) == 1 else "; remove it or correct its spelling"
        return f"there is no key {key!r}{known}"
    if fault["type"] == "missing":
        return f"{key} is missing"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message
