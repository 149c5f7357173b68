"""What is typed after `-m`: a model's name or the path of a card, and options after a colon: `sface:detector=hog`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from faceparity.datasets.common.errors import UserError


class Spec(NamedTuple):
    """A parsed model specification. base: a name, or the path of a .toml file; options: by name, as typed, sorted."""

    base: str
    options: Mapping[str, str]

    @property
    def is_file(self) -> bool:
        """Return whether a user's card describes the model."""
        return self.base.endswith(".toml")


def parse(text: str) -> Spec:
    r"""Split a model specification into its name and options.

    Raises UserError for options that are not NAME=VALUE, or twice the same. A colon that belongs to a path (C:\cards\mine.toml) is left
    alone: only what follows the name or `.toml` are options.
    """
    if ".toml" in text:
        base, dot, rest = text.partition(".toml")
        base, rest = base + dot, rest
    else:
        base, _, rest = text.partition(":")
        rest = ":" + rest if ":" in text else ""
    if not rest:
        return Spec(base, {})
    if not rest.startswith(":") or not base:
        raise UserError(f"-m {text}: write NAME, NAME:OPTION=VALUE or the path of a card that ends in .toml")
    options: dict[str, str] = {}
    for part in rest[1:].split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not (name and equals and value):
            raise UserError(f"-m {text}: an option is written NAME=VALUE, as in {base}:detector=hog")
        if name in options:
            raise UserError(f"-m {text}: {name} is given twice")
        options[name] = value
    return Spec(base, dict(sorted(options.items())))


def published(text: str) -> str:
    """Return the specification as a record may publish it.

    A path becomes <file>, so that no folder's name is published.
    """
    spec = parse(text)
    base = "<file>" if spec.is_file or os.sep in spec.base else spec.base
    return titled(base, spec.options)


def titled(name: str, options: Mapping[str, str]) -> str:
    """Return NAME:OPTION=VALUE,… for a name and its options.

    The name alone where there are no options.
    """
    return name + (":" + ",".join(f"{key}={value}" for key, value in options.items()) if options else "")
