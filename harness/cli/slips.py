"""Say what was probably meant by an argument that the command line does not take."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

_NUMBER = re.compile(r"(?P<whole>\d+)(?:[.,](?P<rest>\d+))?\s*(?P<percent>%?)")
_INVALID = re.compile(r"Invalid value for '(?P<option>--[a-z-]+)'")
_EXTRA = re.compile(r"unexpected extra arguments?(?:\(s\))? \((?P<first>.*)\)")


def meant(text: str, arguments: Sequence[str]) -> str | None:
    """Return one line that says what to write; None if that is not plain.

    text: the command line's own message. arguments: everything that was typed.
    """
    return _number(text, arguments) or _extra(text, arguments)


def _number(text: str, arguments: Sequence[str]) -> str | None:
    """Explain a number typed as a percentage, or with a decimal comma."""
    option = invalid["option"] if (invalid := _INVALID.search(text)) else ""
    for typed in _values(option, arguments):
        number = _NUMBER.fullmatch(typed.strip())
        if option and number and (number["percent"] or "," in typed):
            value = float(f"{number['whole']}.{number['rest'] or 0}") / (100 if number["percent"] else 1)
            return f"{option} {typed}: write {value:.12g}, a number with a point and without a percent sign"
    return None


def _values(option: str, arguments: Sequence[str]) -> list[str]:
    """Return what was typed as an option's values."""
    after = [value for name, value in itertools.pairwise(arguments) if name == option]
    return after + [argument.partition("=")[2] for argument in arguments if argument.startswith(f"{option}=")]


def _extra(text: str, arguments: Sequence[str]) -> str | None:
    """Explain a data set or model that was typed without its option."""
    from faceparity.datasets.registry import dataset_names
    from faceparity.harness.models.registry import model_names

    if arguments[:1] != ["run"] or not (extra := _EXTRA.search(text)):
        return None
    typed = next((argument for argument in arguments[1:] if extra["first"].startswith(argument) and argument), "")
    name = typed.partition("=")[0]
    if name in dataset_names():
        return f"{typed} is a data set: write -d {shlex.quote(typed)}"
    if typed.partition(":")[0] in model_names():
        return f"{typed} is a model: write -m {shlex.quote(typed)}"
    if typed and Path(typed).expanduser().is_dir():
        return f"{typed} is a folder: write -d {shlex.quote('folder=' + typed)} for the pictures in it"
    return None
