"""The command of a run as its record shows it.

It is put together again from the options as read, so that no path can slip through.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

Given = str | int | float | bool | Path | None


def published_command(name: str, options: Iterable[tuple[str, Given | Sequence[Given]]], files: int = 0) -> str:
    """Return `faceparity NAME` with score files and options.

    As a shell would take it. An option that is None, False or empty was not given. Folders of data sets are <root>, the folder of
    results is <out> and any other file <file>, however they were typed.
    """
    words = ["faceparity", name, *["<file>"] * files]
    for option, value in options:
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        for item in values:
            if item is True:
                words.append(option)
            elif item is not None and item is not False:
                words += [option, _hidden(option, item)]
    return " ".join(words)


def _hidden(option: str, value: Given) -> str:
    """Return a value with paths replaced."""
    if option == "-d":
        name, equals, _ = str(value).partition("=")
        return shlex.quote(name) + ("=<root>" if equals else "")
    if option == "-m":
        from faceparity.harness.models.base.spec import published

        return published(str(value))
    if option == "--out":
        return "<out>"
    if isinstance(value, Path):
        return "<file>"
    return shlex.quote(str(value))
