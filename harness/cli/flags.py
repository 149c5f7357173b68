"""Options of a run as options of a command: made from their one declaration, so that no command can lack one or call it otherwise."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

import typer

from faceparity.harness.options import Flag, Options, flags, repeats, value_type

Command = Callable[..., None]


def with_options(names: Mapping[str, Flag], after: str) -> Callable[[Command], Command]:
    """Give a command that takes **keywords these options, each by its name; after: its own parameter before them in the help."""

    def decorated(command: Command) -> Command:
        hints = get_type_hints(command, include_extras=True)
        own = [
            p.replace(annotation=hints[p.name], kind=inspect.Parameter.KEYWORD_ONLY)
            for p in inspect.signature(command).parameters.values()
            if p.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        at = next(i for i, p in enumerate(own) if p.name == after) + 1
        parameters = [*own[:at], *(_parameter(name, flag) for name, flag in names.items()), *own[at:]]
        command.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": hints["return"]}
        command.__signature__ = inspect.Signature(parameters, return_annotation=hints["return"])  # type: ignore[attr-defined]
        return command

    return decorated


def options_of_a_run() -> dict[str, Flag]:
    """Return every option, by name."""
    return dict(flags())


def options_of_scores() -> dict[str, Flag]:
    """Return the options that a score file takes too, by name."""
    return dict(flags(of_scores=True))


def options_of_the_machine() -> dict[str, Flag]:
    """Return the options that say where the work is done, by name."""
    return {name: flag for name, flag in flags() if name in Options.MACHINE}


def given(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not typed, so that the options' own defaults stand."""
    return {name: value for name, value in asked.items() if value is not None and value != [] and value is not False}


def _parameter(name: str, flag: Flag) -> inspect.Parameter:
    """One option, as typer reads it: None, or False for a switch, where it is not typed."""
    kind = value_type(name)
    several = repeats(name)
    told = flag.help + (" May be repeated." if several else "")
    option = typer.Option(flag.name, metavar=flag.metavar or None, help=told, show_default=False)
    annotation: Any = bool if kind is bool else (list[kind] | None) if several else (kind | None)  # type: ignore[valid-type]
    default = False if kind is bool else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[annotation, option])
